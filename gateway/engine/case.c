/* case.c: what the rules that watch one fault of one asset say together. They share one ticket, and the
 * ticket follows their sum: it stands while any of them stands, its tier is that of the most severe,
 * and it is unknown or latched only when none of them is known to stand.
 *
 * A group is of no asset until it raises; then its ticket is that of the asset rule_asset_of() names, and its instance
 * belongs to that case until it is over. */
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

struct watch { /* what a ticket can be opened for, and the instance that watches it */
	uint32_t asset, fault;
	uint32_t instance; /* RULE_NO_INSTANCE: groups attach theirs when they raise */
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

static const struct rule_info *rule_of(const struct engine *engine, uint32_t instance)
{
	return rule_info_at(engine->parts.rules, rule_instance_at(engine->parts.rules, instance)->rule);
}

static bool is_group(const struct engine *engine, uint32_t instance)
{
	return rule_of(engine, instance)->kind == RULE_KIND_GROUP;
}

/* How many watches an instance makes: a group one for each that may raise it. */
static size_t watches_of(const struct engine *engine, uint32_t instance)
{
	const uint32_t *members;

	return is_group(engine, instance) ? rule_candidates(engine->parts.rules, instance, &members) : 1;
}

/* False: the catalogue has no such fault. The compiler checked it against the same one. */
static bool add_watches(const struct engine *engine, uint32_t instance, struct watch *watches, size_t *n)
{
	const struct rule_set *rules = engine->parts.rules;
	size_t fault = config_find_fault(engine->parts.config, rule_of(engine, instance)->fault);
	const uint32_t *members;
	size_t n_members = rule_candidates(rules, instance, &members);

	if (fault == SIZE_MAX)
		return false;
	if (!is_group(engine, instance)) {
		watches[(*n)++] = (struct watch){rule_instance_at(rules, instance)->asset, (uint32_t)fault, instance};
		return true;
	}
	for (size_t i = 0; i < n_members; i++)
		watches[(*n)++] = (struct watch){rule_instance_at(rules, members[i])->asset, (uint32_t)fault,
						 RULE_NO_INSTANCE};
	return true;
}

/* Instances of a case stand in their order: of equals the first decides. */
static void attach(struct engine *engine, uint32_t at, uint32_t instance)
{
	uint32_t *place = &engine->cases[at].first;

	while (*place != RULE_NO_INSTANCE && *place < instance)
		place = &engine->next_of[*place];
	engine->next_of[instance] = *place;
	*place = instance;
	engine->case_of[instance] = at;
}

static void detach(struct engine *engine, uint32_t instance)
{
	uint32_t *place = &engine->cases[engine->case_of[instance]].first;

	while (*place != instance)
		place = &engine->next_of[*place];
	*place = engine->next_of[instance];
	engine->case_of[instance] = CASE_NONE;
}

static bool begins_case(const struct watch *watches, size_t i)
{
	return i == 0 || watches[i].asset != watches[i - 1].asset || watches[i].fault != watches[i - 1].fault;
}

/* Watches are in order: those of one case are neighbours. */
static enum wy_err group_watches(struct engine *engine, const struct watch *watches, size_t n)
{
	size_t n_cases = 0;

	for (size_t i = 0; i < n; i++)
		n_cases += begins_case(watches, i);
	engine->cases = wy_arena_array(engine->parts.arena, n_cases, sizeof(*engine->cases));
	engine->news = wy_arena_array(engine->parts.arena, n_cases, sizeof(*engine->news));
	if (!engine->cases || !engine->news)
		return WY_E_NOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct watch *w = &watches[i];
		if (begins_case(watches, i))
			engine->cases[engine->n_cases++] = (struct engine_case){
				w->asset, w->fault, .first = RULE_NO_INSTANCE, .due_ms = WY_MS_NEVER};
		if (w->instance != RULE_NO_INSTANCE)
			attach(engine, (uint32_t)engine->n_cases - 1, w->instance);
	}
	return WY_OK;
}

enum wy_err engine_make_cases(struct engine *engine)
{
	struct wy_arena *arena = engine->parts.arena;
	size_t n_instances = rule_instance_count(engine->parts.rules);
	size_t n = 0;

	for (uint32_t i = 0; i < n_instances; i++)
		n += watches_of(engine, i);
	struct watch *watches = wy_arena_array(arena, n, sizeof(*watches));
	engine->case_of = wy_arena_array(arena, n_instances, sizeof(*engine->case_of));
	engine->next_of = wy_arena_array(arena, n_instances, sizeof(*engine->next_of));
	engine->told = wy_arena_array(arena, n_instances, sizeof(*engine->told));
	if (!watches || !engine->case_of || !engine->next_of || !engine->told)
		return WY_E_NOMEM;
	n = 0;
	for (uint32_t i = 0; i < n_instances; i++) {
		engine->case_of[i] = CASE_NONE;
		if (!add_watches(engine, i, watches, &n))
			return WY_E_INVALID;
	}
	if (n)
		qsort(watches, n, sizeof(*watches), by_case);
	return group_watches(engine, watches, n);
}

/* Cases are in order. */
static uint32_t find_case(const struct engine *engine, uint32_t asset, uint32_t fault)
{
	size_t low = 0, high = engine->n_cases;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct engine_case *c = &engine->cases[middle];
		if (c->asset == asset && c->fault == fault)
			return (uint32_t)middle;
		if (c->asset < asset || (c->asset == asset && c->fault < fault))
			low = middle + 1;
		else
			high = middle;
	}
	return CASE_NONE;
}

uint32_t engine_find_case(const struct engine *engine, const struct ticket *ticket)
{
	size_t asset = config_find_asset(engine->parts.config, ticket->asset);
	size_t fault = config_find_fault(engine->parts.config, ticket->fault);

	if (asset == SIZE_MAX || fault == SIZE_MAX)
		return CASE_NONE;
	return find_case(engine, (uint32_t)asset, (uint32_t)fault);
}

void engine_place_group(struct engine *engine, uint32_t instance, bool is_raised)
{
	if (!is_group(engine, instance))
		return;
	size_t fault = config_find_fault(engine->parts.config, rule_of(engine, instance)->fault);
	uint32_t at = CASE_NONE;
	if (is_raised)
		at = find_case(engine, rule_asset_of(engine->rules, instance), (uint32_t)fault);
	if (at == engine->case_of[instance])
		return;
	if (engine->case_of[instance] != CASE_NONE)
		detach(engine, instance);
	if (at != CASE_NONE)
		attach(engine, at, instance);
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

	for (uint32_t instance = c->first; instance != RULE_NO_INSTANCE; instance = engine->next_of[instance]) {
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

/* Kinds that change what a ticket says of the condition. The others are news.c's. */
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
