/* What bytes of Modbus are told to be: of requests, answers, refusals and of what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "frame_words.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

static struct frame_bytes bytes_of(const char *hex)
{
	struct frame_bytes bytes = {.n = 0};

	for (; hex[0] && hex[1]; hex += 2) {
		unsigned high = (unsigned)(hex[0] <= '9' ? hex[0] - '0' : hex[0] - 'A' + 10);
		unsigned low = (unsigned)(hex[1] <= '9' ? hex[1] - '0' : hex[1] - 'A' + 10);
		bytes.byte[bytes.n++] = (uint8_t)(high << 4 | low);
	}
	bytes.n_kept = bytes.n;
	return bytes;
}

static struct frame_words words_of(bool is_tcp, bool is_believed, const char *request, const char *answer)
{
	struct frame_bytes asked = bytes_of(request), answered = bytes_of(answer);

	return frame_words_of(is_tcp, is_believed, &asked, &answered);
}

static void a_request_is_told_whole(void **state)
{
	struct frame_words tcp = words_of(true, true, "00110000000601040064000A", "001100000005010402002A");
	struct frame_words serial = words_of(false, true, "0503010000028433", "050304002A0001");
	(void)state;

	assert_int_equal(tcp.transaction, 0x11);
	assert_int_equal(tcp.unit, 1);
	assert_string_equal(frame_area_text(tcp.function), "input");
	assert_int_equal(tcp.address, 100);
	assert_int_equal(tcp.count, 10);
	assert_string_equal(tcp.odd, "");
	assert_int_equal(serial.unit, 5);
	assert_string_equal(frame_area_text(serial.function), "holding");
	assert_int_equal(serial.address, 256);
	assert_int_equal(serial.count, 2);
	assert_null(frame_area_text(5));
}

static void what_does_not_fit_is_named(void **state)
{
	static const struct {
		bool is_tcp;
		const char *request, *answer, *odd;
	} rows[] = {
		{true, "00110000000601040064000A", "001000000005010402002A", "transaction 16 instead of 17"},
		{true, "00110000000601040064000A", "001100000005020402002A", "unit 2 instead of 1"},
		{true, "00110000000601040064000A", "001100000005010302002A", "function 3 instead of 4"},
		{true, "00110000000601040064000A", "00110000", "a piece of an answer"},
		{true, "00110000000601040064000A", "", ""},
		{true, "", "001100000005010402002A", "nobody asked for this"},
		{false, "0503010000028433", "05030200010000", "no valid CRC"},
		{false, "0503010000028433", "050380010007", "no valid CRC"},
		{false, "0503010000028433", "0503800100070000", "the board's own error 7; no valid CRC"},
	};
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct frame_words words = words_of(rows[i].is_tcp, false, rows[i].request, rows[i].answer);
		if (strcmp(words.odd, rows[i].odd) != 0)
			fail_msg("row %zu: '%s'", i, words.odd);
	}
}

static void a_right_crc_is_not_named(void **state)
{
	(void)state;

	/* Unit 1, function 3, one register of value 1: its CRC is 79 84. */
	assert_string_equal(words_of(false, false, "010300000001840A", "01030200017984").odd, "");
}

static void a_refusal_has_its_code(void **state)
{
	struct frame_words words = words_of(true, true, "00110000000601040064000A", "001100000003018402");
	(void)state;

	assert_int_equal(words.exception, 2);
	assert_string_equal(frame_exception_text(2), "no such address");
	assert_string_equal(frame_exception_text(200), "unknown exception");
	assert_string_equal(words.odd, "");
}

static void what_was_cut_is_counted(void **state)
{
	struct frame_bytes bytes = bytes_of("01040A");
	char text[80];
	struct wy_buf buf;
	(void)state;

	bytes.n = 20;
	wy_buf_init(&buf, text, sizeof(text));
	frame_hex(&bytes, &buf);
	assert_string_equal(text, "01 04 0A ... and 17 more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_told_whole),
		cmocka_unit_test(what_does_not_fit_is_named),
		cmocka_unit_test(a_right_crc_is_not_named),
		cmocka_unit_test(a_refusal_has_its_code),
		cmocka_unit_test(what_was_cut_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
