/* building.h: the simulated devices and what stands in their registers. Pure: no socket, no clock.
 *
 * Every change goes through sim_building_set(), sim_building_plug() and sim_building_arm(), whoever
 * asks (timeline, control socket, the device itself), and is told to the listener, which writes the
 * truth and wakes observers.
 *
 * A device has values, which are true and stand in its registers. What a reader gets to see differs
 * while the device is frozen, or while a point of it is stuck or latched. */
#ifndef SIM_BUILDING_H
#define SIM_BUILDING_H

#include "encode.h"
#include "quirk.h"
#include "sensor.h"

#define SIM_CRASH_MS 10000 /* how long a device that was asked too often is gone */
#define SIM_BEAT_MS 1000   /* between two steps of a heartbeat */
#define SIM_UNITS 256u	   /* of one wire */

enum sim_kind { SIM_TCP, SIM_RTU, SIM_COAP };

/* Registers that answer: runs of points, joined where the hole is at most the profile's max_gap
 * (16 times that for bits). Holes read as 0; everything outside is exception 2. */
struct sim_span {
	enum sensor_area area;
	uint32_t first, end; /* end is one past the last */
	uint16_t *words;     /* bits: 0 or 1 each */
	uint16_t *before;    /* what each point held before its last change */
	uint16_t *frozen;    /* what all held when the device froze */
};

struct sim_device {
	const char *id;
	enum sim_kind kind;
	const struct sensor_profile *profile;
	uint32_t wire; /* index */
	uint8_t unit;
	bool has_xor; /* RTU: checksum of some lift boards instead of the CRC */
	uint16_t xor_seed;
	bool is_unplugged;
	struct sim_value *values; /* [profile->n_points] the truth */
	bool *is_held;		  /* [profile->n_points] readers see shown instead */
	struct sim_value *shown;  /* [profile->n_points] of those that are held */
	char **texts; /* [profile->n_points] of text points: room for both values; NULL: none */
	struct sim_span *spans;
	size_t n_spans;
	struct sim_armed armed[SIM_QUIRK_COUNT];
	wy_ms busy_until_ms; /* one answer after the other, as a small device does */
	wy_ms asked_ms, second_ms; /* last request; start of the second that n_asked counts */
	uint32_t n_asked;
	wy_ms beat_ms;	/* the heartbeat last moved */
	uint32_t dice;	/* of latency; never 0 */
	uint32_t turns; /* of the twin and of chatter */
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
	uint32_t *by_unit; /* [SIM_UNITS] index of the device + 1, 0: none; Modbus only */
};

enum sim_event { SIM_EVENT_SET, SIM_EVENT_PLUG, SIM_EVENT_UNPLUG, SIM_EVENT_QUIRK };

/* How a misbehaviour is switched: for the next `count` answers, or on (for for_ms; 0: until switched
 * off), or neither: off. */
struct sim_arming {
	enum sim_quirk_id quirk;
	int64_t arg;
	uint32_t count;
	bool is_on;
	wy_ms for_ms;
};

struct sim_change {
	enum sim_event event;
	uint32_t device;
	uint32_t point; /* SET */
	struct sim_arming arming; /* QUIRK */
	const char *note; /* NULL: none */
};

struct sim_building {
	struct sim_device *devices;
	size_t n_devices;
	struct sim_wire *wires;
	size_t n_wires;
	uint32_t n_on[SIM_QUIRK_COUNT]; /* devices at which a misbehaviour is on: most often none */
	uint64_t n_asked[256]; /* requests by function code, whoever they were for; Modbus only */
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
/* The device that hears this unit id, unplugged or not; NULL: none. */
struct sim_device *sim_wire_unit(const struct sim_building *building, const struct sim_wire *wire,
				 uint8_t unit);

/* Errors of sim_encode(); nothing changed then. Told also when the value is what it was. */
WY_MUST_CHECK enum wy_err sim_building_set(struct sim_building *building, uint32_t device,
					   uint32_t point, const struct sim_value *value,
					   const char *note);
/* Whether the registers of the point could hold it, as sim_building_set() would find. */
WY_MUST_CHECK enum wy_err sim_device_accepts(const struct sim_device *device, size_t point,
					     const struct sim_value *value);
/* What a reader sees of a point where it differs from its registers: stuck, latched; CoAP: frozen. */
const struct sim_value *sim_device_shown(const struct sim_device *device, size_t point);
void sim_building_plug(struct sim_building *building, uint32_t device, bool is_plugged,
		       const char *note);
/* Whether a misbehaviour with this argument exists on the wire of the device. */
bool sim_quirk_suits(const struct sim_device *device, enum sim_quirk_id quirk, int64_t arg);
/* WY_E_UNSUPPORTED: it does not, or a state was given a count. */
WY_MUST_CHECK enum wy_err sim_building_arm(struct sim_building *building, uint32_t device,
					   const struct sim_arming *arming, const char *note);
/* Whether a state is on. */
bool sim_device_is(const struct sim_device *device, enum sim_quirk_id state);
/* Whether a state about points (SIM_ARG_POINT) is on for this one. */
bool sim_device_concerns(const struct sim_device *device, enum sim_quirk_id state, size_t point);
/* Whether a state is on at any device of the wire; *ret_arg (may be NULL) is the first one's. */
bool sim_wire_is(const struct sim_building *building, const struct sim_wire *wire,
		 enum sim_quirk_id state, int64_t *ret_arg);

/* Multiply a value in the point's unit by this to have it in the unit, and at the factor, the device
 * reports in now. */
double sim_device_ratio(const struct sim_device *device, const struct sensor_profile_point *point);

#endif
