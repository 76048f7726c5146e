/* assets.c: assets of a site: what they are, where they stand, whom they serve. Where their points
 * come from is bindings.c. */
#include "loading.h"

#include <string.h>

static const char *const scope_names[] = {"public", "owner", "shared", "unknown", NULL};
static const char *const place_labels[] = {"building", "unit", "floor", "space"};

enum { PLACE_LABELS = 4 };

struct asset_keys {
	const char *id, *name_zh, *name_en, *make, *model, *installed, *regulator_code;
	int scope;
	const struct wy_node *class, *place, *affected, *labels, *device, *points, *relations;
};

#define ROW(key, kind, member, needed, choices, help)                                              \
	{                                                                                          \
		key, kind, offsetof(struct asset_keys, member), needed, 0, 0, choices, help        \
	}
/* Keys of an asset. In a site people read its names and go to its place; on a bench nobody does. */
#define ASSET_ROWS(is_site)                                                                        \
	ROW("id", WY_FIELD_ID, id, true, NULL, "name of the asset"),                               \
	ROW("class", WY_FIELD_NODE, class, true, NULL, "what it is"),                              \
	ROW("name_zh", WY_FIELD_TEXT, name_zh, is_site, NULL, "Chinese name, as people say it"),   \
	ROW("name_en", WY_FIELD_TEXT, name_en, is_site, NULL, "English name"),                     \
	ROW("make", WY_FIELD_TEXT, make, false, NULL, "manufacturer"),                             \
	ROW("model", WY_FIELD_TEXT, model, false, NULL, "model"),                                  \
	ROW("installed", WY_FIELD_TEXT, installed, false, NULL, "day of installation"),            \
	ROW("regulator_code", WY_FIELD_TEXT, regulator_code, false, NULL, "registration code"),    \
	ROW("place", WY_FIELD_NODE, place, is_site, NULL, "where it is"),                          \
	ROW("affected", WY_FIELD_NODE, affected, false, NULL, "whom it serves"),                   \
	ROW("scope", WY_FIELD_CHOICE, scope, false, scope_names, "whose property it is"),          \
	ROW("labels", WY_FIELD_NODE, labels, false, NULL, "labels for rule scopes"),               \
	ROW("relations", WY_FIELD_NODE, relations, false, NULL, "related assets, by the names of the class"), \
	ROW("device", WY_FIELD_NODE, device, false, NULL, "device of the points of the same name"), \
	ROW("points", WY_FIELD_NODE, points, false, NULL, "where other points come from")
static const struct wy_field asset_rows[] = {ASSET_ROWS(true)};
static const struct wy_field bench_rows[] = {ASSET_ROWS(false)};
#undef ASSET_ROWS
#undef ROW

#define AT(member) offsetof(struct config_place, member)
static const struct wy_field place_rows[] = {
	{"area", WY_FIELD_TEXT, AT(area), false, 0, 0, NULL, "phase or area of the estate"},
	{"building", WY_FIELD_TEXT, AT(building), true, 0, 0, NULL, "building"},
	{"unit", WY_FIELD_TEXT, AT(unit), false, 0, 0, NULL, "unit (staircase)"},
	{"floor", WY_FIELD_TEXT, AT(floor), false, 0, 0, NULL, "floor"},
	{"room", WY_FIELD_TEXT, AT(room), false, 0, 0, NULL, "room"},
	{"space", WY_FIELD_ID, AT(space), false, 0, 0, NULL,
	 "shaft, pit, riser, lobby, machine_room ..."},
	{"is_public", WY_FIELD_BOOL, AT(is_public), false, 0, 0, NULL, "common property"},
};
#undef AT

struct affected_keys {
	const struct wy_node *units, *alternatives;
	int64_t households;
};

static const struct wy_field affected_rows[] = {
	{"units", WY_FIELD_NODE, offsetof(struct affected_keys, units), false, 0, 0, NULL,
	 "list of units"},
	{"households", WY_FIELD_INT, offsetof(struct affected_keys, households), false, 0, 100000,
	 NULL, "how many households"},
	{"alternatives", WY_FIELD_NODE, offsetof(struct affected_keys, alternatives), false, 0, 0,
	 NULL, "assets to use meanwhile"},
};

static const char *class_id(const void *arg, size_t i)
{
	return ((const struct config *)arg)->classes[i].id;
}

static const char *asset_id(const void *arg, size_t i)
{
	return ((const struct config *)arg)->assets[i].id;
}

/* UINT32_MAX after a message, or where no class is known at all. */
static uint32_t find_class(struct loading *l, const struct wy_node *node)
{
	const char *id = node ? wy_field_id(node, l->diags) : NULL;

	if (!id || !l->has_classes)
		return UINT32_MAX;
	for (size_t i = 0; i < l->config->n_classes; i++)
		if (strcmp(l->config->classes[i].id, id) == 0)
			return (uint32_t)i;
	loading_unknown(l, node, 0, "class", id, l->config->n_classes, class_id, l->config);
	return UINT32_MAX;
}

static void add_label(struct wy_asset *asset, struct wy_label *labels, const char *key,
		      const char *value)
{
	if (!value)
		return;
	labels[asset->n_labels].key = key;
	labels[asset->n_labels++].value = value;
}

static bool is_place_label(const char *key)
{
	for (size_t i = 0; i < PLACE_LABELS; i++)
		if (strcmp(place_labels[i], key) == 0)
			return true;
	return false;
}

static void read_labels(struct loading *l, const struct wy_node *node,
			const struct config_place *place, struct wy_asset *asset)
{
	size_t n = loading_map(l, node);
	struct wy_label *labels = loading_array(l, n + PLACE_LABELS, sizeof(*labels));

	if (!labels)
		return;
	asset->labels = labels;
	add_label(asset, labels, place_labels[0], place->building);
	add_label(asset, labels, place_labels[1], place->unit);
	add_label(asset, labels, place_labels[2], place->floor);
	add_label(asset, labels, place_labels[3], place->space);
	for (const struct wy_node *m = n ? node->child : NULL; m; m = m->next) {
		if (is_place_label(m->key->text) && !l->is_bench)
			wy_diag_add(l->diags, WY_DIAG_ERROR, "E108", m->key, 0,
				    "label '%s' comes from 'place' already", m->key->text);
		else if (m->kind != WY_NODE_SCALAR)
			wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", m, 0,
				    "expected text, found %s", wy_node_kind_text(m));
		else
			add_label(asset, labels, m->key->text, m->text);
	}
}

static void read_affected(struct loading *l, const struct wy_node *node,
			  struct config_asset *detail)
{
	struct affected_keys keys = {.households = -1};

	detail->affected_households = -1;
	if (!node)
		return;
	LOADING_FIELDS(l, node, affected_rows, &keys);
	detail->affected_units = loading_texts(l, keys.units, &detail->n_affected_units);
	detail->affected_households = keys.households;
}

static void read_asset(struct loading *l, const struct wy_node *node, struct wy_asset *asset,
		       struct config_asset *detail)
{
	struct asset_keys keys = {.id = "", .name_zh = "", .name_en = "", .scope = 3};
	wy_day day;

	if (l->is_bench)
		LOADING_FIELDS(l, node, bench_rows, &keys);
	else
		LOADING_FIELDS(l, node, asset_rows, &keys);
	asset->node = node;
	asset->id = keys.id;
	asset->name_zh = keys.name_zh[0] || !l->is_bench ? keys.name_zh : keys.id;
	asset->name_en = keys.name_en[0] || !l->is_bench ? keys.name_en : keys.id;
	asset->class_index = find_class(l, keys.class);
	detail->make = keys.make;
	detail->model = keys.model;
	detail->installed = keys.installed;
	detail->regulator_code = keys.regulator_code;
	detail->scope = scope_names[keys.scope];
	if (keys.installed && !loading_day(keys.installed, &day))
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", wy_node_get(node, "installed"), 0,
			    "expected a day such as 2022-05-01, found '%s'", keys.installed);
	if (keys.place)
		LOADING_FIELDS(l, keys.place, place_rows, &detail->place);
	read_labels(l, keys.labels, &detail->place, asset);
	read_affected(l, keys.affected, detail);
}

/* Only once all assets are known: an alternative may stand further down. */
static void find_alternatives(struct loading *l, const struct wy_asset *asset,
			      struct config_asset *detail)
{
	const struct wy_node *list =
		wy_node_get(wy_node_get(asset->node, "affected"), "alternatives");
	size_t n = loading_list(l, list);
	uint32_t *alternatives = loading_array(l, n, sizeof(*alternatives));

	if (!n || !alternatives)
		return;
	detail->alternatives = alternatives;
	for (const struct wy_node *m = list->child; m; m = m->next) {
		size_t i = config_find_asset(l->config, m->text);
		if (i == SIZE_MAX)
			loading_unknown(l, m, 0, "asset", m->text, l->config->n_assets, asset_id,
					l->config);
		else
			alternatives[detail->n_alternatives++] = (uint32_t)i;
	}
}

void load_assets(struct loading *l, const struct wy_node *node)
{
	size_t n = loading_list(l, node);
	struct wy_asset *assets = loading_array(l, n, sizeof(*assets));
	struct config_asset *details = loading_array(l, n, sizeof(*details));

	if (!n || !assets || !details || !loading_fits(l, node, n, WY_ASSETS_MAX, "assets"))
		return;
	l->config->assets = assets;
	l->config->details = details;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		size_t i = l->config->n_assets;
		read_asset(l, m, &assets[i], &details[i]);
		if (assets[i].id[0] && config_find_asset(l->config, assets[i].id) != SIZE_MAX)
			loading_duplicate(l, wy_node_get(m, "id"), "asset", assets[i].id);
		l->config->n_assets++;
	}
	for (size_t i = 0; i < n; i++)
		find_alternatives(l, &assets[i], &details[i]);
	load_relations_of_assets(l, assets);
}
