/* order.c: what an operator at the gateway says to the rules. The rules decide what it means; what was taken is kept with
 * who and why, goes into the ticket, and survives a restart together with what it did. */
#include "engine_internal.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

enum { TARGETS_MAX = WY_RULE_KEYS_MAX + 64u };

/* Which instances an order is for, and what a refusal means. */
static const struct row {
	const char *word;
	enum rule_command command;
	bool is_for_raised; /* means nothing to one that is not raised */
	bool wants_why;
	const char *refusal;
} rows[] = {
	{"ack", RULE_ACK, true, false, "it waits for an ack until its condition is gone, and that is not so yet"},
	{"reset", RULE_RESET, true, false, "its condition still stands, or is not known to be gone"},
	{"close", RULE_CLOSE, true, true, "it is not raised"},
	{"shelve", RULE_SHELVE, false, true, "this rule is never shelved"},
	{"unshelve", RULE_UNSHELVE, false, false, "it is not shelved"},
	{"learn", RULE_LEARN, false, false, "it has no baseline to learn"},
	{"accept", RULE_ACCEPT, false, false, "it has no baseline, or none that has learnt yet"},
};

struct targets {
	uint32_t instance[TARGETS_MAX];
	size_t n;
};

static const struct rule_info *rule_of(const struct engine *engine, uint32_t instance)
{
	return rule_info_at(engine->parts.rules, rule_instance_at(engine->parts.rules, instance)->rule);
}

static const char *asset_of(const struct engine *engine, uint32_t instance)
{
	return engine->parts.config->assets[rule_asset_of(engine->rules, instance)].id;
}

static void add_target(struct targets *targets, uint32_t instance)
{
	if (targets->n < TARGETS_MAX)
		targets->instance[targets->n++] = instance;
}

/* ---- Which -------------------------------------------------------------------------------------- */

static enum wy_err find_by_ticket(const struct engine *engine, const struct engine_order *order, struct targets *targets,
				  struct wy_buf *words)
{
	struct ticket ticket;
	enum wy_err err = store_find_number(engine->parts.store, order->ticket, &ticket);

	if (err == WY_E_NOTFOUND)
		err = store_find_ticket(engine->parts.store, order->ticket, &ticket);
	if (err == WY_E_NOTFOUND)
		wy_buf_addf(words, "there is no ticket %s", order->ticket);
	if (err)
		return err;
	uint32_t at = engine_find_case(engine, &ticket);
	if (!ticket.is_open || at == CASE_NONE) {
		wy_buf_addf(words, "ticket %s is over", ticket.no);
		return WY_E_STATE;
	}
	for (uint32_t i = engine->cases[at].first; i != RULE_NO_INSTANCE; i = engine->next_of[i])
		if (rule_is_raised(engine->rules, i))
			add_target(targets, i);
	if (!targets->n)
		wy_buf_addf(words, "no rule stands behind ticket %s any more", ticket.no);
	return targets->n ? WY_OK : WY_E_STATE;
}

static enum wy_err find_by_rule(const struct engine *engine, const struct engine_order *order, const struct row *row,
				struct targets *targets, struct wy_buf *words)
{
	bool has_rule = false, has_place = false;

	for (uint32_t i = 0; i < rule_instance_count(engine->parts.rules); i++) {
		if (strcmp(rule_of(engine, i)->id, order->rule) != 0)
			continue;
		has_rule = true;
		if (strcmp(asset_of(engine, i), order->asset) != 0)
			continue;
		has_place = true;
		if (!row->is_for_raised || rule_is_raised(engine->rules, i))
			add_target(targets, i);
	}
	if (targets->n)
		return WY_OK;
	if (has_place) {
		wy_buf_addf(words, "%s on %s: it is not raised", order->rule, order->asset);
		return WY_E_STATE;
	}
	if (config_find_asset(engine->parts.config, order->asset) == SIZE_MAX)
		wy_buf_addf(words, "there is no asset '%s'", order->asset);
	else if (!has_rule)
		wy_buf_addf(words, "there is no rule '%s'", order->rule);
	else
		wy_buf_addf(words, "rule %s does not watch %s", order->rule, order->asset);
	return WY_E_NOTFOUND;
}

/* ---- Keeping ------------------------------------------------------------------------------------ */

static enum wy_err keep_note(struct engine *engine, const struct engine_order *order, const char *rule, const char *asset,
			     uint32_t at, wy_ms until_wall_ms)
{
	struct store_note note = {.wall_ms = engine->now.wall_ms, .until_wall_ms = until_wall_ms};
	struct ticket ticket;
	enum wy_err err = at == CASE_NONE ? WY_E_NOTFOUND : engine_open_ticket(engine, &engine->cases[at], &ticket);

	if (err && err != WY_E_NOTFOUND)
		return err;
	snprintf(note.what, sizeof(note.what), "%s", order->word);
	snprintf(note.ticket_key, sizeof(note.ticket_key), "%s", err ? "" : ticket.key);
	snprintf(note.rule, sizeof(note.rule), "%s", rule);
	snprintf(note.asset, sizeof(note.asset), "%s", asset);
	snprintf(note.who, sizeof(note.who), "%s", order->by);
	snprintf(note.why, sizeof(note.why), "%s", order->why);
	err = engine_write(engine);
	return err ? err : store_put_note(engine->parts.store, &note);
}

static wy_ms shelf_end(const struct engine *engine, uint32_t instance)
{
	struct rule_standing standing = rule_standing_of(engine->rules, instance);

	return standing.is_shelved ? standing.shelved_until_ms - engine->now.mono_ms + engine->now.wall_ms : 0;
}

/* Instances of one rule stand side by side: their keys need no word each. */
static enum wy_err keep_order(struct engine *engine, const struct engine_order *order, const struct targets *taken)
{
	enum wy_err err = WY_OK;

	for (size_t i = 0; !err && i < taken->n; i++) {
		uint32_t instance = taken->instance[i];
		uint32_t at = engine->case_of[instance];
		bool is_again = i && rule_of(engine, instance) == rule_of(engine, taken->instance[i - 1]);
		if (!is_again)
			err = keep_note(engine, order, rule_of(engine, instance)->id, asset_of(engine, instance), at,
					shelf_end(engine, instance));
		if (at != CASE_NONE)
			news_add(engine, at, NEWS_ORDER);
	}
	return err;
}

/* ---- Giving ------------------------------------------------------------------------------------- */

static enum wy_err give(struct engine *engine, const struct engine_order *order, const struct row *row,
			const struct targets *targets, struct targets *taken)
{
	struct rule_order to_rule = {
		.command = row->command,
		.until_ms = order->until_wall_ms - engine->now.wall_ms + engine->now.mono_ms,
		.is_one_shot = order->is_one_shot,
	};
	enum wy_err first = WY_OK;

	for (size_t i = 0; i < targets->n; i++) {
		enum wy_err err = engine_give_order(engine, targets->instance[i], &to_rule);
		if (!err)
			add_target(taken, targets->instance[i]);
		else if (!first)
			first = err;
	}
	return taken->n ? WY_OK : first;
}

static void say_taken(const struct engine *engine, const struct engine_order *order, const struct targets *taken,
		      struct wy_buf *words)
{
	char stamp[TICKET_TIME_SIZE];

	for (size_t i = 0; i < taken->n; i++) {
		uint32_t instance = taken->instance[i];
		if (i && rule_of(engine, instance) == rule_of(engine, taken->instance[i - 1]))
			continue;
		wy_buf_addf(words, "%s%s on %s: %s", i ? "; " : "", rule_of(engine, instance)->id,
			    asset_of(engine, instance), order->word);
		if (strcmp(order->word, "shelve") != 0)
			continue;
		ticket_time_text(&engine->parts.config->site.zone, shelf_end(engine, instance), stamp);
		wy_buf_addf(words, " until %s", stamp);
	}
}

static void say_refused(const struct engine *engine, const struct row *row, const struct targets *targets,
			enum wy_err err, struct wy_buf *words)
{
	uint32_t instance = targets->instance[0];

	wy_buf_addf(words, "%s on %s: ", rule_of(engine, instance)->id, asset_of(engine, instance));
	if (err == WY_E_STATE)
		wy_buf_add(words, row->refusal);
	else if (err == WY_E_LIMIT)
		wy_buf_add(words, "too much happens at once; say it again");
	else
		wy_buf_add(words, "its end has to be ahead");
}

/* In a turn. *ret_taken: it did something. */
static enum wy_err order_rules(struct engine *engine, const struct engine_order *order, const struct row *row,
			       struct wy_buf *words, bool *ret_taken)
{
	struct targets targets = {.n = 0}, taken = {.n = 0};
	enum wy_err err = order->ticket ? find_by_ticket(engine, order, &targets, words)
					: find_by_rule(engine, order, row, &targets, words);

	if (err)
		return err;
	err = give(engine, order, row, &targets, &taken);
	if (err) {
		say_refused(engine, row, &targets, err, words);
		return err;
	}
	*ret_taken = true;
	say_taken(engine, order, &taken, words);
	return keep_order(engine, order, &taken);
}

static enum wy_err order_mark(struct engine *engine, const struct engine_order *order, struct wy_buf *words,
			      bool *ret_taken)
{
	size_t asset = config_find_asset(engine->parts.config, order->asset);

	if (asset == SIZE_MAX) {
		wy_buf_addf(words, "there is no asset '%s'", order->asset);
		return WY_E_NOTFOUND;
	}
	enum wy_err err = rule_mark(engine->rules, (uint32_t)asset, order->mark);
	if (err) {
		wy_buf_addf(words, "no rule of %s counts from a mark '%s'", order->asset, order->mark);
		return err;
	}
	*ret_taken = true;
	wy_buf_addf(words, "%s: marked %s", order->asset, order->mark);
	return keep_note(engine, order, order->mark, order->asset, CASE_NONE, 0);
}

static const struct row *find_row(const char *word)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].word, word) == 0)
			return &rows[i];
	return NULL;
}

static bool is_complete(const struct engine_order *order, const struct row *row, struct wy_buf *words)
{
	bool is_mark = strcmp(order->word, "mark") == 0;
	const char *missing = NULL;

	if (!row && !is_mark)
		missing = "an order of these: ack reset close shelve unshelve learn accept mark";
	else if (!order->by || !*order->by)
		missing = "who says it (by)";
	else if (row && row->wants_why && !*order->why)
		missing = "a reason";
	else if (is_mark ? !order->asset || !order->mark : !order->ticket && (!order->rule || !order->asset))
		missing = is_mark ? "an asset and a name" : "a ticket, or a rule and an asset";
	if (missing)
		wy_buf_addf(words, "wanted: %s", missing);
	return !missing;
}

enum wy_err engine_take_order(struct engine *engine, const struct engine_order *order, struct wy_buf *words)
{
	const struct row *row = find_row(order->word);
	bool is_taken = false;

	if (!is_complete(order, row, words))
		return WY_E_INVALID;
	/* What is due happens first: the order meets the rules as who gave it saw them. */
	engine_tick(engine);
	if (engine->is_broken)
		return WY_E_STATE;
	engine_begin_turn(engine);
	enum wy_err err = row ? order_rules(engine, order, row, words, &is_taken) : order_mark(engine, order, words, &is_taken);
	if (err && is_taken)
		engine_break(engine, "keeping an order", err);
	engine_end_turn(engine);
	log_line(err ? LOG_WARNING : LOG_INFO, err ? "order_refused" : "order", "order=%s by=\"%s\" reason=\"%s\" what=\"%s\"",
		 order->word, order->by, order->why, words->text);
	return err;
}

/* ---- Shelves ------------------------------------------------------------------------------------ */

enum wy_err engine_each_shelf(const struct engine *engine, engine_shelf_visit *visit, void *arg)
{
	uint32_t last = RULE_NO_INSTANCE;

	for (uint32_t i = 0; i < rule_instance_count(engine->parts.rules); i++) {
		struct rule_standing standing = rule_standing_of(engine->rules, i);
		struct store_note note = {.wall_ms = 0};
		bool is_again = last != RULE_NO_INSTANCE && rule_of(engine, last) == rule_of(engine, i) &&
				rule_asset_of(engine->rules, last) == rule_asset_of(engine->rules, i);
		if (!standing.is_shelved || is_again)
			continue;
		last = i;
		struct engine_shelf shelf = {.rule = rule_of(engine, i)->id, .asset = asset_of(engine, i),
					     .until_wall_ms = shelf_end(engine, i), .is_one_shot = standing.is_one_shot,
					     .is_raised = rule_is_raised(engine->rules, i), .by = note.who, .why = note.why};
		enum wy_err err = store_last_note(engine->parts.store, shelf.rule, shelf.asset, "shelve", &note);
		if (err && err != WY_E_NOTFOUND)
			return err;
		shelf.since_wall_ms = note.wall_ms;
		visit(arg, &shelf);
	}
	return WY_OK;
}
