/* wall_clock.c: a wall clock that is wrong, for a program that knows nothing of it. A library for LD_PRELOAD.
 *
 * WY_CLOCK_FILE names a small file with a number of seconds, like +3600: so far off is everything the program is told of the
 * wall clock, from the moment the file says so. Clocks that measure time are left alone, and so are timers, which the loop
 * sets by such a clock: that is what libfaketime cannot do for timerfd. Waiting until an instant of the wall clock is
 * translated, as it is the machine that waits. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

static time_t seconds_off(void)
{
	const char *path = getenv("WY_CLOCK_FILE");
	char text[32] = "";
	int kept = errno;
	long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)!syscall(SYS_read, fd, text, sizeof(text) - 1);
		syscall(SYS_close, fd);
	}
	errno = kept;
	return strtol(text, NULL, 10);
}

PUBLIC int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += seconds_off();
	return rc;
}

PUBLIC int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	int rc = (int)syscall(SYS_gettimeofday, tv, zone);

	if (rc == 0)
		tv->tv_sec += seconds_off();
	return rc;
}

PUBLIC time_t time(time_t *ret_now)
{
	struct timespec ts = {0, 0};

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (ret_now)
		*ret_now = ts.tv_sec;
	return ts.tv_sec;
}

/* ---- Waiting -------------------------------------------------------------------------------------- */

enum { NEAR_S = 3600 }; /* an instant so near to our wall clock is one of it, and not of another clock */

static struct timespec as_machine(const struct timespec *until)
{
	struct timespec then = *until;
	time_t away_s = until->tv_sec - time(NULL);

	if (away_s > -NEAR_S && away_s < NEAR_S)
		then.tv_sec -= seconds_off();
	return then;
}

static void *next_of(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found)
		abort();
	return found;
}

PUBLIC int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict lock,
				  const struct timespec *restrict until)
{
	struct timespec then = as_machine(until);

	return ((int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))next_of("pthread_cond_timedwait"))(
		cond, lock, &then);
}

PUBLIC int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict until)
{
	struct timespec then = as_machine(until);

	return ((int (*)(sem_t *, const struct timespec *))next_of("sem_timedwait"))(sem, &then);
}
