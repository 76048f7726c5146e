/* modbus_learned_test.c: devices that refuse this and that, and what is left of their points after a few polls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "modbus_learned.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))
#define ALL 0xFu
#define POINTS 60
#define SPACE 700
#define DAY_MS (24 * 3600000)

static unsigned char memory[1 << 19];
static const struct sensor_cost costly = {40000, 1000};

static uint32_t next(uint32_t *seed, uint32_t bound)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % bound;
}

/* ---- A device ----------------------------------------------------------------------------------- */

struct device {
	struct sensor_profile_point points[POINTS];
	struct sensor_profile profile;
	bool is_illegal[4][SPACE];
	bool has_no_area[4];
	uint16_t max_registers; /* 0: any */
	uint8_t length_exception;
	bool is_mute; /* says nothing to what it does not have */
	uint32_t n_troubles; /* so many requests in a hundred go wrong */
	uint32_t seed;
	struct sensor_plan plan;
	struct modbus_learned learned;
	wy_ms now_ms;
	unsigned failures;
	/* Of the last poll */
	unsigned n_requests;
	bool is_given[POINTS], is_listed[POINTS];
	bool is_over;
};

static void make_profile(struct device *device, size_t n)
{
	device->profile = (struct sensor_profile){.points = device->points,
						  .n_points = n,
						  .max_registers = 125,
						  .max_bits = 2000,
						  .max_gap = 8};
}

static void start_over(struct device *device, const char *text)
{
	struct wy_arena arena;

	wy_arena_init(&arena, memory, sizeof(memory));
	assert_int_equal(sensor_plan_init(&device->plan, &device->profile, costly, &arena), WY_OK);
	assert_int_equal(modbus_learned_init(&device->learned, &device->plan, text, 1, device->now_ms, &arena),
			 WY_OK);
}

static void point_at(struct device *device, size_t i, enum sensor_area area, uint16_t address)
{
	device->points[i] = (struct sensor_profile_point){
		.name = "p",
		.area = area,
		.address = address,
		.encoding = sensor_area_is_bits(area) ? SENSOR_BIT : SENSOR_U16};
}

/* n input registers from 0 on. */
static void make_row(struct device *device, size_t n)
{
	*device = (struct device){.length_exception = 3};
	for (size_t i = 0; i < n; i++)
		point_at(device, i, SENSOR_INPUT, (uint16_t)i);
	make_profile(device, n);
	start_over(device, NULL);
}

static bool is_legal(const struct device *device, const struct sensor_extent *extent)
{
	for (uint32_t at = extent->first; at < extent->end; at++)
		if (device->is_illegal[extent->area][at])
			return false;
	return !device->has_no_area[extent->area];
}

static bool is_legal_point(const struct device *device, uint32_t point)
{
	struct sensor_extent extent = sensor_plan_extent(&device->plan, point);

	return is_legal(device, &extent);
}

/* Exception code; 0: given; 255: silence. */
static uint8_t answer(struct device *device, const struct sensor_block *block)
{
	static const uint8_t troubles[] = {1, 2, 3, 4, 6, 255};
	struct sensor_extent span = {block->area, block->address, (uint32_t)block->address + block->count};

	if (next(&device->seed, 100) < device->n_troubles)
		return troubles[next(&device->seed, COUNT(troubles))];
	if (device->has_no_area[block->area])
		return device->is_mute ? 255 : 1;
	if (device->max_registers && !sensor_area_is_bits(block->area) && block->count > device->max_registers)
		return device->is_mute ? 255 : device->length_exception;
	if (!is_legal(device, &span))
		return device->is_mute ? 255 : 2;
	return 0;
}

static enum modbus_outcome outcome_of(uint8_t code, bool has_answered)
{
	if (code == 0)
		return MODBUS_GIVEN;
	if (code != 255)
		return MODBUS_EXCEPTION;
	return has_answered ? MODBUS_SILENT : MODBUS_FAILED;
}

static void list(struct device *device, const struct sensor_reads *reads, const struct sensor_block *block,
		 bool is_given)
{
	for (uint16_t i = block->first; i < block->end; i++) {
		assert_false(device->is_listed[reads->point[i]]);
		device->is_listed[reads->point[i]] = true;
		device->is_given[reads->point[i]] = is_given;
	}
}

/* As a driver does it. */
static void poll_classes(struct device *device, unsigned class_mask)
{
	const struct sensor_bounds *bounds = modbus_learned_bounds(&device->learned, device->now_ms);
	const struct sensor_reads *reads = sensor_plan_reads(&device->plan, class_mask, bounds);
	struct modbus_work work;
	struct modbus_task task;
	bool has_answered = false;

	device->n_requests = 0;
	device->is_over = false;
	memset(device->is_given, 0, sizeof(device->is_given));
	memset(device->is_listed, 0, sizeof(device->is_listed));
	modbus_work_begin(&work, &device->learned, reads, device->failures, device->now_ms);
	while (modbus_work_next(&work, device->now_ms, &task)) {
		if (!task.is_asked) {
			list(device, reads, &task.block, false);
			continue;
		}
		uint8_t code = answer(device, &task.block);
		enum modbus_outcome outcome = outcome_of(code, has_answered);
		has_answered |= code != 255;
		device->is_over |= outcome == MODBUS_FAILED;
		device->n_requests++;
		assert_true(device->n_requests < 4 * POINTS);
		if (modbus_work_done(&work, outcome, code, WY_WHY_TIMEOUT, device->now_ms))
			list(device, reads, &task.block, outcome == MODBUS_GIVEN);
	}
	device->failures = device->is_over ? device->failures + 1 : 0;
	for (uint32_t i = 0; !device->is_over && i < device->profile.n_points; i++)
		assert_int_equal(device->is_listed[i],
				 sensor_plan_is_asked(&device->profile, i, class_mask) &&
					 device->points[i].encoding != SENSOR_TEXT);
	device->now_ms += 1000;
}

static void poll(struct device *device)
{
	poll_classes(device, ALL);
}

/* Every point that the device has, was read in the last poll. */
static bool has_all(const struct device *device)
{
	for (uint32_t i = 0; i < device->profile.n_points; i++)
		if (device->is_given[i] != is_legal_point(device, i))
			return false;
	return true;
}

/* Whoever knew everything beforehand: how many requests for what the device has. */
static unsigned best_requests(const struct device *device, uint64_t *ret_us)
{
	static unsigned char room[1 << 19];
	static struct sensor_extent closed[4 * SPACE];
	uint8_t refused[(POINTS + 7) / 8] = {0};
	struct sensor_bounds bounds = {
		.max_registers = device->max_registers, .closed = closed, .refused = refused};
	struct wy_arena arena;
	struct sensor_plan plan;
	unsigned n = 0;

	for (uint32_t a = 0; a < 4; a++)
		for (uint32_t at = 0; at < SPACE; at++)
			if (device->is_illegal[a][at])
				closed[bounds.n_closed++] =
					(struct sensor_extent){(enum sensor_area)a, at, at + 1};
	for (uint32_t i = 0; i < device->profile.n_points; i++)
		if (!is_legal_point(device, i))
			refused[i / 8] = (uint8_t)(refused[i / 8] | 1u << i % 8);
	wy_arena_init(&arena, room, sizeof(room));
	assert_int_equal(sensor_plan_init(&plan, &device->profile, costly, &arena), WY_OK);
	const struct sensor_reads *reads = sensor_plan_reads(&plan, ALL, &bounds);
	*ret_us = 0;
	for (uint16_t b = 0; b < reads->n_blocks; b++) {
		const struct sensor_block *block = &reads->block[b];
		if (refused[reads->point[block->first] / 8] & 1u << reads->point[block->first] % 8)
			continue;
		n++;
		*ret_us += costly.request_us + (uint64_t)costly.byte_us * sensor_area_bytes(block->area, block->count);
	}
	return n;
}

/* ---- One thing at a time ------------------------------------------------------------------------ */

static void a_device_that_gives_all_is_read_as_planned(void **state)
{
	struct device device;

	(void)state;
	make_row(&device, 30);
	poll(&device);
	assert_int_equal(device.n_requests, 1);
	assert_true(has_all(&device));
	assert_false(device.learned.is_changed);
}

static void an_illegal_hole_is_found_in_one_poll_and_costs_nothing_after_it(void **state)
{
	struct device device;

	(void)state;
	make_row(&device, 20);
	for (size_t i = 10; i < 20; i++)
		point_at(&device, i, SENSOR_INPUT, (uint16_t)(i + 4)); /* 10..13 is a hole */
	device.is_illegal[SENSOR_INPUT][12] = true;
	start_over(&device, NULL);
	poll(&device);
	assert_true(has_all(&device));
	assert_true(device.learned.is_changed);
	assert_int_equal(device.n_requests, 3);
	poll(&device);
	assert_true(has_all(&device));
	assert_int_equal(device.n_requests, 2);
	assert_int_equal(device.learned.n_closed, 1);
	assert_int_equal(device.learned.closed[0].first, 10);
	assert_int_equal(device.learned.closed[0].end, 14);
}

static void a_refused_point_takes_none_of_its_neighbours_along(void **state)
{
	struct device device;

	(void)state;
	make_row(&device, 32);
	device.is_illegal[SENSOR_INPUT][7] = true;
	poll(&device);
	assert_true(has_all(&device));
	poll(&device);
	assert_true(has_all(&device));
	assert_int_equal(device.n_requests, 2); /* before it, behind it */
}

static void a_refused_point_is_asked_each_minute_then_hourly_and_taken_back(void **state)
{
	struct device device;
	unsigned n = 0;

	(void)state;
	make_row(&device, 32);
	device.is_illegal[SENSOR_INPUT][7] = true;
	poll(&device);
	for (int i = 1; i < 300; i++) {
		poll(&device);
		assert_in_range(device.n_requests, 2, 3);
		n += device.n_requests - 2;
	}
	assert_int_equal(n, 3); /* a minute each, then an hour */
	device.is_illegal[SENSOR_INPUT][7] = false;
	device.now_ms += 3600000;
	poll(&device);
	assert_true(has_all(&device));
	poll(&device);
	assert_true(has_all(&device));
	assert_int_equal(device.n_requests, 1);
}

/* A fire panel that refuses its alarms while it boots. */
static void what_was_given_before_is_asked_again_soon(void **state)
{
	struct device device;

	(void)state;
	make_row(&device, 8);
	for (int i = 0; i < 10; i++)
		poll(&device);
	device.is_illegal[SENSOR_INPUT][3] = true;
	for (int i = 0; i < 7200; i++)
		poll(&device);
	assert_false(device.is_given[3]);
	assert_true(device.is_given[2]);
	assert_false(modbus_refusal_is_settled(&device.learned.point[3]));
	device.is_illegal[SENSOR_INPUT][3] = false;
	for (int i = 0; i < 61; i++)
		poll(&device);
	assert_true(device.is_given[3]);
}

static void a_smaller_length_is_found_to_the_register(void **state)
{
	(void)state;
	for (uint16_t most = 1; most < 60; most++) {
		for (uint8_t code = 2; code <= 3; code++) {
			struct device device;
			uint64_t us;
			make_row(&device, 60);
			device.max_registers = most;
			device.length_exception = code;
			for (int i = 0; i < 12; i++)
				poll(&device);
			assert_true(has_all(&device));
			assert_int_equal(device.learned.registers.given, most);
			assert_int_equal(device.learned.registers.refused, most + 1);
			assert_int_equal(device.n_requests, best_requests(&device, &us));
		}
	}
}

static void an_unknown_function_leaves_its_area_alone(void **state)
{
	struct device device;

	(void)state;
	make_row(&device, 20);
	for (size_t i = 10; i < 20; i++)
		point_at(&device, i, SENSOR_HOLDING, (uint16_t)(20 * i));
	device.has_no_area[SENSOR_HOLDING] = true;
	start_over(&device, NULL);
	poll(&device);
	assert_true(has_all(&device));
	assert_int_equal(device.n_requests, 2);
	poll(&device);
	assert_int_equal(device.n_requests, 1);
	device.has_no_area[SENSOR_HOLDING] = false;
	device.now_ms += 60000;
	poll(&device);
	assert_true(has_all(&device));
}

static void an_area_that_was_given_before_is_not_given_up_for_exception_1(void **state)
{
	struct device device;

	(void)state;
	make_row(&device, 30);
	poll(&device);
	device.max_registers = 10;
	device.length_exception = 1;
	poll(&device);
	assert_true(has_all(&device));
}

static void silence_about_a_block_is_halved_after_three_times(void **state)
{
	struct device device;

	(void)state;
	make_row(&device, 24);
	for (size_t i = 12; i < 24; i++)
		point_at(&device, i, SENSOR_INPUT, (uint16_t)(i + 100));
	device.is_mute = true;
	device.is_illegal[SENSOR_INPUT][120] = true;
	start_over(&device, NULL);
	for (int i = 0; i < 2; i++) {
		poll(&device);
		assert_int_equal(device.n_requests, 2);
		assert_true(device.is_given[0] && !device.is_given[15]);
	}
	poll(&device);
	assert_true(has_all(&device));
	poll(&device);
	assert_true(has_all(&device));
	assert_int_equal(device.n_requests, 3);
}

static void a_device_silent_about_its_first_block_is_not_gone(void **state)
{
	struct device device;
	unsigned n_failed = 0;

	(void)state;
	make_row(&device, 10);
	for (size_t i = 5; i < 10; i++)
		point_at(&device, i, SENSOR_INPUT, (uint16_t)(i + 100));
	device.is_mute = true;
	for (size_t i = 0; i < 5; i++)
		device.is_illegal[SENSOR_INPUT][i] = true;
	start_over(&device, NULL);
	for (int i = 0; i < 1000; i++) {
		poll(&device);
		n_failed += device.is_over;
	}
	assert_int_equal(n_failed, 1);
	assert_true(has_all(&device));
	assert_int_equal(device.n_requests, 1);
}

static void a_dead_device_is_asked_once_and_teaches_nothing(void **state)
{
	struct device device;

	(void)state;
	make_row(&device, 40);
	for (size_t i = 20; i < 40; i++)
		point_at(&device, i, SENSOR_INPUT, (uint16_t)(i + 100));
	device.n_troubles = 0;
	device.is_mute = true;
	start_over(&device, NULL);
	poll(&device);
	for (size_t i = 0; i < SPACE; i++)
		device.is_illegal[SENSOR_INPUT][i] = true;
	for (int i = 0; i < 500; i++) {
		poll(&device);
		assert_true(device.is_over);
		assert_int_equal(device.n_requests, 1);
	}
	memset(device.is_illegal, 0, sizeof(device.is_illegal));
	poll(&device);
	assert_true(has_all(&device));
	assert_int_equal(device.n_requests, 2);
	assert_false(device.learned.is_changed);
}

static void a_device_that_refuses_everything_is_still_asked(void **state)
{
	struct device device;

	(void)state;
	make_row(&device, 6);
	for (size_t i = 0; i < SPACE; i++)
		device.is_illegal[SENSOR_INPUT][i] = true;
	for (int i = 0; i < 400; i++) {
		poll(&device);
		assert_true(device.n_requests >= 1);
	}
}

static void what_reading_clears_is_never_halved_nor_asked_twice(void **state)
{
	struct device device;

	(void)state;
	make_row(&device, 8);
	device.points[3].is_clear_on_read = true;
	device.points[3].encoding = SENSOR_F32; /* reaches over point 4, which is read with it */
	device.is_illegal[SENSOR_INPUT][4] = true;
	start_over(&device, NULL);
	poll(&device);
	assert_int_equal(device.n_requests, 3); /* 0..2, 5..7, and 3..4 once */
	assert_false(device.is_given[3] || device.is_given[4]);
	device.is_illegal[SENSOR_INPUT][4] = false;
	device.now_ms += 60000;
	poll(&device);
	assert_true(device.is_given[3] && device.is_given[4]);
	assert_int_equal(device.n_requests, 3);
}

static void other_exceptions_teach_nothing(void **state)
{
	static const uint8_t codes[] = {4, 5, 6, 7, 8, 10, 11, 0xFF};

	(void)state;
	for (size_t c = 0; c < COUNT(codes); c++) {
		struct device device;
		make_row(&device, 40);
		device.max_registers = 39;
		device.length_exception = codes[c] == 0xFF ? 9 : codes[c];
		for (int i = 0; i < 10; i++) {
			poll(&device);
			assert_int_equal(device.n_requests, 1);
		}
		assert_false(device.learned.is_changed);
		device.max_registers = 0;
		poll(&device);
		assert_true(has_all(&device));
	}
}

static void more_holes_than_can_be_kept_close_them_all(void **state)
{
	struct device device;

	(void)state;
	make_row(&device, POINTS);
	for (size_t i = 0; i < POINTS; i++) {
		point_at(&device, i, SENSOR_INPUT, (uint16_t)(3 * i));
		device.is_illegal[SENSOR_INPUT][3 * i + 1] = true;
	}
	start_over(&device, NULL);
	for (int i = 0; i < 60; i++)
		poll(&device);
	assert_true(has_all(&device));
	assert_true(device.learned.bounds.is_gapless);
	assert_int_equal(device.n_requests, POINTS);
}

static void slow_answers_lengthen_the_timeout_and_are_forgotten(void **state)
{
	struct device device;

	(void)state;
	make_row(&device, 1);
	assert_int_equal(modbus_learned_timeout(&device.learned, 500, 0), 500);
	modbus_learned_took(&device.learned, 100, 0);
	assert_int_equal(modbus_learned_timeout(&device.learned, 500, 0), 500);
	modbus_learned_took(&device.learned, 800, 0);
	assert_int_equal(modbus_learned_timeout(&device.learned, 500, 0), 1000);
	modbus_learned_took(&device.learned, 90000, 0);
	assert_int_equal(modbus_learned_timeout(&device.learned, 500, 0), 2000);
	assert_int_equal(modbus_learned_timeout(&device.learned, 500, 10 * (wy_ms)DAY_MS), 500);
}

/* ---- Any device --------------------------------------------------------------------------------- */

static void make_any(struct device *device, uint32_t seed, bool has_limit)
{
	static const enum sensor_area areas[] = {SENSOR_INPUT, SENSOR_HOLDING, SENSOR_DISCRETE};
	size_t n = 5 + next(&seed, POINTS - 5);
	bool is_used[4][SPACE] = {{false}};

	*device = (struct device){.length_exception = (uint8_t)(2 + next(&seed, 2)), .seed = seed};
	for (size_t i = 0; i < n; i++) {
		point_at(device, i, areas[next(&seed, 3)], (uint16_t)next(&seed, 40 + 4 * (uint32_t)n));
		if (!sensor_area_is_bits(device->points[i].area) && next(&seed, 4) == 0)
			device->points[i].encoding = SENSOR_F32;
		device->points[i].poll = (enum sensor_poll_class)next(&seed, 2);
	}
	make_profile(device, n);
	device->profile.max_gap = (uint16_t)next(&seed, 12);
	start_over(device, NULL);
	for (uint32_t i = 0; i < n; i++) {
		struct sensor_extent extent = sensor_plan_extent(&device->plan, i);
		for (uint32_t at = extent.first; at < extent.end; at++)
			is_used[extent.area][at] = true;
	}
	for (int i = 0; i < 12; i++) {
		enum sensor_area area = areas[next(&seed, 3)];
		uint32_t at = next(&seed, SPACE / 2);
		if (!is_used[area][at])
			device->is_illegal[area][at] = true;
	}
	for (int i = 0; i < 3; i++) { /* optional points that are not there */
		const struct sensor_profile_point *point = &device->points[next(&seed, (uint32_t)n)];
		device->is_illegal[point->area][point->address] = true;
	}
	if (next(&seed, 6) == 0)
		device->has_no_area[areas[next(&seed, 3)]] = true;
	if (has_limit)
		device->max_registers = (uint16_t)(2 + next(&seed, 30));
}

static unsigned polls_to_learn(struct device *device, unsigned most, uint32_t seed)
{
	for (unsigned n = 1; n <= most; n++) {
		poll(device);
		uint64_t us;
		if (has_all(device) && device->n_requests <= best_requests(device, &us))
			return n;
	}
	uint64_t us;
	fail_msg("seed %u: %u requests instead of %u, all: %d", seed, device->n_requests,
		 best_requests(device, &us), has_all(device));
	return 0;
}

static void after_a_few_polls_all_that_is_there_is_read_at_the_least_price(void **state)
{
	unsigned worst = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= 400; seed++) {
		struct device device;
		make_any(&device, seed, false);
		unsigned n = polls_to_learn(&device, 25, seed);
		worst = n > worst ? n : worst;
		for (int i = 0; i < 30; i++) {
			poll(&device);
			if (!has_all(&device))
				fail_msg("seed %u: lost again", seed);
		}
	}
	print_message("at most %u polls\n", worst);
}

static void with_a_smaller_length_as_well(void **state)
{
	double sum = 0;
	double best_sum = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= 400; seed++) {
		struct device device;
		uint64_t us;
		make_any(&device, seed, true);
		for (int i = 0; i < 50; i++)
			poll(&device);
		if (!has_all(&device))
			fail_msg("seed %u: not all after fifty polls", seed);
		unsigned best = best_requests(&device, &us);
		sum += device.n_requests;
		best_sum += best;
		if (device.n_requests > 2 * best + 2)
			fail_msg("seed %u: %u requests instead of %u", seed, device.n_requests, best);
	}
	print_message("%.0f requests where %.0f are the least\n", sum, best_sum);
	assert_true(sum < 1.2 * best_sum);
}

static void devices_that_say_nothing_instead_of_refusing(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 200; seed++) {
		struct device device;
		make_any(&device, seed, seed % 2);
		device.is_mute = true;
		bool has_any = false;
		for (uint32_t i = 0; i < device.profile.n_points; i++)
			has_any |= is_legal_point(&device, i);
		if (!has_any)
			continue;
		for (int i = 0; i < 200; i++)
			poll(&device);
		unsigned n_whole = 0;
		for (int i = 0; i < 20; i++) {
			poll(&device);
			n_whole += has_all(&device);
		}
		if (n_whole != 20)
			fail_msg("seed %u: %u of 20 polls were whole", seed, n_whole);
	}
}

/* Each class by itself and in turns, as the schedule has them. */
static void classes_learn_from_each_other_and_lose_nothing(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 200; seed++) {
		struct device device;
		make_any(&device, seed, false);
		for (int i = 0; i < 200; i++)
			poll_classes(&device, i % 10 == 0 ? ALL : 1u << SENSOR_FAST);
		for (uint32_t i = 0; i < device.profile.n_points; i++)
			if (device.points[i].poll == SENSOR_FAST &&
			    device.is_given[i] != is_legal_point(&device, i))
				fail_msg("seed %u: point %u", seed, i);
		poll(&device);
		assert_true(has_all(&device));
	}
}

static void nothing_is_lost_for_good_to_passing_troubles(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 60; seed++) {
		struct device device;
		uint64_t us;
		make_any(&device, seed, false);
		device.n_troubles = 1 + seed % 40;
		for (int i = 0; i < 300; i++)
			poll(&device);
		device.n_troubles = 0;
		for (int i = 0; i < 61; i++)
			poll(&device);
		for (uint32_t i = 0; i < device.profile.n_points; i++)
			if (is_legal_point(&device, i) && !device.is_given[i] &&
			    device.learned.point[i].was_given)
				fail_msg("seed %u: point %u was given and is lost after a minute", seed, i);
		device.now_ms += 3600000;
		for (int i = 0; i < 10; i++)
			poll(&device);
		if (!has_all(&device))
			fail_msg("seed %u: not all after an hour", seed);
		device.now_ms += 8 * (wy_ms)DAY_MS;
		for (int i = 0; i < 25; i++)
			poll(&device);
		if (!has_all(&device) || device.n_requests > best_requests(&device, &us))
			fail_msg("seed %u: %u requests after a week instead of %u", seed, device.n_requests,
				 best_requests(&device, &us));
	}
}

static void a_mended_firmware_is_noticed_within_a_day(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 60; seed++) {
		struct device device;
		uint64_t us;
		make_any(&device, seed, true);
		for (int i = 0; i < 200; i++)
			poll(&device);
		char text[WY_LEARNED_BYTES_MAX];
		modbus_learned_text(&device.learned, text);
		bool was_known = text[0];
		memset(device.is_illegal, 0, sizeof(device.is_illegal));
		memset(device.has_no_area, 0, sizeof(device.has_no_area));
		device.max_registers = 0;
		device.now_ms += DAY_MS;
		for (int i = 0; i < 10; i++)
			poll(&device);
		assert_true(has_all(&device));
		assert_int_equal(device.n_requests, best_requests(&device, &us));
		assert_int_equal(device.learned.is_changed, was_known);
		modbus_learned_text(&device.learned, text);
		assert_string_equal(text, "");
	}
}

static void the_daily_try_says_nothing_new_where_nothing_is_new(void **state)
{
	struct device device;
	char text[WY_LEARNED_BYTES_MAX];
	char later[WY_LEARNED_BYTES_MAX];

	(void)state;
	for (uint32_t seed = 1; seed <= 60; seed++) {
		make_any(&device, seed, false);
		for (int i = 0; i < 300; i++)
			poll(&device);
		modbus_learned_text(&device.learned, text);
		device.now_ms += DAY_MS;
		for (int i = 0; i < 30; i++)
			poll(&device);
		assert_true(has_all(&device));
		modbus_learned_text(&device.learned, later);
		assert_int_equal(strlen(text), strlen(later)); /* the order may be another */
	}
}

/* No order in it at all, and doubt as well. */
static void whatever_it_is_told_each_point_is_listed_once(void **state)
{
	uint32_t seed = 11;

	(void)state;
	for (uint32_t round = 1; round <= 100; round++) {
		struct device device;
		make_any(&device, round, false);
		for (int i = 0; i < 100; i++) {
			const struct sensor_bounds *bounds =
				modbus_learned_bounds(&device.learned, device.now_ms);
			const struct sensor_reads *reads = sensor_plan_reads(&device.plan, ALL, bounds);
			struct modbus_work work;
			struct modbus_task task;
			bool has_failed = false;
			unsigned n_requests = 0;
			memset(device.is_listed, 0, sizeof(device.is_listed));
			modbus_work_begin(&work, &device.learned, reads, next(&seed, 5), device.now_ms);
			while (modbus_work_next(&work, device.now_ms, &task)) {
				enum modbus_outcome outcome = (enum modbus_outcome)next(&seed, 4);
				if (next(&seed, 100) == 0)
					outcome = MODBUS_FAILED;
				assert_false(has_failed);
				has_failed = task.is_asked && outcome == MODBUS_FAILED;
				assert_true(++n_requests < 4 * POINTS);
				if (!task.is_asked || modbus_work_done(&work, outcome, (uint8_t)next(&seed, 256) % 5,
								       WY_WHY_TIMEOUT, device.now_ms))
					list(&device, reads, &task.block, false);
			}
			for (uint32_t p = 0; !has_failed && p < device.profile.n_points; p++)
				assert_true(device.is_listed[p]);
			device.now_ms += next(&seed, 100000);
		}
		/* And then the device is itself again. */
		device.now_ms += 8 * (wy_ms)DAY_MS;
		for (int i = 0; i < 25; i++)
			poll(&device);
		assert_true(has_all(&device));
	}
}

/* ---- From one life to the next ------------------------------------------------------------------ */

static void what_was_learned_holds_across_a_restart(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 200; seed++) {
		struct device device;
		char text[WY_LEARNED_BYTES_MAX];
		make_any(&device, seed, seed % 2);
		for (int i = 0; i < 200; i++)
			poll(&device);
		poll(&device);
		unsigned n = device.n_requests;
		modbus_learned_text(&device.learned, text);
		assert_false(device.learned.is_changed);
		start_over(&device, text);
		poll(&device);
		if (!has_all(&device) || device.n_requests > n)
			fail_msg("seed %u: %u requests after the restart, %u before: %s", seed,
				 device.n_requests, n, text);
		char again[WY_LEARNED_BYTES_MAX];
		modbus_learned_text(&device.learned, again);
		assert_int_equal(strlen(text), strlen(again));
	}
}

static void says_what_it_knows_for_people(void **state)
{
	struct device device;
	char text[WY_LEARNED_BYTES_MAX];

	(void)state;
	make_row(&device, 40);
	for (size_t i = 20; i < 30; i++)
		point_at(&device, i, SENSOR_INPUT, (uint16_t)(i + 4)); /* 20..23 is a hole */
	for (size_t i = 30; i < 40; i++)
		point_at(&device, i, SENSOR_HOLDING, (uint16_t)i);
	device.is_illegal[SENSOR_INPUT][21] = true;
	device.is_illegal[SENSOR_INPUT][30] = true;
	device.has_no_area[SENSOR_HOLDING] = true;
	start_over(&device, NULL);
	for (int i = 0; i < 100; i++)
		poll(&device);
	modbus_learned_text(&device.learned, text);
	assert_non_null(strstr(text, "map="));
	assert_non_null(strstr(text, " hole=i20-23"));
	assert_non_null(strstr(text, " refused=i30-30/2"));
	assert_non_null(strstr(text, " area=h/1"));
	assert_null(strstr(text, "registers="));
}

static void another_map_forgets_everything(void **state)
{
	struct device device;
	char text[WY_LEARNED_BYTES_MAX];

	(void)state;
	make_row(&device, 20);
	device.is_illegal[SENSOR_INPUT][7] = true;
	for (int i = 0; i < 100; i++)
		poll(&device);
	modbus_learned_text(&device.learned, text);
	point_at(&device, 19, SENSOR_INPUT, 20);
	start_over(&device, text);
	assert_int_equal(device.learned.n_closed, 0);
	assert_int_equal(device.learned.refused[0], 0);
}

static void more_than_fits_is_cut_at_a_word(void **state)
{
	struct device device;
	char text[WY_LEARNED_BYTES_MAX];

	(void)state;
	make_row(&device, POINTS);
	for (size_t i = 0; i < POINTS; i++) {
		point_at(&device, i, SENSOR_INPUT, (uint16_t)(600 + i));
		if (i % 2)
			device.is_illegal[SENSOR_INPUT][600 + i] = true;
	}
	start_over(&device, NULL);
	for (int i = 0; i < 400; i++)
		poll(&device);
	assert_true(has_all(&device));
	modbus_learned_text(&device.learned, text);
	assert_in_range(strlen(text), WY_LEARNED_BYTES_MAX - 20, WY_LEARNED_BYTES_MAX - 1);
	assert_string_equal(text + strlen(text) - 2, "/2");
	start_over(&device, text);
	for (int i = 0; i < 10; i++)
		poll(&device);
	assert_true(has_all(&device));
}

static void junk_is_forgotten_and_harms_nothing(void **state)
{
	static const char letters[] = "0123456789-/= chdimaprefusdoln";
	struct device device;
	char known[WY_LEARNED_BYTES_MAX];
	uint32_t seed = 5;

	(void)state;
	make_row(&device, 30);
	device.is_illegal[SENSOR_INPUT][7] = true;
	for (int i = 0; i < 100; i++)
		poll(&device);
	modbus_learned_text(&device.learned, known);
	for (int round = 0; round < 20000; round++) {
		char text[WY_LEARNED_BYTES_MAX * 2];
		size_t head = round % 3 ? 13 : 0; /* mostly behind a proper beginning */
		size_t n = head + next(&seed, round % 50 ? 60 : 900);
		memcpy(text, known, head);
		for (size_t i = head; i < n; i++)
			text[i] = (char)(round % 2 ? letters[next(&seed, sizeof(letters) - 1)]
						   : (char)(1 + next(&seed, 255)));
		text[n] = 0;
		start_over(&device, text);
		assert_true(device.learned.n_closed <= WY_MODBUS_CLOSED_MAX);
	}
	for (size_t i = 0; i < strlen(known); i++) {
		char text[WY_LEARNED_BYTES_MAX];
		memcpy(text, known, sizeof(text));
		text[i] = (char)next(&seed, 256);
		start_over(&device, text);
		poll(&device);
		device.now_ms += 60000;
		for (int k = 0; k < 3; k++)
			poll(&device);
		assert_true(has_all(&device));
	}
}

static void a_full_arena_is_said(void **state)
{
	struct device device;
	struct wy_arena arena;

	(void)state;
	make_row(&device, 30);
	for (size_t size = 0; size < 30 * sizeof(struct modbus_refusal); size += 16) {
		static unsigned char little[2048];
		wy_arena_init(&arena, little, size);
		assert_int_equal(modbus_learned_init(&device.learned, &device.plan, NULL, 1, 0, &arena), WY_E_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_that_gives_all_is_read_as_planned),
		cmocka_unit_test(an_illegal_hole_is_found_in_one_poll_and_costs_nothing_after_it),
		cmocka_unit_test(a_refused_point_takes_none_of_its_neighbours_along),
		cmocka_unit_test(a_refused_point_is_asked_each_minute_then_hourly_and_taken_back),
		cmocka_unit_test(what_was_given_before_is_asked_again_soon),
		cmocka_unit_test(a_smaller_length_is_found_to_the_register),
		cmocka_unit_test(an_unknown_function_leaves_its_area_alone),
		cmocka_unit_test(an_area_that_was_given_before_is_not_given_up_for_exception_1),
		cmocka_unit_test(silence_about_a_block_is_halved_after_three_times),
		cmocka_unit_test(a_device_silent_about_its_first_block_is_not_gone),
		cmocka_unit_test(a_dead_device_is_asked_once_and_teaches_nothing),
		cmocka_unit_test(a_device_that_refuses_everything_is_still_asked),
		cmocka_unit_test(what_reading_clears_is_never_halved_nor_asked_twice),
		cmocka_unit_test(other_exceptions_teach_nothing),
		cmocka_unit_test(more_holes_than_can_be_kept_close_them_all),
		cmocka_unit_test(slow_answers_lengthen_the_timeout_and_are_forgotten),
		cmocka_unit_test(after_a_few_polls_all_that_is_there_is_read_at_the_least_price),
		cmocka_unit_test(with_a_smaller_length_as_well),
		cmocka_unit_test(devices_that_say_nothing_instead_of_refusing),
		cmocka_unit_test(classes_learn_from_each_other_and_lose_nothing),
		cmocka_unit_test(nothing_is_lost_for_good_to_passing_troubles),
		cmocka_unit_test(whatever_it_is_told_each_point_is_listed_once),
		cmocka_unit_test(a_mended_firmware_is_noticed_within_a_day),
		cmocka_unit_test(the_daily_try_says_nothing_new_where_nothing_is_new),
		cmocka_unit_test(what_was_learned_holds_across_a_restart),
		cmocka_unit_test(says_what_it_knows_for_people),
		cmocka_unit_test(another_map_forgets_everything),
		cmocka_unit_test(more_than_fits_is_cut_at_a_word),
		cmocka_unit_test(junk_is_forgotten_and_harms_nothing),
		cmocka_unit_test(a_full_arena_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
