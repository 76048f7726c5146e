/* judge.h: from a raw number to the value of a point, and whether to believe it. Pure.
 *
 * The one place that knows sentinels, scale and offset, enum maps, active-low inputs and ranges,
 * whatever carried the number. */
#ifndef SENSOR_JUDGE_H
#define SENSOR_JUDGE_H

#include "sensor.h"

struct sensor_raw {
	bool is_whole;
	bool is_value; /* already in the unit of the point: scale and offset do not apply */
	bool has_word; /* registers: word is all that was read for the point */
	bool is_broken; /* no number in this encoding, unless it is a sentinel: BAD, PAYLOAD */
	bool is_part;  /* the number is a field of word: sentinels mean word, never the field */
	int64_t whole; /* if is_whole */
	double real;   /* else */
	uint64_t word;
	double unit_ratio; /* a REAL is multiplied by this (chosen unit, chosen factor) after scale and offset; 0: none */
};

/* Fills quality, why and value; point, at_ms and raw[] of the sample are the caller's.
 * GOOD, or BAD because of SENTINEL, RANGE (also an enum value nobody named) or PAYLOAD (not a
 * number, or a fraction or more than 63 bits where only whole numbers exist). A BOOL is true where
 * raw is not zero. Whole numbers stay exact as long as scale and offset are whole. */
void sensor_judge(const struct sensor_profile_point *point, const struct sensor_raw *raw,
		  struct wy_sample *sample);
/* The same for an ENUM named by index: no map, only the bounds of values[]. */
void sensor_judge_index(const struct sensor_profile_point *point, size_t index,
			struct wy_sample *sample);
/* No value, because of why. */
void sensor_judge_bad(enum wy_why why, struct wy_sample *sample);

#endif
