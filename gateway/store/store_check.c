/* store_check.c: what is looked at before anything is decided on it.
 *
 * A small store is read through. In a large one only the tables that the start decides on are: names and numbers, episodes, the
 * memory of the rules. Tickets and events, which are what makes it large, are looked at as they are read: a start that read
 * all of them first would watch a building late, to find what harms nobody until it is used. */
#include "store_sql.h"

#include <stdlib.h>
#include <string.h>

static void note(struct store_binder *binder, char *why, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(binder->stmt, 0);
	struct wy_buf buf;

	wy_buf_init(&buf, why, size);
	wy_buf_add(&buf, text ? text : "damaged");
}

/* A page that could not be read is no damage: the check says so in words, with SQLite's code. */
static int code_in(const char *why)
{
	const char *code = strstr(why, "error code=");

	return code ? (int)strtol(code + strlen("error code="), NULL, 10) : SQLITE_CORRUPT;
}

/* One of SQLite's checks: rows of words, or "ok". */
static enum wy_err run_check(struct store *store, const char *sql, char *why, size_t size)
{
	struct store_binder binder = {store, NULL, 0, SQLITE_OK, false};
	bool is_sound = true;

	binder.rc = sqlite3_prepare_v2(store->db, sql, -1, &binder.stmt, NULL);
	enum wy_err err = store_row(&binder);

	for (; !err && is_sound; err = is_sound ? store_row(&binder) : err) {
		const char *text = (const char *)sqlite3_column_text(binder.stmt, 0);
		is_sound = text && strcmp(text, "ok") == 0;
		if (!is_sound)
			note(&binder, why, size);
	}
	sqlite3_finalize(binder.stmt);
	if (!is_sound)
		return store_error(store, code_in(why));
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

static bool is_small(struct store *store)
{
	int64_t pages = 0, size = 0;

	return store_ask(store, "PRAGMA page_count", &pages) == WY_OK &&
	       store_ask(store, "PRAGMA page_size", &size) == WY_OK && pages * size <= (int64_t)WY_STORE_CHECK_BYTES_MAX;
}

static enum wy_err check_tables(struct store *store, char *why, size_t size)
{
	static const char *const some[] = {"PRAGMA quick_check('meta')",      "PRAGMA quick_check('day_number')",
					   "PRAGMA quick_check('episode')",   "PRAGMA quick_check('rule_cell')",
					   "PRAGMA quick_check('note')",      "PRAGMA quick_check('learned')"};
	enum wy_err err = WY_OK;

	if (is_small(store))
		return run_check(store, "PRAGMA integrity_check(1)", why, size);
	for (size_t i = 0; !err && i < sizeof(some) / sizeof(*some); i++)
		err = run_check(store, some[i], why, size);
	return err;
}

/* Some of SQLite's words do not say whether a page was wrong or could not be read just then: it is asked twice. */
static enum wy_err check_tables_again(struct store *store, char *why, size_t size)
{
	store->broken = WY_OK;
	*why = '\0';
	return check_tables(store, why, size);
}

/* Numbers that would be given a second time are the worst that can happen: the platform takes such events for repetitions. */
static enum wy_err check_numbers(struct store *store)
{
	struct store_binder binder = store_bind(store, STORE_EVENT_LAST);
	struct store_clock clock;
	int64_t last = 0, seq = 0, bd_seq = 0;
	enum wy_err err = store_check_counter(store, "seq", &seq);

	if (!err)
		err = store_check_counter(store, "bd_seq", &bd_seq);
	if (!err)
		err = store_clock(store, &clock);
	if (!err || err == WY_E_NOTFOUND)
		err = store_number(&binder, &last);
	if (!err && last > seq)
		err = store_error(store, SQLITE_CORRUPT);
	return err;
}

enum wy_err store_check(struct store *store, char *why, size_t size)
{
	enum wy_err err = check_tables(store, why, size);
	struct wy_buf buf;

	if (err == WY_E_CORRUPT)
		err = check_tables_again(store, why, size);
	if (!err)
		err = check_numbers(store);
	if (err == WY_E_CORRUPT && !*why) {
		wy_buf_init(&buf, why, size);
		wy_buf_add(&buf, "a number that is kept twice is not the same twice");
	}
	return err;
}
