/* store_memory_test.c: a disk that takes no more, and comes back. One story of turns, receipts, parked and pruned rows is
 * told to a store whose disk fails from its n-th write, sync, truncation ... on, for n = 1, 2, ... until nothing is left to
 * fail. Every call succeeds all the same, and once the disk serves again the file is, row by row, the one that a healthy disk
 * would hold. The same with the n-th use failing while everything goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault_vfs.h"
#include "store_help.h"
#include "wy_limits.h"

enum { STORY_TURNS = 8, TRIES_MAX = 3000, DUMP_BYTES = 1 << 20 };

static struct scratch base; /* a store with a past, copied for each round */

/* ---- Files and rows ----------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
	static unsigned char bytes[1 << 20];
	FILE *in = fopen(from, "rb"), *out;
	size_t n;

	if (!in)
		return;
	out = fopen(to, "wb");
	assert_non_null(out);
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(in);
	fclose(out);
}

static void copy_store(const struct scratch *from, const struct scratch *to)
{
	static const char *const suffixes[] = {"", "-wal"};
	char source[HELP_PATH + 32], target[HELP_PATH + 32];

	for (size_t i = 0; i < 2; i++) {
		snprintf(source, sizeof(source), "%s%s", from->db, suffixes[i]);
		snprintf(target, sizeof(target), "%s%s", to->db, suffixes[i]);
		copy_file(source, target);
	}
}

/* Every row of every table as text; the caller frees. */
static char *dump(const struct scratch *scratch)
{
	static const char *const tables[] = {"meta", "day_number", "episode", "ticket", "outbox", "rule_cell", "learned",
					     "note"};
	char *out = malloc(DUMP_BYTES);
	size_t len = 0;
	sqlite3 *db = NULL;

	assert_non_null(out);
	assert_int_equal(sqlite3_open_v2(scratch->db, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		char sql[80];
		sqlite3_stmt *stmt = NULL;
		snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY 1", tables[i]);
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			len += (size_t)snprintf(out + len, DUMP_BYTES - len, "%s", tables[i]);
			for (int c = 0; c < sqlite3_column_count(stmt); c++) {
				const char *text = (const char *)sqlite3_column_text(stmt, c);
				len += (size_t)snprintf(out + len, DUMP_BYTES - len, "|%.60s", text ? text : "NULL");
				assert_true(len < DUMP_BYTES);
			}
			len += (size_t)snprintf(out + len, DUMP_BYTES - len, "\n");
		}
		sqlite3_finalize(stmt);
	}
	sqlite3_close(db);
	return out;
}

/* ---- The story ---------------------------------------------------------------------------------- */

static void put_event(struct store *store, uint64_t seq, bool is_s1)
{
	static char payload[3000];
	struct ticket ticket;
	char asset[32];

	memset(payload, 'x', sizeof(payload));
	snprintf(asset, sizeof(asset), "a%llu", (unsigned long long)seq);
	ticket = help_ticket(store_epoch(store), asset, 1);
	struct store_event event = {.seq = seq, .tier = is_s1 ? 1 : 3, .ticket_key = ticket.key, .type = "com.weiyu.x",
				    .topic = "ticket", .payload = payload, .len = sizeof(payload)};
	assert_int_equal(store_put_ticket(store, &ticket, payload, sizeof(payload)), WY_OK);
	assert_int_equal(store_put_event(store, &event), WY_OK);
}

static void decide(struct store *store, unsigned turn)
{
	struct store_note note = {.wall_ms = turn, .what = "ack", .ticket_key = "tk", .who = "li", .why = "seen"};
	struct store_clock clock = {.mono_ms = turn, .wall_ms = turn, .boottime_ms = turn, .boot = "boot"};
	char cell[16], before[16];
	uint64_t seq = 0, last = 0;
	uint32_t number = 0;

	assert_int_equal(store_last_seq(store, &last), WY_OK);
	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_next_number(store, 20261122, &number), WY_OK);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(store_next_seq(store, &seq), WY_OK);
		assert_int_equal(seq, last + 1 + i);
		put_event(store, seq, i == 1);
	}
	snprintf(cell, sizeof(cell), "c%u", turn);
	snprintf(before, sizeof(before), "c%u", turn - 1);
	assert_int_equal(store_put_cell(store, cell, &turn, sizeof(turn)), WY_OK);
	assert_int_equal(store_drop_cell(store, before), WY_OK);
	assert_int_equal(store_put_learned(store, "d", turn, "facts"), WY_OK);
	assert_int_equal(store_put_note(store, &note), WY_OK);
	assert_int_equal(store_put_clock(store, &clock), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
}

static void receive(struct store *store, unsigned turn)
{
	uint64_t last = 0, bd_seq = 0;
	size_t n = 0;

	assert_int_equal(store_last_seq(store, &last), WY_OK);
	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_park(store, last - 1, "no", turn), WY_OK);
	assert_int_equal(store_receipt_one(store, last, turn), WY_OK);
	assert_int_equal(store_receipt_through(store, false, last - 4, turn, &n), WY_OK);
	assert_int_equal(store_receipt_through(store, true, last - 8, turn, &n), WY_OK);
	assert_int_equal(store_prune_events(store, 2, 0, &n), WY_OK);
	assert_int_equal(store_next_bd_seq(store, &bd_seq), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
}

static void play(struct store *store, unsigned from, unsigned to)
{
	size_t n = 0;

	for (unsigned turn = from; turn < to; turn++) {
		decide(store, turn);
		if (turn % 2)
			receive(store, turn);
		if (turn == 5) {
			assert_int_equal(store_begin(store), WY_OK);
			assert_int_equal(store_prune_notes(store, 3), WY_OK);
			assert_int_equal(store_prune_tickets(store, (struct ticket_stamp){1, 1}, &n), WY_OK);
			assert_int_equal(store_commit(store), WY_OK);
			assert_int_equal(store_tidy(store), WY_OK);
		}
	}
}

static struct store *open_store(const struct scratch *scratch)
{
	struct store *store = NULL;

	assert_int_equal(store_open(scratch->dir, "gw-test", NULL, &store), WY_OK);
	return store;
}

static struct store *begin_round(struct scratch *scratch)
{
	scratch_make(scratch);
	copy_store(&base, scratch);
	return open_store(scratch);
}

static char *told_on_a_healthy_disk(void)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch);

	play(store, 1, STORY_TURNS);
	store_close(store);
	char *text = dump(&scratch);
	scratch_remove(&scratch);
	return text;
}

static int make_base(void **state)
{
	struct store *store;

	(void)state;
	scratch_make(&base);
	store = open_store(&base);
	for (unsigned turn = 1; turn < 4; turn++)
		decide(store, turn);
	store_close(store);
	return 0;
}

static int remove_base(void **state)
{
	(void)state;
	scratch_remove(&base);
	return 0;
}

/* ---- Leaving the disk --------------------------------------------------------------------------- */

static const struct {
	enum fault_kind kind;
	enum store_mode mode;
	const char *name;
} kinds[] = {
	{FAULT_WRITE, STORE_FAILED, "write"},	    {FAULT_FULL, STORE_FULL, "full"},
	{FAULT_SYNC, STORE_FAILED, "sync"},	    {FAULT_READONLY, STORE_READONLY, "read-only"},
	{FAULT_CHANGES, STORE_FAILED, "changes"},
};

/* The disk fails from place n on, and serves again after turn `heals`. Whether it struck. */
static bool tell_failing(unsigned k, unsigned n, unsigned heals, const char *expected)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch);
	uint64_t epoch = store_epoch(store);

	fault_on(kinds[k].kind, n);
	play(store, 1, heals);
	assert_int_equal(fault_syncs_repeated(), 0);
	bool has_struck = fault_off();
	assert_int_equal(store_mode(store), has_struck ? kinds[k].mode : STORE_ON_DISK);
	assert_int_equal(store_try_disk(store), WY_OK);
	assert_int_equal(store_mode(store), STORE_ON_DISK);
	play(store, heals, STORY_TURNS);
	assert_int_equal(store_epoch(store), epoch);
	assert_int_equal(store_verify(store, NULL), WY_OK);
	store_close(store);
	char *text = dump(&scratch);
	assert_string_equal(text, expected);
	free(text);
	scratch_remove(&scratch);
	return has_struck;
}

static void a_disk_that_fails_anywhere_loses_and_doubles_nothing(void **state)
{
	char *expected = told_on_a_healthy_disk();

	(void)state;
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		unsigned n = 1;
		while (n < TRIES_MAX && tell_failing(k, n, n % 2 ? STORY_TURNS : 5, expected))
			n += n < 30 ? 1 : 7;
		print_message("%s: up to place %u\n", kinds[k].name, n);
		assert_true(n > 5 && n < TRIES_MAX);
	}
	free(expected);
}

/* ---- Coming back -------------------------------------------------------------------------------- */

/* What a crash at this moment would leave: all that memory holds, or what was there before it began, with or without the
 * turn whose sync failed. */
static void check_left(const struct scratch *scratch, uint64_t before, uint64_t now)
{
	struct scratch copy;
	struct store *store;
	uint64_t seq = 0;

	scratch_make(&copy);
	copy_store(scratch, &copy);
	store = open_store(&copy);
	assert_int_equal(store_verify(store, NULL), WY_OK);
	assert_int_equal(store_last_seq(store, &seq), WY_OK);
	assert_true(seq == before || seq == before + 3 || seq == now);
	store_close(store);
	scratch_remove(&copy);
}

static bool return_failing(enum fault_kind kind, unsigned n, const char *expected)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch);
	uint64_t before = 0, now = 0;

	assert_int_equal(store_last_seq(store, &before), WY_OK);
	fault_on(FAULT_SYNC, 1);
	play(store, 1, 4);
	fault_off();
	assert_int_equal(store_last_seq(store, &now), WY_OK);
	fault_on(kind, n);
	enum wy_err err = store_try_disk(store);
	bool has_struck = fault_off();
	if (err)
		assert_int_equal(store_mode(store), STORE_FAILED);
	check_left(&scratch, err ? before : now, now);
	play(store, 4, 6);
	assert_int_equal(store_try_disk(store), WY_OK);
	play(store, 6, STORY_TURNS);
	store_close(store);
	char *text = dump(&scratch);
	assert_string_equal(text, expected);
	free(text);
	scratch_remove(&scratch);
	return has_struck;
}

static void a_return_that_fails_anywhere_is_whole_or_has_not_been(void **state)
{
	static const enum fault_kind all[] = {FAULT_WRITE, FAULT_SYNC, FAULT_TRUNCATE, FAULT_SHM,
					      FAULT_OPEN,  FAULT_FULL, FAULT_CHANGES};
	char *expected = told_on_a_healthy_disk();

	(void)state;
	for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++) {
		unsigned n = 1;
		while (n < TRIES_MAX && return_failing(all[k], n, expected))
			n++;
		assert_true(n > 1 && n < TRIES_MAX);
	}
	free(expected);
}

/* What a failed sync left in the system's cache may be gone when the file is read next: then the disk is one turn behind, and
 * memory has that turn. */
static void a_turn_that_the_disk_lost_behind_its_failed_sync_is_in_memory(void **state)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch);
	char log[HELP_PATH + 32], kept[HELP_PATH + 32];
	uint64_t seq = 0, found = 0;

	(void)state;
	snprintf(log, sizeof(log), "%s-wal", scratch.db);
	snprintf(kept, sizeof(kept), "%s-wal-kept", scratch.db);
	decide(store, 1);
	copy_file(log, kept);
	fault_on(FAULT_SYNC, 1);
	decide(store, 2);
	assert_true(fault_off());
	assert_int_equal(store_mode(store), STORE_FAILED);
	decide(store, 3);
	assert_int_equal(store_last_seq(store, &seq), WY_OK);
	copy_file(kept, log);
	assert_int_equal(unlink(kept), 0);
	assert_int_equal(store_try_disk(store), WY_OK);
	store_close(store);
	store = open_store(&scratch);
	assert_int_equal(store_last_seq(store, &found), WY_OK);
	assert_int_equal(found, seq);
	assert_int_equal(store_verify(store, NULL), WY_OK);
	store_close(store);
	scratch_remove(&scratch);
}

static void while_somebody_else_reads_the_file_memory_goes_on(void **state)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch);
	sqlite3 *reader = NULL;

	(void)state;
	fault_on(FAULT_SYNC, 1);
	play(store, 1, 3);
	fault_off();
	assert_int_equal(sqlite3_open_v2(scratch.db, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "SELECT count(*) FROM meta", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_try_disk(store), WY_E_BUSY);
	assert_int_equal(store_mode(store), STORE_FAILED);
	play(store, 3, 4);
	sqlite3_close(reader);
	assert_int_equal(store_try_disk(store), WY_OK);
	store_close(store);
	scratch_remove(&scratch);
}

static void a_file_that_was_replaced_meanwhile_is_not_written_over(void **state)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch), *other = NULL;
	struct scratch elsewhere;
	uint64_t epoch = 0, seq = 0;

	(void)state;
	fault_on(FAULT_FULL, 1);
	play(store, 1, 3);
	fault_off();
	scratch_make(&elsewhere);
	other = open_store(&elsewhere);
	assert_int_equal(help_turn(other, &seq), WY_OK);
	epoch = store_epoch(other);
	store_close(other);
	copy_file(elsewhere.db, scratch.db);
	assert_int_equal(store_try_disk(store), WY_E_INVALID);
	assert_int_equal(store_mode(store), STORE_FULL);
	store_close(store);
	char mark[HELP_PATH + 32];
	snprintf(mark, sizeof(mark), "%s/%s", scratch.dir, STORE_MODE_FILE);
	assert_int_equal(unlink(mark), 0); /* else a new epoch: the next test */
	store = open_store(&scratch);
	assert_true(store_epoch(store) == epoch);
	store_close(store);
	scratch_remove(&elsewhere);
	scratch_remove(&scratch);
}

/* The numbers of its memory are nowhere, and must not come again. */
static void one_that_died_in_memory_begins_a_new_epoch(void **state)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch);
	uint64_t epoch = store_epoch(store);
	int status = 0;

	(void)state;
	store_close(store);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		store = open_store(&scratch);
		fault_on(FAULT_FULL, 1);
		play(store, 1, 3);
		_exit(store_mode(store) == STORE_FULL ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	store = open_store(&scratch);
	assert_true(store_epoch(store) != epoch);
	assert_int_equal(store_opening(store)->kind, STORE_RENEWED);
	epoch = store_epoch(store);
	store_close(store);
	store = open_store(&scratch); /* once */
	assert_true(store_epoch(store) == epoch);
	store_close(store);
	scratch_remove(&scratch);
}

/* A start on a disk that takes nothing gives numbers that are nowhere, too. */
static void one_that_began_in_memory_and_died_begins_a_new_epoch(void **state)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch);
	uint64_t epoch = store_epoch(store);
	int status = 0;

	(void)state;
	store_close(store);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		fault_on(FAULT_SHM, 1);
		store = open_store(&scratch);
		bool is_over = store_mode(store) == STORE_FAILED && !store_disk(store).is_apart;
		play(store, 1, 3);
		_exit(is_over ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	store = open_store(&scratch);
	assert_true(store_epoch(store) != epoch);
	store_close(store);
	scratch_remove(&scratch);
}

/* ---- A disk that is bad from the start ---------------------------------------------------------- */

static void a_disk_that_never_took_a_file_gets_one_once_it_does(void **state)
{
	static const enum fault_kind all[] = {FAULT_FULL, FAULT_WRITE, FAULT_OPEN, FAULT_ALL, FAULT_READONLY};

	(void)state;
	for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++) {
		struct scratch scratch;
		uint64_t seq = 0, found = 0;
		scratch_make(&scratch);
		fault_on(all[k], 1);
		struct store *store = open_store(&scratch);
		uint64_t epoch = store_epoch(store);
		assert_true(store_mode(store) != STORE_ON_DISK);
		assert_true(store_disk(store).is_apart);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(help_turn(store, &seq), WY_OK);
		assert_int_equal(store_disk(store).events, 3);
		assert_true(store_try_disk(store) != WY_OK);
		assert_int_equal(help_turn(store, &seq), WY_OK);
		fault_off();
		assert_int_equal(store_try_disk(store), WY_OK);
		assert_int_equal(help_turn(store, &seq), WY_OK);
		store_close(store);
		store = open_store(&scratch);
		assert_true(store_epoch(store) == epoch);
		help_check_whole(store, &found);
		assert_int_equal(found, 5);
		store_close(store);
		scratch_remove(&scratch);
	}
}

/* As one holds it that could not make the lock file. */
static void a_lock_on_the_directory_counts_when_the_file_can_be_made(void **state)
{
	struct scratch scratch;
	struct store *store = NULL;

	(void)state;
	scratch_make(&scratch);
	int fd = open(scratch.dir, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(store_open(scratch.dir, "gw-test", NULL, &store), WY_E_BUSY);
	close(fd);
	store = open_store(&scratch);
	store_close(store);
	scratch_remove(&scratch);
}

static void a_store_that_can_only_be_read_is_taken_up_in_memory(void **state)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch);
	uint64_t epoch = store_epoch(store), before = 0, seq = 0;

	(void)state;
	assert_int_equal(store_last_seq(store, &before), WY_OK);
	store_close(store);
	fault_on(FAULT_SHM, 1);
	store = open_store(&scratch);
	assert_int_equal(store_mode(store), STORE_FAILED);
	assert_false(store_disk(store).is_apart);
	assert_true(store_epoch(store) == epoch);
	play(store, 1, 3);
	assert_int_equal(store_disk(store).events, 6);
	fault_off();
	assert_int_equal(store_try_disk(store), WY_OK);
	assert_int_equal(store_last_seq(store, &seq), WY_OK);
	assert_int_equal(seq, before + 6);
	store_close(store);
	scratch_remove(&scratch);
}

/* What could not be read then is kept beside the new one. */
static void a_store_that_cannot_be_read_is_put_aside_by_the_new_one(void **state)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch);
	uint64_t epoch = store_epoch(store), seq = 0;
	char left[HELP_PATH + 32];

	(void)state;
	store_close(store);
	fault_on(FAULT_ALL, 1);
	store = open_store(&scratch);
	assert_true(store_disk(store).is_apart);
	assert_true(store_epoch(store) != epoch);
	assert_int_equal(help_turn(store, &seq), WY_OK);
	assert_int_equal(seq, 1);
	fault_off();
	assert_int_equal(store_try_disk(store), WY_OK);
	store_close(store);
	snprintf(left, sizeof(left), "%s.left-1", scratch.db);
	assert_int_equal(rename(left, scratch.db), 0);
	store = open_store(&scratch);
	assert_true(store_epoch(store) == epoch);
	store_close(store);
	scratch_remove(&scratch);
}

/* The file goes aside once, and not the new one after it, however often the last step fails. */
/* It lies on the disk already, and memory goes on beyond it. */
static void one_that_died_late_in_its_return_begins_a_new_epoch(void **state)
{
	struct scratch scratch;
	int status = 0;

	(void)state;
	scratch_make(&scratch);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		uint64_t seq;
		fault_on(FAULT_FULL, 1);
		struct store *store = open_store(&scratch);
		bool is_fine = help_turn(store, &seq) == WY_OK && store_disk(store).is_apart;
		fault_on(FAULT_SHM, 1);
		is_fine = store_try_disk(store) != WY_OK && help_turn(store, &seq) == WY_OK && is_fine;
		_exit(is_fine && access(scratch.db, F_OK) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	struct store *store = open_store(&scratch);
	assert_int_equal(store_opening(store)->kind, STORE_RENEWED);
	store_close(store);
	scratch_remove(&scratch);
}

/* A database without its log would be one that has forgotten its last turns, and gives their numbers again. */
static void a_store_goes_aside_before_its_log_does(void **state)
{
	struct scratch scratch, was;
	struct store *store = begin_round(&was);
	uint64_t seq = 0;
	char path[HELP_PATH + 64];

	(void)state;
	decide(store, 1);
	assert_int_equal(store_last_seq(store, &seq), WY_OK);
	scratch_make(&scratch);
	copy_store(&was, &scratch);
	store_close(store);
	scratch_remove(&was);
	for (int i = 1; i <= 3; i++) { /* where it would go nothing can go */
		snprintf(path, sizeof(path), "%s.left-%d/full", scratch.db, i);
		*strrchr(path, '/') = '\0';
		assert_int_equal(mkdir(path, 0700), 0);
		path[strlen(path)] = '/';
		assert_int_equal(mkdir(path, 0700), 0);
	}
	fault_on(FAULT_ALL, 1);
	store = open_store(&scratch);
	assert_true(store_disk(store).is_apart);
	fault_off();
	assert_true(store_try_disk(store) != WY_OK);
	store_close(store);
	store = open_store(&scratch);
	assert_int_equal(store_opening(store)->kind, STORE_RENEWED);
	assert_int_equal(store_opening(store)->part[STORE_PART_TICKETS].kept, seq); /* one of each number: its log is there */
	store_close(store);
	for (int i = 1; i <= 3; i++) {
		snprintf(path, sizeof(path), "%s.left-%d/full", scratch.db, i);
		assert_int_equal(rmdir(path), 0);
		*strrchr(path, '/') = '\0';
		assert_int_equal(rmdir(path), 0);
	}
	scratch_remove(&scratch);
}

static void a_return_that_fails_late_puts_nothing_aside_twice(void **state)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch);
	uint64_t epoch = store_epoch(store), ours = 0, seq = 0;
	char left[HELP_PATH + 32];

	(void)state;
	store_close(store);
	fault_on(FAULT_ALL, 1);
	store = open_store(&scratch);
	ours = store_epoch(store);
	for (unsigned i = 0; i < 5; i++) {
		fault_on(FAULT_SHM, 1);
		assert_int_equal(help_turn(store, &seq), WY_OK);
		assert_true(store_try_disk(store) != WY_OK);
	}
	fault_off();
	assert_int_equal(store_try_disk(store), WY_OK);
	store_close(store);
	store = open_store(&scratch);
	assert_true(store_epoch(store) == ours);
	assert_int_equal(store_verify(store, NULL), WY_OK);
	assert_int_equal(store_last_seq(store, &seq), WY_OK); /* its events are none: nothing of them comes home */
	assert_int_equal(seq, 5);
	store_close(store);
	snprintf(left, sizeof(left), "%s.left-1", scratch.db);
	assert_int_equal(rename(left, scratch.db), 0);
	store = open_store(&scratch);
	assert_true(store_epoch(store) == epoch);
	store_close(store);
	scratch_remove(&scratch);
}

/* First it takes nothing, later it gives nothing either. */
static void a_disk_that_dies_while_memory_goes_on_is_not_missed(void **state)
{
	char *expected = told_on_a_healthy_disk();
	struct scratch scratch;
	struct store *store = begin_round(&scratch);

	(void)state;
	fault_on(FAULT_CHANGES, 1);
	play(store, 1, 3);
	assert_int_equal(store_mode(store), STORE_FAILED);
	fault_on(FAULT_ALL, 1);
	play(store, 3, STORY_TURNS);
	assert_int_equal(store_verify(store, NULL), WY_OK); /* each page is read */
	assert_true(store_try_disk(store) != WY_OK);
	fault_off();
	assert_int_equal(store_try_disk(store), WY_OK);
	store_close(store);
	char *text = dump(&scratch);
	assert_string_equal(text, expected);
	free(text);
	free(expected);
	scratch_remove(&scratch);
}

/* ---- Ceilings ----------------------------------------------------------------------------------- */

static enum wy_err put_noise(struct store *store, uint8_t tier, unsigned n, size_t len)
{
	static unsigned char payload[WY_TICKET_BYTES_MAX];
	enum wy_err err = store_begin(store);
	uint32_t noise = 1; /* nothing that could be packed */

	for (size_t i = 0; i < sizeof(payload); i++) {
		noise = noise * 1664525u + 1013904223u;
		payload[i] = (unsigned char)(noise >> 24);
	}

	for (unsigned i = 0; !err && i < n; i++) {
		struct store_event event = {.tier = tier, .ticket_key = "tk", .type = "t", .topic = "ticket",
					    .payload = payload, .len = len};
		err = store_next_seq(store, &event.seq);
		if (!err)
			err = store_put_event(store, &event);
	}
	if (!err)
		return store_commit(store);
	store_abort(store);
	return err;
}

static enum wy_err put_large(struct store *store, unsigned n)
{
	return put_noise(store, 3, n, WY_TICKET_BYTES_MAX);
}

static void a_transaction_too_large_to_be_kept_twice_fails_with_the_disk(void **state)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch);
	unsigned n = WY_STORE_REDO_BYTES / WY_TICKET_BYTES_MAX + 2;

	(void)state;
	assert_int_equal(put_large(store, 1), WY_OK); /* the log has its head: the next sync is that of a commit */
	fault_on(FAULT_SYNC, 1);
	assert_int_equal(put_large(store, n), WY_E_IO);
	assert_true(fault_off());
	assert_int_equal(store_begin(store), WY_E_IO); /* broken: to be opened anew */
	store_close(store);
	store = open_store(&scratch);
	assert_int_equal(put_large(store, n), WY_OK);
	store_close(store);
	scratch_remove(&scratch);
}

enum { SMALL_MEMORY = 4 * 1024 * 1024 };

static struct store *begin_small_memory(struct scratch *scratch)
{
	struct store *store = begin_round(scratch);

	store_set_memory(store, SMALL_MEMORY);
	fault_on(FAULT_FULL, 1);
	assert_int_equal(put_noise(store, 1, 1, 100), WY_OK);
	assert_int_equal(store_mode(store), STORE_FULL);
	return store;
}

/* Life safety makes no room for itself: it has all there is. */
static void memory_has_an_end_for_life_safety_and_what_is_in_it_stays(void **state)
{
	static const size_t lens[] = {3000, WY_TICKET_BYTES_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		struct scratch scratch;
		struct store *store = begin_small_memory(&scratch);
		struct store_outbox_stats stats;
		unsigned n = 0, at_once = i ? 4 : 8;
		enum wy_err err = WY_OK;

		while (!err && n < SMALL_MEMORY / lens[i]) {
			err = put_noise(store, 1, at_once, lens[i]);
			n += err ? 0 : at_once;
		}
		assert_int_equal(err, WY_E_FULL);
		assert_true(n * lens[i] > SMALL_MEMORY / 2);
		assert_true(store_disk(store).bytes <= SMALL_MEMORY);
		fault_off();
		assert_int_equal(store_try_disk(store), WY_OK);
		assert_int_equal(put_noise(store, 1, 8, lens[i]), WY_OK);
		assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
		assert_int_equal(stats.lost, 0);
		store_close(store);
		scratch_remove(&scratch);
	}
}

static void lower_tiers_never_find_the_end_of_memory(void **state)
{
	static const size_t lens[] = {700, WY_TICKET_BYTES_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		struct scratch scratch;
		struct store *store = begin_small_memory(&scratch);
		struct store_outbox_stats stats;
		size_t told = 0;

		while (told < 2 * (size_t)SMALL_MEMORY) {
			assert_int_equal(put_noise(store, 3, 4, lens[i]), WY_OK);
			told += 4 * lens[i];
			assert_true(store_disk(store).bytes <= SMALL_MEMORY);
		}
		assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
		assert_true(stats.lost > 0);
		assert_int_equal(stats.queued_s1, 1 + 3); /* those of the base */
		assert_true(put_noise(store, 1, 8, lens[i]) == WY_OK);
		fault_off();
		assert_int_equal(store_try_disk(store), WY_OK);
		assert_int_equal(store_verify(store, NULL), WY_OK);
		store_close(store);
		scratch_remove(&scratch);
	}
}

/* Where life safety alone has filled memory its receipts free it. */
static void at_the_end_of_memory_receipts_are_still_kept(void **state)
{
	struct scratch scratch;
	struct store *store = begin_small_memory(&scratch);
	struct store_outbox_stats stats;
	uint64_t first = 0, last = 0;
	size_t n = 0;

	(void)state;
	assert_int_equal(store_last_seq(store, &first), WY_OK);
	while (put_noise(store, 1, 1, 700) == WY_OK)
		assert_true(n++ < SMALL_MEMORY / 700);
	assert_int_equal(store_last_seq(store, &last), WY_OK);
	for (uint64_t through = first; through <= last; through += 128) {
		assert_int_equal(store_begin(store), WY_OK);
		assert_int_equal(store_receipt_through(store, true, through, 1, &n), WY_OK);
		assert_int_equal(store_commit(store), WY_OK);
	}
	assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
	assert_true(stats.queued_s1 < 128);
	assert_int_equal(stats.lost, 0);
	assert_true(store_disk(store).bytes < SMALL_MEMORY / 4 * 3);
	assert_int_equal(put_noise(store, 1, 100, 700), WY_OK);
	fault_off();
	assert_int_equal(store_try_disk(store), WY_OK);
	assert_int_equal(store_verify(store, NULL), WY_OK);
	store_close(store);
	scratch_remove(&scratch);
}

/* The platform knows of it and not of its end, whose row makes room in its turn: then the ticket is what the end is told from. */
static void a_ticket_whose_end_still_waits_is_not_done_with(void **state)
{
	struct scratch scratch;
	struct store *store = begin_small_memory(&scratch);
	struct ticket ticket = help_ticket(store_epoch(store), "pump", 1);
	struct store_event event = {.tier = 3, .ticket_key = ticket.key, .type = "com.weiyu.ticket.opened.v1", .topic = "ticket",
				    .payload = "{}", .len = 2};
	struct store_outbox_stats stats = {.lost = 0};
	struct store_untold untold[4];
	size_t n = 0;

	(void)state;
	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_next_seq(store, &event.seq), WY_OK);
	assert_int_equal(store_put_ticket(store, &ticket, "{}", 2), WY_OK);
	assert_int_equal(store_put_event(store, &event), WY_OK);
	assert_int_equal(store_allow_sending(store, event.seq), WY_OK);
	assert_int_equal(store_receipt_one(store, event.seq, 1), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
	ticket.is_open = false;
	event.type = "com.weiyu.ticket.cleared.v1";
	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_next_seq(store, &event.seq), WY_OK);
	assert_int_equal(store_put_ticket(store, &ticket, "{}", 2), WY_OK);
	assert_int_equal(store_put_event(store, &event), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
	while (stats.lost == 0 && n++ < SMALL_MEMORY / 700) {
		assert_int_equal(put_noise(store, 1, 1, 700), WY_OK);
		assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
	}
	assert_int_equal(stats.lost, 1);
	assert_int_equal(store_untold(store, untold, 4, &n), WY_OK);
	assert_int_equal(n, 1);
	assert_string_equal(untold[0].key, ticket.key);
	fault_off();
	store_close(store);
	scratch_remove(&scratch);
}

/* A backlog that lies on the disk, many times what memory holds, is receipted in memory. */
static void a_large_queue_of_the_disk_is_receipted_in_little_memory(void **state)
{
	struct scratch scratch;
	struct store *store = begin_round(&scratch);
	struct store_outbox_stats stats;
	uint64_t last = 0;
	enum { LITTLE = 8 * 1024 * 1024 }; /* the log of the disk takes up to half of it */
	size_t n = 0;

	(void)state;
	for (size_t told = 0; told < 24000000; told += 200 * 900)
		assert_int_equal(put_noise(store, 3, 200, 900), WY_OK);
	assert_int_equal(store_last_seq(store, &last), WY_OK);
	store_set_memory(store, LITTLE);
	fault_on(FAULT_CHANGES, 1);
	for (uint64_t through = 100; through < last + 100; through += 100) {
		assert_int_equal(store_begin(store), WY_OK);
		assert_int_equal(store_allow_sending(store, through + STORE_SENT_AHEAD), WY_OK);
		assert_int_equal(store_receipt_through(store, false, through, 1, &n), WY_OK);
		assert_int_equal(store_commit(store), WY_OK);
		assert_int_equal(put_noise(store, 1, 1, 900), WY_OK);
		assert_true(store_disk(store).bytes <= LITTLE);
	}
	assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
	assert_int_equal(stats.lost, 0);
	assert_true(stats.queued < 3 + last / 100 + 2);
	fault_off();
	assert_int_equal(store_try_disk(store), WY_OK);
	assert_int_equal(store_verify(store, NULL), WY_OK);
	store_close(store);
	scratch_remove(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_that_fails_anywhere_loses_and_doubles_nothing),
		cmocka_unit_test(a_return_that_fails_anywhere_is_whole_or_has_not_been),
		cmocka_unit_test(while_somebody_else_reads_the_file_memory_goes_on),
		cmocka_unit_test(a_file_that_was_replaced_meanwhile_is_not_written_over),
		cmocka_unit_test(a_turn_that_the_disk_lost_behind_its_failed_sync_is_in_memory),
		cmocka_unit_test(one_that_died_in_memory_begins_a_new_epoch),
		cmocka_unit_test(one_that_began_in_memory_and_died_begins_a_new_epoch),
		cmocka_unit_test(a_disk_that_never_took_a_file_gets_one_once_it_does),
		cmocka_unit_test(a_lock_on_the_directory_counts_when_the_file_can_be_made),
		cmocka_unit_test(a_store_that_can_only_be_read_is_taken_up_in_memory),
		cmocka_unit_test(a_store_that_cannot_be_read_is_put_aside_by_the_new_one),
		cmocka_unit_test(one_that_died_late_in_its_return_begins_a_new_epoch),
		cmocka_unit_test(a_store_goes_aside_before_its_log_does),
		cmocka_unit_test(a_return_that_fails_late_puts_nothing_aside_twice),
		cmocka_unit_test(a_disk_that_dies_while_memory_goes_on_is_not_missed),
		cmocka_unit_test(a_transaction_too_large_to_be_kept_twice_fails_with_the_disk),
		cmocka_unit_test(memory_has_an_end_for_life_safety_and_what_is_in_it_stays),
		cmocka_unit_test(lower_tiers_never_find_the_end_of_memory),
		cmocka_unit_test(at_the_end_of_memory_receipts_are_still_kept),
		cmocka_unit_test(a_ticket_whose_end_still_waits_is_not_done_with),
		cmocka_unit_test(a_large_queue_of_the_disk_is_receipted_in_little_memory),
	};

	fault_install();
	return cmocka_run_group_tests(tests, make_base, remove_base);
}
