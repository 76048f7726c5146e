/* bindings.c: which device point feeds which asset point, typed and converted, in the order the
 * engine meets them: by device, then by point. */
#include "loading.h"

#include <string.h>

struct binding_list {
	struct config_binding *item; /* in order of assets */
	size_t n, n_max;
	bool *is_used; /* [n_devices] */
};

static const char *const type_texts[] = {"bool", "int", "real", "enum",
					 "counter"}; /* enum wy_type */

static const char *device_id(const void *arg, size_t i)
{
	return ((const struct config *)arg)->devices[i].id;
}

static const char *profile_point(const void *arg, size_t i)
{
	return ((const struct sensor_profile *)arg)->points[i].name;
}

static const char *class_point(const void *arg, size_t i)
{
	return ((const struct wy_class *)arg)->points[i].name;
}

static size_t find_point(const struct sensor_profile *profile, const char *name)
{
	for (size_t i = 0; i < profile->n_points; i++)
		if (strcmp(profile->points[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

/* A point whose unit the device chooses is handed over in the first of its units. */
static const struct wy_unit *unit_of(const struct sensor_profile_point *point)
{
	return !point->unit && point->n_unit_choices ? point->unit_choices[0] : point->unit;
}

static const char *unit_text(const struct wy_unit *unit)
{
	return unit ? unit->name : "no unit";
}

static bool is_number(enum wy_type type)
{
	return type == WY_TYPE_REAL || type == WY_TYPE_INT || type == WY_TYPE_COUNTER;
}

/* Numbers may become real; whole numbers may count. Everything else stays what it is. */
static bool is_convertible(enum wy_type from, enum wy_type to)
{
	if (to == WY_TYPE_REAL)
		return is_number(from);
	if (to == WY_TYPE_INT || to == WY_TYPE_COUNTER)
		return from == WY_TYPE_INT || from == WY_TYPE_COUNTER;
	return from == to;
}

static bool map_enum(struct loading *l, const struct sensor_profile_point *from,
		     const struct wy_point *to, struct config_binding *binding)
{
	bool has_any = false;
	int16_t *map = loading_array(l, from->n_values, sizeof(*map));

	for (size_t i = 0; map && i < from->n_values; i++) {
		map[i] = -1;
		for (size_t k = 0; k < to->n_values && map[i] < 0; k++)
			if (strcmp(from->values[i], to->values[k]) == 0)
				map[i] = (int16_t)k;
		has_any = has_any || map[i] >= 0;
	}
	binding->enum_map = map;
	binding->n_enum_map = map ? from->n_values : 0;
	return has_any || !map;
}

/* Says what does not fit; false then. `where` is the line that joins the two. */
static bool join(struct loading *l, const struct wy_node *where,
		 const struct sensor_profile_point *from, const struct wy_point *to,
		 struct config_binding *binding)
{
	const struct wy_unit *unit = unit_of(from);

	if (sensor_point_is_text(from)) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E602", where, 0,
			    "point '%s' is %s, the device's '%s' is text: for people, no asset can be fed from it",
			    to->name, type_texts[to->type], from->name);
		return false;
	}
	binding->from = (uint8_t)from->type;
	binding->to = (uint8_t)to->type;
	binding->factor = 1;
	if (!is_convertible(from->type, to->type)) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E602", where, 0,
			    "point '%s' is %s, the device's '%s' is %s", to->name,
			    type_texts[to->type], from->name, type_texts[from->type]);
		return false;
	}
	if (binding->is_inverted && to->type != WY_TYPE_BOOL) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E602", where, 0,
			    "'not' turns a bool around; point '%s' is %s", to->name,
			    type_texts[to->type]);
		return false;
	}
	if (to->type == WY_TYPE_ENUM && !map_enum(l, from, to, binding)) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E602", where, 0,
			    "point '%s' and the device's '%s' have no value name in common",
			    to->name, from->name);
		return false;
	}
	if (!is_number(to->type) || to->type == WY_TYPE_COUNTER)
		return true;
	if (!to->unit && wy_node_get(to->node, "unit"))
		return false; /* an unknown unit, said where it stands */
	if (!wy_unit_is_alike(unit, to->unit)) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E602", where, 0,
			    "point '%s' is in %s, the device's '%s' in %s", to->name,
			    unit_text(to->unit), from->name, unit_text(unit));
		return false;
	}
	if (unit && to->unit)
		binding->factor = wy_unit_ratio(unit, to->unit);
	if (to->type == WY_TYPE_INT && unit != to->unit) {
		wy_diag_add(
			l->diags, WY_DIAG_ERROR, "E602", where, 0,
			"point '%s' is a whole number of %s, the device's '%s' of %s: make it real",
			to->name, unit_text(to->unit), from->name, unit_text(unit));
		return false;
	}
	return true;
}

static void bind(struct loading *l, struct binding_list *list, const struct wy_node *where,
		 struct config_binding binding)
{
	const struct sensor_device_conf *device = &l->config->devices[binding.device];
	const struct wy_class *class =
		&l->config->classes[l->config->assets[binding.asset].class_index];

	if (!join(l, where, &device->profile->points[binding.device_point],
		  &class->points[binding.class_point], &binding))
		return;
	if (list->n < list->n_max)
		list->item[list->n++] = binding;
}

/* ---- One asset ------------------------------------------------------------------------------- */

/* "not lift2-io.door_open" at `node` into a binding. False after a message, or where the device's
 * profile is unknown and nothing can be said. */
static bool read_source(struct loading *l, const struct wy_node *node,
			struct config_binding *binding)
{
	char device[80];
	struct wy_buf buf;
	size_t start = 0;

	if (node->kind == WY_NODE_SCALAR && strncmp(node->text, "not ", 4) == 0) {
		binding->is_inverted = true;
		start = 4 + strspn(node->text + 4, " ");
	}
	const char *dot = strrchr(node->text + start, '.');
	if (node->kind != WY_NODE_SCALAR || !dot) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", node, 0,
			    "expected device.point or not device.point, found '%s'", node->text);
		return false;
	}
	wy_buf_init(&buf, device, sizeof(device));
	wy_buf_addn(&buf, node->text + start, (size_t)(dot - node->text) - start);
	size_t d = config_find_device(l->config, device);
	if (d == SIZE_MAX) {
		loading_unknown(l, node, start, "device", device, l->config->n_devices, device_id,
				l->config);
		return false;
	}
	binding->device = (uint32_t)d;
	const struct sensor_profile *profile = l->config->devices[d].profile;
	if (!profile)
		return false;
	size_t p = find_point(profile, dot + 1);
	if (p == SIZE_MAX) {
		loading_unknown(l, node, (size_t)(dot + 1 - node->text), "device point", dot + 1,
				profile->n_points, profile_point, profile);
		return false;
	}
	binding->device_point = (uint32_t)p;
	return true;
}

/* The device's point of the same name, if it has a value. */
static bool same_name(const struct loading *l, size_t device, const char *name,
		      struct config_binding *binding)
{
	const struct sensor_profile *profile =
		device == SIZE_MAX ? NULL : l->config->devices[device].profile;
	size_t p = profile ? find_point(profile, name) : SIZE_MAX;

	if (p == SIZE_MAX || sensor_point_is_text(&profile->points[p]))
		return false;
	binding->device = (uint32_t)device;
	binding->device_point = (uint32_t)p;
	return true;
}

static size_t default_device(struct loading *l, const struct wy_node *node)
{
	const char *id = node ? wy_field_id(node, l->diags) : NULL;
	size_t d = id ? config_find_device(l->config, id) : SIZE_MAX;

	if (id && d == SIZE_MAX)
		loading_unknown(l, node, 0, "device", id, l->config->n_devices, device_id,
				l->config);
	return d;
}

static void check_point_names(struct loading *l, const struct wy_node *points,
			      const struct wy_class *class)
{
	for (const struct wy_node *m = points ? points->child : NULL; m; m = m->next) {
		size_t i = 0;
		while (i < class->n_points && strcmp(class->points[i].name, m->key->text) != 0)
			i++;
		if (i == class->n_points)
			loading_unknown(l, m->key, 0, "point", m->key->text, class->n_points,
					class_point, class);
	}
}

static void warn_sourceless(struct loading *l, const struct wy_asset *asset,
			    const struct wy_buf *names)
{
	if (names->len)
		wy_diag_add(l->diags, WY_DIAG_WARNING, "W601", wy_node_get(asset->node, "id"), 0,
			    "asset '%s' has no source for: %s", asset->id, names->text);
}

static void note_device(struct wy_asset *asset, uint32_t *devices, uint32_t device,
			struct binding_list *list)
{
	list->is_used[device] = true;
	for (size_t i = 0; i < asset->n_devices; i++)
		if (devices[i] == device)
			return;
	devices[asset->n_devices++] = device;
}

static void bind_asset(struct loading *l, struct binding_list *list, uint32_t index)
{
	struct wy_asset *asset = (struct wy_asset *)&l->config->assets[index];
	const struct wy_node *points = wy_node_get(asset->node, "points");
	size_t device = default_device(l, wy_node_get(asset->node, "device"));
	char text[400];
	struct wy_buf missing;

	(void)loading_map(l, points);
	if (asset->class_index == UINT32_MAX)
		return;
	const struct wy_class *class = &l->config->classes[asset->class_index];
	uint32_t *devices = loading_array(l, class->n_points + 1, sizeof(*devices));
	if (!devices)
		return;
	asset->devices = devices;
	if (device != SIZE_MAX)
		note_device(asset, devices, (uint32_t)device, list);
	if (points && points->kind == WY_NODE_MAP)
		check_point_names(l, points, class);
	wy_buf_init(&missing, text, sizeof(text));
	for (size_t p = 0; p < class->n_points; p++) {
		struct config_binding binding = {.asset = index, .class_point = (uint32_t)p};
		const struct wy_node *source = wy_node_get(points, class->points[p].name);
		const struct wy_node *where = source ? source : wy_node_get(asset->node, "device");
		bool is_known = source ? read_source(l, source, &binding)
				       : same_name(l, device, class->points[p].name, &binding);
		if (is_known) {
			note_device(asset, devices, binding.device, list);
			bind(l, list, where, binding);
		} else if (!source && !class->points[p].is_optional) {
			wy_buf_addf(&missing, "%s%s", missing.len ? ", " : "",
				    class->points[p].name);
		}
	}
	/* A device or profile that is not there was said already. */
	if (device == SIZE_MAX ? !wy_node_get(asset->node, "device")
			       : l->config->devices[device].profile != NULL)
		warn_sourceless(l, asset, &missing);
}

/* ---- All --------------------------------------------------------------------------------------
 */

/* A counting sort: order of assets is kept among equals, and the counts are the table we need. */
static void sort_bindings(struct loading *l, const struct binding_list *list)
{
	struct config *config = l->config;
	uint32_t *device_first = loading_array(l, config->n_devices + 1, sizeof(*device_first));
	size_t n_points = 0;

	for (size_t d = 0; device_first && d < config->n_devices; d++) {
		device_first[d] = (uint32_t)n_points;
		n_points += config->devices[d].profile ? config->devices[d].profile->n_points : 0;
	}
	uint32_t *first = loading_array(l, n_points + 2, sizeof(*first));
	struct config_binding *sorted = loading_array(l, list->n, sizeof(*sorted));
	if (!device_first || !first || !sorted)
		return;
	/* first[k + 2] counts key k, so that after the sums first[k + 1] is where k begins, and
	 * after the filling, where it ends. */
	for (size_t i = 0; i < list->n; i++)
		first[device_first[list->item[i].device] + list->item[i].device_point + 2]++;
	for (size_t k = 2; k < n_points + 2; k++)
		first[k] += first[k - 1];
	for (size_t i = 0; i < list->n; i++) {
		uint32_t *at =
			&first[device_first[list->item[i].device] + list->item[i].device_point + 1];
		sorted[(*at)++] = list->item[i];
	}
	config->device_first = device_first;
	config->first = first;
	config->bindings = sorted;
	config->n_bindings = list->n;
}

void load_bindings(struct loading *l)
{
	struct config *config = l->config;
	struct binding_list list = {0};

	for (size_t i = 0; i < config->n_assets; i++)
		if (config->assets[i].class_index != UINT32_MAX)
			list.n_max += config->classes[config->assets[i].class_index].n_points;
	list.item = loading_array(l, list.n_max, sizeof(*list.item));
	list.is_used = loading_array(l, config->n_devices + 1, sizeof(*list.is_used));
	if (!list.item || !list.is_used)
		return;
	for (uint32_t i = 0; i < config->n_assets; i++)
		bind_asset(l, &list, i);
	sort_bindings(l, &list);
	for (size_t d = 0; d < config->n_devices; d++)
		if (!list.is_used[d] && config->devices[d].id[0] && l->has_classes)
			wy_diag_add(l->diags, WY_DIAG_WARNING, "W604",
				    wy_node_get(l->device_nodes[d], "id"), 0,
				    "device '%s' feeds no asset: nothing it says leads to a ticket",
				    config->devices[d].id);
}
