/* buf.c: text without stdio. Numbers are rounded half away from zero at the last digit printed,
 * by integer arithmetic on the scaled value, so the same bits print the same text everywhere. */
#include "buf.h"

#include <math.h>
#include <string.h>

void wy_buf_init(struct wy_buf *buf, char *memory, size_t size)
{
	buf->text = memory;
	buf->size = size;
	buf->len = 0;
	buf->is_cut = false;
	if (size)
		memory[0] = '\0';
}

void wy_buf_addn(struct wy_buf *buf, const char *text, size_t len)
{
	size_t room = buf->size ? buf->size - 1 - buf->len : 0;

	if (len > room) {
		/* Cut at a whole UTF-8 character. */
		len = room;
		while (len && ((unsigned char)text[len] & 0xC0) == 0x80)
			len--;
		buf->is_cut = true;
	}
	if (!len)
		return;
	memcpy(buf->text + buf->len, text, len);
	buf->len += len;
	buf->text[buf->len] = '\0';
}

void wy_buf_add(struct wy_buf *buf, const char *text)
{
	wy_buf_addn(buf, text, strlen(text));
}

static void add_unsigned(struct wy_buf *buf, uint64_t value, unsigned base, unsigned min_digits)
{
	char digits[24];
	size_t n = sizeof(digits);

	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value || sizeof(digits) - n < min_digits);
	wy_buf_addn(buf, digits + n, sizeof(digits) - n);
}

void wy_buf_hex(struct wy_buf *buf, uint64_t value)
{
	add_unsigned(buf, value, 16, 16);
}

static void add_signed(struct wy_buf *buf, int64_t value)
{
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	if (value < 0)
		wy_buf_add(buf, "-");
	add_unsigned(buf, size, 10, 1);
}

/* |value| < 1e15, decimals <= 9; a scaled value beyond 2^63 prints fewer decimals. */
static void add_decimal(struct wy_buf *buf, double value, unsigned decimals, bool keep_zeros)
{
	uint64_t unit = 1;
	double size = fabs(value);

	for (unsigned i = 0; i < decimals && size * (double)(unit * 10) < 9e18; i++)
		unit *= 10;
	uint64_t scaled = (uint64_t)(size * (double)unit + 0.5);
	if (value < 0 && scaled)
		wy_buf_add(buf, "-");
	add_unsigned(buf, scaled / unit, 10, 1);
	uint64_t rest = scaled % unit;
	while (!keep_zeros && unit > 1 && rest % 10 == 0) {
		rest /= 10;
		unit /= 10;
	}
	if (unit == 1)
		return;
	unsigned digits = 0;
	for (uint64_t u = unit; u > 1; u /= 10)
		digits++;
	wy_buf_add(buf, ".");
	add_unsigned(buf, rest, 10, digits);
}

void wy_buf_real(struct wy_buf *buf, double value, unsigned decimals)
{
	if (!isfinite(value)) {
		wy_buf_add(buf, "-");
		return;
	}
	if (fabs(value) < 1e15) {
		add_decimal(buf, value, decimals > 9 ? 9 : decimals, false);
		return;
	}
	int exponent = 0;
	while (fabs(value) >= 10) {
		value /= 10;
		exponent++;
	}
	add_decimal(buf, value, decimals > 9 ? 9 : decimals, false);
	wy_buf_addf(buf, "e%d", exponent);
}

void wy_buf_fixed(struct wy_buf *buf, double value, unsigned decimals)
{
	if (!isfinite(value) || fabs(value) >= 1e15) {
		wy_buf_real(buf, value, decimals);
		return;
	}
	add_decimal(buf, value, decimals > 9 ? 9 : decimals, true);
}

void wy_buf_duration(struct wy_buf *buf, wy_ms span_ms)
{
	static const struct {
		wy_ms ms;
		const char *name;
	} parts[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};

	if (span_ms == 0)
		wy_buf_add(buf, "0s");
	if (span_ms < 0)
		wy_buf_add(buf, "-");
	uint64_t left = span_ms < 0 ? 0 - (uint64_t)span_ms : (uint64_t)span_ms;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		uint64_t n = left / (uint64_t)parts[i].ms;
		left %= (uint64_t)parts[i].ms;
		if (!n)
			continue;
		add_unsigned(buf, n, 10, 1);
		wy_buf_add(buf, parts[i].name);
	}
}

void wy_buf_addf(struct wy_buf *buf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	wy_buf_vaddf(buf, fmt, args);
	va_end(args);
}

static size_t bounded_len(const char *text, int limit)
{
	size_t n = 0;

	while (limit < 0 || n < (size_t)limit) {
		if (!text[n])
			break;
		n++;
	}
	return n;
}

/* One flat list of the conversions of buf.h; an unknown one prints itself. */
void wy_buf_vaddf(struct wy_buf *buf, const char *fmt, va_list args)
{
	for (const char *at = fmt; *at;) {
		const char *percent = strchr(at, '%');
		if (!percent) {
			wy_buf_add(buf, at);
			return;
		}
		wy_buf_addn(buf, at, (size_t)(percent - at));
		at = percent + 1;
		int limit = -1;
		if (strncmp(at, ".*", 2) == 0) {
			limit = va_arg(args, int);
			at += 2;
		}
		unsigned digits = 1;
		if (strncmp(at, "016", 3) == 0) {
			digits = 16;
			at += 3;
		}
		unsigned longs = 0;
		while (*at == 'l' || *at == 'z') {
			longs += *at == 'l' ? 1 : 2;
			at++;
		}
		switch (*at) {
		case 's': {
			const char *text = va_arg(args, const char *);
			wy_buf_addn(buf, text ? text : "(none)", bounded_len(text ? text : "(none)", limit));
			break;
		}
		case 'c': {
			char c = (char)va_arg(args, int);
			wy_buf_addn(buf, &c, 1);
			break;
		}
		case 'd':
			add_signed(buf, longs == 0 ? va_arg(args, int)
						   : (longs == 1 ? va_arg(args, long) : va_arg(args, long long)));
			break;
		case 'u':
			add_unsigned(buf, longs == 0 ? va_arg(args, unsigned)
						     : (longs == 1 ? va_arg(args, unsigned long)
								   : va_arg(args, unsigned long long)),
				     10, 1);
			break;
		case 'x':
			add_unsigned(buf, longs == 0 ? va_arg(args, unsigned)
						     : (longs == 1 ? va_arg(args, unsigned long)
								   : va_arg(args, unsigned long long)),
				     16, digits);
			break;
		case 'g':
			wy_buf_real(buf, va_arg(args, double), 6);
			break;
		case '\0':
			return;
		default:
			wy_buf_addn(buf, at, 1);
			break;
		}
		at++;
	}
}
