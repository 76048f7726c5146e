/* feed_test.c: what a line of text shows over time; instants; chance that is the same everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed.h"
#include "noise.h"

static const char *const modes[] = {"NORMAL", "INSPECTION"};
static const struct wy_zone_change changes[] = {{INT64_MIN, 3600}, {1774746000, 7200}, {1792890000, 3600}};
static const struct wy_zone berlin = {"Europe/Berlin", changes, 3};

struct fixture {
	struct wy_arena arena;
	struct wy_diags diags;
	struct wy_node node;
	struct wy_source source;
	struct moment_base base;
	struct wy_point point;
	struct feed feed;
	unsigned char memory[1 << 17];
};

static bool reads(struct fixture *f, enum wy_type type, const char *unit, const char *text)
{
	memset(f, 0, sizeof(*f));
	wy_arena_init(&f->arena, f->memory, sizeof(f->memory));
	wy_diags_init(&f->diags, &f->arena);
	f->source = (struct wy_source){"feed", text, strlen(text)};
	f->node = (struct wy_node){.kind = WY_NODE_SCALAR, .is_verbatim = true, .source = &f->source, .line = 1,
				   .column = 1, .text = text, .len = strlen(text)};
	f->base = (struct moment_base){&berlin, 1774731600000};
	f->point = (struct wy_point){.name = "p", .type = type, .unit = unit ? wy_unit_find(unit, strlen(unit)) : NULL,
				     .poll_ms = 1000, .stale_ms = 10000, .values = modes, .n_values = 2, .modulus = 1000};
	return feed_read(&f->node, &f->point, &f->base, &f->arena, &f->diags, &f->feed);
}

static int64_t whole_at(struct fixture *f, wy_ms ms)
{
	return feed_value_at(&f->feed, ms).whole;
}

static double real_at(struct fixture *f, wy_ms ms)
{
	return feed_value_at(&f->feed, ms).real;
}

static void values_are_held_from_their_instant_on(void **state)
{
	struct fixture f;
	(void)state;

	assert_true(reads(&f, WY_TYPE_BOOL, NULL, "@0s true @10s false"));
	assert_int_equal(whole_at(&f, 0), 1);
	assert_int_equal(whole_at(&f, 9999), 1);
	assert_int_equal(whole_at(&f, 10000), 0);
	assert_int_equal(whole_at(&f, 86400000), 0);
	assert_int_equal(f.feed.last_ms, 10000);
	assert_true(reads(&f, WY_TYPE_ENUM, NULL, "NORMAL @1min INSPECTION"));
	assert_int_equal(whole_at(&f, 60000), 1);
}

static void numbers_come_in_the_unit_of_the_point(void **state)
{
	struct fixture f;
	(void)state;

	assert_true(reads(&f, WY_TYPE_REAL, "mm", "@0s 2 m @1s 3 cm @2s 4mm"));
	assert_true(real_at(&f, 0) == 2000 && real_at(&f, 1000) == 30 && real_at(&f, 2000) == 4);
	assert_true(reads(&f, WY_TYPE_INT, NULL, "-5"));
	assert_int_equal(whole_at(&f, 0), -5);
}

static void a_line_leads_from_value_to_value(void **state)
{
	struct fixture f;
	(void)state;

	assert_true(reads(&f, WY_TYPE_REAL, "degC", "@0s 60 degC ~> @40min 100 degC ~> @50min 90 degC"));
	assert_true(real_at(&f, 0) == 60 && real_at(&f, 20 * 60000) == 80 && real_at(&f, 40 * 60000) == 100);
	assert_true(real_at(&f, 45 * 60000) == 95 && real_at(&f, 3600000) == 90);
	assert_true(reads(&f, WY_TYPE_INT, NULL, "@0s 0 ~> @10s -3"));
	assert_int_equal(whole_at(&f, 5000), -2); /* -1.5, away from zero */
	assert_int_equal(whole_at(&f, 6000), -2);
}

static void steps_add_to_what_was_reached(void **state)
{
	struct fixture f;
	(void)state;

	assert_true(reads(&f, WY_TYPE_COUNTER, NULL, "@0s 5 +1 every 10s @5min +3 every 1s @6min +100"));
	assert_int_equal(whole_at(&f, 9999), 5);
	assert_int_equal(whole_at(&f, 10000), 6);
	assert_int_equal(whole_at(&f, 299999), 5 + 29);
	assert_int_equal(whole_at(&f, 300000), 5 + 29 + 3); /* the step at 5 min itself belongs to what follows */
	assert_int_equal(whole_at(&f, 302500), 5 + 29 + 9);
	assert_int_equal(whole_at(&f, 359999), 5 + 29 + 180);
	assert_int_equal(whole_at(&f, 360000), 5 + 29 + 280);
}

static void a_counter_of_the_device_wraps(void **state)
{
	struct fixture f;
	struct wy_sample sample;
	(void)state;

	assert_true(reads(&f, WY_TYPE_COUNTER, NULL, "998 +1 every 1s"));
	assert_true(feed_sample(&f.feed, 3000, 0, &sample));
	assert_int_equal(sample.whole, 1);
}

static void a_cycle_repeats_and_ends(void **state)
{
	struct fixture f;
	(void)state;

	assert_true(reads(&f, WY_TYPE_BOOL, NULL, "@0s false @20s true @25s false repeat 1min until 2h @150min true"));
	for (wy_ms minute = 0; minute < 120; minute++) {
		assert_int_equal(whole_at(&f, minute * 60000 + 19999), 0);
		assert_int_equal(whole_at(&f, minute * 60000 + 20000), 1);
		assert_int_equal(whole_at(&f, minute * 60000 + 25000), 0);
	}
	assert_int_equal(whole_at(&f, 7200000 + 20000), 0);
	assert_int_equal(whole_at(&f, 150 * 60000), 1);
}

static void a_cycle_of_steps_goes_on_adding(void **state)
{
	struct fixture f;
	(void)state;

	/* Only the last 15 s are repeated, not what went before. */
	assert_true(reads(&f, WY_TYPE_COUNTER, NULL, "@0s 100 +1 every 2s @10min +0 @610s +1 repeat 15s until 20min"));
	assert_int_equal(whole_at(&f, 599999), 100 + 299);
	assert_int_equal(whole_at(&f, 600000), 399);
	assert_int_equal(whole_at(&f, 610000), 400);
	assert_int_equal(whole_at(&f, 624999), 400);
	assert_int_equal(whole_at(&f, 625000), 401);
	assert_int_equal(whole_at(&f, 1199999), 399 + 40);
	assert_int_equal(whole_at(&f, 99999999), 439);
}

static void a_saw_tooth_is_a_line_in_a_cycle(void **state)
{
	struct fixture f;
	(void)state;

	assert_true(reads(&f, WY_TYPE_REAL, "%", "@0s 10 % ~> @10min 20 % repeat 10min"));
	assert_true(real_at(&f, 5 * 60000) == 15 && real_at(&f, 10 * 60000) == 10 && real_at(&f, 995 * 60000) == 15);
}

static void a_gap_has_no_polls_between_its_ends(void **state)
{
	struct fixture f;
	struct wy_sample sample;
	(void)state;

	assert_true(reads(&f, WY_TYPE_BOOL, NULL, "true gap 40s..70s bad 80s..90s doubt 100s.."));
	assert_true(feed_sample(&f.feed, 40000, 0, &sample) && feed_sample(&f.feed, 70000, 0, &sample));
	assert_false(feed_sample(&f.feed, 40001, 0, &sample) || feed_sample(&f.feed, 69999, 0, &sample));
	assert_true(feed_sample(&f.feed, 80000, 0, &sample) && sample.quality == WY_Q_BAD);
	assert_true(feed_sample(&f.feed, 90000, 0, &sample) && sample.quality == WY_Q_GOOD);
	assert_true(feed_sample(&f.feed, 864000000, 0, &sample) && sample.quality == WY_Q_UNCERTAIN);
}

static void nothing_is_read_before_the_first_instant(void **state)
{
	struct fixture f;
	struct wy_sample sample;
	(void)state;

	assert_true(reads(&f, WY_TYPE_BOOL, NULL, "@10s true"));
	assert_false(feed_sample(&f.feed, 9999, 0, &sample));
	assert_true(feed_sample(&f.feed, 10000, 0, &sample));
}

static void noise_is_a_bell_and_the_same_for_the_same_poll(void **state)
{
	struct fixture f;
	struct wy_sample a, b;
	double sum = 0, squares = 0;
	(void)state;

	assert_true(reads(&f, WY_TYPE_REAL, "degC", "60 degC noise 0.5 dK seed 7"));
	for (uint64_t k = 0; k < 20000; k++) {
		assert_true(feed_sample(&f.feed, 1000, k, &a) && feed_sample(&f.feed, 5000, k, &b));
		assert_true(a.real == b.real && a.real > 57 && a.real < 63);
		sum += a.real - 60;
		squares += (a.real - 60) * (a.real - 60);
	}
	assert_true(sum / 20000 > -0.02 && sum / 20000 < 0.02);
	assert_true(squares / 20000 > 0.24 && squares / 20000 < 0.26);
	/* The bytes themselves: another compiler or machine must find the same. */
	assert_true(noise_bits(7, 0) == UINT64_C(0xd4d9683927fb3323) && noise_bits(7, 1) == UINT64_C(0xbcf3bb3dfd956cc3));
	assert_true(noise_share(7, 0) == 0.83144236941732852 && noise_bell(7, 3) == 0.38838573379910102);
}

static void a_year_of_a_feed_is_not_laid_out(void **state)
{
	struct fixture f;
	(void)state;

	assert_true(reads(&f, WY_TYPE_COUNTER, NULL, "0 +1000000 every 1ms"));
	assert_int_equal(whole_at(&f, 34560000000), INT64_C(34560000000) * 1000000);
}

static void a_full_arena_is_said(void **state)
{
	struct fixture f;
	(void)state;

	assert_true(reads(&f, WY_TYPE_BOOL, NULL, "true"));
	f.arena.used = f.arena.size - 200;
	assert_false(feed_read(&f.node, &f.point, &f.base, &f.arena, &f.diags, &f.feed));
	assert_int_equal(f.diags.errors, 1);
}

static void instants_are_spans_or_wall_clock(void **state)
{
	const struct {
		const char *text;
		wy_ms ms;
	} rows[] = {
		{"0s", 0}, {"69.9s", 69900}, {"1.5h", 5400000}, {"1h30min", 5400000}, {"0.250s", 250},
		{"2026-03-28T22:00", 0}, {"2026-03-28T22:00:05.250", 5250},
		{"2026-03-29T01:59:59", 4 * 3600000 - 1000},
		{"2026-03-29T03:00", 4 * 3600000},
		{"2026-03-29T02:30", 4 * 3600000},       /* skipped: the first instant after the gap */
		{"2026-03-29T02:30Z", 5 * 3600000 + 1800000},
		{"2026-10-25T02:30", 18156600000},       /* doubled: its first occurrence */
		{"2026-10-25T02:30+02:00", 18156600000},
		{"2026-10-25T02:30+01:00", 18160200000},
	};
	const char *const wrong[] = {"", "5", "5 s", "1.5", "1.2345s", ".5s", "5.s", "2026-02-29T00:00", "2026-13-01T00:00",
				     "2026-03-28T24:00", "2026-03-28 22:00", "2026-03-28T22:00+1", "2026-03-28", "-5s"};
	struct moment_base base = {&berlin, 1774731600000};
	wy_ms ms;
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_true(moment_parse(&base, rows[i].text, strlen(rows[i].text), &ms));
		if (ms != rows[i].ms)
			fail_msg("%s is %lld, expected %lld", rows[i].text, (long long)ms, (long long)rows[i].ms);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (moment_parse(&base, wrong[i], strlen(wrong[i]), &ms))
			fail_msg("'%s' was read as %lld", wrong[i], (long long)ms);
}

static void what_is_printed_can_be_read_again(void **state)
{
	const wy_ms rows[] = {0, 1, 999, 1000, 1001, 69900, 60250, 5400000, 86400000, 90061007, 34560000000};
	struct moment_base base = {0};
	char text[40];
	wy_ms ms;
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wy_buf buf;
		wy_buf_init(&buf, text, sizeof(text));
		moment_print(&buf, rows[i]);
		assert_true(moment_parse(&base, text, strlen(text), &ms));
		assert_true(ms == rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_held_from_their_instant_on),
		cmocka_unit_test(numbers_come_in_the_unit_of_the_point),
		cmocka_unit_test(a_line_leads_from_value_to_value),
		cmocka_unit_test(steps_add_to_what_was_reached),
		cmocka_unit_test(a_counter_of_the_device_wraps),
		cmocka_unit_test(a_cycle_repeats_and_ends),
		cmocka_unit_test(a_cycle_of_steps_goes_on_adding),
		cmocka_unit_test(a_saw_tooth_is_a_line_in_a_cycle),
		cmocka_unit_test(a_gap_has_no_polls_between_its_ends),
		cmocka_unit_test(nothing_is_read_before_the_first_instant),
		cmocka_unit_test(noise_is_a_bell_and_the_same_for_the_same_poll),
		cmocka_unit_test(a_year_of_a_feed_is_not_laid_out),
		cmocka_unit_test(a_full_arena_is_said),
		cmocka_unit_test(instants_are_spans_or_wall_clock),
		cmocka_unit_test(what_is_printed_can_be_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
