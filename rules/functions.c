/* functions.c: the table of functions.def. */
#include "functions.h"

#include <string.h>

/* How the rows of functions.def speak of their arguments. */
#define ARGS(...) {__VA_ARGS__}
#define NO_ARGS {{.kind = RX_ARG_NONE}}
#define X(name_, kind_) {.name = #name_, .kind = RX_ARG_##kind_}
#define MANY(name_, kind_) {.name = #name_, .kind = RX_ARG_##kind_, .manner = RX_ARG_MANY}
#define NAMED(name_, kind_) {.name = #name_, .kind = RX_ARG_##kind_, .manner = RX_ARG_NAMED}
#define OPTIONAL(name_, kind_, otherwise_) \
	{.name = #name_, .kind = RX_ARG_##kind_, .manner = RX_ARG_OPTIONAL, .otherwise = (otherwise_)}
#define BOUNDED(name_, kind_, manner_, least_, most_, otherwise_) \
	{.name = #name_, .kind = RX_ARG_##kind_, .manner = RX_ARG_##manner_, .least = (least_), .most = (most_), .otherwise = (otherwise_)}
#define CHOICE(name_, words_) {.name = #name_, .kind = RX_ARG_CHOICE, .manner = RX_ARG_OPTIONAL, .words = words_}
#define ASKED(name_, kind_, least_, most_) \
	{.name = #name_, .kind = RX_ARG_##kind_, .is_asked = true, .least = (least_), .most = (most_)}
#define ASKED_AS(name_, kind_, manner_, least_, most_, otherwise_) \
	{.name = #name_, .kind = RX_ARG_##kind_, .manner = RX_ARG_##manner_, .is_asked = true, .least = (least_), .most = (most_), .otherwise = (otherwise_)}
#define ASKED_CHOICE(name_, words_) \
	{.name = #name_, .kind = RX_ARG_CHOICE, .manner = RX_ARG_OPTIONAL, .is_asked = true, .words = words_}

static const struct rx_function table[] = {
#define FUNCTION(name_, args_, result_, help_) \
	{.name = #name_, .arg = args_, .result = RX_RESULT_##result_, .help = help_, .query = fn_##name_},
#define FUNCTION_WITH(name_, args_, result_, help_, ...) \
	{.name = #name_, .arg = args_, .result = RX_RESULT_##result_, .help = help_, .query = fn_##name_, __VA_ARGS__},
#define LATER(name_) {.name = #name_, .is_later = true, .help = "not in this version"},
#include "functions.def"
#undef FUNCTION
#undef FUNCTION_WITH
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

size_t rx_arg_count(const struct rx_function *fn)
{
	size_t n = 0;

	while (n < RX_ARGS_MAX && fn->arg[n].kind != RX_ARG_NONE)
		n++;
	return n;
}

const struct rx_expr *rx_arg(const struct rx_expr *call, unsigned i)
{
	const struct rx_expr *e = call->child;
	unsigned skip = i && call->n_many ? i + call->n_many - 1 : i;

	while (skip--)
		e = e->next;
	return e;
}

size_t rx_memory_bytes(const struct rx_expr *call)
{
	return call->fn->bytes ? call->fn->bytes(call) : call->fn->memory_bytes;
}

void rx_memory_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	if (call->fn->account)
		call->fn->account(ev, call, memory);
}

void rx_memory_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	if (call->fn->resume)
		call->fn->resume(call, memory, down_ms);
}

bool rx_memory_is_sound(const struct rx_expr *call, const void *memory)
{
	return !call->fn->is_sound || call->fn->is_sound(call, memory);
}
