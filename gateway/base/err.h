/* err.h: the error codes of the whole program and their texts (errors.def).
 *
 * Fallible functions return enum wy_err; results come back through ret_ parameters, untouched
 * on failure. Words for a person travel in struct wy_diags beside the code, never in it. */
#ifndef WY_ERR_H
#define WY_ERR_H

enum wy_err {
	WY_OK = 0,
#define WY_ERROR(name, text) WY_E_##name,
#include "errors.def"
#undef WY_ERROR
	WY_ERR_COUNT
};

#define WY_MUST_CHECK __attribute__((warn_unused_result))

/* The text of a code; never NULL, static storage. */
const char *wy_err_text(enum wy_err err);

#endif
