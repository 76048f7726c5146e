/* driver.h: what a family of devices looks like from outside: one constant, one row in drivers.def.
 *
 * A driver serves all devices of its kinds of wire in one field. It does its own scheduling, owns its connections and
 * nothing else; rules, tickets and the store are unknown to it.
 *
 * Life     open, any number of steps, close. Memory of ours comes from the caller's arena; what a library keeps on the
 *          heap goes with close. Nothing is sent before the first step.
 * Threads  one thread at a time; frames() too.
 * Time     now_ms is handed in: mono milliseconds. A driver reads no clock and never waits.
 * Errors   a device that is silent, gone or refuses us is a report, never a reason to end. */
#ifndef SENSOR_DRIVER_H
#define SENSOR_DRIVER_H

#include "sensor.h"

struct sensor_field_parts {
	const struct sensor_wire_conf *wires; /* of the whole site, as devices; borrowed for the life of the field */
	const struct sensor_device_conf *devices;
	const uint32_t *mine; /* indices of the devices to serve; copied */
	size_t n_mine;
	struct wy_arena *arena;
	uint64_t seed; /* spreads first requests and feeds jitter */
	sensor_take take;
	void *arg;
	struct wy_diags *diags;
	wy_ms now_ms; /* mono, at the opening */
	wy_ms least_wall_ms; /* Unix milliseconds: this has passed for certain, whatever the machine's clock shows; 0: unknown */
};

#define SENSOR_NO_WIRE UINT32_MAX

/* One exchange as it went over a wire, for `weiyu sniff`. Without a request: bytes nobody waited for, err TIMEOUT for a late
 * answer (took_ms after its request), PROTOCOL for anything else. */
struct sensor_frame {
	uint64_t number; /* of this wire, from 1 on */
	wy_ms sent_ms;	 /* mono; without a request: when it was noticed, less took_ms */
	wy_ms took_ms;	 /* until answered or given up */
	uint32_t wire;	 /* index */
	enum wy_err err;
	uint16_t n_request, n_answer;                           /* bytes on the wire; more than kept below is cut */
	uint8_t request[WY_REQUEST_KEPT];
	uint8_t answer[WY_FRAME_KEPT]; /* also where it was not believed */
};

struct sensor_driver {
	const char *name; /* as in drivers.def */
	/* Keys of its own, beside the common ones, for its wires, its devices and the points of its profiles. They are read
	 * into the options of sensor_wire_conf, sensor_device_conf and sensor_profile_point. NULL: none. */
	const struct sensor_options *wire, *device, *point;
	/* WY_E_INVALID with words in diags; WY_E_LIMIT (arena, ceilings); WY_E_NOMEM; WY_E_IO (descriptors). */
	enum wy_err (*open)(const struct sensor_field_parts *parts, void **ret_field);
	/* An epoll descriptor, owned by the field: wait on it for reading, level triggered. */
	int (*fd)(const void *field);
	/* Take what has arrived, send what is due, never wait. Returns when to call again at the latest (WY_MS_NEVER);
	 * call earlier when the descriptor is readable. */
	wy_ms (*step)(void *field, wy_ms now_ms);
	/* Ask every point of one device at the next step, texts too where the driver knows any, without spread or
	 * back-off, and count it as due for an error report. WY_E_NOTFOUND: not served here. */
	enum wy_err (*ask)(void *field, uint32_t device);
	/* Orderly end. NULL is fine. */
	void (*close)(void *field);
	/* The latest exchanges of a wire, oldest first: at most `most`, returns how many. NULL: the driver keeps none. */
	size_t (*frames)(const void *field, uint32_t wire, struct sensor_frame *ret_frames, size_t most);
	/* A wire that does not come to its turn: it should have been stepped before since_ms and was not, or waits in the
	 * middle of something for what can never come. SENSOR_NO_WIRE: all do. Asked between steps. */
	uint32_t (*late)(const void *field, wy_ms since_ms);
};

#endif
