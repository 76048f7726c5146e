/* stamp.c: days to dates and back by the usual era arithmetic (400-year cycles of 146097 days). */
#include "stamp.h"

#include <string.h>

#define MS_PER_DAY 86400000LL

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Years begin in March inside, so that the leap day is the last of a year. */
struct wy_date wy_date_of(int64_t days_since_1970)
{
	int64_t shifted = days_since_1970 + 719468; /* days from 0000-03-01 to 1970-01-01 */
	int64_t era = floor_div(shifted, 146097);
	int64_t of_era = shifted - era * 146097;
	int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month_from_march = (5 * of_year + 2) / 153;
	struct wy_date date = {
		.year = year_of_era + era * 400 + (month_from_march >= 10),
		.month = (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9),
		.day = (unsigned)(of_year - (153 * month_from_march + 2) / 5 + 1),
	};

	return date;
}

int64_t wy_days_of(int64_t year, unsigned month, unsigned day)
{
	int64_t shifted_year = month <= 2 ? year - 1 : year;
	int64_t era = floor_div(shifted_year, 400);
	int64_t year_of_era = shifted_year - era * 400;
	int64_t month_from_march = month > 2 ? (int64_t)month - 3 : (int64_t)month + 9;
	int64_t of_year = (153 * month_from_march + 2) / 5 + (int64_t)day - 1;
	int64_t of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;

	return era * 146097 + of_era - 719468;
}

static void two(struct wy_buf *buf, int64_t n)
{
	wy_buf_addf(buf, "%s%lld", n < 10 ? "0" : "", (long long)n);
}

static void date_and_time(struct wy_buf *buf, wy_ms local_ms)
{
	int64_t days = floor_div(local_ms, MS_PER_DAY);
	int64_t ms = local_ms - days * MS_PER_DAY;
	struct wy_date date = wy_date_of(days);

	wy_buf_addf(buf, "%lld-", (long long)date.year);
	two(buf, date.month);
	wy_buf_add(buf, "-");
	two(buf, date.day);
	wy_buf_add(buf, "T");
	two(buf, ms / 3600000);
	wy_buf_add(buf, ":");
	two(buf, ms / 60000 % 60);
	wy_buf_add(buf, ":");
	two(buf, ms / 1000 % 60);
	wy_buf_add(buf, ms % 1000 < 100 ? ".0" : ".");
	two(buf, ms % 1000);
}

void wy_stamp_utc(struct wy_buf *buf, wy_ms wall_ms)
{
	date_and_time(buf, wall_ms);
	wy_buf_add(buf, "Z");
}

int32_t wy_zone_offset(const struct wy_zone *zone, int64_t unix_s)
{
	int32_t offset_s = 0;

	for (size_t i = 0; zone && i < zone->n_changes && zone->changes[i].from_s <= unix_s; i++)
		offset_s = zone->changes[i].offset_s;
	return offset_s;
}

void wy_stamp_local(struct wy_buf *buf, wy_ms wall_ms, const struct wy_zone *zone)
{
	int32_t offset_s = wy_zone_offset(zone, floor_div(wall_ms, 1000));
	int32_t size_s = offset_s < 0 ? -offset_s : offset_s;

	date_and_time(buf, wall_ms + (wy_ms)offset_s * 1000);
	wy_buf_add(buf, offset_s < 0 ? "-" : "+");
	two(buf, size_s / 3600);
	wy_buf_add(buf, ":");
	two(buf, size_s / 60 % 60);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* `width` digits within lo..hi. */
static bool read_number(const char **text, unsigned width, int lo, int hi, int *ret_value)
{
	int value = 0;

	for (unsigned i = 0; i < width; i++, (*text)++) {
		if (!is_digit(**text))
			return false;
		value = value * 10 + (**text - '0');
	}
	*ret_value = value;
	return value >= lo && value <= hi;
}

static bool read_mark(const char **text, const char *marks)
{
	if (**text == '\0' || !strchr(marks, **text))
		return false;
	(*text)++;
	return true;
}

/* ".456": further digits are read and dropped. */
static bool read_fraction(const char **text, int *ret_ms)
{
	int scale = 100;

	*ret_ms = 0;
	if (**text != '.')
		return true;
	(*text)++;
	if (!is_digit(**text))
		return false;
	for (; is_digit(**text); (*text)++, scale /= 10)
		*ret_ms += (**text - '0') * scale;
	return true;
}

static bool read_offset(const char **text, int *ret_minutes)
{
	int sign, hours, minutes;

	*ret_minutes = 0;
	if (read_mark(text, "Zz"))
		return true;
	sign = **text == '-' ? -1 : 1;
	if (!read_mark(text, "+-") || !read_number(text, 2, 0, 23, &hours) || !read_mark(text, ":") ||
	    !read_number(text, 2, 0, 59, &minutes))
		return false;
	*ret_minutes = sign * (hours * 60 + minutes);
	return true;
}

bool wy_stamp_read(const char *text, wy_ms *ret_ms)
{
	int year, month, day, hour, minute, second, ms, offset_min;

	if (!read_number(&text, 4, 1970, 9999, &year) || !read_mark(&text, "-") ||
	    !read_number(&text, 2, 1, 12, &month) || !read_mark(&text, "-") ||
	    !read_number(&text, 2, 1, 31, &day) || !read_mark(&text, "Tt ") ||
	    !read_number(&text, 2, 0, 23, &hour) || !read_mark(&text, ":") ||
	    !read_number(&text, 2, 0, 59, &minute) || !read_mark(&text, ":") ||
	    !read_number(&text, 2, 0, 60, &second) || !read_fraction(&text, &ms) ||
	    !read_offset(&text, &offset_min) || *text != '\0')
		return false;
	*ret_ms = wy_days_of(year, (unsigned)month, (unsigned)day) * MS_PER_DAY +
		  ((wy_ms)(hour * 60 + minute - offset_min) * 60 + second) * 1000 + ms;
	return true;
}
