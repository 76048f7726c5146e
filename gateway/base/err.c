/* err.c: the texts of errors.def. */
#include "err.h"

static const char *const texts[WY_ERR_COUNT] = {
	[WY_OK] = "ok",
#define WY_ERROR(name, text) [WY_E_##name] = text,
#include "errors.def"
#undef WY_ERROR
};

const char *wy_err_text(enum wy_err err)
{
	if ((unsigned)err >= WY_ERR_COUNT)
		return "unknown error";
	return texts[err];
}
