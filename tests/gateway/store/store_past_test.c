/* store_past_test.c: what an epoch that is over leaves to the next one beside its queue: rows that the platform would not have, and
 * what was lost and not said yet, or said in a record that has no receipt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_help.h"
#include "store_sql.h"

static struct scratch scratch;

static int make(void **state)
{
	(void)state;
	scratch_make(&scratch);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	scratch_remove(&scratch);
	return 0;
}

static struct store *open_store(void)
{
	struct store *store = NULL;

	assert_int_equal(store_open(scratch.dir, "gw-test", NULL, &store), WY_OK);
	return store;
}

static struct store *renew(struct store *store, enum store_opening_kind kind)
{
	if (kind == STORE_RENEWED)
		assert_int_equal(store_renew_epoch(store), WY_OK);
	store_close(store);
	if (kind == STORE_SALVAGED) { /* as one leaves it that saw damage */
		char path[HELP_PATH + 32];
		snprintf(path, sizeof(path), "%s/%s", scratch.dir, STORE_LOCK);
		int fd = open(path, O_RDWR);
		assert_true(fd >= 0);
		assert_int_equal(store_write_mark(fd, STORE_MARK_DAMAGED), WY_OK);
		close(fd);
	}
	store = open_store();
	assert_int_equal(store_opening(store)->kind, kind);
	return store;
}

static uint64_t tell(struct store *store, uint8_t tier, unsigned n)
{
	static char text[2048];
	char asset[16];
	uint64_t seq = 0;

	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_next_seq(store, &seq), WY_OK);
	snprintf(asset, sizeof(asset), "a%u", n);
	struct ticket ticket = help_ticket(store_epoch(store), asset, 1);
	struct store_event event = {.seq = seq, .tier = tier, .ticket_key = ticket.key, .type = "com.weiyu.ticket.opened.v1",
				    .topic = "ticket", .created = {1800000000000 + n, n}, .payload = text};
	event.len = help_event(text, sizeof(text), store_epoch(store), seq, "opened", &ticket);
	assert_int_equal(store_put_ticket(store, &ticket, text, event.len), WY_OK);
	assert_int_equal(store_put_event(store, &event), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
	return seq;
}

static uint64_t parked(struct store *store)
{
	struct store_outbox_stats stats;

	assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
	return stats.parked;
}

static void park(struct store *store, uint64_t seq)
{
	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_park(store, seq, "not known here", 77), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
}

static void what_was_parked_stays_parked_in_a_new_epoch(void **state)
{
	static const enum store_opening_kind kinds[] = {STORE_RENEWED, STORE_SALVAGED, STORE_RENEWED};
	struct store *store = open_store();
	struct store_kept_row rows[16];
	uint64_t last = 0;
	size_t n = 0;
	(void)state;

	for (unsigned i = 1; i <= 4; i++)
		(void)tell(store, 2, i);
	park(store, 2);
	for (unsigned round = 0; round < 3; round++) {
		store = renew(store, kinds[round]);
		assert_int_equal(parked(store), 1 + round);
		/* They are in nobody's stream: what waits has the numbers 1 to n, and no other is known. */
		assert_int_equal(store_last_seq(store, &last), WY_OK);
		assert_int_equal(store_kept(store, 1, 100, rows, 16, &n), WY_OK);
		assert_int_equal(n, last);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(rows[i].state, STORE_QUEUED);
		assert_int_equal(last, 3 - round);
		assert_int_equal(store_opening(store)->part[STORE_PART_EVENTS].kept, 3 - round);
		assert_int_equal(store_opening(store)->part[STORE_PART_EVENTS].lost, 0);
		park(store, 1);
	}
	assert_int_equal(store_verify(store, NULL), WY_OK);
	/* Reason and bytes are what they were. */
	struct store_binder row = {store, NULL, 0, SQLITE_OK, false};
	assert_int_equal(sqlite3_prepare_v2(store->db, "SELECT reason, done_wall, ticket_key FROM outbox WHERE state = 2 ORDER BY seq",
					    -1, &row.stmt, NULL), SQLITE_OK);
	assert_int_equal(store_row(&row), WY_OK);
	assert_string_equal((const char *)sqlite3_column_text(row.stmt, 0), "not known here");
	assert_int_equal(sqlite3_column_int64(row.stmt, 1), 77);
	sqlite3_finalize(row.stmt);
	store_close(store);
}

/* Rows of S4 until some make room: numbers that will not come. */
static uint64_t lose_some(struct store *store, unsigned from)
{
	struct store_outbox_stats stats;

	store_set_quota(store, 40000);
	for (unsigned i = from; i < from + 100; i++)
		(void)tell(store, 4, i);
	assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
	assert_true(stats.lost > 10);
	return stats.lost;
}

static void check_said(struct store *store, uint64_t lost)
{
	static struct ticket_gap gap;
	uint64_t last = 0, first = 0;

	assert_int_equal(store_first_gap(store, &first), WY_OK);
	assert_int_equal(store_last_seq(store, &last), WY_OK);
	assert_int_equal(store_gap(store, &gap), WY_OK);
	assert_int_equal(gap.n_ranges, 1);
	assert_true(gap.range[0].first == first && gap.range[0].last == first && first <= last);
	assert_int_equal(gap.n, lost);
	assert_int_equal(gap.by_tier[4], lost);
	assert_int_equal(gap.opened, lost);
	assert_true(gap.from_wall_ms >= 1800000000100 && gap.until_wall_ms <= 1800000000200);
	assert_true(gap.n_tickets > 10 && gap.ticket[0].n == 1);
}

/* One number of the new epoch stands for all of them; the record goes there. */
static void what_was_lost_and_not_said_is_said_in_the_new_epoch(void **state)
{
	static const enum store_opening_kind kinds[] = {STORE_RENEWED, STORE_SALVAGED, STORE_RENEWED};
	struct store *store = open_store();
	uint64_t lost = lose_some(store, 100);
	(void)state;

	for (unsigned round = 0; round < 3; round++) {
		store = renew(store, kinds[round]);
		check_said(store, lost);
	}
	/* What is lost beside it joins it, and the counts are right still. */
	uint64_t more = lose_some(store, 300);
	static struct ticket_gap gap;
	assert_int_equal(store_gap(store, &gap), WY_OK);
	assert_int_equal(gap.n, lost + more);
	store_close(store);
}

static void put_record(struct store *store)
{
	static struct ticket_gap gap;
	static char text[WY_TICKET_BYTES_MAX];
	size_t len;

	assert_int_equal(store_gap(store, &gap), WY_OK);
	uint64_t seq = gap.range[0].first;
	len = (size_t)snprintf(text, sizeof(text),
			       "{\"id\":\"%016llx-%llu\",\"source\":\"/weiyu/gw-test\",\"type\":\"" TICKET_GAP_TYPE "\",\"sequence\":"
			       "\"%019llu\",\"data\":{\"gateway_seq\":%llu,\"events\":%llu,\"by_tier\":{\"S1\":0,\"S2\":0,\"S3\":0,"
			       "\"S4\":%llu},\"by_kind\":{\"opened\":%llu,\"updated\":0,\"ended\":0,\"other\":0},\"from\":"
			       "\"2027-01-15T08:00:00.100Z\",\"until\":\"2027-01-15T08:00:00.190Z\",\"tickets\":[",
			       (unsigned long long)store_epoch(store), (unsigned long long)seq, (unsigned long long)seq,
			       (unsigned long long)seq, (unsigned long long)gap.n, (unsigned long long)gap.n,
			       (unsigned long long)gap.n);
	for (size_t i = 0; i < gap.n_tickets; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s{\"ticket_key\":\"%s\",\"events\":%u}", i ? "," : "",
					gap.ticket[i].key, gap.ticket[i].n);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "],\"ranges\":[[1,2]]}}");
	struct store_event event = {.seq = seq, .tier = 4, .ticket_key = "", .type = TICKET_GAP_TYPE, .topic = "ticket",
				    .created = {1800000000150, 5}, .payload = text, .len = len};
	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_put_gap(store, &gap, &event), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
}

/* Nobody knows whether the platform has it. */
static void a_record_without_receipt_is_said_again_in_the_new_epoch(void **state)
{
	struct store *store = open_store();
	uint64_t lost = lose_some(store, 100), first = 0, seqs[200];
	size_t n = 0;
	(void)state;

	put_record(store);
	assert_int_equal(store_first_gap(store, &first), WY_E_NOTFOUND);
	store = renew(store, STORE_RENEWED);
	check_said(store, lost);
	/* Put where it belongs it fills its number: there is no hole left. */
	put_record(store);
	uint64_t last = 0;
	assert_int_equal(store_last_seq(store, &last), WY_OK);
	assert_int_equal(store_queued(store, false, 0, seqs, 200, &n), WY_OK);
	assert_int_equal(n, last);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_parked_stays_parked_in_a_new_epoch, make, clean),
		cmocka_unit_test_setup_teardown(what_was_lost_and_not_said_is_said_in_the_new_epoch, make, clean),
		cmocka_unit_test_setup_teardown(a_record_without_receipt_is_said_again_in_the_new_epoch, make, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
