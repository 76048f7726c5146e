/* session.c: the only file that includes Paho's header.
 *
 * Every callback runs in a thread of Paho's with Paho's big lock held: it copies what it was told
 * into the inbox and returns. Callbacks come in pairs, for MQTT 5 and for 3.1.1, because Paho wants
 * it so.
 *
 * Facts of Paho 1.3.12 this file leans on: MQTTAsync_destroy takes the big lock, so no callback of
 * a client runs after it; a failure callback may carry an unset reasonCode when its code is not 0.
 */
#define _POSIX_C_SOURCE 200809L

#include "session.h"

#include <MQTTAsync.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_words.h"

#define PACKET_EXTRA 1024u	/* topic and properties of a packet beside its payload */
#define RECEIVE_MAXIMUM_OURS 20 /* messages from above the broker may have unacknowledged */
#define RECEIVE_MAXIMUM_UNTOLD 65535
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20" /* TLS 1.2; those of 1.3 are AEAD anyway */

struct session {
	MQTTAsync client;
	int protocol;
	size_t n_topics;
	const char *const *topics;
	struct inbox *inbox;
	struct session_slot {
		struct session *session;
		unsigned index;
	} slots[INBOX_SLOTS];
};

/* ---- why it ended ---- */

static void end_with(struct session *s, struct inbox_cause *cause, const char *text)
{
	snprintf(cause->words, sizeof cause->words, "%s", text);
	inbox_end(s->inbox, cause);
}

/* code > 0: what CONNACK said. The same numbers mean other things in 3.1.1. */
static void end_refused(struct session *s, int code)
{
	static const char *const words_3[] = {
		"accepted",	      "protocol version not supported", "client id rejected",
		"server unavailable", "bad user name or password",	"not authorized"};
	bool is_known_3 = code < (int)(sizeof words_3 / sizeof *words_3);
	const char *words_5 = MQTTReasonCode_toString((enum MQTTReasonCodes)code);
	struct inbox_cause cause = {
		.cause = UPLINK_CAUSE_REFUSED,
		.is_version = code == 1 || code == MQTTREASONCODE_UNSUPPORTED_PROTOCOL_VERSION,
	};
	char text[INBOX_WORDS_MAX];

	snprintf(text, sizeof text, "the broker refused the connection: %d %s", code,
		 is_known_3 ? words_3[code]
		 : words_5  ? words_5
			    : "");
	end_with(s, &cause, text);
}

static void end_unconnected(struct session *s, int code, const char *message)
{
	char text[INBOX_WORDS_MAX];
	struct wy_buf words;
	bool is_secured;
	struct inbox_cause cause = {.cause = UPLINK_CAUSE_UNREACHABLE};

	wy_buf_init(&words, text, sizeof text);
	if (tls_words_take(&words, &is_secured)) {
		cause.cause = UPLINK_CAUSE_TLS;
		end_with(s, &cause, text);
		return;
	}
	if (code > 0) {
		end_refused(s, code);
		return;
	}
	cause.is_mute = is_secured;
	/* With TLS 1.3 a broker looks at our certificate when the handshake is over for us, and its
	 * alert may be overtaken by the reset that follows. */
	wy_buf_addf(&words, "%s",
		    is_secured ? "the broker hung up instead of answering CONNECT: perhaps it does "
				 "not accept "
				 "our certificate, or does not speak this version of MQTT"
			       : "cannot connect");
	if (message && !is_secured)
		wy_buf_addf(&words, ": %s", message);
	end_with(s, &cause, text);
}

static void on_connect_failed_5(void *context, MQTTAsync_failureData5 *data)
{
	end_unconnected(context, data->code, data->message);
}

static void on_connect_failed_3(void *context, MQTTAsync_failureData *data)
{
	end_unconnected(context, data->code, data->message);
}

static void on_lost(void *context, char *why)
{
	struct session *s = context;
	struct inbox_cause cause = {.cause = UPLINK_CAUSE_LOST};
	char text[INBOX_WORDS_MAX];
	struct wy_buf words;
	bool is_secured;

	wy_buf_init(&words, text, sizeof text);
	wy_buf_add(&words, "connection lost");
	if (why)
		wy_buf_addf(&words, ": %s", why);
	wy_buf_add(&words, ": ");
	if (!tls_words_take(&words, &is_secured))
		wy_buf_add(&words, "closed, or no answer to PING");
	end_with(s, &cause, text);
}

static void on_disconnected(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	struct session *s = context;
	struct inbox_cause cause = {.cause = UPLINK_CAUSE_LOST};
	const char *name = MQTTReasonCode_toString(reason);
	char text[INBOX_WORDS_MAX];

	(void)properties;
	if (reason == MQTTREASONCODE_SESSION_TAKEN_OVER)
		cause.cause = UPLINK_CAUSE_TAKEN_OVER;
	snprintf(text, sizeof text, "the broker ended the session: %d %s", (int)reason,
		 name ? name : "");
	end_with(s, &cause, text);
}

/* ---- CONNACK and SUBACK ---- */

static void put_connected(struct session *s, const struct uplink_session *session)
{
	struct wy_buf ignored;
	char text[INBOX_WORDS_MAX];
	bool is_secured;

	wy_buf_init(&ignored, text, sizeof text);
	tls_words_take(&ignored, &is_secured);
	inbox_put(s->inbox, &(struct inbox_record){.event = INBOX_CONNECTED, .session = *session});
}

static int64_t number_or(MQTTProperties *properties, enum MQTTPropertyCodes code, int64_t otherwise)
{
	return MQTTProperties_hasProperty(properties, code)
		       ? MQTTProperties_getNumericValue(properties, code)
		       : otherwise;
}

static void on_connected_5(void *context, MQTTAsync_successData5 *data)
{
	MQTTProperties *p = &data->properties;
	struct uplink_session session = {.protocol = 5};

	session.receive_maximum =
		(unsigned)number_or(p, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, RECEIVE_MAXIMUM_UNTOLD);
	/* Paho reads a four-byte number as signed: beyond 2 GB it would look negative. */
	session.packet_max =
		(uint32_t)number_or(p, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, UINT32_MAX);
	session.is_present = data->alt.connect.sessionPresent != 0;
	put_connected(context, &session);
}

static void on_connected_3(void *context, MQTTAsync_successData *data)
{
	struct uplink_session session = {
		.protocol = 4,
		.receive_maximum = RECEIVE_MAXIMUM_UNTOLD,
		.packet_max = UINT32_MAX,
		.is_present = data->alt.connect.sessionPresent != 0,
	};

	put_connected(context, &session);
}

static void end_unsubscribed(struct session *s, size_t topic, int code)
{
	struct inbox_cause cause = {.cause = UPLINK_CAUSE_REFUSED};
	const char *name =
		s->protocol == 5 ? MQTTReasonCode_toString((enum MQTTReasonCodes)code) : NULL;
	char text[INBOX_WORDS_MAX];

	snprintf(text, sizeof text, "the broker refused the subscription to '%s': %d %s",
		 topic < s->n_topics ? s->topics[topic] : "", code, name ? name : "");
	end_with(s, &cause, text);
}

static void on_subscribed_5(void *context, MQTTAsync_successData5 *data)
{
	struct session *s = context;
	int n = data->alt.sub.reasonCodeCount;

	for (int i = 0; i < n; i++) {
		int code = (int)(n > 1 ? data->alt.sub.reasonCodes[i] : data->reasonCode);

		if (code >= MQTTREASONCODE_UNSPECIFIED_ERROR) {
			end_unsubscribed(s, (size_t)i, code);
			return;
		}
	}
	inbox_put(s->inbox, &(struct inbox_record){.event = INBOX_SUBSCRIBED});
}

static void on_subscribed_3(void *context, MQTTAsync_successData *data)
{
	struct session *s = context;

	for (size_t i = 0; i < s->n_topics; i++) {
		int code = s->n_topics > 1 ? data->alt.qosList[i] : data->alt.qos;

		if (code >= MQTTREASONCODE_UNSPECIFIED_ERROR) {
			end_unsubscribed(s, i, code);
			return;
		}
	}
	inbox_put(s->inbox, &(struct inbox_record){.event = INBOX_SUBSCRIBED});
}

static void on_subscribe_failed_5(void *context, MQTTAsync_failureData5 *data)
{
	end_unsubscribed(context, 0, data->code == 0 ? (int)data->reasonCode : data->code);
}

static void on_subscribe_failed_3(void *context, MQTTAsync_failureData *data)
{
	end_unsubscribed(context, 0, data->code);
}

/* ---- messages, up and down ---- */

static void put_ack(const struct session_slot *slot, enum uplink_fate fate, uint8_t reason)
{
	inbox_put(slot->session->inbox,
		  &(struct inbox_record){
			  .event = INBOX_ACK, .slot = slot->index, .fate = fate, .reason = reason});
}

static void on_sent_5(void *context, MQTTAsync_successData5 *data)
{
	uint8_t reason = tls_words_puback(data->token); /* data->reasonCode is always 0 here */
	bool is_heard = reason != MQTTREASONCODE_NO_MATCHING_SUBSCRIBERS;

	put_ack(context, is_heard ? UPLINK_FATE_TAKEN : UPLINK_FATE_NO_SUBSCRIBER, reason);
}

static void on_sent_3(void *context, MQTTAsync_successData *data)
{
	(void)data;
	put_ack(context, UPLINK_FATE_TAKEN, 0);
}

static void on_unsent_5(void *context, MQTTAsync_failureData5 *data)
{
	if (data->code == 0 && data->reasonCode >= MQTTREASONCODE_UNSPECIFIED_ERROR)
		put_ack(context, UPLINK_FATE_REFUSED, (uint8_t)data->reasonCode);
	else
		put_ack(context, UPLINK_FATE_LOST, 0);
}

static void on_unsent_3(void *context, MQTTAsync_failureData *data)
{
	(void)data;
	put_ack(context, UPLINK_FATE_LOST, 0);
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
	struct session *s = context;
	struct inbox_record record = {.event = INBOX_MESSAGE, .topic = topic, .message = message};

	bool has_nul = topic_len != 0 && strlen(topic) != (size_t)topic_len;

	if (has_nul || message->payloadlen < 0 ||
	    (size_t)message->payloadlen > WY_UPLINK_MESSAGE_MAX) {
		inbox_count_dropped(s->inbox);
		session_free_message(&record);
	} else if (!inbox_put(s->inbox, &record)) {
		session_free_message(&record);
	}
	return 1;
}

void session_free_message(struct inbox_record *record)
{
	MQTTAsync_message *message = record->message;

	if (message)
		MQTTAsync_freeMessage(&message);
	if (record->topic)
		MQTTAsync_free(record->topic);
	record->message = NULL;
	record->topic = NULL;
}

const void *session_payload(const struct inbox_record *record, size_t *ret_len)
{
	const MQTTAsync_message *message = record->message;

	*ret_len = (size_t)message->payloadlen;
	return message->payload;
}

/* ---- opening ---- */

static bool add_number(MQTTProperties *properties, enum MQTTPropertyCodes code, uint32_t value)
{
	MQTTProperty property = {.identifier = code};

	if (code == MQTTPROPERTY_CODE_RECEIVE_MAXIMUM)
		property.value.integer2 = (unsigned short)value;
	else
		property.value.integer4 = value;
	return MQTTProperties_add(properties, &property) == 0;
}

static bool add_text(MQTTProperties *properties, enum MQTTPropertyCodes code, const char *name,
		     const char *value)
{
	MQTTProperty property = {.identifier = code};
	MQTTLenString texts[2] = {{(int)strlen(name), (char *)name},
				  {value ? (int)strlen(value) : 0, (char *)value}};

	property.value.data = texts[0];
	property.value.value = texts[1];
	return MQTTProperties_add(properties, &property) == 0; /* copies */
}

static enum wy_err create_client(struct session *s, const struct uplink_conf *conf)
{
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;
	char uri[300];

	options.MQTTVersion = s->protocol == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
	options.sendWhileDisconnected = 0;
	options.maxBufferedMessages = 2 * (int)INBOX_SLOTS;
	snprintf(uri, sizeof uri, "ssl://%s:%u", conf->host, (unsigned)conf->port);
	if (MQTTAsync_createWithOptions(&s->client, uri, conf->client_id,
					MQTTCLIENT_PERSISTENCE_NONE, NULL,
					&options) != MQTTASYNC_SUCCESS)
		return WY_E_NOMEM;
	MQTTAsync_setCallbacks(s->client, s, on_lost, on_message, NULL);
	MQTTAsync_setDisconnected(s->client, s, on_disconnected);
	return WY_OK;
}

static void set_version_5(MQTTAsync_connectOptions *options)
{
	options->MQTTVersion = MQTTVERSION_5;
	options->cleanstart = 0;
	options->onSuccess5 = on_connected_5;
	options->onFailure5 = on_connect_failed_5;
}

static void set_version_3(MQTTAsync_connectOptions *options, const struct uplink_conf *conf)
{
	options->MQTTVersion = MQTTVERSION_3_1_1;
	options->cleansession = conf->session_expiry_s == 0;
	options->onSuccess = on_connected_3;
	options->onFailure = on_connect_failed_3;
	options->connectProperties = NULL;
	options->willProperties = NULL;
}

/* The threads Paho starts here must not catch the signals that the loop waits for. */
static int connect_masked(MQTTAsync client, const MQTTAsync_connectOptions *options)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = MQTTAsync_connect(client, options);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static void fill_tls(MQTTAsync_SSLOptions *tls, const struct uplink_conf *conf)
{
	tls->trustStore = conf->ca;
	tls->disableDefaultTrustStore = 1;
	tls->keyStore = conf->certificate;
	tls->privateKey = conf->key;
	tls->enableServerCertAuth = 1;
	tls->verify = 1; /* the host name; Paho's default is not to look */
	tls->sslVersion = MQTT_SSL_VERSION_TLS_1_2; /* the least */
	tls->enabledCipherSuites = CIPHERS;
}

static enum wy_err connect_client(struct session *s, const struct session_start *start)
{
	const struct uplink_conf *conf = start->conf;
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	MQTTAsync_connectOptions options_5 = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
	MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
	MQTTProperties properties = MQTTProperties_initializer;
	MQTTProperties will_properties = MQTTProperties_initializer;
	enum wy_err err = WY_E_NOMEM;

	if (s->protocol == 5)
		options = options_5;
	fill_tls(&tls, conf);
	will.topicName = conf->will_topic;
	will.payload.data = start->will;
	will.payload.len = (int)start->will_len;
	will.qos = 1;
	will.retained = 1;
	options.ssl = &tls;
	options.will = conf->will_topic ? &will : NULL;
	options.keepAliveInterval = (int)(conf->keepalive_ms / 1000);
	options.connectTimeout = (int)(start->connect_timeout_ms / 1000);
	options.maxInflight = (int)INBOX_SLOTS;
	options.connectProperties = &properties;
	options.willProperties = conf->will_topic ? &will_properties : NULL;
	options.context = s;
	if (s->protocol == 5)
		set_version_5(&options);
	else
		set_version_3(&options, conf);
	if (add_number(&properties, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL,
		       conf->session_expiry_s) &&
	    add_number(&properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, RECEIVE_MAXIMUM_OURS) &&
	    add_number(&properties, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE,
		       WY_UPLINK_MESSAGE_MAX + PACKET_EXTRA) &&
	    add_number(&will_properties, MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL, conf->will_delay_s))
		err = connect_masked(s->client, &options) == MQTTASYNC_SUCCESS ? WY_OK : WY_E_IO;
	MQTTProperties_free(&properties);
	MQTTProperties_free(&will_properties);
	return err;
}

enum wy_err session_open(const struct session_start *start, struct session **ret_session)
{
	struct session *s = calloc(1, sizeof *s);
	enum wy_err err;

	if (!s)
		return WY_E_NOMEM;
	s->protocol = start->protocol;
	s->inbox = start->inbox;
	for (unsigned i = 0; i < INBOX_SLOTS; i++)
		s->slots[i] = (struct session_slot){.session = s, .index = i};
	err = create_client(s, start->conf);
	if (err == WY_OK)
		err = connect_client(s, start);
	if (err != WY_OK) {
		session_end(s);
		return err;
	}
	*ret_session = s;
	return WY_OK;
}

enum wy_err session_subscribe(struct session *s, const char *const *topics)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
	char *list[WY_UPLINK_TOPICS_MAX];
	int qos[WY_UPLINK_TOPICS_MAX];

	s->topics = topics;
	for (s->n_topics = 0; topics[s->n_topics]; s->n_topics++) {
		if (s->n_topics == WY_UPLINK_TOPICS_MAX)
			return WY_E_LIMIT;
		list[s->n_topics] = (char *)topics[s->n_topics];
		qos[s->n_topics] = 1;
	}
	options.context = s;
	if (s->protocol == 5) {
		options.onSuccess5 = on_subscribed_5;
		options.onFailure5 = on_subscribe_failed_5;
	} else {
		options.onSuccess = on_subscribed_3;
		options.onFailure = on_subscribe_failed_3;
	}
	return MQTTAsync_subscribeMany(s->client, (int)s->n_topics, list, qos, &options) ==
			       MQTTASYNC_SUCCESS
		       ? WY_OK
		       : WY_E_LINK;
}

/* ---- sending ---- */

static bool add_properties(MQTTProperties *properties, const struct uplink_message *message)
{
	bool is_ok = true;

	if (message->content_type)
		is_ok = add_text(properties, MQTTPROPERTY_CODE_CONTENT_TYPE, message->content_type,
				 NULL);
	if (is_ok && message->expiry_s > 0)
		is_ok = add_number(properties, MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL,
				   message->expiry_s);
	for (size_t i = 0; is_ok && i < message->n_properties; i++)
		is_ok = add_text(properties, MQTTPROPERTY_CODE_USER_PROPERTY,
				 message->property[i].name, message->property[i].value);
	return is_ok;
}

static enum wy_err err_of_send(int rc)
{
	switch (rc) {
	case MQTTASYNC_SUCCESS:
		return WY_OK;
	case MQTTASYNC_DISCONNECTED:
		return WY_E_LINK;
	case MQTTASYNC_MAX_BUFFERED_MESSAGES:
	case MQTTASYNC_NO_MORE_MSGIDS:
		return WY_E_BUSY;
	case MQTTASYNC_BAD_UTF8_STRING:
		return WY_E_INVALID;
	default:
		return WY_E_NOMEM;
	}
}

enum wy_err session_send(struct session *s, const struct uplink_message *message, unsigned slot)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
	enum wy_err err = WY_E_NOMEM;

	options.context = &s->slots[slot];
	if (message->qos > 0 && s->protocol == 5) {
		options.onSuccess5 = on_sent_5;
		options.onFailure5 = on_unsent_5;
	} else if (message->qos > 0) {
		options.onSuccess = on_sent_3;
		options.onFailure = on_unsent_3;
	}
	if (s->protocol != 5 || add_properties(&options.properties, message))
		err = err_of_send(MQTTAsync_send(s->client, message->topic, (int)message->len,
						 message->payload, message->qos, message->retain,
						 &options));
	MQTTProperties_free(&options.properties);
	return err;
}

/* ---- ending ---- */

static void on_left_5(void *context, MQTTAsync_successData5 *data)
{
	struct session *s = context;

	(void)data;
	inbox_put(s->inbox, &(struct inbox_record){.event = INBOX_LEFT});
}

static void on_left_3(void *context, MQTTAsync_successData *data)
{
	struct session *s = context;

	(void)data;
	inbox_put(s->inbox, &(struct inbox_record){.event = INBOX_LEFT});
}

enum wy_err session_leave(struct session *s, wy_ms patience_ms)
{
	MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
	MQTTAsync_disconnectOptions options_5 = MQTTAsync_disconnectOptions_initializer5;

	if (s->protocol == 5) {
		options = options_5;
		options.onSuccess5 = on_left_5;
	} else {
		options.onSuccess = on_left_3;
	}
	options.context = s;
	options.timeout = (int)patience_ms;
	return MQTTAsync_disconnect(s->client, &options) == MQTTASYNC_SUCCESS ? WY_OK : WY_E_LINK;
}

void session_end(struct session *s)
{
	if (!s)
		return;
	if (s->client)
		MQTTAsync_destroy(&s->client);
	free(s);
}

enum wy_err session_anchor_open(void **ret_anchor)
{
	MQTTAsync anchor;

	if (MQTTAsync_create(&anchor, "tcp://127.0.0.1:1", "anchor", MQTTCLIENT_PERSISTENCE_NONE,
			     NULL) != MQTTASYNC_SUCCESS)
		return WY_E_NOMEM;
	*ret_anchor = anchor;
	return WY_OK;
}

void session_anchor_close(void *anchor)
{
	MQTTAsync handle = anchor;

	if (handle)
		MQTTAsync_destroy(&handle);
}
