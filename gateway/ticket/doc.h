/* doc.h: tickets and the gateway's state as JSON texts. docs/mqtt-contract.md describes every
 * field.
 *
 * Takes the checked configuration as it is (config.h) and copies nothing out of it. No clock, file
 * or log; the heap only inside a call (jansson).
 *
 * Size  a ticket never fails because its evidence is big: samples are shortened first, oldest
 * first, then clauses, and evidence.is_cut says so. WY_E_LIMIT: too big even without. Times RFC
 * 3339 with milliseconds and the building's offset at that instant.
 */
#ifndef TICKET_DOC_H
#define TICKET_DOC_H

#include "buf.h"
#include "config.h"
#include "rule.h"
#include "ticket.h"
#include "ticket_gap.h"
#include "times.h"

#define TICKET_ADVICE_CHARS 500u  /* detail and action likewise */
#define TICKET_SUMMARY_CHARS 200u /* what receiving systems hold; longer is cut at a character */

/* A value around the moment. The last ones matter most: oldest first in the array. */
struct ticket_sample {
	const struct wy_point *point; /* of the asset's class */
	struct wy_sample sample;
	wy_ms wall_ms;
};

/* A rule on an asset that the document names, with its ticket if it has one. */
struct ticket_ref {
	const char *rule, *asset, *asset_name, *fault;
	const char *key; /* of a rule with `by`; NULL: it has none */
	char ticket_key[TICKET_KEY_SIZE]; /* "": it has no ticket of its own */
};

/* A step of a ladder that was told, or an order that somebody gave at the gateway. */
struct ticket_note {
	bool is_step;
	uint32_t step;    /* from 0 */
	const char *what; /* "shelve" */
	const char *who, *why;
	wy_ms wall_ms, until_wall_ms; /* 0: none */
};

#define TICKET_KEYS_MAX 16u    /* named in a document; the rest is left out */
#define TICKET_EARLIER_MAX 8u  /* likewise */
#define TICKET_KEY_WORD_SIZE 40u

/* What goes with the condition. All zero: nothing. */
struct ticket_standing {
	const char *reason; /* what made this event: a word of rule_event_text(), "work", or an order */
	bool is_chattering, is_maintenance, is_out_of_service;
	wy_ms shelved_until_wall_ms; /* 0: not shelved */
	char keys[TICKET_KEYS_MAX][TICKET_KEY_WORD_SIZE];
	size_t n_keys;
	bool has_parent;
	struct ticket_ref parent;
	char group[TICKET_KEY_SIZE]; /* ticket of the group that speaks for it; "": none */
	const struct ticket_ref *members; /* probable origin first */
	size_t n_members_shown, n_members;
	char earlier[TICKET_EARLIER_MAX][TICKET_KEY_SIZE]; /* of a problem: the tickets before, newest first */
	size_t n_earlier;
	const struct ticket_note *notes; /* newest first */
	size_t n_notes;
};

/* All borrowed for the call. */
struct ticket_context {
	const struct config *config;
	uint32_t asset; /* index */
	const struct config_fault *fault;
	const struct config_vendor *vendor, *vendor_backup; /* config_find_vendor(); NULL: none */
	const struct rule_info *rule;			    /* NULL where the rule is gone since */
	wy_ms clear_hold_ms;				    /* of the deciding level */
	uint64_t bundle;				    /* rule_set_hash() */
	const struct rule_clause *clauses; /* rule_clauses() of the deciding level */
	size_t n_clauses;
	const struct ticket_sample *samples;
	size_t n_samples;
	const char *detail_zh, *detail_en; /* rule_detail(), rule_action(); empty: the rule has none */
	const char *action_zh, *action_en;
	const char *summary_zh,
		*summary_en; /* rule_summary(); empty: fault name and asset stand in. A document
				of what is over, latched or unknown says so before them */
	const char *notice_zh, *notice_en; /* config_fill(); NULL: none */
	const struct ticket_standing *standing; /* NULL: none */
	const char *mode;		   /* "live", "shadow", "drill", "replay" */
	const char *boot;		   /* boot id */
	uint64_t seq;			   /* of this event; 0 for a document that is not sent */
	uint64_t epoch;			   /* that seq counts in; the ticket may be older. 0: the ticket's */
	struct wy_now now;
};

/* The document into body, the same inside a CloudEvents envelope into envelope; either may be NULL.
 * A buffer of WY_TICKET_BYTES_MAX + 1 always suffices. WY_E_NOMEM, WY_E_LIMIT; then the buffers are
 * empty. */
WY_MUST_CHECK enum wy_err ticket_doc_write(const struct ticket *ticket, enum ticket_event event,
					   const struct ticket_context *context,
					   struct wy_buf *body, struct wy_buf *envelope);

/* A document as it was last written, brought up to the ticket's present record; its texts and evidence
 * stay, so that a step that decides nothing new does not rewrite why it was decided. Also for
 * tickets whose asset or fault the configuration has no more. Of the context it takes config, mode,
 * boot, now, seq and the reason. With TICKET_QUIET the last event and seq stay too. past may not lie in body or
 * envelope. WY_E_INVALID: past is no such document. */
WY_MUST_CHECK enum wy_err ticket_doc_amend(const char *past, size_t len, const struct ticket *ticket,
					   enum ticket_event event,
					   const struct ticket_context *context,
					   struct wy_buf *body, struct wy_buf *envelope);
/* The summary while the condition stood, added to zh and en. WY_E_INVALID: no such document. */
WY_MUST_CHECK enum wy_err ticket_doc_summary(const char *past, size_t len, struct wy_buf *zh,
					     struct wy_buf *en);

/* Full CloudEvents type: "com.weiyu.ticket.opened.v1". Static text; "" for TICKET_QUIET. */
const char *ticket_doc_type(enum ticket_event event);

#define TICKET_GAP_TIER 3u

/* Who says what is lost, and under which number: the first of its ranges. */
struct ticket_gap_context {
	const char *gateway;
	const struct wy_zone *zone; /* NULL: UTC */
	uint64_t epoch, seq;
	const char *boot;
	struct wy_now now;
};
/* A gap record in its envelope. A buffer of WY_TICKET_BYTES_MAX + 1 always suffices. */
WY_MUST_CHECK enum wy_err ticket_doc_gap(const struct ticket_gap *gap, const struct ticket_gap_context *context,
					 struct wy_buf *envelope);

/* What the gateway says of itself: birth on connecting, death as its will and on a clean stop. */
struct ticket_state {
	const char *gateway;
	const struct wy_zone *zone; /* NULL: UTC */
	uint64_t epoch;
	const char *epoch_reason; /* why it began: "new", "salvaged", "ordered" */
	const char *boot;
	uint64_t instance; /* of this run of the process, by chance */
	uint64_t bd_seq;   /* the same in the birth and in the will of one connection */
	uint64_t last_seq; /* highest seq given so far */
	uint64_t queued;   /* events without a receipt */
	const char *version;
	uint64_t bundle;   /* rule_set_hash() */
	const char *grade; /* "G2" receipts, "G1" PUBACK */
	bool is_death;
	const char *reason; /* death: "stop", "lost"; else NULL */
	struct wy_now now;
};
WY_MUST_CHECK enum wy_err ticket_doc_state(const struct ticket_state *state,
					   struct wy_buf *envelope);

#endif
