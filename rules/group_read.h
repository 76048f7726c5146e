/* group_read.h: rules that are made of others: the entries of `correlate`, and the problems of `recur`. */
#ifndef RX_GROUP_READ_H
#define RX_GROUP_READ_H

#include "context.h"

/* How many rules a file has beside those of its `rules`. */
size_t rx_count_made(const struct wy_node *root);
/* After the ids of all ordinary rules: those of the groups, then of the problems. */
void rx_name_groups(struct rx_load *load, struct rx_package *package, const struct wy_node *list);
void rx_name_problems(struct rx_load *load);
/* After all ordinary rules are read. */
void rx_read_group(struct rx_load *load, struct rx_rule *rule);
void rx_read_problem(struct rx_load *load, struct rx_rule *rule);

#endif
