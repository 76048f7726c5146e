/* overrides.c: see overrides.h. An override of one asset wins over one of all assets. */
#include "overrides.h"

#include <string.h>

#include "lint.h"
#include "params.h"

struct values {
	struct rx_load *load;
	const struct wy_override **from; /* beside set->values; NULL: the default */
	bool *has_own;                   /* by asset: an override of its own */
	uint32_t *said;                  /* for rx_lint_values() */
};

/* ---- Finding ------------------------------------------------------------------------------ */

static const char *package_at(const void *arg, size_t i)
{
	return ((const struct rule_set *)arg)->packages[i].name;
}

static const char *param_at(const void *arg, size_t i)
{
	return ((const struct rx_package *)arg)->params[i].name;
}

static const struct rx_package *find_package(struct rx_load *load, const struct wy_override *over)
{
	const struct rule_set *set = load->set;
	char hint[RX_HINT_SIZE];

	for (size_t i = 0; i < set->n_packages; i++)
		if (strcmp(set->packages[i].name, over->package) == 0)
			return &set->packages[i];
	rx_error(load, "E301", over->value, 0, "there is no package '%s' among the rule files%s", over->package,
		 rx_did_you_mean(load, over->package, set->n_packages, package_at, set, hint));
	return NULL;
}

static const struct rx_param *find_param(struct rx_load *load, const struct wy_override *over)
{
	const struct rx_package *package = find_package(load, over);
	char hint[RX_HINT_SIZE];

	if (!package)
		return NULL;
	for (size_t i = 0; i < package->n_params; i++)
		if (strcmp(package->params[i].name, over->name) == 0)
			return &package->params[i];
	rx_error(load, "E301", over->value, 0, "package '%s' has no parameter '%s'%s", over->package, over->name,
		 rx_did_you_mean(load, over->name, package->n_params, param_at, package, hint));
	return NULL;
}

static bool is_within(struct rx_load *load, const struct rx_param *param, const struct wy_node *node, double real)
{
	char text[120];
	struct wy_buf buf;
	bool is_low = param->has_min && real < param->min;

	if (!is_low && !(param->has_max && real > param->max))
		return true;
	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_real(&buf, is_low ? param->min : param->max, 6);
	if (param->unit)
		wy_buf_addf(&buf, " %s", param->unit->name);
	rx_error(load, "E207", node, 0, "parameter '%s' is '%s'; the package allows %s %s", param->name, node->text,
		 is_low ? "at least" : "at most", text);
	return false;
}

/* ---- Filling ------------------------------------------------------------------------------ */

static void set_value(struct values *v, size_t asset, const struct wy_override *over, const struct rx_param *param,
		      const struct rx_const *value)
{
	struct rule_set *set = v->load->set;
	const struct rx_class *cls = &set->classes[v->load->world->assets[asset].class_index];

	for (size_t i = 0; i < cls->n_uses; i++) {
		if (cls->uses[i].param != param)
			continue;
		set->values[set->assets[asset].value_base + i] = *value;
		v->from[set->assets[asset].value_base + i] = over;
		v->has_own[asset] = v->has_own[asset] || over->asset;
	}
}

static void apply(struct values *v, const struct wy_override *over)
{
	const struct rule_world *world = v->load->world;
	const struct rx_param *param = find_param(v->load, over);
	struct rx_const value;

	if (!param || !rx_read_const(v->load, param, over->value, &value) ||
	    !is_within(v->load, param, over->value, value.real))
		return;
	for (size_t i = 0; i < world->n_assets; i++)
		if (!over->asset || strcmp(over->asset, world->assets[i].id) == 0)
			set_value(v, i, over, param, &value);
}

static void fill_defaults(struct rule_set *set, const struct rule_world *world)
{
	for (size_t i = 0; i < world->n_assets; i++) {
		const struct rx_class *cls = &set->classes[world->assets[i].class_index];
		for (size_t u = 0; u < cls->n_uses; u++)
			set->values[set->assets[i].value_base + u] = cls->uses[u].param->value;
	}
}

/* ---- Judging ------------------------------------------------------------------------------ */

/* Assets without overrides of their own are all alike: the first stands for them. */
static void judge_class(struct values *v, const struct rx_rule *rule, const struct rx_variant *variant,
			const struct rx_scope_list *scope)
{
	struct rx_load *load = v->load;
	const struct rule_set *set = load->set;
	bool is_done = false;

	for (size_t i = 0; i < load->world->n_assets; i++) {
		const struct wy_asset *asset = &load->world->assets[i];
		bool is_wanted = asset->class_index == variant->cls && !(is_done && !v->has_own[i]);
		if (!is_wanted || !rx_scope_takes(scope, asset))
			continue;
		size_t base = set->assets[i].value_base;
		rx_lint_values(load, rule, variant, &set->values[base], &v->from[base], v->said);
		is_done = is_done || !v->has_own[i];
	}
}

void rx_bind_values(struct rx_load *load, const struct rx_scope_list *scopes)
{
	struct rule_set *set = load->set;
	const struct rule_world *world = load->world;
	struct values v = {load, rx_load_alloc(load, set->n_values, sizeof(*v.from)),
			   rx_load_alloc(load, world->n_assets, sizeof(*v.has_own)),
			   rx_load_alloc(load, world->n_overrides, sizeof(*v.said))};

	set->values = rx_load_alloc(load, set->n_values, sizeof(*set->values));
	if (load->err)
		return;
	fill_defaults(set, world);
	for (size_t i = 0; i < world->n_overrides; i++)
		if (!world->overrides[i].asset)
			apply(&v, &world->overrides[i]);
	for (size_t i = world->n_overrides; i-- > 0;)
		if (world->overrides[i].asset)
			apply(&v, &world->overrides[i]);
	for (size_t i = 0; i < set->n_rules && world->n_overrides; i++)
		for (size_t j = 0; j < set->rules[i].n_variants; j++)
			judge_class(&v, &set->rules[i], &set->rules[i].variants[j], &scopes[i]);
}
