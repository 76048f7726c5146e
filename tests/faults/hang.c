/* hang.c: parts of the gateway that stop moving, for the tests of the watchdog. Linked into bin/weiyu-hang with --wrap on calls
 * between files of the product, which knows nothing of it. A file in $WEIYU_HANG_DIR says what hangs:
 *   loop   the turn of the next report never returns
 *   field  the field thread never comes back from telling the loop of its reports
 *   wire   the first wire of the site is never stepped again; all others are */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine.h"
#include "modbus_wire.h"
#include "queue.h"

void __real_engine_report(struct engine *engine, const struct sensor_report *report);
void __wrap_engine_report(struct engine *engine, const struct sensor_report *report);
void __real_queue_tell(struct queue *queue);
void __wrap_queue_tell(struct queue *queue);
void __real_modbus_wire_step(struct modbus_wire *wire, wy_ms now_ms, bool is_ready, bool is_broken);
void __wrap_modbus_wire_step(struct modbus_wire *wire, wy_ms now_ms, bool is_ready, bool is_broken);

static bool must_hang(const char *part)
{
	const char *dir = getenv("WEIYU_HANG_DIR");
	char path[512];

	if (!dir)
		return false;
	(void)snprintf(path, sizeof(path), "%s/%s", dir, part);
	return access(path, F_OK) == 0;
}

static void hang_if_told(const char *part)
{
	if (must_hang(part))
		for (;;)
			(void)pause();
}

void __wrap_engine_report(struct engine *engine, const struct sensor_report *report)
{
	hang_if_told("loop");
	__real_engine_report(engine, report);
}

void __wrap_queue_tell(struct queue *queue)
{
	hang_if_told("field");
	__real_queue_tell(queue);
}

void __wrap_modbus_wire_step(struct modbus_wire *wire, wy_ms now_ms, bool is_ready, bool is_broken)
{
	if (wire->index == 0 && must_hang("wire")) {
		if (is_ready)
			usleep(1000); /* its descriptor stays ready: no reason to keep a core busy */
		return;
	}
	__real_modbus_wire_step(wire, now_ms, is_ready, is_broken);
}
