/* engine.c: the public face of a running engine: turns, inputs, commands: see rule.h for what is promised. */
#include "engine_parts.h"

#include <math.h>

enum { STEP_MS = 1000 }; /* the wall clock was set, not slewed */

void rule_turn_begin(struct rule_engine *engine, struct wy_now now)
{
	wy_ms offset_ms = now.wall_ms - now.mono_ms;
	wy_ms step_ms = offset_ms - engine->wall_offset_ms;
	/* Two clocks are never read at one instant and one of them is being slewed: small steps are not news. */
	bool is_clock_new = step_ms <= -STEP_MS || step_ms >= STEP_MS || now.clock != engine->now.clock;

	engine->n_events = 0;
	/* First what a restart or a new engine left to do, at its own instant. */
	rx_settle(engine);
	now.mono_ms = now.mono_ms > engine->clock_ms ? now.mono_ms : engine->clock_ms;
	/* The wall clock was set: calendars may stand elsewhere from now on. What was due before saw the old one. */
	if (is_clock_new)
		rx_run_timers(engine, now.mono_ms);
	engine->now = now;
	if (!is_clock_new)
		return;
	engine->wall_offset_ms = offset_ms;
	engine->clock_ms = now.mono_ms;
	rx_mark_groups(engine);
	for (size_t i = 0; i < engine->set->world->n_assets; i++)
		rx_touch(engine, (uint32_t)i, RX_CHANGED_ALL);
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

/* Range and type are judged here. */
static void take(struct rx_slot *slot, const struct wy_point *model, const struct wy_sample *sample, wy_ms at_ms)
{
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

/* But for its age: `whole` is also the bits of a real value. */
static bool is_same(const struct rx_slot *a, const struct rx_slot *b)
{
	return a->quality == b->quality && a->why == b->why && (a->whole == b->whole || !wy_quality_is_usable(a->quality));
}

void rule_put(struct rule_engine *engine, uint32_t asset, uint32_t point, const struct wy_sample *sample)
{
	const struct rx_asset *it = &engine->set->assets[asset];
	const struct wy_point *model = &rx_class_of(engine, asset)->model->points[point];
	struct rx_slot *slot = &engine->slots[it->slot_base + point];
	wy_ms at_ms = sample->at_ms < engine->now.mono_ms ? sample->at_ms : engine->now.mono_ms;

	if (at_ms < slot->at_ms)
		return;
	rx_advance_to(engine, at_ms);
	struct rx_slot before = *slot;
	bool was_stale = rx_slot_quality(engine, asset, slot, model, at_ms) == WY_Q_STALE;
	take(slot, model, sample, at_ms);
	bool is_news = was_stale || !is_same(slot, &before) || (rx_class_of(engine, asset)->aged & rx_point_bit(point));
	rx_touch(engine, asset, is_news ? rx_point_bit(point) : 0);
	struct rx_look *look = &engine->looks[asset];
	if (is_news && at_ms + model->stale_ms < look->stale_ms)
		look->stale_ms = at_ms + model->stale_ms;
}

void rule_heard(struct rule_engine *engine, uint32_t device, wy_ms at_ms)
{
	const struct rule_world *world = engine->set->world;

	at_ms = at_ms < engine->now.mono_ms ? at_ms : engine->now.mono_ms;
	if (device >= world->n_devices || at_ms <= engine->heard_ms[device])
		return;
	rx_advance_to(engine, at_ms);
	engine->heard_ms[device] = at_ms;
	for (uint32_t i = engine->device_first[device]; i < engine->device_first[device + 1]; i++)
		rx_touch(engine, engine->device_assets[i], rx_class_of(engine, engine->device_assets[i])->reads_heard ? RX_READS_HEARD : 0);
}

void rule_hold(struct rule_engine *engine, uint32_t asset, wy_ms until_ms)
{
	wy_ms now_ms = engine->now.mono_ms;
	bool was_held = engine->held_ms[asset] > now_ms;

	/* What was answered until now stays answered. */
	if (until_ms <= now_ms && !was_held)
		return;
	rx_advance_to(engine, now_ms);
	engine->held_ms[asset] = until_ms > now_ms ? until_ms : now_ms;
	rx_touch(engine, asset, RX_CHANGED_ALL);
}

size_t rule_turn_end(struct rule_engine *engine, const struct rule_event **ret_events)
{
	wy_ms now_ms = engine->now.mono_ms;

	rx_settle(engine);
	rx_run_timers(engine, now_ms < WY_MS_NEVER ? now_ms + 1 : now_ms);
	if (!engine->is_behind && now_ms > engine->clock_ms)
		engine->clock_ms = now_ms;
	*ret_events = engine->events;
	return engine->n_events;
}

wy_ms rule_next_due(const struct rule_engine *engine)
{
	if (engine->is_behind || rx_marks_next(&engine->asset_dirty, 0) < engine->asset_dirty.n)
		return engine->clock_ms; /* or a new engine, or one that was just resumed */
	return rx_heap_due(&engine->heap);
}

/* What sums up since it was last reset, begins anew, and the condition is looked at with that. False: no room for
 * what this leaves to tell. */
static bool restart_sums(struct rule_engine *engine, uint32_t instance)
{
	if (!engine->tellers[instance].is_raised || !rx_order_memories(engine, instance, RX_ORDER_RESET))
		return true;
	rx_settle(engine);
	return rx_has_room(engine);
}

enum wy_err rule_mark(struct rule_engine *engine, uint32_t asset, const char *name)
{
	rx_settle(engine);
	rx_run_timers(engine, engine->now.mono_ms);
	if (engine->now.mono_ms > engine->clock_ms)
		engine->clock_ms = engine->now.mono_ms;
	return rx_mark_memories(engine, asset, name) ? WY_OK : WY_E_NOTFOUND;
}

enum wy_err rule_command(struct rule_engine *engine, uint32_t instance, const struct rule_order *order)
{
	struct rx_teller_out out;

	rx_settle(engine);
	rx_run_timers(engine, engine->now.mono_ms);
	if (!rx_has_room(engine))
		return WY_E_LIMIT;
	if (engine->now.mono_ms > engine->clock_ms)
		engine->clock_ms = engine->now.mono_ms;
	if (order->command == RULE_LEARN || order->command == RULE_ACCEPT) {
		bool is_learning = order->command == RULE_LEARN;
		return rx_order_memories(engine, instance, is_learning ? RX_ORDER_LEARN : RX_ORDER_ACCEPT) ? WY_OK : WY_E_STATE;
	}
	if (order->command == RULE_RESET && !restart_sums(engine, instance))
		return WY_E_LIMIT;
	struct rx_subject subject;
	struct rx_eval ev = rx_instance_eval(engine, instance, engine->clock_ms);
	const struct rx_seen nothing = {.due_ms = WY_MS_NEVER};
	struct rx_machine_in in = {.now_ms = engine->clock_ms};
	rx_subject_of(engine, instance, &subject);
	if (!rx_is_made(engine, instance))
		in = rx_look(engine, instance, &ev, &nothing);
	rx_teller_begin(&out);
	enum wy_err err = rx_teller_command(&subject, order, &in, &out);
	if (err)
		return err;
	rx_note_told(engine, instance, &out);
	rx_note_move(engine, instance);
	if (order->command == RULE_CLOSE && subject.rule->info.kind == RULE_KIND_PROBLEM)
		rx_rearm(engine, instance);
	rx_marks_add(&engine->instance_dirty, instance);
	return WY_OK;
}

bool rule_is_raised(const struct rule_engine *engine, uint32_t instance)
{
	return engine->tellers[instance].is_raised;
}

void rule_adopt(struct rule_engine *engine, uint32_t instance, wy_ms onset_ms)
{
	struct rx_subject s;

	rx_subject_of(engine, instance, &s);
	if (s.teller->is_raised)
		return;
	rx_machine_stand(s.machine, onset_ms);
	rx_freeze(engine, instance);
	rx_teller_stand(s.teller, s.rule, onset_ms);
	rx_mark(engine->cell_dirty, instance);
	rx_mark(engine->cell_dirty, engine->set->n_instances + instance);
	rx_touch(engine, s.instance->info.asset, RX_CHANGED_ALL);
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
