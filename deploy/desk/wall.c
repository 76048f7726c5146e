/* wall.c: reading the clocks. */
#include "wall.h"

#include <time.h>

static wy_ms read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (wy_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

wy_ms wall_now_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

wy_ms mono_now_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}
