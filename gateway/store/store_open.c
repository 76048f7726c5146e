/* store_open.c: from a directory to a store that may be trusted, or to words that say why not.
 *
 * Order matters: the lock before anything touches the database; its log before SQLite reads it; auto_vacuum before the
 * first table, since it cannot be set later without rewriting the file; the schema version before any migration.
 *
 * What is damaged is replaced: a new store is made beside it of all that verifies (store_salvage.c), takes its place
 * (store_swap.c), and is opened. What is somebody else's, or newer, is refused and left alone; to be sure that it is, and not
 * ours with a bit turned, two places of the file must say so. */
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
#define NEW STORE_FILE ".new"

void store_say(struct store_place place, const char *code, const char *what, const char *more)
{
	if (place.diags)
		wy_diag_add(place.diags, WY_DIAG_ERROR, code, NULL, 0, "store '%s': %s%s%s",
			    place.path, what, *more ? ": " : "", more);
}

/* A mistake of the disk, which memory can help with; others are mistakes of people. */
static bool is_of_disk(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO;
}

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
	if (store->lock_fd < 0 && is_of_disk(errno))
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

/* SQLite creates its file with the umask of the process; what is in it concerns nobody else. */
static enum wy_err make_private(struct store *store, struct store_place place)
{
	int fd = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE_PRIVATE);

	if (fd < 0) {
		enum store_mode trouble = store_trouble_of(errno);
		enum wy_err err = trouble == STORE_FULL ? WY_E_FULL : WY_E_IO;
		struct wy_buf words;

		store->trouble = is_of_disk(errno) ? trouble : STORE_ON_DISK;
		wy_buf_init(&words, store->why, sizeof(store->why));
		wy_buf_add(&words, strerror(errno));
		store_say(place, "E704", "the file cannot be opened", strerror(errno));
		return err;
	}
	close(fd);
	return WY_OK;
}

static const char durable[] = "PRAGMA cell_size_check = ON;"
			      "PRAGMA temp_store = MEMORY;"
			      "PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = FULL;"
			      "PRAGMA journal_size_limit = 4194304;";
/* Whole at its end or thrown away: see keep_scratch(). */
static const char scratch[] = "PRAGMA temp_store = MEMORY;"
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

static enum wy_err check_version(struct store *store, struct store_place place)
{
	int64_t version = 0, application = 0, objects = 0, known = 0;
	enum wy_err err = store_ask(store, "PRAGMA user_version", &version);

	if (!err)
		err = store_ask(store, "PRAGMA application_id", &application);
	if (!err)
		err = store_ask(store, "SELECT count(*) FROM sqlite_schema", &objects);
	if (err)
		return err;
	while (store_migrations[known])
		known++;
	if (objects > 0 && application != APPLICATION_ID)
		return refuse_foreign(store, place);
	if (version > known)
		return refuse_newer(store, version, place);
	if (version < 0 || (version == 0) != (objects == 0))
		return store_error(store, SQLITE_CORRUPT);
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

static enum wy_err write_identity(struct store *store, bool is_new)
{
	int64_t version = 0;
	enum wy_err err = store_ask(store, "PRAGMA user_version", &version);

	if (!err)
		err = store_put_number(store, "schema", version);
	if (!err && is_new)
		err = store_put_number(store, "epoch", (int64_t)store->epoch);
	if (!err && is_new)
		err = store_put_text(store, "gateway", store->gateway);
	if (!err && is_new)
		err = store_put_text(store, "epoch_reason", store->epoch_reason);
	if (!err && is_new)
		err = store_put_number(store, "losses", store->losses);
	return err ? err : store_seal_identity(store);
}

static enum wy_err keep_identity(struct store *store, bool is_new)
{
	enum wy_err err = is_new ? new_epoch(&store->epoch) : WY_OK;

	if (!err)
		err = store_begin(store);
	if (err)
		return err;
	err = write_identity(store, is_new);
	if (!err)
		return store_commit(store);
	store_abort(store);
	return err;
}

/* A name that was not damaged is refused; one that was is no name. */
static enum wy_err check_gateway(struct store *store, const char *gateway, struct store_place place)
{
	char owner[STORE_KEY_SIZE];
	enum wy_err err = store_get_text(store, "gateway", owner, sizeof(owner));

	if (err)
		return err == WY_E_NOTFOUND ? store_error(store, SQLITE_CORRUPT) : err;
	err = store_check_identity(store, owner, (int64_t)store->epoch);
	if (err && err != WY_E_NOTFOUND)
		return err;
	if (strcmp(owner, gateway) != 0) {
		store_say(place, "E707", "it belongs to another gateway; each gateway needs a directory of its own", owner);
		return WY_E_INVALID;
	}
	return err; /* NOTFOUND: no seal yet */
}

static void set_reason(struct store *store, const char *reason)
{
	struct wy_buf buf;

	wy_buf_init(&buf, store->epoch_reason, sizeof(store->epoch_reason));
	wy_buf_add(&buf, reason);
}

static enum wy_err load_reason(struct store *store)
{
	int64_t losses = 0;
	enum wy_err err = store_get_text(store, "epoch_reason", store->epoch_reason, sizeof(store->epoch_reason));

	if (err == WY_E_NOTFOUND) {
		set_reason(store, "new"); /* an epoch of an earlier version */
		err = WY_OK;
	}
	if (!err)
		err = store_get_number(store, "losses", &losses);
	if (err && err != WY_E_NOTFOUND)
		return err;
	store->losses = losses > 0 && losses < UINT32_MAX ? (uint32_t)losses : 0;
	return WY_OK;
}

static bool is_schema_noted(struct store *store)
{
	int64_t version = 0, noted = 0;

	return store_ask(store, "PRAGMA user_version", &version) == WY_OK &&
	       store_get_number(store, "schema", &noted) == WY_OK && noted == version;
}

/* Of a store that is new: it has never given a number. */
static enum wy_err begin_epoch(struct store *store)
{
	uint64_t seq = 0;
	enum wy_err err = store_last_seq(store, &seq);

	if (err || seq > 0)
		return err ? err : store_error(store, SQLITE_CORRUPT);
	store->opening.kind = STORE_MADE_NEW;
	return keep_identity(store, true);
}

/* Identity is written once; afterwards opening changes nothing in the file. */
static enum wy_err load_identity(struct store *store, const char *gateway, struct store_place place)
{
	int64_t epoch = 0, turn = 0;
	enum wy_err err = store_get_number(store, "epoch", &epoch);

	if (err == WY_E_NOTFOUND && gateway)
		return begin_epoch(store);
	if (err)
		return err;
	store->epoch = (uint64_t)epoch;
	err = gateway ? check_gateway(store, gateway, place) : WY_OK;
	if (err && err != WY_E_NOTFOUND)
		return err;
	if (gateway && (err || !is_schema_noted(store)))
		err = keep_identity(store, false);
	if (!err)
		err = store_get_number(store, "turn", &turn);
	if (err && err != WY_E_NOTFOUND)
		return err;
	store->turn = (uint64_t)turn;
	return load_reason(store);
}

static void set_gateway(struct store *store, const char *gateway, const char *reason)
{
	struct wy_buf buf;

	wy_buf_init(&buf, store->gateway, sizeof(store->gateway));
	wy_buf_add(&buf, gateway);
	set_reason(store, reason);
}

enum wy_err store_identify(struct store *store, const char *gateway, struct wy_diags *diags)
{
	return load_identity(store, gateway, (struct store_place){diags, store->dir});
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
	if (!err && !vfs) /* in place of SQLite's own: what goes wrong there is to be heard of */
		sqlite3_wal_hook(store->db, store_on_wal, store);
	return err;
}

enum wy_err store_open_handle(struct store *store, const char *vfs, struct wy_diags *diags)
{
	return open_handle(store, vfs, durable, diags);
}

static enum wy_err open_on_disk(struct store *store, const char *pragmas, struct store_place place)
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
	store->pack = store_new_pack();
	if (store->pack)
		return store;
	free(store);
	return NULL;
}

/* ---- One that is to be replaced ---------------------------------------------------------------- */

/* Everything of it reaches the disk before anybody relies on it. */
static enum wy_err keep_scratch(struct store *store, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	enum wy_err err = WY_OK;

	store_finalize(store);
	sqlite3_close(store->db);
	store->db = NULL;
	if (fd < 0 || fsync(fd) != 0)
		err = errno == ENOSPC || errno == EDQUOT ? WY_E_FULL : WY_E_IO;
	if (fd >= 0)
		close(fd);
	return err;
}

struct replacing {
	const char *dir, *path;
	enum store_opening_kind kind;
	bool is_hopeless; /* two starts ended while they salvaged: this one does without */
	struct store_opening *opening;
	struct store_place place;
};

static enum wy_err fill_scratch(const struct replacing *r, struct store *made)
{
	uint32_t losses = 0, seen = store_quarantine_last(r->dir);
	enum wy_err err = store_begin(made);

	if (!err && !r->is_hopeless)
		err = store_salvage(r->path, NULL, made, r->opening, &losses);
	losses = losses > seen ? losses : seen;
	if (!err)
		err = store_put_number(made, "losses", losses + (r->kind == STORE_SALVAGED));
	if (!err)
		return store_commit(made);
	store_abort(made);
	return err;
}

static enum wy_err open_scratch(struct store *made, const char *path, const char *gateway, const struct replacing *r)
{
	strcpy(made->dir, r->dir);
	strcpy(made->path, path);
	set_gateway(made, gateway, r->kind == STORE_RENEWED ? "ordered" : "salvaged");
	return open_on_disk(made, scratch, r->place);
}

static enum wy_err make_scratch(const struct replacing *r, const char *gateway)
{
	struct store *made = store_new();
	char path[STORE_PATH_SIZE];
	enum wy_err err = store_join(path, r->dir, NEW, "") ? WY_OK : WY_E_LIMIT;

	if (!made)
		return WY_E_NOMEM;
	made->quota = UINT64_MAX; /* nothing makes room: what was kept had its place, by a quota that is not known here */
	if (!err)
		err = open_scratch(made, path, gateway, r);
	if (!err)
		err = fill_scratch(r, made);
	if (!err)
		err = keep_scratch(made, path);
	store_close(made);
	return err;
}

static bool has_lost(const struct store_opening *opening)
{
	for (int i = 0; i < STORE_PARTS; i++)
		if (opening->part[i].lost)
			return true;
	return false;
}

static enum wy_err replace(struct store *store, struct replacing *r)
{
	char file[STORE_PATH_SIZE] = "";
	struct wy_buf buf;
	enum wy_err err = make_scratch(r, store->gateway);

	if (!err)
		err = store_swap(r->dir, r->kind == STORE_SALVAGED || has_lost(r->opening), file);
	if (err) {
		store_say(r->place, "E710", "it is to be replaced, and that cannot be done", wy_err_text(err));
		store->trouble = err == WY_E_FULL ? STORE_FULL : (err == WY_E_IO ? STORE_FAILED : STORE_ON_DISK);
		return err;
	}
	wy_buf_init(&buf, store->opening.file, sizeof(store->opening.file));
	wy_buf_add(&buf, file);
	err = open_on_disk(store, durable, r->place);
	store->opening.kind = r->kind;
	return err;
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
static enum wy_err open_as_it_is(struct store *store, const struct replacing *r, struct store_past past, bool is_wal_damaged)
{
	enum wy_err err = open_on_disk(store, durable, r->place);

	if (err == WY_E_CORRUPT)
		note_why(store, store->db ? sqlite3_errmsg(store->db) : "");
	if (err || store->opening.kind == STORE_MADE_NEW)
		return err;
	if (is_wal_damaged)
		note_why(store, "transactions in its log cannot be read");
	if (mark_words(past.mark))
		note_why(store, mark_words(past.mark));
	return store->opening.why[0] ? WY_E_CORRUPT : store_check(store, store->opening.why, sizeof(store->opening.why));
}

/* A read that failed once looks like damage to a check of the whole file: a store is given up only where it is twice. */
static enum wy_err open_or_judge(struct store *store, const struct replacing *r, struct store_past past)
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

static enum wy_err open_or_replace(struct store *store, struct replacing *r)
{
	struct store_past past = store_read_mark(store->lock_fd);
	enum wy_err err = store_finish_swap(r->dir);

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
	err = replace(store, r);
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
		set_reason(store, err == WY_E_CORRUPT ? "salvaged" : "ordered");
	bool is_damaged = err == WY_E_CORRUPT;
	err = store_begin_in_memory(store, store->gateway, false);
	return err || !is_done_for ? err : carry_over(store, is_damaged ? STORE_SALVAGED : STORE_RENEWED);
}

static enum wy_err open_somehow(struct store *store, struct replacing *r)
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
	struct replacing r = {.dir = dir, .place = {diags, dir}};
	size_t errors = diags ? diags->errors : 0;
	enum wy_err err;

	if (!store)
		return WY_E_NOMEM;
	r.opening = &store->opening;
	r.path = store->path;
	set_gateway(store, gateway, "new");
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
	/* The last chance; but another store that could not be read is better taken up by the next start than put aside now. */
	if (store->memory && store->is_open && (!store->is_apart || store->is_carried || access(store->path, F_OK) != 0))
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

const char *store_epoch_reason(const struct store *store)
{
	return store->epoch_reason;
}

uint32_t store_losses(const struct store *store)
{
	return store->losses;
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
