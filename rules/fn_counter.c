/* fn_counter.c: what counters tell: their steps over wraps and resets. */
#include <string.h>

#include "rule_engine.h"

struct rx_value fn_pulse(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_pulse *m = memory;

	(void)ev;
	(void)call;
	return rx_instants(m->fired, m->is_gap || !m->has_last, m->is_uncertain);
}

/* Steps of a counter from `last` to `now`: over a wrap, and none at a reset to a smaller value that
 * cannot be a wrap. A step larger than max_step is a reset; what was counted since then is `now`. */
static int64_t steps(const struct wy_point *point, int64_t last, int64_t now, bool *ret_reset)
{
	int64_t step = now - last;
	int64_t most = point->max_step && point->max_step < INT64_MAX ? (int64_t)point->max_step : INT64_MAX;

	*ret_reset = false;
	if (step < 0 && point->modulus && point->modulus <= INT64_MAX)
		step += (int64_t)point->modulus;
	if (step >= 0 && step <= most)
		return step;
	*ret_reset = true;
	return now >= 0 && now <= most ? now : 0;
}

bool rx_pulse_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_pulse *m = memory;
	struct rx_value v = rx_eval_point(ev, call->child);
	bool was_gap = m->is_gap;

	m->fired = 0;
	if (!rx_is_exact(&v)) {
		m->is_gap = true;
		return !was_gap;
	}
	bool is_first = !m->has_last;
	bool is_reset = false;
	int64_t before = m->last;
	if (m->has_last)
		m->fired = steps(call->child->point, m->last, v.lo, &is_reset);
	m->is_uncertain = was_gap || is_reset || v.is_uncertain;
	m->has_last = true;
	m->last = v.lo;
	m->is_gap = false;
	return is_first || was_gap || before != v.lo;
}

/* ---- increase ----------------------------------------------------------------------------- */

bool rx_increase_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	static const int64_t none;
	struct rx_mem_increase *m = memory;
	struct rx_value v = rx_eval_point(ev, call->child);
	wy_ms window_ms = rx_eval_span(ev, call->child->next);
	bool is_known = rx_is_exact(&v);
	bool is_reset = false;

	/* A step from before the window cannot be placed: how much of it lies inside is not known. */
	if (is_known && m->has_last && ev->now_ms - m->last_ms > window_ms)
		memset(m, 0, sizeof(*m));
	if (!m->has_last && !is_known)
		return false;
	rx_panes_to(&m->panes, rx_pane_ms(window_ms), ev->now_ms, m->sum, sizeof(*m->sum), &none);
	/* The difference bridges gaps: from the first value on, all time is accounted for. */
	m->panes.is_known = true;
	if (!is_known)
		return false;
	if (m->has_last) {
		unsigned slot = rx_panes_slot(&m->panes);
		int64_t step = steps(call->child->point, m->last, v.lo, &is_reset);
		if (__builtin_add_overflow(m->sum[slot], step, &m->sum[slot]))
			m->sum[slot] = INT64_MAX;
	}
	if (is_reset) {
		m->is_reset = true;
		m->reset_ms = ev->now_ms;
	}
	m->has_last = true;
	m->last = v.lo;
	m->last_ms = ev->now_ms;
	return false;
}

struct rx_value fn_increase(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_increase *m = memory;
	wy_ms window_ms = rx_eval_span(ev, call->child->next);
	wy_ms pane_ms = rx_pane_ms(window_ms);
	struct rx_value point = rx_eval_point(ev, call->child);
	uint8_t live[RX_PANES];
	unsigned n = rx_panes_live(&m->panes, pane_ms, ev->now_ms, live);
	int64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		if (__builtin_add_overflow(sum, m->sum[live[i]], &sum))
			return rx_unknown_of(RX_T_INT, RX_TOO_LARGE);
	struct rx_value v = rx_whole(sum);
	bool is_covered = rx_panes_is_covered(&m->panes, window_ms, ev->now_ms, call->min_cover);
	wy_ms next_ms = rx_panes_next(pane_ms, ev->now_ms);
	if (m->has_last && (sum || !is_covered) && next_ms < ev->next_ms)
		ev->next_ms = next_ms;
	v.is_uncertain = (m->is_reset && ev->now_ms - m->reset_ms < window_ms) || point.is_uncertain;
	if (is_covered && rx_is_exact(&point))
		return v;
	v.hi = INT64_MAX;
	v.unknown = is_covered ? point.unknown : (uint8_t)RX_NO_COVER;
	v.point = point.point;
	v.quality = point.quality;
	return v;
}
