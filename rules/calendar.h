/* calendar.h: times of the week on the wall clock of the building. */
#ifndef RX_CALENDAR_H
#define RX_CALENDAR_H

#include "model.h"

struct rx_calendar {
	const char *name;
	struct wy_hours hours;
};

struct rx_wall {
	const struct wy_zone *zone; /* NULL: UTC */
	const wy_day *holidays;
	size_t n_holidays;
};

/* Local seconds since 1970 at a UTC instant. */
int64_t rx_local_s(const struct rx_wall *wall, wy_ms wall_ms);
/* Are they open at wall_ms; in *ret_next_ms (wall) when that changes, WY_MS_NEVER beyond 400 days. */
bool rx_hours_are_open(const struct wy_hours *hours, const struct rx_wall *wall, wy_ms wall_ms,
			 wy_ms *ret_next_ms);

/* The instant (wall) at which `length_ms` of those hours have passed since from_ms. NULL hours: all count.
 * WY_MS_NEVER: not within the next 400 days. */
wy_ms rx_hours_after(const struct wy_hours *hours, const struct rx_wall *wall, wy_ms from_ms, wy_ms length_ms);
/* The instant (wall) at which the clocks of the building show local_s; of a doubled hour the first or the last,
 * of one that is skipped the end of the gap. */
wy_ms rx_local_instant(const struct rx_wall *wall, int64_t local_s, bool is_last);

#endif
