/* store_home.c: a store that could not be read when the process started, and can be now. Memory began a new epoch then, and what
 * it told has its numbers. So the old one is brought home into the new one: what waited for the platform goes on after what waits
 * already, tickets and notes take their place before it (store_salvage.c says what becomes of a fault that both know).
 *
 * All of it happens in the file that is about to take the place, before it does: memory has no room for a queue of weeks, and what is
 * cut off here leaves both as they were. */
#include "store_sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CHUNK = 65536,
	TRIES_MOST = 30, /* on a disk that takes the new one: then what is unreadable is so for ever, and the rest is taken */
};

/* ---- May it be read? ---------------------------------------------------------------------------- */

static int read_all(const struct store *store, sqlite3_file *file, unsigned char *chunk)
{
	sqlite3_int64 size = 0;
	int rc = file->pMethods->xFileSize(file, &size);

	for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < size; at += CHUNK) {
		store_beat(store);
		rc = file->pMethods->xRead(file, chunk, size - at < CHUNK ? (int)(size - at) : CHUNK, at);
	}
	return rc;
}

static bool is_file_readable(const struct store *store, const char *tail, int kind)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	char path[STORE_PATH_SIZE + 16] = "";
	unsigned char *chunk = malloc(CHUNK);
	sqlite3_file *file = calloc(1, (size_t)vfs->szOsFile);
	int flags = SQLITE_OPEN_READONLY | kind, is_there = 0;

	snprintf(path, sizeof(path) - 2, "%s%s", store->path, tail); /* zeros behind it, for SQLite */
	int rc = chunk && file ? vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &is_there) : SQLITE_NOMEM;
	if (rc == SQLITE_OK && is_there)
		rc = vfs->xOpen(vfs, path, file, flags, &flags);
	if (rc == SQLITE_OK && is_there)
		rc = read_all(store, file, chunk);
	if (file && file->pMethods)
		(void)file->pMethods->xClose(file);
	free(file);
	free(chunk);
	return rc == SQLITE_OK;
}

/* To the end, so that what a moment's trouble hides is not taken for lost. */
static bool is_readable(const struct store *store)
{
	return is_file_readable(store, "", SQLITE_OPEN_MAIN_DB) && is_file_readable(store, "-wal", SQLITE_OPEN_WAL);
}

/* ---- Home --------------------------------------------------------------------------------------- */

/* The file as it lies there, beside memory. NULL: no memory for it. */
static struct store *open_beside(const struct store *store, bool *ret_is_open)
{
	struct store *other = store_new();

	*ret_is_open = other && sqlite3_open_v2(store->path, &other->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW |
						SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK;
	return other;
}

static void close_beside(struct store *other)
{
	store_drop_handle(other);
	store_close(other);
}

/* One whose name verifies, and is not ours: it is put aside as it is. */
static bool is_foreign(const struct store *store)
{
	char owner[STORE_KEY_SIZE];
	int64_t epoch = 0;
	bool is_open, is = false;
	struct store *other = open_beside(store, &is_open);

	if (!other)
		return true;
	if (is_open &&
	    sqlite3_prepare_v2(other->db, store_sql_text(STORE_META_GET), -1, &other->stmt[STORE_META_GET], NULL) == SQLITE_OK &&
	    store_get_number(other, "epoch", &epoch) == WY_OK &&
	    store_get_text(other, "gateway", owner, sizeof(owner)) == WY_OK)
		is = strcmp(owner, store->gateway) != 0 && store_check_identity(other, owner, epoch) == WY_OK;
	close_beside(other);
	return is;
}

static bool is_of_version_before(const struct store *store)
{
	int64_t version = 0;
	bool is_open;
	struct store *other = open_beside(store, &is_open);

	if (!other)
		return false;
	bool is = is_open && store_ask(other, "PRAGMA user_version", &version) == WY_OK && version > 0 &&
		  version < store_version_known();
	close_beside(other);
	return is;
}

/* A start would have brought it up to date before anything else; what is read of it below is as this version writes it. One that is
 * damaged stays as it is. */
static enum wy_err bring_up_to_date(const struct store *store)
{
	struct store *other = store_new();
	enum wy_err err;

	if (!other)
		return WY_E_NOMEM;
	strcpy(other->path, store->path);
	strcpy(other->dir, store->dir);
	err = store_open_handle(other, NULL, NULL);
	close_beside(other);
	return err == WY_E_CORRUPT || store->home_tries >= TRIES_MOST ? WY_OK : err;
}

static enum wy_err fill(struct store *store, struct store *made)
{
	uint32_t losses = 0;
	enum wy_err err = store_begin(made);

	if (!err)
		err = store_bring_home(store->path, store->home_tries >= TRIES_MOST, made, &store->home, &losses);
	if (!err)
		err = store_put_number(made, "losses", losses + store->losses + store_has_lost(&store->home));
	if (!err)
		return store_commit(made);
	store_abort(made);
	return err;
}

static enum wy_err fetch(struct store *store, const char *part)
{
	struct store *made = store_new();
	enum wy_err err;

	if (!made)
		return WY_E_NOMEM;
	made->quota = UINT64_MAX; /* what was kept had its place */
	store_set_alive(made, store->alive, store->alive_arg);
	snprintf(made->path, sizeof(made->path), "%s", part);
	strcpy(made->dir, store->dir);
	store_set_gateway(made, store->gateway, store->epoch_reason);
	store_drop_tails(store->dir, STORE_FILE ".part"); /* of a try that was cut off: they would be taken for this one's */
	err = store_open_on_disk(made, store_scratch, (struct store_place){NULL, store->dir});
	if (!err)
		err = fill(store, made);
	uint64_t turn = made->turn;
	if (!err) /* closing would do it as well, and not say that it failed */
		err = store_empty_log(made);
	if (!err)
		err = store_keep_scratch(made, part);
	close_beside(made);
	store_drop_tails(store->dir, STORE_FILE ".part");
	if (!err)
		store->turn = turn; /* what takes the place is one commit further */
	return err;
}

enum wy_err store_fetch_home(struct store *store, const char *part)
{
	memset(&store->home, 0, sizeof(store->home));
	if (access(store->path, R_OK) != 0 && errno == EACCES)
		return WY_E_IO; /* people shut it, and will open it */
	store->home_tries++;
	if (!is_readable(store) && store->home_tries < TRIES_MOST)
		return WY_E_IO;
	if (is_foreign(store))
		return WY_OK;
	enum wy_err err = is_of_version_before(store) ? bring_up_to_date(store) : WY_OK;
	if (!err)
		err = fetch(store, part);
	store->home.kind = store_has_lost(&store->home) ? STORE_SALVAGED : STORE_RENEWED;
	store->is_home = !err;
	return err;
}

const struct store_opening *store_homecoming(const struct store *store)
{
	return store->is_home && store->mode == STORE_ON_DISK ? &store->home : NULL;
}
