/* budget.h: where a set is too large, which rules make it so. */
#ifndef RX_BUDGET_H
#define RX_BUDGET_H

#include "context.h"

/* "; most by 'lift.doors' (4000), 'water.flow' (312) ...": the three rules with most instances. */
void rx_add_most_instances(const struct rule_set *set, struct wy_buf *buf);
/* The same with the bytes their functions remember on all assets, what they share counted for each. */
void rx_add_most_bytes(const struct rule_set *set, struct wy_buf *buf);

#endif
