/* clock.h: the only reader of a clock in the whole program.
 *
 * mono is CLOCK_BOOTTIME plus an offset that the store keeps, so that durations go on across process
 * restarts (same boot: exactly) and reboots (by wall clock, never backwards). wall is CLOCK_REALTIME.
 * Threads: after clock_set() any thread may call clock_mono(); clock_now() belongs to the loop. */
#ifndef CLOCK_H
#define CLOCK_H

#include "clocktypes.h"

struct clock {
	wy_ms offset_ms;       /* mono = boottime + offset */
	wy_ms gap_ms;          /* wall - mono when last looked at, to notice steps */
	wy_ms stepped_until_ms; /* mono */
	wy_ms step_ms;         /* size of the last step, 0: none yet */
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
 * than ten years. boot_id is the present one. */
void clock_set(struct clock *clock, const struct clock_past *past, const char *boot_id);

struct wy_now clock_now(struct clock *clock);
wy_ms clock_mono(const struct clock *clock);
wy_ms clock_boot(void); /* CLOCK_BOOTTIME, milliseconds */
wy_ms clock_wall(void);

/* Text of /proc/sys/kernel/random/boot_id; "unknown" where there is none. */
void clock_boot_id(char ret_id[40]);
/* A seed for jitter: not for keys. */
uint64_t clock_seed(void);

#endif
