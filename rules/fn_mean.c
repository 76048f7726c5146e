/* fn_mean.c: means, and what is made of the means of panes: avg, sum, slope.
 *
 * Of a level the mean is that of the full panes and moves at their borders. Panes are added up anew at each question:
 * what has left the window leaves no trace. */
#include "rule_engine.h"
#include "runs.h"
#include "window.h"

enum { HOUR_MS = 3600000 };

static void add(struct rx_mem_runs *m, unsigned slot, double x, double weight, double before)
{
	struct rx_sum total = {m->sum[slot], m->rest[slot]};

	(void)before;
	rx_sum_add(&total, x * weight);
	m->sum[slot] = total.sum;
	m->rest[slot] = total.rest;
}

bool rx_mean_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	return rx_runs_update(ev, call, memory, add);
}

void rx_mean_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	rx_runs_account(ev, call, memory, add);
}

void rx_mean_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	rx_runs_resume(call, memory, down_ms, add);
}

/* ---- Questions ---------------------------------------------------------------------------- */

struct mean {
	struct rx_sum total;
	uint64_t weight; /* ms, or samples */
	bool is_sure;
};

static struct mean mean_of(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct rx_mem_runs copy;
	const struct rx_mem_runs *m = rx_window_now(ev, call, memory, &copy, rx_mean_account);
	uint8_t at[RX_PANES];
	unsigned n = rx_runs_panes(ev, call, m, at);
	struct mean mean = {{0, 0}, 0, false};

	for (unsigned i = 0; i < n; i++) {
		rx_sum_add(&mean.total, m->sum[at[i]]);
		rx_sum_add(&mean.total, m->rest[at[i]]);
		mean.weight += rx_runs_weight(call, m, at[i]);
	}
	if (mean.weight || m->panes.is_known)
		rx_window_moves(ev, rx_pane_ms(rx_window_ms(ev, call)));
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
	struct rx_mem_runs copy;
	const struct rx_mem_runs *m = rx_window_now(ev, call, memory, &copy, rx_mean_account);
	double pane_ms = (double)m->panes.pane_ms;
	uint8_t at[RX_PANES];
	unsigned n = rx_panes_full(&m->panes, at);
	uint64_t samples = 0;

	*ret_n = 0;
	for (unsigned i = 0; i < n; i++) {
		uint32_t weight = rx_runs_weight(call, m, at[i]);
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
