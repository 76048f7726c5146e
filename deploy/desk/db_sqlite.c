/* db_sqlite.c: SQLite, the default. WAL with synchronous=FULL: a commit that returned is on the disk,
 * which is what a receipt promises. */
#include "db.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_WAIT_MS 1000 /* then the caller hears BUSY, and may look whether it is to stop */

/* Result codes in the words of db.h; a code that has no row is IO. */
static const struct {
	int code;
	enum wy_err err;
} CODES[] = {
	{SQLITE_OK, WY_OK},
	{SQLITE_BUSY, WY_E_BUSY},
	{SQLITE_LOCKED, WY_E_BUSY},
	{SQLITE_NOMEM, WY_E_BUSY},
	{SQLITE_CONSTRAINT, WY_E_INVALID},
	{SQLITE_TOOBIG, WY_E_INVALID},
	{SQLITE_MISMATCH, WY_E_INVALID},
	{SQLITE_NOTADB, WY_E_LINK},
	{SQLITE_CANTOPEN, WY_E_LINK},
};

static enum wy_err translate(sqlite3 *handle, int code)
{
	/* another desk was first: the next look finds what it wrote */
	if (handle && sqlite3_extended_errcode(handle) == SQLITE_CONSTRAINT_UNIQUE)
		return WY_E_BUSY;
	for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++)
		if (CODES[i].code == (code & 0xff))
			return CODES[i].err;
	return WY_E_IO;
}

/* Statements are made once: their texts are constants, so a text is known by its address. The slots are taken in turn. */
#define KEPT_STATEMENTS 64

struct kept {
	const char *sql;
	sqlite3_stmt *stmt;
};

struct file {
	sqlite3 *sqlite;
	struct kept kept[KEPT_STATEMENTS];
	size_t next;
};

static enum wy_err open_file(const char *path, bool is_new_ok, void **ret_handle, char *why,
			     size_t why_size)
{
	sqlite3 *handle = NULL;
	struct file *file = calloc(1, sizeof *file);
	int flags = SQLITE_OPEN_READWRITE | (is_new_ok ? SQLITE_OPEN_CREATE : 0);
	int code = file ? sqlite3_open_v2(path, &handle, flags, NULL) : SQLITE_NOMEM;

	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(handle, BUSY_WAIT_MS);
	if (code == SQLITE_OK)
		code = sqlite3_exec(handle, "pragma journal_mode=wal; pragma synchronous=full", NULL,
				    NULL, NULL);
	if (code != SQLITE_OK) {
		enum wy_err err = translate(handle, code);

		snprintf(why, why_size, "%s: %s", path,
			 handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
		sqlite3_close(handle);
		free(file);
		return err;
	}
	file->sqlite = handle;
	*ret_handle = file;
	return WY_OK;
}

static void hand_over(sqlite3_stmt *stmt, db_row *row, void *arg)
{
	const char *column[DB_COLUMNS_MAX];
	int n = sqlite3_column_count(stmt);

	if (n > DB_COLUMNS_MAX)
		n = DB_COLUMNS_MAX;
	for (int i = 0; i < n; i++)
		column[i] = (const char *)sqlite3_column_text(stmt, i);
	row(arg, column, (size_t)n);
}

static int bind(sqlite3_stmt *stmt, const char *const param[], size_t n)
{
	int code = SQLITE_OK;

	for (size_t i = 0; i < n && code == SQLITE_OK; i++) {
		char name[24];
		int at;

		snprintf(name, sizeof name, "$%zu", i + 1);
		at = sqlite3_bind_parameter_index(stmt, name);
		if (at > 0)
			code = sqlite3_bind_text(stmt, at, param[i], -1, SQLITE_STATIC);
	}
	return code;
}

static int prepare(struct file *file, const char *sql, sqlite3_stmt **ret_stmt)
{
	struct kept *kept = &file->kept[file->next];
	int code;

	for (size_t i = 0; i < KEPT_STATEMENTS; i++) {
		if (file->kept[i].sql != sql)
			continue;
		*ret_stmt = file->kept[i].stmt;
		return SQLITE_OK;
	}
	sqlite3_finalize(kept->stmt);
	*kept = (struct kept){NULL, NULL};
	code = sqlite3_prepare_v3(file->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &kept->stmt, NULL);
	if (code != SQLITE_OK)
		return code;
	kept->sql = sql;
	*ret_stmt = kept->stmt;
	file->next = (file->next + 1) % KEPT_STATEMENTS;
	return SQLITE_OK;
}

static enum wy_err run(void *handle, const char *sql, const char *const param[], size_t n,
		       db_row *row, void *arg, size_t *ret_changed)
{
	struct file *file = handle;
	sqlite3_stmt *stmt = NULL;
	int before = sqlite3_total_changes(file->sqlite);
	int code = prepare(file, sql, &stmt);
	enum wy_err err = WY_OK;

	if (code == SQLITE_OK)
		code = bind(stmt, param, n);
	if (code == SQLITE_OK) {
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
			if (row)
				hand_over(stmt, row, arg);
	}
	if (code != SQLITE_DONE)
		err = translate(file->sqlite, code);
	if (stmt) {
		sqlite3_reset(stmt); /* what it says was said by the step before */
		sqlite3_clear_bindings(stmt);
	}
	if (err == WY_OK)
		*ret_changed = (size_t)(sqlite3_total_changes(file->sqlite) - before);
	return err;
}

static const char *why(void *handle)
{
	return sqlite3_errmsg(((struct file *)handle)->sqlite);
}

static void close_file(void *handle)
{
	struct file *file = handle;

	for (size_t i = 0; i < KEPT_STATEMENTS; i++)
		sqlite3_finalize(file->kept[i].stmt);
	sqlite3_close(file->sqlite);
	free(file);
}

const struct db_driver db_sqlite = {
	.name = "sqlite",
	.begin = "begin immediate",
	.open = open_file,
	.run = run,
	.why = why,
	.close = close_file,
};
