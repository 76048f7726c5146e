/* begin.c: a new engine: all memory it will ever use, and what it looks up by. */
#include <string.h>

#include "others.h"

static size_t words(size_t bits)
{
	return bits / 64 + 1;
}

static bool begin_marks(struct rx_marks *marks, struct wy_arena *arena, size_t n)
{
	marks->n = n;
	marks->bits = wy_arena_array(arena, words(n), sizeof(*marks->bits));
	marks->words = wy_arena_array(arena, words(words(n)), sizeof(*marks->words));
	return marks->bits && marks->words;
}

static size_t largest_cell(const struct rule_set *set)
{
	size_t most = sizeof(struct rx_machine) + sizeof(struct rx_match) + sizeof(struct rx_key) + sizeof(struct rx_group) +
		      sizeof(struct rx_teller) +
		      2 * WY_RULE_RING_MAX * sizeof(wy_ms);

	for (size_t i = 0; i < set->world->n_classes; i++) {
		const struct rx_class *cls = &set->classes[i];
		size_t points = cls->model->n_points * sizeof(struct rx_slot) + (WY_DEVICES_MAX + 3) * sizeof(wy_ms);
		most = points > most ? points : most;
		for (size_t j = 0; j < cls->n_memories; j++)
			if (cls->memories[j].bytes > most)
				most = cls->memories[j].bytes;
	}
	return most + 64;
}

/* Which assets a device serves: asset numbers, and per device where its own begin. */
static bool index_devices(struct rule_engine *engine, struct wy_arena *arena)
{
	const struct rule_world *world = engine->set->world;
	uint32_t n = 0;

	engine->device_first = wy_arena_array(arena, world->n_devices + 2, sizeof(*engine->device_first));
	if (!engine->device_first)
		return false;
	/* Counted two places up, so that filling moves each beginning to where it belongs. */
	for (size_t i = 0; i < world->n_assets; i++)
		for (size_t j = 0; j < world->assets[i].n_devices; j++, n++)
			engine->device_first[world->assets[i].devices[j] + 2]++;
	for (size_t i = 2; i < world->n_devices + 2; i++)
		engine->device_first[i] += engine->device_first[i - 1];
	engine->device_assets = wy_arena_array(arena, n, sizeof(*engine->device_assets));
	if (!engine->device_assets)
		return false;
	for (size_t i = 0; i < world->n_assets; i++)
		for (size_t j = 0; j < world->assets[i].n_devices; j++)
			engine->device_assets[engine->device_first[world->assets[i].devices[j] + 1]++] = (uint32_t)i;
	return true;
}

size_t rx_asset_place(const struct rule_engine *engine, const char *id)
{
	size_t place = rx_hash_text(RX_HASH_START, id) & (engine->n_places - 1);

	while (engine->asset_places[place] &&
	       strcmp(engine->set->world->assets[engine->asset_places[place] - 1].id, id) != 0)
		place = (place + 1) & (engine->n_places - 1);
	return place;
}

/* Assets by id, in open places, at most half of them taken. */
static bool index_assets(struct rule_engine *engine, struct wy_arena *arena)
{
	size_t n_assets = engine->set->world->n_assets;

	engine->n_places = 2;
	while (engine->n_places < 2 * n_assets)
		engine->n_places *= 2;
	engine->asset_places = wy_arena_array(arena, engine->n_places, sizeof(*engine->asset_places));
	if (!engine->asset_places)
		return false;
	for (size_t i = 0; i < n_assets; i++)
		engine->asset_places[rx_asset_place(engine, engine->set->world->assets[i].id)] = (uint32_t)i + 1;
	return true;
}

enum wy_err rule_engine_new(const struct rule_set *set, struct wy_arena *arena, struct wy_now now,
			    struct rule_engine **ret_engine)
{
	struct rule_engine *engine = wy_arena_alloc(arena, sizeof(*engine));
	const struct rule_world *world = set->world;

	if (!engine)
		return WY_E_NOMEM;
	engine->set = set;
	engine->now = now;
	engine->clock_ms = now.mono_ms;
	engine->wall_offset_ms = now.wall_ms - now.mono_ms;
	engine->n_cells = rx_first_memory_cell(set) + set->n_memories;
	/* So that all instances fit that a turn before may have left, and some of its own. */
	engine->max_events = 2 * set->n_instances + 2 * RX_TELLER_EVENTS;
	engine->scratch_bytes = largest_cell(set);
	engine->slots = wy_arena_array(arena, set->n_slots, sizeof(*engine->slots));
	engine->heard_ms = wy_arena_array(arena, world->n_devices, sizeof(*engine->heard_ms));
	engine->held_ms = wy_arena_array(arena, world->n_assets, sizeof(*engine->held_ms));
	engine->start_ms = wy_arena_array(arena, world->n_assets, sizeof(*engine->start_ms));
	engine->state = wy_arena_array(arena, set->state_bytes, 1);
	engine->machines = wy_arena_array(arena, set->n_instances, sizeof(*engine->machines));
	engine->tellers = wy_arena_array(arena, set->n_instances, sizeof(*engine->tellers));
	engine->planned_out = wy_arena_array(arena, world->n_assets, sizeof(*engine->planned_out));
	engine->groups = wy_arena_array(arena, set->n_groups, sizeof(*engine->groups));
	engine->rings = wy_arena_array(arena, set->n_rings, sizeof(*engine->rings));
	engine->matches = wy_arena_array(arena, set->n_matches, sizeof(*engine->matches));
	engine->keys = wy_arena_array(arena, set->n_keys, sizeof(*engine->keys));
	engine->slot_of_now = wy_arena_array(arena, set->n_keys, sizeof(*engine->slot_of_now));
	engine->asleep = wy_arena_array(arena, words(set->n_instances), sizeof(uint64_t));
	engine->news = wy_arena_array(arena, words(set->n_instances), sizeof(uint64_t));
	engine->frozen = wy_arena_array(arena, words(set->n_memories), sizeof(uint64_t));
	engine->cell_dirty = wy_arena_array(arena, words(engine->n_cells), sizeof(uint64_t));
	engine->events = wy_arena_array(arena, engine->max_events, sizeof(*engine->events));
	engine->looks = wy_arena_array(arena, world->n_assets, sizeof(*engine->looks));
	engine->memory_due_ms = wy_arena_array(arena, set->n_memories, sizeof(*engine->memory_due_ms));
	engine->scratch = wy_arena_array(arena, engine->scratch_bytes, 1);
	if (!engine->keys || !engine->slot_of_now || !engine->matches || !engine->asleep || !engine->news || !engine->slots || !engine->heard_ms || !engine->held_ms || !engine->start_ms ||
	    !engine->state || !engine->machines ||
	    !engine->tellers || !engine->rings || !engine->groups || !engine->planned_out ||
	    !engine->frozen || !engine->cell_dirty || !engine->events ||
	    !engine->scratch || !engine->looks || !engine->memory_due_ms)
		return WY_E_NOMEM;
	if (!begin_marks(&engine->asset_dirty, arena, world->n_assets) || !begin_marks(&engine->instance_dirty, arena, set->n_instances) ||
	    !begin_marks(&engine->teller_dirty, arena, set->n_instances) || !begin_marks(&engine->again, arena, set->n_instances))
		return WY_E_NOMEM;
	if (!rx_others_begin(engine, arena))
		return WY_E_NOMEM;
	if (rx_heap_init(&engine->heap, arena, world->n_assets + set->n_instances))
		return WY_E_NOMEM;
	if (!index_devices(engine, arena) || !index_assets(engine, arena))
		return WY_E_NOMEM;
	for (size_t i = 0; i < set->n_slots; i++)
		engine->slots[i] = (struct rx_slot){.quality = WY_Q_NEVER, .why = WY_WHY_NOT_READ,
						    .at_ms = WY_MS_NONE, .usable_ms = WY_MS_NONE};
	for (size_t i = 0; i < world->n_devices; i++)
		engine->heard_ms[i] = WY_MS_NONE;
	for (size_t i = 0; i < world->n_assets; i++) {
		engine->held_ms[i] = WY_MS_NONE;
		engine->start_ms[i] = now.mono_ms;
	}
	for (size_t i = 0; i < world->n_assets; i++)
		rx_touch(engine, (uint32_t)i, RX_CHANGED_ALL);
	rx_mark_groups(engine);
	*ret_engine = engine;
	return WY_OK;
}
