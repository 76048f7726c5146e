/* coap_world.h: the CoAP driver and the devices it talks to (fake_device.h), for one test.
 *
 * The field's time is the real one plus a skew, so that minutes pass at once where a test wants
 * them to; libcoap's retransmission lives in real time. */
#ifndef COAP_WORLD_H
#define COAP_WORLD_H

#include "coap_field.h"
#include "fake_device.h"

#define DEVICES 2
#define TIMEOUT_MS 200
#define PATIENCE_MS 20000
#define BUSY_MS 8000 /* a machine with much else to do may be late by so long */
#define KEPT 512

struct kept {
	struct sensor_report report;
	struct wy_sample sample[8];
};

struct world {
	struct fake_device fake[DEVICES];
	struct sensor_profile_point points[DEVICES][3];
	struct sensor_profile profile[DEVICES];
	struct sensor_wire_conf wire[DEVICES];
	struct sensor_device_conf device[DEVICES];
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct coap_field *field;
	wy_ms skew_ms;
	size_t n_kept;
	struct kept kept[KEPT];
};

wy_ms real_ms(void);
/* Let the field and the devices work for one turn; never longer than 20 ms. Returns what the step
 * returned. */
wy_ms turn(struct world *world);
void pass(struct world *world, wy_ms span_ms);

/* Work until `is_true`, which must come to hold. */
#define until(world, is_true)                                                                      \
	do {                                                                                       \
		wy_ms until_ms = real_ms() + PATIENCE_MS;                                          \
		while (!(is_true)) {                                                               \
			if (real_ms() > until_ms)                                                  \
				fail_msg("waited in vain for " #is_true);                          \
			turn(world);                                                               \
		}                                                                                  \
	} while (0)

/* The latest sample of a point of a device, or NULL. */
const struct wy_sample *latest(const struct world *world, uint32_t device, uint32_t point);
bool has_value(const struct world *world, uint32_t device, uint32_t point, int64_t whole);
bool has_why(const struct world *world, uint32_t device, uint32_t point, enum wy_why why);
/* Reports of a device with this err. */
size_t count(const struct world *world, uint32_t device, enum wy_err err);
const struct sensor_report *latest_report(const struct world *world, uint32_t device);

/* For cmocka: a world whose devices have one leak sensor each, and its end. */
int set_up(void **state);
int tear_down(void **state);
/* The driver for the first n devices. */
void begin(struct world *world, size_t n);
/* Make the leak sensor of a device observed and observable. */
void observe(struct world *world, uint32_t device, enum sensor_poll_class poll);
/* The report function of the field; arg is the world. */
void keep(void *arg, const struct sensor_report *report);
/* A pack of len bytes whose only record stands at its end. To be freed. */
char *long_pack(size_t len);

#define each(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
