/* decode.h: what a device answered -> samples. Pure: no clock, no memory, no device.
 *
 * A window is the part of one area that one answer carried. The value of a point comes from
 * one window only, so a value is never joined from two answers. */
#ifndef SENSOR_DECODE_H
#define SENSOR_DECODE_H

#include "sensor.h"

struct sensor_window {
	enum sensor_area area;
	uint16_t address; /* of the first register or bit */
	uint16_t count;
	const uint16_t *words; /* input, holding: count registers */
	const uint8_t *bits; /* coil, discrete: count bits, eight to a byte, first one lowest (as on
				the wire) */
};

/* Registers of a point's value (1, 2 or 4; of a text up to 32); 1 for a bit of a bit area. */
uint16_t sensor_point_width(const struct sensor_profile_point *point);
bool sensor_area_is_bits(enum sensor_area area);
/* "coil", "discrete", "input", "holding", by enum sensor_area; NULL at the end. */
extern const char *const sensor_area_names[];

/* What one request must hold to give this point: itself and the registers that choose its unit and
 * factor. */
struct sensor_extent {
	enum sensor_area area;
	uint32_t first, end; /* addresses; end is one past the last, so up to 65536 */
};
struct sensor_extent sensor_point_extent(const struct sensor_profile *profile, uint32_t point);
bool sensor_window_holds(const struct sensor_window *window, const struct sensor_extent *extent);

/* The sample of a point; the window must hold its extent. Quality is GOOD or BAD (SENTINEL,
 * PAYLOAD, RANGE), raw words are kept either way. Not for texts: those have no value (BAD, PAYLOAD). */
void sensor_decode(const struct sensor_profile *profile, uint32_t point,
		   const struct sensor_window *window, wy_ms at_ms, struct wy_sample *ret_sample);
#define SENSOR_TEXT_BYTES 100 /* 64 bytes of GB 18030 make at most 96 of UTF-8, and a NUL */

/* What a point of type text says, as UTF-8 with a NUL, up to its first NUL and without blanks at the end; returns its
 * length. The window must hold its extent. Bytes that are no character, and control characters, become '?'. May use the
 * heap: not for every poll. */
size_t sensor_text(const struct sensor_profile_point *point, const struct sensor_window *window,
		   char ret_text[SENSOR_TEXT_BYTES]);

/* n bytes of GB 18030 as UTF-8, at most room bytes; returns how many. 0: the system has no table for it. */
size_t sensor_utf8_of_gb18030(char *bytes, size_t n, char *ret_text, size_t room);

/* A sample without a value. */
void sensor_decode_bad(uint32_t point, enum wy_why why, wy_ms at_ms, struct wy_sample *ret_sample);

#endif
