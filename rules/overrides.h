/* overrides.h: what the parameters are worth for each asset. */
#ifndef RX_OVERRIDES_H
#define RX_OVERRIDES_H

#include "scope.h"

/* Fills set->values for every asset; says what is wrong with an override at the override, also what it
 * does to the rules that read it. scopes[i] is that of rule i. */
void rx_bind_values(struct rx_load *load, const struct rx_scope_list *scopes);

#endif
