/* plans.c: planned maintenance of the site file: which assets, from when to when, and why. */
#include "loading.h"

#include <string.h>

#include "number.h"

static const char *const modes[] = {"suppress", "oos", NULL};

struct window_keys {
	const char *id, *from, *to, *reason;
	int mode;
	const struct wy_node *assets, *labels;
};

#define AT(member) offsetof(struct window_keys, member)
static const struct wy_field window_rows[] = {
	{"id", WY_FIELD_ID, AT(id), true, 0, 0, NULL, "name of the plan"},
	{"assets", WY_FIELD_NODE, AT(assets), false, 0, 0, NULL, "list of assets"},
	{"labels", WY_FIELD_NODE, AT(labels), false, 0, 0, NULL, "or all assets with these labels"},
	{"from", WY_FIELD_TEXT, AT(from), true, 0, 0, NULL, "local time, \"2026-10-12 08:00\""},
	{"to", WY_FIELD_TEXT, AT(to), true, 0, 0, NULL, "local time"},
	{"mode", WY_FIELD_CHOICE, AT(mode), false, 0, 0, modes, "suppress, or oos: out of service"},
	{"reason", WY_FIELD_TEXT, AT(reason), true, 0, 0, NULL, "what is done, by whom"},
};
#undef AT

/* "2026-10-12 08:00", in seconds as the clocks of the building show them. */
static bool read_local(struct loading *l, const struct wy_node *node, int64_t *ret_s)
{
	char day_text[11] = "";
	int64_t hour, minute;
	wy_day day;

	if (node->len == 16 && node->text[10] == ' ' && node->text[13] == ':') {
		memcpy(day_text, node->text, 10);
		if (loading_day(day_text, &day) && !wy_parse_int(node->text + 11, 2, &hour) &&
		    !wy_parse_int(node->text + 14, 2, &minute) && hour >= 0 && hour < 24 && minute >= 0 && minute < 60) {
			*ret_s = (int64_t)day * 86400 + hour * 3600 + minute * 60;
			return true;
		}
	}
	wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", node, 0, "expected a local time such as \"2026-10-12 08:00\", found '%s'",
		    node->text);
	return false;
}

static const char *asset_id(const void *arg, size_t i)
{
	return ((const struct config *)arg)->assets[i].id;
}

static bool has_label(const struct wy_asset *asset, const char *key, const char *value)
{
	for (size_t i = 0; i < asset->n_labels; i++)
		if (strcmp(asset->labels[i].key, key) == 0 && strcmp(asset->labels[i].value, value) == 0)
			return true;
	return false;
}

static bool has_labels(const struct wy_asset *asset, const struct wy_node *labels)
{
	for (const struct wy_node *m = labels->child; m; m = m->next)
		if (!has_label(asset, m->key->text, m->text))
			return false;
	return true;
}

static void take_named(struct loading *l, const struct wy_node *list, uint32_t *assets, size_t *n)
{
	for (const struct wy_node *m = list->child; m; m = m->next) {
		size_t at = config_find_asset(l->config, m->text);
		if (at == SIZE_MAX)
			loading_unknown(l, m, 0, "asset", m->text, l->config->n_assets, asset_id, l->config);
		else
			assets[(*n)++] = (uint32_t)at;
	}
}

static void take_labelled(struct loading *l, const struct wy_node *labels, uint32_t *assets, size_t *n)
{
	for (size_t i = 0; i < l->config->n_assets; i++)
		if (has_labels(&l->config->assets[i], labels))
			assets[(*n)++] = (uint32_t)i;
	if (!*n)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E302", labels, 0, "no asset has these labels; compare them with the assets");
}

static void read_assets(struct loading *l, const struct wy_node *node, const struct window_keys *keys,
			struct wy_window *window)
{
	size_t most = keys->assets ? keys->assets->n : l->config->n_assets;
	uint32_t *assets = loading_array(l, most, sizeof(*assets));

	if (!keys->assets == !keys->labels) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E107", node, 0, "a plan has either 'assets' or 'labels'; this one has %s",
			    keys->assets ? "both" : "neither");
		return;
	}
	window->assets = assets;
	if (!assets)
		return;
	if (keys->assets && loading_list(l, keys->assets))
		take_named(l, keys->assets, assets, &window->n_assets);
	if (keys->labels && loading_map(l, keys->labels))
		take_labelled(l, keys->labels, assets, &window->n_assets);
}

static void read_window(struct loading *l, const struct wy_node *node, struct wy_window *window)
{
	struct window_keys keys = {.id = "", .reason = ""};

	*window = (struct wy_window){.id = "", .reason = "", .node = node};
	if (!LOADING_FIELDS(l, node, window_rows, &keys))
		return;
	window->id = keys.id;
	window->reason = keys.reason;
	window->is_out_of_service = keys.mode == 1;
	read_assets(l, node, &keys, window);
	const struct wy_node *to = wy_node_get(node, "to");
	if (read_local(l, wy_node_get(node, "from"), &window->from_s) && read_local(l, to, &window->to_s) &&
	    window->to_s <= window->from_s)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", to, 0, "'to' is not after 'from'");
}

void load_plans(struct loading *l, const struct wy_node *node)
{
	size_t n = loading_list(l, node);
	struct wy_window *windows = loading_array(l, n, sizeof(*windows));

	if (!n || !windows || !loading_fits(l, node, n, WY_WINDOWS_MAX, "planned windows"))
		return;
	l->config->site.windows = windows;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		struct wy_window *window = &windows[l->config->site.n_windows++];
		read_window(l, m, window);
		for (const struct wy_window *other = windows; other != window; other++)
			if (window->id[0] && strcmp(other->id, window->id) == 0)
				loading_duplicate(l, wy_node_get(m, "id"), "plan", window->id);
	}
}
