/* shares.h: who is to blame for a joint(): what a ticket says of it. */
#ifndef RX_SHARES_H
#define RX_SHARES_H

#include "rule_plan.h"

/* The first joint() of an expression, or of the conditions of a rule. NULL: none. */
const struct rx_expr *rx_joint_in(const struct rx_expr *e);
const struct rx_expr *rx_joint_of(const struct rx_variant *variant);
/* Its numbers by the points they read, largest share first, equal ones as written. Returns how many; 0: no answer. */
size_t rx_shares_now(struct rx_eval *ev, const struct rx_expr *joint, struct rule_share out[WY_RULE_JOINT_MAX]);
/* "motor_temp 62 %, current 30 %": the largest, and all of a twentieth and more; "?" without an answer. */
void rx_shares_print(struct rx_eval *ev, const struct rx_expr *joint, struct wy_buf *buf);

#endif
