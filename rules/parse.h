/* parse.h: text of one expression to a tree (grammar in README.md). Recursive descent, two tokens
 * of sight, no types yet. One message for the first mistake of an expression. */
#ifndef RX_PARSE_H
#define RX_PARSE_H

#include "expr.h"

/* NULL: a mistake was reported at its place (E104), or the arena is full (*ret_err WY_E_NOMEM).
 *   node   for places of messages; text[0] stands at byte `offset` of its value
 *   text   must live as long as the tree */
struct rx_expr *rx_parse(const struct wy_node *node, size_t offset, const char *text, size_t len,
			 struct wy_arena *arena, struct wy_diags *diags, enum wy_err *ret_err);

#endif
