/* restamp.h: an event that was never confirmed goes on in a new epoch: the same document under a new number.
 *
 * Changed are `id`, `sequence` and `data.gateway_seq`, which say where in the gateway's stream it stands, and nothing else: a
 * ticket keeps its key and rev, so the platform's row is the same. The order of the keys stays too. Pure but for the heap
 * inside a call (jansson). */
#ifndef TICKET_RESTAMP_H
#define TICKET_RESTAMP_H

#include "buf.h"
#include "err.h"
#include "ticket.h"
#include "ticket_gap.h"

/* What is known of an event beside its text. */
struct ticket_event_name {
	const char *gateway, *type, *ticket_key; /* key "": it is about none */
	uint64_t epoch; /* 0: not known, whatever it says */
	uint64_t seq;
};

/* Of the ticket it tells of; 0 and "": of none. */
struct ticket_restamped {
	int64_t episode;
	char dedup[TICKET_DEDUP_SIZE];
};

/* The event as number seq of epoch, into out. WY_E_INVALID: no JSON, or not the event that `was` names; WY_E_LIMIT: out is
 * too small; WY_E_NOMEM. */
WY_MUST_CHECK enum wy_err ticket_event_restamp(const void *event, size_t len, const struct ticket_event_name *was,
					       uint64_t epoch, uint64_t seq, struct wy_buf *out,
					       struct ticket_restamped *ret_told);

/* What a gap record that was never confirmed says is lost: counts, times and tickets, without ranges, which are of an epoch that is
 * over. WY_E_INVALID: no JSON, or not the record that `was` names; WY_E_NOMEM. */
WY_MUST_CHECK enum wy_err ticket_gap_recall(const void *event, size_t len, const struct ticket_event_name *was,
					    struct ticket_gap *ret_gap);

#endif
