/* store_state.c: transactions, names and numbers, counters, the clock's anchor, rule memory, upkeep. */
#include "store_sql.h"

#include <string.h>

enum wy_err store_begin(struct store *store)
{
	struct store_binder binder;
	enum wy_err err;

	if (store->broken)
		return store->broken;
	if (store->is_in_tx)
		return WY_E_STATE;
	redo_clear(&store->redo);
	binder = store_bind(store, STORE_BEGIN);
	err = store_run(&binder);
	if (store_is_disk_trouble(store, err)) {
		err = store_leave_disk(store, NULL);
		if (!err) {
			binder = store_bind(store, STORE_BEGIN);
			err = store_run(&binder);
		}
	}
	if (err)
		return err;
	store->is_in_tx = true;
	store->is_failed = false;
	store->room_steps = STORE_ROOM_STEPS;
	store->is_swept = store->is_swept && store->turn % STORE_SWEEP_TURNS != 0;
	store_allow_over(store, false);
	return WY_OK;
}

/* Every commit has a number, so that one of which the disk would not say whether it was kept is known again. */
static enum wy_err number_turn(struct store *store, uint64_t *ret_turn)
{
	struct store_binder binder = store_bind(store, STORE_TURN_NEXT);
	int64_t turn = 0;
	enum wy_err err = store_write_number(&binder, &turn);

	*ret_turn = (uint64_t)turn;
	return err;
}

static enum wy_err run_commit(struct store *store)
{
	struct store_binder binder = store_bind(store, STORE_COMMIT);

	return store_run(&binder);
}

static enum wy_err commit(struct store *store)
{
	bool is_lost, has_end = store->memory && store->is_open;
	uint64_t turn = 0;
	enum wy_err err = has_end ? store_make_room(store, 0, &is_lost) : WY_OK;

	if (!err)
		err = number_turn(store, &turn);
	if (!err)
		err = run_commit(store);
	if (store_is_disk_trouble(store, err)) {
		store->is_committing = true;
		err = store_leave_disk(store, NULL);
		store->is_committing = false;
		if (!err && store->is_in_tx) /* else it had been kept after all */
			err = run_commit(store);
	}
	if (!err)
		store->turn = turn;
	return err;
}

/* Puts the write-ahead log into the database when it has grown, as SQLite would do by itself: but that would not say when the
 * disk fails at it. The commit stands either way. */
static void put_log_away(struct store *store, int frames)
{
	int rc;

	if (store->memory)
		store_look_at_memory(store);
	if (store->memory || store->wal_frames < frames)
		return;
	rc = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED) /* somebody reads: after the next commit */
		return;
	if (store_is_disk_trouble(store, store_error(store, rc)))
		(void)!store_leave_disk(store, NULL); /* where that fails too the next transaction says so */
}

enum wy_err store_commit(struct store *store)
{
	enum wy_err err = WY_E_STATE;

	if (!store->is_in_tx)
		return WY_E_STATE;
	if (store->broken)
		err = store->broken;
	else if (!sqlite3_get_autocommit(store->db))
		err = commit(store); /* WY_E_STATE after a write that failed: it begins with a write */
	if (err)
		store_abort(store);
	store->is_in_tx = false;
	redo_clear(&store->redo);
	if (!err)
		put_log_away(store, STORE_WAL_FRAMES);
	return err;
}

void store_abort(struct store *store)
{
	if (!store->is_in_tx)
		return;
	if (store->db && !sqlite3_get_autocommit(store->db)) {
		struct store_binder binder = store_bind(store, STORE_ROLLBACK);

		(void)store_run(&binder); /* a rollback that fails is done by the next open */
		if (!sqlite3_get_autocommit(store->db) && !store->broken)
			store->broken = WY_E_IO;
	}
	store->is_in_tx = false;
	store->is_failed = false;
	memset(store->ended_from, 0, sizeof(store->ended_from)); /* rows may be back */
	store->is_untold = true;
	if (store->memory && !store->broken)
		store_look_at_memory(store);
}

uint64_t store_epoch(const struct store *store)
{
	return store->epoch;
}

static enum wy_err next_number(struct store *store, const char *key, uint64_t *ret_value)
{
	struct store_binder binder = store_bind(store, STORE_META_NEXT);
	int64_t value = 0;
	enum wy_err err;

	store_bind_text(&binder, key);
	err = store_write_number(&binder, &value);
	if (!err)
		err = store_seal_counter(store, key, value);
	if (!err)
		*ret_value = (uint64_t)value;
	return err == WY_E_NOTFOUND ? WY_E_CORRUPT : err;
}

enum wy_err store_next_seq(struct store *store, uint64_t *ret_seq)
{
	return next_number(store, "seq", ret_seq);
}

enum wy_err store_next_bd_seq(struct store *store, uint64_t *ret_bd_seq)
{
	return next_number(store, "bd_seq", ret_bd_seq);
}

enum wy_err store_get_number(struct store *store, const char *key, int64_t *ret_value)
{
	struct store_binder binder = store_bind(store, STORE_META_GET);

	store_bind_text(&binder, key);
	return store_number(&binder, ret_value);
}

enum wy_err store_put_number(struct store *store, const char *key, int64_t value)
{
	struct store_binder binder = store_bind(store, STORE_META_PUT);

	store_bind_text(&binder, key);
	store_bind_int(&binder, value);
	return store_write(&binder);
}

enum wy_err store_get_text(struct store *store, const char *key, char *out, size_t size)
{
	struct store_binder binder = store_bind(store, STORE_META_GET);
	enum wy_err err;

	store_bind_text(&binder, key);
	err = store_row(&binder);
	if (!err)
		err = store_column_text(&binder, 0, out, size);
	store_done(&binder);
	return err;
}

enum wy_err store_put_text(struct store *store, const char *key, const char *text)
{
	struct store_binder binder = store_bind(store, STORE_META_PUT);

	store_bind_text(&binder, key);
	store_bind_text(&binder, text);
	return store_write(&binder);
}

enum wy_err store_last_seq(struct store *store, uint64_t *ret_seq)
{
	int64_t seq = 0;
	enum wy_err err = store_check_counter(store, "seq", &seq);

	if (!err)
		*ret_seq = (uint64_t)seq;
	return err;
}

enum wy_err store_next_number(struct store *store, uint32_t day, uint32_t *ret_number)
{
	struct store_binder binder = store_bind(store, STORE_DAY_NEXT);
	int64_t number = 0;
	enum wy_err err;

	store_bind_int(&binder, day);
	err = store_write_number(&binder, &number);
	if (!err)
		*ret_number = (uint32_t)number;
	return err;
}

static enum wy_err put_sure(struct store *store, wy_ms wall_ms)
{
	enum wy_err err = store_put_number(store, "clock_sure", wall_ms);

	return err ? err : store_seal_counter(store, "clock_sure", wall_ms);
}

/* 0 until the first time it is known. */
static enum wy_err get_sure(struct store *store, wy_ms *ret_wall_ms)
{
	int64_t kept = 0;
	enum wy_err err = store_get_number(store, "clock_sure", &kept);

	*ret_wall_ms = 0;
	if (err)
		return err == WY_E_NOTFOUND ? WY_OK : err;
	return store_check_counter(store, "clock_sure", ret_wall_ms);
}

enum wy_err store_put_clock(struct store *store, const struct store_clock *clock)
{
	enum wy_err err = store_put_number(store, "clock_mono", clock->mono_ms);

	if (!err)
		err = store_put_number(store, "clock_wall", clock->wall_ms);
	if (!err)
		err = store_put_number(store, "clock_boottime", clock->boottime_ms);
	if (!err)
		err = store_put_text(store, "clock_boot", clock->boot);
	if (!err && clock->sure_wall_ms)
		err = put_sure(store, clock->sure_wall_ms);
	return err ? err : store_seal_clock(store, clock);
}

enum wy_err store_clock(struct store *store, struct store_clock *ret_clock)
{
	struct store_clock clock;
	enum wy_err err = store_get_number(store, "clock_mono", &clock.mono_ms);

	if (!err)
		err = store_get_number(store, "clock_wall", &clock.wall_ms);
	if (!err)
		err = store_get_number(store, "clock_boottime", &clock.boottime_ms);
	if (!err)
		err = store_get_text(store, "clock_boot", clock.boot, sizeof(clock.boot));
	if (!err)
		err = store_check_clock(store, &clock);
	if (!err)
		err = get_sure(store, &clock.sure_wall_ms);
	if (!err)
		*ret_clock = clock;
	return err;
}

enum wy_err store_put_cell(struct store *store, const char *key, const void *bytes, size_t len)
{
	struct store_binder binder = store_bind(store, STORE_CELL_PUT);

	store_bind_text(&binder, key);
	store_bind_blob(&binder, bytes, len);
	return store_write(&binder);
}

enum wy_err store_drop_cell(struct store *store, const char *key)
{
	struct store_binder binder = store_bind(store, STORE_CELL_DROP);

	store_bind_text(&binder, key);
	return store_write(&binder);
}

enum wy_err store_each_cell(struct store *store, store_cell_visit *visit, void *arg)
{
	struct store_binder binder = store_bind(store, STORE_CELL_EACH);
	bool is_going = true;
	enum wy_err err = store_row(&binder);

	while (err == WY_OK && is_going) {
		const char *key = (const char *)sqlite3_column_text(binder.stmt, 0);
		const void *bytes = sqlite3_column_blob(binder.stmt, 1);
		int len = sqlite3_column_bytes(binder.stmt, 1);

		if (!key || (!bytes && len > 0)) {
			err = WY_E_NOMEM;
			break;
		}
		is_going = visit(arg, key, bytes, (size_t)len);
		if (is_going)
			err = store_row(&binder);
	}
	store_done(&binder);
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

bool store_is_untidy(struct store *store)
{
	int64_t pages = 0, size = 0;
	bool is_known = !store->memory && !store->broken && !store->is_in_tx &&
			store_ask(store, "PRAGMA freelist_count", &pages) == WY_OK &&
			store_ask(store, "PRAGMA page_size", &size) == WY_OK;

	return is_known && pages * size > (int64_t)WY_STORE_FREE_BYTES;
}

/* The file gets shorter when its log is put into it: at the end that is done whatever there is in the log. */
enum wy_err store_tidy(struct store *store)
{
	struct store_binder binder;

	if (store->broken)
		return store->broken;
	if (store->is_in_tx)
		return WY_E_STATE;
	binder = store_bind(store, STORE_VACUUM);
	enum wy_err err = store_run(&binder);
	if (store_is_disk_trouble(store, err))
		return store_leave_disk(store, NULL);
	if (!err)
		put_log_away(store, store_is_untidy(store) ? STORE_WAL_FRAMES : 1);
	return err;
}

enum wy_err store_verify(struct store *store, struct wy_diags *diags)
{
	struct store_binder binder = store_bind(store, STORE_VERIFY);
	enum wy_err err;
	bool is_sound = true;

	for (err = store_row(&binder); err == WY_OK; err = store_row(&binder)) {
		const char *text = (const char *)sqlite3_column_text(binder.stmt, 0);

		if (text && strcmp(text, "ok") == 0)
			continue;
		is_sound = false;
		if (diags)
			wy_diag_add(diags, WY_DIAG_ERROR, "E709", NULL, 0, "store: %s",
				    text ? text : "damaged");
	}
	store_done(&binder);
	if (err != WY_E_NOTFOUND)
		return err;
	return is_sound ? WY_OK : WY_E_CORRUPT;
}
