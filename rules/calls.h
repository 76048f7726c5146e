/* calls.h: a call against its row of functions.def, in three steps: the call, each argument, the
 * result. The walk in between is the caller's (check.c). */
#ifndef RX_CALLS_H
#define RX_CALLS_H

#include "context.h"

/* The function, and how many arguments it takes. False: said. */
bool rx_call_begin(struct rx_scope *scope, struct rx_expr *call);
/* The argument is the name of a calendar or rule, not an expression. */
bool rx_call_takes_name(const struct rx_expr *call, unsigned index);
/* The argument fits; *at has been checked unless it is a name. before: the argument to its left. */
bool rx_call_argument(struct rx_scope *scope, struct rx_expr *call, unsigned index, struct rx_expr **at,
		      const struct rx_expr *before);
/* Type and unit of the result, and the memory of a stateful call. */
enum rx_type rx_call_result(struct rx_scope *scope, struct rx_expr *call);

#endif
