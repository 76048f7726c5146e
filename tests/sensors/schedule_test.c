/* schedule_test.c: who is polled when, on fake time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
	check_waits(2100, 12000);
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

/* ---- Order -------------------------------------------------------------------------------------- */

static void life_safety_goes_first(void **state)
{
	const struct schedule_device devices[] = {
		{0, {1000, 0, 0, 0}, 0, false}, {1, {1000, 0, 0, 0}, 0, true}, {2, {100, 0, 0, 0}, 0, false}};
	struct schedule *schedule = make(devices, 3);
	struct schedule_turn turn;
	wy_ms at;
	(void)state;

	assert_true(schedule_next(schedule, 5000, &turn, &at));
	assert_int_equal(turn.device, 1);
	schedule_done(schedule, &turn, true, 10, 5010);
	assert_true(schedule_next(schedule, 5010, &turn, &at));
	assert_int_equal(turn.device, 2);
}

static void life_safety_does_not_starve_the_rest(void **state)
{
	struct schedule_device devices[11];
	unsigned row = 0;
	unsigned n_other = 0;
	wy_ms now = 0;
	wy_ms last = 0; /* of the one that is no life safety */
	(void)state;

	for (uint32_t i = 0; i < 11; i++)
		devices[i] = (struct schedule_device){i, {i < 10 ? 100 : 1000, 0, 0, 0}, 0, i < 10};
	struct schedule *schedule = make(devices, 11);
	while (now < 600000) { /* five times as much as the wire can carry */
		struct schedule_turn turn;
		wy_ms at;
		if (!schedule_next(schedule, now, &turn, &at)) {
			now = at;
			continue;
		}
		bool is_overdue = now - last > 2 * 1000 + 50 && last;
		row = turn.device < 10 && is_overdue ? row + 1 : 0;
		assert_true(row <= SCHEDULE_SAFETY_ROW);
		now += 50;
		n_other += turn.device == 10;
		last = turn.device == 10 ? now : last;
		schedule_done(schedule, &turn, true, 50, now);
	}
	assert_in_range(n_other, 600 / 4, 600);
}

static void whoever_is_most_overdue_for_its_period_goes_first(void **state)
{
	const struct schedule_device devices[] = {{0, {0, 0, 60000, 0}, 0, false}, {1, {1000, 0, 0, 0}, 0, false}};
	struct schedule *schedule = make(devices, 2);
	struct schedule_turn turn;
	wy_ms at;
	(void)state;

	assert_true(schedule_next(schedule, 10000, &turn, &at));
	assert_int_equal(turn.device, 1);
	schedule_done(schedule, &turn, true, 10, 10010);
	assert_true(schedule_next(schedule, 10010, &turn, &at));
	assert_int_equal(turn.device, 0);
}

static void a_wire_that_cannot_keep_up_delays_each_in_proportion(void **state)
{
	struct schedule_device devices[20];
	unsigned polls[20] = {0};
	wy_ms last[20];
	wy_ms now = 0;
	(void)state;

	for (uint32_t i = 0; i < 20; i++)
		devices[i] = (struct schedule_device){i, {i % 2 ? 1000 : 4000, 0, 0, 0}, 0, false};
	struct schedule *schedule = make(devices, 20);
	run(schedule, &now, 600000, 160, 0, polls, last); /* twice the time there is */
	for (unsigned i = 0; i < 20; i++)
		assert_in_range(polls[i], (i % 2 ? 600 : 150) * 4 / 10, (i % 2 ? 600 : 150) * 6 / 10);
}

static void slow_points_of_many_devices_do_not_fall_due_together(void **state)
{
	struct schedule_device devices[100];
	unsigned in_second[600] = {0};
	wy_ms now = 0;
	(void)state;

	for (uint32_t i = 0; i < 100; i++)
		devices[i] = (struct schedule_device){i, {1000, 10000, 60000, 0}, 0, false};
	struct schedule *schedule = make(devices, 100);
	while (now < 600000) {
		struct schedule_turn turn;
		wy_ms at;
		if (!schedule_next(schedule, now, &turn, &at)) {
			now = at;
			continue;
		}
		if (turn.class_mask & 1u << 2) {
			assert_int_equal(turn.class_mask, 7); /* a slow beat is one of the faster ones too */
			in_second[now / 1000]++;
		}
		now += 2;
		schedule_done(schedule, &turn, true, 2, now);
	}
	assert_in_range(in_second[0] + in_second[1], 100, 110); /* all of it is known at once */
	for (unsigned second = 2; second < 600; second++)
		assert_true(in_second[second] <= 10);
}

static void the_same_seed_gives_the_same_schedule(void **state)
{
	static unsigned char other_memory[1 << 16];
	const struct schedule_device devices[] = {
		{0, {1000, 10000, 0, 0}, 0, false}, {1, {1000, 0, 0, 0}, 0, true}, {2, {500, 0, 0, 0}, 0, false}};
	struct schedule *one = make(devices, 3);
	struct schedule *other = NULL;
	struct wy_arena arena;
	wy_ms now = 0;
	(void)state;

	wy_arena_init(&arena, other_memory, sizeof(other_memory));
	assert_int_equal(schedule_new(devices, 3, 0, 7, &arena, &other), WY_OK);
	for (int i = 0; i < 5000; i++) {
		struct schedule_turn a = {0};
		struct schedule_turn b = {0};
		wy_ms a_at;
		wy_ms b_at;
		bool has_turn = schedule_next(one, now, &a, &a_at);
		assert_int_equal(schedule_next(other, now, &b, &b_at), has_turn);
		if (has_turn) {
			assert_int_equal(a.slot, b.slot);
			assert_int_equal(a.class_mask, b.class_mask);
			schedule_done(one, &a, i % 3 != 0, 40, now + 40);
			schedule_done(other, &b, i % 3 != 0, 40, now + 40);
			now += 40;
		} else {
			assert_int_equal(a_at, b_at);
			now = a_at;
		}
	}
}

/* ---- Least intervals, and asking ---------------------------------------------------------------- */

static void no_device_is_asked_before_its_least_interval_is_over(void **state)
{
	const struct schedule_device devices[] = {{0, {1000, 0, 0, 0}, 3000, false}, {1, {1000, 0, 0, 0}, 0, false}};
	struct schedule *schedule = make(devices, 2);
	wy_ms now = 0;
	wy_ms end = WY_MS_NONE;
	unsigned n = 0;
	(void)state;

	while (now < 300000) {
		struct schedule_turn turn;
		wy_ms at;
		if (now / 1000 % 20 == 0)
			schedule_ask(schedule, 0, now);
		if (!schedule_next(schedule, now, &turn, &at)) {
			assert_true(at > now);
			now = at;
			continue;
		}
		if (turn.device == 0) {
			assert_true(end == WY_MS_NONE || now >= end + 3000);
			end = now + 50;
			n++;
		}
		now += 50;
		schedule_done(schedule, &turn, n % 5 != 0, 50, now);
	}
	assert_in_range(n, 50, 100);
}

static void whoever_is_asked_for_goes_before_all_others_with_all_classes(void **state)
{
	const struct schedule_device devices[] = {
		{0, {1000, 0, 0, 0}, 0, true}, {1, {0, 10000, 0, 3600000}, 0, false}};
	struct schedule *schedule = make(devices, 2);
	unsigned polls[2] = {0};
	wy_ms last[2];
	wy_ms now = 0;
	struct schedule_turn turn;
	wy_ms at;
	(void)state;

	run(schedule, &now, 60000, 20, 0, polls, last);
	unsigned before = polls[1];
	now += 2000;
	schedule_ask(schedule, 1, now);
	assert_true(schedule_next(schedule, now, &turn, &at));
	assert_int_equal(turn.device, 1);
	assert_int_equal(turn.class_mask, 1u << 1 | 1u << 3);
	schedule_done(schedule, &turn, true, 20, now + 20);
	assert_true(schedule_next(schedule, now + 20, &turn, &at));
	assert_int_equal(turn.device, 0);
	run(schedule, &now, 160000, 20, 0, polls, last);
	assert_in_range(polls[1] - before, 9, 11); /* its beat went on */
}

static void asking_for_a_silent_device_waits_for_no_back_off(void **state)
{
	const struct schedule_device devices[] = {{0, {1000, 10000, 0, 0}, 0, false}, {1, {1000, 0, 0, 0}, 0, false}};
	struct schedule *schedule = make(devices, 2);
	unsigned polls[2] = {0};
	wy_ms last[2];
	wy_ms now = 0;
	struct schedule_turn turn;
	wy_ms at;
	(void)state;

	run(schedule, &now, 600000, 100, 1, polls, last);
	assert_int_equal(schedule_silent(schedule), 1);
	schedule_ask(schedule, 0, now);
	assert_true(schedule_next(schedule, now, &turn, &at));
	assert_int_equal(turn.device, 0);
	assert_int_equal(turn.class_mask, 3);
	assert_true(turn.is_probe);
	schedule_done(schedule, &turn, true, 10, now + 10);
	assert_int_equal(schedule_silent(schedule), 0);
	assert_int_equal(schedule_failures(schedule, 0), 0);
}

/* ---- Silent devices ----------------------------------------------------------------------------- */

#define UNITS 100

/* Units behind one connection, asked each second. */
struct bus {
	struct schedule *schedule;
	bool is_away[UNITS];
	wy_ms now_ms, answer_ms, timeout_ms;
	unsigned n_answers[UNITS];
	wy_ms last_ms[UNITS];
	wy_ms probes_ms; /* spent on silence */
};

static void make_bus(struct bus *bus, wy_ms answer_ms, wy_ms timeout_ms)
{
	struct schedule_device devices[UNITS];

	*bus = (struct bus){.answer_ms = answer_ms, .timeout_ms = timeout_ms};
	for (uint32_t i = 0; i < UNITS; i++)
		devices[i] = (struct schedule_device){i, {1000, 0, 0, 0}, 0, false};
	bus->schedule = make(devices, UNITS);
}

static void play(struct bus *bus, wy_ms end_ms)
{
	while (bus->now_ms < end_ms) {
		struct schedule_turn turn;
		wy_ms at;
		if (!schedule_next(bus->schedule, bus->now_ms, &turn, &at)) {
			bus->now_ms = at < end_ms ? at : end_ms;
			continue;
		}
		bool is_away = bus->is_away[turn.device];
		wy_ms took = is_away ? bus->timeout_ms : bus->answer_ms;
		bus->now_ms += took;
		if (is_away)
			bus->probes_ms += took;
		else {
			bus->n_answers[turn.device]++;
			bus->last_ms[turn.device] = bus->now_ms;
		}
		schedule_done(bus->schedule, &turn, !is_away, took, bus->now_ms);
	}
}

/* Per cent of the polls the living should have had. */
static unsigned kept(const struct bus *bus, const unsigned *before, unsigned seconds)
{
	unsigned n = 0;
	unsigned n_alive = 0;

	for (unsigned i = 0; i < UNITS; i++) {
		n_alive += !bus->is_away[i];
		n += bus->is_away[i] ? 0 : bus->n_answers[i] - before[i];
	}
	return n * 100 / (n_alive * seconds);
}

static void five_silent_of_a_hundred_take_nothing_from_the_rest_and_are_seen_within_ten_seconds(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		struct bus bus;
		unsigned before[UNITS];
		make_bus(&bus, 5, 200);
		for (unsigned i = 0; i < 5; i++)
			bus.is_away[i * 20 + round] = true;
		play(&bus, 120000);
		memcpy(before, bus.n_answers, sizeof(before));
		bus.probes_ms = 0;
		play(&bus, 420000 + 400 * round);
		assert_true(kept(&bus, before, 300) >= 99);
		assert_true(bus.probes_ms * 100 / 300000 <= SCHEDULE_PROBE_PERCENT + 1);
		wy_ms back = bus.now_ms;
		for (unsigned i = 0; i < 5; i++)
			bus.is_away[i * 20 + round] = false;
		play(&bus, back + 10000);
		for (unsigned i = 0; i < 5; i++)
			assert_true(bus.last_ms[i * 20 + round] > back);
	}
}

static void many_silent_ones_share_what_five_would_have(void **state)
{
	struct bus bus;
	unsigned before[UNITS];
	(void)state;

	make_bus(&bus, 5, 500);
	for (unsigned i = 0; i < 12; i++)
		bus.is_away[i * 8] = true;
	play(&bus, 300000);
	memcpy(before, bus.n_answers, sizeof(before));
	bus.probes_ms = 0;
	play(&bus, 900000);
	assert_true(bus.probes_ms * 100 / 600000 <= SCHEDULE_PROBE_PERCENT);
	assert_true(kept(&bus, before, 600) >= 97);
	assert_int_equal(schedule_silent(bus.schedule), 12);
}

static void each_silent_one_is_asked_within_a_minute_and_a_half_however_many_there_are(void **state)
{
	struct bus bus;
	(void)state;

	make_bus(&bus, 5, 500);
	for (unsigned i = 0; i < 60; i++)
		bus.is_away[i] = true;
	play(&bus, 600000);
	wy_ms back = bus.now_ms;
	for (unsigned i = 0; i < 60; i++)
		bus.is_away[i] = false;
	play(&bus, back + 90000);
	for (unsigned i = 0; i < 60; i++)
		assert_true(bus.last_ms[i] > back);
}

static void a_device_that_is_alone_with_its_silence_is_asked_every_eight_seconds(void **state)
{
	const struct schedule_device devices[] = {{0, {1000, 0, 0, 0}, 0, false}};
	struct schedule *schedule = make(devices, 1);
	unsigned polls[1] = {0};
	wy_ms last[1];
	wy_ms now = 0;
	(void)state;

	run(schedule, &now, 3600000, 3000, 1, polls, last); /* three seconds each */
	assert_in_range(polls[0], 3600 / 11, 3600 / 9 + 10);
}

static void a_wire_without_devices_is_never_due(void **state)
{
	struct schedule *schedule = make(NULL, 0);
	struct schedule_turn turn;
	wy_ms at;
	(void)state;

	assert_false(schedule_next(schedule, 0, &turn, &at));
	assert_true(at == WY_MS_NEVER);
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
		cmocka_unit_test(life_safety_goes_first),
		cmocka_unit_test(life_safety_does_not_starve_the_rest),
		cmocka_unit_test(whoever_is_most_overdue_for_its_period_goes_first),
		cmocka_unit_test(a_wire_that_cannot_keep_up_delays_each_in_proportion),
		cmocka_unit_test(slow_points_of_many_devices_do_not_fall_due_together),
		cmocka_unit_test(the_same_seed_gives_the_same_schedule),
		cmocka_unit_test(no_device_is_asked_before_its_least_interval_is_over),
		cmocka_unit_test(whoever_is_asked_for_goes_before_all_others_with_all_classes),
		cmocka_unit_test(asking_for_a_silent_device_waits_for_no_back_off),
		cmocka_unit_test(five_silent_of_a_hundred_take_nothing_from_the_rest_and_are_seen_within_ten_seconds),
		cmocka_unit_test(many_silent_ones_share_what_five_would_have),
		cmocka_unit_test(each_silent_one_is_asked_within_a_minute_and_a_half_however_many_there_are),
		cmocka_unit_test(a_device_that_is_alone_with_its_silence_is_asked_every_eight_seconds),
		cmocka_unit_test(a_wire_without_devices_is_never_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
