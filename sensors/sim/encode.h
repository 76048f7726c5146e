/* encode.h: a value into the registers of a profile: the inverse of decoding. Pure.
 *
 * The drivers decode; this encodes, and shares no code with them on purpose: a mistake made in only
 * one of the two shows in the round trip of tests/sensors/sim. */
#ifndef SIM_ENCODE_H
#define SIM_ENCODE_H

#include "buf.h"
#include "sensor.h"

#define SIM_WORDS_MAX 255 /* registers of one point: four of a number, more only of a text */

enum sim_form {
	SIM_VALUE,  /* whole or real, by the type of the point */
	SIM_ABSENT, /* "none": the device says that it has no value (first sentinel) */
	SIM_RAW,    /* whole: the bits as they stand, past scale, map and range */
};

/* A value of a point, in the unit of its declaration. bool 0 or 1; enum: index into values. */
struct sim_value {
	enum sim_form form;
	union {
		int64_t whole;
		double real;	  /* WY_TYPE_REAL */
		const char *text; /* SENSOR_TEXT: UTF-8, borrowed */
	};
};

/* "true", "12.5", "INSPECTION", "none", "raw:0x1F"; a text is itself. WY_E_INVALID: not a value of this point;
 * *ret_expected then says what would be, static or borrowed from the point. */
WY_MUST_CHECK enum wy_err sim_value_parse(const struct sensor_profile_point *point,
					  const char *text, struct sim_value *ret_value,
					  const char **ret_expected);
/* The same text back. Reals with as many digits as it takes to read the same value again. */
void sim_value_print(const struct sensor_profile_point *point, const struct sim_value *value,
		     struct wy_buf *buf);
/* What a point holds before anybody set it: false, the first enum value, 0 or the nearest the range
 * has. */
struct sim_value sim_value_default(const struct sensor_profile_point *point);

bool sim_is_text(const struct sensor_profile_point *point);
/* Registers a point takes; 1 for a coil or discrete input. */
unsigned sim_words(const struct sensor_profile_point *point);

/* How many whole numbers the field of a point in its registers can hold, from 0: where a counter wraps.
 * 0: more than 2^62, or not whole. */
uint64_t sim_field_size(const struct sensor_profile_point *point);

/* Write value into words[sim_words()], leaving bits that belong to other points alone (SIM_ABSENT
 * takes the whole of them). Coils and discrete inputs are words 0 or 1. A text is written in its
 * charset, high byte first, with NULs behind it. `ratio` turns a value in
 * the point's unit into the unit the device reports in just now (unit_by); 1 otherwise. WY_E_LIMIT:
 * the registers cannot hold it; WY_E_UNSUPPORTED: SIM_ABSENT and the point has no sentinel. words
 * untouched then. */
WY_MUST_CHECK enum wy_err sim_encode(const struct sensor_profile_point *point,
				     const struct sim_value *value, double ratio,
				     uint16_t words[SIM_WORDS_MAX]);

/* The number before scale and offset: what stands in registers and in CoAP payloads. *ret_raw is
 * whole for all but F32 and CoAP reals, where *ret_real counts and is_real is set. The same errors.
 */
struct sim_raw {
	bool is_real;
	int64_t whole;
	double real;
};
WY_MUST_CHECK enum wy_err sim_raw_of(const struct sensor_profile_point *point,
				     const struct sim_value *value, double ratio,
				     struct sim_raw *ret_raw);

/* Points may be views of the same bits: moving, and how fast. */
bool sim_shares_bits(const struct sensor_profile_point *a, const struct sensor_profile_point *b);
/* What a bit, or a field of up to 32 bits, says in these registers; SIM_RAW where the point has no name for it. The inverse
 * of sim_encode(), for views only. WY_E_UNSUPPORTED: floats, counters of 64 bits, decimal pairs, texts. */
WY_MUST_CHECK enum wy_err sim_value_of_words(const struct sensor_profile_point *point, const uint16_t *words, double ratio,
					     struct sim_value *ret_value);

#endif
