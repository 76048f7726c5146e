/* rule_read.c: one rule: its keys, a variant for each class of its scope, who inhibits it. All mistakes
 * of a rule are reported; a second class would only repeat those of the first. */
#include "rule_read.h"

#include <string.h>

#include "check.h"
#include "fields.h"
#include "keys.h"
#include "lint.h"
#include "names.h"
#include "number.h"
#include "params.h"
#include "template.h"

/* ---- Its fault ---------------------------------------------------------------------------- */

static const char *fault_at(const void *arg, size_t i)
{
	return ((const struct rule_world *)arg)->faults[i];
}

static void check_fault(struct rx_load *load, const char *fault, const struct wy_node *node)
{
	char hint[RX_HINT_SIZE];

	if (!load->world->n_faults || !fault)
		return;
	for (size_t i = 0; i < load->world->n_faults; i++)
		if (strcmp(load->world->faults[i], fault) == 0)
			return;
	rx_error(load, "E301", node, 0, "the catalogue has no fault '%s'%s", fault,
		 rx_did_you_mean(load, fault, load->world->n_faults, fault_at, load->world, hint));
}

/* ---- Levels ------------------------------------------------------------------------------- */

static struct rx_cond read_cond(struct rx_load *load, const struct wy_node *node)
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

static struct rx_span span_or(struct rx_scope *scope, const struct wy_node *node, wy_ms otherwise_ms)
{
	struct rx_span span = {otherwise_ms, RX_NO_USE};

	if (node)
		(void)rx_read_span(scope, node, &span);
	return span;
}

static void read_level(struct rx_scope *scope, struct rx_level *level, const struct rx_level_keys *fields)
{
	level->tier = (uint8_t)(fields->tier + 1);
	level->when = read_cond(scope->load, fields->when);
	level->clear = read_cond(scope->load, fields->clear);
	level->hold = span_or(scope, fields->hold, 0);
	level->clear_hold = span_or(scope, fields->clear_hold, 0);
}

static size_t read_levels(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields)
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

/* Exactly one rule kind: `when` with `tier`, or `levels`. */
static size_t read_kind(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields,
			const struct wy_node *node)
{
	struct rx_load *load = scope->load;

	if ((fields->when && fields->levels) || (!fields->when && !fields->levels)) {
		rx_error(load, "E107", node, 0, "a rule has either 'when' or 'levels'; this one has %s",
			 fields->when ? "both" : "neither");
		return 0;
	}
	if (fields->levels) {
		if (fields->tier >= 0)
			rx_error(load, "E105", wy_node_get(node, "tier"), 0, "with 'levels' each level has its own tier; take this one out");
		return read_levels(scope, variant, fields);
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

/* ---- One class ---------------------------------------------------------------------------- */

static void mark_used(const struct rx_expr *e, bool *points, bool *memories)
{
	if (!e)
		return;
	if (e->op == RX_POINT && e->point)
		points[e->index] = true;
	if (e->op == RX_CALL && e->fn && rx_remembers(e->fn))
		memories[e->index] = true;
	for (const struct rx_expr *c = e->child; c; c = c->next)
		mark_used(c, points, memories);
}

static const uint32_t *list_used(struct rx_load *load, const bool *used, size_t n, size_t *ret_n)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += used[i];
	uint32_t *out = rx_load_alloc(load, found, sizeof(*out));
	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (used[i])
			out[(*ret_n)++] = (uint32_t)i;
	return out;
}

static void list_inputs(struct rx_load *load, struct rx_variant *variant, size_t n_levels)
{
	bool points[WY_POINTS_PER_CLASS] = {false};
	bool memories[WY_RULE_MEMORIES_MAX] = {false};
	const struct rx_class *cls = &load->set->classes[variant->cls];

	for (size_t i = 0; i < n_levels; i++) {
		mark_used(variant->levels[i].when.root, points, memories);
		mark_used(variant->levels[i].clear.root, points, memories);
	}
	mark_used(variant->active.root, points, memories);
	variant->points = list_used(load, points, cls->model->n_points, &variant->n_points);
	variant->memories = list_used(load, memories, cls->n_memories, &variant->n_memories);
}

static void check_cond(struct rx_scope *scope, struct rx_cond *cond)
{
	scope->node = cond->node;
	if (cond->text && !scope->load->err)
		(void)rx_check_condition(scope, cond);
}

/* Defaults that follow from the inputs: tolerate, and the pause after an inhibitor. */
static void default_spans(struct rx_load *load, struct rx_variant *variant, struct rx_span *tolerate,
			  struct rx_span *settle)
{
	const struct wy_class *cls = load->set->classes[variant->cls].model;

	for (size_t i = 0; i < variant->n_points; i++) {
		const struct wy_point *point = &cls->points[variant->points[i]];
		tolerate->ms = point->stale_ms > tolerate->ms ? point->stale_ms : tolerate->ms;
		settle->ms = 2 * point->poll_ms > settle->ms ? 2 * point->poll_ms : settle->ms;
	}
}

/* What the windows of a rule need before they answer. */
static void read_demands(struct rx_scope *scope, const struct rx_rule_keys *fields)
{
	const struct wy_node *cover = fields->min_cover;
	const struct wy_node *samples = fields->min_samples;
	int64_t n = 1;

	scope->min_cover = RX_MIN_COVER;
	if (cover && (cover->kind != WY_NODE_SCALAR || wy_parse_real(cover->text, cover->len, &scope->min_cover) ||
		      scope->min_cover < 0 || scope->min_cover > 1))
		rx_error(scope->load, "E106", cover, 0, "'min_cover' is a share from 0 to 1, such as 0.75");
	if (samples && (samples->kind != WY_NODE_SCALAR || wy_parse_int(samples->text, samples->len, &n) || n < 1 ||
			n > (int64_t)WY_RULE_SAMPLES_MAX))
		rx_error(scope->load, "E106", samples, 0, "'min_samples' is a whole number from 1 to %u", WY_RULE_SAMPLES_MAX);
	scope->min_samples = (uint16_t)n;
}

static void read_variant(struct rx_load *load, struct rx_rule *rule, struct rx_variant *variant,
			 const struct rx_rule_keys *fields)
{
	struct rx_scope scope = {.load = load, .package = (struct rx_package *)rule->package, .cls = variant->cls,
				 .rule = rule};
	struct rx_span tolerate = {0, RX_NO_USE};
	struct rx_span settle = {30000, RX_NO_USE};

	read_demands(&scope, fields);
	size_t n_levels = read_kind(&scope, variant, fields, rule->node);
	rule->info.n_levels = n_levels;
	for (size_t i = 0; i < n_levels && !load->err; i++) {
		check_cond(&scope, &variant->levels[i].when);
		/* A clear of the whole rule is checked once, and shared. */
		struct rx_cond *clear = &variant->levels[i].clear;
		if (i && clear->node && clear->node == variant->levels[0].clear.node)
			*clear = variant->levels[0].clear;
		else
			check_cond(&scope, clear);
	}
	variant->active = read_cond(load, fields->active);
	check_cond(&scope, &variant->active);
	if (load->err)
		return;
	list_inputs(load, variant, n_levels);
	default_spans(load, variant, &tolerate, &settle);
	variant->tolerate = span_or(&scope, fields->tolerate, tolerate.ms);
	variant->unverified_after = span_or(&scope, fields->unverified_after, 15 * 60000);
	variant->settle = span_or(&scope, fields->settle, settle.ms);
	variant->reraise = span_or(&scope, fields->reraise, 3600000);
	if (fields->summary)
		rx_read_summary(&scope, fields->summary, variant);
}

/* ---- Inhibiting rules --------------------------------------------------------------------- */

static uint32_t find_parent(struct rx_load *load, const struct wy_node *node)
{
	if (node->kind == WY_NODE_SCALAR)
		return rx_rule_named(load, node->text, node, 0);
	rx_error(load, "E105", node, 0, "expected the id of a rule, found %s", wy_node_kind_text(node));
	return RX_NO_RULE;
}

struct parent_fields {
	const struct wy_node *rule, *same;
};

static const struct wy_field parent_rows[] = {
	{"rule", WY_FIELD_NODE, offsetof(struct parent_fields, rule), true, 0, 0, NULL, "id of a rule"},
	{"same", WY_FIELD_NODE, offsetof(struct parent_fields, same), true, 0, 0, NULL, "list of labels"},
};

static void read_parent(struct rx_load *load, struct rx_parent *parent, const struct wy_node *node)
{
	struct parent_fields fields = {0};

	parent->node = node;
	if (node->kind != WY_NODE_MAP) {
		parent->rule = find_parent(load, node);
		return;
	}
	parent->rule = RX_NO_RULE;
	if (wy_fields_read(node, parent_rows, 2, &fields, load->diags))
		return;
	parent->rule = find_parent(load, fields.rule);
	if (fields.same->kind != WY_NODE_SEQ || !fields.same->n || fields.same->n > RX_SAME_MAX) {
		rx_error(load, "E105", fields.same, 0, "expected a list of 1 to %u labels", RX_SAME_MAX);
		return;
	}
	for (const struct wy_node *m = fields.same->child; m; m = m->next) {
		const char *label = wy_field_id(m, load->diags);
		if (label)
			parent->same[parent->n_same++] = rx_load_text(load, label, strlen(label));
	}
}

static void read_parents(struct rx_load *load, struct rx_rule *rule, const struct wy_node *node)
{
	if (!node)
		return;
	if (node->kind != WY_NODE_SEQ) {
		rx_error(load, "E105", node, 0, "expected a list of rules such as [lift.mains_lost], found %s",
			 wy_node_kind_text(node));
		return;
	}
	if (node->n > WY_RULE_LIST_MAX) {
		rx_error(load, "E105", node, 0, "at most %u rules can inhibit one; found %zu", WY_RULE_LIST_MAX, node->n);
		return;
	}
	rule->parents = rx_load_alloc(load, node->n, sizeof(*rule->parents));
	for (const struct wy_node *m = node->child; m && rule->parents; m = m->next)
		read_parent(load, &rule->parents[rule->n_parents++], m);
}

/* ---- The rule ----------------------------------------------------------------------------- */

/* The classes a rule is for; each gets a variant. */
static void read_scope(struct rx_load *load, struct rx_rule *rule, const struct wy_node *node,
		       struct rx_scope_list *scopes)
{
	bool is_list = node->kind == WY_NODE_SEQ;
	size_t n = is_list ? node->n : 1;

	if (!n || n > WY_RULE_LIST_MAX) {
		rx_error(load, "E105", node, 0, "expected a list of 1 to %u classes", WY_RULE_LIST_MAX);
		return;
	}
	scopes->items = rx_load_alloc(load, n, sizeof(*scopes->items));
	rule->variants = rx_load_alloc(load, n, sizeof(*rule->variants));
	if (!scopes->items || !rule->variants)
		return;
	for (const struct wy_node *m = is_list ? node->child : node; m; m = is_list ? m->next : NULL) {
		struct rx_selector *selector = &scopes->items[scopes->n];
		if (!rx_read_selector(load, m, selector))
			continue;
		scopes->n++;
		bool is_known = false;
		for (size_t i = 0; i < rule->n_variants; i++)
			is_known = is_known || rule->variants[i].cls == selector->cls;
		if (!is_known)
			rule->variants[rule->n_variants++] =
				(struct rx_variant){.rule = (uint32_t)(rule - load->set->rules), .cls = selector->cls};
	}
}

static uint64_t hash_tree(uint64_t hash, const struct wy_node *node, bool is_top)
{
	if (node->kind == WY_NODE_SCALAR)
		return rx_hash_text(hash, node->text);
	for (const struct wy_node *m = node->child; m; m = m->next) {
		bool is_words = is_top && m->key && (wy_node_is(m->key, "summary") || wy_node_is(m->key, "meta"));
		if (is_words)
			continue;
		if (m->key)
			hash = rx_hash_text(hash, m->key->text);
		hash = hash_tree(hash, m, false);
	}
	return rx_hash_text(hash, "");
}

/* The meaning of a rule: its text without the words, and the parameters of its package. */
static uint64_t hash_rule(const struct rx_rule *rule)
{
	uint64_t hash = hash_tree(RX_HASH_START, rule->node, true);
	const struct wy_node *params = wy_node_get(rule->package->node, "params");

	return params ? hash_tree(hash, params, false) : hash;
}

static void describe_levels(struct rx_load *load, struct rx_rule *rule)
{
	struct rule_level_info *levels = rx_load_alloc(load, WY_RULE_LEVELS_MAX, sizeof(*levels));

	rule->info.levels = levels;
	for (size_t i = 0; levels && i < rule->info.n_levels; i++) {
		const struct rx_level *level = &rule->variants[0].levels[i];
		levels[i] = (struct rule_level_info){level->tier, level->when.text, level->clear.text};
	}
}

void rx_read_rule(struct rx_load *load, struct rx_rule *rule, struct rx_scope_list *scopes)
{
	struct rx_rule_keys fields;
	size_t errors = load->diags->errors;

	if (!rx_read_rule_keys(load, rule->node, &fields) && !fields.scope)
		return;
	if (fields.fault) {
		rule->info.fault = rx_load_text(load, fields.fault, strlen(fields.fault));
		check_fault(load, fields.fault, wy_node_get(rule->node, "fault"));
	}
	rule->info.latch = (enum rule_latch)fields.latch;
	rule->on_unknown = (enum rx_on_unknown)fields.on_unknown;
	uint64_t hash = hash_rule(rule);
	rule->info.revision = (uint32_t)(hash ^ hash >> 32);
	read_parents(load, rule, fields.inhibited_by);
	if (!fields.scope)
		return;
	read_scope(load, rule, fields.scope, scopes);
	for (size_t i = 0; i < rule->n_variants && !load->err; i++) {
		size_t before = load->diags->errors;
		read_variant(load, rule, &rule->variants[i], &fields);
		if (load->diags->errors > before)
			break; /* another class would only say the same again */
	}
	if (rule->n_variants && !load->err)
		describe_levels(load, rule);
	if (load->diags->errors == errors && !load->err)
		rx_lint_rule(load, rule);
}
