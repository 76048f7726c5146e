/* schedule.h: which device of one wire is polled next, for which poll classes, and when. Pure.
 *
 * Due       each poll class of a device has its own period. All of it is asked within the first second; then the beats of
 *           devices are spread over the period, those of slow classes too, so that a hundred devices do not ask at
 *           once; they lie on a grid of SCHEDULE_GRID_MS, so that what many wires ask is asked in a few goes. A slow beat falls on one of the faster classes where its period is a multiple of theirs: what
 *           is due together is asked in one poll. No device is asked again before its min_interval_ms has passed.
 * Order     of those that are due, life-safety devices first; among equals the one that is most overdue for its
 *           period; at a tie the order of the devices. After SCHEDULE_SAFETY_ROW safety turns in a row another device goes
 *           first that is overdue by more than its period. So a wire that cannot keep up delays each in proportion to
 *           its period and starves nobody.
 * Failure   after a first failure a device is asked at its next beat (and within SCHEDULE_BACKOFF_FIRST_MS), so one
 *           lost answer costs one poll. From the second on it is silent: left alone for SCHEDULE_BACKOFF_FIRST_MS,
 *           doubling, jittered by a quarter. Meanwhile it is asked for its fastest class only; the first answer brings
 *           back all its classes at once.
 * Silent    all silent devices of a wire share SCHEDULE_PROBE_PERCENT of its time: the longest wait is what
 *           probes of all of them take of late, divided by this share, at least SCHEDULE_BACKOFF_EARLY_MS and at most
 *           SCHEDULE_BACKOFF_MOST_MS. So a unit that returns is seen within ten seconds as long as the wire can afford
 *           that. Whoever is silent for less than a minute (SCHEDULE_EARLY_MS), or on a wire where nobody answers, waits
 *           no longer than SCHEDULE_BACKOFF_EARLY_MS. Between two probes those who answer get a turn.
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
#define SCHEDULE_SAFETY_ROW 4u
#define SCHEDULE_BACKOFF_FIRST_MS 1000
#define SCHEDULE_BACKOFF_EARLY_MS 8000
#define SCHEDULE_EARLY_MS 60000
#define SCHEDULE_BACKOFF_MOST_MS 60000
#define SCHEDULE_PROBE_PERCENT 20
#define SCHEDULE_GRID_MS 250

struct schedule_device {
	uint32_t device;                  /* the caller's number */
	wy_ms class_ms[SCHEDULE_CLASSES]; /* period; 0: the device has no point of this class */
	wy_ms min_interval_ms;            /* from the end of a poll to the next one */
	bool is_safety;                   /* life safety: goes first */
};

struct schedule;

/* devices is copied. seed: any number, other per wire. */
WY_MUST_CHECK enum wy_err schedule_new(const struct schedule_device *devices, size_t n, wy_ms now_ms,
				       uint64_t seed, struct wy_arena *arena, struct schedule **ret);

struct schedule_turn {
	size_t slot; /* index of the device in what schedule_new() was given */
	uint32_t device;
	unsigned class_mask; /* 1u << class */
	bool is_probe;       /* the device failed last time */
	wy_ms due_ms;        /* since when it is due */
};

/* What to poll now, or when to ask again (ret_at_ms; WY_MS_NEVER: nothing to poll). True: a poll is due. Costs nothing
 * while nothing is due. */
bool schedule_next(struct schedule *schedule, wy_ms now_ms, struct schedule_turn *ret_turn, wy_ms *ret_at_ms);
/* How it went. took_ms: wire time of the poll; now_ms: when it ended. */
void schedule_done(struct schedule *schedule, const struct schedule_turn *turn, bool has_answered, wy_ms took_ms,
		   wy_ms now_ms);
/* Somebody asks for this device: all its classes are due now, before all others, without back-off. */
void schedule_ask(struct schedule *schedule, size_t slot, wy_ms now_ms);
/* Failures of a device in a row. */
unsigned schedule_failures(const struct schedule *schedule, size_t slot);
/* Devices that failed more than once in a row. */
size_t schedule_silent(const struct schedule *schedule);

#endif
