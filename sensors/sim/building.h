/* building.h: the simulated devices and what stands in their registers. Pure: no socket, no clock.
 *
 * Every change goes through sim_building_set(), sim_building_plug() and sim_building_arm(), whoever
 * asks (timeline, control socket), and is told to the listener, which writes the truth and wakes
 * observers. */
#ifndef SIM_BUILDING_H
#define SIM_BUILDING_H

#include "encode.h"
#include "quirk.h"
#include "sensor.h"

enum sim_kind { SIM_TCP, SIM_RTU, SIM_COAP };

/* Registers that answer: runs of points, joined where the hole is at most the profile's max_gap
 * (16 times that for bits). Holes read as 0; everything outside is exception 2. */
struct sim_span {
	enum sensor_area area;
	uint32_t first, end; /* end is one past the last */
	uint16_t *words;     /* bits: 0 or 1 each */
};

struct sim_device {
	const char *id;
	enum sim_kind kind;
	const struct sensor_profile *profile;
	uint32_t wire; /* index */
	uint8_t unit;
	bool is_unplugged;
	struct sim_value *values; /* [profile->n_points] */
	struct sim_span *spans;
	size_t n_spans;
	struct sim_armed armed[SIM_QUIRK_COUNT];
	wy_ms busy_until_ms; /* one answer after the other, as a small device does */
	/* CoAP */
	const char *psk_identity; /* NULL: plain */
	const uint8_t *psk_key;
	size_t psk_key_len;
	wy_ms max_age_ms;
};

/* A TCP port, a serial bus or a CoAP port, with the devices behind it. */
struct sim_wire {
	enum sim_kind kind;
	const char *host;
	uint16_t port; /* 0: any; filled in once listening */
	const char *link;
	int baud; /* answers on a bus take as long as their bytes at this speed */
	uint32_t *devices;
	size_t n_devices;
};

enum sim_event { SIM_EVENT_SET, SIM_EVENT_PLUG, SIM_EVENT_UNPLUG, SIM_EVENT_QUIRK };

struct sim_change {
	enum sim_event event;
	uint32_t device;
	uint32_t point; /* SET */
	enum sim_quirk_id quirk;
	int64_t arg;
	uint32_t count;
	const char *note; /* NULL: none */
};

struct sim_building {
	struct sim_device *devices;
	size_t n_devices;
	struct sim_wire *wires;
	size_t n_wires;
	void (*changed)(void *arg, const struct sim_change *change); /* may be NULL */
	void *arg;
};

/* Lay out the registers of a device and fill them with defaults. WY_E_NOMEM; WY_E_LIMIT: a default
 * does not fit its registers, *ret_point then says which. */
WY_MUST_CHECK enum wy_err sim_device_lay_out(struct sim_device *device, struct wy_arena *arena,
					     uint32_t *ret_point);

/* "lift2-io.in_door_zone": ids may hold dots, so every dot is tried. WY_E_NOTFOUND. */
WY_MUST_CHECK enum wy_err sim_building_find(const struct sim_building *building, const char *name,
					    uint32_t *ret_device, uint32_t *ret_point);
/* SIZE_MAX: no such device. */
size_t sim_building_find_device(const struct sim_building *building, const char *id);
/* SIZE_MAX: no such point. */
size_t sim_device_find_point(const struct sim_device *device, const char *name);

/* Errors of sim_encode(); nothing changed then. Told also when the value is what it was. */
WY_MUST_CHECK enum wy_err sim_building_set(struct sim_building *building, uint32_t device,
					   uint32_t point, const struct sim_value *value,
					   const char *note);
void sim_building_plug(struct sim_building *building, uint32_t device, bool is_plugged,
		       const char *note);
/* Whether a misbehaviour with this argument exists on the wire of the device. */
bool sim_quirk_suits(const struct sim_device *device, enum sim_quirk_id quirk, int64_t arg);
/* WY_E_UNSUPPORTED: it does not. count 0 disarms. */
WY_MUST_CHECK enum wy_err sim_building_arm(struct sim_building *building, uint32_t device,
					   enum sim_quirk_id quirk, int64_t arg, uint32_t count,
					   const char *note);

/* count registers or bits, one to a word. false: illegal address. */
bool sim_device_read(const struct sim_device *device, enum sensor_area area, uint32_t first,
		     uint32_t count, uint16_t *ret_words);
/* Multiply a value in the point's unit by this to have it in the unit the device reports in now. */
double sim_device_ratio(const struct sim_device *device, const struct sensor_profile_point *point);

#endif
