/* read_parts.h: what the readers of a rule share: its conditions and lengths of time, and one reader for
 * each kind of rule and for its list of inhibiting rules. */
#ifndef RX_READ_PARTS_H
#define RX_READ_PARTS_H

#include "keys.h"

/* As a file has it; its text is checked later, by rx_check_cond(). */
struct rx_cond rx_read_cond(struct rx_load *load, const struct wy_node *node);
struct rx_span rx_span_or(struct rx_scope *scope, const struct wy_node *node, wy_ms otherwise_ms);
void rx_check_cond(struct rx_scope *scope, struct rx_cond *cond);
void rx_check_event(struct rx_scope *scope, struct rx_cond *cond);

/* The one kind of a rule, from the keys it has. False: none or several, and said; so are keys that mean nothing in
 * this kind. */
bool rx_read_kind(struct rx_load *load, const struct rx_rule_keys *fields, const struct wy_node *node,
		  enum rule_kind *ret_kind);
/* Fill the levels of a variant, and the steps of an event or pattern, and check their expressions. Returns the number
 * of levels; 0: a mistake was said. */
size_t rx_read_levels(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields);
size_t rx_read_steps(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields);

void rx_read_parents(struct rx_load *load, struct rx_rule *rule, const struct wy_node *node);

/* rule_read.c: a code of the catalogue, else it is said; hash of a rule's meaning. */
void rx_check_fault(struct rx_load *load, const char *fault, const struct wy_node *node);
uint32_t rx_revision(const struct rx_rule *rule);

#endif
