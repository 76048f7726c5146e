/* kinds.h: types and units of expressions: what they are called in messages, whether two fit together,
 * and the hash of a meaning. */
#ifndef RX_KINDS_H
#define RX_KINDS_H

#include "context.h"

#define RX_KIND_SIZE 80u

/* Byte of an expression in its node's value. */
size_t rx_at(const struct rx_scope *scope, const struct rx_expr *e);
/* "a number in bar", "a condition (true or false)". */
const char *rx_describe_kind(const struct rx_expr *e, char *out, size_t size);
bool rx_is_number(const struct rx_expr *e);
/* A temperature on a scale, not a difference. */
bool rx_is_absolute(const struct rx_expr *e);
/* Equal for calls of equal meaning; children must have theirs. */
uint64_t rx_hash_node(const struct rx_expr *e);

/* Bring *at to a unit of its dimension: a literal is rewritten, anything else gets a RX_SCALE node. */
bool rx_rescale(struct rx_scope *scope, struct rx_expr **at, const struct wy_unit *unit);
/* Bring *b to the unit of *a, or a literal *a to that of *b. Both are numbers. */
bool rx_align(struct rx_scope *scope, struct rx_expr **a, struct rx_expr **b);
/* Says that two units do not fit; always false. */
bool rx_complain_units(struct rx_scope *scope, const struct rx_expr *a, const struct rx_expr *b);
/* False: not so, and said. */
bool rx_need_number(struct rx_scope *scope, const struct rx_expr *e);
bool rx_need_condition(struct rx_scope *scope, const struct rx_expr *e);

#endif
