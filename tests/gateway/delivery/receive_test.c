/* receive_test.c: bytes from the platform: what fits is read, everything else has no effect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receive.h"

static struct receive_receipt receipt;

static enum wy_err read_receipt(const char *text)
{
	return receive_receipt(text, strlen(text), &receipt);
}

static void reads_a_receipt_with_everything(void **state)
{
	(void)state;

	assert_int_equal(read_receipt("{\"type\":\"com.weiyu.receipt.v1\",\"data\":{\"epoch\":\"00ab\",\"through\":17,"
				      "\"also\":[20,21],\"rejected\":[{\"seq\":9,\"reason\":\"bad\"}]}}"),
			 WY_OK);
	assert_int_equal(receipt.receipt.epoch, 0xab);
	assert_int_equal(receipt.receipt.through, 17);
	assert_int_equal(receipt.receipt.n_also, 2);
	assert_int_equal(receipt.receipt.also[1], 21);
	assert_int_equal(receipt.receipt.n_rejected, 1);
	assert_int_equal(receipt.receipt.rejected[0].seq, 9);
	assert_string_equal(receipt.receipt.rejected[0].reason, "bad");
}

static void takes_no_harm_from_odd_receipts(void **state)
{
	static const char *const texts[] = {
		"", "{", "[]", "null", "{\"data\":3}", "{\"data\":{}}",
		"{\"data\":{\"epoch\":\"xyz\",\"through\":1}}",
		"{\"data\":{\"epoch\":\"00112233445566778\",\"through\":1}}",
		"{\"data\":{\"epoch\":\"ab\",\"through\":-1}}",
		"{\"data\":{\"epoch\":\"ab\",\"through\":\"5\"}}",
		"{\"data\":{\"epoch\":\"ab\",\"through\":1.5}}",
		"{\"data\":{\"epoch\":\"ab\",\"epoch\":\"ac\",\"through\":1}}",
		"{\"data\":{\"epoch\":\"ab\",\"also\":[\"x\"]}}",
		"{\"data\":{\"epoch\":\"ab\",\"rejected\":[7]}}",
		"{\"data\":{\"epoch\":\"\",\"through\":1}}",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(read_receipt(texts[i]), WY_E_INVALID);
}

static void reads_no_more_than_its_lists_hold(void **state)
{
	char text[3000] = "{\"data\":{\"epoch\":\"1\",\"also\":[1";
	(void)state;

	for (int i = 0; i < 300; i++)
		strncat(text, ",2", sizeof(text) - strlen(text) - 1);
	strncat(text, "]}}", sizeof(text) - strlen(text) - 1);
	assert_int_equal(read_receipt(text), WY_OK);
	assert_int_equal(receipt.receipt.n_also, RECEIVE_LIST_MAX);
}

static void reads_work_and_knows_what_it_does_not(void **state)
{
	static const char good[] = "{\"type\":\"com.weiyu.work.acked.v1\",\"data\":{\"ticket_key\":"
				   "\"tk_abcdefghijklmnopqrstuvwxyz\",\"seq\":3,\"state\":\"acked\"}}";
	static const char odd_state[] = "{\"type\":\"com.weiyu.work.x.v1\",\"data\":{\"ticket_key\":\"tk_a\","
					"\"seq\":3,\"state\":\"flying\"}}";
	static const char long_key[] = "{\"type\":\"com.weiyu.work.acked.v1\",\"data\":{\"ticket_key\":"
				       "\"tk_abcdefghijklmnopqrstuvwxyz0123\",\"seq\":3,\"state\":\"acked\"}}";
	struct receive_work work;
	(void)state;

	assert_int_equal(receive_work(good, strlen(good), &work), WY_OK);
	assert_int_equal(work.node, TICKET_NODE_ACKED);
	assert_int_equal(work.work_rev, 3);
	assert_int_equal(receive_work(odd_state, strlen(odd_state), &work), WY_E_UNSUPPORTED);
	assert_int_equal(receive_work(long_key, strlen(long_key), &work), WY_E_INVALID);
}

static void survives_every_truncation_and_flip_of_a_good_message(void **state)
{
	static const char good[] = "{\"type\":\"com.weiyu.receipt.v1\",\"data\":{\"epoch\":\"00ab\",\"through\":17,"
				   "\"also\":[20,21],\"rejected\":[{\"seq\":9,\"reason\":\"\\u6f0f\"}]}}";
	(void)state;

	for (size_t len = 0; len < strlen(good); len++) {
		char *copy = malloc(len + 1); /* exact, so that a step beyond is seen */
		memcpy(copy, good, len);
		assert_int_equal(receive_receipt(copy, len, &receipt), WY_E_INVALID);
		for (size_t at = 0; at < len; at++) {
			char kept = copy[at];
			copy[at] = (char)(kept ^ 0x41);
			(void)!receive_receipt(copy, len, &receipt);
			copy[at] = kept;
		}
		free(copy);
	}
}

static void a_message_larger_than_the_most_is_not_looked_at(void **state)
{
	static char text[RECEIVE_BYTES_MAX + 2];
	static const char head[] = "{\"data\":{\"epoch\":\"1\",\"through\":1}}";
	(void)state;

	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, head, strlen(head));
	assert_int_equal(receive_receipt(text, RECEIVE_BYTES_MAX, &receipt), WY_OK);
	assert_int_equal(receive_receipt(text, RECEIVE_BYTES_MAX + 1, &receipt), WY_E_INVALID);
}

static void rejections_beyond_the_most_are_left_for_the_next_and_one_without_reason_says_so(void **state)
{
	static char text[20000] = "{\"data\":{\"epoch\":\"1\",\"rejected\":[{\"seq\":1}";
	(void)state;

	for (int i = 0; i < 300; i++)
		strcat(text, ",{\"seq\":2,\"reason\":\"no\"}");
	strcat(text, "]}}");
	assert_int_equal(read_receipt(text), WY_OK);
	assert_int_equal(receipt.receipt.n_rejected, RECEIVE_LIST_MAX);
	assert_string_equal(receipt.receipt.rejected[0].reason, "no reason given");
	assert_string_equal(receipt.receipt.rejected[RECEIVE_LIST_MAX - 1].reason, "no");
}

static void a_reason_that_is_too_long_is_cut(void **state)
{
	char text[500] = "{\"data\":{\"epoch\":\"1\",\"rejected\":[{\"seq\":1,\"reason\":\"";
	(void)state;

	for (int i = 0; i < 300; i++)
		strcat(text, "r");
	strcat(text, "\"}]}}");
	assert_int_equal(read_receipt(text), WY_OK);
	assert_int_equal(strlen(receipt.receipt.rejected[0].reason), RECEIVE_REASON_SIZE - 1);
}

static void the_process_a_receipt_is_for_is_read(void **state)
{
	(void)state;

	assert_int_equal(read_receipt("{\"data\":{\"epoch\":\"1\",\"instance\":\"2f\"}}"), WY_OK);
	assert_true(receipt.has_instance);
	assert_int_equal(receipt.instance, 0x2f);
	assert_int_equal(receipt.receipt.through, 0);
	assert_int_equal(read_receipt("{\"data\":{\"epoch\":\"1\",\"instance\":\"2g\"}}"), WY_E_INVALID);
}

static void takes_no_harm_from_odd_work(void **state)
{
	static const char *const texts[] = {
		"{}", "[]",
		"{\"data\":{\"ticket_key\":\"tk_a\",\"seq\":3,\"state\":\"acked\"}}",
		"{\"type\":\"com.weiyu.work.acked.v1\",\"data\":{\"seq\":3,\"state\":\"acked\"}}",
		"{\"type\":\"com.weiyu.work.acked.v1\",\"data\":{\"ticket_key\":\"tk_a\",\"seq\":3}}",
		"{\"type\":\"com.weiyu.work.acked.v1\",\"data\":{\"ticket_key\":\"tk_a\",\"state\":\"acked\"}}",
		"{\"type\":\"com.weiyu.work.acked.v1\",\"data\":{\"ticket_key\":\"tk_a\",\"seq\":4294967296,\"state\":\"acked\"}}",
	};
	static const char other[] = "{\"type\":\"com.weiyu.play.acked.v1\",\"data\":{\"ticket_key\":\"tk_a\",\"seq\":3,"
				    "\"state\":\"acked\"}}";
	struct receive_work work;
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(receive_work(texts[i], strlen(texts[i]), &work), WY_E_INVALID);
	assert_int_equal(receive_work(other, strlen(other), &work), WY_E_UNSUPPORTED);
}

static enum wy_err read_command(const char *envelope, const char *name, const char *data)
{
	static struct receive_command command;
	char text[400];

	snprintf(text, sizeof(text), "{%s\"type\":\"com.weiyu.cmd.%s.v1\",\"data\":{%s}}", envelope, name, data);
	return receive_command(text, strlen(text), &command);
}

static void commands_are_told_apart_by_what_is_wrong_with_them(void **state)
{
	static const struct {
		const char *envelope, *name, *data;
		enum wy_err err;
	} rows[] = {
		{"\"id\":\"c\",", "rebirth", "", WY_OK},
		{"\"id\":\"c\",\"subject\":\"gw\",\"expirytime\":\"2026-11-22T04:00:00Z\",", "rebirth", "", WY_OK},
		{"\"id\":\"c\",\"expirytime\":\"tomorrow\",", "rebirth", "", WY_E_INVALID},
		{"\"id\":\"c\",\"expirytime\":7,", "rebirth", "", WY_E_INVALID},
		{"\"id\":\"c\",\"subject\":\"\",", "rebirth", "", WY_E_INVALID},
		{"\"id\":\"c\",\"subject\":7,", "rebirth", "", WY_E_INVALID},
		{"\"id\":\"\",", "rebirth", "", WY_E_INVALID},
		{"", "rebirth", "", WY_E_INVALID},
		{"\"id\":\"c\",", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "", WY_E_INVALID},
		{"\"id\":\"c\",", "dance", "", WY_E_UNSUPPORTED},
		{"\"id\":\"c\",", "resend", "\"epoch\":\"1\",\"from\":1,\"to\":1", WY_OK},
		{"\"id\":\"c\",", "resend", "\"from\":1,\"to\":1", WY_E_STATE},
		{"\"id\":\"c\",", "resend", "\"epoch\":\"1\",\"to\":1", WY_E_STATE},
		{"\"id\":\"c\",", "resend", "\"epoch\":\"1\",\"from\":1", WY_E_STATE},
		{"\"id\":\"c\",", "resend", "\"epoch\":\"1\",\"from\":0,\"to\":1", WY_E_STATE},
		{"\"id\":\"c\",", "resend", "\"epoch\":\"1\",\"from\":2,\"to\":1", WY_E_STATE},
		{"\"id\":\"c\",", "epoch_new", "\"epoch\":\"1\",\"boot\":\"b\"", WY_OK},
		{"\"id\":\"c\",", "epoch_new", "\"epoch\":\"1\",\"boot\":\"b\",\"instance\":\"2\"", WY_OK},
		{"\"id\":\"c\",", "epoch_new", "\"epoch\":\"1\",\"boot\":\"b\",\"instance\":2", WY_E_STATE},
		{"\"id\":\"c\",", "epoch_new", "\"epoch\":\"1\"", WY_E_STATE},
		{"\"id\":\"c\",", "epoch_new", "\"boot\":\"b\"", WY_E_STATE},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(read_command(rows[i].envelope, rows[i].name, rows[i].data), rows[i].err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_larger_than_the_most_is_not_looked_at),
		cmocka_unit_test(rejections_beyond_the_most_are_left_for_the_next_and_one_without_reason_says_so),
		cmocka_unit_test(a_reason_that_is_too_long_is_cut),
		cmocka_unit_test(the_process_a_receipt_is_for_is_read),
		cmocka_unit_test(takes_no_harm_from_odd_work),
		cmocka_unit_test(commands_are_told_apart_by_what_is_wrong_with_them),
		cmocka_unit_test(reads_a_receipt_with_everything),
		cmocka_unit_test(takes_no_harm_from_odd_receipts),
		cmocka_unit_test(reads_no_more_than_its_lists_hold),
		cmocka_unit_test(reads_work_and_knows_what_it_does_not),
		cmocka_unit_test(survives_every_truncation_and_flip_of_a_good_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
