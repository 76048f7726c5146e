/* Many devices, some of them dead: what the dead cost the living. In made time, so that a busy machine changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "drivers.h"
#include "estate.h"
#include "naive.h"

enum {
	HOSTS = 200,
	BLACK_HOLES = 60,
	UNITS = 100,
	SILENT = 5,
	LEARN_MS = 60000,
	WATCH_MS = 60000,
	PERIOD_MS = 1000,
	RETURNS = 40,
	RETURN_MS = 10000,
	BUSES = 20,
	BUS_UNITS = 10,
	BUS_SILENT = 3,
};

static struct estate_conf crowd(const struct sensor_driver *driver, unsigned n_wires, unsigned n_units)
{
	return (struct estate_conf){.driver = driver,
				    .kind = LINE_TCP,
				    .n_wires = n_wires,
				    .n_units = n_units,
				    .of_all = ESTATE_TEN,
				    .period_ms = PERIOD_MS,
				    .timeout_ms = 500,
				    .takes_ms = 2,
				    .spread_ms = 2,
				    .seed = 4,
				    .speed = 200};
}

/* ---- 200 hosts ---------------------------------------------------- */

/* The last BLACK_HOLES hosts: every other takes connections and never answers, the rest cannot be reached. */
static void make_black_holes(struct estate *e)
{
	for (unsigned w = HOSTS - BLACK_HOLES; w < HOSTS; w++) {
		if (w % 2)
			line_bury(&e->lines[w]);
		else
			e->lines[w].is_dead = true;
	}
}

static uint64_t failures(const struct estate *e, size_t from, size_t to)
{
	uint64_t sum = 0;

	for (size_t d = from; d < to; d++)
		sum += e->devices[d].n_failed;
	return sum;
}

/* p99 of the healthy hosts' poll periods. */
static wy_ms watch_hosts(const struct sensor_driver *driver, bool has_black_holes)
{
	struct estate_conf conf = crowd(driver, HOSTS, 1);
	struct estate e;

	estate_open(&e, &conf);
	estate_play(&e, 5 * PERIOD_MS);
	if (has_black_holes)
		make_black_holes(&e);
	uint64_t failed = failures(&e, 0, HOSTS - BLACK_HOLES);
	estate_forget_gaps(&e);
	estate_play(&e, WATCH_MS);
	wy_ms p99 = estate_gap(&e, 0.99, 0, HOSTS - BLACK_HOLES);
	printf("%s, %d hosts, %d of them black holes: period of the others p50 %lld ms, p99 %lld ms\n", driver->name,
	       HOSTS, has_black_holes ? BLACK_HOLES : 0, (long long)estate_gap(&e, 0.5, 0, HOSTS - BLACK_HOLES),
	       (long long)p99);
	assert_int_equal(failures(&e, 0, HOSTS - BLACK_HOLES), failed);
	assert_int_equal(e.stale + e.corrupt + estate_writes(&e), 0);
	for (size_t d = HOSTS - BLACK_HOLES; has_black_holes && d < HOSTS; d++)
		assert_true(e.devices[d].failed_run >= 3);
	estate_close(&e);
	return p99;
}

/* ---- 100 units behind one connection ------------------------------ */

static uint64_t good_of_the_living(const struct estate *e)
{
	uint64_t sum = 0;

	for (size_t d = SILENT; d < UNITS; d++)
		sum += e->devices[d].n_good;
	return sum;
}

/* Part of the polls the living keep while some units are silent, once those are known. */
static double kept_polls(struct estate *e)
{
	for (size_t u = 0; u < SILENT; u++)
		e->truths[0].units[u].mood = TRUTH_SILENT;
	estate_play(e, LEARN_MS);
	uint64_t before = good_of_the_living(e);
	estate_play(e, WATCH_MS);
	uint64_t kept = good_of_the_living(e) - before;
	return (double)kept / ((UNITS - SILENT) * (WATCH_MS / PERIOD_MS));
}

/* How long after its return a unit is read again. */
static wy_ms return_of(struct estate *e, size_t unit)
{
	wy_ms began_ms = e->scene.now_ms;

	e->truths[0].units[unit].mood = TRUTH_ANSWERS;
	while (e->devices[unit].good_ms < began_ms && e->scene.now_ms < began_ms + 60000)
		estate_play(e, 100);
	return e->scene.now_ms - began_ms;
}

/* ---- Tests -------------------------------------------------------- */

static void black_holes_do_not_stretch_the_period_of_others(void **state)
{
	(void)state;
	wy_ms alone = watch_hosts(&sensor_driver_modbus, false);
	wy_ms beside = watch_hosts(&sensor_driver_modbus, true);
	assert_true(beside <= alone + alone / 10);
}

static void silent_units_leave_the_others_their_polls(void **state)
{
	struct estate_conf conf = crowd(&sensor_driver_modbus, 1, UNITS);
	struct estate e;

	(void)state;
	estate_open(&e, &conf);
	double kept = kept_polls(&e);
	printf("%s, %d of %d units silent: %.1f %% of the others' polls\n", conf.driver->name, SILENT, UNITS,
	       100 * kept);
	assert_true(kept >= 0.95);
	for (size_t u = SILENT; u < UNITS; u++)
		assert_int_equal(e.devices[u].n_failed, 0);
	assert_int_equal(e.stale + e.corrupt + estate_writes(&e), 0);
	estate_close(&e);
}

static void a_unit_that_returns_is_seen_within_ten_seconds(void **state)
{
	struct estate_conf conf = crowd(&sensor_driver_modbus, 1, UNITS);
	wy_ms worst = 0;
	struct estate e;

	(void)state;
	estate_open(&e, &conf);
	(void)kept_polls(&e);
	for (unsigned r = 0; r < RETURNS; r++) {
		wy_ms took = return_of(&e, r % SILENT);
		worst = took > worst ? took : worst;
		e.truths[0].units[r % SILENT].mood = TRUTH_SILENT;
		estate_play(&e, (7 + r) * PERIOD_MS);
	}
	printf("%s: %d times a unit returned, seen after %lld ms at most\n", conf.driver->name, RETURNS,
	       (long long)worst);
	assert_true(worst <= RETURN_MS);
	estate_close(&e);
}

/* On one bus a silent device costs the others time; not more than the timeouts of the silent ones, and nobody starves. */
static void silent_devices_on_a_serial_bus_starve_nobody(void **state)
{
	struct estate_conf conf = crowd(&sensor_driver_modbus, BUSES, BUS_UNITS);
	uint64_t good = 0;
	struct estate e;

	(void)state;
	conf.kind = LINE_PTY;
	conf.baud = 38400;
	estate_open(&e, &conf);
	for (unsigned w = 0; w < BUSES; w++)
		for (unsigned u = 0; u < BUS_SILENT; u++)
			e.truths[w].units[u].mood = TRUTH_SILENT;
	estate_play(&e, LEARN_MS);
	estate_forget_gaps(&e);
	wy_ms longest = 0;
	for (size_t d = 0; d < e.n_devices; d++)
		good -= d % BUS_UNITS < BUS_SILENT ? 0 : e.devices[d].n_good;
	estate_play(&e, WATCH_MS);
	for (size_t d = 0; d < e.n_devices; d++) {
		if (d % BUS_UNITS < BUS_SILENT)
			continue;
		good += e.devices[d].n_good;
		wy_ms gap = estate_gap(&e, 1, d, d + 1);
		longest = gap > longest ? gap : longest;
	}
	double kept = (double)good / (BUSES * (BUS_UNITS - BUS_SILENT) * (WATCH_MS / PERIOD_MS));
	printf("%s, %d of %d units silent on each of %d serial buses: %.1f %% of the others' polls, the longest gap %lld ms\n",
	       conf.driver->name, BUS_SILENT, BUS_UNITS, BUSES, 100 * kept, (long long)longest);
	assert_true(kept >= 0.8);
	assert_true(longest <= PERIOD_MS + BUS_SILENT * (conf.timeout_ms + conf.timeout_ms));
	estate_close(&e);
}

/* A late answer is the neighbours' trouble too; no device may be without good values for longer than two polls for each. */
static void check_late_answers(enum line_kind kind, unsigned n_wires)
{
	struct estate_conf conf = crowd(&sensor_driver_modbus, n_wires, 2);
	uint64_t worst = 0;
	struct estate e;

	conf.kind = kind;
	conf.of_all = ESTATE_KINDS;
	conf.baud = 9600;
	conf.rate = 0.01;
	conf.faults = 1u << FAULT_delay;
	estate_open(&e, &conf);
	estate_play(&e, 2 * WATCH_MS);
	for (size_t d = 0; d < e.n_devices; d++)
		if (e.devices[d].kind != ESTATE_LONE && e.devices[d].worst_bad_run > worst)
			worst = e.devices[d].worst_bad_run;
	printf("%s, %s, one answer in a hundred late: %llu of %llu, the longest run of bad reports %llu\n", conf.driver->name,
	       kind == LINE_TCP ? "TCP" : "serial", (unsigned long long)estate_disturbed(&e),
	       (unsigned long long)estate_requests(&e), (unsigned long long)worst);
	assert_true(estate_disturbed(&e) > 100);
	assert_int_equal(e.slow_returns + e.false_offline + e.stale + e.corrupt, 0);
	estate_close(&e);
}

static void a_late_answer_costs_at_most_two_polls(void **state)
{
	(void)state;
	check_late_answers(LINE_TCP, 100);
	check_late_answers(LINE_PTY, 60);
}

/* What is heard while a line is heard out came when it came, and not when the hearing ended; or each hearing would be longer
 * than the one before. */
static void a_serial_line_is_heard_out_no_longer_for_having_been_heard_out(void **state)
{
	struct estate_conf conf = estate_usual(&sensor_driver_modbus, LINE_PTY, 0.03);
	uint64_t before;
	struct estate e;

	(void)state;
	conf.n_wires = BUSES;
	conf.faults = 1u << FAULT_delay;
	estate_open(&e, &conf);
	estate_play(&e, 2 * WATCH_MS);
	before = e.reports;
	estate_play(&e, 3 * WATCH_MS);
	double made = (double)(e.reports - before) / (double)(e.n_devices * 3 * WATCH_MS / PERIOD_MS);
	printf("%s, serial, three answers in a hundred late: %.1f %% of the polls are made\n", conf.driver->name, 100 * made);
	assert_true(made > 0.7);
	assert_int_equal(e.stale + e.corrupt, 0);
	estate_close(&e);
}

static void a_plain_reader_loses_most_polls_to_silent_units(void **state)
{
	struct estate_conf conf = crowd(&naive_driver, 1, UNITS);
	struct estate e;

	(void)state;
	estate_open(&e, &conf);
	double kept = kept_polls(&e);
	printf("%s, %d of %d units silent: %.1f %% of the others' polls\n", conf.driver->name, SILENT, UNITS,
	       100 * kept);
	assert_true(kept < 0.7);
	estate_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(black_holes_do_not_stretch_the_period_of_others),
		cmocka_unit_test(silent_units_leave_the_others_their_polls),
		cmocka_unit_test(a_unit_that_returns_is_seen_within_ten_seconds),
		cmocka_unit_test(silent_devices_on_a_serial_bus_starve_nobody),
		cmocka_unit_test(a_late_answer_costs_at_most_two_polls),
		cmocka_unit_test(a_serial_line_is_heard_out_no_longer_for_having_been_heard_out),
		cmocka_unit_test(a_plain_reader_loses_most_polls_to_silent_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
