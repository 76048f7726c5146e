/* signals.h: expressions with a name, `signals:` of a rule file. */
#ifndef RX_SIGNALS_H
#define RX_SIGNALS_H

#include "context.h"

void rx_read_signals(struct rx_load *load, struct rx_package *package, const struct wy_node *node);
/* The signal of this name for the class at hand; NULL: none. */
struct rx_signal *rx_signal_named(const struct rx_scope *scope, const char *name);
/* Put in for the name. RX_T_NONE: wrong, and said. */
enum rx_type rx_check_signal(struct rx_scope *scope, struct rx_expr *e, struct rx_signal *signal);
/* After all rules: those that none uses are checked all the same. */
void rx_check_idle_signals(struct rx_load *load, struct rx_package *package);

#endif
