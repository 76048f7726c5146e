/* zone.c: a time zone of the system's tz database as a plain table of changes.
 *
 * The file is TZif (RFC 8536): stored changes, and a POSIX TZ text for the time after the last of
 * them, which is laid out here year by year to ZONE_LAST_YEAR. So rules need no system call to know
 * what o'clock it is, and get the same answer on every machine. */
#define _POSIX_C_SOURCE 200809L
#include "loading.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "number.h"

enum { ZONE_BYTES_MAX = 65536, ZONE_HEADER = 44, ZONE_LAST_YEAR = 2100, DAY_S = 86400 };

struct changes {
	struct wy_zone_change *item;
	size_t n, n_max;
};

static void add_change(struct changes *changes, int64_t from_s, int32_t offset_s)
{
	if (changes->n && changes->item[changes->n - 1].offset_s == offset_s)
		return; /* only the name or the flag of summer time changed */
	if (changes->n == changes->n_max)
		return;
	changes->item[changes->n].from_s = from_s;
	changes->item[changes->n++].offset_s = offset_s;
}

/* ---- POSIX TZ text --------------------------------------------------------------------------- */

struct day_rule {  /* M month.week.weekday, or a day of the year */
	char form; /* 'M', 'J' (1-365, no leap day), 'N' (0-365) */
	int month, week, weekday, day;
	int32_t time_s; /* local wall clock before the change */
};

struct footer {
	int32_t standard_s, summer_s;
	bool has_summer;
	struct day_rule from, to;
};

static bool take(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static int take_number(const char **text)
{
	int value = 0;

	for (int i = 0; i < 4 && **text >= '0' && **text <= '9'; i++)
		value = value * 10 + *(*text)++ - '0';
	return value;
}

static void skip_name(const char **text)
{
	if (take(text, '<')) {
		while (**text && !take(text, '>'))
			(*text)++;
		return;
	}
	while ((**text >= 'A' && **text <= 'Z') || (**text >= 'a' && **text <= 'z'))
		(*text)++;
}

/* [+-]hh[:mm[:ss]] */
static int32_t take_time(const char **text)
{
	int sign = take(text, '-') ? -1 : 1;
	int32_t span;

	if (sign > 0)
		(void)take(text, '+');
	span = take_number(text) * 3600;
	if (take(text, ':'))
		span += take_number(text) * 60;
	if (take(text, ':'))
		span += take_number(text);
	return sign * span;
}

static bool take_rule(const char **text, struct day_rule *rule)
{
	if (!take(text, ','))
		return false;
	rule->form = take(text, 'M') ? 'M' : take(text, 'J') ? 'J' : 'N';
	if (rule->form == 'M') {
		rule->month = take_number(text);
		(void)take(text, '.');
		rule->week = take_number(text);
		(void)take(text, '.');
		rule->weekday = take_number(text);
	} else {
		rule->day = take_number(text);
	}
	rule->time_s = take(text, '/') ? take_time(text) : 2 * 3600;
	return rule->form != 'M' || (rule->month >= 1 && rule->month <= 12 && rule->week >= 1);
}

static bool read_footer(const char *text, struct footer *footer)
{
	memset(footer, 0, sizeof(*footer));
	if (!*text)
		return false;
	skip_name(&text);
	footer->standard_s = -take_time(&text); /* POSIX counts west of Greenwich */
	if (!*text)
		return true;
	skip_name(&text);
	footer->summer_s = *text == ',' ? footer->standard_s + 3600 : -take_time(&text);
	footer->has_summer = take_rule(&text, &footer->from) && take_rule(&text, &footer->to);
	return footer->has_summer && !*text;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_before_year(int year)
{
	int64_t y = year - 1;

	return (y - 1969) * 365 + (y / 4 - 492) - (y / 100 - 19) + (y / 400 - 4);
}

static int64_t rule_day(const struct day_rule *rule, int year)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	int64_t start = days_before_year(year);

	if (rule->form == 'N')
		return start + rule->day;
	if (rule->form == 'J')
		return start + rule->day - 1 + (is_leap(year) && rule->day >= 60);
	int64_t first = start + before[rule->month - 1] + (is_leap(year) && rule->month > 2);
	int64_t next = start + before[rule->month] + (is_leap(year) && rule->month >= 2);
	int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
	int64_t day = first + (rule->weekday - weekday + 7) % 7 + 7 * (rule->week - 1);
	return day >= next ? day - 7 : day; /* week 5 is the last one */
}

static void add_year(struct changes *changes, const struct footer *footer, int year,
		     int64_t after_s)
{
	int64_t summer =
		rule_day(&footer->from, year) * DAY_S + footer->from.time_s - footer->standard_s;
	int64_t winter = rule_day(&footer->to, year) * DAY_S + footer->to.time_s - footer->summer_s;
	struct wy_zone_change pair[2] = {{summer, footer->summer_s}, {winter, footer->standard_s}};
	int first = summer < winter ? 0 : 1;

	for (int i = 0; i < 2; i++) {
		const struct wy_zone_change *change = &pair[(first + i) % 2];
		if (change->from_s > after_s)
			add_change(changes, change->from_s, change->offset_s);
	}
}

/* ---- TZif ------------------------------------------------------------------------------------ */

static int64_t big_endian(const unsigned char *at, size_t n)
{
	uint64_t value = at[0] & 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | at[i];
	return (int64_t)value;
}

struct tzif {
	const unsigned char *times, *kinds, *types;
	size_t n_times, n_types;
	char footer[80];
};

/* Size of the data that follows a header; 0: no TZif header. */
static size_t block_size(const unsigned char *header, size_t left, size_t time_size)
{
	if (left < ZONE_HEADER || memcmp(header, "TZif", 4) != 0)
		return 0;
	size_t n[6];
	for (size_t i = 0; i < 6; i++)
		n[i] = (size_t)big_endian(header + 20 + 4 * i, 4) & 0xFFFFFF;
	/* isutc, isstd, leap, times, types, chars */
	return ZONE_HEADER + n[3] * (time_size + 1) + n[4] * 6 + n[5] + n[2] * (time_size + 4) +
	       n[1] + n[0];
}

static bool find_parts(const unsigned char *bytes, size_t len, struct tzif *tzif)
{
	size_t skip = block_size(bytes, len, 4);

	if (!skip || bytes[4] < '2' || skip >= len)
		return false;
	const unsigned char *header = bytes + skip;
	size_t size = block_size(header, len - skip, 8);
	if (!size || size > len - skip)
		return false;
	tzif->n_times = (size_t)big_endian(header + 32, 4);
	tzif->n_types = (size_t)big_endian(header + 36, 4);
	tzif->times = header + ZONE_HEADER;
	tzif->kinds = tzif->times + 8 * tzif->n_times;
	tzif->types = tzif->kinds + tzif->n_times;
	const char *text = (const char *)header + size;
	const char *end = (const char *)bytes + len;
	size_t n = 0;
	if (text == end || *text++ != '\n')
		return tzif->n_types > 0;
	while (text < end && *text != '\n' && n + 1 < sizeof(tzif->footer))
		tzif->footer[n++] = *text++;
	return tzif->n_types > 0;
}

static bool lay_out(const struct tzif *tzif, struct changes *changes)
{
	int64_t last_s = INT64_MIN;
	struct footer footer;

	add_change(changes, INT64_MIN, (int32_t)big_endian(tzif->types, 4));
	for (size_t i = 0; i < tzif->n_times; i++) {
		if (tzif->kinds[i] >= tzif->n_types)
			return false;
		last_s = big_endian(tzif->times + 8 * i, 8);
		add_change(changes, last_s,
			   (int32_t)big_endian(tzif->types + 6 * tzif->kinds[i], 4));
	}
	if (!read_footer(tzif->footer, &footer))
		return tzif->footer[0] == '\0';
	if (!footer.has_summer) {
		add_change(changes, last_s == INT64_MIN ? INT64_MIN + 1 : last_s,
			   footer.standard_s);
		return true;
	}
	for (int year = 1970; year <= ZONE_LAST_YEAR; year++)
		add_year(changes, &footer, year, last_s);
	return true;
}

static bool is_zone_name(const char *name)
{
	size_t len = strlen(name);

	return len && len < 64 && name[0] != '/' && !strstr(name, "..") &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-") ==
		       len;
}

static size_t read_zone_file(const char *name, unsigned char *bytes, size_t size)
{
	char path[120];
	struct wy_buf buf;

	wy_buf_init(&buf, path, sizeof(path));
	wy_buf_addf(&buf, "/usr/share/zoneinfo/%s", name);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return 0;
	ssize_t len = read(file, bytes, size);
	(void)close(file);
	return len > 0 ? (size_t)len : 0;
}

bool load_zone(struct loading *l, const char *name, struct wy_zone *ret_zone)
{
	struct tzif tzif = {0};
	struct changes changes = {0};
	unsigned char *bytes = loading_array(l, ZONE_BYTES_MAX, 1);

	if (!bytes || !is_zone_name(name))
		return false;
	bool is_utc = strcmp(name, "UTC") == 0; /* needs no database */
	size_t len = is_utc ? 0 : read_zone_file(name, bytes, ZONE_BYTES_MAX);
	if (!is_utc && !find_parts(bytes, len, &tzif))
		return false;
	changes.n_max = 2 + tzif.n_times + 2 * (ZONE_LAST_YEAR - 1970 + 1);
	changes.item = loading_array(l, changes.n_max, sizeof(*changes.item));
	if (!changes.item)
		return false;
	if (is_utc)
		add_change(&changes, INT64_MIN, 0);
	else if (!lay_out(&tzif, &changes))
		return false;
	ret_zone->name = name;
	ret_zone->changes = changes.item;
	ret_zone->n_changes = changes.n;
	return true;
}
