/* bench.h: a wire, a profile and a fake slave, set up for one test. */
#ifndef SENSORS_TEST_BENCH_H
#define SENSORS_TEST_BENCH_H

#include "fake_slave.h"
#include "modbus.h"

enum { BENCH_POINTS = 16, BENCH_UNIT = 5 };

struct bench {
	struct fake_slave slave;
	unsigned char memory[65536];
	struct wy_arena arena;
	struct sensor_profile_point points[BENCH_POINTS];
	struct sensor_profile profile;
	struct sensor_device_conf device;
	struct sensor_wire_conf conf;
	struct modbus_wire *wire;
	struct wy_sample samples[BENCH_POINTS];
	struct sensor_report report;
	unsigned wrong, right, unusable; /* values of all polls so far */
};

/* n points, u16 registers 0.. of the holding area (or bits of the discrete area), all of class F.
 */
struct bench *bench_new(bool is_serial, bool is_bits, unsigned n, unsigned timeout_ms,
			const struct fake_step *steps, size_t n_steps);
void bench_free(struct bench *bench);
/* Poll once and hold every usable value against the requests of this very poll. */
enum wy_err bench_poll(struct bench *bench);

#endif
