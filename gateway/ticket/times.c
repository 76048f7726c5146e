/* times.c: see times.h. */
#include "times.h"

#include "stamp.h"

void ticket_time_text(const struct wy_zone *zone, wy_ms wall_ms, char out[TICKET_TIME_SIZE])
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, TICKET_TIME_SIZE);
	if (zone)
		wy_stamp_local(&buf, wall_ms, zone);
	else
		wy_stamp_utc(&buf, wall_ms);
}

static int64_t local_seconds(const struct wy_zone *zone, wy_ms wall_ms)
{
	int64_t unix_s = wall_ms / 1000 - (wall_ms % 1000 < 0);

	return unix_s + (zone ? wy_zone_offset(zone, unix_s) : 0);
}

void ticket_clock_text(const struct wy_zone *zone, wy_ms wall_ms, char out[8])
{
	int64_t seconds = local_seconds(zone, wall_ms) % 86400;
	unsigned minutes = (unsigned)((seconds + 86400) % 86400 / 60);

	out[0] = (char)('0' + minutes / 600);
	out[1] = (char)('0' + minutes / 60 % 10);
	out[2] = ':';
	out[3] = (char)('0' + minutes % 60 / 10);
	out[4] = (char)('0' + minutes % 10);
	out[5] = '\0';
}

uint32_t ticket_day(const struct wy_zone *zone, wy_ms wall_ms)
{
	int64_t seconds = local_seconds(zone, wall_ms);
	struct wy_date date = wy_date_of(seconds / 86400 - (seconds % 86400 < 0));

	return (uint32_t)(date.year * 10000 + date.month * 100 + date.day);
}

wy_ms ticket_eta(const struct ticket *ticket)
{
	return ticket->deadline.resolve;
}
