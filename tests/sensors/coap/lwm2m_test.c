/* lwm2m_test.c: LwM2M's binary form and its JSON: records by path, values by the type of their point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "senml.h"

static struct senml_pack pack;

static enum wy_err read_bytes(const char *path, const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum wy_err err;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	err = senml_read_tlv(path, copy, len, &pack);
	free(copy);
	return err;
}

#define read_tlv(path, text) read_bytes(path, text, sizeof(text) - 1)

static struct wy_sample sample_of(const char *name, enum wy_type type)
{
	const struct sensor_profile_point point = {.name = "p", .type = type, .scale = 1};
	const struct senml_record *record = NULL;
	struct wy_sample sample;

	assert_int_equal(senml_find(&pack, name, &record), WY_OK);
	senml_sample(record, &point, 3, 1000, &sample);
	assert_int_equal(sample.point, 3);
	assert_int_equal(sample.at_ms, 1000);
	return sample;
}

/* resource 5700 = 23.5 (float), 5601 = -1 (one byte), 5750 = "attic!!!" (8-bit length), 5500 = true */
static const char instance[] = "\xE4\x16\x44\x41\xBC\x00\x00" "\xE1\x15\xE1\xFF" "\xE8\x16\x76\x08" "attic!!!" "\xE1\x15\x7C\x01";

static void a_resource_is_read_by_its_path(void **state)
{
	struct wy_sample sample;

	(void)state;
	assert_int_equal(read_tlv("/3303/0/5700", "\xE4\x16\x44\x41\xBC\x00\x00"), WY_OK);
	sample = sample_of("3303/0/5700", WY_TYPE_REAL);
	assert_int_equal(sample.quality, WY_Q_GOOD);
	assert_true(sample.real == 23.5);
	assert_int_equal(read_tlv("/3303/0/5700", "\xE8\x16\x44\x08\x40\x37\x80\x00\x00\x00\x00\x00"), WY_OK);
	assert_true(sample_of("3303/0/5700", WY_TYPE_REAL).real == 23.5);
}

static void an_instance_gives_all_its_resources(void **state)
{
	(void)state;
	assert_int_equal(read_bytes("/3303/0", instance, sizeof(instance) - 1), WY_OK);
	assert_int_equal(pack.n, 4);
	assert_true(sample_of("3303/0/5700", WY_TYPE_REAL).real == 23.5);
	assert_int_equal(sample_of("3303/0/5601", WY_TYPE_INT).whole, -1);
	assert_int_equal(sample_of("3303/0/5500", WY_TYPE_BOOL).whole, 1);
	assert_int_equal(sample_of("5500", WY_TYPE_BOOL).whole, 1);
	assert_int_equal(sample_of("3303/0/5750", WY_TYPE_BOOL).why, WY_WHY_PAYLOAD);
	/* the same within its instance, and with the instance told of the object */
	assert_int_equal(read_tlv("/3303/0", "\x07\x00\xE4\x16\x44\x41\xBC\x00\x00"), WY_OK);
	assert_true(sample_of("3303/0/5700", WY_TYPE_REAL).real == 23.5);
	assert_int_equal(read_tlv("/3303", "\x07\x00\xE4\x16\x44\x41\xBC\x00\x00\x04\x01\xE1\x15\x7C\x01"), WY_OK);
	assert_int_equal(pack.n, 2);
	assert_int_equal(sample_of("3303/1/5500", WY_TYPE_BOOL).whole, 1);
}

static void a_resource_of_several_values_names_each(void **state)
{
	(void)state;
	assert_int_equal(read_tlv("/3/0/6", "\x86\x06\x41\x00\x01\x41\x01\x05"), WY_OK);
	assert_int_equal(pack.n, 2);
	assert_int_equal(sample_of("3/0/6/0", WY_TYPE_INT).whole, 1);
	assert_int_equal(sample_of("3/0/6/1", WY_TYPE_INT).whole, 5);
}

static void whole_numbers_have_one_two_four_or_eight_bytes(void **state)
{
	(void)state;
	assert_int_equal(read_tlv("/1/0/1", "\xC2\x01\x80\x00"), WY_OK);
	assert_int_equal(sample_of("1/0/1", WY_TYPE_INT).whole, -32768);
	assert_int_equal(read_tlv("/1/0/1", "\xC4\x01\x00\x01\x51\x80"), WY_OK);
	assert_int_equal(sample_of("1/0/1", WY_TYPE_COUNTER).whole, 86400);
	assert_int_equal(read_tlv("/1/0/1", "\xC8\x01\x08\x00\x00\x00\x01\x00\x00\x00\x00"), WY_OK);
	assert_int_equal(sample_of("1/0/1", WY_TYPE_INT).whole, 4294967296);
	assert_int_equal(read_tlv("/1/0/1", "\xC3\x01\x00\x01\x02"), WY_OK);
	assert_int_equal(sample_of("1/0/1", WY_TYPE_INT).why, WY_WHY_PAYLOAD);
	assert_int_equal(read_tlv("/1/0/1", "\xC0\x01"), WY_OK);
	assert_int_equal(sample_of("1/0/1", WY_TYPE_INT).why, WY_WHY_PAYLOAD);
	assert_int_equal(read_tlv("/1/0/1", "\xC1\x01\x02"), WY_OK);
	assert_int_equal(sample_of("1/0/1", WY_TYPE_BOOL).why, WY_WHY_PAYLOAD);
	assert_true(sample_of("1/0/1", WY_TYPE_REAL).real == 2);
	assert_int_equal(read_tlv("/1/0/1", "\xC4\x01\x7F\xC0\x00\x00"), WY_OK);
	assert_int_equal(sample_of("1/0/1", WY_TYPE_REAL).quality, WY_Q_BAD); /* not a number */
}

static void an_answer_to_another_question_is_refused(void **state)
{
	static const struct {
		const char *path, *bytes;
		size_t len;
	} rows[] = {
#define ROW(path, bytes) {path, bytes, sizeof(bytes) - 1}
		ROW("/3303/0/5700", "\xE4\x15\xE1\x41\xBC\x00\x00"), /* another resource */
		ROW("/3303/1", "\x07\x00\xE4\x16\x44\x41\xBC\x00\x00"), /* another instance */
		ROW("/3303", "\xE4\x16\x44\x41\xBC\x00\x00"),	       /* of which instance? */
		ROW("/3303/0", "\x41\x00\x01"),			       /* of which resource? */
		ROW("/3303/0", "\xC1\x01\x01\xC1\x01\x02"),	       /* one resource twice */
		ROW("/3303/0", "\x86\x06\x41\x00\x01\x41\x00\x05"),
		ROW("/3303/0/6", "\x83\x06\xC1\x00\x01"),	       /* a resource in a resource */
		ROW("/3303/0/6", "\x03\x00\x41\x00\x01"),	       /* a value straight in an instance */
		ROW("/3303/0", ""),
		ROW("/leak", "\xC1\x01\x01"),
		ROW("/70000/0/1", "\xC1\x01\x01"),
		ROW("/1/2/3/4/5", "\xC1\x01\x01"),
		ROW("/3303/0", "\xC9\x01\x08\x00"), /* a length in both places */
		ROW("/3303/0", "\xC2\x01\x00"),	    /* too short */
		ROW("/3303/0", "\xF8\x01\x00\xFF\xFF\xFF\x00"),
		ROW("/3303/0", "\xE1\x01"),
		ROW("/3303/0", "\xD0\x01\x00"),
		ROW("/3303/0", "\xC1"),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (read_bytes(rows[i].path, rows[i].bytes, rows[i].len) != WY_E_PROTOCOL)
			fail_msg("row %zu", i);
		assert_int_equal(pack.n, 0);
	}
}

static void cut_and_flipped_bytes_end_in_a_sound_pack_or_none(void **state)
{
	char bytes[sizeof(instance) - 1];

	(void)state;
	for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
		memcpy(bytes, instance, sizeof(bytes));
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
		for (size_t len = 0; len <= sizeof(bytes); len++)
			if (read_bytes("/3303/0", bytes, len) != WY_OK)
				assert_int_equal(pack.n, 0);
	}
}

static void its_json_gives_the_same_records(void **state)
{
	static const char text[] = "{\"bn\":\"/3303/0/\",\"bt\":-60,\"e\":[{\"n\":\"5700\",\"v\":23.5,\"t\":-5},"
				   "{\"n\":\"5500\",\"bv\":true},{\"n\":\"5750\",\"sv\":\"attic\"},{\"n\":\"1\",\"ov\":\"3:0\"}]}";
	const struct senml_record *record = NULL;

	(void)state;
	assert_int_equal(senml_read_lwm2m_json(text, sizeof(text) - 1, &pack), WY_OK);
	assert_int_equal(pack.n, 4);
	assert_true(pack.record[0].time_s == -65);
	assert_int_equal(senml_find(&pack, "3303/0/5700", &record), WY_OK);
	assert_true(record->number == 23.5);
	assert_int_equal(senml_find(&pack, "3303/0/5500", &record), WY_OK);
	assert_true(record->kind == SENML_BOOL && record->flag);
	assert_int_equal(senml_find(&pack, "3303/0/5750", &record), WY_OK);
	assert_string_equal(record->text, "attic");
	assert_int_equal(pack.record[3].kind, SENML_OTHER);
}

static void json_that_is_not_lwm2ms_is_refused(void **state)
{
	static const char *const texts[] = {
		"[]", "{}", "{\"e\":{}}", "{\"e\":[]}", "{\"bn\":1,\"e\":[{\"n\":\"a\",\"v\":1}]}",
		"{\"bt\":\"0\",\"e\":[{\"n\":\"a\",\"v\":1}]}", "{\"e\":[{\"n\":\"a\",\"v\":1,\"bv\":true}]}",
		"{\"e\":[{\"n\":\"a\"}]}", "{\"e\":[1]}", "{\"e\":[{\"n\":\"a\",\"v\":true}]}",
		"[{\"n\":\"a\",\"v\":1}]", "{\"e\":[{\"n\":\"a\",\"v\":1}],\"e\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (senml_read_lwm2m_json(texts[i], strlen(texts[i]), &pack) != WY_E_PROTOCOL || pack.n)
			fail_msg("%s", texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_resource_is_read_by_its_path),
		cmocka_unit_test(an_instance_gives_all_its_resources),
		cmocka_unit_test(a_resource_of_several_values_names_each),
		cmocka_unit_test(whole_numbers_have_one_two_four_or_eight_bytes),
		cmocka_unit_test(an_answer_to_another_question_is_refused),
		cmocka_unit_test(cut_and_flipped_bytes_end_in_a_sound_pack_or_none),
		cmocka_unit_test(its_json_gives_the_same_records),
		cmocka_unit_test(json_that_is_not_lwm2ms_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
