/* modbus_frame_test.c: frames by their bytes: those of the standard, and those of boards that are not quite Modbus. The odd
 * ones are worked out by hand from what their service tools send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "modbus_codec.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

static const struct modbus_way tcp = {.is_tcp = true};
static const struct modbus_way rtu = {.is_tcp = false};
static const struct modbus_way nice = {.framing = SENSOR_FRAMING_NICE_LEN16};
static const struct modbus_way xored = {.has_xor = true, .xor_seed = 0x1234};
static const struct modbus_request two_words = {5, 3, 0x1010, 2};

static void a_tcp_request_carries_our_own_number(void **state)
{
	static const uint8_t expected[] = {0xAB, 0xCD, 0, 0, 0, 6, 5, 3, 0x10, 0x10, 0, 2};
	uint8_t out[MODBUS_REQUEST_MAX];
	(void)state;

	assert_int_equal(modbus_frame_tcp(&two_words, 0xABCD, out), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
}

/* The example of the standard: unit 0x11, holding registers 0x6B to 0x6D, CRC 76 87. */
static void a_serial_request_has_the_crc_of_the_standard(void **state)
{
	static const uint8_t expected[] = {0x11, 3, 0, 0x6B, 0, 3, 0x76, 0x87};
	const struct modbus_request request = {0x11, 3, 0x6B, 3};
	uint8_t out[MODBUS_REQUEST_MAX];
	struct modbus_codec codec;
	(void)state;

	assert_int_equal(modbus_codec_open(&codec), WY_OK);
	assert_int_equal(modbus_codec_rtu_request(&codec, &request, out), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
	assert_int_equal(modbus_frame_odd(&rtu, &request, out), sizeof(expected)); /* ours says the same */
	assert_memory_equal(out, expected, sizeof(expected));
	modbus_codec_close(&codec);
}

static void the_length_of_a_tcp_answer_is_known_when_its_head_is_there(void **state)
{
	static const uint8_t good[] = {0, 1, 0, 0, 0, 7, 5, 3, 4, 1, 2, 3, 4};
	static const uint8_t refused[] = {0, 1, 0, 0, 0, 3, 5, 0x83, 2};
	static const struct {
		size_t at;
		uint8_t is;
	} spoilt[] = {{2, 1}, {3, 1}, {4, 1}, {5, 2}, {5, 6}, {5, 8}, {8, 6}};
	(void)state;

	for (size_t n = 0; n < 6; n++)
		assert_int_equal(modbus_frame_length(&tcp, &two_words, good, n), 0);
	for (size_t n = 6; n <= sizeof(good); n++)
		assert_int_equal(modbus_frame_length(&tcp, &two_words, good, n), sizeof(good));
	assert_int_equal(modbus_frame_length(&tcp, &two_words, refused, sizeof(refused)), sizeof(refused));
	for (size_t i = 0; i < COUNT(spoilt); i++) {
		uint8_t bytes[sizeof(good)];
		memcpy(bytes, good, sizeof(good));
		bytes[spoilt[i].at] = spoilt[i].is;
		assert_true(modbus_frame_length(&tcp, &two_words, bytes, sizeof(bytes)) == SIZE_MAX);
	}
}

static void the_length_of_a_serial_answer_depends_on_the_request(void **state)
{
	static const uint8_t good[] = {5, 3, 4, 1, 2, 3, 4, 0, 0};
	(void)state;

	assert_int_equal(modbus_frame_length(&rtu, &two_words, good, 0), 0);
	assert_int_equal(modbus_frame_length(&rtu, &two_words, good, 2), 0);
	assert_int_equal(modbus_frame_length(&rtu, &two_words, good, 3), 9);
	assert_int_equal(modbus_frame_length(&rtu, &two_words, (const uint8_t[]){5, 0x83}, 2), 5);
	assert_true(modbus_frame_length(&rtu, &two_words, (const uint8_t[]){6}, 1) == SIZE_MAX);
	assert_true(modbus_frame_length(&rtu, &two_words, (const uint8_t[]){5, 4}, 2) == SIZE_MAX);
	assert_true(modbus_frame_length(&rtu, &two_words, (const uint8_t[]){5, 3, 6}, 3) == SIZE_MAX);
}

/* Adds the CRC. */
static size_t seal(uint8_t *bytes, size_t n)
{
	uint16_t crc = modbus_crc(bytes, n);

	bytes[n] = (uint8_t)crc;
	bytes[n + 1] = (uint8_t)(crc >> 8);
	return n + 2;
}

static void a_byte_count_of_two_bytes_is_read(void **state)
{
	uint8_t bytes[16] = {5, 3, 0, 4, 0x12, 0x34, 0x56, 0x78};
	struct modbus_answer answer;
	size_t n = seal(bytes, 8);
	(void)state;

	for (size_t k = 0; k < 4; k++)
		assert_int_equal(modbus_frame_length(&nice, &two_words, bytes, k), 0);
	assert_int_equal(modbus_frame_length(&nice, &two_words, bytes, 4), 10); /* 2N + 6 */
	assert_int_equal(modbus_odd_judge(&nice, &two_words, bytes, n, &answer), WY_OK);
	assert_int_equal(answer.exception, 0);
	assert_int_equal(answer.bytes, 4);
	assert_memory_equal(answer.data, bytes + 4, 4);
	bytes[6] ^= 1;
	assert_int_equal(modbus_odd_judge(&nice, &two_words, bytes, n, &answer), WY_E_PROTOCOL);
	bytes[6] ^= 1;
	bytes[3] = 6; /* another length than was asked for */
	assert_true(modbus_frame_length(&nice, &two_words, bytes, 10) == SIZE_MAX);
}

static void a_refusal_in_place_of_a_length_is_an_exception(void **state)
{
	uint8_t bytes[16] = {5, 3, 0x80, 0x01, 0, 7};
	struct modbus_answer answer;
	size_t n = seal(bytes, 6);
	(void)state;

	assert_int_equal(modbus_frame_length(&nice, &two_words, bytes, 4), 8);
	assert_int_equal(modbus_odd_judge(&nice, &two_words, bytes, n, &answer), WY_OK);
	assert_int_equal(answer.exception, 7);
	bytes[5] = 0; /* refused for no reason: not a frame */
	(void)seal(bytes, 6);
	assert_int_equal(modbus_odd_judge(&nice, &two_words, bytes, n, &answer), WY_E_PROTOCOL);
}

/* 0x1234 XOR 05 03 04 00 01 00 02 = 0x1235. */
static void a_seed_takes_the_place_of_the_crc(void **state)
{
	static const uint8_t expected[] = {5, 3, 0x10, 0x10, 0, 2, 0x30, 0x12};
	uint8_t bytes[] = {5, 3, 4, 0, 1, 0, 2, 0x35, 0x12};
	uint8_t out[MODBUS_REQUEST_MAX];
	struct modbus_answer answer;
	(void)state;

	assert_int_equal(modbus_frame_odd(&xored, &two_words, out), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
	assert_int_equal(modbus_odd_judge(&xored, &two_words, bytes, sizeof(bytes), &answer), WY_OK);
	assert_int_equal(answer.bytes, 4);
	bytes[3] = 1;
	assert_int_equal(modbus_odd_judge(&xored, &two_words, bytes, sizeof(bytes), &answer), WY_E_PROTOCOL);
}

static void what_the_codec_refused_does_not_spoil_the_next_frame(void **state)
{
	uint8_t good[] = {0, 1, 0, 0, 0, 7, 5, 3, 4, 1, 2, 3, 4};
	uint8_t odd[sizeof(good)];
	struct modbus_answer answer;
	struct modbus_codec codec;
	(void)state;

	assert_int_equal(modbus_codec_open(&codec), WY_OK);
	for (unsigned i = 0; i < 1000; i++) {
		memcpy(odd, good, sizeof(good));
		odd[6 + i % 3] ^= (uint8_t)(1 + i % 250);
		(void)!modbus_codec_judge(&codec, &tcp, &two_words, odd, sizeof(odd) - i % 4, &answer);
		assert_int_equal(modbus_codec_judge(&codec, &tcp, &two_words, good, sizeof(good), &answer), WY_OK);
		assert_memory_equal(answer.data, good + 9, 4);
	}
	modbus_codec_close(&codec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tcp_request_carries_our_own_number),
		cmocka_unit_test(a_serial_request_has_the_crc_of_the_standard),
		cmocka_unit_test(the_length_of_a_tcp_answer_is_known_when_its_head_is_there),
		cmocka_unit_test(the_length_of_a_serial_answer_depends_on_the_request),
		cmocka_unit_test(a_byte_count_of_two_bytes_is_read),
		cmocka_unit_test(a_refusal_in_place_of_a_length_is_an_exception),
		cmocka_unit_test(a_seed_takes_the_place_of_the_crc),
		cmocka_unit_test(what_the_codec_refused_does_not_spoil_the_next_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
