/* fn_smooth.c: a number without its noise: ewma over time, ewma_n over samples. */
#include <math.h>

#include "rule_engine.h"
#include "series.h"

/* ---- What ewma, zlearn and joint share ---------------------------------------------------- */

bool rx_smooth_follow(struct rx_eval *ev, const struct rx_expr *x, struct rx_smooth *s, wy_ms tau_ms, bool *is_uncertain)
{
	struct rx_series now = rx_series_now(ev, x);

	if (now.is_known || now.has_sample)
		*is_uncertain = now.is_uncertain;
	if (now.is_sampled) {
		if (now.has_sample)
			rx_smooth_strike(s, now.value, ev->now_ms, tau_ms);
		s->is_known = now.is_known;
		return now.has_sample;
	}
	if (now.is_known)
		rx_smooth_hold(s, now.value, ev->now_ms, tau_ms);
	else
		rx_smooth_lose(s, ev->now_ms, tau_ms);
	if (s->is_known)
		rx_look_at(ev, rx_smooth_next(ev->now_ms, tau_ms));
	return false;
}

bool rx_smooth_answers(struct rx_eval *ev, const struct rx_expr *call, const struct rx_expr *x,
		       const struct rx_smooth *s, wy_ms tau_ms)
{
	if (x->sampling)
		return s->is_started && s->is_known;
	if (s->is_known)
		rx_look_at(ev, rx_smooth_next(ev->now_ms, tau_ms));
	return s->is_started && rx_smooth_is_covered(s, call->min_cover, ev->now_ms, tau_ms, &ev->next_ms);
}

/* ---- ewma --------------------------------------------------------------------------------- */

bool rx_ewma_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_ewma *m = memory;

	return rx_smooth_follow(ev, call->child, &m->smooth, rx_eval_span(ev, rx_arg(call, 1)), &m->is_uncertain);
}

struct rx_value fn_ewma(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_ewma *m = memory;

	if (!rx_smooth_answers(ev, call, call->child, &m->smooth, rx_eval_span(ev, rx_arg(call, 1))))
		return rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	struct rx_value v = rx_real(m->smooth.told);
	v.is_uncertain = m->is_uncertain;
	return v;
}

bool rx_ewma_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_ewma *m = memory;

	(void)call;
	return rx_smooth_is_sound(&m->smooth) && rx_are_bools_sound(&m->is_uncertain, 1);
}

/* What was held between the last step and the end counts as not known. */
void rx_ewma_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_ewma *m = memory;

	(void)call;
	(void)down_ms;
	m->smooth.is_known = false;
}

/* ---- ewma_n ------------------------------------------------------------------------------- */

bool rx_ewma_n_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_ewma_n *m = memory;
	struct rx_series now = rx_series_now(ev, call->child);
	double n = (double)rx_arg(call, 1)->whole;

	m->is_watched = now.is_known;
	if (!now.has_sample)
		return false;
	if (!m->is_started)
		m->mean = now.value;
	m->is_started = true;
	m->is_uncertain = now.is_uncertain;
	m->mean += 2 / (n + 1) * (now.value - m->mean);
	return true;
}

struct rx_value fn_ewma_n(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_ewma_n *m = memory;

	(void)ev;
	(void)call;
	if (!m->is_started || !m->is_watched)
		return rx_unknown_of(RX_T_REAL, RX_NOT_SEEN);
	struct rx_value v = rx_real(m->mean);
	v.is_uncertain = m->is_uncertain;
	return v;
}

bool rx_ewma_n_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_ewma_n *m = memory;

	(void)call;
	return rx_are_bools_sound(&m->is_started, 3) && isfinite(m->mean);
}

void rx_ewma_n_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_ewma_n *m = memory;

	(void)call;
	(void)down_ms;
	m->is_watched = false;
}
