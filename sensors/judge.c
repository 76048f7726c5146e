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

static bool is_sentinel(const struct sensor_profile_point *point, const struct sensor_raw *raw)
{
	for (size_t i = 0; i < point->n_sentinels; i++) {
		if (raw->is_whole ? raw->whole == point->sentinels[i]
				  : raw->real == (double)point->sentinels[i])
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
		bool is_it = raw->is_whole ? raw->whole == point->values_raw[i]
					   : raw->real == (double)point->values_raw[i];
		if (is_it) {
			good_whole((int64_t)i, sample);
			return;
		}
	}
	sensor_judge_bad(WY_WHY_RANGE, sample);
}

static void judge_whole(const struct sensor_profile_point *point, const struct sensor_raw *raw,
			struct wy_sample *sample)
{
	double value = value_of(point, raw);
	bool is_exact = raw->is_whole && !is_scaled(point, raw);

	if (!is_in_range(point, value)) {
		sensor_judge_bad(WY_WHY_RANGE, sample);
		return;
	}
	if (is_exact) {
		good_whole(raw->whole, sample);
		return;
	}
	/* 3 * 0.1 is not quite 0.3: a scaled whole number may miss by the last bits only. */
	double nearest = floor(value + 0.5);
	if (fabs(nearest) > WHOLE_MOST || fabs(value - nearest) > 1e-9 * (fabs(value) + 1)) {
		sensor_judge_bad(WY_WHY_PAYLOAD, sample);
		return;
	}
	good_whole((int64_t)nearest, sample);
}

static void judge_real(const struct sensor_profile_point *point, const struct sensor_raw *raw,
		       struct wy_sample *sample)
{
	double value = value_of(point, raw);

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
	static void (*const judges[])(const struct sensor_profile_point *, const struct sensor_raw *,
				      struct wy_sample *) = {
		[WY_TYPE_BOOL] = judge_bool,	[WY_TYPE_INT] = judge_whole,
		[WY_TYPE_REAL] = judge_real,	[WY_TYPE_ENUM] = judge_enum,
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
