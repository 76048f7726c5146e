/* wire_budget.h: what requests cost on a wire, and whether the wire can meet the intervals of its devices. Pure arithmetic,
 * before anything is polled.
 *
 * A request takes, on a serial line: its 8 characters, the answer's 5 and its data at the line's speed and format, two
 * gaps of 3.5 characters (at least 1.75 ms above 19200 baud), SENSOR_TURNAROUND_MS of the device, and the profile's
 * pause. On TCP: SENSOR_ROUND_TRIP_MS and the pause. The reads are those of plan.h; classes that fall due together are
 * read together, as schedule.h has it. */
#ifndef SENSOR_WIRE_BUDGET_H
#define SENSOR_WIRE_BUDGET_H

#include "plan.h"

#define SENSOR_TURNAROUND_MS 20
#define SENSOR_ROUND_TRIP_MS 5
#define SENSOR_BUDGET_MOST 1000u /* per mille of a wire's time: above it cannot be met */
#define SENSOR_BUDGET_WARN 800u	 /* above there is no room for repetitions and silent devices */
#define SENSOR_BUDGET_TOP 3u	 /* devices that are named */

/* Of a request to a device of this profile on this wire. */
struct sensor_cost sensor_cost_of(const struct sensor_wire_conf *wire, const struct sensor_profile *profile);

struct sensor_share {
	uint32_t device; /* index among the devices of the site */
	uint32_t per_mille;
};

struct sensor_budget {
	uint32_t per_mille; /* of the wire's time; may be far above 1000 */
	struct sensor_share top[SENSOR_BUDGET_TOP]; /* the largest first */
	uint32_t n_top;
	/* Serial: the least usual speed at which it would stay within SENSOR_BUDGET_WARN, and that all devices can be
	 * set to; 0: none. */
	int better_baud;
	uint32_t better_per_mille;
	/* The device that most of all would have to be asked more often than its min_interval lets it: that part of its
	 * time its own polls take. device is without meaning where per_mille is 0. */
	struct sensor_share hasty;
};

/* mine: the n_mine devices of this wire, each with a Modbus profile. scratch is as before when this returns.
 * WY_E_NOMEM: the arena is full. */
WY_MUST_CHECK enum wy_err sensor_budget_of(const struct sensor_wire_conf *wire, const struct sensor_device_conf *devices,
					   const uint32_t *mine, size_t n_mine, struct wy_arena *scratch,
					   struct sensor_budget *ret_budget);

/* Say in diags what cannot work: E611 above SENSOR_BUDGET_MOST, W611 above SENSOR_BUDGET_WARN, E612 for a device that
 * needs more requests than its min_interval leaves room for. where: the wire in the site file.
 * WY_E_INVALID where there is an error; WY_E_NOMEM. */
WY_MUST_CHECK enum wy_err sensor_budget_check(const struct sensor_wire_conf *wire,
					      const struct sensor_device_conf *devices, const uint32_t *mine,
					      size_t n_mine, struct wy_arena *scratch, const struct wy_node *where,
					      struct wy_diags *diags);

#endif
