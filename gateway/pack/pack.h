/* pack.h: bytes made small and whole again. The only user of zstd.
 *
 * Packed bytes carry a checksum of what they were: bytes that were damaged on a disk are found when they are unpacked.
 * A dictionary is what such bytes usually look like; packing and unpacking want the same one.
 *
 * Life  pack_new() .. pack_free(). Threads  one at a time. */
#ifndef PACK_H
#define PACK_H

#include <stddef.h>

#include "err.h"

struct pack;

/* words: a zstd dictionary, copied; NULL: none. level as zstd has it. NULL: no memory. */
struct pack *pack_new(const void *words, size_t len, int level);
void pack_free(struct pack *pack); /* NULL is fine */

/* Bytes written to out; 0: they did not fit, or there was no memory. */
size_t pack_bytes(struct pack *pack, void *out, size_t size, const void *raw, size_t len);
/* pack NULL: without a dictionary. WY_E_CORRUPT: not what pack_bytes() made, or longer than size; WY_E_NOMEM. */
WY_MUST_CHECK enum wy_err pack_open(struct pack *pack, void *out, size_t size, const void *packed, size_t len,
				    size_t *ret_len);

/* Most bytes that packing len bytes can need. */
#define PACK_BOUND(len) ((len) + ((len) >> 8) + ((len) < (128u << 10) ? ((128u << 10) - (len)) >> 11 : 0u) + 4u)

#endif
