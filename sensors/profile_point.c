/* profile_point.c: the keys of one point of a profile into struct sensor_profile_point.
 *
 * One row per key; what keys mean together is judged in profile_lint.c. A key that would write is refused by name, so
 * that the message says why. */
#include <stddef.h>
#include <string.h>

#include "decode.h"
#include "fields.h"
#include "driver.h"
#include "profile_keys.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

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

static const char *const type_names[] = {"bool", "int", "real", "enum", "counter", "text", NULL};
#define TYPE_TEXT (WY_TYPE_COUNTER + 1) /* only here: such a point has no value */
static const char *const encoding_names[] = {"bit", "u16", "i16",	 "u32",	 "i32",
					     "f32", "u64", "dec_pair", "text", NULL};
static const char *const order_names[] = {"ABCD", "CDAB", "BADC", "DCBA", NULL};
static const char *const charset_names[] = {"ascii", "gb18030", NULL};
static const char *const poll_names[] = {"F", "M", "S", "D", NULL};

struct point_keys {
	int area, type, encoding, order, poll, charset;
	int64_t address, bit, shift, mask, registers;
	double scale, offset;
	const char *unit, *unit_by, *scale_by, *path, *senml;
	const struct wy_node *range, *sentinels, *values, *units, *scales;
	bool is_inverted, is_latched, is_observed, is_clear_on_read, is_optional;
};

#define AT(member) offsetof(struct point_keys, member)
static const struct wy_field point_rows[] = {
	{"area", WY_FIELD_CHOICE, AT(area), false, 0, 0, sensor_area_names,
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
	{"scale_by", WY_FIELD_ID, AT(scale_by), false, 0, 0, NULL,
	 "point whose value chooses a factor"},
	{"scales", WY_FIELD_NODE, AT(scales), false, 0, 0, NULL, "factors for the values 0, 1, ..."},
	{"registers", WY_FIELD_INT, AT(registers), false, 1, 32, NULL, "text: how long, in registers"},
	{"charset", WY_FIELD_CHOICE, AT(charset), false, 0, 0, charset_names, "text: of its bytes"},
	{"clear_on_read", WY_FIELD_BOOL, AT(is_clear_on_read), false, 0, 0, NULL, "true: reading changes it"},
	{"optional", WY_FIELD_BOOL, AT(is_optional), false, 0, 0, NULL, "true: some models lack it"},
	{"poll", WY_FIELD_CHOICE, AT(poll), false, 0, 0, poll_names, "class F, M, S or D"},
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
		return profile_mistake(draft, node, "E105", "expected [lowest, highest]");
	if (wy_field_real(node->child, &point->lo, draft->diags) ||
	    wy_field_real(node->child->next, &point->hi, draft->diags))
		return WY_E_INVALID;
	if (point->lo >= point->hi)
		return profile_mistake(draft, node, "E106", "the first bound must be below the second");
	point->has_range = true;
	return WY_OK;
}

static enum wy_err read_sentinels(const struct profile_draft *draft, const struct wy_node *node,
				  struct sensor_profile_point *point)
{
	if (node->kind != WY_NODE_SEQ)
		return profile_mistake(draft, node, "E105",
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
		return profile_mistake(draft, node, "E105",
			       "expected a map such as {NORMAL: 1, INSPECTION: 8}");
	const char **names = wy_arena_array(draft->arena, node->n, sizeof(*names));
	int64_t *raws = wy_arena_array(draft->arena, node->n, sizeof(*raws));
	if (!names || !raws)
		return WY_E_NOMEM;
	for (const struct wy_node *m = node->child; m; m = m->next, point->n_values++) {
		if (!is_value_name(m->key))
			return profile_mistake(draft, m->key, "E105",
				       "names of values are upper-case: [A-Z_][A-Z0-9_]*");
		if (wy_field_int(m, &raws[point->n_values], draft->diags))
			return WY_E_INVALID;
		if (has_raw(point, raws))
			return profile_mistake(draft, m, "E807", "this raw value has a name already");
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
		return profile_mistake(draft, node, "E105", "expected a list of units such as [m, ft]");
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
			return profile_mistake(draft, m, "E805",
				       "this unit measures something else than the first one");
	}
	return WY_OK;
}

static enum wy_err read_scales(const struct profile_draft *draft, const struct wy_node *node,
			       struct sensor_profile_point *point)
{
	if (node->kind != WY_NODE_SEQ || !node->n)
		return profile_mistake(draft, node, "E105", "expected a list of factors such as [1, 0.1, 0.01]");
	double *choices = wy_arena_array(draft->arena, node->n, sizeof(*choices));
	if (!choices)
		return WY_E_NOMEM;
	point->scale_choices = choices;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		if (wy_field_real(m, &choices[point->n_scale_choices], draft->diags))
			return WY_E_INVALID;
		if (choices[point->n_scale_choices++] == 0)
			return profile_mistake(draft, m, "E803", "factor 0 would make every value the same");
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
		{keys->scales, read_scales},
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

static enum sensor_encoding encoding_of(const struct point_keys *keys, bool is_bit_area)
{
	if (keys->encoding >= 0)
		return (enum sensor_encoding)keys->encoding;
	if (keys->type == TYPE_TEXT)
		return SENSOR_TEXT;
	return is_bit_area ? SENSOR_BIT : SENSOR_U16;
}

static void copy_keys(const struct point_keys *keys, struct sensor_profile_point *point)
{
	bool is_bit_area = sensor_area_is_bits((enum sensor_area)keys->area);

	point->type = keys->type == TYPE_TEXT ? WY_TYPE_INT : (enum wy_type)keys->type;
	point->poll = keys->poll >= 0 ? (enum sensor_poll_class)keys->poll : SENSOR_DAILY;
	point->scale = keys->scale;
	point->offset = keys->offset;
	point->is_latched = keys->is_latched;
	point->is_inverted = keys->is_inverted;
	point->is_clear_on_read = keys->is_clear_on_read;
	point->is_optional = keys->is_optional;
	point->area = (enum sensor_area)keys->area;
	point->encoding = encoding_of(keys, is_bit_area);
	point->order = (enum sensor_order)keys->order;
	point->bit_shift = (uint8_t)keys->shift;
	point->bit_mask = (uint32_t)keys->mask;
	if (point->encoding == SENSOR_BIT && !is_bit_area) {
		point->bit_shift = (uint8_t)keys->bit;
		point->bit_mask = 1;
	}
	point->unit_by = keys->unit_by;
	point->scale_by = keys->scale_by;
	point->n_text = (uint8_t)keys->registers;
	point->charset = (enum sensor_charset)keys->charset;
	point->path = keys->path;
	point->senml_name = keys->senml;
	point->is_observed = keys->is_observed;
}

static enum wy_err check_modbus(const struct profile_draft *draft,
				struct sensor_profile_point *point, int64_t address)
{
	if ((point->unit_by != NULL) != (point->unit_choices != NULL))
		return profile_mistake(draft, point->node, "E804", "unit_by and units belong together");
	if ((point->scale_by != NULL) != (point->scale_choices != NULL))
		return profile_mistake(draft, point->node, "E804", "scale_by and scales belong together");
	if (profile_require(draft, point->node, "address"))
		return WY_E_INVALID;
	return profile_lint_address(draft, point, address);
}

static enum wy_err check_coap(const struct profile_draft *draft,
			      const struct sensor_profile_point *point)
{
	if (profile_require(draft, point->node, "path"))
		return WY_E_INVALID;
	if (point->path[0] != '/' || !point->path[1])
		return profile_mistake(draft, wy_node_get(point->node, "path"), "E105",
			       "expected a path such as /3200/0/5500");
	return WY_OK;
}

enum wy_err profile_read_point(const struct profile_draft *draft, const struct wy_node *node,
			       struct sensor_profile_point *point)
{
	const struct sensor_options *own = sensor_driver_find(draft->profile->transport)->point;
	struct point_keys keys = {.encoding = -1, .poll = -1, .scale = 1};
	const struct wy_node *unit = wy_node_get(node, "unit");
	/* The driver's own keys first: what it calls by a name is what its profiles mean. */
	struct wy_field_table tables[] = {{NULL, 0, NULL}, {point_rows, COUNT(point_rows), &keys}};

	point->name = wy_field_id(node->key, draft->diags);
	point->node = node;
	if (!point->name)
		return WY_E_INVALID;
	if (sensor_options_begin(own, draft->arena, &tables[0]))
		return WY_E_NOMEM;
	point->options = tables[0].out;
	if (refuse_writes(draft, node) || wy_fields_read_tables(node, tables, COUNT(tables), draft->diags))
		return WY_E_INVALID;
	if (draft->profile->transport == SENSOR_MODBUS && profile_require(draft, node, "area"))
		return WY_E_INVALID;
	if (keys.type != TYPE_TEXT && profile_require(draft, node, "poll"))
		return WY_E_INVALID;
	copy_keys(&keys, point);
	if (unit && find_unit(draft, unit, &point->unit))
		return WY_E_INVALID;
	enum wy_err err = read_lists(draft, &keys, point);
	if (err == WY_E_NOMEM)
		return err;
	enum wy_err fit = profile_lint_keys(draft, point);
	enum wy_err place = WY_OK;
	if (draft->profile->transport == SENSOR_MODBUS)
		place = check_modbus(draft, point, keys.address);
	else if (draft->profile->transport == SENSOR_COAP)
		place = check_coap(draft, point);
	enum wy_err options = sensor_options_check(own, node, point->options, draft->diags);
	return err || fit || place || options ? WY_E_INVALID : WY_OK;
}
