/* params.h: parameters, lengths of time and calendars of a package. */
#ifndef RX_PARAMS_H
#define RX_PARAMS_H

#include "context.h"

void rx_read_params(struct rx_load *load, struct rx_package *package, const struct wy_node *node);
bool rx_read_const(struct rx_load *load, const struct rx_param *param, const struct wy_node *node,
		   struct rx_const *ret_value);
/* A duration literal or $parameter. */
bool rx_read_span(struct rx_scope *scope, const struct wy_node *node, struct rx_span *ret_span);
void rx_read_calendars(struct rx_load *load, struct rx_package *package, const struct wy_node *node);

#endif
