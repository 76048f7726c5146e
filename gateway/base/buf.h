/* buf.h: a bounded text buffer and the one way numbers become text.
 *
 * Locale-free and without stdio, so that rules/ can use it and the same value prints the same
 * bytes everywhere. Overflow is remembered, never written: check is_cut at the end. */
#ifndef WY_BUF_H
#define WY_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clocktypes.h"

struct wy_buf {
	char *text; /* borrowed; always NUL-terminated */
	size_t size;
	size_t len;
	bool is_cut;
};

void wy_buf_init(struct wy_buf *buf, char *memory, size_t size);
void wy_buf_add(struct wy_buf *buf, const char *text);
void wy_buf_addn(struct wy_buf *buf, const char *text, size_t len);
/* Supports %s %.*s %c %d %u %ld %lu %lld %llu %zu %x %lx %llx %g and %%; %016llx for names of 64 bits. %g prints as wy_buf_real. */
void wy_buf_addf(struct wy_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void wy_buf_vaddf(struct wy_buf *buf, const char *fmt, va_list args);
/* 16 hex digits, leading zeros kept: epochs and hashes as people and ids carry them. */
void wy_buf_hex(struct wy_buf *buf, uint64_t value);
/* Shortest of up to `decimals` digits after the point, trailing zeros removed; beyond 1e15 in
 * exponent form. NaN and infinity print as "-": they are not values here. */
void wy_buf_real(struct wy_buf *buf, double value, unsigned decimals);
/* Exactly `decimals` digits after the point. */
void wy_buf_fixed(struct wy_buf *buf, double value, unsigned decimals);
/* "90s" style: "1h30min", "500ms", "0s". */
void wy_buf_duration(struct wy_buf *buf, wy_ms span_ms);

#endif
