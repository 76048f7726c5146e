/* fn_spread.c: how far values lie apart: spread, from the smallest to the largest; sd, the deviation of all of them.
 *
 * sd keeps number (or time), mean and squared distances per pane (Welford) and joins the panes by Chan's formula. */
#include <math.h>
#include <stddef.h>

#include "rule_engine.h"
#include "runs.h"
#include "series.h"
#include "window.h"

/* ---- spread ------------------------------------------------------------------------------- */

size_t rx_spread_bytes(const struct rx_expr *call)
{
	return call->child->sampling ? sizeof(struct rx_mem_spread) : offsetof(struct rx_mem_spread, n);
}

static void pass_spread(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_spread *m)
{
	bool is_held = m->panes.is_known && !call->child->sampling;
	struct rx_step step;

	while (rx_panes_step(&m->panes, rx_pane_ms(rx_window_ms(ev, call)), ev->now_ms, &step)) {
		if (!step.is_new)
			continue;
		m->high[step.slot] = is_held ? m->held : -INFINITY;
		m->low[step.slot] = is_held ? m->held : INFINITY;
		if (call->child->sampling)
			m->n[step.slot] = 0;
	}
}

void rx_spread_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_spread *m = memory;

	if (m->panes.is_started)
		pass_spread(ev, call, m);
}

bool rx_spread_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_spread *m = memory;
	struct rx_series s = rx_series_now(ev, call->child);
	int64_t head = m->panes.head;

	pass_spread(ev, call, m);
	unsigned slot = rx_panes_slot(&m->panes);
	/* A pane that begins this very instant has not seen the value held until now. */
	if (m->panes.head != head && m->panes.head * m->panes.pane_ms == ev->now_ms) {
		m->high[slot] = -INFINITY;
		m->low[slot] = INFINITY;
	}
	m->panes.is_known = s.is_known;
	if (s.is_sampled ? !s.has_sample : !s.is_known)
		return false;
	m->held = s.value;
	m->high[slot] = s.value > m->high[slot] ? s.value : m->high[slot];
	m->low[slot] = s.value < m->low[slot] ? s.value : m->low[slot];
	if (s.is_sampled)
		m->n[slot]++;
	return s.is_sampled;
}

struct rx_value fn_spread(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_spread *m = memory;
	wy_ms pane_ms = rx_pane_ms(rx_window_ms(ev, call));
	bool is_held = m->panes.is_known && !call->child->sampling;
	double high = is_held ? m->held : -INFINITY;
	double low = is_held ? m->held : INFINITY;
	uint64_t n_samples = 0;
	uint8_t live[RX_PANES];
	unsigned n = rx_panes_live(&m->panes, pane_ms, ev->now_ms, live);

	for (unsigned i = 0; i < n; i++) {
		high = m->high[live[i]] > high ? m->high[live[i]] : high;
		low = m->low[live[i]] < low ? m->low[live[i]] : low;
		n_samples += call->child->sampling ? m->n[live[i]] : 0;
	}
	struct rx_value v = rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	v.rlo = 0;
	if (!(high >= low))
		return v;
	rx_window_moves(ev, pane_ms);
	if (rx_window_answers(ev, call, &m->panes, n_samples))
		return rx_finite(high - low);
	v.rlo = high - low;
	return v;
}

/* ---- sd ----------------------------------------------------------------------------------- */

static void weigh(struct rx_mem_runs *m, unsigned slot, double x, double weight, double before)
{
	double away = x - m->mean[slot];

	m->mean[slot] += away * (weight / (before + weight));
	m->m2[slot] += weight * away * (x - m->mean[slot]);
}

bool rx_sd_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	return rx_runs_update(ev, call, memory, weigh);
}

void rx_sd_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	rx_runs_account(ev, call, memory, weigh);
}

void rx_sd_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	rx_runs_resume(call, memory, down_ms, weigh);
}

struct rx_value fn_sd(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct rx_mem_runs copy;
	const struct rx_mem_runs *m = rx_window_now(ev, call, memory, &copy, rx_sd_account);
	uint8_t at[RX_PANES];
	unsigned n = rx_runs_panes(ev, call, m, at);
	uint64_t all = 0;
	double mean = 0;
	double m2 = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t weight = rx_runs_weight(call, m, at[i]);
		if (!weight)
			continue;
		double away = m->mean[at[i]] - mean;
		double share = (double)weight / (double)(all + weight);
		m2 += m->m2[at[i]] + away * away * (double)all * share;
		mean += away * share;
		all += weight;
	}
	if (all || m->panes.is_known)
		rx_window_moves(ev, rx_pane_ms(rx_window_ms(ev, call)));
	if (rx_window_answers(ev, call, &m->panes, all) && all)
		return rx_finite(sqrt((m2 > 0 ? m2 : 0) / (double)all));
	struct rx_value v = rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	v.rlo = 0;
	return v;
}
