/* number.c: exact, locale-free parsing, and the edit distance behind "did you mean". */
#include "number.h"

#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_of(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum wy_err wy_parse_int(const char *text, size_t len, int64_t *ret_value)
{
	bool is_negative = len && text[0] == '-';
	size_t i = is_negative ? 1 : 0;
	uint64_t base = 10;
	uint64_t value = 0;

	if (len - i > 2 && text[i] == '0' && (text[i + 1] == 'x' || text[i + 1] == 'X')) {
		base = 16;
		i += 2;
	}
	if (i >= len)
		return WY_E_INVALID;
	for (; i < len; i++) {
		int digit = hex_of(text[i]);
		if (digit < 0 || (uint64_t)digit >= base)
			return WY_E_INVALID;
		if (value > ((uint64_t)INT64_MAX - (uint64_t)digit) / base)
			return WY_E_LIMIT;
		value = value * base + (uint64_t)digit;
	}
	*ret_value = is_negative ? -(int64_t)value : (int64_t)value;
	return WY_OK;
}

/* Up to 17 digits gather in an integer, then one division by an exact power of ten: one rounding
 * for up to 15 digits, which is all a threshold ever has. */
enum wy_err wy_parse_real(const char *text, size_t len, double *ret_value)
{
	bool is_negative = len && text[0] == '-';
	size_t i = is_negative ? 1 : 0;
	uint64_t digits = 0;
	double divisor = 1;
	unsigned n_digits = 0;
	bool has_point = false;

	if (i >= len || !is_digit(text[i]) || !is_digit(text[len - 1]))
		return WY_E_INVALID;
	for (; i < len; i++) {
		if (text[i] == '.') {
			if (has_point)
				return WY_E_INVALID;
			has_point = true;
			continue;
		}
		if (!is_digit(text[i]))
			return WY_E_INVALID;
		if (digits || text[i] != '0')
			n_digits++;
		if (n_digits > 17)
			return WY_E_LIMIT;
		digits = digits * 10 + (uint64_t)(text[i] - '0');
		if (has_point)
			divisor *= 10;
	}
	double value = (double)digits / divisor;
	*ret_value = is_negative ? -value : value;
	return WY_OK;
}

enum wy_err wy_parse_duration(const char *text, size_t len, wy_ms *ret_ms)
{
	static const struct {
		const char *name;
		wy_ms ms;
	} parts[] = {{"ms", 1}, {"min", 60000}, {"s", 1000}, {"h", 3600000}, {"d", 86400000}};
	size_t i = 0;
	wy_ms total = 0;

	if (!len)
		return WY_E_INVALID;
	while (i < len) {
		wy_ms n = 0;
		size_t start = i;
		for (; i < len && is_digit(text[i]); i++) {
			if (n > INT64_MAX / 100)
				return WY_E_LIMIT;
			n = n * 10 + (text[i] - '0');
		}
		if (i == start)
			return WY_E_INVALID;
		size_t p;
		for (p = 0; p < sizeof(parts) / sizeof(*parts); p++) {
			size_t name_len = strlen(parts[p].name);
			if (len - i >= name_len && memcmp(text + i, parts[p].name, name_len) == 0)
				break;
		}
		if (p == sizeof(parts) / sizeof(*parts))
			return WY_E_INVALID;
		i += strlen(parts[p].name);
		if (n > (INT64_MAX - total) / parts[p].ms)
			return WY_E_LIMIT;
		total += n * parts[p].ms;
	}
	*ret_ms = total;
	return WY_OK;
}

unsigned wy_edit_distance(const char *a, const char *b)
{
	enum { MOST = 64 };
	unsigned row[MOST + 1];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	if (a_len > MOST || b_len > MOST)
		return 100;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			unsigned least = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
			row[j] = change < least ? change : least;
		}
	}
	return row[b_len];
}

const char *wy_nearest(const char *found, size_t n, const char *(*name_of)(const void *arg, size_t i),
		       const void *arg)
{
	const char *best = NULL;
	unsigned best_distance = (unsigned)(strlen(found) / 3 + 2);

	for (size_t i = 0; i < n; i++) {
		const char *name = name_of(arg, i);
		if (!name)
			continue;
		unsigned distance = wy_edit_distance(found, name);
		if (distance < best_distance) {
			best_distance = distance;
			best = name;
		}
	}
	return best;
}
