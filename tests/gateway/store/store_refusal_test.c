/* store_refusal_test.c: a story that uses every call of store.h, in which SQLite refuses one thing for want of memory: the n-th
 * step of a statement, the n-th statement to be prepared, the n-th text or blob to be read, for n = 1 and on until none is left
 * (about SAMPLE of them without WY_LONG in the environment). What fails is done again, as the engine does it. In the end the
 * store tells the same as where nothing failed, word by word. Files and allocations below SQLite: store_fault_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_help.h"

enum { SAMPLE = 16, TRIES = 4, EVENTS = 12, EVENT_BYTES = 3000, QUOTA = 20000, TOLD_BYTES = 20000, EPOCH = 7 };
enum kind { STEP, PREPARE, COLUMN, KINDS };

static struct {
	enum kind kind;
	unsigned left;
	bool has_struck;
	char where[200]; /* the statement */
} plan;

static struct scratch scratch;
static struct store *store;
static char told[TOLD_BYTES], wanted[TOLD_BYTES];
static struct wy_buf buf;

/* ---- SQLite, which refuses ------------------------------------------------------------------------ */

static bool strikes(enum kind kind, const char *sql)
{
	if (kind != plan.kind || !plan.left || --plan.left)
		return false;
	plan.has_struck = true;
	snprintf(plan.where, sizeof(plan.where), "%s", sql ? sql : "");
	return true;
}

int __real_sqlite3_step(sqlite3_stmt *stmt);
int __wrap_sqlite3_step(sqlite3_stmt *stmt);
int __wrap_sqlite3_step(sqlite3_stmt *stmt)
{
	return strikes(STEP, sqlite3_sql(stmt)) ? SQLITE_NOMEM : __real_sqlite3_step(stmt);
}

int __real_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **stmt, const char **tail);
int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **stmt, const char **tail);
int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **stmt, const char **tail)
{
	*stmt = NULL;
	return strikes(PREPARE, sql) ? SQLITE_NOMEM : __real_sqlite3_prepare_v2(db, sql, n, stmt, tail);
}

int __real_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **stmt, const char **tail);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **stmt, const char **tail);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **stmt, const char **tail)
{
	*stmt = NULL;
	return strikes(PREPARE, sql) ? SQLITE_NOMEM : __real_sqlite3_prepare_v3(db, sql, n, flags, stmt, tail);
}

const unsigned char *__real_sqlite3_column_text(sqlite3_stmt *stmt, int column);
const unsigned char *__wrap_sqlite3_column_text(sqlite3_stmt *stmt, int column);
const unsigned char *__wrap_sqlite3_column_text(sqlite3_stmt *stmt, int column)
{
	return strikes(COLUMN, sqlite3_sql(stmt)) ? NULL : __real_sqlite3_column_text(stmt, column);
}

const void *__real_sqlite3_column_blob(sqlite3_stmt *stmt, int column);
const void *__wrap_sqlite3_column_blob(sqlite3_stmt *stmt, int column);
const void *__wrap_sqlite3_column_blob(sqlite3_stmt *stmt, int column)
{
	return strikes(COLUMN, sqlite3_sql(stmt)) ? NULL : __real_sqlite3_column_blob(stmt, column);
}

/* ---- What is written ------------------------------------------------------------------------------- */

static enum wy_err put_ticket(const char *asset, int64_t episode, bool is_over)
{
	struct ticket ticket = help_ticket(EPOCH, asset, episode);
	struct ticket_input clear = {.kind = TICKET_CLEAR, .now = {2000, 1800000002000, WY_CLOCK_SYNCED}, .at_ms = 2000};
	struct ticket_output output;

	ticket.has_peak = true;
	ticket.peak = 3.5;
	if (is_over)
		assert_int_equal(ticket_step(&ticket, &clear, &output), WY_OK);
	return store_put_ticket(store, &ticket, "{\"summary\":\"x\"}", 15);
}

static enum wy_err put_some_tickets(void)
{
	enum wy_err err = put_ticket("A", 1, true);

	if (!err)
		err = put_ticket("B", 1, false);
	return err ? err : put_ticket("C", 1, true);
}

static enum wy_err end_and_repeat_a_ticket(void)
{
	enum wy_err err = put_ticket("B", 1, true);

	return err ? err : put_ticket("B", 2, false);
}

static enum wy_err put_counters(void)
{
	struct store_clock clock = {1000, 1800000000000, 5000, 1800000000000, "boot"};
	uint32_t number;
	uint64_t bd_seq;
	enum wy_err err = store_put_clock(store, &clock);

	clock.sure_wall_ms = 0;
	if (!err)
		err = store_put_clock(store, &clock);
	if (!err)
		err = store_next_number(store, 20261122, &number);
	if (!err)
		err = store_next_bd_seq(store, &bd_seq);
	return err;
}

static enum wy_err put_words(void)
{
	struct store_note note = {.wall_ms = 1000, .what = "shelve", .ticket_key = "tk_a", .rule = "r", .asset = "A", .who = "li"};
	enum wy_err err = store_put_note(store, &note);

	note.wall_ms = 1;
	if (!err)
		err = store_put_note(store, &note);
	if (!err)
		err = store_put_cell(store, "r/A/x", "12345", 5);
	if (!err)
		err = store_put_cell(store, "r/B/x", "", 0);
	if (!err)
		err = store_put_cell(store, "r/C/x", "678", 3);
	if (!err)
		err = store_put_learned(store, "lift-1", 77, "{\"a\":1}");
	return err ? err : store_put_learned(store, "lift-2", 78, "{\"b\":1}");
}

static enum wy_err drop_words(void)
{
	enum wy_err err = store_drop_cell(store, "r/C/x");

	if (!err)
		err = store_drop_learned(store, "lift-2");
	return err ? err : store_prune_notes(store, 500);
}

/* Noise does not pack; the last of the events does. */
static enum wy_err put_events(void)
{
	struct store_event event = {.type = "com.weiyu.ticket.updated.v1", .topic = "ticket", .created = {1800000000000, 1}};
	char payload[EVENT_BYTES], key[TICKET_KEY_SIZE];
	uint64_t noise = 88172645463325252u;
	enum wy_err err = WY_OK;

	for (size_t i = 0; i < sizeof(payload); i++) {
		noise ^= noise << 13;
		noise ^= noise >> 7;
		noise ^= noise << 17;
		payload[i] = (char)('!' + noise % 90);
	}
	event.payload = payload;
	event.len = sizeof(payload);
	event.ticket_key = key;
	for (int i = 0; i < EVENTS && !err; i++) {
		ticket_key(i % 2 ? "A/ELV-01" : "B/ELV-01", EPOCH, 1, key);
		event.tier = (uint8_t)(i % 5 == 0 ? 1 : 2 + i % 3);
		event.type = i % 4 == 0 ? "com.weiyu.ticket.opened.v1" : "com.weiyu.ticket.cleared.v1";
		if (i == EVENTS - 1)
			memset(payload, 'x', sizeof(payload));
		err = store_next_seq(store, &event.seq);
		if (!err)
			err = store_put_event(store, &event);
	}
	return err;
}

static enum wy_err put_gap(void)
{
	static struct ticket_gap gap;
	struct store_event event = {.tier = 3, .ticket_key = "", .type = "com.weiyu.ticket.gap.v1", .topic = "ticket", .payload = "{}",
				    .len = 2};
	enum wy_err err = store_gap(store, &gap);

	if (err)
		return err;
	event.seq = gap.range[0].first;
	err = store_put_gap(store, &gap, &event);
	return err ? err : store_allow_sending(store, gap.range[0].first + 2);
}

static enum wy_err take_receipts(void)
{
	size_t n;
	enum wy_err err = store_receipt_one(store, 1, 1000);

	if (!err)
		err = store_receipt_one(store, 999, 1000); /* there is none */
	if (!err)
		err = store_park(store, 6, "no such asset", 1000);
	return err ? err : store_receipt_through(store, false, 11, 1000, &n);
}

static enum wy_err prune(void)
{
	struct ticket_stamp before = {1800000099000, 99000};
	size_t n;
	enum wy_err err = store_prune_tickets(store, before, &n);

	if (!err)
		err = store_prune_events(store, 1, 0, &n);
	if (!err)
		err = store_prune_events(store, 1, 500, &n);
	return err ? err : store_recount_outbox(store);
}

static void reopen(void)
{
	enum wy_err err = WY_E_STATE;

	store_close(store);
	store = NULL;
	for (int i = 0; i < TRIES && err; i++)
		err = store_open(scratch.dir, "gw-test", NULL, &store);
	if (err)
		fail_msg("cannot be opened: %s, after %s", wy_err_text(err), plan.where);
	store_set_quota(store, QUOTA);
}

static void do_it(enum wy_err (*write)(void))
{
	enum wy_err err = WY_E_STATE;

	for (int i = 0; i < TRIES && err; i++) {
		err = store_begin(store);
		if (err)
			continue;
		err = write();
		if (err)
			store_abort(store);
		else
			err = store_commit(store);
	}
	if (err)
		fail_msg("not written: %s, after %s", wy_err_text(err), plan.where);
}

/* ---- What is told ---------------------------------------------------------------------------------- */

static bool tell_ticket(void *arg, const struct ticket *ticket, const char *body, size_t len)
{
	(void)arg;
	wy_buf_addf(&buf, "%s %s open=%d rev=%u %s %zu\n", ticket->key, ticket->dedup, ticket->is_open, ticket->rev, body, len);
	return true;
}

static bool tell_cell(void *arg, const char *key, const void *bytes, size_t len)
{
	(void)arg;
	wy_buf_addf(&buf, "%s %zu ", key, len);
	wy_buf_addn(&buf, bytes, len);
	wy_buf_add(&buf, "\n");
	return true;
}

static bool tell_learned(void *arg, const char *device, uint64_t origin, const char *facts)
{
	(void)arg;
	wy_buf_addf(&buf, "%s %llu %s\n", device, (unsigned long long)origin, facts);
	return true;
}

static enum wy_err tell_tickets(void)
{
	struct ticket ticket = help_ticket(EPOCH, "B", 2);
	struct store_history history;
	char body[100], earlier[3][TICKET_KEY_SIZE];
	size_t len, n;
	enum wy_err err = store_each_open(store, tell_ticket, NULL);

	if (!err)
		err = store_list(store, false, 10, tell_ticket, NULL);
	if (!err)
		err = store_find_open(store, "B/ELV-01", &ticket);
	if (!err)
		err = store_find_ticket(store, ticket.key, &ticket);
	if (!err)
		err = store_find_number(store, ticket.no, &ticket);
	if (!err)
		err = store_ticket_body(store, ticket.key, body, sizeof(body), &len);
	if (!err)
		err = store_history(store, "B/ELV-01", 0, &history);
	if (!err)
		err = store_earlier_tickets(store, "B/ELV-01", earlier, 3, &n);
	if (!err)
		wy_buf_addf(&buf, "%s %s %lld %u %s %zu\n", ticket.key, body, (long long)history.episode, history.count,
			    history.repeat_of, n);
	return err;
}

static enum wy_err tell_words(void)
{
	struct store_note notes[3];
	struct store_clock clock;
	size_t n;
	enum wy_err err = store_each_cell(store, tell_cell, NULL);

	if (!err)
		err = store_each_learned(store, tell_learned, NULL);
	if (!err)
		err = store_ticket_notes(store, "tk_a", notes, 3, &n);
	if (!err)
		wy_buf_addf(&buf, "%zu notes, %s\n", n, notes[0].who);
	if (!err)
		err = store_last_note(store, "r", "A", "shelve", notes);
	if (!err)
		err = store_clock(store, &clock);
	if (!err)
		wy_buf_addf(&buf, "%lld %lld %s\n", (long long)clock.wall_ms, (long long)clock.sure_wall_ms, clock.boot);
	return err;
}

static enum wy_err tell_outbox(void)
{
	struct store_outbox_stats stats;
	struct store_kept_row rows[2 * EVENTS];
	struct store_untold untold[4];
	struct store_event event;
	uint64_t seqs[EVENTS], last = 0, first = 0, sendable = 0;
	size_t n = 0, n_kept = 0, n_untold = 0;
	enum wy_err err = store_outbox_stats(store, &stats);

	for (int lane = 0; lane < 2 && !err; lane++) {
		err = store_queued(store, lane == 0, 0, seqs, EVENTS, &n);
		for (size_t i = 0; i < n && !err; i++) {
			err = store_load_event(store, seqs[i], &event);
			if (!err)
				wy_buf_addf(&buf, "%llu %s %zu\n", (unsigned long long)seqs[i], event.type, event.len);
		}
	}
	if (!err)
		err = store_kept(store, 1, 2 * EVENTS, rows, 2 * EVENTS, &n_kept);
	for (size_t i = 0; i < n_kept && !err; i++)
		if (rows[i].state == STORE_RECEIPTED)
			err = store_load_kept(store, rows[i].seq, &event);
	if (!err)
		err = store_untold(store, untold, 4, &n_untold);
	if (!err)
		err = store_last_seq(store, &last);
	if (!err)
		err = store_sendable_through(store, &sendable);
	if (!err)
		wy_buf_addf(&buf, "%zu %zu %llu %llu %llu %llu %llu\n", n_kept, n_untold, (unsigned long long)last, (unsigned long long)sendable,
			    (unsigned long long)stats.queued, (unsigned long long)stats.parked, (unsigned long long)stats.lost);
	err = err ? err : store_first_gap(store, &first);
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

static void tell(enum wy_err (*read)(void))
{
	enum wy_err err = WY_E_STATE;
	size_t before = buf.len;

	for (int i = 0; i < TRIES && err; i++) {
		buf.len = before;
		buf.text[before] = '\0';
		err = read();
	}
	if (err)
		fail_msg("not read: %s, after %s", wy_err_text(err), plan.where);
}

static void tell_all(void)
{
	tell(tell_tickets);
	tell(tell_words);
	tell(tell_outbox);
}

/* ---- The story --------------------------------------------------------------------------------------- */

static void renew(void)
{
	enum wy_err err = WY_E_STATE;

	for (int i = 0; i < TRIES && err; i++)
		err = store_renew_epoch(store);
	assert_int_equal(err, WY_OK);
	unsigned left = plan.left;
	if (plan.kind == COLUMN)
		plan.left = 0; /* here a NULL that is none of SQLite's would be damage */
	reopen();
	plan.left = left;
	assert_int_equal(store_opening(store)->kind, STORE_RENEWED);
}

static void tell_story(void)
{
	reopen();
	do_it(put_some_tickets);
	do_it(end_and_repeat_a_ticket);
	do_it(put_counters);
	do_it(put_words);
	do_it(drop_words);
	do_it(put_events);
	tell_all();
	do_it(put_gap);
	do_it(take_receipts);
	do_it(put_events);
	tell_all();
	do_it(prune);
	(void)!store_tidy(store);
	(void)!store_verify(store, NULL);
	reopen();
	tell_all();
	renew();
	tell_all();
}

static bool play(enum kind kind, unsigned n)
{
	scratch_make(&scratch);
	wy_buf_init(&buf, told, sizeof(told));
	plan.kind = kind;
	plan.left = n;
	plan.has_struck = false;
	tell_story();
	plan.left = 0;
	assert_false(buf.is_cut);
	assert_int_equal(store_verify(store, NULL), WY_OK);
	assert_int_equal(store_mode(store), STORE_ON_DISK);
	store_close(store);
	store = NULL;
	scratch_remove(&scratch);
	if (strcmp(told, wanted) != 0) {
		size_t same = 0;
		while (told[same] == wanted[same])
			same++;
		fail_msg("kind %d, place %u, in %s: from byte %zu on\n%.300s\nand not\n%.300s", kind, n, plan.where, same, told + same,
			 wanted + same);
	}
	return plan.has_struck;
}

static void whatever_is_refused_once_the_same_stands_there_in_the_end(void **state)
{
	static unsigned places[KINDS];

	(void)state;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		scratch_make(&scratch);
		wy_buf_init(&buf, told, sizeof(told));
		plan.kind = kind;
		plan.left = UINT32_MAX;
		tell_story();
		places[kind] = UINT32_MAX - plan.left;
		store_close(store);
		store = NULL;
		scratch_remove(&scratch);
		strcpy(wanted, told);
	}
	for (enum kind kind = 0; kind < KINDS; kind++) {
		unsigned stride = getenv("WY_LONG") ? 1 : 1 + places[kind] / SAMPLE;

		for (unsigned n = 1; n <= places[kind]; n += stride)
			assert_true(play(kind, n));
		print_message("kind %d: %u places, each %u.\n", kind, places[kind], stride);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(whatever_is_refused_once_the_same_stands_there_in_the_end)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
