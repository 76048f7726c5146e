/* number.h: text to numbers, exactly and without locale. Whole text must match. */
#ifndef WY_NUMBER_H
#define WY_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#include "clocktypes.h"
#include "err.h"

/* [-]digits, or [-]0x hex digits. WY_E_INVALID, WY_E_LIMIT when it does not fit. */
WY_MUST_CHECK enum wy_err wy_parse_int(const char *text, size_t len, int64_t *ret_value);
/* [-]digits[.digits], at most 17 significant digits. No exponent, no inf, no nan. */
WY_MUST_CHECK enum wy_err wy_parse_real(const char *text, size_t len, double *ret_value);
/* 1h30min, 500ms, 45s, 2d: parts of ms s min h d, largest first is not required. "0s" is fine.
 * There is no "m": it is the metre. */
WY_MUST_CHECK enum wy_err wy_parse_duration(const char *text, size_t len, wy_ms *ret_ms);

/* Distance of two names for "did you mean": number of edits, capped at 100. */
unsigned wy_edit_distance(const char *a, const char *b);
/* The nearest of n names, or NULL where none is near enough to be worth proposing.
 * `name_of(arg, i)` gives the i-th candidate (NULL is skipped). */
const char *wy_nearest(const char *found, size_t n, const char *(*name_of)(const void *arg, size_t i),
		       const void *arg);

#endif
