/* sending.c: rows from the store through the window to the broker. A row is read when it is sent and never before its
 * commit, because only committed rows are found by store_queued(). */
#include <string.h>

#include "delivery_inside.h"
#include "log.h"

#define EXPIRY_REST_S (7u * 86400u) /* S3 and S4 at the broker; without a receipt the row is sent anew, with a new week */

enum { PROPERTY_SIZE = 80 };

/* From when on a row may go. */
static wy_ms due_of(const struct delivery *d, enum outbox_lane lane, uint64_t seq)
{
	wy_ms now_ms = delivery_now(d);
	bool waits = seq <= d->unkept[lane] && d->unkept_until_ms > now_ms;

	return waits ? d->unkept_until_ms : now_ms;
}

/* After a rewind the first rows found are in the window already: go on until it is full or no row is left. */
static enum wy_err fill_lane(struct delivery *d, enum outbox_lane lane)
{
	uint64_t seqs[WY_OUTBOX_WINDOW];
	bool has_record;
	enum wy_err err = WY_OK;
	size_t want, n, n_new = 0;

	do {
		uint64_t after_seq = 0;
		n = 0;
		has_record = false;
		want = outbox_want(&d->outbox, lane, &after_seq);
		if (want)
			err = store_queued(d->parts.store, lane == OUTBOX_LANE_S1, after_seq, seqs, want, &n);
		if (!err && want && lane == OUTBOX_LANE_REST)
			err = gaps_make_way(d, seqs, n, &has_record);
		for (size_t i = 0; !err && !has_record && i < n; i++)
			err = outbox_offer(&d->outbox, lane, seqs[i], due_of(d, lane, seqs[i]));
		n_new += n;
	} while (!err && want && (has_record || n == want));
	/* Nobody who is trapped waits for a long pause between attempts. */
	if (n_new && lane == OUTBOX_LANE_S1 && d->uplink && !d->state.is_up)
		uplink_hurry(d->uplink, delivery_now(d));
	return err;
}

enum wy_err sending_fill(struct delivery *d)
{
	enum wy_err err = fill_lane(d, OUTBOX_LANE_S1);

	/* While nothing can be sent nothing is settled: what waits may still have to make room. */
	return err || !d->state.is_up ? err : fill_lane(d, OUTBOX_LANE_REST);
}

/* The properties are a copy of what routers want to know without parsing the body, and who sends it: the platform tells
 * a clone from the original by it. */
enum wy_err sending_publish(struct delivery *d, const struct store_event *event, uint64_t token)
{
	char topic[TOPIC_SIZE], id[PROPERTY_SIZE], seq_text[24], instance[24];
	struct wy_buf buf;

	wy_buf_init(&buf, topic, sizeof(topic));
	wy_buf_addf(&buf, "%s%s", d->up_base, event->topic);
	wy_buf_init(&buf, id, sizeof(id));
	wy_buf_hex(&buf, store_epoch(d->parts.store));
	wy_buf_addf(&buf, "-%llu", (unsigned long long)event->seq);
	wy_buf_init(&buf, seq_text, sizeof(seq_text));
	wy_buf_addf(&buf, "%llu", (unsigned long long)event->seq);
	wy_buf_init(&buf, instance, sizeof(instance));
	wy_buf_hex(&buf, d->instance);
	const char tier[] = {'S', (char)('0' + event->tier), '\0'};
	const struct uplink_property properties[] = {{"id", id}, {"type", event->type}, {"seq", seq_text},
						     {"tier", tier}, {"instance", instance}};
	struct uplink_message message = {
		.topic = topic,
		.payload = event->payload,
		.len = event->len,
		.qos = 1,
		.content_type = "application/cloudevents+json",
		.property = properties,
		.n_properties = sizeof(properties) / sizeof(*properties),
		.expiry_s = event->tier > 2 ? EXPIRY_REST_S : 0,
		.token = token,
	};
	return uplink_publish(d->uplink, &message);
}

static enum wy_err publish(struct delivery *d, uint64_t seq)
{
	struct store_event event;
	enum wy_err err = store_load_event(d->parts.store, seq, &event);

	return err ? err : sending_publish(d, &event, seq);
}

/* Larger than the broker will ever take: it must not hold up what comes after it. */
static enum wy_err park(struct delivery *d, uint64_t seq)
{
	struct store *store = d->parts.store;
	enum wy_err err = store_begin(store);

	if (err)
		return err;
	err = store_park(store, seq, "larger than the broker takes", clock_now(d->parts.clock).wall_ms);
	if (!err)
		return store_commit(store);
	store_abort(store);
	return err;
}

static void give_back(struct delivery *d, uint64_t seq, enum wy_err err)
{
	bool is_parked = err == WY_E_LIMIT && delivery_is_fine(d, "parking an event", park(d, seq));

	log_line(is_parked ? LOG_ERROR : LOG_WARNING, "event_not_sent", "seq=%llu why=\"%s\" next=\"%s\"",
		 (unsigned long long)seq, wy_err_text(err),
		 is_parked ? "parked; the queue goes on" :
			     err == WY_E_NOTFOUND ? "it is not queued any more" : "tried again");
	d->state.rejected += is_parked;
	if (is_parked || err == WY_E_NOTFOUND)
		receipts_forget(d, seq);
	else
		(void)!outbox_sent(&d->outbox, seq, OUTBOX_REFUSED, delivery_now(d));
}

/* A row that meets a line just cut stays flying: the end of the connection, which is on its way, brings it back with the others. */
void sending_push(struct delivery *d)
{
	uint64_t seq;
	uint32_t sends;

	while (uplink_room(d->uplink) && outbox_next(&d->outbox, delivery_now(d), &seq, &sends)) {
		enum wy_err err = publish(d, seq);
		if (err && err != WY_E_LINK)
			give_back(d, seq, err);
	}
}
