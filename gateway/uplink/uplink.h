/* uplink.h: the MQTT connection to the platform's broker, and nothing that is said over it.
 *
 * MQTT 5 over TLS with a client certificate, on Paho; MQTT 3.1.1 where the broker knows no better.
 * No storage here: what was published is the caller's until it hears its fate.
 *
 * Life     open, then dispatch whenever the descriptor is readable or the due time has come, then
 *          close. Connecting, subscribing and reconnecting happen by themselves inside dispatch:
 *          CONNECT -> SUBSCRIBE to all topics, each granted -> up. Every way down is told once.
 * Threads  all calls and all callbacks in the loop thread; no callback runs outside uplink_dispatch
 *          and uplink_close. Paho's threads only put small records into a bounded queue.
 * Time     dispatch gets `now` (the logical clock); nothing here reads a clock.
 * Waiting  no call waits for the network, except uplink_close, up to its deadline and about one
 * second for Paho's threads. Paho resolves names under its big lock: with a resolver that hangs,
 *          close, and giving up an attempt after five minutes, wait for the resolver.
 * Fates    each publish with QoS 1 that returned WY_OK gets exactly one `sent`, at the latest from
 *          uplink_close. No token is offered again or forgotten. QoS 0 has no fate.
 * TLS      1.2 or later, AEAD suites, server's chain, dates, purpose and host name always checked
 *          against the one CA file. There is no way to switch a check off. Dates are judged by the machine's clock, or
 *          by uplink_judge_from() while that clock is provably behind (tls_time.h). */
#ifndef WY_UPLINK_H
#define WY_UPLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clocktypes.h"
#include "err.h"

#define UPLINK_HURRY_MS 5000

struct uplink;

/* All texts are copied by uplink_open. */
struct uplink_conf {
	const char *host; /* name or IPv4 address; for IPv6 a name */
	uint16_t port;
	const char *server_name;   /* name the certificate must carry; NULL or equal to host */
	const char *ca;		   /* PEM, the only trust */
	const char *certificate;   /* PEM: client certificate and its intermediates */
	const char *key;	   /* PEM, unencrypted, not readable for others */
	const char *client_id;	   /* = CN of the certificate */
	wy_ms keepalive_ms;	   /* 1 s .. 18 h, whole seconds */
	wy_ms retry_first_ms;	   /* bound of the first wait */
	wy_ms retry_most_ms;	   /* bound of every wait */
	wy_ms first_wait_ms;	   /* the first attempt is made within that time; 0: at once */
	uint32_t session_expiry_s; /* 0: session ends with the connection */
	const char *will_topic;	   /* NULL: no will. QoS 1, retained */
	uint32_t will_delay_s;
	const char *const
		*subscribe; /* NULL-terminated, QoS 1; may be NULL. At most WY_UPLINK_TOPICS_MAX */
};

struct uplink_session {
	int protocol; /* 5 or 4 (3.1.1: denials are invisible, NO_SUBSCRIBER never told) */
	unsigned receive_maximum; /* messages the broker takes unacknowledged */
	unsigned window; /* what uplink_publish allows: min(receive_maximum, WY_UPLINK_WINDOW) */
	uint32_t packet_max; /* largest packet the broker takes; UINT32_MAX: no limit told */
	bool is_present;     /* the broker kept our session: down messages may have waited */
};

enum uplink_cause {
	UPLINK_CAUSE_UNREACHABLE, /* no connection: DNS, TCP, no answer in time */
	UPLINK_CAUSE_TLS,	  /* a certificate or the handshake, on either side */
	UPLINK_CAUSE_REFUSED,	  /* the broker said no: CONNACK or SUBACK */
	UPLINK_CAUSE_LOST,	  /* a connection that stood is gone */
	UPLINK_CAUSE_TAKEN_OVER,  /* MQTT 5: another client connected with our id (0x8E) */
	UPLINK_CAUSE_STALLED,	  /* connected, but nothing was completed: given up by us */
	UPLINK_CAUSE_LOCAL,	  /* our side: a file cannot be read, no memory */
};

enum uplink_fate {
	UPLINK_FATE_TAKEN,	   /* PUBACK 0x00. The broker has it: transport, not storage */
	UPLINK_FATE_NO_SUBSCRIBER, /* PUBACK 0x10: gone, not delivered */
	UPLINK_FATE_REFUSED,	   /* PUBACK >= 0x80: not delivered; `reason` is its code */
	UPLINK_FATE_LOST, /* connection lost before PUBACK: it may or may not have arrived */
};

struct uplink_handler {
	/* The will's payload for the connection about to be made; called before every CONNECT.
	 * Borrowed until it returns. Anything but WY_OK: no attempt now, tried again after the next
	 * wait. */
	enum wy_err (*prepare)(void *arg, const void **ret_will, size_t *ret_len);
	void (*up)(void *arg, const struct uplink_session *session);
	/* Connection lost, or an attempt failed. `words` say why, for the log, in English. What was
	 * in flight has had its `sent` (LOST) just before. */
	void (*down)(void *arg, enum uplink_cause cause, const char *words, wy_ms retry_in_ms);
	void (*sent)(void *arg, uint64_t token, enum uplink_fate fate, uint8_t reason);
	/* Borrowed until it returns; topic NUL-terminated. The broker gets its PUBACK before this
	 * is called. At most WY_UPLINK_MESSAGE_MAX bytes: larger ones are dropped and counted. */
	void (*message)(void *arg, const char *topic, const void *payload, size_t len);
	void *arg;
};

struct uplink_property {
	const char *name, *value;
};

/* Borrowed until the call returns. */
struct uplink_message {
	const char *topic;
	const void *payload;
	size_t len;
	int qos; /* 0 or 1 */
	bool retain;
	const char *content_type;		/* NULL: none. MQTT 5 only, like all below */
	const struct uplink_property *property; /* user properties */
	size_t n_properties;
	uint32_t expiry_s; /* 0: none */
	uint64_t token;	   /* QoS 1: comes back in sent */
};

struct uplink_counts {
	uint64_t attempts, sessions, lost, stalled;
	uint64_t published, taken, no_subscriber, refused, unsure;
	uint64_t received, dropped; /* down messages; dropped: queue full or too large */
};

/* Checks what can be checked without a network; words say what is wrong. The same check is made by
 * uplink_open. A server_name other than host is WY_E_UNSUPPORTED: the TLS of Paho checks the name
 * it dials. Put the name into host, and where DNS does not know it, into /etc/hosts. */
WY_MUST_CHECK enum wy_err uplink_check(const struct uplink_conf *conf, struct wy_buf *words);

/* The first connection is attempted in the first dispatch. seed: any number, different per gateway
 * and start; it only spreads the waits. */
WY_MUST_CHECK enum wy_err uplink_open(const struct uplink_conf *conf,
				      const struct uplink_handler *handler, uint64_t seed,
				      struct wy_buf *words, struct uplink **ret_uplink);
/* Readable when there is something to dispatch. Stays the same for the uplink's life. */
/* Something is waiting that people wait for: the next attempt is made within UPLINK_HURRY_MS, or the bound of the present
 * wait if that is less. One that is nearer stays where it is, and the waits after it are as long as they would have been. While
 * an attempt is under way it is about the one after it, should that fail. */
void uplink_hurry(struct uplink *uplink, wy_ms now);
/* When dispatch wants to be called at the latest. */
wy_ms uplink_due(const struct uplink *uplink);

/* Once, before anything in the process has touched OpenSSL (libcoap does too): it is not taken apart at exit. Paho's threads say
 * that they have stopped before they have ended, and would free the same once more. */
void uplink_begin_process(void);

/* The instant that has passed for certain, Unix milliseconds; 0: none. Of the whole process. */
void uplink_judge_from(wy_ms least_wall_ms);
/* From when on our own certificate, a PEM file, holds; 0: not known. */
wy_ms uplink_certificate_begins(const char *certificate);

int uplink_fd(const struct uplink *uplink);
/* Runs what happened and what is due; returns when to call again at the latest (never in the past).
 */
wy_ms uplink_dispatch(struct uplink *uplink, wy_ms now);

/* WY_E_LINK: not up, or just found cut: then there is no room any more, and `down` follows within a second. WY_E_BUSY: window full,
 * wait for a `sent`. WY_E_LIMIT: larger than the broker takes or than WY_UPLINK_MESSAGE_MAX. On failure nothing was sent and no `sent`
 * will come. */
WY_MUST_CHECK enum wy_err uplink_publish(struct uplink *uplink,
					 const struct uplink_message *message);
unsigned uplink_room(const struct uplink *uplink); /* free places in the window; 0 when not up or found cut */
bool uplink_is_up(const struct uplink *uplink);
struct uplink_counts uplink_counts(const struct uplink *uplink);

/* Publishes `last` (NULL: nothing) if up, waits for its PUBACK and for a DISCONNECT that makes the
 * broker forget the will, both within deadline_ms, then ends. All open tokens get their fate before
 * it returns; no other callback runs. NULL is fine. */
void uplink_close(struct uplink *uplink, const struct uplink_message *last, wy_ms deadline_ms);

#endif
