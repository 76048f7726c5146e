/* moment.h: instants as test files write them, in milliseconds since the start of the test.
 *
 * "90s", "1h30min"         since the start
 * "2026-03-29T03:00"       on the building's wall clock; seconds and milliseconds may follow (":05.250").
 *                          A local time that a clock change skips is the first instant after the gap, a
 *                          doubled one is its first occurrence: "+01:00" or "Z" behind it says which.
 * Pure. */
#ifndef MOMENT_H
#define MOMENT_H

#include <stdbool.h>

#include "buf.h"
#include "model.h"

struct moment_base {
	const struct wy_zone *zone; /* borrowed; NULL: UTC */
	wy_ms start_ms;             /* wall clock of the start, UTC */
};

/* The UTC instant of a local stamp. False: not a stamp, or no such day. */
bool moment_stamp(const struct wy_zone *zone, const char *text, size_t len, wy_ms *ret_wall_ms);
/* Either form. Instants before the start are negative. */
bool moment_parse(const struct moment_base *base, const char *text, size_t len, wy_ms *ret_ms);
/* As a test file would write it: "70s", "1h30min", "69.900s". */
void moment_print(struct wy_buf *buf, wy_ms ms);

#endif
