/* site.c: the site file: who and where, vendors, parameters. Wires, devices and assets follow in wires.c, devices.c and
 * assets.c. */
#include "loading.h"

#include <stdlib.h>
#include <string.h>

static const char *const profile_names[] = {"premium", "commercial", "legacy", NULL};

struct site_keys {
	const char *weiyu, *zone;
	const struct wy_node *site, *holidays, *wires, *devices, *vendors, *assets, *params, *maintenance;
};

#define ROW(key, kind, member, needed, help)                                                       \
	{                                                                                          \
		key, kind, offsetof(struct site_keys, member), needed, 0, 0, NULL, help            \
	}
static const struct wy_field site_rows[] = {
	ROW("weiyu", WY_FIELD_TEXT, weiyu, true, "site/1"),
	ROW("site", WY_FIELD_NODE, site, true, "who this is"),
	ROW("zone", WY_FIELD_TEXT, zone, true, "time zone, such as Asia/Shanghai"),
	ROW("holidays", WY_FIELD_NODE, holidays, false, "list of days"),
	ROW("wires", WY_FIELD_NODE, wires, true, "connections and buses"),
	ROW("devices", WY_FIELD_NODE, devices, true, "what answers on the wires"),
	ROW("vendors", WY_FIELD_NODE, vendors, false, "firms under contract"),
	ROW("assets", WY_FIELD_NODE, assets, true, "what people talk about"),
	ROW("params", WY_FIELD_NODE, params, false, "parameters of rule packages"),
	ROW("maintenance", WY_FIELD_NODE, maintenance, false, "planned windows"),
};
#undef ROW

struct identity {
	const char *id, *name_zh, *name_en;
	int profile;
};

static const struct wy_field identity_rows[] = {
	{"id", WY_FIELD_ID, offsetof(struct identity, id), true, 0, 0, NULL,
	 "short name of the site"},
	{"name_zh", WY_FIELD_TEXT, offsetof(struct identity, name_zh), true, 0, 0, NULL,
	 "Chinese name"},
	{"name_en", WY_FIELD_TEXT, offsetof(struct identity, name_en), true, 0, 0, NULL,
	 "English name"},
	{"profile", WY_FIELD_CHOICE, offsetof(struct identity, profile), true, 0, 0, profile_names,
	 "kind of estate"},
};

static void read_identity(struct loading *l, const struct wy_node *node)
{
	struct identity identity = {"", "", "", 0};

	LOADING_FIELDS(l, node, identity_rows, &identity);
	l->config->site.id = identity.id;
	l->config->site.name_zh = identity.name_zh;
	l->config->site.name_en = identity.name_en;
	l->config->site.profile = profile_names[identity.profile];
}

static int by_day(const void *a, const void *b)
{
	wy_day left = *(const wy_day *)a, right = *(const wy_day *)b;

	return (left > right) - (left < right);
}

void load_holidays(struct loading *l, const struct wy_node *node)
{
	size_t n = loading_list(l, node);
	wy_day *days = loading_array(l, n, sizeof(*days));

	if (!n || !days)
		return;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		if (loading_day(m->text, &days[l->config->site.n_holidays]))
			l->config->site.n_holidays++;
		else
			wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", m, 0,
				    "expected a day such as 2026-10-01, found '%s'", m->text);
	}
	qsort(days, l->config->site.n_holidays, sizeof(*days), by_day);
	l->config->site.holidays = days;
}

/* ---- Vendors -------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct config_vendor, member)
static const struct wy_field vendor_rows[] = {
	{"id", WY_FIELD_ID, AT(id), true, 0, 0, NULL, "short name"},
	{"role", WY_FIELD_ID, AT(role), true, 0, 0, NULL, "the role faults ask for"},
	{"name", WY_FIELD_TEXT, AT(name), true, 0, 0, NULL, "name of the firm"},
	{"phone", WY_FIELD_TEXT, AT(phone), false, 0, 0, NULL, "its duty telephone"},
	{"contract_no", WY_FIELD_TEXT, AT(contract_no), false, 0, 0, NULL, "contract"},
	{"arrive", WY_FIELD_DURATION, AT(arrive_ms), false, 0, 0, NULL, "agreed time to the site"},
	{"is_backup", WY_FIELD_BOOL, AT(is_backup), false, 0, 0, NULL,
	 "called when the first fails"},
};
#undef AT

static const char *role_at(const void *arg, size_t i)
{
	return ((const char *const *)arg)[i];
}

static void check_role(struct loading *l, const struct wy_node *node)
{
	if (!node || node->kind != WY_NODE_SCALAR || !l->has_faults)
		return;
	for (size_t i = 0; i < l->n_vendor_roles; i++)
		if (wy_node_is(node, l->vendor_roles[i]))
			return;
	loading_unknown(l, node, 0, "vendor role", node->text, l->n_vendor_roles, role_at,
			l->vendor_roles);
}

static void load_vendors(struct loading *l, const struct wy_node *node)
{
	size_t n = loading_list(l, node);
	struct config_vendor *vendors = loading_array(l, n, sizeof(*vendors));

	if (!n || !vendors)
		return;
	l->config->vendors = vendors;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		struct config_vendor *vendor = &vendors[l->config->n_vendors++];
		vendor->id = vendor->role = vendor->name = "";
		vendor->arrive_ms = WY_MS_NEVER;
		LOADING_FIELDS(l, m, vendor_rows, vendor);
		check_role(l, wy_node_get(m, "role"));
		for (const struct config_vendor *other = vendors; other != vendor; other++)
			if (vendor->id[0] && strcmp(other->id, vendor->id) == 0)
				loading_duplicate(l, wy_node_get(m, "id"), "vendor", vendor->id);
	}
	for (size_t i = 0; i < l->n_vendor_roles; i++)
		if (!config_find_vendor(l->config, l->vendor_roles[i], false))
			wy_diag_add(l->diags, WY_DIAG_WARNING, "W606", node, 0,
				    "no firm for the role '%s', which faults ask for",
				    l->vendor_roles[i]);
}

/* ---- Parameters ----------------------------------------------------------------------------- */

#define AT(member) offsetof(struct wy_override, member)
static const struct wy_field param_rows[] = {
	{"package", WY_FIELD_ID, AT(package), true, 0, 0, NULL, "rule package"},
	{"name", WY_FIELD_ID, AT(name), true, 0, 0, NULL, "its parameter"},
	{"asset", WY_FIELD_TEXT, AT(asset), false, 0, 0, NULL, "for this asset only"},
	{"value", WY_FIELD_NODE, AT(value), true, 0, 0, NULL, "value with its unit"},
};
#undef AT

static const char *asset_id(const void *arg, size_t i)
{
	return ((const struct config *)arg)->assets[i].id;
}

void load_params(struct loading *l, const struct wy_node *node)
{
	size_t n = loading_list(l, node);
	struct wy_override *overrides = loading_array(l, n, sizeof(*overrides));

	if (!n || !overrides)
		return;
	l->config->overrides = overrides;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		struct wy_override override = {0};
		bool is_fine = LOADING_FIELDS(l, m, param_rows, &override);
		if (override.asset && config_find_asset(l->config, override.asset) == SIZE_MAX)
			loading_unknown(l, wy_node_get(m, "asset"), 0, "asset", override.asset,
					l->config->n_assets, asset_id, l->config);
		else if (is_fine)
			overrides[l->config->n_overrides++] = override;
	}
}

void load_zone_of(struct loading *l, const struct wy_node *where, const char *name)
{
	if (!load_zone(l, name, &l->config->site.zone) && !l->is_full)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E301", where, 0,
			    "unknown time zone '%s'; expected a name of the tz database such as "
			    "Asia/Shanghai "
			    "(package tzdata)",
			    name);
}

void load_site(struct loading *l, const struct wy_node *root)
{
	struct site_keys keys = {0};

	LOADING_FIELDS(l, root, site_rows, &keys);
	if (keys.site)
		read_identity(l, keys.site);
	if (keys.zone)
		load_zone_of(l, wy_node_get(root, "zone"), keys.zone);
	load_holidays(l, keys.holidays);
	load_wires(l, keys.wires);
	load_devices(l, keys.devices);
	load_field(l);
	load_vendors(l, keys.vendors);
	load_assets(l, keys.assets);
	load_params(l, keys.params);
	load_plans(l, keys.maintenance);
	load_bindings(l);
}
