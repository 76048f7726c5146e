/* lint_parts.h: what the parts of the lint share: the rule under the lens, what its parameters are
 * worth, and whose fault it is. Private to lint.c, lint_time.c and region.c. */
#ifndef RX_LINT_PARTS_H
#define RX_LINT_PARTS_H

#include "context.h"

struct rx_lens {
	struct rx_load *load;
	const struct rx_rule *rule;
	const struct rx_variant *variant;
	const struct rx_const *values;           /* by use number; NULL: defaults */
	const struct wy_override *const *from;   /* by use number; NULL: defaults */
	uint32_t *said;                          /* by override: 1 + the rule it was last blamed for */
	const struct wy_override *blame;         /* the last override a value came from */
};

/* Looking through parameters: nothing is said but what an override did. */
bool rx_lens_is_quiet(const struct rx_lens *lens);
/* The worth of a parameter in its own unit. */
const struct rx_const *rx_lens_value(struct rx_lens *lens, uint32_t use);
/* A span in ms. */
double rx_lens_span(struct rx_lens *lens, const struct rx_span *span);
/* The worth of a constant: a number, a parameter, one of them in another unit. False: no constant. */
bool rx_lens_number(struct rx_lens *lens, const struct rx_expr *e, double *ret_number);

/* At the override to blame if there is one, else at byte `at` of node. */
#define rx_lens_say(lens, severity, code, node, at, ...)                                 \
	do {                                                                             \
		char lens_text[400];                                                     \
		struct wy_buf lens_buf;                                                  \
		wy_buf_init(&lens_buf, lens_text, sizeof(lens_text));                    \
		wy_buf_addf(&lens_buf, __VA_ARGS__);                                     \
		rx_lens_add(lens, severity, code, node, at, lens_text);                  \
	} while (0)
void rx_lens_add(struct rx_lens *lens, enum wy_severity severity, const char *code, const struct wy_node *node,
		 size_t at, const char *text);

/* lint_time.c: holds, windows and limits of silence against the polls of the points. */
void rx_lint_times(struct rx_lens *lens, const struct rx_level *level);
/* lint_trust.c: windows coarser than their hold, emergencies that rest on a guess. */
void rx_lint_trust(struct rx_lens *lens, const struct rx_level *level);
/* region.c: conditions over one variable: never true, always true, no way back. */
void rx_lint_region(struct rx_lens *lens, const struct rx_level *level);

#endif
