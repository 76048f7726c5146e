/* senml_test.c: packs good and bad, units, text, and what becomes of a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge.h"
#include "senml.h"

static struct senml_pack pack;

static enum wy_err read_json(const char *text)
{
	return senml_read_json(text, strlen(text), &pack);
}

static const struct senml_record *found(const char *name)
{
	const struct senml_record *record = NULL;

	assert_int_equal(senml_find(&pack, name, &record), WY_OK);
	return record;
}

static void base_fields_hold_for_their_record_and_all_after(void **state)
{
	(void)state;
	assert_int_equal(read_json("[{\"bn\":\"urn:dev:mac:0024befffe804ff1/"
				   "\",\"bt\":1761811200,\"bu\":\"Cel\","
				   "\"bv\":20,\"n\":\"3200/0/5500\",\"vb\":true},"
				   "{\"n\":\"3303/0/5700\",\"v\":1.5,\"t\":2},"
				   "{\"n\":\"3411/0/1\",\"u\":\"%EL\",\"v\":42},"
				   "{\"bn\":\"b:\",\"bv\":0,\"n\":\"x\",\"v\":1}]"),
			 WY_OK);
	assert_int_equal(pack.n, 4);
	assert_true(found("3200/0/5500")->flag);
	assert_int_equal(found("3200/0/5500")->kind, SENML_BOOL);
	assert_string_equal(pack.record[1].name, "urn:dev:mac:0024befffe804ff1/3303/0/5700");
	assert_true(found("3303/0/5700")->number == 21.5);
	assert_string_equal(found("3303/0/5700")->unit, "Cel");
	assert_true(found("3303/0/5700")->time_s == 1761811202.0);
	assert_string_equal(found("3411/0/1")->unit, "%EL");
	assert_true(found("3411/0/1")->number == 62);
	assert_string_equal(found("x")->name, "b:x");
	assert_true(found("x")->number == 1);
}

static void base_fields_may_stand_alone_and_hold_the_whole_name(void **state)
{
	(void)state;
	assert_int_equal(
		read_json("[{\"bn\":\"/3200/0/\",\"bver\":5},{\"n\":\"5500\",\"vb\":false}]"),
		WY_OK);
	assert_int_equal(pack.n, 1);
	assert_false(found("3200/0/5500")->flag);
	assert_int_equal(read_json("[{\"bn\":\"3200/0/5500\",\"v\":1}]"), WY_OK);
	assert_true(found("3200/0/5500")->number == 1);
}

static void a_name_matches_whole_segments_only(void **state)
{
	const struct senml_record *record;

	(void)state;
	assert_int_equal(read_json("[{\"n\":\"13200/0/5500\",\"v\":1}]"), WY_OK);
	assert_int_equal(senml_find(&pack, "3200/0/5500", &record), WY_E_NOTFOUND);
	assert_int_equal(senml_find(&pack, "", &record), WY_E_NOTFOUND);
}

static void the_newest_record_of_a_series_wins(void **state)
{
	(void)state;
	assert_int_equal(read_json("[{\"n\":\"a\",\"v\":1,\"t\":-5},{\"n\":\"a\",\"v\":2},"
				   "{\"n\":\"a\",\"v\":3,\"t\":-1}]"),
			 WY_OK);
	assert_true(found("a")->number == 2);
}

static void two_records_for_one_point_are_believed_neither(void **state)
{
	const struct senml_record *record;

	(void)state;
	assert_int_equal(read_json("[{\"n\":\"a\",\"v\":1},{\"n\":\"a\",\"v\":2}]"), WY_OK);
	assert_int_equal(senml_find(&pack, "a", &record), WY_E_PROTOCOL);
	assert_int_equal(
		read_json("[{\"n\":\"x/a\",\"v\":1,\"t\":1},{\"n\":\"y/a\",\"v\":2,\"t\":2}]"),
		WY_OK);
	assert_int_equal(senml_find(&pack, "a", &record), WY_E_PROTOCOL);
}

static void packs_the_standard_forbids_are_refused_whole(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"[]",
		"{}",
		"null",
		"1",
		"[1]",
		"[[{\"n\":\"a\",\"v\":1}]]",
		"[{\"n\":\"a\",\"v\":1}",
		"[{\"n\":\"a\",\"v\":1}] x",
		"[{\"n\":\"a\",\"n\":\"b\",\"v\":1}]",
		"[{\"n\":\"a\",\"v\":1,\"v\":2}]",
		"[{\"n\":\"a\",\"v\":1,\"vb\":true}]",
		"[{\"n\":\"a\",\"v\":1,\"vs\":\"x\"}]",
		"[{\"n\":\"a\"}]",
		"[{\"t\":1}]",
		"[{\"v\":1}]",
		"[{\"n\":\"\",\"v\":1}]",
		"[{\"n\":\"-a\",\"v\":1}]",
		"[{\"n\":\"a b\",\"v\":1}]",
		"[{\"n\":\"\\u6f0f\",\"v\":1}]",
		"[{\"n\":\"a\\u0000b\",\"v\":1}]",
		"[{\"n\":1,\"v\":1}]",
		"[{\"n\":\"a\",\"v\":\"1\"}]",
		"[{\"n\":\"a\",\"v\":true}]",
		"[{\"n\":\"a\",\"v\":1e999}]",
		"[{\"n\":\"a\",\"v\":NaN}]",
		"[{\"n\":\"a\",\"vb\":1}]",
		"[{\"n\":\"a\",\"vs\":null}]",
		"[{\"n\":\"a\",\"v\":1,\"t\":\"now\"}]",
		"[{\"bver\":11,\"n\":\"a\",\"v\":1}]",
		"[{\"bver\":0,\"n\":\"a\",\"v\":1}]",
		"[{\"n\":\"a\",\"v\":1,\"must_\":1}]",
		"[{\"n\":\"a\",\"v\":1e308,\"bv\":1e308}]",
		"[{\"n\":\"a\",\"v\":1},{\"n\":\"b\",\"v\":}]",
		"[{\"n\":\"a\",\"v\":1},{\"n\":\"\xff\",\"v\":1}]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (read_json(bad[i]) != WY_E_PROTOCOL)
			fail_msg("not refused: %s", bad[i]);
		assert_int_equal(pack.n, 0);
	}
}

static void labels_nobody_must_know_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(
		read_json("[{\"n\":\"a\",\"v\":1,\"foo\":{\"x\":[1,2]},\"ut\":5,\"s\":3}]"), WY_OK);
	assert_true(found("a")->number == 1);
}

static void sums_and_data_are_records_without_a_value(void **state)
{
	(void)state;
	assert_int_equal(read_json("[{\"n\":\"a\",\"s\":1},{\"n\":\"b\",\"vd\":\"aGk\"}]"), WY_OK);
	assert_int_equal(found("a")->kind, SENML_OTHER);
	assert_int_equal(found("b")->kind, SENML_OTHER);
}

static void deep_nesting_is_refused_before_it_is_parsed(void **state)
{
	static char text[60000];
	size_t half = sizeof(text) / 2;

	(void)state;
	memset(text, '[', half);
	memset(text + half, ']', half);
	assert_int_equal(senml_read_json(text, sizeof(text), &pack), WY_E_LIMIT);
	assert_int_equal(read_json("[{\"n\":\"a\",\"v\":1,\"x\":[[[[[[[1]]]]]]]}]"), WY_E_LIMIT);
	/* Brackets in texts are not nesting. */
	assert_int_equal(read_json("[{\"n\":\"a\",\"vs\":\"[[[[[[[[[[[\\\"[[[\"}]"), WY_OK);
}

/* A pack of n records, or one with a text of n bytes. */
static char *many(size_t n, size_t *ret_len)
{
	char *text = malloc(n * 24 + 3);
	size_t len = 0;

	text[len++] = '[';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, 24, "%s{\"n\":\"r%zu\",\"v\":%zu}",
					i ? "," : "", i, i % 10);
	text[len++] = ']';
	*ret_len = len;
	return text;
}

static void ceilings_refuse_the_pack(void **state)
{
	size_t len;
	char *text = many(WY_SENML_RECORDS_MAX, &len);
	static char huge[WY_COAP_PAYLOAD_MAX + 1];
	char named[WY_SENML_NAME_BYTES + 32];

	(void)state;
	assert_int_equal(senml_read_json(text, len, &pack), WY_OK);
	assert_int_equal(pack.n, WY_SENML_RECORDS_MAX);
	free(text);
	text = many(WY_SENML_RECORDS_MAX + 1, &len);
	assert_int_equal(senml_read_json(text, len, &pack), WY_E_LIMIT);
	assert_int_equal(pack.n, 0);
	free(text);
	memset(huge, ' ', sizeof(huge));
	assert_int_equal(senml_read_json(huge, sizeof(huge), &pack), WY_E_LIMIT);
	memset(named, 'a', sizeof(named));
	memcpy(named, "[{\"n\":\"", 7);
	strcpy(named + sizeof(named) - 10, "\",\"v\":1}]");
	assert_int_equal(read_json(named), WY_E_LIMIT);
}

static void names_together_have_a_ceiling(void **state)
{
	static char text[65536];
	size_t len = 0;

	(void)state;
	len += (size_t)snprintf(text, sizeof(text), "[{\"bn\":\"%0240d\",\"bu\":\"%0240d\"}", 1, 2);
	for (int i = 0; i < 250; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",{\"n\":\"%d\",\"v\":1}",
					i);
	text[len++] = ']';
	assert_int_equal(senml_read_json(text, len, &pack), WY_E_LIMIT);
}

/* Exact-size heap copies let the sanitizer see a read past the end. */
static void no_truncation_is_taken_for_a_pack(void **state)
{
	static const char good[] =
		"[{\"bn\":\"urn:dev:mac:0024befffe804ff1/\",\"bt\":1.7e9,\"n\":\"3200/0/"
		"5500\",\"vb\":"
		"true},{\"n\":\"3411/0/1\",\"u\":\"%EL\",\"v\":62},{\"n\":\"s\",\"vs\":\"\\\"[\"}]";

	(void)state;
	assert_int_equal(read_json(good), WY_OK);
	for (size_t len = 0; len < sizeof(good) - 1; len++) {
		char *copy = malloc(len + 1);
		memcpy(copy, good, len);
		char *exact = realloc(copy, len ? len : 1);
		assert_int_not_equal(senml_read_json(exact, len, &pack), WY_OK);
		enum wy_err err = senml_read_text(exact, len, &pack);
		assert_true(err == WY_OK || len == 0);
		free(exact);
	}
}

static void any_damaged_byte_is_survived(void **state)
{
	char text[] = "[{\"bn\":\"d/\",\"n\":\"3200/0/5500\",\"vb\":true},{\"n\":\"b\",\"v\":62}]";

	(void)state;
	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		char was = text[at];
		for (int byte = 0; byte < 256; byte++) {
			text[at] = (char)byte;
			enum wy_err err = senml_read_json(text, sizeof(text) - 1, &pack);
			assert_true(err == WY_OK ? pack.n <= 2 : pack.n == 0);
		}
		text[at] = was;
	}
}

/* ---- Text
 * ---------------------------------------------------------------------------------------- */

static void text_is_a_number_a_truth_value_or_text(void **state)
{
	static const struct {
		const char *text;
		enum senml_kind kind;
		double number;
	} rows[] = {
		{"1", SENML_NUMBER, 1},
		{"0", SENML_NUMBER, 0},
		{" 21.5\r\n", SENML_NUMBER, 21.5},
		{"-3e2", SENML_NUMBER, -300},
		{"true", SENML_BOOL, 0},
		{"false\n", SENML_BOOL, 0},
		{"NORMAL", SENML_TEXT, 0},
		{"0x10", SENML_TEXT, 0},
		{"[1]", SENML_TEXT, 0},
		{"1 2", SENML_TEXT, 0},
		{"nan", SENML_TEXT, 0},
		{"1e999", SENML_TEXT, 0},
		{"\"1\"", SENML_TEXT, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(senml_read_text(rows[i].text, strlen(rows[i].text), &pack), WY_OK);
		assert_int_equal(pack.record[0].kind, rows[i].kind);
		assert_true(pack.record[0].number == rows[i].number);
	}
	assert_int_equal(senml_read_text("", 0, &pack), WY_E_PROTOCOL);
	assert_int_equal(senml_read_text(" \n", 2, &pack), WY_E_PROTOCOL);
	assert_int_equal(senml_read_text("1\0002", 3, &pack), WY_E_PROTOCOL);
}

/* ---- Values
 * --------------------------------------------------------------------------------------- */

static const struct wy_unit *unit(const char *name)
{
	return wy_unit_find(name, strlen(name));
}

static struct wy_sample sample_of(const char *json, const struct sensor_profile_point *point)
{
	struct wy_sample sample;

	assert_int_equal(read_json(json), WY_OK);
	senml_sample(found("a"), point, 7, 1234, &sample);
	assert_int_equal(sample.point, 7);
	assert_int_equal(sample.at_ms, 1234);
	return sample;
}

static void assert_real(struct wy_sample sample, double value)
{
	assert_int_equal(sample.quality, WY_Q_GOOD);
	assert_false(sample.is_whole);
	assert_true(sample.real > value - 1e-9 && sample.real < value + 1e-9);
}

static void assert_why(struct wy_sample sample, enum wy_quality quality, enum wy_why why)
{
	assert_int_equal(sample.quality, quality);
	assert_int_equal(sample.why, why);
}

static void stated_units_become_the_points_unit(void **state)
{
	struct sensor_profile_point mpa = {
		.type = WY_TYPE_REAL, .unit = unit("MPa"), .scale = 1e-6};
	struct sensor_profile_point deg = {.type = WY_TYPE_REAL, .unit = unit("degC"), .scale = 1};
	struct sensor_profile_point pct = {.type = WY_TYPE_REAL, .unit = unit("%"), .scale = 1};
	struct sensor_profile_point rel = {.type = WY_TYPE_REAL, .unit = unit("dK"), .scale = 1};

	(void)state;
	assert_real(sample_of("[{\"n\":\"a\",\"u\":\"Pa\",\"v\":350000}]", &mpa), 0.35);
	assert_real(sample_of("[{\"n\":\"a\",\"u\":\"bar\",\"v\":3.5}]", &mpa), 0.35);
	assert_real(sample_of("[{\"n\":\"a\",\"v\":350000}]", &mpa), 0.35);
	assert_real(sample_of("[{\"n\":\"a\",\"u\":\"Cel\",\"v\":21.5}]", &deg), 21.5);
	assert_real(sample_of("[{\"n\":\"a\",\"u\":\"K\",\"v\":300}]", &deg), 26.85);
	assert_real(sample_of("[{\"n\":\"a\",\"u\":\"K\",\"v\":3}]", &rel), 3);
	assert_real(sample_of("[{\"n\":\"a\",\"u\":\"%EL\",\"v\":62}]", &pct), 62);
	assert_real(sample_of("[{\"n\":\"a\",\"u\":\"/\",\"v\":0.62}]", &pct), 62);
}

static void unknown_units_are_doubted_and_wrong_ones_refused(void **state)
{
	struct sensor_profile_point deg = {.type = WY_TYPE_REAL, .unit = unit("degC"), .scale = 1};

	(void)state;
	assert_why(sample_of("[{\"n\":\"a\",\"u\":\"furlong\",\"v\":21.5}]", &deg), WY_Q_UNCERTAIN,
		   WY_WHY_SOURCE);
	assert_why(sample_of("[{\"n\":\"a\",\"u\":\"Pa\",\"v\":21.5}]", &deg), WY_Q_BAD,
		   WY_WHY_PAYLOAD);
	assert_why(sample_of("[{\"n\":\"a\",\"vb\":true}]", &deg), WY_Q_BAD, WY_WHY_PAYLOAD);
	assert_why(sample_of("[{\"n\":\"a\",\"vs\":\"21\"}]", &deg), WY_Q_BAD, WY_WHY_PAYLOAD);
	assert_why(sample_of("[{\"n\":\"a\",\"vd\":\"aGk\"}]", &deg), WY_Q_BAD, WY_WHY_PAYLOAD);
}

static void flags_are_zero_one_or_truth_and_may_be_inverted(void **state)
{
	struct sensor_profile_point flag = {.type = WY_TYPE_BOOL, .scale = 1};
	struct sensor_profile_point low = {.type = WY_TYPE_BOOL, .scale = 1, .is_inverted = true};

	(void)state;
	assert_int_equal(sample_of("[{\"n\":\"a\",\"vb\":true}]", &flag).whole, 1);
	assert_int_equal(sample_of("[{\"n\":\"a\",\"v\":1,\"u\":\"/\"}]", &flag).whole, 1);
	assert_int_equal(sample_of("[{\"n\":\"a\",\"v\":0}]", &flag).whole, 0);
	assert_int_equal(sample_of("[{\"n\":\"a\",\"v\":0}]", &low).whole, 1);
	assert_why(sample_of("[{\"n\":\"a\",\"v\":2}]", &flag), WY_Q_BAD, WY_WHY_PAYLOAD);
	assert_why(sample_of("[{\"n\":\"a\",\"vs\":\"yes\"}]", &flag), WY_Q_BAD, WY_WHY_PAYLOAD);
}

static void enums_are_numbers_of_the_map_or_names(void **state)
{
	static const char *const names[] = {"NORMAL", "INSPECTION"};
	static const int64_t raws[] = {1, 8};
	struct sensor_profile_point mode = {.type = WY_TYPE_ENUM,
					    .scale = 1,
					    .values = names,
					    .values_raw = raws,
					    .n_values = 2};

	(void)state;
	assert_int_equal(sample_of("[{\"n\":\"a\",\"v\":8}]", &mode).whole, 1);
	assert_int_equal(sample_of("[{\"n\":\"a\",\"vs\":\"NORMAL\"}]", &mode).whole, 0);
	assert_int_equal(sample_of("[{\"n\":\"a\",\"vb\":true}]", &mode).whole, 0);
	assert_why(sample_of("[{\"n\":\"a\",\"v\":2}]", &mode), WY_Q_BAD, WY_WHY_RANGE);
	assert_why(sample_of("[{\"n\":\"a\",\"v\":1.5}]", &mode), WY_Q_BAD, WY_WHY_RANGE);
	assert_why(sample_of("[{\"n\":\"a\",\"vs\":\"FIRE\"}]", &mode), WY_Q_BAD, WY_WHY_RANGE);
}

static void sentinels_ranges_and_fractions_are_judged(void **state)
{
	static const int64_t sentinels[] = {65535};
	struct sensor_profile_point level = {.type = WY_TYPE_REAL,
					     .unit = unit("%"),
					     .scale = 0.1,
					     .offset = 5,
					     .has_range = true,
					     .lo = 0,
					     .hi = 10000,
					     .sentinels = sentinels,
					     .n_sentinels = 1};
	struct sensor_profile_point count = {.type = WY_TYPE_COUNTER, .scale = 1};
	struct sensor_profile_point tenth = {.type = WY_TYPE_INT, .scale = 0.1};

	(void)state;
	assert_real(sample_of("[{\"n\":\"a\",\"v\":100}]", &level), 15);
	assert_why(sample_of("[{\"n\":\"a\",\"v\":65535}]", &level), WY_Q_BAD, WY_WHY_SENTINEL);
	assert_why(sample_of("[{\"n\":\"a\",\"v\":-100}]", &level), WY_Q_BAD, WY_WHY_RANGE);
	assert_int_equal(sample_of("[{\"n\":\"a\",\"v\":4294967296}]", &count).whole, 4294967296);
	assert_why(sample_of("[{\"n\":\"a\",\"v\":1.5}]", &count), WY_Q_BAD, WY_WHY_PAYLOAD);
	assert_why(sample_of("[{\"n\":\"a\",\"v\":1e30}]", &count), WY_Q_BAD, WY_WHY_PAYLOAD);
	assert_int_equal(sample_of("[{\"n\":\"a\",\"v\":30}]", &tenth).whole, 3);
}

static void a_value_is_as_old_as_it_says(void **state)
{
	static const struct {
		const char *json;
		wy_ms at_ms;
	} rows[] = {
		{"[{\"n\":\"a\",\"vb\":true}]", 1000000},
		{"[{\"n\":\"a\",\"vb\":true,\"t\":-30}]", 970000},
		{"[{\"bt\":-60,\"n\":\"a\",\"vb\":true,\"t\":0.5}]", 940500},
		{"[{\"n\":\"a\",\"vb\":true,\"t\":30}]", 1000000}, /* not from the future */
		{"[{\"bt\":1761811200,\"n\":\"a\",\"vb\":true}]", 1000000}, /* a wall clock */
		{"[{\"n\":\"a\",\"vb\":true,\"t\":-1e300}]", 1000000 - 268435456000},
	};
	struct sensor_profile_point flag = {.type = WY_TYPE_BOOL, .scale = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wy_sample sample;
		assert_int_equal(senml_read_json(rows[i].json, strlen(rows[i].json), &pack), WY_OK);
		senml_sample(&pack.record[0], &flag, 0, 1000000, &sample);
		assert_true(sample.at_ms == rows[i].at_ms);
		assert_int_equal(sample.quality, WY_Q_GOOD);
	}
}

static void every_row_of_units_leads_to_a_unit_of_ours(void **state)
{
	static const char *const named[] = {"m",   "mm",  "kg",	  "g",	 "s",	 "A",	  "V",
					    "Ohm", "W",	  "kW",	  "N",	 "Hz",	 "1/min", "Cel",
					    "Pa",  "hPa", "kPa",  "%RH", "%EL",	 "/",	  "l",
					    "m3",  "l/s", "m3/s", "m/s", "m/s2", "ppm"};
	struct sensor_profile_point point = {.type = WY_TYPE_REAL, .scale = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		char json[64];
		bool is_alike = false;
		snprintf(json, sizeof(json), "[{\"n\":\"a\",\"u\":\"%s\",\"v\":1}]", named[i]);
		for (size_t id = 0; id < WY_UNIT_COUNT && !is_alike; id++) {
			point.unit = wy_unit_at(id);
			is_alike = sample_of(json, &point).quality == WY_Q_GOOD;
		}
		if (!is_alike)
			fail_msg("no unit takes %s", named[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_fields_hold_for_their_record_and_all_after),
		cmocka_unit_test(base_fields_may_stand_alone_and_hold_the_whole_name),
		cmocka_unit_test(a_name_matches_whole_segments_only),
		cmocka_unit_test(the_newest_record_of_a_series_wins),
		cmocka_unit_test(two_records_for_one_point_are_believed_neither),
		cmocka_unit_test(packs_the_standard_forbids_are_refused_whole),
		cmocka_unit_test(labels_nobody_must_know_are_passed_over),
		cmocka_unit_test(sums_and_data_are_records_without_a_value),
		cmocka_unit_test(deep_nesting_is_refused_before_it_is_parsed),
		cmocka_unit_test(ceilings_refuse_the_pack),
		cmocka_unit_test(names_together_have_a_ceiling),
		cmocka_unit_test(no_truncation_is_taken_for_a_pack),
		cmocka_unit_test(any_damaged_byte_is_survived),
		cmocka_unit_test(text_is_a_number_a_truth_value_or_text),
		cmocka_unit_test(stated_units_become_the_points_unit),
		cmocka_unit_test(unknown_units_are_doubted_and_wrong_ones_refused),
		cmocka_unit_test(flags_are_zero_one_or_truth_and_may_be_inverted),
		cmocka_unit_test(enums_are_numbers_of_the_map_or_names),
		cmocka_unit_test(sentinels_ranges_and_fractions_are_judged),
		cmocka_unit_test(a_value_is_as_old_as_it_says),
		cmocka_unit_test(every_row_of_units_leads_to_a_unit_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
