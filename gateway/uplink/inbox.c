/* inbox.c: the only place where Paho's threads and the loop thread meet. The lock is held for the
 * time of copying one small record, and never while calling Paho. */
#define _POSIX_C_SOURCE 200809L

#include "inbox.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "session.h"

enum wy_err inbox_init(struct inbox *inbox)
{
	memset(inbox, 0, sizeof *inbox);
	if (pthread_mutex_init(&inbox->mutex, NULL) != 0)
		return WY_E_NOMEM;
	inbox->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (inbox->event_fd < 0) {
		pthread_mutex_destroy(&inbox->mutex);
		return WY_E_IO;
	}
	return WY_OK;
}

void inbox_release(struct inbox *inbox)
{
	struct inbox_record record;

	while (inbox_take(inbox, &record))
		session_free_message(&record);
	close(inbox->event_fd);
	pthread_mutex_destroy(&inbox->mutex);
}

static void ring_bell(const struct inbox *inbox)
{
	uint64_t one = 1;

	/* It can only fail when the counter is full, and then the bell is ringing anyway. */
	if (write(inbox->event_fd, &one, sizeof one) < 0)
		return;
}

bool inbox_put(struct inbox *inbox, const struct inbox_record *record)
{
	bool is_message = record->event == INBOX_MESSAGE;
	bool has_room;

	pthread_mutex_lock(&inbox->mutex);
	has_room = inbox->n < INBOX_SIZE && !(is_message && inbox->messages >= WY_UPLINK_QUEUE);
	if (has_room) {
		inbox->ring[(inbox->head + inbox->n) % INBOX_SIZE] = *record;
		inbox->n++;
		inbox->messages += is_message;
	} else {
		inbox->dropped++;
	}
	pthread_mutex_unlock(&inbox->mutex);
	if (has_room)
		ring_bell(inbox);
	return has_room;
}

void inbox_end(struct inbox *inbox, const struct inbox_cause *cause)
{
	pthread_mutex_lock(&inbox->mutex);
	if (!inbox->cause.is_set) {
		inbox->cause = *cause;
		inbox->cause.is_set = true;
	}
	pthread_mutex_unlock(&inbox->mutex);
	inbox_put(inbox, &(struct inbox_record){.event = INBOX_ENDED});
}

void inbox_count_dropped(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->mutex);
	inbox->dropped++;
	pthread_mutex_unlock(&inbox->mutex);
}

void inbox_quiet(struct inbox *inbox)
{
	uint64_t n;

	if (read(inbox->event_fd, &n, sizeof n) < 0)
		return; /* not ringing */
}

bool inbox_take(struct inbox *inbox, struct inbox_record *ret_record)
{
	bool has_one;

	pthread_mutex_lock(&inbox->mutex);
	has_one = inbox->n > 0;
	if (has_one) {
		*ret_record = inbox->ring[inbox->head];
		inbox->head = (inbox->head + 1) % INBOX_SIZE;
		inbox->n--;
		inbox->messages -= ret_record->event == INBOX_MESSAGE;
	}
	pthread_mutex_unlock(&inbox->mutex);
	return has_one;
}

void inbox_cause(struct inbox *inbox, struct inbox_cause *ret_cause)
{
	pthread_mutex_lock(&inbox->mutex);
	*ret_cause = inbox->cause;
	inbox->cause.is_set = false;
	pthread_mutex_unlock(&inbox->mutex);
}

uint64_t inbox_dropped(struct inbox *inbox)
{
	uint64_t n;

	pthread_mutex_lock(&inbox->mutex);
	n = inbox->dropped;
	pthread_mutex_unlock(&inbox->mutex);
	return n;
}
