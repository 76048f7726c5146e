/* uplink.c: the life of the connection: wait, connect, subscribe, up, and down again.
 *
 * One state, one session at a time, and the table of tokens that wait for their fate. Everything
 * here runs in the loop thread; what Paho's threads saw is taken from the inbox in uplink_dispatch.
 *
 * The order at the end of a session matters: end it (after that nothing new can arrive), take what
 * had arrived (a PUBACK that made it is a PUBACK), give LOST to what is still open, and only then
 * say down. */
#define _POSIX_C_SOURCE 200809L

#include "uplink.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "backoff.h"
#include "inbox.h"
#include "session.h"
#include "tls_time.h"
#include "tls_words.h"

#define CONNECT_TIMEOUT_MS 15000 /* TCP, TLS and CONNACK; Paho looks every 3 s */
#define ATTEMPT_MOST_MS 300000 /* Paho did not even report a timeout. Giving up waits for a resolver that hangs: not before that is through */
#define SUBSCRIBE_TIMEOUT_MS 15000
#define CUT_MOST_MS 1000 /* between the client's refusal and the news of why the line is cut: the turn of one of its threads */
#define MUTE_MOST 2 /* hang-ups without a word before 3.1.1 is tried */

enum state { STATE_WAITING, STATE_CONNECTING, STATE_SUBSCRIBING, STATE_UP, STATE_CLOSING };

struct token {
	uint64_t token;
	bool is_open;
	bool is_own; /* the last message of close: nobody hears of it */
};

struct uplink {
	struct uplink_conf conf; /* texts owned; see copies */
	const char *topics[WY_UPLINK_TOPICS_MAX + 1];
	char *copies; /* one block for all texts */
	struct uplink_handler handler;
	struct uplink_backoff backoff;
	struct inbox inbox;
	void *anchor;
	struct session *session;
	struct uplink_session granted;
	enum state state;
	bool is_started;
	bool has_left;
	wy_ms due_ms; /* WAITING: when to try; CONNECTING, SUBSCRIBING: when to give up; UP: NEVER, or, once the client
			 found the line cut, how long to wait for the reason */
	wy_ms now_ms; /* of the running dispatch */
	wy_ms up_since_ms;
	wy_ms progress_ms; /* last completion, or when the first of the open tokens was sent */
	int protocol;	   /* of the next attempt */
	unsigned mutes;	   /* hang-ups without a word in a row */
	bool has_spoken_5; /* this broker does MQTT 5: a hang-up is not about the version */
	bool is_hurried;   /* somebody waits for the attempt under way, or for the one after it */
	struct token tokens[INBOX_SLOTS];
	unsigned n_open;
	struct uplink_counts counts;
};

/* ---- configuration ---- */

static bool is_host(const char *host)
{
	size_t len = host ? strlen(host) : 0;

	return len > 0 && len <= 253 &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
		       len;
}

static size_t count_topics(const char *const *topics)
{
	size_t n = 0;

	while (topics && topics[n])
		n++;
	return n;
}

static enum wy_err say(struct wy_buf *words, enum wy_err err, const char *text)
{
	wy_buf_add(words, text);
	return err;
}

enum wy_err uplink_check(const struct uplink_conf *conf, struct wy_buf *words)
{
	if (!is_host(conf->host))
		return say(words, WY_E_INVALID,
			   "host: a name or an IPv4 address is expected (for IPv6 use a name)");
	if (conf->port == 0)
		return say(words, WY_E_INVALID, "port: 1 to 65535");
	if (conf->server_name && strcmp(conf->server_name, conf->host) != 0)
		return say(
			words, WY_E_UNSUPPORTED,
			"server_name: must equal host, because the certificate is checked for the "
			"name that is dialled; "
			"put this name into host and, where DNS does not know it, into /etc/hosts");
	if (!conf->ca || !conf->certificate || !conf->key)
		return say(words, WY_E_INVALID, "ca, certificate and key: all three are needed");
	if (!conf->client_id || conf->client_id[0] == '\0')
		return say(words, WY_E_INVALID, "client id: missing");
	if (conf->keepalive_ms < 1000 || conf->keepalive_ms > 65535000)
		return say(words, WY_E_INVALID, "keepalive: 1s to 18h");
	if (conf->retry_first_ms < 1 || conf->retry_most_ms < conf->retry_first_ms)
		return say(words, WY_E_INVALID,
			   "retry_first: more than 0 and not above retry_most");
	if (conf->session_expiry_s > INT32_MAX)
		return say(words, WY_E_INVALID, "session expiry: below 2^31 seconds");
	if (count_topics(conf->subscribe) > WY_UPLINK_TOPICS_MAX)
		return say(words, WY_E_LIMIT, "subscribe: too many topics");
	return WY_OK;
}

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static const char *copy_to(char **at, const char *text)
{
	size_t size = size_of(text);
	const char *copy = *at;

	if (!text)
		return NULL;
	memcpy(*at, text, size);
	*at += size;
	return copy;
}

static enum wy_err copy_conf(struct uplink *u, const struct uplink_conf *conf)
{
	size_t n_topics = count_topics(conf->subscribe);
	size_t size = size_of(conf->host) + size_of(conf->ca) + size_of(conf->certificate) +
		      size_of(conf->key) + size_of(conf->client_id) + size_of(conf->will_topic);
	char *at;

	for (size_t i = 0; i < n_topics; i++)
		size += size_of(conf->subscribe[i]);
	u->copies = malloc(size);
	if (!u->copies)
		return WY_E_NOMEM;
	at = u->copies;
	u->conf = *conf;
	u->conf.host = u->conf.server_name = copy_to(&at, conf->host);
	u->conf.ca = copy_to(&at, conf->ca);
	u->conf.certificate = copy_to(&at, conf->certificate);
	u->conf.key = copy_to(&at, conf->key);
	u->conf.client_id = copy_to(&at, conf->client_id);
	u->conf.will_topic = copy_to(&at, conf->will_topic);
	for (size_t i = 0; i < n_topics; i++)
		u->topics[i] = copy_to(&at, conf->subscribe[i]);
	u->conf.subscribe = u->topics;
	return WY_OK;
}

/* ---- tokens ---- */

static unsigned free_slot(const struct uplink *u)
{
	unsigned i = 0;

	while (i < INBOX_SLOTS && u->tokens[i].is_open)
		i++;
	return i;
}

static void count_fate(struct uplink *u, enum uplink_fate fate)
{
	switch (fate) {
	case UPLINK_FATE_TAKEN:
		u->counts.taken++;
		return;
	case UPLINK_FATE_NO_SUBSCRIBER:
		u->counts.no_subscriber++;
		return;
	case UPLINK_FATE_REFUSED:
		u->counts.refused++;
		return;
	case UPLINK_FATE_LOST:
		u->counts.unsure++;
		return;
	}
}

/* The one place where a token meets its fate. */
static void settle(struct uplink *u, unsigned slot, enum uplink_fate fate, uint8_t reason)
{
	struct token was = u->tokens[slot];

	if (!was.is_open)
		return;
	u->tokens[slot].is_open = false;
	u->n_open--;
	u->progress_ms = u->now_ms;
	count_fate(u, fate);
	if (!was.is_own)
		u->handler.sent(u->handler.arg, was.token, fate, reason);
}

static void settle_all_lost(struct uplink *u)
{
	for (unsigned i = 0; i < INBOX_SLOTS; i++)
		settle(u, i, UPLINK_FATE_LOST, 0);
}

static void hand_over(struct uplink *u, struct inbox_record *record)
{
	size_t len;
	const void *payload = session_payload(record, &len);

	u->counts.received++;
	u->handler.message(u->handler.arg, record->topic, payload, len);
	session_free_message(record);
}

/* ---- down ---- */

/* Ends the session and settles everything of it. */
static void wind_up(struct uplink *u)
{
	struct inbox_record record;
	struct inbox_cause stale;

	session_end(u->session);
	u->session = NULL;
	while (inbox_take(&u->inbox, &record)) {
		if (record.event == INBOX_ACK)
			settle(u, record.slot, record.fate, record.reason);
		else if (record.event == INBOX_MESSAGE && u->state != STATE_CLOSING)
			hand_over(u, &record);
		else
			session_free_message(&record);
	}
	settle_all_lost(u);
	inbox_cause(&u->inbox, &stale);
}

/* MQTT 3.1.1 is a step down and is taken only when there is reason to believe that the broker knows
 * no better; each attempt after a 3.1.1 one is made with 5 again. */
static void choose_version(struct uplink *u, const struct inbox_cause *cause)
{
	int tried = u->protocol;

	u->mutes = cause->is_mute && tried == 5 ? u->mutes + 1 : 0;
	u->protocol = 5;
	if (tried == 5 && (cause->is_version || (u->mutes >= MUTE_MOST && !u->has_spoken_5)))
		u->protocol = 4;
}

/* After an attempt that failed; the bound of the waits grows all the same. */
static wy_ms next_wait(struct uplink *u)
{
	wy_ms wait_ms = uplink_backoff_next(&u->backoff);
	bool is_hurried = u->is_hurried && wait_ms > UPLINK_HURRY_MS;

	u->is_hurried = false;
	return is_hurried ? uplink_backoff_spread(&u->backoff, UPLINK_HURRY_MS) : wait_ms;
}

static void go_down(struct uplink *u, const struct inbox_cause *cause)
{
	bool was_up = u->state == STATE_UP;
	wy_ms wait_ms;

	u->state = STATE_WAITING; /* first, so that no callback publishes into the ending session */
	u->due_ms = WY_MS_NEVER;
	wind_up(u);
	if (was_up) {
		u->counts.lost++;
		/* One who takes our place gets ours back otherwise as soon as he waited long enough himself. */
		if (cause->cause != UPLINK_CAUSE_TAKEN_OVER)
			uplink_backoff_ended(&u->backoff, u->now_ms - u->up_since_ms);
	}
	choose_version(u, cause);
	wait_ms = next_wait(u);
	u->due_ms = u->now_ms + wait_ms;
	u->handler.down(u->handler.arg, cause->cause, cause->words, wait_ms);
}

static void go_down_because(struct uplink *u, enum uplink_cause why, const char *words)
{
	struct inbox_cause cause = {.is_set = true, .cause = why};
	struct wy_buf buf;

	wy_buf_init(&buf, cause.words, sizeof cause.words);
	wy_buf_add(&buf, words);
	go_down(u, &cause);
}

/* ---- up ---- */

static void attempt(struct uplink *u)
{
	char text[INBOX_WORDS_MAX];
	struct wy_buf words;
	struct session_start start = {.conf = &u->conf,
				      .protocol = u->protocol,
				      .connect_timeout_ms = CONNECT_TIMEOUT_MS,
				      .inbox = &u->inbox};

	u->counts.attempts++;
	wy_buf_init(&words, text, sizeof text);
	if (tls_files_check(u->conf.ca, u->conf.certificate, u->conf.key, &words) != WY_OK) {
		go_down_because(u, UPLINK_CAUSE_LOCAL, text);
		return;
	}
	if (u->conf.will_topic &&
	    u->handler.prepare(u->handler.arg, &start.will, &start.will_len) != WY_OK) {
		go_down_because(u, UPLINK_CAUSE_LOCAL, "the will could not be prepared");
		return;
	}
	if (session_open(&start, &u->session) != WY_OK) {
		go_down_because(u, UPLINK_CAUSE_LOCAL, "no client could be made");
		return;
	}
	u->state = STATE_CONNECTING;
	u->due_ms = u->now_ms + ATTEMPT_MOST_MS;
}

static void go_up(struct uplink *u)
{
	u->state = STATE_UP;
	u->due_ms = WY_MS_NEVER;
	u->up_since_ms = u->progress_ms = u->now_ms;
	u->mutes = 0;
	u->is_hurried = false;
	u->has_spoken_5 = u->has_spoken_5 || u->granted.protocol == 5;
	u->counts.sessions++;
	u->handler.up(u->handler.arg, &u->granted);
}

static void on_connected(struct uplink *u, const struct uplink_session *session)
{
	u->granted = *session;
	u->granted.window = session->receive_maximum < WY_UPLINK_WINDOW ? session->receive_maximum
									: WY_UPLINK_WINDOW;
	if (!u->topics[0]) {
		go_up(u);
		return;
	}
	u->state = STATE_SUBSCRIBING;
	u->due_ms = u->now_ms + SUBSCRIBE_TIMEOUT_MS;
	if (session_subscribe(u->session, u->topics) != WY_OK)
		go_down_because(u, UPLINK_CAUSE_LOST,
				"the connection ended before the subscription");
}

static void on_ended(struct uplink *u)
{
	struct inbox_cause cause;

	inbox_cause(&u->inbox, &cause);
	if (cause.is_set && u->session)
		go_down(u, &cause);
}

static void act_on(struct uplink *u, struct inbox_record *record)
{
	switch (record->event) {
	case INBOX_CONNECTED:
		if (u->state == STATE_CONNECTING)
			on_connected(u, &record->session);
		return;
	case INBOX_SUBSCRIBED:
		if (u->state == STATE_SUBSCRIBING)
			go_up(u);
		return;
	case INBOX_ENDED:
		on_ended(u);
		return;
	case INBOX_ACK:
		settle(u, record->slot, record->fate, record->reason);
		return;
	case INBOX_MESSAGE:
		hand_over(u, record);
		return;
	case INBOX_LEFT:
		return;
	}
}

/* ---- time ---- */

/* Nothing completed for so long, with something open: the connection stands and does not work. */
static wy_ms stall_due(const struct uplink *u)
{
	return u->n_open > 0 ? u->progress_ms + u->conf.keepalive_ms * 5 / 2 : WY_MS_NEVER;
}

static wy_ms next_due(const struct uplink *u)
{
	wy_ms stall_ms = u->state == STATE_UP ? stall_due(u) : WY_MS_NEVER;

	return stall_ms < u->due_ms ? stall_ms : u->due_ms;
}

static bool is_cut(const struct uplink *u)
{
	return u->state == STATE_UP && u->due_ms != WY_MS_NEVER;
}

static void run_due(struct uplink *u)
{
	if (u->now_ms < next_due(u))
		return;
	switch (u->state) {
	case STATE_WAITING:
		attempt(u);
		return;
	case STATE_CONNECTING:
		go_down_because(u, UPLINK_CAUSE_UNREACHABLE, "no answer to the attempt to connect");
		return;
	case STATE_SUBSCRIBING:
		go_down_because(u, UPLINK_CAUSE_STALLED, "no answer to SUBSCRIBE");
		return;
	case STATE_UP:
		if (is_cut(u)) {
			go_down_because(u, UPLINK_CAUSE_LOST, "the connection was found cut");
			return;
		}
		u->counts.stalled++;
		go_down_because(u, UPLINK_CAUSE_STALLED,
				"nothing was completed for 2.5 times the keepalive");
		return;
	case STATE_CLOSING:
		return;
	}
}

wy_ms uplink_dispatch(struct uplink *u, wy_ms now)
{
	struct inbox_record record;
	wy_ms due_ms;

	u->now_ms = now;
	if (!u->is_started) {
		u->is_started = true;
		u->due_ms = now + uplink_backoff_spread(&u->backoff, u->conf.first_wait_ms);
	}
	inbox_quiet(&u->inbox);
	while (inbox_take(&u->inbox, &record))
		act_on(u, &record);
	run_due(u);
	due_ms = next_due(u);
	return due_ms > now ? due_ms : now;
}

/* ---- life ---- */

static enum wy_err open_parts(struct uplink *u, const struct uplink_conf *conf)
{
	enum wy_err err = copy_conf(u, conf);

	return err == WY_OK ? session_anchor_open(&u->anchor) : err;
}

enum wy_err uplink_open(const struct uplink_conf *conf, const struct uplink_handler *handler,
			uint64_t seed, struct wy_buf *words, struct uplink **ret_uplink)
{
	enum wy_err err = uplink_check(conf, words);
	struct uplink *u;

	if (err != WY_OK)
		return err;
	u = calloc(1, sizeof *u);
	if (!u)
		return WY_E_NOMEM;
	err = inbox_init(&u->inbox);
	if (err != WY_OK) {
		free(u);
		return err;
	}
	err = open_parts(u, conf);
	if (err != WY_OK) {
		uplink_close(u, NULL, 0);
		return err;
	}
	u->handler = *handler;
	u->protocol = 5;
	u->due_ms = WY_MS_NEVER;
	uplink_backoff_init(&u->backoff, conf->retry_first_ms, conf->retry_most_ms, seed);
	*ret_uplink = u;
	return WY_OK;
}

void uplink_hurry(struct uplink *u, wy_ms now)
{
	wy_ms bound_ms = uplink_backoff_bound(&u->backoff);
	wy_ms due_ms = now + uplink_backoff_spread(&u->backoff, bound_ms < UPLINK_HURRY_MS ? bound_ms : UPLINK_HURRY_MS);

	if (u->state == STATE_WAITING && u->is_started && due_ms < u->due_ms)
		u->due_ms = due_ms;
	u->is_hurried = u->state == STATE_CONNECTING || u->state == STATE_SUBSCRIBING;
}

wy_ms uplink_due(const struct uplink *u)
{
	return next_due(u);
}

void uplink_judge_from(wy_ms least_wall_ms)
{
	tls_time_set(least_wall_ms);
}

wy_ms uplink_certificate_begins(const char *certificate)
{
	return tls_time_of_file(certificate);
}

int uplink_fd(const struct uplink *u)
{
	return u->inbox.event_fd;
}

bool uplink_is_up(const struct uplink *u)
{
	return u->state == STATE_UP;
}

unsigned uplink_room(const struct uplink *u)
{
	if (u->state != STATE_UP || is_cut(u))
		return 0;
	return u->n_open < u->granted.window ? u->granted.window - u->n_open : 0;
}

struct uplink_counts uplink_counts(const struct uplink *u)
{
	struct uplink_counts counts = u->counts;

	counts.dropped = inbox_dropped((struct inbox *)&u->inbox);
	return counts;
}

/* An upper bound of the packet: what the broker refuses as too large costs the whole connection. */
static size_t packet_size(const struct uplink_message *m)
{
	size_t size = m->len + strlen(m->topic) + 32;

	if (m->content_type)
		size += strlen(m->content_type) + 3;
	for (size_t i = 0; i < m->n_properties; i++)
		size += strlen(m->property[i].name) + strlen(m->property[i].value) + 5;
	return size;
}

static enum wy_err send_in(struct uplink *u, const struct uplink_message *message, unsigned slot,
			   bool is_own)
{
	enum wy_err err = session_send(u->session, message, slot);

	if (err != WY_OK || message->qos == 0)
		return err;
	u->tokens[slot] =
		(struct token){.token = message->token, .is_open = true, .is_own = is_own};
	if (u->n_open++ == 0)
		u->progress_ms = u->now_ms;
	return WY_OK;
}

enum wy_err uplink_publish(struct uplink *u, const struct uplink_message *message)
{
	enum wy_err err;

	if (u->state != STATE_UP || is_cut(u))
		return WY_E_LINK;
	if (message->len > WY_UPLINK_MESSAGE_MAX || packet_size(message) > u->granted.packet_max)
		return WY_E_LIMIT;
	if (message->qos > 0 && uplink_room(u) == 0)
		return WY_E_BUSY;
	err = send_in(u, message, message->qos > 0 ? free_slot(u) : 0, false);
	if (err == WY_OK)
		u->counts.published++;
	if (err == WY_E_LINK)
		u->due_ms = u->now_ms + CUT_MOST_MS;
	return err;
}

/* ---- close ---- */

static void take_while_closing(struct uplink *u)
{
	struct inbox_record record;

	inbox_quiet(&u->inbox);
	while (inbox_take(&u->inbox, &record)) {
		if (record.event == INBOX_ACK)
			settle(u, record.slot, record.fate, record.reason);
		u->has_left =
			u->has_left || record.event == INBOX_LEFT || record.event == INBOX_ENDED;
		session_free_message(&record);
	}
}

static bool is_slot_open(const struct uplink *u, unsigned slot)
{
	return u->tokens[slot].is_open;
}

static bool is_here(const struct uplink *u, unsigned slot)
{
	(void)slot;
	return !u->has_left;
}

/* Waits while `is_pending`, but not beyond the timer, which counts for the whole of close. */
static void wait_while(struct uplink *u, int timer,
		       bool (*is_pending)(const struct uplink *, unsigned), unsigned slot)
{
	struct pollfd fds[2] = {{.fd = u->inbox.event_fd, .events = POLLIN},
				{.fd = timer, .events = POLLIN}};

	take_while_closing(u);
	while (is_pending(u, slot) && !u->has_left) {
		if (poll(fds, 2, -1) < 0)
			continue; /* a signal */
		take_while_closing(u);
		if (fds[1].revents)
			return;
	}
}

static int start_timer(wy_ms deadline_ms)
{
	wy_ms ms = deadline_ms > 0 ? deadline_ms : 1;
	struct itimerspec spec = {
		.it_value = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}};
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (timer >= 0 && timerfd_settime(timer, 0, &spec, NULL) != 0) {
		close(timer);
		return -1;
	}
	return timer;
}

static void say_goodbye(struct uplink *u, const struct uplink_message *last, wy_ms deadline_ms)
{
	int timer = start_timer(deadline_ms);
	unsigned slot = free_slot(u);

	if (timer < 0)
		return;
	if (last && slot < INBOX_SLOTS && send_in(u, last, slot, true) == WY_OK && last->qos > 0)
		wait_while(u, timer, is_slot_open, slot);
	if (!u->has_left && session_leave(u->session, 1) == WY_OK)
		wait_while(u, timer, is_here, 0);
	close(timer);
}

void uplink_close(struct uplink *u, const struct uplink_message *last, wy_ms deadline_ms)
{
	bool was_up;

	if (!u)
		return;
	was_up = u->state == STATE_UP;
	u->state = STATE_CLOSING;
	if (was_up)
		say_goodbye(u, last, deadline_ms);
	wind_up(u);
	session_anchor_close(u->anchor);
	inbox_release(&u->inbox);
	free(u->copies);
	free(u);
}
