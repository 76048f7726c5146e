/* loop.c: see loop.h. One event per wait: a function may free any source, and no stale event can
 * follow. */
#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static wy_ms read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (wy_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

wy_ms sim_now_ms(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

wy_ms sim_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

enum wy_err sim_loop_open(struct sim_loop *loop)
{
	*loop = (struct sim_loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	return loop->epoll_fd < 0 ? WY_E_IO : WY_OK;
}

void sim_loop_close(struct sim_loop *loop)
{
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->epoll_fd = -1;
}

enum wy_err sim_loop_add(struct sim_loop *loop, struct sim_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) ? WY_E_IO : WY_OK;
}

void sim_loop_want(struct sim_loop *loop, struct sim_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
}

void sim_loop_remove(struct sim_loop *loop, struct sim_source *source)
{
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
}

/* ---- Timers: a pairing heap through the timers themselves -------------------------------------- */

static bool is_sooner(const struct sim_timer *a, const struct sim_timer *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->turn < b->turn;
}

/* The later one becomes the first child of the sooner one. Either may be NULL. */
static struct sim_timer *meld(struct sim_timer *a, struct sim_timer *b)
{
	if (!a || !b)
		return a ? a : b;
	if (is_sooner(b, a)) {
		struct sim_timer *sooner = b;
		b = a;
		a = sooner;
	}
	b->before = a;
	b->next = a->child;
	if (a->child)
		a->child->before = b;
	a->child = b;
	a->next = a->before = NULL;
	return a;
}

/* A list of siblings into one heap: pairs from the left, then all of them from the right. */
static struct sim_timer *meld_siblings(struct sim_timer *first)
{
	struct sim_timer *pairs = NULL, *whole = NULL;

	while (first) {
		struct sim_timer *a = first, *b = first->next;
		first = b ? b->next : NULL;
		a->next = a->before = NULL;
		if (b)
			b->next = b->before = NULL;
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct sim_timer *next = pairs->next;
		pairs->next = NULL;
		whole = meld(whole, pairs);
		pairs = next;
	}
	return whole;
}

void sim_timer_stop(struct sim_loop *loop, struct sim_timer *timer)
{
	if (!timer->is_set)
		return;
	timer->is_set = false;
	struct sim_timer *below = meld_siblings(timer->child);
	if (timer == loop->first) {
		loop->first = below;
	} else {
		if (timer->before->child == timer)
			timer->before->child = timer->next;
		else
			timer->before->next = timer->next;
		if (timer->next)
			timer->next->before = timer->before;
		loop->first = meld(loop->first, below);
	}
	timer->child = timer->next = timer->before = NULL;
}

void sim_timer_set(struct sim_loop *loop, struct sim_timer *timer, wy_ms due_ms)
{
	sim_timer_stop(loop, timer);
	timer->due_ms = due_ms;
	timer->turn = loop->turns++;
	timer->is_set = true;
	timer->child = timer->next = timer->before = NULL;
	loop->first = meld(loop->first, timer);
}

static void fire_due(struct sim_loop *loop)
{
	wy_ms now_ms = sim_now_ms();

	while (loop->first && loop->first->due_ms <= now_ms && !loop->is_done) {
		struct sim_timer *timer = loop->first;

		sim_timer_stop(loop, timer);
		timer->fire(timer->arg);
	}
}

static int wait_ms(const struct sim_loop *loop)
{
	if (!loop->first)
		return -1;
	wy_ms left_ms = loop->first->due_ms - sim_now_ms();
	if (left_ms < 0)
		return 0;
	return left_ms > 60000 ? 60000 : (int)left_ms;
}

enum wy_err sim_loop_run(struct sim_loop *loop, void (*before_wait)(void *arg), void *arg)
{
	while (!loop->is_done) {
		struct epoll_event event;

		before_wait(arg);
		int n = epoll_wait(loop->epoll_fd, &event, 1, wait_ms(loop));
		if (n < 0 && errno != EINTR)
			return WY_E_IO;
		if (n == 1) {
			struct sim_source *source = event.data.ptr;
			source->ready(source->arg, event.events);
		}
		fire_due(loop);
	}
	return WY_OK;
}
