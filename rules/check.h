/* check.h: names, types, units, memories of one expression against one class. */
#ifndef RX_CHECK_H
#define RX_CHECK_H

#include "context.h"

/* RX_T_NONE: reported. */
enum rx_type rx_check(struct rx_scope *scope, struct rx_expr *e);
/* Parse and check what must be a condition. False: reported, and cond->root is NULL or half checked. */
bool rx_check_condition(struct rx_scope *scope, struct rx_cond *cond);
/* The same for what must be an event. */
bool rx_check_happening(struct rx_scope *scope, struct rx_cond *cond);

#endif
