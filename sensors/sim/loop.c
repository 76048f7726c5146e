/* loop.c: see loop.h. One event per wait: a function may free any source, and no stale event can
 * follow. */
#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
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

void sim_timer_stop(struct sim_loop *loop, struct sim_timer *timer)
{
	struct sim_timer **at = &loop->first;

	if (!timer->is_set)
		return;
	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
	timer->is_set = false;
}

void sim_timer_set(struct sim_loop *loop, struct sim_timer *timer, wy_ms due_ms)
{
	struct sim_timer **at = &loop->first;

	sim_timer_stop(loop, timer);
	while (*at && (*at)->due_ms <= due_ms)
		at = &(*at)->next;
	timer->due_ms = due_ms;
	timer->next = *at;
	timer->is_set = true;
	*at = timer;
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
