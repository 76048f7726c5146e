/* link.h: the connection to the broker: MQTT 5 (or 3.1.1, if told), mutual TLS with host name check, own reconnect.
 *
 * Paho acknowledges (PUBACK) a message on its own, before anything is committed. That is why the
 * contract has receipts, and why nothing here tries to hold a PUBACK back.
 *
 * Life     link_new, then link_step in a loop that sleeps as long as it says (and on link_fd),
 *          then link_free, which disconnects.
 * Threads  link_step from one thread; link_publish from any. on_message is called from Paho's
 *          thread, under Paho's lock: it must not wait, least of all for a link_publish. */
#ifndef DESK_LINK_H
#define DESK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clocktypes.h"
#include "err.h"
#include "event.h"

struct link_options {
	const char *host;
	uint16_t port;
	const char *ca, *cert, *key; /* all NULL: no TLS, for a broker on a bench */
	const char *client_id;
	int protocol; /* 5, or 4 for MQTT 3.1.1: a refusal is then not told */
	bool is_listening; /* keeps a session of a day and subscribes to the shards */
	uint8_t shard_first, shard_last; /* 0..255: all, in one subscription */
	void (*on_message)(void *arg, const char *topic, const void *payload, size_t len,
			   const struct event_hint *hint);
	void *arg;
};

struct link;

/* Once, before anything in the process has touched OpenSSL (PostgreSQL's client does too): it is not taken apart at exit. Paho's
 * threads say that they have stopped before they have ended, and would free the same once more. */
void link_begin_process(void);

WY_MUST_CHECK enum wy_err link_new(const struct link_options *options, struct link **ret_link);
void link_free(struct link *link);

/* Connects or reconnects when it is time. Returns how long there is nothing to do, at most 1 s. */
wy_ms link_step(struct link *link, wy_ms now_ms);
/* Readable when link_step should be called. */
int link_fd(const struct link *link);
/* Connected, and subscribed if listening. */
bool link_is_up(const struct link *link);

/* Called once with the reason code of the PUBACK (0 delivered, 16 nobody listens), or -1. */
typedef void link_done_fn(void *arg, int reason);
/* QoS 1. done may be NULL; it is not called if this fails. WY_E_LINK: not connected. */
WY_MUST_CHECK enum wy_err link_publish(struct link *link, const char *topic, const char *payload,
				       uint32_t expiry_s, link_done_fn *done, void *arg);

#endif
