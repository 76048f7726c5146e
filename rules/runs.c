/* runs.c: see runs.h. */
#include "runs.h"

#include <stddef.h>

#include "series.h"
#include "window.h"

size_t rx_runs_bytes(const struct rx_expr *call)
{
	return call->child->sampling ? sizeof(struct rx_mem_runs) : offsetof(struct rx_mem_runs, n);
}

bool rx_runs_are_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_runs *m = memory;

	(void)call;
	return rx_panes_are_sound(&m->panes) && rx_is_time_sound(m->run_ms);
}

/* The value held has stood since run_ms; the panes are accounted up to at_ms. */
static void end_run(struct rx_mem_runs *m, unsigned slot, wy_ms at_ms, rx_weigh_fn weigh)
{
	double weight = (double)(at_ms - m->run_ms);

	if (at_ms > m->run_ms)
		weigh(m, slot, m->held, weight, (double)m->panes.known_ms[slot] - weight);
	m->run_ms = at_ms;
}

static void pass(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_runs *m, rx_weigh_fn weigh)
{
	bool is_level = !call->child->sampling;
	struct rx_step step;

	while (rx_panes_step(&m->panes, rx_pane_ms(rx_window_ms(ev, call)), ev->now_ms, &step)) {
		if (step.is_new) {
			m->sum[step.slot] = m->rest[step.slot] = 0; /* or mean and m2 */
			m->run_ms = step.to_ms;
			if (!is_level)
				m->n[step.slot] = 0;
		} else if (step.is_end && is_level && m->panes.is_known) {
			end_run(m, step.slot, step.to_ms, weigh);
		}
	}
}

void rx_runs_account(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_runs *m, rx_weigh_fn weigh)
{
	if (m->panes.is_started)
		pass(ev, call, m, weigh);
}

void rx_runs_resume(const struct rx_expr *call, struct rx_mem_runs *m, wy_ms down_ms, rx_weigh_fn weigh)
{
	if (m->panes.upto_ms >= down_ms)
		return;
	if (m->panes.is_known && !call->child->sampling)
		end_run(m, rx_panes_slot(&m->panes), m->panes.upto_ms, weigh);
	m->panes.is_known = false;
}

bool rx_runs_update(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_runs *m, rx_weigh_fn weigh)
{
	struct rx_series s = rx_series_now(ev, call->child);
	bool was_known = m->panes.is_known;

	pass(ev, call, m, weigh);
	unsigned slot = rx_panes_slot(&m->panes);
	m->panes.is_known = s.is_known;
	if (s.is_sampled) {
		if (s.has_sample)
			weigh(m, slot, s.value, 1, (double)m->n[slot]++);
		return s.has_sample || was_known != s.is_known;
	}
	bool is_same = was_known && s.is_known && m->held == s.value;
	if (was_known && !is_same)
		end_run(m, slot, ev->now_ms, weigh);
	if (!is_same)
		m->run_ms = ev->now_ms;
	m->held = s.value;
	return false;
}

unsigned rx_runs_panes(struct rx_eval *ev, const struct rx_expr *call, const struct rx_mem_runs *m, uint8_t at[RX_PANES])
{
	if (!call->child->sampling)
		return rx_panes_full(&m->panes, at);
	return rx_panes_live(&m->panes, rx_pane_ms(rx_window_ms(ev, call)), ev->now_ms, at);
}

uint32_t rx_runs_weight(const struct rx_expr *call, const struct rx_mem_runs *m, unsigned slot)
{
	return call->child->sampling ? m->n[slot] : m->panes.known_ms[slot];
}
