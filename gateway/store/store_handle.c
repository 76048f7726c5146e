/* store_handle.c: a database file as a handle of SQLite that may be used: options, schema version, statements.
 *
 * Order matters: auto_vacuum before the first table, since it cannot be set later without rewriting the file; the schema version
 * before any migration. What is somebody else's, or newer, is refused and left alone; to be sure that it is, and not ours with
 * a bit turned, two places of the file must say so. */
#include "store_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APPLICATION_ID 0x57595531 /* "WYU1", set by the first migration */
#define BUSY_MS 2000
#define MODE_PRIVATE 0600

void store_say(struct store_place place, const char *code, const char *what, const char *more)
{
	if (place.diags)
		wy_diag_add(place.diags, WY_DIAG_ERROR, code, NULL, 0, "store '%s': %s%s%s",
			    place.path, what, *more ? ": " : "", more);
}

/* A mistake of the disk, which memory can help with; others are mistakes of people. */
bool store_is_of_disk(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO;
}

/* SQLite creates its file with the umask of the process; what is in it concerns nobody else. */
static enum wy_err make_private(struct store *store, struct store_place place)
{
	int fd = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE_PRIVATE);

	if (fd < 0) {
		enum store_mode trouble = store_trouble_of(errno);
		enum wy_err err = store_error_of(errno);
		struct wy_buf words;

		store->trouble = store_is_of_disk(errno) ? trouble : STORE_ON_DISK;
		wy_buf_init(&words, store->why, sizeof(store->why));
		wy_buf_add(&words, strerror(errno));
		store_say(place, "E704", "the file cannot be opened", strerror(errno));
		return err;
	}
	close(fd);
	return WY_OK;
}

const char store_durable[] = "PRAGMA cell_size_check = ON;"
			      "PRAGMA temp_store = MEMORY;"
			      "PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = FULL;"
			      "PRAGMA journal_size_limit = 4194304;";
/* Whole at its end or thrown away: see store_keep_scratch(). */
const char store_scratch[] = "PRAGMA temp_store = MEMORY;"
			      "PRAGMA journal_mode = OFF;"
			      "PRAGMA synchronous = OFF;";

/* Of a file that is new. In another one it is set, and setting it again would write into its log at each start. */
static int set_vacuum(sqlite3 *db)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA page_count", -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	bool is_new = rc == SQLITE_ROW && sqlite3_column_int64(stmt, 0) == 0;
	(void)sqlite3_finalize(stmt);
	if (rc != SQLITE_ROW)
		return rc;
	return is_new ? sqlite3_exec(db, "PRAGMA auto_vacuum = INCREMENTAL;", NULL, NULL, NULL) : SQLITE_OK;
}

static int set_options(sqlite3 *db, const char *pragmas, bool is_alone)
{
	static const int on_off[][2] = {
		{SQLITE_DBCONFIG_DEFENSIVE, 1},	     {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
		{SQLITE_DBCONFIG_DQS_DML, 0},	     {SQLITE_DBCONFIG_DQS_DDL, 0},
		{SQLITE_DBCONFIG_ENABLE_FKEY, 1},
	};
	int rc = sqlite3_busy_timeout(db, BUSY_MS);

	if (rc == SQLITE_OK && is_alone) /* before anything is read */
		rc = sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE;", NULL, NULL, NULL);
	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(on_off) / sizeof(on_off[0]); i++)
		rc = sqlite3_db_config(db, on_off[i][0], on_off[i][1], (int *)NULL);
	if (rc == SQLITE_OK)
		rc = set_vacuum(db);
	if (rc != SQLITE_OK)
		return rc;
	return sqlite3_exec(db, pragmas, NULL, NULL, NULL);
}

enum wy_err store_ask(struct store *store, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? WY_E_CORRUPT : store_error(store, rc);
}

static enum wy_err migrate(struct store *store, int64_t version)
{
	for (; store_migrations[version]; version++) {
		int rc = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

		if (rc == SQLITE_OK)
			rc = sqlite3_exec(store->db, store_migrations[version], NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
		if (rc != SQLITE_OK) {
			if (!sqlite3_get_autocommit(store->db))
				sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
			return store_error(store, rc);
		}
	}
	return WY_OK;
}

/* What a database says of itself, without it being wrong to say nothing: -1. */
static enum wy_err hear(struct store *store, const char *sql, int64_t *ret_value)
{
	enum wy_err err = store_ask(store, sql, ret_value);

	if (err != WY_E_CORRUPT)
		return err;
	store->broken = WY_OK;
	*ret_value = -1;
	return WY_OK;
}

/* The number of the schema stands in the head of the file and in meta: damage does not make both agree. */
static enum wy_err refuse_newer(struct store *store, int64_t version, struct store_place place)
{
	int64_t noted = 0;
	enum wy_err err = hear(store, "SELECT value FROM meta WHERE key = 'schema'", &noted);

	if (err || noted != version)
		return err ? err : store_error(store, SQLITE_CORRUPT);
	store_say(place, "E705",
		  "it was written by a newer version of this program; install that one again, or "
		  "move the file away to begin a new store",
		  "");
	return WY_E_UNSUPPORTED;
}

/* Ours with a damaged head, or another program's? */
static enum wy_err refuse_foreign(struct store *store, struct store_place place)
{
	int64_t n = 0;
	enum wy_err err = hear(store, "SELECT count(*) FROM meta WHERE key IN ('gateway', 'epoch', 'seq')", &n);

	if (err || n > 0)
		return err ? err : store_error(store, SQLITE_CORRUPT);
	store_say(place, "E706", "this is not a store of this program", "");
	return WY_E_INVALID;
}

int64_t store_version_known(void)
{
	int64_t known = 0;

	while (store_migrations[known])
		known++;
	return known;
}

static enum wy_err check_version(struct store *store, struct store_place place)
{
	int64_t version = 0, application = 0, objects = 0;
	enum wy_err err = store_ask(store, "PRAGMA user_version", &version);

	if (!err)
		err = store_ask(store, "PRAGMA application_id", &application);
	if (!err)
		err = store_ask(store, "SELECT count(*) FROM sqlite_schema", &objects);
	if (err)
		return err;
	if (objects > 0 && application != APPLICATION_ID)
		return refuse_foreign(store, place);
	if (version > store_version_known())
		return refuse_newer(store, version, place);
	if (version < 0 || (version == 0) != (objects == 0))
		return store_error(store, SQLITE_CORRUPT);
	return migrate(store, version);
}

int store_on_wal(void *arg, sqlite3 *db, const char *name, int frames)
{
	struct store *store = arg;

	(void)db;
	(void)name;
	store->wal_frames = frames;
	return SQLITE_OK;
}

static enum wy_err open_handle(struct store *store, const char *vfs, const char *pragmas, struct wy_diags *diags)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX;
	enum wy_err err;
	int rc;

	rc = sqlite3_open_v2(store->path, &store->db, vfs ? flags | SQLITE_OPEN_CREATE : flags, vfs);
	if (rc == SQLITE_OK)
		rc = set_options(store->db, pragmas, vfs != NULL);
	err = store_error(store, rc);
	if (!err)
		err = check_version(store, (struct store_place){diags, store->dir});
	if (!err)
		err = store_prepare(store);
	if (!err) /* in place of SQLite's own: what goes wrong there is to be heard of */
		sqlite3_wal_hook(store->db, store_on_wal, store);
	return err;
}

enum wy_err store_open_handle(struct store *store, const char *vfs, struct wy_diags *diags)
{
	return open_handle(store, vfs, store_durable, diags);
}

enum wy_err store_open_on_disk(struct store *store, const char *pragmas, struct store_place place)
{
	enum wy_err err = make_private(store, place);

	if (!err)
		err = open_handle(store, NULL, pragmas, place.diags);
	return err ? err : store_identify(store, store->gateway, place.diags);
}

void store_drop_handle(struct store *store)
{
	store_finalize(store);
	if (store->db) {
		(void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
		(void)sqlite3_close(store->db);
	}
	store->db = NULL;
	store->broken = WY_OK;
	store->is_in_tx = store->is_failed = false;
}

struct store *store_new(void)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->lock_fd = store->mode_fd = -1;
	store->is_untold = true; /* the first look says whether it is so */
	store->quota = WY_OUTBOX_BYTES;
	store->memory_most = WY_STORE_MEMORY_BYTES;
	store->pack = store_new_pack();
	if (store->pack)
		return store;
	free(store);
	return NULL;
}
