/* relations.c: which asset stands how to which: a class names its relations and the class of each, an asset of
 * the site the asset that it is. */
#include "loading.h"

#include <string.h>

static const char *class_id(const void *arg, size_t i)
{
	return ((const struct config *)arg)->classes[i].id;
}

static const char *asset_id(const void *arg, size_t i)
{
	return ((const struct config *)arg)->assets[i].id;
}

static const char *relation_name(const void *arg, size_t i)
{
	return ((const struct wy_class *)arg)->relations[i].name;
}

static bool is_text(struct loading *l, const struct wy_node *node, const char *what)
{
	if (node->kind == WY_NODE_SCALAR)
		return true;
	wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", node, 0, "expected the name of %s, found %s", what,
		    wy_node_kind_text(node));
	return false;
}

/* ---- Classes ------------------------------------------------------------------------------- */

static bool find_class(struct loading *l, const struct wy_node *node, uint32_t *ret_index)
{
	for (size_t i = 0; i < l->config->n_classes; i++)
		if (wy_node_is(node, l->config->classes[i].id)) {
			*ret_index = (uint32_t)i;
			return true;
		}
	loading_unknown(l, node, 0, "class", node->text, l->config->n_classes, class_id, l->config);
	return false;
}

static void read_of_class(struct loading *l, struct wy_class *class)
{
	const struct wy_node *map = wy_node_get(class->node, "relations");
	size_t n = loading_map(l, map);

	if (!n || !loading_fits(l, map, n, WY_RELATIONS_MAX, "relations of one class"))
		return;
	struct wy_relation *relations = loading_array(l, n, sizeof(*relations));
	if (!relations)
		return;
	class->relations = relations;
	for (const struct wy_node *m = map->child; m; m = m->next) {
		struct wy_relation *relation = &relations[class->n_relations];
		relation->name = m->key->text;
		if (!loading_is_point_name(relation->name))
			wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", m->key, 0,
				    "a relation's name is small letters, digits and _, letter first");
		else if (is_text(l, m, "a class") && find_class(l, m, &relation->class_index))
			class->n_relations++;
	}
}

void load_relations_of_classes(struct loading *l, struct wy_class *classes)
{
	for (size_t i = 0; i < l->config->n_classes; i++)
		if (classes[i].node->kind == WY_NODE_MAP)
			read_of_class(l, &classes[i]);
}

/* ---- Assets -------------------------------------------------------------------------------- */

static size_t find_relation(const struct wy_class *class, const char *name)
{
	for (size_t i = 0; i < class->n_relations; i++)
		if (strcmp(class->relations[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

/* The asset a relation names, of the class that it wants. */
static void read_related(struct loading *l, const struct wy_node *node, const struct wy_relation *relation,
			 uint32_t *ret_asset)
{
	const struct config *config = l->config;

	if (!is_text(l, node, "an asset"))
		return;
	size_t i = config_find_asset(config, node->text);
	if (i == SIZE_MAX) {
		loading_unknown(l, node, 0, "asset", node->text, config->n_assets, asset_id, config);
		return;
	}
	const struct wy_asset *other = &config->assets[i];
	if (other->class_index == UINT32_MAX)
		return; /* said */
	if (other->class_index == relation->class_index)
		*ret_asset = (uint32_t)i;
	else
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E602", node, 0,
			    "'%s' is of class '%s'; relation '%s' names an asset of class '%s'", other->id,
			    config->classes[other->class_index].id, relation->name,
			    config->classes[relation->class_index].id);
}

/* All its relations could be read: what is not among them does not exist. */
static bool is_whole(const struct wy_class *class)
{
	const struct wy_node *map = wy_node_get(class->node, "relations");

	return !map || (map->kind == WY_NODE_MAP && map->n == class->n_relations);
}

static void read_of_asset(struct loading *l, struct wy_asset *asset)
{
	const struct wy_node *map = wy_node_get(asset->node, "relations");
	size_t n = loading_map(l, map);

	if (!n || asset->class_index == UINT32_MAX)
		return;
	const struct wy_class *class = &l->config->classes[asset->class_index];
	uint32_t *related = loading_array(l, class->n_relations, sizeof(*related));
	if (!related)
		return;
	for (size_t i = 0; i < class->n_relations; i++)
		related[i] = WY_NO_ASSET;
	asset->relations = related;
	for (const struct wy_node *m = map->child; m; m = m->next) {
		size_t i = find_relation(class, m->key->text);
		if (i != SIZE_MAX)
			read_related(l, m, &class->relations[i], &related[i]);
		else if (is_whole(class))
			loading_unknown(l, m->key, 0, "relation", m->key->text, class->n_relations, relation_name,
					class);
	}
}

void load_relations_of_assets(struct loading *l, struct wy_asset *assets)
{
	for (size_t i = 0; i < l->config->n_assets; i++)
		if (assets[i].node->kind == WY_NODE_MAP)
			read_of_asset(l, &assets[i]);
}
