/* smooth.c: see smooth.h. */
#include "smooth.h"

#include <math.h>

#include "exponent.h"
#include "panes.h"

enum { STEP_LEAST_MS = 1000, STEPS_MOST = 4096, FADED_TAUS = 40 };

/* Of a share below this nothing is asked; it has faded long before FADED_TAUS. */
#define SHARE_LEAST 1e-9

static wy_ms step_of(wy_ms tau_ms)
{
	wy_ms step_ms = rx_pane_ms(tau_ms);

	return step_ms < STEP_LEAST_MS ? STEP_LEAST_MS : step_ms;
}

wy_ms rx_smooth_next(wy_ms now_ms, wy_ms tau_ms)
{
	return rx_panes_next(step_of(tau_ms), now_ms);
}

int64_t rx_smooth_turns(wy_ms now_ms, wy_ms tau_ms)
{
	return rx_panes_next(tau_ms, rx_smooth_next(now_ms, tau_ms) - step_of(tau_ms)) / tau_ms;
}

static double fading(wy_ms span_ms, wy_ms tau_ms)
{
	return rx_exp(-(double)span_ms / (double)tau_ms);
}

/* The time up to to_ms, in which `held` stood, or in which nothing was known. */
static void account(struct rx_smooth *s, wy_ms to_ms, wy_ms tau_ms)
{
	if (to_ms <= s->at_ms)
		return;
	double stays = fading(to_ms - s->at_ms, tau_ms);
	s->weight *= stays;
	if (s->is_known) {
		s->weight += 1 - stays;
		s->mean += (1 - stays) / s->weight * (s->held - s->mean);
	}
	s->at_ms = to_ms;
}

static void tell(struct rx_smooth *s)
{
	s->told = s->mean;
	s->told_weight = s->weight;
}

/* Every step between is taken by itself, as a look at each of them would have done. */
static void step_to(struct rx_smooth *s, wy_ms now_ms, wy_ms tau_ms)
{
	wy_ms step_ms = step_of(tau_ms);

	/* All is forgotten by then but the value held. */
	if (now_ms - s->at_ms > STEPS_MOST * step_ms)
		account(s, now_ms - STEPS_MOST * step_ms, tau_ms);
	for (wy_ms to_ms = rx_panes_next(step_ms, s->at_ms); to_ms <= now_ms; to_ms += step_ms) {
		account(s, to_ms, tau_ms);
		tell(s);
	}
}

void rx_smooth_hold(struct rx_smooth *s, double x, wy_ms now_ms, wy_ms tau_ms)
{
	if (!s->is_started)
		*s = (struct rx_smooth){.is_started = true, .is_known = true, .at_ms = now_ms, .held = x, .mean = x, .told = x};
	if (s->is_known)
		step_to(s, now_ms, tau_ms);
	if (s->is_known && x == s->held)
		return;
	account(s, now_ms, tau_ms);
	if (!s->is_known)
		tell(s);
	s->is_known = true;
	s->held = x;
}

void rx_smooth_lose(struct rx_smooth *s, wy_ms now_ms, wy_ms tau_ms)
{
	if (!s->is_known)
		return;
	step_to(s, now_ms, tau_ms);
	account(s, now_ms, tau_ms);
	tell(s);
	s->is_known = false;
}

void rx_smooth_strike(struct rx_smooth *s, double x, wy_ms now_ms, wy_ms tau_ms)
{
	if (!s->is_started)
		*s = (struct rx_smooth){.is_started = true, .at_ms = now_ms, .mean = x};
	if (now_ms > s->at_ms)
		s->mean += (1 - fading(now_ms - s->at_ms, tau_ms)) * (x - s->mean);
	s->at_ms = now_ms;
	s->weight = 1;
	tell(s);
}

static bool is_enough(const struct rx_smooth *s, double share, wy_ms now_ms, wy_ms tau_ms)
{
	return s->weight * fading(now_ms - s->at_ms, tau_ms) >= share;
}

/* The first ms at which too little is known, between one at which there is enough and one at which there is not. */
static wy_ms end_of_cover(const struct rx_smooth *s, double share, wy_ms now_ms, wy_ms tau_ms)
{
	wy_ms enough_ms = now_ms;
	wy_ms end_ms = s->at_ms + FADED_TAUS * tau_ms;

	while (end_ms - enough_ms > 1) {
		wy_ms middle_ms = enough_ms + (end_ms - enough_ms) / 2;
		if (is_enough(s, share, middle_ms, tau_ms))
			enough_ms = middle_ms;
		else
			end_ms = middle_ms;
	}
	return end_ms;
}

bool rx_smooth_is_covered(const struct rx_smooth *s, double share, wy_ms now_ms, wy_ms tau_ms, wy_ms *next_ms)
{
	share = share > SHARE_LEAST ? share : SHARE_LEAST;
	if (s->is_known)
		return s->told_weight >= share;
	if (!is_enough(s, share, now_ms, tau_ms))
		return false;
	wy_ms end_ms = end_of_cover(s, share, now_ms, tau_ms);
	*next_ms = end_ms < *next_ms ? end_ms : *next_ms;
	return true;
}

bool rx_smooth_is_sound(const struct rx_smooth *s)
{
	return rx_are_bools_sound(&s->is_started, 2) && rx_is_time_sound(s->at_ms) && isfinite(s->held) && isfinite(s->mean) && isfinite(s->told) && s->weight >= 0 &&
	       s->weight <= 1.001 && s->told_weight >= 0 && s->told_weight <= 1.001;
}
