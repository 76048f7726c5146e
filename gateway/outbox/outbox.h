/* outbox.h: which committed event is sent next, and when again. Decides; neither stores nor sends.
 *
 * A row leaves the store only when the platform's receipt covers it. What the broker says (PUBACK)
 * only stops the row from being sent again at once.
 *
 *   free --offer--> ready --next--> flying --sent ok--> acked --receipt--> free
 *                     ^               |  refused: later    | no receipt in time
 *                     +---------------+--------------------+
 *
 * Use      on each wake: while (outbox_want(lane)) peek rows after the given seq, outbox_offer()
 * each, S1 lane first; then while (outbox_next()) publish, and tell outbox_sent() when the client
 * calls back. Window   at most WY_OUTBOX_WINDOW rows are in it. Each lane leaves OUTBOX_RESERVE
 * slots to the other: a backlog cannot keep S1 out, and S1 cannot keep out the backlog, without
 * which a cumulative receipt could never reach the S1 rows. A row receipted while it flies keeps
 * its slot until then, so that no number flies twice. Order    S1 first, then by seq. A flying row
 * is never given again before outbox_sent() or outbox_lost(). Receipts count only for rows that
 * were sent since outbox_init(): a receipt can free nothing else. Waits grow while nobody listens and
 * are over when somebody does: the first row taken after a refusal lets the other refused ones go at
 * once, and outbox_heard() brings acked ones back to the first wait. Threads  one. No heap. Times are
 * mono_ms.
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clocktypes.h"
#include "err.h"
#include "wy_limits.h"

#define OUTBOX_RESERVE 16u
#define OUTBOX_RECEIPT_WAIT_MS ((wy_ms)60 * 1000)
#define OUTBOX_REFUSED_WAIT_MS ((wy_ms)1000) /* doubles with each refusal */
#define OUTBOX_WAIT_MOST_MS ((wy_ms)15 * 60 * 1000)

enum outbox_lane { OUTBOX_LANE_S1, OUTBOX_LANE_REST, OUTBOX_LANES };

enum outbox_phase {
	OUTBOX_FREE,
	OUTBOX_READY,
	OUTBOX_FLYING, /* the client has it */
	OUTBOX_ACKED,
	OUTBOX_DONE, /* receipted while flying: holds its slot until the client calls back */
};

struct outbox_slot {
	uint64_t seq;
	uint8_t lane;
	uint8_t phase;	/* enum outbox_phase */
	uint32_t sends; /* times given to the client */
	uint32_t refusals,
		silences; /* in a row: refused by the broker; acked and then no receipt */
	wy_ms due_ms;	  /* READY: not before; ACKED: no receipt by then = send again */
	wy_ms first_ms;	  /* first given to the client */
};

struct outbox {
	struct outbox_slot slot[WY_OUTBOX_WINDOW];
	uint64_t epoch;
	uint64_t cursor[OUTBOX_LANES]; /* highest seq offered */
	wy_ms receipt_wait_ms;
	bool is_up;
};

/* A receipt as the platform sent it. Arrays are borrowed. */
struct outbox_rejection {
	uint64_t seq;
	const char *reason;
};
struct outbox_receipt {
	uint64_t epoch;
	uint64_t through;     /* everything up to here is committed; 0: nothing said */
	const uint64_t *also; /* committed beyond `through`, e.g. S1 rows that overtook */
	size_t n_also;
	const struct outbox_rejection *rejected;
	size_t n_rejected;
};

/* What to write in the store, in this order: park rejected, then mark `also`, then through per
 * lane. */
struct outbox_verdict {
	bool is_foreign; /* another epoch: nothing to do, worth a log line */
	bool is_ahead;	 /* names rows that were never sent: those parts are left out, worth a log
			    line */
	uint64_t through[OUTBOX_LANES]; /* receipted: all rows of this lane up to here; 0: none */
	uint64_t also[WY_OUTBOX_WINDOW];
	size_t n_also;
	size_t rejected[WY_OUTBOX_WINDOW]; /* indices into receipt.rejected */
	size_t n_rejected;
};

enum outbox_result {
	OUTBOX_TAKEN,	/* PUBACK with a reason that means delivered to somebody */
	OUTBOX_REFUSED, /* reason 0x10, 0x80 and above, or the client would not take it */
};

/* receipt_wait_ms <= 0: OUTBOX_RECEIPT_WAIT_MS. The connection starts down. */
void outbox_init(struct outbox *outbox, uint64_t epoch, wy_ms receipt_wait_ms);

/* Connection up: what is due may go. Lost: flying rows are ready again; acked ones keep waiting. */
void outbox_up(struct outbox *outbox);
void outbox_lost(struct outbox *outbox, wy_ms now_ms);

/* How many rows of this lane fit now, and after which seq to look for them. */
size_t outbox_want(const struct outbox *outbox, enum outbox_lane lane, uint64_t *ret_after_seq);
/* Put a queued row into the window; one that is there already (after a rewind) stays as it is.
 * WY_E_FULL: the lane has no slot. */
WY_MUST_CHECK enum wy_err outbox_offer(struct outbox *outbox, enum outbox_lane lane, uint64_t seq,
				       wy_ms now_ms);
/* Start over at the oldest queued row: after the store refused to keep a verdict. */
void outbox_rewind(struct outbox *outbox);

/* The row to send now; it flies from here on. False: none is due, or the connection is down. */
bool outbox_next(struct outbox *outbox, wy_ms now_ms, uint64_t *ret_seq, uint32_t *ret_sends);
/* The client's word on a flying row. WY_E_NOTFOUND: no such row flies (the connection was lost
 * since): ignore. */
WY_MUST_CHECK enum wy_err outbox_sent(struct outbox *outbox, uint64_t seq,
				      enum outbox_result result, wy_ms now_ms);
/* Is this MQTT reason code delivery? 0x10 (nobody subscribed) and 0x80 up are not. */
enum outbox_result outbox_result_of(unsigned mqtt_reason);

void outbox_receipt(struct outbox *outbox, const struct outbox_receipt *receipt,
		    struct outbox_verdict *ret_verdict);

/* A receipt of ours came, so the platform is there: no acked row waits longer than the first wait. */
void outbox_heard(struct outbox *outbox, wy_ms now_ms);

/* When to call outbox_next() again if nothing else happens; WY_MS_NEVER. */
wy_ms outbox_due(const struct outbox *outbox);
/* Age of the oldest row that was sent and has no receipt; 0: none. "The platform does not confirm."
 */
wy_ms outbox_unconfirmed_ms(const struct outbox *outbox, wy_ms now_ms);
size_t outbox_used(const struct outbox *outbox);

#endif
