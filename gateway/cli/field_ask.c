/* field_ask.c: see field_ask.h. */
#include "field_ask.h"

#include <poll.h>

#include "clock.h"
#include "driver.h"
#include "drivers.h"

struct asking {
	const struct field_ask *ask;
	bool is_done;
};

static void take(void *arg, const struct sensor_report *report)
{
	struct asking *asking = arg;

	if (!asking->is_done)
		asking->is_done = asking->ask->take(asking->ask->arg, report);
}

static void step_until_done(const struct sensor_driver *driver, void *field, struct asking *asking)
{
	wy_ms end_ms = clock_boot() + asking->ask->patience_ms;
	wy_ms now_ms = clock_boot();

	while (!asking->is_done && now_ms < end_ms) {
		wy_ms next_ms = driver->step(field, now_ms);
		struct pollfd fd = {.fd = driver->fd(field), .events = POLLIN};
		wy_ms wait_ms = (next_ms < end_ms ? next_ms : end_ms) - clock_boot();
		if (!asking->is_done)
			(void)poll(&fd, 1, wait_ms > 0 ? (int)wait_ms : 0);
		now_ms = clock_boot();
	}
}

enum wy_err field_ask(const struct field_ask *ask, struct wy_arena *arena, struct wy_diags *diags)
{
	const struct sensor_driver *driver = sensor_driver_find(ask->devices[ask->mine[0]].profile->transport);
	struct asking asking = {.ask = ask};
	const struct sensor_field_parts parts = {.wires = ask->wires,
						 .devices = ask->devices,
						 .mine = ask->mine,
						 .n_mine = ask->n_mine,
						 .arena = arena,
						 .seed = clock_seed(),
						 .take = take,
						 .arg = &asking,
						 .diags = diags,
						 .now_ms = clock_boot()};
	void *field = NULL;
	enum wy_err err = driver->open(&parts, &field);

	for (size_t i = 0; !err && i < ask->n_mine; i++)
		err = driver->ask(field, ask->mine[i]);
	if (!err)
		step_until_done(driver, field, &asking);
	driver->close(field);
	if (err)
		return err;
	return asking.is_done ? WY_OK : WY_E_TIMEOUT;
}
