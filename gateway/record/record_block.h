/* record_block.h: blocks of a recording: a header, and bytes packed by zstd. docs/record-format.md has the layout.
 *
 * A block is whole or it is not there: header and packed bytes carry a checksum each. */
#ifndef RECORD_BLOCK_H
#define RECORD_BLOCK_H

#include "clocktypes.h"
#include "err.h"
#include "wy_limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_VERSION 1u
#define RECORD_HEADER_BYTES 48u

enum record_kind {
	RECORD_HEAD = 1, /* names, and how the file begins: the first block of each file */
	RECORD_CELLS,    /* memory of the rules when the file began */
	RECORD_TURNS,
};

struct record_header {
	enum record_kind kind;
	uint32_t raw_len, packed_len;
	uint32_t number; /* in its file, from 0 */
	uint32_t file;   /* number of the file */
	wy_ms first_ms, last_ms; /* mono, of its turns */
};

/* zlib's crc32. */
uint32_t record_crc32(uint32_t crc, const void *bytes, size_t len);

struct record_packer;
struct record_packer *record_packer_new(void); /* NULL: no memory */
void record_packer_free(struct record_packer *packer);
/* Header and packed bytes into out, which has WY_RECORD_BLOCK_BYTES; packed_len is filled in. 0: it did not work. */
size_t record_pack(struct record_packer *packer, struct record_header *header, const void *raw, unsigned char *out);

/* WY_E_CORRUPT: no header. WY_E_LIMIT: of another version. */
WY_MUST_CHECK enum wy_err record_read_header(const unsigned char *bytes, struct record_header *ret_header);
/* raw has WY_RECORD_RAW_BYTES. WY_E_CORRUPT: the bytes are not those that were written. */
WY_MUST_CHECK enum wy_err record_unpack(const unsigned char *header_bytes, const struct record_header *header,
					const void *packed, unsigned char *raw);

#endif
