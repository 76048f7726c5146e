/* restamp.c: see restamp.h. What does not agree with itself is not sent under a new number: it may have been damaged. */
#include "restamp.h"

#include <string.h>

#include "json_build.h"
#include "stamp.h"

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

/* ---- A record of what was lost ------------------------------------------------------------------ */

static bool read_count(const json_t *object, const char *key, uint64_t *ret_n)
{
	const json_t *number = json_object_get(object, key);
	json_int_t n = json_integer_value(number);

	*ret_n = json_is_integer(number) && n >= 0 && n <= TICKET_GAP_EVENTS_MOST ? (uint64_t)n : 0;
	return json_is_integer(number) && n == (json_int_t)*ret_n;
}

static bool read_counts(const json_t *data, struct ticket_gap *gap)
{
	static const char *const tiers[] = {"", "S1", "S2", "S3", "S4"};
	const json_t *by_tier = json_object_get(data, "by_tier"), *by_kind = json_object_get(data, "by_kind");
	uint64_t sum = 0;

	for (size_t i = 1; i < sizeof(tiers) / sizeof(*tiers); i++) {
		if (!read_count(by_tier, tiers[i], &gap->by_tier[i]))
			return false;
		sum += gap->by_tier[i];
	}
	return read_count(by_kind, "opened", &gap->opened) && read_count(by_kind, "updated", &gap->updated) &&
	       read_count(by_kind, "ended", &gap->ended) && read_count(by_kind, "other", &gap->other) &&
	       read_count(data, "events", &gap->n) && gap->n == sum &&
	       sum == gap->opened + gap->updated + gap->ended + gap->other;
}

/* 0: it does not say, or in no way that can be read. */
static wy_ms read_time(const json_t *data, const char *key)
{
	const char *text = json_string_value(json_object_get(data, key));
	wy_ms wall_ms = 0;

	return text && wy_stamp_read(text, &wall_ms) ? wall_ms : 0;
}

static void read_tickets(const json_t *data, struct ticket_gap *gap)
{
	const json_t *ticket;
	size_t i;

	json_array_foreach (json_object_get(data, "tickets"), i, ticket) {
		struct ticket_gap_ticket *out = &gap->ticket[gap->n_tickets];
		const char *key = json_string_value(json_object_get(ticket, "ticket_key"));
		struct wy_buf buf;
		uint64_t n = 0;

		wy_buf_init(&buf, out->key, sizeof(out->key));
		wy_buf_add(&buf, key ? key : "");
		if (!buf.len || buf.is_cut || !read_count(ticket, "events", &n) || n == 0)
			continue;
		out->n = (uint32_t)n;
		gap->n_tickets++;
	}
}

enum wy_err ticket_gap_recall(const void *event, size_t len, const struct ticket_event_name *was, struct ticket_gap *ret_gap)
{
	json_t *root = json_loadb(event, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *data = json_object_get(root, "data");
	enum wy_err err = WY_E_INVALID;

	memset(ret_gap, 0, sizeof(*ret_gap));
	if (is_event(root, was) && read_counts(data, ret_gap)) {
		ret_gap->from_wall_ms = read_time(data, "from");
		ret_gap->until_wall_ms = read_time(data, "until");
		read_tickets(data, ret_gap);
		err = WY_OK;
	}
	json_decref(root);
	return err;
}
