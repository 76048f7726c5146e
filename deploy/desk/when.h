/* when.h: RFC 3339 stamps to and from Unix milliseconds. Pure. */
#ifndef DESK_WHEN_H
#define DESK_WHEN_H

#include <stdbool.h>

#include "clocktypes.h"

#define WHEN_TEXT_SIZE 32

/* "2026-11-22T01:02:03.456Z" or with an offset like +08:00. False: not such a stamp. */
bool when_read(const char *text, wy_ms *ret_ms);
/* Always in UTC with milliseconds. */
void when_write(wy_ms at_ms, char text[static WHEN_TEXT_SIZE]);
/* A time of day in the zone of this machine: "09:05:01", or "09:05"; "--:--" for none (0). */
void when_local(wy_ms at_ms, bool is_with_seconds, char text[static WHEN_TEXT_SIZE]);

#endif
