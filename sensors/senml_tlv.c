/* senml_tlv.c: LwM2M's binary form (OMA-TS-LightweightM2M, TLV) into the same records as SenML.
 *
 * One value is a head and its bytes:
 *
 *   head     bits 7-6 what it is: 0 object instance, 1 resource instance, 2 resource of several values, 3 resource
 *            bit 5    the id has two bytes instead of one
 *            bits 4-3 how many bytes the length has; 0: the length is in bits 2-0
 *
 * Instances and resources of several values hold values in turn. What type a value has is not said: that is known by
 * whoever knows the resource, here the point of the profile (senml_value.c). Ids are resolved against the path that was
 * asked, and must fit it. */
#include "senml_fields.h"

#include <stdio.h>
#include <string.h>

enum { LEVEL_OBJECT, LEVEL_INSTANCE, LEVEL_RESOURCE, LEVEL_RESOURCE_INSTANCE, LEVELS };
enum tlv_kind { TLV_INSTANCE, TLV_RESOURCE_INSTANCE, TLV_MULTIPLE, TLV_RESOURCE };

struct tlv {
	enum tlv_kind kind;
	uint16_t id;
	const uint8_t *bytes;
	size_t len;
};

struct reader {
	const uint8_t *bytes;
	size_t len, at;
};

/* Ids of the path so far. */
struct place {
	uint16_t id[LEVELS];
	size_t n;
};

/* "/3303/0/5700": one to four numbers. */
static bool read_path(const char *path, struct place *place)
{
	*place = (struct place){0};
	while (*path == '/') {
		uint32_t id = 0;
		size_t n = 0;
		for (path++; *path >= '0' && *path <= '9' && n < 5; path++, n++)
			id = id * 10 + (uint32_t)(*path - '0');
		if (n == 0 || id > UINT16_MAX || place->n == LEVELS)
			return false;
		place->id[place->n++] = (uint16_t)id;
	}
	return *path == '\0' && place->n > 0;
}

static bool take_number(struct reader *r, size_t n, size_t *ret_number)
{
	*ret_number = 0;
	if (n > r->len - r->at)
		return false;
	for (size_t i = 0; i < n; i++)
		*ret_number = *ret_number << 8 | r->bytes[r->at++];
	return true;
}

static bool next(struct reader *r, struct tlv *tlv)
{
	uint8_t head = r->bytes[r->at++];
	size_t id, len = head & 7, len_bytes = head >> 3 & 3;

	if (!take_number(r, head & 0x20 ? 2 : 1, &id))
		return false;
	if (len_bytes > 0 && ((head & 7) || !take_number(r, len_bytes, &len)))
		return false;
	if (len > r->len - r->at)
		return false;
	*tlv = (struct tlv){.kind = head >> 6, .id = (uint16_t)id, .bytes = r->bytes + r->at, .len = len};
	r->at += len;
	return true;
}

static enum wy_err add(const struct place *place, const struct tlv *tlv, struct senml_pack *pack)
{
	struct senml_record *record = &pack->record[pack->n];
	char name[sizeof("65535/65535/65535/65535")];
	size_t len = 0;

	if (pack->n == WY_SENML_RECORDS_MAX)
		return WY_E_LIMIT;
	for (size_t i = 0; i < place->n; i++)
		len += (size_t)snprintf(name + len, sizeof(name) - len, i ? "/%u" : "%u", (unsigned)place->id[i]);
	char *kept_name = senml_room(pack, len + 1);
	char *kept_bytes = senml_room(pack, tlv->len + 1);
	if (!kept_name || !kept_bytes)
		return WY_E_LIMIT;
	memcpy(kept_name, name, len + 1);
	if (tlv->len > 0)
		memcpy(kept_bytes, tlv->bytes, tlv->len);
	kept_bytes[tlv->len] = '\0';
	*record = (struct senml_record){
		.name = kept_name, .kind = SENML_BYTES, .text = kept_bytes, .n_bytes = tlv->len};
	pack->n++;
	return WY_OK;
}

/* Where a value of this kind belongs below a place: -1 nowhere. */
static int level_of(enum tlv_kind kind)
{
	static const int levels[] = {
		[TLV_INSTANCE] = LEVEL_INSTANCE,
		[TLV_RESOURCE_INSTANCE] = LEVEL_RESOURCE_INSTANCE,
		[TLV_MULTIPLE] = LEVEL_RESOURCE,
		[TLV_RESOURCE] = LEVEL_RESOURCE,
	};

	return levels[kind];
}

/* The same id twice in one place: two values, and nobody can say which one holds. */
static bool is_known(const struct senml_pack *pack, const char *name)
{
	for (size_t i = 0; i + 1 < pack->n; i++)
		if (strcmp(pack->record[i].name, name) == 0)
			return true;
	return false;
}

/* Values below `above`. What was asked lies at or above them: where asked is as deep as a value, the ids must agree.
 * Nests three deep at most, because each level is deeper than the one around it. */
static enum wy_err read_values(struct reader r, const struct place *above, const struct place *asked,
			       struct senml_pack *pack)
{
	while (r.at < r.len) {
		struct place place = *above;
		struct tlv tlv;
		enum wy_err err;

		if (!next(&r, &tlv))
			return WY_E_PROTOCOL;
		size_t level = (size_t)level_of(tlv.kind);
		/* At the top, the path asked stands in for levels the answer leaves out. */
		while (above->n == 0 && place.n < level && place.n < asked->n) {
			place.id[place.n] = asked->id[place.n];
			place.n++;
		}
		if (place.n != level || (level < asked->n && tlv.id != asked->id[level]))
			return WY_E_PROTOCOL;
		place.id[place.n++] = tlv.id;
		if (tlv.kind == TLV_INSTANCE || tlv.kind == TLV_MULTIPLE)
			err = read_values((struct reader){tlv.bytes, tlv.len, 0}, &place, asked, pack);
		else
			err = add(&place, &tlv, pack);
		if (err != WY_OK)
			return err;
		if (pack->n > 0 && is_known(pack, pack->record[pack->n - 1].name))
			return WY_E_PROTOCOL;
	}
	return WY_OK;
}

enum wy_err senml_read_tlv(const char *path, const void *payload, size_t len, struct senml_pack *pack)
{
	const struct place top = {0};
	struct place asked;
	enum wy_err err;

	senml_empty(pack);
	if (len > WY_COAP_PAYLOAD_MAX)
		return WY_E_LIMIT;
	if (len == 0 || !read_path(path, &asked))
		return WY_E_PROTOCOL;
	err = read_values((struct reader){payload, len, 0}, &top, &asked, pack);
	if (err != WY_OK)
		senml_empty(pack);
	return err;
}
