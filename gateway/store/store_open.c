/* store_open.c: from a directory to a store that may be trusted, or to words that say why not.
 *
 * Order matters: the lock before anything touches the database, and its log before SQLite reads it. Then the handle
 * (store_handle.c) and whose it is (store_identity.c). What is damaged is replaced (store_replace.c); a disk that does not serve
 * is met with memory (store_memory.c). */
#include "store_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MODE_PRIVATE 0600
#define OPEN_TRIES 3

/* By one that could not make the file, and has not ended since. */
static bool is_dir_locked(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd); /* and its lock goes */
	return is;
}

/* On a disk that takes no new file the directory itself is locked. */
static enum wy_err take_lock(struct store *store, const char *dir, struct store_place place)
{
	char path[STORE_PATH_SIZE];
	bool is_file = true;

	if (!store_join(path, dir, STORE_LOCK, ""))
		return WY_E_LIMIT;
	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE_PRIVATE);
	if (store->lock_fd < 0 && store_is_of_disk(errno))
		store->lock_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (store->lock_fd < 0) {
		is_file = false;
		store->lock_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (store->lock_fd < 0) {
		enum wy_err err = errno == ENOSPC ? WY_E_FULL : WY_E_IO;

		store_say(place, "E702",
		    "the lock file cannot be opened; the directory must exist and be writable",
		    strerror(errno));
		return err;
	}
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0 && !(is_file && is_dir_locked(dir)))
		return WY_OK;
	store_say(place, "E703", "another process has it open; stop that one first", "");
	return WY_E_BUSY;
}

/* ---- Opening ------------------------------------------------------------------------------------ */

static void note_why(struct store *store, const char *words)
{
	struct wy_buf buf;

	if (store->opening.why[0])
		return;
	wy_buf_init(&buf, store->opening.why, sizeof(store->opening.why));
	wy_buf_add(&buf, words);
}

/* Words for what the last process knew; NULL: nothing. */
static const char *mark_words(enum store_mark mark)
{
	switch (mark) {
	case STORE_MARK_DAMAGED:
		return "damage was seen while it was in use";
	case STORE_MARK_REPLACING:
	case STORE_MARK_REPLACING_AGAIN:
		return "a start ended while it was being replaced";
	default:
		return NULL;
	}
}

/* WY_E_CORRUPT: it is damaged, and why is noted. */
static enum wy_err open_as_it_is(struct store *store, const struct store_replacing *r, struct store_past past, bool is_wal_damaged)
{
	enum wy_err err = store_open_on_disk(store, store_durable, r->place);

	if (err == WY_E_CORRUPT)
		note_why(store, store->db ? sqlite3_errmsg(store->db) : "");
	if (err || store->opening.kind == STORE_MADE_NEW)
		return err;
	if (is_wal_damaged)
		note_why(store, "transactions in its log cannot be read");
	if (mark_words(past.mark))
		note_why(store, mark_words(past.mark));
	if (store->opening.why[0])
		return WY_E_CORRUPT;
	err = store_check(store, store->opening.why, sizeof(store->opening.why));
	/* What a kill left behind the log's end would look like damage at a later start. */
	return err || past.mark == STORE_MARK_STOPPED ? err : store_empty_log(store);
}

/* A read that failed once looks like damage to a check of the whole file: a store is given up only where it is twice. */
static enum wy_err open_or_judge(struct store *store, const struct store_replacing *r, struct store_past past)
{
	char wal[STORE_PATH_SIZE];
	/* Looked at once: who opens the store may write into its log, over what is to be found. */
	bool is_wal_damaged = store_join(wal, r->dir, STORE_FILE, "-wal") && store_wal_is_damaged(wal, past.is_same_boot);
	enum wy_err err = open_as_it_is(store, r, past, is_wal_damaged);

	if (err != WY_E_CORRUPT)
		return err;
	store_drop_handle(store);
	store->opening.why[0] = '\0';
	return open_as_it_is(store, r, past, is_wal_damaged);
}

static enum wy_err open_or_replace(struct store *store, struct store_replacing *r)
{
	struct store_past past = store_read_mark(store->lock_fd);
	enum wy_err err = store_finish_swap(r->dir);

	if (err == WY_E_FULL || err == WY_E_IO)
		store->trouble = err == WY_E_FULL ? STORE_FULL : STORE_FAILED;
	if (!err)
		err = open_or_judge(store, r, past);
	/* Numbers that were given out in memory and never reached the disk must not come again for something else. */
	bool is_asked = past.mark == STORE_MARK_RENEW || store_mode_file_says_memory(store);
	bool is_due = is_asked && store->opening.kind != STORE_MADE_NEW;
	if (err != WY_E_CORRUPT && (err || !is_due))
		return err;
	r->kind = err ? STORE_SALVAGED : STORE_RENEWED;
	r->is_hopeless = past.mark == STORE_MARK_REPLACING_AGAIN;
	store_drop_handle(store); /* as it was found: its log is not worked into it */
	store->losses = 0;
	(void)!store_write_mark(store->lock_fd, past.mark == STORE_MARK_REPLACING || r->is_hopeless ?
						 STORE_MARK_REPLACING_AGAIN : STORE_MARK_REPLACING);
	err = store_replace(store, r);
	if (err) /* nothing has changed, and this was no crash: the next start judges for itself */
		(void)!store_write_mark(store->lock_fd, past.mark);
	return err;
}

static void count_as_lost(struct store_opening *opening)
{
	for (int i = 0; i < STORE_PARTS; i++) {
		opening->part[i].lost += opening->part[i].kept;
		opening->part[i].kept = 0;
	}
}

/* The files cannot be gone on from, but they can be read: what is in them goes on under a new epoch, as if they were replaced,
 * and they are put aside when the disk takes that. What has no room in memory is lost, and said to be. */
static enum wy_err carry_over(struct store *store, enum store_opening_kind kind)
{
	enum wy_err err = store_carry_over(store);

	if (err == WY_E_NOTFOUND)
		return WY_OK;
	if (err) {
		count_as_lost(&store->opening);
		store_leave_memory(store);
		err = store_begin_in_memory(store, store->gateway, false);
	}
	store->opening.kind = kind;
	return err;
}

/* A disk that does not serve is no reason not to watch the building: what is on it is read where that is possible. */
static enum wy_err open_in_memory(struct store *store)
{
	bool is_done_for = store_mode_file_says_memory(store);
	enum wy_err err = WY_E_NOTFOUND;

	store->mode = store->trouble;
	store_drop_handle(store);
	if (!is_done_for)
		err = store_begin_in_memory(store, store->gateway, true);
	if (!err) /* its next numbers are not on the disk */
		store_mode_file_put(store, true);
	if (err != WY_E_NOTFOUND && err != WY_E_IO && err != WY_E_CORRUPT)
		return err;
	is_done_for = is_done_for || err == WY_E_CORRUPT;
	if (is_done_for)
		note_why(store, err == WY_E_CORRUPT ? "the disk takes nothing, and what is on it is damaged" :
						      "numbers were given out in memory that are not on the disk");
	if (is_done_for)
		store_set_reason(store, err == WY_E_CORRUPT ? "salvaged" : "ordered");
	bool is_damaged = err == WY_E_CORRUPT;
	err = store_begin_in_memory(store, store->gateway, false);
	if (!err) /* the platform hears of this epoch: that of the disk must not speak after it */
		store_mode_file_put(store, true);
	return err || !is_done_for ? err : carry_over(store, is_damaged ? STORE_SALVAGED : STORE_RENEWED);
}

static enum wy_err open_somehow(struct store *store, struct store_replacing *r)
{
	struct wy_diags *diags = r->place.diags;
	size_t errors = diags ? diags->errors : 0, said = diags ? diags->n : 0;
	enum wy_err err = open_or_replace(store, r);

	/* A bad moment is no bad disk: another handle may find it well. */
	for (int i = 1; i < OPEN_TRIES && store_is_disk_trouble(store, err); i++) {
		store_drop_handle(store);
		err = open_or_replace(store, r);
	}
	if (!err)
		store_mode_file_put(store, false);
	if (store_is_disk_trouble(store, err))
		err = open_in_memory(store);
	if (!err && diags) { /* it is open: nothing is wrong that would have to be said here */
		diags->n = said;
		diags->errors = errors;
	}
	return err;
}

enum wy_err store_open(const char *dir, const char *gateway, struct wy_diags *diags,
		       struct store **ret_store)
{
	struct store *store = store_new();
	struct store_replacing r = {.dir = dir, .place = {diags, dir}};
	size_t errors = diags ? diags->errors : 0;
	enum wy_err err;

	if (!store)
		return WY_E_NOMEM;
	r.opening = &store->opening;
	r.path = store->path;
	store_set_gateway(store, gateway, "new");
	err = store_join(store->path, dir, STORE_FILE, "") ? WY_OK : WY_E_LIMIT;
	if (!err) {
		strcpy(store->dir, dir);
		err = take_lock(store, dir, r.place);
	}
	if (!err)
		err = open_somehow(store, &r);
	if (!err) {
		store->is_open = true;
		(void)!store_write_mark(store->lock_fd, STORE_MARK_RUNNING); /* a disk that is full is no reason not to start */
		*ret_store = store;
		return WY_OK;
	}
	if (diags && diags->errors == errors)
		store_say(r.place, "E708", wy_err_text(err), store->db ? sqlite3_errmsg(store->db) : "");
	store_close(store);
	return err;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	bool is_clean = store->is_open && !store->is_marked && !store->broken && store->mode == STORE_ON_DISK;

	store_abort(store);
	if (store->memory && store->is_open) /* the last chance */
		(void)!store_try_disk(store);
	if (store->mode != STORE_ON_DISK || store->broken) {
		store_drop_handle(store);
	} else {
		store_finalize(store);
		sqlite3_close(store->db);
	}
	if (is_clean)
		(void)!store_write_mark(store->lock_fd, STORE_MARK_STOPPED);
	memory_disk_free(store->memory);
	redo_release(&store->redo);
	if (store->mode_fd >= 0)
		close(store->mode_fd);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	pack_free(store->pack);
	free(store);
}

enum wy_err store_renew_epoch(struct store *store)
{
	enum wy_err err = store_write_mark(store->lock_fd, STORE_MARK_RENEW);

	store->is_marked = store->is_marked || !err;
	return err;
}

const struct store_opening *store_opening(const struct store *store)
{
	return &store->opening;
}

const char *store_opening_text(enum store_opening_kind kind)
{
	static const char *const texts[] = {"as_it_was", "new", "salvaged", "renewed"};

	return texts[kind];
}

const char *store_part_text(enum store_part part)
{
	static const char *const texts[STORE_PARTS] = {"events", "tickets", "cells", "episodes", "notes", "learned"};

	return texts[part];
}
