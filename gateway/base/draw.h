/* draw.h: numbers by chance, for jitter and spread. Repeatable from their state, and not for keys. Pure. */
#ifndef WY_DRAW_H
#define WY_DRAW_H

#include <stdint.h>

/* The next of 2^64 equally likely numbers (splitmix64). Any state will do to begin with. */
uint64_t wy_draw(uint64_t *state);

#endif
