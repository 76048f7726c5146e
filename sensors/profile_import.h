/* profile_import.h: a vendor's register list -> the skeleton of a profile. Pure.
 *
 * What the list says is taken over as far as it is understood (profile_words.h); every row stands in the skeleton, as a
 * point with the row behind it, or as a comment with the reason why it is none. Registers that can be written are
 * comments: Weiyu only reads, and what may be written is seldom what is measured. What a list cannot know (which
 * states are alarms, word orders, poll classes) is guessed cautiously, and the skeleton says so: it is checked
 * against the manual by a person before it is used. */
#ifndef SENSOR_PROFILE_IMPORT_H
#define SENSOR_PROFILE_IMPORT_H

#include "sensor.h"

struct list_row {
	uint32_t line; /* in the file, for messages */
	uint32_t n;
	const char *const *cell; /* n texts, UTF-8, trimmed */
};

struct list_source {
	const char *id;   /* of the profile; an id as in profiles */
	const char *name; /* of the file */
	const struct list_row *rows;
	size_t n_rows;
};

/* Writes the profile to ret_text. Rows that could not be used are in diags (E832), and the skeleton is whole
 * all the same. WY_E_INVALID: no head with columns that are known, or nothing to read below it (E831); WY_E_NOMEM;
 * WY_E_LIMIT: ret_text is too small. */
WY_MUST_CHECK enum wy_err profile_import(const struct list_source *list, struct wy_diags *diags, struct wy_buf *ret_text);

#endif
