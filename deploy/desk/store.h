/* store.h: what the desk remembers, and the one way an event enters it.
 *
 * Tables   inbox    every numbered message once, by (source, id): the proof behind a receipt
 *          parked   numbers of messages that were rejected, and why: they count as come
 *          gap      numbers that a gap record says will not come: they count as come
 *          ticket   the newest revision of each ticket, and the work on it
 *          stream   per gateway and epoch: whole through N, and its first hole
 *          gateway  birth or death, and the number of the last message sent down
 *          instance each process of a gateway, and whether it is believed (fence.h)
 *          held     what came from a process that is not: kept aside, never receipted
 *
 * Every call between store_begin and store_commit belongs to one transaction, and a receipt may be
 * sent only after store_commit returned WY_OK. Errors are those of db.h. One thread. */
#ifndef DESK_STORE_H
#define DESK_STORE_H

#include "db.h"
#include "event.h"
#include "wy_limits.h"
#include "span.h"

typedef void store_fenced_fn(void *arg, const char *gw, const char *epoch, const char *instance, const char *reason);

struct store {
	struct db db;
	store_fenced_fn *on_fenced; /* called within the transaction for each process found to run on a copy; may be NULL */
	void *arg;
	struct { /* the standing last asked for, within a transaction */
		char gw[EVENT_GW_SIZE], epoch[EVENT_EPOCH_SIZE], instance[EVENT_EPOCH_SIZE];
		bool is_fenced;
	} latest;
};

enum store_fate {
	STORE_NEW,       /* committed for the first time */
	STORE_DUPLICATE, /* was there already: receipted again */
	STORE_REJECTED,  /* parked: named in the receipt */
	STORE_IGNORED,   /* no number: nothing to receipt */
	STORE_HELD,      /* from a copy of the gateway: kept aside, no receipt */
	STORE_CLOSED,    /* a reply that closed a hole: the stream may move on */
};

struct store_rejected {
	int64_t seq;
	char reason[64];
};

struct store_receipt {
	char gw[EVENT_GW_SIZE], epoch[EVENT_EPOCH_SIZE];
	char instance[EVENT_EPOCH_SIZE]; /* for whom it is; "": whoever has the epoch */
	int64_t through;
	struct store_rejected rejected[WY_DESK_REJECTED_MAX]; /* the latest ones of the epoch */
	size_t n_rejected;
	int64_t also[WY_DESK_BATCH_MAX]; /* committed beyond `through`, with this batch */
	size_t n_also;
};

/* Opens and makes what tables are missing. On failure nothing is open. */
WY_MUST_CHECK enum wy_err store_open(struct store *store, const char *spec, bool is_new_ok);
void store_close(struct store *store);

WY_MUST_CHECK enum wy_err store_begin(struct store *store);
WY_MUST_CHECK enum wy_err store_commit(struct store *store);
void store_abort(struct store *store);

/* Takes one event. An epoch that the message did not tell is filled in from the gateway's birth;
 * if there was none the fate is IGNORED. */
WY_MUST_CHECK enum wy_err store_take(struct store *store, struct event *event, wy_ms now_ms,
				     enum store_fate *ret_fate);
/* Moves a stream on over what has come and says what may be receipted after the commit. */
WY_MUST_CHECK enum wy_err store_advance(struct store *store, const struct event *event, wy_ms now_ms,
				        struct store_receipt *ret_receipt);

/* Calls `say` for each hole older than since_ms, the first time and then at growing intervals (30 s, doubling to 15 min),
 * whichever desk asks first; asks counts from 1. */
typedef void store_hole_fn(void *arg, const char *gw, const char *epoch, struct span_hole hole, int64_t asks);
WY_MUST_CHECK enum wy_err store_overdue(struct store *store, wy_ms since_ms, wy_ms now_ms,
					store_hole_fn *say, void *arg);

/* What is to be ordered now, at growing intervals: a new epoch of a process that is fenced, a birth of one whose birth
 * did not come. */
typedef void store_order_fn(void *arg, const char *gw, const char *epoch, const char *instance, const char *boot,
			    bool is_fenced);
WY_MUST_CHECK enum wy_err store_orders(struct store *store, wy_ms now_ms, store_order_fn *order, void *arg);

/* Sets the work state of a ticket and of the open tickets that are linked to it, and calls `say`
 * for each with the number the message to its gateway must carry. WY_E_NOTFOUND: no such ticket. */
typedef void store_work_fn(void *arg, const char *gw, const char *ticket_key, int64_t seq);
WY_MUST_CHECK enum wy_err store_work(struct store *store, const char *ticket_key, const char *state,
				     wy_ms now_ms, store_work_fn *say, void *arg);

/* All tickets, streams, gaps and gateways, a row per call; column names as in store_list_columns. */
enum store_list { STORE_LIST_TICKETS, STORE_LIST_STREAMS, STORE_LIST_GAPS, STORE_LIST_GATEWAYS, STORE_LIST_FENCED, STORE_LISTS };
const char *store_list_name(enum store_list list);
const char *const *store_list_columns(enum store_list list); /* NULL-terminated */
WY_MUST_CHECK enum wy_err store_list(struct store *store, enum store_list list, db_row *row,
				     void *arg);

#endif
