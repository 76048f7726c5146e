/* csv_text.h: one cell of a table of readings: an instant, a value. Pure, and quick on the plain forms.
 *
 * Nothing here reads beyond `len`; texts need no end mark. */
#ifndef CSV_TEXT_H
#define CSV_TEXT_H

#include "buf.h"
#include "model.h"
#include "reading.h"

/* Remembers the minute it met last, and its place in Unix time. All zero at first. */
struct csv_clock {
	const struct wy_zone *zone; /* of times without an offset; NULL: UTC */
	char minute[16];            /* "2026-03-29T03:01" */
	wy_ms minute_ms;  /* as if it were UTC */
	wy_ms offset_ms;  /* of the zone; valid with is_plain: no change of the clocks is near */
	bool has_minute, is_plain;
};

/* "2026-03-29T03:01:10.5+02:00", 'T' or a blank, seconds and what follows them optional; without an offset
 * it is the building's wall clock, and of an hour that comes twice the first that is not before `last_ms`. Or
 * Unix time in seconds, with a fraction if need be, or from 12 digits on in milliseconds. False: neither. */
bool csv_time(struct csv_clock *clock, const char *text, size_t len, wy_ms last_ms, wy_ms *ret_ms);

enum csv_cell {
	CSV_EMPTY, /* nothing was read: "", null, nan, NA */
	CSV_VALUE,
	CSV_BAD,   /* "bad": an answer that is not to be believed */
	CSV_GAP,   /* "gap": from here on the asset does not answer */
	CSV_WRONG, /* not a value of the point */
};
/* Sets value and quality of *sample; range is judged by the rules. */
enum csv_cell csv_value(const struct wy_point *point, const char *text, size_t len, struct wy_sample *sample);
/* What a value of the point looks like: "true or false", "a number in bar", "one of CLOSED, OPEN". */
void csv_expected(const struct wy_point *point, struct wy_buf *buf);
/* Equal but for the case of ASCII letters; `word` in small letters. */
bool csv_is_word(const char *text, size_t len, const char *word);

#endif
