/* queue.c: see queue.h. A record never wraps: what is left at the end of the ring before one that would is skipped, and
 * says so by its size. */
#include "queue.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct record {
	size_t size; /* with this head */
	bool is_skip; /* then nothing below is there */
	struct sensor_report report;
	/* samples, then the text */
};

enum { ALIGN = 16 };

_Static_assert(offsetof(struct record, is_skip) < ALIGN, "a skip has no room for its head");

static size_t aligned(size_t n)
{
	return (n + ALIGN - 1) / ALIGN * ALIGN;
}

size_t queue_bytes(size_t n_samples)
{
	return aligned(sizeof(struct record)) + aligned(n_samples * sizeof(struct wy_sample));
}

enum wy_err queue_open(struct queue *queue, size_t size, size_t most_samples, struct wy_arena *arena)
{
	size_t least = 2 * (queue_bytes(most_samples) + aligned(WY_LEARNED_BYTES_MAX));

	*queue = (struct queue){.size = aligned(size > least ? size : least), .event_fd = -1};
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->room, NULL);
	queue->bytes = wy_arena_alloc(arena, queue->size);
	if (!queue->bytes)
		return WY_E_NOMEM;
	queue->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return queue->event_fd < 0 ? WY_E_IO : WY_OK;
}

void queue_close(struct queue *queue)
{
	if (queue->event_fd >= 0)
		close(queue->event_fd);
	queue->event_fd = -1;
	pthread_cond_destroy(&queue->room);
	pthread_mutex_destroy(&queue->lock);
}

static struct record *at(struct queue *queue, size_t position)
{
	return (struct record *)(void *)(queue->bytes + position % queue->size);
}

/* Under the lock: room for a record in one piece, after a skip where need be. */
static bool make_room(struct queue *queue, size_t size)
{
	size_t to_end = queue->size - queue->tail % queue->size;
	size_t skipped = to_end < size ? to_end : 0;

	if (queue->size - (queue->tail - queue->head) < size + skipped)
		return false;
	if (skipped) {
		struct record *skip = at(queue, queue->tail);
		skip->size = skipped; /* at least ALIGN, so its head has room */
		skip->is_skip = true;
		queue->tail += skipped;
	}
	return true;
}

static struct sensor_report *fill(struct record *record, size_t size, const struct sensor_report *report)
{
	uint8_t *samples = (uint8_t *)record + aligned(sizeof(*record));
	char *text = (char *)samples + aligned(report->n * sizeof(struct wy_sample));

	record->size = size;
	record->is_skip = false;
	record->report = *report;
	record->report.n_max = report->n;
	record->report.texts = NULL; /* for who asks a driver by hand */
	record->report.n_texts = 0;
	record->report.sample = (struct wy_sample *)(void *)samples;
	if (report->n)
		memcpy(samples, report->sample, report->n * sizeof(struct wy_sample));
	if (report->learned) {
		size_t n = strnlen(report->learned, WY_LEARNED_BYTES_MAX - 1);
		memcpy(text, report->learned, n);
		text[n] = '\0';
		record->report.learned = text;
	}
	return &record->report;
}

struct sensor_report *queue_reserve(struct queue *queue, const struct sensor_report *report)
{
	size_t size = queue_bytes(report->n) + (report->learned ? aligned(WY_LEARNED_BYTES_MAX) : 0);
	struct sensor_report *copy = NULL;

	if (2 * size > queue->size)
		return NULL;
	pthread_mutex_lock(&queue->lock);
	while (!queue->is_closed && !make_room(queue, size)) {
		queue_tell(queue);
		pthread_cond_wait(&queue->room, &queue->lock);
	}
	if (!queue->is_closed)
		copy = fill(at(queue, queue->tail), size, report);
	pthread_mutex_unlock(&queue->lock);
	return copy;
}

void queue_commit(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->tail += at(queue, queue->tail)->size;
	pthread_mutex_unlock(&queue->lock);
	queue->has_news = true;
}

void queue_tell(struct queue *queue)
{
	uint64_t one = 1;

	if (queue->has_news)
		(void)!write(queue->event_fd, &one, sizeof(one)); /* fails only when 2^64-2 wait */
	queue->has_news = false;
}

const struct sensor_report *queue_peek(struct queue *queue)
{
	struct record *record = NULL;
	uint64_t count;

	pthread_mutex_lock(&queue->lock);
	if (queue->head != queue->tail && at(queue, queue->head)->is_skip)
		queue->head += at(queue, queue->head)->size;
	if (queue->head != queue->tail)
		record = at(queue, queue->head);
	else
		(void)!read(queue->event_fd, &count, sizeof(count)); /* under the lock: no commit comes between */
	pthread_mutex_unlock(&queue->lock);
	return record ? &record->report : NULL;
}

void queue_drop(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->head += at(queue, queue->head)->size;
	pthread_cond_signal(&queue->room);
	pthread_mutex_unlock(&queue->lock);
}

void queue_reopen(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->is_closed = false;
	pthread_mutex_unlock(&queue->lock);
}

void queue_end(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->is_closed = true;
	pthread_cond_signal(&queue->room);
	pthread_mutex_unlock(&queue->lock);
}
