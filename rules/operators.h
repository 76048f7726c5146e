/* operators.h: types and units of operators. The children have been checked by the caller, and for all
 * but the logical ones none of them failed. Returns RX_T_NONE after a message. */
#ifndef RX_OPERATORS_H
#define RX_OPERATORS_H

#include "context.h"

enum rx_type rx_check_logic(struct rx_scope *scope, struct rx_expr *e);
enum rx_type rx_check_compare(struct rx_scope *scope, struct rx_expr *e);
enum rx_type rx_check_in(struct rx_scope *scope, struct rx_expr *e);
enum rx_type rx_check_sum(struct rx_scope *scope, struct rx_expr *e);
enum rx_type rx_check_product(struct rx_scope *scope, struct rx_expr *e);
enum rx_type rx_check_neg(struct rx_scope *scope, struct rx_expr *e);

#endif
