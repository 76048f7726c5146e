/* turn.c: instants. The engine's own clock goes from instant to instant: of the samples of a turn, then of each timer
 * that is due. At each instant first the assets that changed update their memories, then the machines
 * that may be concerned are evaluated in their order, parents before children; a parent
 * that moves marks its children, which stand behind it. Only then is told what there is to tell. Timers before a sample's time fire first, those
 * of the same instant after it: what arrives exactly at a deadline is in time.
 *
 * Events of a turn have a ceiling. Where it is reached the engine stays at its instant and is behind: what is
 * left is evaluated first thing in the next turn, which rule_next_due() asks for at once. No event is lost; but
 * inputs do not wait, so what is put into a turn that is behind moves the rest to its own instant. */
#include "engine_parts.h"
#include "others.h"

enum { ROUNDS_MAX = 12 }; /* of one instant: what telling moves is looked at again; a latched event that a group takes needs five */

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
			rx_marks_add(&engine->teller_dirty, it->members[i]);
}

/* All that have something to say; false: no room for more in this turn. */
static bool speak_all(struct rule_engine *engine, bool is_first)
{
	struct rx_marks *marks = &engine->teller_dirty;

	for (size_t i = rx_marks_next(marks, 0); i < marks->n; i = rx_marks_next(marks, i + 1)) {
		if (is_first && !goes_first(engine, (uint32_t)i))
			continue;
		if (!rx_has_room(engine))
			return false;
		rx_marks_take(marks, i);
		rx_speak(engine, (uint32_t)i);
		if (is_first)
			mark_members(engine, (uint32_t)i);
	}
	return true;
}

static bool evaluate_all(struct rule_engine *engine)
{
	struct rx_marks *marks = &engine->instance_dirty;
	size_t i = rx_marks_next(marks, 0);
	bool is_any = i < marks->n;

	for (; i < marks->n; i = rx_marks_next(marks, i + 1)) {
		rx_marks_take(marks, i);
		rx_evaluate(engine, (uint32_t)i);
	}
	return is_any;
}

static void look_again(struct rule_engine *engine)
{
	struct rx_marks *marks = &engine->again;

	for (size_t i = rx_marks_next(marks, 0); i < marks->n; i = rx_marks_next(marks, i + 1)) {
		rx_marks_take(marks, i);
		rx_marks_add(&engine->instance_dirty, i);
	}
}

void rx_settle(struct rule_engine *engine)
{
	struct rx_marks *marks = &engine->asset_dirty;

	rx_others_gather(engine);
	for (size_t i = rx_marks_next(marks, 0); i < marks->n; i = rx_marks_next(marks, i + 1)) {
		rx_marks_take(marks, i);
		rx_update_asset(engine, (uint32_t)i);
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
	/* A longer chain of rules that are told of each other goes on at once, in a turn of the same instant. */
	engine->is_behind = rx_marks_next(&engine->instance_dirty, 0) < engine->instance_dirty.n;
}

/* ---- Time --------------------------------------------------------------------------------- */

void rx_run_timers(struct rule_engine *engine, wy_ms until_ms)
{
	size_t n_assets = engine->set->world->n_assets;

	while (!engine->is_behind && rx_heap_due(&engine->heap) < until_ms) {
		wy_ms due_ms = rx_heap_due(&engine->heap);
		engine->clock_ms = due_ms > engine->clock_ms ? due_ms : engine->clock_ms;
		while (rx_heap_due(&engine->heap) == due_ms) {
			uint32_t id = rx_heap_first(&engine->heap);
			rx_heap_set(&engine->heap, id, WY_MS_NEVER);
			if (id < n_assets)
				rx_touch(engine, id, 0);
			else
				rx_marks_add(&engine->instance_dirty, id - n_assets);
		}
		rx_settle(engine);
	}
}

void rx_advance_to(struct rule_engine *engine, wy_ms at_ms)
{
	wy_ms to_ms = at_ms < engine->now.mono_ms ? at_ms : engine->now.mono_ms;

	if (to_ms <= engine->clock_ms)
		return;
	/* Inputs already put belong to one turn with this one: no timer between them. */
	bool is_first = rx_marks_next(&engine->asset_dirty, 0) == engine->asset_dirty.n;
	if (is_first)
		rx_run_timers(engine, to_ms);
	engine->clock_ms = to_ms > engine->clock_ms ? to_ms : engine->clock_ms;
}
