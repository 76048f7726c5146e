/* bench.c: see bench.h. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stepping.h"

enum { PATIENCE_MS = 200000 };

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
					     .class_ms = {3600000},
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
}

struct bench *bench_new(bool is_serial, bool is_bits, unsigned n, unsigned timeout_ms,
			const struct fake_step *steps, size_t n_steps)
{
	struct bench *b = calloc(1, sizeof(*b));
	int failed = !b		 ? -1
		     : is_serial ? fake_start_pty(&b->slave, BENCH_UNIT, steps, n_steps)
				 : fake_start_tcp(&b->slave, BENCH_UNIT, steps, n_steps);

	if (failed)
		abort();
	fill(b, is_serial, is_bits, n, timeout_ms);
	return b;
}

static wy_ms now(const struct bench *b)
{
	return stepping_now() + b->skew_ms;
}

static void take(void *arg, const struct sensor_report *report)
{
	struct bench *b = arg;

	b->n_reports++;
	b->report = *report;
	memcpy(b->samples, report->sample, report->n * sizeof(*report->sample));
	b->report.sample = b->samples;
	if (report->learned)
		snprintf(b->learned, sizeof(b->learned), "%s", report->learned);
}

enum wy_err bench_open(struct bench *b)
{
	static const uint32_t mine[] = {0};
	const struct sensor_field_parts parts = {.wires = &b->conf,
						 .devices = &b->device,
						 .mine = mine,
						 .n_mine = 1,
						 .arena = &b->arena,
						 .now_ms = now(b),
						 .take = take,
						 .arg = b};

	wy_arena_init(&b->arena, b->memory, sizeof(b->memory));
	return sensor_driver_modbus.open(&parts, &b->field);
}

void bench_close(struct bench *b)
{
	sensor_driver_modbus.close(b->field);
	b->field = NULL;
}

void bench_free(struct bench *b)
{
	bench_close(b);
	fake_stop(&b->slave);
	free(b);
}

const struct wy_sample *bench_sample(const struct bench *b, uint32_t point)
{
	for (uint32_t i = 0; i < b->report.n; i++)
		if (b->samples[i].point == point)
			return &b->samples[i];
	abort();
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

static void hold_against(struct bench *b, unsigned before, unsigned after)
{
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
}

enum wy_err bench_poll(struct bench *b)
{
	unsigned before = atomic_load(&b->slave.requests);

	if (!b->field && bench_open(b))
		abort();
	if (sensor_driver_modbus.ask(b->field, 0))
		abort();
	if (!stepping_until_moved(&sensor_driver_modbus, b->field, &b->n_reports, b->skew_ms, PATIENCE_MS))
		abort();
	hold_against(b, before, atomic_load(&b->slave.requests));
	return b->report.err;
}
