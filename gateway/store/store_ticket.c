/* store_ticket.c: struct ticket as a row and back. The order of TICKET_COLUMNS is that of put() and
 * store_get_ticket(). */
#include "store_sql.h"

#include <string.h>

static void put_stamp(struct store_binder *binder, struct ticket_stamp stamp)
{
	store_bind_int(binder, stamp.wall_ms);
	store_bind_int(binder, stamp.mono_ms);
}

static void put(struct store_binder *binder, const struct ticket *ticket)
{
	const char *const texts[] = {ticket->key,   ticket->no,	  ticket->dedup,    ticket->asset,
				     ticket->fault, ticket->rule, ticket->repeat_of};
	const int64_t numbers[] = {
		ticket->repeat_count_30d, (int64_t)ticket->epoch, ticket->episode,  ticket->rev,
		ticket->work_rev,	  ticket->tier,		  ticket->tier_now, ticket->level,
		ticket->condition,	  ticket->node,		  ticket->clock,    ticket->is_open,
		ticket->is_uncertain};
	const int64_t due[] = {ticket->deadline.ack, ticket->deadline.arrive,
			       ticket->deadline.start, ticket->deadline.resolve,
			       ticket->deadline.regulatory};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		store_bind_text(binder, texts[i]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		store_bind_int(binder, numbers[i]);
	store_bind_real(binder, ticket->has_peak, ticket->peak);
	store_bind_real(binder, ticket->has_peak, ticket->peak_limit);
	put_stamp(binder, ticket->onset);
	put_stamp(binder, ticket->opened);
	put_stamp(binder, ticket->cleared);
	put_stamp(binder, ticket->changed);
	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++)
		store_bind_int(binder, due[i]);
	store_bind_int(binder, ticket->news);
	store_bind_int(binder, ticket->news_due_ms);
}

/* A number that must fit its field: a row that was tampered with or damaged is said to be so. */
static uint32_t small(struct store_binder *binder, int *column, uint32_t most, enum wy_err *err)
{
	int64_t value = sqlite3_column_int64(binder->stmt, (*column)++);

	if (value < 0 || value > most) {
		*err = store_error(binder->store, SQLITE_CORRUPT);
		return 0;
	}
	return (uint32_t)value;
}

static struct ticket_stamp get_stamp(struct store_binder *binder, int *column)
{
	struct ticket_stamp stamp;

	stamp.wall_ms = sqlite3_column_int64(binder->stmt, (*column)++);
	stamp.mono_ms = sqlite3_column_int64(binder->stmt, (*column)++);
	return stamp;
}

static enum wy_err get_texts(struct store_binder *binder, struct ticket *ticket, int *column)
{
	struct {
		char *out;
		size_t size;
	} const texts[] = {
		{ticket->key, sizeof(ticket->key)},
		{ticket->no, sizeof(ticket->no)},
		{ticket->dedup, sizeof(ticket->dedup)},
		{ticket->asset, sizeof(ticket->asset)},
		{ticket->fault, sizeof(ticket->fault)},
		{ticket->rule, sizeof(ticket->rule)},
		{ticket->repeat_of, sizeof(ticket->repeat_of)},
	};
	enum wy_err err = WY_OK;

	for (size_t i = 0; !err && i < sizeof(texts) / sizeof(texts[0]); i++)
		err = store_column_text(binder, (*column)++, texts[i].out, texts[i].size);
	return err;
}

static void get_numbers(struct store_binder *binder, struct ticket *ticket, int *column,
			enum wy_err *err)
{
	ticket->repeat_count_30d = small(binder, column, UINT32_MAX, err);
	ticket->epoch = (uint64_t)sqlite3_column_int64(binder->stmt, (*column)++);
	ticket->episode = sqlite3_column_int64(binder->stmt, (*column)++);
	ticket->rev = small(binder, column, UINT32_MAX, err);
	ticket->work_rev = small(binder, column, UINT32_MAX, err);
	ticket->tier = (uint8_t)small(binder, column, 4, err);
	ticket->tier_now = (uint8_t)small(binder, column, 4, err);
	ticket->level = (uint8_t)small(binder, column, UINT8_MAX, err);
	ticket->condition = (uint8_t)small(binder, column, TICKET_UNKNOWN, err);
	ticket->node = (uint8_t)small(binder, column, TICKET_NODE_COUNT - 1, err);
	ticket->clock = (uint8_t)small(binder, column, WY_CLOCK_STEPPED, err);
	ticket->is_open = small(binder, column, 1, err) == 1;
	ticket->is_uncertain = small(binder, column, 1, err) == 1;
	ticket->is_begun = true; /* nothing else is stored */
}

/* Its key is a hash of what it is made of. */
static bool is_itself(const struct ticket *ticket)
{
	char dedup[TICKET_DEDUP_SIZE], key[TICKET_KEY_SIZE];

	if (ticket_dedup(ticket->asset, ticket->fault, dedup) || strcmp(dedup, ticket->dedup) != 0)
		return false;
	ticket_key(dedup, ticket->epoch, ticket->episode, key);
	return strcmp(key, ticket->key) == 0 && ticket->tier >= 1 && ticket->rev >= 1;
}

enum wy_err store_get_ticket(struct store_binder *binder, struct ticket *ret_ticket)
{
	struct ticket ticket;
	int column = 0;
	enum wy_err err;

	memset(&ticket, 0, sizeof(ticket));
	err = get_texts(binder, &ticket, &column);
	if (err)
		return err; /* what follows would be read from other columns, and look damaged */
	get_numbers(binder, &ticket, &column, &err);
	ticket.has_peak = sqlite3_column_type(binder->stmt, column) != SQLITE_NULL;
	ticket.peak = sqlite3_column_double(binder->stmt, column++);
	ticket.peak_limit = sqlite3_column_double(binder->stmt, column++);
	ticket.onset = get_stamp(binder, &column);
	ticket.opened = get_stamp(binder, &column);
	ticket.cleared = get_stamp(binder, &column);
	ticket.changed = get_stamp(binder, &column);
	ticket.deadline.ack = sqlite3_column_int64(binder->stmt, column++);
	ticket.deadline.arrive = sqlite3_column_int64(binder->stmt, column++);
	ticket.deadline.start = sqlite3_column_int64(binder->stmt, column++);
	ticket.deadline.resolve = sqlite3_column_int64(binder->stmt, column++);
	ticket.deadline.regulatory = sqlite3_column_int64(binder->stmt, column++);
	ticket.news = small(binder, &column, UINT32_MAX, &err);
	ticket.news_due_ms = sqlite3_column_int64(binder->stmt, column);
	if (!err && !is_itself(&ticket))
		err = store_error(binder->store, SQLITE_CORRUPT);
	if (!err)
		*ret_ticket = ticket;
	return err;
}

enum wy_err store_keep_episode(struct store *store, const char *dedup, int64_t last)
{
	struct store_binder binder = store_bind(store, STORE_EPISODE_PUT);

	store_bind_text(&binder, dedup);
	store_bind_int(&binder, last);
	return store_write(&binder);
}

static enum wy_err put_row(struct store *store, const struct ticket *ticket, const char *body, size_t len, struct store_packed packed)
{
	struct store_binder binder = store_bind(store, STORE_TICKET_PUT);
	enum wy_err err;

	put(&binder, ticket);
	store_bind_textn(&binder, body, packed.packing == STORE_PLAIN ? len : 0);
	if (packed.packing == STORE_PLAIN)
		store_bind_null(&binder);
	else
		store_bind_blob(&binder, packed.bytes, packed.len);
	err = store_write(&binder);
	return err ? err : store_keep_episode(store, ticket->dedup, ticket->episode);
}

enum wy_err store_put_ticket(struct store *store, const struct ticket *ticket, const char *body,
			     size_t len)
{
	return ticket->is_begun ? put_row(store, ticket, body, len, store_pack(store, body, len)) : WY_E_STATE;
}

/* Its document as it lies there: to pack it again takes longer than all else. */
enum wy_err store_copy_ticket(struct store *store, const struct ticket *ticket, const struct store_binder *row, const char *body,
			      size_t len)
{
	struct store_packed packed = {.packing = STORE_PLAIN};

	if (sqlite3_column_type(row->stmt, TICKET_PACKED_COLUMN) != SQLITE_NULL) {
		packed.packing = STORE_PACKED_1;
		packed.bytes = sqlite3_column_blob(row->stmt, TICKET_PACKED_COLUMN);
		packed.len = (size_t)sqlite3_column_bytes(row->stmt, TICKET_PACKED_COLUMN);
	}
	return put_row(store, ticket, body, len, packed);
}

static enum wy_err find(struct store *store, enum store_statement id, const char *text,
			struct ticket *ret_ticket)
{
	struct store_binder binder = store_bind(store, id);
	enum wy_err err;

	store_bind_text(&binder, text);
	err = store_row(&binder);
	if (!err)
		err = store_get_ticket(&binder, ret_ticket);
	store_done(&binder);
	return err;
}

enum wy_err store_find_open(struct store *store, const char *dedup, struct ticket *ret_ticket)
{
	return find(store, STORE_TICKET_FIND_OPEN, dedup, ret_ticket);
}

enum wy_err store_find_ticket(struct store *store, const char *key, struct ticket *ret_ticket)
{
	return find(store, STORE_TICKET_FIND_KEY, key, ret_ticket);
}

enum wy_err store_find_number(struct store *store, const char *no, struct ticket *ret_ticket)
{
	return find(store, STORE_TICKET_FIND_NO, no, ret_ticket);
}

/* The document of the row, whole, in store->body with a NUL. */
enum wy_err store_get_body(struct store_binder *binder, size_t *ret_len)
{
	struct store *store = binder->store;
	bool is_packed = sqlite3_column_type(binder->stmt, TICKET_PACKED_COLUMN) != SQLITE_NULL;
	int column = is_packed ? TICKET_PACKED_COLUMN : TICKET_BODY_COLUMN;
	const void *bytes = is_packed ? sqlite3_column_blob(binder->stmt, column)
				      : (const void *)sqlite3_column_text(binder->stmt, column);
	enum wy_err err = store_unpack(store, is_packed ? STORE_PACKED_1 : STORE_PLAIN, bytes,
				       (size_t)sqlite3_column_bytes(binder->stmt, column), store->body,
				       sizeof(store->body) - 1, ret_len);

	if (!err)
		store->body[*ret_len] = '\0';
	return err;
}

enum wy_err store_ticket_body(struct store *store, const char *key, char *out, size_t size,
			      size_t *ret_len)
{
	struct store_binder binder = store_bind(store, STORE_TICKET_FIND_KEY);
	size_t len = 0;
	enum wy_err err;

	store_bind_text(&binder, key);
	err = store_row(&binder);
	if (!err)
		err = store_get_body(&binder, &len);
	if (!err && len >= size)
		err = WY_E_LIMIT;
	store_done(&binder);
	if (err)
		return err;
	memcpy(out, store->body, len + 1);
	*ret_len = len;
	return WY_OK;
}

static enum wy_err find_repeat(struct store *store, const char *dedup, wy_ms since_mono_ms,
			       char out[TICKET_KEY_SIZE])
{
	struct store_binder binder = store_bind(store, STORE_TICKET_LAST_OVER);
	enum wy_err err;

	store_bind_text(&binder, dedup);
	store_bind_int(&binder, since_mono_ms);
	err = store_row(&binder);
	if (!err)
		err = store_column_text(&binder, 0, out, TICKET_KEY_SIZE);
	store_done(&binder);
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

enum wy_err store_history(struct store *store, const char *dedup, wy_ms since_mono_ms,
			  struct store_history *ret_history)
{
	struct store_history history = {0, "", 0};
	struct store_binder binder = store_bind(store, STORE_EPISODE_GET);
	int64_t count = 0;
	enum wy_err err;

	store_bind_text(&binder, dedup);
	err = store_number(&binder, &history.episode);
	if (err == WY_E_NOTFOUND) {
		*ret_history = history;
		return WY_OK;
	}
	if (!err)
		err = find_repeat(store, dedup, since_mono_ms, history.repeat_of);
	if (err)
		return err;
	binder = store_bind(store, STORE_TICKET_COUNT_SINCE);
	store_bind_text(&binder, dedup);
	store_bind_int(&binder, since_mono_ms);
	err = store_number(&binder, &count);
	if (err)
		return err;
	history.count = (uint32_t)count;
	*ret_history = history;
	return WY_OK;
}

static enum wy_err visit_rows(struct store_binder *binder, store_ticket_visit *visit, void *arg)
{
	struct ticket ticket;
	bool is_going = true;
	enum wy_err err = store_row(binder);

	while (err == WY_OK && is_going) {
		size_t len = 0;

		err = store_get_body(binder, &len);
		if (!err)
			err = store_get_ticket(binder, &ticket);
		if (err)
			break;
		is_going = visit(arg, &ticket, binder->store->body, len);
		if (is_going)
			err = store_row(binder);
	}
	store_done(binder);
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

enum wy_err store_each_open(struct store *store, store_ticket_visit *visit, void *arg)
{
	struct store_binder binder = store_bind(store, STORE_TICKET_EACH_OPEN);

	return visit_rows(&binder, visit, arg);
}

enum wy_err store_list(struct store *store, bool open_only, size_t limit, store_ticket_visit *visit,
		       void *arg)
{
	struct store_binder binder =
		store_bind(store, open_only ? STORE_TICKET_LIST_OPEN : STORE_TICKET_LIST_ALL);

	store_bind_int(&binder, (int64_t)limit);
	return visit_rows(&binder, visit, arg);
}

enum wy_err store_prune_tickets(struct store *store, struct ticket_stamp before, size_t *ret_n)
{
	struct store_binder binder = store_bind(store, STORE_TICKET_PRUNE);
	enum wy_err err;

	put_stamp(&binder, before);
	err = store_write(&binder);
	if (!err)
		*ret_n = (size_t)sqlite3_changes(store->db);
	return err;
}
