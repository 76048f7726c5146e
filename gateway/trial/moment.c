/* moment.c: see moment.h. */
#include "moment.h"

#include "number.h"
#include "stamp.h"

#define MS_PER_DAY 86400000LL

struct reader {
	const char *text;
	size_t len, at;
};

/* Exactly n digits. */
static bool take_digits(struct reader *r, size_t n, int64_t *ret_value)
{
	if (r->at + n > r->len || r->text[r->at] == '-' || wy_parse_int(r->text + r->at, n, ret_value))
		return false;
	r->at += n;
	return true;
}

static bool take_char(struct reader *r, char c)
{
	bool is_there = r->at < r->len && r->text[r->at] == c;

	r->at += is_there;
	return is_there;
}

static bool take_day(struct reader *r, int64_t *ret_days)
{
	int64_t year, month, day;

	if (!take_digits(r, 4, &year) || !take_char(r, '-') || !take_digits(r, 2, &month) || !take_char(r, '-') ||
	    !take_digits(r, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	*ret_days = wy_days_of(year, (unsigned)month, (unsigned)day);
	struct wy_date date = wy_date_of(*ret_days);
	return date.month == (unsigned)month && date.day == (unsigned)day; /* no 30th of February */
}

/* HH:MM[:SS[.mmm]] */
static bool take_time(struct reader *r, int64_t *ret_ms)
{
	int64_t hour, minute, second = 0, milli = 0;

	if (!take_digits(r, 2, &hour) || !take_char(r, ':') || !take_digits(r, 2, &minute))
		return false;
	if (take_char(r, ':') && !take_digits(r, 2, &second))
		return false;
	if (take_char(r, '.') && !take_digits(r, 3, &milli))
		return false;
	*ret_ms = ((hour * 60 + minute) * 60 + second) * 1000 + milli;
	return hour < 24 && minute < 60 && second < 60;
}

/* "Z", "+01:00", or nothing. */
static bool take_offset(struct reader *r, bool *ret_has, int64_t *ret_ms)
{
	int64_t hours, minutes;
	bool is_west = r->at < r->len && r->text[r->at] == '-';

	*ret_ms = 0;
	*ret_has = r->at < r->len;
	if (!*ret_has || take_char(r, 'Z'))
		return true;
	if (!take_char(r, '+') && !take_char(r, '-'))
		return false;
	if (!take_digits(r, 2, &hours) || !take_char(r, ':') || !take_digits(r, 2, &minutes))
		return false;
	*ret_ms = (hours * 60 + minutes) * 60000 * (is_west ? -1 : 1);
	return hours < 24 && minutes < 60;
}

static wy_ms offset_at(const struct wy_zone *zone, wy_ms wall_ms)
{
	return (wy_ms)wy_zone_offset(zone, wall_ms / 1000) * 1000;
}

/* Local time to UTC: the earlier of the instants that show it, or the end of the gap it falls into. */
static wy_ms to_utc(const struct wy_zone *zone, wy_ms local_ms)
{
	wy_ms before_ms = local_ms - offset_at(zone, local_ms - MS_PER_DAY);
	wy_ms after_ms = local_ms - offset_at(zone, local_ms + MS_PER_DAY);
	wy_ms first_ms = before_ms < after_ms ? before_ms : after_ms;
	wy_ms last_ms = before_ms < after_ms ? after_ms : before_ms;

	if (first_ms + offset_at(zone, first_ms) == local_ms)
		return first_ms;
	if (last_ms + offset_at(zone, last_ms) == local_ms)
		return last_ms;
	for (size_t i = 0; zone && i < zone->n_changes; i++)
		if (zone->changes[i].from_s > first_ms / 1000 && zone->changes[i].from_s <= last_ms / 1000)
			return zone->changes[i].from_s * 1000;
	return last_ms;
}

bool moment_stamp(const struct wy_zone *zone, const char *text, size_t len, wy_ms *ret_wall_ms)
{
	struct reader r = {text, len, 0};
	int64_t days, time_ms, offset_ms;
	bool has_offset;

	if (!take_day(&r, &days) || !take_char(&r, 'T') || !take_time(&r, &time_ms) ||
	    !take_offset(&r, &has_offset, &offset_ms) || r.at != len)
		return false;
	wy_ms local_ms = days * MS_PER_DAY + time_ms;
	*ret_wall_ms = has_offset ? local_ms - offset_ms : to_utc(zone, local_ms);
	return true;
}

/* A fraction is for the last part only: "69.9s", "1.5h". Three digits at most, so it stays whole milliseconds. */
static bool parse_fraction(const char *text, size_t len, wy_ms *ret_ms)
{
	size_t dot = 0, end;
	int64_t whole, part;
	wy_ms unit_ms, scale = 1;
	char one[8] = "1";

	while (dot < len && text[dot] != '.')
		dot++;
	for (end = dot + 1; end < len && text[end] >= '0' && text[end] <= '9'; end++)
		scale *= 10;
	if (dot == 0 || dot >= len || end == dot + 1 || end - dot > 4 || len - end > 4 || len == end)
		return false;
	for (size_t i = 0; i < len - end; i++)
		one[i + 1] = text[end + i];
	if (wy_parse_int(text, dot, &whole) || wy_parse_int(text + dot + 1, end - dot - 1, &part) ||
	    wy_parse_duration(one, 1 + len - end, &unit_ms) || whole < 0 || whole > 100000000)
		return false;
	*ret_ms = whole * unit_ms + part * unit_ms / scale;
	return part * unit_ms % scale == 0;
}

bool moment_parse(const struct moment_base *base, const char *text, size_t len, wy_ms *ret_ms)
{
	wy_ms wall_ms;

	if (wy_parse_duration(text, len, ret_ms) == WY_OK || parse_fraction(text, len, ret_ms))
		return true;
	if (!moment_stamp(base->zone, text, len, &wall_ms))
		return false;
	*ret_ms = wall_ms - base->start_ms;
	return true;
}

void moment_print(struct wy_buf *buf, wy_ms ms)
{
	if (ms < 0)
		wy_buf_add(buf, "-");
	ms = ms < 0 ? -ms : ms;
	if (ms % 1000 && ms > 1000) {
		wy_buf_addf(buf, "%lld.", (long long)(ms / 1000));
		wy_buf_add(buf, ms % 1000 < 100 ? (ms % 1000 < 10 ? "00" : "0") : "");
		wy_buf_addf(buf, "%llds", (long long)(ms % 1000));
	} else {
		wy_buf_duration(buf, ms);
	}
}
