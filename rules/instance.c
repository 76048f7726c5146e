/* instance.c: one rule on one asset: its conditions move its machine, and its teller notes what may be told. Groups and
 * problems, whose conditions are what became of others, too. */
#include "engine_parts.h"
#include "others.h"

/* Has every input been seen since? One that is unknown by now is not waited for: it may be dead, and what the others say
 * without it must be told all the same. */
static bool is_fresh(const struct rule_engine *engine, const struct rx_instance *it, wy_ms since_ms)
{
	uint32_t asset = it->info.asset;
	const struct rx_slot *slots = &engine->slots[engine->set->assets[asset].slot_base];
	const struct wy_point *points = rx_class_of(engine, asset)->model->points;

	for (size_t i = 0; i < it->info.n_points; i++) {
		uint32_t point = it->info.points[i];
		uint8_t quality = rx_slot_quality(engine, asset, &slots[point], &points[point], engine->clock_ms);
		if (wy_quality_is_usable(quality) && engine->held_ms[asset] <= engine->clock_ms &&
		    rx_seen_ms(engine, asset, slots[point].at_ms, engine->clock_ms) <= since_ms)
			return false;
	}
	return true;
}

static bool is_inhibited(const struct rule_engine *engine, const struct rx_instance *it)
{
	for (size_t i = 0; i < it->n_parents; i++)
		if (rx_machine_inhibits(&engine->machines[it->parents[i]]))
			return true;
	return false;
}

/* The first that inhibits it and stands. */
uint32_t rx_standing_parent(const struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];

	for (size_t i = 0; i < it->n_parents; i++)
		if (rx_machine_is_on(&engine->machines[it->parents[i]]))
			return it->parents[i];
	return RULE_NO_INSTANCE;
}

/* A rule does not return while its own condition stands, whatever `clear` says: else a rule whose two
 * sides are true at once would raise and resolve at every look. */
static struct rx_value way_back(struct rx_eval *ev, const struct rx_rule *rule, const struct rx_level *level)
{
	if (rule->info.kind != RULE_KIND_LEVEL)
		return level->clear.root ? rx_eval(ev, level->clear.root) : rx_truth(RULE_TRUE);
	if (!level->clear.root) {
		struct rx_value when = rx_eval(ev, level->when.root);
		when.truth = (uint8_t)rx_not((enum rule_truth)when.truth);
		return when;
	}
	struct rx_value back = rx_eval(ev, level->clear.root);
	if (back.truth != RULE_TRUE)
		return back;
	enum rule_truth when = (enum rule_truth)rx_eval(ev, level->when.root).truth;
	if (when == RULE_TRUE || (when == RULE_UNKNOWN && rule->on_unknown == RX_RAISE))
		back.truth = RULE_FALSE;
	return back;
}

struct rx_machine_in rx_look(const struct rule_engine *engine, uint32_t instance, struct rx_eval *ev,
				 const struct rx_seen *seen)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	const struct rx_rule *rule = &engine->set->rules[it->info.rule];
	const struct rx_machine *machine = &engine->machines[instance];
	struct rx_machine_in in = {.now_ms = engine->clock_ms};

	in.must_latch = rx_teller_must_latch(&engine->tellers[instance], rule);
	for (size_t i = 0; i < rule->info.n_levels; i++) {
		const struct rx_level *level = &it->variant->levels[i];
		bool is_back = rx_state_asks_clear(machine->level[i].state);
		struct rx_value v = rx_truth(seen->truth);
		v.is_uncertain = seen->is_uncertain;
		if (is_back)
			v = way_back(ev, rule, level);
		else if (rule->info.kind == RULE_KIND_LEVEL && !rx_is_empty_place(engine, it))
			v = rx_eval(ev, level->share.root ? level->share.root : level->when.root);
		in.level[i].truth = (enum rule_truth)v.truth;
		in.level[i].is_uncertain = v.is_uncertain;
		in.level[i].onset_ms = seen->is_met ? seen->onset_ms : engine->clock_ms;
		in.level[i].hold_ms = it->info.hold_ms[i];
		in.level[i].clear_hold_ms = it->info.clear_hold_ms[i];
	}
	return in;
}

/* Has all that a close by hand left standing passed? */
static bool is_gone(const struct rule_engine *engine, const struct rx_instance *it, struct rx_eval *ev)
{
	const struct rx_rule *rule = &engine->set->rules[it->info.rule];

	if (it->group != RX_NO_INSTANCE)
		return !engine->groups[it->group].is_begun;
	if (rule->info.kind == RULE_KIND_PROBLEM)
		return true; /* with its close it was over, and the count began anew */
	for (size_t i = 0; i < rule->info.n_levels; i++)
		if (way_back(ev, rule, &it->variant->levels[i]).truth != RULE_TRUE)
			return false;
	return true;
}

bool rx_is_made(const struct rule_engine *engine, uint32_t instance)
{
	enum rule_kind kind = engine->set->rules[engine->set->instances[instance].info.rule].info.kind;

	return kind == RULE_KIND_GROUP || kind == RULE_KIND_PROBLEM;
}

void rx_mark_groups(struct rule_engine *engine)
{
	for (size_t i = 0; i < engine->set->n_instances; i++)
		if (engine->set->instances[i].group != RX_NO_INSTANCE)
			rx_marks_add(&engine->instance_dirty, i);
}

void rx_subject_of(struct rule_engine *engine, uint32_t instance, struct rx_subject *subject)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	const struct rx_rule *rule = &engine->set->rules[it->info.rule];

	subject->teller = &engine->tellers[instance];
	subject->machine = &engine->machines[instance];
	subject->instance = it;
	subject->rule = rule;
	subject->set = engine->set;
	subject->raises = &engine->rings[it->ring_base];
	subject->repeats = &engine->rings[it->ring_base + rule->chatter.max];
	subject->now_ms = engine->clock_ms;
	subject->wall_offset_ms = engine->wall_offset_ms;
	subject->parent = rx_standing_parent(engine, instance);
	subject->n_bonds = 0;
	if (it->n_groups)
		rx_group_bonds(engine, subject);
}

/* Groups and the problem that are made of it. */
static void mark_made(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	const struct rx_rule *rule = &engine->set->rules[it->info.rule];

	for (size_t i = 0; i < it->n_groups; i++)
		rx_marks_add(&engine->instance_dirty, it->groups[i]);
	if (rule->recur.count && rule->recur.problem != RX_NO_RULE)
		rx_marks_add(&engine->instance_dirty, engine->set->rules[rule->recur.problem].first_instance + (instance - rule->first_instance));
}

/* Windows are saved along with a decision, so that a restart finds them as old as it; children look again. */
void rx_note_move(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];

	rx_mark(engine->cell_dirty, instance);
	rx_freeze(engine, instance);
	for (size_t i = 0; i < it->variant->n_memories; i++)
		rx_mark_memory(engine, it->info.asset, rx_memory_index(engine, it, i));
	for (size_t i = 0; i < it->n_children; i++)
		rx_marks_add(&engine->instance_dirty, it->children[i]);
	mark_made(engine, instance);
	rx_others_moved(engine, instance);
}

void rx_note_told(struct rule_engine *engine, uint32_t instance, const struct rx_teller_out *out)
{
	for (size_t i = 0; i < out->n_events; i++) {
		struct rule_event *event = &engine->events[engine->n_events++];
		*event = out->events[i];
		if (event->instance == RULE_NO_INSTANCE)
			event->instance = instance;
		if (event->kind == RULE_RAISED)
			rx_note_episode(engine, event->instance, event->at_ms);
	}
	if (!out->is_changed)
		return;
	rx_mark(engine->cell_dirty, engine->set->n_instances + instance);
	mark_made(engine, instance);
}

static void set_due(struct rule_engine *engine, uint32_t instance, wy_ms due_ms)
{
	if (due_ms <= engine->clock_ms)
		due_ms = engine->clock_ms + 1;
	rx_heap_set(&engine->heap, (uint32_t)(engine->set->world->n_assets + instance), due_ms);
}

/* States that ask for another condition now than before the step. */
static unsigned sides(const struct rx_machine *machine)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++)
		bits |= (unsigned)rx_state_asks_clear(machine->level[i].state) << i;
	return bits;
}

/* Out of service, and the rule minds. */
static bool rests(const struct rule_engine *engine, const struct rx_instance *it)
{
	return !it->variant->is_raw && rx_is_out_of_service(engine, it->info.asset);
}

/* Nothing stands, nothing is under way to be told, and nothing could hold it back: the steady case. */
static bool is_quiet(const struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];

	return !it->n_parents && !it->n_groups && !it->variant->active.root && !engine->set->assets[it->info.asset].n_windows &&
	       !rests(engine, it) && rx_teller_is_asleep(&engine->tellers[instance], &engine->machines[instance]);
}

bool rx_stays_asleep(struct rx_eval *ev, const struct rx_variant *variant)
{
	ev->next_ms = WY_MS_NEVER;
	for (size_t i = 0; i < WY_RULE_LEVELS_MAX && variant->levels[i].when.root; i++) {
		const struct rx_level *level = &variant->levels[i];
		struct rx_value v = rx_eval(ev, level->share.root ? level->share.root : level->when.root);
		if (v.truth != RULE_FALSE || v.is_uncertain)
			return false;
	}
	return ev->next_ms == WY_MS_NEVER;
}

/* Nothing has begun, nothing is due, and nothing but its own conditions could have it begin. */
static bool may_sleep(const struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	const struct rx_machine *machine = &engine->machines[instance];

	if (engine->set->rules[it->info.rule].info.kind != RULE_KIND_LEVEL || it->variant->by)
		return false;
	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++)
		if (machine->level[i].state != RULE_NORMAL || machine->level[i].is_uncertain)
			return false;
	return engine->heap.due_ms[engine->set->world->n_assets + instance] == WY_MS_NEVER && is_quiet(engine, instance);
}

/* What may be told of it now; by then its machine has moved, and those of its parents. */
static wy_ms look_up(struct rule_engine *engine, uint32_t instance, const struct rx_machine_out *moved,
		     struct rx_eval *ev)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	const struct rx_teller *teller = &engine->tellers[instance];
	struct rx_subject subject;
	struct rx_teller_in in = {.is_allowed = true, .is_unknown = moved->is_unknown};
	struct rx_teller_out out;

	if (is_quiet(engine, instance))
		return WY_MS_NEVER;
	rx_subject_of(engine, instance, &subject);
	in.is_out = rests(engine, it);
	in.is_inhibited = is_inhibited(engine, it);
	in.is_fresh = teller->was_inhibited && is_fresh(engine, it, teller->inhibited_until_ms);
	/* Members in a window do not count; so a group needs none of its own. */
	in.is_maintenance = it->group == RX_NO_INSTANCE && rx_is_planned(engine, false, ev);
	if (teller->is_guarded && !in.is_out)
		in.is_gone = is_gone(engine, it, ev);
	if (it->variant->active.root)
		in.is_allowed = rx_eval(ev, it->variant->active.root).truth == RULE_TRUE;
	rx_teller_begin(&out);
	rx_teller_look(&subject, &in, &out);
	/* Samples count then, though they say nothing new. */
	if (teller->was_inhibited && !(in.is_fresh && engine->clock_ms > teller->inhibited_until_ms))
		engine->looks[it->info.asset].is_waiting = true;
	rx_note_told(engine, instance, &out);
	return out.due_ms;
}

/* Out of service everything stands as it is. */
static void rest(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	struct rx_eval ev = rx_instance_eval(engine, instance, engine->clock_ms);
	struct rx_machine_out out = {.due_ms = WY_MS_NEVER};
	bool is_changed = rx_machine_rest(&engine->machines[instance], engine->clock_ms);

	if (it->variant->n_steps > 1)
		is_changed |= rx_match_rest(&engine->matches[it->match], it->variant, engine->clock_ms);
	rx_unmark(engine->news, instance);
	if (is_changed)
		rx_note_move(engine, instance);
	wy_ms due_ms = look_up(engine, instance, &out, &ev);
	set_due(engine, instance, ev.next_ms < due_ms ? ev.next_ms : due_ms);
	if (!rx_teller_is_idle(&engine->tellers[instance], &engine->machines[instance]))
		rx_marks_add(&engine->teller_dirty, instance);
}

static void wake(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	bool is_changed = rx_machine_wake(&engine->machines[instance], engine->clock_ms);

	if (it->variant->n_steps > 1)
		is_changed |= rx_match_wake(&engine->matches[it->match], engine->clock_ms);
	if (is_changed)
		rx_note_move(engine, instance);
}

void rx_rearm(struct rule_engine *engine, uint32_t problem)
{
	const struct rx_rule *rule = &engine->set->rules[engine->set->instances[problem].info.rule];
	uint32_t source = engine->set->rules[rule->source].first_instance + (problem - rule->first_instance);

	engine->tellers[source].is_recurring = false;
	engine->tellers[source].n_repeats = 0;
	rx_mark(engine->cell_dirty, engine->set->n_instances + source);
}

/* It stands from the last of so many raises until there was none for as long. */
static struct rx_machine_in look_at_source(const struct rule_engine *engine, uint32_t instance, wy_ms *ret_due_ms)
{
	const struct rx_rule *rule = &engine->set->rules[engine->set->instances[instance].info.rule];
	const struct rx_rule *from = &engine->set->rules[rule->source];
	const struct rx_teller *source = &engine->tellers[from->first_instance + (instance - rule->first_instance)];
	wy_ms over_ms = source->last_ms + from->recur.within_ms;
	bool is_over = !source->is_recurring || engine->clock_ms >= over_ms;
	bool is_on = rx_machine_is_kept(&engine->machines[instance]);
	struct rx_machine_in in = {.now_ms = engine->clock_ms};

	if (!is_over)
		*ret_due_ms = over_ms;
	in.level[0].truth = is_over == is_on ? RULE_TRUE : RULE_FALSE;
	in.level[0].onset_ms = engine->clock_ms;
	return in;
}

/* A group that ended or formed anew may have lost or won some, who heard nothing of it themselves. */
static void mark_joined(struct rule_engine *engine, const struct rx_instance *group)
{
	for (size_t i = 0; i < group->n_members; i++)
		if (engine->tellers[group->members[i]].joined || engine->tellers[group->members[i]].is_ready)
			rx_marks_add(&engine->teller_dirty, group->members[i]);
}

/* A group or problem: its condition is what became of others. */
static void evaluate_made(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	struct rx_machine *machine = &engine->machines[instance];
	struct rx_eval ev = rx_instance_eval(engine, instance, engine->clock_ms);
	bool was_on = rx_machine_is_kept(machine);
	wy_ms source_ms = WY_MS_NEVER;
	struct rx_machine_in in = {.now_ms = engine->clock_ms};
	struct rx_machine_out out;

	if (it->group == RX_NO_INSTANCE) {
		in = look_at_source(engine, instance, &source_ms);
	} else {
		if (rx_group_look(engine, instance, engine->clock_ms, &engine->groups[it->group])) {
			rx_mark(engine->cell_dirty, instance);
			mark_joined(engine, it);
		}
		in.level[0].truth = engine->groups[it->group].is_begun != was_on ? RULE_TRUE : RULE_FALSE;
		in.level[0].onset_ms = engine->groups[it->group].from_ms;
	}
	rx_machine_step(machine, it, &engine->set->rules[it->info.rule], &in, &out);
	if (out.is_changed)
		rx_note_move(engine, instance);
	if (it->group == RX_NO_INSTANCE && was_on && !rx_machine_is_kept(machine))
		rx_rearm(engine, instance);
	wy_ms due_ms = look_up(engine, instance, &out, &ev);
	due_ms = source_ms < due_ms ? source_ms : due_ms;
	set_due(engine, instance, ev.next_ms < due_ms ? ev.next_ms : due_ms);
	if (!rx_teller_is_idle(&engine->tellers[instance], machine))
		rx_marks_add(&engine->teller_dirty, instance);
}

void rx_evaluate(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];

	if (rx_is_made(engine, instance)) {
		evaluate_made(engine, instance);
		return;
	}

	if (rests(engine, it)) {
		rx_unmark(engine->asleep, instance);
		rest(engine, instance);
		return;
	}
	if (engine->tellers[instance].is_out)
		wake(engine, instance);
	struct rx_machine *machine = &engine->machines[instance];
	struct rx_eval ev = rx_instance_eval(engine, instance, engine->clock_ms);
	unsigned before = sides(machine);
	struct rx_seen seen = rx_happen(engine, instance, &ev);
	struct rx_machine_in in = rx_look(engine, instance, &ev, &seen);
	struct rx_machine_out out;

	rx_machine_step(machine, it, &engine->set->rules[it->info.rule], &in, &out);
	if (out.is_changed)
		rx_note_move(engine, instance);
	wy_ms due_ms = look_up(engine, instance, &out, &ev);
	due_ms = out.due_ms < due_ms ? out.due_ms : due_ms;
	due_ms = seen.due_ms < due_ms ? seen.due_ms : due_ms;
	set_due(engine, instance, ev.next_ms < due_ms ? ev.next_ms : due_ms);
	if (!rx_teller_is_idle(&engine->tellers[instance], machine))
		rx_marks_add(&engine->teller_dirty, instance);
	/* Where a level went from `when` to `clear` or back, its other side has timers of its own. */
	bool is_let_go = in.must_latch && !rx_teller_must_latch(&engine->tellers[instance], &engine->set->rules[it->info.rule]);
	if (sides(machine) != before || is_let_go)
		rx_marks_add(&engine->again, instance);
	rx_set(engine->asleep, instance, may_sleep(engine, instance));
}

bool rx_has_room(const struct rule_engine *engine)
{
	return engine->max_events - engine->n_events >= RX_TELLER_EVENTS;
}

void rx_speak(struct rule_engine *engine, uint32_t instance)
{
	struct rx_subject subject;
	struct rx_teller_out out;
	wy_ms due_ms = engine->heap.due_ms[engine->set->world->n_assets + instance];

	rx_subject_of(engine, instance, &subject);
	rx_teller_begin(&out);
	rx_teller_tell(&subject, &out);
	rx_note_told(engine, instance, &out);
	if (out.due_ms < due_ms)
		set_due(engine, instance, out.due_ms);
	/* What a group just took need not stay latched. */
	if (out.is_changed && engine->tellers[instance].absorbed_tier)
		rx_marks_add(&engine->again, instance);
}
