/* loop.c: see loop.h. The only user of sd-event. */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>

/* As good as never; in microseconds it would come round to the past. */
#define FAR_MS (WY_MS_NEVER / 2000)
#define TURN_MS ((wy_ms)1000) /* who waits longer than that behind a lane that is never done gets one turn before it */

struct source {
	struct source *next;
	struct loop *loop;
	sd_event_source *event;
	loop_ready ready;
	void *arg;
	int fd; /* -1: a timer or a signal */
	enum loop_lane lane;
	bool is_first; /* for one turn */
};

struct loop {
	sd_event *event;
	const struct clock *clock; /* borrowed */
	struct source *sources;    /* owned */
	wy_ms turns_ms;		   /* boot time: when those that wait last got a turn */
};

struct loop_timer {
	struct source source;
	const struct loop *loop;
};

static enum wy_err err_of(int negative_errno)
{
	return negative_errno == -ENOMEM ? WY_E_NOMEM : WY_E_IO;
}

enum wy_err loop_new(const struct clock *clock, struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return WY_E_NOMEM;
	int rc = sd_event_new(&loop->event);
	if (rc < 0) {
		free(loop);
		return err_of(rc);
	}
	loop->clock = clock;
	loop->turns_ms = clock_boot();
	*ret_loop = loop;
	return WY_OK;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	while (loop->sources) {
		struct source *source = loop->sources;
		loop->sources = source->next;
		sd_event_source_disable_unref(source->event);
		free(source);
	}
	sd_event_unref(loop->event);
	free(loop);
}

static void set_rank(struct source *source, enum loop_lane lane)
{
	(void)sd_event_source_set_priority(source->event, (int64_t)lane * 10);
}

/* Of two that wait in one lane the older goes first. */
static void give_turns(struct loop *loop)
{
	wy_ms now_ms = clock_boot();

	if (now_ms < loop->turns_ms + TURN_MS)
		return;
	loop->turns_ms = now_ms;
	for (struct source *source = loop->sources; source; source = source->next) {
		if (source->lane == LOOP_FIELD || sd_event_source_get_pending(source->event) <= 0)
			continue;
		source->is_first = true;
		set_rank(source, LOOP_FIELD);
	}
}

/* `source` may be gone afterwards. */
static void serve(struct source *source)
{
	give_turns(source->loop);
	if (source->is_first) {
		source->is_first = false;
		set_rank(source, source->lane);
	}
	source->ready(source->arg);
}

static void keep(struct loop *loop, struct source *source, enum loop_lane lane)
{
	source->loop = loop;
	source->lane = lane;
	set_rank(source, lane);
	source->next = loop->sources;
	loop->sources = source;
}

static int on_fd(sd_event_source *event, int fd, uint32_t revents, void *arg)
{
	(void)event;
	(void)fd;
	(void)revents;

	serve(arg);
	return 0;
}

enum wy_err loop_add_fd(struct loop *loop, int fd, enum loop_lane lane, loop_ready ready, void *arg)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return WY_E_NOMEM;
	source->fd = fd;
	source->ready = ready;
	source->arg = arg;
	int rc = sd_event_add_io(loop->event, &source->event, fd, EPOLLIN, on_fd, source);
	if (rc < 0) {
		free(source);
		return err_of(rc);
	}
	keep(loop, source, lane);
	return WY_OK;
}

void loop_want_write(struct loop *loop, int fd, bool is_wanted)
{
	for (struct source *source = loop->sources; source; source = source->next)
		if (source->fd == fd)
			(void)sd_event_source_set_io_events(source->event,
							    is_wanted ? EPOLLOUT : EPOLLIN);
}

void loop_remove_fd(struct loop *loop, int fd)
{
	for (struct source **at = &loop->sources; *at; at = &(*at)->next) {
		struct source *source = *at;
		if (source->fd != fd)
			continue;
		*at = source->next;
		sd_event_source_disable_unref(source->event);
		free(source);
		return;
	}
}

static int on_time(sd_event_source *event, uint64_t usec, void *arg)
{
	struct loop_timer *timer = arg;
	(void)event;
	(void)usec;

	serve(&timer->source);
	return 0;
}

enum wy_err loop_add_timer(struct loop *loop, enum loop_lane lane, loop_ready ready, void *arg,
			   struct loop_timer **ret_timer)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return WY_E_NOMEM;
	timer->source.fd = -1;
	timer->source.ready = ready;
	timer->source.arg = arg;
	timer->loop = loop;
	int rc = sd_event_add_time(loop->event, &timer->source.event, CLOCK_BOOTTIME, UINT64_MAX, 1000,
				   on_time, timer);
	if (rc < 0) {
		free(timer);
		return err_of(rc);
	}
	(void)sd_event_source_set_enabled(timer->source.event, SD_EVENT_OFF);
	keep(loop, &timer->source, lane);
	*ret_timer = timer;
	return WY_OK;
}

void loop_timer_set(struct loop_timer *timer, wy_ms at_ms)
{
	wy_ms offset_ms = timer->loop->clock->offset_ms;

	if (at_ms > FAR_MS) {
		(void)sd_event_source_set_enabled(timer->source.event, SD_EVENT_OFF);
		return;
	}
	uint64_t boot_ms = at_ms > offset_ms ? (uint64_t)(at_ms - offset_ms) : 0;
	(void)sd_event_source_set_time(timer->source.event, boot_ms * 1000);
	(void)sd_event_source_set_enabled(timer->source.event, SD_EVENT_ONESHOT);
}

static int on_signal(sd_event_source *event, const struct signalfd_siginfo *info, void *arg)
{
	(void)event;
	(void)info;

	serve(arg);
	return 0;
}

enum wy_err loop_hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	return sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? WY_OK : WY_E_IO;
}

static enum wy_err add_signal(struct loop *loop, int number, loop_ready ready, void *arg)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return WY_E_NOMEM;
	source->fd = -1;
	source->ready = ready;
	source->arg = arg;
	int rc = sd_event_add_signal(loop->event, &source->event, number, on_signal, source);
	if (rc < 0) {
		free(source);
		return err_of(rc);
	}
	keep(loop, source, LOOP_PEOPLE);
	return WY_OK;
}

enum wy_err loop_add_stop_signals(struct loop *loop, loop_ready ready, void *arg)
{
	enum wy_err err = loop_hold_signals();

	if (!err)
		err = add_signal(loop, SIGTERM, ready, arg);
	return err ? err : add_signal(loop, SIGINT, ready, arg);
}

enum wy_err loop_add_reload_signal(struct loop *loop, loop_ready ready, void *arg)
{
	enum wy_err err = loop_hold_signals();

	return err ? err : add_signal(loop, SIGHUP, ready, arg);
}

void loop_notify(const char *state)
{
	(void)sd_notify(0, state);
}

wy_ms loop_watchdog_ms(void)
{
	uint64_t usec = 0;

	return sd_watchdog_enabled(0, &usec) > 0 ? (wy_ms)(usec / 1000) : 0;
}

void loop_notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now); /* the one the service manager compares with */
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
			 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

enum wy_err loop_run(struct loop *loop)
{
	return sd_event_loop(loop->event) < 0 ? WY_E_IO : WY_OK;
}

void loop_stop(struct loop *loop)
{
	(void)sd_event_exit(loop->event, 0);
}

const struct clock *loop_clock(const struct loop *loop)
{
	return loop->clock;
}
