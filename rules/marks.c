/* marks.c: marks that an operator sets on an asset, for what counts from them. */
#include <string.h>

#include "rule_engine.h"

static bool has_mark(const struct rx_expr *call, const char *name)
{
	for (unsigned i = 0; i < rx_arg_count(call->fn); i++)
		if (call->fn->arg[i].kind == RX_ARG_MARK && strcmp(rx_arg(call, i)->name, name) == 0)
			return true;
	return false;
}

bool rx_mark_memories(struct rule_engine *engine, uint32_t asset, const char *name)
{
	const struct rx_class *cls = &engine->set->classes[engine->set->world->assets[asset].class_index];
	const struct rx_asset *it = &engine->set->assets[asset];
	bool is_any = false;

	for (size_t i = 0; i < cls->n_memories; i++) {
		const struct rx_expr *call = cls->memories[i].call;
		struct rx_eval ev = rx_engine_eval(engine, asset, engine->clock_ms);
		if (!has_mark(call, name) || !call->fn->command ||
		    !call->fn->command(&ev, call, rx_memory_at(engine, asset, &cls->memories[i]), RX_ORDER_MARK))
			continue;
		is_any = true;
		rx_mark(engine->cell_dirty, rx_first_memory_cell(engine->set) + it->memory_base + i);
	}
	for (size_t i = 0; is_any && i < it->n_instances; i++)
		rx_marks_add(&engine->instance_dirty, it->instances[i]);
	return is_any;
}
