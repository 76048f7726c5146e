/* delivery.c: see delivery.h. The life of the connection and where its news go: fates of what was sent to the window,
 * messages from above to who takes them. */
#include "delivery.h"

#include <mbedtls/sha256.h>
#include <string.h>

#include "delivery_inside.h"
#include "draw.h"
#include "log.h"

bool delivery_is_fine(struct delivery *d, const char *doing, enum wy_err err)
{
	if (err && !d->is_store_failing)
		log_line(LOG_ERROR, "outbox_unreadable", "doing=\"%s\" why=\"%s\"", doing, wy_err_text(err));
	d->is_store_failing = err != WY_OK;
	d->is_broken = d->is_broken || err == WY_E_IO || err == WY_E_CORRUPT;
	return !err;
}

const char *delivery_grade(const struct config *config)
{
	return config->uplink.grade == CONFIG_GRADE_PUBACK ? "G1" : "G2";
}

static bool is_puback_enough(const struct delivery *d)
{
	return d->parts.config->uplink.grade == CONFIG_GRADE_PUBACK;
}

/* ---- What the uplink tells ----------------------------------------------------------------------- */

static void on_up(void *arg, const struct uplink_session *session)
{
	struct delivery *d = arg;

	d->state.is_up = true;
	d->state.protocol = session->protocol;
	d->state.since_ms = delivery_now(d);
	d->state.words[0] = '\0';
	log_line(LOG_INFO, "uplink_up", "host=%s port=%u mqtt=%s window=%u bd_seq=%llu grade=%s",
		 d->parts.config->uplink.host, (unsigned)d->parts.config->uplink.port,
		 session->protocol == 5 ? "5" : "3.1.1", session->window, (unsigned long long)d->bd_seq,
		 delivery_grade(d->parts.config));
	if (is_puback_enough(d) && session->protocol != 5)
		log_line(LOG_WARNING, "denials_invisible", "why=\"with MQTT 3.1.1 a refused event looks like a taken one, "
			 "and in grade G1 it is lost\"");
	d->owes_birth = false;
	birth_announce(d);
	outbox_up(&d->outbox);
}

/* The broker ended our session because somebody else connected with our name and key. */
static void note_taken_over(struct delivery *d, wy_ms retry_in_ms)
{
	d->state.taken_over++;
	log_line(LOG_ERROR, "uplink_taken_over", "times=%llu retry_in_ms=%lld why=\"another machine connects with this "
		 "gateway's name and key\" next=\"the platform tells them apart; take the copy off the net\"",
		 (unsigned long long)d->state.taken_over, (long long)retry_in_ms);
}

static void on_down(void *arg, enum uplink_cause cause, const char *words, wy_ms retry_in_ms)
{
	struct delivery *d = arg;
	char plain[sizeof(d->state.words)];
	struct wy_buf buf;

	if (cause == UPLINK_CAUSE_TAKEN_OVER)
		note_taken_over(d, retry_in_ms);
	wy_buf_init(&buf, plain, sizeof(plain));
	wy_buf_add(&buf, words);
	for (char *at = plain; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?'; /* a stranger's certificate may be quoted in it */
	if (d->state.is_up || strcmp(plain, d->state.words) != 0)
		log_line(LOG_WARNING, "uplink_down", "host=%s port=%u why=\"%s\" retry_in_ms=%lld",
			 d->parts.config->uplink.host, (unsigned)d->parts.config->uplink.port, plain,
			 (long long)retry_in_ms);
	if (d->state.is_up)
		d->state.since_ms = delivery_now(d);
	d->state.is_up = false;
	memcpy(d->state.words, plain, sizeof(plain));
	outbox_lost(&d->outbox, delivery_now(d));
	resending_stop(d);
}

/* What is no live event. A reply or a birth that is lost is asked for again by the platform. */
static void on_other_sent(struct delivery *d, uint64_t token, enum uplink_fate fate, uint8_t reason)
{
	if (token == TOKEN_RESEND)
		resending_sent(d);
	else if (fate == UPLINK_FATE_REFUSED)
		log_line(LOG_WARNING, token == TOKEN_BIRTH ? "birth_not_sent" : "reply_not_sent",
			 "reason=%u why=\"the broker denies it\"", (unsigned)reason);
}

static void on_taken(struct delivery *d, uint64_t seq)
{
	if (d->n_refused)
		log_line(LOG_INFO, "publish_accepted", "after_refusals=%llu", (unsigned long long)d->n_refused);
	d->n_refused = 0;
	(void)!outbox_sent(&d->outbox, seq, OUTBOX_TAKEN, delivery_now(d));
	if (is_puback_enough(d))
		receipts_puback(d, seq);
}

static void on_sent(void *arg, uint64_t token, enum uplink_fate fate, uint8_t reason)
{
	struct delivery *d = arg;

	if (token >= TOKEN_REPLY) {
		on_other_sent(d, token, fate, reason);
		return;
	}
	if (fate == UPLINK_FATE_LOST)
		return; /* a lost connection is told to the outbox as a whole */
	if (fate == UPLINK_FATE_TAKEN) {
		on_taken(d, token);
		return;
	}
	if (d->n_refused++ == 0)
		log_line(LOG_WARNING, "publish_refused", "seq=%llu reason=%u why=\"%s\" next=\"kept and "
			 "sent again\"", (unsigned long long)token, (unsigned)reason,
			 fate == UPLINK_FATE_NO_SUBSCRIBER ? "nobody is subscribed" : "the broker denies it");
	(void)!outbox_sent(&d->outbox, token, OUTBOX_REFUSED, delivery_now(d));
}

/* ---- Messages from above ------------------------------------------------------------------------ */

static void on_work(struct delivery *d, const void *payload, size_t len)
{
	struct receive_work work;
	enum wy_err err = receive_work(payload, len, &work);

	if (err)
		log_line(LOG_WARNING, "work_unreadable", "bytes=%zu why=\"%s\"", len, wy_err_text(err));
	else
		d->parts.work(d->parts.arg, work.ticket_key, work.node, work.work_rev);
}

static void on_message(void *arg, const char *topic, const void *payload, size_t len)
{
	static const struct {
		const char *topic;
		void (*take)(struct delivery *d, const void *payload, size_t len);
	} rows[] = {{"receipt", receipts_take}, {"ticket", on_work}, {"cmd", commands_take}};
	struct delivery *d = arg;
	size_t base = strlen(d->down_base);

	if (strncmp(topic, d->down_base, base) != 0)
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(topic + base, rows[i].topic) == 0)
			rows[i].take(d, payload, len);
}

/* ---- Life ---------------------------------------------------------------------------------------- */

static void add_shard(struct wy_buf *buf, const char *gateway)
{
	unsigned char hash[32] = {0};

	/* One call over a short text: it has no way to fail. */
	(void)!mbedtls_sha256_ret((const unsigned char *)gateway, strlen(gateway), hash, 0);
	wy_buf_addf(buf, "%s%x", hash[0] < 16 ? "0" : "", hash[0]);
}

enum wy_err delivery_new(const struct delivery_parts *parts, struct delivery **ret)
{
	struct delivery *d = wy_arena_alloc(parts->arena, sizeof(*d));
	uint64_t seed = parts->seed;
	struct wy_buf buf;

	if (!d)
		return WY_E_NOMEM;
	d->parts = *parts;
	wy_buf_init(&buf, d->up_base, sizeof(d->up_base));
	wy_buf_add(&buf, "weiyu/v1/up/");
	add_shard(&buf, parts->config->gateway);
	wy_buf_addf(&buf, "/%s/", parts->config->gateway);
	wy_buf_init(&buf, d->down_base, sizeof(d->down_base));
	wy_buf_addf(&buf, "weiyu/v1/down/%s/", parts->config->gateway);
	wy_buf_init(&buf, d->state_topic, sizeof(d->state_topic));
	wy_buf_addf(&buf, "%sstate", d->up_base);
	d->instance = wy_draw(&seed);
	outbox_init(&d->outbox, store_epoch(parts->store), parts->config->uplink.receipt_wait_ms);
	d->memory.allowed = COMMANDS_AT_ONCE;
	d->memory.filled_ms = delivery_now(d);
	d->started_ms = delivery_now(d);
	d->state.receipt_ms = WY_MS_NONE;
	d->reborn_ms = delivery_now(d) - DELIVERY_REBIRTH_MS;
	d->state.since_ms = delivery_now(d);
	if (is_puback_enough(d))
		log_line(LOG_WARNING, "grade", "grade=G1 why=\"an event is done when the broker has taken it; what the broker "
			 "loses is lost\"");
	*ret = d;
	return WY_OK;
}

enum wy_err delivery_open(struct delivery *d, struct wy_buf *words)
{
	const struct config_uplink *settings = &d->parts.config->uplink;
	char receipt[TOPIC_SIZE], ticket[TOPIC_SIZE], command[TOPIC_SIZE];
	struct wy_buf buf;

	wy_buf_init(&buf, receipt, sizeof(receipt));
	wy_buf_addf(&buf, "%sreceipt", d->down_base);
	wy_buf_init(&buf, ticket, sizeof(ticket));
	wy_buf_addf(&buf, "%sticket", d->down_base);
	wy_buf_init(&buf, command, sizeof(command));
	wy_buf_addf(&buf, "%scmd", d->down_base);
	const char *const topics[] = {receipt, ticket, command, NULL};
	struct uplink_conf conf = {
		.host = settings->host,
		.port = settings->port,
		.server_name = settings->server_name,
		.ca = settings->ca,
		.certificate = settings->certificate,
		.key = settings->key,
		.client_id = d->parts.config->gateway,
		.keepalive_ms = settings->keepalive_ms,
		.retry_first_ms = settings->retry_first_ms,
		.retry_most_ms = settings->retry_most_ms,
		.first_wait_ms = clock_boot() < DELIVERY_BOOT_MS ? settings->retry_first_ms : 0,
		.session_expiry_s = 86400,
		.will_topic = d->state_topic,
		.will_delay_s = 30,
		.subscribe = topics,
	};
	struct uplink_handler handler = {birth_prepare, on_up, on_down, on_sent, on_message, d};
	d->state.words[0] = '\0';
	d->outbox.receipt_wait_ms = settings->receipt_wait_ms > 0 ? settings->receipt_wait_ms : OUTBOX_RECEIPT_WAIT_MS;
	enum wy_err err = uplink_open(&conf, &handler, d->parts.seed, words, &d->uplink);
	if (err) {
		wy_buf_init(&buf, d->state.words, sizeof(d->state.words));
		wy_buf_add(&buf, words->len ? words->text : wy_err_text(err));
	}
	return err;
}

static void pay_birth(struct delivery *d)
{
	if (!d->owes_birth || !d->uplink || !uplink_room(d->uplink))
		return;
	d->owes_birth = false;
	birth_announce(d);
}

void delivery_rebirth(struct delivery *d)
{
	d->owes_birth = true;
	pay_birth(d);
}

void delivery_switch(struct delivery *d, const struct config *config, uint64_t bundle)
{
	d->parts.config = config;
	d->parts.bundle = bundle;
}

wy_ms delivery_pump(struct delivery *d)
{
	receipts_keep(d);
	if (!delivery_is_fine(d, "looking for what is queued", sending_fill(d)))
		return delivery_now(d) + DELIVERY_RETRY_MS;
	if (!d->uplink)
		return WY_MS_NEVER;
	pay_birth(d);
	sending_push(d);
	receipts_look(d);
	wy_ms again_ms = resending_push(d);
	/* Without room nothing is due: the next PUBACK wakes us. */
	wy_ms due_ms = uplink_room(d->uplink) ? outbox_due(&d->outbox) : WY_MS_NEVER;
	return due_ms < again_ms ? due_ms : again_ms;
}

int delivery_fd(const struct delivery *d)
{
	return uplink_fd(d->uplink);
}

wy_ms delivery_dispatch(struct delivery *d)
{
	uplink_judge_from(d->parts.clock->least_wall_ms);
	(void)uplink_dispatch(d->uplink, delivery_now(d));
	wy_ms outbox_ms = delivery_pump(d);
	wy_ms uplink_ms = uplink_due(d->uplink);

	return uplink_ms < outbox_ms ? uplink_ms : outbox_ms;
}

void delivery_close(struct delivery *d)
{
	char text[STATE_BYTES];

	if (!d || !d->uplink)
		return;
	receipts_keep(d);
	struct uplink_message death = {.topic = d->state_topic, .payload = text, .qos = 1, .retain = true,
				       .content_type = "application/cloudevents+json",
				       .token = TOKEN_BIRTH};
	enum wy_err err = birth_document(d, true, "stop", text, &death.len);
	uplink_close(d->uplink, err ? NULL : &death, DELIVERY_CLOSE_MS);
	d->uplink = NULL;
	d->state.is_up = false;
	d->state.since_ms = delivery_now(d);
	outbox_lost(&d->outbox, delivery_now(d));
	resending_stop(d);
}

bool delivery_is_broken(const struct delivery *d)
{
	return d->is_broken;
}

struct delivery_state delivery_state(const struct delivery *d)
{
	struct delivery_state state = d->state;

	state.unconfirmed_ms = outbox_unconfirmed_ms(&d->outbox, delivery_now(d));
	if (d->uplink)
		state.counts = uplink_counts(d->uplink);
	return state;
}
