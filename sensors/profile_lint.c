/* profile_lint.c: mistakes in device maps that would read the wrong number without anybody
 * noticing: those that show in one point.
 *
 * E801 ambiguous address, E802 address out of reach, E803 keys that do not fit each other. Sources of these rules:
 * off-by-one manuals, the same number in two areas (README.md, "What the checks are for"). */
#include "profile_keys.h"

#include <string.h>

#include "decode.h"
#include "driver.h"
#include "number.h"

enum {
	BOOL = 1 << WY_TYPE_BOOL,
	INT = 1 << WY_TYPE_INT,
	REAL = 1 << WY_TYPE_REAL,
	ENUM = 1 << WY_TYPE_ENUM,
	COUNTER = 1 << WY_TYPE_COUNTER,
	TEXT_TYPE = WY_TYPE_COUNTER + 1,
	TEXT = 1 << TEXT_TYPE,
	ANY_VALUE = BOOL | INT | REAL | ENUM | COUNTER,
	ANY_TYPE = ANY_VALUE | TEXT,

	BIT = 1 << SENSOR_BIT,
	F32 = 1 << SENSOR_F32,
	U64 = 1 << SENSOR_U64,
	UNSIGNED = 1 << SENSOR_U16 | 1 << SENSOR_U32,
	SIGNED = 1 << SENSOR_I16 | 1 << SENSOR_I32,
	DEC_PAIR = 1 << SENSOR_DEC_PAIR,
	TEXTS = 1 << SENSOR_TEXT,
	WORDS = UNSIGNED | SIGNED | F32 | U64 | DEC_PAIR,
	ANY_ENCODING = BIT | WORDS | TEXTS,

	MODBUS = 1 << SENSOR_MODBUS,
	COAP = 1 << SENSOR_COAP,
	ANY_TRANSPORT = (1 << SENSOR_TRANSPORTS) - 1,
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
	{"scale", ANY_TRANSPORT, INT | REAL | COUNTER, WORDS, false, "types int, real and counter"},
	{"offset", ANY_TRANSPORT, INT | REAL | COUNTER, WORDS, false,
	 "types int, real and counter"},
	{"unit", ANY_TRANSPORT, INT | REAL, WORDS, false, "types int and real"},
	{"range", ANY_TRANSPORT, INT | REAL, WORDS, false, "types int and real"},
	{"values", ANY_TRANSPORT, ENUM, ANY_ENCODING, false, "type enum"},
	{"inverted", ANY_TRANSPORT, BOOL, ANY_ENCODING, false, "type bool"},
	{"sentinels", ANY_TRANSPORT, ANY_VALUE, BIT | WORDS, true, "values from registers"},
	{"unit_by", MODBUS, REAL, WORDS, true, "type real in a register area"},
	{"units", MODBUS, REAL, WORDS, true, "type real in a register area"},
	{"scale_by", MODBUS, REAL, WORDS, true, "type real in a register area"},
	{"scales", MODBUS, REAL, WORDS, true, "type real in a register area"},
	{"registers", MODBUS, TEXT, TEXTS, true, "type text"},
	{"charset", MODBUS, TEXT, TEXTS, true, "type text"},
	{"latched", ANY_TRANSPORT, ANY_VALUE, BIT | WORDS, false, "values"},
	{"clear_on_read", MODBUS, ANY_VALUE, BIT | WORDS, false, "values of Modbus profiles"},
	{"path", COAP, ANY_VALUE, ANY_ENCODING, false, "CoAP profiles"},
	{"senml", COAP, ANY_VALUE, ANY_ENCODING, false, "CoAP profiles"},
	{"observe", COAP, ANY_VALUE, ANY_ENCODING, false, "CoAP profiles"},
};

/* Which encodings can carry a type at all. */
static const struct {
	const char *name;
	int encodings;
	const char *expected;
} carriers[] = {
	[WY_TYPE_BOOL] = {"bool", BIT | UNSIGNED, "bit, u16 or u32"},
	[WY_TYPE_INT] = {"int", UNSIGNED | SIGNED | U64 | DEC_PAIR, "u16, i16, u32, i32, u64 or dec_pair"},
	[WY_TYPE_REAL] = {"real", WORDS, "u16, i16, u32, i32, f32, u64 or dec_pair"},
	[WY_TYPE_ENUM] = {"enum", BIT | UNSIGNED | SIGNED, "bit, u16, i16, u32 or i32"},
	[WY_TYPE_COUNTER] = {"counter", UNSIGNED | U64 | DEC_PAIR,
			     "u16, u32, u64 or dec_pair: it never goes below zero"},
	[TEXT_TYPE] = {"text", TEXTS, "text"},
};

/* What was written: a text has no wy_type. */
static unsigned type_of(const struct sensor_profile_point *point)
{
	return wy_node_is(wy_node_get(point->node, "type"), "text") ? TEXT_TYPE : point->type;
}

static bool does_fit(const struct fit *fit, const struct sensor_profile *profile,
		     const struct sensor_profile_point *point)
{
	if (!(fit->transports & (1 << profile->transport)) || !(fit->types & (1 << type_of(point))))
		return false;
	if (profile->transport != SENSOR_MODBUS)
		return true;
	if (fit->is_for_words && sensor_area_is_bits(point->area))
		return false;
	return (fit->encodings & (1 << point->encoding)) != 0;
}

static enum wy_err lint_fits(const struct profile_draft *draft,
			     const struct sensor_profile_point *point)
{
	const struct sensor_options *own = sensor_driver_find(draft->profile->transport)->point;
	enum wy_err err = WY_OK;

	for (size_t i = 0; i < sizeof(fits) / sizeof(*fits); i++) {
		const struct wy_node *node = wy_node_get(point->node, fits[i].key);
		if (!node || sensor_options_has(own, fits[i].key) || does_fit(&fits[i], draft->profile, point))
			continue;
		wy_diag_add(draft->diags, WY_DIAG_ERROR, "E803", node->key, 0,
			    "'%s' goes with %s; point '%s' is a %s", fits[i].key, fits[i].where,
			    point->name, carriers[type_of(point)].name);
		err = WY_E_INVALID;
	}
	return err;
}

static enum wy_err lint_encoding(const struct profile_draft *draft,
				 const struct sensor_profile_point *point)
{
	const struct wy_node *node = wy_node_get(point->node, "encoding");

	if (sensor_area_is_bits(point->area) && point->encoding != SENSOR_BIT)
		return profile_mistake(draft, node ? node : point->node, "E803",
			       "coils and discrete inputs are single bits: leave 'encoding' out");
	if (!node && !sensor_area_is_bits(point->area) && !sensor_point_is_text(point))
		return profile_mistake(draft, point->node, "E107", "key 'encoding' is missing here");
	if (carriers[type_of(point)].encodings & (1 << point->encoding))
		return WY_OK;
	wy_diag_add(draft->diags, WY_DIAG_ERROR, "E803", node ? node : point->node, 0,
		    "type %s needs encoding %s", carriers[type_of(point)].name,
		    carriers[type_of(point)].expected);
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
		return profile_mistake(draft, scale, "E803", "scale 0 would make every value the same");
	if (point->type == WY_TYPE_REAL)
		return WY_OK;
	if (scale && !is_whole(point->scale))
		return profile_mistake(draft, scale, "E803",
			       "a whole type needs a whole scale; or use type real");
	if (offset && !is_whole(point->offset))
		return profile_mistake(draft, offset, "E803",
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
		return profile_mistake(draft, point->node, "E107",
			       "encoding bit in a register needs 'bit: 0..15'");
	if (point->bit_shift >= width)
		return profile_mistake(draft, wy_node_get(point->node, "shift"), "E803",
			       "the shift leaves nothing of the value");
	if (mask && is_signed && (point->bit_mask & (point->bit_mask + 1)))
		return profile_mistake(draft, mask, "E803",
			       "the mask of a signed value must be 1, 3, 7, ... 0xFF, ...");
	if (mask && (uint64_t)point->bit_mask >> (width - point->bit_shift))
		return profile_mistake(draft, mask, "E803", "the mask is wider than what the shift leaves");
	return WY_OK;
}

static enum wy_err lint_text(const struct profile_draft *draft, const struct sensor_profile_point *point)
{
	if (type_of(point) != TEXT_TYPE)
		return WY_OK;
	if (draft->profile->transport != SENSOR_MODBUS || sensor_area_is_bits(point->area))
		return profile_mistake(draft, wy_node_get(point->node, "type"), "E803",
				       "type text is read from input and holding registers");
	return profile_require(draft, point->node, "registers");
}

/* Two bytes of length instead of one stand in answers with registers; of bits nothing is known. */
static enum wy_err lint_framing(const struct profile_draft *draft, const struct sensor_profile_point *point)
{
	if (draft->profile->framing == SENSOR_FRAMING_STANDARD || !sensor_area_is_bits(point->area))
		return WY_OK;
	return profile_mistake(draft, wy_node_get(point->node, "area"), "E803",
			       "framing nice_len16 is for areas input and holding");
}

enum wy_err profile_lint_keys(const struct profile_draft *draft,
			      const struct sensor_profile_point *point)
{
	enum wy_err err = lint_text(draft, point);

	if (err)
		return err;
	err = lint_fits(draft, point);
	if (draft->profile->transport == SENSOR_MODBUS && !err)
		err = lint_framing(draft, point);

	if (draft->profile->transport == SENSOR_MODBUS && !err)
		err = lint_encoding(draft, point);
	if (draft->profile->transport == SENSOR_MODBUS && !err)
		err = lint_mask(draft, point);
	if (!err)
		err = lint_scale(draft, point);
	if (point->type == WY_TYPE_ENUM && !point->n_values && !wy_node_get(point->node, "values"))
		err = profile_mistake(draft, point->node, "E107", "type enum needs 'values: {NAME: raw}'");
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
