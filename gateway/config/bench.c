/* bench.c: rules with a few assets and no gateway: what a test file needs of a configuration.
 *
 * The readers are those of the gateway's files, so a bench and a building cannot understand a class, a
 * parameter or a label differently. What a bench has no use for (wires, profiles, names, places) may be left
 * out; the devices of an asset are only names. */
#include "loading.h"

#include <string.h>

static uint32_t device_named(struct config *config, struct sensor_device_conf *devices, const char *id)
{
	for (size_t i = 0; i < config->n_devices; i++)
		if (strcmp(devices[i].id, id) == 0)
			return (uint32_t)i;
	devices[config->n_devices].id = id;
	return (uint32_t)config->n_devices++;
}

/* An asset without `device` has one of its own, of the same name. */
static void name_devices(struct loading *l, struct wy_asset *asset, struct sensor_device_conf *devices)
{
	const struct wy_node *node = wy_node_get(asset->node, "device");
	bool is_list = node && node->kind == WY_NODE_SEQ;
	uint32_t *indices = loading_array(l, is_list ? node->n : 1, sizeof(*indices));

	if (!indices)
		return;
	asset->devices = indices;
	if (!node)
		indices[asset->n_devices++] = device_named(l->config, devices, asset->id);
	else if (!is_list && wy_field_id(node, l->diags))
		indices[asset->n_devices++] = device_named(l->config, devices, node->text);
	for (const struct wy_node *m = is_list ? node->child : NULL; m; m = m->next)
		if (wy_field_id(m, l->diags))
			indices[asset->n_devices++] = device_named(l->config, devices, m->text);
}

static size_t devices_at_most(const struct config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->n_assets; i++) {
		const struct wy_node *node = wy_node_get(config->assets[i].node, "device");
		n += node && node->kind == WY_NODE_SEQ ? node->n : 1;
	}
	return n;
}

static void load_bench_assets(struct loading *l, const struct wy_node *node)
{
	struct config *config = l->config;

	load_assets(l, node);
	struct wy_asset *assets = loading_array(l, config->n_assets, sizeof(*assets));
	struct sensor_device_conf *devices = loading_array(l, devices_at_most(config), sizeof(*devices));
	if (!assets || !devices || !config->n_assets)
		return;
	memcpy(assets, config->assets, config->n_assets * sizeof(*assets));
	config->devices = devices;
	for (size_t i = 0; i < config->n_assets; i++)
		name_devices(l, &assets[i], devices);
	config->assets = assets;
}

static void load_parts(struct loading *l, const struct config_parts *parts)
{
	size_t n = 0;
	bool has_all = true;
	const struct wy_node *const *files;

	if (loading_text(l, parts->tiers)) {
		const struct wy_node *tiers = loading_file(l, parts->tiers, "tiers/1");
		if (tiers)
			load_tiers(l, tiers);
	}
	files = loading_files(l, parts->faults, "faults/1", &n, &has_all);
	if (files && n)
		load_faults(l, files, n);
	files = loading_files(l, parts->classes, "classes/1", &n, &has_all);
	if (files)
		load_classes(l, files, n);
	l->has_classes = has_all;
	l->config->rule_files = loading_files(l, parts->rules, "rules/1", &l->config->n_rule_files, &has_all);
	if (parts->zone && parts->zone->kind == WY_NODE_SCALAR)
		load_zone_of(l, parts->zone, parts->zone->text);
	load_holidays(l, parts->holidays);
	load_bench_assets(l, parts->assets);
	load_params(l, parts->params);
	load_plans(l, parts->maintenance);
}

enum wy_err config_load_parts(const struct config_parts *parts, struct wy_arena *arena, struct wy_diags *diags,
			      struct config **ret)
{
	struct loading l = {.arena = arena, .diags = diags, .is_bench = true};
	size_t n_errors = diags->errors;

	l.config = loading_array(&l, 1, sizeof(*l.config));
	if (!l.config)
		return WY_E_NOMEM;
	l.config->hash = UINT64_C(14695981039346656037);
	load_parts(&l, parts);
	if (l.is_full)
		return WY_E_NOMEM;
	if (diags->errors != n_errors)
		return WY_E_INVALID;
	*ret = l.config;
	return WY_OK;
}

/* ---- The same world with other parameters and plans ------------------------------------------ */

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_replaced(const struct wy_override *over, const struct config *by)
{
	for (size_t i = 0; i < by->n_overrides; i++)
		if (is_same(over->package, by->overrides[i].package) && is_same(over->name, by->overrides[i].name) &&
		    is_same(over->asset, by->overrides[i].asset))
			return true;
	return false;
}

/* Its own parameters come first, and what they do not replace of those of config. */
static void vary_params(struct loading *l, const struct config *config, const struct wy_node *params)
{
	struct config *copy = l->config;

	copy->overrides = NULL;
	copy->n_overrides = 0;
	load_params(l, params);
	struct wy_override *all = loading_array(l, copy->n_overrides + config->n_overrides, sizeof(*all));
	size_t n = 0;
	for (size_t i = 0; all && i < config->n_overrides; i++)
		if (!is_replaced(&config->overrides[i], copy))
			all[n++] = config->overrides[i];
	for (size_t i = 0; all && i < copy->n_overrides; i++)
		all[n++] = copy->overrides[i];
	copy->overrides = all;
	copy->n_overrides = n;
}

enum wy_err config_vary(const struct config *config, const struct wy_node *params, const struct wy_node *maintenance,
			struct wy_arena *arena, struct wy_diags *diags, struct config **ret)
{
	struct loading l = {.arena = arena, .diags = diags, .is_bench = true};
	size_t n_errors = diags->errors;

	l.config = loading_array(&l, 1, sizeof(*l.config));
	if (!l.config)
		return WY_E_NOMEM;
	*l.config = *config;
	if (params)
		vary_params(&l, config, params);
	if (maintenance) {
		l.config->site.windows = NULL;
		l.config->site.n_windows = 0;
		load_plans(&l, maintenance);
	}
	if (l.is_full)
		return WY_E_NOMEM;
	if (diags->errors != n_errors)
		return WY_E_INVALID;
	*ret = l.config;
	return WY_OK;
}
