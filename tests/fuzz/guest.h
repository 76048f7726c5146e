/* guest.h: one driver with one device, for the fuzz targets that feed a driver: whatever the device says, reports stay
 * within their profile. Time is made: it goes on when the target says so. */
#ifndef FUZZ_GUEST_H
#define FUZZ_GUEST_H

#include <stdint.h>

#include "driver.h"
#include "drivers.h"

enum { GUEST_POINTS = 16 };

struct guest {
	const struct sensor_driver *driver;
	void *field;
	wy_ms now_ms, next_ms; /* next_ms: when the driver asked to be stepped */
	uint64_t reports;
	struct sensor_profile profile;
	struct sensor_wire_conf wire;
	struct sensor_device_conf device;
	struct wy_arena arena;
	struct wy_diags diags;
};

/* guest->profile, wire and device are set by the target; points are those of profile.points. */
void guest_open(struct guest *guest, const struct sensor_driver *driver);
void guest_step(struct guest *guest);
/* To the instant the driver asked for, at most `most_ms` on. */
void guest_wait(struct guest *guest, wy_ms most_ms);
void guest_close(struct guest *guest);

/* The bytes of the fuzzer, taken from the front. */
struct food {
	const uint8_t *at;
	size_t n;
};
uint8_t food_byte(struct food *food); /* 0 when none are left */
/* The next bytes, as many as the byte before them says and no more than there are. */
size_t food_bytes(struct food *food, const uint8_t **ret_bytes);

#endif
