/* cmd_work.c: people move a ticket on. The work state is the platform's fact: it is committed here
 * first and then told to the gateway, which needs it, for instance, to let go of a latch. */
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "options.h"
#include "receipt.h"
#include "store.h"
#include "wall.h"

#define CONNECT_WAIT_MS 15000
#define PUBLISH_WAIT_MS 10000
#define WORK_EXPIRY_S (7u * 86400u)
#define MESSAGES_MAX 16
#define NOBODY_LISTENS 16 /* reason code of MQTT 5 */

static const char *const STATES[] = {
	"acked", "assigned", "on_site", "started", "resolved", "rejected", "merged", "shelved", "closed",
};

struct message {
	char topic[64];
	char *text;
	atomic_int reason; /* of the PUBACK; REASON_NONE until it came */
};
#define REASON_NONE (-2)

struct work {
	const char *state, *role;
	struct message message[MESSAGES_MAX];
	size_t n;
};

static void add_message(void *arg, const char *gw, const char *ticket_key, int64_t seq)
{
	struct work *work = arg;
	struct message *message = &work->message[work->n];
	char id[96], type[64];

	if (work->n == MESSAGES_MAX)
		return;
	snprintf(message->topic, sizeof message->topic, "weiyu/v1/down/%s/ticket", gw);
	snprintf(id, sizeof id, "desk-work-%s-%lld", gw, (long long)seq);
	snprintf(type, sizeof type, "com.weiyu.work.%s.v1", work->state);
	message->text = receipt_envelope(
		id, type, wall_now_ms(),
		json_pack("{ss sI ss ss}", "ticket_key", ticket_key, "seq", (json_int_t)seq, "state",
			  work->state, "by_role", work->role));
	atomic_init(&message->reason, REASON_NONE);
	work->n++;
}

/* Committed, and the messages are made. */
static enum wy_err record(const struct desk_options *options, const char *ticket_key,
			  struct work *work)
{
	struct store store;
	enum wy_err err = store_open(&store, options->db, false);

	if (err == WY_OK) {
		err = store_begin(&store);
		if (err == WY_OK)
			err = store_work(&store, ticket_key, work->state, wall_now_ms(), add_message,
					 work);
		if (err == WY_OK)
			err = store_commit(&store);
		if (err != WY_OK)
			store_abort(&store);
		store_close(&store);
	}
	if (err != WY_OK)
		fprintf(stderr, "weiyu-desk: %s: %s: %s\n", ticket_key, wy_err_text(err),
			err == WY_E_NOTFOUND ? "see weiyu-desk list" : db_why(&store.db));
	return err;
}

static void on_done(void *arg, int reason)
{
	atomic_store((atomic_int *)arg, reason);
}

/* Turns the link until a state is reached; false: not in time. */
static bool turn_until(struct link *link, wy_ms wait_ms, bool (*is_reached)(const struct link *,
									    const struct message *),
		       const struct message *message)
{
	wy_ms until_ms = mono_now_ms() + wait_ms;

	while (!is_reached(link, message)) {
		struct pollfd fd = {.fd = link_fd(link), .events = POLLIN};

		if (mono_now_ms() >= until_ms)
			return false;
		link_step(link, mono_now_ms());
		poll(&fd, 1, 20);
	}
	return true;
}

static bool is_connected(const struct link *link, const struct message *message)
{
	(void)message;
	return link_is_up(link);
}

static bool is_answered(const struct link *link, const struct message *message)
{
	(void)link;
	return atomic_load(&message->reason) != REASON_NONE;
}

static bool deliver(struct link *link, struct message *message)
{
	int reason;

	if (!message->text || link_publish(link, message->topic, message->text, WORK_EXPIRY_S, on_done,
					   &message->reason) != WY_OK) {
		fprintf(stderr, "weiyu-desk: recorded, but not sent: no connection\n");
		return false;
	}
	if (!turn_until(link, PUBLISH_WAIT_MS, is_answered, message)) {
		fprintf(stderr, "weiyu-desk: recorded, but the broker did not confirm\n");
		return false;
	}
	reason = atomic_load(&message->reason);
	if (reason == 0)
		return true;
	fprintf(stderr, "weiyu-desk: recorded, but not delivered: %s (reason %d)\n",
		reason == NOBODY_LISTENS ? "the gateway is not connected" : "the broker refused it",
		reason);
	return false;
}

static int tell_gateways(const struct desk_options *options, struct work *work)
{
	char client_id[32];
	struct link_options link_options = {
		.host = options->host,
		.port = options->port,
		.ca = options->ca,
		.cert = options->cert,
		.key = options->key,
		.protocol = options->protocol,
		.client_id = client_id,
	};
	struct link *link = NULL;
	bool is_sent = true;

	snprintf(client_id, sizeof client_id, "desk-work-%ld", (long)getpid());
	if (link_new(&link_options, &link) != WY_OK)
		return DESK_EXIT_FAILED;
	if (!turn_until(link, CONNECT_WAIT_MS, is_connected, NULL)) {
		fprintf(stderr, "weiyu-desk: recorded, but the broker cannot be reached\n");
		is_sent = false;
	}
	for (size_t i = 0; i < work->n && is_sent; i++)
		is_sent = deliver(link, &work->message[i]);
	link_free(link); /* after this no callback writes into work */
	return is_sent ? DESK_EXIT_OK : DESK_EXIT_FAILED;
}

int cmd_work(const struct desk_options *options)
{
	struct work work = {.role = options->role};
	int code = DESK_EXIT_FAILED;

	if (options->n_words != 2) {
		fputs("weiyu-desk: expected: work STATE TICKET_KEY\n", stderr);
		return DESK_EXIT_USAGE;
	}
	for (size_t i = 0; i < sizeof STATES / sizeof *STATES; i++)
		if (strcmp(STATES[i], options->words[0]) == 0)
			work.state = STATES[i];
	if (!work.state) {
		fputs("weiyu-desk: the state is one of", stderr);
		for (size_t i = 0; i < sizeof STATES / sizeof *STATES; i++)
			fprintf(stderr, " %s", STATES[i]);
		fputc('\n', stderr);
		return DESK_EXIT_USAGE;
	}
	if (record(options, options->words[1], &work) == WY_OK)
		code = tell_gateways(options, &work);
	for (size_t i = 0; i < work.n; i++)
		free(work.message[i].text);
	return code;
}
