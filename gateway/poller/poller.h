/* poller.h: the field thread: every driver's field, stepped by one thread beside the loop.
 *
 * Drivers never wait (driver.h), so a dead, slow or dripping wire delays no other, however many there are; the thread
 * exists so that a commit of the loop thread delays none either. Reports go through a ring (queue.h) and are handed out in
 * the order they were made. When the ring is full the field waits.
 *
 * Life     new, start, take whenever the descriptor is readable, stop, free.
 * Threads  all calls from the loop thread. */
#ifndef POLLER_H
#define POLLER_H

#include "clock.h"
#include "config.h"
#include "driver.h"
#include "watch.h"

struct poller;

/* All devices of the configuration. config, clock and arena are borrowed until poller_free(). Words go to diags. */
WY_MUST_CHECK enum wy_err poller_new(const struct config *config, const struct clock *clock, uint64_t seed,
				     struct wy_arena *arena, struct wy_diags *diags, struct poller **ret_poller);
/* The thread beats for itself and for the wires from the next start on. Borrowed until poller_free(). */
void poller_watch(struct poller *poller, struct watch *watch);
/* May be started again after poller_stop() or poller_pause(), and goes on where it was. Idempotent. */
WY_MUST_CHECK enum wy_err poller_start(struct poller *poller);
/* Readable when reports wait. */
int poller_fd(const struct poller *poller);
/* Hand out the reports that wait: at most a ring full, so that a busy field does not keep the loop from the rest. */
void poller_take(struct poller *poller, sensor_take take, void *arg);
/* The latest exchanges of a wire, oldest first; 0 where its driver keeps none. */
size_t poller_frames(struct poller *poller, uint32_t wire, struct sensor_frame *ret_frames, size_t most);
/* Joins the thread; what it would still report is dropped. Idempotent. */
void poller_stop(struct poller *poller);
/* The same, and no report is lost: those that wait, and that are made meanwhile, are handed out. */
void poller_pause(struct poller *poller, sensor_take take, void *arg);
void poller_free(struct poller *poller); /* NULL is fine */

#endif
