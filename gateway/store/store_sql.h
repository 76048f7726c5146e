/* store_sql.h: inside the store only: its statements, and SQLite's codes as ours. */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <sqlite3.h>

#include "wy_limits.h"
#include "store.h"

#define TICKET_COLUMNS                                                                             \
	"key, no, dedup, asset, fault, rule, repeat_of, repeat_count_30d, epoch, episode, rev, "   \
	"work_rev, tier, tier_now, level, condition, node, clock, is_open, is_uncertain, peak, "   \
	"peak_limit, onset_wall, onset_mono, opened_wall, opened_mono, cleared_wall, "             \
	"cleared_mono, changed_wall, changed_mono, due_ack, due_arrive, due_start, due_resolve, "  \
	"due_regulatory, news, news_due"
#define TICKET_BODY_COLUMN 37

enum store_statement {
#define STATEMENT(name, sql) STORE_##name,
#include "statements.def"
#undef STATEMENT
	STORE_STATEMENTS
};

#define STORE_KEY_SIZE 256u /* longest ticket key, type or topic read back */

struct store {
	sqlite3 *db;
	sqlite3_stmt *stmt[STORE_STATEMENTS];
	int lock_fd; /* -1: none */
	uint64_t epoch;
	bool is_in_tx;
	bool is_failed;	    /* a write of this transaction failed: nothing may be committed */
	enum wy_err broken; /* IO or CORRUPT: the handle is done for; else WY_OK */
	/* the row of store_load_event() */
	char ticket_key[STORE_KEY_SIZE], type[STORE_KEY_SIZE], topic[STORE_KEY_SIZE];
	unsigned char payload[WY_TICKET_BYTES_MAX];
};

/* NULL-terminated; the n-th brings user_version from n to n + 1. */
extern const char *const store_migrations[];

/* SQLite's code as ours; remembers a broken handle. */
enum wy_err store_error(struct store *store, int rc);
enum wy_err store_prepare(struct store *store);
void store_finalize(struct store *store);

/* Binding: start with store_bind(), add values in order, then run. The first mistake is kept and
 * comes out of the run. Texts and blobs are borrowed until the run is over. */
struct store_binder {
	struct store *store;
	sqlite3_stmt *stmt;
	int at, rc;
};
struct store_binder store_bind(struct store *store, enum store_statement id);
void store_bind_int(struct store_binder *binder, int64_t value);
void store_bind_real(struct store_binder *binder, bool has_value, double value);
void store_bind_text(struct store_binder *binder, const char *text);
void store_bind_textn(struct store_binder *binder, const char *text, size_t len);
void store_bind_blob(struct store_binder *binder, const void *bytes, size_t len);

/* Next row: WY_OK, or WY_E_NOTFOUND at the end. Finish with store_done(). */
enum wy_err store_row(struct store_binder *binder);
void store_done(struct store_binder *binder);
/* To its end, rows ignored, and done. */
enum wy_err store_run(struct store_binder *binder);
/* A write: refused outside a transaction or after a failed write; marks the transaction on failure.
 */
enum wy_err store_write(struct store_binder *binder);
/* One whole number of the first row, and done. NOTFOUND: no row. */
enum wy_err store_number(struct store_binder *binder, int64_t *ret_value);
enum wy_err store_write_number(struct store_binder *binder, int64_t *ret_value);

/* Text of a column into a fixed buffer; WY_E_CORRUPT when it does not fit. */
enum wy_err store_column_text(struct store_binder *binder, int column, char *out, size_t size);

#endif
