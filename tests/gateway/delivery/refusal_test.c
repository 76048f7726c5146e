/* refusal_test.c: a story with everything delivery does, in which the n-th call on the store, or the n-th allocation of jansson,
 * is refused once, for n = 1 and on until none is left (every n with WY_LONG in the environment). A call that is refused changes nothing; out of memory heals by itself, an
 * I/O error ends the process, which is started again. Whatever n is: in the end the platform has each event, or was told that it
 * will not come, nothing is queued, and the store is whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "delivery.h"
#include "fake_uplink.h"
#include "log.h"

#define DOWN "weiyu/v1/down/gw-test-01/"

enum { EARLY = 40, LATE = 3, EVENTS = EARLY + LATE, ROOM = 60, ROUNDS = 12, ARENA_BYTES = 1 << 20, EVENT_BYTES = 3000, QUOTA = 48000 };

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
} bench;

static struct {
	unsigned left, n_more; /* calls until it strikes; how many after it are struck, too */
	bool is_of_json, has_struck;
	enum wy_err err;
} plan;

static bool strikes(bool is_of_json)
{
	if (is_of_json != plan.is_of_json || !plan.left || --plan.left)
		return false;
	plan.has_struck = true;
	if (plan.n_more) {
		plan.n_more--;
		plan.left = 1;
	}
	return true;
}

#define WRAP(name, params, args)                                   \
	enum wy_err __real_##name params;                           \
	enum wy_err __wrap_##name params;                           \
	enum wy_err __wrap_##name params                            \
	{                                                           \
		return strikes(false) ? plan.err : __real_##name args; \
	}

WRAP(store_begin, (struct store *s), (s))
WRAP(store_allow_sending, (struct store *s, uint64_t through), (s, through))
WRAP(store_first_gap, (struct store *s, uint64_t *first), (s, first))
WRAP(store_gap, (struct store *s, struct ticket_gap *gap), (s, gap))
WRAP(store_kept, (struct store *s, uint64_t from, uint64_t to, struct store_kept_row *out, size_t max, size_t *n),
     (s, from, to, out, max, n))
WRAP(store_last_seq, (struct store *s, uint64_t *seq), (s, seq))
WRAP(store_load_event, (struct store *s, uint64_t seq, struct store_event *event), (s, seq, event))
WRAP(store_load_kept, (struct store *s, uint64_t seq, struct store_event *event), (s, seq, event))
WRAP(store_next_bd_seq, (struct store *s, uint64_t *bd_seq), (s, bd_seq))
WRAP(store_outbox_stats, (struct store *s, struct store_outbox_stats *stats), (s, stats))
WRAP(store_park, (struct store *s, uint64_t seq, const char *reason, wy_ms wall_ms), (s, seq, reason, wall_ms))
WRAP(store_prune_events, (struct store *s, size_t keep, wy_ms before_ms, size_t *n), (s, keep, before_ms, n))
WRAP(store_put_gap, (struct store *s, const struct ticket_gap *gap, const struct store_event *event), (s, gap, event))
WRAP(store_queued, (struct store *s, bool is_s1, uint64_t after, uint64_t *out, size_t max, size_t *n),
     (s, is_s1, after, out, max, n))
WRAP(store_receipt_one, (struct store *s, uint64_t seq, wy_ms wall_ms), (s, seq, wall_ms))
WRAP(store_receipt_through, (struct store *s, bool is_s1, uint64_t through, wy_ms wall_ms, size_t *n),
     (s, is_s1, through, wall_ms, n))
WRAP(store_sendable_through, (struct store *s, uint64_t *through), (s, through))

enum wy_err __real_store_commit(struct store *store);
enum wy_err __wrap_store_commit(struct store *store);
enum wy_err __wrap_store_commit(struct store *store)
{
	if (!strikes(false))
		return __real_store_commit(store);
	store_abort(store);
	return plan.err;
}

static void *json_or_nothing(size_t size)
{
	return strikes(true) ? NULL : malloc(size);
}

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
	fake_uplink_reset();
}

static void start(void)
{
	struct wy_buf words;
	char text[100];
	struct delivery_parts parts = {.config = &bench.config, .clock = &bench.clock, .boot = "b", .seed = 5,
				       .arena = &bench.arena, .work = no_work};

	assert_int_equal(store_open(bench.dir, "gw-test-01", NULL, &bench.store), WY_OK);
	store_set_quota(bench.store, QUOTA);
	parts.store = bench.store;
	wy_arena_init(&bench.arena, bench.memory, sizeof(bench.memory));
	wy_buf_init(&words, text, sizeof(text));
	assert_int_equal(delivery_new(&parts, &bench.delivery), WY_OK);
	assert_int_equal(delivery_open(bench.delivery, &words), WY_OK);
}

/* The engine's part; nothing of it fails here. */
static void put(unsigned n)
{
	struct store_event event = {.ticket_key = "tk_x", .type = "com.weiyu.ticket.updated.v1", .topic = "ticket", .created = {1, 1}};
	char payload[EVENT_BYTES];
	unsigned left = plan.left;
	uint64_t noise = 88172645463325252u;

	plan.left = 0;
	for (size_t i = 0; i < sizeof(payload); i++) { /* nothing that packs well */
		noise ^= noise << 13;
		noise ^= noise >> 7;
		noise ^= noise << 17;
		payload[i] = (char)('!' + noise % 90);
	}
	event.payload = payload;
	event.len = sizeof(payload);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(store_begin(bench.store), WY_OK);
		assert_int_equal(store_next_seq(bench.store, &event.seq), WY_OK);
		event.tier = event.seq % 9 == 0 ? 1 : event.seq % 5 == 0 ? 2 : 4;
		assert_int_equal(store_put_event(bench.store, &event), WY_OK);
		assert_int_equal(store_commit(bench.store), WY_OK);
	}
	plan.left = left;
}

/* The broker takes what flies, and the platform hears it. */
static void take(void)
{
	struct fake_uplink *fake = fake_uplink();

	for (size_t i = 0; i < fake->n_sent; i++) {
		uint64_t token = fake->sent[i].token;
		fake_uplink_fate(token, UPLINK_FATE_TAKEN, 0);
		if (token >= 1 && token <= EVENTS)
			bench.is_heard[token] = true;
	}
}

static void order(const char *id, const char *type, const char *data)
{
	char text[400];

	snprintf(text, sizeof(text), "{\"id\":\"%s\",\"type\":\"com.weiyu.cmd.%s.v1\",\"data\":{%s}}", id, type, data);
	fake_uplink_receive(DOWN "cmd", text);
}

static void confirm(uint64_t through, const char *more)
{
	char text[300];

	snprintf(text, sizeof(text), "{\"type\":\"com.weiyu.receipt.v1\",\"data\":{\"epoch\":\"%llx\",\"through\":%llu%s}}",
		 (unsigned long long)store_epoch(bench.store), (unsigned long long)through, more);
	fake_uplink_receive(DOWN "receipt", text);
}

/* One turn of the loop, and what the main program does where the store is broken. */
static void turn(wy_ms ms)
{
	if (!fake_uplink()->is_up)
		(void)!fake_uplink_connect(ROOM);
	(void)delivery_dispatch(bench.delivery);
	bench.now.mono_ms += ms;
	bench.now.wall_ms += ms;
	if (!delivery_is_broken(bench.delivery))
		return;
	end();
	start();
}

static uint64_t highest_heard(void)
{
	uint64_t seq = EVENTS;

	while (seq > 0 && !bench.is_heard[seq])
		seq--;
	return seq;
}

static struct store_outbox_stats stats(void)
{
	struct store_outbox_stats now;

	assert_int_equal(store_outbox_stats(bench.store, &now), WY_OK);
	return now;
}

static void remove_all(void)
{
	static const char *const names[] = {STORE_FILE, STORE_FILE "-wal", STORE_FILE "-shm", STORE_LOCK, STORE_MODE_FILE};
	char path[100];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", bench.dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(bench.dir), 0);
}

static void begin(void)
{
	const char *base = getenv("TMPDIR");

	memset(&bench, 0, sizeof(bench));
	fake_uplink_reset();
	snprintf(bench.dir, sizeof(bench.dir), "%s/weiyu-delivery-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(bench.dir));
	bench.now = (struct wy_now){5000, INT64_C(1795320000000), WY_CLOCK_SYNCED};
	bench.clock.fixed = &bench.now;
	bench.config.gateway = "gw-test-01";
	bench.config.uplink.host = "broker";
	bench.config.uplink.receipt_wait_ms = 60000;
	start();
}

/* More than the quota while nobody listens; then rejections, a row that is too large, orders, a loss, and the rest. */
static void tell_story(void)
{
	char data[100];

	put(EARLY);
	fake_uplink()->publish_err = WY_E_LIMIT;
	fake_uplink()->publish_err_token = EARLY;
	turn(1000);
	turn(1000);
	turn(1000);
	fake_uplink()->publish_err = WY_OK;
	take();
	confirm(3, ",\"also\":[9,18],\"rejected\":[{\"seq\":27,\"reason\":\"no such asset\"}]");
	turn(60000);
	take();
	confirm(highest_heard() / 2, "");
	turn(60000);
	snprintf(data, sizeof(data), "\"epoch\":\"%llx\",\"from\":1,\"to\":%d", (unsigned long long)store_epoch(bench.store), EVENTS);
	order("c1", "resend", data);
	for (int i = 0; i < 6; i++) {
		turn(200);
		take();
	}
	order("c2", "rebirth", "");
	turn(1000);
	fake_uplink_lose();
	put(LATE);
	turn(1000);
}

static void check_end(void)
{
	struct ticket_gap gap;

	for (int i = 0; i < ROUNDS && stats().queued > 0; i++) {
		turn(60000);
		take();
		confirm(highest_heard(), "");
		(void)delivery_dispatch(bench.delivery);
		take();
	}
	assert_int_equal(stats().queued, 0);
	assert_true(stats().lost > 0);
	assert_true(plan.has_struck || stats().parked == 2); /* what could not be parked is sent when the line takes it */
	assert_int_equal(store_gap(bench.store, &gap), WY_E_NOTFOUND);
	for (uint64_t seq = EVENTS; seq > EARLY; seq--)
		assert_true(bench.is_heard[seq]);
	for (uint64_t seq = 9; seq < EARLY; seq += 9) /* S1 is never dropped */
		assert_true(bench.is_heard[seq]);
	assert_int_equal(store_verify(bench.store, NULL), WY_OK);
}

static bool play(bool is_of_json, enum wy_err err, unsigned n, unsigned n_more)
{
	plan.left = 0;
	begin();
	plan.is_of_json = is_of_json;
	plan.err = err;
	plan.left = n;
	plan.n_more = n_more;
	plan.has_struck = false;
	tell_story();
	plan.left = plan.n_more = 0;
	check_end();
	end();
	remove_all();
	return plan.has_struck;
}

static unsigned sweep(bool is_of_json, enum wy_err err, unsigned stride, unsigned n_more)
{
	unsigned n = 1;

	while (play(is_of_json, err, n, n_more))
		n += getenv("WY_LONG") ? 1 : stride;
	print_message("up to place %u\n", n);
	return n;
}

static void a_call_that_finds_no_memory_is_made_again(void **state)
{
	(void)state;
	assert_true(sweep(false, WY_E_NOMEM, 4, 0) > 50);
}

static void calls_that_find_no_memory_for_a_while_are_made_again(void **state)
{
	(void)state;
	assert_true(sweep(false, WY_E_NOMEM, 11, 5) > 50);
}

static void after_a_call_that_meets_an_io_error_the_process_begins_anew(void **state)
{
	(void)state;
	assert_true(sweep(false, WY_E_IO, 5, 0) > 50);
}

static void a_document_that_finds_no_memory_is_written_again(void **state)
{
	(void)state;
	json_set_alloc_funcs(json_or_nothing, free);
	assert_true(sweep(true, WY_OK, 61, 0) > 500);
	json_set_alloc_funcs(malloc, free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_finds_no_memory_is_made_again),
		cmocka_unit_test(calls_that_find_no_memory_for_a_while_are_made_again),
		cmocka_unit_test(after_a_call_that_meets_an_io_error_the_process_begins_anew),
		cmocka_unit_test(a_document_that_finds_no_memory_is_written_again),
	};

	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
