/* restamp_test.c: an event goes on in another epoch: its three stamps change, and no other byte. What does not agree with itself is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "restamp.h"

enum { SIZE = 65536 };

static char event[SIZE], out[SIZE], wanted[SIZE];

/* As json_build prints it: reals, whole numbers, texts in two languages, null. */
#define EVENT                                                                                                              \
	"{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/weiyu/gw-test\",\"type\":\"com.weiyu.ticket.opened.v1\","    \
	"\"sequence\":\"%s\",\"partitionkey\":\"gw-test\",\"data\":{\"ticket_key\":\"tk_a\",\"dedup_key\":\"A/ELV-01\","  \
	"\"episode\":3,\"rev\":1,\"summary\":\"3A栋2号梯困人\",\"peak\":{\"value\":12.3,\"limit\":5.0},"                   \
	"\"cleared_at\":null,\"big\":9007199254740993,\"note\":\"say \\\"no\\\"\",\"gateway_seq\":%s}}"

static size_t write_event(char *to, const char *id, const char *sequence, const char *seq)
{
	return (size_t)snprintf(to, SIZE, EVENT, id, sequence, seq);
}

static const struct ticket_event_name name = {"gw-test", "com.weiyu.ticket.opened.v1", "tk_a", 0xc41d2f07ab3e615u, 4711};

static enum wy_err restamp(const struct ticket_event_name *was, size_t len, struct ticket_restamped *told)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, sizeof(out));
	return ticket_event_restamp(event, len, was, 0xb1, 2, &buf, told);
}

static void three_stamps_change_and_nothing_else(void **state)
{
	struct ticket_restamped told;
	size_t len = write_event(event, "0c41d2f07ab3e615-4711", "0000000000000004711", "4711");
	(void)state;

	assert_int_equal(restamp(&name, len, &told), WY_OK);
	write_event(wanted, "00000000000000b1-2", "0000000000000000002", "2");
	assert_string_equal(out, wanted);
	assert_int_equal(told.episode, 3);
	assert_string_equal(told.dedup, "A/ELV-01");
}

static void an_epoch_that_is_not_known_is_taken_as_it_is_said(void **state)
{
	struct ticket_event_name was = name;
	struct ticket_restamped told;
	size_t len = write_event(event, "0c41d2f07ab3e615-4711", "0000000000000004711", "4711");
	(void)state;

	was.epoch = 0;
	assert_int_equal(restamp(&was, len, &told), WY_OK);
	was.epoch = 77;
	assert_int_equal(restamp(&was, len, &told), WY_E_INVALID);
}

static void what_does_not_agree_with_itself_is_refused(void **state)
{
	static const struct {
		const char *id, *sequence, *seq;
	} bad[] = {
		{"0c41d2f07ab3e615-4712", "0000000000000004711", "4711"},
		{"0c41d2f07ab3e615-4711", "0000000000000004712", "4711"},
		{"0c41d2f07ab3e615-4711", "0000000000000004711", "4712"},
		{"0c41d2f07ab3e615-4711", "0000000000000004711", "\"4711\""},
		{"", "0000000000000004711", "4711"},
	};
	struct ticket_restamped told;
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(restamp(&name, write_event(event, bad[i].id, bad[i].sequence, bad[i].seq), &told), WY_E_INVALID);
}

static void an_event_of_another_row_is_refused(void **state)
{
	struct ticket_event_name others[] = {name, name, name, name};
	struct ticket_restamped told;
	size_t len = write_event(event, "0c41d2f07ab3e615-4711", "0000000000000004711", "4711");
	(void)state;

	others[0].gateway = "gw-tess";
	others[1].type = "com.weiyu.ticket.cleared.v1";
	others[2].ticket_key = "tk_b";
	others[3].seq = 4710;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_int_equal(restamp(&others[i], len, &told), WY_E_INVALID);
}

/* Any byte turned: refused, or an event all the same, and never a crash. */
static void noise_is_refused_or_an_event(void **state)
{
	struct ticket_restamped told;
	size_t len = write_event(event, "0c41d2f07ab3e615-4711", "0000000000000004711", "4711"), refused = 0;
	(void)state;

	for (size_t i = 0; i < len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			event[i] = (char)(event[i] ^ 1 << bit);
			enum wy_err err = restamp(&name, len, &told);
			assert_true(err == WY_OK || err == WY_E_INVALID);
			refused += err == WY_E_INVALID;
			event[i] = (char)(event[i] ^ 1 << bit);
		}
	assert_true(refused > len * 2);
	assert_int_equal(ticket_event_restamp("", 0, &name, 1, 1, &(struct wy_buf){out, sizeof(out), 0, false}, &told), WY_E_INVALID);
}

static void a_buffer_that_is_too_small_is_said(void **state)
{
	struct ticket_restamped told;
	struct wy_buf buf;
	size_t len = write_event(event, "0c41d2f07ab3e615-4711", "0000000000000004711", "4711");
	(void)state;

	wy_buf_init(&buf, out, 64);
	assert_int_equal(ticket_event_restamp(event, len, &name, 1, 1, &buf, &told), WY_E_LIMIT);
}

static enum wy_err restamp_text(const char *text)
{
	struct ticket_restamped told = {.episode = 99};

	strcpy(event, text);
	enum wy_err err = restamp(&name, strlen(event), &told);
	assert_true(err != WY_OK || told.episode == 0);
	return err;
}

#define HEAD "{\"id\":\"0c41d2f07ab3e615-4711\",\"source\":\"/weiyu/gw-test\",\"type\":\"com.weiyu.ticket.opened.v1\","      \
	     "\"sequence\":\"0000000000000004711\""

static void an_event_without_a_number_inside_or_a_condition_it_is_about_goes_on(void **state)
{
	char text[400], dedup[200];
	(void)state;

	assert_int_equal(restamp_text(HEAD ",\"data\":{\"ticket_key\":\"tk_a\",\"episode\":3}}"), WY_OK);
	assert_string_equal(out, "{\"id\":\"00000000000000b1-2\",\"source\":\"/weiyu/gw-test\",\"type\":\"com.weiyu.ticket.opened.v1\","
				 "\"sequence\":\"0000000000000000002\",\"data\":{\"ticket_key\":\"tk_a\",\"episode\":3}}");
	memset(dedup, 'd', sizeof(dedup));
	snprintf(text, sizeof(text), HEAD ",\"data\":{\"ticket_key\":\"tk_a\",\"episode\":3,\"dedup_key\":\"%.*s\"}}",
		 (int)TICKET_DEDUP_SIZE, dedup);
	assert_int_equal(restamp_text(text), WY_OK);
}

static void an_event_without_data_or_of_an_endless_gateway_is_refused(void **state)
{
	struct ticket_event_name of_long = name;
	struct ticket_restamped told;
	char gateway[200];
	(void)state;

	assert_int_equal(restamp_text(HEAD "}"), WY_E_INVALID);
	assert_int_equal(restamp_text(HEAD ",\"data\":[]}"), WY_E_INVALID);
	assert_int_equal(restamp_text(HEAD ",\"data\":{}}"), WY_E_INVALID);
	assert_int_equal(restamp_text("[]"), WY_E_INVALID);
	memset(gateway, 'g', sizeof(gateway) - 1);
	gateway[sizeof(gateway) - 1] = '\0';
	of_long.gateway = gateway;
	size_t len = write_event(event, "0c41d2f07ab3e615-4711", "0000000000000004711", "4711");
	assert_int_equal(restamp(&of_long, len, &told), WY_E_INVALID);
}

static unsigned allocations_left;

static void *counted_malloc(size_t size)
{
	if (allocations_left == 0)
		return NULL;
	allocations_left--;
	return malloc(size);
}

static void memory_that_runs_out_anywhere_is_an_error_and_leaks_nothing(void **state)
{
	struct ticket_restamped told;
	size_t len = write_event(event, "0c41d2f07ab3e615-4711", "0000000000000004711", "4711");
	enum wy_err err = WY_E_NOMEM;
	unsigned n, out_of_memory = 0;
	(void)state;

	json_set_alloc_funcs(counted_malloc, free);
	for (n = 0; err != WY_OK && n < 1000; n++) {
		allocations_left = n;
		err = restamp(&name, len, &told);
		assert_true(err == WY_OK || err == WY_E_NOMEM || err == WY_E_INVALID);
		out_of_memory += err == WY_E_NOMEM;
	}
	json_set_alloc_funcs(malloc, free);
	assert_true(n < 1000 && out_of_memory > 0);
}

#define RECORD                                                                                                             \
	"{\"id\":\"00000000000000a1-7\",\"source\":\"/weiyu/gw-test\",\"type\":\"com.weiyu.ticket.gap.v1\","                   \
	"\"sequence\":\"0000000000000000007\",\"data\":{\"gateway_seq\":7,\"events\":%s,\"by_tier\":{\"S1\":0,\"S2\":1,"         \
	"\"S3\":0,\"S4\":2},\"by_kind\":{\"opened\":1,\"updated\":2,\"ended\":0,\"other\":0},\"from\":%s,\"until\":"            \
	"\"1970-01-02T08:00:00.009+08:00\",\"tickets\":[{\"ticket_key\":\"tk_a\",\"events\":2},{\"ticket_key\":\"tk_b\","       \
	"\"events\":0}],\"ranges\":[[7,9]]}}"

static enum wy_err recall(const char *events, const char *from, struct ticket_gap *gap)
{
	const struct ticket_event_name was = {"gw-test", TICKET_GAP_TYPE, "", 0xa1, 7};
	int len = snprintf(event, sizeof(event), RECORD, events, from);

	return ticket_gap_recall(event, (size_t)len, &was, gap);
}

static void a_record_is_recalled_with_what_can_be_believed_of_it(void **state)
{
	static struct ticket_gap gap;
	(void)state;

	assert_int_equal(recall("3", "\"1970-01-02T00:00:00.005Z\"", &gap), WY_OK);
	assert_true(gap.n == 3 && gap.by_tier[2] == 1 && gap.by_tier[4] == 2 && gap.opened == 1 && gap.updated == 2);
	assert_true(gap.from_wall_ms == 86400005 && gap.until_wall_ms == 86400009);
	assert_true(gap.n_tickets == 1 && gap.ticket[0].n == 2);
	assert_string_equal(gap.ticket[0].key, "tk_a");
	assert_int_equal(recall("3", "null", &gap), WY_OK);
	assert_true(gap.from_wall_ms == 0);
	assert_int_equal(recall("4", "null", &gap), WY_E_INVALID);
	assert_int_equal(recall("-3", "null", &gap), WY_E_INVALID);
	assert_int_equal(recall("\"3\"", "null", &gap), WY_E_INVALID);
	assert_int_equal(recall("3}", "null", &gap), WY_E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_without_a_number_inside_or_a_condition_it_is_about_goes_on),
		cmocka_unit_test(an_event_without_data_or_of_an_endless_gateway_is_refused),
		cmocka_unit_test(memory_that_runs_out_anywhere_is_an_error_and_leaks_nothing),
		cmocka_unit_test(three_stamps_change_and_nothing_else),
		cmocka_unit_test(an_epoch_that_is_not_known_is_taken_as_it_is_said),
		cmocka_unit_test(what_does_not_agree_with_itself_is_refused),
		cmocka_unit_test(an_event_of_another_row_is_refused),
		cmocka_unit_test(noise_is_refused_or_an_event),
		cmocka_unit_test(a_buffer_that_is_too_small_is_said),
		cmocka_unit_test(a_record_is_recalled_with_what_can_be_believed_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
