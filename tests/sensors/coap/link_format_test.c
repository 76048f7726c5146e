/* link_format_test.c: lists of links, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link_format.h"

static struct link_list list;

static enum wy_err read_bytes(const void *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);
	enum wy_err err;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	err = link_format_read(copy, len, &list);
	free(copy);
	return err;
}

static enum wy_err read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

static const char sample[] = "</3200/0/5500>;rt=\"oma.lwm2m water\";if=sensor;ct=\"0 110\";obs,\r\n"
			     "</3303/0>; ct=11542; title=\"\xE6\xB8\xA9, \\\"in; out\\\"\",</.well-known/core>;ct=40";

static void a_list_gives_its_rows(void **state)
{
	(void)state;
	assert_int_equal(read_text(sample), WY_OK);
	assert_int_equal(list.n, 3);
	assert_string_equal(list.row[0].path, "/3200/0/5500");
	assert_string_equal(list.row[0].type, "oma.lwm2m water");
	assert_string_equal(list.row[0].interface, "sensor");
	assert_string_equal(list.row[0].formats, "0 110");
	assert_true(list.row[0].is_observable);
	assert_string_equal(list.row[1].path, "/3303/0");
	assert_string_equal(list.row[1].formats, "11542");
	assert_string_equal(list.row[1].type, "");
	assert_false(list.row[1].is_observable);
	assert_string_equal(list.row[2].path, "/.well-known/core");
}

static void nothing_is_an_empty_list(void **state)
{
	(void)state;
	assert_int_equal(read_text(""), WY_OK);
	assert_int_equal(list.n, 0);
	assert_int_equal(read_text(" \n"), WY_OK);
	assert_int_equal(list.n, 0);
}

static void links_to_elsewhere_and_about_others_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(read_text("<coap://other/a>,<//other/b>,<c>,</d>;anchor=\"/e\",</f>"), WY_OK);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.row[0].path, "/f");
}

static void what_is_no_list_is_refused_whole(void **state)
{
	static const char *const texts[] = {
		"</a", "<>", "/a", "</a>,", ",</a>", "</a>;", "</a>;=1", "</a>;rt=", "</a>;rt=\"x", "</a>;rt=\"x\\", "</a> </b>",
		"</a>;rt=x y", "</a>;rt=\"x\ny\"", "</a b>", "</a\x01>", "</\xE6>", "</a>;rt=\"a\"b", "</a>x", "{\"a\":1}", "</a>;;b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (read_text(texts[i]) != WY_E_PROTOCOL || list.n)
			fail_msg("%s", texts[i]);
}

static void nothing_of_it_could_be_obeyed_by_a_terminal(void **state)
{
	(void)state;
	assert_int_equal(read_text("</a>;rt=\"\xC2\x9B" "31m\""), WY_OK);
	assert_string_equal(list.row[0].type, "??31m");
	assert_int_equal(read_text("</a>;rt=\"\x1B[31m\""), WY_E_PROTOCOL);
}

static void every_cut_and_every_flipped_bit_ends_well(void **state)
{
	char bytes[sizeof(sample) - 1];

	(void)state;
	for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
		memcpy(bytes, sample, sizeof(bytes));
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
		if (read_bytes(bytes, sizeof(bytes)) != WY_OK)
			assert_int_equal(list.n, 0);
		(void)!read_bytes(bytes, bit / 8);
	}
}

static void ceilings_refuse_the_whole(void **state)
{
	static char text[WY_COAP_PAYLOAD_MAX + 1];
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < WY_LINKS_MAX; i++, at += 5)
		memcpy(text + at, "</a>,", 5);
	assert_int_equal(read_bytes(text, at - 1), WY_OK);
	assert_int_equal(list.n, WY_LINKS_MAX);
	memcpy(text + at, "</b>", 4);
	assert_int_equal(read_bytes(text, at + 4), WY_E_LIMIT);
	assert_int_equal(list.n, 0);
	memset(text, 'a', sizeof(text));
	memcpy(text, "</", 2);
	text[WY_LINKS_TEXT_BYTES + 10] = '>';
	assert_int_equal(read_bytes(text, WY_LINKS_TEXT_BYTES + 11), WY_E_LIMIT);
	assert_int_equal(read_bytes(text, sizeof(text)), WY_E_LIMIT);
}

static void a_path_is_found_by_itself_its_instance_or_its_object(void **state)
{
	(void)state;
	assert_int_equal(read_text("</3200/0>,</3303/0/5700>,</34>,</>"), WY_OK);
	assert_true(link_list_has(&list, "/3200/0/5500"));
	assert_true(link_list_has(&list, "/3200/0"));
	assert_true(link_list_has(&list, "/3303/0/5700"));
	assert_true(link_list_has(&list, "/34/0/1"));
	assert_false(link_list_has(&list, "/3303/0"));
	assert_false(link_list_has(&list, "/3200/01"));
	assert_false(link_list_has(&list, "/345"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_gives_its_rows),
		cmocka_unit_test(nothing_is_an_empty_list),
		cmocka_unit_test(links_to_elsewhere_and_about_others_are_passed_over),
		cmocka_unit_test(what_is_no_list_is_refused_whole),
		cmocka_unit_test(nothing_of_it_could_be_obeyed_by_a_terminal),
		cmocka_unit_test(every_cut_and_every_flipped_bit_ends_well),
		cmocka_unit_test(ceilings_refuse_the_whole),
		cmocka_unit_test(a_path_is_found_by_itself_its_instance_or_its_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
