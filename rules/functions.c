/* functions.c: the table of functions.def. */
#include "functions.h"

#include <string.h>

#define ARGS0 {RX_ARG_NONE}
#define ARGS1(a) {RX_ARG_##a}
#define ARGS2(a, b) {RX_ARG_##a, RX_ARG_##b}
#define ARGS3(a, b, c) {RX_ARG_##a, RX_ARG_##b, RX_ARG_##c}

static const struct rx_function table[] = {
#define FUNCTION(name_, arg_names_, args, result_, help_) \
	{.name = #name_, .arg_names = arg_names_, .arg = args, .result = RX_RESULT_##result_, .help = help_, .query = fn_##name_},
#define REMEMBERS(name_, arg_names_, args, result_, memory_, help_) \
	{.name = #name_, .arg_names = arg_names_, .arg = args, .result = RX_RESULT_##result_, .help = help_, \
	 .query = fn_##name_, .update = fn_##name_##_update, .memory_bytes = sizeof(struct rx_mem_##memory_)},
#define LATER(name_) {.name = #name_, .arg_names = "", .is_later = true, .help = "not in this version"},
#include "functions.def"
#undef FUNCTION
#undef REMEMBERS
#undef LATER
};

size_t rx_function_count(void)
{
	return sizeof(table) / sizeof(*table);
}

const struct rx_function *rx_function_at(size_t i)
{
	return &table[i];
}

const struct rx_function *rx_function_find(const char *name, size_t len)
{
	for (size_t i = 0; i < rx_function_count(); i++)
		if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
			return &table[i];
	return NULL;
}

static bool is_extreme(const struct rx_function *fn)
{
	return fn->update == fn_min_update || fn->update == fn_max_update;
}

void rx_memory_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_prev *prev = memory;

	if (is_extreme(call->fn))
		rx_extreme_account(ev, call, memory);
	if (call->fn->update == fn_prev_update && prev->has_current)
		prev->upto_ms = ev->now_ms;
}

void rx_memory_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_extreme *extreme = memory;
	struct rx_mem_prev *prev = memory;

	if (is_extreme(call->fn) && extreme->panes.upto_ms < down_ms)
		extreme->panes.is_known = false;
	if (call->fn->update == fn_prev_update && down_ms - prev->upto_ms > call->child->point->stale_ms)
		memset(prev, 0, sizeof(*prev));
}

bool rx_memory_is_sound(const struct rx_function *fn, const void *memory)
{
	const struct rx_mem_count *count = memory;
	const struct rx_mem_edge *edge = memory;

	if (fn->update == fn_count_update)
		return count->head < RX_RING_MOST && count->n <= RX_RING_MOST;
	if (fn->update == fn_rise_update || fn->update == fn_fall_update)
		return edge->last <= 1 + RULE_TRUE;
	return true;
}
