/* Golden vectors: bytes as devices send them, values as people read them. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

static struct wy_sample decode_one(const struct sensor_profile_point *points, size_t n,
				   const uint16_t *words, uint16_t count)
{
	struct sensor_profile profile = {.points = points, .n_points = n};
	struct sensor_window window = {SENSOR_HOLDING, 100, count, words, NULL};
	struct wy_sample sample;

	sensor_decode(&profile, 0, &window, 77, &sample);
	assert_int_equal(sample.at_ms, 77);
	return sample;
}

static struct sensor_profile_point point_of(enum wy_type type, enum sensor_encoding encoding)
{
	return (struct sensor_profile_point){.name = "p",
					     .type = type,
					     .area = SENSOR_HOLDING,
					     .address = 100,
					     .encoding = encoding,
					     .scale = 1};
}

/* 0x12345678, -2 and 123.456f (0x42F6E979) in the four orders. */
static void every_order_gives_the_same_number(void **state)
{
	static const struct {
		enum sensor_order order;
		uint16_t u32[2], i32[2], f32[2], u64[4];
	} rows[] = {
		{SENSOR_ABCD,
		 {0x1234, 0x5678},
		 {0xFFFF, 0xFFFE},
		 {0x42F6, 0xE979},
		 {0x0102, 0x0304, 0x0506, 0x0708}},
		{SENSOR_CDAB,
		 {0x5678, 0x1234},
		 {0xFFFE, 0xFFFF},
		 {0xE979, 0x42F6},
		 {0x0708, 0x0506, 0x0304, 0x0102}},
		{SENSOR_BADC,
		 {0x3412, 0x7856},
		 {0xFFFF, 0xFEFF},
		 {0xF642, 0x79E9},
		 {0x0201, 0x0403, 0x0605, 0x0807}},
		{SENSOR_DCBA,
		 {0x7856, 0x3412},
		 {0xFEFF, 0xFFFF},
		 {0x79E9, 0xF642},
		 {0x0807, 0x0605, 0x0403, 0x0201}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sensor_profile_point p = point_of(WY_TYPE_INT, SENSOR_U32);
		p.order = rows[i].order;
		struct wy_sample s = decode_one(&p, 1, rows[i].u32, 2);
		assert_int_equal(s.whole, 0x12345678);
		assert_true(s.is_whole);
		assert_int_equal(s.quality, WY_Q_GOOD);
		assert_int_equal(s.n_raw, 2);
		assert_memory_equal(s.raw, rows[i].u32, 4);
		p.encoding = SENSOR_I32;
		assert_int_equal(decode_one(&p, 1, rows[i].i32, 2).whole, -2);
		p.encoding = SENSOR_U64;
		assert_true(decode_one(&p, 1, rows[i].u64, 4).whole == 0x0102030405060708);
		p.type = WY_TYPE_REAL;
		p.encoding = SENSOR_F32;
		s = decode_one(&p, 1, rows[i].f32, 2);
		assert_true(s.real == (double)123.456f);
		assert_false(s.is_whole);
	}
}

static void whole_numbers_stay_exact(void **state)
{
	struct sensor_profile_point p = point_of(WY_TYPE_COUNTER, SENSOR_U64);
	uint16_t most[] = {0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF};
	uint16_t beyond[] = {0x8000, 0, 0, 0};

	(void)state;
	assert_true(decode_one(&p, 1, most, 4).whole == INT64_MAX);
	assert_int_equal(decode_one(&p, 1, beyond, 4).why, WY_WHY_PAYLOAD);
	p.scale = 10;
	assert_int_equal(decode_one(&p, 1, most, 4).why, WY_WHY_PAYLOAD);
	uint16_t odd[] = {0x0020, 0, 0, 1}; /* 2^53 + 1: a double would lose the one */
	p.scale = 1;
	assert_true(decode_one(&p, 1, odd, 4).whole == 9007199254740993);
}

static void sixteen_bits_are_signed_only_when_said(void **state)
{
	struct sensor_profile_point p = point_of(WY_TYPE_INT, SENSOR_U16);
	uint16_t w[] = {0xFFF6};

	(void)state;
	assert_int_equal(decode_one(&p, 1, w, 1).whole, 65526);
	p.encoding = SENSOR_I16;
	assert_int_equal(decode_one(&p, 1, w, 1).whole, -10);
	p.bit_mask = 0xFF; /* a signed byte in the lower half */
	assert_int_equal(decode_one(&p, 1, w, 1).whole, -10);
	p.bit_shift = 8;
	assert_int_equal(decode_one(&p, 1, w, 1).whole, -1);
}

static void scale_and_offset_apply_to_reals_and_ints(void **state)
{
	struct sensor_profile_point p = point_of(WY_TYPE_REAL, SENSOR_I16);
	uint16_t w[] = {0xFF38}; /* -200 */

	(void)state;
	p.scale = 0.1;
	p.offset = 5;
	assert_true(fabs(decode_one(&p, 1, w, 1).real + 15) < 1e-9);
	p.type = WY_TYPE_INT;
	p.scale = 10;
	assert_int_equal(decode_one(&p, 1, w, 1).whole, -1995);
}

static void bits_and_inversion(void **state)
{
	struct sensor_profile_point p = point_of(WY_TYPE_BOOL, SENSOR_BIT);
	uint16_t w[] = {0x0800};

	(void)state;
	p.bit_mask = 1;
	p.bit_shift = 11;
	assert_int_equal(decode_one(&p, 1, w, 1).whole, 1);
	p.is_inverted = true;
	assert_int_equal(decode_one(&p, 1, w, 1).whole, 0);
	p.bit_shift = 10;
	assert_int_equal(decode_one(&p, 1, w, 1).whole, 1);
}

static void bit_areas_are_unpacked_lowest_first(void **state)
{
	struct sensor_profile_point p = {
		.name = "p", .type = WY_TYPE_BOOL, .area = SENSOR_DISCRETE, .encoding = SENSOR_BIT};
	struct sensor_profile profile = {.points = &p, .n_points = 1};
	uint8_t bits[] = {0x05, 0x01};
	struct sensor_window window = {SENSOR_DISCRETE, 20, 9, NULL, bits};
	struct wy_sample s;

	(void)state;
	for (uint16_t i = 0; i < 9; i++) {
		p.address = (uint16_t)(20 + i);
		sensor_decode(&profile, 0, &window, 0, &s);
		assert_int_equal(s.whole, i == 0 || i == 2 || i == 8);
		assert_int_equal(s.raw[0], s.whole);
	}
}

static void unknown_enum_values_are_not_guessed(void **state)
{
	static const char *const names[] = {"NORMAL", "INSPECTION"};
	static const int64_t raws[] = {1, 8};
	struct sensor_profile_point p = point_of(WY_TYPE_ENUM, SENSOR_U16);
	uint16_t known[] = {0x0080};
	uint16_t unknown[] = {0x0070};

	(void)state;
	p.values = names;
	p.values_raw = raws;
	p.n_values = 2;
	p.bit_shift = 4;
	p.bit_mask = 0xF;
	assert_int_equal(decode_one(&p, 1, known, 1).whole, 1);
	struct wy_sample s = decode_one(&p, 1, unknown, 1);
	assert_int_equal(s.quality, WY_Q_BAD);
	assert_int_equal(s.why, WY_WHY_RANGE);
	assert_int_equal(s.raw[0], 0x0070);
}

static void sentinels_are_compared_before_the_mask(void **state)
{
	static const int64_t sentinels[] = {0x00FF, 0x8000, -5};
	struct sensor_profile_point p = point_of(WY_TYPE_BOOL, SENSOR_BIT);
	uint16_t absent[] = {0x00FF};
	uint16_t quiet[] = {0x0000};

	(void)state;
	p.bit_mask = 1;
	p.bit_shift = 11;
	p.sentinels = sentinels;
	p.n_sentinels = 3;
	assert_int_equal(decode_one(&p, 1, absent, 1).why, WY_WHY_SENTINEL);
	assert_int_equal(decode_one(&p, 1, quiet, 1).quality, WY_Q_GOOD);
	p = point_of(WY_TYPE_REAL, SENSOR_I16);
	p.sentinels = sentinels;
	p.n_sentinels = 3;
	uint16_t lowest[] = {0x8000};	  /* as it travels */
	uint16_t minus_five[] = {0xFFFB}; /* as it prints */
	assert_int_equal(decode_one(&p, 1, lowest, 1).why, WY_WHY_SENTINEL);
	assert_int_equal(decode_one(&p, 1, minus_five, 1).why, WY_WHY_SENTINEL);
}

/* -9999.0 is how many float devices say "none"; the mask of a part must not invent a sentinel. */
static void sentinels_of_floats_are_numbers_and_of_parts_whole_words(void **state)
{
	static const int64_t none[] = {-9999};
	static const int64_t one[] = {1};
	struct sensor_profile_point p = point_of(WY_TYPE_REAL, SENSOR_F32);
	uint16_t absent[] = {0xC61C, 0x3C00};
	uint16_t bit_set[] = {0x0800};

	(void)state;
	p.sentinels = none;
	p.n_sentinels = 1;
	assert_int_equal(decode_one(&p, 1, absent, 2).why, WY_WHY_SENTINEL);
	p = point_of(WY_TYPE_BOOL, SENSOR_BIT);
	p.bit_mask = 1;
	p.bit_shift = 11;
	p.sentinels = one;
	p.n_sentinels = 1;
	assert_int_equal(decode_one(&p, 1, bit_set, 1).quality, WY_Q_GOOD);
	assert_int_equal(decode_one(&p, 1, bit_set, 1).whole, 1);
}

static void range_is_judged_after_scaling(void **state)
{
	struct sensor_profile_point p = point_of(WY_TYPE_REAL, SENSOR_U16);
	uint16_t full[] = {1000};
	uint16_t over[] = {1001};

	(void)state;
	p.scale = 0.1;
	p.has_range = true;
	p.hi = 100;
	assert_int_equal(decode_one(&p, 1, full, 1).quality, WY_Q_GOOD);
	assert_int_equal(decode_one(&p, 1, over, 1).why, WY_WHY_RANGE);
	p.type = WY_TYPE_INT;
	p.scale = 1;
	assert_int_equal(decode_one(&p, 1, full, 1).why, WY_WHY_RANGE);
}

static void nan_and_infinity_are_no_values(void **state)
{
	struct sensor_profile_point p = point_of(WY_TYPE_REAL, SENSOR_F32);
	uint16_t nan_words[] = {0x7FC0, 0};
	uint16_t inf_words[] = {0xFF80, 0};

	(void)state;
	assert_int_equal(decode_one(&p, 1, nan_words, 2).why, WY_WHY_PAYLOAD);
	assert_int_equal(decode_one(&p, 1, inf_words, 2).why, WY_WHY_PAYLOAD);
}

/* SeaHawk: 30002 counts decimetres or feet as 30003 says; the point is in metres. */
static void another_register_chooses_the_unit(void **state)
{
	const struct wy_unit *choices[] = {wy_unit_at(WY_UNIT_DM), wy_unit_at(WY_UNIT_FT)};
	struct sensor_profile_point points[] = {point_of(WY_TYPE_REAL, SENSOR_U16),
						point_of(WY_TYPE_INT, SENSOR_U16)};
	uint16_t metric[] = {123, 0};
	uint16_t feet[] = {123, 1};
	uint16_t odd[] = {123, 2};

	(void)state;
	points[0].unit = wy_unit_at(WY_UNIT_M);
	points[0].unit_by = "u";
	points[0].unit_choices = choices;
	points[0].n_unit_choices = 2;
	points[1].name = "u";
	points[1].address = 101;
	assert_true(fabs(decode_one(points, 2, metric, 2).real - 12.3) < 1e-9);
	struct wy_sample s = decode_one(points, 2, feet, 2);
	assert_true(fabs(s.real - 123 * 0.3048) < 1e-9);
	assert_int_equal(s.n_raw, 1);
	assert_int_equal(decode_one(points, 2, odd, 2).why, WY_WHY_PAYLOAD);
}

/* The same way for a factor, on top of the point's own scale, and together with a unit. */
static void another_register_chooses_the_factor(void **state)
{
	static const double factors[] = {1, 0.1, 0.01};
	const struct wy_unit *units[] = {wy_unit_at(WY_UNIT_KPA), wy_unit_at(WY_UNIT_BAR)};
	struct sensor_profile_point points[] = {point_of(WY_TYPE_REAL, SENSOR_U16), point_of(WY_TYPE_INT, SENSOR_U16),
						point_of(WY_TYPE_INT, SENSOR_U16)};
	uint16_t plain[] = {123, 0, 0};
	uint16_t tenths[] = {123, 1, 0};
	uint16_t hundredths_of_bar[] = {123, 2, 1};
	uint16_t odd[] = {123, 3, 0};

	(void)state;
	points[0].scale_by = "s";
	points[0].scale_choices = factors;
	points[0].n_scale_choices = 3;
	points[1].name = "s";
	points[1].address = 101;
	points[2].name = "u";
	points[2].address = 102;
	assert_true(decode_one(points, 3, plain, 3).real == 123);
	assert_true(fabs(decode_one(points, 3, tenths, 3).real - 12.3) < 1e-9);
	points[0].scale = 2;
	assert_true(fabs(decode_one(points, 3, tenths, 3).real - 24.6) < 1e-9);
	points[0].scale = 1;
	points[0].unit = units[0];
	points[0].unit_by = "u";
	points[0].unit_choices = units;
	points[0].n_unit_choices = 2;
	assert_true(fabs(decode_one(points, 3, hundredths_of_bar, 3).real - 123) < 1e-9);
	assert_int_equal(decode_one(points, 3, odd, 3).why, WY_WHY_PAYLOAD);
}

static void decimal_pairs_join_and_odd_halves_are_no_number(void **state)
{
	static const struct {
		uint16_t words[2];
		int64_t value;
		enum wy_why why;
	} rows[] = {
		{{0, 9999}, 9999, WY_WHY_NONE},	      {{1, 0}, 10000, WY_WHY_NONE},
		{{9999, 9999}, 99999999, WY_WHY_NONE}, {{0, 10000}, 0, WY_WHY_PAYLOAD},
		{{10000, 0}, 0, WY_WHY_PAYLOAD},      {{0xFFFF, 0xFFFF}, 0, WY_WHY_SENTINEL},
	};
	static const int64_t sentinels[] = {0xFFFFFFFF};
	struct sensor_profile_point p = point_of(WY_TYPE_COUNTER, SENSOR_DEC_PAIR);
	uint16_t low_first[] = {34, 12};

	(void)state;
	p.sentinels = sentinels;
	p.n_sentinels = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wy_sample s = decode_one(&p, 1, rows[i].words, 2);
		assert_int_equal(s.why, rows[i].why);
		assert_int_equal(s.quality, rows[i].why ? WY_Q_BAD : WY_Q_GOOD);
		assert_int_equal(s.whole, rows[i].value);
		assert_int_equal(s.n_raw, 2);
	}
	p.order = SENSOR_CDAB;
	assert_int_equal(decode_one(&p, 1, low_first, 2).whole, 120034);
}

/* Bytes into registers, high byte first, and what is read of them. */
static const char *text_of(enum sensor_charset charset, const char *bytes, size_t n)
{
	static char text[SENSOR_TEXT_BYTES];
	struct sensor_profile_point p = point_of(WY_TYPE_INT, SENSOR_TEXT);
	uint16_t words[40] = {0xAAAA}; /* the window begins one register before the point */

	for (size_t i = 0; i < n; i++)
		words[1 + i / 2] = (uint16_t)(words[1 + i / 2] | (unsigned char)bytes[i] << (i % 2 ? 0 : 8));
	struct sensor_window window = {SENSOR_HOLDING, 99, 40, words, NULL};
	p.charset = charset;
	p.n_text = (uint8_t)((n + 1) / 2);
	size_t len = sensor_text(&p, &window, text);
	assert_int_equal(len, strlen(text));
	return text;
}

#define TEXT(charset, bytes) text_of(charset, bytes, sizeof(bytes) - 1)

static void texts_become_utf8_and_what_is_none_a_question_mark(void **state)
{
	char longest[64];

	(void)state;
	assert_string_equal(TEXT(SENSOR_ASCII, "FW 2.1  \0\0junk"), "FW 2.1");
	assert_string_equal(TEXT(SENSOR_ASCII, "A\x1B[2J\xE9"), "A?[2J?");
	assert_string_equal(TEXT(SENSOR_ASCII, "\0\0"), "");
	/* "1号楼", the latter two of two bytes each; and U+20000, of four */
	assert_string_equal(TEXT(SENSOR_GB18030, "1\xBA\xC5\xC2\xA5\0"), "1号楼");
	assert_string_equal(TEXT(SENSOR_GB18030, "\x95\x32\x82\x36"), "\xF0\xA0\x80\x80");
	/* cut in the middle of a character; a byte no character begins with; a control character */
	assert_string_equal(TEXT(SENSOR_GB18030, "\xBA\xC5\xC2"), "号?");
	assert_string_equal(TEXT(SENSOR_GB18030, "\xFF\xBA\xC5\n"), "?号?");
	assert_string_equal(TEXT(SENSOR_GB18030, "a\x81\x30\x83\x37" "b"), "a?b"); /* U+009B, which terminals obey */
	for (size_t i = 0; i < sizeof(longest); i += 2)
		memcpy(longest + i, "\xBA\xC5", 2);
	assert_int_equal(strlen(text_of(SENSOR_GB18030, longest, sizeof(longest))), 96);
}

static void texts_are_never_a_value(void **state)
{
	static const uint16_t words[8] = {0x4142};
	struct sensor_profile_point p = point_of(WY_TYPE_INT, SENSOR_TEXT);

	(void)state;
	p.n_text = 8;
	assert_int_equal(sensor_point_width(&p), 8);
	assert_int_equal(decode_one(&p, 1, words, 8).quality, WY_Q_BAD);
	assert_int_equal(decode_one(&p, 1, words, 8).why, WY_WHY_PAYLOAD);
	assert_int_equal(decode_one(&p, 1, words, 8).n_raw, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_gives_the_same_number),
		cmocka_unit_test(whole_numbers_stay_exact),
		cmocka_unit_test(sixteen_bits_are_signed_only_when_said),
		cmocka_unit_test(scale_and_offset_apply_to_reals_and_ints),
		cmocka_unit_test(bits_and_inversion),
		cmocka_unit_test(bit_areas_are_unpacked_lowest_first),
		cmocka_unit_test(unknown_enum_values_are_not_guessed),
		cmocka_unit_test(sentinels_are_compared_before_the_mask),
		cmocka_unit_test(sentinels_of_floats_are_numbers_and_of_parts_whole_words),
		cmocka_unit_test(range_is_judged_after_scaling),
		cmocka_unit_test(nan_and_infinity_are_no_values),
		cmocka_unit_test(another_register_chooses_the_unit),
		cmocka_unit_test(another_register_chooses_the_factor),
		cmocka_unit_test(decimal_pairs_join_and_odd_halves_are_no_number),
		cmocka_unit_test(texts_become_utf8_and_what_is_none_a_question_mark),
		cmocka_unit_test(texts_are_never_a_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
