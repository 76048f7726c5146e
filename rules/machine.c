/* machine.c: see machine.h. The moves stand in one table; delays act on the state, never on messages.
 *
 * Hold clocks stand still while the truth is unknown. Unknown for longer than `tolerate` sends P back
 * to N and R back to A. No missing data ever starts a return: A leaves only on a true `clear`. */
#include "machine.h"

#include <string.h>

enum move { STAY, PEND, CALM, RUN, FREEZE, RETURN, RISE, RELEASE };

/* moves[state][truth]: truth of `when` in N and P, of `clear` in A, R and L. */
static const uint8_t moves[5][3] = {
	/*                       FALSE  TRUE    UNKNOWN */
	[RULE_NORMAL]        = {STAY,  PEND,   STAY},
	[RULE_PENDING]       = {CALM,  RUN,    FREEZE},
	[RULE_ACTIVE]        = {STAY,  RETURN, STAY},
	[RULE_RETURNING]     = {RISE,  RUN,    FREEZE},
	[RULE_LATCHED_STATE] = {RISE,  RELEASE, STAY},
};

bool rx_state_asks_clear(uint8_t state)
{
	return state == RULE_ACTIVE || state == RULE_RETURNING || state == RULE_LATCHED_STATE;
}

/* on_unknown: raise lets unknown raise; reset and clear give up a pending raise at once; reset also
 * gives up a return, clear lets one that has begun go on. */
static enum rule_truth apply_policy(enum rx_on_unknown policy, uint8_t state, enum rule_truth truth)
{
	if (truth != RULE_UNKNOWN || policy == RX_FREEZE)
		return truth;
	if (policy == RX_RAISE)
		return state == RULE_NORMAL || state == RULE_PENDING ? RULE_TRUE : truth;
	if (state == RULE_PENDING)
		return RULE_FALSE;
	if (state == RULE_RETURNING)
		return policy == RX_CLEAR ? RULE_TRUE : RULE_FALSE;
	return truth;
}

static void enter(struct rx_level_state *level, enum rule_state state, wy_ms now_ms, bool *is_changed)
{
	level->state = (uint8_t)state;
	level->is_running = true;
	level->ran_ms = 0;
	level->from_ms = now_ms;
	*is_changed = true;
}

static void set_running(struct rx_level_state *level, bool is_running, wy_ms now_ms, bool *is_changed)
{
	if (level->is_running == is_running)
		return;
	if (level->is_running)
		level->ran_ms += now_ms - level->from_ms;
	level->is_running = is_running;
	level->from_ms = now_ms;
	*is_changed = true;
}

static void lower(wy_ms *due_ms, wy_ms at_ms)
{
	*due_ms = at_ms < *due_ms ? at_ms : *due_ms;
}

struct context {
	struct rx_machine *machine;
	const struct rx_instance *instance;
	const struct rx_rule *rule;
	const struct rx_machine_in *in;
	struct rx_machine_out *out;
};

/* P or R whose clock goes: has it run long enough? */
static void finish(struct context *c, struct rx_level_state *level, wy_ms hold_ms)
{
	wy_ms end_ms = level->from_ms + (hold_ms - level->ran_ms);

	if (end_ms > c->in->now_ms) {
		lower(&c->out->due_ms, end_ms);
		return;
	}
	if (level->state == RULE_PENDING)
		enter(level, RULE_ACTIVE, c->in->now_ms, &c->out->is_changed);
	else
		enter(level, c->in->must_latch ? RULE_LATCHED_STATE : RULE_NORMAL, c->in->now_ms, &c->out->is_changed);
}

static void freeze(struct context *c, struct rx_level_state *level)
{
	wy_ms end_ms;

	set_running(level, false, c->in->now_ms, &c->out->is_changed);
	end_ms = level->from_ms + c->instance->tolerate_ms;
	if (end_ms > c->in->now_ms)
		lower(&c->out->due_ms, end_ms);
	else
		enter(level, level->state == RULE_PENDING ? RULE_NORMAL : RULE_ACTIVE, c->in->now_ms,
		      &c->out->is_changed);
}

static void step_level(struct context *c, unsigned i)
{
	struct rx_level_state *level = &c->machine->level[i];
	enum rule_truth truth = apply_policy(c->rule->on_unknown, level->state, c->in->level[i].truth);
	wy_ms now_ms = c->in->now_ms;
	bool *is_changed = &c->out->is_changed;

	if (truth != RULE_UNKNOWN)
		level->is_uncertain = c->in->level[i].is_uncertain;
	switch ((enum move)moves[level->state][truth]) {
	case STAY:
		return;
	case CALM:
		enter(level, RULE_NORMAL, now_ms, is_changed);
		return;
	case RELEASE:
		/* Its latch is no more in the rule, or nobody was told of it: no person would ever release it. */
		if (!c->in->must_latch)
			enter(level, RULE_NORMAL, now_ms, is_changed);
		return;
	case RISE:
		enter(level, RULE_ACTIVE, now_ms, is_changed);
		return;
	case FREEZE:
		freeze(c, level);
		return;
	case PEND:
		enter(level, RULE_PENDING, now_ms, is_changed);
		level->onset_ms = c->in->level[i].onset_ms;
		finish(c, level, c->in->level[i].hold_ms);
		return;
	case RETURN:
		enter(level, RULE_RETURNING, now_ms, is_changed);
		finish(c, level, c->in->level[i].clear_hold_ms);
		return;
	case RUN:
		set_running(level, true, now_ms, is_changed);
		finish(c, level,
		       level->state == RULE_PENDING ? c->in->level[i].hold_ms : c->in->level[i].clear_hold_ms);
		return;
	}
}

/* ---- Out of service ----------------------------------------------------------------------- */

static bool has_clock(const struct rx_level_state *level)
{
	return level->state == RULE_PENDING || level->state == RULE_RETURNING;
}

bool rx_machine_rest(struct rx_machine *machine, wy_ms now_ms)
{
	bool is_changed = false;

	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++)
		if (has_clock(&machine->level[i]))
			set_running(&machine->level[i], false, now_ms, &is_changed);
	return is_changed;
}

bool rx_machine_wake(struct rx_machine *machine, wy_ms now_ms)
{
	bool is_changed = false;

	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++) {
		struct rx_level_state *level = &machine->level[i];
		if (!has_clock(level) || level->is_running)
			continue;
		level->from_ms = now_ms;
		is_changed = true;
	}
	return is_changed;
}

/* ---- The whole ---------------------------------------------------------------------------- */

static bool is_on(const struct rx_level_state *level)
{
	return level->state == RULE_ACTIVE || level->state == RULE_RETURNING;
}

bool rx_machine_is_on(const struct rx_machine *machine)
{
	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++)
		if (is_on(&machine->level[i]))
			return true;
	return false;
}

bool rx_machine_is_kept(const struct rx_machine *machine)
{
	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++)
		if (rx_state_asks_clear(machine->level[i].state))
			return true;
	return false;
}

bool rx_machine_inhibits(const struct rx_machine *machine)
{
	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++)
		if (machine->level[i].state == RULE_PENDING || is_on(&machine->level[i]))
			return true;
	return false;
}

void rx_machine_step(struct rx_machine *machine, const struct rx_instance *instance, const struct rx_rule *rule,
		     const struct rx_machine_in *in, struct rx_machine_out *out)
{
	struct context c = {machine, instance, rule, in, out};

	*out = (struct rx_machine_out){.due_ms = WY_MS_NEVER};
	for (unsigned i = 0; i < rule->info.n_levels; i++)
		step_level(&c, i);
	for (unsigned i = 0; i < rule->info.n_levels; i++)
		if (rx_state_asks_clear(machine->level[i].state) && in->level[i].truth == RULE_UNKNOWN)
			out->is_unknown = true;
}

bool rx_machine_is_releasable(const struct rx_machine *machine, const struct rx_rule *rule,
			      const struct rx_machine_in *in)
{
	bool is_found = false;

	for (unsigned i = 0; i < rule->info.n_levels; i++) {
		if (machine->level[i].state != RULE_LATCHED_STATE)
			continue;
		if (in->level[i].truth != RULE_TRUE)
			return false;
		is_found = true;
	}
	return is_found;
}

bool rx_machine_calm(struct rx_machine *machine, bool is_latched_only, wy_ms now_ms)
{
	bool is_changed = false;

	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++) {
		uint8_t state = machine->level[i].state;
		if (is_latched_only ? state == RULE_LATCHED_STATE : state != RULE_NORMAL)
			enter(&machine->level[i], RULE_NORMAL, now_ms, &is_changed);
	}
	return is_changed;
}

void rx_machine_stand(struct rx_machine *machine, wy_ms onset_ms)
{
	machine->level[0] = (struct rx_level_state){.state = RULE_ACTIVE, .onset_ms = onset_ms, .from_ms = onset_ms};
}

bool rx_machine_adopt(struct rx_machine *machine, const struct rx_rule *rule)
{
	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++) {
		const struct rx_level_state *level = &machine->level[i];
		if (level->state > RULE_LATCHED_STATE || !rx_are_bools_sound(&level->is_running, 2) ||
		    !rx_is_time_sound(level->onset_ms) || !rx_is_time_sound(level->ran_ms) || !rx_is_time_sound(level->from_ms))
			return false;
	}
	/* A level that is gone takes its state with it. */
	for (size_t i = rule->info.n_levels; i < WY_RULE_LEVELS_MAX; i++)
		memset(&machine->level[i], 0, sizeof(machine->level[i]));
	return true;
}
