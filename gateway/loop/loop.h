/* loop.h: one thread that waits for everything: descriptors, one-shot timers, signals. sd-event inside.
 *
 * Life     loop_new, sources, loop_run until loop_stop, loop_free (frees the sources too).
 * Threads  one. Other threads wake it through a descriptor of theirs.
 * Order    sources that are ready together run in order of their lane, life safety first. Where a lane has always something to do,
 *          each source behind it still gets a turn every second: it waits, but nobody has to think that it hangs. */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"

struct loop;
struct loop_timer;

enum loop_lane { LOOP_FIELD, LOOP_UPLINK, LOOP_PEOPLE }; /* first is served first */

typedef void (*loop_ready)(void *arg);

/* clock is borrowed: timers are set in its mono time. */
WY_MUST_CHECK enum wy_err loop_new(const struct clock *clock, struct loop **ret_loop);
void loop_free(struct loop *loop);
const struct clock *loop_clock(const struct loop *loop);

/* Call when fd can be read (or has hung up). The fd stays the caller's. */
WY_MUST_CHECK enum wy_err loop_add_fd(struct loop *loop, int fd, enum loop_lane lane, loop_ready ready,
				      void *arg);
/* Call when fd can be written (true) or read (false) from now on. */
void loop_want_write(struct loop *loop, int fd, bool is_wanted);
void loop_remove_fd(struct loop *loop, int fd);
/* A timer, disarmed. */
WY_MUST_CHECK enum wy_err loop_add_timer(struct loop *loop, enum loop_lane lane, loop_ready ready, void *arg,
					 struct loop_timer **ret_timer);
/* Fire once at this instant (mono), or never for WY_MS_NEVER. Setting again moves it. */
void loop_timer_set(struct loop_timer *timer, wy_ms at_ms);
/* SIGTERM, SIGINT and SIGHUP wait from now on, until there is a source for them. Call before any thread starts. */
WY_MUST_CHECK enum wy_err loop_hold_signals(void);
/* SIGTERM, SIGINT: call ready. Holds the signals. */
WY_MUST_CHECK enum wy_err loop_add_stop_signals(struct loop *loop, loop_ready ready, void *arg);

/* SIGHUP: call ready, once for all that came meanwhile. Holds the signals. */
WY_MUST_CHECK enum wy_err loop_add_reload_signal(struct loop *loop, loop_ready ready, void *arg);

/* Tell the service manager: "READY=1", "STATUS=...", "STOPPING=1", "WATCHDOG=1". Harmless without one. From any thread. */
void loop_notify(const char *state);
/* Files are being loaded again: until the next "READY=1". */
void loop_notify_reloading(void);
/* How often the service manager wants to hear "WATCHDOG=1"; 0: never. */
wy_ms loop_watchdog_ms(void);

/* Runs until loop_stop(). */
WY_MUST_CHECK enum wy_err loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
