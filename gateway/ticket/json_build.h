/* json_build.h: jansson with one sticky failure, so that a document is written top to bottom and
 * checked once at the end. Inside gateway/ticket only. */
#ifndef JSON_BUILD_H
#define JSON_BUILD_H

#include <jansson.h>

#include "buf.h"
#include "err.h"
#include "times.h"

struct json_build {
	const struct wy_zone *zone;
	bool is_failed; /* out of memory somewhere; the document must not be used */
};

json_t *json_build_object(struct json_build *build);
json_t *json_build_array(struct json_build *build);
/* Value is taken. */
void json_build_set(struct json_build *build, json_t *object, const char *key, json_t *value);
void json_build_add(struct json_build *build, json_t *array, json_t *value);

/* NULL text becomes null. Bytes that are not UTF-8 end the text. */
void json_build_text(struct json_build *build, json_t *object, const char *key, const char *text);
void json_build_cut(struct json_build *build, json_t *object, const char *key, const char *text,
		    size_t chars);
void json_build_int(struct json_build *build, json_t *object, const char *key, int64_t value);
/* Not finite becomes null. */
void json_build_real(struct json_build *build, json_t *object, const char *key, double value);
void json_build_bool(struct json_build *build, json_t *object, const char *key, bool value);
/* RFC 3339; 0 becomes null: planned, or has not happened. */
void json_build_time(struct json_build *build, json_t *object, const char *key, wy_ms wall_ms);
/* 16 hex digits. */
void json_build_hex(struct json_build *build, json_t *object, const char *key, uint64_t value);

/* The root of an event; data is added by the caller. */
struct json_envelope {
	const char *gateway, *subject, *type, *id, *schema,
		*correlation; /* correlation may be NULL */
	uint64_t seq;	      /* 0: not numbered */
	uint8_t tier;	      /* 0: none */
	wy_ms wall_ms;
};
json_t *json_build_envelope(struct json_build *build, const struct json_envelope *envelope);

/* Bytes needed; written only if they fit into buf beside its NUL. */
size_t json_build_dump(const json_t *root, struct wy_buf *buf);

void json_hex_text(uint64_t value, char out[17]);
#define JSON_SEQUENCE_SIZE 20u
/* 19 digits: text sorts as the numbers do. */
void json_sequence_text(uint64_t seq, char out[JSON_SEQUENCE_SIZE]);

#endif
