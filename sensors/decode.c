/* decode.c: registers and bits -> samples. See decode.h.
 *
 * Steps: words into one raw number in the order of the point; sentinels; shift and mask; then by
 * type. Whole types never pass through a double, so a counter of 63 bits stays exact. */
#include "decode.h"

#include <math.h>
#include <string.h>

struct raw {
	uint64_t word; /* the whole value as unsigned, before shift and mask */
	uint64_t bits; /* as unsigned, after shift and mask */
	int64_t whole; /* the same with its sign; not for F32 */
	double real;   /* F32: the number itself; else of whole or bits */
};

/* Words of each encoding, and how it is understood. */
static const struct encoding {
	uint8_t words;
	bool is_signed;
	bool is_float;
} encodings[] = {
	[SENSOR_BIT] = {1, false, false}, [SENSOR_U16] = {1, false, false},
	[SENSOR_I16] = {1, true, false},  [SENSOR_U32] = {2, false, false},
	[SENSOR_I32] = {2, true, false},  [SENSOR_F32] = {2, false, true},
	[SENSOR_U64] = {4, false, false},
};

bool sensor_area_is_bits(enum sensor_area area)
{
	return area == SENSOR_COIL || area == SENSOR_DISCRETE;
}

uint16_t sensor_point_width(const struct sensor_profile_point *point)
{
	return sensor_area_is_bits(point->area) ? 1 : encodings[point->encoding].words;
}

static const struct sensor_profile_point *unit_point(const struct sensor_profile *profile,
						     const struct sensor_profile_point *point)
{
	return point->unit_by ? sensor_profile_find(profile, point->unit_by) : NULL;
}

struct sensor_extent sensor_point_extent(const struct sensor_profile *profile, uint32_t point)
{
	const struct sensor_profile_point *p = &profile->points[point];
	const struct sensor_profile_point *by = unit_point(profile, p);
	struct sensor_extent extent = {p->area, p->address,
				       (uint32_t)p->address + sensor_point_width(p)};

	if (!by)
		return extent;
	uint32_t by_end = (uint32_t)by->address + sensor_point_width(by);
	if (by->address < extent.first)
		extent.first = by->address;
	if (by_end > extent.end)
		extent.end = by_end;
	return extent;
}

bool sensor_window_holds(const struct sensor_window *window, const struct sensor_extent *extent)
{
	return window->area == extent->area && extent->first >= window->address &&
	       extent->end <= (uint32_t)window->address + window->count;
}

static uint16_t swap_bytes(uint16_t word)
{
	return (uint16_t)(word << 8 | word >> 8);
}

/* Join words to a number: first word highest, unless the order turns words or bytes round. */
static uint64_t join(const uint16_t *words, uint8_t n, enum sensor_order order)
{
	bool is_word_swapped = order == SENSOR_CDAB || order == SENSOR_DCBA;
	bool is_byte_swapped = order == SENSOR_BADC || order == SENSOR_DCBA;
	uint64_t value = 0;

	for (uint8_t i = 0; i < n; i++) {
		uint16_t word = words[is_word_swapped ? n - 1 - i : i];
		value = value << 16 | (is_byte_swapped ? swap_bytes(word) : word);
	}
	return value;
}

/* Two's complement of a field whose highest bit is top. */
static int64_t with_sign(uint64_t bits, uint64_t top)
{
	return bits & top ? (int64_t)bits - (int64_t)(top << 1) : (int64_t)bits;
}

static struct raw to_raw(const struct sensor_profile_point *point, uint64_t bits)
{
	const struct encoding *encoding = &encodings[point->encoding];
	uint64_t top = (uint64_t)1 << (encoding->words * 16 - 1);
	struct raw raw = {.word = bits};

	if (encoding->is_float) {
		uint32_t pattern = (uint32_t)bits;
		float value;
		memcpy(&value, &pattern, sizeof(value));
		raw.bits = bits;
		raw.real = (double)value;
		return raw;
	}
	bits >>= point->bit_shift;
	if (point->bit_mask) {
		bits &= point->bit_mask;
		top = ((uint64_t)point->bit_mask + 1) >> 1;
	}
	raw.bits = bits;
	raw.whole = encoding->is_signed ? with_sign(bits, top) : (int64_t)bits;
	raw.real = encoding->is_signed ? (double)raw.whole : (double)bits;
	return raw;
}

/* Compared with the whole value: where a word says "no such device" none of its bits means
 * anything. A signed value may be given as it prints (-32768) or as it travels (0x8000). */
static bool is_sentinel(const struct sensor_profile_point *point, const struct raw *raw)
{
	bool is_signed = encodings[point->encoding].is_signed && !point->bit_mask;

	for (size_t i = 0; i < point->n_sentinels; i++) {
		int64_t wanted = point->sentinels[i];
		if ((wanted >= 0 && (uint64_t)wanted == raw->word) ||
		    (is_signed && wanted == raw->whole))
			return true;
	}
	return false;
}

static enum wy_why in_range(const struct sensor_profile_point *point, double value)
{
	bool is_out = point->has_range && (value < point->lo || value > point->hi);

	return is_out ? WY_WHY_RANGE : WY_WHY_NONE;
}

/* ---- One function per type: fills the value and returns why not, or NONE ----------------------- */

static enum wy_why as_bool(const struct sensor_profile_point *point, const struct raw *raw,
			   struct wy_sample *sample)
{
	sample->whole = (raw->bits != 0) != point->is_inverted;
	return WY_WHY_NONE;
}

static enum wy_why as_enum(const struct sensor_profile_point *point, const struct raw *raw,
			   struct wy_sample *sample)
{
	for (size_t i = 0; i < point->n_values; i++) {
		if (point->values_raw[i] == raw->whole) {
			sample->whole = (int64_t)i;
			return WY_WHY_NONE;
		}
	}
	return WY_WHY_PAYLOAD;
}

static enum wy_why as_whole(const struct sensor_profile_point *point, const struct raw *raw,
			    struct wy_sample *sample)
{
	int64_t value;

	if (raw->bits > INT64_MAX && !encodings[point->encoding].is_signed)
		return WY_WHY_PAYLOAD;
	if (__builtin_mul_overflow(raw->whole, (int64_t)point->scale, &value) ||
	    __builtin_add_overflow(value, (int64_t)point->offset, &value))
		return WY_WHY_PAYLOAD;
	sample->whole = value;
	return in_range(point, (double)value);
}

static enum wy_why as_real(const struct sensor_profile_point *point, const struct raw *raw,
			   struct wy_sample *sample)
{
	sample->real = raw->real * point->scale + point->offset;
	return isfinite(sample->real) ? WY_WHY_NONE : WY_WHY_PAYLOAD;
}

static enum wy_why (*const by_type[])(const struct sensor_profile_point *point,
				      const struct raw *raw, struct wy_sample *sample) = {
	[WY_TYPE_BOOL] = as_bool, [WY_TYPE_INT] = as_whole,	[WY_TYPE_REAL] = as_real,
	[WY_TYPE_ENUM] = as_enum, [WY_TYPE_COUNTER] = as_whole,
};

/* ---- A point in its window ---------------------------------------- */

static uint64_t take(const struct sensor_profile_point *point, const struct sensor_window *window,
		     struct wy_sample *sample)
{
	size_t at = (size_t)(point->address - window->address);

	sample->n_raw = (uint8_t)sensor_point_width(point);
	if (sensor_area_is_bits(window->area)) {
		sample->raw[0] = (window->bits[at / 8] >> (at % 8)) & 1;
		return sample->raw[0];
	}
	memcpy(sample->raw, window->words + at, sample->n_raw * sizeof(sample->raw[0]));
	return join(sample->raw, sample->n_raw, point->order);
}

/* A value whose unit another register chooses is brought to the unit of its declaration. */
static enum wy_why convert(const struct sensor_profile *profile,
			   const struct sensor_profile_point *point,
			   const struct sensor_window *window, struct wy_sample *sample)
{
	const struct sensor_profile_point *by = unit_point(profile, point);
	struct wy_sample chosen;

	if (!by)
		return WY_WHY_NONE;
	struct raw raw = to_raw(by, take(by, window, &chosen));
	if (raw.bits >= point->n_unit_choices)
		return WY_WHY_PAYLOAD;
	sample->real *= wy_unit_ratio(point->unit_choices[raw.bits], point->unit);
	return WY_WHY_NONE;
}

void sensor_decode_bad(uint32_t point, enum wy_why why, wy_ms at_ms, struct wy_sample *ret_sample)
{
	memset(ret_sample, 0, sizeof(*ret_sample));
	ret_sample->point = point;
	ret_sample->quality = WY_Q_BAD;
	ret_sample->why = (uint8_t)why;
	ret_sample->at_ms = at_ms;
}

void sensor_decode(const struct sensor_profile *profile, uint32_t point,
		   const struct sensor_window *window, wy_ms at_ms, struct wy_sample *ret_sample)
{
	const struct sensor_profile_point *p = &profile->points[point];
	enum wy_why why = WY_WHY_SENTINEL;

	sensor_decode_bad(point, WY_WHY_NONE, at_ms, ret_sample);
	ret_sample->is_whole = p->type != WY_TYPE_REAL;
	struct raw raw = to_raw(p, take(p, window, ret_sample));
	if (!is_sentinel(p, &raw))
		why = by_type[p->type](p, &raw, ret_sample);
	if (!why && p->type == WY_TYPE_REAL)
		why = convert(profile, p, window, ret_sample);
	if (!why && p->type == WY_TYPE_REAL)
		why = in_range(p, ret_sample->real);
	ret_sample->why = (uint8_t)why;
	ret_sample->quality = why ? WY_Q_BAD : WY_Q_GOOD;
}
