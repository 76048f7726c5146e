/* stamp.h: wall time as people and JSON read it: RFC 3339 with milliseconds. Pure arithmetic on the
 * proleptic Gregorian calendar; no time zone database, no locale. */
#ifndef WY_STAMP_H
#define WY_STAMP_H

#include <stdbool.h>

#include "buf.h"
#include "clocktypes.h"
#include "model.h"

/* "2026-11-22T01:02:03.456Z" */
void wy_stamp_utc(struct wy_buf *buf, wy_ms wall_ms);
/* "2026-11-22T09:02:03.456+08:00"; zone NULL is UTC with +00:00. */
void wy_stamp_local(struct wy_buf *buf, wy_ms wall_ms, const struct wy_zone *zone);
/* "2026-11-22T01:02:03.456Z", or with an offset like +08:00, from 1970 on. False: not such a stamp. */
bool wy_stamp_read(const char *text, wy_ms *ret_ms);
/* Offset of local time at an instant, seconds east of UTC. */
int32_t wy_zone_offset(const struct wy_zone *zone, int64_t unix_s);

struct wy_date {
	int64_t year;
	unsigned month, day; /* 1-based */
};
struct wy_date wy_date_of(int64_t days_since_1970);
int64_t wy_days_of(int64_t year, unsigned month, unsigned day);

#endif
