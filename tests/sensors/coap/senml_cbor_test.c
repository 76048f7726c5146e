/* senml_cbor_test.c: packs in CBOR: the same records as in JSON, and nothing believed that is merely claimed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "senml.h"

static struct senml_pack pack;

/* A copy of exactly its size, so that ASan sees a byte read too many. */
static enum wy_err read_bytes(const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum wy_err err;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	err = senml_read_cbor(copy, len, &pack);
	free(copy);
	return err;
}

#define read_cbor(text) read_bytes(text, sizeof(text) - 1)

static const struct senml_record *found(const char *name)
{
	const struct senml_record *record = NULL;

	assert_int_equal(senml_find(&pack, name, &record), WY_OK);
	return record;
}

/* [{-2: "urn:dev:ow:10e2073a01080063:", -3: 1.320067464e9, -4: "A", -1: 5, 0: "voltage", 1: "V", 2: 120.5},
 *  {0: "current", 6: -5, 2: 1.25}, {0: "current", 6: -4.0, 2: 13/10 as half}, {0: "3200/0/5500", 4: true}] */
static const char whole_pack[] =
	"\x84"
	"\xA7\x21\x78\x1B" "urn:dev:ow:10e2073a0108006:" "\x22\xFB\x41\xD3\xAA\xBA\x12\x00\x00\x00" "\x23\x61" "A"
	"\x20\x05" "\x00\x67" "voltage" "\x01\x61" "V" "\x02\xF9\x57\x88"
	"\xA3\x00\x67" "current" "\x06\x24" "\x02\xFA\x3F\xA0\x00\x00"
	"\xA3\x00\x67" "current" "\x06\xF9\xC4\x00" "\x02\xC4\x82\x20\x0D"
	"\xA2\x00\x6B" "3200/0/5500" "\x04\xF5";

static void a_pack_gives_the_same_records_as_its_json(void **state)
{
	static struct senml_pack json;
	static const char same[] =
		"[{\"bn\":\"urn:dev:ow:10e2073a0108006:\",\"bt\":1319823432,\"bu\":\"A\",\"bver\":5,"
		"\"n\":\"voltage\",\"u\":\"V\",\"v\":120.5},{\"n\":\"current\",\"t\":-5,\"v\":1.25},"
		"{\"n\":\"current\",\"t\":-4,\"v\":1.3},{\"n\":\"3200/0/5500\",\"vb\":true}]";

	(void)state;
	assert_int_equal(read_cbor(whole_pack), WY_OK);
	assert_int_equal(senml_read_json(same, sizeof(same) - 1, &json), WY_OK);
	assert_int_equal(pack.n, json.n);
	for (size_t i = 0; i < pack.n; i++) {
		assert_string_equal(pack.record[i].name, json.record[i].name);
		assert_int_equal(pack.record[i].kind, json.record[i].kind);
		assert_string_equal(pack.record[i].unit, json.record[i].unit);
		assert_true(pack.record[i].number == json.record[i].number);
		assert_true(pack.record[i].time_s == json.record[i].time_s);
	}
	assert_true(found("3200/0/5500")->flag);
	assert_true(found("current")->number == 1.3);
}

static void streams_without_a_length_are_packs_too(void **state)
{
	(void)state;
	assert_int_equal(read_cbor("\x9F\xBF\x00\x61" "a" "\x02\x18\x2A\xFF\xA2\x00\x61" "b" "\x03\x62" "on" "\xFF"), WY_OK);
	assert_int_equal(pack.n, 2);
	assert_true(found("a")->number == 42);
	assert_string_equal(found("b")->text, "on");
}

static void base_values_add_and_numbers_of_every_width_are_read(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		double number;
	} rows[] = {
#define ROW(bytes, number) {"\x81\xA2\x00\x61" "a" "\x02" bytes, sizeof("\x81\xA2\x00\x61" "a" "\x02" bytes) - 1, number}
		ROW("\x17", 23), ROW("\x18\xFF", 255), ROW("\x19\x01\x00", 256), ROW("\x1A\x00\x01\x00\x00", 65536),
		ROW("\x1B\x00\x00\x00\x01\x00\x00\x00\x00", 4294967296.0), ROW("\x20", -1), ROW("\x38\xFF", -256),
		ROW("\x39\x01\x00", -257), ROW("\x3A\x00\x01\x00\x00", -65537),
		ROW("\x3B\x00\x00\x00\x01\x00\x00\x00\x00", -4294967297.0), ROW("\xF9\x3C\x00", 1), ROW("\xFA\xC1\x48\x00\x00", -12.5),
		ROW("\xFB\x40\x37\x80\x00\x00\x00\x00\x00", 23.5), ROW("\xC4\x82\x21\x19\x09\x2F", 23.51),
		ROW("\xC4\x82\x02\x03", 300), ROW("\xC4\x82\x20\x38\x7C", -12.5),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_bytes(rows[i].bytes, rows[i].len), WY_OK);
		assert_true(found("a")->number == rows[i].number);
	}
	assert_int_equal(read_cbor("\x82\xA1\x24\x14\xA2\x00\x61" "a" "\x02\xF9\x3E\x00"), WY_OK);
	assert_true(found("a")->number == 21.5);
}

static void what_json_refuses_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum wy_err err;
	} rows[] = {
#define ROW(bytes, err) {bytes, sizeof(bytes) - 1, err}
		ROW("", WY_E_PROTOCOL),
		ROW("\x80", WY_E_PROTOCOL),					    /* no record */
		ROW("\x9F\xFF", WY_E_PROTOCOL),
		ROW("\xA2\x00\x61" "a" "\x02\x01", WY_E_PROTOCOL),		    /* no array */
		ROW("\x81\x01", WY_E_PROTOCOL),					    /* no map */
		ROW("\x81\xA2\x00\x61" "a" "\x02\x01\x00", WY_E_PROTOCOL),	    /* something behind it */
		ROW("\x81\xA3\x00\x61" "a" "\x02\x01\x02\x02", WY_E_PROTOCOL),	    /* v twice */
		ROW("\x81\xA3\x00\x61" "a" "\x02\x01\x04\xF5", WY_E_PROTOCOL),	    /* two values */
		ROW("\x81\xA1\x00\x61" "a", WY_E_PROTOCOL),			    /* none */
		ROW("\x81\xA2\x00\x61" "a" "\x02\x61" "1", WY_E_PROTOCOL),	    /* v as text */
		ROW("\x81\xA2\x00\x61" "a" "\x02\xF4", WY_E_PROTOCOL),		    /* v as flag */
		ROW("\x81\xA2\x00\x61" "a" "\x04\x01", WY_E_PROTOCOL),		    /* vb as number */
		ROW("\x81\xA2\x00\x41" "a" "\x02\x01", WY_E_PROTOCOL),		    /* n as bytes */
		ROW("\x81\xA2\x00\x61" "\x00" "\x02\x01", WY_E_PROTOCOL),	    /* a zero in a name */
		ROW("\x81\xA2\x00\x61" "-" "\x02\x01", WY_E_PROTOCOL),
		ROW("\x81\xA2\x00\x7F\x61" "a" "\xFF\x02\x01", WY_E_PROTOCOL),	    /* text in pieces */
		ROW("\x81\xA2\x00\x61" "a" "\x02\xF9\x7C\x00", WY_E_PROTOCOL),	    /* infinite */
		ROW("\x81\xA2\x00\x61" "a" "\x02\xF9\x7E\x00", WY_E_PROTOCOL),	    /* no number */
		ROW("\x81\xA3\x20\x0B\x00\x61" "a" "\x02\x01", WY_E_PROTOCOL),	    /* version 11 */
		ROW("\x81\xA3\x20\xF9\x44\x00\x00\x61" "a" "\x02\x01", WY_E_PROTOCOL), /* version 4.0 */
		ROW("\x81\xA2\x00\x61" "a" "\x02\xC5\x82\x01\x01", WY_E_PROTOCOL),  /* a big float */
		ROW("\x81\xA2\x00\x61" "a" "\x02\xC4\x82\x19\x03\xE8\x01", WY_E_PROTOCOL), /* 1e1000 */
		ROW("\x81\xA2\x00\x61" "a" "\x02\xC4\x83\x01\x01\x01", WY_E_PROTOCOL),
		ROW("\x81\xA3\x62" "x_" "\x01\x00\x61" "a" "\x02\x01", WY_E_PROTOCOL), /* must be understood */
		ROW("\x81\xA3\xF5\x01\x00\x61" "a" "\x02\x01", WY_E_PROTOCOL),	    /* a flag as a label */
		ROW("\x81\xBF\x00\x61" "a" "\x02\xFF", WY_E_PROTOCOL),		    /* break for a value */
		ROW("\x81\xA3\x61" "x" "\x81\x81\x81\x81\x81\x81\x81\x81\x81\x01\x00\x61" "a" "\x02\x01", WY_E_LIMIT),
		ROW("\x9B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE\xA2\x00\x61" "a" "\x02\x01", WY_E_LIMIT),
		ROW("\x81\xBB\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x61" "a" "\x02\x01", WY_E_PROTOCOL),
		ROW("\x81\xA2\x00\x7B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF" "a" "\x02\x01", WY_E_PROTOCOL),
		ROW("\x81\xA1\x61" "x" "\x9B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", WY_E_PROTOCOL),
		ROW("\x81\xA1\x61" "x" "\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE", WY_E_PROTOCOL),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (read_bytes(rows[i].bytes, rows[i].len) != rows[i].err)
			fail_msg("row %zu: %s", i, wy_err_text(read_bytes(rows[i].bytes, rows[i].len)));
		assert_int_equal(pack.n, 0);
	}
}

static void labels_nobody_knows_are_skipped_with_all_below(void **state)
{
	(void)state;
	assert_int_equal(read_cbor("\x81\xA5\x18\x63\xA1\x61" "y" "\x9F\x01\xFF\x38\x20\xC1\x05\x61" "x" "\x82\xF6\x43\x01\x02\x03"
				   "\x00\x61" "a" "\x02\x07"), WY_OK);
	assert_true(found("a")->number == 7);
}

static void every_part_of_a_pack_alone_is_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len + 1 < sizeof(whole_pack); len++)
		assert_int_equal(read_bytes(whole_pack, len), WY_E_PROTOCOL);
}

/* Whatever bit is wrong: a pack that obeys its own rules, or none. */
static void a_flipped_bit_gives_a_sound_pack_or_none(void **state)
{
	char bytes[sizeof(whole_pack) - 1];

	(void)state;
	for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
		memcpy(bytes, whole_pack, sizeof(bytes));
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
		if (read_bytes(bytes, sizeof(bytes)) != WY_OK)
			assert_int_equal(pack.n, 0);
		for (size_t i = 0; i < pack.n; i++) {
			assert_true(pack.record[i].name[0] != '\0');
			assert_true(isfinite(pack.record[i].number));
		}
	}
}

static void more_records_or_bytes_than_the_ceilings_are_refused(void **state)
{
	static uint8_t bytes[WY_COAP_PAYLOAD_MAX + 1];
	size_t at = 0;

	(void)state;
	bytes[at++] = 0x9F;
	for (size_t i = 0; i < WY_SENML_RECORDS_MAX + 1; i++) {
		memcpy(bytes + at, "\xA2\x00\x61" "a" "\x02\x01", 6);
		at += 6;
	}
	bytes[at++] = 0xFF;
	assert_int_equal(read_bytes(bytes, at), WY_E_LIMIT);
	bytes[at - 7] = 0xFF; /* where the last record began */
	assert_int_equal(read_bytes(bytes, at - 6), WY_OK);
	assert_int_equal(pack.n, WY_SENML_RECORDS_MAX);
	assert_int_equal(read_bytes(bytes, sizeof(bytes)), WY_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pack_gives_the_same_records_as_its_json),
		cmocka_unit_test(streams_without_a_length_are_packs_too),
		cmocka_unit_test(base_values_add_and_numbers_of_every_width_are_read),
		cmocka_unit_test(what_json_refuses_is_refused),
		cmocka_unit_test(labels_nobody_knows_are_skipped_with_all_below),
		cmocka_unit_test(every_part_of_a_pack_alone_is_refused),
		cmocka_unit_test(a_flipped_bit_gives_a_sound_pack_or_none),
		cmocka_unit_test(more_records_or_bytes_than_the_ceilings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
