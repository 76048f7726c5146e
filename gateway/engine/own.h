/* own.h: what the gateway knows of itself, as points of an asset of class `gateway` that no device feeds: its uplink, its
 * queue, how many tickets it opened, its clock. Rules watch it like anything else.
 *
 * Pure: no clock, file or heap. Zero is the initial state. */
#ifndef ENGINE_OWN_H
#define ENGINE_OWN_H

#include <stdbool.h>
#include <stdint.h>

#include "clocktypes.h"
#include "model.h"
#include "reading.h"

#define OWN_CLASS "gateway"
#define OWN_PERIOD_MS ((wy_ms)10 * 1000)
#define OWN_LOOKS 60u         /* ten minutes of looks */
#define OWN_QUEUE_FULL 10000u /* events that wait: 100 % of outbox_fill */
#define OWN_JUMP_MS ((wy_ms)60 * 1000)

struct own_in {
	bool is_up;
	bool has_queue; /* the store could be asked */
	uint64_t queued;
	bool is_in_memory;    /* the disk takes no more */
	double store_fill;    /* per cent: of the outbox quota, or of what memory may hold */
	uint32_t new_epochs;  /* since the start, and by it: what was queued before may be lost */
	uint64_t dropped;     /* events the store had to drop, ever */
	wy_ms unconfirmed_ms; /* how long the oldest event sent has waited for its receipt; 0: none does */
};

struct own {
	bool has_looked, was_synced;
	bool has_counted;
	uint64_t dropped; /* at the first look */
	uint32_t n_looks;           /* in the ring */
	uint32_t at;                /* where the next one goes: the oldest of a full ring */
	uint64_t opened[OWN_LOOKS]; /* tickets since start, at each look */
	wy_ms gap_ms;               /* wall - mono at the last look */
	wy_ms synced_gap_ms;        /* the same when the clock was last known to be right; valid with was_synced */
	uint32_t jumps;
};

enum own_point {
	OWN_UPLINK_OK, OWN_OUTBOX_FILL, OWN_OUTBOX_EMPTY, OWN_TICKETS_10MIN, OWN_NTP_OK, OWN_CLOCK_OFFSET, OWN_CLOCK_JUMPS,
	OWN_STORE_OK, OWN_STORE_FILL, OWN_STORE_LOSSES, OWN_UNCONFIRMED,
	OWN_POINTS
};

struct own_row {
	const char *name;
	enum wy_type type;
	const char *unit; /* NULL: none */
};
extern const struct own_row own_rows[OWN_POINTS];

/* Every OWN_PERIOD_MS. opened: tickets since start. Samples have no point yet; one that is not known is BAD. */
void own_look(struct own *own, const struct own_in *in, uint64_t opened, struct wy_now now,
	      struct wy_sample ret_samples[OWN_POINTS]);

#endif
