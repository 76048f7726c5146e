/* Messages good, odd and hostile, and the verdict each must have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "event.h"
#include "wy_limits.h"
#include "stamp.h"
#include "when.h"

#define TOPIC "weiyu/v1/up/3f/gw-demo-01/ticket"
#define HEAD "{\"specversion\":\"1.0\",\"source\":\"/weiyu/gw-demo-01\","
#define ID "\"id\":\"9c41d2f07ab3e615-7\","
#define OPENED "\"type\":\"com.weiyu.ticket.opened.v1\","
#define GAP_TYPE "\"type\":\"com.weiyu.ticket.gap.v1\""
#define GAP(ranges) HEAD ID GAP_TYPE ",\"data\":{\"ranges\":" ranges "}}"
#define KEYS "\"ticket_key\":\"tk_a\",\"dedup_key\":\"a/E\",\"episode\":1,\"rev\":1,"
#define GOOD HEAD ID OPENED "\"data\":{" KEYS "\"condition\":\"active\"}}"

static const struct event_hint *hint_of(const char *id)
{
	static struct event_hint hint;

	snprintf(hint.id, sizeof hint.id, "%s", id ? id : "");
	return id ? &hint : NULL;
}

static const struct {
	const char *topic, *payload, *hint;
	enum event_verdict verdict;
	int64_t seq;
	const char *reason; /* part of it */
} ROWS[] = {
	{TOPIC, GOOD, NULL, EVENT_TICKET, 7, NULL},
	{"weiyu/v1/up/3f/gw-demo-01/audit", HEAD ID "\"type\":\"com.weiyu.audit.v1\"}", NULL,
	 EVENT_OTHER, 7, NULL},
	/* gap records */
	{TOPIC, GAP("[[3,4],[7,9]]"), NULL, EVENT_GAP, 7, NULL},
	{TOPIC, HEAD ID GAP_TYPE "}", NULL, EVENT_REJECT, 7, "ranges"},
	{TOPIC, GAP("[]"), NULL, EVENT_REJECT, 7, "ranges"},
	{TOPIC, GAP("[[3,4],[7]]"), NULL, EVENT_REJECT, 7, "ranges"},
	{TOPIC, GAP("[[4,3]]"), NULL, EVENT_REJECT, 7, "ranges"},
	{TOPIC, GAP("[[0,3]]"), NULL, EVENT_REJECT, 7, "ranges"},
	{TOPIC, GAP("[[1,9223372036854775807],[2,9223372036854775807]]"), NULL, EVENT_GAP, 7, NULL},
	/* topics */
	{"weiyu/v1/up/3f/gw-demo-01/health", GOOD, NULL, EVENT_NOISE, 0, "topic"},
	{"weiyu/v1/up/3F/gw-demo-01/ticket", GOOD, NULL, EVENT_NOISE, 0, "topic"},
	{"weiyu/v1/up/3f/gw/ticket", GOOD, NULL, EVENT_NOISE, 0, "topic"},
	{"weiyu/v1/up/3f/GW-DEMO-01/ticket", GOOD, NULL, EVENT_NOISE, 0, "topic"},
	{"weiyu/v1/up/3f/gw-demo-01-that-has-far-too-long-a-name/ticket", GOOD, NULL, EVENT_NOISE, 0,
	 "topic"},
	{"", "", NULL, EVENT_NOISE, 0, "topic"},
	{"weiyu/v1/up/", "", NULL, EVENT_NOISE, 0, "topic"},
	/* no JSON */
	{TOPIC, "", NULL, EVENT_NOISE, 0, "JSON"},
	{TOPIC, "garbage", NULL, EVENT_NOISE, 0, "JSON"},
	{TOPIC, "garbage", "9c41d2f07ab3e615-9", EVENT_REJECT, 9, "JSON"},
	{TOPIC, "garbage", "9c41-9", EVENT_NOISE, 0, "JSON"},
	{TOPIC, "{\"id\":1,\"id\":2}", NULL, EVENT_NOISE, 0, "JSON"},
	{TOPIC, "{\"id\":\"\xff\"}", NULL, EVENT_NOISE, 0, "JSON"},
	{TOPIC, "{\"id\":\"a\\u0000b\"}", NULL, EVENT_NOISE, 0, "JSON"},
	{TOPIC, "[1,2]", NULL, EVENT_NOISE, 0, "id is missing"},
	{TOPIC, "[1,2]", "9c41d2f07ab3e615-9", EVENT_REJECT, 9, "id is missing"},
	/* envelope */
	{TOPIC, HEAD OPENED "\"sequence\":\"0000000000000000012\"}", NULL, EVENT_REJECT, 12,
	 "id is missing"},
	{TOPIC, HEAD "\"id\":\"9C41D2F07AB3E615-7\"}", NULL, EVENT_NOISE, 0, "id is not"},
	{TOPIC, HEAD "\"id\":\"9c41d2f07ab3e615-07\",\"sequence\":\"7\"}", NULL, EVENT_REJECT, 7,
	 "id is not"},
	{TOPIC, HEAD "\"id\":\"9c41d2f07ab3e615-0\"}", NULL, EVENT_NOISE, 0, "id is not"},
	{TOPIC, HEAD "\"id\":\"9c41d2f07ab3e615-9223372036854775808\"}", NULL, EVENT_NOISE, 0,
	 "id is not"},
	{TOPIC, HEAD ID OPENED "\"sequence\":\"0000000000000000008\"}", NULL, EVENT_REJECT, 7,
	 "differ"},
	{TOPIC, "{" ID OPENED "\"data\":{}}", NULL, EVENT_REJECT, 7, "source is missing"},
	{TOPIC, "{\"source\":\"/weiyu/gw-demo-02\"," ID OPENED "\"data\":{}}", NULL, EVENT_REJECT, 7,
	 "source is not"},
	{TOPIC, "{\"source\":\"/weiyu/gw-demo-011\"," ID OPENED "\"data\":{}}", NULL, EVENT_REJECT, 7,
	 "source is not"},
	{TOPIC, HEAD ID "\"data\":{}}", NULL, EVENT_REJECT, 7, "type is missing"},
	/* ticket */
	{TOPIC, HEAD ID OPENED "\"x\":1}", NULL, EVENT_REJECT, 7, "data is missing"},
	{TOPIC, HEAD ID OPENED "\"data\":[]}", NULL, EVENT_REJECT, 7, "data is missing"},
	{TOPIC, HEAD ID OPENED "\"data\":{}}", NULL, EVENT_REJECT, 7, "ticket_key"},
	{TOPIC, HEAD ID OPENED "\"data\":{\"ticket_key\":\"a\"}}", NULL, EVENT_REJECT, 7, "dedup_key"},
	{TOPIC, HEAD ID OPENED "\"data\":{\"ticket_key\":\"a\",\"dedup_key\":\"b\",\"episode\":\"x\"}}",
	 NULL, EVENT_REJECT, 7, "episode"},
	{TOPIC, HEAD ID OPENED "\"data\":{\"ticket_key\":\"a\",\"dedup_key\":\"b\",\"episode\":1,"
			       "\"rev\":0}}",
	 NULL, EVENT_REJECT, 7, "rev"},
	{TOPIC, HEAD ID OPENED "\"data\":{" KEYS "\"condition\":\"perhaps\"}}", NULL, EVENT_REJECT, 7,
	 "condition"},
	/* state */
	{"weiyu/v1/up/3f/gw-demo-01/state",
	 HEAD "\"type\":\"com.weiyu.state.birth.v1\",\"data\":{\"epoch\":\"9c41d2f07ab3e615\"}}", NULL,
	 EVENT_STATE, 0, NULL},
	{"weiyu/v1/up/3f/gw-demo-02/state", HEAD "\"type\":\"com.weiyu.state.birth.v1\"}", NULL,
	 EVENT_NOISE, 0, "foreign"},
	{"weiyu/v1/up/3f/gw-demo-01/state", HEAD "\"type\":\"com.weiyu.state.odd.v1\"}", NULL,
	 EVENT_NOISE, 0, "unknown type"},
	{"weiyu/v1/up/3f/gw-demo-01/state", "", NULL, EVENT_NOISE, 0, "JSON"},
};

static void each_message_gets_its_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
		struct event event;

		event_read(&event, ROWS[i].topic, ROWS[i].payload, strlen(ROWS[i].payload),
			   hint_of(ROWS[i].hint));
		if (event.verdict != ROWS[i].verdict || event.seq != ROWS[i].seq)
			fail_msg("row %zu: verdict %d seq %lld: %s", i, (int)event.verdict,
				 (long long)event.seq, ROWS[i].payload);
		if (ROWS[i].reason && !strstr(event.reason, ROWS[i].reason))
			fail_msg("row %zu: reason is '%s'", i, event.reason);
		event_release(&event);
	}
}

static void a_gap_record_says_how_many_are_lost(void **state)
{
	static const struct {
		const char *payload;
		int64_t lost;
	} rows[] = {
		{GAP("[[3,4],[7,7]]"), 3},
		{HEAD ID GAP_TYPE ",\"data\":{\"ranges\":[[7,7]],\"events\":37}}", 37}, /* 36 of them in an epoch that is over */
		{HEAD ID GAP_TYPE ",\"data\":{\"ranges\":[[3,7]],\"events\":\"many\"}}", 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct event event;

		event_read(&event, TOPIC, rows[i].payload, strlen(rows[i].payload), hint_of(NULL));
		assert_int_equal(event.verdict, EVENT_GAP);
		assert_int_equal(event.lost, rows[i].lost);
		event_release(&event);
	}
}

static void a_ticket_brings_all_its_fields(void **state)
{
	static const char payload[] =
		HEAD ID "\"type\":\"com.weiyu.ticket.cleared.v1\",\"data\":{\"ticket_key\":\"tk_a\","
			"\"dedup_key\":\"L2/ELV-01\",\"ticket_no\":\"g-20261122-1\",\"episode\":3,\"rev\":4,"
			"\"condition\":\"cleared\",\"tier\":\"S1\",\"fault_code\":\"ELV-01\","
			"\"asset\":{\"id\":\"L2\"},\"detected_at\":\"2026-11-22T01:02:03.456Z\","
			"\"opened_at\":1795309323456,\"cleared_at\":\"2026-11-22T09:02:03+08:00\"}}";
	struct event event;

	(void)state;
	event_read(&event, TOPIC, payload, strlen(payload), NULL);
	assert_int_equal(event.verdict, EVENT_TICKET);
	assert_string_equal(event.gw, "gw-demo-01");
	assert_string_equal(event.epoch, "9c41d2f07ab3e615");
	assert_string_equal(event.ticket_no, "g-20261122-1");
	assert_string_equal(event.asset, "L2");
	assert_string_equal(event.fault, "ELV-01");
	assert_string_equal(event.body, payload);
	assert_int_equal(event.episode, 3);
	assert_int_equal(event.rev, 4);
	assert_true(event.is_ended);
	assert_true(event.detected_ms == 1795309323456);
	assert_true(event.opened_ms == 1795309323456);
	assert_true(event.cleared_ms == 1795309323000);
	event_release(&event);
}

static void closed_by_the_gateway_is_ended_whatever_its_condition(void **state)
{
	static const char payload[] = HEAD ID "\"type\":\"com.weiyu.ticket.closed.v1\",\"data\":{" KEYS
					      "\"condition\":\"unknown\"}}";
	struct event event;

	(void)state;
	event_read(&event, TOPIC, payload, strlen(payload), NULL);
	assert_true(event.is_ended);
	event_release(&event);
}

static void a_message_beyond_the_ceiling_is_rejected_by_its_number(void **state)
{
	size_t len = WY_DESK_MESSAGE_BYTES_MAX + 1;
	char *payload = malloc(len);
	struct event event;

	(void)state;
	assert_non_null(payload);
	memset(payload, ' ', len);
	memcpy(payload, GOOD, sizeof GOOD - 1);
	event_read(&event, TOPIC, payload, len, hint_of("9c41d2f07ab3e615-7"));
	assert_int_equal(event.verdict, EVENT_REJECT);
	event_release(&event);
	event_read(&event, TOPIC, payload, len - 1, NULL);
	assert_int_equal(event.verdict, EVENT_TICKET);
	event_release(&event);
	free(payload);
}

/* Every cut and every changed byte of a good message is judged without harm. */
static void damaged_messages_do_no_harm(void **state)
{
	(void)state;
	for (size_t at = 0; at < sizeof GOOD - 1; at++) {
		char *copy = malloc(sizeof GOOD - 1); /* exact, so that reading on is noticed */
		struct event event;

		assert_non_null(copy);
		memcpy(copy, GOOD, sizeof GOOD - 1);
		event_read(&event, TOPIC, copy, at, NULL);
		assert_int_equal(event.verdict, EVENT_NOISE);
		event_release(&event);
		for (int flip = 1; flip < 256; flip *= 2) {
			copy[at] = (char)(GOOD[at] ^ flip);
			event_read(&event, TOPIC, copy, sizeof GOOD - 1, NULL);
			event_release(&event);
		}
		free(copy);
	}
}

static void stamps_go_both_ways_and_bad_ones_are_refused(void **state)
{
	static const char *const bad[] = {"", "2026", "2026-13-01T00:00:00Z", "2026-11-22T01:02:03",
					  "2026-11-22T01:02:03.Z", "2026-11-22T01:02:03Zx",
					  "2026-11-22T24:00:00Z", "2026-11-22T01:02:03+8:00"};
	char text[WHEN_TEXT_SIZE];
	wy_ms at_ms;

	(void)state;
	assert_true(wy_stamp_read("2026-11-22T01:02:03.456Z", &at_ms));
	when_write(at_ms, text);
	assert_string_equal(text, "2026-11-22T01:02:03.456Z");
	assert_true(wy_stamp_read("1969-12-31T23:59:59Z", &at_ms) == false);
	assert_true(wy_stamp_read("2026-11-22T01:02:03.4567891+08:00", &at_ms));
	when_write(at_ms, text);
	assert_string_equal(text, "2026-11-21T17:02:03.456Z");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(wy_stamp_read(bad[i], &at_ms));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_message_gets_its_verdict),
		cmocka_unit_test(a_gap_record_says_how_many_are_lost),
		cmocka_unit_test(a_ticket_brings_all_its_fields),
		cmocka_unit_test(closed_by_the_gateway_is_ended_whatever_its_condition),
		cmocka_unit_test(a_message_beyond_the_ceiling_is_rejected_by_its_number),
		cmocka_unit_test(damaged_messages_do_no_harm),
		cmocka_unit_test(stamps_go_both_ways_and_bad_ones_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
