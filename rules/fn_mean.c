/* fn_mean.c: means, and what is made of the means of panes: avg, sum, slope.
 *
 * Of a level every value weighs as long as it stood: a run of one value is added once, when it ends or its pane does, so
 * that a look in between adds nothing of its own. The mean is that of the full panes and moves at their borders. Samples
 * count one each, at once. Panes are added up anew at each question: what has left the window leaves no trace. */
#include <stddef.h>
#include <string.h>

#include "rule_engine.h"
#include "series.h"
#include "window.h"

enum { HOUR_MS = 3600000 };

size_t rx_mean_bytes(const struct rx_expr *call)
{
	return call->child->sampling ? sizeof(struct rx_mem_mean) : offsetof(struct rx_mem_mean, n);
}

static void add(struct rx_mem_mean *m, unsigned slot, double term)
{
	struct rx_sum total = {m->sum[slot], m->rest[slot]};

	rx_sum_add(&total, term);
	m->sum[slot] = total.sum;
	m->rest[slot] = total.rest;
}

/* The value held has stood since run_ms. */
static void end_run(struct rx_mem_mean *m, unsigned slot, wy_ms at_ms)
{
	if (at_ms > m->run_ms)
		add(m, slot, m->held * (double)(at_ms - m->run_ms));
	m->run_ms = at_ms;
}

static void pass(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_mean *m)
{
	bool is_level = !call->child->sampling;
	struct rx_step step;

	while (rx_panes_step(&m->panes, rx_pane_ms(rx_window_ms(ev, call)), ev->now_ms, &step)) {
		if (step.is_new) {
			m->sum[step.slot] = m->rest[step.slot] = 0;
			m->run_ms = step.to_ms;
			if (!is_level)
				m->n[step.slot] = 0;
		} else if (step.is_end && is_level && m->panes.is_known) {
			end_run(m, step.slot, step.to_ms);
		}
	}
}

void rx_mean_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_mean *m = memory;

	if (m->panes.is_started)
		pass(ev, call, m);
}

void rx_mean_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_mean *m = memory;

	if (m->panes.upto_ms >= down_ms)
		return;
	if (m->panes.is_known && !call->child->sampling)
		end_run(m, rx_panes_slot(&m->panes), m->panes.upto_ms);
	m->panes.is_known = false;
}

bool rx_mean_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_mean *m = memory;

	(void)call;
	return rx_panes_are_sound(&m->panes) && rx_is_time_sound(m->run_ms);
}

bool rx_mean_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_mean *m = memory;
	struct rx_series s = rx_series_now(ev, call->child);
	bool was_known = m->panes.is_known;

	pass(ev, call, m);
	unsigned slot = rx_panes_slot(&m->panes);
	m->panes.is_known = s.is_known;
	if (s.is_sampled) {
		if (s.has_sample) {
			add(m, slot, s.value);
			m->n[slot]++;
		}
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

/* ---- Questions ---------------------------------------------------------------------------- */

struct mean {
	struct rx_sum total;
	uint64_t weight; /* ms, or samples */
	bool is_sure;
};

static struct mean mean_of(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct rx_mem_mean copy;
	const struct rx_mem_mean *m = rx_window_now(ev, call, memory, &copy, rx_mean_account);
	bool is_level = !call->child->sampling;
	wy_ms pane_ms = rx_pane_ms(rx_window_ms(ev, call));
	uint8_t at[RX_PANES];
	unsigned n = is_level ? rx_panes_full(&m->panes, at) : rx_panes_live(&m->panes, pane_ms, ev->now_ms, at);
	struct mean mean = {{0, 0}, 0, false};

	for (unsigned i = 0; i < n; i++) {
		rx_sum_add(&mean.total, m->sum[at[i]]);
		rx_sum_add(&mean.total, m->rest[at[i]]);
		mean.weight += is_level ? m->panes.known_ms[at[i]] : m->n[at[i]];
	}
	if (mean.weight || m->panes.is_known)
		rx_window_moves(ev, pane_ms);
	mean.is_sure = rx_window_answers(ev, call, &m->panes, mean.weight);
	return mean;
}

struct rx_value fn_avg(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct mean mean = mean_of(ev, call, memory);

	if (!mean.is_sure || !mean.weight)
		return rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	return rx_finite(rx_sum_of(&mean.total) / (double)mean.weight);
}

/* A window without samples has a sum, unless the rule asks for some. */
struct rx_value fn_sum(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct mean mean = mean_of(ev, call, memory);
	const struct rx_panes *panes = memory;
	bool is_empty = !mean.weight && call->min_samples <= 1 &&
			rx_panes_is_covered(panes, rx_window_ms(ev, call), ev->now_ms, call->min_cover);

	if (!mean.is_sure && !is_empty)
		return rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	return rx_finite(rx_sum_of(&mean.total));
}

bool rx_mean_dots(struct rx_eval *ev, const struct rx_expr *call, const void *memory, struct rx_dot dots[RX_PANES],
		  size_t *ret_n)
{
	struct rx_mem_mean copy;
	const struct rx_mem_mean *m = rx_window_now(ev, call, memory, &copy, rx_mean_account);
	bool is_level = !call->child->sampling;
	double pane_ms = (double)m->panes.pane_ms;
	uint8_t at[RX_PANES];
	unsigned n = rx_panes_full(&m->panes, at);
	uint64_t samples = 0;

	*ret_n = 0;
	for (unsigned i = 0; i < n; i++) {
		uint32_t weight = is_level ? m->panes.known_ms[at[i]] : m->n[at[i]];
		struct rx_sum total = {m->sum[at[i]], m->rest[at[i]]};
		if (!weight)
			continue;
		samples += weight;
		dots[(*ret_n)++] = (struct rx_dot){.t = ((double)i + 0.5 - (double)n) * pane_ms,
						   .y = rx_sum_of(&total) / (double)weight, .weight = weight};
	}
	if (m->panes.is_started)
		rx_window_moves(ev, m->panes.pane_ms);
	return rx_window_answers(ev, call, &m->panes, samples);
}

struct rx_value fn_slope(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct rx_dot dots[RX_PANES];
	struct rx_line line;
	size_t n;

	if (!rx_mean_dots(ev, call, memory, dots, &n) || !rx_line_fit(dots, n, &line))
		return rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	return rx_finite(line.slope * HOUR_MS);
}
