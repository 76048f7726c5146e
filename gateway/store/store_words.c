/* store_words.c: documents packed and whole again. The words they have in common are packing/events-1.dict, a zstd
 * dictionary: rows that were packed with it live as long as a store, so the file never changes. Another one would be
 * number 2 beside it. tests/bench/dictionary.py is how it was made. */
#include "store_sql.h"

#include <string.h>

extern const unsigned char store_words_1[];
extern const size_t store_words_1_len;

enum { LEVEL = 6, WORTH_BYTES = 64 };

struct pack *store_new_pack(void)
{
	return pack_new(store_words_1, store_words_1_len, LEVEL);
}

struct store_packed store_pack(struct store *store, const void *bytes, size_t len)
{
	struct store_packed packed = {bytes, len, STORE_PLAIN};
	size_t n = pack_bytes(store->pack, store->packed, sizeof(store->packed), bytes, len);

	if (n > 0 && n + WORTH_BYTES < len)
		packed = (struct store_packed){store->packed, n, STORE_PACKED_1};
	return packed;
}

enum wy_err store_unpack(struct store *store, int64_t packing, const void *bytes, size_t len, void *out, size_t size,
			 size_t *ret_len)
{
	enum wy_err err = WY_OK;

	if (!bytes && len > 0)
		return WY_E_NOMEM;
	if (packing == STORE_PACKED_1)
		err = pack_open(store->pack, out, size, bytes, len, ret_len);
	else if (packing != STORE_PLAIN || len > size)
		err = WY_E_CORRUPT;
	else {
		if (len > 0)
			memcpy(out, bytes, len);
		*ret_len = len;
	}
	return err == WY_E_CORRUPT ? store_error(store, SQLITE_CORRUPT) : err;
}
