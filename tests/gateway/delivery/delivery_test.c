/* delivery_test.c: committed events to a platform that is slow, deaf, odd or gone, over an uplink that does what the
 * test says and a store that is real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "delivery.h"
#include "failing_store.h"
#include "fake_uplink.h"
#include "log.h"

#define UP "weiyu/v1/down/gw-test-01/"

struct bench {
	char dir[64];
	struct store *store;
	struct delivery *delivery;
	struct config config;
	struct wy_now now;
	struct clock clock;
	struct wy_arena arena;
	char memory[1 << 20];
	char worked_on[TICKET_KEY_SIZE];
	unsigned n_renewed;
	enum wy_err renew_err;
	bool cannot_renew;
	wy_ms boot_ms; /* since the machine started; 0: as it is */
};

static struct bench bench;

/* In place of log.c: how many lines somebody would have to read. */
static unsigned warnings;

void __wrap_log_line(enum log_level level, const char *event, const char *fmt, ...);
void __wrap_log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	(void)event;
	(void)fmt;
	warnings += level <= LOG_WARNING;
}

static void on_work(void *arg, const char *key, enum ticket_node node, uint32_t rev)
{
	(void)arg;
	assert_int_equal(node, TICKET_NODE_ACKED);
	assert_int_equal(rev, 4);
	snprintf(bench.worked_on, sizeof(bench.worked_on), "%s", key);
}

static enum wy_err on_renew_epoch(void *arg)
{
	(void)arg;
	bench.n_renewed++;
	return bench.renew_err;
}

wy_ms __real_clock_boot(void);
wy_ms __wrap_clock_boot(void);
wy_ms __wrap_clock_boot(void)
{
	return bench.boot_ms ? bench.boot_ms : __real_clock_boot();
}

static enum wy_err try_to_open(struct wy_buf *words)
{
	struct delivery_parts parts = {.config = &bench.config, .store = bench.store, .clock = &bench.clock,
				       .boot = "b", .seed = 7, .arena = &bench.arena, .work = on_work,
				       .renew_epoch = bench.cannot_renew ? NULL : on_renew_epoch};

	wy_arena_init(&bench.arena, bench.memory, sizeof(bench.memory));
	assert_int_equal(delivery_new(&parts, &bench.delivery), WY_OK);
	return delivery_open(bench.delivery, words);
}

static void open_delivery(void)
{
	struct wy_buf words;
	char text[100];

	wy_buf_init(&words, text, sizeof(text));
	assert_int_equal(try_to_open(&words), WY_OK);
}

static void start(void)
{
	memset(&bench, 0, sizeof(bench));
	fake_uplink_reset();
	snprintf(bench.dir, sizeof(bench.dir), "/tmp/weiyu-delivery-XXXXXX");
	assert_non_null(mkdtemp(bench.dir));
	bench.now = (struct wy_now){5000, INT64_C(1795320000000), WY_CLOCK_SYNCED};
	bench.clock.fixed = &bench.now;
	bench.config.gateway = "gw-test-01";
	bench.config.uplink.host = "broker";
	bench.config.uplink.receipt_wait_ms = 60000;
	assert_int_equal(store_open(bench.dir, "gw-test-01", NULL, &bench.store), WY_OK);
	open_delivery();
}

static void stop(void)
{
	char command[100];

	delivery_close(bench.delivery);
	store_close(bench.store);
	failing_store_set(0, false);
	snprintf(command, sizeof(command), "rm -r %s", bench.dir);
	assert_int_equal(system(command), 0);
}

static uint64_t put(uint8_t tier)
{
	struct store_event event = {.tier = tier, .ticket_key = "tk_x", .type = "com.weiyu.ticket.opened.v1",
				    .topic = "ticket", .created = {1, 1}, .payload = "{}", .len = 2};

	assert_int_equal(store_begin(bench.store), WY_OK);
	assert_int_equal(store_next_seq(bench.store, &event.seq), WY_OK);
	assert_int_equal(store_put_event(bench.store, &event), WY_OK);
	assert_int_equal(store_commit(bench.store), WY_OK);
	return event.seq;
}

static void receipt(uint64_t through, const char *more)
{
	char text[300];

	snprintf(text, sizeof(text), "{\"type\":\"com.weiyu.receipt.v1\",\"data\":{\"epoch\":\"%llx\",\"through\":%llu%s}}",
		 (unsigned long long)store_epoch(bench.store), (unsigned long long)through, more);
	fake_uplink_receive(UP "receipt", text);
	delivery_dispatch(bench.delivery);
}

static uint64_t queued(void)
{
	struct store_outbox_stats stats;

	assert_int_equal(store_outbox_stats(bench.store, &stats), WY_OK);
	return stats.queued;
}

static void birth_and_will_carry_the_same_number_and_each_connection_a_new_one(void **state)
{
	struct fake_uplink *fake = fake_uplink();
	(void)state;

	start();
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	assert_int_equal(fake->n_sent, 1);
	assert_true(fake->sent[0].retain);
	assert_non_null(strstr(fake->sent[0].payload, "\"bd_seq\":1"));
	assert_non_null(strstr(fake->will, "\"bd_seq\":1"));
	assert_non_null(strstr(fake->will, "\"reason\":\"lost\""));
	fake_uplink_lose();
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	assert_non_null(strstr(fake->sent[1].payload, "\"bd_seq\":2"));
	assert_non_null(strstr(fake->will, "\"bd_seq\":2"));
	delivery_close(bench.delivery);
	assert_non_null(strstr(fake->last, "\"reason\":\"stop\""));
	stop();
}

static void life_safety_does_not_wait_for_a_long_pause_between_attempts(void **state)
{
	struct fake_uplink *fake = fake_uplink();
	(void)state;

	start();
	put(2);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake->n_hurries, 0);
	put(1);
	put(1);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake->n_hurries, 1);
	delivery_dispatch(bench.delivery); /* once for each that is new: what does not get through waits like the rest */
	assert_int_equal(fake->n_hurries, 1);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	put(1);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake->n_hurries, 1);
	stop();
}

static void nothing_leaves_the_store_on_puback_alone(void **state)
{
	uint64_t seq;
	(void)state;

	start();
	seq = put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	fake_uplink_fate(seq, UPLINK_FATE_TAKEN, 0);
	assert_int_equal(queued(), 1);
	assert_int_equal(delivery_dispatch(bench.delivery), bench.now.mono_ms + 60000);
	bench.now.mono_ms += 60000;
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(seq), 2);
	receipt(seq, "");
	assert_int_equal(queued(), 0);
	assert_int_equal(delivery_state(bench.delivery).receipted, 1);
	fake_uplink_fate(seq, UPLINK_FATE_TAKEN, 0);
	assert_int_equal(delivery_dispatch(bench.delivery), WY_MS_NEVER);
	stop();
}

static void a_full_window_of_the_broker_is_waited_for_without_spinning(void **state)
{
	(void)state;

	start();
	for (int i = 0; i < 5; i++)
		put(2);
	assert_int_equal(fake_uplink_connect(3), WY_OK); /* one is the birth's */
	assert_int_equal(delivery_dispatch(bench.delivery), WY_MS_NEVER);
	assert_int_equal(fake_uplink()->n_sent, 3);
	fake_uplink_fate(1, UPLINK_FATE_TAKEN, 0);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink()->n_sent, 4);
	stop();
}

static void a_connection_lost_in_flight_sends_again(void **state)
{
	uint64_t seq;
	(void)state;

	start();
	seq = put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	fake_uplink_lose();
	assert_int_equal(delivery_dispatch(bench.delivery), WY_MS_NEVER);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(seq), 2);
	stop();
}

static void an_event_too_large_is_parked_and_holds_up_nothing(void **state)
{
	struct store_outbox_stats stats;
	uint64_t large, next;
	(void)state;

	start();
	large = put(2);
	next = put(2);
	assert_int_equal(fake_uplink_connect(2 * WY_OUTBOX_WINDOW), WY_OK);
	fake_uplink()->publish_err = WY_E_LIMIT;
	fake_uplink()->publish_err_token = large;
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(next), 1);
	assert_int_equal(store_outbox_stats(bench.store, &stats), WY_OK);
	assert_int_equal(stats.parked, 1);
	/* Its slot is free: as many as the lane holds fly beside it. */
	for (unsigned i = 0; i < 2 * WY_OUTBOX_WINDOW; i++)
		put(2);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink()->n_sent, 1 + WY_OUTBOX_WINDOW - OUTBOX_RESERVE);
	stop();
}

/* The client knows that the line is cut, and its end is still on the way to the loop. */
static void an_event_that_meets_a_line_just_cut_goes_with_the_next_one_and_nothing_is_said(void **state)
{
	uint64_t seq, next;
	(void)state;

	start();
	seq = put(1);
	next = put(1);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	fake_uplink()->publish_err = WY_E_LINK;
	warnings = 0;
	assert_true(delivery_dispatch(bench.delivery) == WY_MS_NEVER);
	assert_int_equal(warnings, 0);
	fake_uplink_lose();
	fake_uplink()->publish_err = WY_OK;
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery); /* at once */
	assert_int_equal(fake_uplink_count(seq), 1);
	assert_int_equal(fake_uplink_count(next), 1);
	stop();
}

static void a_row_that_is_gone_from_the_store_frees_its_slot(void **state)
{
	uint64_t seq;
	(void)state;

	start();
	seq = put(1);
	delivery_dispatch(bench.delivery); /* offered: urgent ones are before the connection is there */
	assert_int_equal(store_begin(bench.store), WY_OK);
	assert_int_equal(store_park(bench.store, seq, "by hand", 1), WY_OK);
	assert_int_equal(store_commit(bench.store), WY_OK);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	assert_int_equal(delivery_dispatch(bench.delivery), WY_MS_NEVER);
	assert_int_equal(fake_uplink_count(seq), 0);
	assert_int_equal(delivery_state(bench.delivery).unconfirmed_ms, 0);
	stop();
}

static void a_receipt_that_cannot_be_kept_is_asked_for_again(void **state)
{
	uint64_t seq;
	(void)state;

	start();
	seq = put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	fake_uplink_fate(seq, UPLINK_FATE_TAKEN, 0);
	failing_store_set(1, false);
	receipt(seq, "");
	assert_true(failing_store_struck());
	assert_int_equal(queued(), 1);
	assert_int_equal(delivery_state(bench.delivery).receipted, 0);
	assert_int_equal(delivery_dispatch(bench.delivery), bench.now.mono_ms + DELIVERY_RETRY_MS);
	assert_int_equal(fake_uplink_count(seq), 1);
	bench.now.mono_ms += DELIVERY_RETRY_MS;
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(seq), 2);
	fake_uplink_fate(seq, UPLINK_FATE_TAKEN, 0);
	receipt(seq, "");
	assert_int_equal(queued(), 0);
	/* A store that fails so does not heal: the process is to end. */
	assert_true(delivery_is_broken(bench.delivery));
	stop();
}

/* For so long, with a platform that confirms at once what it is sent, to a store that keeps none of it. */
static void confirm_in_vain(unsigned seconds, uint64_t seq)
{
	for (unsigned i = 0; i < seconds; i++) {
		unsigned sends = fake_uplink_count(seq);
		bench.now.mono_ms += 1000;
		delivery_dispatch(bench.delivery);
		for (unsigned again = 0; again < 20 && fake_uplink_count(seq) > sends; again++) {
			sends = fake_uplink_count(seq);
			fake_uplink_fate(seq, UPLINK_FATE_TAKEN, 0);
			failing_store_set(1, false);
			receipt(seq, "");
		}
	}
}

static void receipts_that_cannot_be_kept_are_asked_for_ever_more_rarely(void **state)
{
	uint64_t seq, urgent;
	(void)state;

	start();
	seq = put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	confirm_in_vain(600, seq);
	assert_in_range(fake_uplink_count(seq), 8, 16);
	/* What is new does not wait for it. */
	failing_store_set(0, false);
	urgent = put(1);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(urgent), 1);
	/* Kept again: the next trouble begins with a short wait. */
	bench.now.mono_ms += DELIVERY_RETRY_MOST_MS;
	delivery_dispatch(bench.delivery);
	receipt(urgent, "");
	assert_int_equal(queued(), 0);
	seq = put(2);
	confirm_in_vain(4, seq);
	assert_int_equal(fake_uplink_count(seq), 3);
	stop();
}

static void a_receipt_in_the_middle_of_anothers_transaction_does_not_undo_it(void **state)
{
	uint64_t seq, kept = 0;
	(void)state;

	start();
	seq = put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	assert_int_equal(store_begin(bench.store), WY_OK);
	assert_int_equal(store_put_cell(bench.store, "r/x/y", "z", 1), WY_OK);
	receipt(seq, ""); /* it is not kept, and forgotten: the event is sent again */
	assert_int_equal(store_commit(bench.store), WY_OK);
	assert_int_equal(store_last_seq(bench.store, &kept), WY_OK);
	assert_int_equal(queued(), 1);
	stop();
}

static void receipts_for_others_and_for_nothing_sent_change_nothing(void **state)
{
	uint64_t seq;
	(void)state;

	start();
	seq = put(2);
	fake_uplink_receive(UP "receipt", "{\"data\":{\"epoch\":\"1\",\"through\":99}}");
	fake_uplink_receive(UP "receipt", "nonsense");
	assert_true(delivery_state(bench.delivery).receipt_ms == WY_MS_NONE); /* nor is the platform heard by them */
	receipt(seq, ""); /* not sent yet */
	fake_uplink_receive(UP "unknown", "{}");
	fake_uplink_receive("weiyu/v1/down/gw-other/receipt", "{}");
	assert_int_equal(queued(), 1);
	stop();
}

static void an_urgent_event_beyond_the_backlog_is_receipted_alone(void **state)
{
	uint64_t slow, urgent;
	char more[64];
	(void)state;

	start();
	slow = put(2);
	urgent = put(1);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink()->sent[1].token, urgent);
	snprintf(more, sizeof(more), ",\"also\":[%llu]", (unsigned long long)urgent);
	receipt(slow - 1, more);
	assert_int_equal(queued(), 1);
	assert_int_equal(delivery_state(bench.delivery).receipted, 1);
	stop();
}

static void what_the_platform_rejects_is_parked_and_never_sent_again(void **state)
{
	uint64_t seq;
	char more[80];
	(void)state;

	start();
	seq = put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	fake_uplink_fate(seq, UPLINK_FATE_TAKEN, 0);
	snprintf(more, sizeof(more), ",\"rejected\":[{\"seq\":%llu,\"reason\":\"no\"}]", (unsigned long long)seq);
	receipt(seq, more);
	bench.now.mono_ms += 3600000;
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(seq), 1);
	assert_int_equal(delivery_state(bench.delivery).rejected, 1);
	stop();
}

static void a_restart_sends_what_has_no_receipt_and_nothing_else(void **state)
{
	uint64_t first, second;
	(void)state;

	start();
	first = put(2);
	second = put(3);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	receipt(first, "");
	delivery_close(bench.delivery);
	fake_uplink_reset();
	open_delivery();
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(first), 0);
	assert_int_equal(fake_uplink_count(second), 1);
	stop();
}

static void work_reaches_the_engine(void **state)
{
	(void)state;

	start();
	fake_uplink_receive(UP "ticket", "{\"type\":\"com.weiyu.work.acked.v1\",\"data\":{\"ticket_key\":\"tk_a\","
			    "\"seq\":4,\"state\":\"acked\"}}");
	assert_string_equal(bench.worked_on, "tk_a");
	stop();
}

/* ---- Grade G1 ---- */

static void in_grade_g1_a_puback_is_enough_and_a_refusal_is_not(void **state)
{
	(void)state;

	start();
	bench.config.uplink.grade = CONFIG_GRADE_PUBACK;
	for (int i = 0; i < 4; i++)
		put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	assert_non_null(strstr(fake_uplink()->sent[0].payload, "\"grade\":\"G1\""));
	delivery_dispatch(bench.delivery);
	fake_uplink_fate(1, UPLINK_FATE_TAKEN, 0);
	fake_uplink_fate(2, UPLINK_FATE_NO_SUBSCRIBER, 0x10);
	fake_uplink_fate(3, UPLINK_FATE_REFUSED, 0x87);
	delivery_dispatch(bench.delivery);
	assert_int_equal(queued(), 3);
	assert_int_equal(delivery_state(bench.delivery).receipted, 1);
	fake_uplink_lose(); /* 4 was not acknowledged */
	assert_int_equal(queued(), 3);
	bench.now.mono_ms += 2000;
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(1), 1);
	for (uint64_t seq = 2; seq <= 4; seq++) {
		assert_int_equal(fake_uplink_count(seq), 2);
		fake_uplink_fate(seq, UPLINK_FATE_TAKEN, 0);
	}
	delivery_dispatch(bench.delivery);
	assert_int_equal(queued(), 0);
	stop();
}

static void a_puback_that_cannot_be_kept_in_grade_g1_is_sent_again(void **state)
{
	(void)state;

	start();
	bench.config.uplink.grade = CONFIG_GRADE_PUBACK;
	put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	failing_store_set(1, false);
	fake_uplink_fate(1, UPLINK_FATE_TAKEN, 0);
	delivery_dispatch(bench.delivery);
	assert_int_equal(queued(), 1);
	bench.now.mono_ms += DELIVERY_RETRY_MS;
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(1), 2);
	stop();
}

/* ---- Receipts, however they come ---- */

static void several_receipts_of_one_turn_are_one_transaction(void **state)
{
	uint64_t epoch;
	(void)state;

	start();
	epoch = store_epoch(bench.store);
	for (int i = 0; i < 6; i++)
		put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	for (uint64_t through = 6; through >= 1; through--) { /* also out of order, and doubled */
		char text[200];
		snprintf(text, sizeof(text), "{\"data\":{\"epoch\":\"%llx\",\"through\":%llu,\"also\":[6]}}",
			 (unsigned long long)epoch, (unsigned long long)through);
		fake_uplink_receive(UP "receipt", text);
	}
	assert_int_equal(queued(), 6); /* nothing is kept before the end of the turn */
	delivery_dispatch(bench.delivery);
	assert_int_equal(queued(), 0);
	assert_int_equal(delivery_state(bench.delivery).receipted, 6);
	stop();
}

static void a_receipt_for_another_process_of_this_name_frees_nothing(void **state)
{
	(void)state;

	start();
	put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	receipt(1, ",\"instance\":\"1234\"");
	assert_int_equal(queued(), 1);
	char more[64];
	const char *at = strstr(fake_uplink()->sent[0].payload, "\"instance\":\"");
	assert_non_null(at);
	snprintf(more, sizeof(more), ",%.*s", (int)strlen("\"instance\":\"0123456789abcdef\""), at);
	receipt(1, more); /* for this one */
	assert_int_equal(queued(), 0);
	stop();
}

static unsigned births_sent(void)
{
	const struct fake_uplink *fake = fake_uplink();
	unsigned n = 0;

	for (size_t i = 0; i < fake->n_sent; i++)
		n += strstr(fake->sent[i].payload, "com.weiyu.state.birth.v1") != NULL;
	return n;
}

static void a_platform_that_takes_us_for_another_process_is_told_who_we_are(void **state)
{
	(void)state;

	start();
	put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	assert_int_equal(births_sent(), 1);
	fake_uplink_receive(UP "receipt", "{\"data\":{\"epoch\":\"1\",\"through\":1,\"instance\":\"1234\"}}");
	delivery_dispatch(bench.delivery);
	assert_int_equal(births_sent(), 1); /* of a store that we do not have: nobody means us */
	receipt(1, ",\"instance\":\"1234\"");
	assert_int_equal(births_sent(), 2);
	receipt(1, ",\"instance\":\"1234\"");
	assert_int_equal(births_sent(), 2); /* two with one name do not talk each other to death */
	bench.now.mono_ms += DELIVERY_REBIRTH_MS;
	receipt(1, ",\"instance\":\"1234\"");
	assert_int_equal(births_sent(), 3);
	assert_int_equal(queued(), 1);
	stop();
}

static void a_backlog_goes_on_at_once_when_the_platform_is_heard_again(void **state)
{
	(void)state;

	start();
	put(2);
	put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	for (int i = 0; i < 6; i++) { /* acknowledged and never receipted: the waits grow to a quarter of an hour */
		delivery_dispatch(bench.delivery);
		fake_uplink_fate(1, UPLINK_FATE_TAKEN, 0);
		fake_uplink_fate(2, UPLINK_FATE_TAKEN, 0);
		bench.now.mono_ms = delivery_dispatch(bench.delivery);
	}
	delivery_dispatch(bench.delivery);
	fake_uplink_fate(1, UPLINK_FATE_TAKEN, 0);
	fake_uplink_fate(2, UPLINK_FATE_TAKEN, 0);
	assert_true(delivery_dispatch(bench.delivery) > bench.now.mono_ms + 600000);
	receipt(1, "");
	assert_int_equal(delivery_dispatch(bench.delivery), bench.now.mono_ms + 60000);
	stop();
}

static void with_room_for_one_message_everything_comes_one_after_the_other(void **state)
{
	(void)state;

	start();
	put(3);
	put(2);
	put(1);
	assert_int_equal(fake_uplink_connect(1), WY_OK);
	fake_uplink_fate(UINT64_MAX, UPLINK_FATE_TAKEN, 0); /* the birth */
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink()->n_sent, 2);
	assert_int_equal(fake_uplink()->sent[1].token, 3); /* life safety first */
	for (int i = 0; i < 2; i++) {
		fake_uplink_fate(fake_uplink()->sent[1 + i].token, UPLINK_FATE_TAKEN, 0);
		delivery_dispatch(bench.delivery);
		assert_int_equal(fake_uplink()->n_sent, 3 + i);
	}
	receipt(3, "");
	assert_int_equal(queued(), 0);
	stop();
}

/* ---- Commands ---- */

static void command(const char *id, const char *type, const char *more, const char *data)
{
	char text[500];

	snprintf(text, sizeof(text), "{\"id\":\"%s\",\"type\":\"com.weiyu.cmd.%s.v1\"%s,\"data\":{%s}}", id, type, more, data);
	fake_uplink_receive(UP "cmd", text);
	for (int i = 0; i < 40; i++) {
		delivery_dispatch(bench.delivery);
		for (size_t s = 0; s < fake_uplink()->n_sent; s++)
			if (fake_uplink()->sent[s].token > UINT64_MAX - 3)
				fake_uplink_fate(fake_uplink()->sent[s].token, UPLINK_FATE_TAKEN, 0);
		bench.now.mono_ms += 100;
	}
}

/* The latest reply, or "". */
static const char *reply(void)
{
	struct fake_uplink *fake = fake_uplink();

	for (size_t i = fake->n_sent; i > 0; i--)
		if (strstr(fake->sent[i - 1].topic, "/reply"))
			return fake->sent[i - 1].payload;
	return "";
}

static size_t births(void)
{
	size_t n = 0;

	for (size_t i = 0; i < fake_uplink()->n_sent; i++)
		n += strstr(fake_uplink()->sent[i].topic, "/state") != NULL;
	return n;
}

static void kept_events_are_sent_again_when_the_platform_asks(void **state)
{
	char data[100];
	(void)state;

	start();
	for (int i = 0; i < 5; i++)
		put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	receipt(2, ",\"also\":[4],\"rejected\":[{\"seq\":3,\"reason\":\"no\"}]");
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"from\":1,\"to\":9", (unsigned long long)store_epoch(bench.store));
	size_t before = fake_uplink()->n_sent;
	command("c1", "resend", ",\"subject\":\"gw-test-01\"", data);
	assert_int_equal(fake_uplink()->n_sent, before + 4); /* 1, 2, 4 and the reply; 5 is queued and comes by itself */
	assert_int_equal(fake_uplink_count(5), 1);
	assert_non_null(strstr(reply(), "\"sent\":3"));
	assert_non_null(strstr(reply(), "\"queued\":1"));
	assert_non_null(strstr(reply(), "\"gone\":[]"));
	assert_non_null(strstr(reply(), "\"parked\":[{\"from\":3,\"to\":3}]"));
	assert_non_null(strstr(reply(), "\"to\":5")); /* 6 to 9 were never given */
	assert_non_null(strstr(reply(), "\"correlationid\":\"c1\""));
	assert_int_equal(queued(), 1);
	stop();
}

static void what_is_no_longer_kept_is_named_in_the_reply(void **state)
{
	char data[100];
	size_t n;
	(void)state;

	start();
	for (int i = 0; i < 5; i++)
		put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	receipt(4, "");
	assert_int_equal(store_begin(bench.store), WY_OK);
	assert_int_equal(store_prune_events(bench.store, 2, 0, &n), WY_OK);
	assert_int_equal(store_commit(bench.store), WY_OK);
	assert_int_equal(n, 2);
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"from\":1,\"to\":4", (unsigned long long)store_epoch(bench.store));
	command("c1", "resend", "", data);
	assert_non_null(strstr(reply(), "\"gone\":[{\"from\":1,\"to\":2}]"));
	assert_non_null(strstr(reply(), "\"sent\":2"));
	stop();
}

static void a_long_resend_leaves_the_line_to_live_events(void **state)
{
	char text[300];
	uint64_t live;
	(void)state;

	start();
	for (int i = 0; i < 60; i++)
		put(2);
	assert_int_equal(fake_uplink_connect(100), WY_OK);
	for (int i = 0; i < 3; i++) {
		delivery_dispatch(bench.delivery);
		for (uint64_t seq = 1; seq <= 60; seq++)
			fake_uplink_fate(seq, UPLINK_FATE_TAKEN, 0);
		receipt(60, "");
	}
	assert_int_equal(queued(), 0);
	snprintf(text, sizeof(text), "{\"id\":\"c\",\"type\":\"com.weiyu.cmd.resend.v1\",\"data\":{\"epoch\":\"%llx\","
		 "\"from\":1,\"to\":60}}", (unsigned long long)store_epoch(bench.store));
	fake_uplink_receive(UP "cmd", text);
	size_t before = fake_uplink()->n_sent;
	for (int i = 0; i < 5; i++) { /* no PUBACK comes: few are on their way, whatever the time */
		delivery_dispatch(bench.delivery);
		bench.now.mono_ms += 1000;
	}
	assert_int_equal(fake_uplink()->n_sent, before + 8);
	live = put(1);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(live), 1);
	fake_uplink_lose(); /* the order ends with the connection */
	assert_int_equal(fake_uplink_connect(100), WY_OK);
	before = fake_uplink()->n_sent;
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink()->n_sent, before + 1); /* the live event */
	stop();
}

static void what_is_sent_again_meets_a_line_just_cut_and_the_store_is_not_blamed(void **state)
{
	char data[100];
	(void)state;

	start();
	for (int i = 0; i < 3; i++)
		put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	receipt(3, "");
	fake_uplink()->publish_err = WY_E_LINK;
	warnings = 0;
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"from\":1,\"to\":3", (unsigned long long)store_epoch(bench.store));
	command("c1", "resend", "", data);
	delivery_dispatch(bench.delivery);
	assert_int_equal(warnings, 0);
	stop();
}

static void a_command_is_executed_once_and_answered(void **state)
{
	(void)state;

	start();
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	command("c1", "rebirth", "", "");
	assert_int_equal(births(), 2);
	assert_non_null(strstr(reply(), "\"status\":\"done\""));
	command("c1", "rebirth", "", "");
	assert_int_equal(births(), 2);
	command("c2", "rebirth", ",\"subject\":\"gw-other-1\"", "");
	assert_non_null(strstr(reply(), "for another gateway"));
	command("c3", "dance", "", "");
	assert_non_null(strstr(reply(), "unknown type"));
	command("c4", "resend", "", "\"epoch\":\"12\",\"from\":4,\"to\":3");
	assert_non_null(strstr(reply(), "data does not fit"));
	command("c5", "resend", "", "\"epoch\":\"12\",\"from\":3,\"to\":4");
	assert_non_null(strstr(reply(), "another epoch"));
	fake_uplink_receive(UP "cmd", "{\"type\":\"com.weiyu.cmd.rebirth.v1\",\"data\":{}}");
	fake_uplink_receive(UP "cmd", "[]");
	assert_int_equal(births(), 2);
	stop();
}

static void a_command_expires_by_a_clock_that_is_right_and_by_no_other(void **state)
{
	(void)state;

	start();
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	command("c1", "rebirth", ",\"expirytime\":\"2026-11-22T03:59:59Z\"", "");
	assert_non_null(strstr(reply(), "expired"));
	assert_int_equal(births(), 1);
	bench.now.clock = WY_CLOCK_UNSYNCED;
	command("c2", "rebirth", ",\"expirytime\":\"2026-11-22T03:59:59Z\"", "");
	assert_int_equal(births(), 2);
	bench.now.clock = WY_CLOCK_SYNCED;
	command("c3", "rebirth", ",\"expirytime\":\"2026-11-22T04:00:01Z\"", "");
	assert_int_equal(births(), 3);
	stop();
}

static void commands_that_come_in_crowds_are_refused(void **state)
{
	(void)state;

	start();
	assert_int_equal(fake_uplink_connect(200), WY_OK);
	for (int i = 0; i < 100; i++) {
		char text[100];
		snprintf(text, sizeof(text), "{\"id\":\"c%d\",\"type\":\"com.weiyu.cmd.rebirth.v1\",\"data\":{}}", i);
		fake_uplink_receive(UP "cmd", text);
	}
	assert_int_equal(births(), 11);
	assert_non_null(strstr(reply(), "too many"));
	bench.now.mono_ms += 2000;
	command("later", "rebirth", "", "");
	assert_int_equal(births(), 12);
	stop();
}

static void only_the_process_that_is_meant_takes_a_new_epoch(void **state)
{
	char data[120], instance[17];
	(void)state;

	start();
	assert_int_equal(fake_uplink_connect(40), WY_OK);
	const char *at = strstr(fake_uplink()->sent[0].payload, "\"instance\":\"");
	assert_non_null(at);
	snprintf(instance, sizeof(instance), "%s", at + strlen("\"instance\":\""));
	unsigned long long epoch = store_epoch(bench.store);
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"boot\":\"b\",\"instance\":\"%s\"", epoch, instance);
	fake_uplink_receive(UP "cmd", "{\"id\":\"c0\",\"type\":\"com.weiyu.cmd.epoch_new.v1\",\"data\":{\"epoch\":\"1\"}}");
	command("c1", "epoch_new", "", data);
	assert_non_null(strstr(reply(), "just started"));
	bench.now.mono_ms += 10000;
	command("c2", "epoch_new", "", "\"epoch\":\"1\",\"boot\":\"b\"");
	assert_non_null(strstr(reply(), "another epoch"));
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"boot\":\"c\"", epoch);
	command("c3", "epoch_new", "", data);
	assert_non_null(strstr(reply(), "another boot"));
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"boot\":\"b\",\"instance\":\"1\"", epoch);
	command("c4", "epoch_new", "", data);
	assert_non_null(strstr(reply(), "another instance"));
	assert_int_equal(bench.n_renewed, 0);
	assert_false(delivery_is_broken(bench.delivery));
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"boot\":\"b\",\"instance\":\"%s\"", epoch, instance);
	command("c5", "epoch_new", "", data);
	assert_non_null(strstr(reply(), "\"status\":\"done\""));
	assert_int_equal(bench.n_renewed, 1);
	assert_true(delivery_is_broken(bench.delivery));
	stop();
}

/* ---- What the uplink says, and what is not there ---- */

static void the_first_attempts_of_a_street_after_a_power_cut_are_spread(void **state)
{
	(void)state;

	start();
	delivery_close(bench.delivery);
	bench.config.uplink.retry_first_ms = 30000;
	bench.boot_ms = DELIVERY_BOOT_MS - 1;
	open_delivery();
	assert_true(fake_uplink()->first_wait_ms == 30000);
	delivery_close(bench.delivery);
	bench.boot_ms = DELIVERY_BOOT_MS;
	open_delivery();
	assert_true(fake_uplink()->first_wait_ms == 0);
	stop();
}

static void without_settings_that_open_it_says_why_and_may_be_opened_later(void **state)
{
	static const char *const said[] = {"no such file: ca.pem", NULL};
	struct wy_buf words;
	char text[100];
	(void)state;

	start();
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
		delivery_close(bench.delivery);
		fake_uplink()->open_err = WY_E_IO;
		fake_uplink()->open_words = said[i];
		wy_buf_init(&words, text, sizeof(text));
		assert_int_equal(try_to_open(&words), WY_E_IO);
		assert_string_equal(delivery_state(bench.delivery).words, said[i] ? said[i] : wy_err_text(WY_E_IO));
		put(1);
		assert_true(delivery_pump(bench.delivery) == WY_MS_NEVER);
		assert_int_equal(fake_uplink()->n_hurries, 0);
		delivery_rebirth(bench.delivery); /* owed until it is open */
		delivery_close(bench.delivery);
	}
	fake_uplink()->open_err = WY_OK;
	wy_buf_init(&words, text, sizeof(text));
	assert_int_equal(delivery_open(bench.delivery, &words), WY_OK);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	assert_int_equal(births(), 1);
	assert_int_equal(fake_uplink_count(1), 1);
	stop();
}

static void no_memory_for_it_is_an_error(void **state)
{
	struct delivery_parts parts = {.config = &bench.config, .store = bench.store, .clock = &bench.clock, .boot = "b",
				       .arena = &bench.arena};
	struct delivery *made = NULL;
	(void)state;

	start();
	parts.store = bench.store;
	wy_arena_init(&bench.arena, bench.memory + sizeof(bench.memory) / 2, 16);
	assert_int_equal(delivery_new(&parts, &made), WY_E_NOMEM);
	assert_null(made);
	stop();
}

static void another_with_our_name_is_counted_and_odd_words_are_made_plain(void **state)
{
	(void)state;

	start();
	put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	fake_uplink_down(UPLINK_CAUSE_TAKEN_OVER, "taken\nover by \"\xe6\xa2\xaf~\x7f\"");
	assert_int_equal(delivery_state(bench.delivery).taken_over, 1);
	assert_string_equal(delivery_state(bench.delivery).words, "taken?over by \"???~?\"");
	assert_false(delivery_state(bench.delivery).is_up);
	wy_ms since_ms = delivery_state(bench.delivery).since_ms;
	bench.now.mono_ms += 5000;
	fake_uplink_down(UPLINK_CAUSE_UNREACHABLE, "nobody");
	fake_uplink_down(UPLINK_CAUSE_UNREACHABLE, "nobody");
	assert_true(delivery_state(bench.delivery).since_ms == since_ms);
	assert_string_equal(delivery_state(bench.delivery).words, "nobody");
	stop();
}

static void a_birth_is_owed_until_there_is_room(void **state)
{
	(void)state;

	start();
	assert_int_equal(fake_uplink_connect(1), WY_OK);
	delivery_rebirth(bench.delivery);
	delivery_dispatch(bench.delivery);
	assert_int_equal(births(), 1);
	fake_uplink_fate(UINT64_MAX, UPLINK_FATE_TAKEN, 0);
	delivery_dispatch(bench.delivery);
	assert_int_equal(births(), 2);
	fake_uplink_fate(UINT64_MAX, UPLINK_FATE_TAKEN, 0);
	delivery_dispatch(bench.delivery);
	assert_int_equal(births(), 2);
	stop();
}

static void another_set_of_rules_is_in_the_next_birth(void **state)
{
	struct config other = bench.config;
	(void)state;

	start();
	other = bench.config;
	other.uplink.grade = CONFIG_GRADE_PUBACK;
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_switch(bench.delivery, &other, 0xb00d1e);
	delivery_rebirth(bench.delivery);
	assert_int_equal(births(), 2);
	assert_non_null(strstr(fake_uplink()->sent[1].payload, "\"bundle\":\"0000000000b00d1e\""));
	assert_non_null(strstr(fake_uplink()->sent[1].payload, "\"grade\":\"G1\""));
	stop();
}

static void what_the_broker_denies_beside_events_changes_nothing(void **state)
{
	(void)state;

	start();
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	fake_uplink_fate(UINT64_MAX, UPLINK_FATE_REFUSED, 0x87);
	fake_uplink_receive(UP "cmd", "{\"id\":\"c\",\"type\":\"com.weiyu.cmd.rebirth.v1\",\"data\":{}}");
	fake_uplink_fate(UINT64_MAX - 2, UPLINK_FATE_REFUSED, 0x87);
	fake_uplink()->publish_err = WY_E_LINK; /* nor does one the client does not take */
	fake_uplink_receive(UP "cmd", "{\"id\":\"d\",\"type\":\"com.weiyu.cmd.rebirth.v1\",\"data\":{}}");
	fake_uplink()->publish_err = WY_OK;
	assert_int_equal(births(), 2);
	assert_true(delivery_dispatch(bench.delivery) == WY_MS_NEVER);
	assert_false(delivery_is_broken(bench.delivery));
	stop();
}

static void a_fate_that_comes_after_the_line_was_lost_changes_nothing(void **state)
{
	char data[100];
	(void)state;

	start();
	put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	receipt(1, "");
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"from\":1,\"to\":1", (unsigned long long)store_epoch(bench.store));
	char text[200];
	snprintf(text, sizeof(text), "{\"id\":\"c\",\"type\":\"com.weiyu.cmd.resend.v1\",\"data\":{%s}}", data);
	fake_uplink_receive(UP "cmd", text);
	delivery_dispatch(bench.delivery);
	fake_uplink_down(UPLINK_CAUSE_LOST, "gone");
	fake_uplink_fate(UINT64_MAX - 1, UPLINK_FATE_TAKEN, 0); /* resent */
	fake_uplink_fate(1, UPLINK_FATE_TAKEN, 0);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	put(2);
	delivery_dispatch(bench.delivery);
	command("d", "resend", "", data);
	assert_int_equal(fake_uplink_count(UINT64_MAX - 1), 2);
	assert_int_equal(fake_uplink_count(1) + fake_uplink_count(2), 2);
	stop();
}

static void work_that_cannot_be_read_reaches_nobody(void **state)
{
	(void)state;

	start();
	fake_uplink_receive(UP "ticket", "{\"type\":\"com.weiyu.work.acked.v1\",\"data\":{}}");
	assert_string_equal(bench.worked_on, "");
	stop();
}

static void with_mqtt_3_what_is_refused_in_grade_g1_is_said_to_be_lost(void **state)
{
	uint64_t seq;
	(void)state;

	start();
	delivery_close(bench.delivery);
	bench.config.uplink.grade = CONFIG_GRADE_PUBACK;
	bench.config.uplink.receipt_wait_ms = 0; /* not set: the usual one */
	open_delivery();
	fake_uplink()->protocol = 4;
	seq = put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	assert_int_equal(delivery_state(bench.delivery).protocol, 4);
	delivery_dispatch(bench.delivery);
	fake_uplink_fate(seq, UPLINK_FATE_TAKEN, 0);
	delivery_dispatch(bench.delivery);
	assert_int_equal(queued(), 0);
	stop();
}

static void a_new_epoch_that_cannot_be_had_is_refused_and_the_process_goes_on(void **state)
{
	char data[100];
	(void)state;

	start();
	bench.renew_err = WY_E_IO;
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	bench.now.mono_ms += 10000;
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"boot\":\"b\"", (unsigned long long)store_epoch(bench.store));
	command("c1", "epoch_new", "", data);
	assert_non_null(strstr(reply(), "\"status\":\"refused\""));
	assert_non_null(strstr(reply(), wy_err_text(WY_E_IO)));
	assert_int_equal(bench.n_renewed, 1);
	assert_false(delivery_is_broken(bench.delivery));
	delivery_close(bench.delivery);
	bench.cannot_renew = true;
	open_delivery();
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	bench.now.mono_ms += 10000;
	command("c2", "epoch_new", "", data);
	assert_non_null(strstr(reply(), wy_err_text(WY_E_UNSUPPORTED)));
	assert_int_equal(bench.n_renewed, 1);
	stop();
}

static void a_resend_waits_for_a_line_that_is_busy(void **state)
{
	char data[100];
	(void)state;

	start();
	put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	receipt(1, "");
	fake_uplink()->publish_err = WY_E_BUSY;
	fake_uplink()->publish_err_token = UINT64_MAX - 1;
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"from\":1,\"to\":1", (unsigned long long)store_epoch(bench.store));
	command("c", "resend", "", data);
	assert_string_equal(reply(), "");
	assert_false(delivery_is_broken(bench.delivery));
	fake_uplink()->publish_err = WY_OK;
	bench.now.mono_ms += 100;
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(UINT64_MAX - 1), 1);
	assert_non_null(strstr(reply(), "\"sent\":1"));
	stop();
}

static void neighbours_stand_in_one_range_and_a_reply_holds_so_many(void **state)
{
	enum { APART = 17, TOGETHER = 3 };
	char data[100], more[64];
	(void)state;

	start();
	for (int i = 0; i < TOGETHER + 2 * APART; i++)
		put(2);
	assert_int_equal(fake_uplink_connect(200), WY_OK);
	delivery_dispatch(bench.delivery);
	for (int i = 1; i <= TOGETHER + 2 * APART; i += i < TOGETHER ? 1 : 2) {
		snprintf(more, sizeof(more), ",\"rejected\":[{\"seq\":%d,\"reason\":\"no\"}]", i);
		receipt(0, more);
	}
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"from\":1,\"to\":99", (unsigned long long)store_epoch(bench.store));
	command("c", "resend", "", data);
	assert_non_null(strstr(reply(), "\"parked\":[{\"from\":1,\"to\":3},{\"from\":5,\"to\":5},"));
	/* 1 to 3, then 5, 7 ... 33: sixteen ranges. The order ends before the next one, and says so. */
	assert_non_null(strstr(reply(), "\"to\":34,"));
	stop();
}

static void ranges_that_are_gone_fill_the_reply_too(void **state)
{
	enum { N = 40 };
	char data[100];
	uint64_t gone = 0;
	size_t n;
	(void)state;

	/* Every other row stays queued, the others are receipted and then gone. */
	start();
	for (int i = 0; i < N; i++)
		put(2);
	assert_int_equal(store_begin(bench.store), WY_OK);
	for (uint64_t seq = 1; seq <= N; seq += 2, gone++)
		assert_int_equal(store_receipt_one(bench.store, seq, 1), WY_OK);
	assert_int_equal(store_prune_events(bench.store, 0, 0, &n), WY_OK);
	assert_int_equal(n, gone);
	assert_int_equal(store_commit(bench.store), WY_OK);
	assert_int_equal(fake_uplink_connect(200), WY_OK);
	delivery_dispatch(bench.delivery);
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"from\":1,\"to\":40", (unsigned long long)store_epoch(bench.store));
	command("c", "resend", "", data);
	assert_non_null(strstr(reply(), "{\"from\":31,\"to\":31}]"));
	assert_non_null(strstr(reply(), "\"to\":32,"));
	stop();
}

static void what_is_gone_at_the_end_is_named_too(void **state)
{
	char data[100];
	size_t n;
	(void)state;

	start();
	for (int i = 0; i < 34; i++)
		put(2);
	assert_int_equal(store_begin(bench.store), WY_OK);
	for (uint64_t seq = 2; seq <= 34; seq += 2)
		assert_int_equal(store_receipt_one(bench.store, seq, 1), WY_OK);
	assert_int_equal(store_prune_events(bench.store, 0, 0, &n), WY_OK);
	assert_int_equal(store_commit(bench.store), WY_OK);
	assert_int_equal(fake_uplink_connect(200), WY_OK);
	delivery_dispatch(bench.delivery);
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"from\":33,\"to\":34", (unsigned long long)store_epoch(bench.store));
	command("c", "resend", "", data);
	assert_non_null(strstr(reply(), "\"gone\":[{\"from\":34,\"to\":34}]"));
	/* Sixteen before it: 34 is the seventeenth, and no room is left for it. */
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"from\":1,\"to\":34", (unsigned long long)store_epoch(bench.store));
	command("d", "resend", "", data);
	assert_non_null(strstr(reply(), "{\"from\":32,\"to\":32}]"));
	assert_non_null(strstr(reply(), "\"to\":33,"));
	stop();
}

static void a_clock_that_is_not_sure_forgets_nothing_by_age(void **state)
{
	struct store_outbox_stats stats;
	(void)state;

	start();
	bench.now.clock = WY_CLOCK_UNSYNCED;
	put(2);
	put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	receipt(1, "");
	bench.now.wall_ms += 2 * DELIVERY_KEEP_MS;
	bench.now.mono_ms += 2 * 3600 * 1000;
	receipt(2, "");
	assert_int_equal(store_outbox_stats(bench.store, &stats), WY_OK);
	assert_int_equal(stats.receipted, 2);
	put(2);
	bench.now.clock = WY_CLOCK_SYNCED;
	bench.now.mono_ms += 2 * 3600 * 1000;
	bench.now.wall_ms += 2 * DELIVERY_KEEP_MS;
	delivery_dispatch(bench.delivery);
	receipt(3, "");
	assert_int_equal(store_outbox_stats(bench.store, &stats), WY_OK);
	assert_int_equal(stats.receipted, 1);
	stop();
}

static void a_gap_at_the_end_of_the_queue_is_told_too(void **state)
{
	struct ticket_gap gap;
	struct store_outbox_stats stats;
	(void)state;

	start();
	store_set_quota(bench.store, 1); /* not one event that is not S1 */
	put(4);
	put(4);
	assert_int_equal(store_outbox_stats(bench.store, &stats), WY_OK);
	assert_int_equal(stats.lost, 2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(1), 1);
	assert_non_null(strstr(fake_uplink()->sent[1].payload, "\"ranges\":[[1,2]]"));
	assert_int_equal(store_gap(bench.store, &gap), WY_E_NOTFOUND);
	put(1);
	put(4); /* a new hole behind what was told */
	put(1);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(4), 1);
	receipt(5, "");
	assert_int_equal(queued(), 0);
	stop();
}

static void a_store_that_is_damaged_ends_the_process_and_is_said_once(void **state)
{
	(void)state;

	start();
	put(2);
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	delivery_dispatch(bench.delivery);
	failing_store_set_err(WY_E_CORRUPT);
	for (int i = 0; i < 2; i++) {
		failing_store_set(1, false);
		receipt(1, "");
		assert_true(delivery_is_broken(bench.delivery));
		assert_int_equal(queued(), 1);
	}
	failing_store_set_err(WY_E_IO);
	stop();
}

static void the_topic_of_a_gateway_has_two_digits_of_its_name(void **state)
{
	(void)state;

	start();
	delivery_close(bench.delivery);
	bench.config.gateway = "gw-24"; /* one in sixteen begins with a zero */
	open_delivery();
	assert_int_equal(delivery_fd(bench.delivery), uplink_fd(NULL));
	assert_int_equal(fake_uplink_connect(20), WY_OK);
	assert_string_equal(fake_uplink()->sent[0].topic, "weiyu/v1/up/01/gw-24/state");
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gap_at_the_end_of_the_queue_is_told_too),
		cmocka_unit_test(a_store_that_is_damaged_ends_the_process_and_is_said_once),
		cmocka_unit_test(the_topic_of_a_gateway_has_two_digits_of_its_name),
		cmocka_unit_test(the_first_attempts_of_a_street_after_a_power_cut_are_spread),
		cmocka_unit_test(without_settings_that_open_it_says_why_and_may_be_opened_later),
		cmocka_unit_test(no_memory_for_it_is_an_error),
		cmocka_unit_test(another_with_our_name_is_counted_and_odd_words_are_made_plain),
		cmocka_unit_test(a_birth_is_owed_until_there_is_room),
		cmocka_unit_test(another_set_of_rules_is_in_the_next_birth),
		cmocka_unit_test(what_the_broker_denies_beside_events_changes_nothing),
		cmocka_unit_test(a_fate_that_comes_after_the_line_was_lost_changes_nothing),
		cmocka_unit_test(work_that_cannot_be_read_reaches_nobody),
		cmocka_unit_test(with_mqtt_3_what_is_refused_in_grade_g1_is_said_to_be_lost),
		cmocka_unit_test(a_new_epoch_that_cannot_be_had_is_refused_and_the_process_goes_on),
		cmocka_unit_test(a_resend_waits_for_a_line_that_is_busy),
		cmocka_unit_test(neighbours_stand_in_one_range_and_a_reply_holds_so_many),
		cmocka_unit_test(ranges_that_are_gone_fill_the_reply_too),
		cmocka_unit_test(what_is_gone_at_the_end_is_named_too),
		cmocka_unit_test(a_clock_that_is_not_sure_forgets_nothing_by_age),
		cmocka_unit_test(birth_and_will_carry_the_same_number_and_each_connection_a_new_one),
		cmocka_unit_test(life_safety_does_not_wait_for_a_long_pause_between_attempts),
		cmocka_unit_test(nothing_leaves_the_store_on_puback_alone),
		cmocka_unit_test(a_full_window_of_the_broker_is_waited_for_without_spinning),
		cmocka_unit_test(a_connection_lost_in_flight_sends_again),
		cmocka_unit_test(an_event_too_large_is_parked_and_holds_up_nothing),
		cmocka_unit_test(an_event_that_meets_a_line_just_cut_goes_with_the_next_one_and_nothing_is_said),
		cmocka_unit_test(a_row_that_is_gone_from_the_store_frees_its_slot),
		cmocka_unit_test(a_receipt_that_cannot_be_kept_is_asked_for_again),
		cmocka_unit_test(receipts_that_cannot_be_kept_are_asked_for_ever_more_rarely),
		cmocka_unit_test(a_receipt_in_the_middle_of_anothers_transaction_does_not_undo_it),
		cmocka_unit_test(receipts_for_others_and_for_nothing_sent_change_nothing),
		cmocka_unit_test(an_urgent_event_beyond_the_backlog_is_receipted_alone),
		cmocka_unit_test(what_the_platform_rejects_is_parked_and_never_sent_again),
		cmocka_unit_test(a_restart_sends_what_has_no_receipt_and_nothing_else),
		cmocka_unit_test(work_reaches_the_engine),
		cmocka_unit_test(in_grade_g1_a_puback_is_enough_and_a_refusal_is_not),
		cmocka_unit_test(a_puback_that_cannot_be_kept_in_grade_g1_is_sent_again),
		cmocka_unit_test(several_receipts_of_one_turn_are_one_transaction),
		cmocka_unit_test(a_receipt_for_another_process_of_this_name_frees_nothing),
		cmocka_unit_test(a_platform_that_takes_us_for_another_process_is_told_who_we_are),
		cmocka_unit_test(a_backlog_goes_on_at_once_when_the_platform_is_heard_again),
		cmocka_unit_test(with_room_for_one_message_everything_comes_one_after_the_other),
		cmocka_unit_test(kept_events_are_sent_again_when_the_platform_asks),
		cmocka_unit_test(what_is_no_longer_kept_is_named_in_the_reply),
		cmocka_unit_test(a_long_resend_leaves_the_line_to_live_events),
		cmocka_unit_test(what_is_sent_again_meets_a_line_just_cut_and_the_store_is_not_blamed),
		cmocka_unit_test(a_command_is_executed_once_and_answered),
		cmocka_unit_test(a_command_expires_by_a_clock_that_is_right_and_by_no_other),
		cmocka_unit_test(commands_that_come_in_crowds_are_refused),
		cmocka_unit_test(only_the_process_that_is_meant_takes_a_new_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
