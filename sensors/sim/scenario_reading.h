/* scenario_reading.h: what the parts of the scenario reader share: scenario.c (the file),
 * scenario_devices.c (devices, wires, profiles), scenario_timeline.c (values, steps). */
#ifndef SIM_READING_H
#define SIM_READING_H

#include "scenario.h"

#define SIM_STEPS_MAX 20000u  /* of one timeline; refuse */
#define SIM_KEY_BYTES_MAX 64u /* of a pre-shared key; refuse */

struct sim_reading {
	const char *dir; /* of the scenario, "" or with a slash at its end */
	struct wy_arena *arena;
	struct wy_diags *diags;
	const struct sensor_profile **profiles;
	size_t n_profiles;
	struct sim_scenario *scenario;
	size_t n_steps_room; /* entries scenario->steps has room for */
};

/* path as seen from the scenario's directory, in the arena; NULL: out of memory, said. */
const char *sim_reading_path(struct sim_reading *reading, const struct wy_node *where,
			     const char *path);
/* Says that the arena is full. */
enum wy_err sim_reading_full(struct sim_reading *reading, const struct wy_node *where);

WY_MUST_CHECK enum wy_err sim_read_profiles(struct sim_reading *reading,
					    const struct wy_node *list);
WY_MUST_CHECK enum wy_err sim_read_devices(struct sim_reading *reading, const struct wy_node *list);
WY_MUST_CHECK enum wy_err sim_read_points(struct sim_reading *reading, const struct wy_node *map);
WY_MUST_CHECK enum wy_err sim_read_timeline(struct sim_reading *reading,
					    const struct wy_node *list);

/* `with: [frozen, delay=700ms]` of a device: on from the start. */
WY_MUST_CHECK enum wy_err sim_read_with(struct sim_reading *reading, const struct wy_node *list,
					uint32_t device);

/* The device an id names, or a message with the nearest and SIZE_MAX. */
size_t sim_reading_device(struct sim_reading *reading, const struct wy_node *where, const char *id);

#endif
