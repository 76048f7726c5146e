/* store_return.c: the disk serves again, and what memory holds goes back to it. In this order, so that a crash at any moment
 * leaves the disk with all of it or with none:
 *
 *   1. A fresh handle, alone on the file, reads it, and puts the write-ahead log into the database. It is the file that was left.
 *   2. Every page that changed in memory goes into a new write-ahead log, as one commit, and is synced. The format is the one
 *      SQLite documents; each frame's checksum covers all before it, so a log that is not whole counts for nothing.
 *   3. An ordinary handle is opened. It has to find the last commit of memory, and a sound file; then memory is let go.
 *
 * The fresh handle of 1 wants the file for itself: a reader from outside would hold an index of the log in which ours is
 * not known. It comes back another time then.
 *
 * A memory store that has nothing below it is written whole, to a file that is then renamed; whatever bears the name is put
 * aside. */
#include "store_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAL_MAGIC 0x377f0683u /* checksums over big-endian words */
#define WAL_VERSION 3007000u
#define KEPT_MOST 3 /* stores put aside; then the oldest goes */

enum { WAL_HEAD = 32, FRAME_HEAD = 24, SOUND_BYTES = 64 * 1024 * 1024 };

/* ---- A file below the database ------------------------------------------------------------------ */

struct output {
	sqlite3_file *file; /* by SQLite's layer, so that its faults are ours */
	char path[STORE_PATH_SIZE + 16];
	sqlite3_int64 at;
};

static enum wy_err err_of(struct store *store, int rc)
{
	enum wy_err err = store_error(store, rc);

	store->broken = WY_OK; /* the memory store is well */
	return err;
}

static enum wy_err output_open(struct store *store, const char *suffix, int kind, struct output *out)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | kind;

	*out = (struct output){.at = 0};
	snprintf(out->path, sizeof(out->path) - 2, "%s%s", store->path, suffix); /* zeros behind it, for SQLite */
	out->file = calloc(1, (size_t)vfs->szOsFile);
	if (!out->file)
		return WY_E_NOMEM;
	int rc = vfs->xOpen(vfs, out->path, out->file, flags, &flags);
	if (rc == SQLITE_OK)
		rc = out->file->pMethods->xTruncate(out->file, 0);
	return err_of(store, rc);
}

static enum wy_err output_add(struct store *store, struct output *out, const void *bytes, size_t n)
{
	enum wy_err err = err_of(store, out->file->pMethods->xWrite(out->file, bytes, (int)n, out->at));

	out->at += (sqlite3_int64)n;
	return err;
}

/* is_fine: synced as well. The file's handle is not used again whatever comes of it. */
static enum wy_err output_close(struct store *store, struct output *out, bool is_fine)
{
	enum wy_err err = WY_OK;

	if (out->file && out->file->pMethods) {
		if (is_fine)
			err = err_of(store, out->file->pMethods->xSync(out->file, SQLITE_SYNC_FULL));
		(void)out->file->pMethods->xClose(out->file);
	}
	free(out->file);
	return err;
}

static enum wy_err sync_dir(struct store *store)
{
	int fd = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_fine = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return is_fine ? WY_OK : WY_E_IO;
}

/* ---- The log ------------------------------------------------------------------------------------ */

struct log {
	struct output out;
	uint32_t salt[2], sum[2];
};

static void put32(unsigned char *out, uint32_t value)
{
	out[0] = (unsigned char)(value >> 24);
	out[1] = (unsigned char)(value >> 16);
	out[2] = (unsigned char)(value >> 8);
	out[3] = (unsigned char)value;
}

static void add_sum(struct log *log, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		log->sum[0] += store_get32(bytes + i) + log->sum[1];
		log->sum[1] += store_get32(bytes + i + 4) + log->sum[0];
	}
}

static enum wy_err begin_log(struct store *store, struct log *log)
{
	unsigned char head[WAL_HEAD] = {0};
	enum wy_err err = output_open(store, "-wal", SQLITE_OPEN_WAL, &log->out);

	if (!err && getrandom(log->salt, sizeof(log->salt), 0) != (ssize_t)sizeof(log->salt))
		err = WY_E_IO;
	if (err)
		return err;
	put32(head, WAL_MAGIC);
	put32(head + 4, WAL_VERSION);
	put32(head + 8, MEMORY_PAGE);
	put32(head + 16, log->salt[0]);
	put32(head + 20, log->salt[1]);
	log->sum[0] = log->sum[1] = 0;
	add_sum(log, head, WAL_HEAD - 8);
	put32(head + 24, log->sum[0]);
	put32(head + 28, log->sum[1]);
	return output_add(store, &log->out, head, sizeof(head));
}

/* pages: of the database from this frame on, where the commit ends with it; else 0. */
static enum wy_err add_frame(struct store *store, struct log *log, uint32_t number, uint32_t pages,
			     const unsigned char *page)
{
	unsigned char head[FRAME_HEAD];
	enum wy_err err;

	put32(head, number);
	put32(head + 4, pages);
	put32(head + 8, log->salt[0]);
	put32(head + 12, log->salt[1]);
	add_sum(log, head, 8);
	add_sum(log, page, MEMORY_PAGE);
	put32(head + 16, log->sum[0]);
	put32(head + 20, log->sum[1]);
	err = output_add(store, &log->out, head, sizeof(head));
	return err ? err : output_add(store, &log->out, page, MEMORY_PAGE);
}

static size_t last_changed(const struct store *store)
{
	size_t last = 0;

	for (size_t i = memory_disk_pages(store->memory); !last && i-- > 0;)
		last = memory_disk_is_changed(store->memory, i) ? i + 1 : 0;
	return last; /* 0: none */
}

static enum wy_err write_log(struct store *store)
{
	size_t last = last_changed(store), pages = memory_disk_pages(store->memory);
	unsigned char page[MEMORY_PAGE];
	struct log log;
	enum wy_err err;

	if (last == 0)
		return WY_OK;
	err = begin_log(store, &log);
	for (size_t i = 0; !err && i < last; i++) {
		if (!memory_disk_is_changed(store->memory, i))
			continue;
		err = memory_disk_read(store->memory, i, page);
		if (!err)
			err = add_frame(store, &log, (uint32_t)i + 1, i + 1 == last ? (uint32_t)pages : 0, page);
	}
	enum wy_err close_err = output_close(store, &log.out, !err);
	return err ? err : close_err;
}

/* ---- The file that was left --------------------------------------------------------------------- */

static enum wy_err ask_meta(struct store *store, sqlite3 *db, const char *key, int64_t *ret_value)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE key = ?1", -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	*ret_value = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return err_of(store, rc);
}

/* Ours: of that epoch, and not beyond what was written here. A return that was cut off may have brought it nearer. */
static enum wy_err is_as_left(struct store *store, sqlite3 *db)
{
	int64_t epoch = 0, turn = 0;
	enum wy_err err = ask_meta(store, db, "epoch", &epoch);

	if (!err)
		err = ask_meta(store, db, "turn", &turn);
	if (err)
		return err;
	bool is_epoch = (uint64_t)epoch == store->disk_epoch || (uint64_t)epoch == store->epoch;
	bool is_turn = (uint64_t)turn >= store->disk_turn && (uint64_t)turn <= store->turn + 1;
	return is_epoch && is_turn ? WY_OK : WY_E_INVALID;
}

static enum wy_err open_alone(struct store *store, sqlite3 **ret_db)
{
	int rc = sqlite3_open_v2(store->path, ret_db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(*ret_db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;", NULL, NULL, NULL);
	return err_of(store, rc);
}

static enum wy_err clear_log(struct store *store)
{
	sqlite3 *db = NULL;
	enum wy_err err = open_alone(store, &db);

	if (!err)
		err = is_as_left(store, db);
	if (!err)
		err = err_of(store, sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
	if (err)
		(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	sqlite3_close(db);
	return err;
}

/* ---- A whole new file --------------------------------------------------------------------------- */

/* The database first: it must never be opened without the log that belongs to it. What is not there has gone already. */
static bool move_all(struct store *store, const char *from, const char *to)
{
	char path[STORE_PATH_SIZE + 64], name[STORE_PATH_SIZE + 64];

	for (size_t i = 0; i < STORE_TAILS; i++) {
		snprintf(path, sizeof(path), "%s%s%s", store->path, from, store_tails[i]);
		snprintf(name, sizeof(name), "%s%s%s", store->path, to, store_tails[i]);
		if (rename(path, name) != 0 && errno != ENOENT)
			return false;
	}
	return true;
}

static void drop_oldest(struct store *store)
{
	char path[STORE_PATH_SIZE + 64];

	for (size_t i = STORE_TAILS; i-- > 0;) {
		snprintf(path, sizeof(path), "%s.left-%d%s", store->path, KEPT_MOST, store_tails[i]);
		(void)!unlink(path);
	}
}

static void make_place(struct store *store)
{
	char from[16], to[16];

	drop_oldest(store);
	for (int i = KEPT_MOST; i > 1; i--) {
		snprintf(from, sizeof(from), ".left-%d", i - 1);
		snprintf(to, sizeof(to), ".left-%d", i);
		(void)!move_all(store, from, to);
	}
}

/* Under weiyu.db.left-1 (the newest) to -3: what had not reached the platform is in there. */
static enum wy_err put_aside(struct store *store)
{
	struct stat found;

	if (stat(store->path, &found) == 0)
		make_place(store);
	else if (errno != ENOENT)
		return WY_E_IO;
	return move_all(store, "", ".left-1") ? WY_OK : WY_E_IO;
}

/* Under a name that no start looks at, until it is whole. */
static enum wy_err write_part(struct store *store, const char *part)
{
	unsigned char page[MEMORY_PAGE];
	struct output out;
	enum wy_err err;

	(void)!mkdir(store->dir, 0750); /* where it is missing; what follows tells */
	err = output_open(store, ".part", SQLITE_OPEN_MAIN_DB, &out);
	for (size_t i = 0; !err && i < memory_disk_pages(store->memory); i++) {
		store_beat(store);
		err = memory_disk_read(store->memory, i, page);
		if (!err)
			err = output_add(store, &out, page, sizeof(page));
	}
	enum wy_err close_err = output_close(store, &out, !err);
	err = err ? err : close_err;
	if (!err && chmod(part, 0600) != 0)
		err = WY_E_IO;
	return err;
}

/* What was brought home is only there: memory is not beyond it, but beside it. Where the last steps fail the process ends, and the
 * next one finds all of it. */
static enum wy_err give_way(struct store *store, enum wy_err err)
{
	if (err && store->is_home)
		store->broken = WY_E_IO;
	return err;
}

static void stay(struct store *store, uint64_t turn)
{
	store->turn = turn;
	store->is_home = false;
}

static void note_aside(struct store *store)
{
	struct wy_buf buf;

	wy_buf_init(&buf, store->home.file, sizeof(store->home.file));
	wy_buf_addf(&buf, "%s.left-1", store->path);
}

/* An empty one was made by a start that came no further. */
static bool is_anything_there(const struct store *store)
{
	char log[STORE_PATH_SIZE + 16];
	struct stat found, found_log;

	snprintf(log, sizeof(log), "%s-wal", store->path);
	return stat(store->path, &found) == 0 && (found.st_size > 0 || (stat(log, &found_log) == 0 && found_log.st_size > 0));
}

/* From the second name on the next start goes on with it where this is cut off (store_swap.c). */
static enum wy_err write_whole(struct store *store)
{
	char part[STORE_PATH_SIZE + 16], whole[STORE_PATH_SIZE + 16];
	uint64_t turn = store->turn;

	snprintf(part, sizeof(part), "%s.part", store->path);
	snprintf(whole, sizeof(whole), "%s.new", store->path);
	/* Its epoch is over, for the platform has heard of a later one; whoever opens it next begins another. */
	(void)store_mode_file_says_memory(store);
	store_mode_file_put(store, true);
	/* That of a process that ended in between is the store: what it holds is nowhere else. */
	enum wy_err err = store->has_made_new ? WY_OK : store_finish_swap(store->dir);
	if (!err)
		err = write_part(store, part);
	if (!err && !store->is_carried && is_anything_there(store))
		err = store_fetch_home(store, part);
	if (!err && rename(part, whole) != 0)
		err = WY_E_IO;
	if (err) {
		(void)!unlink(part);
		stay(store, turn);
		return err;
	}
	store->has_made_new = true;
	err = put_aside(store);
	if (!err && rename(whole, store->path) != 0)
		err = WY_E_IO;
	if (err) {
		if (access(store->path, F_OK) != 0)
			return give_way(store, err); /* what is whole is what the next start takes */
		(void)!unlink(whole);
		stay(store, turn);
		return err;
	}
	/* From here on that is the file, whatever else fails: it is not put aside by the next try. */
	store->is_placed = true;
	store->disk_turn = store->turn;
	note_aside(store);
	return give_way(store, sync_dir(store));
}

/* ---- Back --------------------------------------------------------------------------------------- */

static enum wy_err check_sound(struct store *store, const struct store *was)
{
	int64_t pages = 0;
	enum wy_err err = store_identify(store, NULL, NULL);

	if (!err && (store->epoch != was->epoch || store->turn != was->turn))
		err = WY_E_BUSY; /* somebody opened it in between, and does not see our log */
	if (!err)
		err = store_ask(store, "PRAGMA page_count", &pages); /* what came home was never in memory */
	if (!err && pages * MEMORY_PAGE <= SOUND_BYTES)
		err = store_verify(store, NULL);
	return err;
}

/* The handle on the disk is tried as a store of its own, and takes the other's place when it is found good. */
static enum wy_err take_over(struct store *store)
{
	struct store *fresh = calloc(1, sizeof(*fresh));
	enum wy_err err;

	if (!fresh)
		return WY_E_NOMEM;
	fresh->lock_fd = fresh->mode_fd = -1;
	memcpy(fresh->path, store->path, sizeof(fresh->path));
	memcpy(fresh->dir, store->dir, sizeof(fresh->dir));
	err = store_open_handle(fresh, NULL, NULL);
	if (!err)
		err = check_sound(fresh, store);
	if (err) {
		store_drop_handle(fresh);
		free(fresh);
		return err;
	}
	store_drop_handle(store);
	memory_disk_free(store->memory);
	store->memory = NULL;
	store->mode = store->trouble = STORE_ON_DISK;
	store->is_apart = store->is_placed = store->is_carried = false;
	memset(store->ended_from, 0, sizeof(store->ended_from));
	store->wal_frames = fresh->wal_frames;
	store->losses = fresh->losses;
	store->is_untold = true; /* what came home may have such tickets */
	store->db = fresh->db;
	memcpy(store->stmt, fresh->stmt, sizeof(store->stmt));
	sqlite3_wal_hook(store->db, store_on_wal, store);
	free(fresh);
	return WY_OK;
}

static enum wy_err write_changes(struct store *store)
{
	enum wy_err err = clear_log(store);

	return err ? err : write_log(store);
}

void store_set_alive(struct store *store, store_alive *alive, void *arg)
{
	store->alive = alive;
	store->alive_arg = arg;
}

enum wy_err store_try_disk(struct store *store)
{
	enum wy_err err;

	if (!store->memory)
		return store->broken;
	if (store->is_in_tx)
		return WY_E_STATE;
	if (store->is_home && store->broken)
		return store->broken;
	store->is_home = false;
	err = store_compact_memory(store);
	if (!err)
		err = store->is_apart && !store->is_placed ? write_whole(store) : write_changes(store);
	if (!err)
		err = give_way(store, take_over(store));
	if (err == WY_E_CORRUPT) /* all of memory is on the disk, but the disk is damaged: for the next start to mend */
		store->broken = err;
	if (err)
		return err;
	(void)store_mode_file_says_memory(store); /* makes the file where it could not be made before */
	store_mode_file_put(store, false);
	return WY_OK;
}
