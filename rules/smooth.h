/* smooth.h: a value smoothed exponentially over the time for which it was known.
 *
 * The mean of x over all known time, in which a moment that is `age` ago counts e^(-age / tau). For a level at regular
 * samples this is m += a (x - m) with a = 1 - e^(-dt / tau); irregular samples, the first ones and gaps need no extra
 * rule: `weight` is the share of that time which is known. It grows from 0 at the first sample and falls while x is
 * unknown; below `min_cover` the mean answers nothing.
 *
 * What is told moves in steps of tau/64 (at least a second) and where knowledge begins or ends: so neither the poll
 * rate nor a look in between matters. Zero is the initial state. */
#ifndef RX_SMOOTH_H
#define RX_SMOOTH_H

#include <stdbool.h>
#include <stdint.h>

#include "clocktypes.h"

struct rx_smooth {
	bool is_started;
	bool is_known; /* level: `held` is the value since at_ms. Sampled: the event is watched */
	wy_ms at_ms;   /* accounted up to here */
	double held;
	double mean, weight; /* up to at_ms */
	double told, told_weight; /* at the last step */
};

/* A level holds x from now on. The value before is accounted up to now. */
void rx_smooth_hold(struct rx_smooth *s, double x, wy_ms now_ms, wy_ms tau_ms);
/* From now on nothing is known of the level. */
void rx_smooth_lose(struct rx_smooth *s, wy_ms now_ms, wy_ms tau_ms);
/* A sampled value of this instant only: it stands for the time since the one before. The first is taken as it is. */
void rx_smooth_strike(struct rx_smooth *s, double x, wy_ms now_ms, wy_ms tau_ms);
/* Is at least this share known of a level? *next_ms is lowered to the instant at which no more. */
bool rx_smooth_is_covered(const struct rx_smooth *s, double share, wy_ms now_ms, wy_ms tau_ms, wy_ms *next_ms);
/* When what is told moves next; and how many whole tau have passed at the last step, counted from the clock's zero. */
wy_ms rx_smooth_next(wy_ms now_ms, wy_ms tau_ms);
int64_t rx_smooth_turns(wy_ms now_ms, wy_ms tau_ms);
/* Can these bytes be read back? */
bool rx_smooth_is_sound(const struct rx_smooth *s);

#endif
