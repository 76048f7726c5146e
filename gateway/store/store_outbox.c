/* store_outbox.c: events from commit to receipt. state: 0 queued, 1 receipted, 2 parked (enum
 * store_event_state); a row only ever leaves 0, so a receipt that comes twice or late changes
 * nothing. */
#include "store_sql.h"

#include <string.h>

#define PRUNE_ROWS 500

enum wy_err store_put_event(struct store *store, const struct store_event *event)
{
	struct store_binder binder;

	if (event->len > WY_TICKET_BYTES_MAX)
		return WY_E_LIMIT;
	binder = store_bind(store, STORE_EVENT_PUT);
	store_bind_int(&binder, (int64_t)event->seq);
	store_bind_int(&binder, event->tier == 1);
	store_bind_int(&binder, event->tier);
	store_bind_text(&binder, event->ticket_key);
	store_bind_text(&binder, event->type);
	store_bind_text(&binder, event->topic);
	store_bind_int(&binder, event->created.wall_ms);
	store_bind_int(&binder, event->created.mono_ms);
	store_bind_blob(&binder, event->payload, event->len);
	return store_write(&binder);
}

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
	bytes = sqlite3_column_blob(binder->stmt, 6);
	event->len = (size_t)sqlite3_column_bytes(binder->stmt, 6);
	if (!bytes && event->len > 0)
		return WY_E_NOMEM;
	if (event->len > sizeof(store->payload))
		return store_error(store, SQLITE_CORRUPT);
	if (event->len > 0)
		memcpy(store->payload, bytes, event->len);
	return WY_OK;
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

enum wy_err store_receipt_through(struct store *store, bool is_s1, uint64_t through, wy_ms wall_ms,
				  size_t *ret_n)
{
	struct store_binder binder = store_bind(store, STORE_EVENT_THROUGH);
	enum wy_err err;

	store_bind_int(&binder, is_s1);
	store_bind_int(&binder, (int64_t)through);
	store_bind_int(&binder, wall_ms);
	err = store_write(&binder);
	if (!err)
		*ret_n = (size_t)sqlite3_changes(store->db);
	return err;
}

enum wy_err store_receipt_one(struct store *store, uint64_t seq, wy_ms wall_ms)
{
	struct store_binder binder = store_bind(store, STORE_EVENT_RECEIPTED);

	store_bind_int(&binder, (int64_t)seq);
	store_bind_int(&binder, wall_ms);
	return store_write(&binder);
}

enum wy_err store_park(struct store *store, uint64_t seq, const char *reason, wy_ms wall_ms)
{
	struct store_binder binder = store_bind(store, STORE_EVENT_PARK);

	store_bind_int(&binder, (int64_t)seq);
	store_bind_int(&binder, wall_ms);
	store_bind_text(&binder, reason);
	return store_write(&binder);
}

enum wy_err store_prune_events(struct store *store, size_t keep_rows, wy_ms before_wall_ms,
			       size_t *ret_n)
{
	struct store_binder binder = store_bind(store, STORE_EVENT_PRUNE);
	enum wy_err err;

	store_bind_int(&binder, before_wall_ms);
	store_bind_int(&binder, (int64_t)keep_rows);
	store_bind_int(&binder, PRUNE_ROWS);
	err = store_write(&binder);
	if (!err)
		*ret_n = (size_t)sqlite3_changes(store->db);
	return err;
}

static enum wy_err count(struct store *store, enum store_statement id, uint64_t *ret_n)
{
	struct store_binder binder = store_bind(store, id);
	int64_t n = 0;
	enum wy_err err = store_number(&binder, &n);

	if (!err)
		*ret_n = (uint64_t)n;
	return err;
}

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
	struct store_outbox_stats stats = {0, 0, 0, 0, 0, 0};
	uint64_t rest = 0;
	enum wy_err err = count(store, STORE_EVENT_COUNT_S1, &stats.queued_s1);

	if (!err)
		err = count(store, STORE_EVENT_COUNT_REST, &rest);
	if (!err)
		err = count(store, STORE_EVENT_COUNT_RECEIPTED, &stats.receipted);
	if (!err)
		err = count(store, STORE_EVENT_COUNT_PARKED, &stats.parked);
	if (!err)
		err = find_oldest(store, &stats);
	if (err)
		return err;
	stats.queued = stats.queued_s1 + rest;
	*ret_stats = stats;
	return WY_OK;
}
