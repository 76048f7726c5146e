/* fn_rank.c: median and quantile: the value at a rank, the lower of two.
 *
 * Of samples: exact, from a ring of the newest RX_RANKS_MOST; of a window with more of them, of those. The ring is kept
 * in order of value, so a question walks it once. Of a level: of the means of the full panes (fn_mean.c), each weighed
 * with its known time; so what lasts less than a pane, w/64, is seen only as part of its mean. */
#include <string.h>

#include "rule_engine.h"
#include "series.h"
#include "window.h"

size_t rx_rank_bytes(const struct rx_expr *call)
{
	return call->child->sampling ? sizeof(struct rx_mem_ranks) : rx_runs_bytes(call);
}

/* ---- The ring ----------------------------------------------------------------------------- */

static bool is_ring_sound(const struct rx_mem_ranks *m)
{
	bool is_seen[RX_RANKS_MOST] = {false};

	if (!rx_panes_are_sound(&m->panes) || m->n > RX_RANKS_MOST || m->head >= RX_RANKS_MOST)
		return false;
	for (unsigned i = 0; i < m->n; i++) {
		if (m->order[i] >= m->n || is_seen[m->order[i]] || !rx_is_time_sound(m->at_ms[i]))
			return false;
		is_seen[m->order[i]] = true;
	}
	return m->n == RX_RANKS_MOST || m->head == m->n;
}

bool rx_rank_is_sound(const struct rx_expr *call, const void *memory)
{
	return call->child->sampling ? is_ring_sound(memory) : rx_runs_are_sound(call, memory);
}

/* The place of the oldest is taken; the rest moves up in the order. */
static void take_out(struct rx_mem_ranks *m, uint8_t place)
{
	unsigned i = 0;

	while (i + 1 < m->n && m->order[i] != place)
		i++;
	m->n--;
	memmove(&m->order[i], &m->order[i + 1], m->n - i);
}

static void put_in(struct rx_mem_ranks *m, double value, wy_ms at_ms)
{
	uint8_t place = (uint8_t)m->head;
	unsigned i;

	if (m->n == RX_RANKS_MOST)
		take_out(m, place);
	m->value[place] = value;
	m->at_ms[place] = at_ms;
	for (i = m->n; i > 0 && m->value[m->order[i - 1]] > value; i--)
		m->order[i] = m->order[i - 1];
	m->order[i] = place;
	m->n++;
	m->head = (uint16_t)((m->head + 1) % RX_RANKS_MOST);
}

static void pass_ring(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_ranks *m)
{
	struct rx_step step;

	while (rx_panes_step(&m->panes, rx_pane_ms(rx_window_ms(ev, call)), ev->now_ms, &step))
		continue;
}

static bool ring_update(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_ranks *m)
{
	struct rx_series s = rx_series_now(ev, call->child);
	bool was_known = m->panes.is_known;

	pass_ring(ev, call, m);
	m->panes.is_known = s.is_known;
	if (s.has_sample)
		put_in(m, s.value, ev->now_ms);
	return s.has_sample || was_known != s.is_known;
}

bool rx_rank_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	return call->child->sampling ? ring_update(ev, call, memory) : rx_mean_update(ev, call, memory);
}

void rx_rank_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_ranks *m = memory;

	if (!call->child->sampling)
		rx_mean_account(ev, call, memory);
	else if (m->panes.is_started)
		pass_ring(ev, call, m);
}

void rx_rank_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	if (call->child->sampling)
		rx_panes_resume(call, memory, down_ms);
	else
		rx_mean_resume(call, memory, down_ms);
}

/* ---- Questions ---------------------------------------------------------------------------- */

/* So much below a whole rank is the rank: 0.07 * 100 is a little more than 7 in doubles. */
static const double rank_slack = 1e-9;

static struct rx_value ring_query(struct rx_eval *ev, const struct rx_expr *call, const struct rx_mem_ranks *m, double p)
{
	wy_ms since_ms = ev->now_ms - rx_window_ms(ev, call);
	wy_ms leaves_ms = WY_MS_NEVER;
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++) {
		if (m->at_ms[i] <= since_ms)
			continue;
		n++;
		leaves_ms = m->at_ms[i] < leaves_ms ? m->at_ms[i] : leaves_ms;
	}
	leaves_ms += leaves_ms == WY_MS_NEVER ? 0 : ev->now_ms - since_ms;
	rx_look_at(ev, leaves_ms);
	if (!rx_window_answers(ev, call, &m->panes, n) || !n)
		return rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	double rank = p * n - rank_slack;
	for (unsigned i = 0, below = 0; i < m->n; i++) {
		if (m->at_ms[m->order[i]] > since_ms && (double)++below >= rank)
			return rx_finite(m->value[m->order[i]]);
	}
	return rx_unknown_of(RX_T_REAL, RX_NO_COVER);
}

/* A few dozen; equal ones keep their order in time. */
static void sort_dots(struct rx_dot *dots, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct rx_dot moved = dots[i];
		size_t at = i;
		for (; at > 0 && dots[at - 1].y > moved.y; at--)
			dots[at] = dots[at - 1];
		dots[at] = moved;
	}
}

static struct rx_value level_query(struct rx_eval *ev, const struct rx_expr *call, const void *memory, double p)
{
	struct rx_dot dots[RX_PANES];
	double all = 0;
	double below = 0;
	size_t n;

	if (!rx_mean_dots(ev, call, memory, dots, &n) || !n)
		return rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	sort_dots(dots, n);
	for (size_t i = 0; i < n; i++)
		all += dots[i].weight;
	for (size_t i = 0; i < n; i++) {
		below += dots[i].weight;
		if (below >= p * all - rank_slack)
			return rx_finite(dots[i].y);
	}
	return rx_finite(dots[n - 1].y);
}

static struct rx_value at_rank(struct rx_eval *ev, const struct rx_expr *call, const void *memory, double p)
{
	if (!(p >= 0 && p <= 1)) /* a parameter may say anything */
		return rx_unknown_of(RX_T_REAL, RX_NOT_SEEN);
	return call->child->sampling ? ring_query(ev, call, memory, p) : level_query(ev, call, memory, p);
}

struct rx_value fn_median(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	return at_rank(ev, call, memory, 0.5);
}

struct rx_value fn_quantile(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	return at_rank(ev, call, memory, rx_eval_constant(ev, rx_arg(call, 1)));
}
