/* template.h: the words of a rule at load; rule_summary() and its like of rule.h fill them. */
#ifndef RX_TEMPLATE_H
#define RX_TEMPLATE_H

#include "keys.h"

/* summary, detail, action and attach; after the conditions, whose memories they share. */
void rx_read_words(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields);
/* The comparison of a condition that decides: the first that is true now; without an evaluator the first one. NULL: no
 * comparison of numbers. */
const struct rx_expr *rx_find_decisive(const struct rx_expr *e, struct rx_eval *ev);

#endif
