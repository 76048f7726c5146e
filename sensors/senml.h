/* senml.h: SenML packs (RFC 8428, JSON and CBOR), LwM2M's own forms (JSON, TLV) and plain text become records and
 * samples. Pure.
 *
 * A pack is resolved as it is read: base name, unit, value and time are folded into each record.
 * Anything the standard forbids refuses the whole pack: duplicate keys, two values in one record,
 * names outside its alphabet, labels that must be understood and are not. */
#ifndef SENML_H
#define SENML_H

#include "sensor.h"

enum senml_kind {
	SENML_NUMBER,
	SENML_BOOL,
	SENML_TEXT,
	SENML_BYTES, /* LwM2M TLV: only who knows the resource knows what they mean */
	SENML_OTHER, /* data or only a sum */
};

struct senml_record {
	const char *name; /* base name and name joined; "" for a plain text payload */
	const char *unit; /* as sent; NULL: none */
	enum senml_kind kind;
	bool flag;        /* BOOL */
	double number;    /* NUMBER */
	const char *text; /* TEXT, BYTES */
	size_t n_bytes;   /* BYTES */
	double time_s;    /* base time and time added; 0 where neither was given */
};

/* Large (see WY_SENML_TEXT_BYTES): set it aside once. Pointers in records point into text[]. */
struct senml_pack {
	size_t n;
	struct senml_record record[WY_SENML_RECORDS_MAX];
	size_t used;
	char text[WY_SENML_TEXT_BYTES];
};

/* Read a JSON pack. WY_E_PROTOCOL: not a valid pack; WY_E_LIMIT: a ceiling of wy_limits.h.
 * After a failure the pack is empty. */
WY_MUST_CHECK enum wy_err senml_read_json(const void *payload, size_t len, struct senml_pack *pack);
/* The same in CBOR. Nothing is set aside by claimed sizes. */
WY_MUST_CHECK enum wy_err senml_read_cbor(const void *payload, size_t len, struct senml_pack *pack);
/* LwM2M 1.0: its JSON, and its TLV as the answer of a path ("/3303/0/5700", "/3303/0", "/3303"). */
WY_MUST_CHECK enum wy_err senml_read_lwm2m_json(const void *payload, size_t len, struct senml_pack *pack);
WY_MUST_CHECK enum wy_err senml_read_tlv(const char *path, const void *payload, size_t len, struct senml_pack *pack);
/* Read text/plain: one record without name: a JSON number, true or false; anything else is TEXT. */
WY_MUST_CHECK enum wy_err senml_read_text(const void *payload, size_t len, struct senml_pack *pack);

/* The record of a point: the newest whose name is `name` or ends with '/' or ':' and `name`.
 * WY_E_NOTFOUND; WY_E_PROTOCOL when two names fit, or one name twice with the same time. */
WY_MUST_CHECK enum wy_err senml_find(const struct senml_pack *pack, const char *name,
				     const struct senml_record **ret_record);

/* The value of a record as the point declares it. The index and time of the sample are set too: now_ms,
 * or earlier where the record says how old it is (a time below 0).
 * A stated unit wins over scale and offset of the profile: it is converted into the point's.
 * BYTES are read as the point's type says: bool as one byte 0 or 1, real as a float of 4 or 8 bytes, else a whole number
 * of 1, 2, 4 or 8.
 * An unknown unit leaves the value UNCERTAIN, why SOURCE; one of another quantity makes it BAD. */
void senml_sample(const struct senml_record *record, const struct sensor_profile_point *point,
		  uint32_t index, wy_ms now_ms, struct wy_sample *ret_sample);

#endif
