/* match.h: the one live match of a pattern. Pure: what happened and the time in, moves out.
 *
 * An instant moves a match by one step at most: what happens together has no order. A step `see` waits up to its
 * limit, or for ever. A step `absent` has a clock that stands while its event cannot be seen; once that has
 * lasted longer than `tolerate` the match is given up, or, with on_unknown: raise, the step counts as passed
 * and the match as uncertain. The struct is kept in the store as it is; zero is no match. */
#ifndef RX_MATCH_H
#define RX_MATCH_H

#include "rule_plan.h"

struct rx_match {
	uint8_t step; /* the step waited for; 0: no match begun */
	bool is_running; /* absent: its clock goes */
	bool is_uncertain;
	wy_ms begun_ms; /* when the first step was seen */
	wy_ms moved_ms; /* when the last one was */
	wy_ms ran_ms;   /* absent: time on the clock before from_ms */
	wy_ms from_ms;  /* absent: the clock goes, or stands, since then */
};

struct rx_match_in {
	wy_ms now_ms;
	uint8_t happened, uncertain, unknown; /* a bit for each step's event */
	enum rule_truth until;
};

struct rx_match_out {
	bool is_met, is_changed, is_uncertain;
	wy_ms onset_ms; /* met: when the first step was seen */
	wy_ms due_ms;   /* step again then at the latest */
};

void rx_match_step(struct rx_match *match, const struct rx_instance *instance, enum rx_on_unknown policy,
		   const struct rx_match_in *in, struct rx_match_out *out);
/* Out of service, and back; see machine.h. */
bool rx_match_rest(struct rx_match *match, const struct rx_variant *variant, wy_ms now_ms);
bool rx_match_wake(struct rx_match *match, wy_ms now_ms);
/* Is this a match such a pattern can have? */
bool rx_match_is_sound(const struct rx_match *match, const struct rx_variant *variant);

#endif
