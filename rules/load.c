/* load.c: rule files to a compiled set: packages, their ids, then their rules, then the site.
 *
 * Two passes: first all ids, so that rules may name each other in any order; then expressions. All
 * mistakes are reported; with any error there is no set. */
#include <string.h>

#include "bind.h"
#include "budget.h"
#include "fields.h"
#include "group_read.h"
#include "lint_set.h"
#include "names.h"
#include "params.h"
#include "rule_read.h"
#include "service.h"
#include "signals.h"

/* ---- Files and their ids ------------------------------------------------------------------ */

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
	{"signals", WY_FIELD_NODE, offsetof(struct file_fields, signals), false, 0, 0, NULL, "list of expressions with a name"},
	{"correlate", WY_FIELD_NODE, offsetof(struct file_fields, correlate), false, 0, 0, NULL, "list of groups"},
};

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
		rule->source = RX_NO_RULE;
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
	if (!package->name)
		return;
	rx_read_params(load, package, fields.params);
	rx_read_calendars(load, package, fields.calendars);
	rx_read_signals(load, package, fields.signals);
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
	}
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
		cls->why[i][RX_WHY_OOS] = why_text(load, point->name, "oos");
	}
}

static size_t count_rules(const struct wy_node *const *files, size_t n_files)
{
	size_t n = 0;

	for (size_t i = 0; i < n_files; i++) {
		const struct wy_node *rules = wy_node_get(files[i], "rules");
		n += (rules ? rules->n : 0) + rx_count_made(files[i]);
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
		rx_error(load, "E601", files[0], 0, "%zu rules; at most %u: leave out packages this building does not need", n_rules, WY_RULES_MAX);
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
	for (size_t i = 0; i < world->n_classes && !load->err; i++)
		rx_read_service(load, (uint32_t)i);
	return !load->err;
}

/* Groups and problems stand behind all the rules they are made of. */
static void read_rule(struct rx_load *load, struct rx_rule *rule, struct rx_scope_list *scopes)
{
	if (rule->info.kind == RULE_KIND_GROUP)
		rx_read_group(load, rule);
	else if (rule->info.kind == RULE_KIND_PROBLEM)
		rx_read_problem(load, rule);
	else
		rx_read_rule(load, rule, scopes);
}

static enum wy_err compile(struct rx_load *load, const struct wy_node *const *files, size_t n_files)
{
	if (!begin(load, files, n_files))
		return load->err;
	struct rule_set *set = load->set;
	for (size_t i = 0; i < n_files && !load->err; i++)
		read_file(load, &set->packages[set->n_packages++], files[i]);
	for (size_t i = 0; i < set->n_packages && !load->err; i++)
		rx_name_groups(load, &set->packages[i], wy_node_get(set->packages[i].node, "correlate"));
	rx_name_problems(load);
	check_ids(load);
	rx_sort_ids(load);
	struct rx_scope_list *scopes = rx_load_alloc(load, set->n_rules, sizeof(*scopes));
	for (size_t i = 0; i < set->n_rules && !load->err; i++)
		read_rule(load, &set->rules[i], &scopes[i]);
	for (size_t i = 0; i < set->n_packages && !load->err; i++)
		rx_check_idle_signals(load, &set->packages[i]);
	if (load->err)
		return load->err;
	if (load->diags->errors)
		return WY_E_INVALID;
	rx_lint_set(load);
	return rx_bind(load, scopes);
}

static void say_full(const struct rx_load *load, const struct wy_node *file)
{
	const struct rule_set *set = load->set;
	char most[400];
	struct wy_buf buf;

	wy_buf_init(&buf, most, sizeof(most));
	if (set && set->n_instances) {
		wy_buf_addf(&buf, ", with %zu pairs of a rule and an asset", set->n_instances);
		rx_add_most_instances(set, &buf);
	} else if (set) {
		wy_buf_addf(&buf, ", with %zu rules", set->n_rules);
	}
	wy_diag_add(load->diags, WY_DIAG_ERROR, "E601", file, 0, "the rules do not fit into the %zu bytes set aside for a load%s",
		    load->arena->size, most);
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
		say_full(&load, n_files ? files[0] : NULL);
	if (!err)
		*ret_set = load.set;
	return err;
}
