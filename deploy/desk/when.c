/* when.c: RFC 3339 both ways. timegm keeps the machine's zone out of what is stored. */
#include "when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "stamp.h"

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

bool when_read(const char *text, wy_ms *ret_ms)
{
	struct tm day = {0};
	int ms, offset_min;

	if (!read_number(&text, 4, 1970, 9999, &day.tm_year) || !read_mark(&text, "-") ||
	    !read_number(&text, 2, 1, 12, &day.tm_mon) || !read_mark(&text, "-") ||
	    !read_number(&text, 2, 1, 31, &day.tm_mday) || !read_mark(&text, "Tt ") ||
	    !read_number(&text, 2, 0, 23, &day.tm_hour) || !read_mark(&text, ":") ||
	    !read_number(&text, 2, 0, 59, &day.tm_min) || !read_mark(&text, ":") ||
	    !read_number(&text, 2, 0, 60, &day.tm_sec) || !read_fraction(&text, &ms) ||
	    !read_offset(&text, &offset_min) || *text != '\0')
		return false;
	day.tm_year -= 1900;
	day.tm_mon -= 1;
	*ret_ms = ((wy_ms)timegm(&day) - offset_min * 60) * 1000 + ms;
	return true;
}

void when_write(wy_ms at_ms, char text[static WHEN_TEXT_SIZE])
{
	struct wy_buf buf;

	wy_buf_init(&buf, text, WHEN_TEXT_SIZE);
	wy_stamp_utc(&buf, at_ms);
}

void when_local(wy_ms at_ms, bool is_with_seconds, char text[static WHEN_TEXT_SIZE])
{
	time_t at_s = (time_t)(at_ms / 1000);
	struct tm day;

	if (at_ms == 0) {
		snprintf(text, WHEN_TEXT_SIZE, "--:--");
		return;
	}
	localtime_r(&at_s, &day);
	if (is_with_seconds)
		strftime(text, WHEN_TEXT_SIZE, "%H:%M:%S", &day);
	else
		strftime(text, WHEN_TEXT_SIZE, "%H:%M", &day);
}
