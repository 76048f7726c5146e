/* store_test.c: what the store promises while nothing breaks, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_help.h"

static struct scratch scratch;
static struct store *store;
static struct wy_diags diags;
static struct wy_arena arena;
static unsigned char memory[65536];

static enum wy_err reopen(const char *gateway)
{
	store_close(store);
	store = NULL;
	wy_arena_init(&arena, memory, sizeof(memory));
	wy_diags_init(&diags, &arena);
	return store_open(scratch.dir, gateway, &diags, &store);
}

static int make(void **state)
{
	(void)state;
	scratch_make(&scratch);
	return reopen("gw-test") == WY_OK ? 0 : 1;
}

static int remove_all(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	scratch_remove(&scratch);
	return 0;
}

static void run_sql(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(scratch.db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int64_t ask(const char *sql)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int64_t value;

	assert_int_equal(sqlite3_open(scratch.db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return value;
}

static void begin(void)
{
	assert_int_equal(store_begin(store), WY_OK);
}

static void commit(void)
{
	assert_int_equal(store_commit(store), WY_OK);
}

static void a_new_store_has_a_schema_an_epoch_and_can_give_pages_back(void **state)
{
	struct stat file;

	(void)state;
	assert_true(store_epoch(store) != 0);
	assert_int_equal(ask("PRAGMA user_version"), 4);
	assert_int_equal(ask("PRAGMA auto_vacuum"), 2);
	assert_int_equal(stat(scratch.db, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);
	assert_int_equal(store_verify(store, &diags), WY_OK);
}

static void what_was_committed_is_there_after_reopening_and_the_epoch_stays(void **state)
{
	uint64_t epoch = store_epoch(store), seq = 0, found = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(help_turn(store, &seq), WY_OK);
	assert_int_equal(reopen("gw-test"), WY_OK);
	help_check_whole(store, &found);
	assert_int_equal(found, 3);
	assert_true(store_epoch(store) == epoch);
}

static void an_aborted_turn_leaves_nothing_and_its_number_is_given_again(void **state)
{
	uint64_t seq = 0, again = 0, found = 0;

	(void)state;
	begin();
	assert_int_equal(store_next_seq(store, &seq), WY_OK);
	assert_int_equal(store_put_cell(store, "last", "x", 1), WY_OK);
	store_abort(store);
	assert_int_equal(help_turn(store, &again), WY_OK);
	assert_int_equal(again, seq);
	help_check_whole(store, &found);
	assert_int_equal(found, 1);
}

static void notes_come_back_newest_first_and_old_ones_go(void **state)
{
	struct store_note note = {.wall_ms = 1000, .what = "shelve", .ticket_key = "tk_a", .rule = "room.wet", .asset = "A-1",
				  .step = 2, .until_wall_ms = 5000, .who = "wang", .why = "漏"};
	struct store_note found[3];
	size_t n = 9;
	(void)state;

	assert_int_equal(store_put_note(store, &note), WY_E_STATE);
	begin();
	assert_int_equal(store_put_note(store, &note), WY_OK);
	note.wall_ms = 2000;
	strcpy(note.who, "li");
	assert_int_equal(store_put_note(store, &note), WY_OK);
	note.ticket_key[0] = '\0';
	assert_int_equal(store_put_note(store, &note), WY_OK);
	commit();
	assert_int_equal(reopen("gw-test"), WY_OK);
	assert_int_equal(store_ticket_notes(store, "tk_a", found, 3, &n), WY_OK);
	assert_int_equal(n, 2);
	assert_string_equal(found[0].who, "li");
	assert_string_equal(found[1].who, "wang");
	assert_string_equal(found[1].why, "漏");
	assert_int_equal(found[1].step, 2);
	assert_int_equal(found[1].until_wall_ms, 5000);
	assert_int_equal(store_ticket_notes(store, "", found, 3, &n), WY_OK);
	assert_int_equal(n, 0);
	assert_int_equal(store_last_note(store, "room.wet", "A-1", "shelve", &note), WY_OK);
	assert_int_equal(note.wall_ms, 2000);
	assert_int_equal(store_last_note(store, "room.wet", "A-1", "ack", &note), WY_E_NOTFOUND);
	begin();
	assert_int_equal(store_prune_notes(store, 2000), WY_OK);
	commit();
	assert_int_equal(store_ticket_notes(store, "tk_a", found, 3, &n), WY_OK);
	assert_int_equal(n, 1);
}

struct learned_list {
	char text[200];
	size_t most;
};

static bool list_learned(void *arg, const char *device, uint64_t origin, const char *facts)
{
	struct learned_list *list = arg;
	size_t used = strlen(list->text);

	snprintf(list->text + used, sizeof(list->text) - used, "%s/%llx/%s ", device, (unsigned long long)origin, facts);
	return --list->most > 0;
}

static void what_was_learned_is_one_text_per_device(void **state)
{
	struct learned_list list = {.most = 9};
	(void)state;

	assert_int_equal(store_put_learned(store, "box-2", 1, "x"), WY_E_STATE);
	begin();
	assert_int_equal(store_put_learned(store, "box-2", UINT64_C(0xfedcba9876543210), "slow"), WY_OK);
	assert_int_equal(store_put_learned(store, "box-1", 1, "old"), WY_OK);
	assert_int_equal(store_put_learned(store, "box-1", 2, "neu 新"), WY_OK);
	assert_int_equal(store_put_learned(store, "box-3", 3, "gone"), WY_OK);
	assert_int_equal(store_drop_learned(store, "box-3"), WY_OK);
	assert_int_equal(store_drop_learned(store, "box-4"), WY_OK);
	commit();
	assert_int_equal(reopen("gw-test"), WY_OK);
	assert_int_equal(store_each_learned(store, list_learned, &list), WY_OK);
	assert_string_equal(list.text, "box-1/2/neu 新 box-2/fedcba9876543210/slow ");
	list = (struct learned_list){.most = 1};
	assert_int_equal(store_each_learned(store, list_learned, &list), WY_OK);
	assert_string_equal(list.text, "box-1/2/neu 新 ");
}

static void run_schema(const char *name)
{
	static char sql[8192];
	char path[HELP_PATH * 2];

	snprintf(path, sizeof(path), "%s/gateway/store/schema/%s", WY_SOURCE_DIR, name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	sql[fread(sql, 1, sizeof(sql) - 1, file)] = '\0';
	fclose(file);
	run_sql(sql);
}

static void a_store_of_the_version_before_is_brought_up_to_date_with_its_queue(void **state)
{
	struct store_outbox_stats stats;
	struct learned_list list = {.most = 9};
	struct store_event event;
	uint64_t sent = 0;
	(void)state;

	store_close(store);
	store = NULL;
	unlink(scratch.db);
	run_schema("001_first.sql");
	run_schema("002_notes.sql");
	run_schema("003_learned.sql");
	run_sql("UPDATE meta SET value = 3 WHERE key = 'seq';"
		"INSERT INTO meta VALUES ('epoch', 77), ('gateway', 'gw-test');"
		"INSERT INTO outbox VALUES (1, 0, 3, 'tk_a', 'com.weiyu.ticket.opened.v1', 'ticket', 5, 6, 1, 7, NULL, x'7b7d'),"
		"(2, 0, 3, 'tk_a', 'com.weiyu.ticket.updated.v1', 'ticket', 5, 6, 0, NULL, NULL, x'7b317d'),"
		"(3, 1, 1, 'tk_b', 'com.weiyu.ticket.opened.v1', 'ticket', 5, 6, 0, NULL, NULL, x'7b7d')");
	assert_int_equal(reopen("gw-test"), WY_OK);
	assert_int_equal(ask("PRAGMA user_version"), 4);
	assert_int_equal(store_each_learned(store, list_learned, &list), WY_OK);
	assert_string_equal(list.text, "");
	assert_int_equal(store_load_event(store, 2, &event), WY_OK);
	assert_int_equal(event.len, 3);
	assert_memory_equal(event.payload, "{1}", 3);
	assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
	assert_int_equal(stats.queued, 2);
	assert_int_equal(stats.queued_s1, 1);
	assert_int_equal(stats.receipted, 1);
	assert_true(stats.bytes > stats.queued_bytes && stats.queued_bytes > 5);
	assert_int_equal(store_sendable_through(store, &sent), WY_OK);
	assert_int_equal(sent, 3);
	assert_int_equal(store_verify(store, NULL), WY_OK);
}

static void writing_outside_a_transaction_is_refused(void **state)
{
	uint64_t seq = 0;

	(void)state;
	assert_int_equal(store_next_seq(store, &seq), WY_E_STATE);
	assert_int_equal(store_put_cell(store, "k", "x", 1), WY_E_STATE);
	assert_int_equal(store_commit(store), WY_E_STATE);
	begin();
	assert_int_equal(store_begin(store), WY_E_STATE);
}

static void a_ticket_comes_back_as_it_was_put(void **state)
{
	struct ticket ticket = help_ticket(store_epoch(store), "3A-L2", 7), found, by_key;

	(void)state;
	ticket.has_peak = true;
	ticket.peak = 91.25;
	ticket.peak_limit = 85;
	begin();
	assert_int_equal(store_put_ticket(store, &ticket, "{}", 2), WY_OK);
	commit();
	assert_int_equal(reopen("gw-test"), WY_OK);
	assert_int_equal(store_find_open(store, "3A-L2/ELV-01", &found), WY_OK);
	assert_memory_equal(&found, &ticket, sizeof(ticket));
	assert_int_equal(store_find_ticket(store, ticket.key, &by_key), WY_OK);
	assert_memory_equal(&by_key, &ticket, sizeof(ticket));
	assert_int_equal(store_find_open(store, "3A-L1/ELV-01", &found), WY_E_NOTFOUND);
}

static void two_open_tickets_of_one_fault_are_refused_and_the_turn_cannot_be_committed(void **state)
{
	struct ticket first = help_ticket(store_epoch(store), "L1", 1),
		      second = help_ticket(store_epoch(store), "L1", 2);

	(void)state;
	begin();
	assert_int_equal(store_put_ticket(store, &first, "{}", 2), WY_OK);
	assert_int_equal(store_put_ticket(store, &second, "{}", 2), WY_E_EXISTS);
	assert_int_equal(store_put_cell(store, "k", "x", 1), WY_E_STATE);
	assert_int_equal(store_commit(store), WY_E_STATE);
	assert_int_equal(store_find_open(store, first.dedup, &first), WY_E_NOTFOUND);
}

static struct ticket end(struct ticket ticket, wy_ms wall_ms)
{
	struct ticket_input input = {
		.kind = TICKET_CLEAR, .now = {wall_ms, wall_ms, WY_CLOCK_SYNCED}, .at_ms = wall_ms};
	struct ticket_output output;

	assert_int_equal(ticket_step(&ticket, &input, &output), WY_OK);
	return ticket;
}

static void history_counts_episodes_and_outlives_pruned_tickets(void **state)
{
	const wy_ms day_ms = 86400000, last_ms = 1800000001000;
	struct store_history history;
	struct ticket ticket;
	size_t n = 0;

	(void)state;
	assert_int_equal(store_history(store, "L1/ELV-01", 0, &history), WY_OK);
	assert_int_equal(history.episode, 0);
	assert_string_equal(history.repeat_of, "");
	begin();
	for (int64_t episode = 1; episode <= 3; episode++) {
		ticket = end(help_ticket(store_epoch(store), "L1", episode),
			     last_ms + episode * day_ms);
		ticket.opened.mono_ms = ticket.cleared.mono_ms - 1000;
		assert_int_equal(store_put_ticket(store, &ticket, "{}", 2), WY_OK);
	}
	commit();
	assert_int_equal(store_history(store, "L1/ELV-01", last_ms - 30 * day_ms, &history), WY_OK);
	assert_int_equal(history.episode, 3);
	assert_int_equal(history.count, 3);
	assert_string_equal(history.repeat_of, ticket.key);
	assert_int_equal(store_history(store, "L1/ELV-01", last_ms + 4 * day_ms, &history), WY_OK);
	assert_string_equal(history.repeat_of, "");
	begin();
	/* A wall clock years ahead drops nothing by itself. */
	assert_int_equal(store_prune_tickets(store, (struct ticket_stamp){2 * last_ms, 0}, &n), WY_OK);
	assert_int_equal(n, 0);
	assert_int_equal(store_prune_tickets(store, (struct ticket_stamp){last_ms + 10 * day_ms, last_ms + 10 * day_ms}, &n),
			 WY_OK);
	commit();
	assert_int_equal(n, 3);
	assert_int_equal(store_history(store, "L1/ELV-01", 0, &history), WY_OK);
	assert_int_equal(history.episode, 3); /* else a key would come twice */
}

static void put_event(uint64_t *ret_seq, uint8_t tier)
{
	struct store_event event = {.tier = tier,
				    .ticket_key = "tk_x",
				    .type = "t",
				    .topic = "ticket",
				    .created = {1000, 10},
				    .payload = "{}",
				    .len = 2};

	begin();
	assert_int_equal(store_next_seq(store, &event.seq), WY_OK);
	assert_int_equal(store_put_event(store, &event), WY_OK);
	commit();
	*ret_seq = event.seq;
}

static void queued_rows_come_by_lane_and_number_until_receipted_or_parked(void **state)
{
	uint64_t seq, out[8];
	struct store_event event;
	struct store_outbox_stats stats;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 6; i++)
		put_event(&seq, i % 3 == 2 ? 1 : 3); /* 3 and 6 are S1 */
	assert_int_equal(store_queued(store, true, 0, out, 8, &n), WY_OK);
	assert_int_equal(n, 2);
	assert_int_equal(out[0], 3);
	assert_int_equal(out[1], 6);
	assert_int_equal(store_queued(store, false, 1, out, 2, &n), WY_OK);
	assert_int_equal(n, 2);
	assert_int_equal(out[0], 2);
	assert_int_equal(out[1], 4);
	assert_int_equal(store_load_event(store, 2, &event), WY_OK);
	assert_string_equal(event.topic, "ticket");
	assert_memory_equal(event.payload, "{}", 2);
	begin();
	assert_int_equal(store_park(store, 2, "no such asset", 5), WY_OK);
	assert_int_equal(store_receipt_one(store, 6, 5), WY_OK);
	assert_int_equal(store_receipt_through(store, false, 4, 5, &n), WY_OK);
	commit();
	assert_int_equal(n, 2); /* 1 and 4; 2 is parked, 3 is of the other lane */
	assert_int_equal(store_load_event(store, 2, &event), WY_E_NOTFOUND);
	assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
	assert_int_equal(stats.queued, 2);
	assert_int_equal(stats.queued_s1, 1);
	assert_int_equal(stats.receipted, 3);
	assert_int_equal(stats.parked, 1);
	assert_true(stats.oldest_wall_ms == 1000);
}

static void pruning_takes_receipted_rows_by_number_and_by_age_only(void **state)
{
	struct store_outbox_stats stats;
	uint64_t seq;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 10; i++)
		put_event(&seq, 3);
	begin();
	assert_int_equal(store_receipt_through(store, false, 4, 100, &n), WY_OK);
	assert_int_equal(store_receipt_one(store, 5, 200), WY_OK);
	assert_int_equal(store_receipt_one(store, 6, 200), WY_OK);
	assert_int_equal(store_prune_events(store, 100, 50, &n), WY_OK);
	assert_int_equal(n, 0);
	assert_int_equal(store_prune_events(store, 3, 50, &n), WY_OK);
	assert_int_equal(n, 3); /* 1, 2, 3: beyond the newest three */
	assert_int_equal(store_prune_events(store, 100, 150, &n), WY_OK);
	assert_int_equal(n, 1); /* 4: too old */
	commit();
	assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
	assert_int_equal(stats.queued, 4);
	assert_int_equal(stats.receipted, 2);
	assert_int_equal(store_tidy(store), WY_OK);
}

static void put_noise(unsigned n)
{
	static unsigned char noise[50000];
	struct store_event event = {.tier = 3, .ticket_key = "tk", .type = "t", .topic = "ticket", .payload = noise, .len = sizeof(noise)};
	uint32_t draw = 1;

	begin();
	for (unsigned i = 0; i < n; i++) {
		for (size_t k = 0; k < sizeof(noise); k++) {
			draw = draw * 1664525u + 1013904223u;
			noise[k] = (unsigned char)(draw >> 24);
		}
		assert_int_equal(store_next_seq(store, &event.seq), WY_OK);
		assert_int_equal(store_put_event(store, &event), WY_OK);
	}
	commit();
}

static off_t file_size(void)
{
	struct stat found;

	assert_int_equal(stat(scratch.db, &found), 0);
	return found.st_size;
}

/* Bytes this process has asked to be written, to whatever. */
static unsigned long long written(void)
{
	unsigned long long n = 0;
	char line[100];
	FILE *io = fopen("/proc/self/io", "r");

	assert_non_null(io);
	while (fgets(line, sizeof(line), io))
		(void)sscanf(line, "wchar: %llu", &n);
	fclose(io);
	return n;
}

/* Forty megabytes waited for weeks, and are gone. */
static void a_file_that_was_large_gets_small_again_a_little_at_a_time(void **state)
{
	unsigned portions = 0;
	uint64_t last = 0;
	size_t n = 1;

	(void)state;
	assert_false(store_is_untidy(store));
	put_noise(800);
	assert_false(store_is_untidy(store));
	assert_int_equal(store_last_seq(store, &last), WY_OK);
	for (begin(); n > 0;) {
		size_t n_through;
		assert_int_equal(store_receipt_through(store, false, last, 100, &n_through), WY_OK);
		assert_int_equal(store_prune_events(store, 0, 200, &n), WY_OK);
	}
	commit();
	assert_true(file_size() > 38000000);
	assert_true(store_is_untidy(store));
	unsigned long long most = 0, before = written(), all = 0;
	for (; store_is_untidy(store); portions++, before = written()) {
		assert_true(portions < 100);
		assert_int_equal(store_tidy(store), WY_OK);
		most = written() - before > most ? written() - before : most;
		all += written() - before;
	}
	print_message("%u portions, at most %llu bytes each, %llu in all\n", portions, most, all);
	assert_true(portions > 10 && most < 6u << 20 && all < 12u << 20);
	assert_true(file_size() <= (off_t)WY_STORE_FREE_BYTES + (2 << 20));
	before = written();
	for (int i = 0; i < 100; i++)
		assert_false(store_is_untidy(store));
	assert_int_equal(written(), before);
	assert_int_equal(store_verify(store, NULL), WY_OK);
}

static void counters_and_clock_go_on_after_reopening(void **state)
{
	struct store_clock clock = {123, 456, 789, 400, "boot-1"}, found;
	uint64_t bd_seq = 0;
	uint32_t number = 0;

	(void)state;
	assert_int_equal(store_clock(store, &found), WY_E_NOTFOUND);
	begin();
	assert_int_equal(store_next_bd_seq(store, &bd_seq), WY_OK);
	assert_int_equal(store_next_number(store, 20261122, &number), WY_OK);
	assert_int_equal(store_put_clock(store, &clock), WY_OK);
	commit();
	assert_int_equal(reopen("gw-test"), WY_OK);
	begin();
	assert_int_equal(store_next_bd_seq(store, &bd_seq), WY_OK);
	assert_int_equal(store_next_number(store, 20261122, &number), WY_OK);
	assert_int_equal(number, 2);
	assert_int_equal(store_next_number(store, 20261123, &number), WY_OK);
	commit();
	assert_int_equal(bd_seq, 2);
	assert_int_equal(number, 1);
	assert_int_equal(store_clock(store, &found), WY_OK);
	assert_true(found.mono_ms == 123 && found.wall_ms == 456 && found.boottime_ms == 789);
	assert_true(found.sure_wall_ms == 400);
	assert_string_equal(found.boot, "boot-1");
	begin(); /* in doubt: what was known stays */
	assert_int_equal(store_put_clock(store, &(struct store_clock){124, 457, 790, 0, "boot-1"}), WY_OK);
	commit();
	assert_int_equal(store_clock(store, &found), WY_OK);
	assert_true(found.wall_ms == 457 && found.sure_wall_ms == 400);
}

static void a_second_process_is_refused_with_words(void **state)
{
	pid_t child = fork();
	int status = 0;

	(void)state;
	if (child == 0) {
		struct store *other = NULL;
		enum wy_err err;

		wy_diags_init(&diags, &arena);
		err = store_open(scratch.dir, "gw-test", &diags, &other);
		_exit(err == WY_E_BUSY && diags.errors == 1 &&
				      strstr(diags.item[0].text, "another process")
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void refuse(const char *gateway, enum wy_err err, const char *words)
{
	assert_int_equal(reopen(gateway), err);
	assert_null(store);
	assert_int_equal(diags.errors, 1);
	if (!strstr(diags.item[0].text, words))
		fail_msg("'%s' is not in '%s'", words, diags.item[0].text);
}

static void a_newer_schema_is_refused_with_words(void **state)
{
	(void)state;
	run_sql("UPDATE meta SET value = 999 WHERE key = 'schema'; PRAGMA user_version = 999");
	refuse("gw-test", WY_E_UNSUPPORTED, "newer version");
}

static void the_store_of_another_gateway_is_refused_with_words(void **state)
{
	(void)state;
	refuse("gw-other", WY_E_INVALID, "gw-test");
}

static void somebody_elses_database_is_refused(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	assert_int_equal(unlink(scratch.db), 0);
	run_sql("CREATE TABLE photos (x)");
	refuse("gw-test", WY_E_INVALID, "not a store");
}

static void a_missing_directory_is_said(void **state)
{
	struct store *other = NULL;

	(void)state;
	assert_int_equal(store_open("/nonexistent/dir", "gw-test", &diags, &other), WY_E_IO);
	assert_int_equal(diags.errors, 1);
}

/* Damage at many places: a store that works, never an error or a crash. At the head of a page it is
 * seen; most other bytes are payload, which SQLite does not checksum. */
static void damage_is_healed_by_opening(void **state)
{
	unsigned found = 0;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		uint64_t seq = 0;
		unsigned char bytes[64];
		FILE *file;
		struct stat info;
		long at;

		remove_all(NULL);
		assert_int_equal(make(NULL), 0);
		for (int i = 0; i < 10; i++)
			assert_int_equal(help_turn(store, &seq), WY_OK);
		store_close(store);
		store = NULL;
		assert_int_equal(stat(scratch.db, &info), 0);
		at = (long)(round * 2654435761u % (unsigned)info.st_size);
		if (round % 2 == 0)
			at = (long)(round / 2) * 4096 % (long)info.st_size;
		memset(bytes, (int)(0xA5 ^ round), sizeof(bytes));
		file = fopen(scratch.db, "r+");
		assert_non_null(file);
		assert_int_equal(fseek(file, at, SEEK_SET), 0);
		assert_int_equal(fwrite(bytes, 1, sizeof(bytes), file), sizeof(bytes));
		assert_int_equal(fclose(file), 0);
		assert_int_equal(reopen("gw-test"), WY_OK);
		assert_int_equal(store_verify(store, NULL), WY_OK);
		begin();
		assert_int_equal(store_put_cell(store, "again", "x", 1), WY_OK);
		commit();
		found += store_opening(store)->kind == STORE_SALVAGED;
		assert_true(round > 0 || found == 1);
	}
	assert_true(found >= 20);
}

static void what_does_not_fit_or_is_not_begun_is_refused_and_nothing_is_written(void **state)
{
	static unsigned char payload[WY_TICKET_BYTES_MAX + 1];
	struct ticket ticket = help_ticket(store_epoch(store), "L1", 1);
	struct store_event event = {.tier = 2, .ticket_key = "tk_a", .type = "t", .topic = "ticket", .payload = payload,
				    .len = sizeof(payload)};
	char body[8];
	size_t len = 0;

	(void)state;
	begin();
	assert_int_equal(store_put_ticket(store, &ticket, "0123456", 7), WY_OK);
	assert_int_equal(store_next_seq(store, &event.seq), WY_OK);
	event.len--;
	assert_int_equal(store_put_event(store, &event), WY_OK);
	commit();
	assert_int_equal(store_ticket_body(store, ticket.key, body, 7, &len), WY_E_LIMIT);
	assert_int_equal(store_ticket_body(store, ticket.key, body, 8, &len), WY_OK);
	assert_string_equal(body, "0123456");
	assert_int_equal(store_ticket_body(store, "tk_none", body, 8, &len), WY_E_NOTFOUND);
	begin();
	event.len++;
	assert_int_equal(store_put_event(store, &event), WY_E_LIMIT);
	store_abort(store);
	ticket.is_begun = false;
	begin();
	assert_int_equal(store_put_ticket(store, &ticket, "{}", 2), WY_E_STATE);
	store_abort(store);
}

static bool take_one_ticket(void *arg, const struct ticket *ticket, const char *body, size_t len)
{
	(void)ticket;
	(void)body;
	(void)len;
	return ++*(unsigned *)arg < 1;
}

static bool take_one_cell(void *arg, const char *key, const void *bytes, size_t len)
{
	(void)key;
	(void)bytes;
	(void)len;
	return ++*(unsigned *)arg < 1;
}

static void a_visitor_may_stop_and_a_list_ends_where_there_is_no_more_room(void **state)
{
	struct store_note note = {.wall_ms = 1, .what = "ack", .ticket_key = "tk_a"}, notes[1];
	char earlier[1][TICKET_KEY_SIZE];
	uint64_t seq = 0, seqs[1];
	unsigned n_open = 0, n_listed = 0, n_cells = 0;
	size_t n = 0;

	(void)state;
	assert_int_equal(help_turn(store, &seq), WY_OK);
	assert_int_equal(help_turn(store, &seq), WY_OK);
	begin();
	assert_int_equal(store_put_cell(store, "other", "x", 1), WY_OK);
	assert_int_equal(store_put_note(store, &note), WY_OK);
	assert_int_equal(store_put_note(store, &note), WY_OK);
	for (int64_t episode = 1; episode <= 2; episode++) {
		struct ticket over = end(help_ticket(store_epoch(store), "again", episode), 2000);
		assert_int_equal(store_put_ticket(store, &over, "{}", 2), WY_OK);
	}
	commit();
	assert_int_equal(store_each_open(store, take_one_ticket, &n_open), WY_OK);
	assert_int_equal(store_list(store, false, 10, take_one_ticket, &n_listed), WY_OK);
	assert_int_equal(store_each_cell(store, take_one_cell, &n_cells), WY_OK);
	assert_int_equal(n_open + n_listed + n_cells, 3);
	assert_int_equal(store_ticket_notes(store, "tk_a", notes, 1, &n), WY_OK);
	assert_int_equal(n, 1);
	assert_int_equal(store_earlier_tickets(store, "again/ELV-01", earlier, 1, &n), WY_OK);
	assert_int_equal(n, 1);
	assert_int_equal(store_queued(store, false, 0, seqs, 1, &n), WY_OK);
	assert_int_equal(n, 1);
}

static void upkeep_in_the_middle_of_a_turn_is_refused(void **state)
{
	(void)state;
	begin();
	assert_int_equal(store_tidy(store), WY_E_STATE);
	assert_int_equal(store_try_disk(store), WY_OK); /* it is there already */
	store_abort(store);
	assert_int_equal(store_tidy(store), WY_OK);
	assert_string_equal(store_mode_text(store_mode(store)), "disk");
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, remove_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_does_not_fit_or_is_not_begun_is_refused_and_nothing_is_written),
		T(a_visitor_may_stop_and_a_list_ends_where_there_is_no_more_room),
		T(upkeep_in_the_middle_of_a_turn_is_refused),
		T(a_new_store_has_a_schema_an_epoch_and_can_give_pages_back),
		T(what_was_committed_is_there_after_reopening_and_the_epoch_stays),
		T(an_aborted_turn_leaves_nothing_and_its_number_is_given_again),
		T(notes_come_back_newest_first_and_old_ones_go),
		T(what_was_learned_is_one_text_per_device),
		T(a_store_of_the_version_before_is_brought_up_to_date_with_its_queue),
		T(writing_outside_a_transaction_is_refused),
		T(a_ticket_comes_back_as_it_was_put),
		T(two_open_tickets_of_one_fault_are_refused_and_the_turn_cannot_be_committed),
		T(history_counts_episodes_and_outlives_pruned_tickets),
		T(queued_rows_come_by_lane_and_number_until_receipted_or_parked),
		T(pruning_takes_receipted_rows_by_number_and_by_age_only),
		T(a_file_that_was_large_gets_small_again_a_little_at_a_time),
		T(counters_and_clock_go_on_after_reopening),
		T(a_second_process_is_refused_with_words),
		T(a_newer_schema_is_refused_with_words),
		T(the_store_of_another_gateway_is_refused_with_words),
		T(somebody_elses_database_is_refused),
		T(a_missing_directory_is_said),
		T(damage_is_healed_by_opening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
