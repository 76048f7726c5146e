/* names.c: see names.h. */
#include "names.h"

#include <string.h>

#include "ask_others.h"
#include "kinds.h"
#include "signals.h"

const char *rx_own_name(struct rx_scope *scope, struct rx_expr *e)
{
	const char *name = rx_load_text(scope->load, e->name, e->name_len);

	e->name_len = name ? e->name_len : 0;
	return name ? name : "";
}

static const char *point_name(const void *arg, size_t i)
{
	return ((const struct wy_class *)arg)->points[i].name;
}

/* What other languages, and YAML, take for true or false. */
static bool is_truth_elsewhere(const char *name)
{
	return strcmp(name, "yes") == 0 || strcmp(name, "no") == 0 || strcmp(name, "on") == 0 || strcmp(name, "off") == 0;
}

enum rx_type rx_check_point(struct rx_scope *scope, struct rx_expr *e)
{
	static const enum rx_type types[] = {
		[WY_TYPE_BOOL] = RX_T_BOOL, [WY_TYPE_INT] = RX_T_INT, [WY_TYPE_REAL] = RX_T_REAL,
		[WY_TYPE_ENUM] = RX_T_ENUM, [WY_TYPE_COUNTER] = RX_T_COUNTER};
	const struct wy_class *cls = scope->load->set->classes[scope->cls].model;
	char hint[RX_HINT_SIZE];

	e->name = rx_own_name(scope, e);
	if (strchr(e->name, '.'))
		return rx_check_far(scope, e) ? types[e->point->type] : RX_T_NONE;
	for (size_t i = 0; i < cls->n_points; i++) {
		if (strcmp(cls->points[i].name, e->name) != 0)
			continue;
		e->index = (uint32_t)i;
		e->point = &cls->points[i];
		e->unit = e->point->unit;
		return types[e->point->type];
	}
	struct rx_signal *signal = rx_signal_named(scope, e->name);
	if (signal)
		return rx_check_signal(scope, e, signal);
	const char *near = rx_did_you_mean(scope->load, e->name, cls->n_points, point_name, cls, hint);
	rx_error(scope->load, "E301", scope->node, rx_at(scope, e), "class '%s' has no point '%s'%s", cls->id, e->name,
		 is_truth_elsewhere(e->name) ? "; write true or false" : near);
	return RX_T_NONE;
}

static const char *param_name(const void *arg, size_t i)
{
	return ((const struct rx_package *)arg)->params[i].name;
}

uint32_t rx_use_of(struct rx_scope *scope, const char *name, size_t len, size_t at)
{
	struct rx_class *cls = &scope->load->set->classes[scope->cls];
	const struct rx_param *param = NULL;
	char own[80];
	char hint[RX_HINT_SIZE];
	struct wy_buf buf;

	for (size_t i = 0; i < scope->package->n_params && !param; i++)
		if (strlen(scope->package->params[i].name) == len &&
		    memcmp(scope->package->params[i].name, name, len) == 0)
			param = &scope->package->params[i];
	if (!param) {
		wy_buf_init(&buf, own, sizeof(own));
		wy_buf_addn(&buf, name, len);
		rx_error(scope->load, "E301", scope->node, at, "package '%s' has no parameter '%s'%s",
			 scope->package->name, own,
			 rx_did_you_mean(scope->load, own, scope->package->n_params, param_name, scope->package, hint));
		return RX_NO_USE;
	}
	for (size_t i = 0; i < cls->n_uses; i++)
		if (cls->uses[i].param == param)
			return (uint32_t)i;
	if (cls->n_uses == WY_RULE_USES_MAX) {
		rx_error(scope->load, "E601", scope->node, at, "class '%s': more than %u parameters in use",
			 cls->model->id, WY_RULE_USES_MAX);
		return RX_NO_USE;
	}
	cls->uses[cls->n_uses] = (struct rx_use){scope->package, param};
	return (uint32_t)cls->n_uses++;
}

enum rx_type rx_check_param(struct rx_scope *scope, struct rx_expr *e)
{
	e->name = rx_own_name(scope, e);
	e->index = rx_use_of(scope, e->name, e->name_len, rx_at(scope, e));
	if (e->index == RX_NO_USE)
		return RX_T_NONE;
	const struct rx_use *use = &scope->load->set->classes[scope->cls].uses[e->index];
	const struct rx_param *param = use->param;
	e->package = use->package->name;
	e->unit = param->unit;
	return param->type;
}

static const char *value_name(const void *arg, size_t i)
{
	return ((const struct wy_point *)arg)->values[i];
}

bool rx_resolve_word(struct rx_scope *scope, struct rx_expr *word, const struct wy_point *point)
{
	char hint[RX_HINT_SIZE];

	if (word->op != RX_WORD)
		return true;
	word->name = rx_own_name(scope, word);
	for (size_t i = 0; i < point->n_values; i++) {
		if (strcmp(point->values[i], word->name) != 0)
			continue;
		word->index = (uint32_t)i;
		word->whole = (int64_t)i;
		word->point = point;
		word->hash = rx_hash_node(word);
		return true;
	}
	rx_error(scope->load, "E206", scope->node, rx_at(scope, word), "point '%s' has no value %s%s", point->name,
		 word->name, rx_did_you_mean(scope->load, word->name, point->n_values, value_name, point, hint));
	return false;
}

static const char *calendar_name(const void *arg, size_t i)
{
	return ((const struct rx_package *)arg)->calendars[i].name;
}

bool rx_check_calendar_name(struct rx_scope *scope, struct rx_expr *e)
{
	char hint[RX_HINT_SIZE];

	e->name = rx_own_name(scope, e);
	e->type = RX_T_NAME;
	for (size_t i = 0; i < scope->package->n_calendars; i++) {
		if (strcmp(scope->package->calendars[i].name, e->name) != 0)
			continue;
		e->op = RX_NAMED;
		e->calendar = &scope->package->calendars[i];
		e->hash = rx_hash_node(e);
		return true;
	}
	rx_error(scope->load, "E301", scope->node, rx_at(scope, e), "package '%s' has no calendar '%s'%s",
		 scope->package->name, e->name, rx_did_you_mean(scope->load, e->name, scope->package->n_calendars, calendar_name, scope->package, hint));
	return false;
}

/* ---- Rules -------------------------------------------------------------------------------- */

/* Where rule i belongs among the n that stand in order already: behind equal ids, so those keep the order of the
 * files. The C library's qsort() promises neither that nor to leave the heap alone. */
static size_t place_of(const struct rx_rule *const *by_id, size_t n, const struct rx_rule *rule)
{
	size_t low = 0;
	size_t high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(by_id[middle]->info.id, rule->info.id) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void rx_sort_ids(struct rx_load *load)
{
	struct rule_set *set = load->set;
	const struct rx_rule **by_id = rx_load_alloc(load, set->n_rules, sizeof(*by_id));

	set->by_id = by_id;
	for (size_t i = 0; i < set->n_rules && by_id; i++) {
		if (!set->rules[i].info.id)
			continue;
		size_t at = place_of(by_id, set->n_ids, &set->rules[i]);
		memmove(&by_id[at + 1], &by_id[at], (set->n_ids - at) * sizeof(*by_id));
		by_id[at] = &set->rules[i];
		set->n_ids++;
	}
	for (size_t i = 1; i < set->n_ids; i++)
		if (strcmp(by_id[i]->info.id, by_id[i - 1]->info.id) == 0)
			rx_error(load, "E509", wy_node_get(by_id[i]->node, "id"), 0,
				 "the id '%s' is taken by %s:%u; give one of the two another name", by_id[i]->info.id,
				 by_id[i - 1]->info.file, by_id[i - 1]->info.line);
}

static const char *id_at(const void *arg, size_t i)
{
	return ((const struct rule_set *)arg)->by_id[i]->info.id;
}

uint32_t rx_rule_named(struct rx_load *load, const char *id, const struct wy_node *node, size_t at)
{
	const struct rule_set *set = load->set;
	size_t low = 0;
	size_t high = set->n_ids;
	char hint[RX_HINT_SIZE];

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(set->by_id[middle]->info.id, id);
		if (!order)
			return (uint32_t)(set->by_id[middle] - set->rules);
		low = order < 0 ? middle + 1 : low;
		high = order < 0 ? high : middle;
	}
	rx_error(load, "E301", node, at, "there is no rule '%s'%s", id,
		 rx_did_you_mean(load, id, set->n_ids, id_at, set, hint));
	return RX_NO_RULE;
}

/* Adds to the rules this one reads with alarm(); once each. */
static bool add_alarm(struct rx_load *load, struct rx_rule *rule, uint32_t index)
{
	for (size_t i = 0; i < rule->n_alarms; i++)
		if (rule->alarms[i] == index)
			return true;
	bool is_full = !(rule->n_alarms & (rule->n_alarms - 1)); /* grows at powers of two */
	if (is_full) {
		uint32_t *alarms = rx_load_alloc(load, rule->n_alarms ? 2 * rule->n_alarms : 1, sizeof(*alarms));
		if (!alarms)
			return false;
		if (rule->n_alarms)
			memcpy(alarms, rule->alarms, rule->n_alarms * sizeof(*alarms));
		rule->alarms = alarms;
	}
	rule->alarms[rule->n_alarms++] = index;
	return true;
}

bool rx_check_rule_name(struct rx_scope *scope, struct rx_expr *e)
{
	e->name = rx_own_name(scope, e);
	e->type = RX_T_NAME;
	if (!scope->rule || scope->is_in_memory) {
		rx_error(scope->load, "E109", scope->node, rx_at(scope, e),
			 "alarm() and episodes() inside a function that remembers are not in this version; join them with 'and' or 'or'");
		return false;
	}
	uint32_t index = rx_rule_named(scope->load, e->name, scope->node, rx_at(scope, e));
	if (index == RX_NO_RULE)
		return false;
	e->op = RX_NAMED;
	e->index = index;
	e->hash = rx_hash_node(e);
	return add_alarm(scope->load, scope->rule, index);
}
