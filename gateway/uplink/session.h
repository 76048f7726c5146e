/* session.h: one connection, from CONNECT to its end: one Paho client, used once.
 *
 * Used once, because a Paho client that reconnects sends again by itself what was in flight; then a
 * message would have two fates. All functions in the loop thread; what happens comes through the
 * inbox. */
#ifndef UPLINK_SESSION_H
#define UPLINK_SESSION_H

#include "inbox.h"

struct session;

struct session_start {
	const struct uplink_conf *conf;
	int protocol; /* 5 or 4 */
	const void *will;
	size_t will_len;
	wy_ms connect_timeout_ms;
	struct inbox *inbox; /* outlives the session */
};

/* Sends CONNECT in the background. Then INBOX_CONNECTED or INBOX_ENDED comes. */
WY_MUST_CHECK enum wy_err session_open(const struct session_start *start,
				       struct session **ret_session);
/* INBOX_SUBSCRIBED or INBOX_ENDED comes. topics: NULL-terminated, at least one. */
WY_MUST_CHECK enum wy_err session_subscribe(struct session *session, const char *const *topics);
/* QoS 1: INBOX_ACK comes for slot, unless the session ends first. QoS 0: slot is not looked at. */
WY_MUST_CHECK enum wy_err session_send(struct session *session,
				       const struct uplink_message *message, unsigned slot);
/* DISCONNECT, which makes the broker forget the will; INBOX_LEFT comes when it is out. */
WY_MUST_CHECK enum wy_err session_leave(struct session *session, wy_ms patience_ms);
/* Ends the connection at once. Nothing of this session enters the inbox after it returned. NULL is
 * fine. */
void session_end(struct session *session);

void session_free_message(struct inbox_record *record);
const void *session_payload(const struct inbox_record *record, size_t *ret_len);

/* Keeps Paho's threads alive between sessions: stopping them with the last client would make the
 * loop wait for up to a second at every reconnect. */
WY_MUST_CHECK enum wy_err session_anchor_open(void **ret_anchor);
void session_anchor_close(void *anchor);

#endif
