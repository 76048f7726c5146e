/* engine.c: turns and timers: see rule.h for what is promised.
 *
 * The engine's own clock goes from instant to instant: of the samples of a turn, then of each timer
 * that is due. At each instant first the assets that changed update their memories, then the machines
 * that may be concerned are evaluated in their order, parents before children; a parent
 * that moves marks its children, which stand behind it. Only then is told what there is to tell. Timers before a sample's time fire first, those
 * of the same instant after it: what arrives exactly at a deadline is in time.
 *
 * Events of a turn have a ceiling. Where it is reached the engine stays at its instant and is behind: what is
 * left is evaluated first thing in the next turn, which rule_next_due() asks for at once. No event is lost; but
 * inputs do not wait, so what is put into a turn that is behind moves the rest to its own instant. */
#include "happen.h"
#include "service.h"

#include <math.h>
#include <string.h>

enum {
	STEP_MS = 1000, /* the wall clock was set, not slewed */
	ROUNDS_MAX = 4, /* of one instant: what telling moves is looked at again */
};

/* ---- Bits --------------------------------------------------------------------------------- */

void rx_mark(uint64_t *bits, size_t i)
{
	bits[i / 64] |= (uint64_t)1 << i % 64;
}

static void unmark(uint64_t *bits, size_t i)
{
	bits[i / 64] &= ~((uint64_t)1 << i % 64);
}

void rx_set(uint64_t *bits, size_t i, bool is_marked)
{
	if (is_marked)
		rx_mark(bits, i);
	else
		unmark(bits, i);
}

bool rx_is_marked(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> i % 64 & 1u;
}

size_t rx_next_marked(const uint64_t *bits, size_t n, size_t from)
{
	while (from < n) {
		uint64_t word = bits[from / 64] >> from % 64;
		if (word)
			return from + (size_t)__builtin_ctzll(word);
		from = (from / 64 + 1) * 64;
	}
	return n;
}

/* ---- Reading ------------------------------------------------------------------------------ */

wy_ms rx_seen_ms(const struct rule_engine *engine, uint32_t asset, wy_ms at_ms, wy_ms now_ms)
{
	wy_ms held_ms = engine->held_ms[asset] < now_ms ? engine->held_ms[asset] : now_ms;

	return at_ms != WY_MS_NONE && held_ms > at_ms ? held_ms : at_ms;
}

uint8_t rx_slot_quality(const struct rule_engine *engine, uint32_t asset, const struct rx_slot *slot,
			const struct wy_point *point, wy_ms now_ms)
{
	if (wy_quality_is_usable(slot->quality) &&
	    now_ms - rx_seen_ms(engine, asset, slot->at_ms, now_ms) >= point->stale_ms)
		return WY_Q_STALE;
	return slot->quality;
}

void *rx_memory_at(const struct rule_engine *engine, uint32_t asset, const struct rx_memory *memory)
{
	return engine->state + engine->set->assets[asset].state_base + memory->offset;
}

static const struct rx_class *class_of(const struct rule_engine *engine, uint32_t asset)
{
	return &engine->set->classes[engine->set->world->assets[asset].class_index];
}

struct rx_eval rx_engine_eval(const struct rule_engine *engine, uint32_t asset, wy_ms now_ms)
{
	return (struct rx_eval){
		.set = engine->set,
		.cls = class_of(engine, asset),
		.engine = engine,
		.asset = asset,
		.now_ms = now_ms,
		.is_out = rx_is_out_of_service(engine, asset),
		.wall_ms = now_ms + engine->wall_offset_ms,
		.is_wall_doubtful = engine->now.clock == WY_CLOCK_UNSYNCED,
		.next_ms = WY_MS_NEVER,
	};
}

const void *rx_memory_of(const struct rx_eval *ev, const struct rx_expr *call)
{
	const struct rx_memory *memory = &ev->cls->memories[call->index];

	return rx_memory_at(ev->engine, ev->asset, memory->is_keyed ? memory + ev->slot : memory);
}

uint32_t rx_memory_index(const struct rule_engine *engine, const struct rx_instance *it, size_t i)
{
	uint32_t index = it->variant->memories[i];

	return engine->set->classes[it->variant->cls].memories[index].is_keyed ? index + it->slot : index;
}

struct rx_eval rx_instance_eval(const struct rule_engine *engine, uint32_t instance, wy_ms now_ms)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	struct rx_eval ev = rx_engine_eval(engine, it->info.asset, now_ms);

	ev.is_out = ev.is_out && !it->variant->is_raw;
	ev.slot = it->slot;
	ev.is_elsewhere = it->variant->by && engine->slot_of_now[it->key_index - it->slot] != it->slot;
	return ev;
}

struct wy_sample rule_point_now(const struct rule_engine *engine, uint32_t asset, uint32_t point)
{
	const struct wy_point *model = &class_of(engine, asset)->model->points[point];
	const struct rx_slot *slot = &engine->slots[engine->set->assets[asset].slot_base + point];
	struct wy_sample sample = {.point = point, .is_whole = model->type != WY_TYPE_REAL, .at_ms = slot->at_ms};

	sample.quality = rx_slot_quality(engine, asset, slot, model, engine->clock_ms);
	sample.why = sample.quality == WY_Q_STALE ? (uint8_t)WY_WHY_STALE : slot->why;
	if (sample.is_whole)
		sample.whole = slot->whole;
	else
		sample.real = slot->real;
	return sample;
}

/* ---- One asset, one instant --------------------------------------------------------------- */

static void mark_memory(struct rule_engine *engine, uint32_t asset, size_t memory)
{
	rx_mark(engine->cell_dirty, rx_first_memory_cell(engine->set) + engine->set->assets[asset].memory_base + memory);
}

/* When the next point of the asset turns stale. */
static wy_ms next_stale(const struct rule_engine *engine, uint32_t asset)
{
	const struct wy_class *model = class_of(engine, asset)->model;
	const struct rx_slot *slots = &engine->slots[engine->set->assets[asset].slot_base];
	wy_ms next_ms = WY_MS_NEVER;

	/* A hold is looked at again when it ends. */
	if (engine->held_ms[asset] > engine->clock_ms)
		return engine->held_ms[asset];
	for (size_t i = 0; i < model->n_points; i++) {
		wy_ms at_ms = rx_seen_ms(engine, asset, slots[i].at_ms, engine->clock_ms) + model->points[i].stale_ms;
		if (wy_quality_is_usable(slots[i].quality) && at_ms > engine->clock_ms && at_ms < next_ms)
			next_ms = at_ms;
	}
	return next_ms;
}

/* Is a planned window open for the asset, of those that put it out of service or of all? A clock nobody vouches for
 * opens none: a ticket too many does less harm. */
static bool is_planned(const struct rule_engine *engine, bool is_out, struct rx_eval *ev)
{
	const struct rx_asset *asset = &engine->set->assets[ev->asset];
	bool is_open = false;

	for (size_t i = 0; i < asset->n_windows && !ev->is_wall_doubtful; i++) {
		const struct rx_window *window = &engine->set->windows[asset->windows[i]];
		if (is_out && !window->is_out_of_service)
			continue;
		wy_ms next_ms = ev->wall_ms < window->from_ms ? window->from_ms : window->to_ms;
		is_open = is_open || (ev->wall_ms >= window->from_ms && ev->wall_ms < window->to_ms);
		if (ev->wall_ms < next_ms && next_ms - engine->wall_offset_ms < ev->next_ms)
			ev->next_ms = next_ms - engine->wall_offset_ms;
	}
	return is_open;
}

/* Memories of keyed rules, after the events they take: each slot sees its own. */
static void update_keyed(struct rule_engine *engine, uint32_t asset, struct rx_eval *ev, bool is_out)
{
	const struct rx_class *cls = class_of(engine, asset);
	uint32_t slot_of_now = RX_NO_SLOT;

	for (size_t i = 0; i < cls->n_memories; i++) {
		const struct rx_memory *memory = &cls->memories[i];
		if (!memory->is_keyed)
			continue;
		if (!memory->slot)
			slot_of_now = rx_slot_of_now(engine, asset, memory->rule);
		ev->slot = memory->slot;
		ev->is_elsewhere = memory->slot != slot_of_now;
		ev->is_out = is_out && !memory->is_raw;
		ev->is_frozen = rx_is_marked(engine->frozen, engine->set->assets[asset].memory_base + i);
		if (memory->call->fn->update(ev, memory->call, rx_memory_at(engine, asset, memory)))
			mark_memory(engine, asset, i);
	}
}

static void update_asset(struct rule_engine *engine, uint32_t asset)
{
	const struct rx_asset *it = &engine->set->assets[asset];
	const struct rx_class *cls = class_of(engine, asset);
	struct rx_eval ev = rx_engine_eval(engine, asset, engine->clock_ms);

	engine->planned_out[asset] = is_planned(engine, true, &ev);
	bool is_out = engine->planned_out[asset];
	for (size_t i = 0; i < cls->n_memories; i++) {
		if (cls->memories[i].is_keyed)
			continue;
		const struct rx_expr *call = cls->memories[i].call;
		bool is_service = i == 0 && cls->has_service;
		ev.is_out = is_out && !is_service && !cls->memories[i].is_raw;
		ev.is_frozen = rx_is_marked(engine->frozen, it->memory_base + i);
		if (call->fn->update(&ev, call, rx_memory_at(engine, asset, &cls->memories[i])))
			mark_memory(engine, asset, i);
		is_out = is_service ? rx_is_out_of_service(engine, asset) : is_out;
	}
	if (cls->has_keyed) {
		rx_find_keys(engine, asset);
		update_keyed(engine, asset, &ev, is_out);
	}
	wy_ms stale_ms = next_stale(engine, asset);
	rx_heap_set(&engine->heap, asset, stale_ms < ev.next_ms ? stale_ms : ev.next_ms);
	for (size_t i = 0; i < it->n_instances; i++) {
		rx_mark(engine->instance_dirty, it->instances[i]);
		rx_mark(engine->news, it->instances[i]);
	}
}

/* ---- One instance ------------------------------------------------------------------------- */

static bool is_fresh(const struct rule_engine *engine, const struct rx_instance *it, wy_ms since_ms)
{
	const struct rx_slot *slots = &engine->slots[engine->set->assets[it->info.asset].slot_base];

	for (size_t i = 0; i < it->info.n_points; i++)
		if (rx_seen_ms(engine, it->info.asset, slots[it->info.points[i]].at_ms, engine->clock_ms) <= since_ms &&
		    engine->held_ms[it->info.asset] <= engine->clock_ms)
			return false;
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
static uint32_t standing_parent(const struct rule_engine *engine, const struct rx_instance *it)
{
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
	struct rx_value when = rx_eval(ev, level->when.root);
	bool is_standing = when.truth == RULE_TRUE || (when.truth == RULE_UNKNOWN && rule->on_unknown == RX_RAISE);
	struct rx_value back;

	if (!level->clear.root) {
		when.truth = (uint8_t)rx_not((enum rule_truth)when.truth);
		return when;
	}
	back = rx_eval(ev, level->clear.root);
	if (is_standing && back.truth == RULE_TRUE)
		back.truth = RULE_FALSE;
	return back;
}

static struct rx_machine_in look(const struct rule_engine *engine, uint32_t instance, struct rx_eval *ev,
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

static bool is_made(const struct rule_engine *engine, uint32_t instance)
{
	enum rule_kind kind = engine->set->rules[engine->set->instances[instance].info.rule].info.kind;

	return kind == RULE_KIND_GROUP || kind == RULE_KIND_PROBLEM;
}

void rx_mark_groups(struct rule_engine *engine)
{
	for (size_t i = 0; i < engine->set->n_instances; i++)
		if (engine->set->instances[i].group != RX_NO_INSTANCE)
			rx_mark(engine->instance_dirty, i);
}

static struct rx_subject subject_of(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	const struct rx_rule *rule = &engine->set->rules[it->info.rule];

	struct rx_subject subject = {
		.teller = &engine->tellers[instance],
		.machine = &engine->machines[instance],
		.instance = it,
		.rule = rule,
		.set = engine->set,
		.raises = &engine->rings[it->ring_base],
		.repeats = &engine->rings[it->ring_base + rule->chatter.max],
		.now_ms = engine->clock_ms,
		.wall_offset_ms = engine->wall_offset_ms,
		.parent = standing_parent(engine, it),
	};

	if (it->n_groups)
		rx_group_bonds(engine, &subject);
	return subject;
}

/* Groups and the problem that are made of it. */
static void mark_made(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	const struct rx_rule *rule = &engine->set->rules[it->info.rule];

	for (size_t i = 0; i < it->n_groups; i++)
		rx_mark(engine->instance_dirty, it->groups[i]);
	if (rule->recur.count && rule->recur.problem != RX_NO_RULE)
		rx_mark(engine->instance_dirty, engine->set->rules[rule->recur.problem].first_instance + (instance - rule->first_instance));
}

/* Windows are saved along with a decision, so that a restart finds them as old as it; children look again. */
static void note_move(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];

	rx_mark(engine->cell_dirty, instance);
	rx_freeze(engine, instance);
	for (size_t i = 0; i < it->variant->n_memories; i++)
		mark_memory(engine, it->info.asset, rx_memory_index(engine, it, i));
	for (size_t i = 0; i < it->n_children; i++)
		rx_mark(engine->instance_dirty, it->children[i]);
	mark_made(engine, instance);
}

static void note_told(struct rule_engine *engine, uint32_t instance, const struct rx_teller_out *out)
{
	for (size_t i = 0; i < out->n_events; i++) {
		struct rule_event *event = &engine->events[engine->n_events++];
		*event = out->events[i];
		if (event->instance == RULE_NO_INSTANCE)
			event->instance = instance;
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

/* What may be told of it now; by then its machine has moved, and those of its parents. */
static wy_ms look_up(struct rule_engine *engine, uint32_t instance, const struct rx_machine_out *moved,
		     struct rx_eval *ev)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	const struct rx_teller *teller = &engine->tellers[instance];
	struct rx_subject subject = subject_of(engine, instance);
	struct rx_teller_in in = {.is_allowed = true, .is_unknown = moved->is_unknown};
	struct rx_teller_out out;

	in.is_out = rests(engine, it);
	in.is_inhibited = is_inhibited(engine, it);
	in.is_fresh = teller->was_inhibited && is_fresh(engine, it, teller->inhibited_until_ms);
	/* Members in a window do not count; so a group needs none of its own. */
	in.is_maintenance = it->group == RX_NO_INSTANCE && is_planned(engine, false, ev);
	if (it->variant->active.root)
		in.is_allowed = rx_eval(ev, it->variant->active.root).truth == RULE_TRUE;
	rx_teller_begin(&out);
	rx_teller_look(&subject, &in, &out);
	note_told(engine, instance, &out);
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
	unmark(engine->news, instance);
	if (is_changed)
		note_move(engine, instance);
	wy_ms due_ms = look_up(engine, instance, &out, &ev);
	set_due(engine, instance, ev.next_ms < due_ms ? ev.next_ms : due_ms);
	if (!rx_teller_is_idle(&engine->tellers[instance], &engine->machines[instance]))
		rx_mark(engine->teller_dirty, instance);
}

static void wake(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	bool is_changed = rx_machine_wake(&engine->machines[instance], engine->clock_ms);

	if (it->variant->n_steps > 1)
		is_changed |= rx_match_wake(&engine->matches[it->match], engine->clock_ms);
	if (is_changed)
		note_move(engine, instance);
}

/* Its problem is over: the count begins anew. */
static void rearm(struct rule_engine *engine, uint32_t problem)
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
		if (rx_group_look(engine, instance, engine->clock_ms, &engine->groups[it->group]))
			rx_mark(engine->cell_dirty, instance);
		in.level[0].truth = engine->groups[it->group].is_begun != was_on ? RULE_TRUE : RULE_FALSE;
		in.level[0].onset_ms = engine->groups[it->group].from_ms;
	}
	rx_machine_step(machine, it, &engine->set->rules[it->info.rule], &in, &out);
	if (out.is_changed)
		note_move(engine, instance);
	if (it->group == RX_NO_INSTANCE && was_on && !rx_machine_is_kept(machine))
		rearm(engine, instance);
	wy_ms due_ms = look_up(engine, instance, &out, &ev);
	due_ms = source_ms < due_ms ? source_ms : due_ms;
	set_due(engine, instance, ev.next_ms < due_ms ? ev.next_ms : due_ms);
	if (!rx_teller_is_idle(&engine->tellers[instance], machine))
		rx_mark(engine->teller_dirty, instance);
}

/* The machine moves; nothing is told yet. */
static void evaluate(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];

	if (is_made(engine, instance)) {
		evaluate_made(engine, instance);
		return;
	}

	if (rests(engine, it)) {
		rest(engine, instance);
		return;
	}
	if (engine->tellers[instance].is_out)
		wake(engine, instance);
	struct rx_machine *machine = &engine->machines[instance];
	struct rx_eval ev = rx_instance_eval(engine, instance, engine->clock_ms);
	unsigned before = sides(machine);
	struct rx_seen seen = rx_happen(engine, instance, &ev);
	struct rx_machine_in in = look(engine, instance, &ev, &seen);
	struct rx_machine_out out;

	rx_machine_step(machine, it, &engine->set->rules[it->info.rule], &in, &out);
	if (out.is_changed)
		note_move(engine, instance);
	wy_ms due_ms = look_up(engine, instance, &out, &ev);
	due_ms = out.due_ms < due_ms ? out.due_ms : due_ms;
	due_ms = seen.due_ms < due_ms ? seen.due_ms : due_ms;
	set_due(engine, instance, ev.next_ms < due_ms ? ev.next_ms : due_ms);
	if (!rx_teller_is_idle(&engine->tellers[instance], machine))
		rx_mark(engine->teller_dirty, instance);
	/* Where a level went from `when` to `clear` or back, its other side has timers of its own. */
	if (sides(machine) != before)
		rx_mark(engine->again, instance);
}

static bool has_room(const struct rule_engine *engine)
{
	return engine->max_events - engine->n_events >= RX_TELLER_EVENTS;
}

static void speak(struct rule_engine *engine, uint32_t instance)
{
	struct rx_subject subject = subject_of(engine, instance);
	struct rx_teller_out out;
	wy_ms due_ms = engine->heap.due_ms[engine->set->world->n_assets + instance];

	rx_teller_begin(&out);
	rx_teller_tell(&subject, &out);
	note_told(engine, instance, &out);
	if (out.due_ms < due_ms)
		set_due(engine, instance, out.due_ms);
}

/* A group that is about to begin speaks before its members, which then may have nothing more to say. */
static bool goes_first(const struct rule_engine *engine, uint32_t instance)
{
	return engine->set->instances[instance].group != RX_NO_INSTANCE && !engine->tellers[instance].is_raised;
}

static void mark_members(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];

	for (size_t i = 0; i < it->n_members; i++)
		if (engine->tellers[it->members[i]].is_ready)
			rx_mark(engine->teller_dirty, it->members[i]);
}

/* All that have something to say; false: no room for more in this turn. */
static bool speak_all(struct rule_engine *engine, bool is_first)
{
	size_t n = engine->set->n_instances;

	for (size_t i = rx_next_marked(engine->teller_dirty, n, 0); i < n;
	     i = rx_next_marked(engine->teller_dirty, n, i + 1)) {
		if (is_first && !goes_first(engine, (uint32_t)i))
			continue;
		if (!has_room(engine))
			return false;
		unmark(engine->teller_dirty, i);
		speak(engine, (uint32_t)i);
		if (is_first)
			mark_members(engine, (uint32_t)i);
	}
	return true;
}

static bool evaluate_all(struct rule_engine *engine)
{
	size_t n = engine->set->n_instances;
	size_t i = rx_next_marked(engine->instance_dirty, n, 0);
	bool is_any = i < n;

	for (; i < n; i = rx_next_marked(engine->instance_dirty, n, i + 1)) {
		unmark(engine->instance_dirty, i);
		evaluate(engine, (uint32_t)i);
	}
	return is_any;
}

static void look_again(struct rule_engine *engine)
{
	size_t n = engine->set->n_instances;

	for (size_t i = rx_next_marked(engine->again, n, 0); i < n; i = rx_next_marked(engine->again, n, i + 1)) {
		unmark(engine->again, i);
		rx_mark(engine->instance_dirty, i);
	}
}

/* Everything marked, at the engine's instant: all machines first, then what is told of them. */
static void settle(struct rule_engine *engine)
{
	size_t n_assets = engine->set->world->n_assets;

	for (size_t i = rx_next_marked(engine->asset_dirty, n_assets, 0); i < n_assets;
	     i = rx_next_marked(engine->asset_dirty, n_assets, i + 1)) {
		unmark(engine->asset_dirty, i);
		update_asset(engine, (uint32_t)i);
	}
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		bool is_any = evaluate_all(engine) || engine->is_behind;
		engine->is_behind = false;
		if (!is_any)
			return;
		engine->is_behind = (engine->set->n_groups && !speak_all(engine, true)) || !speak_all(engine, false);
		look_again(engine);
		if (engine->is_behind)
			return;
	}
}

/* ---- Time --------------------------------------------------------------------------------- */

/* Timers due before `until_ms`, each at its own instant, as long as their events fit. */
static void run_timers(struct rule_engine *engine, wy_ms until_ms)
{
	size_t n_assets = engine->set->world->n_assets;

	while (!engine->is_behind && rx_heap_due(&engine->heap) < until_ms) {
		wy_ms due_ms = rx_heap_due(&engine->heap);
		engine->clock_ms = due_ms > engine->clock_ms ? due_ms : engine->clock_ms;
		while (rx_heap_due(&engine->heap) == due_ms) {
			uint32_t id = rx_heap_first(&engine->heap);
			rx_heap_set(&engine->heap, id, WY_MS_NEVER);
			if (id < n_assets)
				rx_mark(engine->asset_dirty, id);
			else
				rx_mark(engine->instance_dirty, id - n_assets);
		}
		settle(engine);
	}
}

/* Bring the clock to the instant of an input. */
static void advance_to(struct rule_engine *engine, wy_ms at_ms)
{
	wy_ms to_ms = at_ms < engine->now.mono_ms ? at_ms : engine->now.mono_ms;

	if (to_ms <= engine->clock_ms)
		return;
	/* Inputs already put belong to one turn with this one: no timer between them. */
	bool is_first = rx_next_marked(engine->asset_dirty, engine->set->world->n_assets, 0) ==
			engine->set->world->n_assets;
	if (is_first)
		run_timers(engine, to_ms);
	engine->clock_ms = to_ms > engine->clock_ms ? to_ms : engine->clock_ms;
}

void rule_turn_begin(struct rule_engine *engine, struct wy_now now)
{
	wy_ms offset_ms = now.wall_ms - now.mono_ms;
	wy_ms step_ms = offset_ms - engine->wall_offset_ms;
	/* Two clocks are never read at one instant and one of them is being slewed: small steps are not news. */
	bool is_clock_new = step_ms <= -STEP_MS || step_ms >= STEP_MS || now.clock != engine->now.clock;

	engine->n_events = 0;
	/* First what a restart or a new engine left to do, at its own instant. */
	settle(engine);
	now.mono_ms = now.mono_ms > engine->clock_ms ? now.mono_ms : engine->clock_ms;
	engine->now = now;
	if (!is_clock_new)
		return;
	/* The wall clock was set: calendars may stand elsewhere. */
	run_timers(engine, now.mono_ms);
	engine->wall_offset_ms = offset_ms;
	engine->clock_ms = now.mono_ms;
	rx_mark_groups(engine);
	for (size_t i = 0; i < engine->set->world->n_assets; i++)
		rx_mark(engine->asset_dirty, i);
}

static bool take_value(struct rx_slot *slot, const struct wy_point *point, const struct wy_sample *sample)
{
	double real = sample->is_whole ? (double)sample->whole : sample->real;

	if (!isfinite(real))
		return false;
	if (point->type == WY_TYPE_REAL)
		slot->real = real;
	else if (sample->is_whole)
		slot->whole = sample->whole;
	else if (fabs(real) < 9e15)
		slot->whole = (int64_t)real;
	else
		return false;
	if (point->type == WY_TYPE_ENUM && (slot->whole < 0 || (uint64_t)slot->whole >= point->n_values))
		return false;
	return !point->has_range || (real >= point->lo && real <= point->hi);
}

void rule_put(struct rule_engine *engine, uint32_t asset, uint32_t point, const struct wy_sample *sample)
{
	const struct rx_asset *it = &engine->set->assets[asset];
	const struct wy_point *model = &class_of(engine, asset)->model->points[point];
	struct rx_slot *slot = &engine->slots[it->slot_base + point];
	wy_ms at_ms = sample->at_ms < engine->now.mono_ms ? sample->at_ms : engine->now.mono_ms;

	if (at_ms < slot->at_ms)
		return;
	advance_to(engine, at_ms);
	rx_mark(engine->asset_dirty, asset);
	slot->at_ms = at_ms;
	slot->quality = sample->quality;
	slot->why = sample->why;
	if (!wy_quality_is_usable(sample->quality))
		return;
	if (take_value(slot, model, sample)) {
		slot->usable_ms = at_ms;
		return;
	}
	slot->quality = WY_Q_BAD;
	slot->why = WY_WHY_RANGE;
}

void rule_heard(struct rule_engine *engine, uint32_t device, wy_ms at_ms)
{
	const struct rule_world *world = engine->set->world;

	at_ms = at_ms < engine->now.mono_ms ? at_ms : engine->now.mono_ms;
	if (device >= world->n_devices || at_ms <= engine->heard_ms[device])
		return;
	advance_to(engine, at_ms);
	engine->heard_ms[device] = at_ms;
	for (uint32_t i = engine->device_first[device]; i < engine->device_first[device + 1]; i++)
		rx_mark(engine->asset_dirty, engine->device_assets[i]);
}

void rule_hold(struct rule_engine *engine, uint32_t asset, wy_ms until_ms)
{
	wy_ms now_ms = engine->now.mono_ms;
	bool was_held = engine->held_ms[asset] > now_ms;

	/* What was answered until now stays answered. */
	if (until_ms <= now_ms && !was_held)
		return;
	advance_to(engine, now_ms);
	engine->held_ms[asset] = until_ms > now_ms ? until_ms : now_ms;
	rx_mark(engine->asset_dirty, asset);
}

size_t rule_turn_end(struct rule_engine *engine, const struct rule_event **ret_events)
{
	wy_ms now_ms = engine->now.mono_ms;

	settle(engine);
	run_timers(engine, now_ms < WY_MS_NEVER ? now_ms + 1 : now_ms);
	if (!engine->is_behind && now_ms > engine->clock_ms)
		engine->clock_ms = now_ms;
	*ret_events = engine->events;
	return engine->n_events;
}

wy_ms rule_next_due(const struct rule_engine *engine)
{
	size_t n_assets = engine->set->world->n_assets;

	if (engine->is_behind || rx_next_marked(engine->asset_dirty, n_assets, 0) < n_assets)
		return engine->clock_ms; /* or a new engine, or one that was just resumed */
	return rx_heap_due(&engine->heap);
}

/* What sums up since it was last reset, begins anew, and the condition is looked at with that. False: no room for
 * what this leaves to tell. */
static bool restart_sums(struct rule_engine *engine, uint32_t instance)
{
	if (!engine->tellers[instance].is_raised || !rx_order_memories(engine, instance, RX_ORDER_RESET))
		return true;
	settle(engine);
	return has_room(engine);
}

enum wy_err rule_mark(struct rule_engine *engine, uint32_t asset, const char *name)
{
	settle(engine);
	run_timers(engine, engine->now.mono_ms);
	if (engine->now.mono_ms > engine->clock_ms)
		engine->clock_ms = engine->now.mono_ms;
	return rx_mark_memories(engine, asset, name) ? WY_OK : WY_E_NOTFOUND;
}

enum wy_err rule_command(struct rule_engine *engine, uint32_t instance, const struct rule_order *order)
{
	struct rx_teller_out out;

	settle(engine);
	run_timers(engine, engine->now.mono_ms);
	if (!has_room(engine))
		return WY_E_LIMIT;
	if (engine->now.mono_ms > engine->clock_ms)
		engine->clock_ms = engine->now.mono_ms;
	if (order->command == RULE_LEARN || order->command == RULE_ACCEPT) {
		bool is_learning = order->command == RULE_LEARN;
		return rx_order_memories(engine, instance, is_learning ? RX_ORDER_LEARN : RX_ORDER_ACCEPT) ? WY_OK : WY_E_STATE;
	}
	if (order->command == RULE_RESET && !restart_sums(engine, instance))
		return WY_E_LIMIT;
	struct rx_subject subject = subject_of(engine, instance);
	struct rx_eval ev = rx_instance_eval(engine, instance, engine->clock_ms);
	const struct rx_seen nothing = {.due_ms = WY_MS_NEVER};
	struct rx_machine_in in = {.now_ms = engine->clock_ms};
	if (!is_made(engine, instance))
		in = look(engine, instance, &ev, &nothing);
	rx_teller_begin(&out);
	enum wy_err err = rx_teller_command(&subject, order, &in, &out);
	if (err)
		return err;
	note_told(engine, instance, &out);
	note_move(engine, instance);
	if (order->command == RULE_CLOSE && subject.rule->info.kind == RULE_KIND_PROBLEM)
		rearm(engine, instance);
	rx_mark(engine->instance_dirty, instance);
	return WY_OK;
}

bool rule_is_raised(const struct rule_engine *engine, uint32_t instance)
{
	return engine->tellers[instance].is_raised;
}

void rule_adopt(struct rule_engine *engine, uint32_t instance, wy_ms onset_ms)
{
	struct rx_subject s = subject_of(engine, instance);

	if (s.teller->is_raised)
		return;
	rx_machine_stand(s.machine, onset_ms);
	rx_freeze(engine, instance);
	rx_teller_stand(s.teller, s.rule, onset_ms);
	rx_mark(engine->cell_dirty, instance);
	rx_mark(engine->cell_dirty, engine->set->n_instances + instance);
	rx_mark(engine->asset_dirty, s.instance->info.asset);
}

/* ---- Looking in --------------------------------------------------------------------------- */

enum rule_state rule_state_of(const struct rule_engine *engine, uint32_t instance)
{
	const struct rx_rule *rule = &engine->set->rules[engine->set->instances[instance].info.rule];
	const struct rx_machine *machine = &engine->machines[instance];
	int found = -1;

	for (size_t i = 0; i < rule->info.n_levels; i++)
		if (machine->level[i].state != RULE_NORMAL &&
		    (found < 0 || rule->info.levels[i].tier < rule->info.levels[found].tier))
			found = (int)i;
	return (enum rule_state)machine->level[found < 0 ? 0 : found].state;
}

enum rule_state rule_level_state(const struct rule_engine *engine, uint32_t instance, unsigned level)
{
	return (enum rule_state)engine->machines[instance].level[level].state;
}
