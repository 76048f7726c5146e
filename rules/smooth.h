/* smooth.h: a value smoothed exponentially over the time for which it was known.
 *
 * The mean of x over all known time, in which a moment that is `age` ago counts e^(-age / tau). At regular
 * samples this is m += a (x - m) with a = 1 - e^(-dt / tau); irregular samples, the first ones and gaps need no
 * extra rule: `weight` is the share of that time which is known. It grows from 0 at the first sample and falls while
 * x is unknown, and below RX_MIN_COVER the mean answers nothing.
 *
 * The state moves at samples and where knowledge begins and ends, never at a look in between. Zero is the
 * initial state. */
#ifndef RX_SMOOTH_H
#define RX_SMOOTH_H

#include <stdbool.h>

#include "clocktypes.h"

struct rx_smooth {
	bool is_started;
	bool is_known; /* `held` is the value since at_ms */
	wy_ms at_ms;   /* accounted up to here */
	double held;
	double mean;
	double weight;
};

/* A value that holds from now on. */
void rx_smooth_hold(struct rx_smooth *s, double x, wy_ms now_ms, double tau_ms);
/* From now on nothing is known. */
void rx_smooth_lose(struct rx_smooth *s, wy_ms now_ms, double tau_ms);
/* A value of this instant only: it stands for the time since the one before. The first is taken as it is. */
void rx_smooth_strike(struct rx_smooth *s, double x, wy_ms now_ms, double tau_ms);
/* Has the mean an answer now? *next_ms is lowered to the instant at which it will have none if no sample comes. */
bool rx_smooth_is_covered(const struct rx_smooth *s, wy_ms now_ms, double tau_ms, wy_ms *next_ms);

#endif
