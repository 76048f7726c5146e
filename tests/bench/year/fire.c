/* fire.c: a day of the fire panel: faults of detectors, points left disabled, its supply, and the monthly drill. */
#include "points.h"

static void put(struct year *year, size_t asset, enum point_id point, ms_t at, double value)
{
	tell(year, asset, point, at, value);
}

/* A state that lasts from the begin of a trouble to its end, and the number that goes with it. */
static void follow(struct year *year, size_t asset, ms_t from, enum trouble_id id, enum point_id state, enum point_id number)
{
	const struct trouble *begins = trouble_begins(year, id, asset, from, from + DAY);
	const struct trouble *now = trouble_at(year, id, asset, from);

	if (from == 0)
		put(year, asset, state, 0, 0);
	if (from == 0 && number != state)
		put(year, asset, number, 0, 0);
	if (begins) {
		put(year, asset, state, begins->begin, 1);
		if (number != state)
			put(year, asset, number, begins->begin, 1 + (double)(begins->begin / SECOND % 3));
		now = begins;
	}
	if (!now || now->end >= from + DAY)
		return;
	put(year, asset, state, now->end, 0);
	if (number != state)
		put(year, asset, number, now->end, 0);
}

/* The drill: on the second Tuesday morning, 20 min, in a window the estate has registered. */
static void drill(struct year *year, size_t asset, ms_t from)
{
	ms_t day = from / DAY;

	if (day % 28 != 12)
		return;
	put(year, asset, P_PANEL_MANUAL, from + 10 * HOUR, 1);
	put(year, asset, P_PANEL_ALARM, from + 10 * HOUR + 5 * MINUTE, 1);
	put(year, asset, P_PANEL_ALARM, from + 10 * HOUR + 15 * MINUTE, 0);
	put(year, asset, P_PANEL_MANUAL, from + 10 * HOUR + 20 * MINUTE, 0);
}

void fire_day(struct year *year, size_t asset, ms_t from)
{
	if (from == 0) {
		put(year, asset, P_PANEL_ALARM, 0, 0);
		put(year, asset, P_PANEL_PREALARM, 0, 0);
	}
	follow(year, asset, from, TROUBLE_DETECTOR, P_PANEL_TROUBLED, P_PANEL_TROUBLES);
	follow(year, asset, from, TROUBLE_LEFT_DISABLED, P_PANEL_DISABLED, P_PANEL_DISABLED_COUNT);
	follow(year, asset, from, TROUBLE_PANEL_MAINS, P_PANEL_MAINS_FAULT, P_PANEL_MAINS_FAULT);
	follow(year, asset, from, TROUBLE_SUPERVISORY, P_PANEL_SUPERVISED, P_PANEL_SUPERVISED);
	follow(year, asset, from, TROUBLE_FIRE_MANUAL, P_PANEL_MANUAL, P_PANEL_MANUAL);
	drill(year, asset, from);
}
