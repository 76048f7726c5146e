/* restamp.c: see restamp.h. What does not agree with itself is not sent under a new number: it may have been damaged. */
#include "restamp.h"

#include <string.h>

#include "json_build.h"

enum { NAME_SIZE = 48, EPOCH_DIGITS = 16 };

static bool says(const json_t *object, const char *key, const char *wanted)
{
	const char *text = json_string_value(json_object_get(object, key));

	return strcmp(text ? text : "", wanted) == 0;
}

static void name_event(uint64_t epoch, uint64_t seq, char out[NAME_SIZE])
{
	char digits[EPOCH_DIGITS + 1];
	struct wy_buf buf;

	json_hex_text(epoch, digits);
	wy_buf_init(&buf, out, NAME_SIZE);
	wy_buf_addf(&buf, "%s-%llu", digits, (unsigned long long)seq);
}

static bool has_id(const json_t *root, const struct ticket_event_name *name)
{
	const char *id = json_string_value(json_object_get(root, "id"));
	char wanted[NAME_SIZE];

	name_event(name->epoch, name->seq, wanted);
	if (!id || strlen(id) <= EPOCH_DIGITS)
		return false;
	return strcmp(id + EPOCH_DIGITS, wanted + EPOCH_DIGITS) == 0 &&
	       (!name->epoch || memcmp(id, wanted, EPOCH_DIGITS) == 0);
}

static bool has_sequence(const json_t *root, uint64_t seq)
{
	char digits[JSON_SEQUENCE_SIZE];

	json_sequence_text(seq, digits);
	return says(root, "sequence", digits);
}

static bool is_from(const json_t *root, const char *gateway)
{
	char source[128];
	struct wy_buf buf;

	wy_buf_init(&buf, source, sizeof(source));
	wy_buf_addf(&buf, "/weiyu/%s", gateway);
	return !buf.is_cut && says(root, "source", source);
}

/* Only documents of tickets carry their number inside, too. */
static bool has_data(const json_t *root, const struct ticket_event_name *name)
{
	const json_t *data = json_object_get(root, "data");
	const json_t *number = json_object_get(data, "gateway_seq");

	if (!json_is_object(data) || !says(data, "ticket_key", name->ticket_key))
		return false;
	return !number || (json_typeof(number) == JSON_INTEGER && (uint64_t)json_integer_value(number) == name->seq);
}

static bool is_event(const json_t *root, const struct ticket_event_name *name)
{
	return has_id(root, name) && has_sequence(root, name->seq) && is_from(root, name->gateway) &&
	       says(root, "type", name->type) && has_data(root, name);
}

static enum wy_err stamp(json_t *root, uint64_t epoch, uint64_t seq, struct wy_buf *out)
{
	struct json_build build = {NULL, false};
	json_t *data = json_object_get(root, "data");
	char id[NAME_SIZE], digits[JSON_SEQUENCE_SIZE];

	name_event(epoch, seq, id);
	json_sequence_text(seq, digits);
	json_build_text(&build, root, "id", id);
	json_build_text(&build, root, "sequence", digits);
	if (json_object_get(data, "gateway_seq"))
		json_build_int(&build, data, "gateway_seq", (int64_t)seq);
	size_t need = build.is_failed ? 0 : json_build_dump(root, out);
	if (!need)
		return WY_E_NOMEM;
	return need < out->size ? WY_OK : WY_E_LIMIT;
}

static void tell(const json_t *data, struct ticket_restamped *told)
{
	const char *dedup = json_string_value(json_object_get(data, "dedup_key"));
	struct wy_buf buf;

	wy_buf_init(&buf, told->dedup, sizeof(told->dedup));
	wy_buf_add(&buf, dedup ? dedup : "");
	told->episode = buf.is_cut || !buf.len ? 0 : json_integer_value(json_object_get(data, "episode"));
}

enum wy_err ticket_event_restamp(const void *event, size_t len, const struct ticket_event_name *was, uint64_t epoch, uint64_t seq,
				 struct wy_buf *out, struct ticket_restamped *ret_told)
{
	json_t *root = json_loadb(event, len, JSON_REJECT_DUPLICATES, NULL);
	enum wy_err err = is_event(root, was) ? stamp(root, epoch, seq, out) : WY_E_INVALID;

	if (!err)
		tell(json_object_get(root, "data"), ret_told);
	json_decref(root);
	return err;
}
