/* profile_lint.c: mistakes in device maps that would read the wrong number without anybody
 * noticing.
 *
 * E801 ambiguous address, E802 address out of reach, E803 keys that do not fit each other,
 * E804 the register that chooses the unit. Sources of these rules: off-by-one manuals, the same
 * number in two areas, values joined from two answers (README.md, "What the checks are for"). */
#include "profile_keys.h"

#include <string.h>

#include "decode.h"
#include "number.h"

enum {
	BOOL = 1 << WY_TYPE_BOOL,
	INT = 1 << WY_TYPE_INT,
	REAL = 1 << WY_TYPE_REAL,
	ENUM = 1 << WY_TYPE_ENUM,
	COUNTER = 1 << WY_TYPE_COUNTER,
	ANY_TYPE = BOOL | INT | REAL | ENUM | COUNTER,

	BIT = 1 << SENSOR_BIT,
	F32 = 1 << SENSOR_F32,
	U64 = 1 << SENSOR_U64,
	UNSIGNED = 1 << SENSOR_U16 | 1 << SENSOR_U32,
	SIGNED = 1 << SENSOR_I16 | 1 << SENSOR_I32,
	WORDS = UNSIGNED | SIGNED | F32 | U64,
	ANY_ENCODING = BIT | WORDS,

	MODBUS = 1 << SENSOR_MODBUS,
	COAP = 1 << SENSOR_COAP,
};

/* A key and the points it makes sense for. */
static const struct fit {
	const char *key;
	int transports, types, encodings;
	bool is_for_words; /* only in the register areas */
	const char *where; /* "'scale' goes with ..." */
} fits[] = {
	{"area", MODBUS, ANY_TYPE, ANY_ENCODING, false, "Modbus profiles"},
	{"address", MODBUS, ANY_TYPE, ANY_ENCODING, false, "Modbus profiles"},
	{"encoding", MODBUS, ANY_TYPE, ANY_ENCODING, false, "Modbus profiles"},
	{"bit", MODBUS, ANY_TYPE, BIT, true, "encoding bit in a register area"},
	{"shift", MODBUS, ANY_TYPE, UNSIGNED | SIGNED, true, "encodings u16 i16 u32 i32"},
	{"mask", MODBUS, ANY_TYPE, UNSIGNED | SIGNED, true, "encodings u16 i16 u32 i32"},
	{"order", MODBUS, ANY_TYPE, WORDS, true, "values of whole registers"},
	{"scale", MODBUS | COAP, INT | REAL | COUNTER, WORDS, false, "types int, real and counter"},
	{"offset", MODBUS | COAP, INT | REAL | COUNTER, WORDS, false,
	 "types int, real and counter"},
	{"unit", MODBUS | COAP, INT | REAL, WORDS, false, "types int and real"},
	{"range", MODBUS | COAP, INT | REAL, WORDS, false, "types int and real"},
	{"values", MODBUS | COAP, ENUM, ANY_ENCODING, false, "type enum"},
	{"inverted", MODBUS | COAP, BOOL, ANY_ENCODING, false, "type bool"},
	{"sentinels", MODBUS | COAP, ANY_TYPE, ANY_ENCODING, true, "values from registers"},
	{"unit_by", MODBUS, REAL, WORDS, true, "type real in a register area"},
	{"units", MODBUS, REAL, WORDS, true, "type real in a register area"},
	{"path", COAP, ANY_TYPE, ANY_ENCODING, false, "CoAP profiles"},
	{"senml", COAP, ANY_TYPE, ANY_ENCODING, false, "CoAP profiles"},
	{"observe", COAP, ANY_TYPE, ANY_ENCODING, false, "CoAP profiles"},
};

/* Which encodings can carry a type at all. */
static const struct {
	const char *name;
	int encodings;
	const char *expected;
} carriers[] = {
	[WY_TYPE_BOOL] = {"bool", BIT | UNSIGNED, "bit, u16 or u32"},
	[WY_TYPE_INT] = {"int", UNSIGNED | SIGNED | U64, "u16, i16, u32, i32 or u64"},
	[WY_TYPE_REAL] = {"real", WORDS, "u16, i16, u32, i32, f32 or u64"},
	[WY_TYPE_ENUM] = {"enum", BIT | UNSIGNED | SIGNED, "bit, u16, i16, u32 or i32"},
	[WY_TYPE_COUNTER] = {"counter", UNSIGNED | U64,
			     "u16, u32 or u64: it never goes below zero"},
};

static enum wy_err mistake(const struct profile_draft *draft, const struct wy_node *where,
			   const char *code, const char *text)
{
	wy_diag_add(draft->diags, WY_DIAG_ERROR, code, where, 0, "%s", text);
	return WY_E_INVALID;
}

static bool does_fit(const struct fit *fit, const struct sensor_profile *profile,
		     const struct sensor_profile_point *point)
{
	if (!(fit->transports & (1 << profile->transport)) || !(fit->types & (1 << point->type)))
		return false;
	if (profile->transport == SENSOR_COAP)
		return true;
	if (fit->is_for_words && sensor_area_is_bits(point->area))
		return false;
	return (fit->encodings & (1 << point->encoding)) != 0;
}

static enum wy_err lint_fits(const struct profile_draft *draft,
			     const struct sensor_profile_point *point)
{
	enum wy_err err = WY_OK;

	for (size_t i = 0; i < sizeof(fits) / sizeof(*fits); i++) {
		const struct wy_node *node = wy_node_get(point->node, fits[i].key);
		if (!node || does_fit(&fits[i], draft->profile, point))
			continue;
		wy_diag_add(draft->diags, WY_DIAG_ERROR, "E803", node->key, 0,
			    "'%s' goes with %s; point '%s' is a %s", fits[i].key, fits[i].where,
			    point->name, carriers[point->type].name);
		err = WY_E_INVALID;
	}
	return err;
}

static enum wy_err lint_encoding(const struct profile_draft *draft,
				 const struct sensor_profile_point *point)
{
	const struct wy_node *node = wy_node_get(point->node, "encoding");

	if (sensor_area_is_bits(point->area) && point->encoding != SENSOR_BIT)
		return mistake(draft, node ? node : point->node, "E803",
			       "coils and discrete inputs are single bits: leave 'encoding' out");
	if (!node && !sensor_area_is_bits(point->area))
		return mistake(draft, point->node, "E107", "key 'encoding' is missing here");
	if (carriers[point->type].encodings & (1 << point->encoding))
		return WY_OK;
	wy_diag_add(draft->diags, WY_DIAG_ERROR, "E803", node ? node : point->node, 0,
		    "type %s needs encoding %s", carriers[point->type].name,
		    carriers[point->type].expected);
	return WY_E_INVALID;
}

static bool is_whole(double value)
{
	return value >= -9007199254740992.0 && value <= 9007199254740992.0 &&
	       value == (double)(int64_t)value;
}

static enum wy_err lint_scale(const struct profile_draft *draft,
			      const struct sensor_profile_point *point)
{
	const struct wy_node *scale = wy_node_get(point->node, "scale");
	const struct wy_node *offset = wy_node_get(point->node, "offset");

	if (scale && point->scale == 0)
		return mistake(draft, scale, "E803", "scale 0 would make every value the same");
	if (point->type == WY_TYPE_REAL)
		return WY_OK;
	if (scale && !is_whole(point->scale))
		return mistake(draft, scale, "E803",
			       "a whole type needs a whole scale; or use type real");
	if (offset && !is_whole(point->offset))
		return mistake(draft, offset, "E803",
			       "a whole type needs a whole offset; or use type real");
	return WY_OK;
}

static enum wy_err lint_mask(const struct profile_draft *draft,
			     const struct sensor_profile_point *point)
{
	const struct wy_node *mask = wy_node_get(point->node, "mask");
	const struct wy_node *bit = wy_node_get(point->node, "bit");
	unsigned width = 16u * sensor_point_width(point);
	bool is_signed = (SIGNED & (1 << point->encoding)) != 0;

	if (!bit && point->encoding == SENSOR_BIT && !sensor_area_is_bits(point->area))
		return mistake(draft, point->node, "E107",
			       "encoding bit in a register needs 'bit: 0..15'");
	if (point->bit_shift >= width)
		return mistake(draft, wy_node_get(point->node, "shift"), "E803",
			       "the shift leaves nothing of the value");
	if (mask && is_signed && (point->bit_mask & (point->bit_mask + 1)))
		return mistake(draft, mask, "E803",
			       "the mask of a signed value must be 1, 3, 7, ... 0xFF, ...");
	if (mask && (uint64_t)point->bit_mask >> (width - point->bit_shift))
		return mistake(draft, mask, "E803", "the mask is wider than what the shift leaves");
	return WY_OK;
}

enum wy_err profile_lint_keys(const struct profile_draft *draft,
			      const struct sensor_profile_point *point)
{
	enum wy_err err = lint_fits(draft, point);

	if (draft->profile->transport == SENSOR_MODBUS && !err)
		err = lint_encoding(draft, point);
	if (draft->profile->transport == SENSOR_MODBUS && !err)
		err = lint_mask(draft, point);
	if (!err)
		err = lint_scale(draft, point);
	if (point->type == WY_TYPE_ENUM && !point->n_values && !wy_node_get(point->node, "values"))
		err = mistake(draft, point->node, "E107", "type enum needs 'values: {NAME: raw}'");
	return err;
}

/* ---- Addresses -------------------------------------------------------------------------------- */

/* How manuals number the areas: the reference of the first element. */
static const struct {
	const char *area;
	int64_t five, six;
} references[] = {
	[SENSOR_COIL] = {"coil", 1, 1},
	[SENSOR_DISCRETE] = {"discrete", 10001, 100001},
	[SENSOR_INPUT] = {"input", 30001, 300001},
	[SENSOR_HOLDING] = {"holding", 40001, 400001},
};

static enum wy_err lint_base(const struct profile_draft *draft,
			     const struct sensor_profile_point *point)
{
	int64_t base = draft->address_base;

	if (base <= 1 || base == references[point->area].five ||
	    base == references[point->area].six)
		return WY_OK;
	wy_diag_add(
		draft->diags, WY_DIAG_ERROR, "E801", wy_node_get(point->node, "area"), 0,
		"address_base %lld is not how area %s is numbered (%lld or %lld); a profile with "
		"several areas uses address_base 0",
		(long long)base, references[point->area].area,
		(long long)references[point->area].five, (long long)references[point->area].six);
	return WY_E_INVALID;
}

/* "40001" may be a reference or a wire address. Hexadecimal is always a wire address. */
static bool is_ambiguous(const struct profile_draft *draft,
			 const struct sensor_profile_point *point, const struct wy_node *node,
			 int64_t address)
{
	int64_t five = references[point->area].five;
	bool is_hex = strncmp(node->text, "0x", 2) == 0 || strncmp(node->text, "0X", 2) == 0;

	return draft->address_base <= 1 && !is_hex && five > 1 && address >= five &&
	       address < five + 9999;
}

enum wy_err profile_lint_address(const struct profile_draft *draft,
				 struct sensor_profile_point *point, int64_t address)
{
	const struct wy_node *node = wy_node_get(point->node, "address");
	int64_t base = draft->address_base;

	if (lint_base(draft, point))
		return WY_E_INVALID;
	if (is_ambiguous(draft, point, node, address)) {
		wy_diag_add(
			draft->diags, WY_DIAG_ERROR, "E801", node, 0,
			"'%s' may be a reference (number %lld of area %s) or a wire address; say "
			"'address_base: %lld', or write the wire address as 0x%x",
			node->text, (long long)(address - references[point->area].five + 1),
			references[point->area].area, (long long)references[point->area].five,
			(unsigned)address);
		return WY_E_INVALID;
	}
	if (address < base || address - base + sensor_point_width(point) > 65536) {
		wy_diag_add(draft->diags, WY_DIAG_ERROR, "E802", node, 0,
			    "address %lld with address_base %lld and %d register(s) is outside "
			    "0..65535",
			    (long long)address, (long long)base, (int)sensor_point_width(point));
		return WY_E_INVALID;
	}
	point->address = (uint16_t)(address - base);
	return WY_OK;
}

/* ---- The whole profile -------------------------------------------------------------------------- */

static const char *point_name(const void *arg, size_t i)
{
	return ((const struct sensor_profile *)arg)->points[i].name;
}

static enum wy_err lint_unit_by(const struct profile_draft *draft,
				const struct sensor_profile_point *point)
{
	const struct wy_node *node = wy_node_get(point->node, "unit_by");
	const struct sensor_profile_point *by = sensor_profile_find(draft->profile, point->unit_by);

	if (!by) {
		const char *near = wy_nearest(point->unit_by, draft->profile->n_points, point_name,
					      draft->profile);
		wy_diag_add(draft->diags, WY_DIAG_ERROR, "E804", node, 0,
			    "no point '%s' in this profile%s%s%s", point->unit_by,
			    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return WY_E_INVALID;
	}
	if (by == point || by->unit_by)
		return mistake(draft, node, "E804",
			       "the unit must come from a point with a unit of its own");
	if (by->area != point->area)
		return mistake(
			draft, node, "E804",
			"the unit register must be in the same area: both are read in one request");
	if (by->encoding == SENSOR_F32)
		return mistake(draft, node, "E804", "the unit register must be a whole number");
	return WY_OK;
}

static enum wy_err lint_extent(const struct profile_draft *draft, uint32_t point)
{
	const struct sensor_profile *profile = draft->profile;
	struct sensor_extent extent = sensor_point_extent(profile, point);
	uint32_t most =
		sensor_area_is_bits(extent.area) ? profile->max_bits : profile->max_registers;

	if (extent.end - extent.first <= most)
		return WY_OK;
	wy_diag_add(draft->diags, WY_DIAG_ERROR, "E804", profile->points[point].node, 0,
		    "point '%s' needs %u registers in one request; max_registers is %u",
		    profile->points[point].name, extent.end - extent.first, most);
	return WY_E_INVALID;
}

enum wy_err profile_lint_whole(const struct profile_draft *draft)
{
	enum wy_err all = WY_OK;

	if (draft->profile->transport != SENSOR_MODBUS)
		return WY_OK;
	for (uint32_t i = 0; i < draft->profile->n_points; i++) {
		const struct sensor_profile_point *point = &draft->points[i];
		enum wy_err err = point->unit_by ? lint_unit_by(draft, point) : WY_OK;
		if (!err)
			err = lint_extent(draft, i);
		if (err)
			all = err;
	}
	return all;
}
