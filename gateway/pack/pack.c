/* pack.c: see pack.h. Contexts and the digested dictionary are made once: a message of a few kilobytes would otherwise cost more
 * in setting up than in packing. */
#include "pack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

_Static_assert(PACK_BOUND(100u) >= ZSTD_COMPRESSBOUND(100u) && PACK_BOUND(300000u) >= ZSTD_COMPRESSBOUND(300000u),
	       "with room for the checksum");

struct pack {
	ZSTD_CCtx *packing;
	ZSTD_DCtx *opening;
};

static bool set_up(struct pack *pack, const void *words, size_t len, int level)
{
	size_t rc = ZSTD_CCtx_setParameter(pack->packing, ZSTD_c_compressionLevel, level);

	if (!ZSTD_isError(rc))
		rc = ZSTD_CCtx_setParameter(pack->packing, ZSTD_c_checksumFlag, 1);
	if (!ZSTD_isError(rc) && words)
		rc = ZSTD_CCtx_loadDictionary(pack->packing, words, len);
	if (!ZSTD_isError(rc) && words)
		rc = ZSTD_DCtx_loadDictionary(pack->opening, words, len);
	return !ZSTD_isError(rc);
}

struct pack *pack_new(const void *words, size_t len, int level)
{
	struct pack *pack = calloc(1, sizeof(*pack));

	if (!pack)
		return NULL;
	pack->packing = ZSTD_createCCtx();
	pack->opening = ZSTD_createDCtx();
	if (pack->packing && pack->opening && set_up(pack, words, len, level))
		return pack;
	pack_free(pack);
	return NULL;
}

void pack_free(struct pack *pack)
{
	if (!pack)
		return;
	ZSTD_freeCCtx(pack->packing);
	ZSTD_freeDCtx(pack->opening);
	free(pack);
}

size_t pack_bytes(struct pack *pack, void *out, size_t size, const void *raw, size_t len)
{
	size_t n = ZSTD_compress2(pack->packing, out, size, raw, len);

	return ZSTD_isError(n) ? 0 : n;
}

enum wy_err pack_open(struct pack *pack, void *out, size_t size, const void *packed, size_t len, size_t *ret_len)
{
	size_t n = pack ? ZSTD_decompressDCtx(pack->opening, out, size, packed, len) :
			  ZSTD_decompress(out, size, packed, len);

	if (ZSTD_isError(n))
		return ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation ? WY_E_NOMEM : WY_E_CORRUPT;
	*ret_len = n;
	return WY_OK;
}
