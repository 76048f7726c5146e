/* csv_text.c: see csv_text.h. Numbers of up to 15 digits become exact by one operation; longer ones go to the
 * C library. */
#include "csv_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stamp.h"

enum { MINUTE_LEN = 16, MS_DIGITS = 12 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool csv_is_word(const char *text, size_t len, const char *word)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != word[i] || !word[i])
			return false;
	}
	return !word[len];
}

/* ---- Numbers ----------------------------------------------------------------------------------- */

struct decimal {
	bool is_negative;
	uint64_t digits;
	unsigned n_digits; /* that count */
	int exponent;
};

/* [+-]digits[.digits][e[+-]digits], the whole text. */
static bool read_decimal(const char *text, size_t len, struct decimal *d)
{
	size_t i = 0;
	bool has_digit = false, has_point = false;

	*d = (struct decimal){0};
	if (i < len && (text[i] == '-' || text[i] == '+'))
		d->is_negative = text[i++] == '-';
	for (; i < len && (is_digit(text[i]) || (text[i] == '.' && !has_point)); i++) {
		if (text[i] == '.') {
			has_point = true;
			continue;
		}
		has_digit = true;
		d->n_digits += d->n_digits || text[i] != '0';
		if (d->n_digits <= 19)
			d->digits = d->digits * 10 + (uint64_t)(text[i] - '0');
		d->exponent -= has_point;
	}
	if (!has_digit || i == len)
		return has_digit;
	if (text[i] != 'e' && text[i] != 'E')
		return false;
	bool is_down = i + 1 < len && text[i + 1] == '-';
	int exponent = 0;
	i += i + 1 < len && (text[i + 1] == '-' || text[i + 1] == '+') ? 2 : 1;
	if (i == len)
		return false;
	for (; i < len && is_digit(text[i]); i++)
		exponent = exponent < 10000 ? exponent * 10 + (text[i] - '0') : exponent;
	d->exponent += is_down ? -exponent : exponent;
	return i == len;
}

static bool read_long(const char *text, size_t len, double *ret)
{
	char copy[64];

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	*ret = strtod(copy, NULL);
	return isfinite(*ret);
}

static bool read_real(const char *text, size_t len, double *ret)
{
	static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
				      1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	struct decimal d;

	if (!read_decimal(text, len, &d))
		return false;
	if (d.n_digits > 15 || d.exponent < -22 || d.exponent > 22)
		return read_long(text, len, ret);
	double value = (double)d.digits;
	value = d.exponent < 0 ? value / tens[-d.exponent] : value * tens[d.exponent];
	*ret = d.is_negative ? -value : value;
	return true;
}

/* Also "12.0", as programs write whole numbers that had gaps between them. */
static bool read_whole(const char *text, size_t len, int64_t *ret)
{
	struct decimal d;
	double real;

	if (!read_decimal(text, len, &d))
		return false;
	if (d.exponent == 0 && d.n_digits <= 18) {
		*ret = d.is_negative ? -(int64_t)d.digits : (int64_t)d.digits;
		return true;
	}
	if (!read_real(text, len, &real) || fabs(real) > 9e15 || real != floor(real))
		return false;
	*ret = (int64_t)real;
	return true;
}

/* ---- Times -------------------------------------------------------------------------------------- */

static bool two_digits(const char *text, unsigned most, unsigned *ret)
{
	if (!is_digit(text[0]) || !is_digit(text[1]))
		return false;
	*ret = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
	return *ret <= most;
}

/* "2026-03-29T03:01" as if it were UTC. */
static bool read_minute(const char *text, wy_ms *ret_ms)
{
	unsigned century, year, month, day, hour, minute;

	if (!two_digits(text, 99, &century) || !two_digits(text + 2, 99, &year) || text[4] != '-' ||
	    !two_digits(text + 5, 12, &month) || text[7] != '-' || !two_digits(text + 8, 31, &day) ||
	    (text[10] != 'T' && text[10] != ' ' && text[10] != 't') || !two_digits(text + 11, 23, &hour) ||
	    text[13] != ':' || !two_digits(text + 14, 59, &minute) || !month || !day)
		return false;
	int64_t days = wy_days_of(century * 100 + year, month, day);
	struct wy_date back = wy_date_of(days);
	if (back.month != month || back.day != day)
		return false;
	*ret_ms = days * 86400000 + (wy_ms)(hour * 60 + minute) * 60000;
	return true;
}

/* Seconds with up to nine digits after the point; *at moves behind them. */
static bool read_seconds(const char *text, size_t len, size_t *at, wy_ms *ret_ms)
{
	unsigned seconds;
	wy_ms ms = 0, scale = 100;
	size_t i = *at;

	if (len - i < 2 || !two_digits(text + i, 60, &seconds))
		return false;
	i += 2;
	if (i < len && (text[i] == '.' || text[i] == ',')) {
		size_t first = ++i;
		for (; i < len && is_digit(text[i]) && i - first < 9; i++, scale /= 10)
			ms += scale * (text[i] - '0');
		if (i == first)
			return false;
	}
	*at = i;
	*ret_ms = (wy_ms)seconds * 1000 + ms;
	return true;
}

/* "Z", "+08:00", "+0800", "+08"; the whole rest. */
static bool read_offset(const char *text, size_t len, wy_ms *ret_ms)
{
	unsigned hours, minutes = 0;

	*ret_ms = 0;
	if (len == 1 && (text[0] == 'Z' || text[0] == 'z'))
		return true;
	if (len < 3 || (text[0] != '+' && text[0] != '-') || !two_digits(text + 1, 18, &hours))
		return false;
	size_t at = len > 3 && text[3] == ':' ? 4 : 3;
	if (len != 3 && (len != at + 2 || !two_digits(text + at, 59, &minutes)))
		return false;
	*ret_ms = (wy_ms)(hours * 60 + minutes) * 60000;
	if (text[0] == '-')
		*ret_ms = -*ret_ms;
	return true;
}

static int64_t seconds_of(wy_ms ms)
{
	return ms / 1000 - (ms % 1000 < 0);
}

/* Far from a change of the clocks a local time is one instant, and so is all of its minute. */
static void find_offset(struct csv_clock *clock)
{
	const wy_ms day_ms = 86400000;
	wy_ms before_ms = (wy_ms)wy_zone_offset(clock->zone, seconds_of(clock->minute_ms - 2 * day_ms)) * 1000;
	wy_ms after_ms = (wy_ms)wy_zone_offset(clock->zone, seconds_of(clock->minute_ms + 2 * day_ms)) * 1000;

	clock->is_plain = before_ms == after_ms;
	clock->offset_ms = before_ms;
}

/* Local time has none, one or two instants: none when clocks go forward, two when they go back. */
static wy_ms to_utc(const struct wy_zone *zone, wy_ms local_ms, wy_ms last_ms)
{
	const wy_ms day_ms = 86400000;
	wy_ms before_ms = (wy_ms)wy_zone_offset(zone, seconds_of(local_ms - day_ms)) * 1000;
	wy_ms after_ms = (wy_ms)wy_zone_offset(zone, seconds_of(local_ms + day_ms)) * 1000;
	wy_ms first_ms = local_ms - before_ms;
	wy_ms second_ms = local_ms - after_ms;

	if (before_ms == after_ms)
		return first_ms;
	bool is_first = (wy_ms)wy_zone_offset(zone, seconds_of(first_ms)) * 1000 == before_ms;
	bool is_second = (wy_ms)wy_zone_offset(zone, seconds_of(second_ms)) * 1000 == after_ms;
	if (is_first && is_second)
		return first_ms >= last_ms ? first_ms : second_ms;
	return is_second ? second_ms : first_ms;
}

static bool read_epoch(const char *text, size_t len, wy_ms *ret_ms)
{
	struct decimal d;
	double real;

	if (!read_decimal(text, len, &d) || d.is_negative || d.n_digits > 18)
		return false;
	if (d.exponent == 0 && d.n_digits >= MS_DIGITS) {
		*ret_ms = (wy_ms)d.digits;
		return d.digits < UINT64_C(253402300800000);
	}
	if (!read_real(text, len, &real) || real >= 253402300800.0)
		return false;
	if (real >= 1e11)
		*ret_ms = (wy_ms)(real + 0.5);
	else
		*ret_ms = (wy_ms)(real * 1000 + 0.5);
	return true;
}

bool csv_time(struct csv_clock *clock, const char *text, size_t len, wy_ms last_ms, wy_ms *ret_ms)
{
	wy_ms ms = 0, offset_ms = 0, minute_ms;
	size_t at = MINUTE_LEN;

	if (len < MINUTE_LEN || text[4] != '-')
		return read_epoch(text, len, ret_ms);
	if (len > at && text[at] == ':') {
		at++;
		if (!read_seconds(text, len, &at, &ms))
			return false;
	}
	bool has_offset = at < len;
	if (has_offset && !read_offset(text + at, len - at, &offset_ms))
		return false;
	if (!clock->has_minute || memcmp(clock->minute, text, MINUTE_LEN) != 0) {
		if (!read_minute(text, &minute_ms))
			return false;
		memcpy(clock->minute, text, MINUTE_LEN);
		clock->minute_ms = minute_ms;
		clock->has_minute = true;
		find_offset(clock);
	}
	ms += clock->minute_ms;
	if (has_offset)
		*ret_ms = ms - offset_ms;
	else
		*ret_ms = clock->is_plain ? ms - clock->offset_ms : to_utc(clock->zone, ms, last_ms);
	return true;
}

/* ---- Values ------------------------------------------------------------------------------------- */

static bool read_bool(const char *text, size_t len, int64_t *ret)
{
	if (len == 1 && (text[0] == '0' || text[0] == '1')) {
		*ret = text[0] - '0';
		return true;
	}
	*ret = csv_is_word(text, len, "true");
	return *ret || csv_is_word(text, len, "false") || csv_is_word(text, len, "0.0") ||
	       (*ret = csv_is_word(text, len, "1.0"));
}

static bool read_enum(const struct wy_point *point, const char *text, size_t len, int64_t *ret)
{
	for (size_t i = 0; i < point->n_values; i++) {
		if (strncmp(point->values[i], text, len) == 0 && !point->values[i][len]) {
			*ret = (int64_t)i;
			return true;
		}
	}
	return read_whole(text, len, ret) && *ret >= 0 && (uint64_t)*ret < point->n_values;
}

static bool read_by_type(const struct wy_point *point, const char *text, size_t len, struct wy_sample *sample)
{
	sample->is_whole = point->type != WY_TYPE_REAL;
	switch (point->type) {
	case WY_TYPE_BOOL:
		return read_bool(text, len, &sample->whole);
	case WY_TYPE_ENUM:
		return read_enum(point, text, len, &sample->whole);
	case WY_TYPE_INT:
	case WY_TYPE_COUNTER:
		return read_whole(text, len, &sample->whole);
	case WY_TYPE_REAL:
		return read_real(text, len, &sample->real);
	}
	return false;
}

enum csv_cell csv_value(const struct wy_point *point, const char *text, size_t len, struct wy_sample *sample)
{
	if (!len)
		return CSV_EMPTY;
	sample->quality = WY_Q_GOOD;
	sample->why = WY_WHY_NONE;
	if (read_by_type(point, text, len, sample))
		return CSV_VALUE;
	sample->quality = WY_Q_BAD;
	sample->why = WY_WHY_SENTINEL;
	if (csv_is_word(text, len, "bad"))
		return CSV_BAD;
	if (csv_is_word(text, len, "gap"))
		return CSV_GAP;
	if (csv_is_word(text, len, "nan") || csv_is_word(text, len, "null") || csv_is_word(text, len, "na"))
		return CSV_EMPTY;
	return CSV_WRONG;
}

void csv_expected(const struct wy_point *point, struct wy_buf *buf)
{
	switch (point->type) {
	case WY_TYPE_BOOL:
		wy_buf_add(buf, "true or false");
		return;
	case WY_TYPE_ENUM:
		wy_buf_add(buf, "one of ");
		for (size_t i = 0; i < point->n_values; i++)
			wy_buf_addf(buf, "%s%s", i ? ", " : "", point->values[i]);
		return;
	case WY_TYPE_INT:
	case WY_TYPE_COUNTER:
		wy_buf_add(buf, "a whole number");
		return;
	case WY_TYPE_REAL:
		wy_buf_addf(buf, "a number%s%s", point->unit ? " in " : "", point->unit ? point->unit->name : "");
		return;
	}
}
