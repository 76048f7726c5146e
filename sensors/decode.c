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
	[SENSOR_U64] = {4, false, false}, [SENSOR_DEC_PAIR] = {2, false, false},
	[SENSOR_TEXT] = {0, false, false}, /* as many as the point says */
};

enum { PAIR_BASE = 10000 };

const char *const sensor_area_names[] = {"coil", "discrete", "input", "holding", NULL};

bool sensor_area_is_bits(enum sensor_area area)
{
	return area == SENSOR_COIL || area == SENSOR_DISCRETE;
}

uint16_t sensor_point_width(const struct sensor_profile_point *point)
{
	if (sensor_area_is_bits(point->area))
		return 1;
	return sensor_point_is_text(point) ? point->n_text : encodings[point->encoding].words;
}

/* The point that chooses for another, or NULL: none does. */
static const struct sensor_profile_point *chooser(const struct sensor_profile *profile, const char *name)
{
	return name ? sensor_profile_find(profile, name) : NULL;
}

static void reach(struct sensor_extent *extent, const struct sensor_profile_point *by)
{
	uint32_t end = by ? (uint32_t)by->address + sensor_point_width(by) : 0;

	if (by && by->address < extent->first)
		extent->first = by->address;
	if (end > extent->end)
		extent->end = end;
}

struct sensor_extent sensor_point_extent(const struct sensor_profile *profile, uint32_t point)
{
	const struct sensor_profile_point *p = &profile->points[point];
	struct sensor_extent extent = {p->area, p->address,
				       (uint32_t)p->address + sensor_point_width(p)};

	reach(&extent, chooser(profile, p->unit_by));
	reach(&extent, chooser(profile, p->scale_by));
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

/* Two halves of four decimal digits each, in binary. A half of five digits is no number at all. */
static struct sensor_raw pair_raw(uint64_t word)
{
	uint64_t high = word >> 16;
	uint64_t low = word & 0xFFFF;

	return (struct sensor_raw){.has_word = true,
				   .word = word,
				   .is_whole = true,
				   .is_broken = high >= PAIR_BASE || low >= PAIR_BASE,
				   .whole = (int64_t)(high * PAIR_BASE + low)};
}

static struct sensor_raw to_raw(const struct sensor_profile_point *point, uint64_t word)
{
	const struct encoding *encoding = &encodings[point->encoding];
	uint64_t top = (uint64_t)1 << (encoding->words * 16 - 1);
	uint64_t bits = word >> point->bit_shift;

	if (encoding->is_float)
		return real_raw(word);
	if (point->encoding == SENSOR_DEC_PAIR)
		return pair_raw(word);
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

/* What another point says about this one: which of n. False: one that nobody named. */
static bool choose(const struct sensor_profile_point *by, const struct sensor_window *window, size_t n, size_t *ret_index)
{
	struct wy_sample chosen;
	struct sensor_raw raw = to_raw(by, take(by, window, &chosen));

	if (raw.is_broken || !raw.is_whole || raw.whole < 0 || (uint64_t)raw.whole >= n)
		return false;
	*ret_index = (size_t)raw.whole;
	return true;
}

/* Where other registers choose the unit or a factor: by what to multiply the value. */
static bool find_ratio(const struct sensor_profile *profile, const struct sensor_profile_point *point,
		       const struct sensor_window *window, double *ret_ratio)
{
	const struct sensor_profile_point *unit_by = chooser(profile, point->unit_by);
	const struct sensor_profile_point *scale_by = chooser(profile, point->scale_by);
	double ratio = 1;
	size_t i;

	if (unit_by) {
		if (!choose(unit_by, window, point->n_unit_choices, &i))
			return false;
		ratio = wy_unit_ratio(point->unit_choices[i], point->unit);
	}
	if (scale_by) {
		if (!choose(scale_by, window, point->n_scale_choices, &i))
			return false;
		ratio *= point->scale_choices[i];
	}
	if (unit_by || scale_by)
		*ret_ratio = ratio;
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

	sensor_decode_bad(point, WY_WHY_PAYLOAD, at_ms, ret_sample);
	if (sensor_point_is_text(p))
		return;
	struct sensor_raw raw = to_raw(p, take(p, window, ret_sample));
	if (find_ratio(profile, p, window, &raw.unit_ratio))
		sensor_judge(p, &raw, ret_sample);
	else
		sensor_judge_bad(WY_WHY_PAYLOAD, ret_sample);
}
