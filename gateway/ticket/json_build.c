/* json_build.c: the words of json_build.h. */
#include "json_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stamp.h"

#define REAL_DIGITS                                                                                \
	12 /* scaled registers print as people wrote them: 12.3, not 12.300000000000001 */

json_t *json_build_object(struct json_build *build)
{
	json_t *object = json_object();

	build->is_failed = build->is_failed || !object;
	return object;
}

json_t *json_build_array(struct json_build *build)
{
	json_t *array = json_array();

	build->is_failed = build->is_failed || !array;
	return array;
}

void json_build_set(struct json_build *build, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		build->is_failed = true;
}

void json_build_add(struct json_build *build, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		build->is_failed = true;
}

/* Length of the character that starts here, 0 if it is none. */
static size_t character(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t len = at[0] < 0x80    ? 1
		     : at[0] >= 0xF0 ? 4
		     : at[0] >= 0xE0 ? 3
		     : at[0] >= 0xC2 ? 2
				     : 0;

	if (at[0] == 0 || at[0] > 0xF4)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xC0) != 0x80)
			return 0;
	}
	return len;
}

static size_t sound_bytes(const char *text, size_t chars)
{
	size_t len = 0, n = 0;

	for (size_t step = character(text); step > 0 && n < chars; step = character(text + len)) {
		len += step;
		n++;
	}
	return len;
}

void json_build_cut(struct json_build *build, json_t *object, const char *key, const char *text,
		    size_t chars)
{
	json_t *value = text ? json_stringn(text, sound_bytes(text, chars)) : json_null();

	if (!value) /* surrogates and the like: jansson is stricter than character() */
		value = json_string("");
	json_build_set(build, object, key, value);
}

void json_build_text(struct json_build *build, json_t *object, const char *key, const char *text)
{
	json_build_cut(build, object, key, text, SIZE_MAX);
}

void json_build_int(struct json_build *build, json_t *object, const char *key, int64_t value)
{
	json_build_set(build, object, key, json_integer(value));
}

void json_build_real(struct json_build *build, json_t *object, const char *key, double value)
{
	json_build_set(build, object, key, isfinite(value) ? json_real(value) : json_null());
}

void json_build_bool(struct json_build *build, json_t *object, const char *key, bool value)
{
	json_build_set(build, object, key, json_boolean(value));
}

void json_build_time(struct json_build *build, json_t *object, const char *key, wy_ms wall_ms)
{
	char text[TICKET_TIME_SIZE];

	if (wall_ms != 0)
		ticket_time_text(build->zone, wall_ms, text);
	json_build_text(build, object, key, wall_ms != 0 ? text : NULL);
}

void json_hex_text(uint64_t value, char out[17])
{
	for (unsigned i = 0; i < 16; i++)
		out[i] = "0123456789abcdef"[(value >> (60 - 4 * i)) & 15];
	out[16] = '\0';
}

void json_build_hex(struct json_build *build, json_t *object, const char *key, uint64_t value)
{
	char text[17];

	json_hex_text(value, text);
	json_build_text(build, object, key, text);
}

void json_sequence_text(uint64_t seq, char out[JSON_SEQUENCE_SIZE])
{
	for (unsigned i = JSON_SEQUENCE_SIZE - 1; i-- > 0; seq /= 10)
		out[i] = (char)('0' + seq % 10);
	out[JSON_SEQUENCE_SIZE - 1] = '\0';
}

static void set_sequence(struct json_build *build, json_t *object, uint64_t seq)
{
	char text[JSON_SEQUENCE_SIZE];

	json_sequence_text(seq, text);
	json_build_text(build, object, "sequence", text);
}

/* tier is not 0. */
static void set_severity(struct json_build *build, json_t *object, uint8_t tier)
{
	static const struct {
		const char *text;
		int number; /* OpenTelemetry's scale */
	} rows[] = {{"FATAL", 21}, {"ERROR", 17}, {"WARN", 13}, {"INFO", 9}};
	size_t row = tier <= 4 ? tier - 1u : 3u;

	json_build_text(build, object, "severitytext", rows[row].text);
	json_build_int(build, object, "severitynumber", rows[row].number);
}

json_t *json_build_envelope(struct json_build *build, const struct json_envelope *envelope)
{
	json_t *root = json_build_object(build);
	char text[128];
	struct wy_buf buf;

	json_build_text(build, root, "specversion", "1.0");
	json_build_text(build, root, "id", envelope->id);
	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_addf(&buf, "/weiyu/%s", envelope->gateway);
	json_build_text(build, root, "source", text);
	json_build_text(build, root, "subject", envelope->subject);
	json_build_text(build, root, "type", envelope->type);
	json_build_time(build, root, "time", envelope->wall_ms);
	json_build_text(build, root, "datacontenttype", "application/json");
	json_build_text(build, root, "dataschema", envelope->schema);
	if (envelope->seq > 0)
		set_sequence(build, root, envelope->seq);
	json_build_text(build, root, "partitionkey", envelope->gateway);
	if (envelope->correlation)
		json_build_text(build, root, "correlationid", envelope->correlation);
	if (envelope->tier > 0)
		set_severity(build, root, envelope->tier);
	return root;
}

size_t json_build_dump(const json_t *root, struct wy_buf *buf)
{
	size_t len = json_dumpb(root, buf->text, buf->size - 1,
				JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));

	if (len < buf->size) {
		buf->text[len] = '\0';
		buf->len = len;
	} else {
		buf->text[0] = '\0';
		buf->len = 0;
	}
	return len;
}
