/* profile.c: a profile file (`weiyu: profile/1`) into struct sensor_profile.
 *
 * One row per key; what keys mean together is judged in profile_lint.c. Codes: E103-E107 of
 * fields.h, E109 not this kind of file, E801-E804 of the lint, E805 units, E806 an attempt to
 * write, E807 values and ceilings. */
#include <stddef.h>
#include <string.h>

#include "decode.h"
#include "fields.h"
#include "profile_keys.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

const struct sensor_profile_point *sensor_profile_find(const struct sensor_profile *profile,
						       const char *name)
{
	for (size_t i = 0; i < profile->n_points; i++)
		if (strcmp(profile->points[i].name, name) == 0)
			return &profile->points[i];
	return NULL;
}

static enum wy_err mistake(const struct profile_draft *draft, const struct wy_node *where,
			   const char *code, const char *text)
{
	wy_diag_add(draft->diags, WY_DIAG_ERROR, code, where, 0, "%s", text);
	return WY_E_INVALID;
}

static enum wy_err require(const struct profile_draft *draft, const struct wy_node *map,
			   const char *key)
{
	if (wy_node_get(map, key))
		return WY_OK;
	wy_diag_add(draft->diags, WY_DIAG_ERROR, "E107", map, 0, "key '%s' is missing here", key);
	return WY_E_INVALID;
}

/* ---- Keys that would write ---------------------------------------- */

/* Refused by name, so that the message says why instead of "unknown key". */
static const char *const writing_keys[] = {"write",	     "writable", "function", "fc",
					   "write_function", "set",	 "command",  "access"};

static enum wy_err refuse_writes(const struct profile_draft *draft, const struct wy_node *map)
{
	enum wy_err err = WY_OK;

	for (size_t i = 0; i < COUNT(writing_keys); i++) {
		const struct wy_node *node = wy_node_get(map, writing_keys[i]);
		if (!node)
			continue;
		wy_diag_add(
			draft->diags, WY_DIAG_ERROR, "E806", node->key, 0,
			"Weiyu only reads: there is no '%s'; the area decides how a point is read",
			writing_keys[i]);
		err = WY_E_INVALID;
	}
	return err;
}

/* ---- A point ------------------------------------------------------ */

static const char *const area_names[] = {"coil", "discrete", "input", "holding", NULL};
static const char *const type_names[] = {"bool", "int", "real", "enum", "counter", NULL};
static const char *const encoding_names[] = {"bit", "u16", "i16", "u32", "i32", "f32", "u64", NULL};
static const char *const order_names[] = {"ABCD", "CDAB", "BADC", "DCBA", NULL};
static const char *const poll_names[] = {"F", "M", "S", "D", NULL};
static const char *const transport_names[] = {"modbus", "coap", NULL};

struct point_keys {
	int area, type, encoding, order, poll;
	int64_t address, bit, shift, mask;
	double scale, offset;
	const char *unit, *unit_by, *path, *senml;
	const struct wy_node *range, *sentinels, *values, *units;
	bool is_inverted, is_latched, is_observed;
};

#define AT(member) offsetof(struct point_keys, member)
static const struct wy_field point_rows[] = {
	{"area", WY_FIELD_CHOICE, AT(area), false, 0, 0, area_names,
	 "coil, discrete, input, holding"},
	{"address", WY_FIELD_INT, AT(address), false, 0, 499999, NULL,
	 "as numbered from address_base"},
	{"type", WY_FIELD_CHOICE, AT(type), true, 0, 0, type_names, "what the value is"},
	{"encoding", WY_FIELD_CHOICE, AT(encoding), false, 0, 0, encoding_names,
	 "how it is stored"},
	{"order", WY_FIELD_CHOICE, AT(order), false, 0, 0, order_names, "bytes on the wire"},
	{"bit", WY_FIELD_INT, AT(bit), false, 0, 15, NULL, "bit of the register, 0 lowest"},
	{"shift", WY_FIELD_INT, AT(shift), false, 0, 31, NULL, "bits to drop on the right"},
	{"mask", WY_FIELD_INT, AT(mask), false, 1, 4294967295.0, NULL, "bits to keep, after shift"},
	{"scale", WY_FIELD_REAL, AT(scale), false, 0, 0, NULL, "value = raw * scale + offset"},
	{"offset", WY_FIELD_REAL, AT(offset), false, 0, 0, NULL, "in the unit of the point"},
	{"unit", WY_FIELD_TEXT, AT(unit), false, 0, 0, NULL, "of the value after scale and offset"},
	{"range", WY_FIELD_NODE, AT(range), false, 0, 0, NULL, "[lowest, highest]"},
	{"sentinels", WY_FIELD_NODE, AT(sentinels), false, 0, 0, NULL,
	 "raw values that mean: none"},
	{"values", WY_FIELD_NODE, AT(values), false, 0, 0, NULL, "{NAME: raw}"},
	{"inverted", WY_FIELD_BOOL, AT(is_inverted), false, 0, 0, NULL, "true: active low"},
	{"latched", WY_FIELD_BOOL, AT(is_latched), false, 0, 0, NULL, "stays until reset by hand"},
	{"unit_by", WY_FIELD_ID, AT(unit_by), false, 0, 0, NULL,
	 "point whose value chooses the unit"},
	{"units", WY_FIELD_NODE, AT(units), false, 0, 0, NULL, "units for the values 0, 1, ..."},
	{"poll", WY_FIELD_CHOICE, AT(poll), true, 0, 0, poll_names, "class F, M, S or D"},
	{"path", WY_FIELD_TEXT, AT(path), false, 0, 0, NULL, "CoAP path"},
	{"senml", WY_FIELD_TEXT, AT(senml), false, 0, 0, NULL, "SenML name after the base name"},
	{"observe", WY_FIELD_BOOL, AT(is_observed), false, 0, 0, NULL, "true: ask to be told"},
};
#undef AT

static enum wy_err find_unit(const struct profile_draft *draft, const struct wy_node *node,
			     const struct wy_unit **ret_unit)
{
	*ret_unit = node->kind == WY_NODE_SCALAR ? wy_unit_find(node->text, node->len) : NULL;
	if (*ret_unit)
		return WY_OK;
	const char *near = wy_unit_nearest(node->text);
	wy_diag_add(draft->diags, WY_DIAG_ERROR, "E805", node, 0, "no unit '%s'%s%s%s", node->text,
		    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return WY_E_INVALID;
}

static enum wy_err read_range(const struct profile_draft *draft, const struct wy_node *node,
			      struct sensor_profile_point *point)
{
	if (node->kind != WY_NODE_SEQ || node->n != 2)
		return mistake(draft, node, "E105", "expected [lowest, highest]");
	if (wy_field_real(node->child, &point->lo, draft->diags) ||
	    wy_field_real(node->child->next, &point->hi, draft->diags))
		return WY_E_INVALID;
	if (point->lo >= point->hi)
		return mistake(draft, node, "E106", "the first bound must be below the second");
	point->has_range = true;
	return WY_OK;
}

static enum wy_err read_sentinels(const struct profile_draft *draft, const struct wy_node *node,
				  struct sensor_profile_point *point)
{
	if (node->kind != WY_NODE_SEQ)
		return mistake(draft, node, "E105",
			       "expected a list of raw values such as [0xFFFF]");
	int64_t *sentinels = wy_arena_array(draft->arena, node->n, sizeof(*sentinels));
	if (!sentinels)
		return WY_E_NOMEM;
	for (const struct wy_node *m = node->child; m; m = m->next)
		if (wy_field_int(m, &sentinels[point->n_sentinels++], draft->diags))
			return WY_E_INVALID;
	point->sentinels = sentinels;
	return WY_OK;
}

static bool is_value_name(const struct wy_node *key)
{
	for (size_t i = 0; i < key->len; i++) {
		char c = key->text[i];
		if (!((c >= 'A' && c <= 'Z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
			return false;
	}
	return key->len > 0;
}

static bool has_raw(const struct sensor_profile_point *point, const int64_t *raws)
{
	for (size_t i = 0; i < point->n_values; i++)
		if (raws[i] == raws[point->n_values])
			return true;
	return false;
}

static enum wy_err read_values(const struct profile_draft *draft, const struct wy_node *node,
			       struct sensor_profile_point *point)
{
	if (node->kind != WY_NODE_MAP || !node->n)
		return mistake(draft, node, "E105",
			       "expected a map such as {NORMAL: 1, INSPECTION: 8}");
	const char **names = wy_arena_array(draft->arena, node->n, sizeof(*names));
	int64_t *raws = wy_arena_array(draft->arena, node->n, sizeof(*raws));
	if (!names || !raws)
		return WY_E_NOMEM;
	for (const struct wy_node *m = node->child; m; m = m->next, point->n_values++) {
		if (!is_value_name(m->key))
			return mistake(draft, m->key, "E105",
				       "names of values are upper-case: [A-Z_][A-Z0-9_]*");
		if (wy_field_int(m, &raws[point->n_values], draft->diags))
			return WY_E_INVALID;
		if (has_raw(point, raws))
			return mistake(draft, m, "E807", "this raw value has a name already");
		names[point->n_values] = m->key->text;
	}
	point->values = names;
	point->values_raw = raws;
	return WY_OK;
}

static enum wy_err read_units(const struct profile_draft *draft, const struct wy_node *node,
			      struct sensor_profile_point *point)
{
	if (node->kind != WY_NODE_SEQ || !node->n)
		return mistake(draft, node, "E105", "expected a list of units such as [m, ft]");
	const struct wy_unit **choices = wy_arena_array(draft->arena, node->n, sizeof(*choices));
	if (!choices)
		return WY_E_NOMEM;
	point->unit_choices = choices;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		if (find_unit(draft, m, &choices[point->n_unit_choices]))
			return WY_E_INVALID;
		if (!point->unit)
			point->unit = choices[0];
		if (!wy_unit_is_alike(point->unit, choices[point->n_unit_choices++]))
			return mistake(draft, m, "E805",
				       "this unit measures something else than the first one");
	}
	return WY_OK;
}

static enum wy_err read_lists(const struct profile_draft *draft, const struct point_keys *keys,
			      struct sensor_profile_point *point)
{
	const struct {
		const struct wy_node *node;
		enum wy_err (*read)(const struct profile_draft *, const struct wy_node *,
				    struct sensor_profile_point *);
	} lists[] = {
		{keys->range, read_range},
		{keys->sentinels, read_sentinels},
		{keys->values, read_values},
		{keys->units, read_units},
	};
	enum wy_err all = WY_OK;

	for (size_t i = 0; i < COUNT(lists); i++) {
		enum wy_err err =
			lists[i].node ? lists[i].read(draft, lists[i].node, point) : WY_OK;
		if (err == WY_E_NOMEM)
			return err;
		if (err)
			all = err;
	}
	return all;
}

static void copy_keys(const struct point_keys *keys, struct sensor_profile_point *point)
{
	bool is_bit_area = sensor_area_is_bits((enum sensor_area)keys->area);

	point->type = (enum wy_type)keys->type;
	point->poll = (enum sensor_poll_class)keys->poll;
	point->scale = keys->scale;
	point->offset = keys->offset;
	point->is_latched = keys->is_latched;
	point->is_inverted = keys->is_inverted;
	point->area = (enum sensor_area)keys->area;
	point->encoding = keys->encoding >= 0 ? (enum sensor_encoding)keys->encoding : SENSOR_U16;
	if (keys->encoding < 0 && is_bit_area)
		point->encoding = SENSOR_BIT;
	point->order = (enum sensor_order)keys->order;
	point->bit_shift = (uint8_t)keys->shift;
	point->bit_mask = (uint32_t)keys->mask;
	if (point->encoding == SENSOR_BIT && !is_bit_area) {
		point->bit_shift = (uint8_t)keys->bit;
		point->bit_mask = 1;
	}
	point->unit_by = keys->unit_by;
	point->path = keys->path;
	point->senml_name = keys->senml;
	point->is_observed = keys->is_observed;
}

static enum wy_err check_modbus(const struct profile_draft *draft,
				struct sensor_profile_point *point, int64_t address)
{
	if ((point->unit_by != NULL) != (point->unit_choices != NULL))
		return mistake(draft, point->node, "E804", "unit_by and units belong together");
	if (require(draft, point->node, "address"))
		return WY_E_INVALID;
	return profile_lint_address(draft, point, address);
}

static enum wy_err check_coap(const struct profile_draft *draft,
			      const struct sensor_profile_point *point)
{
	if (require(draft, point->node, "path"))
		return WY_E_INVALID;
	if (point->path[0] != '/' || !point->path[1])
		return mistake(draft, wy_node_get(point->node, "path"), "E105",
			       "expected a path such as /3200/0/5500");
	return WY_OK;
}

static enum wy_err read_point(const struct profile_draft *draft, const struct wy_node *node,
			      struct sensor_profile_point *point)
{
	struct point_keys keys = {.encoding = -1, .scale = 1};
	const struct wy_node *unit = wy_node_get(node, "unit");

	point->name = wy_field_id(node->key, draft->diags);
	point->node = node;
	if (!point->name)
		return WY_E_INVALID;
	if (refuse_writes(draft, node) ||
	    wy_fields_read(node, point_rows, COUNT(point_rows), &keys, draft->diags))
		return WY_E_INVALID;
	if (draft->profile->transport == SENSOR_MODBUS && require(draft, node, "area"))
		return WY_E_INVALID;
	copy_keys(&keys, point);
	if (unit && find_unit(draft, unit, &point->unit))
		return WY_E_INVALID;
	enum wy_err err = read_lists(draft, &keys, point);
	if (err == WY_E_NOMEM)
		return err;
	enum wy_err fit = profile_lint_keys(draft, point);
	enum wy_err place = draft->profile->transport == SENSOR_MODBUS
				    ? check_modbus(draft, point, keys.address)
				    : check_coap(draft, point);
	return err || fit || place ? WY_E_INVALID : WY_OK;
}

/* ---- The file ----------------------------------------------------- */

struct file_keys {
	const char *weiyu, *id, *vendor, *model, *title_zh, *title_en, *source;
	int transport;
	int64_t address_base;
	const struct wy_node *limits, *classes, *points;
};

#define AT(member) offsetof(struct file_keys, member)
static const struct wy_field file_rows[] = {
	{"weiyu", WY_FIELD_TEXT, AT(weiyu), true, 0, 0, NULL, "profile/1"},
	{"id", WY_FIELD_ID, AT(id), true, 0, 0, NULL, "name of the profile"},
	{"transport", WY_FIELD_CHOICE, AT(transport), true, 0, 0, transport_names,
	 "modbus or coap"},
	{"vendor", WY_FIELD_TEXT, AT(vendor), true, 0, 0, NULL, "who makes the device"},
	{"model", WY_FIELD_TEXT, AT(model), true, 0, 0, NULL, "which device"},
	{"title_zh", WY_FIELD_TEXT, AT(title_zh), true, 0, 0, NULL, "Chinese name"},
	{"title_en", WY_FIELD_TEXT, AT(title_en), true, 0, 0, NULL, "English name"},
	{"source", WY_FIELD_TEXT, AT(source), true, 0, 0, NULL, "the document the map is from"},
	{"address_base", WY_FIELD_INT, AT(address_base), false, 0, 400001, NULL,
	 "0, 1, 30001, ..."},
	{"limits", WY_FIELD_NODE, AT(limits), false, 0, 0, NULL, "of one request"},
	{"classes", WY_FIELD_NODE, AT(classes), false, 0, 0, NULL, "poll periods of F, M, S, D"},
	{"points", WY_FIELD_NODE, AT(points), true, 0, 0, NULL, "name: {...}"},
};
#undef AT

struct limit_keys {
	int64_t max_registers, max_bits, max_gap;
	wy_ms min_interval_ms, timeout_ms;
};

#define AT(member) offsetof(struct limit_keys, member)
static const struct wy_field limit_rows[] = {
	{"max_registers", WY_FIELD_INT, AT(max_registers), false, 1, 125, NULL,
	 "registers of a read"},
	{"max_bits", WY_FIELD_INT, AT(max_bits), false, 1, 2000, NULL, "bits of one read"},
	{"max_gap", WY_FIELD_INT, AT(max_gap), false, 0, 124, NULL,
	 "unused ones worth reading over"},
	{"min_interval", WY_FIELD_DURATION, AT(min_interval_ms), false, 0, 10000, NULL,
	 "between two requests"},
	{"timeout", WY_FIELD_DURATION, AT(timeout_ms), false, 10, 30000, NULL, "for an answer"},
};
#undef AT

#define PERIOD(key, i)                                                                             \
	{                                                                                          \
		key, WY_FIELD_DURATION, (i) * sizeof(wy_ms), false, 100, 604800000, NULL, "period" \
	}
static const struct wy_field class_rows[] = {PERIOD("F", SENSOR_FAST), PERIOD("M", SENSOR_MEDIUM),
					     PERIOD("S", SENSOR_SLOW), PERIOD("D", SENSOR_DAILY)};

static enum wy_err read_limits(const struct profile_draft *draft, const struct wy_node *node)
{
	struct sensor_profile *profile = draft->profile;
	struct limit_keys keys = {125, 2000, 0, 20, 1000};
	enum wy_err err = WY_OK;

	if (node)
		err = wy_fields_read(node, limit_rows, COUNT(limit_rows), &keys, draft->diags);
	profile->max_registers = (uint16_t)keys.max_registers;
	profile->max_bits = (uint16_t)keys.max_bits;
	profile->max_gap = (uint16_t)keys.max_gap;
	profile->min_interval_ms = keys.min_interval_ms;
	profile->timeout_ms = keys.timeout_ms;
	return err;
}

static enum wy_err read_classes(const struct profile_draft *draft, const struct wy_node *node)
{
	wy_ms periods[4] = {1000, 10000, 60000, 3600000};
	enum wy_err err = WY_OK;

	if (node)
		err = wy_fields_read(node, class_rows, COUNT(class_rows), periods, draft->diags);
	memcpy(draft->profile->class_ms, periods, sizeof(periods));
	return err;
}

static enum wy_err read_points(struct profile_draft *draft, const struct wy_node *node)
{
	enum wy_err all = WY_OK;
	size_t n = 0;

	if (node->kind != WY_NODE_MAP || !node->n)
		return mistake(draft, node, "E105", "expected a map of points, at least one");
	if (node->n > WY_POINTS_PER_DEVICE) {
		wy_diag_add(draft->diags, WY_DIAG_ERROR, "E807", node, 0,
			    "%zu points; a profile may have %u", node->n, WY_POINTS_PER_DEVICE);
		return WY_E_LIMIT;
	}
	draft->points = wy_arena_array(draft->arena, node->n, sizeof(*draft->points));
	if (!draft->points)
		return WY_E_NOMEM;
	draft->profile->points = draft->points;
	for (const struct wy_node *m = node->child; m; m = m->next, n++) {
		enum wy_err err = read_point(draft, m, &draft->points[n]);
		if (err == WY_E_NOMEM)
			return err;
		if (err)
			all = err;
	}
	draft->profile->n_points = n;
	return all;
}

static enum wy_err check_base(const struct profile_draft *draft, const struct wy_node *root)
{
	static const int64_t bases[] = {0, 1, 10001, 30001, 40001, 100001, 300001, 400001};
	const struct wy_node *node = wy_node_get(root, "address_base");

	if (draft->profile->transport == SENSOR_COAP)
		return node ? mistake(draft, node->key, "E803",
				      "'address_base' goes with Modbus profiles")
			    : WY_OK;
	if (require(draft, root, "address_base"))
		return WY_E_INVALID;
	for (size_t i = 0; i < COUNT(bases); i++)
		if (bases[i] == draft->address_base)
			return WY_OK;
	return mistake(draft, node, "E801",
		       "expected 0, 1, 10001, 30001, 40001, 100001, 300001 or 400001");
}

static void copy_file(const struct file_keys *keys, const struct wy_node *root,
		      struct sensor_profile *profile)
{
	profile->id = keys->id;
	profile->transport = (enum sensor_transport)keys->transport;
	profile->vendor = keys->vendor;
	profile->model = keys->model;
	profile->source = keys->source;
	profile->title_zh = keys->title_zh;
	profile->title_en = keys->title_en;
	profile->node = root;
}

enum wy_err sensor_profile_read(const struct wy_node *root, struct wy_arena *arena,
				struct wy_diags *diags, struct sensor_profile **ret_profile)
{
	struct profile_draft draft = {.diags = diags, .arena = arena};
	struct file_keys keys = {0};

	if (root->kind == WY_NODE_MAP && !wy_node_is(wy_node_get(root, "weiyu"), "profile/1"))
		return mistake(&draft, root, "E109",
			       "not a profile: the first key must be 'weiyu: profile/1'");
	if (wy_fields_read(root, file_rows, COUNT(file_rows), &keys, diags))
		return WY_E_INVALID;
	draft.profile = wy_arena_alloc(arena, sizeof(*draft.profile));
	if (!draft.profile)
		return WY_E_NOMEM;
	draft.address_base = keys.address_base;
	copy_file(&keys, root, draft.profile);
	enum wy_err base = check_base(&draft, root);
	enum wy_err limits = read_limits(&draft, keys.limits);
	enum wy_err classes = read_classes(&draft, keys.classes);
	if (base)
		return base;
	enum wy_err points = read_points(&draft, keys.points);
	if (points == WY_E_NOMEM)
		return points;
	if (points || limits || classes || profile_lint_whole(&draft))
		return WY_E_INVALID;
	*ret_profile = draft.profile;
	return WY_OK;
}
