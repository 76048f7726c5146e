/* bind.h: rules meet assets. */
#ifndef RX_BIND_H
#define RX_BIND_H

#include "context.h"
#include "scope.h"

/* Instances in order of evaluation, inhibition, keys of cells. scopes[i] is that of rule i. */
enum wy_err rx_bind(struct rx_load *load, const struct rx_scope_list *scopes);

#endif
