/* fn_delta.c: the present value less the one held when the window began. Each pane keeps the value that stood at its
 * beginning; the window begins with its oldest pane. A sampled value stands until the next sample. */
#include <math.h>

#include "rule_engine.h"
#include "series.h"
#include "window.h"

static void pass(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_delta *m)
{
	struct rx_step step;

	while (rx_panes_step(&m->panes, rx_pane_ms(rx_window_ms(ev, call)), ev->now_ms, &step))
		if (step.is_new)
			m->edge[step.slot] = m->has_held && step.begin_ms >= m->held_ms ? m->held : NAN;
}

void rx_delta_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_delta *m = memory;

	if (m->panes.is_started)
		pass(ev, call, m);
}

bool rx_delta_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_delta *m = memory;

	(void)call;
	return rx_panes_are_sound(&m->panes) && rx_are_bools_sound(&m->has_held, 1);
}

/* A level is lost with the time in which nobody looked; a sample stands. */
void rx_delta_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_delta *m = memory;

	if (m->panes.upto_ms < down_ms && !call->child->sampling)
		m->has_held = m->panes.is_known = false;
}

bool rx_delta_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_delta *m = memory;
	struct rx_series s = rx_series_now(ev, call->child);
	bool is_new = s.is_sampled ? s.has_sample : s.is_known;

	pass(ev, call, m);
	m->panes.is_known = s.is_known;
	if (is_new && !m->has_held)
		m->held_ms = ev->now_ms;
	m->has_held = is_new || (s.is_sampled && m->has_held);
	if (is_new)
		m->held = s.value;
	/* What comes at the very border stands there. */
	unsigned slot = rx_panes_slot(&m->panes);
	if (m->panes.head * m->panes.pane_ms == ev->now_ms)
		m->edge[slot] = m->has_held ? m->held : NAN;
	return s.has_sample;
}

struct rx_value fn_delta(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct rx_mem_delta copy;
	const struct rx_mem_delta *m = rx_window_now(ev, call, memory, &copy, rx_delta_account);
	struct rx_value x = rx_as_real(rx_eval(ev, call->child));
	uint8_t at[RX_PANES];

	if (!m->panes.is_started)
		return rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	rx_window_moves(ev, m->panes.pane_ms);
	rx_panes_full(&m->panes, at);
	double edge = m->edge[at[0]];
	if (isnan(edge))
		return rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	return rx_sub(x, rx_real(edge));
}
