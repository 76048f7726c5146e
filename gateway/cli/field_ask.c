/* field_ask.c: see field_ask.h. */
#include "field_ask.h"

#include <poll.h>

#include "clock.h"
#include "drivers.h"

enum { FRAMES = 32 }; /* of one step; more than one wire can do in it */

enum mine_state { WAITING, REPORTED, SETTLED };

struct asking {
	const struct field_ask *ask;
	const struct sensor_driver *driver;
	void *field;
	bool is_done;
	bool is_pressing; /* somebody was asked again: step at once */
	uint8_t *state; /* [n_mine] enum mine_state */
	size_t n_unsettled;
	uint64_t seen; /* number of the last frame watched */
};

static void take(void *arg, const struct sensor_report *report)
{
	struct asking *asking = arg;

	if (asking->is_done)
		return;
	asking->is_done = asking->ask->take(asking->ask->arg, report);
	for (size_t i = 0; i < asking->ask->n_mine; i++)
		if (asking->ask->mine[i] == report->device && asking->state[i] == WAITING)
			asking->state[i] = REPORTED;
}

static void watch(struct asking *asking)
{
	const struct field_ask *ask = asking->ask;
	struct sensor_frame frames[FRAMES];

	if (!ask->watch || !asking->driver->frames)
		return;
	size_t n = asking->driver->frames(asking->field, ask->devices[ask->mine[0]].wire, frames, FRAMES);
	for (size_t i = 0; i < n; i++) {
		if (frames[i].number <= asking->seen)
			continue;
		asking->seen = frames[i].number;
		ask->watch(ask->arg, &frames[i]);
	}
}

static enum wy_err ask_again(struct asking *asking)
{
	const struct field_ask *ask = asking->ask;

	asking->is_pressing = false;
	for (size_t i = 0; ask->is_asked_again && i < ask->n_mine; i++) {
		if (asking->state[i] != REPORTED)
			continue;
		bool is_again = ask->is_asked_again(ask->arg, ask->mine[i]);
		enum wy_err err = is_again ? asking->driver->ask(asking->field, ask->mine[i]) : WY_OK;
		if (err)
			return err;
		asking->state[i] = is_again ? WAITING : SETTLED;
		asking->n_unsettled -= !is_again;
		asking->is_pressing = asking->is_pressing || is_again;
	}
	asking->is_done = asking->is_done || !asking->n_unsettled;
	return WY_OK;
}

static enum wy_err step_until_done(struct asking *asking)
{
	wy_ms end_ms = clock_boot() + asking->ask->patience_ms;
	wy_ms now_ms = clock_boot();

	while (!asking->is_done && now_ms < end_ms) {
		wy_ms next_ms = asking->driver->step(asking->field, now_ms);
		struct pollfd fd = {.fd = asking->driver->fd(asking->field), .events = POLLIN};
		watch(asking);
		enum wy_err err = ask_again(asking);
		if (err)
			return err;
		wy_ms wait_ms = (next_ms < end_ms ? next_ms : end_ms) - clock_boot();
		if (!asking->is_done)
			(void)poll(&fd, 1, wait_ms > 0 && !asking->is_pressing ? (int)wait_ms : 0);
		now_ms = clock_boot();
	}
	return asking->is_done ? WY_OK : WY_E_TIMEOUT;
}

enum wy_err field_ask(const struct field_ask *ask, struct wy_arena *arena, struct wy_diags *diags)
{
	const struct sensor_driver *driver = sensor_driver_find(ask->devices[ask->mine[0]].profile->transport);
	struct asking asking = {.ask = ask,
				.driver = driver,
				.state = wy_arena_array(arena, ask->n_mine, sizeof(*asking.state)),
				.n_unsettled = ask->n_mine};
	const struct sensor_field_parts parts = {.wires = ask->wires,
						 .devices = ask->devices,
						 .mine = ask->mine,
						 .n_mine = ask->n_mine,
						 .arena = arena,
						 .seed = clock_seed(),
						 .take = take,
						 .arg = &asking,
						 .diags = diags,
						 .now_ms = clock_boot(),
						 .least_wall_ms = clock_build()};

	if (!asking.state)
		return WY_E_NOMEM;
	enum wy_err err = driver->open(&parts, &asking.field);
	for (size_t i = 0; !err && i < ask->n_mine; i++)
		err = driver->ask(asking.field, ask->mine[i]);
	if (!err)
		err = step_until_done(&asking);
	driver->close(asking.field);
	return err;
}
