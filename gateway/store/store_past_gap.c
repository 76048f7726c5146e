/* store_past_gap.c: what an epoch that is over has lost, and never got a receipt for saying so. Its numbers mean nothing any more;
 * that there were so many events, of which tiers, kinds and tickets, the platform is still to be told. So all of it becomes one
 * range of the new epoch that is one number long: the record that delivery writes for it (gateway/delivery/gaps.c) goes under that
 * very number, and leaves no hole.
 *
 * It is gathered from the ranges that were in no record yet and from the records that still waited. One that was sent, and whose
 * receipt did not come, is said twice: of what is lost too much is said rather than too little. */
#include "store_past_gap.h"

#include <string.h>

static wy_ms earlier(wy_ms a, wy_ms b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static void add(struct past_gap *past, const struct ticket_gap *gap)
{
	struct ticket_gap *sum = &past->sum;

	sum->n += gap->n;
	for (size_t tier = 1; tier <= 4; tier++)
		sum->by_tier[tier] += gap->by_tier[tier];
	sum->opened += gap->opened;
	sum->updated += gap->updated;
	sum->ended += gap->ended;
	sum->other += gap->other;
	sum->from_wall_ms = earlier(sum->from_wall_ms, gap->from_wall_ms);
	if (gap->until_wall_ms > sum->until_wall_ms)
		sum->until_wall_ms = gap->until_wall_ms;
}

static enum wy_err put_ticket(struct store *to, const struct past_gap *past, const char *key, int64_t n)
{
	struct store_binder binder = store_bind(to, STORE_GAP_TICKET_KEEP);

	store_bind_text(&binder, key);
	store_bind_int(&binder, (int64_t)past->seq);
	store_bind_int(&binder, n);
	store_bind_int(&binder, STORE_GAP_TICKETS);
	return store_write(&binder);
}

/* Its number is taken with the first thing there is to say. */
static enum wy_err begin(struct store *to, struct past_gap *past)
{
	return past->seq ? WY_OK : store_next_seq(to, &past->seq);
}

enum wy_err past_gap_add_range(struct store *to, struct past_gap *past, struct store_binder *row)
{
	struct ticket_gap gap = {.n = 0};
	uint64_t *const counts[] = {&gap.by_tier[1], &gap.by_tier[2], &gap.by_tier[3], &gap.by_tier[4],
				    &gap.opened,     &gap.updated,    &gap.ended,      &gap.other};
	uint64_t tiers = 0, kinds = 0;

	for (int i = 0; i < 8; i++) {
		int64_t n = sqlite3_column_int64(row->stmt, i + 3);
		if (n < 0 || n > TICKET_GAP_EVENTS_MOST)
			return WY_E_INVALID;
		*counts[i] = (uint64_t)n;
		*(i < 4 ? &tiers : &kinds) += (uint64_t)n;
	}
	if (tiers != kinds || tiers == 0)
		return WY_E_INVALID;
	gap.n = tiers;
	gap.from_wall_ms = sqlite3_column_int64(row->stmt, 1);
	gap.until_wall_ms = sqlite3_column_int64(row->stmt, 2);
	enum wy_err err = begin(to, past);
	if (!err)
		add(past, &gap);
	return err;
}

enum wy_err past_gap_add_ticket(struct store *to, struct past_gap *past, const char *key, int64_t n)
{
	if (n < 1 || n > TICKET_GAP_EVENTS_MOST || !*key || strlen(key) >= TICKET_KEY_SIZE)
		return WY_E_INVALID;
	enum wy_err err = begin(to, past);
	return err ? err : put_ticket(to, past, key, n);
}

enum wy_err past_gap_add_record(struct store *to, struct past_gap *past, const void *event, size_t len,
				const struct ticket_event_name *was)
{
	struct ticket_gap *gap = &past->record;
	enum wy_err err = ticket_gap_recall(event, len, was, gap);

	if (err || gap->n == 0)
		return err;
	err = begin(to, past);
	for (size_t i = 0; !err && i < gap->n_tickets; i++)
		err = put_ticket(to, past, gap->ticket[i].key, gap->ticket[i].n);
	if (!err)
		add(past, gap);
	return err;
}

/* A number that was taken is in the queue in any case: as a range that says at least that something was lost. */
enum wy_err past_gap_put(struct store *to, const struct past_gap *past)
{
	const struct ticket_gap *sum = &past->sum;
	bool is_bare = sum->n == 0; /* tickets are all that could be read */
	const int64_t values[] = {(int64_t)past->seq,	     (int64_t)past->seq,	sum->from_wall_ms,
				  sum->until_wall_ms,	     (int64_t)sum->by_tier[1],	(int64_t)sum->by_tier[2],
				  (int64_t)sum->by_tier[3],  is_bare ? 1 : (int64_t)sum->by_tier[4],
				  (int64_t)sum->opened,	     (int64_t)sum->updated,	(int64_t)sum->ended,
				  is_bare ? 1 : (int64_t)sum->other};
	struct store_binder binder;

	if (!past->seq)
		return WY_OK;
	binder = store_bind(to, STORE_GAP_PUT);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		store_bind_int(&binder, values[i]);
	return store_write(&binder);
}
