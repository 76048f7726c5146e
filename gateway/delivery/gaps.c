/* gaps.c: how far the queue may be sent, and what is not in it any more.
 *
 * The store drops rows when it is full, but none that may have been sent. So before a row goes out for the first time the
 * store has noted that it may (store_allow_sending()), ahead by more than a window, so that it costs no commit of its own
 * while receipts come. And where rows were dropped, the record that says so is written when sending comes to the hole, in its
 * place: until then the hole may still grow, and a record that waits would only take room. */
#include <string.h>

#include "delivery_inside.h"
#include "doc.h"
#include "log.h"

static enum wy_err put_record(struct delivery *d, const struct ticket_gap *gap)
{
	const struct ticket_gap_context context = {
		.gateway = d->parts.config->gateway,
		.zone = &d->parts.config->site.zone,
		.epoch = store_epoch(d->parts.store),
		.seq = gap->range[0].first,
		.boot = d->parts.boot,
		.now = clock_now(d->parts.clock),
	};
	struct wy_buf buf;

	wy_buf_init(&buf, d->gap_text, sizeof(d->gap_text));
	enum wy_err err = ticket_doc_gap(gap, &context, &buf);
	if (err)
		return err;
	const struct store_event event = {
		.seq = context.seq,
		.tier = TICKET_GAP_TIER,
		.ticket_key = "",
		.type = TICKET_GAP_TYPE,
		.topic = "ticket",
		.created = {context.now.wall_ms, context.now.mono_ms},
		.payload = buf.text,
		.len = buf.len,
	};
	return store_put_gap(d->parts.store, gap, &event);
}

static enum wy_err write_way(struct delivery *d, const struct ticket_gap *gap, uint64_t through)
{
	struct store *store = d->parts.store;
	enum wy_err err = store_begin(store);

	if (err)
		return err;
	if (gap)
		err = put_record(d, gap);
	if (!err)
		err = store_allow_sending(store, through + STORE_SENT_AHEAD);
	if (!err)
		return store_commit(store);
	store_abort(store);
	return err;
}

static enum wy_err say_gap(struct delivery *d, uint64_t through)
{
	struct ticket_gap *gap = &d->gap;
	enum wy_err err = store_gap(d->parts.store, gap);

	if (err)
		return err;
	uint64_t first = gap->range[0].first;
	err = write_way(d, gap, first > through ? first : through);
	if (!err)
		log_line(LOG_WARNING, "gap_reported", "seq=%llu events=%llu ranges=%zu S2=%llu S3=%llu S4=%llu",
			 (unsigned long long)first, (unsigned long long)gap->n, gap->n_ranges,
			 (unsigned long long)gap->by_tier[2], (unsigned long long)gap->by_tier[3],
			 (unsigned long long)gap->by_tier[4]);
	return err;
}

enum wy_err gaps_make_way(struct delivery *d, const uint64_t *seqs, size_t n, bool *ret_has_record)
{
	uint64_t last = n ? seqs[n - 1] : 0, first = 0, sendable = 0;
	enum wy_err err = store_first_gap(d->parts.store, &first);
	bool has_gap = !err;

	*ret_has_record = has_gap && (n == 0 || first < last);
	if (err == WY_E_NOTFOUND)
		err = WY_OK;
	if (!err && *ret_has_record)
		return say_gap(d, last);
	if (!err)
		err = store_sendable_through(d->parts.store, &sendable);
	return err || last <= sendable ? err : write_way(d, NULL, last);
}
