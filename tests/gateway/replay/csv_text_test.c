/* csv_text_test.c: cells of a table: instants and values, each form, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "csv_text.h"

/* The text in memory of just its size, so that a sanitizer sees a look beyond it. */
static bool time_of(struct csv_clock *clock, const char *text, wy_ms last_ms, wy_ms *ret_ms)
{
	size_t len = strlen(text);
	char *copy = malloc(len + !len);

	memcpy(copy, text, len);
	bool is_time = csv_time(clock, copy, len, last_ms, ret_ms);
	free(copy);
	return is_time;
}

static void assert_time(const char *text, wy_ms expected_ms)
{
	struct csv_clock clock = {0};
	wy_ms ms = 0;

	if (!time_of(&clock, text, WY_MS_NONE, &ms) || ms != expected_ms)
		fail_msg("%s: %lld, expected %lld", text, (long long)ms, (long long)expected_ms);
}

static void times_of_each_form(void **state)
{
	(void)state;
	assert_time("1970-01-01T00:00:00Z", 0);
	assert_time("2026-03-29T03:01:10.500Z", INT64_C(1774753270500));
	assert_time("2026-03-29 03:01:10,5Z", INT64_C(1774753270500));
	assert_time("2026-03-29T03:01:10.123456789Z", INT64_C(1774753270123));
	assert_time("2026-03-29T03:01Z", INT64_C(1774753260000));
	assert_time("2026-03-29T03:01", INT64_C(1774753260000)); /* no zone: UTC */
	assert_time("2026-03-29T11:01:10+08:00", INT64_C(1774753270000));
	assert_time("2026-03-29T11:01:10+0800", INT64_C(1774753270000));
	assert_time("2026-03-29T11:01:10+08", INT64_C(1774753270000));
	assert_time("2026-03-28T21:31:10-05:30", INT64_C(1774753270000));
	assert_time("2024-02-29T00:00:00Z", INT64_C(1709164800000));
	assert_time("1774753270", INT64_C(1774753270000));
	assert_time("1774753270.25", INT64_C(1774753270250));
	assert_time("1774753270250", INT64_C(1774753270250));
	assert_time("1.77475327e9", INT64_C(1774753270000));
	assert_time("0", 0);
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "x", "-1", "2026-03-29", "2026-3-29T03:01", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-03-29T24:00:00Z", "2026-03-29T03:60:00Z", "2026-03-29T03:01:61Z",
		"2026-03-29T03:01:", "2026-03-29T03:01:1", "2026-03-29T03:01:10.", "2026-03-29T03:01:10Zx",
		"2026-03-29T03:01:10+", "2026-03-29T03:01:10+8", "2026-03-29T03:01:10+08:", "2026-03-29T03:01:10+08:0",
		"2026-03-29X03:01:10Z", "12e", "1.2.3", "99999999999999999", "1e300", "."};
	struct csv_clock clock = {0};
	wy_ms ms;
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (time_of(&clock, texts[i], WY_MS_NONE, &ms))
			fail_msg("taken for a time: '%s'", texts[i]);
}

/* Berlin, 25 October 2026: 02:30 comes twice, first in summer time; 29 March: 02:30 does not come. */
static void local_times_follow_the_zone(void **state)
{
	static const struct wy_zone_change changes[] = {
		{INT64_MIN, 3600}, {1774746000, 7200}, {1792890000, 3600}};
	static const struct wy_zone berlin = {"Europe/Berlin", changes, 3};
	struct csv_clock clock = {.zone = &berlin};
	wy_ms ms;
	(void)state;

	assert_true(time_of(&clock, "2026-01-10T12:00:00", WY_MS_NONE, &ms));
	assert_int_equal(ms, INT64_C(1768042800000));
	assert_true(time_of(&clock, "2026-07-10T12:00:00", ms, &ms));
	assert_int_equal(ms, INT64_C(1783677600000));
	assert_true(time_of(&clock, "2026-10-25T02:30:00", ms, &ms));
	assert_int_equal(ms, INT64_C(1792888200000));
	assert_true(time_of(&clock, "2026-10-25T02:30:01", ms, &ms));
	assert_int_equal(ms, INT64_C(1792888201000));
	/* Earlier on the clock on the wall than the row before: so it is the second time. */
	assert_true(time_of(&clock, "2026-10-25T02:10:00", ms, &ms));
	assert_int_equal(ms, INT64_C(1792890600000));
	assert_true(time_of(&clock, "2026-03-29T02:30:00", WY_MS_NONE, &ms));
	assert_int_equal(ms, INT64_C(1774747800000));
}

static enum csv_cell value_of(const struct wy_point *point, const char *text, struct wy_sample *sample)
{
	size_t len = strlen(text);
	char *copy = malloc(len + !len);

	memcpy(copy, text, len);
	enum csv_cell cell = csv_value(point, copy, len, sample);
	free(copy);
	return cell;
}

static void numbers_are_exact(void **state)
{
	static const char *const texts[] = {"0", "-0.1", "12.5", "1e-5", "+3", "0.30000000000000004", "123456789012345678",
					    "1.7976931348623157e308", "5e-324", "100000000000000000000000", ".5", "5."};
	static const struct wy_point point = {.type = WY_TYPE_REAL};
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct wy_sample sample = {0};
		double expected = strtod(texts[i], NULL);
		assert_int_equal(value_of(&point, texts[i], &sample), CSV_VALUE);
		assert_false(sample.is_whole);
		assert_memory_equal(&sample.real, &expected, sizeof(expected));
	}
}

static void values_of_each_type(void **state)
{
	static const char *const names[] = {"CLOSED", "OPEN"};
	static const struct wy_point boolean = {.type = WY_TYPE_BOOL}, whole = {.type = WY_TYPE_COUNTER},
				     word = {.type = WY_TYPE_ENUM, .values = names, .n_values = 2},
				     real = {.type = WY_TYPE_REAL};
	static const struct {
		const struct wy_point *point;
		const char *text;
		enum csv_cell cell;
		int64_t whole;
	} rows[] = {
		{&boolean, "true", CSV_VALUE, 1},  {&boolean, "FALSE", CSV_VALUE, 0}, {&boolean, "1", CSV_VALUE, 1},
		{&boolean, "0.0", CSV_VALUE, 0},   {&boolean, "2", CSV_WRONG, 0},     {&boolean, "tru", CSV_WRONG, 0},
		{&boolean, "truer", CSV_WRONG, 0}, {&whole, "-7", CSV_VALUE, -7},     {&whole, "12.0", CSV_VALUE, 12},
		{&whole, "12.5", CSV_WRONG, 0},	   {&whole, "1e3", CSV_VALUE, 1000},  {&whole, "1e30", CSV_WRONG, 0},
		{&word, "OPEN", CSV_VALUE, 1},	   {&word, "OPE", CSV_WRONG, 0},      {&word, "OPENS", CSV_WRONG, 0},
		{&word, "open", CSV_WRONG, 0},	   {&word, "1", CSV_VALUE, 1},
		{&word, "2", CSV_WRONG, 0},	   {&word, "-1", CSV_WRONG, 0},     {&real, "12 mm", CSV_WRONG, 0},    {&real, "inf", CSV_WRONG, 0},
		{&real, "1e999", CSV_WRONG, 0},	   {&real, "-", CSV_WRONG, 0},	      {&real, "1e", CSV_WRONG, 0},
		{&real, "", CSV_EMPTY, 0},	   {&real, "NaN", CSV_EMPTY, 0},      {&boolean, "null", CSV_EMPTY, 0},
		{&word, "bad", CSV_BAD, 0},	   {&real, "gap", CSV_GAP, 0},	      {&real, "Bad", CSV_BAD, 0},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wy_sample sample = {0};
		enum csv_cell cell = value_of(rows[i].point, rows[i].text, &sample);
		if (cell != rows[i].cell || (cell == CSV_VALUE && sample.whole != rows[i].whole))
			fail_msg("'%s': cell %d, value %lld", rows[i].text, (int)cell, (long long)sample.whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_of_each_form),	  cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(local_times_follow_the_zone), cmocka_unit_test(numbers_are_exact),
		cmocka_unit_test(values_of_each_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
