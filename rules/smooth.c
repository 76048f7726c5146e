/* smooth.c: see smooth.h. */
#include "smooth.h"

#include "exponent.h"
#include "panes.h"

static double fading(wy_ms span_ms, double tau_ms)
{
	return rx_exp(-(double)span_ms / tau_ms);
}

/* The time up to now, in which `held` stood, or in which nothing was known. */
static void account(struct rx_smooth *s, wy_ms now_ms, double tau_ms)
{
	if (now_ms <= s->at_ms)
		return;
	double stays = fading(now_ms - s->at_ms, tau_ms);
	s->weight *= stays;
	if (s->is_known) {
		s->weight += 1 - stays;
		s->mean += (1 - stays) / s->weight * (s->held - s->mean);
	}
	s->at_ms = now_ms;
}

static void start(struct rx_smooth *s, double x, wy_ms now_ms)
{
	s->is_started = true;
	s->mean = x;
	s->at_ms = now_ms;
}

void rx_smooth_hold(struct rx_smooth *s, double x, wy_ms now_ms, double tau_ms)
{
	if (!s->is_started)
		start(s, x, now_ms);
	account(s, now_ms, tau_ms);
	s->is_known = true;
	s->held = x;
}

void rx_smooth_lose(struct rx_smooth *s, wy_ms now_ms, double tau_ms)
{
	if (!s->is_known)
		return;
	account(s, now_ms, tau_ms);
	s->is_known = false;
}

void rx_smooth_strike(struct rx_smooth *s, double x, wy_ms now_ms, double tau_ms)
{
	if (!s->is_started)
		start(s, x, now_ms);
	if (now_ms > s->at_ms)
		s->mean += (1 - fading(now_ms - s->at_ms, tau_ms)) * (x - s->mean);
	s->at_ms = now_ms;
	s->weight = 1;
	s->is_known = true;
}

static bool is_enough(const struct rx_smooth *s, wy_ms now_ms, double tau_ms)
{
	return s->weight * fading(now_ms - s->at_ms, tau_ms) >= RX_MIN_COVER;
}

/* The first ms at which too little is known, between one at which there is enough and one at which there is not. */
static wy_ms end_of_cover(const struct rx_smooth *s, wy_ms now_ms, double tau_ms)
{
	wy_ms enough_ms = now_ms;
	wy_ms end_ms = s->at_ms + (wy_ms)tau_ms + 1;

	while (end_ms - enough_ms > 1) {
		wy_ms middle_ms = enough_ms + (end_ms - enough_ms) / 2;
		if (is_enough(s, middle_ms, tau_ms))
			enough_ms = middle_ms;
		else
			end_ms = middle_ms;
	}
	return end_ms;
}

bool rx_smooth_is_covered(const struct rx_smooth *s, wy_ms now_ms, double tau_ms, wy_ms *next_ms)
{
	if (s->is_known)
		return s->weight >= RX_MIN_COVER;
	if (s->weight < RX_MIN_COVER || !is_enough(s, now_ms, tau_ms))
		return false;
	wy_ms end_ms = end_of_cover(s, now_ms, tau_ms);
	*next_ms = end_ms < *next_ms ? end_ms : *next_ms;
	return true;
}
