/* senml.c: SenML packs in JSON, and plain text, into flat records.
 *
 * jansson parses; what RFC 8428 adds is here: base fields that hold for the record they stand in
 * and all after it, one value per record, names of a small alphabet, labels ending in '_' that must
 * be understood. The bytes come from whoever answers at a device's address, so everything is
 * bounded before it is believed: nesting is counted before jansson, which recurses, sees the text. */
#include "senml.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define BVER_MOST 10 /* RFC 8428: the version of the standard */

/* What the records read so far have laid down for the rest. */
struct base {
	const char *name;
	const char *unit;
	double time_s, number;
};

static enum wy_err keep_text(struct senml_pack *pack, const char *a, const char *b,
			     const char **ret_text)
{
	size_t len_a = strlen(a), len_b = strlen(b);
	char *text = pack->text + pack->used;

	if (len_a + len_b + 1 > sizeof(pack->text) - pack->used)
		return WY_E_LIMIT;
	memcpy(text, a, len_a);
	memcpy(text + len_a, b, len_b + 1);
	pack->used += len_a + len_b + 1;
	*ret_text = text;
	return WY_OK;
}

/* Nesting of brackets outside strings. Whether they match is jansson's affair. */
static bool is_too_deep(const char *text, size_t len)
{
	size_t depth = 0;
	bool is_quoted = false;

	for (size_t i = 0; i < len; i++) {
		if (is_quoted) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				is_quoted = false;
			continue;
		}
		if (text[i] == '"')
			is_quoted = true;
		if (text[i] == '[' || text[i] == '{')
			depth++;
		if ((text[i] == ']' || text[i] == '}') && depth > 0)
			depth--;
		if (depth > WY_SENML_DEPTH_MAX)
			return true;
	}
	return false;
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

/* ---- The fields of a record ------------------------------------------------------------------ */

struct fields {
	const char *bn, *bu, *n, *u, *vs, *vd;
	bool has_v, has_vb, has_s, has_t, has_bt, has_bv, vb;
	double bt, bv, t, v, s, ut, bs, bver;
	bool has_ut, has_bs, has_bver;
};

struct text_row {
	const char *label;
	size_t offset;
};

struct real_row {
	const char *label;
	size_t offset, flag;
};

#define TEXT_ROW(name) {#name, offsetof(struct fields, name)}
#define REAL_ROW(name) {#name, offsetof(struct fields, name), offsetof(struct fields, has_##name)}

static const struct text_row text_rows[] = {
	TEXT_ROW(bn), TEXT_ROW(bu), TEXT_ROW(n), TEXT_ROW(u), TEXT_ROW(vs), TEXT_ROW(vd),
};
static const struct real_row real_rows[] = {
	REAL_ROW(bt), REAL_ROW(bv), REAL_ROW(bs), REAL_ROW(bver), REAL_ROW(t),
	REAL_ROW(v),  REAL_ROW(s),  REAL_ROW(ut),
};

static enum wy_err set_text(struct fields *fields, size_t offset, const json_t *value)
{
	if (!json_is_string(value))
		return WY_E_PROTOCOL;
	*(const char **)(void *)((char *)fields + offset) = json_string_value(value);
	return WY_OK;
}

static enum wy_err set_real(struct fields *fields, const struct real_row *row, const json_t *value)
{
	if (!json_is_number(value))
		return WY_E_PROTOCOL;
	*(double *)(void *)((char *)fields + row->offset) = json_number_value(value);
	*(bool *)(void *)((char *)fields + row->flag) = true;
	return WY_OK;
}

static enum wy_err set_field(struct fields *fields, const char *label, const json_t *value)
{
	size_t len = strlen(label);

	for (size_t i = 0; i < sizeof(text_rows) / sizeof(text_rows[0]); i++)
		if (strcmp(label, text_rows[i].label) == 0)
			return set_text(fields, text_rows[i].offset, value);
	for (size_t i = 0; i < sizeof(real_rows) / sizeof(real_rows[0]); i++)
		if (strcmp(label, real_rows[i].label) == 0)
			return set_real(fields, &real_rows[i], value);
	if (strcmp(label, "vb") == 0) {
		fields->has_vb = true;
		fields->vb = json_is_true(value);
		return json_is_boolean(value) ? WY_OK : WY_E_PROTOCOL;
	}
	/* Whoever ends a label in '_' says: do not use this record unless you know me. */
	return len > 0 && label[len - 1] == '_' ? WY_E_PROTOCOL : WY_OK;
}

static enum wy_err take_bases(const struct fields *fields, struct base *base)
{
	if (fields->has_bver && (fields->bver < 1 || fields->bver > BVER_MOST))
		return WY_E_PROTOCOL;
	if (fields->bn)
		base->name = fields->bn;
	if (fields->bu)
		base->unit = fields->bu;
	if (fields->has_bt)
		base->time_s = fields->bt;
	if (fields->has_bv)
		base->number = fields->bv;
	return WY_OK;
}

static enum wy_err set_value(const struct fields *fields, const struct base *base,
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
	if (fields->vs) {
		record->kind = SENML_TEXT;
		return keep_text(pack, fields->vs, "", &record->text);
	}
	return WY_OK;
}

static enum wy_err add_record(const struct fields *fields, const struct base *base,
			      struct senml_pack *pack)
{
	struct senml_record *record = &pack->record[pack->n];
	const char *own = fields->n ? fields->n : "";
	const char *unit = fields->u ? fields->u : base->unit;
	enum wy_err err;

	if (strlen(base->name) + strlen(own) >= WY_SENML_NAME_BYTES)
		return WY_E_LIMIT;
	*record = (struct senml_record){.time_s = base->time_s + fields->t};
	err = keep_text(pack, base->name, own, &record->name);
	if (err == WY_OK && !is_name(record->name))
		err = WY_E_PROTOCOL;
	if (err == WY_OK && unit)
		err = keep_text(pack, unit, "", &record->unit);
	if (err == WY_OK)
		err = set_value(fields, base, pack, record);
	if (err == WY_OK)
		pack->n++;
	return err;
}

static enum wy_err read_record(json_t *object, struct base *base, struct senml_pack *pack)
{
	struct fields fields = {0};
	const char *label;
	json_t *value;
	enum wy_err err = WY_OK;

	json_object_foreach(object, label, value) {
		err = set_field(&fields, label, value);
		if (err != WY_OK)
			return err;
	}
	err = take_bases(&fields, base);
	if (err != WY_OK)
		return err;
	int values = fields.has_v + fields.has_vb + (fields.vs != NULL) + (fields.vd != NULL);
	if (values > 1)
		return WY_E_PROTOCOL;
	if (values == 0 && !fields.has_s)
		/* Base fields alone are fine; a name or time without a value is not a record. */
		return fields.n || fields.has_t ? WY_E_PROTOCOL : WY_OK;
	return add_record(&fields, base, pack);
}

static enum wy_err read_records(json_t *root, struct senml_pack *pack)
{
	struct base base = {.name = ""};
	size_t i;
	json_t *object;

	if (!json_is_array(root) || json_array_size(root) == 0)
		return WY_E_PROTOCOL;
	if (json_array_size(root) > WY_SENML_RECORDS_MAX)
		return WY_E_LIMIT;
	json_array_foreach(root, i, object) {
		if (!json_is_object(object))
			return WY_E_PROTOCOL;
		enum wy_err err = read_record(object, &base, pack);
		if (err != WY_OK)
			return err;
	}
	return WY_OK;
}

static void empty(struct senml_pack *pack)
{
	pack->n = 0;
	pack->used = 0;
}

enum wy_err senml_read_json(const void *payload, size_t len, struct senml_pack *pack)
{
	json_t *root;
	enum wy_err err;

	empty(pack);
	if (len > WY_COAP_PAYLOAD_MAX || is_too_deep(payload, len))
		return WY_E_LIMIT;
	root = json_loadb(payload, len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
	if (!root)
		return WY_E_PROTOCOL;
	err = read_records(root, pack);
	json_decref(root);
	if (err != WY_OK)
		empty(pack);
	return err;
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

	empty(pack);
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
