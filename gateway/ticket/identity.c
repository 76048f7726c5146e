/* identity.c: the names of a ticket. The key depends on nothing but what it is made of, so that a
 * re-send, a restart and a replay give the same one. */
#include "ticket.h"

#include <string.h>

#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

#include "buf.h"

#define KEY_CHARS 26u /* 130 bits */

static void sha256(const unsigned char *bytes, size_t len, unsigned char out[32])
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	(void)mbedtls_sha256(bytes, len, out, 0); /* fails only with a hardware engine */
#else
	(void)mbedtls_sha256_ret(bytes, len, out, 0);
#endif
}

static void put_u64(unsigned char out[8], uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		out[i] = (unsigned char)(value >> (56 - 8 * i));
}

static void base32(const unsigned char *bytes, char *out, size_t chars)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

	for (size_t i = 0; i < chars; i++) {
		size_t bit = i * 5;
		unsigned pair = ((unsigned)bytes[bit / 8] << 8) | bytes[bit / 8 + 1];

		out[i] = digits[(pair >> (11 - bit % 8)) & 31];
	}
	out[chars] = '\0';
}

enum wy_err ticket_dedup(const char *asset, const char *fault, char out[TICKET_DEDUP_SIZE])
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, TICKET_DEDUP_SIZE);
	wy_buf_addf(&buf, "%s/%s", asset, fault);
	return buf.is_cut ? WY_E_LIMIT : WY_OK;
}

void ticket_key(const char *dedup, uint64_t epoch, int64_t episode, char out[TICKET_KEY_SIZE])
{
	unsigned char bytes[TICKET_DEDUP_SIZE + 16];
	unsigned char hash[32];
	size_t len = strlen(dedup);

	if (len >= TICKET_DEDUP_SIZE) /* ticket_dedup() makes none */
		len = TICKET_DEDUP_SIZE - 1;
	memcpy(bytes, dedup, len);
	bytes[len] = 0;
	put_u64(bytes + len + 1, epoch);
	put_u64(bytes + len + 9, (uint64_t)episode);
	sha256(bytes, len + 17, hash);
	memcpy(out, "tk_", 3);
	base32(hash, out + 3, KEY_CHARS);
}

static bool copy(char *out, size_t size, const char *text)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	wy_buf_add(&buf, text ? text : "");
	return !buf.is_cut;
}

static bool make_number(char out[TICKET_NO_SIZE], const struct ticket_identity *identity)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, TICKET_NO_SIZE);
	wy_buf_addf(&buf, "%s-%u-%u", identity->gateway, identity->day, identity->number);
	return !buf.is_cut;
}

enum wy_err ticket_init(struct ticket *ticket, const struct ticket_identity *identity)
{
	struct ticket made;

	memset(&made, 0, sizeof(made));
	if (ticket_dedup(identity->asset, identity->fault, made.dedup) != WY_OK ||
	    !copy(made.asset, sizeof(made.asset), identity->asset) ||
	    !copy(made.fault, sizeof(made.fault), identity->fault) ||
	    !copy(made.rule, sizeof(made.rule), identity->rule) ||
	    !copy(made.repeat_of, sizeof(made.repeat_of), identity->repeat_of) ||
	    !make_number(made.no, identity))
		return WY_E_LIMIT;
	ticket_key(made.dedup, identity->epoch, identity->episode, made.key);
	made.repeat_count_30d = identity->repeat_count_30d;
	made.epoch = identity->epoch;
	made.episode = identity->episode;
	*ticket = made;
	return WY_OK;
}
