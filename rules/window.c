/* window.c: see window.h. */
#include "window.h"

#include <math.h>
#include <string.h>

const struct rx_expr *rx_window_arg(const struct rx_expr *call)
{
	for (unsigned i = 0; i < rx_arg_count(call->fn); i++)
		if (call->fn->arg[i].kind == RX_ARG_WINDOW)
			return rx_arg(call, i);
	return NULL;
}

wy_ms rx_window_ms(struct rx_eval *ev, const struct rx_expr *call)
{
	return rx_eval_span(ev, rx_window_arg(call));
}

/* Neumaier: what the larger of the two loses goes into the rest. */
void rx_sum_add(struct rx_sum *total, double term)
{
	double sum = total->sum + term;
	bool is_larger = fabs(total->sum) >= fabs(term);

	total->rest += is_larger ? (total->sum - sum) + term : (term - sum) + total->sum;
	total->sum = sum;
}

double rx_sum_of(const struct rx_sum *total)
{
	return total->sum + total->rest;
}

static int64_t whole_of(double real, int64_t open)
{
	const double most = 4e18;

	return real > -most && real < most ? (int64_t)real : open;
}

struct rx_value rx_as_type(struct rx_value v, enum rx_type type)
{
	if (type != RX_T_INT)
		return v;
	v.is_whole = true;
	v.lo = whole_of(v.rlo, INT64_MIN);
	v.hi = whole_of(v.rhi, INT64_MAX);
	return v;
}

struct rx_value rx_finite(double value)
{
	return value - value == 0 ? rx_real(value) : rx_unknown_of(RX_T_REAL, RX_TOO_LARGE);
}

void rx_window_moves(struct rx_eval *ev, wy_ms pane_ms)
{
	rx_look_at(ev, rx_panes_next(pane_ms, ev->now_ms));
}

bool rx_window_answers(struct rx_eval *ev, const struct rx_expr *call, const struct rx_panes *panes, uint64_t n_samples)
{
	wy_ms window_ms = rx_window_ms(ev, call);

	rx_look_at(ev, rx_panes_cover_next(panes, rx_pane_ms(window_ms), ev->now_ms));
	return rx_panes_is_covered(panes, window_ms, ev->now_ms, call->min_cover) &&
	       (!call->child->sampling || n_samples >= call->min_samples);
}

const void *rx_window_now(struct rx_eval *ev, const struct rx_expr *call, const void *memory, void *copy, rx_account_fn account)
{
	const struct rx_panes *panes = memory;
	wy_ms pane_ms = rx_pane_ms(rx_window_ms(ev, call));

	if (!panes->is_started || (panes->pane_ms == pane_ms && ev->now_ms < (panes->head + 1) * pane_ms))
		return memory;
	memcpy(copy, memory, rx_memory_bytes(call));
	account(ev, call, copy);
	return copy;
}

/* Windows are not saved at each change. The time between the last saving and the end is not known time. */
void rx_panes_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_panes *panes = memory;

	(void)call;
	if (panes->upto_ms < down_ms)
		panes->is_known = false;
}

bool rx_panes_only_is_sound(const struct rx_expr *call, const void *memory)
{
	(void)call;
	return rx_panes_are_sound(memory);
}
