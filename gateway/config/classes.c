/* classes.c: class files: the canonical points an asset of a class has. */
#include "loading.h"

#include <string.h>

static const char *const type_names[] = {"bool", "int",	    "real",
					 "enum", "counter", NULL}; /* enum wy_type */

struct point_keys {
	int type;
	const char *unit;
	const struct wy_node *range, *values;
	wy_ms poll_ms, stale_ms;
	int64_t modulus, max_step;
	bool is_optional;
};

#define AT(member) offsetof(struct point_keys, member)
static const struct wy_field point_rows[] = {
	{"type", WY_FIELD_CHOICE, AT(type), true, 0, 0, type_names, "kind of value"},
	{"unit", WY_FIELD_TEXT, AT(unit), false, 0, 0, NULL, "unit of real and int values"},
	{"range", WY_FIELD_NODE, AT(range), false, 0, 0, NULL,
	 "[lowest, highest] believable value"},
	{"poll", WY_FIELD_DURATION, AT(poll_ms), true, 10, 86400000, NULL,
	 "how often a value is expected"},
	{"stale_after", WY_FIELD_DURATION, AT(stale_ms), true, 10, 864000000, NULL,
	 "without a value for so long it is unknown"},
	{"values", WY_FIELD_NODE, AT(values), false, 0, 0, NULL, "names of an enum, upper case"},
	{"modulus", WY_FIELD_INT, AT(modulus), false, 2, 9.2e18, NULL,
	 "a counter wraps to 0 at this"},
	{"max_step", WY_FIELD_INT, AT(max_step), false, 1, 9.2e18, NULL,
	 "a larger step is a reset"},
	{"is_optional", WY_FIELD_BOOL, AT(is_optional), false, 0, 0, NULL,
	 "true: an asset may do without it"},
};
#undef AT

static const char *unit_name(const void *arg, size_t i)
{
	(void)arg;
	return wy_unit_at(i)->name;
}

static void wrong(struct loading *l, const struct wy_node *where, const char *words)
{
	wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", where, 0, "%s", words);
}

static void read_unit(struct loading *l, const struct wy_node *node, const struct point_keys *keys,
		      struct wy_point *point)
{
	if (!keys->unit)
		return;
	if (point->type != WY_TYPE_REAL && point->type != WY_TYPE_INT) {
		wrong(l, wy_node_get(node, "unit"), "only real and int points have a unit");
		return;
	}
	point->unit = wy_unit_find(keys->unit, strlen(keys->unit));
	if (!point->unit)
		loading_unknown(l, wy_node_get(node, "unit"), 0, "unit", keys->unit, WY_UNIT_COUNT,
				unit_name, NULL);
}

static void read_range(struct loading *l, const struct point_keys *keys, struct wy_point *point)
{
	const struct wy_node *range = keys->range;

	if (!range)
		return;
	if (range->kind != WY_NODE_SEQ || range->n != 2) {
		wrong(l, range, "expected a range such as [0, 150]");
		return;
	}
	if (wy_field_real(range->child, &point->lo, l->diags) ||
	    wy_field_real(range->child->next, &point->hi, l->diags))
		return;
	if (point->lo >= point->hi)
		wrong(l, range, "the range is empty: its first number must be the smaller one");
	point->has_range = true;
}

static bool is_value_name(const char *text)
{
	if (!(*text >= 'A' && *text <= 'Z'))
		return false;
	return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

static void read_values(struct loading *l, const struct wy_node *node,
			const struct point_keys *keys, struct wy_point *point)
{
	if (!keys->values) {
		if (point->type == WY_TYPE_ENUM)
			wrong(l, node, "an enum needs 'values', its names in upper case");
		return;
	}
	if (point->type != WY_TYPE_ENUM) {
		wrong(l, keys->values, "only an enum has 'values'");
		return;
	}
	point->values = loading_texts(l, keys->values, &point->n_values);
	const struct wy_node *m = keys->values->child;
	for (size_t i = 0; i < point->n_values; i++, m = m->next)
		if (!is_value_name(m->text))
			wrong(l, m,
			      "an enum value is written in upper case: NORMAL, OUT_OF_SERVICE");
}

bool loading_is_point_name(const char *text)
{
	if (!(*text >= 'a' && *text <= 'z'))
		return false;
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static void read_point(struct loading *l, const struct wy_node *node, struct wy_point *point)
{
	struct point_keys keys = {0};

	point->name = node->key->text;
	point->node = node;
	if (!loading_is_point_name(point->name))
		wrong(l, node->key, "a point's name is small letters, digits and _, letter first");
	if (!LOADING_FIELDS(l, node, point_rows, &keys) && node->kind != WY_NODE_MAP)
		return;
	point->type = (enum wy_type)keys.type;
	point->poll_ms = keys.poll_ms;
	point->stale_ms = keys.stale_ms;
	point->modulus = (uint64_t)keys.modulus;
	point->max_step = (uint64_t)keys.max_step;
	point->is_optional = keys.is_optional;
	if (keys.poll_ms && keys.stale_ms && keys.stale_ms <= keys.poll_ms)
		wrong(l, wy_node_get(node, "stale_after"),
		      "'stale_after' must be longer than 'poll'");
	if ((keys.modulus || keys.max_step) && point->type != WY_TYPE_COUNTER)
		wrong(l, node, "only a counter has 'modulus' and 'max_step'");
	read_unit(l, node, &keys, point);
	read_range(l, &keys, point);
	read_values(l, node, &keys, point);
}

struct class_keys {
	const char *name_zh, *name_en;
	const struct wy_node *points, *out_of_service_when, *relations;
};

static const struct wy_field class_rows[] = {
	{"name_zh", WY_FIELD_TEXT, offsetof(struct class_keys, name_zh), true, 0, 0, NULL,
	 "Chinese name"},
	{"name_en", WY_FIELD_TEXT, offsetof(struct class_keys, name_en), true, 0, 0, NULL,
	 "English name"},
	{"points", WY_FIELD_NODE, offsetof(struct class_keys, points), false, 0, 0, NULL,
	 "map of points"},
	{"out_of_service_when", WY_FIELD_NODE, offsetof(struct class_keys, out_of_service_when), false, 0, 0, NULL,
	 "condition over the points"},
	{"relations", WY_FIELD_NODE, offsetof(struct class_keys, relations), false, 0, 0, NULL,
	 "names of related assets, with their classes"},
};

static void read_class(struct loading *l, const struct wy_node *node, struct wy_class *class)
{
	struct class_keys keys = {"", "", NULL, NULL, NULL};

	class->id = node->key->text;
	class->node = node;
	if (!loading_is_point_name(class->id))
		wrong(l, node->key, "a class's name is small letters, digits and _, letter first");
	LOADING_FIELDS(l, node, class_rows, &keys);
	class->name_zh = keys.name_zh;
	class->name_en = keys.name_en;
	class->out_of_service_when = keys.out_of_service_when;
	size_t n = loading_map(l, keys.points);
	if (!n || !loading_fits(l, keys.points, n, WY_POINTS_PER_CLASS, "points in one class"))
		return;
	struct wy_point *points = loading_array(l, n, sizeof(*points));
	if (!points)
		return;
	class->points = points;
	for (const struct wy_node *m = keys.points->child; m; m = m->next)
		read_point(l, m, &points[class->n_points++]);
}

struct file_keys {
	const char *weiyu;
	const struct wy_node *classes;
};

static const struct wy_field file_rows[] = {
	{"weiyu", WY_FIELD_TEXT, offsetof(struct file_keys, weiyu), true, 0, 0, NULL, "classes/1"},
	{"classes", WY_FIELD_NODE, offsetof(struct file_keys, classes), true, 0, 0, NULL,
	 "map of classes"},
};

static bool is_taken(const struct config *config, const char *id)
{
	for (size_t i = 0; i < config->n_classes; i++)
		if (strcmp(config->classes[i].id, id) == 0)
			return true;
	return false;
}

void load_classes(struct loading *l, const struct wy_node *const *roots, size_t n)
{
	size_t n_classes = 0;
	const struct wy_node **maps = loading_array(l, n, sizeof(const struct wy_node *));

	for (size_t i = 0; maps && i < n; i++) {
		struct file_keys keys = {0};
		LOADING_FIELDS(l, roots[i], file_rows, &keys);
		maps[i] = keys.classes;
		n_classes += loading_map(l, keys.classes);
	}
	struct wy_class *classes = loading_array(l, n_classes, sizeof(*classes));
	if (!classes || !maps)
		return;
	l->config->classes = classes;
	for (size_t i = 0; i < n; i++) {
		const struct wy_node *m =
			maps[i] && maps[i]->kind == WY_NODE_MAP ? maps[i]->child : NULL;
		for (; m; m = m->next) {
			if (is_taken(l->config, m->key->text))
				loading_duplicate(l, m->key, "class", m->key->text);
			else
				read_class(l, m, &classes[l->config->n_classes++]);
		}
	}
	load_relations_of_classes(l, classes);
}
