/* fields.h: a row per key. Reads a YAML map into a struct, typed and checked.
 *
 * Unknown keys are errors with the nearest known key; wrong types, ranges and missing keys are
 * errors at their place. All mistakes of a map are reported, not just the first. */
#ifndef WY_FIELDS_H
#define WY_FIELDS_H

#include "diag.h"

enum wy_field_kind {
	WY_FIELD_TEXT,     /* const char *: any scalar */
	WY_FIELD_ID,       /* const char *: [A-Za-z0-9_.-]{1,64} */
	WY_FIELD_BOOL,     /* bool: true or false, nothing else */
	WY_FIELD_INT,      /* int64_t in min..max; decimal or 0x */
	WY_FIELD_REAL,     /* double in min..max */
	WY_FIELD_DURATION, /* wy_ms in min..max: 1h30min */
	WY_FIELD_CHOICE,   /* int: index into choices */
	WY_FIELD_NODE,     /* const struct wy_node *: whatever stands there, read by the caller */
};

struct wy_field {
	const char *key;
	enum wy_field_kind kind;
	size_t offset; /* of the member in the struct */
	bool is_required;
	double min, max;            /* INT, REAL, DURATION (ms); both 0: no range */
	const char *const *choices; /* CHOICE: NULL-terminated */
	const char *help;           /* one line, with the unit */
};

/* Reads map into *out. Members whose key is absent keep what the caller put there (the default).
 * WY_E_INVALID if anything was wrong; the messages are in diags. Texts borrow from the tree. */
WY_MUST_CHECK enum wy_err wy_fields_read(const struct wy_node *map, const struct wy_field *rows,
					 size_t n_rows, void *out, struct wy_diags *diags);

/* Rows and the struct they fill. */
struct wy_field_table {
	const struct wy_field *rows;
	size_t n_rows;
	void *out;
};
/* The same for a map whose keys fill several structs. Of a key that several tables have the first one counts. */
WY_MUST_CHECK enum wy_err wy_fields_read_tables(const struct wy_node *map, const struct wy_field_table *tables,
						size_t n_tables, struct wy_diags *diags);

/* Single values, for lists and odd places; the same messages. `what` names the thing expected. */
WY_MUST_CHECK enum wy_err wy_field_duration(const struct wy_node *node, wy_ms *ret_ms,
					    struct wy_diags *diags);
WY_MUST_CHECK enum wy_err wy_field_real(const struct wy_node *node, double *ret_value,
					struct wy_diags *diags);
WY_MUST_CHECK enum wy_err wy_field_int(const struct wy_node *node, int64_t *ret_value,
				       struct wy_diags *diags);
/* A scalar with an id in it, else NULL and a message. */
const char *wy_field_id(const struct wy_node *node, struct wy_diags *diags);

#endif
