/* scenario.h: a scenario file (`weiyu: sim/1`) into a building and what will happen to it. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "building.h"

/* One thing that happens. Entries of the timeline become one step for each thing they ask for. */
enum sim_act {
	SIM_ACT_NOTE,
	SIM_ACT_SET,
	SIM_ACT_UNPLUG,
	SIM_ACT_PLUG,
	SIM_ACT_QUIRK,
	SIM_ACT_STOP
};

struct sim_step {
	wy_ms at_ms; /* from start */
	enum sim_act act;
	uint32_t device, point;
	struct sim_value value;
	struct sim_arming arming;
	const char *note;
};

struct sim_scenario {
	struct sim_building building;
	struct sim_step *steps; /* by time; those of one time in the order of the file */
	size_t n_steps;
};

/* Read the file and all it names. Everything lives in the arena. All mistakes are in diags;
 * WY_E_INVALID then. Relative paths (profiles, keys, links) start at the scenario's directory. */
WY_MUST_CHECK enum wy_err sim_scenario_load(const char *path, struct wy_arena *arena,
					    struct wy_diags *diags,
					    struct sim_scenario *ret_scenario);

/* How `exception 2`, `delay 700ms`, `stuck location` and so on take their argument; for scenario and
 * control socket alike. A bare number of MS is milliseconds. WY_E_INVALID: not what the row takes, or
 * not within its bounds; *ret_expected then says what would be. */
WY_MUST_CHECK enum wy_err sim_quirk_arg(const struct sim_device *device, enum sim_quirk_id quirk,
					const char *text, int64_t *ret_arg,
					const char **ret_expected);

#endif
