/* calls.h: a call against its row of functions.def, in three steps: the call, each argument, the
 * result. The walk in between is the caller's (check.c). */
#ifndef RX_CALLS_H
#define RX_CALLS_H

#include "context.h"

/* The function, and its arguments in the order of its row, with those left out put in. False: said. */
bool rx_call_begin(struct rx_scope *scope, struct rx_expr *call);
/* The argument is a name, such as that of a calendar, not an expression. */
bool rx_call_takes_name(const struct rx_expr *call, unsigned index);
/* The argument fits; *at has been checked unless it is a name. before: the argument to its left. */
bool rx_call_argument(struct rx_scope *scope, struct rx_expr *call, unsigned index, struct rx_expr **at,
		      const struct rx_expr *before);
/* A number made of samples is sampled. False: of several events, and said. */
bool rx_carry_sampling(struct rx_scope *scope, struct rx_expr *e);
/* Type and unit of the result, and the memory of a stateful call. */
enum rx_type rx_call_result(struct rx_scope *scope, struct rx_expr *call);
/* The memory of a checked call that remembers: that of an equal one, or a new one. False: no room, and said. */
bool rx_call_remember(struct rx_scope *scope, struct rx_expr *call);

#endif
