/* resending.c: kept events once more, because the platform asked for them (com.weiyu.cmd.resend.v1).
 *
 * Portions of a few rows, at a pace that leaves the line to live events: a portion goes only after the window had its
 * turn, and only while few of its own are on their way. Rows that are still queued are left out, since they come by
 * themselves. What is no longer kept, and what was parked, is named in the reply, so that the platform can close its
 * hole. A connection that ends, ends the order too; the platform asks again for what it still misses. */
#include <string.h>

#include "delivery_inside.h"
#include "log.h"

#define PORTION_EVERY_MS ((wy_ms)50)
#define FLYING_MOST 8u	   /* of them without PUBACK: no portion is larger */
#define ROOM_FOR_LIVE 4u   /* places of the broker's window they leave free, where there are that many */

static json_t *ranges_of(const struct seq_range *ranges, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{sI sI}", "from", (json_int_t)ranges[i].from, "to",
						      (json_int_t)ranges[i].to));
	return list;
}

static void finish(struct delivery *d)
{
	struct resend *r = &d->resend;

	r->is_active = false;
	log_line(LOG_INFO, "resent", "from=%llu to=%llu sent=%llu queued=%llu gone=%zu parked=%zu",
		 (unsigned long long)r->command.from, (unsigned long long)(r->next - 1), (unsigned long long)r->sent,
		 (unsigned long long)r->queued, r->n_gone, r->n_parked);
	commands_reply(d, &r->command, "done", NULL,
		       json_pack("{sI sI sI sI so so}", "from", (json_int_t)r->command.from, "to",
				 (json_int_t)(r->next - 1), "sent", (json_int_t)r->sent, "queued",
				 (json_int_t)r->queued, "gone", ranges_of(r->gone, r->n_gone), "parked",
				 ranges_of(r->parked, r->n_parked)));
}

/* False: there is no room for one more; the order ends before it. */
static bool add_range(struct seq_range *ranges, size_t *n, uint64_t from, uint64_t to)
{
	if (*n > 0 && ranges[*n - 1].to + 1 == from) {
		ranges[*n - 1].to = to;
		return true;
	}
	if (*n == RESEND_RANGES_MAX)
		return false;
	ranges[(*n)++] = (struct seq_range){from, to};
	return true;
}

/* WY_E_LIMIT: the lists of the reply are full. */
static enum wy_err send_row(struct delivery *d, const struct store_kept_row *row)
{
	struct resend *r = &d->resend;
	struct store_event event;
	enum wy_err err;

	if (row->seq > r->next && !add_range(r->gone, &r->n_gone, r->next, row->seq - 1))
		return WY_E_LIMIT;
	r->next = row->seq;
	if (row->state == STORE_PARKED)
		return add_range(r->parked, &r->n_parked, row->seq, row->seq) ? WY_OK : WY_E_LIMIT;
	if (row->state == STORE_QUEUED) {
		r->queued++;
		return WY_OK;
	}
	err = store_load_kept(d->parts.store, row->seq, &event);
	if (!err)
		err = sending_publish(d, &event, TOKEN_RESEND);
	if (err)
		return err;
	r->sent++;
	r->flying++;
	return WY_OK;
}

static unsigned room(const struct delivery *d)
{
	unsigned of_line = uplink_room(d->uplink), of_own = FLYING_MOST - d->resend.flying;

	/* A broker that takes one message at a time leaves nothing to spare: then in turn with the live ones. */
	of_line = of_line > ROOM_FOR_LIVE ? of_line - ROOM_FOR_LIVE : of_line > 0 && d->resend.flying == 0;
	return of_line < of_own ? of_line : of_own;
}

/* WY_OK: a portion went. WY_E_LIMIT, WY_E_NOTFOUND: this was the last one. */
static enum wy_err send_portion(struct delivery *d)
{
	struct resend *r = &d->resend;
	struct store_kept_row rows[FLYING_MOST];
	size_t most = room(d), n = 0;
	enum wy_err err;

	if (most == 0)
		return WY_OK;
	err = store_kept(d->parts.store, r->next, r->command.to, rows, most, &n);
	for (size_t i = 0; !err && i < n; i++) {
		err = send_row(d, &rows[i]);
		r->next += !err;
	}
	if (err || n == most)
		return err;
	if (r->next <= r->command.to && !add_range(r->gone, &r->n_gone, r->next, r->command.to))
		return WY_E_LIMIT;
	r->next = r->command.to + 1;
	return WY_E_NOTFOUND;
}

wy_ms resending_push(struct delivery *d)
{
	struct resend *r = &d->resend;

	if (!r->is_active)
		return WY_MS_NEVER;
	if (delivery_now(d) < r->due_ms)
		return r->due_ms;
	r->due_ms = delivery_now(d) + PORTION_EVERY_MS;
	enum wy_err err = send_portion(d);
	if (err == WY_E_LIMIT || err == WY_E_NOTFOUND || r->next > r->command.to) {
		finish(d);
		return WY_MS_NEVER;
	}
	if (err && err != WY_E_BUSY && err != WY_E_LINK) /* without room, or with the line just cut: the store is not to blame */
		(void)delivery_is_fine(d, "reading what is sent again", err);
	return r->due_ms;
}

void resending_start(struct delivery *d, const struct receive_command *command)
{
	uint64_t last_seq = 0;

	if (command->epoch != store_epoch(d->parts.store)) {
		commands_reply(d, command, "refused", "another epoch", NULL);
		return;
	}
	if (d->resend.is_active) {
		commands_reply(d, command, "refused", "another resend is under way", NULL);
		return;
	}
	if (!delivery_is_fine(d, "reading the last number", store_last_seq(d->parts.store, &last_seq)))
		return;
	unsigned flying = d->resend.flying;
	d->resend = (struct resend){.is_active = true, .command = *command, .next = command->from, .flying = flying,
				    .due_ms = delivery_now(d)};
	if (d->resend.command.to > last_seq)
		d->resend.command.to = last_seq; /* numbers that were never given are not missing */
}

void resending_sent(struct delivery *d)
{
	if (d->resend.flying > 0)
		d->resend.flying--;
}

void resending_stop(struct delivery *d)
{
	d->resend.is_active = false;
	d->resend.flying = 0;
}
