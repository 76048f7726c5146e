/* template.h: summaries at load; rule_summary() of rule.h fills them. */
#ifndef RX_TEMPLATE_H
#define RX_TEMPLATE_H

#include "context.h"

void rx_read_summary(struct rx_scope *scope, const struct wy_node *node, struct rx_variant *variant);

#endif
