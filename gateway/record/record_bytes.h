/* record_bytes.h: numbers and names as bytes, written and read within bounds.
 *
 * Whole numbers are LEB128: seven bits a byte, lowest first, the top bit says that more follow. Signed ones are
 * zigzag: 0 -1 1 -2 2. A writer that is full and a reader that is at its end or met nonsense stay so: look once,
 * at the end. */
#ifndef RECORD_BYTES_H
#define RECORD_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct record_out {
	unsigned char *bytes; /* borrowed */
	size_t size, len;
	bool is_full;
};

struct record_in {
	const unsigned char *bytes; /* borrowed */
	size_t len, at;
	bool is_bad;
};

static inline void record_put(struct record_out *out, const void *bytes, size_t len)
{
	if (out->size - out->len < len) {
		out->is_full = true;
		return;
	}
	memcpy(out->bytes + out->len, bytes, len);
	out->len += len;
}

static inline void record_put_byte(struct record_out *out, unsigned value)
{
	unsigned char byte = (unsigned char)value;
	record_put(out, &byte, 1);
}

static inline void record_put_u(struct record_out *out, uint64_t value)
{
	unsigned char bytes[10];
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (unsigned char)(value | 0x80);
	bytes[n++] = (unsigned char)value;
	record_put(out, bytes, n);
}

static inline void record_put_i(struct record_out *out, int64_t value)
{
	record_put_u(out, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

/* Up to 255 bytes, after their number. Longer ones are cut. */
static inline void record_put_text(struct record_out *out, const char *text)
{
	size_t len = strlen(text);

	len = len < 255 ? len : 255;
	record_put_byte(out, (unsigned)len);
	record_put(out, text, len);
}

/* NULL, and bad, where there are not so many left. */
static inline const unsigned char *record_get(struct record_in *in, size_t len)
{
	if (in->is_bad || in->len - in->at < len) {
		in->is_bad = true;
		return NULL;
	}
	in->at += len;
	return in->bytes + in->at - len;
}

static inline unsigned record_get_byte(struct record_in *in)
{
	const unsigned char *byte = record_get(in, 1);
	return byte ? *byte : 0;
}

static inline uint64_t record_get_u(struct record_in *in)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		unsigned byte = record_get_byte(in);
		/* The tenth byte has room for one bit. */
		if (in->is_bad || (shift == 63 && byte > 1))
			break;
		value |= (uint64_t)(byte & 0x7F) << shift;
		if (byte < 0x80)
			return value;
	}
	in->is_bad = true;
	return 0;
}

static inline int64_t record_get_i(struct record_in *in)
{
	uint64_t value = record_get_u(in);
	return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

/* A number below `limit`; bad otherwise. */
static inline uint32_t record_get_below(struct record_in *in, uint64_t limit)
{
	uint64_t value = record_get_u(in);

	if (value < limit)
		return (uint32_t)value;
	in->is_bad = true;
	return 0;
}

/* Into room for 256 bytes; NUL-terminated. */
static inline void record_get_text(struct record_in *in, char out[256])
{
	size_t len = record_get_byte(in);
	const unsigned char *text = record_get(in, len);

	out[0] = '\0';
	if (!text)
		return;
	memcpy(out, text, len);
	out[len] = '\0';
}

#endif
