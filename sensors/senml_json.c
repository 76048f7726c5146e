/* senml_json.c: SenML packs in JSON (RFC 8428) and LwM2M's own JSON of before it, through jansson.
 *
 * Nesting is counted before jansson, which recurses, sees the text. */
#include "senml_fields.h"

#include <jansson.h>
#include <string.h>

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

/* ---- The fields of a record ------------------------------------------------------------------ */

struct text_row {
	const char *label;
	size_t offset;
};

struct real_row {
	const char *label;
	size_t offset, flag;
};

/* What the two formats call things. */
struct words {
	const struct text_row *text;
	size_t n_text;
	const struct real_row *real;
	size_t n_real;
	const char *flag;	 /* label of a truth value */
	bool must_be_understood; /* a label ending in '_' says: do not use this record unless you know me */
};

#define TEXT_ROW(label, name) {label, offsetof(struct senml_fields, name)}
#define REAL_ROW(label, name)                                                                      \
	{label, offsetof(struct senml_fields, name), offsetof(struct senml_fields, has_##name)}
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct text_row senml_text[] = {
	TEXT_ROW("bn", bn), TEXT_ROW("bu", bu), TEXT_ROW("n", n),
	TEXT_ROW("u", u),   TEXT_ROW("vs", vs), TEXT_ROW("vd", vd),
};
static const struct real_row senml_real[] = {
	REAL_ROW("bt", bt), REAL_ROW("bv", bv), REAL_ROW("bs", bs), REAL_ROW("bver", bver),
	REAL_ROW("t", t),   REAL_ROW("v", v),   REAL_ROW("s", s),   REAL_ROW("ut", ut),
};
static const struct words senml_words = {senml_text, COUNT(senml_text), senml_real, COUNT(senml_real), "vb", true};

static const struct text_row lwm2m_text[] = {TEXT_ROW("n", n), TEXT_ROW("sv", vs), TEXT_ROW("ov", vd)};
static const struct real_row lwm2m_real[] = {REAL_ROW("t", t), REAL_ROW("v", v)};
static const struct words lwm2m_words = {lwm2m_text, COUNT(lwm2m_text), lwm2m_real, COUNT(lwm2m_real), "bv", false};

static enum wy_err set_text(struct senml_fields *fields, size_t offset, const json_t *value)
{
	struct senml_span *span = (struct senml_span *)(void *)((char *)fields + offset);

	if (!json_is_string(value))
		return WY_E_PROTOCOL;
	*span = (struct senml_span){json_string_value(value), json_string_length(value)};
	return WY_OK;
}

static enum wy_err set_real(struct senml_fields *fields, const struct real_row *row,
			    const json_t *value)
{
	if (!json_is_number(value))
		return WY_E_PROTOCOL;
	*(double *)(void *)((char *)fields + row->offset) = json_number_value(value);
	*(bool *)(void *)((char *)fields + row->flag) = true;
	return WY_OK;
}

static enum wy_err set_field(const struct words *words, struct senml_fields *fields,
			     const char *label, const json_t *value)
{
	size_t len = strlen(label);

	for (size_t i = 0; i < words->n_text; i++)
		if (strcmp(label, words->text[i].label) == 0)
			return set_text(fields, words->text[i].offset, value);
	for (size_t i = 0; i < words->n_real; i++)
		if (strcmp(label, words->real[i].label) == 0)
			return set_real(fields, &words->real[i], value);
	if (strcmp(label, words->flag) == 0) {
		fields->has_vb = true;
		fields->vb = json_is_true(value);
		return json_is_boolean(value) ? WY_OK : WY_E_PROTOCOL;
	}
	return words->must_be_understood && len > 0 && label[len - 1] == '_' ? WY_E_PROTOCOL
									     : WY_OK;
}

static enum wy_err read_record(const struct words *words, json_t *object, struct senml_base *base,
			       struct senml_pack *pack)
{
	struct senml_fields fields = {0};
	const char *label;
	json_t *value;

	if (!json_is_object(object))
		return WY_E_PROTOCOL;
	json_object_foreach(object, label, value) {
		enum wy_err err = set_field(words, &fields, label, value);
		if (err != WY_OK)
			return err;
	}
	return senml_add(&fields, base, pack);
}

static enum wy_err read_records(const struct words *words, json_t *array, struct senml_base *base,
				struct senml_pack *pack)
{
	size_t i;
	json_t *object;

	if (!json_is_array(array) || json_array_size(array) == 0)
		return WY_E_PROTOCOL;
	if (json_array_size(array) > WY_SENML_RECORDS_MAX)
		return WY_E_LIMIT;
	json_array_foreach(array, i, object) {
		enum wy_err err = read_record(words, object, base, pack);
		if (err != WY_OK)
			return err;
	}
	return WY_OK;
}

/* ---- Whole payloads -------------------------------------------------------------------------- */

static enum wy_err read_senml(json_t *root, struct senml_pack *pack)
{
	struct senml_base base = {0};

	return read_records(&senml_words, root, &base, pack);
}

/* OMA LwM2M 1.0: {"bn": "/3303/0/", "bt": s, "e": [records]} */
static enum wy_err read_lwm2m(json_t *root, struct senml_pack *pack)
{
	struct senml_base base = {0};
	const json_t *name = json_object_get(root, "bn"), *time = json_object_get(root, "bt");

	if (!json_is_object(root) || (name && !json_is_string(name)) ||
	    (time && !json_is_number(time)))
		return WY_E_PROTOCOL;
	if (name)
		base.name = (struct senml_span){json_string_value(name), json_string_length(name)};
	base.time_s = json_number_value(time);
	return read_records(&lwm2m_words, json_object_get(root, "e"), &base, pack);
}

static enum wy_err read_any(const void *payload, size_t len, struct senml_pack *pack,
			    enum wy_err (*read)(json_t *, struct senml_pack *))
{
	json_t *root;
	enum wy_err err;

	senml_empty(pack);
	if (len > WY_COAP_PAYLOAD_MAX || is_too_deep(payload, len))
		return WY_E_LIMIT;
	root = json_loadb(payload, len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
	if (!root)
		return WY_E_PROTOCOL;
	err = read(root, pack);
	json_decref(root);
	if (err != WY_OK)
		senml_empty(pack);
	return err;
}

enum wy_err senml_read_json(const void *payload, size_t len, struct senml_pack *pack)
{
	return read_any(payload, len, pack, read_senml);
}

enum wy_err senml_read_lwm2m_json(const void *payload, size_t len, struct senml_pack *pack)
{
	return read_any(payload, len, pack, read_lwm2m);
}
