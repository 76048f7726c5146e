/* lint_set.h: warnings about rules that are sound each, and not beside each other. */
#ifndef RX_LINT_SET_H
#define RX_LINT_SET_H

#include "context.h"

/* After all rules were read without a mistake. */
void rx_lint_set(struct rx_load *load);
/* After the instances were bound: assets whose devices may fall silent unnoticed. */
void rx_lint_silence(struct rx_load *load);

#endif
