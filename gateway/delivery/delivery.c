/* delivery.c: see delivery.h. A row is read from the store when it is sent and never before its commit,
 * because only committed rows are found by store_queued(). */
#include "delivery.h"

#include <mbedtls/sha256.h>
#include <string.h>

#include "doc.h"
#include "log.h"
#include "receive.h"

#define TOKEN_BIRTH UINT64_MAX
#define EXPIRY_REST_S (7u * 86400u) /* S3 and S4: after a week the platform resyncs from the store */

enum { TOPIC_SIZE = 128, STATE_BYTES = 4096, PROPERTY_SIZE = 80 };

struct delivery {
	struct delivery_parts parts;
	struct outbox outbox;
	struct uplink *uplink;
	struct delivery_state state;
	uint64_t bd_seq;
	char up_base[TOPIC_SIZE]; /* weiyu/v1/up/{sh}/{gw}/ */
	char down_base[TOPIC_SIZE];
	char state_topic[TOPIC_SIZE];
	char will[STATE_BYTES];
	struct receive_receipt receipt;
	uint64_t n_refused; /* publishes in a row the broker would not deliver */
	bool is_store_failing; /* said once */
	bool is_broken;
};

static wy_ms now_ms(const struct delivery *d)
{
	return clock_mono(d->parts.clock);
}

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
	outbox_init(&d->outbox, store_epoch(parts->store), parts->config->uplink.receipt_wait_ms);
	d->state.receipt_ms = WY_MS_NONE;
	d->state.since_ms = now_ms(d);
	*ret = d;
	return WY_OK;
}

/* Is the store fine? Said once when it is not; one that is damaged does not heal by itself. */
static bool is_fine(struct delivery *d, const char *doing, enum wy_err err)
{
	if (err && !d->is_store_failing)
		log_line(LOG_ERROR, "outbox_unreadable", "doing=\"%s\" why=\"%s\"", doing, wy_err_text(err));
	d->is_store_failing = err != WY_OK;
	d->is_broken = d->is_broken || err == WY_E_IO || err == WY_E_CORRUPT;
	return !err;
}

/* ---- Birth and death --------------------------------------------------------------------------- */

static enum wy_err state_document(struct delivery *d, bool is_death, const char *reason, char *out,
				  size_t *ret_len)
{
	struct store_outbox_stats stats;
	struct ticket_state state = {
		.gateway = d->parts.config->gateway,
		.zone = &d->parts.config->site.zone,
		.epoch = store_epoch(d->parts.store),
		.boot = d->parts.boot,
		.bd_seq = d->bd_seq,
		.version = WY_VERSION,
		.bundle = d->parts.bundle,
		.grade = "G2",
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
static enum wy_err prepare(void *arg, const void **ret_will, size_t *ret_len)
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
		err = state_document(d, true, "lost", d->will, ret_len);
	(void)is_fine(d, "numbering a connection", err);
	*ret_will = d->will;
	return err;
}

static void announce(struct delivery *d)
{
	char text[STATE_BYTES];
	struct uplink_message birth = {.topic = d->state_topic, .payload = text, .qos = 1, .retain = true,
				       .content_type = "application/cloudevents+json",
				       .token = TOKEN_BIRTH};
	enum wy_err err = state_document(d, false, NULL, text, &birth.len);

	if (!err)
		err = uplink_publish(d->uplink, &birth);
	if (err)
		log_line(LOG_WARNING, "birth_not_sent", "why=\"%s\" next=\"sent with the next connection\"",
			 wy_err_text(err));
}

/* ---- Sending ------------------------------------------------------------------------------------ */

/* After a rewind the first rows found are in the window already: go on until it is full or no row is left. */
static enum wy_err fill_lane(struct delivery *d, enum outbox_lane lane)
{
	uint64_t seqs[WY_OUTBOX_WINDOW];
	enum wy_err err = WY_OK;
	size_t want, n;

	do {
		uint64_t after_seq = 0;
		n = 0;
		want = outbox_want(&d->outbox, lane, &after_seq);
		if (want)
			err = store_queued(d->parts.store, lane == OUTBOX_LANE_S1, after_seq, seqs, want, &n);
		for (size_t i = 0; !err && i < n; i++)
			err = outbox_offer(&d->outbox, lane, seqs[i], now_ms(d));
	} while (!err && want && n == want);
	return err;
}

static enum wy_err fill_window(struct delivery *d)
{
	enum wy_err err = fill_lane(d, OUTBOX_LANE_S1);

	return err ? err : fill_lane(d, OUTBOX_LANE_REST);
}

/* A copy of what routers want to know without parsing the body. */
static enum wy_err publish(struct delivery *d, uint64_t seq)
{
	struct store_event event;
	char topic[TOPIC_SIZE], id[PROPERTY_SIZE], seq_text[24];
	struct wy_buf buf;
	enum wy_err err = store_load_event(d->parts.store, seq, &event);

	if (err)
		return err;
	wy_buf_init(&buf, topic, sizeof(topic));
	wy_buf_addf(&buf, "%s%s", d->up_base, event.topic);
	wy_buf_init(&buf, id, sizeof(id));
	wy_buf_hex(&buf, store_epoch(d->parts.store));
	wy_buf_addf(&buf, "-%llu", (unsigned long long)seq);
	wy_buf_init(&buf, seq_text, sizeof(seq_text));
	wy_buf_addf(&buf, "%llu", (unsigned long long)seq);
	const char tier[] = {'S', (char)('0' + event.tier), '\0'};
	const struct uplink_property properties[] = {
		{"id", id}, {"type", event.type}, {"seq", seq_text}, {"tier", tier}};
	struct uplink_message message = {
		.topic = topic,
		.payload = event.payload,
		.len = event.len,
		.qos = 1,
		.content_type = "application/cloudevents+json",
		.property = properties,
		.n_properties = sizeof(properties) / sizeof(*properties),
		.expiry_s = event.tier > 2 ? EXPIRY_REST_S : 0,
		.token = seq,
	};
	return uplink_publish(d->uplink, &message);
}

/* A flying row that is not queued any more: its slot is free again. */
static void forget(struct delivery *d, uint64_t seq)
{
	struct outbox_receipt receipt = {.epoch = d->outbox.epoch, .also = &seq, .n_also = 1};
	struct outbox_verdict verdict;

	outbox_receipt(&d->outbox, &receipt, &verdict);
	(void)!outbox_sent(&d->outbox, seq, OUTBOX_REFUSED, now_ms(d));
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
	bool is_parked = err == WY_E_LIMIT && is_fine(d, "parking an event", park(d, seq));

	log_line(is_parked ? LOG_ERROR : LOG_WARNING, "event_not_sent", "seq=%llu why=\"%s\" next=\"%s\"",
		 (unsigned long long)seq, wy_err_text(err),
		 is_parked ? "parked; the queue goes on" :
			     err == WY_E_NOTFOUND ? "it is not queued any more" : "tried again");
	d->state.rejected += is_parked;
	if (is_parked || err == WY_E_NOTFOUND)
		forget(d, seq);
	else
		(void)!outbox_sent(&d->outbox, seq, OUTBOX_REFUSED, now_ms(d));
}

wy_ms delivery_pump(struct delivery *d)
{
	uint64_t seq;
	uint32_t sends;

	if (!is_fine(d, "looking for what is queued", fill_window(d)))
		return now_ms(d) + DELIVERY_RETRY_MS;
	while (d->uplink && uplink_room(d->uplink) && outbox_next(&d->outbox, now_ms(d), &seq, &sends)) {
		enum wy_err err = publish(d, seq);
		if (err)
			give_back(d, seq, err);
	}
	/* Without room nothing is due: the next PUBACK wakes us. */
	return d->uplink && uplink_room(d->uplink) ? outbox_due(&d->outbox) : WY_MS_NEVER;
}

/* ---- What the uplink tells ----------------------------------------------------------------------- */

static void on_up(void *arg, const struct uplink_session *session)
{
	struct delivery *d = arg;

	d->state.is_up = true;
	d->state.protocol = session->protocol;
	d->state.since_ms = now_ms(d);
	d->state.words[0] = '\0';
	log_line(LOG_INFO, "uplink_up", "host=%s port=%u mqtt=%s window=%u bd_seq=%llu",
		 d->parts.config->uplink.host, (unsigned)d->parts.config->uplink.port,
		 session->protocol == 5 ? "5" : "3.1.1", session->window, (unsigned long long)d->bd_seq);
	announce(d);
	outbox_up(&d->outbox);
}

static void on_down(void *arg, enum uplink_cause cause, const char *words, wy_ms retry_in_ms)
{
	struct delivery *d = arg;
	char plain[sizeof(d->state.words)];
	struct wy_buf buf;
	(void)cause;

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
		d->state.since_ms = now_ms(d);
	d->state.is_up = false;
	memcpy(d->state.words, plain, sizeof(plain));
	outbox_lost(&d->outbox, now_ms(d));
}

static void on_sent(void *arg, uint64_t token, enum uplink_fate fate, uint8_t reason)
{
	struct delivery *d = arg;

	if (token == TOKEN_BIRTH && fate == UPLINK_FATE_REFUSED)
		log_line(LOG_WARNING, "birth_not_sent", "reason=%u why=\"the broker denies it\" next=\"sent "
			 "with the next connection\"", (unsigned)reason);
	if (token == TOKEN_BIRTH || fate == UPLINK_FATE_LOST)
		return; /* a lost connection is told to the outbox as a whole */
	if (fate == UPLINK_FATE_TAKEN) {
		if (d->n_refused)
			log_line(LOG_INFO, "publish_accepted", "after_refusals=%llu",
				 (unsigned long long)d->n_refused);
		d->n_refused = 0;
		(void)!outbox_sent(&d->outbox, token, OUTBOX_TAKEN, now_ms(d));
		return;
	}
	if (d->n_refused++ == 0)
		log_line(LOG_WARNING, "publish_refused", "seq=%llu reason=%u why=\"%s\" next=\"kept and "
			 "sent again\"", (unsigned long long)token, (unsigned)reason,
			 fate == UPLINK_FATE_NO_SUBSCRIBER ? "nobody is subscribed" : "the broker denies it");
	(void)!outbox_sent(&d->outbox, token, OUTBOX_REFUSED, now_ms(d));
}

/* ---- The platform's word ------------------------------------------------------------------------- */

static enum wy_err write_verdict(struct delivery *d, const struct outbox_verdict *verdict, wy_ms wall_ms)
{
	struct store *store = d->parts.store;
	enum wy_err err = store_begin(store);
	size_t n = 0, n_receipted = verdict->n_also;

	if (err)
		return err; /* a transaction that is open is another's */
	for (size_t i = 0; !err && i < verdict->n_rejected; i++) {
		const struct outbox_rejection *r = &d->receipt.rejected[verdict->rejected[i]];
		err = store_park(store, r->seq, r->reason, wall_ms);
	}
	for (size_t i = 0; !err && i < verdict->n_also; i++)
		err = store_receipt_one(store, verdict->also[i], wall_ms);
	for (int lane = 0; !err && lane < OUTBOX_LANES; lane++) {
		if (!verdict->through[lane])
			continue;
		n = 0;
		err = store_receipt_through(store, lane == OUTBOX_LANE_S1, verdict->through[lane], wall_ms,
					    &n);
		n_receipted += n;
	}
	if (!err)
		err = store_prune_events(store, DELIVERY_KEEP_ROWS, wall_ms - DELIVERY_KEEP_MS, &n);
	if (err) {
		store_abort(store);
		return err;
	}
	err = store_commit(store);
	if (!err)
		d->state.receipted += n_receipted;
	return err;
}

static void on_receipt(struct delivery *d, const void *payload, size_t len)
{
	struct outbox_verdict verdict;
	enum wy_err err = receive_receipt(payload, len, &d->receipt);

	if (err) {
		log_line(LOG_WARNING, "receipt_unreadable", "bytes=%zu", len);
		return;
	}
	outbox_receipt(&d->outbox, &d->receipt.receipt, &verdict);
	if (verdict.is_foreign || verdict.is_ahead)
		log_line(LOG_WARNING, "receipt_odd", "why=\"%s\" epoch=%llx through=%llu",
			 verdict.is_foreign ? "for another epoch" : "for events that were never sent",
			 (unsigned long long)d->receipt.receipt.epoch,
			 (unsigned long long)d->receipt.receipt.through);
	if (verdict.is_foreign)
		return;
	for (size_t i = 0; i < verdict.n_rejected; i++) {
		const struct outbox_rejection *r = &d->receipt.rejected[verdict.rejected[i]];
		d->state.rejected++;
		log_line(LOG_ERROR, "event_rejected", "seq=%llu why=\"%s\" next=\"parked; the queue goes on\"",
			 (unsigned long long)r->seq, r->reason);
	}
	err = write_verdict(d, &verdict, clock_now(d->parts.clock).wall_ms);
	if (err) {
		(void)is_fine(d, "keeping a receipt; the events are sent again", err);
		outbox_rewind(&d->outbox);
		return;
	}
	d->state.receipt_ms = now_ms(d);
}

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
	} rows[] = {{"receipt", on_receipt}, {"ticket", on_work}};
	struct delivery *d = arg;
	size_t base = strlen(d->down_base);

	if (strncmp(topic, d->down_base, base) != 0)
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(topic + base, rows[i].topic) == 0)
			rows[i].take(d, payload, len);
}

/* ---- Life ---------------------------------------------------------------------------------------- */

enum wy_err delivery_open(struct delivery *d, struct wy_buf *words)
{
	const struct config_uplink *settings = &d->parts.config->uplink;
	char receipt[TOPIC_SIZE], ticket[TOPIC_SIZE];
	struct wy_buf buf;

	wy_buf_init(&buf, receipt, sizeof(receipt));
	wy_buf_addf(&buf, "%sreceipt", d->down_base);
	wy_buf_init(&buf, ticket, sizeof(ticket));
	wy_buf_addf(&buf, "%sticket", d->down_base);
	const char *const topics[] = {receipt, ticket, NULL};
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
		.session_expiry_s = 86400,
		.will_topic = d->state_topic,
		.will_delay_s = 30,
		.subscribe = topics,
	};
	struct uplink_handler handler = {prepare, on_up, on_down, on_sent, on_message, d};
	d->state.words[0] = '\0';
	enum wy_err err = uplink_open(&conf, &handler, d->parts.seed, words, &d->uplink);
	if (err) {
		wy_buf_init(&buf, d->state.words, sizeof(d->state.words));
		wy_buf_add(&buf, words->len ? words->text : wy_err_text(err));
	}
	return err;
}

int delivery_fd(const struct delivery *d)
{
	return uplink_fd(d->uplink);
}

wy_ms delivery_dispatch(struct delivery *d)
{
	wy_ms uplink_ms = uplink_dispatch(d->uplink, now_ms(d));
	wy_ms outbox_ms = delivery_pump(d);

	return uplink_ms < outbox_ms ? uplink_ms : outbox_ms;
}

void delivery_close(struct delivery *d)
{
	char text[STATE_BYTES];

	if (!d || !d->uplink)
		return;
	struct uplink_message death = {.topic = d->state_topic, .payload = text, .qos = 1, .retain = true,
				       .content_type = "application/cloudevents+json",
				       .token = TOKEN_BIRTH};
	enum wy_err err = state_document(d, true, "stop", text, &death.len);
	uplink_close(d->uplink, err ? NULL : &death, DELIVERY_CLOSE_MS);
	d->uplink = NULL;
}

bool delivery_is_broken(const struct delivery *d)
{
	return d->is_broken;
}

struct delivery_state delivery_state(const struct delivery *d)
{
	struct delivery_state state = d->state;

	state.unconfirmed_ms = outbox_unconfirmed_ms(&d->outbox, now_ms(d));
	if (d->uplink)
		state.counts = uplink_counts(d->uplink);
	return state;
}
