/* window.h: what windows have in common. */
#ifndef RX_WINDOW_H
#define RX_WINDOW_H

#include "functions.h"

/* A real number as a whole one where the type asks for it; an end that does not fit is open. */
struct rx_value rx_as_type(struct rx_value v, enum rx_type type);

#endif
