/* text_test.c: numbers become text and text becomes numbers, exactly and without locale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "err.h"
#include "number.h"
#include "stamp.h"
#include "units.h"

static void prints_reals_shortest(void **state)
{
	static const struct {
		double value;
		unsigned decimals;
		const char *text;
	} rows[] = {{0, 3, "0"},          {-0.0, 3, "0"},         {1.5, 3, "1.5"},
		    {0.1, 6, "0.1"},      {-2.25, 1, "-2.3"},     {999.9996, 3, "1000"},
		    {1e14, 0, "100000000000000"}, {1e15, 2, "1e15"}, {NAN, 2, "-"},
		    {INFINITY, 2, "-"},   {-0.0004, 3, "0"},      {123456789.125, 9, "123456789.125"}};
	char text[64];
	struct wy_buf buf;
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		wy_buf_init(&buf, text, sizeof(text));
		wy_buf_real(&buf, rows[i].value, rows[i].decimals);
		assert_string_equal(text, rows[i].text);
	}
}

static void prints_fixed_decimals(void **state)
{
	char text[64];
	struct wy_buf buf;
	(void)state;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_fixed(&buf, 3, 2);
	assert_string_equal(text, "3.00");
}

static void formats_like_printf_where_it_promises_to(void **state)
{
	char text[200];
	struct wy_buf buf;
	(void)state;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_addf(&buf, "%s|%.*s|%c|%d|%u|%lld|%llu|%zu|%x|%llx|%016llx|%g|%%", "a", 2, "bcd", 'e', -5, 6u,
		    (long long)INT64_MIN, (unsigned long long)UINT64_MAX, (size_t)7, 255u,
		    0xABCDEF0123ull, 0xABCDEF0123ull, 0.25);
	assert_string_equal(text, "a|bc|e|-5|6|-9223372036854775808|18446744073709551615|7|ff|abcdef0123|000000abcdef0123|0.25|%");
}

static void cuts_at_a_whole_character_and_says_so(void **state)
{
	char text[6];
	struct wy_buf buf;
	(void)state;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_add(&buf, "漏水");
	assert_true(buf.is_cut);
	assert_string_equal(text, "漏");
}

static void prints_durations_in_parts(void **state)
{
	char text[64];
	struct wy_buf buf;
	(void)state;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_duration(&buf, 90061001);
	assert_string_equal(text, "1d1h1min1s1ms");
	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_duration(&buf, 0);
	assert_string_equal(text, "0s");
}

static void parses_reals_exactly_as_the_c_library(void **state)
{
	static const char *const texts[] = {"0", "1", "0.1", "12.75", "-3.3", "0.000001", "123456.789"};
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		double value = -1;
		assert_int_equal(wy_parse_real(texts[i], strlen(texts[i]), &value), WY_OK);
		assert_true(value == strtod(texts[i], NULL));
	}
}

static void refuses_what_is_not_a_plain_number(void **state)
{
	static const char *const texts[] = {"", "-", ".5", "5.", "1e3", "0x1p3", "nan", "inf", "1,5", "1 "};
	double value = 42;
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_not_equal(wy_parse_real(texts[i], strlen(texts[i]), &value), WY_OK);
	assert_true(value == 42);
}

static void parses_durations_and_has_no_m(void **state)
{
	wy_ms span = -1;
	(void)state;

	assert_int_equal(wy_parse_duration("1h30min", 7, &span), WY_OK);
	assert_int_equal(span, 5400000);
	assert_int_equal(wy_parse_duration("250ms", 5, &span), WY_OK);
	assert_int_equal(span, 250);
	assert_int_equal(wy_parse_duration("5m", 2, &span), WY_E_INVALID);
	assert_int_equal(wy_parse_duration("", 0, &span), WY_E_INVALID);
	assert_int_equal(wy_parse_duration("s", 1, &span), WY_E_INVALID);
	assert_int_equal(wy_parse_duration("9223372036854775807d", 20, &span), WY_E_LIMIT);
}

static void parses_ints_with_hex_and_knows_its_limits(void **state)
{
	int64_t value = 0;
	(void)state;

	assert_int_equal(wy_parse_int("0x1F", 4, &value), WY_OK);
	assert_int_equal(value, 31);
	assert_int_equal(wy_parse_int("-12", 3, &value), WY_OK);
	assert_int_equal(value, -12);
	assert_int_equal(wy_parse_int("9223372036854775808", 19, &value), WY_E_LIMIT);
	assert_int_equal(wy_parse_int("12a", 3, &value), WY_E_INVALID);
	assert_int_equal(wy_parse_int("0x", 2, &value), WY_E_INVALID);
}

static const char *name_at(const void *arg, size_t i)
{
	return ((const char *const *)arg)[i];
}

static void proposes_only_near_names(void **state)
{
	static const char *const names[] = {"in_door_zone", "door_closed", "running"};
	(void)state;

	assert_string_equal(wy_nearest("in_dor_zone", 3, name_at, names), "in_door_zone");
	assert_null(wy_nearest("pressure", 3, name_at, names));
}

static void converts_only_alike_units(void **state)
{
	(void)state;

	assert_true(wy_unit_is_alike(wy_unit_at(WY_UNIT_BAR), wy_unit_at(WY_UNIT_MPA)));
	assert_false(wy_unit_is_alike(wy_unit_at(WY_UNIT_PERCENT), NULL));
	assert_false(wy_unit_is_alike(wy_unit_at(WY_UNIT_M), wy_unit_at(WY_UNIT_MIN)));
	assert_true(fabs(wy_unit_ratio(wy_unit_at(WY_UNIT_BAR), wy_unit_at(WY_UNIT_MPA)) - 0.1) < 1e-15);
	assert_ptr_equal(wy_unit_find("L/min", 5), wy_unit_at(WY_UNIT_L_MIN));
	assert_null(wy_unit_find("lmin", 4));
}

static void stamps_are_rfc3339(void **state)
{
	static const struct wy_zone_change changes[] = {{INT64_MIN, 3600}, {1000, 28800}};
	static const struct wy_zone zone = {"test", changes, 2};
	static const struct {
		wy_ms wall_ms;
		const char *utc;
	} rows[] = {{0, "1970-01-01T00:00:00.000Z"},
		    {-1, "1969-12-31T23:59:59.999Z"},
		    {951782400123, "2000-02-29T00:00:00.123Z"},
		    {4102444799007, "2099-12-31T23:59:59.007Z"},
		    {1793664123045, "2026-11-03T00:02:03.045Z"}};
	char text[64];
	struct wy_buf buf;
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		wy_buf_init(&buf, text, sizeof(text));
		wy_stamp_utc(&buf, rows[i].wall_ms);
		assert_string_equal(text, rows[i].utc);
	}
	wy_buf_init(&buf, text, sizeof(text));
	wy_stamp_local(&buf, 1793664123045, &zone);
	assert_string_equal(text, "2026-11-03T08:02:03.045+08:00");
	wy_buf_init(&buf, text, sizeof(text));
	wy_stamp_local(&buf, 0, &zone);
	assert_string_equal(text, "1970-01-01T01:00:00.000+01:00");
}

static void dates_and_days_agree_for_a_thousand_years(void **state)
{
	(void)state;

	for (int64_t day = -182500; day < 182500; day++) {
		struct wy_date date = wy_date_of(day);
		assert_int_equal(wy_days_of(date.year, date.month, date.day), day);
	}
}

static void arena_says_no_when_full_and_on_overflow(void **state)
{
	unsigned char memory[64];
	struct wy_arena arena;
	(void)state;

	wy_arena_init(&arena, memory, sizeof(memory));
	assert_null(wy_arena_array(&arena, SIZE_MAX / 2, 4));
	assert_null(wy_arena_alloc(&arena, 65));
	assert_non_null(wy_arena_alloc(&arena, 16));
	size_t used = arena.used;
	assert_null(wy_arena_alloc(&arena, 64));
	assert_int_equal(arena.used, used);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_reals_shortest),
		cmocka_unit_test(prints_fixed_decimals),
		cmocka_unit_test(formats_like_printf_where_it_promises_to),
		cmocka_unit_test(cuts_at_a_whole_character_and_says_so),
		cmocka_unit_test(prints_durations_in_parts),
		cmocka_unit_test(parses_reals_exactly_as_the_c_library),
		cmocka_unit_test(refuses_what_is_not_a_plain_number),
		cmocka_unit_test(parses_durations_and_has_no_m),
		cmocka_unit_test(parses_ints_with_hex_and_knows_its_limits),
		cmocka_unit_test(proposes_only_near_names),
		cmocka_unit_test(converts_only_alike_units),
		cmocka_unit_test(stamps_are_rfc3339),
		cmocka_unit_test(dates_and_days_agree_for_a_thousand_years),
		cmocka_unit_test(arena_says_no_when_full_and_on_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
