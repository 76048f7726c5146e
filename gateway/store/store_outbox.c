/* store_outbox.c: events from commit to receipt. state: 0 queued, 1 receipted, 2 parked (enum
 * store_event_state); a row only ever leaves 0, so a receipt that comes twice or late changes
 * nothing. */
#include "store_sql.h"

#include <string.h>

#define PRUNE_ROWS 500

/* What is kept of a row beside its payload: keys, type, indices, and its part of pages that are not full. */
#define ROW_BYTES 384

/* ---- Sums -------------------------------------------------------------------------------------- */

static const struct {
	const char *n, *bytes;
} sum_keys[STORE_SUMS] = {
	[STORE_SUM_REST] = {"outbox_rest_n", "outbox_rest_bytes"},
	[STORE_SUM_S1] = {"outbox_s1_n", "outbox_s1_bytes"},
	[STORE_SUM_RECEIPTED] = {"outbox_receipted_n", "outbox_receipted_bytes"},
	[STORE_SUM_PARKED] = {"outbox_parked_n", "outbox_parked_bytes"},
};

static uint64_t *find_sum(struct store_sums *sums, const char *key)
{
	for (int i = 0; i < STORE_SUMS; i++) {
		if (strcmp(key, sum_keys[i].n) == 0)
			return &sums->n[i];
		if (strcmp(key, sum_keys[i].bytes) == 0)
			return &sums->bytes[i];
	}
	if (strcmp(key, "outbox_lost") == 0)
		return &sums->lost;
	return strcmp(key, "outbox_sent") == 0 ? &sums->sent : NULL;
}

enum wy_err store_read_sums(struct store *store, struct store_sums *ret_sums)
{
	struct store_binder binder = store_bind(store, STORE_SUM_EACH);
	struct store_sums sums;
	char key[STORE_KEY_SIZE];
	enum wy_err err;

	memset(&sums, 0, sizeof(sums));
	for (err = store_row(&binder); err == WY_OK; err = store_row(&binder)) {
		err = store_column_text(&binder, 0, key, sizeof(key));
		if (err)
			break;
		uint64_t *sum = find_sum(&sums, key);
		if (sum)
			*sum = (uint64_t)sqlite3_column_int64(binder.stmt, 1);
	}
	store_done(&binder);
	if (err && err != WY_E_NOTFOUND)
		return err;
	*ret_sums = sums;
	return WY_OK;
}

static enum wy_err add_to(struct store *store, const char *key, int64_t value)
{
	struct store_binder binder = store_bind(store, STORE_SUM_ADD);

	store_bind_text(&binder, key);
	store_bind_int(&binder, value);
	return store_write(&binder);
}

enum wy_err store_add_sum(struct store *store, enum store_sum sum, int64_t n, int64_t bytes)
{
	enum wy_err err = n ? add_to(store, sum_keys[sum].n, n) : WY_OK;

	return err || !bytes ? err : add_to(store, sum_keys[sum].bytes, bytes);
}

enum wy_err store_recount_outbox(struct store *store)
{
	struct store_binder binder = store_bind(store, STORE_SUM_RECOUNT);

	return store_write(&binder);
}

void store_set_quota(struct store *store, uint64_t max_bytes)
{
	store->quota = max_bytes;
}

/* ---- Adding ------------------------------------------------------------------------------------ */

enum store_kind store_kind_of(const char *type)
{
	static const struct {
		const char *type;
		enum store_kind kind;
	} kinds[] = {
		{"com.weiyu.ticket.opened.v1", STORE_OPENED},	{"com.weiyu.ticket.updated.v1", STORE_UPDATED},
		{"com.weiyu.ticket.reopened.v1", STORE_UPDATED}, {"com.weiyu.ticket.cleared.v1", STORE_ENDED},
		{"com.weiyu.ticket.closed.v1", STORE_ENDED},	{TICKET_GAP_TYPE, STORE_GAP},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(type, kinds[i].type) == 0)
			return kinds[i].kind;
	return STORE_OTHER;
}

static enum wy_err insert(struct store *store, const struct store_event *event, enum store_kind kind)
{
	struct store_packed packed = store_pack(store, event->payload, event->len);
	struct store_binder binder = store_bind(store, STORE_EVENT_PUT);
	int64_t bytes = (int64_t)packed.len + ROW_BYTES;
	bool is_s1 = event->tier == 1;
	enum wy_err err;

	store_bind_int(&binder, (int64_t)event->seq);
	store_bind_int(&binder, is_s1);
	store_bind_int(&binder, event->tier);
	store_bind_text(&binder, event->ticket_key);
	store_bind_text(&binder, event->type);
	store_bind_text(&binder, event->topic);
	store_bind_int(&binder, event->created.wall_ms);
	store_bind_int(&binder, event->created.mono_ms);
	store_bind_int(&binder, kind);
	store_bind_int(&binder, bytes);
	store_bind_int(&binder, packed.packing);
	store_bind_blob(&binder, packed.bytes, packed.len);
	err = store_write(&binder);
	return err ? err : store_add_sum(store, is_s1 ? STORE_SUM_S1 : STORE_SUM_REST, 1, bytes);
}

/* What this event makes old news: an update by a later one or by the end. */
static enum wy_err mark_past(struct store *store, const struct store_event *event, enum store_kind kind)
{
	struct store_binder binder;

	if (kind != STORE_UPDATED && kind != STORE_ENDED)
		return WY_OK;
	binder = store_bind(store, STORE_EVENT_PAST);
	store_bind_text(&binder, event->ticket_key);
	store_bind_int(&binder, (int64_t)event->seq);
	store_bind_int(&binder, kind == STORE_UPDATED ? 1 : 2);
	return store_write(&binder);
}

static enum wy_err mark_told(struct store *store, const struct store_event *event)
{
	struct store_binder binder = store_bind(store, STORE_UNTOLD_TOLD);

	store_bind_text(&binder, event->ticket_key);
	return store_write(&binder);
}

enum wy_err store_put_event(struct store *store, const struct store_event *event)
{
	enum store_kind kind = store_kind_of(event->type);
	bool is_lost = false;
	enum wy_err err;

	if (event->len > WY_TICKET_BYTES_MAX)
		return WY_E_LIMIT;
	store->room_steps += STORE_ROOM_STEPS_MORE;
	err = mark_past(store, event, kind);
	if (!err)
		err = insert(store, event, kind);
	if (!err && kind != STORE_GAP)
		err = store_make_room(store, event->seq, &is_lost);
	if (!err && !is_lost && store->is_untold)
		err = mark_told(store, event);
	return err;
}

/* Numbers are free below 0, and of as many epochs as there may be, older ones lower. */
#define PAST_STEP (INT64_C(1) << 40)

enum wy_err store_keep_parked(struct store *store, const struct store_event *event, const char *reason, wy_ms wall_ms)
{
	struct store_event past = *event;

	past.seq = (uint64_t)((int64_t)event->seq - PAST_STEP);
	if ((int64_t)event->seq < -(INT64_C(1) << 60) || (int64_t)event->seq >= PAST_STEP)
		return WY_E_INVALID;
	enum wy_err err = insert(store, &past, store_kind_of(past.type));
	return err ? err : store_park(store, past.seq, reason, wall_ms);
}

/* ---- Sending ----------------------------------------------------------------------------------- */

enum wy_err store_queued(struct store *store, bool is_s1, uint64_t after_seq, uint64_t *out,
			 size_t max, size_t *ret_n)
{
	struct store_binder binder = store_bind(store, STORE_EVENT_QUEUED);
	size_t n = 0;
	enum wy_err err;

	store_bind_int(&binder, is_s1);
	store_bind_int(&binder, (int64_t)after_seq);
	store_bind_int(&binder, (int64_t)max);
	for (err = store_row(&binder); err == WY_OK && n < max; err = store_row(&binder))
		out[n++] = (uint64_t)sqlite3_column_int64(binder.stmt, 0);
	store_done(&binder);
	if (err && err != WY_E_NOTFOUND)
		return err;
	*ret_n = n;
	return WY_OK;
}

static enum wy_err copy_row(struct store *store, struct store_binder *binder,
			    struct store_event *event)
{
	enum wy_err err =
		store_column_text(binder, 1, store->ticket_key, sizeof(store->ticket_key));
	const void *bytes;

	if (!err)
		err = store_column_text(binder, 2, store->type, sizeof(store->type));
	if (!err)
		err = store_column_text(binder, 3, store->topic, sizeof(store->topic));
	if (err)
		return err;
	event->tier = (uint8_t)sqlite3_column_int64(binder->stmt, 0);
	event->created.wall_ms = sqlite3_column_int64(binder->stmt, 4);
	event->created.mono_ms = sqlite3_column_int64(binder->stmt, 5);
	bytes = sqlite3_column_blob(binder->stmt, 7);
	return store_unpack(store, sqlite3_column_int64(binder->stmt, 6), bytes,
			    (size_t)sqlite3_column_bytes(binder->stmt, 7), store->payload, sizeof(store->payload),
			    &event->len);
}

static enum wy_err load(struct store *store, enum store_statement id, uint64_t seq, struct store_event *ret_event)
{
	struct store_binder binder = store_bind(store, id);
	struct store_event event;
	enum wy_err err;

	memset(&event, 0, sizeof(event));
	store_bind_int(&binder, (int64_t)seq);
	err = store_row(&binder);
	if (!err)
		err = copy_row(store, &binder, &event);
	store_done(&binder);
	if (err)
		return err;
	event.seq = seq;
	event.ticket_key = store->ticket_key;
	event.type = store->type;
	event.topic = store->topic;
	event.payload = store->payload;
	*ret_event = event;
	return WY_OK;
}

enum wy_err store_load_event(struct store *store, uint64_t seq, struct store_event *ret_event)
{
	return load(store, STORE_EVENT_LOAD, seq, ret_event);
}

enum wy_err store_load_kept(struct store *store, uint64_t seq, struct store_event *ret_event)
{
	return load(store, STORE_EVENT_LOAD_KEPT, seq, ret_event);
}

enum wy_err store_kept(struct store *store, uint64_t from, uint64_t to, struct store_kept_row *out, size_t max,
		       size_t *ret_n)
{
	struct store_binder binder = store_bind(store, STORE_EVENT_KEPT);
	size_t n = 0;
	enum wy_err err;

	store_bind_int(&binder, (int64_t)from);
	store_bind_int(&binder, (int64_t)to);
	store_bind_int(&binder, (int64_t)max);
	for (err = store_row(&binder); err == WY_OK && n < max; err = store_row(&binder), n++) {
		out[n].seq = (uint64_t)sqlite3_column_int64(binder.stmt, 0);
		out[n].state = (enum store_event_state)sqlite3_column_int64(binder.stmt, 1);
	}
	store_done(&binder);
	if (err && err != WY_E_NOTFOUND)
		return err;
	*ret_n = n;
	return WY_OK;
}

enum wy_err store_allow_sending(struct store *store, uint64_t through)
{
	struct store_binder binder = store_bind(store, STORE_SUM_RAISE);

	store_bind_text(&binder, "outbox_sent");
	store_bind_int(&binder, (int64_t)through);
	return store_write(&binder);
}

enum wy_err store_sendable_through(struct store *store, uint64_t *ret_through)
{
	struct store_sums sums;
	enum wy_err err = store_read_sums(store, &sums);

	if (!err)
		*ret_through = sums.sent;
	return err;
}

/* ---- Receipts ---------------------------------------------------------------------------------- */

/* What is receipted is on its way to where more is sent: along with this write, the next rows may go without one of their own. */
static enum wy_err allow_more(struct store *store, uint64_t through)
{
	uint64_t sent = 0;
	enum wy_err err = store_sendable_through(store, &sent);

	if (err || sent >= through + STORE_SENT_AHEAD / 2)
		return err;
	return store_allow_sending(store, through + STORE_SENT_AHEAD);
}

enum wy_err store_receipt_through(struct store *store, bool is_s1, uint64_t through, wy_ms wall_ms,
				  size_t *ret_n)
{
	struct store_binder binder = store_bind(store, STORE_EVENT_THROUGH);
	int64_t n = 0, bytes = 0;
	enum wy_err err;

	store_allow_over(store, true);
	store_bind_int(&binder, is_s1);
	store_bind_int(&binder, (int64_t)through);
	store_bind_int(&binder, wall_ms);
	err = store_write_sum(&binder, &n, &bytes);
	if (!err && n)
		err = store_add_sum(store, is_s1 ? STORE_SUM_S1 : STORE_SUM_REST, -n, -bytes);
	if (!err && n)
		err = store_add_sum(store, STORE_SUM_RECEIPTED, n, bytes);
	if (!err && n && !is_s1)
		err = allow_more(store, through);
	if (!err)
		*ret_n = (size_t)n;
	return err;
}

/* A statement about one row that gives back its bytes and its lane; the row moves to another sum. */
static enum wy_err move_one(struct store *store, struct store_binder *binder, enum store_sum to)
{
	bool is_s1 = false, is_found = false;
	int64_t bytes = 0;
	enum wy_err err;

	store_allow_over(store, true);
	for (err = store_write_row(binder); err == WY_OK; err = store_row(binder)) {
		is_found = true;
		bytes = sqlite3_column_int64(binder->stmt, 0);
		is_s1 = sqlite3_column_int64(binder->stmt, 1) == 1;
	}
	store_done(binder);
	if (err != WY_E_NOTFOUND) {
		store->is_failed = true;
		return err;
	}
	if (!is_found)
		return WY_OK;
	err = store_add_sum(store, is_s1 ? STORE_SUM_S1 : STORE_SUM_REST, -1, -bytes);
	return err ? err : store_add_sum(store, to, 1, bytes);
}

enum wy_err store_receipt_one(struct store *store, uint64_t seq, wy_ms wall_ms)
{
	struct store_binder binder = store_bind(store, STORE_EVENT_RECEIPTED);

	store_bind_int(&binder, (int64_t)seq);
	store_bind_int(&binder, wall_ms);
	return move_one(store, &binder, STORE_SUM_RECEIPTED);
}

enum wy_err store_park(struct store *store, uint64_t seq, const char *reason, wy_ms wall_ms)
{
	struct store_binder binder = store_bind(store, STORE_EVENT_PARK);

	store_bind_int(&binder, (int64_t)seq);
	store_bind_int(&binder, wall_ms);
	store_bind_text(&binder, reason);
	return move_one(store, &binder, STORE_SUM_PARKED);
}

enum wy_err store_prune_events(struct store *store, size_t keep_rows, wy_ms before_wall_ms,
			       size_t *ret_n)
{
	struct store_binder binder = store_bind(store, STORE_EVENT_PRUNE);
	int64_t n = 0, bytes = 0;
	enum wy_err err;

	store_bind_int(&binder, before_wall_ms);
	store_bind_int(&binder, (int64_t)keep_rows);
	store_bind_int(&binder, PRUNE_ROWS);
	err = store_write_sum(&binder, &n, &bytes);
	if (!err && n)
		err = store_add_sum(store, STORE_SUM_RECEIPTED, -n, -bytes);
	if (!err)
		*ret_n = (size_t)n;
	return err;
}

/* ---- Untold tickets ----------------------------------------------------------------------------- */

bool store_has_untold(const struct store *store)
{
	return store->is_untold;
}

enum wy_err store_untold(struct store *store, struct store_untold *out, size_t max, size_t *ret_n)
{
	struct store_binder binder = store_bind(store, STORE_UNTOLD_EACH);
	size_t n = 0;
	enum wy_err err;

	store_bind_int(&binder, (int64_t)max);
	for (err = store_row(&binder); err == WY_OK && n < max; err = store_row(&binder)) {
		err = store_column_text(&binder, 0, out[n].key, sizeof(out[n].key));
		if (err)
			break;
		out[n++].is_new = sqlite3_column_int64(binder.stmt, 1) == 2;
	}
	store_done(&binder);
	if (err && err != WY_E_NOTFOUND)
		return err;
	if (max > 0)
		store->is_untold = n > 0;
	*ret_n = n;
	return WY_OK;
}

/* ---- What there is ------------------------------------------------------------------------------ */

static enum wy_err find_oldest(struct store *store, struct store_outbox_stats *stats)
{
	struct store_binder binder = store_bind(store, STORE_EVENT_OLDEST);
	enum wy_err err = store_row(&binder);

	if (err == WY_OK) {
		stats->oldest_wall_ms = sqlite3_column_int64(binder.stmt, 0);
		stats->oldest_mono_ms = sqlite3_column_int64(binder.stmt, 1);
	}
	store_done(&binder);
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

enum wy_err store_outbox_stats(struct store *store, struct store_outbox_stats *ret_stats)
{
	struct store_outbox_stats stats;
	struct store_sums sums;
	enum wy_err err = store_read_sums(store, &sums);

	memset(&stats, 0, sizeof(stats));
	if (!err)
		err = find_oldest(store, &stats);
	if (err)
		return err;
	stats.queued_s1 = sums.n[STORE_SUM_S1];
	stats.queued = sums.n[STORE_SUM_S1] + sums.n[STORE_SUM_REST];
	stats.receipted = sums.n[STORE_SUM_RECEIPTED];
	stats.parked = sums.n[STORE_SUM_PARKED];
	stats.queued_bytes = sums.bytes[STORE_SUM_S1] + sums.bytes[STORE_SUM_REST];
	stats.bytes = stats.queued_bytes + sums.bytes[STORE_SUM_RECEIPTED] + sums.bytes[STORE_SUM_PARKED];
	stats.max_bytes = store->quota;
	stats.lost = sums.lost;
	if (store->memory) {
		stats.memory_bytes = memory_disk_bytes(store->memory);
		stats.memory_max_bytes = store_shed_from(store);
	}
	*ret_stats = stats;
	return WY_OK;
}
