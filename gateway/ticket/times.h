/* times.h: wall-clock instants as tickets and notices write them, in the building's zone. Pure. */
#ifndef TICKET_TIMES_H
#define TICKET_TIMES_H

#include "model.h"
#include "ticket.h"

#define TICKET_TIME_SIZE 32u /* 2026-11-22T01:02:03.456+08:00 and a little */

/* RFC 3339; zone NULL is UTC ("Z"). */
void ticket_time_text(const struct wy_zone *zone, wy_ms wall_ms, char out[TICKET_TIME_SIZE]);
/* "19:12" in the building's zone: for notices. */
void ticket_clock_text(const struct wy_zone *zone, wy_ms wall_ms, char out[8]);
/* yyyymmdd in the building's zone: for ticket numbers. */
uint32_t ticket_day(const struct wy_zone *zone, wy_ms wall_ms);
/* When residents may expect it to work: the resolve deadline; 0: planned. */
wy_ms ticket_eta(const struct ticket *ticket);

#endif
