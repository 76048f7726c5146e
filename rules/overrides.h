/* overrides.h: what the parameters are worth for each asset. */
#ifndef RX_OVERRIDES_H
#define RX_OVERRIDES_H

#include "context.h"

/* Fills set->values for every asset; says what is wrong with an override at the override. */
void rx_bind_values(struct rx_load *load);

#endif
