/* stepping.c: see stepping.h. */
#include "stepping.h"

#include <poll.h>
#include <time.h>

wy_ms stepping_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (wy_ms)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool stepping_until_moved(const struct sensor_driver *driver, void *field, const unsigned *counter, wy_ms skew_ms,
			  wy_ms most_ms)
{
	unsigned before = *counter;
	wy_ms end_ms = stepping_now() + most_ms;

	while (*counter == before && stepping_now() < end_ms) {
		wy_ms next_ms = driver->step(field, stepping_now() + skew_ms);
		struct pollfd fd = {driver->fd(field), POLLIN, 0};
		wy_ms left_ms = next_ms - stepping_now() - skew_ms;
		if (*counter == before)
			(void)poll(&fd, 1, left_ms < 0 ? 0 : left_ms > 1000 ? 1000 : (int)left_ms);
	}
	return *counter != before;
}
