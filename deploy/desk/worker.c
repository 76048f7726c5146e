/* worker.c: batches in, receipts out. The order within a batch is the promise of the desk:
 * begin, take all, advance the streams, commit, and only then receipts, and last the lines on the
 * screen, because a slow terminal must not delay a receipt. */
#include "worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "receipt.h"
#include "say.h"
#include "store.h"
#include "wall.h"

#define TAKE_WAIT_MS 500
#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 3000
#define OVERDUE_EVERY_MS 2000
#define RECEIPT_EXPIRY_S 3600
#define COMMAND_EXPIRY_S 60

struct batch {
	struct event event[WY_DESK_BATCH_MAX];
	enum store_fate fate[WY_DESK_BATCH_MAX];
	bool was_new[WY_DESK_BATCH_MAX]; /* in an attempt whose commit may have arrived after all */
	size_t n;
	struct store_receipt receipt[WY_DESK_BATCH_MAX];
	size_t n_receipts;
};

struct worker {
	struct worker_options options;
	pthread_t thread;
	struct store store;
	bool is_open, is_away; /* is_away: has been said */
	wy_ms overdue_at_ms, orders_at_ms;
	wy_ms hole_age_ms;
	unsigned long receipts, commands;
	struct batch batch;
};

static bool has_receipt(const struct batch *batch, const struct event *event)
{
	for (size_t i = 0; i < batch->n_receipts; i++)
		if (strcmp(batch->receipt[i].gw, event->gw) == 0 &&
		    strcmp(batch->receipt[i].epoch, event->epoch) == 0 &&
		    strcmp(batch->receipt[i].instance, event->instance) == 0)
			return true;
	return false;
}

/* What of this batch came ahead of a hole: life safety overtakes a backlog, and would keep its place in
 * the gateway's window until the backlog has drained. One whose receipt is lost is sent again, and
 * then stands in a batch again. */
static void name_ahead(const struct batch *batch, size_t first, size_t n, struct store_receipt *receipt)
{
	for (size_t i = first; i < first + n; i++) {
		const struct event *event = &batch->event[i];
		bool is_kept = batch->fate[i] == STORE_NEW || batch->fate[i] == STORE_DUPLICATE;

		if (is_kept && event->seq > receipt->through && strcmp(event->gw, receipt->gw) == 0 &&
		    strcmp(event->epoch, receipt->epoch) == 0 &&
		    strcmp(event->instance, receipt->instance) == 0)
			receipt->also[receipt->n_also++] = event->seq;
	}
}

/* Everything between begin and commit, for the events first .. first + n - 1. */
static enum wy_err take_all(struct worker *worker, size_t first, size_t n, wy_ms now_ms)
{
	struct batch *batch = &worker->batch;
	enum wy_err err = WY_OK;

	for (size_t i = first; i < first + n && err == WY_OK; i++)
		err = store_take(&worker->store, &batch->event[i], now_ms, &batch->fate[i]);
	for (size_t i = first; i < first + n && err == WY_OK; i++) {
		const struct event *event = &batch->event[i];

		if (batch->fate[i] == STORE_IGNORED || batch->fate[i] == STORE_HELD || has_receipt(batch, event))
			continue;
		err = store_advance(&worker->store, event, now_ms, &batch->receipt[batch->n_receipts]);
		if (err == WY_OK)
			name_ahead(batch, first, n, &batch->receipt[batch->n_receipts++]);
	}
	return err;
}

static enum wy_err try_once(struct worker *worker, size_t first, size_t n)
{
	struct batch *batch = &worker->batch;
	enum wy_err err = store_begin(&worker->store);

	batch->n_receipts = 0;
	if (err == WY_OK)
		err = take_all(worker, first, n, wall_now_ms());
	if (err == WY_OK) {
		err = store_commit(&worker->store);
		for (size_t i = first; i < first + n; i++)
			batch->was_new[i] = batch->was_new[i] || batch->fate[i] == STORE_NEW;
	}
	if (err != WY_OK)
		store_abort(&worker->store);
	return err;
}

static void note_trouble(struct worker *worker, enum wy_err err)
{
	if (worker->is_away)
		return;
	worker->is_away = true;
	say("database_away", "error=\"%s\" why=\"%s\" receipts are held back, trying on",
	    wy_err_text(err), db_why(&worker->store.db));
}

static void say_fenced(void *arg, const char *gw, const char *epoch, const char *instance, const char *reason)
{
	struct worker *worker = arg;

	worker->orders_at_ms = 0; /* it is connected now: the order goes with this batch */
	say("fenced", "gateway=%s epoch=%s instance=%s why=\"%s\"; what it sends is kept aside, and it is told to take a "
		      "new epoch: two machines run on copies of one store, or a backup was put back",
	    gw, epoch, instance, reason);
}

static enum wy_err ensure_open(struct worker *worker)
{
	enum wy_err err;

	if (worker->is_open && worker->store.db.handle)
		return WY_OK;
	err = store_open(&worker->store, worker->options.db_spec, true);
	worker->is_open = err == WY_OK;
	worker->store.on_fenced = say_fenced;
	worker->store.arg = worker;
	return err;
}

/* Until it is committed or cannot be. WY_E_INVALID: these values are the trouble; WY_E_STATE: told
 * to stop while the database was away, nothing is committed. */
static enum wy_err commit_surely(struct worker *worker, size_t first, size_t n)
{
	wy_ms wait_ms = RETRY_FIRST_MS;

	for (;;) {
		enum wy_err err = ensure_open(worker);

		if (err == WY_OK)
			err = try_once(worker, first, n);
		if (err == WY_OK && worker->is_away) {
			worker->is_away = false;
			say("database_back", "receipts flow again");
		}
		if (err == WY_OK || err == WY_E_INVALID)
			return err;
		note_trouble(worker, err);
		if (err == WY_E_LINK) {
			store_close(&worker->store);
			worker->is_open = false;
		}
		if (queue_is_stopped(worker->options.queue))
			return WY_E_STATE;
		queue_pause(worker->options.queue, wait_ms);
		wait_ms = wait_ms * 2 > RETRY_MOST_MS ? RETRY_MOST_MS : wait_ms * 2;
	}
}

static void send_receipt(struct worker *worker, const struct store_receipt *receipt)
{
	char topic[64], id[96];
	wy_ms now_ms = wall_now_ms();
	char *text;

	snprintf(topic, sizeof topic, "weiyu/v1/down/%s/receipt", receipt->gw);
	snprintf(id, sizeof id, "%.40s-%lld-%lu", worker->options.client_id, (long long)now_ms,
		 ++worker->receipts);
	text = receipt_text(receipt, id, now_ms);
	/* one that is lost is asked for: the gateway sends again, and a duplicate is receipted */
	if (!text || link_publish(worker->options.link, topic, text, RECEIPT_EXPIRY_S, NULL, NULL) !=
			     WY_OK)
		say("receipt_not_sent", "gateway=%s through=%lld", receipt->gw,
		    (long long)receipt->through);
	free(text);
}

static void send_command(struct worker *worker, const char *gw, const char *type, json_t *data)
{
	char topic[64], id[96];
	wy_ms now_ms = wall_now_ms();
	char *text;

	snprintf(topic, sizeof topic, "weiyu/v1/down/%s/cmd", gw);
	snprintf(id, sizeof id, "%.24s-c%lld-%lu", worker->options.client_id, (long long)now_ms, ++worker->commands);
	text = data ? receipt_envelope(id, type, now_ms, data) : NULL;
	/* one that is lost is given again, as long as there is reason for it */
	if (!text || link_publish(worker->options.link, topic, text, COMMAND_EXPIRY_S, NULL, NULL) != WY_OK)
		say("command_not_sent", "gateway=%s type=%s", gw, type);
	free(text);
}

static void give_order(void *arg, const char *gw, const char *epoch, const char *instance, const char *boot,
		       bool is_fenced)
{
	if (is_fenced)
		send_command(arg, gw, "com.weiyu.cmd.epoch_new.v1",
			     json_pack("{ss ss ss}", "epoch", epoch, "boot", boot, "instance", instance));
	else
		send_command(arg, gw, "com.weiyu.cmd.rebirth.v1", json_object());
}

static void say_reply(const struct event *event)
{
	say("reply", "gateway=%s type=%s status=%s why=\"%s\" sent=%lld gone=%zu", event->gw,
	    event_text(event->data, "command_type"), event_text(event->data, "status"),
	    event_text(event->data, "reason"), (long long)json_integer_value(json_object_get(event->data, "sent")),
	    json_array_size(json_object_get(event->data, "gone")));
}

static void report(struct worker *worker, size_t first, size_t n)
{
	const struct batch *batch = &worker->batch;
	wy_ms now_ms = wall_now_ms();

	for (size_t i = 0; i < batch->n_receipts; i++)
		send_receipt(worker, &batch->receipt[i]);
	for (size_t i = first; i < first + n; i++) {
		const struct event *event = &batch->event[i];

		if (event->verdict == EVENT_REJECT)
			say("rejected", "gateway=%s epoch=%s seq=%lld reason=\"%s\"", event->gw,
			    event->epoch, (long long)event->seq, event->reason);
		if (event->verdict == EVENT_NOISE)
			say("not_usable", "gateway=%s reason=\"%s\"", event->gw, event->reason);
		if (event->verdict == EVENT_REPLY)
			say_reply(event);
		if (event->verdict == EVENT_STATE)
			say("gateway_state", "gateway=%s state=%s", event->gw,
			    event->is_birth ? "birth" : "death");
		show_event(&worker->options.show, event, now_ms,
			   batch->fate[i] == STORE_DUPLICATE && !batch->was_new[i]);
	}
}

/* The batch could not be stored as a whole: each message by itself, and the one that cannot be
 * stored is parked, so that it blocks nobody. */
static void commit_singly(struct worker *worker)
{
	struct batch *batch = &worker->batch;

	for (size_t i = 0; i < batch->n; i++) {
		enum wy_err err = commit_surely(worker, i, 1);

		if (err == WY_E_INVALID) {
			batch->event[i].verdict =
				batch->event[i].seq > 0 ? EVENT_REJECT : EVENT_NOISE;
			batch->event[i].reason = "cannot be stored";
			err = commit_surely(worker, i, 1);
		}
		if (err == WY_OK)
			report(worker, i, 1);
	}
}

static void handle_batch(struct worker *worker)
{
	enum wy_err err = commit_surely(worker, 0, worker->batch.n);

	if (err == WY_OK)
		report(worker, 0, worker->batch.n);
	else if (err == WY_E_INVALID)
		commit_singly(worker);
}

static void read_batch(struct batch *batch, struct queue_message *messages, size_t n)
{
	batch->n = n;
	for (size_t i = 0; i < n; i++) {
		struct queue_message *message = &messages[i];

		event_read(&batch->event[i], message->topic, message->payload, message->len,
			   &message->hint);
		batch->was_new[i] = false;
		queue_message_release(message);
	}
}

static void ask_for_hole(void *arg, const char *gw, const char *epoch, struct span_hole hole, int64_t asks)
{
	struct worker *worker = arg;

	if (asks == 1)
		say("hole", "gateway=%s epoch=%s from=%lld to=%lld older than %lld s; the gateway is to resend", gw, epoch,
		    (long long)hole.from, (long long)hole.to, (long long)(worker->hole_age_ms / 1000));
	send_command(worker, gw, "com.weiyu.cmd.resend.v1",
		     json_pack("{ss sI sI}", "epoch", epoch, "from", (json_int_t)hole.from, "to", (json_int_t)hole.to));
}

static void look_for_holes(struct worker *worker)
{
	wy_ms now_ms = mono_now_ms(), wall_ms = wall_now_ms();

	if (now_ms < worker->overdue_at_ms || ensure_open(worker) != WY_OK)
		return;
	worker->overdue_at_ms = now_ms + OVERDUE_EVERY_MS;
	if (store_overdue(&worker->store, wall_ms - worker->hole_age_ms, wall_ms, ask_for_hole, worker) == WY_E_LINK)
		store_close(&worker->store); /* the next batch opens it again, and says so */
}

static void look_for_orders(struct worker *worker)
{
	wy_ms now_ms = mono_now_ms();

	if (now_ms < worker->orders_at_ms || ensure_open(worker) != WY_OK)
		return;
	worker->orders_at_ms = now_ms + OVERDUE_EVERY_MS;
	if (store_orders(&worker->store, wall_now_ms(), give_order, worker) == WY_E_LINK)
		store_close(&worker->store);
}

static void *run(void *arg)
{
	struct worker *worker = arg;
	struct queue *queue = worker->options.queue;

	for (;;) {
		struct queue_message messages[WY_DESK_BATCH_MAX];
		size_t n = queue_take(queue, messages, WY_DESK_BATCH_MAX, TAKE_WAIT_MS);

		if (n == 0 && queue_is_stopped(queue))
			break;
		read_batch(&worker->batch, messages, n);
		if (n > 0)
			handle_batch(worker);
		for (size_t i = 0; i < n; i++)
			event_release(&worker->batch.event[i]);
		look_for_holes(worker);
		look_for_orders(worker);
	}
	store_close(&worker->store);
	return NULL;
}

enum wy_err worker_start(const struct worker_options *options, struct worker **ret_worker)
{
	struct worker *worker = calloc(1, sizeof *worker);

	if (!worker)
		return WY_E_NOMEM;
	worker->options = *options;
	worker->hole_age_ms = options->hole_age_ms;
	if (pthread_create(&worker->thread, NULL, run, worker) != 0) {
		free(worker);
		return WY_E_NOMEM;
	}
	*ret_worker = worker;
	return WY_OK;
}

void worker_finish(struct worker *worker)
{
	if (!worker)
		return;
	pthread_join(worker->thread, NULL);
	free(worker);
}
