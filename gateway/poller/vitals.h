/* vitals.h: the memory of every device that sensors/vital.h judges reports by, and what devices say of each other.
 *
 * For the field thread, between the driver and the queue. */
#ifndef POLLER_VITALS_H
#define POLLER_VITALS_H

#include "config.h"
#include "vital.h"

struct vitals {
	const struct config *config; /* borrowed */
	struct vital **of;	     /* [n_devices] */
	uint32_t *watched;	     /* devices whose life another one tells (has_alive) */
	size_t n_watched;
};

WY_MUST_CHECK enum wy_err vitals_new(struct vitals *vitals, const struct config *config, struct wy_arena *arena);
/* Judges the report in place and adds what was counted. */
void vitals_pass(struct vitals *vitals, struct sensor_report *report);

#endif
