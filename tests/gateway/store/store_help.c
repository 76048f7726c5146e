/* store_help.c: what the tests of the store share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_help.h"

void scratch_make(struct scratch *scratch)
{
	const char *base = getenv("TMPDIR");

	snprintf(scratch->dir, sizeof(scratch->dir), "%s/weiyu-store-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(scratch->dir));
	snprintf(scratch->db, sizeof(scratch->db), "%s/%s", scratch->dir, STORE_FILE);
}

void scratch_remove(const struct scratch *scratch)
{
	static const char *const names[] = {STORE_FILE, STORE_FILE "-wal", STORE_FILE "-shm",
					    STORE_FILE "-journal", STORE_LOCK, STORE_MODE_FILE, STORE_FILE ".new", STORE_FILE ".left-1",
					    STORE_FILE ".left-1-wal", STORE_FILE ".left-1-shm", STORE_FILE ".left-2"};
	char path[HELP_PATH + 32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", scratch->dir, names[i]);
		unlink(path);
	}
	for (unsigned n = 1; n <= HELP_REPLACED_MAX; n++) {
		snprintf(path, sizeof(path), "%s/%s.damaged-%u", scratch->dir, STORE_FILE, n);
		unlink(path);
		snprintf(path, sizeof(path), "%s/%s.damaged-%u-wal", scratch->dir, STORE_FILE, n);
		unlink(path);
		snprintf(path, sizeof(path), "%s/%s.damaged-%u-shm", scratch->dir, STORE_FILE, n);
		unlink(path);
	}
	assert_int_equal(rmdir(scratch->dir), 0);
}

struct ticket help_ticket(uint64_t epoch, const char *asset, int64_t episode)
{
	struct ticket_identity identity = {.gateway = "gw-test",
					   .asset = asset,
					   .fault = "ELV-01",
					   .rule = "lift.entrapment",
					   .epoch = epoch,
					   .episode = episode,
					   .day = 20261122,
					   .number = 1};
	struct ticket_terms terms = {1000, 2000, 0, TICKET_PLANNED, 5000};
	struct ticket_input input = {.kind = TICKET_RAISE,
				     .now = {1000, 1800000001000, WY_CLOCK_SYNCED},
				     .at_ms = 990,
				     .onset_ms = 900,
				     .tier = 1,
				     .level = 2,
				     .terms = &terms};
	struct ticket_output output;
	struct ticket ticket;

	assert_int_equal(ticket_init(&ticket, &identity), WY_OK);
	assert_int_equal(ticket_step(&ticket, &input, &output), WY_OK);
	return ticket;
}

size_t help_event(char *out, size_t size, uint64_t epoch, uint64_t seq, const char *verb, const struct ticket *ticket)
{
	int len = snprintf(out, size,
			   "{\"specversion\":\"1.0\",\"id\":\"%016llx-%llu\",\"source\":\"/weiyu/gw-test\",\"type\":"
			   "\"com.weiyu.ticket.%s.v1\",\"sequence\":\"%019llu\",\"data\":{\"ticket_key\":\"%s\",\"dedup_key\":\"%s\","
			   "\"episode\":%lld,\"gateway_seq\":%llu}}",
			   (unsigned long long)epoch, (unsigned long long)seq, verb, (unsigned long long)seq, ticket->key,
			   ticket->dedup, (long long)ticket->episode, (unsigned long long)seq);

	assert_true(len > 0 && (size_t)len < size);
	return (size_t)len;
}

static enum wy_err write_turn(struct store *store, uint64_t *ret_seq)
{
	struct store_event event = {
		.tier = 2, .type = "com.weiyu.ticket.opened.v1", .topic = "ticket"};
	char asset[32], payload[2048];
	struct ticket ticket;
	enum wy_err err = store_next_seq(store, &event.seq);

	if (err)
		return err;
	snprintf(asset, sizeof(asset), "a%llu", (unsigned long long)event.seq);
	memset(payload, 'x', sizeof(payload));
	ticket = help_ticket(store_epoch(store), asset, 1);
	event.ticket_key = ticket.key;
	event.payload = payload;
	event.len = sizeof(payload);
	err = store_put_ticket(store, &ticket, payload, sizeof(payload));
	if (!err)
		err = store_put_event(store, &event);
	if (!err)
		err = store_put_cell(store, "last", &event.seq, sizeof(event.seq));
	if (!err)
		*ret_seq = event.seq;
	return err;
}

enum wy_err help_turn(struct store *store, uint64_t *ret_seq)
{
	enum wy_err err = store_begin(store);

	if (err)
		return err;
	err = write_turn(store, ret_seq);
	if (!err)
		return store_commit(store);
	store_abort(store);
	return err;
}

static bool take_cell(void *arg, const char *key, const void *bytes, size_t len)
{
	assert_string_equal(key, "last");
	assert_int_equal(len, sizeof(uint64_t));
	memcpy(arg, bytes, len);
	return true;
}

static bool count_ticket(void *arg, const struct ticket *ticket, const char *body, size_t len)
{
	uint64_t *n = arg;
	char asset[32];

	(*n)++;
	snprintf(asset, sizeof(asset), "a%llu", (unsigned long long)*n);
	assert_string_equal(ticket->asset, asset);
	assert_int_equal(len, 2048);
	assert_int_equal(body[2047], 'x');
	return true;
}

void help_check_whole(struct store *store, uint64_t *ret_seq)
{
	uint64_t seq = 0, cell = 0, tickets = 0;
	struct store_outbox_stats stats;

	assert_int_equal(store_verify(store, NULL), WY_OK);
	assert_int_equal(store_last_seq(store, &seq), WY_OK);
	assert_int_equal(store_each_cell(store, take_cell, &cell), WY_OK);
	assert_int_equal(store_each_open(store, count_ticket, &tickets), WY_OK);
	assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
	assert_int_equal(cell, seq);
	assert_int_equal(tickets, seq);
	assert_int_equal(stats.queued, seq);
	*ret_seq = seq;
}
