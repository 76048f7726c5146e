/* birth.c: what the gateway says of itself: birth when connected, death as its will and on a clean stop. */
#include <string.h>

#include "delivery_inside.h"
#include "doc.h"
#include "log.h"

enum wy_err birth_document(struct delivery *d, bool is_death, const char *reason, char *out, size_t *ret_len)
{
	struct store_outbox_stats stats;
	struct ticket_state state = {
		.gateway = d->parts.config->gateway,
		.zone = &d->parts.config->site.zone,
		.epoch = store_epoch(d->parts.store),
		.epoch_reason = store_epoch_reason(d->parts.store),
		.boot = d->parts.boot,
		.instance = d->instance,
		.bd_seq = d->bd_seq,
		.version = WY_VERSION,
		.bundle = d->parts.bundle,
		.grade = delivery_grade(d->parts.config),
		.is_death = is_death,
		.reason = reason,
		.now = clock_now(d->parts.clock),
	};
	struct wy_buf buf;
	enum wy_err err = store_outbox_stats(d->parts.store, &stats);

	if (!err)
		err = store_last_seq(d->parts.store, &state.last_seq);
	if (err)
		return err;
	state.queued = stats.queued;
	wy_buf_init(&buf, out, STATE_BYTES);
	err = ticket_doc_state(&state, &buf);
	*ret_len = buf.len;
	return err;
}

/* A new number for each connection, so that a late death of an old one cannot be taken for this one's. */
enum wy_err birth_prepare(void *arg, const void **ret_will, size_t *ret_len)
{
	struct delivery *d = arg;
	enum wy_err err = store_begin(d->parts.store);

	if (!err) {
		err = store_next_bd_seq(d->parts.store, &d->bd_seq);
		if (!err)
			err = store_commit(d->parts.store);
		else
			store_abort(d->parts.store);
	}
	if (!err)
		err = birth_document(d, true, "lost", d->will, ret_len);
	(void)delivery_is_fine(d, "numbering a connection", err);
	*ret_will = d->will;
	return err;
}

void birth_announce(struct delivery *d)
{
	char text[STATE_BYTES];
	struct uplink_message birth = {.topic = d->state_topic, .payload = text, .qos = 1, .retain = true,
				       .content_type = "application/cloudevents+json",
				       .token = TOKEN_BIRTH};
	enum wy_err err = birth_document(d, false, NULL, text, &birth.len);

	if (!err)
		err = uplink_publish(d->uplink, &birth);
	if (err)
		log_line(LOG_WARNING, "birth_not_sent", "why=\"%s\" next=\"sent with the next connection\"",
			 wy_err_text(err));
}
