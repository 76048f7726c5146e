/* clocktypes.h: how time is passed around. Nothing here reads a clock: gateway/loop does.
 *
 * Two times that never meet in one expression:
 *   mono_ms  the logical clock: boottime plus an offset kept in the store, so it goes on across
 *            restarts and reboots and never steps back. Every duration is a difference of two.
 *   wall_ms  Unix time, UTC, milliseconds. Stamps people read, and calendars. It may step. */
#ifndef WY_CLOCKTYPES_H
#define WY_CLOCKTYPES_H

#include <stdint.h>

typedef int64_t wy_ms;

#define WY_MS_NEVER INT64_MAX /* no such instant lies ahead */
#define WY_MS_NONE INT64_MIN  /* no such instant lies behind */

enum wy_clock_state { WY_CLOCK_UNSYNCED, WY_CLOCK_SYNCED, WY_CLOCK_STEPPED };

struct wy_now {
	wy_ms mono_ms;
	wy_ms wall_ms;
	enum wy_clock_state clock;
};

#endif
