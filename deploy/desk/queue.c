/* queue.c: a ring under one lock. */
#include "queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wy_limits.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t has_changed;
	struct queue_message item[WY_DESK_QUEUE_MAX];
	size_t first, n;
	bool is_stopped;
};

struct queue *queue_new(void)
{
	struct queue *queue = calloc(1, sizeof *queue);
	pthread_condattr_t attr;

	if (!queue)
		return NULL;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->has_changed, &attr);
	pthread_condattr_destroy(&attr);
	return queue;
}

void queue_message_release(struct queue_message *message)
{
	free(message->topic);
	free(message->payload);
	*message = (struct queue_message){0};
}

void queue_free(struct queue *queue)
{
	if (!queue)
		return;
	for (; queue->n > 0; queue->n--) {
		queue_message_release(&queue->item[queue->first]);
		queue->first = (queue->first + 1) % WY_DESK_QUEUE_MAX;
	}
	pthread_cond_destroy(&queue->has_changed);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

static struct timespec deadline_after(wy_ms span_ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(span_ms / 1000);
	at.tv_nsec += (long)(span_ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* Waits with the lock held; false when the deadline has passed. */
static bool wait_for_change(struct queue *queue, const struct timespec *deadline)
{
	return pthread_cond_timedwait(&queue->has_changed, &queue->lock, deadline) != ETIMEDOUT;
}

static bool copy_message(struct queue_message *ret_message, const char *topic, const void *payload,
			 size_t len, const struct event_hint *hint)
{
	struct queue_message message = {.len = len, .hint = *hint};

	message.topic = strdup(topic);
	message.payload = malloc(len + 1);
	if (!message.topic || !message.payload) {
		queue_message_release(&message);
		return false;
	}
	memcpy(message.payload, payload ? payload : "", len);
	message.payload[len] = '\0';
	*ret_message = message;
	return true;
}

enum wy_err queue_put(struct queue *queue, const char *topic, const void *payload, size_t len,
		      const struct event_hint *hint, wy_ms patience_ms)
{
	struct timespec deadline = deadline_after(patience_ms);
	struct queue_message message;
	enum wy_err err = WY_OK;
	bool is_in_time = true;

	if (!copy_message(&message, topic, payload, len, hint))
		return WY_E_NOMEM;
	pthread_mutex_lock(&queue->lock);
	while (queue->n == WY_DESK_QUEUE_MAX && !queue->is_stopped && is_in_time)
		is_in_time = wait_for_change(queue, &deadline);
	if (queue->is_stopped)
		err = WY_E_STATE;
	else if (queue->n == WY_DESK_QUEUE_MAX)
		err = WY_E_FULL;
	else
		queue->item[(queue->first + queue->n++) % WY_DESK_QUEUE_MAX] = message;
	pthread_cond_broadcast(&queue->has_changed);
	pthread_mutex_unlock(&queue->lock);
	if (err != WY_OK)
		queue_message_release(&message);
	return err;
}

size_t queue_take(struct queue *queue, struct queue_message *ret_messages, size_t most, wy_ms wait_ms)
{
	struct timespec deadline = deadline_after(wait_ms);
	bool is_in_time = true;
	size_t n = 0;

	pthread_mutex_lock(&queue->lock);
	while (queue->n == 0 && !queue->is_stopped && is_in_time)
		is_in_time = wait_for_change(queue, &deadline);
	for (; queue->n > 0 && n < most; n++, queue->n--) {
		ret_messages[n] = queue->item[queue->first];
		queue->first = (queue->first + 1) % WY_DESK_QUEUE_MAX;
	}
	pthread_cond_broadcast(&queue->has_changed);
	pthread_mutex_unlock(&queue->lock);
	return n;
}

void queue_stop(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->is_stopped = true;
	pthread_cond_broadcast(&queue->has_changed);
	pthread_mutex_unlock(&queue->lock);
}

bool queue_is_stopped(struct queue *queue)
{
	bool is_stopped;

	pthread_mutex_lock(&queue->lock);
	is_stopped = queue->is_stopped;
	pthread_mutex_unlock(&queue->lock);
	return is_stopped;
}

void queue_pause(struct queue *queue, wy_ms span_ms)
{
	struct timespec deadline = deadline_after(span_ms);

	pthread_mutex_lock(&queue->lock);
	while (!queue->is_stopped && wait_for_change(queue, &deadline))
		continue;
	pthread_mutex_unlock(&queue->lock);
}
