/* calendar.h: times of the week on the wall clock of the building. */
#ifndef RX_CALENDAR_H
#define RX_CALENDAR_H

#include "model.h"

struct rx_calendar {
	const char *name;
	int32_t from_s, to_s; /* of the local day; to_s <= from_s: ends on the next day */
	uint8_t days;         /* bit 0 Monday .. bit 6 Sunday: the day it begins on */
	bool is_except_holidays;
};

struct rx_wall {
	const struct wy_zone *zone; /* NULL: UTC */
	const wy_day *holidays;
	size_t n_holidays;
};

/* Local seconds since 1970 at a UTC instant. */
int64_t rx_local_s(const struct rx_wall *wall, wy_ms wall_ms);
/* Is the calendar open at wall_ms; in *ret_next_ms (wall) when that changes, WY_MS_NEVER beyond 400 days. */
bool rx_calendar_is_open(const struct rx_calendar *calendar, const struct rx_wall *wall, wy_ms wall_ms,
			 wy_ms *ret_next_ms);

#endif
