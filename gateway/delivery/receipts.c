/* receipts.c: what counts as delivered leaves the queue: by the platform's receipt, in grade G1 by PUBACK.
 *
 * What one dispatch brings, however many receipts, is kept in one transaction at its end (receipts_keep()): a sync of
 * the disk for each of them would set the pace of a backlog. Until then the rows are out of the window and still queued in
 * the store; if the store refuses, the window starts over at the oldest queued row. What is sent again so would bring its
 * receipt at once: it waits, longer each time, until the store has kept one. */
#include <string.h>

#include "delivery_inside.h"
#include "log.h"

#define PRUNE_EVERY_ROWS 256u /* fewer than one call of store_prune_events() takes, so that it keeps up */
#define PRUNE_EVERY_MS ((wy_ms)3600 * 1000)

static enum wy_err write_rejected(struct delivery *d, const struct outbox_verdict *verdict, wy_ms wall_ms)
{
	enum wy_err err = WY_OK;

	for (size_t i = 0; !err && i < verdict->n_rejected; i++) {
		const struct outbox_rejection *r = &d->receipt.rejected[verdict->rejected[i]];
		err = store_park(d->parts.store, r->seq, r->reason, wall_ms);
	}
	return err;
}

static enum wy_err write_delivered(struct delivery *d, const struct outbox_verdict *verdict, wy_ms wall_ms,
				   size_t *ret_n)
{
	struct store *store = d->parts.store;
	enum wy_err err = WY_OK;

	*ret_n = verdict->n_also;
	for (size_t i = 0; !err && i < verdict->n_also; i++)
		err = store_receipt_one(store, verdict->also[i], wall_ms);
	for (int lane = 0; !err && lane < OUTBOX_LANES; lane++) {
		size_t n = 0;
		if (!verdict->through[lane])
			continue;
		err = store_receipt_through(store, lane == OUTBOX_LANE_S1, verdict->through[lane], wall_ms, &n);
		*ret_n += n;
	}
	return err;
}

/* Not with each receipt: looking for what is beyond the kept rows walks over all of them. */
static enum wy_err prune(struct delivery *d, wy_ms wall_ms)
{
	size_t n = 0;

	if (d->unpruned < PRUNE_EVERY_ROWS && delivery_now(d) < d->prune_due_ms)
		return WY_OK;
	d->unpruned = 0;
	d->prune_due_ms = delivery_now(d) + PRUNE_EVERY_MS;
	/* By age only if the age is known: the platform may want them again. */
	bool is_sure = clock_now(d->parts.clock).clock == WY_CLOCK_SYNCED;
	return store_prune_events(d->parts.store, DELIVERY_KEEP_ROWS, is_sure ? wall_ms - DELIVERY_KEEP_MS : 0, &n);
}

static enum wy_err write_verdict(struct delivery *d, const struct outbox_verdict *verdict)
{
	struct store *store = d->parts.store;
	wy_ms wall_ms = clock_now(d->parts.clock).wall_ms;
	size_t n = 0;
	enum wy_err err = store_begin(store);

	if (err)
		return err; /* a transaction that is open is another's */
	err = write_rejected(d, verdict, wall_ms);
	if (!err)
		err = write_delivered(d, verdict, wall_ms, &n);
	d->unpruned += n;
	if (!err)
		err = prune(d, wall_ms);
	if (err) {
		store_abort(store);
		return err;
	}
	err = store_commit(store);
	if (!err)
		d->state.receipted += n;
	return err;
}

static void start_over(struct delivery *d)
{
	wy_ms twice_ms = 2 * d->unkept_wait_ms;

	d->unkept_wait_ms = twice_ms < DELIVERY_RETRY_MS	? DELIVERY_RETRY_MS
			    : twice_ms < DELIVERY_RETRY_MOST_MS ? twice_ms
								 : DELIVERY_RETRY_MOST_MS;
	d->unkept_until_ms = delivery_now(d) + d->unkept_wait_ms;
	for (unsigned lane = 0; lane < OUTBOX_LANES; lane++)
		if (d->outbox.cursor[lane] > d->unkept[lane])
			d->unkept[lane] = d->outbox.cursor[lane];
	outbox_rewind(&d->outbox);
}

void receipts_keep(struct delivery *d)
{
	enum wy_err err;

	if (!d->has_verdict)
		return;
	err = write_verdict(d, &d->verdict);
	d->has_verdict = false;
	memset(&d->verdict, 0, sizeof(d->verdict));
	if (delivery_is_fine(d, "keeping a receipt; the events are sent again", err))
		d->unkept_wait_ms = d->unkept_until_ms = 0;
	else
		start_over(d);
}

/* A row is finished once and offered again only after receipts_keep(): `also` never outgrows the window. */
static void add_verdict(struct delivery *d, const struct outbox_verdict *verdict)
{
	for (int lane = 0; lane < OUTBOX_LANES; lane++)
		if (verdict->through[lane] > d->verdict.through[lane])
			d->verdict.through[lane] = verdict->through[lane];
	for (size_t i = 0; i < verdict->n_also && d->verdict.n_also < WY_OUTBOX_WINDOW; i++)
		d->verdict.also[d->verdict.n_also++] = verdict->also[i];
	for (size_t i = 0; i < verdict->n_rejected; i++)
		d->verdict.rejected[d->verdict.n_rejected++] = verdict->rejected[i];
	d->has_verdict = true;
	if (verdict->n_rejected)
		receipts_keep(d); /* the reasons stand in the receipt, and the next one overwrites it */
}

static void say_rejected(struct delivery *d, const struct outbox_verdict *verdict)
{
	for (size_t i = 0; i < verdict->n_rejected; i++) {
		const struct outbox_rejection *r = &d->receipt.rejected[verdict->rejected[i]];

		d->state.rejected++;
		log_line(LOG_ERROR, "event_rejected", "seq=%llu why=\"%s\" next=\"parked; the queue goes on\"",
			 (unsigned long long)r->seq, r->reason);
	}
}

/* What the platform told a clone, or the process before this one, says nothing about what this one sent. */
static const char *find_foreign(const struct delivery *d)
{
	if (d->receipt.receipt.epoch != d->outbox.epoch)
		return "for another epoch";
	if (d->receipt.has_instance && d->receipt.instance != d->instance)
		return "for another process with this name";
	return NULL;
}

/* Without MQTT 5 an event does not tell which process sent it, and the platform goes by the latest birth it has heard: where ours
 * was lost it confirms to who was there before us, and would do so as long as this connection stands. */
static void tell_who_we_are(struct delivery *d)
{
	bool is_of_ours = d->receipt.receipt.epoch == d->outbox.epoch;

	if (!is_of_ours || delivery_now(d) < d->reborn_ms + DELIVERY_REBIRTH_MS)
		return;
	d->reborn_ms = delivery_now(d);
	delivery_rebirth(d);
}

static void say_odd(const struct delivery *d, const char *why)
{
	log_line(LOG_WARNING, "receipt_odd", "why=\"%s\" epoch=%016llx through=%llu", why,
		 (unsigned long long)d->receipt.receipt.epoch, (unsigned long long)d->receipt.receipt.through);
}

static void note_heard(struct delivery *d)
{
	outbox_heard(&d->outbox, delivery_now(d));
	d->state.receipt_ms = delivery_now(d);
	if (d->is_platform_silent)
		log_line(LOG_INFO, "platform_back", "through=%llu",
			 (unsigned long long)d->receipt.receipt.through);
	d->is_platform_silent = false;
}

void receipts_take(struct delivery *d, const void *payload, size_t len)
{
	struct outbox_verdict verdict;

	if (receive_receipt(payload, len, &d->receipt)) {
		log_line(LOG_WARNING, "receipt_unreadable", "bytes=%zu", len);
		return;
	}
	const char *foreign = find_foreign(d);
	if (foreign) {
		say_odd(d, foreign);
		tell_who_we_are(d);
		return;
	}
	outbox_receipt(&d->outbox, &d->receipt.receipt, &verdict);
	if (verdict.is_ahead)
		say_odd(d, "for events that were never sent");
	say_rejected(d, &verdict);
	add_verdict(d, &verdict);
	note_heard(d);
}

void receipts_forget(struct delivery *d, uint64_t seq)
{
	struct outbox_receipt receipt = {.epoch = d->outbox.epoch, .also = &seq, .n_also = 1};
	struct outbox_verdict verdict;

	outbox_receipt(&d->outbox, &receipt, &verdict);
	(void)!outbox_sent(&d->outbox, seq, OUTBOX_REFUSED, delivery_now(d));
}

/* Grade G1: the broker has it, and that must do. */
void receipts_puback(struct delivery *d, uint64_t seq)
{
	struct outbox_receipt receipt = {.epoch = d->outbox.epoch, .also = &seq, .n_also = 1};
	struct outbox_verdict verdict;

	outbox_receipt(&d->outbox, &receipt, &verdict);
	add_verdict(d, &verdict);
	d->state.receipt_ms = delivery_now(d);
}

/* The line stands, and nothing that was sent is confirmed for two waits. */
void receipts_look(struct delivery *d)
{
	wy_ms unconfirmed_ms = outbox_unconfirmed_ms(&d->outbox, delivery_now(d));

	if (!d->state.is_up || d->is_platform_silent || unconfirmed_ms < 2 * d->outbox.receipt_wait_ms)
		return;
	d->is_platform_silent = true;
	log_line(LOG_WARNING, "platform_silent", "for_ms=%lld next=\"the events are kept and sent again\"",
		 (long long)unconfirmed_ms);
}
