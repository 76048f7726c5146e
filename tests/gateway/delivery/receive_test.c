/* receive_test.c: bytes from the platform: what fits is read, everything else has no effect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_receipt_with_everything),
		cmocka_unit_test(takes_no_harm_from_odd_receipts),
		cmocka_unit_test(reads_no_more_than_its_lists_hold),
		cmocka_unit_test(reads_work_and_knows_what_it_does_not),
		cmocka_unit_test(survives_every_truncation_and_flip_of_a_good_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
