/* senml_fields.h: what the formats of SenML have in common, for senml*.c only.
 *
 * A reader (JSON, CBOR, LwM2M's JSON) fills the fields of one record as they stand in the payload; what RFC 8428 makes
 * of them is the same for all and done by senml_add. */
#ifndef SENML_FIELDS_H
#define SENML_FIELDS_H

#include "senml.h"

/* Borrowed from the payload or its parse; not terminated. at NULL: not there. */
struct senml_span {
	const char *at;
	size_t len;
};

struct senml_fields {
	struct senml_span bn, bu, n, u, vs, vd;
	bool has_v, has_vb, has_s, has_t, has_bt, has_bv, vb;
	double bt, bv, t, v, s, ut, bs, bver;
	bool has_ut, has_bs, has_bver;
};

/* What the records read so far have laid down for the rest. Starts as {0}. */
struct senml_base {
	struct senml_span name, unit;
	double time_s, number;
};

void senml_empty(struct senml_pack *pack);
/* One more record, resolved with the base, which it may change. WY_E_PROTOCOL, WY_E_LIMIT. */
WY_MUST_CHECK enum wy_err senml_add(const struct senml_fields *fields, struct senml_base *base,
				    struct senml_pack *pack);
/* Room for n bytes in the pack's text; NULL: no more. */
char *senml_room(struct senml_pack *pack, size_t n);

#endif
