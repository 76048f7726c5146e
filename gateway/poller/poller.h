/* poller.h: one thread per Modbus wire, so that a dead, slow or dripping wire delays no other.
 *
 * A thread does nothing but ask its schedule, poll, and hand over whole reports; it knows no rules.
 * Reports wait in slots set aside at start (POLLER_SLOTS a wire). A wire whose slots are all taken
 * waits: the loop is slow then, and asking faster would not help.
 *
 * Life     new, start, take whenever the descriptor is readable, stop, free.
 * Threads  all calls from the loop thread. */
#ifndef POLLER_H
#define POLLER_H

#include "clock.h"
#include "config.h"
#include "sensor.h"

#define POLLER_SLOTS 4u

struct poller;

/* Borrowed during the call. */
typedef void (*poller_report)(void *arg, const struct sensor_report *report);

/* Wires and devices of kind TCP and RTU. config, clock and arena are borrowed until poller_free(). */
WY_MUST_CHECK enum wy_err poller_new(const struct config *config, const struct clock *clock, uint64_t seed,
				     struct wy_arena *arena, struct poller **ret_poller);
WY_MUST_CHECK enum wy_err poller_start(struct poller *poller);
/* Readable when reports wait. */
int poller_fd(const struct poller *poller);
/* Hand out all reports that wait, in the order they were made on each wire. */
void poller_take(struct poller *poller, poller_report report, void *arg);
/* Interrupts every wire and joins its thread: returns within the longest answer timeout. */
void poller_stop(struct poller *poller);
void poller_free(struct poller *poller); /* NULL is fine */

#endif
