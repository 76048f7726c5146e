/* fn_episodes.c: episodes(): how often another rule was raised on the asset, as it was told.
 *
 * What is not told, of a shelved rule or during chatter, is no episode. Each raise is noted as it is told, so there is
 * nothing to wait for and nothing unknown: while the process is down nothing is told. */
#include <string.h>

#include "rule_engine.h"

bool rx_episodes_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	(void)ev;
	(void)call;
	(void)memory;
	return false;
}

bool rx_episodes_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_episodes *m = memory;

	(void)call;
	if (m->n > RX_EPISODES_MOST)
		return false;
	for (uint32_t i = 1; i < m->n; i++)
		if (m->at_ms[i] < m->at_ms[i - 1])
			return false;
	return true;
}

static void push(struct rx_mem_episodes *m, wy_ms at_ms)
{
	if (m->n == RX_EPISODES_MOST) {
		memmove(m->at_ms, m->at_ms + 1, (RX_EPISODES_MOST - 1) * sizeof(*m->at_ms));
		m->n--;
	}
	m->at_ms[m->n++] = at_ms;
}

/* The memory number `index` of the asset has changed: its rules look again, in this instant. */
static void mark_users(struct rule_engine *engine, const struct rx_asset *asset, uint32_t index)
{
	rx_mark(engine->cell_dirty, rx_first_memory_cell(engine->set) + asset->memory_base + index);
	for (size_t i = 0; i < asset->n_instances; i++) {
		const struct rx_instance *it = &engine->set->instances[asset->instances[i]];
		for (size_t j = 0; j < it->variant->n_memories; j++)
			if (rx_memory_index(engine, it, j) == index)
				rx_marks_add(&engine->instance_dirty, asset->instances[i]);
	}
}

void rx_note_episode(struct rule_engine *engine, uint32_t instance, wy_ms at_ms)
{
	const struct rule_set *set = engine->set;
	const struct rx_instance *it = &set->instances[instance];
	uint32_t asset = it->info.asset;
	const struct rx_class *cls = &set->classes[set->world->assets[asset].class_index];

	for (uint32_t i = 0; i < cls->n_memories; i++) {
		const struct rx_memory *memory = &cls->memories[i];
		if (memory->call->fn->update != rx_episodes_update || memory->call->child->index != it->info.rule)
			continue;
		push(rx_memory_at(engine, asset, memory), at_ms);
		mark_users(engine, &set->assets[asset], i);
	}
}

struct rx_value fn_episodes(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_episodes *m = memory;
	wy_ms window_ms = rx_eval_span(ev, call->child->next);
	uint32_t first = 0;

	while (first < m->n && m->at_ms[first] <= ev->now_ms - window_ms)
		first++;
	struct rx_value v = rx_whole((int64_t)m->n - first);
	if (first < m->n)
		rx_look_at(ev, m->at_ms[first] + window_ms);
	if (first || m->n < RX_EPISODES_MOST)
		return v;
	v.hi = INT64_MAX; /* what was before these is forgotten */
	v.unknown = RX_TOO_LARGE;
	return v;
}
