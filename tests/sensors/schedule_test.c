/* schedule_test.c: who is polled when, on fake time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "schedule.h"

static unsigned char memory[1 << 16];

static struct schedule *make(const struct schedule_device *devices, size_t n)
{
	struct wy_arena arena;
	struct schedule *schedule = NULL;

	wy_arena_init(&arena, memory, sizeof(memory));
	assert_int_equal(schedule_new(devices, n, 0, 7, &arena, &schedule), WY_OK);
	return schedule;
}

/* Runs until `end_ms`; each poll takes took_ms; devices in `dead` (a bit mask) never answer. Counts. */
static void run(struct schedule *schedule, wy_ms *now_ms, wy_ms end_ms, wy_ms took_ms, unsigned dead,
		unsigned *polls, wy_ms *last_ms)
{
	while (*now_ms < end_ms) {
		struct schedule_turn turn;
		wy_ms at_ms;
		if (!schedule_next(schedule, *now_ms, &turn, &at_ms)) {
			assert_true(at_ms > *now_ms);
			*now_ms = at_ms < end_ms ? at_ms : end_ms;
			continue;
		}
		*now_ms += took_ms;
		polls[turn.device]++;
		last_ms[turn.device] = *now_ms;
		schedule_done(schedule, &turn, !(dead & (1u << turn.device)), took_ms, *now_ms);
	}
}

static void keeps_its_beat_whatever_a_poll_takes(void **state)
{
	const struct schedule_device devices[] = {{0, {1000, 0, 0, 0}, 0, false}};
	struct schedule *schedule = make(devices, 1);
	unsigned polls[1] = {0};
	wy_ms last[1];
	wy_ms now = 0;
	(void)state;

	run(schedule, &now, 100000, 30, 0, polls, last);
	assert_in_range(polls[0], 99, 101);
}

static void asks_classes_that_are_due_together_in_one_poll(void **state)
{
	const struct schedule_device devices[] = {{3, {1000, 10000, 0, 0}, 0, false}};
	struct schedule *schedule = make(devices, 1);
	struct schedule_turn turn;
	wy_ms at;
	(void)state;

	assert_true(schedule_next(schedule, 2000, &turn, &at));
	assert_int_equal(turn.device, 3);
	assert_int_equal(turn.class_mask, 3);
	schedule_done(schedule, &turn, true, 0, 2010);
	assert_false(schedule_next(schedule, 2010, &turn, &at));
	assert_true(schedule_next(schedule, at, &turn, &at));
	assert_int_equal(turn.class_mask, 1);
}

static void makes_a_missed_poll_once_not_often(void **state)
{
	const struct schedule_device devices[] = {{0, {1000, 0, 0, 0}, 0, false}};
	struct schedule *schedule = make(devices, 1);
	struct schedule_turn turn;
	wy_ms at;
	(void)state;

	assert_true(schedule_next(schedule, 60000, &turn, &at));
	schedule_done(schedule, &turn, true, 0, 60500);
	assert_false(schedule_next(schedule, 60500, &turn, &at));
	assert_in_range(at, 60501, 61500);
}

static void backs_off_from_a_dead_device_and_keeps_the_living_on_time(void **state)
{
	const struct schedule_device devices[] = {{0, {1000, 0, 0, 0}, 0, false}, {1, {1000, 0, 0, 0}, 0, false}};
	struct schedule *schedule = make(devices, 2);
	unsigned polls[2] = {0};
	wy_ms last[2];
	wy_ms now = 0;
	(void)state;

	run(schedule, &now, 600000, 50, 1u << 1, polls, last);
	assert_in_range(polls[0], 598, 601);
	assert_in_range(polls[1], 600 / 8, 600 / 6 + 5);
	assert_true(schedule_failures(schedule, 1) > 10);
}

static void sees_a_returning_device_within_the_longest_wait(void **state)
{
	const struct schedule_device devices[] = {{0, {1000, 0, 60000, 0}, 0, false}};
	struct schedule *schedule = make(devices, 1);
	unsigned polls[1] = {0};
	wy_ms last[1] = {0};
	wy_ms now = 0;
	struct schedule_turn turn;
	wy_ms at = 0;
	(void)state;

	run(schedule, &now, 3600000, 50, 1, polls, last);
	while (!schedule_next(schedule, now, &turn, &at))
		now = at;
	assert_true(now <= 3600000 + SCHEDULE_BACKOFF_MOST_MS);
	assert_true(turn.is_probe);
	assert_int_equal(turn.class_mask, 1);
	schedule_done(schedule, &turn, true, 0, now);
	/* All its classes come back at once. */
	assert_true(schedule_next(schedule, now + 1000, &turn, &at));
	assert_int_equal(turn.class_mask, 5);
}

static wy_ms smaller(wy_ms a, wy_ms b)
{
	return a < b ? a : b;
}

/* The only one of its wire that is silent; a probe takes probe_ms; the wait must not exceed most_ms in the end. */
static void check_waits(wy_ms probe_ms, wy_ms most_ms)
{
	const struct schedule_device devices[] = {{0, {1000, 0, 0, 0}, 0, false}, {1, {0, 0, 0, 0}, 0, false}};
	struct schedule *schedule = make(devices, 2);
	wy_ms now = 5000;
	wy_ms doubled = SCHEDULE_BACKOFF_FIRST_MS;
	struct schedule_turn turn;
	wy_ms at;

	assert_true(schedule_next(schedule, now, &turn, &at));
	schedule_done(schedule, &turn, false, probe_ms, now);
	assert_false(schedule_next(schedule, now, &turn, &at));
	assert_in_range(at - now, 1, SCHEDULE_BACKOFF_FIRST_MS);
	now = at;
	for (unsigned i = 0; i < 50; i++) {
		bool is_early = now - 5000 < SCHEDULE_EARLY_MS;
		wy_ms wait = smaller(doubled, is_early ? SCHEDULE_BACKOFF_EARLY_MS : most_ms);
		assert_true(schedule_next(schedule, now, &turn, &at));
		schedule_done(schedule, &turn, false, probe_ms, now);
		assert_false(schedule_next(schedule, now, &turn, &at));
		assert_in_range(at - now, wait - wait / 4 - 1, wait);
		now = at;
		doubled = smaller(doubled * 2, SCHEDULE_BACKOFF_MOST_MS);
	}
}

static void never_waits_longer_than_its_bound_nor_less_than_three_quarters(void **state)
{
	(void)state;
	check_waits(10, SCHEDULE_BACKOFF_EARLY_MS);
	check_waits(3000, 20000);
	check_waits(30000, SCHEDULE_BACKOFF_MOST_MS);
}

static void a_device_away_for_less_than_a_minute_is_asked_within_ten_seconds(void **state)
{
	const struct schedule_device devices[] = {{0, {1000, 0, 0, 0}, 0, false}};
	(void)state;

	for (wy_ms away = 2000; away < 58000; away += 700) {
		struct schedule *schedule = make(devices, 1);
		unsigned polls[1] = {0};
		wy_ms last[1] = {0};
		wy_ms now = 0;
		run(schedule, &now, away, 1000, 1, polls, last);
		wy_ms back = now;
		unsigned before = polls[0];
		while (polls[0] == before)
			run(schedule, &now, now + 100, 10, 0, polls, last);
		assert_true(last[0] - back <= 10000);
	}
}

/* The answer is lost after `took_ms`; the next one comes. */
static wy_ms beats_lost(const struct schedule_device *device, wy_ms took_ms)
{
	struct schedule *schedule = make(device, 1);
	struct schedule_turn turn;
	wy_ms beat;
	wy_ms at;

	assert_false(schedule_next(schedule, -1, &turn, &beat));
	assert_true(schedule_next(schedule, beat, &turn, &at));
	schedule_done(schedule, &turn, false, 0, beat + took_ms);
	assert_false(schedule_next(schedule, beat + took_ms, &turn, &at));
	assert_true(schedule_next(schedule, at, &turn, &at));
	assert_true(turn.is_probe);
	schedule_done(schedule, &turn, true, 0, at + 10);
	return at - beat;
}

static void one_lost_answer_costs_no_beat_beyond_its_own_wait(void **state)
{
	static const struct schedule_device fast = {0, {1000, 10000, 0, 0}, 0, false};
	static const struct schedule_device slow = {0, {0, 0, 0, 3600000}, 0, false};
	(void)state;

	assert_int_equal(beats_lost(&fast, 500), 1000);
	assert_true(beats_lost(&fast, 1300) <= 2000);
	assert_true(beats_lost(&slow, 500) <= 500 + SCHEDULE_BACKOFF_FIRST_MS);
}

static void after_one_lost_answer_only_what_was_lost_is_asked_again(void **state)
{
	const struct schedule_device devices[] = {{0, {1000, 10000, 60000, 0}, 0, false}};
	struct schedule *schedule = make(devices, 1);
	struct schedule_turn turn;
	wy_ms at;
	(void)state;

	assert_true(schedule_next(schedule, 1000, &turn, &at));
	assert_int_equal(turn.class_mask, 7);
	schedule_done(schedule, &turn, true, 0, 1000);
	assert_false(schedule_next(schedule, 1000, &turn, &at));
	assert_true(schedule_next(schedule, at, &turn, &at));
	schedule_done(schedule, &turn, false, 0, at + 100);
	wy_ms failed = at + 100;
	assert_false(schedule_next(schedule, failed, &turn, &at));
	assert_true(schedule_next(schedule, at, &turn, &at));
	assert_int_equal(turn.class_mask, 1);
	schedule_done(schedule, &turn, true, 0, at);
	assert_false(schedule_next(schedule, failed + 1000, &turn, &at)); /* the slow classes keep their time */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_its_beat_whatever_a_poll_takes),
		cmocka_unit_test(asks_classes_that_are_due_together_in_one_poll),
		cmocka_unit_test(makes_a_missed_poll_once_not_often),
		cmocka_unit_test(backs_off_from_a_dead_device_and_keeps_the_living_on_time),
		cmocka_unit_test(sees_a_returning_device_within_the_longest_wait),
		cmocka_unit_test(one_lost_answer_costs_no_beat_beyond_its_own_wait),
		cmocka_unit_test(after_one_lost_answer_only_what_was_lost_is_asked_again),
		cmocka_unit_test(never_waits_longer_than_its_bound_nor_less_than_three_quarters),
		cmocka_unit_test(a_device_away_for_less_than_a_minute_is_asked_within_ten_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
