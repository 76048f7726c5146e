/* watch_test.c: on fake time: who is late is found within twice the watchdog's time, and who could not run is not blamed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "watch.h"

enum { WATCHDOG_MS = 30000 };

struct bench {
	struct watch watch;
	wy_ms now_ms;
	unsigned beating; /* a bit per part */
};

static void beat_all(struct bench *b)
{
	for (unsigned i = 0; i < WATCH_PARTS; i++)
		if (b->beating & 1u << i)
			watch_beat(&b->watch, (enum watch_part)i);
}

static void begin(struct bench *b, wy_ms watchdog_ms)
{
	*b = (struct bench){.now_ms = 1000, .beating = 7};
	watch_init(&b->watch, watchdog_ms);
	beat_all(b);
	(void)watch_look(&b->watch, b->now_ms);
}

/* Looks every WATCH_LOOK_MS for so long, or until there is something to say. */
static struct watch_verdict run(struct bench *b, wy_ms for_ms)
{
	struct watch_verdict verdict = {.is_hung = false};
	wy_ms end_ms = b->now_ms + for_ms;

	while (b->now_ms < end_ms && !verdict.is_hung && !verdict.is_news) {
		b->now_ms += WATCH_LOOK_MS;
		beat_all(b);
		verdict = watch_look(&b->watch, b->now_ms);
	}
	return verdict;
}

static void whoever_beats_is_well(void **state)
{
	struct bench b;
	(void)state;

	begin(&b, WATCHDOG_MS);
	assert_false(run(&b, 3600000).is_hung);
}

static void each_part_that_stops_is_found_by_name_within_twice_the_watchdogs_time(void **state)
{
	static const char *const names[] = {"loop", "field", "wire"};
	static const wy_ms watchdogs_ms[] = {2000, 5000, WATCHDOG_MS, 120000};
	struct bench b;
	(void)state;

	for (unsigned i = 0; i < 3; i++)
		for (size_t k = 0; k < sizeof(watchdogs_ms) / sizeof(*watchdogs_ms); k++) {
			begin(&b, watchdogs_ms[k]);
			(void)run(&b, 10000);
			b.beating &= ~(1u << i);
			wy_ms stopped_ms = b.now_ms;
			struct watch_verdict verdict = run(&b, 1000000);
			assert_true(verdict.is_hung);
			assert_string_equal(watch_name(verdict.part), names[i]);
			assert_true(b.now_ms - stopped_ms <= 2 * watchdogs_ms[k]);
		}
}

static void a_slow_disk_is_no_hang(void **state)
{
	struct bench b;
	(void)state;

	begin(&b, WATCHDOG_MS);
	for (int i = 0; i < 20; i++) {
		b.beating = 0; /* the field waits for the loop, the loop for an fsync */
		assert_false(run(&b, 30000).is_hung);
		b.beating = 7;
		assert_false(run(&b, 1000).is_hung);
	}
}

static void where_the_loop_holds_up_the_field_the_loop_is_named(void **state)
{
	struct bench b;
	(void)state;

	begin(&b, WATCHDOG_MS);
	b.beating = 0;
	assert_int_equal(run(&b, 100000).part, WATCH_LOOP);
}

static void where_the_field_stands_no_wire_is_named(void **state)
{
	struct bench b;
	(void)state;

	begin(&b, WATCHDOG_MS);
	b.beating = 3; /* the wires beat last */
	(void)run(&b, 700);
	b.beating = 1;
	assert_int_equal(run(&b, 100000).part, WATCH_FIELD);
}

static void time_in_which_the_watcher_did_not_run_is_nobodys_fault(void **state)
{
	static const wy_ms jumps_ms[] = {30000, 8 * 3600 * 1000LL, 365 * 86400 * 1000LL, -5000};
	struct bench b;
	(void)state;

	for (size_t i = 0; i < sizeof(jumps_ms) / sizeof(*jumps_ms); i++) {
		begin(&b, WATCHDOG_MS);
		(void)run(&b, 10000);
		b.now_ms += jumps_ms[i]; /* SIGSTOP, or a lid that was closed */
		assert_false(watch_look(&b.watch, b.now_ms).is_hung); /* before anybody else gets to run */
		assert_false(run(&b, 60000).is_hung);
		b.beating = 6;
		assert_true(run(&b, 60000).is_hung);
	}
}

static void who_rests_or_never_began_is_not_waited_for(void **state)
{
	struct bench b;
	(void)state;

	begin(&b, WATCHDOG_MS);
	b.beating = 1; /* a reload has the field stand still */
	watch_rest(&b.watch, WATCH_FIELD);
	watch_rest(&b.watch, WATCH_WIRE);
	assert_false(run(&b, 3600000).is_hung);
	watch_beat(&b.watch, WATCH_FIELD);
	assert_int_equal(run(&b, 100000).part, WATCH_FIELD);
}

static void what_is_blamed_is_said(void **state)
{
	struct bench b;
	(void)state;

	begin(&b, WATCHDOG_MS);
	watch_blame(&b.watch, WATCH_WIRE, "leak-bus");
	b.beating = 3;
	struct watch_verdict verdict = run(&b, 100000);
	assert_true(verdict.is_hung);
	assert_string_equal(verdict.what, "leak-bus");
}

static void a_recorder_that_hangs_is_told_once_and_ends_nothing(void **state)
{
	struct bench b;
	(void)state;

	begin(&b, WATCHDOG_MS);
	watch_beat(&b.watch, WATCH_RECORD); /* has something to write, and is never done */
	struct watch_verdict verdict = run(&b, 2 * WATCH_RECORD_MS);
	assert_true(verdict.is_news && verdict.is_late && !verdict.is_hung);
	assert_int_equal(verdict.part, WATCH_RECORD);
	assert_false(run(&b, 2 * WATCH_RECORD_MS).is_news);
	watch_rest(&b.watch, WATCH_RECORD);
	verdict = run(&b, 10000);
	assert_true(verdict.is_news && !verdict.is_late);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_beats_is_well),
		cmocka_unit_test(each_part_that_stops_is_found_by_name_within_twice_the_watchdogs_time),
		cmocka_unit_test(a_slow_disk_is_no_hang),
		cmocka_unit_test(where_the_loop_holds_up_the_field_the_loop_is_named),
		cmocka_unit_test(where_the_field_stands_no_wire_is_named),
		cmocka_unit_test(time_in_which_the_watcher_did_not_run_is_nobodys_fault),
		cmocka_unit_test(who_rests_or_never_began_is_not_waited_for),
		cmocka_unit_test(what_is_blamed_is_said),
		cmocka_unit_test(a_recorder_that_hangs_is_told_once_and_ends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
