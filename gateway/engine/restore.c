/* restore.c: start-up: rule memory comes back, open tickets find their rules, rules find their tickets. */
#include "engine_internal.h"

#include <string.h>

#include "log.h"

/* ---- Rule memory ------------------------------------------------------------------------------- */

enum { CELL_KEY_SIZE = 320, GONE_MAX = 512 /* a start drops so many at most; the next start goes on */ };

struct cells {
	struct engine *engine;
	char (*gone_keys)[CELL_KEY_SIZE];
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
		if (cells->gone < GONE_MAX && strlen(key) < CELL_KEY_SIZE)
			strcpy(cells->gone_keys[cells->gone], key);
		cells->gone++;
		break;
	default:
		cells->damaged++;
		break;
	}
	return true;
}

/* Memory of rules that were changed or are gone: nothing will ever read it again. */
static enum wy_err drop_gone(struct engine *engine, const struct cells *cells)
{
	enum wy_err err = cells->gone ? engine_write(engine) : WY_OK;

	for (size_t i = 0; !err && i < cells->gone && i < GONE_MAX; i++)
		err = store_drop_cell(engine->parts.store, cells->gone_keys[i]);
	return err;
}

/* The time between the last commit and now was not watched: it counts as unknown. */
static enum wy_err restore_rules(struct engine *engine)
{
	struct cells cells = {.engine = engine};
	struct store_clock past;

	cells.gone_keys = wy_arena_array(engine->parts.arena, GONE_MAX, CELL_KEY_SIZE);
	if (!cells.gone_keys)
		return WY_E_NOMEM;
	enum wy_err err = store_each_cell(engine->parts.store, restore_cell, &cells);
	if (!err)
		err = drop_gone(engine, &cells);
	if (err)
		return err;
	if (engine->parts.before)
		return engine_succeed(engine);
	err = store_clock(engine->parts.store, &past);
	if (err == WY_E_NOTFOUND) /* another store may come home to this one, and is told the time by its beginning */
		return store_disk(engine->parts.store).is_apart ? engine_write(engine) : WY_OK;
	if (err)
		return err;
	engine->down_ms = past.mono_ms;
	rule_resume(engine->rules, past.mono_ms, engine->now);
	if (cells.restored || cells.gone || cells.damaged)
		log_line(cells.damaged ? LOG_WARNING : LOG_INFO, "rules_restored",
			 "cells=%zu of_changed_rules=%zu damaged=%zu last_known_ms_ago=%lld", cells.restored,
			 cells.gone, cells.damaged, (long long)(engine->now.mono_ms - past.mono_ms));
	return WY_OK;
}

/* ---- Tickets ----------------------------------------------------------------------------------- */

/* What each instance that stands had told. Its rule's memory shows the state, the ticket the rest: exact
 * where one rule stands behind it, and near enough where several do until the next event. */
static void recall(struct engine *engine)
{
	for (uint32_t i = 0; i < rule_instance_count(engine->parts.rules); i++) {
		const struct rule_instance_info *info = rule_instance_at(engine->parts.rules, i);
		const struct rule_info *rule = rule_info_at(engine->parts.rules, info->rule);
		struct engine_told *told = &engine->told[i];
		if (!rule_is_raised(engine->rules, i))
			continue;
		engine_place_group(engine, i, true);
		*told = (struct engine_told){.is_raised = true, .tier = rule->levels[0].tier,
					     .onset_ms = engine->now.mono_ms};
		told->is_latched = rule_state_of(engine->rules, i) == RULE_LATCHED_STATE;
		/* The most severe level is the safe guess where no ticket knows better. */
		for (size_t k = 1; k < rule->n_levels; k++)
			if (rule->levels[k].tier < told->tier) {
				told->tier = rule->levels[k].tier;
				told->level = (uint8_t)k;
			}
	}
}

static bool is_rule_of(const struct engine *engine, uint32_t instance, const struct ticket *ticket)
{
	const struct rule_instance_info *info = rule_instance_at(engine->parts.rules, instance);
	return strcmp(rule_info_at(engine->parts.rules, info->rule)->id, ticket->rule) == 0;
}

/* The instance a ticket without a rule goes to: that of its own rule if it still watches. */
static uint32_t heir_of(const struct engine *engine, const struct engine_case *c, const struct ticket *ticket)
{
	for (uint32_t i = c->first; i != RULE_NO_INSTANCE; i = engine->next_of[i])
		if (is_rule_of(engine, i, ticket))
			return i;
	return c->first;
}

/* Its rule has no memory of it. It stands until that rule's own clear ends it. */
static void adopt(struct engine *engine, const struct engine_case *c, const struct ticket *ticket)
{
	uint32_t instance = heir_of(engine, c, ticket);
	const struct rule_instance_info *info = rule_instance_at(engine->parts.rules, instance);
	const struct rule_info *rule = rule_info_at(engine->parts.rules, info->rule);

	rule_adopt(engine->rules, instance, ticket->onset.mono_ms);
	engine->told[instance] = (struct engine_told){.is_raised = true, .tier = rule->levels[0].tier,
						      .onset_ms = ticket->onset.mono_ms};
	log_line(LOG_WARNING, "ticket_adopted", "ticket=%s asset=%s fault=%s rule=%s", ticket->key,
		 ticket->asset, ticket->fault, rule->id);
}

/* The ticket holds what its deciding rule had told last. */
static void refine(struct engine *engine, const struct engine_case *c, const struct ticket *ticket)
{
	uint32_t n_raised = engine_view_of(engine, c).n_raised;

	for (uint32_t instance = c->first; instance != RULE_NO_INSTANCE; instance = engine->next_of[instance]) {
		struct engine_told *told = &engine->told[instance];
		const struct rule_instance_info *info = rule_instance_at(engine->parts.rules, instance);
		const struct rule_info *rule = rule_info_at(engine->parts.rules, info->rule);
		if (!told->is_raised)
			continue;
		told->onset_ms = ticket->onset.mono_ms;
		told->is_unverified = ticket->condition == TICKET_UNKNOWN;
		told->is_uncertain = ticket->is_uncertain;
		bool is_its = n_raised == 1 || is_rule_of(engine, instance, ticket);
		if (is_its && ticket->level < rule->n_levels) {
			told->level = ticket->level;
			told->tier = rule->levels[ticket->level].tier;
		}
	}
}

struct orphans {
	struct engine *engine;
	char (*keys)[TICKET_KEY_SIZE];
	size_t n, max;
};

/* ---- Tickets of an epoch that is over -------------------------------------------------------------- */

/* The rules of a ticket that is opened anew tell again whether they can see it. */
static void forget_doubt(struct engine *engine, const struct engine_case *c)
{
	for (uint32_t i = c->first; i != RULE_NO_INSTANCE; i = engine->next_of[i])
		engine->told[i].is_unverified = false;
}

static bool gather_past(void *arg, const struct ticket *ticket, const char *body, size_t len)
{
	struct orphans *past = arg;
	struct engine *engine = past->engine;
	(void)body;
	(void)len;

	if (ticket->epoch == store_epoch(engine->parts.store))
		return true;
	memcpy(past->keys[past->n++], ticket->key, TICKET_KEY_SIZE);
	uint32_t at = engine_find_case(engine, ticket);
	if (at == CASE_NONE || engine->cases[at].first == RULE_NO_INSTANCE)
		return past->n < past->max;
	struct engine_case *c = &engine->cases[at];
	if (engine_view_of(engine, c).n_raised)
		refine(engine, c, ticket);
	else
		adopt(engine, c, ticket);
	forget_doubt(engine, c);
	return past->n < past->max;
}

/* Its rules stand, and open a ticket of this epoch that the platform links to it: this one has said all it will. One that
 * nothing watches any more is closed, for nobody else would. */
static enum wy_err end_past(struct engine *engine, const char *key)
{
	struct ticket ticket;
	enum wy_err err = store_find_ticket(engine->parts.store, key, &ticket);
	if (err)
		return err;
	uint32_t at = engine_find_case(engine, &ticket);
	if (at == CASE_NONE || engine->cases[at].first == RULE_NO_INSTANCE) {
		engine->n_open++;
		err = ticketing_orphan(engine, &ticket);
	}
	return err ? err : ticketing_retire(engine, key);
}

/* A store that was salvaged, or got a new epoch, has tickets that were open then: what had been told of them after their last
 * row was kept nobody knows, so none of them goes on. */
static enum wy_err end_past_epoch(struct engine *engine, struct orphans *past)
{
	enum wy_err err = WY_OK;
	size_t n = 0;

	do {
		past->n = 0;
		err = store_each_open(engine->parts.store, gather_past, past);
		for (size_t i = 0; !err && i < past->n; i++)
			err = end_past(engine, past->keys[i]);
		n += past->n;
	} while (!err && past->n == past->max);
	if (n)
		log_line(LOG_WARNING, "tickets_of_past_epoch", "tickets=%zu next=\"what stands is told again, under new keys\"", n);
	return err;
}

/* ---- Tickets of this one ------------------------------------------------------------------------- */

static bool place_ticket(void *arg, const struct ticket *ticket, const char *body, size_t len)
{
	struct orphans *orphans = arg;
	struct engine *engine = orphans->engine;
	uint32_t at = engine_find_case(engine, ticket);
	(void)body;
	(void)len;

	engine->n_open++;
	mend_expect(engine, ticket);
	/* One of a group that is over has no rule either. */
	if (at == CASE_NONE || engine->cases[at].first == RULE_NO_INSTANCE) {
		if (orphans->n < orphans->max)
			memcpy(orphans->keys[orphans->n++], ticket->key, TICKET_KEY_SIZE);
		return true;
	}
	struct engine_case *c = &engine->cases[at];
	c->is_open = true;
	news_restore(engine, c, ticket);
	if (engine_view_of(engine, c).n_raised)
		refine(engine, c, ticket);
	else
		adopt(engine, c, ticket);
	return true;
}

static enum wy_err end_orphans(struct engine *engine, const struct orphans *orphans)
{
	for (size_t i = 0; i < orphans->n; i++) {
		struct ticket ticket;
		enum wy_err err = store_find_ticket(engine->parts.store, orphans->keys[i], &ticket);
		if (!err)
			err = ticketing_orphan(engine, &ticket);
		if (err)
			return err;
	}
	if (orphans->n == orphans->max)
		log_line(LOG_WARNING, "tickets_unwatched", "closed=%zu next=\"any more are closed with the "
			 "next start\"", orphans->n);
	return WY_OK;
}

/* What its rules had told stands without a ticket. */
static enum wy_err ticket_case(struct engine *engine, const struct engine_case *c)
{
	struct engine_view view = engine_view_of(engine, c);
	const struct engine_told *told = &engine->told[view.instance];
	struct rule_event event = {.kind = RULE_RAISED, .instance = view.instance,
				   .tier = told->tier, .level = told->level,
				   .at_ms = engine->now.mono_ms, .onset_ms = told->onset_ms};
	/* Of a clock that was lost with the store: not from tomorrow. */
	if (event.onset_ms > engine->now.mono_ms)
		event.onset_ms = engine->now.mono_ms;
	bool was_latched = told->is_latched;
	enum wy_err err = ticketing_event(engine, &event);
	event.kind = RULE_LATCHED;
	return err || !was_latched ? err : ticketing_event(engine, &event);
}

/* A rule that stands and has no ticket: it carries another fault since its file was changed, or its ticket is of an epoch that is
 * over. */
static enum wy_err ticket_the_untold(struct engine *engine)
{
	enum wy_err err = WY_OK;

	for (size_t i = 0; !err && i < engine->n_cases; i++) {
		const struct engine_case *c = &engine->cases[i];
		if (!c->is_open && engine_view_of(engine, c).n_raised)
			err = ticket_case(engine, c);
	}
	return err;
}

/* A ticket that cannot be written would end the process at the worst moment, again and again. */
static enum wy_err check_cases(struct engine *engine)
{
	const struct config *config = engine->parts.config;
	enum wy_err found = WY_OK;

	for (size_t i = 0; i < engine->n_cases; i++) {
		const struct engine_case *c = &engine->cases[i];
		enum wy_err err = ticketing_check(engine, c);
		if (err)
			log_line(LOG_ERROR, "ticket_too_large", "asset=%s fault=%s why=\"%s\" next=\"shorten its "
				 "texts or its list of affected units\"", config->assets[c->asset].id,
				 config->faults[c->fault].code, wy_err_text(err));
		found = err ? err : found;
	}
	return found;
}

enum wy_err engine_restore(struct engine *engine)
{
	struct orphans orphans = {.engine = engine, .max = 1024};
	bool has_events;
	enum wy_err err = check_cases(engine);

	if (!err)
		err = restore_rules(engine);

	if (err)
		return err;
	orphans.keys = wy_arena_array(engine->parts.arena, orphans.max, TICKET_KEY_SIZE);
	if (!orphans.keys)
		return WY_E_NOMEM;
	recall(engine);
	err = end_past_epoch(engine, &orphans);
	orphans.n = 0;
	if (!err)
		err = store_each_open(engine->parts.store, place_ticket, &orphans);
	if (!err)
		err = end_orphans(engine, &orphans);
	if (!err)
		err = ticket_the_untold(engine);
	return err ? err : engine_flush(engine, &has_events);
}

/* ---- A store that came home ---------------------------------------------------------------------- */

enum { HOME_AT_ONCE = 64 };

struct homecomers {
	const struct engine *engine;
	char keys[HOME_AT_ONCE][TICKET_KEY_SIZE];
	size_t n;
};

static bool gather_home(void *arg, const struct ticket *ticket, const char *body, size_t len)
{
	struct homecomers *home = arg;
	(void)body;
	(void)len;

	if (ticket->epoch != store_epoch(home->engine->parts.store))
		memcpy(home->keys[home->n++], ticket->key, TICKET_KEY_SIZE);
	return home->n < HOME_AT_ONCE;
}

/* What stands here has told that it does. What does not is made to stand, so that its own clear ends what the platform has open. */
static enum wy_err take_home(struct engine *engine, const char *key)
{
	struct ticket ticket;
	enum wy_err err = store_find_ticket(engine->parts.store, key, &ticket);
	if (err)
		return err;
	uint32_t at = engine_find_case(engine, &ticket);
	if (at == CASE_NONE || engine->cases[at].first == RULE_NO_INSTANCE)
		return end_past(engine, key);
	struct engine_case *c = &engine->cases[at];
	bool is_told = c->is_open;
	if (!is_told && !engine_view_of(engine, c).n_raised)
		adopt(engine, c, &ticket);
	err = ticketing_retire(engine, key);
	return err || is_told ? err : ticket_case(engine, c);
}

enum wy_err engine_take_home(struct engine *engine)
{
	struct homecomers home = {.engine = engine};
	enum wy_err err;
	size_t n = 0;

	engine_tick(engine);
	if (engine->is_broken)
		return WY_E_STATE;
	engine_begin_turn(engine);
	do {
		home.n = 0;
		err = store_each_open(engine->parts.store, gather_home, &home);
		for (size_t i = 0; !err && i < home.n; i++)
			err = take_home(engine, home.keys[i]);
		n += home.n;
	} while (!err && home.n == HOME_AT_ONCE);
	if (n)
		log_line(LOG_WARNING, "tickets_of_past_epoch", "tickets=%zu next=\"what stands is told again, under new keys\"", n);
	if (err)
		engine_break(engine, "taking up a store that came home", err);
	engine_end_turn(engine);
	return err;
}
