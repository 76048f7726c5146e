/* asset.c: one asset at one instant: what is known of its points, and what its memories make of that. */
#include "engine_parts.h"

enum { CACHE_LINE = 64 };

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
		.is_wall_doubtful = engine->now.clock != WY_CLOCK_SYNCED,
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

void rx_touch(struct rule_engine *engine, uint32_t asset, uint64_t changed)
{
	rx_marks_add(&engine->asset_dirty, asset);
	engine->looks[asset].changed |= changed;
}

/* Points that have turned stale since this was last asked, and when the next one will. */
static uint64_t find_stale(const struct rule_engine *engine, uint32_t asset, struct rx_look *look)
{
	const struct wy_class *model = rx_class_of(engine, asset)->model;
	const struct rx_slot *slots = &engine->slots[engine->set->assets[asset].slot_base];
	wy_ms held_ms = engine->held_ms[asset];
	uint64_t stale = held_ms == look->stale_ms ? RX_CHANGED_ALL : 0;

	/* A hold is looked at again when it ends. */
	look->stale_ms = held_ms > engine->clock_ms ? held_ms : WY_MS_NEVER;
	for (size_t i = 0; i < model->n_points && held_ms <= engine->clock_ms; i++) {
		if (!wy_quality_is_usable(slots[i].quality))
			continue;
		wy_ms at_ms = rx_seen_ms(engine, asset, slots[i].at_ms, engine->clock_ms) + model->points[i].stale_ms;
		if (at_ms <= engine->clock_ms)
			stale |= rx_point_bit(i);
		else if (at_ms < look->stale_ms)
			look->stale_ms = at_ms;
	}
	return stale;
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
		if (ev->wall_ms < next_ms)
			rx_look_at(ev, next_ms - engine->wall_offset_ms);
	}
	return is_open;
}

/* One asset at one instant: what changed by now, and what of its memories moved with that. */
struct round {
	const struct rx_class *cls;
	struct rx_look *look;
	struct rx_eval ev;
	uint64_t changed, moved;
	bool is_out;
};

static bool is_concerned(const struct round *r, const struct rx_inputs *reads)
{
	return (reads->points & r->changed) || (reads->memories & r->moved);
}

static void update_memory(struct rule_engine *engine, struct round *r, size_t i)
{
	const struct rx_memory *memory = &r->cls->memories[i];
	const struct rx_expr *call = memory->call;
	uint32_t asset = r->ev.asset;
	size_t number = engine->set->assets[asset].memory_base + i;
	wy_ms *due_ms = &engine->memory_due_ms[number];

	if (*due_ms <= engine->clock_ms || is_concerned(r, &memory->inputs)) {
		r->ev.is_frozen = rx_is_marked(engine->frozen, number);
		r->ev.next_ms = WY_MS_NEVER;
		bool is_new = call->fn->update(&r->ev, call, rx_memory_at(engine, asset, memory));
		if (is_new)
			rx_mark_memory(engine, asset, i);
		if (r->ev.next_ms < r->look->timer_ms)
			r->look->timer_ms = r->ev.next_ms;
		r->look->is_ending = r->look->is_ending || (is_new && call->fn->is_momentary);
		*due_ms = is_new && call->fn->is_momentary ? WY_MS_NONE : r->ev.next_ms;
		r->moved |= rx_memory_bit(i);
	} else if (*due_ms < r->look->timer_ms) {
		r->look->timer_ms = *due_ms;
	}
}

/* Memories of keyed rules, after the events they take: each slot sees its own. */
static void update_keyed(struct rule_engine *engine, struct round *r)
{
	uint32_t slot_of_now = RX_NO_SLOT;

	for (size_t i = 0; i < r->cls->n_memories; i++) {
		const struct rx_memory *memory = &r->cls->memories[i];
		if (!memory->is_keyed)
			continue;
		if (!memory->slot)
			slot_of_now = rx_slot_of_now(engine, r->ev.asset, memory->rule);
		r->ev.slot = memory->slot;
		r->ev.is_elsewhere = memory->slot != slot_of_now;
		r->ev.is_raw = memory->is_raw;
		r->ev.is_out = r->is_out && !memory->is_raw;
		update_memory(engine, r, i);
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

static void update_memories(struct rule_engine *engine, struct round *r)
{
	for (size_t i = 0; i < r->cls->n_memories; i++) {
		bool is_service = i == 0 && r->cls->has_service;
		if (r->cls->memories[i].is_keyed)
			continue;
		r->ev.is_raw = r->cls->memories[i].is_raw;
		r->ev.is_out = r->is_out && !is_service && !r->ev.is_raw;
		update_memory(engine, r, i);
		r->is_out = is_service ? rx_is_out_of_service(engine, r->ev.asset) : r->is_out;
		if (i == 0 && r->is_out != r->look->was_out)
			r->changed = RX_CHANGED_ALL;
	}
	if (!r->cls->has_keyed)
		return;
	rx_find_keys(engine, r->ev.asset);
	update_keyed(engine, r);
}

static void look_at(struct rule_engine *engine, uint32_t asset, struct round *r)
{
	r->ev = rx_engine_eval(engine, asset, engine->clock_ms);
	r->look->is_ending = r->look->is_waiting = false;
	engine->planned_out[asset] = rx_is_planned(engine, true, &r->ev);
	r->look->timer_ms = r->ev.next_ms;
	r->is_out = engine->planned_out[asset];
	if (!r->cls->has_service && r->is_out != r->look->was_out)
		r->changed = RX_CHANGED_ALL;
	update_memories(engine, r);
	r->look->was_out = r->is_out;
}

/* They will be looked at soon, one by one: all that belongs to them is brought near together. */
static void fetch(const struct rule_engine *engine, uint32_t instance)
{
	const char *it = (const char *)&engine->set->instances[instance];
	const char *machine = (const char *)&engine->machines[instance];
	const char *teller = (const char *)&engine->tellers[instance];

	for (size_t i = 0; i < sizeof(struct rx_instance); i += CACHE_LINE)
		__builtin_prefetch(it + i);
	for (size_t i = 0; i < sizeof(struct rx_machine); i += CACHE_LINE)
		__builtin_prefetch(machine + i);
	__builtin_prefetch(teller);
}

/* Instances that are concerned; and those whose own time has come, which so keep their place in the order of what is
 * told: that of the assets that were heard of. */
static void mark_instances(struct rule_engine *engine, uint32_t asset, struct round *r)
{
	const struct rx_asset *it = &engine->set->assets[asset];
	const wy_ms *due_ms = &engine->heap.due_ms[engine->set->world->n_assets];
	bool is_any_due = rx_heap_due(&engine->heap) <= engine->clock_ms;

	r->ev.is_out = r->ev.is_elsewhere = false;
	r->ev.slot = 0;
	for (size_t i = 0; i < it->n_instances && (r->changed || r->moved || is_any_due); i++) {
		uint32_t instance = it->instances[i];
		if (!is_concerned(r, &it->rows[i].inputs) && !(is_any_due && due_ms[instance] <= engine->clock_ms))
			continue;
		r->ev.is_raw = it->rows[i].variant->is_raw;
		if (rx_is_marked(engine->asleep, instance) && !(r->changed & RX_READS_ANEW) &&
		    rx_stays_asleep(&r->ev, it->rows[i].variant))
			continue;
		rx_marks_add(&engine->instance_dirty, instance);
		rx_mark(engine->news, instance);
		fetch(engine, instance);
	}
}

/* Where nothing changed and no time has come there is nothing to be done: the steady case, and the cheap one. */
void rx_update_asset(struct rule_engine *engine, uint32_t asset)
{
	struct rx_look *look = &engine->looks[asset];
	struct round r = {.cls = rx_class_of(engine, asset), .look = look, .changed = look->changed};

	look->changed = 0;
	if (look->is_waiting)
		r.changed = RX_CHANGED_ALL;
	if (look->stale_ms <= engine->clock_ms || r.changed == RX_CHANGED_ALL)
		r.changed |= find_stale(engine, asset, look);
	if (r.changed || look->is_ending || look->timer_ms <= engine->clock_ms || engine->set->assets[asset].is_eager) {
		r.changed |= RX_READS_LOOKS;
		look_at(engine, asset, &r);
	}
	wy_ms due_ms = look->stale_ms < look->timer_ms ? look->stale_ms : look->timer_ms;
	rx_heap_set(&engine->heap, asset, engine->others_ms[asset] < due_ms ? engine->others_ms[asset] : due_ms);
	mark_instances(engine, asset, &r);
}
