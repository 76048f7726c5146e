/* encode.c: see encode.h. Words are filled in four steps: value -> raw number (scale, map,
 * inversion), raw number -> field of bits inside what the registers hold already (shift, mask),
 * bits -> bytes as on the wire ABCD, bytes -> the point's order. */
#include "encode.h"

#include <iconv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

/* What an encoding takes and can hold. */
static const struct encoding {
	unsigned words;
	bool is_signed;
} encodings[] = {
	[SENSOR_BIT] = {1, false}, [SENSOR_U16] = {1, false}, [SENSOR_I16] = {1, true},
	[SENSOR_U32] = {2, false}, [SENSOR_I32] = {2, true},  [SENSOR_F32] = {2, false},
	[SENSOR_U64] = {4, false}, [SENSOR_DEC_PAIR] = {2, false},
	[SENSOR_TEXT] = {0, false}, /* as many as the point says */
};

#define DEC_HALF 10000 /* what each register of a decimal pair stays below */
#define NUMBER_WORDS 4 /* registers of the longest number */

static bool is_bit_area(const struct sensor_profile_point *point)
{
	return point->area == SENSOR_COIL || point->area == SENSOR_DISCRETE;
}

bool sim_is_text(const struct sensor_profile_point *point)
{
	return !point->path && point->encoding == SENSOR_TEXT && !is_bit_area(point);
}

unsigned sim_words(const struct sensor_profile_point *point)
{
	if (sim_is_text(point))
		return point->n_text;
	return is_bit_area(point) ? 1 : encodings[point->encoding].words;
}

/* ---- Text -------------------------------------------------------------------------------------
 */

static const char *const expected_of[] = {
	[WY_TYPE_BOOL] = "true or false",
	[WY_TYPE_INT] = "a whole number",
	[WY_TYPE_REAL] = "a number such as 12 or -0.5",
	[WY_TYPE_ENUM] = "a value of the profile's map",
	[WY_TYPE_COUNTER] = "a whole number of 0 or more",
};

static bool parse_bool(const char *text, int64_t *ret_whole)
{
	static const struct {
		const char *text;
		int64_t whole;
	} words[] = {{"true", 1}, {"false", 0}, {"1", 1}, {"0", 0}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].text) == 0) {
			*ret_whole = words[i].whole;
			return true;
		}
	}
	return false;
}

static bool parse_enum(const struct sensor_profile_point *point, const char *text,
		       int64_t *ret_whole)
{
	for (size_t i = 0; i < point->n_values; i++) {
		if (strcmp(text, point->values[i]) == 0) {
			*ret_whole = (int64_t)i;
			return true;
		}
	}
	return false;
}

static bool parse_typed(const struct sensor_profile_point *point, const char *text,
			struct sim_value *value)
{
	size_t len = strlen(text);

	switch (point->type) {
	case WY_TYPE_BOOL:
		return parse_bool(text, &value->whole);
	case WY_TYPE_ENUM:
		return parse_enum(point, text, &value->whole);
	case WY_TYPE_REAL:
		return wy_parse_real(text, len, &value->real) == WY_OK;
	case WY_TYPE_INT:
		return wy_parse_int(text, len, &value->whole) == WY_OK;
	case WY_TYPE_COUNTER:
		return wy_parse_int(text, len, &value->whole) == WY_OK && value->whole >= 0;
	}
	return false;
}

enum wy_err sim_value_parse(const struct sensor_profile_point *point, const char *text,
			    struct sim_value *ret_value, const char **ret_expected)
{
	struct sim_value value = {.form = SIM_VALUE};

	if (sim_is_text(point)) {
		value.text = text;
	} else if (strcmp(text, "none") == 0) {
		value.form = SIM_ABSENT;
	} else if (strncmp(text, "raw:", 4) == 0) {
		value.form = SIM_RAW;
		if (wy_parse_int(text + 4, strlen(text + 4), &value.whole)) {
			*ret_expected = "raw: and a whole number";
			return WY_E_INVALID;
		}
	} else if (!parse_typed(point, text, &value)) {
		*ret_expected = expected_of[point->type];
		return WY_E_INVALID;
	}
	*ret_value = value;
	return WY_OK;
}

static void print_real(double real, struct wy_buf *buf)
{
	char text[40];

	for (int digits = 6; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, real);
		if (strtod(text, NULL) == real)
			break;
	}
	wy_buf_add(buf, text);
}

void sim_value_print(const struct sensor_profile_point *point, const struct sim_value *value,
		     struct wy_buf *buf)
{
	if (sim_is_text(point))
		wy_buf_add(buf, value->text);
	else if (value->form == SIM_ABSENT)
		wy_buf_add(buf, "none");
	else if (value->form == SIM_RAW)
		wy_buf_addf(buf, "raw:%lld", (long long)value->whole);
	else if (point->type == WY_TYPE_BOOL)
		wy_buf_add(buf, value->whole ? "true" : "false");
	else if (point->type == WY_TYPE_ENUM)
		wy_buf_add(buf, point->values[value->whole]);
	else if (point->type == WY_TYPE_REAL)
		print_real(value->real, buf);
	else
		wy_buf_addf(buf, "%lld", (long long)value->whole);
}

struct sim_value sim_value_default(const struct sensor_profile_point *point)
{
	struct sim_value value = {.form = SIM_VALUE};
	double nearest = 0;

	if (sim_is_text(point)) {
		value.text = "";
		return value;
	}
	if (point->has_range && point->lo > 0)
		nearest = point->lo;
	if (point->has_range && point->hi < 0)
		nearest = point->hi;
	if (point->type == WY_TYPE_REAL)
		value.real = nearest;
	else if (point->type == WY_TYPE_INT || point->type == WY_TYPE_COUNTER)
		value.whole = (int64_t)ceil(nearest);
	return value;
}

/* ---- Raw numbers
 * --------------------------------------------------------------------------------- */

/* CoAP carries reals as they are; of the register encodings only F32 does. */
static bool is_real_raw(const struct sensor_profile_point *point)
{
	return point->path ? point->type == WY_TYPE_REAL : point->encoding == SENSOR_F32;
}

static enum wy_err scaled(const struct sensor_profile_point *point, double value,
			  struct sim_raw *raw)
{
	double real = (value - point->offset) / (point->scale != 0 ? point->scale : 1);

	if (!isfinite(real))
		return WY_E_LIMIT;
	raw->is_real = is_real_raw(point);
	raw->real = real;
	if (raw->is_real)
		return WY_OK;
	if (real < -9.2e18 || real > 9.2e18)
		return WY_E_LIMIT;
	raw->whole = (int64_t)llround(real);
	return WY_OK;
}

static enum wy_err raw_of_number(const struct sensor_profile_point *point,
				 const struct sim_value *value, double ratio, struct sim_raw *raw)
{
	bool is_plain =
		(point->scale == 1 || point->scale == 0) && point->offset == 0 && ratio == 1;

	if (point->type == WY_TYPE_REAL)
		return scaled(point, value->real * ratio, raw);
	if (!is_plain || is_real_raw(point))
		return scaled(point, (double)value->whole * ratio, raw);
	raw->whole = value->whole;
	return WY_OK;
}

enum wy_err sim_raw_of(const struct sensor_profile_point *point, const struct sim_value *value,
		       double ratio, struct sim_raw *ret_raw)
{
	struct sim_raw raw = {.is_real = false};
	enum wy_err err = WY_OK;

	if (value->form == SIM_RAW)
		raw.whole = value->whole;
	else if (value->form == SIM_ABSENT && point->n_sentinels == 0)
		err = WY_E_UNSUPPORTED;
	else if (value->form == SIM_ABSENT)
		raw.whole = point->sentinels[0];
	else if (point->type == WY_TYPE_BOOL)
		raw.whole = (value->whole != 0) != point->is_inverted;
	else if (point->type == WY_TYPE_ENUM)
		raw.whole = point->values_raw ? point->values_raw[value->whole] : value->whole;
	else
		err = raw_of_number(point, value, ratio, &raw);
	if (!err)
		*ret_raw = raw;
	return err;
}

/* ---- Bits and bytes
 * ------------------------------------------------------------------------------ */

/* Where byte i of ABCD... stands on the wire in each order, within n bytes. */
static unsigned byte_place(enum sensor_order order, unsigned i, unsigned n)
{
	switch (order) {
	case SENSOR_ABCD:
		return i;
	case SENSOR_CDAB:
		return (n - 2 - (i & ~1u)) + (i & 1u);
	case SENSOR_BADC:
		return i ^ 1u;
	case SENSOR_DCBA:
		return n - 1 - i;
	}
	return i;
}

static uint64_t bits_of_words(const struct sensor_profile_point *point, const uint16_t *words,
			      unsigned n_words)
{
	unsigned n = 2 * n_words;
	uint64_t bits = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned place = byte_place(point->order, i, n);
		unsigned shift = place % 2 ? 0 : 8;
		bits = bits << 8 | (uint8_t)(words[place / 2] >> shift);
	}
	return bits;
}

static void bits_to_words(const struct sensor_profile_point *point, uint64_t bits, uint16_t *words,
			  unsigned n_words)
{
	unsigned n = 2 * n_words;

	for (unsigned i = 0; i < n; i++) {
		unsigned place = byte_place(point->order, i, n);
		unsigned shift = place % 2 ? 0 : 8;
		uint16_t byte = (uint16_t)(bits >> 8 * (n - 1 - i) & 0xFFu);
		words[place / 2] = (uint16_t)((words[place / 2] & (0xFF00u >> shift)) |
					      (unsigned)(byte << shift));
	}
}

static uint64_t encoding_mask(const struct sensor_profile_point *point)
{
	return UINT64_MAX >> (64 - 16 * encodings[point->encoding].words);
}

/* The field of a point inside its registers. */
static uint64_t field_mask(const struct sensor_profile_point *point)
{
	if (point->encoding == SENSOR_BIT)
		return 1;
	if (point->bit_mask)
		return point->bit_mask;
	return encoding_mask(point) >> point->bit_shift;
}

uint64_t sim_field_size(const struct sensor_profile_point *point)
{
	if (point->path || point->encoding == SENSOR_F32 || point->encoding == SENSOR_TEXT)
		return 0;
	if (point->encoding == SENSOR_DEC_PAIR)
		return (uint64_t)DEC_HALF * DEC_HALF;
	uint64_t mask = is_bit_area(point) ? 1 : field_mask(point);
	if (encodings[point->encoding].is_signed)
		mask >>= 1;
	return mask < (uint64_t)1 << 62 ? mask + 1 : 0;
}

/* The sign of a field is its highest bit; without a mask only an unshifted value has one. */
static bool fits(const struct sensor_profile_point *point, int64_t whole, uint64_t mask)
{
	bool has_sign =
		encodings[point->encoding].is_signed && (point->bit_mask || !point->bit_shift);
	int64_t most = (int64_t)(mask >> 1);

	if (point->encoding == SENSOR_DEC_PAIR)
		return whole >= 0 && whole < (int64_t)DEC_HALF * DEC_HALF;
	if (has_sign)
		return whole >= -most - 1 && whole <= most;
	return whole >= 0 && (uint64_t)whole <= mask;
}

static enum wy_err bits_of_raw(const struct sensor_profile_point *point,
			       const struct sim_value *value, const struct sim_raw *raw,
			       uint64_t mask, uint64_t *ret_bits)
{
	if (raw->is_real) {
		float real = (float)raw->real;
		uint32_t bits;

		if (!isfinite(real))
			return WY_E_LIMIT;
		memcpy(&bits, &real, sizeof(bits));
		*ret_bits = bits;
		return WY_OK;
	}
	/* raw: is for wrong values too: any bits the field has room for. */
	if (value->form == SIM_VALUE && !fits(point, raw->whole, mask))
		return WY_E_LIMIT;
	*ret_bits = (uint64_t)raw->whole & mask;
	if (value->form == SIM_VALUE && point->encoding == SENSOR_DEC_PAIR)
		*ret_bits = (uint64_t)(raw->whole / DEC_HALF) << 16 | (uint64_t)(raw->whole % DEC_HALF);
	return WY_OK;
}

/* UTF-8 into the charset of the device, NULs behind it. WY_E_LIMIT: it does not fit, or a character
 * does not exist there. */
static enum wy_err encode_text(const struct sensor_profile_point *point, const char *text,
			       uint16_t words[SIM_WORDS_MAX])
{
	char bytes[2 * SIM_WORDS_MAX] = {0};
	char *in = (char *)(uintptr_t)text, *out = bytes; /* iconv() wants it so and changes nothing */
	size_t n_in = strlen(text), n_out = 2 * (size_t)point->n_text;
	iconv_t charset = iconv_open(point->charset == SENSOR_GB18030 ? "GB18030" : "ASCII", "UTF-8");

	if (charset == (iconv_t)-1)
		return WY_E_UNSUPPORTED;
	bool is_done = iconv(charset, &in, &n_in, &out, &n_out) == 0;
	(void)iconv_close(charset);
	if (!is_done)
		return WY_E_LIMIT;
	for (size_t i = 0; i < point->n_text; i++)
		words[i] = (uint16_t)((uint8_t)bytes[2 * i] << 8 | (uint8_t)bytes[2 * i + 1]);
	return WY_OK;
}

static enum wy_err encode_number(const struct sensor_profile_point *point,
				 const struct sim_value *value, double ratio,
				 uint16_t words[SIM_WORDS_MAX])
{
	unsigned n_words = sim_words(point);
	uint64_t mask = is_bit_area(point) ? 1 : field_mask(point);
	unsigned shift = is_bit_area(point) ? 0 : point->bit_shift;
	struct sim_raw raw;
	uint64_t bits = 0;
	enum wy_err err = sim_raw_of(point, value, ratio, &raw);

	if (value->form == SIM_ABSENT && !is_bit_area(point)) {
		/* "no such device" is said by the whole word, not by the field of one point */
		mask = encoding_mask(point);
		shift = 0;
	}
	if (!err)
		err = bits_of_raw(point, value, &raw, mask, &bits);
	if (err)
		return err;
	if (is_bit_area(point)) {
		words[0] = (uint16_t)bits;
		return WY_OK;
	}
	uint64_t old = bits_of_words(point, words, n_words);
	bits_to_words(point, (old & ~(mask << shift)) | bits << shift, words, n_words);
	return WY_OK;
}

enum wy_err sim_encode(const struct sensor_profile_point *point, const struct sim_value *value,
		       double ratio, uint16_t words[SIM_WORDS_MAX])
{
	return sim_is_text(point) ? encode_text(point, value->text, words)
				  : encode_number(point, value, ratio, words);
}

/* ---- Views of the same bits -------------------------------------------------------------------- */

/* Which bits of its registers a number or a bit is made of; a text has none that another could read. */
static void mask_words(const struct sensor_profile_point *point, uint16_t words[NUMBER_WORDS])
{
	memset(words, 0, NUMBER_WORDS * sizeof(*words));
	if (is_bit_area(point))
		words[0] = 1;
	else if (!sim_is_text(point))
		bits_to_words(point, field_mask(point) << point->bit_shift, words, sim_words(point));
}

bool sim_shares_bits(const struct sensor_profile_point *a, const struct sensor_profile_point *b)
{
	uint16_t of_a[NUMBER_WORDS], of_b[NUMBER_WORDS];

	if (a->area != b->area || a->address >= b->address + NUMBER_WORDS ||
	    b->address >= a->address + NUMBER_WORDS)
		return false;
	mask_words(a, of_a);
	mask_words(b, of_b);
	for (unsigned i = 0; i < NUMBER_WORDS; i++)
		for (unsigned j = 0; j < NUMBER_WORDS; j++)
			if (a->address + i == b->address + j && (of_a[i] & of_b[j]))
				return true;
	return false;
}

static bool is_field(const struct sensor_profile_point *point)
{
	switch (point->encoding) {
	case SENSOR_BIT:
	case SENSOR_U16:
	case SENSOR_I16:
	case SENSOR_U32:
	case SENSOR_I32:
		return true;
	default:
		return false;
	}
}

static int64_t signed_field(const struct sensor_profile_point *point, uint64_t field, uint64_t mask)
{
	uint64_t top = (mask >> 1) + 1;

	return encodings[point->encoding].is_signed && (field & top) ? (int64_t)field - (int64_t)(top << 1)
								     : (int64_t)field;
}

static struct sim_value value_of_enum(const struct sensor_profile_point *point, int64_t raw)
{
	for (size_t i = 0; i < point->n_values; i++)
		if (point->values_raw[i] == raw)
			return (struct sim_value){.form = SIM_VALUE, .whole = (int64_t)i};
	return (struct sim_value){.form = SIM_RAW, .whole = raw};
}

enum wy_err sim_value_of_words(const struct sensor_profile_point *point, const uint16_t *words, double ratio,
			       struct sim_value *ret_value)
{
	if (!is_field(point))
		return WY_E_UNSUPPORTED;
	uint64_t mask = is_bit_area(point) ? 1 : field_mask(point);
	uint64_t field = is_bit_area(point) ? words[0]
					    : bits_of_words(point, words, sim_words(point)) >> point->bit_shift & mask;
	int64_t raw = signed_field(point, field, mask);
	double scaled = (double)raw * (point->scale != 0 ? point->scale : 1) + point->offset;

	if (point->type == WY_TYPE_BOOL)
		*ret_value = (struct sim_value){.form = SIM_VALUE, .whole = (field != 0) != point->is_inverted};
	else if (point->type == WY_TYPE_ENUM)
		*ret_value = value_of_enum(point, raw);
	else if (point->type == WY_TYPE_REAL)
		*ret_value = (struct sim_value){.form = SIM_VALUE, .real = scaled / ratio};
	else
		*ret_value = (struct sim_value){.form = SIM_VALUE, .whole = (int64_t)llround(scaled)};
	return WY_OK;
}
