/* diag.h: what is wrong, where, what was expected, what to do: collected, never printed here.
 *
 * A load collects all its mistakes instead of stopping at the first. Memory is the caller's; texts
 * go to the arena. Beyond WY_DIAGS_MAX messages are counted, not kept. */
#ifndef WY_DIAG_H
#define WY_DIAG_H

#include <stdbool.h>

#include "arena.h"
#include "buf.h"
#include "err.h"
#include "wy_limits.h"
#include "node.h"

enum wy_severity { WY_DIAG_ERROR, WY_DIAG_WARNING };

struct wy_diag {
	enum wy_severity severity;
	char code[8];     /* "E301": rules.md 3.4 and docs/messages.md */
	const char *file; /* NULL: no file, e.g. a connection */
	struct wy_place place;
	const char *text;
	const struct wy_source *source; /* for showing the line with a caret; may be NULL */
};

struct wy_diags {
	struct wy_diag item[WY_DIAGS_MAX];
	size_t n;
	size_t errors;   /* also those not kept */
	size_t warnings;
	struct wy_arena *arena; /* borrowed */
};

void wy_diags_init(struct wy_diags *diags, struct wy_arena *arena);

/* A message at byte `at` of `where`'s value (0: its start). where may be NULL. Conversions are
 * those of wy_buf_addf. Say what was found, what was expected, and the nearest name if there is
 * one: "unknown point 'dor_zone'; did you mean 'door_zone'?" */
void wy_diag_add(struct wy_diags *diags, enum wy_severity severity, const char *code,
		 const struct wy_node *where, size_t at, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* The same at a known place of a file whose tree does not exist (yet). */
void wy_diag_at(struct wy_diags *diags, enum wy_severity severity, const char *code,
		const struct wy_source *source, struct wy_place place, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/* "file:line:col: error E301: text", and under it the line with a caret where the source is known. */
void wy_diag_print(const struct wy_diag *diag, struct wy_buf *buf);

#endif
