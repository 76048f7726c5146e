/* ticket_gap.h: what a gap record says: events that were dropped because the outbox was full, and will not come. Plain data;
 * the store fills it, doc.h writes it. */
#ifndef TICKET_GAP_H
#define TICKET_GAP_H

#include "ticket.h"

#define TICKET_GAP_TYPE "com.weiyu.ticket.gap.v1"
#define TICKET_GAP_RANGES 1000u /* of one record; the next record has the rest */
#define TICKET_GAP_EVENTS_MOST 1000000000 /* a count above it is not believed: no store ever held so many */
#define TICKET_GAP_TICKETS 64u  /* named in one record; has_more_tickets says that there are others */

struct ticket_gap_range {
	uint64_t first, last;
};

struct ticket_gap_ticket {
	char key[TICKET_KEY_SIZE], dedup[TICKET_DEDUP_SIZE], no[TICKET_NO_SIZE]; /* dedup, no "": not known any more */
	uint32_t n; /* events */
};

struct ticket_gap {
	struct ticket_gap_range range[TICKET_GAP_RANGES]; /* ascending */
	size_t n_ranges;
	uint64_t n, by_tier[5]; /* by_tier[1..4] */
	uint64_t opened, updated, ended, other; /* by kind */
	wy_ms from_wall_ms, until_wall_ms; /* when they were decided */
	struct ticket_gap_ticket ticket[TICKET_GAP_TICKETS];
	size_t n_tickets;
	bool has_more_tickets;
};

#endif
