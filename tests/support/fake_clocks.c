/* fake_clocks.c: see fake_clocks.h. */
#include "fake_clocks.h"

#include <stddef.h>
#include <sys/timex.h>
#include <time.h>

static const struct fake_clocks *in_use;

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __real_adjtimex(struct timex *timex);
int __wrap_adjtimex(struct timex *timex);

void fake_clocks_use(const struct fake_clocks *clocks)
{
	in_use = clocks;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	if (!in_use || (id != CLOCK_REALTIME && id != CLOCK_BOOTTIME))
		return __real_clock_gettime(id, ts);
	wy_ms ms = id == CLOCK_REALTIME ? in_use->wall_ms : in_use->boot_ms;
	wy_ms seconds = ms / 1000 - (ms % 1000 < 0);
	*ts = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)(ms - seconds * 1000) * 1000000};
	return 0;
}

int __wrap_adjtimex(struct timex *timex)
{
	if (!in_use)
		return __real_adjtimex(timex);
	return in_use->is_synchronised ? TIME_OK : TIME_ERROR;
}
