/* budget.h: what requests cost on a wire. Pure arithmetic before anything is polled.
 *
 * A request takes, on a serial line: its 8 characters, the answer's 5 and its data at the line's speed and format, two
 * gaps of 3.5 characters (at least 1.75 ms above 19200 baud), SENSOR_TURNAROUND_MS of the device, and the profile's
 * pause. On TCP: SENSOR_ROUND_TRIP_MS and the pause. */
#ifndef SENSOR_BUDGET_H
#define SENSOR_BUDGET_H

#include "plan.h"

#define SENSOR_TURNAROUND_MS 20
#define SENSOR_ROUND_TRIP_MS 5

/* Of a request to a device of this profile on this wire. */
struct sensor_cost sensor_cost_of(const struct sensor_wire_conf *wire, const struct sensor_profile *profile);

#endif
