/* fn_window.c: the smallest and largest value of a point in a window.
 *
 * A polled point holds its value until the next sample or until it is stale, so a value that was
 * there before the window began and still held at its left edge counts. */
#include <math.h>

#include "rule_engine.h"

/* The value held goes on into the panes that have begun since. */
void rx_extreme_account(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_extreme *m)
{
	wy_ms pane_ms = rx_pane_ms(rx_eval_span(ev, call->child->next));
	double fresh = m->panes.is_known ? m->held : -INFINITY;

	if (m->panes.is_started)
		rx_panes_to(&m->panes, pane_ms, ev->now_ms, m->best, sizeof(*m->best), &fresh);
}

/* sign 1: largest; -1: smallest. Kept as sign * value, so that larger is always better. */
static bool extreme_update(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_extreme *m, double sign)
{
	struct rx_value v = rx_as_real(rx_eval_point(ev, call->child));
	wy_ms pane_ms = rx_pane_ms(rx_eval_span(ev, call->child->next));
	double fresh = m->panes.is_known ? m->held : -INFINITY;
	int64_t head = m->panes.head;

	rx_panes_to(&m->panes, pane_ms, ev->now_ms, m->best, sizeof(*m->best), &fresh);
	/* A pane that begins this very instant has not seen the value held until now. */
	if (m->panes.head != head && m->panes.head * pane_ms == ev->now_ms)
		m->best[rx_panes_slot(&m->panes)] = -INFINITY;
	m->panes.is_known = rx_is_exact(&v);
	if (!m->panes.is_known)
		return false;
	m->held = sign * v.rlo;
	double *best = &m->best[rx_panes_slot(&m->panes)];
	*best = m->held > *best ? m->held : *best;
	return false;
}

static struct rx_value extreme_query(struct rx_eval *ev, const struct rx_expr *call, const struct rx_mem_extreme *m,
				     double sign)
{
	wy_ms window_ms = rx_eval_span(ev, call->child->next);
	wy_ms pane_ms = rx_pane_ms(window_ms);
	uint8_t live[RX_PANES];
	unsigned n = rx_panes_live(&m->panes, pane_ms, ev->now_ms, live);
	double best = m->panes.is_known ? m->held : -INFINITY;

	for (unsigned i = 0; i < n; i++)
		best = m->best[live[i]] > best ? m->best[live[i]] : best;
	wy_ms next_ms = rx_panes_next(pane_ms, ev->now_ms);
	if (next_ms < ev->next_ms && !isinf(best))
		ev->next_ms = next_ms;
	struct rx_value v = rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	bool is_covered = !isinf(best) && rx_panes_is_covered(&m->panes, window_ms, ev->now_ms);
	if (is_covered)
		v = rx_real(sign * best);
	else if (sign > 0)
		v.rlo = best;
	else
		v.rhi = -best;
	if (call->type != RX_T_INT)
		return v;
	v.is_whole = true;
	v.lo = isinf(v.rlo) ? INT64_MIN : (int64_t)v.rlo;
	v.hi = isinf(v.rhi) ? INT64_MAX : (int64_t)v.rhi;
	return v;
}

struct rx_value fn_max(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	return extreme_query(ev, call, memory, 1);
}

bool fn_max_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	return extreme_update(ev, call, memory, 1);
}

struct rx_value fn_min(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	return extreme_query(ev, call, memory, -1);
}

bool fn_min_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	return extreme_update(ev, call, memory, -1);
}
