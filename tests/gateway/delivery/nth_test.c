/* nth_test.c: six events from commit to receipt, over two connections and a restart, in which the n-th read, write, sync, open,
 * truncation, removal or allocation fails once. What ends by it is started again. Whatever n is, the platform gets each
 * event, and the queue is empty in the end.
 *
 * The short form takes a sample of n that goes to the end of each kind; WY_LONG in the environment takes every one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "delivery.h"
#include "fake_uplink.h"
#include "log.h"
#include "nth.h"

#define DOWN "weiyu/v1/down/gw-test-01/"

enum { EVENTS = 6, ROOM = 20, SAMPLE = 12, TRIES = 5, ROUNDS = 6, ARENA_BYTES = 1 << 20 };

static struct {
	char dir[64];
	struct store *store;
	struct delivery *delivery;
	struct config config;
	struct wy_now now;
	struct clock clock;
	struct wy_arena arena;
	char memory[ARENA_BYTES];
	bool is_heard[EVENTS + 1];
	unsigned ended_early;
} bench;

static void no_work(void *arg, const char *key, enum ticket_node node, uint32_t rev)
{
	(void)arg;
	(void)key;
	(void)node;
	(void)rev;
}

static void end(void)
{
	delivery_close(bench.delivery);
	store_close(bench.store);
	bench.delivery = NULL;
	bench.store = NULL;
	fake_uplink_reset();
}

static enum wy_err try_to_start(void)
{
	struct wy_buf words;
	char text[100];
	struct delivery_parts parts = {.config = &bench.config, .clock = &bench.clock, .boot = "b", .seed = 5,
				       .arena = &bench.arena, .work = no_work};
	enum wy_err err = store_open(bench.dir, "gw-test-01", NULL, &bench.store);

	parts.store = bench.store;
	wy_arena_init(&bench.arena, bench.memory, sizeof(bench.memory));
	wy_buf_init(&words, text, sizeof(text));
	if (!err)
		err = delivery_new(&parts, &bench.delivery);
	return err ? err : delivery_open(bench.delivery, &words);
}

static void start(void)
{
	enum wy_err err = WY_E_STATE;

	for (int i = 0; i < TRIES && err; i++) {
		err = try_to_start();
		bench.ended_early += err != WY_OK;
		if (err)
			end();
	}
	assert_int_equal(err, WY_OK);
}

static void start_again(void)
{
	/* As the gateway's loop does it; what is in memory alone would be lost, and is decided again. */
	if (store_mode(bench.store) != STORE_ON_DISK && store_try_disk(bench.store) != WY_OK)
		bench.ended_early++;
	end();
	start();
}

static enum wy_err put(uint8_t tier)
{
	struct store_event event = {.tier = tier, .ticket_key = "tk_x", .type = "com.weiyu.ticket.updated.v1",
				    .topic = "ticket", .created = {1, 1}, .payload = "{}", .len = 2};
	enum wy_err err = store_begin(bench.store);

	if (err)
		return err;
	err = store_next_seq(bench.store, &event.seq);
	if (!err)
		err = store_put_event(bench.store, &event);
	if (!err)
		return store_commit(bench.store);
	store_abort(bench.store);
	return err;
}

/* As the engine decides after a restart: what the store has is not decided again. */
static void decide(uint64_t wanted)
{
	uint64_t last = 0;

	for (int i = 0; i < TRIES; i++) {
		if (store_last_seq(bench.store, &last) == WY_OK &&
		    (last >= wanted || put(last % 3 == 2 ? 1 : 2) == WY_OK))
			return;
		bench.ended_early++;
		start_again();
	}
	fail_msg("event %llu is never decided", (unsigned long long)wanted);
}

static uint64_t heard_through(void)
{
	uint64_t seq = 0;

	while (seq < EVENTS && bench.is_heard[seq + 1])
		seq++;
	return seq;
}

static void take_what_was_sent(void)
{
	struct fake_uplink *fake = fake_uplink();
	uint64_t tokens[FAKE_SENT_MAX];
	size_t n = fake->n_sent;

	for (size_t i = 0; i < n; i++)
		tokens[i] = fake->sent[i].token;
	for (size_t i = 0; i < n; i++) {
		fake_uplink_fate(tokens[i], UPLINK_FATE_TAKEN, 0);
		if (tokens[i] >= 1 && tokens[i] <= EVENTS)
			bench.is_heard[tokens[i]] = true;
	}
}

static void confirm(void)
{
	char text[300];

	snprintf(text, sizeof(text), "{\"type\":\"com.weiyu.receipt.v1\",\"data\":{\"epoch\":\"%llx\",\"through\":%llu}}",
		 (unsigned long long)store_epoch(bench.store), (unsigned long long)heard_through());
	fake_uplink_receive(DOWN "receipt", text);
}

static void exchange(bool is_confirmed)
{
	if (!fake_uplink()->is_up && fake_uplink_connect(ROOM) != WY_OK)
		return; /* the uplink tries again */
	(void)delivery_dispatch(bench.delivery);
	take_what_was_sent();
	if (is_confirmed)
		confirm();
	(void)delivery_dispatch(bench.delivery);
}

/* Connects, sends what is due, is heard; the receipt comes if it is_confirmed. */
static void talk(bool is_confirmed)
{
	exchange(is_confirmed);
	bench.now.mono_ms += 120000;
	bench.now.wall_ms += 120000;
	if (!delivery_is_broken(bench.delivery))
		return;
	bench.ended_early++;
	start_again();
}

static uint64_t queued(void)
{
	struct store_outbox_stats stats;

	assert_int_equal(store_outbox_stats(bench.store, &stats), WY_OK);
	return stats.queued;
}

static void begin(void)
{
	unsigned ended_early = bench.ended_early;

	memset(&bench, 0, sizeof(bench));
	bench.ended_early = ended_early;
	fake_uplink_reset();
	snprintf(bench.dir, sizeof(bench.dir), "/tmp/weiyu-delivery-XXXXXX");
	assert_non_null(mkdtemp(bench.dir));
	bench.now = (struct wy_now){5000, INT64_C(1795320000000), WY_CLOCK_SYNCED};
	bench.clock.fixed = &bench.now;
	bench.config.gateway = "gw-test-01";
	bench.config.uplink.host = "broker";
	bench.config.uplink.receipt_wait_ms = 60000;
}

static bool play_with(enum nth_kind kind, unsigned n)
{
	char command[100];

	begin();
	nth_set(kind, n);
	start();
	for (uint64_t seq = 1; seq <= EVENTS / 2; seq++)
		decide(seq);
	talk(false);
	talk(true);
	start_again();
	for (uint64_t seq = EVENTS / 2 + 1; seq <= EVENTS; seq++)
		decide(seq);
	talk(true);
	nth_set(kind, 0);
	for (int i = 0; i < ROUNDS && (heard_through() < EVENTS || queued() > 0); i++)
		talk(true);
	assert_int_equal(heard_through(), EVENTS);
	assert_int_equal(queued(), 0);
	assert_int_equal(store_verify(bench.store, NULL), WY_OK);
	end();
	snprintf(command, sizeof(command), "rm -r %s", bench.dir);
	assert_int_equal(system(command), 0);
	return nth_struck();
}

static void each_event_arrives_whatever_fails_once(void **state)
{
	(void)state;
	nth_sweep(play_with, SAMPLE, &bench.ended_early);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_event_arrives_whatever_fails_once)};

	nth_install();
	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
