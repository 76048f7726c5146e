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
};

static struct bench bench;

static void on_work(void *arg, const char *key, enum ticket_node node, uint32_t rev)
{
	(void)arg;
	assert_int_equal(node, TICKET_NODE_ACKED);
	assert_int_equal(rev, 4);
	snprintf(bench.worked_on, sizeof(bench.worked_on), "%s", key);
}

static void open_delivery(void)
{
	struct wy_buf words;
	char text[100];
	struct delivery_parts parts = {.config = &bench.config, .store = bench.store, .clock = &bench.clock,
				       .boot = "b", .arena = &bench.arena, .work = on_work};

	wy_arena_init(&bench.arena, bench.memory, sizeof(bench.memory));
	wy_buf_init(&words, text, sizeof(text));
	assert_int_equal(delivery_new(&parts, &bench.delivery), WY_OK);
	assert_int_equal(delivery_open(bench.delivery, &words), WY_OK);
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
	assert_int_equal(fake_uplink_connect(40), WY_OK);
	fake_uplink()->publish_err = WY_E_LIMIT;
	fake_uplink()->publish_err_token = large;
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(next), 1);
	assert_int_equal(store_outbox_stats(bench.store, &stats), WY_OK);
	assert_int_equal(stats.parked, 1);
	/* Its slot is free: as many as the lane holds fly beside it. */
	for (int i = 0; i < 30; i++)
		put(2);
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink()->n_sent, 1 + WY_OUTBOX_WINDOW - OUTBOX_RESERVE);
	stop();
}

static void a_row_that_is_gone_from_the_store_frees_its_slot(void **state)
{
	uint64_t seq;
	(void)state;

	start();
	seq = put(2);
	delivery_dispatch(bench.delivery); /* offered, not connected yet */
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
	delivery_dispatch(bench.delivery);
	assert_int_equal(fake_uplink_count(seq), 2);
	fake_uplink_fate(seq, UPLINK_FATE_TAKEN, 0);
	receipt(seq, "");
	assert_int_equal(queued(), 0);
	/* A store that fails so does not heal: the process is to end. */
	assert_true(delivery_is_broken(bench.delivery));
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
	receipt(seq, "");
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
	receipt(seq, ""); /* not sent yet */
	fake_uplink_receive(UP "receipt", "{\"data\":{\"epoch\":\"1\",\"through\":99}}");
	fake_uplink_receive(UP "receipt", "nonsense");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(birth_and_will_carry_the_same_number_and_each_connection_a_new_one),
		cmocka_unit_test(nothing_leaves_the_store_on_puback_alone),
		cmocka_unit_test(a_full_window_of_the_broker_is_waited_for_without_spinning),
		cmocka_unit_test(a_connection_lost_in_flight_sends_again),
		cmocka_unit_test(an_event_too_large_is_parked_and_holds_up_nothing),
		cmocka_unit_test(a_row_that_is_gone_from_the_store_frees_its_slot),
		cmocka_unit_test(a_receipt_that_cannot_be_kept_is_asked_for_again),
		cmocka_unit_test(a_receipt_in_the_middle_of_anothers_transaction_does_not_undo_it),
		cmocka_unit_test(receipts_for_others_and_for_nothing_sent_change_nothing),
		cmocka_unit_test(an_urgent_event_beyond_the_backlog_is_receipted_alone),
		cmocka_unit_test(what_the_platform_rejects_is_parked_and_never_sent_again),
		cmocka_unit_test(a_restart_sends_what_has_no_receipt_and_nothing_else),
		cmocka_unit_test(work_reaches_the_engine),
	};

	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
