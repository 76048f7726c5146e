/* store_seal.c: a hash beside those few numbers that must not be wrong by a bit: the identity, the counters, the clock. With a wrong
 * epoch or counter the platform would take new events for old ones, or wait for such as never were; with a wrong clock every
 * duration would be wrong. SQLite has no checksums of contents; damage inside a number is found here. The memory of the rules has
 * its own (rules/cells.c). A store of an earlier version has no seals until it writes its next numbers. */
#include "store_sql.h"

#include <string.h>

#define HASH_START 0xcbf29ce484222325u
#define HASH_FACTOR 0x100000001b3u
#define IDENTITY "identity_seal"
#define CLOCK "clock_seal"

static uint64_t add(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * HASH_FACTOR;
	return hash;
}

static uint64_t add_number(uint64_t hash, int64_t value)
{
	return add(hash, &value, sizeof(value));
}

static uint64_t add_text(uint64_t hash, const char *text)
{
	return add(hash, text, strlen(text) + 1);
}

static enum wy_err check(struct store *store, const char *key, uint64_t seal)
{
	int64_t kept = 0;
	enum wy_err err = store_get_number(store, key, &kept);

	if (err)
		return err;
	return (uint64_t)kept == seal ? WY_OK : store_error(store, SQLITE_CORRUPT);
}

static uint64_t seal_counter(const struct store *store, const char *key, int64_t value)
{
	return add_number(add_text(add_number(HASH_START, (int64_t)store->epoch), key), value);
}

static void name_seal(const char *key, char out[32])
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, 32);
	wy_buf_addf(&buf, "%s_seal", key);
}

enum wy_err store_seal_counter(struct store *store, const char *key, int64_t value)
{
	char name[32];

	name_seal(key, name);
	return store_put_number(store, name, (int64_t)seal_counter(store, key, value));
}

enum wy_err store_check_counter(struct store *store, const char *key, int64_t *ret_value)
{
	char name[32];
	int64_t value = 0;
	enum wy_err err = store_get_number(store, key, &value);

	if (err)
		return err == WY_E_NOTFOUND ? store_error(store, SQLITE_CORRUPT) : err;
	name_seal(key, name);
	err = check(store, name, seal_counter(store, key, value));
	if (err && err != WY_E_NOTFOUND)
		return err;
	*ret_value = value;
	return WY_OK;
}

static uint64_t seal_identity(const char *gateway, int64_t epoch)
{
	return add_number(add_text(HASH_START, gateway), epoch);
}

enum wy_err store_seal_identity(struct store *store)
{
	return store_put_number(store, IDENTITY, (int64_t)seal_identity(store->gateway, (int64_t)store->epoch));
}

enum wy_err store_check_identity(struct store *store, const char *gateway, int64_t epoch)
{
	return check(store, IDENTITY, seal_identity(gateway, epoch));
}

static uint64_t seal_clock(const struct store_clock *clock)
{
	uint64_t hash = add_number(HASH_START, clock->mono_ms);

	hash = add_number(hash, clock->wall_ms);
	return add_text(add_number(hash, clock->boottime_ms), clock->boot);
}

enum wy_err store_seal_clock(struct store *store, const struct store_clock *clock)
{
	return store_put_number(store, CLOCK, (int64_t)seal_clock(clock));
}

enum wy_err store_check_clock(struct store *store, const struct store_clock *clock)
{
	enum wy_err err = check(store, CLOCK, seal_clock(clock));

	return err == WY_E_NOTFOUND ? WY_OK : err;
}
