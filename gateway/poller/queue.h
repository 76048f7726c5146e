/* queue.h: reports on their way from the field thread to the loop thread. One writer, one reader.
 *
 * A ring of bytes set aside at start: a report, its samples and what was learned lie one behind the other and are handed
 * out in place. When it is full the writer waits: the loop is slow then, and asking devices faster would not help. */
#ifndef POLLER_QUEUE_H
#define POLLER_QUEUE_H

#include <pthread.h>

#include "sensor.h"

struct queue {
	uint8_t *bytes; /* in the arena */
	size_t size;
	int event_fd; /* readable while the reader has something to take */
	pthread_mutex_t lock; /* guards head, tail, is_closed */
	pthread_cond_t room;
	size_t head, tail; /* read and written so far, modulo nothing: they only grow */
	bool is_closed;
	bool has_news; /* the writer's: committed and not told yet */
};

/* Bytes a report with so many samples takes. */
size_t queue_bytes(size_t n_samples);

/* WY_E_NOMEM, WY_E_IO. size is rounded up to what the largest report needs twice. */
WY_MUST_CHECK enum wy_err queue_open(struct queue *queue, size_t size, size_t most_samples, struct wy_arena *arena);
void queue_close(struct queue *queue); /* also one that failed to open */

/* A copy of the report to work on before anybody sees it; NULL: closed, or it can never fit. Waits for room. */
struct sensor_report *queue_reserve(struct queue *queue, const struct sensor_report *report);
/* The reserved one may be taken. */
void queue_commit(struct queue *queue);
/* Wakes the reader if anything was committed since the last time: once for all that one step made. A writer that waits for
 * room does so by itself. */
void queue_tell(struct queue *queue);

/* Borrowed until queue_drop(); NULL: none waits. */
const struct sensor_report *queue_peek(struct queue *queue);
void queue_drop(struct queue *queue);

/* The writer stops waiting; nothing further is reserved. From the reader's side. */
void queue_end(struct queue *queue);
/* For another writer, when the one before is gone. */
void queue_reopen(struct queue *queue);

#endif
