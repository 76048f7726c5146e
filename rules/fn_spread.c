/* fn_spread.c: how far values lie apart: spread, from the smallest to the largest; sd, the deviation of all of them.
 *
 * sd keeps number (or time), mean and squared distances per pane (Welford) and joins the panes by Chan's formula. Of a
 * level a run of one value is added once, when it ends or its pane does. */
#include <math.h>
#include <stddef.h>

#include "rule_engine.h"
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

size_t rx_sd_bytes(const struct rx_expr *call)
{
	return call->child->sampling ? sizeof(struct rx_mem_sd) : offsetof(struct rx_mem_sd, n);
}

/* x with this weight, beside all that weighed `before` in the pane. */
static void weigh(struct rx_mem_sd *m, unsigned slot, double x, double weight, double before)
{
	double away = x - m->mean[slot];

	m->mean[slot] += away * (weight / (before + weight));
	m->m2[slot] += weight * away * (x - m->mean[slot]);
}

/* The value held has stood since run_ms; the panes are accounted up to at_ms. */
static void end_run(struct rx_mem_sd *m, unsigned slot, wy_ms at_ms)
{
	double weight = (double)(at_ms - m->run_ms);

	if (at_ms > m->run_ms)
		weigh(m, slot, m->held, weight, (double)m->panes.known_ms[slot] - weight);
	m->run_ms = at_ms;
}

static void pass_sd(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_sd *m)
{
	bool is_level = !call->child->sampling;
	struct rx_step step;

	while (rx_panes_step(&m->panes, rx_pane_ms(rx_window_ms(ev, call)), ev->now_ms, &step)) {
		if (step.is_new) {
			m->mean[step.slot] = m->m2[step.slot] = 0;
			m->run_ms = step.to_ms;
			if (!is_level)
				m->n[step.slot] = 0;
		} else if (step.is_end && is_level && m->panes.is_known) {
			end_run(m, step.slot, step.to_ms);
		}
	}
}

void rx_sd_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_sd *m = memory;

	if (m->panes.is_started)
		pass_sd(ev, call, m);
}

void rx_sd_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_sd *m = memory;

	if (m->panes.upto_ms >= down_ms)
		return;
	if (m->panes.is_known && !call->child->sampling)
		end_run(m, rx_panes_slot(&m->panes), m->panes.upto_ms);
	m->panes.is_known = false;
}

bool rx_sd_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_sd *m = memory;

	(void)call;
	return rx_panes_are_sound(&m->panes) && rx_is_time_sound(m->run_ms);
}

bool rx_sd_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_sd *m = memory;
	struct rx_series s = rx_series_now(ev, call->child);
	bool was_known = m->panes.is_known;

	pass_sd(ev, call, m);
	unsigned slot = rx_panes_slot(&m->panes);
	m->panes.is_known = s.is_known;
	if (s.is_sampled) {
		if (s.has_sample)
			weigh(m, slot, s.value, 1, (double)m->n[slot]++);
		return s.has_sample || was_known != s.is_known;
	}
	bool is_same = was_known && s.is_known && m->held == s.value;
	if (was_known && !is_same)
		end_run(m, slot, ev->now_ms);
	if (!is_same)
		m->run_ms = ev->now_ms;
	m->held = s.value;
	return false;
}

struct rx_value fn_sd(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct rx_mem_sd copy;
	const struct rx_mem_sd *m = rx_window_now(ev, call, memory, &copy, rx_sd_account);
	bool is_level = !call->child->sampling;
	wy_ms pane_ms = rx_pane_ms(rx_window_ms(ev, call));
	uint8_t at[RX_PANES];
	unsigned n = is_level ? rx_panes_full(&m->panes, at) : rx_panes_live(&m->panes, pane_ms, ev->now_ms, at);
	uint64_t all = 0;
	double mean = 0;
	double m2 = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t weight = is_level ? m->panes.known_ms[at[i]] : m->n[at[i]];
		if (!weight)
			continue;
		double away = m->mean[at[i]] - mean;
		double share = (double)weight / (double)(all + weight);
		m2 += m->m2[at[i]] + away * away * (double)all * share;
		mean += away * share;
		all += weight;
	}
	if (all || m->panes.is_known)
		rx_window_moves(ev, pane_ms);
	if (rx_window_answers(ev, call, &m->panes, all) && all)
		return rx_finite(sqrt((m2 > 0 ? m2 : 0) / (double)all));
	struct rx_value v = rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	v.rlo = 0;
	return v;
}
