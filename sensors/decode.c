/* decode.c: registers and bits -> samples. See decode.h.
 *
 * Words become one raw number: put in the order of the point, then shifted and masked. What the
 * number means, and whether to believe it, is judge.c's. */
#include "decode.h"

#include <string.h>

#include "judge.h"

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

static struct sensor_raw real_raw(uint64_t word)
{
	uint32_t pattern = (uint32_t)word;
	float value;

	memcpy(&value, &pattern, sizeof(value));
	return (struct sensor_raw){.has_word = true, .word = word, .real = (double)value};
}

static struct sensor_raw to_raw(const struct sensor_profile_point *point, uint64_t word)
{
	const struct encoding *encoding = &encodings[point->encoding];
	uint64_t top = (uint64_t)1 << (encoding->words * 16 - 1);
	uint64_t bits = word >> point->bit_shift;

	if (encoding->is_float)
		return real_raw(word);
	if (point->bit_mask) {
		bits &= point->bit_mask;
		top = ((uint64_t)point->bit_mask + 1) >> 1;
	}
	struct sensor_raw raw = {.has_word = true,
				 .word = word,
				 .is_part = point->bit_mask || point->bit_shift,
				 .is_whole = encoding->is_signed || bits <= INT64_MAX};
	if (raw.is_whole)
		raw.whole = encoding->is_signed ? with_sign(bits, top) : (int64_t)bits;
	else
		raw.real = (double)bits;
	return raw;
}

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

/* Where another register chooses the unit: the way from that unit to the declared one. false: it
 * chose one nobody named. */
static bool find_ratio(const struct sensor_profile *profile,
		       const struct sensor_profile_point *point, const struct sensor_window *window,
		       double *ret_ratio)
{
	const struct sensor_profile_point *by = unit_point(profile, point);
	struct wy_sample chosen;

	if (!by)
		return true;
	struct sensor_raw raw = to_raw(by, take(by, window, &chosen));
	if (!raw.is_whole || raw.whole < 0 || (uint64_t)raw.whole >= point->n_unit_choices)
		return false;
	*ret_ratio = wy_unit_ratio(point->unit_choices[raw.whole], point->unit);
	return true;
}

void sensor_decode_bad(uint32_t point, enum wy_why why, wy_ms at_ms, struct wy_sample *ret_sample)
{
	memset(ret_sample, 0, sizeof(*ret_sample));
	ret_sample->point = point;
	ret_sample->at_ms = at_ms;
	sensor_judge_bad(why, ret_sample);
}

void sensor_decode(const struct sensor_profile *profile, uint32_t point,
		   const struct sensor_window *window, wy_ms at_ms, struct wy_sample *ret_sample)
{
	const struct sensor_profile_point *p = &profile->points[point];

	sensor_decode_bad(point, WY_WHY_NONE, at_ms, ret_sample);
	struct sensor_raw raw = to_raw(p, take(p, window, ret_sample));
	if (find_ratio(profile, p, window, &raw.unit_ratio))
		sensor_judge(p, &raw, ret_sample);
	else
		sensor_judge_bad(WY_WHY_PAYLOAD, ret_sample);
}
