/* senml.c: SenML records, whatever format carried them, and plain text.
 *
 * What RFC 8428 says of records is here: base fields that hold for the record they stand in and all after it, one value
 * per record, names of a small alphabet. senml_json.c, senml_cbor.c and senml_tlv.c read the bytes. They come from
 * whoever answers at a device's address, so everything is bounded before it is believed. */
#include "senml_fields.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define BVER_MOST 10 /* RFC 8428: the version of the standard */

void senml_empty(struct senml_pack *pack)
{
	pack->n = 0;
	pack->used = 0;
}

char *senml_room(struct senml_pack *pack, size_t n)
{
	char *text = pack->text + pack->used;

	if (n > sizeof(pack->text) - pack->used)
		return NULL;
	pack->used += n;
	return text;
}

static enum wy_err keep_text(struct senml_pack *pack, struct senml_span a, struct senml_span b,
			     const char **ret_text)
{
	char *text = senml_room(pack, a.len + b.len + 1);

	if (!text)
		return WY_E_LIMIT;
	if (a.len > 0)
		memcpy(text, a.at, a.len);
	if (b.len > 0)
		memcpy(text + a.len, b.at, b.len);
	text[a.len + b.len] = '\0';
	*ret_text = text;
	/* JSON refuses a zero within a text; CBOR does not. */
	return strlen(text) == a.len + b.len ? WY_OK : WY_E_PROTOCOL;
}

/* RFC 8428 4.5.1: starts with a letter or digit, goes on with those and - : . / _ */
static bool is_name(const char *name)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789-:./_";
	static const char first[] = "-:._"; /* '/' is forgiven: LwM2M clients send bn "/3200/0/" */

	if (name[0] == '\0' || strchr(first, name[0]))
		return false;
	return name[strspn(name, alphabet)] == '\0';
}

/* ---- Records --------------------------------------------------------------------------------- */

static enum wy_err take_bases(const struct senml_fields *fields, struct senml_base *base)
{
	if (fields->has_bver && (fields->bver < 1 || fields->bver > BVER_MOST))
		return WY_E_PROTOCOL;
	if (fields->bn.at)
		base->name = fields->bn;
	if (fields->bu.at)
		base->unit = fields->bu;
	if (fields->has_bt)
		base->time_s = fields->bt;
	if (fields->has_bv)
		base->number = fields->bv;
	return WY_OK;
}

static enum wy_err set_value(const struct senml_fields *fields, const struct senml_base *base,
			     struct senml_pack *pack, struct senml_record *record)
{
	record->kind = SENML_OTHER;
	if (fields->has_v) {
		record->kind = SENML_NUMBER;
		record->number = fields->v + base->number;
		return isfinite(record->number) ? WY_OK : WY_E_PROTOCOL;
	}
	if (fields->has_vb) {
		record->kind = SENML_BOOL;
		record->flag = fields->vb;
	}
	if (fields->vs.at) {
		record->kind = SENML_TEXT;
		return keep_text(pack, fields->vs, (struct senml_span){0}, &record->text);
	}
	return WY_OK;
}

static enum wy_err add_record(const struct senml_fields *fields, const struct senml_base *base,
			      struct senml_pack *pack)
{
	struct senml_record *record = &pack->record[pack->n];
	struct senml_span unit = fields->u.at ? fields->u : base->unit;
	enum wy_err err;

	if (pack->n == WY_SENML_RECORDS_MAX || base->name.len >= WY_SENML_NAME_BYTES ||
	    base->name.len + fields->n.len >= WY_SENML_NAME_BYTES)
		return WY_E_LIMIT;
	*record = (struct senml_record){.time_s = base->time_s + fields->t};
	if (!isfinite(record->time_s))
		return WY_E_PROTOCOL;
	err = keep_text(pack, base->name, fields->n, &record->name);
	if (err == WY_OK && !is_name(record->name))
		err = WY_E_PROTOCOL;
	if (err == WY_OK && unit.at)
		err = keep_text(pack, unit, (struct senml_span){0}, &record->unit);
	if (err == WY_OK)
		err = set_value(fields, base, pack, record);
	if (err == WY_OK)
		pack->n++;
	return err;
}

enum wy_err senml_add(const struct senml_fields *fields, struct senml_base *base,
		      struct senml_pack *pack)
{
	int values = fields->has_v + fields->has_vb + (fields->vs.at != NULL) +
		     (fields->vd.at != NULL);
	enum wy_err err = take_bases(fields, base);

	if (err != WY_OK)
		return err;
	if (values > 1)
		return WY_E_PROTOCOL;
	if (values == 0 && !fields->has_s)
		/* Base fields alone are fine; a name or time without a value is not a record. */
		return fields->n.at || fields->has_t ? WY_E_PROTOCOL : WY_OK;
	return add_record(fields, base, pack);
}

/* ---- Plain text ------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A number or a truth value in JSON's own spelling: exact, and the same in every locale. */
static bool read_scalar(const char *text, size_t len, struct senml_record *record)
{
	json_t *value = json_loadb(text, len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
	bool is_scalar = json_is_number(value) || json_is_boolean(value);

	if (is_scalar) {
		record->kind = json_is_number(value) ? SENML_NUMBER : SENML_BOOL;
		record->number = json_number_value(value);
		record->flag = json_is_true(value);
	}
	json_decref(value);
	return is_scalar;
}

enum wy_err senml_read_text(const void *payload, size_t len, struct senml_pack *pack)
{
	const char *text = payload;
	struct senml_record *record = &pack->record[0];

	senml_empty(pack);
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	while (len > 0 && is_blank(*text)) {
		text++;
		len--;
	}
	if (len == 0 || memchr(text, '\0', len))
		return WY_E_PROTOCOL;
	if (len >= WY_SENML_NAME_BYTES)
		return WY_E_LIMIT;
	*record = (struct senml_record){.name = "", .kind = SENML_TEXT};
	if (text[0] == '[' || text[0] == '{' || !read_scalar(text, len, record)) {
		memcpy(pack->text, text, len);
		pack->text[len] = '\0';
		pack->used = len + 1;
		record->text = pack->text;
	}
	pack->n = 1;
	return WY_OK;
}

/* ---- Finding ---------------------------------------------------------------------------------- */

static bool is_named(const char *full, const char *name)
{
	size_t len_full = strlen(full), len = strlen(name);

	if (len == 0 || len > len_full || strcmp(full + len_full - len, name) != 0)
		return false;
	return len == len_full || strchr("/:", full[len_full - len - 1]) != NULL;
}

enum wy_err senml_find(const struct senml_pack *pack, const char *name,
		       const struct senml_record **ret_record)
{
	const struct senml_record *best = NULL;
	bool is_twice = false;

	for (size_t i = 0; i < pack->n; i++) {
		const struct senml_record *record = &pack->record[i];
		if (!is_named(record->name, name))
			continue;
		if (best && strcmp(best->name, record->name) != 0)
			return WY_E_PROTOCOL;
		if (best && record->time_s < best->time_s)
			continue;
		is_twice = best && record->time_s == best->time_s;
		best = record;
	}
	if (!best)
		return WY_E_NOTFOUND;
	if (is_twice)
		return WY_E_PROTOCOL;
	*ret_record = best;
	return WY_OK;
}
