/* store_salvage_test.c: a damaged store heals. Up to 4096 bytes of noise at thousands of places (200 without WY_LONG)
 * drawn from a printed seed: in the database, its log, its index, the lock file, with the store stopped and as a killed process
 * leaves it. Whatever was hit, the store opens, and what it says is true:
 *
 *   - an epoch that goes on has not lost a number, and every event that still waits is what it was;
 *   - a new epoch numbers from 1 without a hole, in the old order, only what was there, each once, with nothing changed
 *     but its number; the damaged file is kept; the next opening finds nothing left to do.
 *
 * WY_SEED plays a run again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <sqlite3.h>

#include "fault_vfs.h"
#include "store_help.h"

enum { EVENTS = 120, TELLS = 60, TICKETS = 40, CELLS = 30, FILE_MAX = 8 << 20, NOISE_MAX = 4096 };

static const char *const names[] = {STORE_FILE, STORE_FILE "-wal", STORE_FILE "-shm", STORE_LOCK};
#define FILES (sizeof(names) / sizeof(*names))

struct image {
	unsigned char *bytes[FILES];
	size_t len[FILES];
};

static char dir[HELP_PATH];
static struct image stopped, killed;
static uint64_t seed, chance, old_epoch;

static uint64_t draw(uint64_t below)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance % below;
}

static void path_of(const char *name, char out[HELP_PATH * 2])
{
	snprintf(out, HELP_PATH * 2, "%s/%s", dir, name);
}

static void empty_dir(void)
{
	char path[HELP_PATH * 2 + 256];
	DIR *list = opendir(dir);

	assert_non_null(list);
	for (struct dirent *at = readdir(list); at; at = readdir(list)) {
		snprintf(path, sizeof(path), "%s/%s", dir, at->d_name);
		if (at->d_name[0] != '.')
			unlink(path);
	}
	closedir(list);
}

static unsigned count_like(const char *part)
{
	unsigned n = 0;
	DIR *list = opendir(dir);

	for (struct dirent *at = readdir(list); at; at = readdir(list))
		n += strstr(at->d_name, part) && !strstr(at->d_name, "-wal") && !strstr(at->d_name, "-shm");
	closedir(list);
	return n;
}

static void take_image(struct image *image)
{
	char path[HELP_PATH * 2];

	for (size_t i = 0; i < FILES; i++) {
		path_of(names[i], path);
		FILE *file = fopen(path, "r");
		image->bytes[i] = malloc(FILE_MAX);
		assert_non_null(image->bytes[i]);
		image->len[i] = file ? fread(image->bytes[i], 1, FILE_MAX, file) : 0;
		if (file)
			fclose(file);
	}
}

static void put_image(const struct image *image)
{
	char path[HELP_PATH * 2];

	empty_dir();
	for (size_t i = 0; i < FILES; i++) {
		if (!image->len[i])
			continue;
		path_of(names[i], path);
		FILE *file = fopen(path, "w");
		assert_non_null(file);
		assert_int_equal(fwrite(image->bytes[i], 1, image->len[i], file), image->len[i]);
		assert_int_equal(fclose(file), 0);
	}
}

static void free_image(struct image *image)
{
	for (size_t i = 0; i < FILES; i++)
		free(image->bytes[i]);
}

/* ---- A store with a past ------------------------------------------------------------------------ */

/* Event n of the story, as number seq of an epoch. */
static size_t write_event(char *out, size_t size, unsigned n, uint64_t epoch, uint64_t seq, const char *key)
{
	int len = snprintf(out, size,
			   "{\"specversion\":\"1.0\",\"id\":\"%016llx-%llu\",\"source\":\"/weiyu/gw-test\",\"type\":"
			   "\"com.weiyu.ticket.updated.v1\",\"sequence\":\"%019llu\",\"data\":{\"ticket_key\":\"%s\","
			   "\"dedup_key\":\"a%u/ELV-01\",\"episode\":1,\"story\":%u,\"peak\":12.3,\"words\":\"",
			   (unsigned long long)epoch, (unsigned long long)seq, (unsigned long long)seq, key, n % TICKETS, n);

	for (unsigned i = 0; i < 300 + n * 37 % 1500; i++)
		out[len++] = (char)('a' + (i * 7919u + n * 104729u + i * i) % 26);
	len += snprintf(out + len, size - (size_t)len, "\",\"gateway_seq\":%llu}}", (unsigned long long)seq);
	return (size_t)len;
}

static struct ticket ticket_of(uint64_t epoch, unsigned n)
{
	char asset[16];

	snprintf(asset, sizeof(asset), "a%u", n % TICKETS);
	return help_ticket(epoch, asset, 1);
}

static void tell(struct store *store, unsigned n)
{
	static char text[8192];
	struct ticket ticket = ticket_of(store_epoch(store), n);
	struct store_event event = {.tier = (uint8_t)(1 + n % 4), .ticket_key = ticket.key, .topic = "ticket",
				    .type = "com.weiyu.ticket.updated.v1", .created = {1800000000000 + n, 1000 + n}};

	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_next_seq(store, &event.seq), WY_OK);
	event.len = write_event(text, sizeof(text), n, store_epoch(store), event.seq, ticket.key);
	event.payload = text;
	assert_int_equal(store_put_event(store, &event), WY_OK);
	assert_int_equal(store_put_ticket(store, &ticket, text, event.len), WY_OK);
	snprintf(text, sizeof(text), "r/rule-%u/a%u", n % CELLS, n % CELLS);
	assert_int_equal(store_put_cell(store, text, text, strlen(text)), WY_OK);
	struct store_clock clock = {.mono_ms = 5000 + n, .wall_ms = 1800000000000 + n, .boottime_ms = 7, .boot = "b"};
	assert_int_equal(store_put_clock(store, &clock), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
}

/* Half of its events have their receipts. The last ones are in the log only when the process is killed. */
static void make_past(void)
{
	struct store *store = NULL;
	struct store_note note = {.wall_ms = 1, .what = "ack", .who = "wang", .why = "on my way"};
	uint64_t bd_seq;
	size_t n = 0;

	assert_int_equal(store_open(dir, "gw-test", NULL, &store), WY_OK);
	old_epoch = store_epoch(store);
	for (unsigned i = 0; i < EVENTS; i++)
		tell(store, i);
	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_receipt_through(store, true, TELLS, 5, &n), WY_OK);
	assert_int_equal(store_receipt_through(store, false, TELLS, 5, &n), WY_OK);
	assert_int_equal(store_put_note(store, &note), WY_OK);
	assert_int_equal(store_put_learned(store, "box-1", 4, "blocks=3"), WY_OK);
	assert_int_equal(store_next_bd_seq(store, &bd_seq), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
	store_close(store);
	take_image(&stopped);
	assert_int_equal(store_open(dir, "gw-test", NULL, &store), WY_OK);
	for (unsigned i = EVENTS; i < EVENTS + 12; i++)
		tell(store, i);
	take_image(&killed);
	store_close(store);
	empty_dir();
}

/* ---- What must be true -------------------------------------------------------------------------- */

static bool is_true_cell(void *arg, const char *key, const void *bytes, size_t len)
{
	unsigned *n = arg;

	/* The bytes have a checksum of their own in the product; here they repeat the key. */
	*n += len == strlen(key) && memcmp(bytes, key, len) == 0;
	return true;
}

struct found {
	uint64_t events, tickets, cells;
};

/* Each waiting event is one of the story, in its order, with nothing changed but its number. */
static uint64_t check_events(struct store *store, bool is_same_epoch)
{
	static char wanted[8192];
	uint64_t seqs[EVENTS * 2], last = 0, n_all = 0;
	int before = -1;
	size_t n = 0, rest = 0;

	assert_int_equal(store_queued(store, true, 0, seqs, EVENTS, &n), WY_OK);
	assert_int_equal(store_queued(store, false, 0, seqs + n, EVENTS, &rest), WY_OK);
	n_all = n + rest;
	assert_int_equal(store_last_seq(store, &last), WY_OK);
	for (uint64_t seq = 1; seq <= last; seq++) {
		struct store_event event;
		enum wy_err err = store_load_event(store, seq, &event);
		unsigned story = 0;

		if (err == WY_E_NOTFOUND && is_same_epoch)
			continue;
		assert_int_equal(err, WY_OK);
		const char *at = strstr(event.payload, "\"story\":");
		assert_non_null(at);
		assert_int_equal(sscanf(at, "\"story\":%u", &story), 1);
		assert_true((int)story > before);
		before = (int)story;
		struct ticket ticket = ticket_of(old_epoch, story);
		size_t len = write_event(wanted, sizeof(wanted), story, store_epoch(store), seq, ticket.key);
		assert_int_equal(event.len, len);
		assert_memory_equal(event.payload, wanted, len);
		assert_string_equal(event.ticket_key, ticket.key);
	}
	return n_all;
}

static bool check_ticket(void *arg, const struct ticket *ticket, const char *body, size_t len)
{
	char key[TICKET_KEY_SIZE];

	(*(uint64_t *)arg)++;
	ticket_key(ticket->dedup, ticket->epoch, ticket->episode, key);
	assert_string_equal(key, ticket->key);
	assert_true(len > 0 && body[len - 1] == '}');
	return true;
}

static struct found check_salvaged(struct store *store)
{
	const struct store_opening *opening = store_opening(store);
	struct found found = {0, 0, 0};
	unsigned cells = 0;

	assert_true(store_epoch(store) != old_epoch);
	assert_string_equal(store_epoch_reason(store), "salvaged");
	assert_true(opening->why[0] && opening->file[0] && access(opening->file, F_OK) == 0);
	found.events = check_events(store, false);
	assert_int_equal(found.events, opening->part[STORE_PART_EVENTS].kept);
	assert_int_equal(store_list(store, true, 1000, check_ticket, &found.tickets), WY_OK);
	assert_int_equal(store_each_cell(store, is_true_cell, &cells), WY_OK);
	found.cells = cells;
	return found;
}

struct sums {
	unsigned rounds, salvaged, of_file[FILES];
	struct found found;
};

static void hit(const struct image *image, size_t *ret_file)
{
	unsigned char noise[NOISE_MAX];
	char path[HELP_PATH * 2];
	size_t file = draw(20) < 12 ? 0 : draw(FILES);

	while (!image->len[file])
		file = draw(FILES);
	size_t n = draw(3) ? 1 + draw(64) : 1 + draw(NOISE_MAX);
	size_t at = draw(image->len[file]);
	for (size_t i = 0; i < n; i++)
		noise[i] = (unsigned char)draw(256);
	path_of(names[file], path);
	FILE *out = fopen(path, "r+");
	assert_non_null(out);
	assert_int_equal(fseek(out, (long)at, SEEK_SET), 0);
	n = n < image->len[file] - at ? n : image->len[file] - at;
	assert_int_equal(fwrite(noise, 1, n, out), n);
	fclose(out);
	*ret_file = file;
}

/* Reads what waits as the program would. False: damage came to light. */
static bool reads_on(struct store *store)
{
	uint64_t seqs[EVENTS * 2], n_tickets = 0;
	size_t n = 0;
	enum wy_err err = WY_OK;

	for (int lane = 0; !err && lane < 2; lane++) {
		err = store_queued(store, lane, 0, seqs, EVENTS, &n);
		for (size_t i = 0; !err && i < n; i++) {
			struct store_event event;
			err = store_load_event(store, seqs[i], &event);
		}
	}
	if (!err)
		err = store_list(store, false, 1000, check_ticket, &n_tickets);
	assert_true(err == WY_OK || err == WY_E_CORRUPT);
	return !err;
}

static void one_round(struct sums *sums)
{
	bool is_killed = draw(2);
	const struct image *image = is_killed ? &killed : &stopped;
	struct store *store = NULL;
	uint64_t last = 0;
	size_t file = 0;

	put_image(image);
	hit(image, &file);
	assert_int_equal(store_open(dir, "gw-test", NULL, &store), WY_OK);
	if (store_opening(store)->kind == STORE_AS_IT_WAS && !reads_on(store)) {
		/* Inside a document: SQLite sees nothing, its checksum does. The process ends, and is started again. */
		store_close(store);
		store = NULL;
		assert_int_equal(store_open(dir, "gw-test", NULL, &store), WY_OK);
		assert_int_equal(store_opening(store)->kind, STORE_SALVAGED);
	}
	uint64_t epoch = store_epoch(store);
	sums->rounds++;
	if (store_opening(store)->kind == STORE_AS_IT_WAS) {
		assert_true(epoch == old_epoch);
		assert_int_equal(store_last_seq(store, &last), WY_OK);
		assert_int_equal(last, is_killed ? EVENTS + 12 : EVENTS);
		assert_int_equal(check_events(store, true), last - TELLS);
	} else {
		struct found found = check_salvaged(store);
		sums->salvaged++;
		sums->of_file[file]++;
		sums->found.events += found.events;
		sums->found.tickets += found.tickets;
		sums->found.cells += found.cells;
		assert_true(found.events <= EVENTS + 12 - TELLS);
	}
	assert_int_equal(store_verify(store, NULL), WY_OK);
	store_close(store);
	store = NULL;
	assert_int_equal(store_open(dir, "gw-test", NULL, &store), WY_OK);
	assert_int_equal(store_opening(store)->kind, STORE_AS_IT_WAS);
	assert_true(store_epoch(store) == epoch);
	store_close(store);
}

static void a_thousand_places_of_damage_are_healed(void **state)
{
	struct sums sums = {0};
	unsigned rounds = getenv("WY_LONG") ? 5000 : 200;

	(void)state;
	for (unsigned i = 0; i < rounds; i++) {
		chance = (seed + i) * 0x9E3779B97F4A7C15u | 1;
		for (int k = 0; k < 8; k++)
			(void)draw(2);
		one_round(&sums);
	}
	print_message("%u places, %u replaced (database %u, log %u, index %u, lock %u); of what a whole store holds, kept: "
		      "events %.1f %%, tickets %.1f %%, cells %.1f %%\n", sums.rounds, sums.salvaged, sums.of_file[0],
		      sums.of_file[1], sums.of_file[2], sums.of_file[3],
		      100.0 * (double)sums.found.events / (sums.salvaged * (double)(EVENTS - TELLS + 6)),
		      100.0 * (double)sums.found.tickets / (sums.salvaged * (double)TICKETS),
		      100.0 * (double)sums.found.cells / (sums.salvaged * (double)CELLS));
	/* The index is made anew by whoever opens first; the lock file's words are not needed. */
	assert_int_equal(sums.of_file[2] + sums.of_file[3], 0);
	assert_true(sums.salvaged > rounds / 4);
	assert_true(sums.found.events > (uint64_t)sums.salvaged * (EVENTS - TELLS) * 7 / 10);
	assert_true(sums.found.tickets > (uint64_t)sums.salvaged * TICKETS * 7 / 10);
	assert_true(sums.found.cells > (uint64_t)sums.salvaged * CELLS * 7 / 10);
}

/* ---- One by one --------------------------------------------------------------------------------- */

static struct store *open_expecting(enum store_opening_kind kind)
{
	struct store *store = NULL;

	assert_int_equal(store_open(dir, "gw-test", NULL, &store), WY_OK);
	assert_string_equal(store_opening_text(store_opening(store)->kind), store_opening_text(kind));
	return store;
}

static void run_sql(const char *sql)
{
	char path[HELP_PATH * 2];
	sqlite3 *db = NULL;

	path_of(STORE_FILE, path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void a_new_epoch_is_begun_on_the_same_data_when_it_is_ordered(void **state)
{
	uint64_t tickets = 0;

	(void)state;
	put_image(&stopped);
	struct store *store = open_expecting(STORE_AS_IT_WAS);
	assert_int_equal(store_renew_epoch(store), WY_OK);
	store_close(store);
	store = open_expecting(STORE_RENEWED);
	assert_true(store_epoch(store) != old_epoch);
	assert_string_equal(store_epoch_reason(store), "ordered");
	assert_int_equal(check_events(store, false), EVENTS - TELLS);
	assert_int_equal(store_list(store, true, 1000, check_ticket, &tickets), WY_OK);
	assert_int_equal(tickets, TICKETS);
	assert_int_equal(store_losses(store), 0);
	assert_int_equal(count_like(".damaged"), 0);
	store_close(store);
	store = open_expecting(STORE_AS_IT_WAS);
	assert_string_equal(store_epoch_reason(store), "ordered");
	store_close(store);
}

static uint64_t size_of_log(void)
{
	struct image now;
	uint64_t len;

	take_image(&now);
	len = now.len[1];
	free_image(&now);
	return len;
}

/* The log of a killed process, damaged in its first frame: what stands behind that is what the next look has to find. */
static void a_log_that_is_damaged_stays_so_until_it_is_replaced(void **state)
{
	char path[HELP_PATH * 2];

	(void)state;
	put_image(&killed);
	path_of(STORE_FILE "-wal", path);
	FILE *file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 3000, SEEK_SET), 0);
	for (unsigned i = 0; i < 200; i++)
		fputc((int)(i * 37 & 255), file);
	fclose(file);
	struct store *store = open_expecting(STORE_SALVAGED);
	assert_true(store_epoch(store) != old_epoch);
	assert_int_equal(check_salvaged(store).events, EVENTS - TELLS);
	store_close(store);
}

static void opening_a_store_leaves_an_empty_log(void **state)
{
	(void)state;
	put_image(&killed);
	struct store *store = open_expecting(STORE_AS_IT_WAS);
	assert_int_equal(size_of_log(), 0); /* worked into the database: it was sound */
	store_close(store);
	put_image(&stopped);
	store = open_expecting(STORE_AS_IT_WAS);
	assert_int_equal(size_of_log(), 0);
	store_close(store);
}

/* SQLite writes the head of a frame, then its page, over what an earlier life of the log left there. */
static void a_kill_between_the_head_of_a_frame_and_its_page_is_no_damage(void **state)
{
	unsigned char frame[24 + 4096] = {0}, head[32];
	char path[HELP_PATH * 2];
	uint64_t last = 0;

	(void)state;
	put_image(&killed);
	path_of(names[1], path);
	FILE *log = fopen(path, "r+");
	assert_non_null(log);
	assert_int_equal(fread(head, 1, sizeof(head), log), sizeof(head));
	frame[3] = frame[7] = 3;           /* page 3, and the end of a transaction */
	memcpy(frame + 8, head + 16, 8);   /* of this log */
	memset(frame + 16, 0x5a, 8 + 100); /* a checksum of a page that is not there */
	assert_int_equal(fseek(log, 0, SEEK_END), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fwrite(frame, 1, sizeof(frame), log), sizeof(frame));
	fclose(log);
	struct store *store = open_expecting(STORE_AS_IT_WAS);
	assert_int_equal(store_last_seq(store, &last), WY_OK);
	assert_int_equal(last, EVENTS + 12);
	assert_int_equal(size_of_log(), 0);
	store_close(store);
}

/* Its end made room in a full outbox, and nobody has heard of it: it is still to be told, though an earlier event of it waits. */
static void a_ticket_whose_end_was_dropped_is_still_to_be_told(void **state)
{
	struct store_untold untold[4];
	struct ticket ticket = ticket_of(old_epoch, 3);
	size_t n = 0;

	(void)state;
	put_image(&stopped);
	run_sql("UPDATE ticket SET is_open = 0, untold = 1 WHERE asset = 'a3'");
	struct store *store = open_expecting(STORE_AS_IT_WAS);
	assert_int_equal(store_renew_epoch(store), WY_OK);
	store_close(store);
	store = open_expecting(STORE_RENEWED);
	assert_int_equal(check_events(store, false), EVENTS - TELLS);
	assert_int_equal(store_untold(store, untold, 4, &n), WY_OK);
	assert_int_equal(n, 1);
	assert_string_equal(untold[0].key, ticket.key);
	assert_false(untold[0].is_new);
	store_close(store);
}

/* Numbers that a bit could change unseen: each is kept twice. */
static void a_number_that_was_changed_is_damage(void **state)
{
	static const char *const changes[] = {
		"UPDATE meta SET value = value - 1 WHERE key = 'seq'",
		"UPDATE meta SET value = value + 64 WHERE key = 'seq'",
		"UPDATE meta SET value = value - 1 WHERE key = 'bd_seq'",
		"UPDATE meta SET value = value + 1 WHERE key = 'epoch'",
		"UPDATE meta SET value = 'gw-tesu' WHERE key = 'gateway'",
		"UPDATE meta SET value = value + 4096 WHERE key = 'clock_mono'",
		"DELETE FROM meta WHERE key = 'seq'",
		"DELETE FROM meta WHERE key = 'epoch'",
		"PRAGMA application_id = 7",
		"PRAGMA user_version = 1000",
		"PRAGMA user_version = 1",
		"PRAGMA user_version = 0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		put_image(&stopped);
		run_sql(changes[i]);
		struct store *store = open_expecting(STORE_SALVAGED);
		assert_int_equal(check_salvaged(store).events, EVENTS - TELLS);
		assert_int_equal(store_losses(store), 1);
		store_close(store);
	}
}

static void at_most_three_damaged_stores_are_kept_and_losses_are_counted_on(void **state)
{
	(void)state;
	put_image(&stopped);
	for (unsigned n = 1; n <= 6; n++) {
		run_sql("UPDATE meta SET value = 77 WHERE key = 'seq'");
		struct store *store = open_expecting(STORE_SALVAGED);
		assert_int_equal(store_losses(store), n);
		assert_int_equal(count_like(".damaged-"), n < 3 ? n : 3);
		store_close(store);
	}
	assert_int_equal(count_like(".damaged-6"), 1);
	assert_int_equal(count_like(".damaged-3"), 0);
}

/* Everywhere: what is left of a file that was overwritten as a whole is a new store. */
static void a_file_of_noise_is_put_aside(void **state)
{
	char path[HELP_PATH * 2];

	(void)state;
	put_image(&stopped);
	path_of(STORE_FILE, path);
	FILE *file = fopen(path, "r+");
	for (unsigned i = 0; i < 300000; i++)
		fputc((int)(i * 2654435761u >> 13 & 255), file);
	fclose(file);
	struct store *store = open_expecting(STORE_SALVAGED);
	assert_int_equal(store_losses(store), 1);
	assert_int_equal(count_like(".damaged-1"), 1);
	store_close(store);
}

/* The steps of a replacement, cut off between any two: the next start ends it. */
static void a_replacement_that_is_cut_off_is_finished(void **state)
{
	char db[HELP_PATH * 2], aside[HELP_PATH * 2], new[HELP_PATH * 2];

	(void)state;
	put_image(&stopped);
	path_of(STORE_FILE, db);
	path_of(STORE_FILE ".damaged-1", aside);
	path_of(STORE_FILE ".new", new);
	run_sql("UPDATE meta SET value = 77 WHERE key = 'seq'");
	struct store *store = open_expecting(STORE_SALVAGED);
	uint64_t epoch = store_epoch(store);
	store_close(store);
	/* As it was after the old one went away, and before the new one came. */
	assert_int_equal(rename(db, new), 0);
	store = open_expecting(STORE_AS_IT_WAS);
	assert_true(store_epoch(store) == epoch);
	store_close(store);
	/* As it was before: the new one was made, perhaps not to its end. */
	assert_int_equal(rename(db, new), 0);
	assert_int_equal(rename(aside, db), 0);
	assert_int_equal(truncate(new, 5000), 0);
	store = open_expecting(STORE_SALVAGED);
	assert_int_equal(check_salvaged(store).events, EVENTS - TELLS);
	assert_true(access(new, F_OK) != 0);
	store_close(store);
}

/* One that died in memory, and is started again while the disk still takes nothing: what it had to tell goes on from memory. */
static void a_queue_on_a_disk_that_takes_nothing_is_carried_over(void **state)
{
	char mode[HELP_PATH * 2];
	uint64_t tickets = 0;
	unsigned cells = 0;

	(void)state;
	put_image(&killed);
	path_of(STORE_MODE_FILE, mode);
	FILE *file = fopen(mode, "w");
	assert_non_null(file);
	fprintf(file, "%-63s\n", "memory");
	fclose(file);
	fault_on(FAULT_SHM, 1);
	struct store *store = open_expecting(STORE_RENEWED);
	assert_true(store_mode(store) != STORE_ON_DISK);
	assert_true(store_epoch(store) != old_epoch);
	assert_int_equal(check_events(store, false), EVENTS + 12 - TELLS);
	assert_int_equal(store_list(store, true, 1000, check_ticket, &tickets), WY_OK);
	assert_int_equal(tickets, TICKETS);
	assert_int_equal(store_each_cell(store, is_true_cell, &cells), WY_OK);
	assert_int_equal(cells, CELLS);
	assert_true(fault_off());
	store_close(store);
	store = open_expecting(STORE_AS_IT_WAS);
	assert_int_equal(store_mode(store), STORE_ON_DISK);
	assert_int_equal(check_events(store, false), EVENTS + 12 - TELLS);
	assert_int_equal(count_like(".left-1"), 1);
	store_close(store);
}

static int begin(void **state)
{
	const char *given = getenv("WY_SEED");

	(void)state;
	if (given)
		seed = strtoull(given, NULL, 10);
	else
		seed = (uint64_t)20261122 << 16;
	seed >>= 16;
	print_message("seed %llu: WY_SEED=%llu\n", (unsigned long long)seed, (unsigned long long)(seed << 16));
	/* In memory where there is some: what is tried is what is in the files, not the disk. */
	snprintf(dir, sizeof(dir), "%s/weiyu-salvage-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	make_past();
	return 0;
}

static int end(void **state)
{
	(void)state;
	free_image(&stopped);
	free_image(&killed);
	empty_dir();
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_epoch_is_begun_on_the_same_data_when_it_is_ordered),
		cmocka_unit_test(a_log_that_is_damaged_stays_so_until_it_is_replaced),
		cmocka_unit_test(opening_a_store_leaves_an_empty_log),
		cmocka_unit_test(a_kill_between_the_head_of_a_frame_and_its_page_is_no_damage),
		cmocka_unit_test(a_ticket_whose_end_was_dropped_is_still_to_be_told),
		cmocka_unit_test(a_number_that_was_changed_is_damage),
		cmocka_unit_test(at_most_three_damaged_stores_are_kept_and_losses_are_counted_on),
		cmocka_unit_test(a_file_of_noise_is_put_aside),
		cmocka_unit_test(a_replacement_that_is_cut_off_is_finished),
		cmocka_unit_test(a_queue_on_a_disk_that_takes_nothing_is_carried_over),
		cmocka_unit_test(a_thousand_places_of_damage_are_healed),
	};

	fault_install();
	return cmocka_run_group_tests(tests, begin, end);
}
