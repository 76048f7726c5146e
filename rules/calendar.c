/* calendar.c: see calendar.h.
 *
 * Borders are local times turned into instants. A local time that does not exist (spring) is the
 * first instant after the gap; a doubled one (autumn) means its first occurrence as `from` and its
 * last as `to`. So an open calendar never loses a piece to a clock change. */
#include "calendar.h"

enum { DAY_S = 86400, DAYS_AHEAD = 400, DAYS_OPEN = 8 };

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int32_t offset_at(const struct wy_zone *zone, int64_t utc_s)
{
	int32_t offset_s = 0;

	if (!zone)
		return 0;
	for (size_t i = 0; i < zone->n_changes && zone->changes[i].from_s <= utc_s; i++)
		offset_s = zone->changes[i].offset_s;
	return offset_s;
}

int64_t rx_local_s(const struct rx_wall *wall, wy_ms wall_ms)
{
	int64_t utc_s = floor_div(wall_ms, 1000);

	return utc_s + offset_at(wall->zone, utc_s);
}

/* The instant (UTC seconds) a local time is shown by the clocks: its first or last occurrence, or
 * the end of the gap it falls into. */
static int64_t instant_of(const struct wy_zone *zone, int64_t local_s, bool is_last)
{
	int64_t found = 0;
	bool has_found = false;

	if (!zone || !zone->n_changes)
		return local_s;
	for (size_t i = 0; i < zone->n_changes; i++) {
		const struct wy_zone_change *change = &zone->changes[i];
		int64_t until = i + 1 < zone->n_changes ? zone->changes[i + 1].from_s : INT64_MAX;
		int64_t utc_s = local_s - change->offset_s;
		if (utc_s >= change->from_s && utc_s < until) {
			if (!has_found || is_last)
				found = utc_s;
			has_found = true;
		} else if (!has_found && utc_s < change->from_s) {
			/* Before this piece begins, after the one before ended: the gap. */
			return change->from_s;
		}
	}
	return found;
}

static bool is_holiday(const struct rx_wall *wall, int64_t day)
{
	for (size_t i = 0; i < wall->n_holidays; i++)
		if (wall->holidays[i] == day)
			return true;
	return false;
}

static bool begins_on(const struct wy_hours *hours, const struct rx_wall *wall, int64_t day)
{
	int64_t weekday = (day + 3) % 7; /* 1970-01-01 was a Thursday */

	if (weekday < 0)
		weekday += 7;
	if (!(hours->days & (1u << weekday)))
		return false;
	return !hours->is_except_holidays || !is_holiday(wall, day);
}

bool rx_hours_are_open(const struct wy_hours *hours, const struct rx_wall *wall, wy_ms wall_ms,
			 wy_ms *ret_next_ms)
{
	int64_t today = floor_div(rx_local_s(wall, wall_ms), DAY_S);
	wy_ms open_until_ms = WY_MS_NONE;
	bool is_open = false;

	*ret_next_ms = WY_MS_NEVER;
	for (int64_t day = today - 2; day <= today + DAYS_AHEAD; day++) {
		if (!begins_on(hours, wall, day))
			continue;
		int64_t to_day = hours->to_s > hours->from_s ? day : day + 1;
		wy_ms from_ms = instant_of(wall->zone, day * DAY_S + hours->from_s, false) * 1000;
		wy_ms to_ms = instant_of(wall->zone, to_day * DAY_S + hours->to_s, true) * 1000;
		/* Open without a break: far enough ahead it is soon enough to look again. */
		if (is_open && (from_ms > open_until_ms || day > today + DAYS_OPEN))
			break;
		if (from_ms >= to_ms) /* lies in the hour a clock change skips */
			continue;
		if (wall_ms < from_ms && !is_open) {
			*ret_next_ms = from_ms;
			return false;
		}
		/* Open now, or a piece that follows without a break. */
		if ((wall_ms >= from_ms && wall_ms < to_ms) || (is_open && from_ms <= open_until_ms)) {
			is_open = true;
			open_until_ms = to_ms > open_until_ms ? to_ms : open_until_ms;
		}
	}
	if (is_open)
		*ret_next_ms = open_until_ms;
	return is_open;
}

wy_ms rx_hours_after(const struct wy_hours *hours, const struct rx_wall *wall, wy_ms from_ms, wy_ms length_ms)
{
	wy_ms at_ms = from_ms;

	if (!hours)
		return from_ms + length_ms;
	/* Each look is one border; a week has at most two a day. */
	for (unsigned i = 0; i < 2 * DAYS_AHEAD; i++) {
		wy_ms next_ms;
		bool is_open = rx_hours_are_open(hours, wall, at_ms, &next_ms);
		if (is_open && (next_ms == WY_MS_NEVER || next_ms - at_ms >= length_ms))
			return at_ms + length_ms;
		if (next_ms == WY_MS_NEVER)
			return WY_MS_NEVER;
		length_ms -= is_open ? next_ms - at_ms : 0;
		at_ms = next_ms;
	}
	return WY_MS_NEVER;
}

wy_ms rx_local_instant(const struct rx_wall *wall, int64_t local_s, bool is_last)
{
	return instant_of(wall->zone, local_s, is_last) * 1000;
}
