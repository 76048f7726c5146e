/* rule_read.c: one rule: its keys, a variant for each class of its scope, who inhibits it. All mistakes
 * of a rule are reported; a second class would only repeat those of the first. */
#include "rule_read.h"

#include <string.h>

#include "keyed.h"
#include "lint.h"
#include "names.h"
#include "number.h"
#include "read_parts.h"
#include "telling_read.h"
#include "template.h"

/* ---- Its fault ---------------------------------------------------------------------------- */

static const char *fault_at(const void *arg, size_t i)
{
	return ((const struct rule_world *)arg)->faults[i];
}

void rx_check_fault(struct rx_load *load, const char *fault, const struct wy_node *node)
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

/* ---- One class ---------------------------------------------------------------------------- */

static void mark_used(const struct rx_expr *e, bool *points, bool *memories)
{
	if (!e)
		return;
	if (e->op == RX_POINT && e->point && !e->far)
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
		mark_used(variant->levels[i].share.root, points, memories);
	}
	for (size_t i = 0; i < variant->n_steps; i++)
		mark_used(variant->steps[i].event.root, points, memories);
	mark_used(variant->until.root, points, memories);
	mark_used(variant->active.root, points, memories);
	variant->points = list_used(load, points, cls->model->n_points, &variant->n_points);
	variant->memories = list_used(load, memories, cls->n_memories, &variant->n_memories);
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
	size_t errors = load->diags->errors;
	struct rx_span tolerate = {0, RX_NO_USE};
	struct rx_span settle = {30000, RX_NO_USE};

	variant->is_raw = !fields->in_service_only && load->set->classes[variant->cls].has_service;
	scope.is_raw = variant->is_raw;
	read_demands(&scope, fields);
	rx_read_by(&scope, variant, fields);
	bool is_level = rule->info.kind == RULE_KIND_LEVEL;
	size_t n_levels = is_level ? rx_read_levels(&scope, variant, fields) : rx_read_steps(&scope, variant, fields);
	rule->info.n_levels = n_levels;
	variant->active = rx_read_cond(load, fields->active);
	rx_check_cond(&scope, &variant->active);
	if (load->err)
		return;
	if (load->diags->errors == errors)
		rx_check_keyed(&scope, variant);
	if (load->err)
		return;
	list_inputs(load, variant, n_levels);
	default_spans(load, variant, &tolerate, &settle);
	variant->tolerate = rx_span_or(&scope, fields->tolerate, tolerate.ms);
	variant->unverified_after = rx_span_or(&scope, fields->unverified_after, 15 * 60000);
	variant->settle = rx_span_or(&scope, fields->settle, settle.ms);
	/* A condition that still stands is no news; an event is. */
	variant->reraise = rx_span_or(&scope, fields->reraise, is_level ? 3600000 : 0);
	rx_read_words(&scope, variant, fields);
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

/* What people read, and not what the rule means. */
static bool is_words(const struct wy_node *key)
{
	static const char *const words[] = {"summary", "detail", "action", "attach", "meta"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (wy_node_is(key, words[i]))
			return true;
	return false;
}

static uint64_t hash_tree(uint64_t hash, const struct wy_node *node, bool is_top)
{
	if (node->kind == WY_NODE_SCALAR)
		return rx_hash_text(hash, node->text);
	for (const struct wy_node *m = node->child; m; m = m->next) {
		if (is_top && m->key && is_words(m->key))
			continue;
		if (m->key)
			hash = rx_hash_text(hash, m->key->text);
		hash = hash_tree(hash, m, false);
	}
	return rx_hash_text(hash, "");
}

/* The meaning of a rule: its text without the words, and the parameters and signals of its package. */
static uint64_t hash_rule(const struct rx_rule *rule)
{
	uint64_t hash = hash_tree(RX_HASH_START, rule->node, true);
	const struct wy_node *params = wy_node_get(rule->package->node, "params");
	const struct wy_node *signals = wy_node_get(rule->package->node, "signals");

	hash = params ? hash_tree(hash, params, false) : hash;
	return signals ? hash_tree(hash, signals, false) : hash;
}

uint32_t rx_revision(const struct rx_rule *rule)
{
	uint64_t hash = hash_rule(rule);

	return (uint32_t)(hash ^ hash >> 32);
}

/* "rise(a), absent rise(b) for 15s", "rise(a) if c" */
static const char *text_of_steps(struct rx_load *load, const struct rx_variant *variant)
{
	char text[1000];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	for (size_t i = 0; i < variant->n_steps; i++) {
		const struct rx_stage *step = &variant->steps[i];
		wy_buf_addf(&buf, "%s%s%s", i ? ", " : "", step->is_absent ? "absent " : "", step->event.text);
		if (step->limit.ms)
			wy_buf_add(&buf, step->is_absent ? " for " : " within ");
		if (step->limit.ms)
			wy_buf_duration(&buf, step->limit.ms);
	}
	if (variant->levels[0].when.text)
		wy_buf_addf(&buf, " if %s", variant->levels[0].when.text);
	return rx_load_text(load, text, buf.len);
}

static void describe_levels(struct rx_load *load, struct rx_rule *rule)
{
	struct rule_level_info *levels = rx_load_alloc(load, WY_RULE_LEVELS_MAX, sizeof(*levels));

	rule->info.levels = levels;
	for (size_t i = 0; levels && i < rule->info.n_levels; i++) {
		const struct rx_level *level = &rule->variants[0].levels[i];
		levels[i] = (struct rule_level_info){level->tier, level->when.text, level->clear.text};
		if (rule->info.kind != RULE_KIND_LEVEL)
			levels[i].when_text = text_of_steps(load, &rule->variants[0]);
	}
}

void rx_read_rule(struct rx_load *load, struct rx_rule *rule, struct rx_scope_list *scopes)
{
	struct rx_rule_keys fields;
	size_t errors = load->diags->errors + load->silent;

	if (!rx_read_rule_keys(load, rule->node, &fields) && !fields.scope)
		return;
	if (fields.fault) {
		rule->info.fault = rx_load_text(load, fields.fault, strlen(fields.fault));
		rx_check_fault(load, fields.fault, wy_node_get(rule->node, "fault"));
	}
	rule->info.latch = (enum rule_latch)fields.latch;
	rule->on_unknown = (enum rx_on_unknown)fields.on_unknown;
	rule->info.revision = rx_revision(rule);
	rx_read_parents(load, rule, fields.inhibited_by);
	if (!rx_read_kind(load, &fields, rule->node, &rule->info.kind) || !fields.scope)
		return;
	read_scope(load, rule, fields.scope, scopes);
	for (size_t i = 0; i < rule->n_variants && !load->err; i++) {
		size_t before = load->diags->errors + load->silent;
		read_variant(load, rule, &rule->variants[i], &fields);
		if (load->diags->errors + load->silent > before)
			break; /* another class would only say the same again */
	}
	if (rule->n_variants && !load->err)
		describe_levels(load, rule);
	if (!load->err)
		rx_read_telling(load, rule, &fields);
	if (load->diags->errors + load->silent == errors && !load->err)
		rx_lint_rule(load, rule);
}
