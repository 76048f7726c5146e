/* restore.c: start-up: cases are made, rule memory comes back, open tickets find their rules. */
#include "engine_internal.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

/* ---- Cases ----------------------------------------------------------------------------------- */

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
	engine->instances_by_case = wy_arena_array(arena, n, sizeof(*engine->instances_by_case));
	engine->cases = wy_arena_array(arena, n, sizeof(*engine->cases));
	if (!watches || !engine->case_of || !engine->instances_by_case || !engine->cases)
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

/* ---- Rule memory ------------------------------------------------------------------------------- */

struct cells {
	struct engine *engine;
	size_t restored, gone, damaged;
};

static bool restore_cell(void *arg, const char *key, const void *bytes, size_t len)
{
	struct cells *cells = arg;

	switch (rule_restore(cells->engine->rules, key, bytes, len)) {
	case WY_OK:
		cells->restored++;
		break;
	case WY_E_NOTFOUND:
		cells->gone++;
		break;
	default:
		cells->damaged++;
		break;
	}
	return true;
}

/* The time between the last commit and now was not watched: it counts as unknown. */
static enum wy_err restore_rules(struct engine *engine)
{
	struct cells cells = {.engine = engine};
	struct store_clock past;
	enum wy_err err = store_each_cell(engine->parts.store, restore_cell, &cells);

	if (err)
		return err;
	err = store_clock(engine->parts.store, &past);
	if (err == WY_E_NOTFOUND)
		return WY_OK;
	if (err)
		return err;
	rule_resume(engine->rules, past.mono_ms, engine->now);
	if (cells.restored || cells.gone || cells.damaged)
		log_line(cells.damaged ? LOG_WARNING : LOG_INFO, "rules_restored",
			 "cells=%zu of_changed_rules=%zu damaged=%zu last_known_ms_ago=%lld", cells.restored,
			 cells.gone, cells.damaged, (long long)(engine->now.mono_ms - past.mono_ms));
	return WY_OK;
}

/* ---- Tickets ----------------------------------------------------------------------------------- */

static void count_raised(struct engine *engine)
{
	for (size_t i = 0; i < engine->n_cases; i++) {
		struct engine_case *c = &engine->cases[i];
		for (uint32_t k = 0; k < c->n; k++)
			c->raised += rule_is_raised(engine->rules, engine->instances_by_case[c->first + k]);
	}
}

struct orphans {
	struct engine *engine;
	char (*keys)[TICKET_KEY_SIZE];
	size_t n, max;
};

static bool place_ticket(void *arg, const struct ticket *ticket, const char *body, size_t len)
{
	struct orphans *orphans = arg;
	struct engine *engine = orphans->engine;
	uint32_t at = ticketing_case(engine, ticket);
	(void)body;
	(void)len;

	if (at == CASE_NONE) {
		if (orphans->n < orphans->max)
			memcpy(orphans->keys[orphans->n++], ticket->key, TICKET_KEY_SIZE);
		return true;
	}
	struct engine_case *c = &engine->cases[at];
	c->is_open = true;
	if (!c->raised) {
		/* Its rule has no memory of it. It stands until that rule's own clear ends it. */
		rule_adopt(engine->rules, engine->instances_by_case[c->first], ticket->onset.mono_ms);
		c->raised = 1;
		log_line(LOG_WARNING, "ticket_adopted", "ticket=%s asset=%s fault=%s", ticket->key,
			 ticket->asset, ticket->fault);
	}
	return true;
}

static enum wy_err end_orphans(struct engine *engine, const struct orphans *orphans)
{
	bool has_events;

	for (size_t i = 0; i < orphans->n; i++) {
		struct ticket ticket;
		enum wy_err err = store_find_ticket(engine->parts.store, orphans->keys[i], &ticket);
		if (!err)
			err = ticketing_orphan(engine, &ticket);
		if (err)
			return err;
	}
	return engine_flush(engine, &has_events);
}

enum wy_err engine_restore(struct engine *engine)
{
	struct orphans orphans = {.engine = engine, .max = 1024};
	enum wy_err err = restore_rules(engine);

	if (err)
		return err;
	orphans.keys = wy_arena_array(engine->parts.arena, orphans.max, TICKET_KEY_SIZE);
	if (!orphans.keys)
		return WY_E_NOMEM;
	count_raised(engine);
	err = store_each_open(engine->parts.store, place_ticket, &orphans);
	if (!err)
		err = end_orphans(engine, &orphans);
	return err;
}
