/* db.h: the little the desk asks of a database, so that choosing one is choosing a row of db.c.
 *
 * Statements are written once (store.c), in the SQL that SQLite and PostgreSQL share, with $1, $2
 * ... for values. Values travel as text or NULL; the columns give them their type.
 *
 * Threads  one connection, one thread at a time.
 * Errors   WY_E_BUSY     somebody else was in the way: abort, and the same again will work
 *          WY_E_LINK     the database is gone: close, open again
 *          WY_E_IO       it is there and cannot: full, read-only, no permission; wait
 *          WY_E_INVALID  these very values cannot be stored: repeating it is of no use
 *          Words for a person: db_why(). */
#ifndef DESK_DB_H
#define DESK_DB_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#define DB_PARAMS_MAX 20
#define DB_COLUMNS_MAX 20

/* One row of an answer; texts are valid during the call only; NULL is NULL. */
typedef void db_row(void *arg, const char *const column[], size_t n);

struct db_driver {
	const char *name;  /* what stands before the colon of --db */
	const char *begin; /* the statement that opens a transaction that will write */
	/* is_new_ok: a database that does not exist yet may be made */
	enum wy_err (*open)(const char *where, bool is_new_ok, void **ret_handle, char *why,
			    size_t why_size);
	enum wy_err (*run)(void *handle, const char *sql, const char *const param[], size_t n,
			   db_row *row, void *arg, size_t *ret_changed);
	const char *(*why)(void *handle);
	void (*close)(void *handle);
};

struct db {
	const struct db_driver *driver;
	void *handle; /* NULL: not open */
	char why[256];
};

extern const struct db_driver db_sqlite, db_postgres;

/* "sqlite:PATH" or "postgres:CONNINFO". WY_E_NOTFOUND: no such driver, nothing to close. */
WY_MUST_CHECK enum wy_err db_open(struct db *db, const char *spec, bool is_new_ok);
/* One statement. row may be NULL; ret_changed may be NULL: rows written. */
WY_MUST_CHECK enum wy_err db_run(struct db *db, const char *sql, const char *const param[], size_t n,
				 db_row *row, void *arg, size_t *ret_changed);
WY_MUST_CHECK enum wy_err db_begin(struct db *db);
WY_MUST_CHECK enum wy_err db_commit(struct db *db);
/* Always possible; what cannot be taken back is taken back by closing. */
void db_abort(struct db *db);
/* Remembers the driver's words for the latest failure; db_abort and a failed db_open do so too. */
void db_keep_why(struct db *db);
const char *db_why(const struct db *db);
void db_close(struct db *db);

#endif
