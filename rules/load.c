/* load.c: rule files to a compiled set: packages, keys of rules (keys.def), one variant per class.
 *
 * Two passes: first all ids, so that rules may name each other in any order; then expressions. All
 * mistakes are reported; with any error there is no set. */
#include <string.h>

#include "fields.h"
#include "load.h"

/* ---- Small things ------------------------------------------------------------------------- */

void *rx_load_alloc(struct rx_load *load, size_t n, size_t size)
{
	void *out = wy_arena_array(load->arena, n, size);

	if (!out)
		load->err = WY_E_NOMEM;
	return out;
}

const char *rx_load_text(struct rx_load *load, const char *text, size_t len)
{
	const char *out = wy_arena_text(load->arena, text, len);

	if (!out)
		load->err = WY_E_NOMEM;
	return out;
}

const char *rx_did_you_mean(const char *near, char *out, size_t size)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	if (near)
		wy_buf_addf(&buf, "; did you mean '%s'?", near);
	return out;
}

uint64_t rx_hash(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 1099511628211u;
	return hash;
}

uint64_t rx_hash_text(uint64_t hash, const char *text)
{
	return rx_hash(hash, text, strlen(text) + 1);
}

/* ---- Keys --------------------------------------------------------------------------------- */

#define TYPE_ID const char *
#define TYPE_CHOICE int
#define TYPE_NODE const struct wy_node *

struct rule_fields {
#define KEY(key, kind, is_required, help) TYPE_##kind key;
#define LEVEL_KEY(key, kind, is_required, help)
#define LATER_KEY(key) const struct wy_node *later_##key;
#include "keys.def"
#undef KEY
#undef LEVEL_KEY
#undef LATER_KEY
};

struct level_fields {
#define KEY(key, kind, is_required, help)
#define LEVEL_KEY(key, kind, is_required, help) TYPE_##kind key;
#define LATER_KEY(key)
#include "keys.def"
#undef KEY
#undef LEVEL_KEY
#undef LATER_KEY
};

static const char *const choices_tier[] = {"S1", "S2", "S3", "S4", NULL};
static const char *const choices_latch[] = {"none", "ack", "reset", NULL};
static const char *const choices_on_unknown[] = {"freeze", "raise", "clear", "reset", NULL};

static const struct {
	const char *key;
	const char *const *choices;
} choices[] = {{"tier", choices_tier}, {"latch", choices_latch}, {"on_unknown", choices_on_unknown}};

static const struct wy_field rule_rows[] = {
#define KEY(key_, kind_, is_required_, help_) \
	{.key = #key_, .kind = WY_FIELD_##kind_, .offset = offsetof(struct rule_fields, key_), .is_required = is_required_, .help = help_},
#define LEVEL_KEY(key, kind, is_required, help)
#define LATER_KEY(key_) \
	{.key = #key_, .kind = WY_FIELD_NODE, .offset = offsetof(struct rule_fields, later_##key_), .help = "not in this version"},
#include "keys.def"
#undef KEY
#undef LEVEL_KEY
#undef LATER_KEY
};

static const struct wy_field level_rows[] = {
#define KEY(key, kind, is_required, help)
#define LEVEL_KEY(key_, kind_, is_required_, help_) \
	{.key = #key_, .kind = WY_FIELD_##kind_, .offset = offsetof(struct level_fields, key_), .is_required = is_required_, .help = help_},
#define LATER_KEY(key)
#include "keys.def"
#undef KEY
#undef LEVEL_KEY
#undef LATER_KEY
};

static const char *const later_keys[] = {
#define KEY(key, kind, is_required, help)
#define LEVEL_KEY(key, kind, is_required, help)
#define LATER_KEY(key) #key,
#include "keys.def"
#undef KEY
#undef LEVEL_KEY
#undef LATER_KEY
};

#define N_RULE_ROWS (sizeof(rule_rows) / sizeof(*rule_rows))
#define N_LEVEL_ROWS (sizeof(level_rows) / sizeof(*level_rows))

/* fields.h wants the choices in the rows; the .def cannot hold them. */
static void add_choices(struct wy_field *rows, const struct wy_field *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rows[i] = from[i];
		for (size_t j = 0; j < sizeof(choices) / sizeof(*choices); j++)
			if (strcmp(rows[i].key, choices[j].key) == 0)
				rows[i].choices = choices[j].choices;
	}
}

static bool read_rule_fields(struct rx_load *load, const struct wy_node *node, struct rule_fields *fields)
{
	struct wy_field rows[N_RULE_ROWS];
	size_t errors = load->diags->errors;

	add_choices(rows, rule_rows, N_RULE_ROWS);
	*fields = (struct rule_fields){.tier = -1};
	if (wy_fields_read(node, rows, N_RULE_ROWS, fields, load->diags))
		errors = SIZE_MAX; /* said */
	for (size_t i = 0; i < sizeof(later_keys) / sizeof(*later_keys); i++) {
		const struct wy_node *later = wy_node_get(node, later_keys[i]);
		if (later)
			rx_error(load, "E109", later->key, 0, "the key '%s' is not in this version", later_keys[i]);
	}
	return errors != SIZE_MAX;
}

/* ---- Files and rules: names --------------------------------------------------------------- */

struct file_fields {
	const char *weiyu, *package;
	int64_t version;
	const struct wy_node *params, *calendars, *rules, *signals, *correlate;
};

static const struct wy_field file_rows[] = {
	{"weiyu", WY_FIELD_TEXT, offsetof(struct file_fields, weiyu), true, 0, 0, NULL, "rules/1"},
	{"package", WY_FIELD_ID, offsetof(struct file_fields, package), true, 0, 0, NULL, "name of the package"},
	{"version", WY_FIELD_INT, offsetof(struct file_fields, version), false, 0, 1e9, NULL, "whole number"},
	{"params", WY_FIELD_NODE, offsetof(struct file_fields, params), false, 0, 0, NULL, "map of parameters"},
	{"calendars", WY_FIELD_NODE, offsetof(struct file_fields, calendars), false, 0, 0, NULL, "map of calendars"},
	{"rules", WY_FIELD_NODE, offsetof(struct file_fields, rules), true, 0, 0, NULL, "list of rules"},
	{"signals", WY_FIELD_NODE, offsetof(struct file_fields, signals), false, 0, 0, NULL, "not in this version"},
	{"correlate", WY_FIELD_NODE, offsetof(struct file_fields, correlate), false, 0, 0, NULL, "not in this version"},
};

static void refuse_later(struct rx_load *load, const struct wy_node *node)
{
	if (node)
		rx_error(load, "E109", node->key, 0, "the key '%s' is not in this version", node->key->text);
}

static void name_rules(struct rx_load *load, struct rx_package *package, const struct wy_node *list)
{
	if (list->kind != WY_NODE_SEQ) {
		rx_error(load, "E105", list, 0, "expected a list of rules, found %s", wy_node_kind_text(list));
		return;
	}
	for (const struct wy_node *m = list->child; m && !load->err; m = m->next) {
		struct rx_rule *rule = &load->set->rules[load->set->n_rules];
		const struct wy_node *id = wy_node_get(m, "id");
		rule->node = m;
		rule->package = package;
		rule->info.file = m->source ? rx_load_text(load, m->source->name, strlen(m->source->name)) : "";
		rule->info.line = m->line;
		rule->info.id = id && id->kind == WY_NODE_SCALAR ? rx_load_text(load, id->text, id->len) : NULL;
		load->set->n_rules++;
	}
}

static void read_file(struct rx_load *load, struct rx_package *package, const struct wy_node *root)
{
	struct file_fields fields = {0};

	package->node = root;
	package->name = "";
	if (wy_fields_read(root, file_rows, sizeof(file_rows) / sizeof(*file_rows), &fields, load->diags))
		return;
	if (strcmp(fields.weiyu, "rules/1") != 0) {
		rx_error(load, "E105", wy_node_get(root, "weiyu"), 0, "expected rules/1, found '%s'", fields.weiyu);
		return;
	}
	package->name = rx_load_text(load, fields.package, strlen(fields.package));
	package->version = fields.version;
	refuse_later(load, fields.signals);
	refuse_later(load, fields.correlate);
	if (!package->name)
		return;
	rx_read_params(load, package, fields.params);
	rx_read_calendars(load, package, fields.calendars);
	name_rules(load, package, fields.rules);
}

static void check_ids(struct rx_load *load)
{
	struct rule_set *set = load->set;

	for (size_t i = 0; i < set->n_rules; i++) {
		const struct rx_rule *rule = &set->rules[i];
		const struct wy_node *node = wy_node_get(rule->node, "id");
		if (!rule->info.id)
			continue;
		size_t len = strlen(rule->package->name);
		if (strncmp(rule->info.id, rule->package->name, len) != 0 || rule->info.id[len] != '.')
			rx_error(load, "E105", node, 0, "a rule of this package is named '%s.something', found '%s'",
				 rule->package->name, rule->info.id);
		for (size_t j = 0; j < i; j++) {
			const struct rx_rule *other = &set->rules[j];
			if (!other->info.id || strcmp(other->info.id, rule->info.id) != 0)
				continue;
			rx_error(load, "E509", node, 0, "the id '%s' is taken by %s:%u", rule->info.id,
				 other->info.file, other->info.line);
			break;
		}
	}
}

/* ---- One rule ----------------------------------------------------------------------------- */

static const char *fault_at(const void *arg, size_t i)
{
	return ((const struct rule_world *)arg)->faults[i];
}

static void check_fault(struct rx_load *load, const char *fault, const struct wy_node *node)
{
	char hint[120];

	if (!load->world->n_faults || !fault)
		return;
	for (size_t i = 0; i < load->world->n_faults; i++)
		if (strcmp(load->world->faults[i], fault) == 0)
			return;
	const char *near = wy_nearest(fault, load->world->n_faults, fault_at, load->world);
	rx_error(load, "E301", node, 0, "the catalogue has no fault '%s'%s", fault,
		 rx_did_you_mean(near, hint, sizeof(hint)));
}

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

static void read_level(struct rx_scope *scope, struct rx_level *level, const struct level_fields *fields)
{
	level->tier = (uint8_t)(fields->tier + 1);
	level->when = read_cond(scope->load, fields->when);
	level->clear = read_cond(scope->load, fields->clear);
	level->hold = span_or(scope, fields->hold, 0);
	level->clear_hold = span_or(scope, fields->clear_hold, 0);
}

static size_t read_levels(struct rx_scope *scope, struct rx_variant *variant, const struct rule_fields *fields)
{
	struct wy_field rows[N_LEVEL_ROWS];
	struct rx_load *load = scope->load;
	size_t n = 0;

	add_choices(rows, level_rows, N_LEVEL_ROWS);
	if (fields->levels->kind != WY_NODE_SEQ || !fields->levels->n || fields->levels->n > WY_RULE_LEVELS_MAX) {
		rx_error(load, "E105", fields->levels, 0, "expected a list of 1 to %u levels", WY_RULE_LEVELS_MAX);
		return 0;
	}
	for (const struct wy_node *m = fields->levels->child; m; m = m->next) {
		struct level_fields level = {.tier = -1};
		if (wy_fields_read(m, rows, N_LEVEL_ROWS, &level, load->diags))
			continue;
		level.clear = level.clear ? level.clear : fields->clear;
		level.clear_hold = level.clear_hold ? level.clear_hold : fields->clear_hold;
		level.hold = level.hold ? level.hold : fields->hold;
		read_level(scope, &variant->levels[n++], &level);
	}
	return n;
}

/* Exactly one rule kind: `when` with `tier`, or `levels`. */
static size_t read_kind(struct rx_scope *scope, struct rx_variant *variant, const struct rule_fields *fields,
			const struct wy_node *node)
{
	struct rx_load *load = scope->load;

	if ((fields->when && fields->levels) || (!fields->when && !fields->levels)) {
		rx_error(load, "E107", node, 0, "a rule has either 'when' or 'levels'");
		return 0;
	}
	if (fields->levels) {
		if (fields->tier >= 0)
			rx_error(load, "E105", wy_node_get(node, "tier"), 0, "with 'levels' each level has its own tier");
		return read_levels(scope, variant, fields);
	}
	if (fields->tier < 0) {
		rx_error(load, "E107", node, 0, "key 'tier' is missing here (S1 to S4)");
		return 0;
	}
	struct level_fields level = {.tier = fields->tier, .when = fields->when, .hold = fields->hold,
				     .clear = fields->clear, .clear_hold = fields->clear_hold};
	read_level(scope, &variant->levels[0], &level);
	return 1;
}

static void mark_used(const struct rx_expr *e, bool *points, bool *memories)
{
	if (!e)
		return;
	if (e->op == RX_POINT && e->point)
		points[e->index] = true;
	if (e->op == RX_CALL && e->fn && e->fn->memory_bytes)
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

static void read_variant(struct rx_load *load, struct rx_rule *rule, struct rx_variant *variant,
			 const struct rule_fields *fields)
{
	struct rx_scope scope = {.load = load, .package = (struct rx_package *)rule->package, .cls = variant->cls,
				 .rule = rule};
	struct rx_span tolerate = {0, RX_NO_USE};
	struct rx_span settle = {30000, RX_NO_USE};

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

static const char *rule_at(const void *arg, size_t i)
{
	return ((const struct rule_set *)arg)->rules[i].info.id;
}

static void find_parent(struct rx_load *load, struct rx_parent *parent, const struct wy_node *node)
{
	const struct rule_set *set = load->set;
	char hint[120];

	parent->rule = UINT32_MAX;
	if (node->kind != WY_NODE_SCALAR) {
		rx_error(load, "E105", node, 0, "expected the id of a rule, found %s", wy_node_kind_text(node));
		return;
	}
	for (size_t i = 0; i < set->n_rules; i++)
		if (set->rules[i].info.id && strcmp(set->rules[i].info.id, node->text) == 0)
			parent->rule = (uint32_t)i;
	if (parent->rule != UINT32_MAX)
		return;
	const char *near = wy_nearest(node->text, set->n_rules, rule_at, set);
	rx_error(load, "E301", node, 0, "there is no rule '%s'%s", node->text, rx_did_you_mean(near, hint, sizeof(hint)));
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
		find_parent(load, parent, node);
		return;
	}
	parent->rule = UINT32_MAX;
	if (wy_fields_read(node, parent_rows, 2, &fields, load->diags))
		return;
	find_parent(load, parent, fields.rule);
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
		rx_error(load, "E105", node, 0, "expected a list of rules, found %s", wy_node_kind_text(node));
		return;
	}
	rule->parents = rx_load_alloc(load, node->n, sizeof(*rule->parents));
	for (const struct wy_node *m = node->child; m && rule->parents; m = m->next)
		read_parent(load, &rule->parents[rule->n_parents++], m);
}

/* The classes a rule is for; each gets a variant. */
static void read_scope(struct rx_load *load, struct rx_rule *rule, const struct wy_node *node,
		       struct rx_scope_list *scopes)
{
	bool is_list = node->kind == WY_NODE_SEQ;
	size_t n = is_list ? node->n : 1;

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

static void read_rule(struct rx_load *load, struct rx_rule *rule, struct rx_scope_list *scopes)
{
	struct rule_fields fields;
	size_t errors = load->diags->errors;

	if (!read_rule_fields(load, rule->node, &fields)) {
		if (!fields.scope)
			return;
	}
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

/* ---- The whole ---------------------------------------------------------------------------- */

static const char *why_text(struct rx_load *load, const char *point, const char *quality)
{
	char text[160];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_addf(&buf, "%s %s", point, quality);
	return rx_load_text(load, text, buf.len);
}

static void begin_class(struct rx_load *load, struct rx_class *cls, const struct wy_class *model)
{
	cls->model = model;
	cls->layout = RX_HASH_START;
	cls->shortest_poll_ms = model->n_points ? model->points[0].poll_ms : 1000;
	cls->memories = rx_load_alloc(load, WY_RULE_MEMORIES_MAX, sizeof(*cls->memories));
	cls->uses = rx_load_alloc(load, WY_RULE_USES_MAX, sizeof(*cls->uses));
	cls->why = rx_load_alloc(load, model->n_points, sizeof(*cls->why));
	for (size_t i = 0; i < model->n_points && !load->err; i++) {
		const struct wy_point *point = &model->points[i];
		cls->layout = rx_hash_text(cls->layout, point->name);
		cls->layout = rx_hash(cls->layout, &point->type, sizeof(point->type));
		if (point->poll_ms < cls->shortest_poll_ms)
			cls->shortest_poll_ms = point->poll_ms;
		for (uint8_t q = WY_Q_NEVER; q <= WY_Q_STALE; q++)
			cls->why[i][q] = why_text(load, point->name, wy_quality_text(q));
	}
}

static size_t count_rules(const struct wy_node *const *files, size_t n_files)
{
	size_t n = 0;

	for (size_t i = 0; i < n_files; i++) {
		const struct wy_node *rules = wy_node_get(files[i], "rules");
		n += rules ? rules->n : 0;
	}
	return n;
}

static bool begin(struct rx_load *load, const struct wy_node *const *files, size_t n_files)
{
	const struct rule_world *world = load->world;
	size_t n_rules = count_rules(files, n_files);
	struct rule_set *set = rx_load_alloc(load, 1, sizeof(*set));

	if (!set)
		return false;
	load->set = set;
	if (n_rules > WY_RULES_MAX) {
		rx_error(load, "E601", files[0], 0, "%zu rules; at most %u", n_rules, WY_RULES_MAX);
		load->err = WY_E_LIMIT;
		return false;
	}
	set->world = world;
	set->wall = (struct rx_wall){world->zone, world->holidays, world->n_holidays};
	set->packages = rx_load_alloc(load, n_files, sizeof(*set->packages));
	set->rules = rx_load_alloc(load, n_rules, sizeof(*set->rules));
	set->classes = rx_load_alloc(load, world->n_classes, sizeof(*set->classes));
	for (size_t i = 0; i < world->n_classes && !load->err; i++)
		begin_class(load, &set->classes[i], &world->classes[i]);
	return !load->err;
}

static enum wy_err compile(struct rx_load *load, const struct wy_node *const *files, size_t n_files)
{
	if (!begin(load, files, n_files))
		return load->err;
	struct rule_set *set = load->set;
	for (size_t i = 0; i < n_files && !load->err; i++)
		read_file(load, &set->packages[set->n_packages++], files[i]);
	check_ids(load);
	struct rx_scope_list *scopes = rx_load_alloc(load, set->n_rules, sizeof(*scopes));
	for (size_t i = 0; i < set->n_rules && !load->err; i++)
		read_rule(load, &set->rules[i], &scopes[i]);
	if (load->err)
		return load->err;
	if (load->diags->errors)
		return WY_E_INVALID;
	return rx_bind(load, scopes);
}

enum wy_err rule_compile(const struct rule_world *world, const struct wy_node *const *files, size_t n_files,
			 struct wy_arena *arena, struct wy_diags *diags, struct rule_set **ret_set)
{
	struct rx_load load = {.world = world, .arena = arena, .diags = diags};
	size_t errors = diags->errors;

	/* Errors of others in the same diags do not concern this set. */
	diags->errors = 0;
	enum wy_err err = compile(&load, files, n_files);
	if (!err && diags->errors)
		err = WY_E_INVALID;
	diags->errors += errors;
	if (err == WY_E_NOMEM)
		wy_diag_add(diags, WY_DIAG_ERROR, "E601", n_files ? files[0] : NULL, 0,
			    "the rules do not fit into the %zu bytes set aside for a load", arena->size);
	if (!err)
		*ret_set = load.set;
	return err;
}
