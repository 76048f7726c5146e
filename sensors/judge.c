/* judge.c: raw number to judged value. The order matters: a sentinel is no value and must never
 * reach scale or range, where 0xFFFF would pass for a plausible reading. */
#include "judge.h"

#include <math.h>

/* Doubles hold every whole number up to here; beyond it a fraction could hide. */
#define WHOLE_MOST 9007199254740992.0

void sensor_judge_bad(enum wy_why why, struct wy_sample *sample)
{
	sample->quality = WY_Q_BAD;
	sample->why = (uint8_t)why;
	sample->is_whole = true;
	sample->whole = 0;
}

static void good_whole(int64_t value, struct wy_sample *sample)
{
	sample->quality = WY_Q_GOOD;
	sample->why = WY_WHY_NONE;
	sample->is_whole = true;
	sample->whole = value;
}

static bool is_number(const struct sensor_raw *raw, int64_t wanted)
{
	return raw->is_whole ? raw->whole == wanted : raw->real == (double)wanted;
}

/* Where a word says "no such device" none of its bits means anything. A signed value may be given
 * as it prints (-32768) or as it travels (0x8000). */
static bool is_sentinel(const struct sensor_profile_point *point, const struct sensor_raw *raw)
{
	for (size_t i = 0; i < point->n_sentinels; i++) {
		int64_t wanted = point->sentinels[i];
		if (raw->has_word && wanted >= 0 && (uint64_t)wanted == raw->word)
			return true;
		if (!raw->is_part && is_number(raw, wanted))
			return true;
	}
	return false;
}

static bool is_in_range(const struct sensor_profile_point *point, double value)
{
	return !point->has_range || (value >= point->lo && value <= point->hi);
}

static bool is_scaled(const struct sensor_profile_point *point, const struct sensor_raw *raw)
{
	return !raw->is_value && (point->scale != 1 || point->offset != 0);
}

static double value_of(const struct sensor_profile_point *point, const struct sensor_raw *raw)
{
	double number = raw->is_whole ? (double)raw->whole : raw->real;

	return is_scaled(point, raw) ? number * point->scale + point->offset : number;
}

static void judge_bool(const struct sensor_profile_point *point, const struct sensor_raw *raw,
		       struct wy_sample *sample)
{
	bool is_set = raw->is_whole ? raw->whole != 0 : raw->real != 0;

	good_whole(is_set != point->is_inverted, sample);
}

static void judge_enum(const struct sensor_profile_point *point, const struct sensor_raw *raw,
		       struct wy_sample *sample)
{
	for (size_t i = 0; i < point->n_values; i++) {
		if (is_number(raw, point->values_raw[i])) {
			good_whole((int64_t)i, sample);
			return;
		}
	}
	sensor_judge_bad(WY_WHY_RANGE, sample);
}

static bool is_whole_number(double value)
{
	return fabs(value) <= WHOLE_MOST && value == floor(value);
}

/* Without a double, so that a counter of 63 bits keeps its last one. false: it does not fit. */
static bool scale_whole(const struct sensor_profile_point *point, const struct sensor_raw *raw,
			int64_t *ret_value)
{
	if (!is_scaled(point, raw)) {
		*ret_value = raw->whole;
		return true;
	}
	return !__builtin_mul_overflow(raw->whole, (int64_t)point->scale, ret_value) &&
	       !__builtin_add_overflow(*ret_value, (int64_t)point->offset, ret_value);
}

/* 3 * 0.1 is not quite 0.3: a scaled whole number may miss by the last bits only. */
static bool round_whole(double value, int64_t *ret_value)
{
	double nearest = floor(value + 0.5);

	if (fabs(nearest) > WHOLE_MOST || fabs(value - nearest) > 1e-9 * (fabs(value) + 1))
		return false;
	*ret_value = (int64_t)nearest;
	return true;
}

static void judge_whole(const struct sensor_profile_point *point, const struct sensor_raw *raw,
			struct wy_sample *sample)
{
	bool is_exact = raw->is_whole &&
			(!is_scaled(point, raw) ||
			 (is_whole_number(point->scale) && is_whole_number(point->offset)));
	int64_t whole = 0;
	double value = value_of(point, raw);

	if (!is_in_range(point, value))
		sensor_judge_bad(WY_WHY_RANGE, sample);
	else if (is_exact ? scale_whole(point, raw, &whole) : round_whole(value, &whole))
		good_whole(whole, sample);
	else
		sensor_judge_bad(WY_WHY_PAYLOAD, sample);
}

static void judge_real(const struct sensor_profile_point *point, const struct sensor_raw *raw,
		       struct wy_sample *sample)
{
	double value = value_of(point, raw) * (raw->unit_ratio != 0 ? raw->unit_ratio : 1);

	if (!isfinite(value)) {
		sensor_judge_bad(WY_WHY_PAYLOAD, sample);
		return;
	}
	if (!is_in_range(point, value)) {
		sensor_judge_bad(WY_WHY_RANGE, sample);
		return;
	}
	sample->quality = WY_Q_GOOD;
	sample->why = WY_WHY_NONE;
	sample->is_whole = false;
	sample->real = value;
}

void sensor_judge(const struct sensor_profile_point *point, const struct sensor_raw *raw,
		  struct wy_sample *sample)
{
	static void (*const judges[])(const struct sensor_profile_point *,
				      const struct sensor_raw *, struct wy_sample *) = {
		[WY_TYPE_BOOL] = judge_bool,	 [WY_TYPE_INT] = judge_whole,
		[WY_TYPE_REAL] = judge_real,	 [WY_TYPE_ENUM] = judge_enum,
		[WY_TYPE_COUNTER] = judge_whole,
	};

	if (!raw->is_whole && !isfinite(raw->real)) {
		sensor_judge_bad(WY_WHY_PAYLOAD, sample);
		return;
	}
	if (is_sentinel(point, raw)) {
		sensor_judge_bad(WY_WHY_SENTINEL, sample);
		return;
	}
	if (raw->is_broken) {
		sensor_judge_bad(WY_WHY_PAYLOAD, sample);
		return;
	}
	judges[point->type](point, raw, sample);
}

void sensor_judge_index(const struct sensor_profile_point *point, size_t index,
			struct wy_sample *sample)
{
	if (index >= point->n_values)
		sensor_judge_bad(WY_WHY_RANGE, sample);
	else
		good_whole((int64_t)index, sample);
}
