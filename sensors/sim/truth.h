/* truth.h: what really happened, a JSON line each, for whoever compares it with what was reported.
 *
 *   {"t_ms":..., "mono_ms":..., "event":"set", "device":"lift2-io", "point":"running",
 * "value":false, "note":...}
 *
 * event is start (with values: {device: {point: value}}), set, plug, unplug, quirk (with quirk,
 * arg, count, on, for_ms), write_attempt (with function and unit, or path for CoAP), note, stop. t_ms is Unix
 * time, mono_ms the boottime clock. */
#ifndef SIM_TRUTH_H
#define SIM_TRUTH_H

#include <jansson.h>
#include <stdio.h>

#include "building.h"

struct sim_truth {
	FILE *file;
	uint64_t writes; /* write attempts seen: decides the exit status */
	/* Every line also goes here: the control socket's `truth`. May be NULL. */
	void (*line)(void *arg, const char *line, size_t len);
	void *arg;
};

/* Say that `event` happened; members (may be NULL) is taken. */
void sim_truth_say(struct sim_truth *truth, const char *event, json_t *members);
void sim_truth_start(struct sim_truth *truth, const struct sim_building *building);
void sim_truth_change(struct sim_truth *truth, const struct sim_building *building,
		      const struct sim_change *change);
void sim_truth_write_attempt(struct sim_truth *truth, const char *device, json_t *members);

#endif
