/* rule_read.h: one rule from its keys; rules may name each other, so all ids are known by then. */
#ifndef RX_RULE_READ_H
#define RX_RULE_READ_H

#include "context.h"
#include "scope.h"

void rx_read_rule(struct rx_load *load, struct rx_rule *rule, struct rx_scope_list *scopes);

#endif
