/* store.h: everything that must survive, in one SQLite file. The only user of SQLite.
 *
 * Life      store_open() .. store_close(). One process at a time: a lock file beside the database.
 * Work      writes happen between store_begin() and store_commit() and are visible all or not at
 * all. A writing call outside begin/commit is WY_E_STATE. After any failed write call
 * store_abort(); nothing of the transaction remains. Reads are allowed at any time and see the
 * transaction under way. Durable   when store_commit() returned WY_OK the transaction survives kill
 * -9 and power loss (WAL, FULL), unless store_mode() says that it is in memory. Threads   one. Errors    WY_E_FULL no space, WY_E_IO, WY_E_CORRUPT
 * damaged (or not ours), WY_E_BUSY another process holds it, WY_E_NOMEM, WY_E_NOTFOUND, WY_E_STATE.
 * The handle stays usable after NOMEM and BUSY; after FULL, IO and CORRUPT close it and open anew. A disk
 * that takes no more is no error where memory helps: see store_mode().
 * Format    docs/store-format.md. Texts are copied in; what visitors get is borrowed for the visit.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clocktypes.h"
#include "diag.h"
#include "err.h"
#include "ticket.h"
#include "ticket_gap.h"
#include "wy_limits.h"

struct store;

#define STORE_FILE "weiyu.db"
#define STORE_LOCK "weiyu.lock"
#define STORE_MODE_FILE "weiyu.mode" /* "disk" or "memory": where the last word is */
#define STORE_BOOT_SIZE 40u /* a boot id as text */
#define STORE_TYPE_SIZE 16u /* "opened" */

/* Opens dir/weiyu.db, makes it if there is none (with a new random epoch), brings it to the present
 * schema. dir must exist. One that is damaged, or was to get a new epoch, is replaced: see store_opening().
 * Refused with words in diags: WY_E_BUSY another process has it; WY_E_UNSUPPORTED newer than this program;
 * WY_E_INVALID it belongs to another gateway, or to another program; WY_E_IO and WY_E_FULL: also where a damaged one cannot be
 * moved away, or a new one not be made. */
WY_MUST_CHECK enum wy_err store_open(const char *dir, const char *gateway, struct wy_diags *diags,
				     struct store **ret_store);
void store_close(struct store *store); /* NULL is fine; an open transaction is aborted */

/* ---- The disk that takes no more ------------------------------------------------------------ */

/* Where the store keeps what it is given. A disk that is full, read-only or failing is a state, not an error: the call that met
 * it returns WY_OK, everything goes on in memory, and a crash now loses what the platform has not confirmed. Only where memory
 * does not help either the call fails, and the store is broken.
 *
 * Memory has an end. From WY_STORE_MEMORY_DONE_PCT of it on what is done with goes: rows that are receipted or parked, tickets
 * that are over and notes on them, as far as they came in memory. From WY_STORE_MEMORY_SHED_PCT on the rules of the quota hold
 * for events that came in memory (store_room.c): lower tiers make room and a gap is kept. The rest is for S1 alone. At the end
 * itself a transaction fails with WY_E_FULL, but for receipts, which free rows. */
enum store_mode { STORE_ON_DISK, STORE_FULL, STORE_READONLY, STORE_FAILED };
enum store_mode store_mode(const struct store *store);
const char *store_mode_text(enum store_mode mode); /* "disk", "full", "readonly", "failed" */

#define STORE_WHY_DISK_SIZE 120u

struct store_disk {
	enum store_mode mode;
	const char *why;	  /* the system's words; "" on disk; borrowed until the next call on this store */
	uint64_t events;	  /* numbers given out that are not on the disk */
	size_t bytes, most_bytes; /* of memory: what it holds, and from where on the lower tiers make room */
	bool is_apart;		  /* the disk could not even be read: a new epoch */
};
struct store_disk store_disk(struct store *store);
/* Bytes of memory at most; at first WY_STORE_MEMORY_BYTES. */
void store_set_memory(struct store *store, size_t most_bytes);

/* Back to the disk: opens it anew, checks it, writes what changed in one piece, and only then lets go of the memory. Outside a
 * transaction. WY_OK: it is on the disk. Else nothing has changed: WY_E_FULL, WY_E_IO, WY_E_BUSY (somebody else has the file
 * open); WY_E_INVALID: the file is not the one that was left. Ask again later. */
WY_MUST_CHECK enum wy_err store_try_disk(struct store *store);

/* Called again and again while a return to the disk works through what may be much, so that who watches this thread knows that
 * it moves. */
typedef void store_alive(void *arg);
void store_set_alive(struct store *store, store_alive *alive, void *arg);

/* Where memory had begun a new epoch because what is on the disk could not be read: what the last return found there and brought
 * home; NULL: nothing. Waiting events have the numbers after those of this epoch. Tickets that were open and whose fault has none in
 * this epoch are open, and of an older epoch: whoever watches them opens them anew. `file`: where the old one is kept. Borrowed
 * until the next return. */
const struct store_opening *store_homecoming(const struct store *store);

WY_MUST_CHECK enum wy_err store_begin(struct store *store);
WY_MUST_CHECK enum wy_err store_commit(struct store *store); /* on failure it is aborted already */
void store_abort(struct store *store);			     /* outside a transaction: nothing */

/* ---- Identity and counters ------------------------------------------------------------------ */

uint64_t store_epoch(const struct store *store);
/* Why this epoch began: "new", "salvaged" (the store before was damaged) or "ordered". As long as the epoch lasts. */
const char *store_epoch_reason(const struct store *store);
/* How often a store of this directory was lost or damaged. Grows; survives what it counts. */
uint32_t store_losses(const struct store *store);

/* ---- What the opening did ------------------------------------------------------------------- */

/* AS_IT_WAS  the epoch goes on.
 * MADE_NEW   there was none.
 * SALVAGED   it was damaged, and is kept as `file`. What verified is in a new store, of a new epoch.
 * RENEWED    a new epoch was ordered: likewise, but nothing was lost, and the old file is gone. */
enum store_opening_kind { STORE_AS_IT_WAS, STORE_MADE_NEW, STORE_SALVAGED, STORE_RENEWED };

enum store_part {
	STORE_PART_EVENTS,  /* that were queued: they have new numbers 1, 2, ... in their old order */
	STORE_PART_TICKETS, /* those that were open are open, and of an older epoch: whoever watches them opens them anew */
	STORE_PART_CELLS,
	STORE_PART_EPISODES,
	STORE_PART_NOTES,
	STORE_PART_LEARNED,
	STORE_PARTS
};

struct store_opening {
	enum store_opening_kind kind;
	struct {
		uint64_t kept, lost; /* lost: seen, and not to be believed; or places that could not be read */
	} part[STORE_PARTS];
	char file[256]; /* where the damaged one is; "": not kept */
	char why[200];  /* what was found damaged */
};
/* Borrowed; as long as the store is open. */
const struct store_opening *store_opening(const struct store *store);
const char *store_opening_text(enum store_opening_kind kind); /* "as_it_was", "new", "salvaged", "renewed" */
const char *store_part_text(enum store_part part);	       /* "events" */

/* The next opening begins a new epoch on the same data: close and open anew. Durable when this is WY_OK. */
WY_MUST_CHECK enum wy_err store_renew_epoch(struct store *store);
/* 1, 2, ... without a hole: an aborted number is given again. In a transaction. */
WY_MUST_CHECK enum wy_err store_next_seq(struct store *store, uint64_t *ret_seq);
WY_MUST_CHECK enum wy_err store_last_seq(struct store *store, uint64_t *ret_seq); /* 0: none yet */
/* Ticket number of a day (yyyymmdd), from 1. In a transaction. */
WY_MUST_CHECK enum wy_err store_next_number(struct store *store, uint32_t day,
					    uint32_t *ret_number);
/* Session counter, +1 per CONNECT. In a transaction. */
WY_MUST_CHECK enum wy_err store_next_bd_seq(struct store *store, uint64_t *ret_bd_seq);

struct store_clock {
	wy_ms mono_ms, wall_ms; /* of the same instant, the last one noted */
	wy_ms boottime_ms;	/* of that instant, meaningful within `boot` only */
	wy_ms sure_wall_ms;	/* when wall_ms was last known to be right; 0: never. Put as 0 it stays as it is */
	char boot[STORE_BOOT_SIZE];
};
WY_MUST_CHECK enum wy_err store_put_clock(struct store *store, const struct store_clock *clock);
WY_MUST_CHECK enum wy_err store_clock(struct store *store,
				      struct store_clock *ret_clock); /* NOTFOUND: new store */

/* ---- Tickets -------------------------------------------------------------------------------- */

/* Insert or replace by key. WY_E_EXISTS: another open ticket has this dedup_key. body: the last
 * document. */
WY_MUST_CHECK enum wy_err store_put_ticket(struct store *store, const struct ticket *ticket,
					   const char *body, size_t len);
/* WY_E_NOTFOUND: none is open. */
WY_MUST_CHECK enum wy_err store_find_open(struct store *store, const char *dedup,
					  struct ticket *ret_ticket);
WY_MUST_CHECK enum wy_err store_find_ticket(struct store *store, const char *key,
					    struct ticket *ret_ticket);

/* By its number; numbers of a lost store may come twice: the newest. */
WY_MUST_CHECK enum wy_err store_find_number(struct store *store, const char *no, struct ticket *ret_ticket);

/* Its last document, copied with a NUL. WY_E_LIMIT: size is too small. */
WY_MUST_CHECK enum wy_err store_ticket_body(struct store *store, const char *key, char *out,
					    size_t size, size_t *ret_len);

struct store_history {
	int64_t episode;		 /* of the last one; 0: never seen, the next is 1 */
	char repeat_of[TICKET_KEY_SIZE]; /* last one if it ended since `since_mono_ms`; else "" */
	uint32_t count;			 /* episodes opened since then */
};
WY_MUST_CHECK enum wy_err store_history(struct store *store, const char *dedup, wy_ms since_mono_ms,
					struct store_history *ret_history);

/* Visitors return false to stop; the call is then WY_OK too. They must not write to the store. */
typedef bool store_ticket_visit(void *arg, const struct ticket *ticket, const char *body,
				size_t len);
WY_MUST_CHECK enum wy_err store_each_open(struct store *store, store_ticket_visit *visit,
					  void *arg); /* oldest first */
WY_MUST_CHECK enum wy_err store_list(struct store *store, bool open_only, size_t limit,
				     store_ticket_visit *visit, void *arg); /* newest first */
/* Drops tickets over since before this instant by both clocks; open ones never. In a transaction. */
WY_MUST_CHECK enum wy_err store_prune_tickets(struct store *store, struct ticket_stamp before, size_t *ret_n);

/* Keys of the tickets with this dedup_key, newest first. */
WY_MUST_CHECK enum wy_err store_earlier_tickets(struct store *store, const char *dedup, char (*out)[TICKET_KEY_SIZE],
						size_t max, size_t *ret_n);

/* ---- Notes: what people said, whom a ladder told ---------------------------------------------- */

#define STORE_WHAT_SIZE 24u /* "shelve" */
#define STORE_WHO_SIZE 65u
#define STORE_WHY_SIZE 401u

struct store_note {
	wy_ms wall_ms;
	char what[STORE_WHAT_SIZE];
	char ticket_key[TICKET_KEY_SIZE]; /* "": it was about none */
	char rule[TICKET_RULE_SIZE];
	char asset[TICKET_ID_SIZE];
	uint32_t step;       /* of a ladder */
	wy_ms until_wall_ms; /* of a shelf; 0: none */
	char who[STORE_WHO_SIZE];
	char why[STORE_WHY_SIZE];
};
WY_MUST_CHECK enum wy_err store_put_note(struct store *store, const struct store_note *note);
/* Newest first. */
WY_MUST_CHECK enum wy_err store_ticket_notes(struct store *store, const char *ticket_key, struct store_note *out,
					     size_t max, size_t *ret_n);
/* WY_E_NOTFOUND: none. */
WY_MUST_CHECK enum wy_err store_last_note(struct store *store, const char *rule, const char *asset, const char *what,
					  struct store_note *ret_note);
/* In a transaction. */
WY_MUST_CHECK enum wy_err store_prune_notes(struct store *store, wy_ms before_wall_ms);

/* ---- Rule memory ------------------------------------------------------------------------------
 */

WY_MUST_CHECK enum wy_err store_put_cell(struct store *store, const char *key, const void *bytes,
					 size_t len);
WY_MUST_CHECK enum wy_err store_drop_cell(struct store *store,
					  const char *key); /* absent is fine */
typedef bool store_cell_visit(void *arg, const char *key, const void *bytes, size_t len);
WY_MUST_CHECK enum wy_err store_each_cell(struct store *store, store_cell_visit *visit, void *arg);

/* ---- What drivers learned of devices ------------------------------------------------------------ */

/* Insert or replace. origin: what the facts are about, the writer's own number. In a transaction. */
WY_MUST_CHECK enum wy_err store_put_learned(struct store *store, const char *device, uint64_t origin,
					    const char *facts);
WY_MUST_CHECK enum wy_err store_drop_learned(struct store *store, const char *device); /* absent is fine */
typedef bool store_learned_visit(void *arg, const char *device, uint64_t origin, const char *facts);
WY_MUST_CHECK enum wy_err store_each_learned(struct store *store, store_learned_visit *visit, void *arg);

/* ---- Outbox -----------------------------------------------------------------------------------
 */

enum store_event_state { STORE_QUEUED, STORE_RECEIPTED, STORE_PARKED };

struct store_event {
	uint64_t seq;		/* from store_next_seq() in the same transaction */
	uint8_t tier;		/* 1..4; S1 has a lane of its own */
	const char *ticket_key; /* "" where it is about none */
	const char *type;	/* full CloudEvents type */
	const char *topic;	/* last level: "ticket", "audit" */
	struct ticket_stamp created;
	const void *payload;
	size_t len;
};

/* Most bytes of the outbox, receipted and parked rows included; STORE_RESERVE_PCT of it are for S1 alone. At the top lower
 * tiers make room (store_room.c) and what they lose is kept as ranges of numbers for a gap record; S1 never makes room and
 * is never refused. At first WY_OUTBOX_BYTES. */
void store_set_quota(struct store *store, uint64_t max_bytes);
/* In a transaction. At the quota the event itself may be what is dropped; that is WY_OK too. */
WY_MUST_CHECK enum wy_err store_put_event(struct store *store, const struct store_event *event);
/* Seqs of queued rows of a lane (is_s1 or the rest) above after_seq, ascending, at most max. */
WY_MUST_CHECK enum wy_err store_queued(struct store *store, bool is_s1, uint64_t after_seq,
				       uint64_t *out, size_t max, size_t *ret_n);
/* One row, borrowed until the next call on this store. WY_E_NOTFOUND: gone or no longer queued. */
WY_MUST_CHECK enum wy_err store_load_event(struct store *store, uint64_t seq,
					   struct store_event *ret_event);

/* For a resend. All rows from..to, whatever their state, ascending, at most max; what is not listed is not kept. */
struct store_kept_row {
	uint64_t seq;
	enum store_event_state state;
};
WY_MUST_CHECK enum wy_err store_kept(struct store *store, uint64_t from, uint64_t to, struct store_kept_row *out,
				     size_t max, size_t *ret_n);
/* Like store_load_event(), for a row that was receipted. */
WY_MUST_CHECK enum wy_err store_load_kept(struct store *store, uint64_t seq, struct store_event *ret_event);

/* Receipts; in a transaction. Rows that are not queued stay as they are. */
WY_MUST_CHECK enum wy_err store_receipt_through(struct store *store, bool is_s1, uint64_t through,
						wy_ms wall_ms, size_t *ret_n);
WY_MUST_CHECK enum wy_err store_receipt_one(struct store *store, uint64_t seq, wy_ms wall_ms);
/* The platform will not have it: parked with its reason, never sent again, counted. */
WY_MUST_CHECK enum wy_err store_park(struct store *store, uint64_t seq, const char *reason,
				     wy_ms wall_ms);
/* Drops receipted rows beyond the newest keep_rows and those receipted before before_wall_ms, at
 * most 500 a call so that no turn is long. In a transaction. */
WY_MUST_CHECK enum wy_err store_prune_events(struct store *store, size_t keep_rows,
					     wy_ms before_wall_ms, size_t *ret_n);

/* ---- What was dropped ---------------------------------------------------------------------------- */

#define STORE_RESERVE_PCT 10u
#define STORE_SENT_AHEAD (2u * WY_OUTBOX_WINDOW)

enum store_kind { STORE_OTHER, STORE_OPENED, STORE_UPDATED, STORE_ENDED, STORE_GAP, STORE_KINDS };

/* The first number that was dropped and is in no record yet. WY_E_NOTFOUND: none. */
WY_MUST_CHECK enum wy_err store_first_gap(struct store *store, uint64_t *ret_first);
/* What the next record says: the first ranges. WY_E_NOTFOUND: nothing. */
WY_MUST_CHECK enum wy_err store_gap(struct store *store, struct ticket_gap *ret_gap);
/* The record as an event, under the first number of its ranges, which was never sent; they are said then. In a transaction. */
WY_MUST_CHECK enum wy_err store_put_gap(struct store *store, const struct ticket_gap *gap, const struct store_event *event);

/* Rows that are not S1 are sent only up to here: what may have been sent is not dropped. In a transaction. */
WY_MUST_CHECK enum wy_err store_allow_sending(struct store *store, uint64_t through);
WY_MUST_CHECK enum wy_err store_sendable_through(struct store *store, uint64_t *ret_through);

/* Tickets whose last event was dropped, so that the platform has an older state of them or none, oldest first. */
struct store_untold {
	char key[TICKET_KEY_SIZE];
	bool is_new; /* the platform has none */
};
bool store_has_untold(const struct store *store);
WY_MUST_CHECK enum wy_err store_untold(struct store *store, struct store_untold *out, size_t max, size_t *ret_n);

/* Counts the outbox anew: after its rows were written by other means than these calls. In a transaction. */
WY_MUST_CHECK enum wy_err store_recount_outbox(struct store *store);

struct store_outbox_stats {
	uint64_t queued, queued_s1, receipted, parked;
	uint64_t bytes, max_bytes; /* of all rows; the quota */
	uint64_t queued_bytes;	   /* of the queued ones */
	uint64_t lost;		   /* events dropped since the store was made */
	uint64_t memory_bytes, memory_max_bytes; /* as in struct store_disk; 0 on the disk */
	wy_ms oldest_wall_ms; /* of the queued ones; 0: none */
	wy_ms oldest_mono_ms;
};
WY_MUST_CHECK enum wy_err store_outbox_stats(struct store *store,
					     struct store_outbox_stats *ret_stats);

/* ---- Upkeep -----------------------------------------------------------------------------------
 */

/* Are more than WY_STORE_FREE_BYTES of the file free? It was larger once: after a long outage. Reads, and writes nothing. */
bool store_is_untidy(struct store *store);
/* Gives free pages back to the file system, 256 at a time. Outside a transaction. */
WY_MUST_CHECK enum wy_err store_tidy(struct store *store);
/* Reads every page: WY_E_CORRUPT and words in diags. Slow where the store is large; for tests. */
WY_MUST_CHECK enum wy_err store_verify(struct store *store, struct wy_diags *diags);

#endif
