/* store_power.c: the life of a store, and the power cut at every moment of it (power_rig.h): made, filled, receipted,
 * parked, pruned, tidied, closed, opened again; and an old one brought to the present schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "power_rig.h"
#include "store_help.h"

static struct store *store;

static void begin(const struct scratch *scratch)
{
	assert_int_equal(store_open(scratch->dir, "gw-test", NULL, &store), WY_OK);
}

static void turns(int n)
{
	uint64_t seq = 0;

	for (int i = 0; i < n; i++)
		assert_int_equal(help_turn(store, &seq), WY_OK);
}

/* A receipt as the delivery keeps it: some through, one beyond, one refused; then pruning. */
static void receipt(uint64_t through, uint64_t also, uint64_t refused, size_t keep_rows)
{
	size_t n = 0;

	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_park(store, refused, "not readable", 100), WY_OK);
	assert_int_equal(store_receipt_one(store, also, 100), WY_OK);
	assert_int_equal(store_receipt_through(store, false, through, 100, &n), WY_OK);
	assert_int_equal(store_prune_events(store, keep_rows, 50, &n), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
}

static void numbers_and_notes(void)
{
	struct store_clock clock = {.mono_ms = 77, .wall_ms = 88, .boottime_ms = 99, .boot = "boot"};
	struct store_note note = {.wall_ms = 5, .what = "ack", .who = "somebody", .why = "because"};
	uint64_t bd_seq = 0;
	uint32_t number = 0;

	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_next_bd_seq(store, &bd_seq), WY_OK);
	assert_int_equal(store_next_number(store, 20261122, &number), WY_OK);
	assert_int_equal(store_put_clock(store, &clock), WY_OK);
	assert_int_equal(store_put_note(store, &note), WY_OK);
	assert_int_equal(store_put_learned(store, "plc", 7, "refuses 100+20"), WY_OK);
	assert_int_equal(store_put_cell(store, "r/x/y", "some bytes", 10), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
}

static void aborted_turn(void)
{
	uint64_t seq = 0;

	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_next_seq(store, &seq), WY_OK);
	store_abort(store);
}

static void drop_tickets(void)
{
	size_t n = 0;

	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_prune_tickets(store, (struct ticket_stamp){INT64_MAX, INT64_MAX}, &n), WY_OK);
	assert_int_equal(store_prune_notes(store, 100), WY_OK);
	assert_int_equal(store_drop_cell(store, "r/x/y"), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
}

static void a_store_from_nothing(void **state)
{
	struct scratch scratch;
	int rounds = power_rig_is_long() ? 4 : 1;
	(void)state;

	scratch_make(&scratch);
	power_rig_record(scratch.dir, "gw-test");
	begin(&scratch);
	turns(4);
	numbers_and_notes();
	aborted_turn();
	for (int i = 0; i < rounds; i++) {
		uint64_t last = 0;
		turns(5);
		assert_int_equal(store_last_seq(store, &last), WY_OK);
		receipt(last - 3, last, last - 1, 2);
		assert_int_equal(store_tidy(store), WY_OK);
		drop_tickets();
		store_close(store);
		begin(&scratch);
		turns(2);
	}
	store_close(store);
	power_rig_judge("a store from nothing", NULL);
	scratch_remove(&scratch);
}

static void run_file(sqlite3 *db, const char *name)
{
	static char sql[65536];
	char path[400];

	snprintf(path, sizeof(path), WY_SOURCE_DIR "/gateway/store/schema/%s", name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	sql[fread(sql, 1, sizeof(sql) - 1, file)] = '\0';
	fclose(file);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* The first version of the schema with a queue and an open ticket, not closed in order: its WAL is still there. */
static void an_old_store_is_brought_up(void **state)
{
	struct scratch scratch;
	sqlite3 *db = NULL;
	(void)state;

	scratch_make(&scratch);
	assert_int_equal(sqlite3_open(scratch.db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL", NULL, NULL,
				      NULL), SQLITE_OK);
	run_file(db, "001_first.sql");
	assert_int_equal(sqlite3_exec(db, "INSERT INTO meta VALUES ('epoch', 4711), ('gateway', 'gw-test');"
					  "UPDATE meta SET value = 1 WHERE key = 'seq';"
					  "INSERT INTO outbox VALUES (1, 0, 2, 'tk_x', 'com.weiyu.ticket.opened.v1', "
					  "'ticket', 1, 1, 0, NULL, NULL, x'7b7d')", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	power_rig_record(scratch.dir, "gw-test");
	begin(&scratch);
	turns(2);
	store_close(store);
	power_rig_judge("an old store", NULL);
	scratch_remove(&scratch);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_store_from_nothing),
					   cmocka_unit_test(an_old_store_is_brought_up)};

	power_rig_init(argc, argv);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return power_rig_result() || failed;
}
