/* store_open.c: from a directory to a store that may be trusted, or to words that say why not.
 *
 * Order matters: the lock before anything touches the database; auto_vacuum before the first table,
 * since it cannot be set later without rewriting the file; the schema version before any migration.
 */
#include "store_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#define APPLICATION_ID 0x57595531 /* "WYU1", set by the first migration */
#define BUSY_MS 2000
#define MODE_PRIVATE 0600
#define OPEN_TRIES 3

/* Where the words go. Both may be NULL. */
struct place {
	struct wy_diags *diags;
	const char *path;
};

static void say(struct place place, const char *code, const char *what, const char *more)
{
	if (place.diags)
		wy_diag_add(place.diags, WY_DIAG_ERROR, code, NULL, 0, "store '%s': %s%s%s",
			    place.path, what, *more ? ": " : "", more);
}

static bool join(char *out, const char *dir, const char *name)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, STORE_PATH_SIZE);
	wy_buf_addf(&buf, "%s/%s", dir, name);
	return !buf.is_cut;
}

/* A mistake of the disk, which memory can help with; others are mistakes of people. */
static bool is_of_disk(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO;
}

/* On a disk that takes no new file the directory itself is locked. */
static enum wy_err take_lock(struct store *store, const char *dir, struct place place)
{
	char path[STORE_PATH_SIZE];

	if (!join(path, dir, STORE_LOCK))
		return WY_E_LIMIT;
	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE_PRIVATE);
	if (store->lock_fd < 0 && is_of_disk(errno))
		store->lock_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (store->lock_fd < 0)
		store->lock_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->lock_fd < 0) {
		enum wy_err err = errno == ENOSPC ? WY_E_FULL : WY_E_IO;

		say(place, "E702",
		    "the lock file cannot be opened; the directory must exist and be writable",
		    strerror(errno));
		return err;
	}
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return WY_OK;
	say(place, "E703", "another process has it open; stop that one first", "");
	return WY_E_BUSY;
}

/* SQLite creates its file with the umask of the process; what is in it concerns nobody else. */
static enum wy_err make_private(struct store *store, struct place place)
{
	int fd = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE_PRIVATE);

	if (fd < 0) {
		enum store_mode trouble = store_trouble_of(errno);
		enum wy_err err = trouble == STORE_FULL ? WY_E_FULL : WY_E_IO;
		struct wy_buf words;

		store->trouble = is_of_disk(errno) ? trouble : STORE_ON_DISK;
		wy_buf_init(&words, store->why, sizeof(store->why));
		wy_buf_add(&words, strerror(errno));
		say(place, "E704", "the file cannot be opened", strerror(errno));
		return err;
	}
	close(fd);
	return WY_OK;
}

static int set_options(sqlite3 *db, bool is_alone)
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
	if (rc != SQLITE_OK)
		return rc;
	return sqlite3_exec(db,
			    "PRAGMA auto_vacuum = INCREMENTAL;"
			    "PRAGMA cell_size_check = ON;"
			    "PRAGMA temp_store = MEMORY;"
			    "PRAGMA journal_mode = WAL;"
			    "PRAGMA synchronous = FULL;"
			    "PRAGMA journal_size_limit = 4194304;",
			    NULL, NULL, NULL);
}

static enum wy_err ask_number(struct store *store, const char *sql, int64_t *ret_value)
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

static enum wy_err check_version(struct store *store, struct place place)
{
	int64_t version = 0, application = 0, objects = 0, known = 0;
	enum wy_err err = ask_number(store, "PRAGMA user_version", &version);

	if (!err)
		err = ask_number(store, "PRAGMA application_id", &application);
	if (!err)
		err = ask_number(store, "SELECT count(*) FROM sqlite_schema", &objects);
	if (err)
		return err;
	while (store_migrations[known])
		known++;
	if (version > known) {
		say(place, "E705",
		    "it was written by a newer version of this program; install that one again, or "
		    "move the file away to begin a new store",
		    "");
		return WY_E_UNSUPPORTED;
	}
	if ((version == 0 && objects > 0) || (version > 0 && application != APPLICATION_ID) ||
	    version < 0) {
		say(place, "E706", "this is not a store of this program", "");
		return WY_E_CORRUPT;
	}
	return migrate(store, version);
}

static enum wy_err new_epoch(uint64_t *ret_epoch)
{
	uint64_t epoch = 0;

	while (epoch == 0) {
		if (getrandom(&epoch, sizeof(epoch), 0) != (ssize_t)sizeof(epoch) && errno != EINTR)
			return WY_E_IO;
	}
	*ret_epoch = epoch;
	return WY_OK;
}

static enum wy_err keep_identity(struct store *store, const char *gateway)
{
	struct store_binder binder;
	uint64_t epoch;
	enum wy_err err = new_epoch(&epoch);

	if (!err)
		err = store_begin(store);
	if (err)
		return err;
	binder = store_bind(store, STORE_META_KEEP);
	store_bind_text(&binder, "epoch");
	store_bind_int(&binder, (int64_t)epoch);
	err = store_write(&binder);
	if (!err) {
		binder = store_bind(store, STORE_META_KEEP);
		store_bind_text(&binder, "gateway");
		store_bind_text(&binder, gateway);
		err = store_write(&binder);
	}
	if (!err)
		return store_commit(store);
	store_abort(store);
	return err;
}

static enum wy_err check_gateway(struct store *store, const char *gateway, struct place place)
{
	struct store_binder binder = store_bind(store, STORE_META_GET);
	char owner[STORE_KEY_SIZE];
	enum wy_err err;

	store_bind_text(&binder, "gateway");
	err = store_row(&binder);
	if (!err)
		err = store_column_text(&binder, 0, owner, sizeof(owner));
	store_done(&binder);
	if (err || strcmp(owner, gateway) == 0)
		return err;
	say(place, "E707",
	    "it belongs to another gateway; each gateway needs a directory of its own", owner);
	return WY_E_INVALID;
}

/* Identity is written once; afterwards opening changes nothing in the file. */
static enum wy_err load_identity(struct store *store, const char *gateway, struct place place)
{
	struct store_binder binder = store_bind(store, STORE_META_GET);
	int64_t epoch = 0, turn = 0;
	enum wy_err err;

	store_bind_text(&binder, "epoch");
	err = store_number(&binder, &epoch);
	if (err == WY_E_NOTFOUND && gateway) {
		err = keep_identity(store, gateway);
		if (err)
			return err;
		binder = store_bind(store, STORE_META_GET);
		store_bind_text(&binder, "epoch");
		err = store_number(&binder, &epoch);
	}
	if (!err && gateway) {
		err = check_gateway(store, gateway, place);
		err = err == WY_E_NOTFOUND ? WY_E_CORRUPT : err;
	}
	if (err)
		return err;
	binder = store_bind(store, STORE_META_GET);
	store_bind_text(&binder, "turn");
	err = store_number(&binder, &turn);
	store->epoch = (uint64_t)epoch;
	store->turn = (uint64_t)turn;
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

enum wy_err store_identify(struct store *store, const char *gateway, struct wy_diags *diags)
{
	return load_identity(store, gateway, (struct place){diags, store->dir});
}

int store_on_wal(void *arg, sqlite3 *db, const char *name, int frames)
{
	struct store *store = arg;

	(void)db;
	(void)name;
	store->wal_frames = frames;
	return SQLITE_OK;
}

enum wy_err store_open_handle(struct store *store, const char *vfs, struct wy_diags *diags)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX;
	enum wy_err err;
	int rc;

	rc = sqlite3_open_v2(store->path, &store->db, vfs ? flags | SQLITE_OPEN_CREATE : flags, vfs);
	if (rc == SQLITE_OK)
		rc = set_options(store->db, vfs != NULL);
	err = store_error(store, rc);
	if (!err)
		err = check_version(store, (struct place){diags, store->dir});
	if (!err)
		err = store_prepare(store);
	if (!err && !vfs) /* in place of SQLite's own: what goes wrong there is to be heard of */
		sqlite3_wal_hook(store->db, store_on_wal, store);
	return err;
}

static enum wy_err open_on_disk(struct store *store, const char *gateway, struct place place)
{
	enum wy_err err = make_private(store, place);

	if (!err)
		err = store_open_handle(store, NULL, place.diags);
	if (!err)
		err = store_identify(store, gateway, place.diags);
	if (!err && !store_mode_file_says_memory(store))
		store_mode_file_put(store, false);
	return err;
}

/* A disk that does not serve is no reason not to watch the building: what is on it is read where that is possible. */
static enum wy_err open_in_memory(struct store *store, const char *gateway)
{
	store->mode = store->trouble;
	store_drop_handle(store);
	enum wy_err err = store_begin_in_memory(store, gateway, true);
	if (err == WY_E_NOTFOUND || err == WY_E_IO)
		err = store_begin_in_memory(store, gateway, false);
	return err;
}

enum wy_err store_open(const char *dir, const char *gateway, struct wy_diags *diags,
		       struct store **ret_store)
{
	struct store *store = calloc(1, sizeof(*store));
	struct place place = {diags, dir};
	size_t errors = diags ? diags->errors : 0, said = diags ? diags->n : 0;
	enum wy_err err;

	if (!store)
		return WY_E_NOMEM;
	store->lock_fd = store->mode_fd = -1;
	store->quota = WY_OUTBOX_BYTES;
	store->pack = store_new_pack();
	if (!store->pack) {
		store_close(store);
		return WY_E_NOMEM;
	}
	store->is_untold = true; /* the first look says whether it is so */
	err = join(store->path, dir, STORE_FILE) ? WY_OK : WY_E_LIMIT;
	if (!err) {
		strcpy(store->dir, dir);
		err = take_lock(store, dir, place);
	}
	if (!err)
		err = open_on_disk(store, gateway, place);
	/* A bad moment is no bad disk: another handle may find it well. */
	for (int i = 1; i < OPEN_TRIES && store_is_disk_trouble(store, err); i++) {
		store_drop_handle(store);
		err = open_on_disk(store, gateway, place);
	}
	if (store_is_disk_trouble(store, err))
		err = open_in_memory(store, gateway);
	if (!err && diags) { /* it is open: nothing is wrong that would have to be said here */
		diags->n = said;
		diags->errors = errors;
	}
	if (!err) {
		store->is_open = true;
		*ret_store = store;
		return WY_OK;
	}
	if (diags && diags->errors == errors)
		say(place, "E708", wy_err_text(err), store->db ? sqlite3_errmsg(store->db) : "");
	store_close(store);
	return err;
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

void store_close(struct store *store)
{
	if (!store)
		return;
	store_abort(store);
	/* The last chance; but another store that could not be read is better taken up by the next start than put aside now. */
	if (store->memory && store->is_open && (!store->is_apart || access(store->path, F_OK) != 0))
		(void)!store_try_disk(store);
	if (store->mode != STORE_ON_DISK || store->broken) {
		store_drop_handle(store);
	} else {
		store_finalize(store);
		sqlite3_close(store->db);
	}
	memory_disk_free(store->memory);
	redo_release(&store->redo);
	if (store->mode_fd >= 0)
		close(store->mode_fd);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	pack_free(store->pack);
	free(store);
}
