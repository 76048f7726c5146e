/* machine.h: the state machine of one rule on one asset. Pure: truth and time in, moves out.
 *
 * Levels run side by side: N normal, P pending, A active, R returning, L latched. What the world is told
 * is decided above them: raised once a level is active and nothing holds it back, its tier the most
 * severe of the levels in A or R, resolved when the last one is normal. The struct is kept in the
 * store as it is; zero is the initial state. */
#ifndef RX_MACHINE_H
#define RX_MACHINE_H

#include "rule_plan.h"

struct rx_level_state {
	uint8_t state;       /* enum rule_state */
	bool is_running;     /* P, R: the hold clock goes */
	bool is_uncertain;
	wy_ms onset_ms;      /* P..L: first instant the condition was true */
	wy_ms ran_ms;        /* P, R: time on the clock before from_ms */
	wy_ms from_ms;       /* P, R: the clock goes, or stands, since then */
};

struct rx_machine {
	struct rx_level_state level[WY_RULE_LEVELS_MAX];
	bool is_raised;
	bool is_latched;    /* RULE_LATCHED was told */
	bool is_acked;      /* this episode */
	bool is_unverified; /* RULE_UNVERIFIED was told */
	bool is_unknown;    /* active, and the way back unknown since unknown_ms */
	bool is_inhibited;
	bool was_inhibited; /* inhibited_until_ms is valid */
	bool is_guarded;    /* closed by hand: no raise before guard_ms */
	uint8_t tier;       /* as last told */
	uint8_t told_level;
	wy_ms raised_ms, onset_ms;
	wy_ms unknown_ms;
	wy_ms inhibited_until_ms; /* when the last parent returned */
	wy_ms guard_ms;
};

/* What one evaluation says to a machine. */
struct rx_machine_in {
	wy_ms now_ms;
	bool is_allowed; /* `active` is true */
	bool is_inhibited;
	bool is_fresh;   /* every input has a sample since inhibited_until_ms */
	struct {
		enum rule_truth truth; /* of `when` in N and P, of `clear` in A, R and L */
		bool is_uncertain;
		wy_ms hold_ms, clear_hold_ms;
	} level[WY_RULE_LEVELS_MAX];
};

#define RX_MACHINE_EVENTS 4u

struct rx_machine_out {
	bool is_changed; /* something that must survive a crash */
	wy_ms due_ms;    /* step again then at the latest */
	struct rule_event events[RX_MACHINE_EVENTS]; /* kind, level, tier, times; not the instance */
	size_t n_events;
};

void rx_machine_step(struct rx_machine *machine, const struct rx_instance *instance, const struct rx_rule *rule,
		     const struct rx_machine_in *in, struct rx_machine_out *out);
/* truth: of `clear` per level, now. */
enum wy_err rx_machine_command(struct rx_machine *machine, const struct rx_instance *instance,
			       const struct rx_rule *rule, enum rule_command command, const struct rx_machine_in *in,
			       struct rx_machine_out *out);
/* Some level in A or R: what alarm() asks. In P, A or R: what inhibits others. */
bool rx_machine_is_on(const struct rx_machine *machine);
bool rx_machine_inhibits(const struct rx_machine *machine);
/* Does `clear` decide in this state, rather than `when`? */
bool rx_state_asks_clear(uint8_t state);
/* Raised since onset_ms, in its first level, though nobody saw it. */
void rx_machine_stand(struct rx_machine *machine, const struct rx_rule *rule, wy_ms onset_ms);
/* After reading a saved machine: fit it to a rule that may have other levels now. False: not sound. */
bool rx_machine_adopt(struct rx_machine *machine, const struct rx_rule *rule);

#endif
