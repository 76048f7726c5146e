/* store_past_gap.h: inside the store only: what an epoch that is over has lost, to be said in the one that follows
 * (store_past_gap.c). All calls are made within a transaction of `to`, the store of the new epoch. */
#ifndef STORE_PAST_GAP_H
#define STORE_PAST_GAP_H

#include "restamp.h"
#include "store_sql.h"

struct past_gap {
	uint64_t seq; /* the number of the record to come; 0: there is nothing to say */
	struct ticket_gap sum, record; /* record: room for one that is read */
};

/* WY_E_INVALID: cannot be believed, and nothing is added. The row under the binder: first, then as GAP_EACH has it from from_wall on. */
enum wy_err past_gap_add_range(struct store *to, struct past_gap *past, struct store_binder *row);
enum wy_err past_gap_add_ticket(struct store *to, struct past_gap *past, const char *key, int64_t n);
enum wy_err past_gap_add_record(struct store *to, struct past_gap *past, const void *event, size_t len,
				const struct ticket_event_name *was);
/* All of it, once, at the end. */
enum wy_err past_gap_put(struct store *to, const struct past_gap *past);

#endif
