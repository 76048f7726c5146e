/* machine.h: the state machine of one rule on one asset. Pure: truth and time in, moves out.
 *
 * Levels run side by side: N normal, P pending, A active, R returning, L latched. What the world is told
 * of it is decided above, in teller.h. The struct is kept in the store as it is; zero is the initial state. */
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
};

/* What one evaluation says to a machine. */
struct rx_machine_in {
	wy_ms now_ms;
	bool must_latch; /* a return ends in L */
	struct {
		enum rule_truth truth; /* of `when` in N and P, of `clear` in A, R and L */
		bool is_uncertain;
		wy_ms onset_ms; /* of `when` that is true: since when */
		wy_ms hold_ms, clear_hold_ms;
	} level[WY_RULE_LEVELS_MAX];
};

struct rx_machine_out {
	bool is_changed; /* something that must survive a crash */
	bool is_unknown; /* the way back of some level is unknown */
	wy_ms due_ms;    /* step again then at the latest */
};

void rx_machine_step(struct rx_machine *machine, const struct rx_instance *instance, const struct rx_rule *rule,
		     const struct rx_machine_in *in, struct rx_machine_out *out);
/* Out of service: no clock goes. Back: what stands does so from now on. True: something moved. */
bool rx_machine_rest(struct rx_machine *machine, wy_ms now_ms);
bool rx_machine_wake(struct rx_machine *machine, wy_ms now_ms);
/* Some level in A or R: what alarm() asks. In P, A or R: what inhibits others. */
bool rx_machine_is_on(const struct rx_machine *machine);
bool rx_machine_inhibits(const struct rx_machine *machine);
/* Some level in A, R or L: what keeps a ticket open. */
bool rx_machine_is_kept(const struct rx_machine *machine);
/* Does `clear` decide in this state, rather than `when`? */
bool rx_state_asks_clear(uint8_t state);
/* Latched, and the condition gone for certain. */
bool rx_machine_is_releasable(const struct rx_machine *machine, const struct rx_rule *rule,
			      const struct rx_machine_in *in);
/* By hand: latched levels, or all, to normal. True: something moved. */
bool rx_machine_calm(struct rx_machine *machine, bool is_latched_only, wy_ms now_ms);
/* Active since onset_ms, in its first level, though nobody saw it. */
void rx_machine_stand(struct rx_machine *machine, wy_ms onset_ms);
/* After reading a saved machine: fit it to a rule that may have other levels now. False: not sound. */
bool rx_machine_adopt(struct rx_machine *machine, const struct rx_rule *rule);

#endif
