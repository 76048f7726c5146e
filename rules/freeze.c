/* freeze.c: what rules and operators do to baselines.
 *
 * A memory that learns what is normal is frozen while a rule that uses it is pending, raised, returning or latched on
 * the asset: else a long fault would teach itself to be normal. The engine keeps a bit per memory; it follows from
 * the machines alone, so it is not saved but found anew after a restart. */
#include "rule_engine.h"

static bool is_user(const struct rule_engine *engine, const struct rx_instance *it, uint32_t memory)
{
	for (size_t i = 0; i < it->variant->n_memories; i++)
		if (rx_memory_index(engine, it, i) == memory)
			return true;
	return false;
}

static bool is_standing(const struct rx_machine *machine)
{
	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX; i++)
		if (machine->level[i].state != RULE_NORMAL)
			return true;
	return false;
}

static bool is_in_use(const struct rule_engine *engine, uint32_t asset, uint32_t memory)
{
	const struct rx_asset *it = &engine->set->assets[asset];

	for (size_t i = 0; i < it->n_instances; i++) {
		uint32_t instance = it->instances[i];
		if (is_standing(&engine->machines[instance]) && is_user(engine, &engine->set->instances[instance], memory))
			return true;
	}
	return false;
}

static const struct rx_memory *memory_of(const struct rule_engine *engine, uint32_t asset, uint32_t memory)
{
	return &engine->set->classes[engine->set->world->assets[asset].class_index].memories[memory];
}

/* An asset whose memories name an instant is looked at then. */
static void look_by(struct rule_engine *engine, uint32_t asset, wy_ms at_ms)
{
	if (at_ms < engine->heap.due_ms[asset])
		rx_heap_set(&engine->heap, asset, at_ms);
}

/* As its update sees the asset. */
static struct rx_eval eval_for(const struct rule_engine *engine, uint32_t asset, const struct rx_memory *memory)
{
	struct rx_eval ev = rx_engine_eval(engine, asset, engine->clock_ms);

	ev.is_raw = memory->is_raw;
	ev.is_out = ev.is_out && !ev.is_raw;
	ev.slot = memory->slot;
	return ev;
}

static void tell(struct rule_engine *engine, uint32_t asset, const struct rx_memory *memory, bool is_frozen)
{
	struct rx_eval ev = eval_for(engine, asset, memory);

	if (!memory->call->fn->freeze)
		return;
	memory->call->fn->freeze(&ev, memory->call, rx_memory_at(engine, asset, memory), is_frozen);
	look_by(engine, asset, ev.next_ms);
}

void rx_freeze(struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	uint32_t asset = it->info.asset;

	for (size_t i = 0; i < it->variant->n_memories; i++) {
		uint32_t index = rx_memory_index(engine, it, i);
		const struct rx_memory *memory = memory_of(engine, asset, index);
		size_t bit = engine->set->assets[asset].memory_base + index;
		if (!memory->call->fn->is_baseline)
			continue;
		bool is_frozen = is_in_use(engine, asset, index);
		if (is_frozen == rx_is_marked(engine->frozen, bit))
			continue;
		rx_set(engine->frozen, bit, is_frozen);
		tell(engine, asset, memory, is_frozen);
	}
}

void rx_freeze_all(struct rule_engine *engine)
{
	for (uint32_t asset = 0; asset < engine->set->world->n_assets; asset++) {
		const struct rx_class *cls = &engine->set->classes[engine->set->world->assets[asset].class_index];
		for (uint32_t i = 0; i < cls->n_memories; i++) {
			if (!cls->memories[i].call->fn->is_baseline)
				continue;
			bool is_frozen = is_in_use(engine, asset, i);
			rx_set(engine->frozen, engine->set->assets[asset].memory_base + i, is_frozen);
			tell(engine, asset, &cls->memories[i], is_frozen);
		}
	}
}

bool rx_order_memories(struct rule_engine *engine, uint32_t instance, enum rx_order order)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	const struct rx_asset *asset = &engine->set->assets[it->info.asset];
	bool is_any = false;

	for (size_t i = 0; i < it->variant->n_memories; i++) {
		const struct rx_memory *memory = memory_of(engine, it->info.asset, rx_memory_index(engine, it, i));
		struct rx_eval ev = eval_for(engine, it->info.asset, memory);
		if (!memory->call->fn->command || !memory->call->fn->is_baseline)
			continue;
		if (!memory->call->fn->command(&ev, memory->call, rx_memory_at(engine, it->info.asset, memory), order))
			continue;
		is_any = true;
		rx_mark(engine->cell_dirty, rx_first_memory_cell(engine->set) + asset->memory_base + rx_memory_index(engine, it, i));
	}
	/* All rules that read it see another value now. */
	for (size_t i = 0; is_any && i < asset->n_instances; i++)
		rx_marks_add(&engine->instance_dirty, asset->instances[i]);
	return is_any;
}
