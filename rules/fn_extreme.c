/* fn_extreme.c: the smallest and largest value in a window, and how far the present one is from them.
 *
 * A level holds its value until it changes, so a value that was there before the window began and still held at its
 * left edge counts. What is sampled counts at its instants. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "rule_engine.h"
#include "series.h"
#include "window.h"

size_t rx_extreme_bytes(const struct rx_expr *call)
{
	return call->child->sampling ? sizeof(struct rx_mem_extreme) : offsetof(struct rx_mem_extreme, n);
}

static bool is_sampled(const struct rx_expr *call)
{
	return call->child->sampling;
}

/* Time up to now: the value held goes on into the panes that have begun since. */
static void pass(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_extreme *m)
{
	wy_ms pane_ms = rx_pane_ms(rx_window_ms(ev, call));
	double fresh = m->panes.is_known && !is_sampled(call) ? m->held : -INFINITY;
	struct rx_step step;

	while (rx_panes_step(&m->panes, pane_ms, ev->now_ms, &step)) {
		if (!step.is_new)
			continue;
		m->best[step.slot] = fresh;
		if (is_sampled(call))
			m->n[step.slot] = 0;
	}
}

void rx_extreme_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_extreme *m = memory;

	if (m->panes.is_started)
		pass(ev, call, m);
}

/* sign 1: largest; -1: smallest. Kept as sign * value, so that larger is always better. */
static bool extreme_update(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_extreme *m, double sign)
{
	struct rx_series s = rx_series_now(ev, call->child);
	int64_t head = m->panes.head;

	pass(ev, call, m);
	double *best = &m->best[rx_panes_slot(&m->panes)];
	/* A pane that begins this very instant has not seen the value held until now. */
	if (m->panes.head != head && m->panes.head * m->panes.pane_ms == ev->now_ms)
		*best = -INFINITY;
	m->panes.is_known = s.is_known;
	if (s.is_sampled ? !s.has_sample : !s.is_known)
		return false;
	m->held = sign * s.value;
	*best = m->held > *best ? m->held : *best;
	if (s.is_sampled)
		m->n[rx_panes_slot(&m->panes)]++;
	return s.is_sampled;
}

bool rx_max_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	return extreme_update(ev, call, memory, 1);
}

bool rx_min_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	return extreme_update(ev, call, memory, -1);
}

/* The best of the window, -INFINITY for none; and whether what was not seen may be taken to be no better. */
static double best_of(struct rx_eval *ev, const struct rx_expr *call, const struct rx_mem_extreme *m, bool *ret_sure)
{
	wy_ms window_ms = rx_window_ms(ev, call);
	wy_ms pane_ms = rx_pane_ms(window_ms);
	uint8_t live[RX_PANES];
	unsigned n = rx_panes_live(&m->panes, pane_ms, ev->now_ms, live);
	double best = m->panes.is_known && !is_sampled(call) ? m->held : -INFINITY;
	uint64_t n_samples = 0;

	for (unsigned i = 0; i < n; i++) {
		best = m->best[live[i]] > best ? m->best[live[i]] : best;
		n_samples += is_sampled(call) ? m->n[live[i]] : 0;
	}
	if (!isinf(best))
		rx_window_moves(ev, pane_ms);
	*ret_sure = !isinf(best) && rx_panes_is_covered(&m->panes, window_ms, ev->now_ms, call->min_cover) &&
		    (!is_sampled(call) || n_samples >= call->min_samples);
	return best;
}

static struct rx_value extreme_query(struct rx_eval *ev, const struct rx_expr *call, const void *memory, double sign)
{
	bool is_sure;
	double best = best_of(ev, call, memory, &is_sure);
	struct rx_value v = rx_unknown_of(RX_T_REAL, RX_NO_COVER);

	if (is_sure)
		v = rx_real(sign * best);
	else if (sign > 0)
		v.rlo = best;
	else
		v.rhi = -best;
	return rx_as_type(v, (enum rx_type)call->type);
}

struct rx_value fn_max(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	return extreme_query(ev, call, memory, 1);
}

struct rx_value fn_min(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	return extreme_query(ev, call, memory, -1);
}

/* From the best of the window to the present value; more than that where not all was seen. */
static struct rx_value way_from_best(struct rx_eval *ev, const struct rx_expr *call, const void *memory, double sign)
{
	struct rx_value x = rx_as_real(rx_eval(ev, call->child));
	bool is_sure;
	double best = best_of(ev, call, memory, &is_sure);
	struct rx_value v = rx_unknown_of(RX_T_REAL, RX_NO_COVER);

	v.rlo = 0;
	if (!rx_is_exact(&x)) {
		v.unknown = x.unknown;
		v.point = x.point;
		v.quality = x.quality;
		return v;
	}
	double way = best - sign * x.rlo;
	if (is_sure)
		v = rx_finite(way);
	else if (way > 0)
		v.rlo = way;
	v.is_uncertain = x.is_uncertain;
	return v;
}

struct rx_value fn_drop(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	return way_from_best(ev, call, memory, 1);
}

struct rx_value fn_gain(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	return way_from_best(ev, call, memory, -1);
}
