/* clock.h: the only reader of a clock in the whole program.
 *
 * mono is CLOCK_BOOTTIME plus an offset that the store keeps, so that durations go on across process
 * restarts (same boot: exactly) and reboots (by wall clock, never backwards). wall is CLOCK_REALTIME.
 * A wall clock below the bound (clock_bound) is wrong, and its state is "unsynced" whatever the kernel says.
 * libcoap is made to ask here too (coap_ticks).
 * Threads: after clock_set() any thread may call clock_mono(); clock_now() belongs to the loop. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>

#include "clocktypes.h"

struct clock {
	wy_ms offset_ms;       /* mono = boottime + offset */
	wy_ms gap_ms;          /* wall - mono when last looked at, to notice steps */
	wy_ms stepped_until_ms; /* mono */
	wy_ms step_ms;         /* size of the last step, 0: none yet */
	wy_ms least_wall_ms;   /* it is later than that; see clock_bound() */
	wy_ms certain_wall_ms; /* the part of it that no kernel can talk us out of */
	const struct wy_now *fixed; /* tests: what time it is; NULL: the system's clocks. Borrowed */
};

/* What the last run left behind; all zero for a new store. */
struct clock_past {
	char boot_id[40];
	wy_ms offset_ms;
	wy_ms mono_ms; /* last known */
	wy_ms wall_ms; /* at the same instant */
};

/* Start the logical clock after the past. Same boot: the old offset. Another boot: mono goes on by the
 * wall clock's advance since, or from mono_ms where the wall clock went backwards or jumped more
 * than a month: then nobody knows how long the machine was off, and what is timed comes later rather than sooner.
 * boot_id is the present one. */
void clock_set(struct clock *clock, const struct clock_past *past, const char *boot_id);
/* After clock_set(): the wall clock cannot be right below the latest of these: when the program was made, from when on
 * our own certificate holds (0: not known), when the clock was last known to be right (0: never). */
void clock_bound(struct clock *clock, wy_ms certificate_ms, wy_ms sure_ms);
bool clock_is_behind(const struct clock *clock);
wy_ms clock_build(void); /* when this program's source was made, Unix milliseconds; 0: not known */

struct wy_now clock_now(struct clock *clock);
wy_ms clock_mono(const struct clock *clock);
wy_ms clock_boot(void); /* CLOCK_BOOTTIME, milliseconds */
wy_ms clock_wall(void);

/* Text of /proc/sys/kernel/random/boot_id; "unknown" where there is none. */
void clock_boot_id(char ret_id[40]);
/* A seed for jitter: not for keys. */
uint64_t clock_seed(void);

#endif
