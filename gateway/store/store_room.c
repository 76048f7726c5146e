/* store_room.c: room for one more event, in the transaction that adds it. What goes first:
 *
 *   1. rows that are done: receipted ones, oldest first, then parked ones;
 *   2. updates that a later event of their ticket makes old news: S4, then S3, then S2, oldest first. An update before
 *      another one goes before an update before the end, so that opened, the last update and the end stay longest;
 *   3. whole episodes that came and went and of which nothing was told: likewise S4 before S3 before S2;
 *   4. when nothing else is left, the newest row of the lowest tier, mostly the one just added. Its ticket is marked
 *      untold, and told again when there is room.
 *
 * S1 never goes, and STORE_RESERVE_PCT of the quota is for S1 alone. Rows that may have been sent (outbox_sent) never go either:
 * the platform may have them, and an opening that it has must be followed by its end.
 *
 * Memory, while the disk takes nothing, has a smaller end (store_ceiling.c) and the same rules, with three differences. Rows the
 * disk has stay: they cost nothing. Of what is done with, tickets that are over go too, and all of it goes earlier. And a
 * transaction takes a few steps only: pages are free when most of their rows are gone, so looking at memory does not tell
 * at once what a row gave, and a transaction that drops thousands would itself be what memory has no room for. */
#include "store_sql.h"

#define BATCH_ROWS 32
#define TIER_LOWEST 4u
#define TIER_HIGHEST 2u /* that makes room */

enum past { PAST_NO, PAST_UPDATED, PAST_ENDED }; /* column is_past: what came after it */

/* What has to go. */
struct need {
	bool is_any;
	bool is_queue;	/* rows that wait, too */
	bool is_memory; /* of memory's end alone: in steps */
	uint64_t above; /* rows that wait go from here on */
};

/* Is there more than may be? What is not S1 leaves the reserve to S1. */
static enum wy_err look(struct store *store, struct need *ret_need)
{
	enum store_height height = STORE_HEIGHT_FINE;
	struct store_sums sums;
	enum wy_err err = store_read_sums(store, &sums);

	if (!err)
		err = store_measure_memory(store, &height);
	if (err)
		return err;
	uint64_t s1 = sums.bytes[STORE_SUM_S1];
	uint64_t rest = sums.bytes[STORE_SUM_REST] + sums.bytes[STORE_SUM_RECEIPTED] + sums.bytes[STORE_SUM_PARKED];
	bool is_over = rest > store->quota / 100 * (100 - STORE_RESERVE_PCT) || rest + s1 > store->quota;
	bool is_kept_low = height == STORE_HEIGHT_SHED && store->disk_seq > sums.sent;

	*ret_need = (struct need){.is_any = is_over || height != STORE_HEIGHT_FINE,
				  .is_queue = is_over || height == STORE_HEIGHT_SHED,
				  .is_memory = !is_over,
				  .above = is_kept_low ? store->disk_seq : sums.sent};
	return WY_OK;
}

static enum wy_err delete_some(struct store *store, enum store_statement id, int64_t above, int64_t *ret_bytes, int64_t *ret_n)
{
	struct store_binder binder = store_bind(store, id);
	enum wy_err err;

	store_bind_int(&binder, BATCH_ROWS);
	store_bind_int(&binder, above);
	err = store_write_sum(&binder, ret_n, ret_bytes);
	return !err && *ret_n == 0 ? WY_E_NOTFOUND : err;
}

static enum wy_err drop_rows(struct store *store, enum store_statement id, enum store_sum sum, int64_t above)
{
	int64_t n = 0, bytes = 0;
	enum wy_err err = delete_some(store, id, above, &bytes, &n);

	return err ? err : store_add_sum(store, sum, -n, -bytes);
}

static enum wy_err drop_past_life(struct store *store)
{
	int64_t n, ids;
	enum wy_err err = delete_some(store, STORE_ROOM_TICKETS, store->floor[STORE_FLOOR_OF_TICKETS], &ids, &n);

	if (err == WY_E_NOTFOUND)
		err = delete_some(store, STORE_ROOM_NOTES, store->floor[STORE_FLOOR_OF_NOTES], &ids, &n);
	store->is_swept = err == WY_E_NOTFOUND; /* all of them were looked at: once in a while will do */
	return err;
}

/* Where only memory is short, what the disk has of them stays. */
static enum wy_err drop_done(struct store *store, const struct need *need)
{
	int64_t above = need->is_memory ? store->floor[STORE_FLOOR_OF_DONE] : 0;
	enum wy_err err = drop_rows(store, STORE_ROOM_DONE, STORE_SUM_RECEIPTED, above);

	if (err == WY_E_NOTFOUND)
		err = drop_rows(store, STORE_ROOM_PARKED, STORE_SUM_PARKED, above);
	return err == WY_E_NOTFOUND && need->is_memory && !store->is_swept ? drop_past_life(store) : err;
}

/* The row goes, its number into the gap. */
static enum wy_err drop_row(struct store *store, uint64_t seq, struct store_dropped *dropped, char *key)
{
	struct store_binder binder = store_bind(store, STORE_ROOM_DROP);
	int64_t bytes = 0;
	enum wy_err err;

	store_bind_int(&binder, (int64_t)seq);
	err = store_write_row(&binder);
	if (!err) {
		*dropped = (struct store_dropped){seq, (uint8_t)sqlite3_column_int64(binder.stmt, 0),
						  (uint8_t)sqlite3_column_int64(binder.stmt, 1),
						  sqlite3_column_int64(binder.stmt, 2), key};
		bytes = sqlite3_column_int64(binder.stmt, 3);
		err = store_column_text(&binder, 4, key, STORE_KEY_SIZE);
	}
	while (!err)
		err = store_row(&binder);
	store_done(&binder);
	if (err != WY_E_NOTFOUND) {
		store->is_failed = true;
		return err;
	}
	err = store_add_sum(store, STORE_SUM_REST, -1, -bytes);
	return err ? err : store_note_gap(store, dropped);
}

static enum wy_err find(struct store *store, enum store_statement id, unsigned tier, enum past past, enum store_kind kind,
			uint64_t above, uint64_t *ret_seq)
{
	struct store_binder binder = store_bind(store, id);
	int64_t seq = 0;
	enum wy_err err;

	store_bind_int(&binder, tier);
	store_bind_int(&binder, past);
	store_bind_int(&binder, kind);
	store_bind_int(&binder, (int64_t)above);
	err = store_number(&binder, &seq);
	if (!err)
		*ret_seq = (uint64_t)seq;
	return err;
}

static enum wy_err drop_past(struct store *store, uint64_t sent, enum past past)
{
	struct store_dropped dropped;
	char key[STORE_KEY_SIZE];
	enum wy_err err = WY_E_NOTFOUND;
	uint64_t seq = 0;

	for (unsigned tier = TIER_LOWEST; err == WY_E_NOTFOUND && tier >= TIER_HIGHEST; tier--)
		err = find(store, STORE_ROOM_OLDEST, tier, past, STORE_UPDATED, sent, &seq);
	return err ? err : drop_row(store, seq, &dropped, key);
}

/* ---- Whole episodes ---------------------------------------------------------------------------- */

static enum wy_err key_of(struct store *store, uint64_t seq, char *key)
{
	struct store_binder binder = store_bind(store, STORE_ROOM_KEY);
	enum wy_err err;

	store_bind_int(&binder, (int64_t)seq);
	err = store_row(&binder);
	if (!err)
		err = store_column_text(&binder, 0, key, STORE_KEY_SIZE);
	store_done(&binder);
	return err;
}

/* Is its opening among the rows, and may all of them go? */
static enum wy_err is_untold_episode(struct store *store, const char *key, uint64_t sent, bool *ret_is)
{
	struct store_binder binder = store_bind(store, STORE_ROOM_EPISODE);
	enum wy_err err;

	store_bind_text(&binder, key);
	store_bind_int(&binder, (int64_t)sent);
	err = store_row(&binder);
	if (!err)
		*ret_is = sqlite3_column_int64(binder.stmt, 0) == sqlite3_column_int64(binder.stmt, 1) &&
			  sqlite3_column_int64(binder.stmt, 2) > 0;
	store_done(&binder);
	return err;
}

static enum wy_err drop_rows_of(struct store *store, const char *key, uint64_t sent)
{
	struct store_dropped dropped;
	char again[STORE_KEY_SIZE];
	int64_t seq;
	enum wy_err err;

	for (;;) {
		struct store_binder binder = store_bind(store, STORE_ROOM_NEXT);
		store_bind_text(&binder, key);
		store_bind_int(&binder, (int64_t)sent);
		err = store_number(&binder, &seq);
		if (!err)
			err = drop_row(store, (uint64_t)seq, &dropped, again);
		if (err)
			return err == WY_E_NOTFOUND ? WY_OK : err;
	}
}

/* An end whose opening is told, or may be, stays so: it is not looked at again. */
static enum wy_err drop_episode_of_tier(struct store *store, unsigned tier, uint64_t sent)
{
	char key[STORE_KEY_SIZE];
	uint64_t seq = 0;
	enum wy_err err;

	for (;;) {
		uint64_t above = store->ended_from[tier] > sent ? store->ended_from[tier] : sent;
		bool is_one = false;

		err = find(store, STORE_ROOM_OLDEST, tier, PAST_NO, STORE_ENDED, above, &seq);
		if (!err)
			err = key_of(store, seq, key);
		if (!err)
			err = is_untold_episode(store, key, sent, &is_one);
		if (err)
			return err;
		if (is_one)
			return drop_rows_of(store, key, sent);
		store->ended_from[tier] = seq;
	}
}

static enum wy_err drop_episode(struct store *store, uint64_t sent)
{
	enum wy_err err = WY_E_NOTFOUND;

	for (unsigned tier = TIER_LOWEST; err == WY_E_NOTFOUND && tier >= TIER_HIGHEST; tier--)
		err = drop_episode_of_tier(store, tier, sent);
	return err;
}

/* ---- Nothing else is left ---------------------------------------------------------------------- */

static enum wy_err find_newest(struct store *store, unsigned tier, uint64_t sent, uint64_t *ret_seq)
{
	uint64_t newest = 0, seq = 0;
	enum wy_err err = WY_OK;

	for (int kind = STORE_OTHER; kind < STORE_GAP; kind++) {
		err = find(store, STORE_ROOM_NEWEST, tier, PAST_NO, (enum store_kind)kind, sent, &seq);
		if (!err && seq > newest)
			newest = seq;
		if (err && err != WY_E_NOTFOUND)
			return err;
	}
	*ret_seq = newest;
	return newest ? WY_OK : WY_E_NOTFOUND;
}

/* Does a later row of its ticket wait? Then that tells it. */
static enum wy_err is_last_of_ticket(struct store *store, const struct store_dropped *dropped, bool *ret_is)
{
	struct store_binder binder = store_bind(store, STORE_ROOM_NEXT);
	int64_t seq;
	enum wy_err err;

	store_bind_text(&binder, dropped->ticket_key);
	store_bind_int(&binder, (int64_t)dropped->seq);
	err = store_number(&binder, &seq);
	*ret_is = err == WY_E_NOTFOUND;
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

enum wy_err store_mark_untold(struct store *store, const char *key, bool is_new)
{
	struct store_binder binder = store_bind(store, STORE_UNTOLD_MARK);

	store->is_untold = true;
	store_bind_text(&binder, key);
	store_bind_int(&binder, is_new);
	return store_write(&binder);
}

static enum wy_err drop_newest(struct store *store, uint64_t sent, uint64_t *ret_seq)
{
	struct store_dropped dropped;
	char key[STORE_KEY_SIZE];
	enum wy_err err = WY_E_NOTFOUND;
	bool is_last = false;

	for (unsigned tier = TIER_LOWEST; err == WY_E_NOTFOUND && tier >= TIER_HIGHEST; tier--)
		err = find_newest(store, tier, sent, ret_seq);
	if (!err)
		err = drop_row(store, *ret_seq, &dropped, key);
	if (!err)
		err = is_last_of_ticket(store, &dropped, &is_last);
	return !err && is_last ? store_mark_untold(store, key, dropped.kind == STORE_OPENED) : err;
}

/* ---- All of it --------------------------------------------------------------------------------- */

static enum wy_err drop_something(struct store *store, const struct need *need, uint64_t *ret_newest)
{
	enum wy_err err = drop_done(store, need);

	if (err != WY_E_NOTFOUND || !need->is_queue)
		return err;
	err = drop_past(store, need->above, PAST_UPDATED);
	if (err == WY_E_NOTFOUND)
		err = drop_past(store, need->above, PAST_ENDED);
	if (err == WY_E_NOTFOUND)
		err = drop_episode(store, need->above);
	if (err == WY_E_NOTFOUND)
		err = drop_newest(store, need->above, ret_newest);
	return err;
}

/* Of the steps a transaction has. */
static bool may_go_on(struct store *store, const struct need *need)
{
	if (!need->is_memory)
		return true;
	if (store->room_steps == 0)
		return false;
	store->room_steps--;
	return true;
}

enum wy_err store_make_room(struct store *store, uint64_t added_seq, bool *ret_lost)
{
	uint64_t newest = 0;
	struct need need;
	enum wy_err err = look(store, &need);

	*ret_lost = false;
	while (!err && need.is_any && may_go_on(store, &need)) {
		err = drop_something(store, &need, &newest);
		*ret_lost = *ret_lost || (newest && newest == added_seq);
		if (!err)
			err = look(store, &need);
	}
	return err == WY_E_NOTFOUND ? WY_OK : err; /* only S1 is left, or what may have been sent */
}
