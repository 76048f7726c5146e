/* asset.c: one asset at one instant: what is known of its points, and what its memories make of that. */
#include "engine_parts.h"

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

struct rx_eval rx_engine_eval(const struct rule_engine *engine, uint32_t asset, wy_ms now_ms)
{
	return (struct rx_eval){
		.set = engine->set,
		.cls = rx_class_of(engine, asset),
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

	ev.is_raw = it->variant->is_raw;
	ev.is_out = ev.is_out && !ev.is_raw;
	ev.slot = it->slot;
	ev.is_elsewhere = it->variant->by && engine->slot_of_now[it->key_index - it->slot] != it->slot;
	return ev;
}

struct wy_sample rule_point_now(const struct rule_engine *engine, uint32_t asset, uint32_t point)
{
	const struct wy_point *model = &rx_class_of(engine, asset)->model->points[point];
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

void rx_mark_memory(struct rule_engine *engine, uint32_t asset, size_t memory)
{
	rx_mark(engine->cell_dirty, rx_first_memory_cell(engine->set) + engine->set->assets[asset].memory_base + memory);
}

/* When the next point of the asset turns stale. */
static wy_ms next_stale(const struct rule_engine *engine, uint32_t asset)
{
	const struct wy_class *model = rx_class_of(engine, asset)->model;
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

bool rx_is_planned(const struct rule_engine *engine, bool is_out, struct rx_eval *ev)
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
	const struct rx_class *cls = rx_class_of(engine, asset);
	uint32_t slot_of_now = RX_NO_SLOT;

	for (size_t i = 0; i < cls->n_memories; i++) {
		const struct rx_memory *memory = &cls->memories[i];
		if (!memory->is_keyed)
			continue;
		if (!memory->slot)
			slot_of_now = rx_slot_of_now(engine, asset, memory->rule);
		ev->slot = memory->slot;
		ev->is_elsewhere = memory->slot != slot_of_now;
		ev->is_raw = memory->is_raw;
		ev->is_out = is_out && !memory->is_raw;
		ev->is_frozen = rx_is_marked(engine->frozen, engine->set->assets[asset].memory_base + i);
		if (memory->call->fn->update(ev, memory->call, rx_memory_at(engine, asset, memory)))
			rx_mark_memory(engine, asset, i);
	}
}

void rx_update_service(struct rule_engine *engine, uint32_t asset)
{
	const struct rx_class *cls = rx_class_of(engine, asset);
	struct rx_eval ev = rx_engine_eval(engine, asset, engine->clock_ms);

	engine->planned_out[asset] = rx_is_planned(engine, true, &ev);
	ev.is_out = false;
	if (!cls->has_service)
		return;
	const struct rx_expr *call = cls->memories[0].call;
	if (call->fn->update(&ev, call, rx_memory_at(engine, asset, &cls->memories[0])))
		rx_mark_memory(engine, asset, 0);
}

void rx_update_asset(struct rule_engine *engine, uint32_t asset)
{
	const struct rx_asset *it = &engine->set->assets[asset];
	const struct rx_class *cls = rx_class_of(engine, asset);
	struct rx_eval ev = rx_engine_eval(engine, asset, engine->clock_ms);

	engine->planned_out[asset] = rx_is_planned(engine, true, &ev);
	bool is_out = engine->planned_out[asset];
	for (size_t i = 0; i < cls->n_memories; i++) {
		if (cls->memories[i].is_keyed)
			continue;
		const struct rx_expr *call = cls->memories[i].call;
		bool is_service = i == 0 && cls->has_service;
		ev.is_raw = cls->memories[i].is_raw;
		ev.is_out = is_out && !is_service && !ev.is_raw;
		ev.is_frozen = rx_is_marked(engine->frozen, it->memory_base + i);
		if (call->fn->update(&ev, call, rx_memory_at(engine, asset, &cls->memories[i])))
			rx_mark_memory(engine, asset, i);
		is_out = is_service ? rx_is_out_of_service(engine, asset) : is_out;
	}
	if (cls->has_keyed) {
		rx_find_keys(engine, asset);
		update_keyed(engine, asset, &ev, is_out);
	}
	wy_ms stale_ms = next_stale(engine, asset);
	stale_ms = engine->others_ms[asset] < stale_ms ? engine->others_ms[asset] : stale_ms;
	rx_heap_set(&engine->heap, asset, stale_ms < ev.next_ms ? stale_ms : ev.next_ms);
	for (size_t i = 0; i < it->n_instances; i++) {
		rx_mark(engine->instance_dirty, it->instances[i]);
		rx_mark(engine->news, it->instances[i]);
	}
}
