/* bench.h: a field of one wire and one device, a profile and a fake slave, set up for one test. */
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
	void *field;  /* opened by the first poll, so that a test may still change what stands above */
	wy_ms skew_ms; /* added to the clock, to let a minute pass */
	struct wy_sample samples[BENCH_POINTS]; /* of the latest report */
	struct sensor_report report;
	unsigned n_reports;
	char learned[WY_LEARNED_BYTES_MAX]; /* of the latest report that brought something */
	unsigned wrong, right, unusable; /* values of all polls so far */
};

/* n points, u16 registers 0.. of the holding area (or bits of the discrete area), all of class F.
 */
struct bench *bench_new(bool is_serial, bool is_bits, unsigned n, unsigned timeout_ms,
			const struct fake_step *steps, size_t n_steps);
void bench_free(struct bench *bench);
/* WY_E_NOMEM and the like: the driver would not open. */
enum wy_err bench_open(struct bench *bench);
/* As a program that starts again: what is above was changed. */
void bench_close(struct bench *bench);
/* Of this point in the latest report; aborts if it is not in it. */
const struct wy_sample *bench_sample(const struct bench *bench, uint32_t point);
/* Poll once and hold every usable value against the requests of this very poll. */
enum wy_err bench_poll(struct bench *bench);

#endif
