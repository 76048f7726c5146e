/* duty.c: what the loop calls, between start and stop. After every call what was decided is kept, then sent. */
#include <stdlib.h>

#include "gateway.h"
#include "log.h"

enum { OFFLINE_RETRY_MS = 60000 };

void duty_break(struct gateway *g)
{
	g->exit = RUN_BROKEN;
	loop_stop(g->loop);
}

void duty_settle(struct gateway *g)
{
	struct engine *engine = g->now->engine;
	bool has_events = false;
	enum wy_err err = engine_flush(engine, &has_events);

	keeping_look(g);
	if (err || engine_is_broken(engine) || delivery_is_broken(g->delivery)) {
		duty_break(g);
		return;
	}
	loop_timer_set(g->engine_timer, engine_due(engine));
	if (has_events && !g->is_offline)
		loop_timer_set(g->delivery_timer, clock_mono(&g->clock));
}

/* ---- Field and time ----------------------------------------------------------------------------- */

void duty_on_report(void *arg, const struct sensor_report *report)
{
	struct gateway *g = arg;
	engine_report(g->now->engine, report);
}

void duty_on_field(void *arg)
{
	struct gateway *g = arg;
	poller_take(g->field->poller, duty_on_report, g);
	duty_settle(g);
}

void duty_on_engine_time(void *arg)
{
	struct gateway *g = arg;
	/* What has been read comes before what is only due. */
	if (g->field)
		poller_take(g->field->poller, duty_on_report, g);
	engine_tick(g->now->engine);
	duty_settle(g);
}

void duty_on_own_time(void *arg)
{
	struct gateway *g = arg;
	struct store_outbox_stats stats = {.queued = 0};
	struct delivery_state delivery = delivery_state(g->delivery);
	struct store_disk disk = store_disk(g->store);
	struct own_in in = {.is_up = delivery.is_up, .is_in_memory = disk.mode != STORE_ON_DISK,
			    .unconfirmed_ms = delivery.unconfirmed_ms};

	in.has_queue = store_outbox_stats(g->store, &stats) == WY_OK;
	in.queued = stats.queued;
	in.store_fill = stats.max_bytes ? 100.0 * (double)stats.queued_bytes / (double)stats.max_bytes : 0;
	if (100.0 * (double)disk.bytes > in.store_fill * (double)disk.most_bytes)
		in.store_fill = 100.0 * (double)disk.bytes / (double)disk.most_bytes;
	g->has_been_apart = g->has_been_apart || disk.is_apart;
	in.new_epochs = (g->has_been_apart ? 1u : 0u) + (store_opening(g->store)->kind >= STORE_SALVAGED ? 1u : 0u);
	in.dropped = stats.lost;
	loop_timer_set(g->own_timer, clock_mono(&g->clock) + OWN_PERIOD_MS);
	engine_look_at_own(g->now->engine, &in);
	duty_settle(g);
}

/* ---- Uplink ------------------------------------------------------------------------------------- */

/* With files that are not there yet the gateway watches on: tickets wait in the store. */
enum wy_err duty_connect(struct gateway *g)
{
	char text[300];
	struct wy_buf words;

	wy_buf_init(&words, text, sizeof(text));
	enum wy_err err = delivery_open(g->delivery, &words);
	if (err && !g->is_offline)
		log_line(LOG_ERROR, "uplink_refused", "why=\"%s\" next=\"tickets wait in the store; tried "
			 "again every minute\"", words.len ? text : wy_err_text(err));
	g->is_offline = err != WY_OK;
	if (err)
		return WY_OK;
	return loop_add_fd(g->loop, delivery_fd(g->delivery), LOOP_UPLINK, duty_on_delivery, g);
}

void duty_on_delivery(void *arg)
{
	struct gateway *g = arg;
	if (g->is_offline && duty_connect(g)) {
		duty_break(g);
		return;
	}
	if (g->is_offline) {
		loop_timer_set(g->delivery_timer, clock_mono(&g->clock) + OFFLINE_RETRY_MS);
		return;
	}
	loop_timer_set(g->delivery_timer, delivery_dispatch(g->delivery));
	duty_settle(g);
}

/* The store begins anew when it is opened next; the delivery ends this process. */
enum wy_err duty_on_epoch_new(void *arg)
{
	struct gateway *g = arg;
	return store_renew_epoch(g->store);
}

void duty_on_work(void *arg, const char *ticket_key, enum ticket_node node, uint32_t work_rev)
{
	struct gateway *g = arg;
	enum wy_err err = engine_work(g->now->engine, ticket_key, node, work_rev);

	log_line(err ? LOG_WARNING : LOG_INFO, "work", "ticket=%s node=%s rev=%u%s%s", ticket_key,
		 ticket_node_text((uint8_t)node), work_rev, err ? " ignored=" : "",
		 err ? wy_err_text(err) : "");
	/* Kept before the next message: a receipt needs the store for itself. */
	duty_settle(g);
}

/* ---- People ------------------------------------------------------------------------------------- */

void duty_on_stop(void *arg)
{
	struct gateway *g = arg;
	loop_notify("STOPPING=1");
	loop_stop(g->loop);
}

char *duty_on_question(void *arg, const char *request)
{
	struct gateway *g = arg;
	char *text = reload_question(g, request);

	if (!text)
		text = run_answer(&g->view, request);
	/* An order is kept before it is answered. */
	duty_settle(g);
	if (!engine_is_broken(g->now->engine))
		return text;
	free(text);
	return NULL;
}
