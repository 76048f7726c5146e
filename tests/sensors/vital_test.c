/* Devices that answer and are not to be believed: each story is a list of reports, and what is left of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vital.h"

enum { ALARM, BEAT, RUNS, HOURS, SERIAL, LEVEL, N_POINTS };

static const struct sensor_profile_point points[N_POINTS] = {
	[ALARM] = {.name = "alarm", .type = WY_TYPE_BOOL, .area = SENSOR_HOLDING, .encoding = SENSOR_BIT, .scale = 1},
	[BEAT] = {.name = "beat", .type = WY_TYPE_INT, .area = SENSOR_HOLDING, .encoding = SENSOR_U16, .scale = 1},
	[RUNS] = {.name = "runs", .type = WY_TYPE_COUNTER, .area = SENSOR_HOLDING, .encoding = SENSOR_U32, .scale = 1},
	[HOURS] = {.name = "hours", .type = WY_TYPE_COUNTER, .area = SENSOR_HOLDING, .encoding = SENSOR_U16, .scale = 1},
	[SERIAL] = {.name = "serial", .type = WY_TYPE_INT, .area = SENSOR_HOLDING, .encoding = SENSOR_U16, .scale = 1},
	[LEVEL] = {.name = "level", .type = WY_TYPE_REAL, .area = SENSOR_HOLDING, .encoding = SENSOR_F32, .scale = 1},
};

struct bench {
	unsigned char memory[4096];
	struct wy_arena arena;
	struct sensor_profile_point points[N_POINTS];
	struct sensor_profile profile;
	struct vital *vital;
	struct sensor_report report;
	struct wy_sample samples[N_POINTS];
};

static void begin(struct bench *b)
{
	wy_arena_init(&b->arena, b->memory, sizeof(b->memory));
	b->profile.points = b->points;
	b->profile.n_points = N_POINTS;
	assert_int_equal(vital_new(&b->profile, &b->arena, &b->vital), WY_OK);
}

static struct bench *bench(void)
{
	static struct bench b;

	memset(&b, 0, sizeof(b));
	memcpy(b.points, points, sizeof(points));
	return &b;
}

/* One sample of a whole number at an instant. Returns what became of it. */
static struct wy_sample say(struct bench *b, wy_ms at_ms, uint32_t point, int64_t value)
{
	b->samples[0] = (struct wy_sample){
		.point = point, .quality = WY_Q_GOOD, .is_whole = true, .whole = value, .at_ms = at_ms};
	b->report = (struct sensor_report){.at_ms = at_ms, .n = 1, .n_max = N_POINTS, .sample = b->samples};
	vital_pass(b->vital, &b->report);
	return b->samples[0];
}

/* The heartbeat and another value in one report. Returns what became of the other. */
static struct wy_sample say_with_beat(struct bench *b, wy_ms at_ms, uint32_t point, int64_t value, int64_t beat)
{
	b->samples[0] = (struct wy_sample){
		.point = point, .quality = WY_Q_GOOD, .is_whole = true, .whole = value, .at_ms = at_ms};
	b->samples[1] = (struct wy_sample){
		.point = BEAT, .quality = WY_Q_GOOD, .is_whole = true, .whole = beat, .at_ms = at_ms};
	b->report = (struct sensor_report){.at_ms = at_ms, .n = 2, .n_max = N_POINTS, .sample = b->samples};
	vital_pass(b->vital, &b->report);
	assert_int_equal(b->samples[1].quality, WY_Q_GOOD);
	return b->samples[0];
}

static void fail_once(struct bench *b, wy_ms at_ms, enum wy_err err)
{
	b->report = (struct sensor_report){.at_ms = at_ms, .err = err, .sample = b->samples};
	vital_pass(b->vital, &b->report);
}

static void bad_beat(struct bench *b, wy_ms at_ms)
{
	b->samples[0] = (struct wy_sample){.point = BEAT, .quality = WY_Q_BAD, .why = WY_WHY_EXCEPTION, .is_whole = true};
	b->report = (struct sensor_report){.at_ms = at_ms, .n = 1, .n_max = N_POINTS, .sample = b->samples};
	vital_pass(b->vital, &b->report);
	assert_int_equal(b->samples[0].why, WY_WHY_EXCEPTION);
}

static void is_good(struct wy_sample sample, int64_t value)
{
	assert_int_equal(sample.quality, WY_Q_GOOD);
	assert_int_equal(sample.why, WY_WHY_NONE);
	assert_int_equal(sample.whole, value);
}

static void is_bad(struct wy_sample sample, enum wy_why why)
{
	assert_int_equal(sample.quality, WY_Q_BAD);
	assert_int_equal(sample.why, why);
	assert_int_equal(sample.whole, 0);
}

/* ---- Nothing asked for ------------------------------------------------------------------------- */

static void a_plain_profile_changes_nothing_but_torn_counters(void **state)
{
	struct bench *b = bench();

	(void)state;
	begin(b);
	is_good(say(b, 0, ALARM, 1), 1);
	fail_once(b, 1000, WY_E_TIMEOUT);
	fail_once(b, 2000, WY_E_TIMEOUT);
	is_good(say(b, 3000, ALARM, 0), 0);
	is_good(say(b, 90000000, HOURS, 12), 12);
	is_good(say(b, 90001000, HOURS, 3), 3);
}

/* ---- Grace -------------------------------------------------------------------------------------- */

static void what_comes_back_is_not_believed_before_its_grace_is_over(void **state)
{
	struct bench *b = bench();

	(void)state;
	b->profile.grace_ms = 30000;
	begin(b);
	is_good(say(b, 0, ALARM, 1), 1);
	fail_once(b, 1000, WY_E_TIMEOUT);
	is_good(say(b, 2000, ALARM, 1), 1); /* one lost answer is no absence */
	fail_once(b, 3000, WY_E_TIMEOUT);
	fail_once(b, 4000, WY_E_LINK);
	is_bad(say(b, 5000, ALARM, 1), WY_WHY_RETURNED);
	is_bad(say(b, 34999, ALARM, 1), WY_WHY_RETURNED);
	is_good(say(b, 35000, ALARM, 1), 1);
}

static void refusals_are_no_absence(void **state)
{
	struct bench *b = bench();

	(void)state;
	b->profile.grace_ms = 30000;
	begin(b);
	for (int i = 0; i < 5; i++)
		fail_once(b, 1000 * i, WY_E_EXCEPTION);
	is_good(say(b, 9000, ALARM, 1), 1);
}

static void the_first_answer_after_an_absence_is_lost_to_the_shortest_grace(void **state)
{
	struct bench *b = bench();

	(void)state;
	b->profile.grace_ms = 1;
	begin(b);
	fail_once(b, 0, WY_E_TIMEOUT);
	fail_once(b, 1000, WY_E_TIMEOUT);
	is_bad(say(b, 2000, ALARM, 1), WY_WHY_RETURNED);
	is_good(say(b, 2001, ALARM, 1), 1);
}

static void life_safety_never_loses_an_alarm_to_grace(void **state)
{
	struct bench *b = bench();

	(void)state;
	b->profile.grace_ms = 30000;
	b->profile.is_life_safety = true;
	begin(b);
	fail_once(b, 0, WY_E_TIMEOUT);
	fail_once(b, 1000, WY_E_TIMEOUT);
	struct wy_sample s = say(b, 2000, ALARM, 1);
	assert_int_equal(s.quality, WY_Q_UNCERTAIN);
	assert_int_equal(s.why, WY_WHY_RETURNED);
	assert_int_equal(s.whole, 1);
	is_good(say(b, 32000, ALARM, 1), 1);
}

static void another_identity_or_a_fallen_counter_is_a_return(void **state)
{
	struct bench *b = bench();

	(void)state;
	b->profile.grace_ms = 10000;
	b->profile.identity = "serial";
	begin(b);
	is_good(say(b, 0, SERIAL, 17), 17);
	is_good(say(b, 1000, SERIAL, 17), 17);
	is_bad(say(b, 2000, SERIAL, 18), WY_WHY_RETURNED);
	assert_true(vital_signs(b->vital).has_identity);
	assert_int_equal(vital_signs(b->vital).identity, 18);
	is_bad(say(b, 11000, ALARM, 1), WY_WHY_RETURNED);
	is_good(say(b, 12000, ALARM, 1), 1);
	is_good(say(b, 13000, HOURS, 65535), 65535);
	is_good(say(b, 14000, HOURS, 0), 0); /* over the edge, not down */
	is_good(say(b, 15000, HOURS, 20), 20);
	is_bad(say(b, 16000, HOURS, 3), WY_WHY_RETURNED);
	is_bad(say(b, 17000, HOURS, 1), WY_WHY_RETURNED); /* falling again does not make it longer */
	is_good(say(b, 26000, HOURS, 3), 3);
}

/* ---- Signs of life ------------------------------------------------------------------------------ */

static struct bench *living(void)
{
	struct bench *b = bench();

	b->profile.liveness = "beat";
	b->profile.liveness_ms = 10000;
	begin(b);
	return b;
}

static void a_heart_that_stands_still_makes_everything_old(void **state)
{
	struct bench *b = living();

	(void)state;
	is_good(say_with_beat(b, 0, ALARM, 1, 7), 1);
	is_good(say_with_beat(b, 9999, ALARM, 1, 7), 1);
	is_bad(say_with_beat(b, 10000, ALARM, 1, 7), WY_WHY_FROZEN);
	is_bad(say(b, 10500, LEVEL, 0), WY_WHY_FROZEN); /* also in reports without it */
	is_good(say_with_beat(b, 11000, ALARM, 1, 8), 1);
	is_good(say_with_beat(b, 20999, ALARM, 1, 8), 1);
	is_bad(say_with_beat(b, 21000, ALARM, 1, 8), WY_WHY_FROZEN);
}

static void a_heart_that_is_seldom_looked_at_is_not_called_dead(void **state)
{
	struct bench *b = living();

	(void)state;
	is_good(say_with_beat(b, 0, ALARM, 1, 7), 1);
	is_good(say(b, 60000, ALARM, 1), 1);
	is_good(say_with_beat(b, 61000, ALARM, 1, 8), 1);
}

static void after_an_absence_the_heart_has_its_time_anew_unless_it_stood_still(void **state)
{
	struct bench *b = living();

	(void)state;
	is_good(say_with_beat(b, 0, ALARM, 1, 7), 1);
	fail_once(b, 1000, WY_E_TIMEOUT);
	fail_once(b, 100000, WY_E_TIMEOUT);
	is_good(say_with_beat(b, 200000, ALARM, 1, 7), 1);
	is_bad(say_with_beat(b, 210000, ALARM, 1, 7), WY_WHY_FROZEN);
	fail_once(b, 211000, WY_E_TIMEOUT);
	fail_once(b, 212000, WY_E_TIMEOUT);
	is_bad(say_with_beat(b, 213000, ALARM, 1, 7), WY_WHY_FROZEN);
	is_good(say_with_beat(b, 214000, ALARM, 1, 8), 1);
}

static void an_unreadable_heart_does_not_beat_unless_it_is_optional(void **state)
{
	struct bench *b = living();

	(void)state;
	bad_beat(b, 0);
	is_good(say(b, 9000, ALARM, 1), 1);
	bad_beat(b, 10000);
	is_bad(say(b, 10001, ALARM, 1), WY_WHY_FROZEN);

	b = living();
	b->points[BEAT].is_optional = true;
	bad_beat(b, 0);
	bad_beat(b, 10000);
	is_good(say(b, 10001, ALARM, 1), 1);
}

static void reals_beat_too(void **state)
{
	struct bench *b = bench();

	(void)state;
	b->profile.liveness = "level";
	b->profile.liveness_ms = 2000;
	begin(b);
	for (int i = 0; i < 10; i++) {
		struct wy_sample level = {.point = LEVEL, .quality = WY_Q_GOOD, .real = 1.0 + i / 1024.0};
		b->samples[0] = level;
		b->report = (struct sensor_report){.at_ms = 1000 * i, .n = 1, .sample = b->samples};
		vital_pass(b->vital, &b->report);
		is_good(say(b, 1000 * i + 500, ALARM, 1), 1);
	}
	assert_int_equal(vital_signs(b->vital).n_changes, 9);
}

/* ---- Said to be gone ---------------------------------------------------------------------------- */

static void what_its_gateway_calls_gone_is_gone(void **state)
{
	struct bench *b = bench();

	(void)state;
	b->profile.grace_ms = 5000;
	begin(b);
	vital_set_alive(b->vital, true, true);
	is_good(say(b, 0, ALARM, 1), 1);
	vital_set_alive(b->vital, true, false);
	is_bad(say(b, 1000, ALARM, 0), WY_WHY_GONE);
	assert_int_equal(b->report.err, WY_E_TIMEOUT);
	is_bad(say(b, 2000, ALARM, 0), WY_WHY_GONE);
	vital_set_alive(b->vital, false, false); /* nobody knows: nothing is held against it but the absence */
	is_bad(say(b, 3000, ALARM, 0), WY_WHY_RETURNED);
	assert_int_equal(b->report.err, WY_OK);
	is_good(say(b, 8000, ALARM, 0), 0);
}

static void what_is_bad_already_keeps_its_reason(void **state)
{
	struct bench *b = living();

	(void)state;
	vital_set_alive(b->vital, true, false);
	bad_beat(b, 0);
	assert_int_equal(b->report.err, WY_E_TIMEOUT);
}

/* ---- Torn counters ------------------------------------------------------------------------------ */

static const struct tear {
	const char *what;
	enum sensor_encoding encoding;
	int64_t values[5]; /* up to the first -1 */
	unsigned doubted;  /* bit i: values[i] is BAD */
} tears[] = {
	{"the high half came first", SENSOR_U32, {0x1FFFF, 0x10001, 0x20005, -1}, 1u << 1},
	{"the low half came first", SENSOR_U32, {0x1FFFE, 0x2FFFF, 0x20005, 0x20006, -1}, 1u << 1},
	{"a carry read whole", SENSOR_U32, {0x1FFFF, 0x20000, 0x20001, -1}, 0},
	{"the whole counter begins again", SENSOR_U32, {0xFFFFFFF0, 5, 6, -1}, 0},
	{"it was reset", SENSOR_U32, {500000, 2, 3, 4, -1}, 1u << 1},
	{"a long absence", SENSOR_U32, {100, 900000, 900004, 900005, -1}, 1u << 1},
	{"leaps are its way", SENSOR_U32, {0, 100000, 200000, 300000, 400000}, 1u << 1},
	{"two leaps that do not agree", SENSOR_U32, {10, 2000000, 1000000, 1000002, -1}, 1u << 1 | 1u << 2},
	{"decimal halves, high first", SENSOR_DEC_PAIR, {19999, 10001, 20004, -1}, 1u << 1},
	{"decimal halves, low first", SENSOR_DEC_PAIR, {19999, 29999, 20004, -1}, 1u << 1},
	{"decimal halves begin again", SENSOR_DEC_PAIR, {99999999, 0, 1, -1}, 0},
	{"four registers", SENSOR_U64, {0x1FFFFFFFF, 0x2FFFFFFFF, 0x200000003, -1}, 1u << 1},
	{"one register is never torn", SENSOR_U16, {300, 200, 65535, 0, -1}, 0},
};

static void a_torn_counter_is_doubted_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tears) / sizeof(*tears); i++) {
		struct bench *b = bench();
		b->points[RUNS].encoding = tears[i].encoding;
		begin(b);
		for (int k = 0; k < 5 && tears[i].values[k] >= 0; k++) {
			struct wy_sample s = say(b, 1000 * k, RUNS, tears[i].values[k]);
			bool is_doubted = s.quality == WY_Q_BAD;
			if (is_doubted != ((tears[i].doubted >> k & 1) != 0))
				fail_msg("%s: value %d is %s", tears[i].what, k, wy_quality_text(s.quality));
			if (is_doubted)
				is_bad(s, WY_WHY_MISMATCH);
			else
				is_good(s, tears[i].values[k]);
		}
	}
}

static uint32_t chance(uint32_t *seed, uint32_t bound)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % bound;
}

/* A counter that carries often, read now and then half before and half after it moved on: what is believed always lies
 * between the two. */
static void no_torn_value_of_a_moving_counter_is_believed(void **state)
{
	static const struct {
		enum sensor_encoding encoding;
		int64_t low, range;
	} rows[] = {{SENSOR_U32, 65536, INT64_C(4294967296)}, {SENSOR_DEC_PAIR, 10000, 100000000}};

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		struct bench *b = bench();
		uint32_t seed = 7;
		int64_t low = rows[r].low, range = rows[r].range, truth = range - 40 * low;
		unsigned n_tears = 0, n_doubts = 0;
		b->points[RUNS].encoding = rows[r].encoding;
		begin(b);
		is_good(say(b, 0, RUNS, truth), truth);
		for (int i = 1; i < 50000; i++) {
			int64_t later = truth + chance(&seed, (uint32_t)low / 20);
			int64_t before = truth % range, after = later % range;
			bool is_high_first = chance(&seed, 2) == 0;
			int64_t read = is_high_first ? before / low * low + after % low : after / low * low + before % low;
			struct wy_sample s = say(b, 1000 * i, RUNS, read);
			bool is_torn = read != before && read != after;
			n_tears += is_torn;
			n_doubts += s.quality == WY_Q_BAD;
			if (s.quality == WY_Q_GOOD && is_torn && (s.whole < before || s.whole > after))
				fail_msg("%d: %lld read while it went from %lld to %lld", i, (long long)s.whole,
					 (long long)before, (long long)after);
			truth = later;
		}
		assert_true(n_tears > 100);
		assert_true(n_doubts <= n_tears * 2);
	}
}

static void a_scaled_counter_is_torn_at_its_own_edges(void **state)
{
	struct bench *b = bench();

	(void)state;
	b->points[RUNS].scale = 10;
	b->points[RUNS].offset = 5;
	begin(b);
	is_good(say(b, 0, RUNS, 0x1FFFF * 10 + 5), 0x1FFFF * 10 + 5);
	is_bad(say(b, 1000, RUNS, 0x2FFFF * 10 + 5), WY_WHY_MISMATCH);
	is_good(say(b, 2000, RUNS, 0x20003 * 10 + 5), 0x20003 * 10 + 5);
}

static void a_reset_of_a_wide_counter_is_a_return_when_it_is_believed(void **state)
{
	struct bench *b = bench();

	(void)state;
	b->profile.grace_ms = 10000;
	begin(b);
	is_good(say(b, 0, RUNS, 500000), 500000);
	is_bad(say(b, 1000, RUNS, 2), WY_WHY_MISMATCH);
	is_bad(say(b, 2000, RUNS, 3), WY_WHY_RETURNED);
	is_good(say(b, 12000, RUNS, 13), 13);
}

/* ---- What is counted ---------------------------------------------------------------------------- */

static void changes_and_exchanges_are_counted(void **state)
{
	struct bench *b = bench();

	(void)state;
	begin(b);
	assert_false(vital_signs(b->vital).has_identity);
	(void)say(b, 0, BEAT, 1);
	(void)say(b, 1000, BEAT, 1);
	(void)say(b, 2000, BEAT, 2);
	(void)say(b, 3000, ALARM, 2);
	assert_int_equal(vital_signs(b->vital).n_changes, 1);
	b->report = (struct sensor_report){.err = WY_E_TIMEOUT, .n_requests = 40, .n_garbled = 2};
	vital_pass(b->vital, &b->report);
	assert_int_equal(vital_signs(b->vital).n_requests, 40);
	assert_int_equal(vital_signs(b->vital).n_garbled, 2);
}

/* A poll that gave its first block and lost its second: what it gave is held against the past like anything else. */
static struct wy_sample say_before_failing(struct bench *b, wy_ms at_ms, uint32_t point, int64_t value)
{
	b->samples[0] = (struct wy_sample){
		.point = point, .quality = WY_Q_GOOD, .is_whole = true, .whole = value, .at_ms = at_ms};
	b->samples[1] = (struct wy_sample){.point = LEVEL, .quality = WY_Q_BAD, .why = WY_WHY_LINK};
	b->report = (struct sensor_report){
		.at_ms = at_ms, .err = WY_E_LINK, .n = 2, .n_max = N_POINTS, .sample = b->samples};
	vital_pass(b->vital, &b->report);
	assert_int_equal(b->samples[1].why, WY_WHY_LINK);
	return b->samples[0];
}

static void half_a_poll_of_a_frozen_device_is_as_old_as_a_whole_one(void **state)
{
	struct bench *b = living();
	(void)state;

	is_good(say_with_beat(b, 0, ALARM, 0, 1), 0);
	is_bad(say_with_beat(b, 11000, ALARM, 0, 1), WY_WHY_FROZEN);
	is_bad(say_before_failing(b, 12000, ALARM, 0), WY_WHY_FROZEN);
	is_good(say_with_beat(b, 13000, ALARM, 0, 2), 0);
	is_good(say_before_failing(b, 14000, ALARM, 1), 1);
}

static void half_a_poll_after_an_absence_begins_the_grace(void **state)
{
	struct bench *b = bench();
	(void)state;

	b->profile.grace_ms = 5000;
	begin(b);
	is_good(say(b, 0, ALARM, 0), 0);
	fail_once(b, 1000, WY_E_TIMEOUT);
	fail_once(b, 2000, WY_E_TIMEOUT);
	is_bad(say_before_failing(b, 3000, ALARM, 1), WY_WHY_RETURNED);
	is_bad(say(b, 4000, ALARM, 1), WY_WHY_RETURNED);
	is_good(say(b, 8000, ALARM, 1), 1);
}

static void half_a_poll_does_not_make_a_torn_counter_true(void **state)
{
	struct bench *b = bench();
	(void)state;

	begin(b);
	is_good(say(b, 0, RUNS, 65535), 65535);
	is_bad(say_before_failing(b, 1000, RUNS, 131071), WY_WHY_MISMATCH);
	is_good(say(b, 2000, RUNS, 65537), 65537);
}

static void memory_running_out_is_an_error(void **state)
{
	struct bench *b = bench();

	(void)state;
	b->profile.points = b->points;
	b->profile.n_points = N_POINTS;
	wy_arena_init(&b->arena, b->memory, 8);
	assert_int_equal(vital_new(&b->profile, &b->arena, &b->vital), WY_E_NOMEM);
	wy_arena_init(&b->arena, b->memory, 160);
	assert_int_equal(vital_new(&b->profile, &b->arena, &b->vital), WY_E_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_profile_changes_nothing_but_torn_counters),
		cmocka_unit_test(what_comes_back_is_not_believed_before_its_grace_is_over),
		cmocka_unit_test(refusals_are_no_absence),
		cmocka_unit_test(the_first_answer_after_an_absence_is_lost_to_the_shortest_grace),
		cmocka_unit_test(life_safety_never_loses_an_alarm_to_grace),
		cmocka_unit_test(another_identity_or_a_fallen_counter_is_a_return),
		cmocka_unit_test(a_heart_that_stands_still_makes_everything_old),
		cmocka_unit_test(a_heart_that_is_seldom_looked_at_is_not_called_dead),
		cmocka_unit_test(after_an_absence_the_heart_has_its_time_anew_unless_it_stood_still),
		cmocka_unit_test(an_unreadable_heart_does_not_beat_unless_it_is_optional),
		cmocka_unit_test(reals_beat_too),
		cmocka_unit_test(what_its_gateway_calls_gone_is_gone),
		cmocka_unit_test(what_is_bad_already_keeps_its_reason),
		cmocka_unit_test(a_torn_counter_is_doubted_once),
		cmocka_unit_test(no_torn_value_of_a_moving_counter_is_believed),
		cmocka_unit_test(a_scaled_counter_is_torn_at_its_own_edges),
		cmocka_unit_test(a_reset_of_a_wide_counter_is_a_return_when_it_is_believed),
		cmocka_unit_test(changes_and_exchanges_are_counted),
		cmocka_unit_test(half_a_poll_of_a_frozen_device_is_as_old_as_a_whole_one),
		cmocka_unit_test(half_a_poll_after_an_absence_begins_the_grace),
		cmocka_unit_test(half_a_poll_does_not_make_a_torn_counter_true),
		cmocka_unit_test(memory_running_out_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
