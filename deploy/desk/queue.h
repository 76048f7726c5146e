/* queue.h: the bounded queue between MQTT's thread and the database's thread.
 *
 * Holds WY_DESK_QUEUE_MAX messages. queue_put waits for room as long as it is told; what finds none
 * is not taken. A dropped message gets no receipt, so its gateway sends it again. */
#ifndef DESK_QUEUE_H
#define DESK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "clocktypes.h"
#include "err.h"
#include "event.h"

struct queue_message {
	char *topic;
	char *payload;
	size_t len;
	struct event_hint hint;
};

struct queue;

/* NULL: out of memory. */
struct queue *queue_new(void);
/* What is still in it is freed. */
void queue_free(struct queue *queue);

/* Copies. WY_E_FULL: waited patience_ms in vain; WY_E_STATE: stopped. */
WY_MUST_CHECK enum wy_err queue_put(struct queue *queue, const char *topic, const void *payload,
				    size_t len, const struct event_hint *hint, wy_ms patience_ms);
/* Up to `most` messages, oldest first; waits up to wait_ms for the first one. They belong to the
 * caller, who frees each with queue_message_release. */
size_t queue_take(struct queue *queue, struct queue_message *ret_messages, size_t most,
		  wy_ms wait_ms);
void queue_message_release(struct queue_message *message);

/* From now on nothing is accepted; what is inside may still be taken. Wakes all who wait. */
void queue_stop(struct queue *queue);
bool queue_is_stopped(struct queue *queue);
/* Sleeps, but not past queue_stop. */
void queue_pause(struct queue *queue, wy_ms span_ms);

#endif
