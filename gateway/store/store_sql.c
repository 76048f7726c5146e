/* store_sql.c: the thin layer between the store's calls and SQLite. Every code of SQLite passes
 * through store_error(); every write through store_write_row(), which keeps a half-failed transaction
 * from ever being committed (SQLite rolls back by itself on some errors, and later writes would
 * then stand alone), and goes on in memory where the disk refuses it (store_memory.c). */
#include "store_sql.h"

#include <errno.h>
#include <string.h>

static const char *const sql_texts[STORE_STATEMENTS] = {
#define STATEMENT(name, sql) [STORE_##name] = sql,
#include "statements.def"
#undef STATEMENT
};

struct error_row {
	int rc;
	enum wy_err err;
};

static enum wy_err find_error(int rc)
{
	static const struct error_row rows[] = {
		{SQLITE_NOMEM, WY_E_NOMEM},	  {SQLITE_FULL, WY_E_FULL},
		{SQLITE_IOERR, WY_E_IO},	  {SQLITE_CANTOPEN, WY_E_IO},
		{SQLITE_READONLY, WY_E_IO},	  {SQLITE_PERM, WY_E_IO},
		{SQLITE_AUTH, WY_E_IO},		  {SQLITE_NOLFS, WY_E_FULL},
		{SQLITE_CORRUPT, WY_E_CORRUPT},	  {SQLITE_NOTADB, WY_E_CORRUPT},
		{SQLITE_ERROR, WY_E_CORRUPT},	  {SQLITE_BUSY, WY_E_BUSY},
		{SQLITE_LOCKED, WY_E_BUSY},	  {SQLITE_PROTOCOL, WY_E_BUSY},
		{SQLITE_CONSTRAINT, WY_E_EXISTS}, {SQLITE_MISMATCH, WY_E_CORRUPT},
		{SQLITE_TOOBIG, WY_E_LIMIT},
	};

	if (rc == SQLITE_IOERR_NOMEM) /* out of memory below the file layer */
		return WY_E_NOMEM;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].rc == (rc & 0xff))
			return rows[i].err;
	}
	return WY_E_IO;
}

enum store_mode store_trouble_of(int error)
{
	static const struct {
		int error;
		enum store_mode mode;
	} rows[] = {
		{ENOSPC, STORE_FULL},	{EDQUOT, STORE_FULL}, {EROFS, STORE_READONLY},
		{EACCES, STORE_READONLY}, {EPERM, STORE_READONLY},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].error == error)
			return rows[i].mode;
	return STORE_FAILED;
}

enum wy_err store_error_of(int error)
{
	return store_trouble_of(error) == STORE_FULL ? WY_E_FULL : WY_E_IO;
}

/* What a code says of the disk, and the words for it. */
static void note_trouble(struct store *store, int rc)
{
	int error = store->db ? sqlite3_system_errno(store->db) : 0;
	int kind = rc & 0xff;
	struct wy_buf words;

	store->trouble = STORE_ON_DISK;
	if (rc == SQLITE_IOERR_NOMEM || (kind != SQLITE_FULL && kind != SQLITE_READONLY && kind != SQLITE_IOERR &&
					  kind != SQLITE_CANTOPEN))
		return;
	store->trouble = kind == SQLITE_FULL ? STORE_FULL
			 : kind == SQLITE_READONLY ? STORE_READONLY
						   : store_trouble_of(error);
	store->has_had_trouble = true;
	wy_buf_init(&words, store->why, sizeof(store->why));
	wy_buf_add(&words, sqlite3_errstr(rc));
	if (error && (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN))
		wy_buf_addf(&words, ": %s", strerror(error));
}

bool store_is_disk_trouble(const struct store *store, enum wy_err err)
{
	return (err == WY_E_FULL || err == WY_E_IO) && store->trouble != STORE_ON_DISK && !store->memory;
}

/* At once: who knows how the process ends. Where it cannot be written the damage is found again, or not. */
static void note_damage(struct store *store)
{
	if (!store->is_open || store->is_marked)
		return;
	store->is_marked = store_write_mark(store->lock_fd, STORE_MARK_DAMAGED) == WY_OK;
}

enum wy_err store_error(struct store *store, int rc)
{
	enum wy_err err;

	if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
		return WY_OK;
	err = find_error(rc);
	note_trouble(store, rc);
	if (err == WY_E_IO || err == WY_E_CORRUPT)
		store->broken = err;
	if (err == WY_E_CORRUPT)
		note_damage(store);
	store->was_short = store->was_short || err == WY_E_NOMEM;
	store->was_held = store->was_held || err == WY_E_BUSY;
	return err;
}

const char *store_sql_text(enum store_statement id)
{
	return sql_texts[id];
}

enum wy_err store_prepare(struct store *store)
{
	for (unsigned i = 0; i < STORE_STATEMENTS; i++) {
		int rc = sqlite3_prepare_v3(store->db, sql_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
					    &store->stmt[i], NULL);

		if (rc != SQLITE_OK)
			return store_error(store, rc);
	}
	return WY_OK;
}

void store_finalize(struct store *store)
{
	for (unsigned i = 0; i < STORE_STATEMENTS; i++) {
		sqlite3_finalize(store->stmt[i]);
		store->stmt[i] = NULL;
	}
}

struct store_binder store_bind(struct store *store, enum store_statement id)
{
	struct store_binder binder = {store, store->stmt[id], 0, SQLITE_OK, false};

	sqlite3_reset(binder.stmt); /* its result is that of the last run: known already */
	binder.is_kept = store->is_in_tx && !store->memory && binder.stmt && !sqlite3_stmt_readonly(binder.stmt);
	if (binder.is_kept)
		redo_begin(&store->redo, id);
	return binder;
}

static void note(struct store_binder *binder, int rc)
{
	if (binder->rc == SQLITE_OK)
		binder->rc = rc;
}

void store_bind_int(struct store_binder *binder, int64_t value)
{
	note(binder, sqlite3_bind_int64(binder->stmt, ++binder->at, value));
	if (binder->is_kept)
		redo_int(&binder->store->redo, value);
}

void store_bind_real(struct store_binder *binder, bool has_value, double value)
{
	binder->at++;
	note(binder, has_value ? sqlite3_bind_double(binder->stmt, binder->at, value)
			       : sqlite3_bind_null(binder->stmt, binder->at));
	if (binder->is_kept)
		redo_real(&binder->store->redo, has_value, value);
}

void store_bind_null(struct store_binder *binder)
{
	store_bind_real(binder, false, 0);
}

void store_bind_textn(struct store_binder *binder, const char *text, size_t len)
{
	note(binder, sqlite3_bind_text64(binder->stmt, ++binder->at, text, len, SQLITE_STATIC,
					 SQLITE_UTF8));
	if (binder->is_kept)
		redo_text(&binder->store->redo, text, len);
}

void store_bind_text(struct store_binder *binder, const char *text)
{
	store_bind_textn(binder, text, strlen(text));
}

void store_bind_blob(struct store_binder *binder, const void *bytes, size_t len)
{
	note(binder, sqlite3_bind_blob64(binder->stmt, ++binder->at, len > 0 ? bytes : "", len,
					 SQLITE_STATIC));
	if (binder->is_kept)
		redo_blob(&binder->store->redo, bytes, len);
}

enum wy_err store_row(struct store_binder *binder)
{
	int rc = binder->rc;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(binder->stmt);
	if (rc == SQLITE_ROW)
		return WY_OK;
	return rc == SQLITE_DONE ? WY_E_NOTFOUND : store_error(binder->store, rc);
}

void store_done(struct store_binder *binder)
{
	if (!binder->stmt)
		return; /* of a table that is gone: store_salvage.c */
	sqlite3_reset(binder->stmt);
	sqlite3_clear_bindings(binder->stmt);
}

enum wy_err store_run(struct store_binder *binder)
{
	enum wy_err err;

	do
		err = store_row(binder);
	while (err == WY_OK);
	store_done(binder);
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

static enum wy_err may_write(struct store *store)
{
	if (store->broken)
		return store->broken;
	if (!store->is_in_tx || store->is_failed || sqlite3_get_autocommit(store->db))
		return WY_E_STATE;
	return WY_OK;
}

/* The first row of a write, by which SQLite has done all of it, or WY_E_NOTFOUND where it gives none. Kept for a second time;
 * or, where the disk refused it, done a second time in memory. */
enum wy_err store_write_row(struct store_binder *binder)
{
	struct store *store = binder->store;
	enum wy_err err = may_write(store);

	if (err)
		return err;
	err = store_row(binder);
	if (store_is_disk_trouble(store, err)) {
		err = store_leave_disk(store, binder);
		if (!err)
			err = store_row(binder);
	}
	if (err && err != WY_E_NOTFOUND)
		store->is_failed = true;
	else if (binder->is_kept)
		redo_end(&store->redo, err == WY_OK, err ? 0 : sqlite3_column_int64(binder->stmt, 0));
	return err;
}

enum wy_err store_write(struct store_binder *binder)
{
	enum wy_err err = store_write_row(binder);

	while (err == WY_OK)
		err = store_row(binder);
	store_done(binder);
	if (err == WY_E_NOTFOUND)
		return WY_OK;
	binder->store->is_failed = true;
	return err;
}

enum wy_err store_number(struct store_binder *binder, int64_t *ret_value)
{
	enum wy_err err = store_row(binder);
	int64_t value = 0;

	if (err == WY_OK) {
		value = sqlite3_column_int64(binder->stmt, 0);
		err = store_row(binder); /* a RETURNING statement is over only at its end */
		if (err == WY_E_NOTFOUND)
			err = WY_OK;
	}
	store_done(binder);
	if (err == WY_OK)
		*ret_value = value;
	return err;
}

enum wy_err store_write_number(struct store_binder *binder, int64_t *ret_value)
{
	enum wy_err err = store_write_row(binder);
	int64_t value = err ? 0 : sqlite3_column_int64(binder->stmt, 0);

	if (err == WY_OK) {
		err = store_row(binder); /* over only at its end */
		err = err == WY_E_NOTFOUND ? WY_OK : err;
	}
	store_done(binder);
	if (err)
		binder->store->is_failed = true;
	else
		*ret_value = value;
	return err;
}

enum wy_err store_write_sum(struct store_binder *binder, int64_t *ret_n, int64_t *ret_sum)
{
	int64_t n = 0, sum = 0;
	enum wy_err err;

	for (err = store_write_row(binder); err == WY_OK; err = store_row(binder)) {
		n++;
		sum += sqlite3_column_int64(binder->stmt, 0);
	}
	store_done(binder);
	if (err != WY_E_NOTFOUND) {
		binder->store->is_failed = true;
		return err;
	}
	*ret_n = n;
	*ret_sum = sum;
	return WY_OK;
}

enum wy_err store_column_text(struct store_binder *binder, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(binder->stmt, column);
	size_t len = (size_t)sqlite3_column_bytes(binder->stmt, column);

	if (!text)
		return WY_E_NOMEM; /* columns are NOT NULL */
	if (len >= size)
		return store_error(binder->store, SQLITE_CORRUPT);
	memcpy(out, text, len);
	out[len] = '\0';
	return WY_OK;
}
