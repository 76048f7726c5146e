/* teller.c: see teller.h. Delays act on the state, never on messages: what is held back here is told as soon as
 * nothing holds it back, or never when it has passed by then. */
#include "teller.h"

#include <string.h>

struct context {
	struct rx_teller *teller;
	const struct rx_machine *machine;
	const struct rx_instance *instance;
	const struct rx_rule *rule;
	wy_ms now_ms;
	struct rx_teller_out *out;
};

static struct context begin(const struct rx_subject *s, wy_ms now_ms, struct rx_teller_out *out)
{
	return (struct context){s->teller, s->machine, s->instance, s->rule, now_ms, out};
}

void rx_teller_begin(struct rx_teller_out *out)
{
	out->is_changed = false;
	out->due_ms = WY_MS_NEVER;
	out->n_events = 0;
}

static void lower(wy_ms *due_ms, wy_ms at_ms)
{
	*due_ms = at_ms < *due_ms ? at_ms : *due_ms;
}

/* ---- Levels ------------------------------------------------------------------------------- */

static bool is_on(const struct rx_level_state *level)
{
	return level->state == RULE_ACTIVE || level->state == RULE_RETURNING;
}

static bool is_active(const struct rx_level_state *level)
{
	return level->state == RULE_ACTIVE;
}

static bool is_latched(const struct rx_level_state *level)
{
	return level->state == RULE_LATCHED_STATE;
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

/* ---- What may be told --------------------------------------------------------------------- */

/* May a level that is active be told? Said with the instant to look again. */
static bool may_raise(struct context *c, const struct rx_teller_in *in)
{
	struct rx_teller *teller = c->teller;

	if (!in->is_allowed || teller->is_inhibited || teller->is_out)
		return false;
	if (teller->is_guarded && c->now_ms < teller->guard_ms) {
		lower(&c->out->due_ms, teller->guard_ms);
		return false;
	}
	if (!teller->was_inhibited)
		return true;
	wy_ms settled_ms = teller->inhibited_until_ms + c->instance->settle_ms;
	if (c->now_ms < settled_ms) {
		lower(&c->out->due_ms, settled_ms);
		return false;
	}
	/* Nothing can be newer than a return of this instant, whatever was new after one before. */
	return in->is_fresh && c->now_ms > teller->inhibited_until_ms;
}

static void watch_inhibition(struct context *c, const struct rx_teller_in *in)
{
	struct rx_teller *teller = c->teller;

	if (in->is_inhibited == teller->is_inhibited)
		return;
	teller->is_inhibited = in->is_inhibited;
	if (!teller->is_inhibited) {
		teller->was_inhibited = true;
		teller->inhibited_until_ms = c->now_ms;
	}
	c->out->is_changed = true;
}

/* Back in service is like the return of an inhibiting rule. */
static void watch_service(struct context *c, const struct rx_teller_in *in)
{
	struct rx_teller *teller = c->teller;

	if (in->is_out == teller->is_out)
		return;
	teller->is_out = in->is_out;
	c->out->is_changed = true;
	if (teller->is_out)
		return;
	teller->was_inhibited = true;
	teller->inhibited_until_ms = teller->unknown_ms = c->now_ms;
}

/* While told and active: is the way back known? */
static void watch_knowledge(struct context *c, const struct rx_teller_in *in)
{
	struct rx_teller *teller = c->teller;

	if (!teller->is_raised || teller->is_out || in->is_unknown == teller->is_unknown)
		return;
	teller->is_unknown = in->is_unknown;
	teller->unknown_ms = c->now_ms;
	c->out->is_changed = true;
}

static void watch_readiness(struct context *c, const struct rx_teller_in *in)
{
	struct rx_teller *teller = c->teller;
	bool is_ready = teller->is_raised || (worst(c, is_active) >= 0 && may_raise(c, in));

	if (is_ready == teller->is_ready)
		return;
	teller->is_ready = is_ready;
	teller->ready_ms = c->now_ms;
	c->out->is_changed = true;
}

void rx_teller_look(const struct rx_subject *subject, const struct rx_teller_in *in, struct rx_teller_out *out)
{
	struct context c = begin(subject, in->now_ms, out);

	watch_inhibition(&c, in);
	watch_service(&c, in);
	watch_knowledge(&c, in);
	watch_readiness(&c, in);
}

bool rx_teller_is_idle(const struct rx_teller *teller, const struct rx_machine *machine)
{
	if (teller->is_raised || teller->is_ready)
		return false;
	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++)
		if (machine->level[i].state != RULE_NORMAL)
			return false;
	return true;
}

bool rx_teller_must_latch(const struct rx_teller *teller, const struct rx_rule *rule)
{
	enum rule_latch latch = rule->info.latch;

	if (latch == RULE_LATCH_NONE || !teller->is_raised)
		return false;
	return !(latch == RULE_LATCH_ACK && teller->is_acked);
}

/* ---- Telling ------------------------------------------------------------------------------ */

static struct rule_event *tell(struct context *c, enum rule_event_kind kind)
{
	struct rule_event *event = &c->out->events[c->out->n_events++];

	c->out->is_changed = true;
	*event = (struct rule_event){
		.kind = kind,
		.other = RULE_NO_INSTANCE,
		.level = c->teller->told_level,
		.tier = c->teller->tier,
		.at_ms = c->now_ms,
		.onset_ms = c->teller->onset_ms,
		.is_uncertain = c->machine->level[c->teller->told_level].is_uncertain,
	};
	return event;
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
	struct rx_teller *teller = c->teller;
	int level = worst(c, is_active);

	if (level < 0 || !teller->is_ready)
		return;
	teller->is_raised = true;
	teller->is_latched = teller->is_acked = teller->is_unverified = teller->is_unknown = false;
	teller->is_guarded = teller->was_inhibited = false;
	teller->told_level = (uint8_t)level;
	teller->tier = c->rule->info.levels[level].tier;
	teller->raised_ms = c->now_ms;
	teller->onset_ms = first_onset(c, level);
	tell(c, RULE_RAISED);
}

static void tell_end(struct context *c, enum rule_event_kind kind)
{
	struct rx_teller *teller = c->teller;

	tell(c, kind);
	teller->is_raised = teller->is_ready = teller->is_latched = teller->is_acked = false;
	teller->is_unverified = teller->is_unknown = teller->is_out_told = false;
}

static void tell_change(struct context *c)
{
	struct rx_teller *teller = c->teller;
	int on = worst(c, is_on);
	int latched = worst(c, is_latched);

	if (on < 0 && latched < 0) {
		tell_end(c, RULE_RESOLVED);
		return;
	}
	if (on < 0) {
		if (teller->is_latched)
			return;
		teller->is_latched = true;
		teller->told_level = (uint8_t)latched;
		tell(c, RULE_LATCHED);
		return;
	}
	uint8_t tier = c->rule->info.levels[on].tier;
	if (tier == teller->tier && !teller->is_latched)
		return;
	teller->is_latched = false;
	teller->told_level = (uint8_t)on;
	teller->tier = tier;
	tell(c, RULE_TIER);
}

static void tell_knowledge(struct context *c)
{
	struct rx_teller *teller = c->teller;
	int on = worst(c, is_on);

	if (on >= 0 && teller->is_unknown != teller->is_unverified)
		teller->told_level = (uint8_t)on;
	if (!teller->is_unknown && teller->is_unverified) {
		teller->is_unverified = false;
		tell(c, RULE_VERIFIED);
	}
	if (!teller->is_unknown || teller->is_unverified)
		return;
	wy_ms doubtful_ms = teller->unknown_ms + c->instance->unverified_after_ms;
	if (doubtful_ms > c->now_ms) {
		lower(&c->out->due_ms, doubtful_ms);
		return;
	}
	teller->is_unverified = true;
	tell(c, RULE_UNVERIFIED);
}

static void tell_service(struct context *c)
{
	struct rx_teller *teller = c->teller;

	if (teller->is_out == teller->is_out_told)
		return;
	teller->is_out_told = teller->is_out;
	tell(c, teller->is_out ? RULE_OUT_OF_SERVICE : RULE_IN_SERVICE);
}

static void tell_all(struct context *c)
{
	if (!c->teller->is_raised) {
		tell_raise(c);
		return;
	}
	tell_service(c);
	if (!c->teller->is_out)
		tell_knowledge(c);
	tell_change(c);
}

void rx_teller_tell(const struct rx_subject *subject, wy_ms now_ms, struct rx_teller_out *out)
{
	struct context c = begin(subject, now_ms, out);

	tell_all(&c);
}

/* ---- Commands ----------------------------------------------------------------------------- */

static enum wy_err release(struct context *c, const struct rx_subject *s)
{
	rx_machine_calm(s->machine, true, c->now_ms);
	c->out->is_changed = true;
	tell_all(c);
	return WY_OK;
}

static enum wy_err command_ack(struct context *c, const struct rx_subject *s, const struct rx_machine_in *in)
{
	bool is_releasable = rx_machine_is_releasable(s->machine, s->rule, in);

	if (c->rule->info.latch != RULE_LATCH_ACK || !c->teller->is_raised)
		return WY_E_STATE;
	if (c->teller->is_latched && !is_releasable)
		return WY_E_STATE;
	c->teller->is_acked = true;
	c->out->is_changed = true;
	return is_releasable ? release(c, s) : WY_OK;
}

static enum wy_err command_reset(struct context *c, const struct rx_subject *s, const struct rx_machine_in *in)
{
	if (!c->teller->is_raised || !rx_machine_is_releasable(s->machine, s->rule, in))
		return WY_E_STATE;
	return release(c, s);
}

static enum wy_err command_close(struct context *c, const struct rx_subject *s)
{
	struct rx_teller *teller = c->teller;

	if (!teller->is_raised)
		return WY_E_STATE;
	rx_machine_calm(s->machine, false, c->now_ms);
	teller->is_guarded = true;
	teller->guard_ms = c->now_ms + c->instance->reraise_ms;
	tell_end(c, RULE_CLOSED);
	return WY_OK;
}

enum wy_err rx_teller_command(const struct rx_subject *subject, const struct rule_order *order,
			      const struct rx_machine_in *in, struct rx_teller_out *out)
{
	struct context c = begin(subject, in->now_ms, out);

	switch (order->command) {
	case RULE_ACK:
		return command_ack(&c, subject, in);
	case RULE_RESET:
		return command_reset(&c, subject, in);
	case RULE_CLOSE:
		return command_close(&c, subject);
	case RULE_LEARN:
	case RULE_ACCEPT:
		break; /* not of what is told: freeze.c */
	}
	return WY_E_INVALID;
}

/* ---- Out of the store --------------------------------------------------------------------- */

void rx_teller_stand(struct rx_teller *teller, const struct rx_rule *rule, wy_ms onset_ms)
{
	teller->is_raised = teller->is_ready = true;
	teller->is_latched = false;
	teller->told_level = 0;
	teller->tier = rule->info.levels[0].tier;
	teller->onset_ms = teller->raised_ms = teller->ready_ms = onset_ms;
}

bool rx_teller_adopt(struct rx_teller *teller, const struct rx_rule *rule)
{
	if (teller->tier > 4 || (teller->is_raised && !teller->tier))
		return false;
	if (teller->told_level >= rule->info.n_levels)
		teller->told_level = 0;
	return true;
}
