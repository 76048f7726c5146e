/* when.h: Unix milliseconds as stamps and as times of day; stamps are read with wy_stamp_read(). */
#ifndef DESK_WHEN_H
#define DESK_WHEN_H

#include <stdbool.h>

#include "clocktypes.h"

#define WHEN_TEXT_SIZE 32

/* Always in UTC with milliseconds. */
void when_write(wy_ms at_ms, char text[static WHEN_TEXT_SIZE]);
/* A time of day in the zone of this machine: "09:05:01", or "09:05"; "--:--" for none (0). */
void when_local(wy_ms at_ms, bool is_with_seconds, char text[static WHEN_TEXT_SIZE]);

#endif
