/* teller.c: see teller.h. Delays act on the state, never on messages: what is held back here is told as soon as
 * nothing holds it back, or never when it has passed by then. */
#include "teller_parts.h"

#include <string.h>

static struct rx_telling begin(const struct rx_subject *s, struct rx_teller_out *out)
{
	return (struct rx_telling){s, s->teller, s->rule, s->now_ms, out};
}

void rx_teller_begin(struct rx_teller_out *out)
{
	out->is_changed = false;
	out->due_ms = WY_MS_NEVER;
	out->n_events = 0;
}

void rx_wake(struct rx_telling *t, wy_ms at_ms)
{
	t->out->due_ms = at_ms < t->out->due_ms ? at_ms : t->out->due_ms;
}

void rx_force_tier(struct rx_teller *teller, uint8_t tier)
{
	if (!teller->forced_tier || tier < teller->forced_tier)
		teller->forced_tier = tier;
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

static bool is_kept(const struct rx_level_state *level)
{
	return is_on(level) || is_latched(level);
}

static bool may_begin(const struct rx_level_state *level)
{
	return is_active(level) || is_latched(level);
}

/* The most severe level that passes, or -1; of equal tiers the first. */
static int worst(const struct rx_telling *t, bool (*passes)(const struct rx_level_state *))
{
	int found = -1;

	for (unsigned i = 0; i < t->rule->info.n_levels; i++)
		if (passes(&t->s->machine->level[i]) &&
		    (found < 0 || t->rule->info.levels[i].tier < t->rule->info.levels[found].tier))
			found = (int)i;
	return found;
}

/* The tier of a level, with what recurrence and the ladder make of it. */
static uint8_t tier_of(const struct rx_telling *t, int level)
{
	const struct rx_teller *teller = t->teller;
	uint8_t tier = t->rule->info.levels[level].tier;
	uint8_t least = t->s->set->world->escalation.repeat.at_most;

	for (unsigned i = 0; i < teller->tiers_up && tier > 1 && tier > least; i++)
		tier--;
	return teller->forced_tier && teller->forced_tier < tier ? teller->forced_tier : tier;
}

/* ---- What may be told --------------------------------------------------------------------- */

/* Is nothing of a person, a plan or another rule against it? Said with the instant to look again. */
static bool may_raise(struct rx_telling *t, const struct rx_teller_in *in)
{
	struct rx_teller *teller = t->teller;

	if (!in->is_allowed || teller->is_inhibited || teller->is_out || teller->is_shelved)
		return false;
	if (teller->is_maintenance && !t->rule->is_annotated)
		return false;
	if (teller->is_guarded && t->now_ms < teller->guard_ms) {
		rx_wake(t, teller->guard_ms);
		return false;
	}
	if (!teller->was_inhibited)
		return true;
	wy_ms settled_ms = teller->inhibited_until_ms + t->s->instance->settle_ms;
	if (t->now_ms < settled_ms) {
		rx_wake(t, settled_ms);
		return false;
	}
	/* Nothing can be newer than a return of this instant, whatever was new after one before. */
	return in->is_fresh && t->now_ms > teller->inhibited_until_ms;
}

static void watch_inhibition(struct rx_telling *t, const struct rx_teller_in *in)
{
	struct rx_teller *teller = t->teller;

	if (in->is_inhibited == teller->is_inhibited)
		return;
	teller->is_inhibited = in->is_inhibited;
	if (!teller->is_inhibited) {
		teller->was_inhibited = true;
		teller->inhibited_until_ms = t->now_ms;
	}
	t->out->is_changed = true;
}

/* Back in service is like the return of an inhibiting rule. */
static void watch_service(struct rx_telling *t, const struct rx_teller_in *in)
{
	struct rx_teller *teller = t->teller;

	if (in->is_out == teller->is_out)
		return;
	teller->is_out = in->is_out;
	t->out->is_changed = true;
	if (teller->is_out)
		return;
	teller->was_inhibited = true;
	teller->inhibited_until_ms = teller->unknown_ms = t->now_ms;
}

/* While active: is the way back known? */
static void watch_knowledge(struct rx_telling *t, const struct rx_teller_in *in)
{
	struct rx_teller *teller = t->teller;

	if (teller->is_out || in->is_unknown == teller->is_unknown)
		return;
	teller->is_unknown = in->is_unknown;
	teller->unknown_ms = t->now_ms;
	t->out->is_changed = true;
}

/* A raised rule that stands anew is a raise nobody needs to be told of once more; but it counts. */
static void watch_standing(struct rx_telling *t)
{
	struct rx_teller *teller = t->teller;
	bool is_up = worst(t, is_on) >= 0;

	if (is_up == teller->was_on)
		return;
	teller->was_on = is_up;
	t->out->is_changed = true;
	if (is_up && teller->is_raised)
		rx_note_raise(t);
}

static void watch_readiness(struct rx_telling *t, const struct rx_teller_in *in)
{
	struct rx_teller *teller = t->teller;
	bool stands = worst(t, teller->is_ready ? is_kept : is_active) >= 0;
	bool is_ready = teller->is_raised || (stands && may_raise(t, in));

	if (is_ready == teller->is_ready)
		return;
	teller->is_ready = is_ready;
	teller->absorbed_tier = 0;
	teller->ready_ms = t->now_ms;
	t->out->is_changed = true;
}

/* A close by hand holds back what stood then. What is gone and comes back is something new. */
static void watch_guard(struct rx_telling *t, const struct rx_teller_in *in)
{
	struct rx_teller *teller = t->teller;
	wy_ms most_ms = t->now_ms + t->s->instance->reraise_ms;
	wy_ms proven_ms = 0;

	if (!teller->is_guarded)
		return;
	/* The rule may have a shorter `reraise` now. */
	teller->guard_ms = teller->guard_ms < most_ms ? teller->guard_ms : most_ms;
	if (in->is_gone != teller->is_gone) {
		teller->is_gone = in->is_gone;
		teller->gone_ms = t->now_ms;
		t->out->is_changed = true;
	}
	if (!teller->is_gone)
		return;
	for (unsigned i = 0; i < t->rule->info.n_levels; i++)
		if (t->s->instance->info.clear_hold_ms[i] > proven_ms)
			proven_ms = t->s->instance->info.clear_hold_ms[i];
	if (t->now_ms < teller->gone_ms + proven_ms) {
		rx_wake(t, teller->gone_ms + proven_ms);
		return;
	}
	teller->is_guarded = teller->is_gone = false;
	t->out->is_changed = true;
}

void rx_teller_look(const struct rx_subject *subject, const struct rx_teller_in *in, struct rx_teller_out *out)
{
	struct rx_telling t = begin(subject, out);

	if (in->is_maintenance != t.teller->is_maintenance) {
		t.teller->is_maintenance = in->is_maintenance;
		out->is_changed = true;
	}
	watch_guard(&t, in);
	watch_inhibition(&t, in);
	watch_service(&t, in);
	watch_knowledge(&t, in);
	watch_standing(&t);
	rx_watch_chatter(&t);
	rx_watch_shelf(&t, rx_machine_is_kept(subject->machine));
	watch_readiness(&t, in);
}

bool rx_teller_is_idle(const struct rx_teller *teller, const struct rx_machine *machine)
{
	if (teller->is_raised || teller->is_ready || teller->is_shelved || teller->owed || teller->joined)
		return false;
	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++)
		if (machine->level[i].state != RULE_NORMAL)
			return false;
	return true;
}

bool rx_teller_is_asleep(const struct rx_teller *teller, const struct rx_machine *machine)
{
	bool is_awake = teller->is_raised || teller->is_ready || teller->was_on || teller->is_unknown || teller->is_inhibited ||
			teller->is_out || teller->is_maintenance || teller->is_chattering || teller->is_shelved || teller->owed ||
			teller->joined || teller->was_inhibited || teller->is_guarded || teller->absorbed_tier;

	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++)
		is_awake = is_awake || (machine->level[i].state != RULE_NORMAL && machine->level[i].state != RULE_PENDING);
	return !is_awake;
}

bool rx_teller_must_latch(const struct rx_teller *teller, const struct rx_rule *rule)
{
	enum rule_latch latch = rule->info.latch;

	/* What waits for a group to form will be told, unless one takes it. */
	if (latch == RULE_LATCH_NONE || !(teller->is_raised || (teller->is_ready && !teller->absorbed_tier)))
		return false;
	return !(latch == RULE_LATCH_ACK && teller->is_acked);
}

/* ---- Telling ------------------------------------------------------------------------------ */

struct rule_event *rx_say(struct rx_telling *t, enum rule_event_kind kind)
{
	struct rule_event *event = &t->out->events[t->out->n_events++];
	const struct rx_teller *teller = t->teller;

	t->out->is_changed = true;
	*event = (struct rule_event){
		.kind = kind,
		.instance = RULE_NO_INSTANCE,
		.other = RULE_NO_INSTANCE,
		.level = teller->told_level,
		.tier = teller->tier ? teller->tier : t->rule->info.levels[teller->told_level].tier,
		.at_ms = t->now_ms,
		.onset_ms = teller->onset_ms,
		.is_uncertain = t->s->machine->level[teller->told_level].is_uncertain,
		.is_maintenance = teller->is_maintenance,
	};
	return event;
}

static wy_ms first_onset(const struct rx_telling *t, int level)
{
	const struct rx_level_state *levels = t->s->machine->level;
	wy_ms onset_ms = levels[level].onset_ms;

	for (unsigned i = 0; i < t->rule->info.n_levels; i++)
		if (is_kept(&levels[i]) && levels[i].onset_ms < onset_ms)
			onset_ms = levels[i].onset_ms;
	return onset_ms;
}

static void forget_episode(struct rx_teller *teller)
{
	teller->is_raised = teller->is_ready = teller->is_latched = false;
	teller->is_acked = teller->is_assigned = teller->is_on_site = false;
	teller->is_unverified = teller->is_dependent = teller->is_chattering = teller->is_out_told = false;
	teller->steps = teller->forced_tier = 0;
	teller->owed &= RX_OWES_UNSHELVED;
}

/* ---- Groups ------------------------------------------------------------------------------- */

/* The tier of a group that speaks for it; 0: none. What a group took it keeps, though somebody closes the group's ticket;
 * but not when the group is gone, with the rules of before or with its memory. */
static uint8_t tier_that_absorbs(const struct rx_telling *t)
{
	bool is_kept_by_one = false;

	for (size_t i = 0; i < t->s->n_bonds; i++) {
		const struct rx_bond *bond = &t->s->bonds[i];
		if (!bond->is_absorbing || !bond->is_in)
			continue;
		if (!t->teller->absorbed_tier && bond->is_raised)
			return bond->tier;
		is_kept_by_one = true;
	}
	return is_kept_by_one ? t->teller->absorbed_tier : 0;
}

/* Does a group speak for it, as long as it is no more urgent than the group? */
static bool is_absorbed(struct rx_telling *t, uint8_t tier)
{
	uint8_t absorbed_tier = tier_that_absorbs(t);

	if (absorbed_tier != t->teller->absorbed_tier) {
		if (absorbed_tier && absorbed_tier <= tier)
			rx_note_absorbed(t);
		t->teller->absorbed_tier = absorbed_tier;
		t->out->is_changed = true;
	}
	return absorbed_tier && absorbed_tier <= tier;
}

/* A while for others to come, that might make a group of it. What is urgent does not wait. */
static bool must_gather(struct rx_telling *t, uint8_t tier)
{
	wy_ms until_ms = t->teller->ready_ms;

	for (size_t i = 0; i < t->s->n_bonds && tier > 1; i++)
		if (t->teller->ready_ms + t->s->bonds[i].gather_ms > until_ms)
			until_ms = t->teller->ready_ms + t->s->bonds[i].gather_ms;
	if (until_ms <= t->now_ms)
		return false;
	rx_wake(t, until_ms);
	return true;
}

static void tell_members(struct rx_telling *t, const struct rx_bond *bond)
{
	struct rule_event *event = rx_say(t, RULE_MEMBERS);

	event->instance = bond->instance;
	event->other = (uint32_t)(t->s->instance - t->s->set->instances);
	event->tier = bond->tier;
	event->level = 0;
	event->onset_ms = bond->from_ms;
}

/* What a group consists of is known when it is told; later comers and goers are told of one by one. */
static void tell_bonds(struct rx_telling *t)
{
	struct rx_teller *teller = t->teller;

	for (size_t i = 0; i < t->s->n_bonds; i++) {
		const struct rx_bond *bond = &t->s->bonds[i];
		bool was_in = teller->joined & 1u << i;
		bool is_in = bond->is_raised && bond->is_in && teller->is_ready;
		if (is_in == was_in)
			continue;
		teller->joined ^= (uint8_t)(1u << i);
		t->out->is_changed = true;
		if (bond->is_raised && bond->stands && (!is_in || teller->ready_ms > bond->raised_ms))
			tell_members(t, bond);
		if (is_in && teller->is_raised)
			rx_say(t, RULE_GROUPED)->other = bond->instance;
	}
}

/* ---- Raising and ending ------------------------------------------------------------------- */

static void tell_raise(struct rx_telling *t)
{
	struct rx_teller *teller = t->teller;
	int level = worst(t, may_begin);

	if (level < 0 || !teller->is_ready)
		return;
	uint8_t tier = t->rule->info.levels[level].tier;
	if (is_absorbed(t, tier) || must_gather(t, tier))
		return;
	wy_ms ready_ms = teller->ready_ms;
	forget_episode(teller);
	teller->is_ready = true;
	teller->ready_ms = ready_ms;
	teller->is_guarded = teller->was_inhibited = false;
	rx_note_raise(t);
	teller->is_raised = true;
	teller->told_level = (uint8_t)level;
	teller->tier = tier_of(t, level);
	teller->raised_ms = t->now_ms;
	teller->onset_ms = first_onset(t, level);
	rx_say(t, RULE_RAISED);
}

static void tell_end(struct rx_telling *t, enum rule_event_kind kind)
{
	rx_say(t, kind);
	forget_episode(t->teller);
	t->teller->has_ended = true;
	t->teller->ended_ms = t->now_ms;
}

static void tell_tier(struct rx_telling *t, int level, uint8_t tier)
{
	struct rx_teller *teller = t->teller;

	rx_change_ladder(t, teller->tier, tier);
	teller->is_latched = false;
	teller->told_level = (uint8_t)level;
	teller->tier = tier;
	rx_say(t, RULE_TIER);
}

/* While it chatters only what is more urgent is told; where it really stands, once it is steady. */
static void tell_change(struct rx_telling *t)
{
	struct rx_teller *teller = t->teller;
	int on = worst(t, is_on);
	int latched = worst(t, is_latched);
	uint8_t tier = on < 0 ? teller->tier : tier_of(t, on);

	if (teller->is_chattering) {
		if (tier < teller->tier)
			tell_tier(t, on, tier);
		return;
	}
	if (on < 0 && latched < 0) {
		tell_end(t, RULE_RESOLVED);
		return;
	}
	if (on >= 0) {
		if (tier != teller->tier || teller->is_latched)
			tell_tier(t, on, tier);
		return;
	}
	if (teller->is_latched)
		return;
	teller->is_latched = true;
	teller->told_level = (uint8_t)latched;
	rx_say(t, RULE_LATCHED);
}

static void tell_knowledge(struct rx_telling *t)
{
	struct rx_teller *teller = t->teller;
	int on = worst(t, is_on);

	if (on >= 0 && teller->is_unknown != teller->is_unverified)
		teller->told_level = (uint8_t)on;
	if (!teller->is_unknown && teller->is_unverified) {
		teller->is_unverified = false;
		rx_say(t, RULE_VERIFIED);
	}
	if (!teller->is_unknown || teller->is_unverified)
		return;
	wy_ms doubtful_ms = teller->unknown_ms + t->s->instance->unverified_after_ms;
	if (doubtful_ms > t->now_ms) {
		rx_wake(t, doubtful_ms);
		return;
	}
	teller->is_unverified = true;
	rx_say(t, RULE_UNVERIFIED);
}

static void tell_service(struct rx_telling *t)
{
	struct rx_teller *teller = t->teller;

	if (teller->is_out == teller->is_out_told)
		return;
	teller->is_out_told = teller->is_out;
	rx_say(t, teller->is_out ? RULE_OUT_OF_SERVICE : RULE_IN_SERVICE);
}

/* A rule that only might stand soon holds others back; it takes one that stands to be depended upon. */
static void tell_dependence(struct rx_telling *t)
{
	struct rx_teller *teller = t->teller;
	bool is_dependent = t->s->parent != RULE_NO_INSTANCE;

	if (is_dependent == teller->is_dependent)
		return;
	teller->is_dependent = is_dependent;
	rx_say(t, is_dependent ? RULE_DEPENDS : RULE_FREE)->other = t->s->parent;
}

static void tell_owed(struct rx_telling *t, enum rx_owed what, enum rule_event_kind kind)
{
	if (!(t->teller->owed & what))
		return;
	t->teller->owed &= (uint8_t)~what;
	rx_say(t, kind);
}

static void tell_raised(struct rx_telling *t)
{
	tell_service(t);
	if (!t->teller->is_out)
		tell_knowledge(t);
	tell_owed(t, RX_OWES_STEADY, RULE_STEADY);
	tell_change(t);
	if (!t->teller->is_raised)
		return;
	tell_owed(t, RX_OWES_CHATTERING, RULE_CHATTERING);
	rx_watch_chatter(t);
	tell_dependence(t);
	/* A step may make it more urgent, and so have the next ladder begin. */
	while (t->teller->is_raised && rx_escalate(t))
		tell_change(t);
}

static void tell_all(struct rx_telling *t)
{
	rx_tell_shelf(t);
	if (!t->teller->is_raised)
		tell_raise(t);
	if (t->teller->is_raised)
		tell_raised(t);
	tell_bonds(t);
}

void rx_teller_tell(const struct rx_subject *subject, struct rx_teller_out *out)
{
	struct rx_telling t = begin(subject, out);

	tell_all(&t);
}

/* ---- Commands ----------------------------------------------------------------------------- */

static void release(struct rx_telling *t)
{
	rx_machine_calm(t->s->machine, true, t->now_ms);
	t->out->is_changed = true;
	tell_all(t);
}

static enum wy_err command_ack(struct rx_telling *t, const struct rx_machine_in *in)
{
	bool is_releasable = rx_machine_is_releasable(t->s->machine, t->rule, in);
	bool is_by_ack = t->rule->info.latch == RULE_LATCH_ACK;

	if (!t->teller->is_raised || (is_by_ack && t->teller->is_latched && !is_releasable))
		return WY_E_STATE;
	t->teller->is_acked = true;
	t->out->is_changed = true;
	if (is_by_ack && is_releasable)
		release(t);
	return WY_OK;
}

static enum wy_err command_reset(struct rx_telling *t, const struct rx_machine_in *in)
{
	if (!t->teller->is_raised || !rx_machine_is_releasable(t->s->machine, t->rule, in))
		return WY_E_STATE;
	release(t);
	return WY_OK;
}

static enum wy_err command_close(struct rx_telling *t)
{
	struct rx_teller *teller = t->teller;

	if (!teller->is_raised)
		return WY_E_STATE;
	/* What is latched is gone already: if it comes back it is told. */
	teller->is_guarded = worst(t, is_on) >= 0;
	teller->is_gone = false;
	rx_machine_calm(t->s->machine, false, t->now_ms);
	teller->was_on = false;
	teller->guard_ms = t->now_ms + t->s->instance->reraise_ms;
	tell_end(t, RULE_CLOSED);
	tell_bonds(t);
	return WY_OK;
}

static enum wy_err note_work(struct rx_telling *t, bool *flag)
{
	if (!t->teller->is_raised)
		return WY_E_STATE;
	*flag = true;
	t->out->is_changed = true;
	return WY_OK;
}

enum wy_err rx_teller_command(const struct rx_subject *subject, const struct rule_order *order,
			      const struct rx_machine_in *in, struct rx_teller_out *out)
{
	struct rx_telling t = begin(subject, out);

	switch (order->command) {
	case RULE_ACK:
		return command_ack(&t, in);
	case RULE_RESET:
		return command_reset(&t, in);
	case RULE_CLOSE:
		return command_close(&t);
	case RULE_ASSIGN:
		return note_work(&t, &subject->teller->is_assigned);
	case RULE_ON_SITE:
		return note_work(&t, &subject->teller->is_on_site);
	case RULE_SHELVE:
		return rx_shelve(&t, order);
	case RULE_UNSHELVE:
		return rx_unshelve(&t);
	case RULE_LEARN:
	case RULE_ACCEPT:
		break; /* not of what is told: freeze.c */
	}
	return WY_E_INVALID;
}

/* ---- Out of the store --------------------------------------------------------------------- */

void rx_teller_stand(struct rx_teller *teller, const struct rx_rule *rule, wy_ms onset_ms)
{
	teller->is_raised = teller->is_ready = teller->was_on = true;
	teller->is_latched = false;
	teller->told_level = 0;
	teller->tier = rule->info.levels[0].tier;
	teller->onset_ms = teller->raised_ms = teller->ready_ms = onset_ms;
}

bool rx_teller_adopt(struct rx_teller *teller, const struct rx_rule *rule)
{
	if (teller->tier > 4 || teller->forced_tier > 4 || teller->tiers_up > 3 || (teller->is_raised && !teller->tier))
		return false;
	if (teller->absorbed_tier > 4)
		return false;
	if (teller->n_raises > WY_RULE_RING_MAX || teller->n_repeats > WY_RULE_RING_MAX)
		return false;
	if (teller->told_level >= rule->info.n_levels)
		teller->told_level = 0;
	/* A rule that does not chatter any more would wait for ever to be steady. */
	if (!rule->chatter.max && teller->is_chattering)
		teller->is_chattering = false;
	return true;
}
