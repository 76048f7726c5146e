/* outcome.h: what a replay came to: every raise with its end, in the order of raising.
 *
 * A raise is one RULE_RAISED of one instance with what followed up to its end. It is a ticket of its own unless
 * another rule's raise of the same asset and fault stood already: then it joined that ticket. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include "rule.h"

#define OUTCOME_NONE UINT32_MAX

struct outcome_raise {
	uint32_t instance;
	uint8_t level;     /* that raised it */
	uint8_t tier;      /* when raised */
	uint8_t worst;     /* most severe tier it had */
	bool is_ticket;    /* opened one, and joined none */
	bool is_over;
	wy_ms onset_ms, raised_ms, ended_ms; /* mono; ended_ms: so far, unless is_over */
	wy_ms unverified_ms; /* time without known inputs, within it */
	wy_ms wall_offset_ms; /* wall - mono when raised */
	uint32_t before;   /* raise of the same instance before this one, or OUTCOME_NONE */
};

struct outcome {
	const struct rule_set *set; /* borrowed */
	struct outcome_raise *raises; /* owned */
	size_t n, room;
	uint32_t *standing; /* [instance]: the raise that stands, or OUTCOME_NONE; owned */
	uint32_t *latest;   /* [instance]: the last raise, or OUTCOME_NONE; owned */
	wy_ms *unverified;  /* [instance]: since when, or WY_MS_NONE; owned */
	uint32_t *n_standing; /* [case of an instance]; owned */
	uint32_t *case_of;    /* [instance]; owned */
	wy_ms first_ms, last_ms; /* mono: what was played */
	bool is_full; /* more than WY_REPLAY_TICKETS_MAX raises, or no memory: the rest is missing */
};

WY_MUST_CHECK enum wy_err outcome_init(struct outcome *outcome, const struct rule_set *set);
void outcome_release(struct outcome *outcome);
void outcome_event(struct outcome *outcome, const struct rule_event *event, wy_ms wall_offset_ms);
/* The engine was made anew and does not know of raises that stand: they end here. */
void outcome_restart(struct outcome *outcome, const struct rule_engine *engine, wy_ms at_ms);
/* Nothing follows: raises that stand end, as far as counting goes, with what was played. */
void outcome_finish(struct outcome *outcome, wy_ms first_ms, wy_ms last_ms);

/* ---- Statistics ------------------------------------------------------------------------------- */

#define OUTCOME_CHATTER_MS ((wy_ms)10 * 60 * 1000) /* again so soon after its end */
#define OUTCOME_FLOOD_MS ((wy_ms)10 * 60 * 1000)
#define OUTCOME_FLOOD 10u /* more tickets than this in OUTCOME_FLOOD_MS are a flood */

struct outcome_stats { /* of one rule, one tier or all */
	uint32_t raises, tickets, standing; /* standing: not over at the end */
	uint32_t again;    /* raised within OUTCOME_CHATTER_MS of the last end on the same asset */
	wy_ms active_ms;   /* summed over assets */
	wy_ms unverified_ms;
	wy_ms clear_ms;    /* summed over those that ended */
};
void outcome_of_rule(const struct outcome *outcome, uint32_t rule, struct outcome_stats *ret);
void outcome_of_tier(const struct outcome *outcome, uint8_t tier, struct outcome_stats *ret);
void outcome_of_all(const struct outcome *outcome, struct outcome_stats *ret);
/* Most tickets within OUTCOME_FLOOD_MS, and when those began (mono); floods: how often it was more than
 * OUTCOME_FLOOD, counted apart when that much time lies between. */
struct outcome_flood {
	uint32_t most, floods;
	wy_ms at_ms, wall_offset_ms;
};
struct outcome_flood outcome_flood_of(const struct outcome *outcome);

#endif
