/* inbox.h: what Paho's threads have to say, in order, for the loop thread.
 *
 * A bounded queue under a mutex, and an eventfd. Nothing is decided here. It outlives connections.
 * Ceilings  acknowledgements: one per slot of the window, so they always fit. Changes of a
 * connection: a handful each, room is kept. Messages from above: WY_UPLINK_QUEUE; the newest is
 * dropped and counted. */
#ifndef UPLINK_INBOX_H
#define UPLINK_INBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wy_limits.h"
#include "uplink.h"

#define INBOX_WORDS_MAX 448
#define INBOX_SLOTS (WY_UPLINK_WINDOW + 1u) /* one more for the last message of close */
#define INBOX_SIZE (INBOX_SLOTS + WY_UPLINK_QUEUE + 16u)

enum inbox_event {
	INBOX_CONNECTED,  /* CONNACK: session */
	INBOX_SUBSCRIBED, /* every topic granted */
	INBOX_ENDED,	  /* the connection or the attempt is over: see the cause of the inbox */
	INBOX_ACK,	  /* slot, fate, reason */
	INBOX_MESSAGE,	  /* topic, payload */
	INBOX_LEFT,	  /* our DISCONNECT is out */
};

struct inbox_record {
	enum inbox_event event;
	unsigned slot;
	enum uplink_fate fate;
	uint8_t reason;
	struct uplink_session session;
	char *topic;   /* owned by the record; freed with inbox_record_free */
	void *message; /* MQTTAsync_message, likewise */
};

/* Why a connection ended. The first word counts: what follows is consequence. */
struct inbox_cause {
	bool is_set;
	enum uplink_cause cause;
	bool is_version; /* the broker may not speak this protocol version: it said so */
	bool is_mute;	 /* it hung up after TLS, before CONNACK, without a word */
	char words[INBOX_WORDS_MAX];
};

struct inbox {
	pthread_mutex_t mutex;
	int event_fd;
	struct inbox_record ring[INBOX_SIZE];
	size_t head, n;
	size_t messages; /* of n */
	uint64_t dropped;
	struct inbox_cause cause;
};

WY_MUST_CHECK enum wy_err inbox_init(struct inbox *inbox);
/* Frees what was not taken; must run before the last client is destroyed. */
void inbox_release(struct inbox *inbox);

/* Any thread. Returns false where the record was dropped; the caller still owns its contents then.
 */
bool inbox_put(struct inbox *inbox, const struct inbox_record *record);
/* Any thread. Keeps the cause if it is the first one, and puts INBOX_ENDED. */
void inbox_end(struct inbox *inbox, const struct inbox_cause *cause);
/* Any thread. */
void inbox_count_dropped(struct inbox *inbox);

/* Loop thread. */
void inbox_quiet(struct inbox *inbox); /* resets the descriptor; call before taking */
bool inbox_take(struct inbox *inbox, struct inbox_record *ret_record);
void inbox_cause(struct inbox *inbox, struct inbox_cause *ret_cause); /* and forgets it */
uint64_t inbox_dropped(struct inbox *inbox);

#endif
