/* wire_budget_test.c: what a wire can carry, by hand and against the schedule itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire_budget.h"
#include "schedule.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))
#define DEVICES 40
#define POINTS 32

static unsigned char memory[1 << 20];
static unsigned char text_memory[1 << 16];

struct site {
	struct sensor_wire_conf wire;
	struct sensor_profile_point points[DEVICES][POINTS];
	struct sensor_profile profiles[DEVICES];
	struct sensor_device_conf devices[DEVICES];
	char ids[DEVICES][12];
	uint32_t mine[DEVICES];
	size_t n;
	struct wy_arena arena, text_arena;
	struct wy_diags diags;
	struct sensor_budget budget;
};

static void make_site(struct site *site, int baud, size_t n)
{
	memset(site, 0, sizeof(*site));
	wy_arena_init(&site->arena, memory, sizeof(memory));
	wy_arena_init(&site->text_arena, text_memory, sizeof(text_memory));
	wy_diags_init(&site->diags, &site->text_arena);
	site->wire = (struct sensor_wire_conf){.id = "rs485-1",
					       .kind = baud ? SENSOR_WIRE_RTU : SENSOR_WIRE_TCP,
					       .baud = baud,
					       .parity = 'N',
					       .data_bits = 8,
					       .stop_bits = 1};
	site->n = n;
	for (uint32_t d = 0; d < n; d++) {
		snprintf(site->ids[d], sizeof(site->ids[d]), "lift-%u", d + 1);
		site->mine[d] = d;
		site->profiles[d] = (struct sensor_profile){
			.points = site->points[d],
			.max_registers = 125,
			.max_bits = 2000,
			.max_gap = 4,
			.class_ms = {1000, 10000, 60000, 3600000}};
		site->devices[d] = (struct sensor_device_conf){.id = site->ids[d], .profile = &site->profiles[d]};
	}
}

/* n more registers of a device, from this address on. */
static void add_registers(struct site *site, uint32_t device, uint16_t address, size_t n, enum sensor_poll_class poll)
{
	for (size_t i = 0; i < n; i++)
		site->points[device][site->profiles[device].n_points++] =
			(struct sensor_profile_point){.name = "p",
						      .area = SENSOR_INPUT,
						      .address = (uint16_t)(address + i),
						      .encoding = SENSOR_U16,
						      .poll = poll};
}

static void sum_up(struct site *site)
{
	assert_int_equal(sensor_budget_of(&site->wire, site->devices, site->mine, site->n, &site->arena,
					  &site->budget),
			 WY_OK);
	assert_int_equal(site->arena.used, 0);
}

static enum wy_err check(struct site *site)
{
	return sensor_budget_check(&site->wire, site->devices, site->mine, site->n, &site->arena, NULL, &site->diags);
}

/* Sixteen registers each second. */
static void make_busy(struct site *site, int baud, size_t n)
{
	make_site(site, baud, n);
	for (uint32_t d = 0; d < n; d++)
		add_registers(site, d, 0, 16, SENSOR_FAST);
}

/* ---- One request -------------------------------------------------------------------------------- */

static void a_request_costs_its_characters_gaps_and_turnaround(void **state)
{
	static const struct row {
		int baud;
		char parity;
		wy_ms pause_ms;
		uint32_t request_us, byte_us;
	} rows[] = {
		/* 10 bits a character; 13 characters, 7 of gap */
		{9600, 'N', 0, 13 * 1042 + 7294 + 20000, 1042},
		/* 11 bits */
		{9600, 'E', 0, 13 * 1146 + 8022 + 20000, 1146},
		{19200, 'N', 0, 13 * 521 + 3647 + 20000, 521},
		/* gaps no longer shrink */
		{38400, 'N', 0, 13 * 261 + 3500 + 20000, 261},
		{115200, 'N', 250, 13 * 87 + 3500 + 20000 + 250000, 87},
		{0, 'N', 0, 5000, 1},
		{0, 'N', 100, 105000, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct site site;
		make_site(&site, rows[i].baud, 1);
		site.wire.parity = rows[i].parity;
		site.profiles[0].pause_ms = rows[i].pause_ms;
		struct sensor_cost cost = sensor_cost_of(&site.wire, &site.profiles[0]);
		assert_int_equal(cost.request_us, rows[i].request_us);
		assert_int_equal(cost.byte_us, rows[i].byte_us);
	}
}

/* ---- Sums --------------------------------------------------------------------------------------- */

static void a_device_alone_takes_what_its_reads_take(void **state)
{
	struct site site;

	(void)state;
	make_busy(&site, 9600, 1);
	sum_up(&site);
	assert_int_equal(site.budget.per_mille, 75); /* 40.8 ms and 32 characters */
	make_site(&site, 9600, 1);
	add_registers(&site, 0, 0, 16, SENSOR_SLOW);
	sum_up(&site);
	assert_int_equal(site.budget.per_mille, 2);
	make_site(&site, 9600, 1);
	sum_up(&site);
	assert_int_equal(site.budget.per_mille, 0);
}

static void classes_that_fall_together_are_one_request(void **state)
{
	struct site together;
	struct site apart;

	(void)state;
	make_site(&together, 9600, 1);
	add_registers(&together, 0, 0, 16, SENSOR_FAST);
	add_registers(&together, 0, 16, 16, SENSOR_MEDIUM);
	sum_up(&together);
	assert_int_equal(together.budget.per_mille, 78); /* 33 ms of data more, every ten seconds */
	make_site(&apart, 9600, 1);
	apart.profiles[0].class_ms[SENSOR_MEDIUM] = 10500;
	add_registers(&apart, 0, 0, 16, SENSOR_FAST);
	add_registers(&apart, 0, 16, 16, SENSOR_MEDIUM);
	sum_up(&apart);
	assert_int_equal(apart.budget.per_mille, 82);
}

static void texts_and_holes_count_as_they_are_read(void **state)
{
	struct site site;

	(void)state;
	make_site(&site, 9600, 1);
	add_registers(&site, 0, 0, 1, SENSOR_FAST);
	add_registers(&site, 0, 3, 1, SENSOR_FAST);
	add_registers(&site, 0, 50, 1, SENSOR_FAST);
	site.points[0][2].encoding = SENSOR_TEXT;
	site.points[0][2].n_text = 16;
	sum_up(&site);
	assert_int_equal(site.budget.per_mille, 50); /* four registers, once */
}

static void the_largest_come_first(void **state)
{
	static const size_t sizes[] = {4, 32, 1, 16, 8};
	struct site site;

	(void)state;
	make_site(&site, 9600, COUNT(sizes));
	for (uint32_t d = 0; d < COUNT(sizes); d++)
		add_registers(&site, d, 0, sizes[d], SENSOR_FAST);
	sum_up(&site);
	assert_int_equal(site.budget.n_top, 3);
	assert_int_equal(site.budget.top[0].device, 1);
	assert_int_equal(site.budget.top[1].device, 3);
	assert_int_equal(site.budget.top[2].device, 4);
	assert_true(site.budget.top[0].per_mille > site.budget.top[1].per_mille);
}

/* ---- Words -------------------------------------------------------------------------------------- */

static void a_bus_that_fits_is_not_mentioned(void **state)
{
	struct site site;

	(void)state;
	make_busy(&site, 9600, 10);
	assert_int_equal(check(&site), WY_OK);
	assert_int_equal(site.diags.n, 0);
}

static void a_full_bus_is_warned_of(void **state)
{
	struct site site;

	(void)state;
	make_busy(&site, 9600, 12);
	assert_int_equal(check(&site), WY_OK);
	assert_int_equal(site.diags.n, 1);
	assert_string_equal(site.diags.item[0].code, "W611");
}

static void an_overfull_bus_is_refused_with_what_helps(void **state)
{
	struct site site;

	(void)state;
	make_busy(&site, 9600, 14);
	assert_int_equal(check(&site), WY_E_INVALID);
	assert_int_equal(site.diags.errors, 1);
	assert_string_equal(site.diags.item[0].code, "E611");
	assert_string_equal(site.diags.item[0].text,
			    "wire 'rs485-1' at 9600 baud needs 104 % of its time: lift-1 8 %, lift-2 8 %, lift-3 8 %, "
			    "11 more; at 19200 baud it would be 66 %, or poll 2 times less often, or put some devices "
			    "on another wire");
}

static void no_speed_is_proposed_that_a_device_cannot_be_set_to(void **state)
{
	static const int slow_only[] = {4800, 9600};
	static const int two[] = {9600, 38400};
	struct site site;

	(void)state;
	make_busy(&site, 9600, 14);
	site.profiles[5].bauds = two;
	site.profiles[5].n_bauds = 2;
	sum_up(&site);
	assert_int_equal(site.budget.better_baud, 38400);
	site.profiles[6].bauds = slow_only;
	site.profiles[6].n_bauds = 2;
	sum_up(&site);
	assert_int_equal(site.budget.better_baud, 0);
	assert_int_equal(check(&site), WY_E_INVALID);
	assert_null(strstr(site.diags.item[0].text, "it would be"));
}

static void many_devices_behind_one_connection_are_counted_too(void **state)
{
	struct site site;

	(void)state;
	make_busy(&site, 0, 40);
	sum_up(&site);
	assert_in_range(site.budget.per_mille, 200, 210);
	assert_int_equal(site.budget.better_baud, 0);
	for (size_t d = 0; d < 40; d++)
		site.profiles[d].pause_ms = 250;
	assert_int_equal(check(&site), WY_E_INVALID);
	assert_null(strstr(site.diags.item[0].text, "baud"));
}

static void a_device_that_wants_to_be_left_alone_must_not_be_asked_too_often(void **state)
{
	struct site site;

	(void)state;
	make_site(&site, 9600, 2);
	add_registers(&site, 0, 0, 4, SENSOR_FAST);
	for (uint16_t i = 0; i < 3; i++)
		add_registers(&site, 1, (uint16_t)(100 * i), 1, SENSOR_FAST);
	site.profiles[0].min_interval_ms = 500;
	assert_int_equal(check(&site), WY_OK);
	site.profiles[1].min_interval_ms = 500;
	assert_int_equal(check(&site), WY_E_INVALID);
	assert_string_equal(site.diags.item[0].code, "E612");
	assert_string_equal(site.diags.item[0].text, "device 'lift-2' may be asked only every 500ms, and its points need "
						     "163 % of its time; poll them less often");
}

static void a_full_arena_is_said(void **state)
{
	struct site site;

	(void)state;
	make_busy(&site, 9600, 1);
	site.arena.size = 64;
	assert_int_equal(check(&site), WY_E_NOMEM);
	assert_int_equal(site.arena.used, 0);
	assert_int_equal(site.diags.n, 0);
}

/* ---- Against the schedule ----------------------------------------------------------------------- */

static uint32_t next(uint32_t *seed, uint32_t bound)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % bound;
}

static void make_any(struct site *site, uint32_t seed)
{
	static const int bauds[] = {4800, 9600, 19200, 115200};
	size_t n = 1 + next(&seed, 20);

	make_site(site, bauds[next(&seed, COUNT(bauds))], n);
	for (uint32_t d = 0; d < n; d++) {
		site->profiles[d].class_ms[SENSOR_FAST] = 1000 * (1 + next(&seed, 3));
		site->profiles[d].class_ms[SENSOR_MEDIUM] = 10000 + 500 * next(&seed, 3);
		for (uint32_t k = 0; k < 4; k++)
			add_registers(site, d, (uint16_t)next(&seed, 60), 1 + next(&seed, 7),
				      (enum sensor_poll_class)next(&seed, 3));
	}
}

/* Wire time in per mille that ten minutes of polls really take; how late the latest poll was, in periods. */
static double play(struct site *site, double *ret_latest)
{
	static unsigned char plans[1 << 20];
	static struct sensor_plan plan[DEVICES];
	struct schedule_device timing[DEVICES] = {{0}};
	struct schedule *schedule = NULL;
	struct wy_arena arena;
	int64_t now_us = 0;
	int64_t busy_us = 0;

	wy_arena_init(&arena, plans, sizeof(plans));
	for (uint32_t d = 0; d < site->n; d++) {
		const struct sensor_profile *profile = &site->profiles[d];
		timing[d].device = d;
		for (size_t p = 0; p < profile->n_points; p++)
			timing[d].class_ms[profile->points[p].poll] = profile->class_ms[profile->points[p].poll];
		assert_int_equal(sensor_plan_init(&plan[d], profile, sensor_cost_of(&site->wire, profile), &arena),
				 WY_OK);
	}
	assert_int_equal(schedule_new(timing, site->n, 0, 3, &arena, &schedule), WY_OK);
	*ret_latest = 0;
	while (now_us < 600 * 1000000ll) {
		struct schedule_turn turn;
		wy_ms at_ms;
		if (!schedule_next(schedule, now_us / 1000, &turn, &at_ms)) {
			now_us = at_ms * 1000;
			continue;
		}
		double late = (double)(now_us / 1000 - turn.due_ms) /
			      (double)site->profiles[turn.device].class_ms[SENSOR_FAST];
		*ret_latest = now_us > 60000000 && late > *ret_latest ? late : *ret_latest;
		const struct sensor_reads *reads =
			sensor_plan_reads(&plan[turn.device], turn.class_mask, NULL);
		int64_t us = (int64_t)sensor_plan_traffic(&plan[turn.device], reads).us;
		now_us += us;
		busy_us += us;
		schedule_done(schedule, &turn, true, us / 1000, now_us / 1000);
	}
	return (double)busy_us * 1000 / (double)now_us;
}

static void what_it_foretells_comes_true(void **state)
{
	unsigned n_full = 0;
	unsigned n_fitting = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= 60; seed++) {
		struct site site;
		double latest;
		make_any(&site, seed);
		sum_up(&site);
		double real = play(&site, &latest);
		double told = site.budget.per_mille;
		n_full += told > SENSOR_BUDGET_MOST;
		n_fitting += told <= SENSOR_BUDGET_WARN;
		if (told > 1050 && real < 950)
			fail_msg("seed %u: %.0f told, %.0f used", seed, told, real);
		if (told <= SENSOR_BUDGET_WARN && (real > told + 10 || real < told * 0.95 - 10 || latest > 1.5))
			fail_msg("seed %u: %.0f told, %.0f used, late by %.2f", seed, told, real, latest);
	}
	assert_true(n_full >= 5 && n_fitting > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_costs_its_characters_gaps_and_turnaround),
		cmocka_unit_test(a_device_alone_takes_what_its_reads_take),
		cmocka_unit_test(classes_that_fall_together_are_one_request),
		cmocka_unit_test(texts_and_holes_count_as_they_are_read),
		cmocka_unit_test(the_largest_come_first),
		cmocka_unit_test(a_bus_that_fits_is_not_mentioned),
		cmocka_unit_test(a_full_bus_is_warned_of),
		cmocka_unit_test(an_overfull_bus_is_refused_with_what_helps),
		cmocka_unit_test(no_speed_is_proposed_that_a_device_cannot_be_set_to),
		cmocka_unit_test(many_devices_behind_one_connection_are_counted_too),
		cmocka_unit_test(a_device_that_wants_to_be_left_alone_must_not_be_asked_too_often),
		cmocka_unit_test(a_full_arena_is_said),
		cmocka_unit_test(what_it_foretells_comes_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
