/* read_kind.c: which kind a rule is of, the keys that mean something in it, and the levels of `when` and `levels`.
 * Events and patterns are read in read_steps.c. */
#include <string.h>

#include "check.h"
#include "fields.h"
#include "params.h"
#include "read_parts.h"

struct rx_cond rx_read_cond(struct rx_load *load, const struct wy_node *node)
{
	struct rx_cond cond = {0};

	if (!node)
		return cond;
	if (node->kind != WY_NODE_SCALAR)
		rx_error(load, "E105", node, 0, "expected a condition, found %s", wy_node_kind_text(node));
	else
		cond.text = rx_load_text(load, node->text, node->len);
	cond.node = node;
	return cond;
}

struct rx_span rx_span_or(struct rx_scope *scope, const struct wy_node *node, wy_ms otherwise_ms)
{
	struct rx_span span = {otherwise_ms, RX_NO_USE};

	if (node)
		(void)rx_read_span(scope, node, &span);
	return span;
}

void rx_check_cond(struct rx_scope *scope, struct rx_cond *cond)
{
	scope->node = cond->node;
	if (cond->text && !scope->load->err)
		(void)rx_check_condition(scope, cond);
}

void rx_check_event(struct rx_scope *scope, struct rx_cond *cond)
{
	scope->node = cond->node;
	if (cond->text && !scope->load->err)
		(void)rx_check_happening(scope, cond);
}

/* ---- The kind ----------------------------------------------------------------------------- */

enum { LEVEL = 1u << RULE_KIND_LEVEL, EVENT = 1u << RULE_KIND_EVENT, PATTERN = 1u << RULE_KIND_PATTERN };

/* Keys that mean something only in some kinds, and what to write instead. */
static const struct {
	const char *key;
	unsigned kinds;
	const char *advice;
} particular[] = {
	{"hold", LEVEL, "an event has no length; in a pattern give a step 'for' or 'within'"},
	{"tolerate", LEVEL | PATTERN, "there is no clock that unknown could stop"},
	{"reraise", LEVEL, "after a ticket was closed by hand the next event is a new one"},
	{"ticket", 0, "who comes and by when stand in the fault catalogue and the tiers; 'summary', 'detail' and 'action' stand in the rule itself"},
	{"if", EVENT, "join it with 'and' to the condition, or use 'event'"},
};

static void check_particular(struct rx_load *load, const struct wy_node *node, enum rule_kind kind)
{
	static const char *const names[] = {
		[RULE_KIND_LEVEL] = "when", [RULE_KIND_EVENT] = "event", [RULE_KIND_PATTERN] = "pattern"};

	for (size_t i = 0; i < sizeof(particular) / sizeof(*particular); i++) {
		const struct wy_node *found = wy_node_get(node, particular[i].key);
		if (found && !(particular[i].kinds & 1u << kind))
			rx_error(load, "E511", found->key, 0, "'%s' means nothing in a rule with '%s': %s",
				 particular[i].key, names[kind], particular[i].advice);
	}
	const struct wy_node *pause = wy_node_get(node, "clear_hold");
	if (pause && kind != RULE_KIND_LEVEL && !wy_node_get(node, "clear"))
		rx_error(load, "E511", pause->key, 0,
			 "'clear_hold' means nothing without 'clear': an event is over as soon as it has happened");
}

bool rx_read_kind(struct rx_load *load, const struct rx_rule_keys *fields, const struct wy_node *node,
		  enum rule_kind *ret_kind)
{
	const struct {
		const struct wy_node *found;
		enum rule_kind kind;
	} kinds[] = {{fields->when, RULE_KIND_LEVEL}, {fields->levels, RULE_KIND_LEVEL},
		     {fields->event, RULE_KIND_EVENT}, {fields->pattern, RULE_KIND_PATTERN}};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!kinds[i].found)
			continue;
		*ret_kind = kinds[i].kind;
		n++;
	}
	if (n != 1) {
		rx_error(load, "E107", node, 0, "a rule has one of 'when', 'levels', 'event', 'pattern'; this one has %s",
			 n ? "several" : "none");
		return false;
	}
	check_particular(load, node, *ret_kind);
	return true;
}

/* ---- Levels ------------------------------------------------------------------------------- */

struct share_fields {
	const struct wy_node *at_least, *within;
};

static const struct wy_field share_rows[] = {
	{"at_least", WY_FIELD_NODE, offsetof(struct share_fields, at_least), true, 0, 0, NULL, "a length of time"},
	{"within", WY_FIELD_NODE, offsetof(struct share_fields, within), true, 0, 0, NULL, "a longer one"},
};

/* `when` now, and for so long in all within so long: (when) and held(when, within) >= at_least. */
static void read_share(struct rx_scope *scope, struct rx_level *level, const struct wy_node *node)
{
	struct rx_load *load = scope->load;
	struct share_fields fields = {0};
	struct rx_span at_least = {0, RX_NO_USE};
	struct rx_span within = {0, RX_NO_USE};

	level->hold = at_least;
	if (wy_fields_read(node, share_rows, 2, &fields, load->diags) || !rx_read_span(scope, fields.at_least, &at_least) ||
	    !rx_read_span(scope, fields.within, &within) || !level->when.text)
		return;
	if (at_least.use == RX_NO_USE && within.use == RX_NO_USE && (at_least.ms < 1 || at_least.ms > within.ms)) {
		rx_error(load, "E106", fields.at_least, 0, "'at_least' is longer than 'within', or nothing");
		return;
	}
	size_t size = 2 * strlen(level->when.text) + fields.within->len + fields.at_least->len + 32;
	char *text = rx_load_alloc(load, size, 1);
	struct wy_buf buf;
	if (!text)
		return;
	wy_buf_init(&buf, text, size);
	wy_buf_addf(&buf, "(%s) and held(%s, %s) >= %s", level->when.text, level->when.text, fields.within->text, fields.at_least->text);
	level->share = (struct rx_cond){.text = text, .node = level->when.node};
}

static void read_level(struct rx_scope *scope, struct rx_level *level, const struct rx_level_keys *fields)
{
	level->tier = (uint8_t)(fields->tier + 1);
	level->when = rx_read_cond(scope->load, fields->when);
	level->clear = rx_read_cond(scope->load, fields->clear);
	level->clear_hold = rx_span_or(scope, fields->clear_hold, 0);
	if (fields->hold && fields->hold->kind == WY_NODE_MAP)
		read_share(scope, level, fields->hold);
	else
		level->hold = rx_span_or(scope, fields->hold, 0);
}

static size_t read_list(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields)
{
	struct rx_load *load = scope->load;
	size_t n = 0;

	if (fields->levels->kind != WY_NODE_SEQ || !fields->levels->n || fields->levels->n > WY_RULE_LEVELS_MAX) {
		rx_error(load, "E105", fields->levels, 0, "expected a list of 1 to %u levels", WY_RULE_LEVELS_MAX);
		return 0;
	}
	for (const struct wy_node *m = fields->levels->child; m; m = m->next) {
		struct rx_level_keys level;
		if (!rx_read_level_keys(load, m, &level))
			continue;
		level.clear = level.clear ? level.clear : fields->clear;
		level.clear_hold = level.clear_hold ? level.clear_hold : fields->clear_hold;
		level.hold = level.hold ? level.hold : fields->hold;
		read_level(scope, &variant->levels[n++], &level);
	}
	return n;
}

/* `when` with `tier`, or `levels`. */
static size_t read_all(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields)
{
	struct rx_load *load = scope->load;
	const struct wy_node *node = scope->rule->node;

	if (fields->levels) {
		if (fields->tier >= 0)
			rx_error(load, "E105", wy_node_get(node, "tier"), 0, "with 'levels' each level has its own tier; take this one out");
		return read_list(scope, variant, fields);
	}
	if (fields->tier < 0) {
		if (!wy_node_get(node, "tier")) /* else said */
			rx_error(load, "E107", node, 0, "key 'tier' is missing here (S1 to S4)");
		return 0;
	}
	struct rx_level_keys level = {.tier = fields->tier, .when = fields->when, .hold = fields->hold,
				     .clear = fields->clear, .clear_hold = fields->clear_hold};
	read_level(scope, &variant->levels[0], &level);
	return 1;
}

size_t rx_read_levels(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields)
{
	size_t n = read_all(scope, variant, fields);

	for (size_t i = 0; i < n && !scope->load->err; i++) {
		size_t errors = scope->load->diags->errors;
		rx_check_cond(scope, &variant->levels[i].when);
		if (scope->load->diags->errors == errors)
			rx_check_cond(scope, &variant->levels[i].share);
		/* A clear of the whole rule is checked once, and shared. */
		struct rx_cond *clear = &variant->levels[i].clear;
		if (i && clear->node && clear->node == variant->levels[0].clear.node)
			*clear = variant->levels[0].clear;
		else
			rx_check_cond(scope, clear);
	}
	return n;
}
