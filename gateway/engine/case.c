/* case.c: what the rules that watch one fault of one asset say together. They share one ticket, and the
 * ticket follows their sum: it stands while any of them stands, its tier is that of the most severe,
 * and it is unknown or latched only when none of them is known to stand. */
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

struct watch { /* an instance and what it watches */
	uint32_t asset, fault, instance;
};

static int by_case(const void *left, const void *right)
{
	const struct watch *a = left;
	const struct watch *b = right;

	if (a->asset != b->asset)
		return a->asset < b->asset ? -1 : 1;
	if (a->fault != b->fault)
		return a->fault < b->fault ? -1 : 1;
	return a->instance < b->instance ? -1 : a->instance > b->instance;
}

enum wy_err engine_make_cases(struct engine *engine)
{
	const struct rule_set *rules = engine->parts.rules;
	struct wy_arena *arena = engine->parts.arena;
	size_t n = rule_instance_count(rules);
	struct watch *watches = wy_arena_array(arena, n, sizeof(*watches));

	engine->case_of = wy_arena_array(arena, n, sizeof(*engine->case_of));
	engine->told = wy_arena_array(arena, n, sizeof(*engine->told));
	engine->instances_by_case = wy_arena_array(arena, n, sizeof(*engine->instances_by_case));
	engine->cases = wy_arena_array(arena, n, sizeof(*engine->cases));
	if (!watches || !engine->case_of || !engine->told || !engine->instances_by_case || !engine->cases)
		return WY_E_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const struct rule_instance_info *info = rule_instance_at(rules, i);
		size_t fault = config_find_fault(engine->parts.config,
						 rule_info_at(rules, info->rule)->fault);
		if (fault == SIZE_MAX)
			return WY_E_INVALID; /* the compiler checked it against the same catalogue */
		watches[i] = (struct watch){info->asset, (uint32_t)fault, i};
	}
	qsort(watches, n, sizeof(*watches), by_case);
	for (uint32_t i = 0; i < n; i++) {
		const struct watch *w = &watches[i];
		if (!i || w->asset != watches[i - 1].asset || w->fault != watches[i - 1].fault)
			engine->cases[engine->n_cases++] = (struct engine_case){
				.asset = w->asset, .fault = w->fault, .first = i};
		engine->cases[engine->n_cases - 1].n++;
		engine->instances_by_case[i] = w->instance;
		engine->case_of[w->instance] = (uint32_t)engine->n_cases - 1;
	}
	return WY_OK;
}

uint32_t engine_find_case(const struct engine *engine, const struct ticket *ticket)
{
	const struct config *config = engine->parts.config;

	for (uint32_t i = 0; i < engine->n_cases; i++) {
		const struct engine_case *c = &engine->cases[i];
		if (strcmp(config->assets[c->asset].id, ticket->asset) == 0 &&
		    strcmp(config->faults[c->fault].code, ticket->fault) == 0)
			return i;
	}
	return CASE_NONE;
}

static enum ticket_condition condition_of(const struct engine_told *told)
{
	if (told->is_latched)
		return TICKET_LATCHED;
	return told->is_unverified ? TICKET_UNKNOWN : TICKET_ACTIVE;
}

/* Known to stand before unknown before gone. */
static unsigned rank_of(enum ticket_condition condition)
{
	static const uint8_t ranks[] = {
		[TICKET_ACTIVE] = 0, [TICKET_UNKNOWN] = 1, [TICKET_LATCHED] = 2, [TICKET_CLEARED] = 3};

	return ranks[condition];
}

/* A latched rule gives way to one that stands, whatever its tier; else the more severe one decides. */
static bool goes_before(const struct engine_told *a, const struct engine_told *b)
{
	if (a->is_latched != b->is_latched)
		return b->is_latched;
	if (a->tier != b->tier)
		return a->tier < b->tier;
	return rank_of(condition_of(a)) < rank_of(condition_of(b));
}

struct engine_view engine_view_of(const struct engine *engine, const struct engine_case *c)
{
	struct engine_view view = {0, CASE_NONE, TICKET_CLEARED};

	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t instance = engine->instances_by_case[c->first + i];
		const struct engine_told *told = &engine->told[instance];
		if (!told->is_raised)
			continue;
		if (!view.n_raised++ || goes_before(told, &engine->told[view.instance]))
			view.instance = instance;
		if (rank_of(condition_of(told)) < rank_of(view.condition))
			view.condition = condition_of(told);
	}
	return view;
}

/* Kinds that change what a ticket says of the condition. The others are of the instance, or of people. */
static bool is_of_condition(enum rule_event_kind kind)
{
	static const bool kinds[RULE_EVENT_KINDS] = {
		[RULE_RAISED] = true,   [RULE_TIER] = true,     [RULE_UNVERIFIED] = true, [RULE_VERIFIED] = true,
		[RULE_LATCHED] = true,  [RULE_RESOLVED] = true, [RULE_CLOSED] = true,
	};

	return kinds[kind];
}

bool engine_hear(struct engine *engine, const struct rule_event *event)
{
	struct engine_told *told = &engine->told[event->instance];
	bool is_end = event->kind == RULE_RESOLVED || event->kind == RULE_CLOSED;

	if (!is_of_condition(event->kind))
		return false;
	if (event->kind == RULE_RAISED)
		*told = (struct engine_told){.is_raised = true, .onset_ms = event->onset_ms};
	told->tier = event->tier;
	told->level = event->level;
	told->is_uncertain = event->is_uncertain;
	if (event->kind == RULE_UNVERIFIED || event->kind == RULE_VERIFIED)
		told->is_unverified = event->kind == RULE_UNVERIFIED;
	if (event->kind == RULE_TIER || event->kind == RULE_LATCHED)
		told->is_latched = event->kind == RULE_LATCHED;
	if (event->kind == RULE_LATCHED)
		told->is_unverified = false;
	if (is_end)
		told->is_raised = told->is_latched = told->is_unverified = false;
	return true;
}
