/* vital.h: whether a device that answers is to be believed: what a report passes after the driver and before the rules. Pure.
 *
 * A driver proves that an answer belongs to its question. It cannot see that a gateway answers for a panel that has long
 * fallen silent, that a controller tells zeros while it boots, or that a counter was read half before and half after it
 * carried. Those show only beside earlier reports, so each device has a memory here.
 *
 *  alive     another device says of this one that it is gone: all BAD, GONE, and the report becomes WY_E_TIMEOUT
 *  liveness  the point that moves while the device lives has not for so long: everything else BAD, FROZEN, until it moves.
 *            Before that is known, at the start and after a return, values pass. An unreadable sign of life does
 *            not move, unless its point is optional
 *  grace     it came back from two or more failed exchanges, tells another identity, or a counter of it fell back:
 *            for grace_ms all its samples are BAD, RETURNED. Where the profile is for life safety they are UNCERTAIN
 *            instead: an alarm that is wrong for half a minute is a nuisance, one that is not heard is not
 *  tears     a counter wider than a register that falls back, or leaps with its high part changed, is BAD, MISMATCH
 *            once; where the next one agrees it was true. One that always leaps is let go
 *
 * Memory is the caller's arena; one thread at a time; time is that of the reports, mono milliseconds. */
#ifndef SENSOR_VITAL_H
#define SENSOR_VITAL_H

#include "sensor.h"

struct vital;

/* WY_E_NOMEM. The profile is borrowed for the life of the memory. */
WY_MUST_CHECK enum wy_err vital_new(const struct sensor_profile *profile, struct wy_arena *arena, struct vital **ret_vital);

/* What another device says of this one (sensor_device_conf.has_alive). Not known (its own value is not usable): nothing is
 * held against this one. */
void vital_set_alive(struct vital *vital, bool is_known, bool is_alive);

/* Judges the samples of a report in place, and its err. Also what a poll gave before it failed: it is fed to the rules as well. */
void vital_pass(struct vital *vital, struct sensor_report *report);

/* How a device does, as of its last report. Counts run modulo 2^32. */
struct vital_signs {
	uint32_t n_requests, n_garbled; /* as the driver counts them */
	uint32_t n_changes;             /* values unlike the last good one of their point */
	bool has_identity;
	int64_t identity; /* what its point said last; of an enum the index */
};
struct vital_signs vital_signs(const struct vital *vital);

#endif
