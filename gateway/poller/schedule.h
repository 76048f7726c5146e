/* schedule.h: which device of one wire is polled next, for which poll classes, and when. Pure.
 *
 * Due       each poll class of a device has its own period and a first time spread over it, so that
 *           a hundred devices do not ask at once. What is due together is asked in one poll.
 * Order     on one wire the longest overdue first; at a tie the order of the devices. So a slow
 *           device is late itself and starves nobody.
 * Failure   after a first failure a device is asked at its next beat (and within
 *           SCHEDULE_BACKOFF_FIRST_MS), so one lost answer costs one poll. After a second it is left
 *           alone for SCHEDULE_BACKOFF_FIRST_MS, doubling up to SCHEDULE_BACKOFF_MOST_MS, jittered by
 *           a quarter; in the first minute (SCHEDULE_EARLY_MS) only up to SCHEDULE_BACKOFF_EARLY_MS,
 *           so that whoever was only switched off and on is seen within ten seconds. Meanwhile it is asked for its fastest class only; the first answer after more
 *           than one failure brings back all its classes at once.
 * Late      a poll that could not be made in time is made once, not as often as it was missed.
 * Threads   one schedule, one thread. Times are mono. */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "clocktypes.h"
#include "err.h"

#define SCHEDULE_CLASSES 4u
#define SCHEDULE_BACKOFF_FIRST_MS 1000
#define SCHEDULE_BACKOFF_EARLY_MS 8000
#define SCHEDULE_EARLY_MS 60000
#define SCHEDULE_BACKOFF_MOST_MS 60000

struct schedule_device {
	uint32_t device;                  /* the caller's number */
	wy_ms class_ms[SCHEDULE_CLASSES]; /* period; 0: the device has no point of this class */
};

struct schedule;

/* devices is copied. seed: any number, other per wire. */
WY_MUST_CHECK enum wy_err schedule_new(const struct schedule_device *devices, size_t n, wy_ms now_ms,
				       uint64_t seed, struct wy_arena *arena, struct schedule **ret);

struct schedule_turn {
	size_t slot;         /* for schedule_done() */
	uint32_t device;
	unsigned class_mask; /* 1u << class */
	bool is_probe;       /* the device failed last time */
};

/* What to poll now, or when to ask again (ret_at_ms; WY_MS_NEVER: nothing to poll). True: a poll is due. */
bool schedule_next(const struct schedule *schedule, wy_ms now_ms, struct schedule_turn *ret_turn,
		   wy_ms *ret_at_ms);
/* How it went. now_ms: when the poll ended. */
void schedule_done(struct schedule *schedule, const struct schedule_turn *turn, bool has_answered,
		   wy_ms now_ms);
/* Failures of a device in a row. */
unsigned schedule_failures(const struct schedule *schedule, size_t slot);

#endif
