/* clock.c: see clock.h. */
#include "clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timex.h>
#include <time.h>

#include "wy_limits.h"

#define STEP_MS 2000
#define STEP_SHOWN_MS 60000

static wy_ms read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (wy_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

wy_ms clock_boot(void)
{
	return read_ms(CLOCK_BOOTTIME);
}

wy_ms clock_wall(void)
{
	return read_ms(CLOCK_REALTIME);
}

wy_ms clock_mono(const struct clock *clock)
{
	if (clock->fixed)
		return clock->fixed->mono_ms;
	return clock_boot() + clock->offset_ms;
}

void clock_set(struct clock *clock, const struct clock_past *past, const char *boot_id)
{
	wy_ms boot_ms = clock_boot();
	wy_ms wall_ms = clock_wall();

	memset(clock, 0, sizeof(*clock));
	if (strcmp(past->boot_id, boot_id) == 0 && strcmp(boot_id, "unknown") != 0) {
		clock->offset_ms = past->offset_ms;
	} else if (past->wall_ms) {
		wy_ms away_ms = wall_ms - past->wall_ms;
		if (away_ms < 0 || away_ms > WY_AWAY_MOST_MS)
			away_ms = 0;
		clock->offset_ms = past->mono_ms + away_ms - boot_ms;
	} else {
		clock->offset_ms = wall_ms - boot_ms;
	}
	if (boot_ms + clock->offset_ms < past->mono_ms)
		clock->offset_ms = past->mono_ms - boot_ms;
	clock->gap_ms = wall_ms - (boot_ms + clock->offset_ms);
	clock->least_wall_ms = clock->certain_wall_ms = clock_build();
}

wy_ms clock_build(void)
{
	return (wy_ms)WY_BUILD_TIME * 1000;
}

void clock_bound(struct clock *clock, wy_ms certificate_ms, wy_ms sure_ms)
{
	if (certificate_ms > clock->certain_wall_ms)
		clock->certain_wall_ms = certificate_ms;
	clock->least_wall_ms = sure_ms > clock->certain_wall_ms ? sure_ms : clock->certain_wall_ms;
}

bool clock_is_behind(const struct clock *clock)
{
	return (clock->fixed ? clock->fixed->wall_ms : clock_wall()) < clock->least_wall_ms;
}

/* As the kernel was told by whoever keeps the time. A sandbox that forbids the question means: not known to be. */
static bool is_synchronised(void)
{
	struct timex timex = {0};
	int state = adjtimex(&timex);

	return state >= 0 && state != TIME_ERROR;
}

struct wy_now clock_now(struct clock *clock)
{
	if (clock->fixed)
		return *clock->fixed;
	struct wy_now now = {.mono_ms = clock_mono(clock), .wall_ms = clock_wall()};
	wy_ms gap_ms = now.wall_ms - now.mono_ms;
	wy_ms change_ms = gap_ms - clock->gap_ms;

	if (change_ms > STEP_MS || change_ms < -STEP_MS) {
		clock->stepped_until_ms = now.mono_ms + STEP_SHOWN_MS;
		clock->step_ms = change_ms;
	}
	clock->gap_ms = gap_ms;
	/* Somebody keeps it, and it is earlier than a time that was known to be right: then that was not. */
	if (now.wall_ms < clock->least_wall_ms && now.wall_ms >= clock->certain_wall_ms && is_synchronised())
		clock->least_wall_ms = clock->certain_wall_ms;
	if (now.wall_ms < clock->least_wall_ms)
		now.clock = WY_CLOCK_UNSYNCED;
	else if (now.mono_ms < clock->stepped_until_ms)
		now.clock = WY_CLOCK_STEPPED;
	else
		now.clock = is_synchronised() ? WY_CLOCK_SYNCED : WY_CLOCK_UNSYNCED;
	return now;
}

void clock_boot_id(char ret_id[40])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	strcpy(ret_id, "unknown");
	if (!file)
		return;
	if (!fgets(ret_id, 40, file))
		strcpy(ret_id, "unknown");
	ret_id[strcspn(ret_id, "\n")] = '\0';
	fclose(file);
}

uint64_t clock_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		seed = (uint64_t)clock_boot() * 2654435761u;
	return seed;
}

/* ---- In front of libcoap ---------------------------------------------------------------------- */

/* libcoap measures its time-outs on the wall clock, by these functions of its own: a clock set forward would end what a
 * device was about to answer, and one set back would hold up what has to be said again. A program's function goes
 * before a library's of the same name, so boottime is asked here. OpenSSL still tells the next repetition of a DTLS
 * handshake as an instant of the wall clock, which is translated. */
#define INSTEAD_OF_LIBCOAPS __attribute__((visibility("default")))

INSTEAD_OF_LIBCOAPS void coap_ticks(uint64_t *ret_ticks);
INSTEAD_OF_LIBCOAPS uint64_t coap_ticks_from_rt_us(uint64_t wall_us);
INSTEAD_OF_LIBCOAPS uint64_t coap_ticks_to_rt_us(uint64_t ticks);
INSTEAD_OF_LIBCOAPS time_t coap_ticks_to_rt(uint64_t ticks);

void coap_ticks(uint64_t *ret_ticks)
{
	*ret_ticks = (uint64_t)clock_boot();
}

uint64_t coap_ticks_from_rt_us(uint64_t wall_us)
{
	return (uint64_t)((wy_ms)(wall_us / 1000) - clock_wall() + clock_boot());
}

uint64_t coap_ticks_to_rt_us(uint64_t ticks)
{
	return (uint64_t)((wy_ms)ticks - clock_boot() + clock_wall()) * 1000;
}

time_t coap_ticks_to_rt(uint64_t ticks)
{
	return (time_t)(coap_ticks_to_rt_us(ticks) / 1000000);
}
