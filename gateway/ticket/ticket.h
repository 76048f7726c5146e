/* ticket.h: the life of one fault at one asset, as plain data and a table of moves (states.def).
 *
 * Pure: no clock, heap, file or log. A test holds the library to that.
 *
 * Identity  dedup_key = asset + "/" + fault: at most one open ticket for it. An episode is one
 * opening. A condition that comes back after its ticket is over opens a new episode with a new key
 *           and, within TICKET_REPEAT_MS, names the one before in repeat_of. A key is never
 * reopened: the platform decides whether it joins the two work orders. Promise   every
 * TICKET_OPENED is followed by exactly one TICKET_CLEARED or TICKET_CLOSED. Owners    the gateway
 * owns the condition; the platform owns the work (node). Each has its own rev. Life ticket_init()
 * with an identity, ticket_step(RAISE), any steps, over. A ticket that is over takes only WORK (for
 * the record) and never makes another event. Several   rules may carry the same fault for the same
 * asset. They share the ticket: the caller gives CLEAR when the last of them has resolved.
 */
#ifndef TICKET_H
#define TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clocktypes.h"
#include "err.h"

#define TICKET_KEY_SIZE 30u /* tk_ + 26 characters + NUL */
#define TICKET_NO_SIZE 56u  /* {gateway <= 32}-{yyyymmdd}-{n} */
#define TICKET_ID_SIZE 65u  /* an asset id, a fault code, a gateway id */
#define TICKET_DEDUP_SIZE 130u
#define TICKET_RULE_SIZE 129u
#define TICKET_REPEAT_MS ((wy_ms)30 * 24 * 3600 * 1000)
#define TICKET_PLANNED WY_MS_NEVER /* a term that is agreed, not counted: its deadline is 0 */

enum ticket_condition { TICKET_ACTIVE, TICKET_CLEARED, TICKET_LATCHED, TICKET_UNKNOWN };

/* What people do; written by the platform. A final node ends the ticket. */
enum ticket_node {
#define TICKET_NODE(name, text, work, is_final) TICKET_NODE_##name,
#include "nodes.def"
#undef TICKET_NODE
	TICKET_NODE_COUNT
};

enum ticket_event {
	TICKET_QUIET,
	TICKET_OPENED,
	TICKET_UPDATED,
	TICKET_CLEARED_EVENT, /* the condition is gone (and reset, where the rule latches) */
	TICKET_REOPENED,      /* same episode: it was latched, and the condition is back */
	TICKET_CLOSED_EVENT,  /* the platform ended it while the condition stood */
	TICKET_EVENT_COUNT
};

enum ticket_input_kind {
	TICKET_RAISE,	   /* the condition stands: opens, or joins the open ticket */
	TICKET_TIER,	   /* the rule's tier is now another */
	TICKET_UNVERIFIED, /* inputs unknown for long */
	TICKET_VERIFIED,   /* known again, and it stands */
	TICKET_LATCH,	   /* the condition is gone, a reset is awaited */
	TICKET_CLEAR,	   /* over */
	TICKET_CLOSE,	   /* ended by hand at the gateway, though the condition may stand */
	TICKET_NEWS,	   /* what goes with it changed: worth telling */
	TICKET_WORK,	   /* the platform reports a node */
	TICKET_INPUT_COUNT
};

/* Terms of a tier, from opening; TICKET_PLANNED or a duration (0 = at once). */
struct ticket_terms {
	wy_ms ack_ms, arrive_ms, start_ms, resolve_ms, regulatory_ms;
};

/* Wall-clock instants; 0 = planned. */
struct ticket_deadlines {
	wy_ms ack, arrive, start, resolve, regulatory;
};

struct ticket_stamp {
	wy_ms wall_ms, mono_ms; /* both 0: has not happened */
};

struct ticket {
	char key[TICKET_KEY_SIZE];
	char no[TICKET_NO_SIZE];
	char dedup[TICKET_DEDUP_SIZE];
	char asset[TICKET_ID_SIZE];
	char fault[TICKET_ID_SIZE];
	char rule[TICKET_RULE_SIZE];	 /* the rule that opened it */
	char repeat_of[TICKET_KEY_SIZE]; /* "": none */
	uint32_t repeat_count_30d;	 /* earlier episodes within 30 days */
	uint64_t epoch;
	int64_t episode; /* 1, 2, ... */
	uint32_t rev;	 /* +1 with each event */
	uint32_t work_rev;
	uint8_t tier;	   /* 1..4, the most severe reached: it never falls */
	uint8_t tier_now;  /* what the rule says now */
	uint8_t level;	   /* deciding level of the rule */
	uint8_t condition; /* enum ticket_condition */
	uint8_t node;	   /* enum ticket_node */
	uint8_t clock;	   /* enum wy_clock_state behind onset and opened: when it opened, or was mended */
	bool is_begun;	   /* false: only an identity so far */
	bool is_open;
	bool is_uncertain;
	bool has_peak;
	double peak, peak_limit; /* the value farthest beyond its limit, and that limit */
	struct ticket_stamp onset, opened, cleared, changed; /* cleared: also when closed */
	struct ticket_deadlines deadline;
	uint32_t news;	   /* what the platform was not told yet: bits of the caller's; 0: nothing */
	wy_ms news_due_ms; /* mono: when it is told at the latest; valid with news */
};

struct ticket_identity {
	const char *gateway, *asset, *fault, *rule;
	uint64_t epoch;
	int64_t episode;
	uint32_t day;	       /* yyyymmdd in the building's zone */
	uint32_t number;       /* of the day, from 1 */
	const char *repeat_of; /* key of the last episode if it ended within TICKET_REPEAT_MS, else
				  NULL */
	uint32_t repeat_count_30d;
};

struct ticket_input {
	enum ticket_input_kind kind;
	struct wy_now now;
	wy_ms at_ms;	   /* mono, when it happened; now.mono_ms or a little before */
	wy_ms onset_ms;	   /* RAISE: mono, first instant of the condition */
	uint8_t tier;	   /* RAISE, TIER */
	uint8_t level;	   /* RAISE, TIER */
	bool is_uncertain; /* RAISE, TIER, VERIFIED */
	const struct ticket_terms *terms; /* RAISE, TIER: of input.tier; NULL: all planned */
	enum ticket_node node;		  /* WORK */
	uint32_t work_rev;		  /* WORK: not above the last one = stale, WY_E_STATE */
};

struct ticket_output {
	enum ticket_event event; /* TICKET_QUIET: nothing to tell the platform */
	bool is_changed;	 /* the record must be stored */
	bool is_tier_up;
};

/* dedup_key of an asset and a fault. WY_E_LIMIT: too long. */
WY_MUST_CHECK enum wy_err ticket_dedup(const char *asset, const char *fault,
				       char out[TICKET_DEDUP_SIZE]);
/* tk_ + 26 base32 characters (a-z2-7) of SHA-256(dedup, 0, epoch and episode as 8 bytes, high
 * first). */
void ticket_key(const char *dedup, uint64_t epoch, int64_t episode, char out[TICKET_KEY_SIZE]);

/* A record with an identity and nothing else. WY_E_LIMIT: a text does not fit. */
WY_MUST_CHECK enum wy_err ticket_init(struct ticket *ticket,
				      const struct ticket_identity *identity);

/* How far a wall clock may be believed: 0 it is wrong (below what it can be), 1 nobody knows, 2 it is right. */
unsigned ticket_belief(enum wy_clock_state clock, wy_ms wall_ms, wy_ms least_wall_ms);
/* Stamps and deadlines of a ticket that opened while the clock was in doubt, counted back on the steady clock from what
 * the wall clock says now; nothing where it is believed less than it was then. Returns by how much they moved;
 * ret_is_surer: the clock is believed more now than then. */
wy_ms ticket_mend(struct ticket *ticket, struct wy_now now, wy_ms least_wall_ms, bool *ret_is_surer);

/* One input. WY_E_STATE: it means nothing here (anything but RAISE before RAISE; stale WORK); the
 * ticket is unchanged. An input that is merely too late (VERIFIED after CLEAR) is WY_OK and QUIET.
 */
WY_MUST_CHECK enum wy_err ticket_step(struct ticket *ticket, const struct ticket_input *input,
				      struct ticket_output *ret_output);

/* The deciding value while it stands: keeps the one farthest beyond the limit. True: a new peak. */
bool ticket_observe(struct ticket *ticket, double value, double limit);

/* Is it resolved for the people although the sensor still sees it? */
bool ticket_is_disputed(const struct ticket *ticket);

const char *
ticket_condition_text(uint8_t condition); /* "active", "cleared", "latched", "unknown" */
const char *ticket_event_text(enum ticket_event event); /* "opened", ... as in the message type */
const char *ticket_node_text(uint8_t node);		/* "submitted", ... */
/* By either word: "dispatched" or the platform's "assigned". False: no such node. */
bool ticket_node_find(const char *text, enum ticket_node *ret_node);
bool ticket_node_is_final(uint8_t node);

#endif
