/* store_gap.c: numbers that will not come. They are kept as ranges with what they were, neighbours joined, until a
 * record says them. Between two ranges stands a row that was kept, so there are never more of them than rows.
 *
 * A record goes under the first number of its ranges, which was never sent: it then stands in the queue where the hole
 * is, and needs no number of its own. */
#include "store_sql.h"

#include <string.h>

/* The columns of GAP_*, in their order. */
enum { FIRST, LAST, FROM, UNTIL, S1, OPENED = S1 + 4, UPDATED, ENDED, OTHER, COLUMNS };

struct row {
	int64_t value[COLUMNS];
};

static const uint8_t column_of_kind[STORE_KINDS] = {
	[STORE_OTHER] = OTHER, [STORE_OPENED] = OPENED, [STORE_UPDATED] = UPDATED, [STORE_ENDED] = ENDED, [STORE_GAP] = OTHER};

static void get_row(struct store_binder *binder, struct row *row)
{
	for (int i = 0; i < COLUMNS; i++)
		row->value[i] = sqlite3_column_int64(binder->stmt, i);
}

/* The range that begins at or before seq. */
static enum wy_err find_row(struct store *store, uint64_t seq, struct row *ret_row)
{
	struct store_binder binder = store_bind(store, STORE_GAP_AT);
	enum wy_err err;

	store_bind_int(&binder, (int64_t)seq);
	err = store_row(&binder);
	if (!err)
		get_row(&binder, ret_row);
	store_done(&binder);
	return err;
}

static void join(struct row *row, const struct row *other)
{
	for (int i = S1; i < COLUMNS; i++)
		row->value[i] += other->value[i];
	if (other->value[FIRST] < row->value[FIRST])
		row->value[FIRST] = other->value[FIRST];
	if (other->value[LAST] > row->value[LAST])
		row->value[LAST] = other->value[LAST];
	if (other->value[FROM] < row->value[FROM])
		row->value[FROM] = other->value[FROM];
	if (other->value[UNTIL] > row->value[UNTIL])
		row->value[UNTIL] = other->value[UNTIL];
}

static enum wy_err drop_row(struct store *store, int64_t first)
{
	struct store_binder binder = store_bind(store, STORE_GAP_DROP);

	store_bind_int(&binder, first);
	return store_write(&binder);
}

static enum wy_err put_row(struct store *store, const struct row *row)
{
	struct store_binder binder = store_bind(store, STORE_GAP_PUT);

	for (int i = 0; i < COLUMNS; i++)
		store_bind_int(&binder, row->value[i]);
	return store_write(&binder);
}

static enum wy_err join_neighbours(struct store *store, struct row *row, uint64_t seq)
{
	struct row other;
	enum wy_err err = seq > 1 ? find_row(store, seq - 1, &other) : WY_E_NOTFOUND;

	if (!err && other.value[LAST] == (int64_t)seq - 1)
		join(row, &other); /* its row is written over: it begins the new one */
	if (err && err != WY_E_NOTFOUND)
		return err;
	err = find_row(store, seq + 1, &other);
	if (!err && other.value[FIRST] == (int64_t)seq + 1) {
		join(row, &other);
		return drop_row(store, other.value[FIRST]);
	}
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

static enum wy_err note_ticket(struct store *store, const struct store_dropped *dropped)
{
	struct store_binder binder;

	if (!*dropped->ticket_key)
		return WY_OK;
	binder = store_bind(store, STORE_GAP_TICKET_PUT);
	store_bind_text(&binder, dropped->ticket_key);
	store_bind_int(&binder, (int64_t)dropped->seq);
	store_bind_int(&binder, STORE_GAP_TICKETS);
	return store_write(&binder);
}

enum wy_err store_note_gap(struct store *store, const struct store_dropped *dropped)
{
	struct row row = {{(int64_t)dropped->seq, (int64_t)dropped->seq, dropped->wall_ms, dropped->wall_ms}};
	struct store_binder binder = store_bind(store, STORE_SUM_ADD);
	enum wy_err err;

	row.value[S1 + (dropped->tier >= 1 && dropped->tier <= 4 ? dropped->tier - 1 : 3)] = 1;
	row.value[column_of_kind[dropped->kind < STORE_KINDS ? dropped->kind : STORE_OTHER]] = 1;
	store_bind_text(&binder, "outbox_lost");
	store_bind_int(&binder, 1);
	err = store_write(&binder);
	if (!err)
		err = join_neighbours(store, &row, dropped->seq);
	if (!err)
		err = put_row(store, &row);
	return err ? err : note_ticket(store, dropped);
}

enum wy_err store_first_gap(struct store *store, uint64_t *ret_first)
{
	struct store_binder binder = store_bind(store, STORE_GAP_EACH);
	int64_t first = 0;
	enum wy_err err;

	store_bind_int(&binder, 0);
	store_bind_int(&binder, 1);
	err = store_number(&binder, &first);
	if (!err)
		*ret_first = (uint64_t)first;
	return err;
}

static void add_range(struct ticket_gap *gap, const struct row *row)
{
	struct ticket_gap_range *range = &gap->range[gap->n_ranges++];

	range->first = (uint64_t)row->value[FIRST];
	range->last = (uint64_t)row->value[LAST];
	for (unsigned tier = 1; tier <= 4; tier++)
		gap->by_tier[tier] += (uint64_t)row->value[S1 + tier - 1];
	gap->opened += (uint64_t)row->value[OPENED];
	gap->updated += (uint64_t)row->value[UPDATED];
	gap->ended += (uint64_t)row->value[ENDED];
	gap->other += (uint64_t)row->value[OTHER];
	/* Of an epoch that is over more were lost than the one number says that stands for them (store_past_gap.c). */
	for (int kind = OPENED; kind <= OTHER; kind++)
		gap->n += (uint64_t)row->value[kind];
	if (gap->n_ranges == 1 || row->value[FROM] < gap->from_wall_ms)
		gap->from_wall_ms = row->value[FROM];
	if (gap->n_ranges == 1 || row->value[UNTIL] > gap->until_wall_ms)
		gap->until_wall_ms = row->value[UNTIL];
}

static enum wy_err get_ticket(struct store_binder *binder, struct ticket_gap_ticket *ticket)
{
	enum wy_err err = store_column_text(binder, 0, ticket->key, sizeof(ticket->key));

	ticket->n = (uint32_t)sqlite3_column_int64(binder->stmt, 1);
	if (!err)
		err = store_column_text(binder, 2, ticket->dedup, sizeof(ticket->dedup));
	return err ? err : store_column_text(binder, 3, ticket->no, sizeof(ticket->no));
}

static enum wy_err add_tickets(struct store *store, struct ticket_gap *gap)
{
	struct store_binder binder = store_bind(store, STORE_GAP_TICKETS_EACH);
	enum wy_err err;

	store_bind_int(&binder, (int64_t)gap->range[gap->n_ranges - 1].last);
	store_bind_int(&binder, TICKET_GAP_TICKETS + 1);
	for (err = store_row(&binder); err == WY_OK; err = store_row(&binder)) {
		gap->has_more_tickets = gap->n_tickets == TICKET_GAP_TICKETS;
		if (gap->has_more_tickets)
			break;
		err = get_ticket(&binder, &gap->ticket[gap->n_tickets++]);
		if (err)
			break;
	}
	store_done(&binder);
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

enum wy_err store_gap(struct store *store, struct ticket_gap *ret_gap)
{
	struct store_binder binder = store_bind(store, STORE_GAP_EACH);
	struct row row;
	enum wy_err err;

	memset(ret_gap, 0, sizeof(*ret_gap));
	store_bind_int(&binder, 0);
	store_bind_int(&binder, TICKET_GAP_RANGES);
	for (err = store_row(&binder); err == WY_OK && ret_gap->n_ranges < TICKET_GAP_RANGES; err = store_row(&binder)) {
		get_row(&binder, &row);
		add_range(ret_gap, &row);
	}
	store_done(&binder);
	if (err && err != WY_E_NOTFOUND)
		return err;
	return ret_gap->n_ranges ? add_tickets(store, ret_gap) : WY_E_NOTFOUND;
}

enum wy_err store_put_gap(struct store *store, const struct ticket_gap *gap, const struct store_event *event)
{
	static const enum store_statement said[] = {STORE_GAP_SAID, STORE_GAP_TICKETS_SAID};
	enum wy_err err = WY_OK;

	for (size_t i = 0; !err && i < sizeof(said) / sizeof(said[0]); i++) {
		struct store_binder binder = store_bind(store, said[i]);
		store_bind_int(&binder, (int64_t)gap->range[gap->n_ranges - 1].last);
		err = store_write(&binder);
	}
	return err ? err : store_put_event(store, event);
}
