/* bench.c: see bench.h. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"

#include <stdlib.h>

static const char *const names[BENCH_POINTS] = {"p0",  "p1",  "p2",  "p3", "p4",  "p5",
						"p6",  "p7",  "p8",  "p9", "p10", "p11",
						"p12", "p13", "p14", "p15"};

static void fill(struct bench *b, bool is_serial, bool is_bits, unsigned n, unsigned timeout_ms)
{
	for (unsigned i = 0; i < n; i++)
		b->points[i] = (struct sensor_profile_point){
			.name = names[i],
			.type = is_bits ? WY_TYPE_BOOL : WY_TYPE_INT,
			.area = is_bits ? SENSOR_DISCRETE : SENSOR_HOLDING,
			.encoding = is_bits ? SENSOR_BIT : SENSOR_U16,
			.address = (uint16_t)i,
			.scale = 1};
	b->profile = (struct sensor_profile){.id = "t",
					     .points = b->points,
					     .n_points = n,
					     .max_registers = 125,
					     .max_bits = 2000,
					     .timeout_ms = timeout_ms};
	b->device = (struct sensor_device_conf){
		.id = "d", .profile = &b->profile, .unit_id = BENCH_UNIT};
	b->conf = (struct sensor_wire_conf){.id = "w",
					    .kind = is_serial ? SENSOR_WIRE_RTU : SENSOR_WIRE_TCP,
					    .host = "127.0.0.1",
					    .port = b->slave.port,
					    .tty = b->slave.tty,
					    .baud = 115200,
					    .parity = 'N',
					    .data_bits = 8,
					    .stop_bits = 1,
					    .connect_ms = 2000};
	b->report.sample = b->samples;
	b->report.n_max = BENCH_POINTS;
}

struct bench *bench_new(bool is_serial, bool is_bits, unsigned n, unsigned timeout_ms,
			const struct fake_step *steps, size_t n_steps)
{
	static const uint32_t mine[] = {0};
	struct bench *b = calloc(1, sizeof(*b));
	int failed = !b		 ? -1
		     : is_serial ? fake_start_pty(&b->slave, BENCH_UNIT, steps, n_steps)
				 : fake_start_tcp(&b->slave, BENCH_UNIT, steps, n_steps);

	if (failed)
		abort();
	fill(b, is_serial, is_bits, n, timeout_ms);
	wy_arena_init(&b->arena, b->memory, sizeof(b->memory));
	if (modbus_wire_new(&b->conf, &b->device, mine, 1, &b->arena, fake_now_ms, NULL, &b->wire))
		abort();
	return b;
}

void bench_free(struct bench *b)
{
	modbus_wire_free(b->wire);
	fake_stop(&b->slave);
	free(b);
}

static bool does_fit(const struct bench *b, const struct wy_sample *sample, unsigned request)
{
	unsigned i = sample->point;

	if (b->points[i].area == SENSOR_HOLDING)
		return sample->whole == fake_value(i, request);
	/* The slave writes the low byte of the request's number into the first byte of bits, plus
	 * one into the second; an other-shape read may start at bit 8. */
	bool is_first = sample->whole == (int64_t)(((request + i / 8) >> (i % 8)) & 1);
	bool is_second_part = i >= 8 && sample->whole == (int64_t)((request >> (i % 8)) & 1);
	return is_first || is_second_part;
}

enum wy_err bench_poll(struct bench *b)
{
	unsigned before = atomic_load(&b->slave.requests);
	enum wy_err err = modbus_wire_poll(b->wire, 0, 1u << SENSOR_FAST, &b->report);
	unsigned after = atomic_load(&b->slave.requests);

	for (uint32_t i = 0; i < b->report.n; i++) {
		bool is_right = false;
		if (!wy_quality_is_usable(b->samples[i].quality)) {
			b->unusable++;
			continue;
		}
		for (unsigned k = before + 1; k <= after; k++)
			is_right |= does_fit(b, &b->samples[i], k);
		b->right += is_right;
		b->wrong += !is_right;
	}
	return err;
}
