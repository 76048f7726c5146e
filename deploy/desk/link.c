/* link.c: Paho's MQTTAsync, kept to what it does well. Its own reconnect and its own store stay off:
 * we want to see each attempt, and a message that was not receipted will be sent again anyway.
 *
 * Callbacks come from Paho's threads. They change `phase` and wake the main loop by an eventfd;
 * whatever needs deciding is decided in link_step. */
#include "link.h"

#include <MQTTAsync.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "say.h"

#define KEEPALIVE_S 20
#define CONNECT_WAIT_S 10
#define PHASE_WAIT_MS 20000    /* connecting or subscribing for longer is as good as failed */
#define SESSION_EXPIRY_S 86400 /* what the broker keeps for us while we are away */
#define RETRY_FIRST_MS 500
#define RETRY_MOST_MS 10000
#define GOODBYE_MS 2000
#define TOPIC_SIZE 64

static const char *const CHANNELS[] = {"ticket", "audit", "state", "reply"};
#define N_CHANNELS (sizeof CHANNELS / sizeof *CHANNELS)

enum phase { PHASE_DOWN, PHASE_CONNECTING, PHASE_SUBSCRIBING, PHASE_UP, PHASE_REFUSED };

struct link {
	struct link_options options;
	char uri[300];
	MQTTAsync client;
	int wake_fd;
	_Atomic int phase;
	_Atomic unsigned subscriptions_left;
	atomic_bool is_gone; /* the goodbye is through */
	wy_ms retry_at_ms, retry_wait_ms, phase_until_ms;
	int seen_phase; /* by link_step */
};

static void set_phase(struct link *link, enum phase phase)
{
	uint64_t one = 1;

	atomic_store(&link->phase, (int)phase);
	if (write(link->wake_fd, &one, sizeof one) < 0)
		return; /* the counter is full: the loop is awake */
}

static void on_lost(void *arg, char *cause)
{
	say("link_lost", "cause=\"%s\"", cause ? cause : "");
	set_phase(arg, PHASE_DOWN);
}

static void on_connect_failed(void *arg, MQTTAsync_failureData5 *data)
{
	say("link_failed", "code=%d reason=%d (%s) text=\"%s\"", data->code, (int)data->reasonCode,
	    data->reasonCode ? MQTTReasonCode_toString(data->reasonCode) : "",
	    data->message ? data->message : "");
	set_phase(arg, PHASE_DOWN);
}

static void on_connect_failed_4(void *arg, MQTTAsync_failureData *data)
{
	say("link_failed", "code=%d text=\"%s\"", data->code, data->message ? data->message : "");
	set_phase(arg, PHASE_DOWN);
}

static int on_tls_error(const char *text, size_t len, void *arg)
{
	(void)arg;
	while (len > 0 && text[len - 1] == '\n')
		len--;
	say("tls_error", "text=\"%.*s\"", (int)len, text);
	return 1;
}

/* Paho reports a single refused topic as success: the reason code tells. */
static void note_subscription(struct link *link, int reason)
{
	if (reason >= MQTTREASONCODE_UNSPECIFIED_ERROR) {
		say("subscription_refused", "reason=%d (%s)", reason,
		    MQTTReasonCode_toString((enum MQTTReasonCodes)reason));
		set_phase(link, PHASE_REFUSED);
		return;
	}
	if (atomic_fetch_sub(&link->subscriptions_left, 1) == 1 &&
	    atomic_load(&link->phase) == PHASE_SUBSCRIBING)
		set_phase(link, PHASE_UP);
}

static void on_subscribed(void *arg, MQTTAsync_successData5 *data)
{
	note_subscription(arg, (int)data->reasonCode);
}

static void on_subscribed_4(void *arg, MQTTAsync_successData *data)
{
	note_subscription(arg, data->alt.qos); /* 0x80: refused */
}

static void on_subscribe_failed(void *arg, MQTTAsync_failureData5 *data)
{
	say("subscription_refused", "code=%d reason=%d", data->code, (int)data->reasonCode);
	set_phase(arg, PHASE_REFUSED);
}

static void on_subscribe_failed_4(void *arg, MQTTAsync_failureData *data)
{
	say("subscription_refused", "code=%d", data->code);
	set_phase(arg, PHASE_REFUSED);
}

static bool subscribe(struct link *link, const char *shard)
{
	for (size_t i = 0; i < N_CHANNELS; i++) {
		MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
		char topic[TOPIC_SIZE];

		options.context = link;
		if (link->options.protocol == 5) {
			options.onSuccess5 = on_subscribed;
			options.onFailure5 = on_subscribe_failed;
		} else {
			options.onSuccess = on_subscribed_4;
			options.onFailure = on_subscribe_failed_4;
		}
		snprintf(topic, sizeof topic, "weiyu/v1/up/%s/+/%s", shard, CHANNELS[i]);
		if (MQTTAsync_subscribe(link->client, topic, 1, &options) != MQTTASYNC_SUCCESS)
			return false;
	}
	return true;
}

static void subscribe_all(struct link *link)
{
	unsigned first = link->options.shard_first, last = link->options.shard_last;
	bool is_all = first == 0 && last == 255, is_sent = true;

	atomic_store(&link->subscriptions_left,
		     (is_all ? 1u : last - first + 1) * (unsigned)N_CHANNELS);
	if (is_all)
		is_sent = subscribe(link, "+");
	for (unsigned shard = first; !is_all && is_sent && shard <= last; shard++) {
		char hex[8];

		snprintf(hex, sizeof hex, "%02x", shard);
		is_sent = subscribe(link, hex);
	}
	if (!is_sent)
		set_phase(link, PHASE_REFUSED);
}

static void go_on_connected(struct link *link)
{
	if (!link->options.is_listening) {
		set_phase(link, PHASE_UP);
		return;
	}
	set_phase(link, PHASE_SUBSCRIBING);
	subscribe_all(link);
}

static void on_connected(void *arg, MQTTAsync_successData5 *data)
{
	(void)data;
	go_on_connected(arg);
}

static void on_connected_4(void *arg, MQTTAsync_successData *data)
{
	(void)data;
	go_on_connected(arg);
}

/* One that is too long for its place is none of ours. */
static void copy_hint(const MQTTProperty *property, const char *name, char *out, size_t size)
{
	const MQTTLenString *key = &property->value.data, *value = &property->value.value;

	if ((size_t)key->len != strlen(name) || memcmp(key->data, name, (size_t)key->len) != 0 ||
	    (size_t)value->len >= size)
		return;
	memcpy(out, value->data, (size_t)value->len);
	out[value->len] = '\0';
}

static int on_arrived(void *arg, char *topic, int topic_len, MQTTAsync_message *message)
{
	const struct link *link = arg;
	struct event_hint hint = {.is_retained = message->retained != 0};

	for (int i = 0; i < message->properties.count; i++) {
		const MQTTProperty *property = &message->properties.array[i];

		if (property->identifier != MQTTPROPERTY_CODE_USER_PROPERTY)
			continue;
		copy_hint(property, "id", hint.id, sizeof hint.id);
		copy_hint(property, "instance", hint.instance, sizeof hint.instance);
	}
	/* topic_len is 0 unless the topic holds a NUL, which no topic of ours does */
	if (topic_len == 0 || (size_t)topic_len == strlen(topic))
		link->options.on_message(link->options.arg, topic, message->payload,
					 (size_t)message->payloadlen, &hint);
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1;
}

void link_begin_process(void)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

enum wy_err link_new(const struct link_options *options, struct link **ret_link)
{
	MQTTAsync_createOptions create_5 = MQTTAsync_createOptions_initializer5;
	MQTTAsync_createOptions create_4 = MQTTAsync_createOptions_initializer;
	struct link *link = calloc(1, sizeof *link);

	if (!link)
		return WY_E_NOMEM;
	link->options = *options;
	link->retry_wait_ms = RETRY_FIRST_MS;
	link->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	snprintf(link->uri, sizeof link->uri, "%s://%s:%u", options->ca ? "ssl" : "tcp",
		 options->host, (unsigned)options->port);
	if (link->wake_fd < 0 ||
	    MQTTAsync_createWithOptions(&link->client, link->uri, options->client_id,
					MQTTCLIENT_PERSISTENCE_NONE, NULL,
					options->protocol == 5 ? &create_5 : &create_4) !=
		    MQTTASYNC_SUCCESS) {
		link_free(link);
		return WY_E_LINK;
	}
	MQTTAsync_setConnectionLostCallback(link->client, link, on_lost);
	MQTTAsync_setMessageArrivedCallback(link->client, link, on_arrived);
	*ret_link = link;
	return WY_OK;
}

static MQTTAsync_SSLOptions tls_of(const struct link *link)
{
	MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;

	tls.trustStore = link->options.ca;
	tls.keyStore = link->options.cert;
	tls.privateKey = link->options.key;
	tls.enableServerCertAuth = 1;
	tls.verify = 1; /* the host name; Paho's default is not to look */
	tls.sslVersion = MQTT_SSL_VERSION_TLS_1_2;
	tls.ssl_error_cb = on_tls_error;
	return tls;
}

static int connect_5(struct link *link, MQTTAsync_SSLOptions *tls)
{
	MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer5;
	MQTTProperties properties = MQTTProperties_initializer;
	MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL};

	expiry.value.integer4 = SESSION_EXPIRY_S;
	if (link->options.is_listening)
		MQTTProperties_add(&properties, &expiry);
	connect.ssl = tls;
	connect.connectProperties = &properties;
	connect.cleanstart = link->options.is_listening ? 0 : 1;
	connect.keepAliveInterval = KEEPALIVE_S;
	connect.connectTimeout = CONNECT_WAIT_S;
	connect.automaticReconnect = 0;
	connect.onSuccess5 = on_connected;
	connect.onFailure5 = on_connect_failed;
	connect.context = link;
	int code = MQTTAsync_connect(link->client, &connect);
	MQTTProperties_free(&properties);
	return code;
}

/* How long the broker keeps the session is its own affair here. */
static int connect_4(struct link *link, MQTTAsync_SSLOptions *tls)
{
	MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer;

	connect.ssl = tls;
	connect.MQTTVersion = MQTTVERSION_3_1_1;
	connect.cleansession = link->options.is_listening ? 0 : 1;
	connect.keepAliveInterval = KEEPALIVE_S;
	connect.connectTimeout = CONNECT_WAIT_S;
	connect.automaticReconnect = 0;
	connect.onSuccess = on_connected_4;
	connect.onFailure = on_connect_failed_4;
	connect.context = link;
	return MQTTAsync_connect(link->client, &connect);
}

static bool start_connecting(struct link *link)
{
	MQTTAsync_SSLOptions tls = tls_of(link);
	MQTTAsync_SSLOptions *used = link->options.ca ? &tls : NULL;

	atomic_store(&link->phase, PHASE_CONNECTING);
	int code = link->options.protocol == 5 ? connect_5(link, used) : connect_4(link, used);
	if (code != MQTTASYNC_SUCCESS)
		say("link_failed", "code=%d (%s)", code, MQTTAsync_strerror(code));
	return code == MQTTASYNC_SUCCESS;
}

static void drop_connection(struct link *link)
{
	MQTTAsync_disconnectOptions options_5 = MQTTAsync_disconnectOptions_initializer5;
	MQTTAsync_disconnectOptions options_4 = MQTTAsync_disconnectOptions_initializer;
	MQTTAsync_disconnectOptions options = link->options.protocol == 5 ? options_5 : options_4;

	if (MQTTAsync_disconnect(link->client, &options) != MQTTASYNC_SUCCESS)
		return; /* was not connected */
}

static void plan_retry(struct link *link, wy_ms now_ms)
{
	link->retry_at_ms = now_ms + link->retry_wait_ms;
	link->retry_wait_ms *= 2;
	if (link->retry_wait_ms > RETRY_MOST_MS)
		link->retry_wait_ms = RETRY_MOST_MS;
}

/* What a change of phase, made by a callback, asks for. */
static void enter_phase(struct link *link, int phase, wy_ms now_ms)
{
	link->phase_until_ms = now_ms + PHASE_WAIT_MS;
	if (phase == PHASE_UP) {
		link->retry_wait_ms = RETRY_FIRST_MS;
		say("ready", "broker=%s:%u shards=%02x-%02x", link->options.host,
		    (unsigned)link->options.port, link->options.shard_first,
		    link->options.shard_last);
	}
	if (phase == PHASE_REFUSED) {
		drop_connection(link);
		atomic_store(&link->phase, PHASE_DOWN);
	}
	if (phase == PHASE_DOWN || phase == PHASE_REFUSED)
		plan_retry(link, now_ms);
}

wy_ms link_step(struct link *link, wy_ms now_ms)
{
	uint64_t count;
	int phase;

	while (read(link->wake_fd, &count, sizeof count) > 0)
		continue;
	phase = atomic_load(&link->phase);
	if (phase != link->seen_phase)
		enter_phase(link, phase, now_ms);
	phase = atomic_load(&link->phase);
	if ((phase == PHASE_CONNECTING || phase == PHASE_SUBSCRIBING) &&
	    now_ms >= link->phase_until_ms) {
		say("link_failed", "the broker does not answer");
		drop_connection(link);
		atomic_store(&link->phase, PHASE_DOWN);
		plan_retry(link, now_ms);
		phase = PHASE_DOWN;
	}
	link->seen_phase = phase;
	if (phase == PHASE_DOWN && now_ms >= link->retry_at_ms) {
		link->phase_until_ms = now_ms + PHASE_WAIT_MS;
		link->seen_phase = PHASE_CONNECTING;
		if (!start_connecting(link)) {
			atomic_store(&link->phase, PHASE_DOWN);
			link->seen_phase = PHASE_DOWN;
			plan_retry(link, now_ms);
		}
	}
	return 200;
}

int link_fd(const struct link *link)
{
	return link->wake_fd;
}

bool link_is_up(const struct link *link)
{
	return atomic_load(&link->phase) == PHASE_UP;
}

struct publish {
	link_done_fn *done;
	void *arg;
};

static void on_published(void *arg, MQTTAsync_successData5 *data)
{
	struct publish *publish = arg;

	publish->done(publish->arg, (int)data->reasonCode);
	free(publish);
}

static void on_publish_failed(void *arg, MQTTAsync_failureData5 *data)
{
	struct publish *publish = arg;

	publish->done(publish->arg, data->reasonCode ? (int)data->reasonCode : -1);
	free(publish);
}

/* 3.1.1 does not tell a refusal: every PUBACK looks like delivery. */
static void on_published_4(void *arg, MQTTAsync_successData *data)
{
	struct publish *publish = arg;

	(void)data;
	publish->done(publish->arg, 0);
	free(publish);
}

static void on_publish_failed_4(void *arg, MQTTAsync_failureData *data)
{
	struct publish *publish = arg;

	(void)data;
	publish->done(publish->arg, -1);
	free(publish);
}

static void hear_fate(const struct link *link, MQTTAsync_responseOptions *options, struct publish *publish)
{
	options->context = publish;
	if (link->options.protocol == 5) {
		options->onSuccess5 = on_published;
		options->onFailure5 = on_publish_failed;
	} else {
		options->onSuccess = on_published_4;
		options->onFailure = on_publish_failed_4;
	}
}

static bool add_properties(MQTTProperties *properties, uint32_t expiry_s)
{
	static char json[] = "application/cloudevents+json";
	MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL};
	MQTTProperty type = {.identifier = MQTTPROPERTY_CODE_CONTENT_TYPE};

	expiry.value.integer4 = expiry_s;
	type.value.data.data = json;
	type.value.data.len = (int)sizeof json - 1;
	return MQTTProperties_add(properties, &expiry) == 0 &&
	       MQTTProperties_add(properties, &type) == 0;
}

enum wy_err link_publish(struct link *link, const char *topic, const char *payload, uint32_t expiry_s,
			 link_done_fn *done, void *arg)
{
	MQTTAsync_message message = MQTTAsync_message_initializer;
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
	struct publish *publish = NULL;
	int code;

	/* not link_is_up: a resumed session delivers before the subscriptions are confirmed */
	if (!MQTTAsync_isConnected(link->client))
		return WY_E_LINK;
	if (done) {
		publish = malloc(sizeof *publish);
		if (!publish)
			return WY_E_NOMEM;
		*publish = (struct publish){done, arg};
		hear_fate(link, &options, publish);
	}
	message.payload = (void *)(uintptr_t)payload; /* Paho copies it and changes nothing */
	message.payloadlen = (int)strlen(payload);
	message.qos = 1;
	if (link->options.protocol == 5 && !add_properties(&message.properties, expiry_s)) {
		MQTTProperties_free(&message.properties);
		free(publish);
		return WY_E_NOMEM;
	}
	code = MQTTAsync_sendMessage(link->client, topic, &message, &options);
	MQTTProperties_free(&message.properties);
	if (code == MQTTASYNC_SUCCESS)
		return WY_OK;
	free(publish);
	return WY_E_LINK;
}

static void on_gone(void *arg, MQTTAsync_successData5 *data)
{
	(void)data;
	atomic_store(&((struct link *)arg)->is_gone, true);
}

static void on_not_gone(void *arg, MQTTAsync_failureData5 *data)
{
	(void)data;
	atomic_store(&((struct link *)arg)->is_gone, true);
}

static void on_gone_4(void *arg, MQTTAsync_successData *data)
{
	(void)data;
	atomic_store(&((struct link *)arg)->is_gone, true);
}

static void on_not_gone_4(void *arg, MQTTAsync_failureData *data)
{
	(void)data;
	atomic_store(&((struct link *)arg)->is_gone, true);
}

/* Waits for the callback, not for isConnected: destroying earlier leaks the TLS session. */
static void say_goodbye(struct link *link)
{
	MQTTAsync_disconnectOptions options_5 = MQTTAsync_disconnectOptions_initializer5;
	MQTTAsync_disconnectOptions options_4 = MQTTAsync_disconnectOptions_initializer;
	MQTTAsync_disconnectOptions options = link->options.protocol == 5 ? options_5 : options_4;

	options.timeout = GOODBYE_MS;
	options.context = link;
	if (link->options.protocol == 5) {
		options.onSuccess5 = on_gone;
		options.onFailure5 = on_not_gone;
	} else {
		options.onSuccess = on_gone_4;
		options.onFailure = on_not_gone_4;
	}
	if (MQTTAsync_disconnect(link->client, &options) != MQTTASYNC_SUCCESS)
		return;
	for (int i = 0; i < 2 * GOODBYE_MS / 10 && !atomic_load(&link->is_gone); i++)
		usleep(10000);
}

void link_free(struct link *link)
{
	if (!link)
		return;
	if (link->client) {
		say_goodbye(link);
		MQTTAsync_destroy(&link->client);
	}
	if (link->wake_fd >= 0)
		close(link->wake_fd);
	free(link);
}
