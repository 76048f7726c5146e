/* machine.c: see machine.h. The moves stand in one table; delays act on the state, never on messages.
 *
 * Hold clocks stand still while the truth is unknown. Unknown for longer than `tolerate` sends P back
 * to N and R back to A. No missing data ever starts a return: A leaves only on a true `clear`. */
#include "machine.h"

#include <string.h>

enum move { STAY, PEND, CALM, RUN, FREEZE, RETURN, RISE };

/* moves[state][truth]: truth of `when` in N and P, of `clear` in A, R and L. */
static const uint8_t moves[5][3] = {
	/*                       FALSE  TRUE    UNKNOWN */
	[RULE_NORMAL]        = {STAY,  PEND,   STAY},
	[RULE_PENDING]       = {CALM,  RUN,    FREEZE},
	[RULE_ACTIVE]        = {STAY,  RETURN, STAY},
	[RULE_RETURNING]     = {RISE,  RUN,    FREEZE},
	[RULE_LATCHED_STATE] = {RISE,  STAY,   STAY},
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

/* A level that latched without having been told would have nobody to release it. */
static bool must_latch(const struct context *c)
{
	enum rule_latch latch = c->rule->info.latch;

	if (latch == RULE_LATCH_NONE || !c->machine->is_raised)
		return false;
	return !(latch == RULE_LATCH_ACK && c->machine->is_acked);
}

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
		enter(level, must_latch(c) ? RULE_LATCHED_STATE : RULE_NORMAL, c->in->now_ms, &c->out->is_changed);
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
	case RISE:
		enter(level, RULE_ACTIVE, now_ms, is_changed);
		return;
	case FREEZE:
		freeze(c, level);
		return;
	case PEND:
		enter(level, RULE_PENDING, now_ms, is_changed);
		level->onset_ms = now_ms;
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

/* ---- What is told ------------------------------------------------------------------------- */

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

bool rx_machine_inhibits(const struct rx_machine *machine)
{
	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++)
		if (machine->level[i].state == RULE_PENDING || is_on(&machine->level[i]))
			return true;
	return false;
}

/* The most severe level that passes, or -1; of equal tiers the first. */
static int worst(const struct context *c, bool (*passes)(const struct rx_level_state *))
{
	int found = -1;

	for (unsigned i = 0; i < c->rule->info.n_levels; i++)
		if (passes(&c->machine->level[i]) &&
		    (found < 0 || c->rule->info.levels[i].tier < c->rule->info.levels[found].tier))
			found = (int)i;
	return found;
}

static bool is_active(const struct rx_level_state *level)
{
	return level->state == RULE_ACTIVE;
}

static bool is_latched(const struct rx_level_state *level)
{
	return level->state == RULE_LATCHED_STATE;
}

static void tell(struct context *c, enum rule_event_kind kind, int level)
{
	struct rx_machine *machine = c->machine;
	const struct rx_level_state *at = &machine->level[level];

	machine->told_level = (uint8_t)level;
	c->out->is_changed = true;
	c->out->events[c->out->n_events++] = (struct rule_event){
		.kind = kind,
		.level = (uint8_t)level,
		.tier = machine->tier,
		.at_ms = c->in->now_ms,
		.onset_ms = machine->onset_ms,
		.is_uncertain = at->is_uncertain,
	};
}

/* May a level that is active be told? Said with the instant to look again. */
static bool may_raise(struct context *c)
{
	struct rx_machine *machine = c->machine;
	wy_ms now_ms = c->in->now_ms;

	if (!c->in->is_allowed || machine->is_inhibited)
		return false;
	if (machine->is_guarded && now_ms < machine->guard_ms) {
		lower(&c->out->due_ms, machine->guard_ms);
		return false;
	}
	if (!machine->was_inhibited)
		return true;
	wy_ms settled_ms = machine->inhibited_until_ms + c->instance->settle_ms;
	if (now_ms < settled_ms) {
		lower(&c->out->due_ms, settled_ms);
		return false;
	}
	/* Nothing can be newer than a return of this instant, whatever was new after one before. */
	return c->in->is_fresh && now_ms > machine->inhibited_until_ms;
}

static void watch_inhibition(struct context *c)
{
	struct rx_machine *machine = c->machine;

	if (c->in->is_inhibited == machine->is_inhibited)
		return;
	machine->is_inhibited = c->in->is_inhibited;
	if (!machine->is_inhibited) {
		machine->was_inhibited = true;
		machine->inhibited_until_ms = c->in->now_ms;
	}
	c->out->is_changed = true;
}

static wy_ms first_onset(const struct context *c, int level)
{
	wy_ms onset_ms = c->machine->level[level].onset_ms;

	for (unsigned i = 0; i < c->rule->info.n_levels; i++)
		if (is_on(&c->machine->level[i]) && c->machine->level[i].onset_ms < onset_ms)
			onset_ms = c->machine->level[i].onset_ms;
	return onset_ms;
}

static void tell_raise(struct context *c)
{
	struct rx_machine *machine = c->machine;
	int level = worst(c, is_active);

	if (level < 0 || !may_raise(c))
		return;
	machine->is_raised = true;
	machine->is_latched = machine->is_acked = machine->is_unverified = machine->is_unknown = false;
	machine->is_guarded = machine->was_inhibited = false;
	machine->tier = c->rule->info.levels[level].tier;
	machine->raised_ms = c->in->now_ms;
	machine->onset_ms = first_onset(c, level);
	tell(c, RULE_RAISED, level);
}

static void tell_resolve(struct context *c)
{
	struct rx_machine *machine = c->machine;

	tell(c, RULE_RESOLVED, machine->told_level < c->rule->info.n_levels ? machine->told_level : 0);
	machine->is_raised = machine->is_latched = machine->is_acked = false;
	machine->is_unverified = machine->is_unknown = false;
}

static void tell_change(struct context *c)
{
	struct rx_machine *machine = c->machine;
	int on = worst(c, is_on);
	int latched = worst(c, is_latched);

	if (on < 0 && latched < 0) {
		tell_resolve(c);
		return;
	}
	if (on < 0) {
		if (machine->is_latched)
			return;
		machine->is_latched = true;
		tell(c, RULE_LATCHED, latched);
		return;
	}
	uint8_t tier = c->rule->info.levels[on].tier;
	if (tier == machine->tier && !machine->is_latched)
		return;
	machine->is_latched = false;
	machine->tier = tier;
	tell(c, RULE_TIER, on);
}

/* While told and active: is the way back known? */
static void watch_knowledge(struct context *c)
{
	struct rx_machine *machine = c->machine;
	int level = worst(c, is_on);
	bool is_unknown = false;

	if (!machine->is_raised)
		return;
	for (unsigned i = 0; i < c->rule->info.n_levels; i++)
		if (rx_state_asks_clear(machine->level[i].state) && c->in->level[i].truth == RULE_UNKNOWN)
			is_unknown = true;
	if (is_unknown != machine->is_unknown) {
		machine->is_unknown = is_unknown;
		machine->unknown_ms = c->in->now_ms;
		c->out->is_changed = true;
	}
	level = level < 0 ? machine->told_level : level;
	if (!is_unknown && machine->is_unverified) {
		machine->is_unverified = false;
		tell(c, RULE_VERIFIED, level);
	}
	if (!is_unknown || machine->is_unverified)
		return;
	wy_ms doubtful_ms = machine->unknown_ms + c->instance->unverified_after_ms;
	if (doubtful_ms > c->in->now_ms) {
		lower(&c->out->due_ms, doubtful_ms);
		return;
	}
	machine->is_unverified = true;
	tell(c, RULE_UNVERIFIED, level);
}

static void tell_all(struct context *c)
{
	watch_knowledge(c);
	if (c->machine->is_raised)
		tell_change(c);
	else
		tell_raise(c);
}

void rx_machine_step(struct rx_machine *machine, const struct rx_instance *instance, const struct rx_rule *rule,
		     const struct rx_machine_in *in, struct rx_machine_out *out)
{
	struct context c = {machine, instance, rule, in, out};

	memset(out, 0, sizeof(*out));
	out->due_ms = WY_MS_NEVER;
	watch_inhibition(&c);
	for (unsigned i = 0; i < rule->info.n_levels; i++)
		step_level(&c, i);
	tell_all(&c);
}

static void calm_all(struct context *c, bool (*passes)(const struct rx_level_state *))
{
	for (unsigned i = 0; i < c->rule->info.n_levels; i++)
		if (passes(&c->machine->level[i]))
			enter(&c->machine->level[i], RULE_NORMAL, c->in->now_ms, &c->out->is_changed);
}

static bool is_any(const struct rx_level_state *level)
{
	return level->state != RULE_NORMAL;
}

/* Latched levels whose condition is gone for certain. */
static bool is_releasable(const struct context *c)
{
	bool is_found = false;

	for (unsigned i = 0; i < c->rule->info.n_levels; i++) {
		if (!is_latched(&c->machine->level[i]))
			continue;
		if (c->in->level[i].truth != RULE_TRUE)
			return false;
		is_found = true;
	}
	return is_found;
}

static enum wy_err command_ack(struct context *c)
{
	struct rx_machine *machine = c->machine;

	if (c->rule->info.latch != RULE_LATCH_ACK || !machine->is_raised)
		return WY_E_STATE;
	if (machine->is_latched && !is_releasable(c))
		return WY_E_STATE;
	machine->is_acked = true;
	c->out->is_changed = true;
	if (is_releasable(c)) {
		calm_all(c, is_latched);
		tell_all(c);
	}
	return WY_OK;
}

static enum wy_err command_reset(struct context *c)
{
	if (!c->machine->is_raised || !is_releasable(c))
		return WY_E_STATE;
	calm_all(c, is_latched);
	tell_all(c);
	return WY_OK;
}

static enum wy_err command_close(struct context *c)
{
	struct rx_machine *machine = c->machine;

	if (!machine->is_raised)
		return WY_E_STATE;
	calm_all(c, is_any);
	machine->is_guarded = true;
	machine->guard_ms = c->in->now_ms + c->instance->reraise_ms;
	tell_resolve(c);
	return WY_OK;
}

enum wy_err rx_machine_command(struct rx_machine *machine, const struct rx_instance *instance,
			       const struct rx_rule *rule, enum rule_command command, const struct rx_machine_in *in,
			       struct rx_machine_out *out)
{
	struct context c = {machine, instance, rule, in, out};

	memset(out, 0, sizeof(*out));
	out->due_ms = WY_MS_NEVER;
	switch (command) {
	case RULE_ACK:
		return command_ack(&c);
	case RULE_RESET:
		return command_reset(&c);
	case RULE_CLOSE:
		return command_close(&c);
	}
	return WY_E_INVALID;
}

void rx_machine_stand(struct rx_machine *machine, const struct rx_rule *rule, wy_ms onset_ms)
{
	struct rx_level_state *level = &machine->level[0];

	*level = (struct rx_level_state){.state = RULE_ACTIVE, .onset_ms = onset_ms, .from_ms = onset_ms};
	machine->is_raised = true;
	machine->is_latched = false;
	machine->told_level = 0;
	machine->tier = rule->info.levels[0].tier;
	machine->onset_ms = machine->raised_ms = onset_ms;
}

bool rx_machine_adopt(struct rx_machine *machine, const struct rx_rule *rule)
{
	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++)
		if (machine->level[i].state > RULE_LATCHED_STATE)
			return false;
	/* A level that is gone takes its state with it ... */
	for (size_t i = rule->info.n_levels; i < WY_RULE_LEVELS_MAX; i++)
		memset(&machine->level[i], 0, sizeof(machine->level[i]));
	if (!machine->is_raised || rx_machine_is_on(machine))
		return true;
	for (size_t i = 0; i < rule->info.n_levels; i++)
		if (machine->level[i].state == RULE_LATCHED_STATE)
			return true;
	/* ... but what was told stays told until a clear is seen. */
	rx_machine_stand(machine, rule, machine->onset_ms);
	return true;
}
