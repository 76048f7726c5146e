/* store_home_test.c: a store that cannot be read when the process starts, and is well later. Memory has begun a new epoch, told what it
 * told and opened what it saw; then the disk serves. What waited in the old store comes home into the new one, behind what has numbers
 * already, in its old order; each fault has one open ticket; nothing that is newer is contradicted. Where any step of the return
 * fails nothing has changed, or all is on the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "fault_vfs.h"
#include "store_help.h"

enum { TEXT = 4096, TRIES_MAX = 2000, STAND = 4, OVER = 3 };
#define HOUR_MS ((wy_ms)3600 * 1000)

static struct scratch scratch;
static unsigned renaming_ends; /* so many renamings from now on the process ends; 0: never */
static bool is_renaming_refused;

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

int __wrap_rename(const char *from, const char *to)
{
	if (renaming_ends && --renaming_ends == 0)
		_exit(9);
	if (!is_renaming_refused)
		return __real_rename(from, to);
	errno = EIO;
	return -1;
}

static uint64_t old_epoch;

static struct store *open_store(void)
{
	struct store *store = NULL;

	assert_int_equal(store_open(scratch.dir, "gw-test", NULL, &store), WY_OK);
	return store;
}

static struct ticket ticket_of(struct store *store, const char *asset, int64_t episode, wy_ms mono_ms)
{
	struct ticket ticket = help_ticket(store_epoch(store), asset, episode);

	ticket.onset = ticket.opened = ticket.changed = (struct ticket_stamp){1800000000000 + mono_ms, mono_ms};
	return ticket;
}

static void tell(struct store *store, const struct ticket *ticket, const char *verb, uint8_t tier, wy_ms mono_ms)
{
	char text[TEXT], type[64];
	struct store_event event = {.tier = tier, .ticket_key = ticket->key, .type = type, .topic = "ticket",
				    .created = {1800000000000 + mono_ms, mono_ms}, .payload = text};

	snprintf(type, sizeof(type), "com.weiyu.ticket.%s.v1", verb);
	assert_int_equal(store_next_seq(store, &event.seq), WY_OK);
	event.len = help_event(text, sizeof(text), store_epoch(store), event.seq, verb, ticket);
	assert_int_equal(store_put_ticket(store, ticket, text, event.len), WY_OK);
	assert_int_equal(store_put_event(store, &event), WY_OK);
}

static void put_clock(struct store *store, wy_ms mono_ms, wy_ms wall_ms, wy_ms boottime_ms, wy_ms sure_wall_ms, const char *boot)
{
	struct store_clock clock = {.mono_ms = mono_ms, .wall_ms = wall_ms, .boottime_ms = boottime_ms, .sure_wall_ms = sure_wall_ms};

	snprintf(clock.boot, sizeof(clock.boot), "%s", boot);
	assert_int_equal(store_put_clock(store, &clock), WY_OK);
}

static void number(struct store *store, unsigned times)
{
	uint32_t n = 0;
	uint64_t bd_seq = 0;

	for (unsigned i = 0; i < times; i++) {
		assert_int_equal(store_next_number(store, 20261122, &n), WY_OK);
		assert_int_equal(store_next_bd_seq(store, &bd_seq), WY_OK);
	}
}

static void end(struct ticket *ticket, wy_ms mono_ms)
{
	ticket->is_open = false;
	ticket->condition = TICKET_CLEARED;
	ticket->rev++;
	ticket->cleared = (struct ticket_stamp){1800000000000 + mono_ms, mono_ms};
}

/* STAND faults that stand, as episode 3; OVER that are over; one event of each has its receipt. */
static void make_past(void)
{
	struct store_note note = {.wall_ms = 5, .what = "ack", .rule = "r", .asset = "s1", .who = "wang", .why = "old"};
	struct store *store = open_store();
	char asset[16];

	old_epoch = store_epoch(store);
	assert_int_equal(store_begin(store), WY_OK);
	for (unsigned i = 1; i <= STAND; i++) {
		snprintf(asset, sizeof(asset), "s%u", i);
		struct ticket ticket = ticket_of(store, asset, 3, 100 * HOUR_MS + i);
		tell(store, &ticket, "opened", (uint8_t)(i % 4 + 1), 100 * HOUR_MS + i);
	}
	for (unsigned i = 1; i <= OVER; i++) {
		snprintf(asset, sizeof(asset), "o%u", i);
		struct ticket ticket = ticket_of(store, asset, 2, 101 * HOUR_MS + i);
		tell(store, &ticket, "opened", 2, 101 * HOUR_MS + i);
		end(&ticket, 102 * HOUR_MS);
		tell(store, &ticket, "cleared", 2, 102 * HOUR_MS);
	}
	assert_int_equal(store_receipt_one(store, 1, 9), WY_OK);
	number(store, 7);
	assert_int_equal(store_put_note(store, &note), WY_OK);
	assert_int_equal(store_put_learned(store, "box-1", 1, "old"), WY_OK);
	assert_int_equal(store_put_learned(store, "box-2", 1, "old"), WY_OK);
	assert_int_equal(store_put_cell(store, "old", "x", 1), WY_OK);
	put_clock(store, 103 * HOUR_MS, 1800000000000, 3 * HOUR_MS, 1799999999000, "boot-1");
	assert_int_equal(store_commit(store), WY_OK);
	store_close(store);
}

/* The disk cannot be read; what is seen now is decided on. */
static struct store *live_in_memory(void)
{
	struct store_note note = {.wall_ms = 6, .what = "ack", .rule = "r", .asset = "s1", .who = "li", .why = "new"};

	fault_on(FAULT_ALL, 1);
	struct store *store = open_store();
	assert_true(store_disk(store).is_apart);
	assert_int_equal(store_begin(store), WY_OK);
	struct ticket anew = ticket_of(store, "s2", 1, 4 * HOUR_MS); /* stands in the old store, and was found again */
	tell(store, &anew, "opened", 3, 4 * HOUR_MS);
	struct ticket again = ticket_of(store, "o1", 1, 4 * HOUR_MS); /* was over there, and came back */
	tell(store, &again, "opened", 2, 4 * HOUR_MS);
	struct ticket past = ticket_of(store, "s3", 1, 4 * HOUR_MS); /* stood there; came and went here */
	tell(store, &past, "opened", 2, 4 * HOUR_MS);
	end(&past, 4 * HOUR_MS + 1);
	tell(store, &past, "cleared", 2, 4 * HOUR_MS + 1);
	struct ticket other = ticket_of(store, "n1", 1, 4 * HOUR_MS);
	tell(store, &other, "opened", 1, 4 * HOUR_MS);
	number(store, 2);
	assert_int_equal(store_put_note(store, &note), WY_OK);
	assert_int_equal(store_put_learned(store, "box-2", 2, "new"), WY_OK);
	assert_int_equal(store_put_cell(store, "new", "y", 1), WY_OK);
	put_clock(store, 4 * HOUR_MS, 1800000000000 + HOUR_MS, 4 * HOUR_MS, 0, "boot-1");
	assert_int_equal(store_commit(store), WY_OK);
	return store;
}

static int make(void **state)
{
	(void)state;
	scratch_make(&scratch);
	make_past();
	return 0;
}

static int clean(void **state)
{
	(void)state;
	fault_off();
	scratch_remove(&scratch);
	return 0;
}

/* "s1 opened" of number seq; "" : nothing waits under it. */
static const char *story(struct store *store, uint64_t seq, wy_ms *ret_mono_ms)
{
	static char out[64];
	struct store_event event;
	char asset[16], verb[16];

	if (store_load_event(store, seq, &event) != WY_OK)
		return "";
	assert_int_equal(sscanf(event.type, "com.weiyu.ticket.%15[a-z]", verb), 1);
	const char *at = strstr(event.payload, "\"dedup_key\":\"");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "\"dedup_key\":\"%15[a-z0-9]/", asset), 1);
	char id[64];
	snprintf(id, sizeof(id), "\"id\":\"%016llx-%llu\"", (unsigned long long)store_epoch(store), (unsigned long long)seq);
	assert_non_null(strstr(event.payload, id));
	snprintf(out, sizeof(out), "%s %s", asset, verb);
	if (ret_mono_ms)
		*ret_mono_ms = event.created.mono_ms;
	return out;
}

static bool gather(void *arg, const struct ticket *ticket, const char *body, size_t len)
{
	char *out = arg;
	size_t at = strlen(out);
	(void)body;
	(void)len;

	snprintf(out + at, 256 - at, "%s%s%s", at ? " " : "", ticket->asset, ticket->epoch == old_epoch ? "-old" : "");
	return true;
}

static bool gather_cell(void *arg, const char *key, const void *bytes, size_t len)
{
	(void)bytes;
	(void)len;
	strcat(arg, key);
	return true;
}

static bool gather_learned(void *arg, const char *device, uint64_t origin, const char *facts)
{
	char *out = arg;
	(void)origin;

	sprintf(out + strlen(out), "%s=%s ", device, facts);
	return true;
}

static void check_home(struct store *store)
{
	static const char *const stories[] = {
		/* of this epoch: as they were */
		"s2 opened", "o1 opened", "s3 opened", "s3 cleared", "n1 opened",
		/* of the old one: s1's opening has its receipt; s2 and o1 stand here, so of the latter only the end is told */
		"s3 opened", "s4 opened", "o1 cleared", "o2 opened", "o2 cleared", "o3 opened", "o3 cleared", ""};
	char open[256] = "", all[256] = "", cells[64] = "", learned[64] = "";
	struct store_note note;
	struct ticket ticket;
	wy_ms mono_ms = 0;
	uint32_t day = 0;
	uint64_t bd_seq = 0, last = 0;

	for (size_t i = 0; i < sizeof(stories) / sizeof(*stories); i++)
		assert_string_equal(story(store, i + 1, NULL), stories[i]);
	assert_int_equal(store_last_seq(store, &last), WY_OK);
	assert_int_equal(last, 12);
	/* One boot: the clocks are 100 hours apart, to the millisecond. */
	assert_string_equal(story(store, 7, &mono_ms), "s4 opened");
	assert_int_equal(mono_ms, 4);
	assert_int_equal(store_each_open(store, gather, open), WY_OK);
	assert_string_equal(open, "s1-old s3-old s4-old s2 o1 n1"); /* oldest first */
	assert_int_equal(store_list(store, false, 100, gather, all), WY_OK);
	assert_string_equal(all, "n1 s3 o1 s2 o3-old o2-old o1-old s4-old s3-old s2-old s1-old");
	assert_int_equal(store_find_open(store, "s4/ELV-01", &ticket), WY_OK);
	assert_int_equal(ticket.onset.mono_ms, 4);
	char key[TICKET_KEY_SIZE];
	ticket_key("s2/ELV-01", old_epoch, 3, key);
	assert_int_equal(store_find_ticket(store, key, &ticket), WY_OK);
	assert_true(!ticket.is_open && ticket.node == TICKET_NODE_MERGED && ticket.cleared.mono_ms == 4 * HOUR_MS);
	assert_int_equal(store_last_note(store, "r", "s1", "ack", &note), WY_OK);
	assert_string_equal(note.why, "new");
	assert_int_equal(store_each_cell(store, gather_cell, cells), WY_OK);
	assert_string_equal(cells, "new");
	assert_int_equal(store_each_learned(store, gather_learned, learned), WY_OK);
	assert_string_equal(learned, "box-1=old box-2=new ");
	struct store_clock clock; /* its own, and when time was last known to be right */
	assert_int_equal(store_clock(store, &clock), WY_OK);
	assert_true(clock.mono_ms == 4 * HOUR_MS && clock.sure_wall_ms == 1799999999000);
	struct store_history history;
	assert_int_equal(store_history(store, "s2/ELV-01", 0, &history), WY_OK);
	assert_int_equal(history.episode, 3);
	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_next_number(store, 20261122, &day), WY_OK);
	assert_int_equal(day, 8);
	assert_int_equal(store_next_bd_seq(store, &bd_seq), WY_OK);
	assert_int_equal(bd_seq, 8);
	store_abort(store);
	assert_int_equal(store_verify(store, NULL), WY_OK);
}

static void what_waited_in_a_store_that_could_not_be_read_comes_home(void **state)
{
	struct store *store = live_in_memory();
	uint64_t epoch = store_epoch(store);
	(void)state;

	assert_true(store_try_disk(store) != WY_OK);
	assert_null(store_homecoming(store));
	fault_off();
	assert_int_equal(store_try_disk(store), WY_OK);
	const struct store_opening *home = store_homecoming(store);
	assert_non_null(home);
	assert_int_equal(home->part[STORE_PART_EVENTS].kept, 7);
	assert_int_equal(home->part[STORE_PART_TICKETS].kept, 7);
	for (int i = 0; i < STORE_PARTS; i++)
		assert_int_equal(home->part[i].lost, 0);
	assert_int_equal(access(home->file, F_OK), 0);
	assert_int_equal(store_mode(store), STORE_ON_DISK);
	check_home(store);
	store_close(store);
	store = open_store();
	assert_int_equal(store_opening(store)->kind, STORE_AS_IT_WAS);
	assert_true(store_epoch(store) == epoch);
	check_home(store);
	assert_null(store_homecoming(store));
	store_close(store);
}

static void an_orderly_stop_brings_it_home_too(void **state)
{
	struct store *store = live_in_memory();
	uint64_t epoch = store_epoch(store);
	(void)state;

	fault_off();
	store_close(store);
	store = open_store();
	assert_true(store_epoch(store) == epoch);
	check_home(store);
	store_close(store);
}

/* Another boot of the machine: by the wall, an hour after the last that the old store knew. */
static void after_a_restart_of_the_machine_instants_are_shifted_by_the_wall(void **state)
{
	struct store *store = live_in_memory();
	wy_ms mono_ms = 0;
	(void)state;

	assert_int_equal(store_begin(store), WY_OK);
	put_clock(store, 4 * HOUR_MS, 1800000000000 + HOUR_MS, 4 * HOUR_MS, 0, "boot-2");
	assert_int_equal(store_commit(store), WY_OK);
	fault_off();
	assert_int_equal(store_try_disk(store), WY_OK);
	assert_string_equal(story(store, 7, &mono_ms), "s4 opened");
	assert_int_equal(mono_ms, 4 * HOUR_MS - HOUR_MS - 3 * HOUR_MS + 4);
	store_close(store);
}

static void damage(long at, size_t n)
{
	FILE *file = fopen(scratch.db, "r+");

	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	for (size_t i = 0; i < n; i++)
		fputc((int)((i * 7919u + 13) & 255), file);
	fclose(file);
}

/* Whatever page is hit: memory's own is whole, and what is told of the old one is true. */
static void of_one_that_is_damaged_comes_home_what_verifies(void **state)
{
	unsigned n_lost = 0;
	(void)state;

	for (long page = 0; page < 24; page++) {
		struct store_outbox_stats stats;
		clean(NULL);
		make(NULL);
		damage(page * 4096 + (page ? 0 : 100), 900);
		struct store *store = live_in_memory();
		fault_off();
		assert_int_equal(store_try_disk(store), WY_OK);
		const struct store_opening *home = store_homecoming(store);
		assert_non_null(home);
		for (int i = 0; i < STORE_PARTS; i++)
			n_lost += home->part[i].lost > 0;
		assert_string_equal(story(store, 5, NULL), "n1 opened");
		assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
		assert_int_equal(stats.queued, 5 + home->part[STORE_PART_EVENTS].kept);
		assert_int_equal(store_verify(store, NULL), WY_OK);
		store_close(store);
		store = open_store();
		assert_int_equal(store_opening(store)->kind, STORE_AS_IT_WAS);
		store_close(store);
	}
	assert_true(n_lost > 8);
}

/* A page that cannot be read just now is not lost: it is waited for. One that never can be is. */
static void what_cannot_be_read_is_waited_for_and_not_for_ever(void **state)
{
	struct store *store = live_in_memory();
	unsigned tries = 0;
	(void)state;

	fault_on(FAULT_READ, 1);
	enum wy_err err = store_try_disk(store);
	assert_int_equal(err, WY_E_IO);
	assert_int_equal(access(scratch.db, F_OK), 0);
	fault_off();
	assert_int_equal(store_try_disk(store), WY_OK);
	check_home(store);
	store_close(store);
	clean(NULL);
	make(NULL);
	store = live_in_memory();
	fault_off();
	/* A directory under its log's name opens, and cannot be read. */
	char log[HELP_PATH + 32];
	snprintf(log, sizeof(log), "%s-wal", scratch.db);
	assert_int_equal(mkdir(log, 0700), 0);
	for (tries = 1; tries < 100 && store_try_disk(store) != WY_OK; tries++)
		assert_null(store_homecoming(store));
	assert_in_range(tries, 2, 60);
	assert_non_null(store_homecoming(store));
	store_close(store);
	snprintf(log, sizeof(log), "%s.left-1-wal", scratch.db);
	assert_int_equal(rmdir(log), 0);
}

static void one_that_is_shut_is_waited_for_as_long_as_it_is(void **state)
{
	struct store *store = live_in_memory();
	(void)state;

	fault_off();
	if (geteuid() == 0) { /* whom nothing is shut to */
		store_close(store);
		return;
	}
	assert_int_equal(chmod(scratch.db, 0), 0);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(store_try_disk(store), WY_E_IO);
	assert_int_equal(chmod(scratch.db, 0600), 0);
	assert_int_equal(store_try_disk(store), WY_OK);
	check_home(store);
	store_close(store);
}

static void that_of_another_gateway_is_put_aside_as_it_is(void **state)
{
	struct store *store = NULL;
	(void)state;

	fault_on(FAULT_ALL, 1);
	assert_int_equal(store_open(scratch.dir, "gw-other", NULL, &store), WY_OK);
	fault_off();
	assert_int_equal(store_try_disk(store), WY_OK);
	uint64_t last = 9;
	assert_int_equal(store_last_seq(store, &last), WY_OK);
	assert_int_equal(last, 0);
	store_close(store);
	char left[HELP_PATH + 32];
	snprintf(left, sizeof(left), "%s.left-1", scratch.db);
	assert_int_equal(rename(left, scratch.db), 0);
	store = open_store();
	assert_true(store_epoch(store) == old_epoch);
	store_close(store);
}

/* True: it struck. Afterwards the disk serves: what was brought home by then is there once, with this process or the next. */
static bool come_home_failing(enum fault_kind kind, unsigned n)
{
	uint64_t seq = 0;

	clean(NULL);
	make(NULL);
	struct store *store = live_in_memory();
	fault_on(kind, n);
	enum wy_err err = store_try_disk(store);
	bool has_struck = fault_off();
	if (!err) {
		check_home(store);
		store_close(store);
		return has_struck;
	}
	assert_null(store_homecoming(store));
	if (store_begin(store) == WY_OK) { /* in memory as before, with its own numbers */
		assert_int_equal(store_last_seq(store, &seq), WY_OK);
		assert_int_equal(seq, 5);
		store_abort(store);
		assert_int_equal(store_try_disk(store), WY_OK);
	} else {
		store_close(store); /* all of it lies there: the next process has it */
		store = open_store();
	}
	check_home(store);
	store_close(store);
	return has_struck;
}

static void a_homecoming_that_fails_anywhere_is_whole_or_has_not_been(void **state)
{
	static const enum fault_kind all[] = {FAULT_WRITE, FAULT_SYNC, FAULT_TRUNCATE, FAULT_SHM, FAULT_OPEN,
					      FAULT_READ,  FAULT_FULL, FAULT_CHANGES,  FAULT_ALL};
	(void)state;

	for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++) {
		unsigned n = 1;
		while (n < TRIES_MAX && come_home_failing(all[k], n))
			n += getenv("WY_LONG") ? 1 : 7; /* places of the last steps among them */
		assert_true(n > 1 && n < TRIES_MAX);
	}
}

/* ---- Of all kinds --------------------------------------------------------------------------------- */

static void run_sql(const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(scratch.db, &db), SQLITE_OK);
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void keep_plain(sqlite3 *db, uint64_t seq, const char *text)
{
	sqlite3_stmt *stmt = NULL;

	assert_int_equal(sqlite3_prepare_v2(db, "UPDATE outbox SET payload = ?2, packing = 0 WHERE seq = ?1", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_bind_int64(stmt, 1, (int64_t)seq), SQLITE_OK);
	assert_int_equal(sqlite3_bind_blob(stmt, 2, text, (int)strlen(text), SQLITE_TRANSIENT), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
}

/* As the version before wrote it: no documents packed, nothing of what is dropped. */
static void make_old_schema(void)
{
	static char text[16][TEXT];
	struct store *store = open_store();
	struct store_event event;
	sqlite3 *db = NULL;

	for (uint64_t seq = 1; seq < 16; seq++)
		if (store_load_event(store, seq, &event) == WY_OK)
			snprintf(text[seq], TEXT, "%.*s", (int)event.len, (const char *)event.payload);
	store_close(store);
	assert_int_equal(sqlite3_open(scratch.db, &db), SQLITE_OK);
	for (uint64_t seq = 1; seq < 16; seq++)
		if (*text[seq])
			keep_plain(db, seq, text[seq]);
	sqlite3_close(db);
	run_sql("UPDATE ticket SET body = '{}';"
		"DROP INDEX outbox_room; DROP INDEX ticket_untold; DROP TABLE gap; DROP TABLE gap_ticket;"
		"ALTER TABLE ticket DROP COLUMN untold; ALTER TABLE ticket DROP COLUMN packed;"
		"ALTER TABLE outbox DROP COLUMN kind; ALTER TABLE outbox DROP COLUMN is_past;"
		"ALTER TABLE outbox DROP COLUMN bytes; ALTER TABLE outbox DROP COLUMN packing;"
		"DELETE FROM meta WHERE key GLOB 'outbox_*'; UPDATE meta SET value = 3 WHERE key = 'schema'; PRAGMA user_version = 3");
}

static void that_of_the_version_before_comes_home_as_well(void **state)
{
	(void)state;
	make_old_schema();
	struct store *store = live_in_memory();
	fault_off();
	assert_int_equal(store_try_disk(store), WY_OK);
	const struct store_opening *home = store_homecoming(store);
	assert_non_null(home);
	for (int i = 0; i < STORE_PARTS; i++)
		assert_int_equal(home->part[i].lost, 0);
	check_home(store);
	store_close(store);
}

/* By a program that copies it, say. It is no damage. */
static void one_that_somebody_else_has_locked_is_waited_for(void **state)
{
	struct store *store = live_in_memory();
	sqlite3 *db = NULL;
	(void)state;

	fault_off();
	assert_int_equal(sqlite3_open(scratch.db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(store_try_disk(store), WY_E_BUSY);
	sqlite3_close(db);
	assert_int_equal(store_try_disk(store), WY_OK);
	check_home(store);
	store_close(store);
}

static void what_was_not_told_to_the_end_is_known_to_be_so(void **state)
{
	struct store_untold untold[9];
	size_t n = 0;
	(void)state;

	run_sql("UPDATE ticket SET untold = 1 WHERE asset = 'o3'; DELETE FROM outbox WHERE seq = 10");
	struct store *store = live_in_memory();
	assert_int_equal(store_untold(store, untold, 9, &n), WY_OK);
	assert_false(store_has_untold(store));
	fault_off();
	assert_int_equal(store_try_disk(store), WY_OK);
	assert_true(store_has_untold(store));
	assert_int_equal(store_untold(store, untold, 9, &n), WY_OK);
	assert_int_equal(n, 1);
	store_close(store);
}

/* The process ended between the two names, and the disk was gone again when the next one began. */
static void one_that_has_no_name_yet_is_not_written_over(void **state)
{
	char whole[HELP_PATH + 32];
	(void)state;

	snprintf(whole, sizeof(whole), "%s.new", scratch.db);
	assert_int_equal(rename(scratch.db, whole), 0);
	is_renaming_refused = true;
	struct store *store = live_in_memory();
	fault_off();
	assert_true(store_try_disk(store) != WY_OK);
	is_renaming_refused = false;
	assert_int_equal(store_try_disk(store), WY_OK);
	assert_non_null(store_homecoming(store));
	check_home(store);
	store_close(store);
}

/* False: it came through. */
static bool die_at_renaming(unsigned n)
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct store *store = live_in_memory();
		fault_off();
		renaming_ends = n;
		_exit(store_try_disk(store) == WY_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
	return WEXITSTATUS(status) == 9;
}

/* The platform has heard of a later epoch, and would take nothing of the old one for the end of what that opened. */
static void whoever_dies_blind_leaves_a_store_that_begins_a_new_epoch(void **state)
{
	int status = 0;
	pid_t child = fork();
	(void)state;

	assert_true(child >= 0);
	if (child == 0) {
		(void)live_in_memory();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	struct store *store = open_store();
	assert_int_equal(store_opening(store)->kind, STORE_RENEWED);
	assert_true(store_epoch(store) != old_epoch);
	store_close(store);
}

/* What memory alone had is gone with the process; what the old store had is there, with the next one and the one after it. */
static void a_death_between_any_two_names_loses_nothing_of_either_store(void **state)
{
	unsigned old = 0, home = 0;
	(void)state;

	for (unsigned n = 1;; n++) {
		clean(NULL);
		make(NULL);
		if (!die_at_renaming(n))
			break;
		for (unsigned i = 0; i < 2; i++) {
			struct store *store = open_store();
			struct store_outbox_stats stats;
			char open[256] = "";
			assert_int_equal(store_outbox_stats(store, &stats), WY_OK);
			assert_int_equal(store_each_open(store, gather, open), WY_OK);
			if (stats.queued == STAND + 2 * OVER - 1) {
				assert_string_equal(open, "s1-old s2-old s3-old s4-old");
				old++;
			} else {
				check_home(store);
				home++;
			}
			store_close(store);
		}
	}
	assert_true(old > 1 && home > 1);
}

static void count_up(void *arg)
{
	++*(unsigned *)arg;
}

/* More than memory could hold; and it moves all the while. */
static void a_queue_larger_than_memory_comes_home(void **state)
{
	static char noise[60000], text[WY_TICKET_BYTES_MAX];
	uint64_t last = 0, draw = 88172645463325252u;
	unsigned n_alive = 0;
	struct store *store = open_store();
	(void)state;

	assert_int_equal(store_begin(store), WY_OK);
	for (unsigned i = 0; i < 1500; i++) {
		char asset[16];
		snprintf(asset, sizeof(asset), "q%u", i);
		struct ticket ticket = ticket_of(store, asset, 1, i);
		struct store_event event = {.tier = 2, .ticket_key = ticket.key, .type = "com.weiyu.ticket.opened.v1",
					    .topic = "ticket", .created = {1800000000000, i}, .payload = text};
		for (size_t k = 0; k + 1 < sizeof(noise); k++) {
			draw ^= draw << 13;
			draw ^= draw >> 7;
			draw ^= draw << 17;
			noise[k] = (char)('0' + draw % 75);
			noise[k] = noise[k] == '\\' ? 'a' : noise[k];
		}
		assert_int_equal(store_next_seq(store, &event.seq), WY_OK);
		size_t len = help_event(text, sizeof(text), old_epoch, event.seq, "opened", &ticket);
		event.len = len - 2 + (size_t)snprintf(text + len - 2, sizeof(text) - len + 2, ",\"noise\":\"%s\"}}", noise);
		assert_int_equal(store_put_event(store, &event), WY_OK);
	}
	assert_int_equal(store_commit(store), WY_OK);
	store_close(store);
	store = live_in_memory();
	fault_off();
	store_set_alive(store, count_up, &n_alive);
	assert_int_equal(store_try_disk(store), WY_OK);
	assert_int_equal(store_last_seq(store, &last), WY_OK);
	assert_int_equal(last, 12 + 1500);
	assert_true(n_alive > 1500 + 500); /* as it is read, and as each event goes over */
	store_close(store);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, make, clean)
	const struct CMUnitTest tests[] = {
		ROW(what_waited_in_a_store_that_could_not_be_read_comes_home),
		ROW(an_orderly_stop_brings_it_home_too),
		ROW(after_a_restart_of_the_machine_instants_are_shifted_by_the_wall),
		ROW(of_one_that_is_damaged_comes_home_what_verifies),
		ROW(what_cannot_be_read_is_waited_for_and_not_for_ever),
		ROW(one_that_is_shut_is_waited_for_as_long_as_it_is),
		ROW(that_of_another_gateway_is_put_aside_as_it_is),
		ROW(a_homecoming_that_fails_anywhere_is_whole_or_has_not_been),
		ROW(that_of_the_version_before_comes_home_as_well),
		ROW(one_that_somebody_else_has_locked_is_waited_for),
		ROW(what_was_not_told_to_the_end_is_known_to_be_so),
		ROW(one_that_has_no_name_yet_is_not_written_over),
		ROW(whoever_dies_blind_leaves_a_store_that_begins_a_new_epoch),
		ROW(a_death_between_any_two_names_loses_nothing_of_either_store),
		ROW(a_queue_larger_than_memory_comes_home),
	};

	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
