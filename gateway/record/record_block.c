/* record_block.c: see record_block.h. */
#include "record_block.h"

#include <stdlib.h>
#include <string.h>

#include "pack.h"

enum { LEVEL = 3 };

static const unsigned char magic[4] = {'W', 'Y', 'R', 'B'};

_Static_assert(PACK_BOUND(WY_RECORD_RAW_BYTES) + RECORD_HEADER_BYTES <= WY_RECORD_BLOCK_BYTES,
	       "a block may grow by packing");

uint32_t record_crc32(uint32_t crc, const void *bytes, size_t len)
{
	static const uint32_t half[16] = {
		0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
		0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
	const unsigned char *at = bytes;

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= at[i];
		crc = crc >> 4 ^ half[crc & 15];
		crc = crc >> 4 ^ half[crc & 15];
	}
	return ~crc;
}

/* ---- Header ------------------------------------------------------------------------------------ */

static void put_le(unsigned char *out, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		out[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get_le(const unsigned char *in, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)in[i] << 8 * i;
	return value;
}

static void write_header(const struct record_header *header, uint32_t crc, unsigned char *out)
{
	memcpy(out, magic, sizeof(magic));
	put_le(out + 4, RECORD_VERSION, 2);
	put_le(out + 6, header->kind, 2);
	put_le(out + 8, header->raw_len, 4);
	put_le(out + 12, header->packed_len, 4);
	put_le(out + 16, header->number, 4);
	put_le(out + 20, header->file, 4);
	put_le(out + 24, (uint64_t)header->first_ms, 8);
	put_le(out + 32, (uint64_t)header->last_ms, 8);
	put_le(out + 40, crc, 4);
	put_le(out + 44, record_crc32(0, out, 44), 4);
}

enum wy_err record_read_header(const unsigned char *in, struct record_header *ret)
{
	if (memcmp(in, magic, sizeof(magic)) != 0 || get_le(in + 44, 4) != record_crc32(0, in, 44))
		return WY_E_CORRUPT;
	if (get_le(in + 4, 2) != RECORD_VERSION)
		return WY_E_LIMIT;
	struct record_header header = {
		.kind = (enum record_kind)get_le(in + 6, 2),
		.raw_len = (uint32_t)get_le(in + 8, 4),
		.packed_len = (uint32_t)get_le(in + 12, 4),
		.number = (uint32_t)get_le(in + 16, 4),
		.file = (uint32_t)get_le(in + 20, 4),
		.first_ms = (wy_ms)get_le(in + 24, 8),
		.last_ms = (wy_ms)get_le(in + 32, 8),
	};
	if (header.raw_len > WY_RECORD_RAW_BYTES || header.packed_len > WY_RECORD_BLOCK_BYTES - RECORD_HEADER_BYTES ||
	    header.kind < RECORD_HEAD || header.kind > RECORD_TURNS)
		return WY_E_CORRUPT;
	*ret = header;
	return WY_OK;
}

/* ---- Contents ---------------------------------------------------------------------------------- */

struct record_packer {
	struct pack *pack;
};

struct record_packer *record_packer_new(void)
{
	struct record_packer *packer = calloc(1, sizeof(*packer));

	if (packer)
		packer->pack = pack_new(NULL, 0, LEVEL);
	if (packer && packer->pack)
		return packer;
	free(packer);
	return NULL;
}

void record_packer_free(struct record_packer *packer)
{
	if (packer)
		pack_free(packer->pack);
	free(packer);
}

size_t record_pack(struct record_packer *packer, struct record_header *header, const void *raw, unsigned char *out)
{
	unsigned char *packed = out + RECORD_HEADER_BYTES;
	size_t n = pack_bytes(packer->pack, packed, WY_RECORD_BLOCK_BYTES - RECORD_HEADER_BYTES, raw, header->raw_len);

	if (!n)
		return 0;
	header->packed_len = (uint32_t)n;
	write_header(header, record_crc32(0, packed, n), out);
	return RECORD_HEADER_BYTES + n;
}

enum wy_err record_unpack(const unsigned char *header_bytes, const struct record_header *header, const void *packed,
			  unsigned char *raw)
{
	if (get_le(header_bytes + 40, 4) != record_crc32(0, packed, header->packed_len))
		return WY_E_CORRUPT;
	size_t n = 0;
	enum wy_err err = pack_open(NULL, raw, WY_RECORD_RAW_BYTES, packed, header->packed_len, &n);
	return err || n != header->raw_len ? WY_E_CORRUPT : WY_OK;
}
