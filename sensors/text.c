/* text.c: registers -> UTF-8, for points of type text. See decode.h. The one place that meets iconv.
 *
 * Panels send names in GB 18030, cut at a fixed length and filled up with NUL; what they send after a botched download is
 * anybody's guess. So nothing here fails: a byte that is no character becomes '?', and so does a control character, which
 * must not reach a terminal or a log. */
#include "decode.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

enum { BYTES_MAX = 2 * 32 };


struct bytes {
	char at[BYTES_MAX];
	size_t n; /* up to the first NUL */
};

static struct bytes bytes_of(const struct sensor_profile_point *point, const struct sensor_window *window)
{
	const uint16_t *words = window->words + (point->address - window->address);
	struct bytes bytes = {.n = 0};

	for (size_t i = 0; i < (size_t)point->n_text * 2 && i < BYTES_MAX; i++) {
		char c = (char)(words[i / 2] >> (i % 2 ? 0 : 8) & 0xFF);
		if (c == '\0')
			break;
		bytes.at[bytes.n++] = c;
	}
	return bytes;
}

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~';
}

static size_t from_ascii(const struct bytes *bytes, char *out)
{
	for (size_t i = 0; i < bytes->n; i++)
		out[i] = is_plain(bytes->at[i]) ? bytes->at[i] : '?';
	return bytes->n;
}

/* U+0080 to U+009F in UTF-8: control characters too. */
static size_t without_controls(char *text, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_control = text[i] == '\xC2' && i + 1 < n && (unsigned char)text[i + 1] < 0xA0;
		text[kept++] = is_control ? '?' : text[i];
		i += is_control;
	}
	return kept;
}

static size_t convert(iconv_t converter, char *in, size_t n_in, char *out, size_t room)
{
	char *end = out;

	while (n_in > 0 && iconv(converter, &in, &n_in, &end, &room) == (size_t)-1) {
		if (errno == E2BIG || room == 0)
			break;
		*end++ = '?'; /* half a character at the end, or none at all */
		room--;
		in++;
		n_in--;
		(void)iconv(converter, NULL, NULL, NULL, NULL);
	}
	return (size_t)(end - out);
}

size_t sensor_utf8_of_gb18030(char *bytes, size_t n, char *ret_text, size_t room)
{
	iconv_t converter = iconv_open("UTF-8", "GB18030");

	if (converter == (iconv_t)-1)
		return 0;
	n = convert(converter, bytes, n, ret_text, room);
	(void)iconv_close(converter);
	return n;
}

/* Below U+0080 a control character is one byte in both, and taken out before. */
static size_t from_gb18030(struct bytes *bytes, char *out, size_t room)
{
	for (size_t i = 0; i < bytes->n; i++)
		if ((unsigned char)bytes->at[i] < ' ' || bytes->at[i] == '\x7F')
			bytes->at[i] = '?';
	return without_controls(out, sensor_utf8_of_gb18030(bytes->at, bytes->n, out, room));
}

size_t sensor_text(const struct sensor_profile_point *point, const struct sensor_window *window,
		   char ret_text[SENSOR_TEXT_BYTES])
{
	struct bytes bytes = bytes_of(point, window);
	size_t n = 0;

	if (point->charset == SENSOR_GB18030)
		n = from_gb18030(&bytes, ret_text, SENSOR_TEXT_BYTES - 1);
	if (n == 0)
		n = from_ascii(&bytes, ret_text); /* also where the system lacks the table */
	while (n > 0 && ret_text[n - 1] == ' ')
		n--;
	ret_text[n] = '\0';
	return n;
}
