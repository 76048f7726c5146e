/* bind_groups.h: which instances meet in a group: those of its members whose assets agree in its labels. */
#ifndef RX_BIND_GROUPS_H
#define RX_BIND_GROUPS_H

#include "scope.h"

/* Do two assets have these labels, and with the same values? */
bool rx_has_same(const struct rule_world *world, const char *const *same, size_t n_same, uint32_t a, uint32_t b);
/* Is it the first asset of its combination that a member watches? */
bool rx_group_begins(const struct rx_load *load, const struct rx_rule *group, const struct rx_scope_list *scopes,
		     uint32_t asset);
/* Once all instances are there. */
void rx_bind_groups(struct rx_load *load);

#endif
