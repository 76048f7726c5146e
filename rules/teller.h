/* teller.h: what the world is told of a machine. Above the levels, below the tickets.
 *
 * Two steps per instant. First every machine that is concerned moves, and rx_teller_look() notes what may be told
 * now; then rx_teller_tell() speaks. So nothing is told before all machines of the instant stand where
 * they belong, in whatever order they were looked at.
 *
 * Raised once a level is active and nothing holds it back, its tier the most severe of the levels in A or R,
 * resolved when the last one is normal. What holds back: `active`, a rule that inhibits, a close by hand, a shelf, a
 * maintenance window, a group that speaks for it. Nothing holds back what is told of a raised one. The struct is kept in the store as it is; zero is the initial state. */
#ifndef RX_TELLER_H
#define RX_TELLER_H

#include "machine.h"

struct rx_teller {
	bool is_raised;
	bool is_ready;      /* a level was active and nothing held it back, since ready_ms */
	bool was_on;        /* some level stood at the last look */
	bool is_latched;    /* RULE_LATCHED was told */
	bool is_acked, is_assigned, is_on_site; /* this episode */
	bool is_unverified; /* RULE_UNVERIFIED was told */
	bool is_unknown;    /* the way back unknown since unknown_ms */
	bool is_inhibited;
	bool was_inhibited; /* inhibited_until_ms is valid */
	bool is_out;        /* out of service */
	bool is_out_told;
	bool is_dependent;  /* RULE_DEPENDS was told */
	bool is_guarded;    /* closed by hand while it stood: no raise before guard_ms, or until it was gone */
	bool is_gone;       /* guarded, and the way back true since gone_ms */
	bool is_maintenance;
	bool is_chattering;
	bool is_recurring;  /* as often as `recur` says, and its problem not over */
	bool is_shelved, is_one_shot;
	bool is_shelf_used; /* it stood while shelved */
	bool is_shelf_ending; /* RULE_SHELF_ENDING was told, or is not due */
	bool has_raised;    /* last_ms is valid */
	bool has_ended;     /* ended_ms is valid */
	uint8_t owed;       /* enum rx_owed: to be told with the next word */
	uint8_t tier;       /* as last told */
	uint8_t told_level;
	uint8_t forced_tier; /* this episode has at least this tier; 0: none */
	uint8_t tiers_up;   /* for a trouble that came back */
	uint8_t steps;      /* of the ladder, told or needless: a bit each */
	uint8_t absorbed_tier; /* a group of this tier speaks for it; 0: none */
	uint8_t joined;     /* groups it is known to be in: a bit each */
	uint8_t n_raises, n_repeats; /* used places of the rings */
	wy_ms ready_ms;
	wy_ms raised_ms, onset_ms;
	wy_ms last_ms;      /* of the last raise, told or chattering */
	wy_ms ended_ms;     /* of the last episode */
	wy_ms unknown_ms;
	wy_ms inhibited_until_ms; /* when the last parent returned */
	wy_ms guard_ms, gone_ms;
	wy_ms shelved_until_ms;
};

enum rx_owed { RX_OWES_UNSHELVED = 1, RX_OWES_CHATTERING = 2, RX_OWES_STEADY = 4 };

/* What the engine knows of an instance at an instant. */
struct rx_teller_in {
	bool is_allowed; /* `active` is true */
	bool is_inhibited;
	bool is_fresh;   /* every input has a sample since inhibited_until_ms */
	bool is_unknown; /* of the machine's step */
	bool is_out;     /* the asset is out of service, and the rule minds */
	bool is_maintenance;
	bool is_gone;    /* asked while guarded: the way back of every level is true */
};

/* A group an instance may be a member of, as it stands at this instant. */
struct rx_bond {
	uint32_t instance; /* of the group */
	uint8_t tier;
	bool is_absorbing;
	bool is_raised, stands; /* told; and not about to end */
	bool is_in;             /* the instance raised with it, or since */
	wy_ms from_ms, raised_ms;
	wy_ms gather_ms;
};

/* An instance with what belongs to it, for one call at one instant. */
struct rx_subject {
	struct rx_teller *teller;
	struct rx_machine *machine;
	const struct rx_instance *instance;
	const struct rx_rule *rule;
	const struct rule_set *set;
	wy_ms *raises;  /* [chatter.max]: instants, ascending */
	wy_ms *repeats; /* [recur.count] */
	wy_ms now_ms;
	wy_ms wall_offset_ms;
	struct rx_bond bonds[WY_RULE_GROUPS_MAX];
	size_t n_bonds;
	uint32_t parent; /* an instance that inhibits it and stands, or RULE_NO_INSTANCE */
};

/* Of one look, one tell or one command: a few of its own and, at worst, each step of each tier's ladder. */
#define RX_TELLER_EVENTS (12u + 2u * WY_RULE_GROUPS_MAX + 4u * WY_LADDER_STEPS_MAX)

struct rx_teller_out {
	bool is_changed; /* something that must survive a crash */
	wy_ms due_ms;    /* look again then at the latest */
	size_t n_events;
	struct rule_event events[RX_TELLER_EVENTS]; /* instance RULE_NO_INSTANCE: its own; the first n_events are set */
};

/* At the start of each: nothing changed, nothing due. */
void rx_teller_begin(struct rx_teller_out *out);
void rx_teller_look(const struct rx_subject *subject, const struct rx_teller_in *in, struct rx_teller_out *out);
void rx_teller_tell(const struct rx_subject *subject, struct rx_teller_out *out);
/* Is there nothing it could want to say? Then neither step is needed. */
bool rx_teller_is_idle(const struct rx_teller *teller, const struct rx_machine *machine);
/* Idle, and no look could find anything to remember as long as nothing outside holds it back. */
bool rx_teller_is_asleep(const struct rx_teller *teller, const struct rx_machine *machine);
/* Does a return end latched: only what was told, for else nobody would release it. */
bool rx_teller_must_latch(const struct rx_teller *teller, const struct rx_rule *rule);
/* in: truth of `clear` per level, now. */
enum wy_err rx_teller_command(const struct rx_subject *subject, const struct rule_order *order,
			      const struct rx_machine_in *in, struct rx_teller_out *out);
/* Told since onset_ms. */
void rx_teller_stand(struct rx_teller *teller, const struct rx_rule *rule, wy_ms onset_ms);
/* After reading a saved teller: fit it to a rule that may have other levels now. False: not sound. */
bool rx_teller_adopt(struct rx_teller *teller, const struct rx_rule *rule);

#endif
