/* fn_counter.c: what counters tell: their steps over wraps and resets. */
#include <string.h>

#include "rule_engine.h"
#include "window.h"

struct rx_value fn_pulse(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_pulse *m = memory;

	(void)ev;
	(void)call;
	return rx_instants(m->fired, m->is_gap || !m->has_last, m->is_uncertain);
}

/* Steps of a counter from `last` to `now`: over a wrap, and none at a reset to a smaller value that
 * cannot be a wrap. A step larger than max_step is a reset; what was counted since then is `now`. */
static int64_t steps(const struct wy_point *point, int64_t last, int64_t now, bool *ret_reset)
{
	int64_t step;
	int64_t most = point->max_step && point->max_step < INT64_MAX ? (int64_t)point->max_step : INT64_MAX;

	*ret_reset = false;
	if (__builtin_sub_overflow(now, last, &step))
		step = most < INT64_MAX ? most + 1 : -1; /* no counter steps so far */
	else if (step < 0 && point->modulus && point->modulus <= INT64_MAX)
		step += (int64_t)point->modulus;
	if (step >= 0 && step <= most)
		return step;
	*ret_reset = true;
	return now >= 0 && now <= most ? now : 0;
}

bool rx_pulse_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_pulse *m = memory;

	(void)call;
	return rx_are_bools_sound(&m->has_last, 3);
}

bool rx_pulse_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_pulse *m = memory;
	struct rx_value v = rx_eval_point(ev, call->child);
	bool was_gap = m->is_gap;

	m->fired = 0;
	if (!rx_is_exact(&v)) {
		m->is_gap = true;
		return !was_gap;
	}
	bool is_first = !m->has_last;
	bool is_reset = false;
	int64_t before = m->last;
	if (m->has_last)
		m->fired = steps(call->child->point, m->last, v.lo, &is_reset);
	m->is_uncertain = was_gap || is_reset || v.is_uncertain;
	m->has_last = true;
	m->last = v.lo;
	m->is_gap = false;
	return is_first || was_gap || before != v.lo;
}

/* ---- increase ----------------------------------------------------------------------------- */

bool rx_increase_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	static const int64_t none;
	struct rx_mem_increase *m = memory;
	struct rx_value v = rx_eval_point(ev, call->child);
	wy_ms window_ms = rx_window_ms(ev, call);
	bool is_known = rx_is_exact(&v);
	bool is_reset = false;

	/* Until now it stood, whoever looked in between. */
	if (m->is_known)
		m->last_ms = ev->now_ms;
	m->is_known = is_known;
	/* A step from before the window cannot be placed: how much of it lies inside is not known. */
	if (is_known && m->has_last && ev->now_ms - m->last_ms > window_ms)
		*m = (struct rx_mem_increase){.is_known = true};
	if (!m->has_last && !is_known)
		return false;
	rx_panes_to(&m->panes, rx_pane_ms(window_ms), ev->now_ms, m->sum, sizeof(*m->sum), &none);
	/* The difference bridges gaps: from the first value on, all time is accounted for. */
	m->panes.is_known = true;
	if (!is_known)
		return false;
	if (m->has_last) {
		unsigned slot = rx_panes_slot(&m->panes);
		int64_t step = steps(call->child->point, m->last, v.lo, &is_reset);
		if (__builtin_add_overflow(m->sum[slot], step, &m->sum[slot]))
			m->sum[slot] = INT64_MAX;
	}
	if (is_reset) {
		m->is_reset = true;
		m->reset_ms = ev->now_ms;
	}
	m->has_last = true;
	m->last = v.lo;
	m->last_ms = ev->now_ms;
	return false;
}

bool rx_increase_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_increase *m = memory;

	(void)call;
	return rx_panes_are_sound(&m->panes) && rx_are_bools_sound(&m->has_last, 3) && rx_is_time_sound(m->last_ms) && rx_is_time_sound(m->reset_ms);
}

/* What stood between the last saving and the end nobody saw. */
void rx_increase_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_increase *m = memory;

	(void)call;
	(void)down_ms;
	m->is_known = false;
}

void rx_increase_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	static const int64_t none;
	struct rx_mem_increase *m = memory;

	if (m->is_known)
		m->last_ms = ev->now_ms;
	if (m->panes.is_started)
		rx_panes_to(&m->panes, rx_pane_ms(rx_window_ms(ev, call)), ev->now_ms, m->sum, sizeof(*m->sum), &none);
}

struct rx_value fn_increase(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_increase *m = memory;
	wy_ms window_ms = rx_window_ms(ev, call);
	wy_ms pane_ms = rx_pane_ms(window_ms);
	struct rx_value point = rx_eval_point(ev, call->child);
	uint8_t live[RX_PANES];
	unsigned n = rx_panes_live(&m->panes, pane_ms, ev->now_ms, live);
	int64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		if (__builtin_add_overflow(sum, m->sum[live[i]], &sum))
			return rx_unknown_of(RX_T_INT, RX_TOO_LARGE);
	struct rx_value v = rx_whole(sum);
	bool is_covered = rx_panes_is_covered(&m->panes, window_ms, ev->now_ms, call->min_cover);
	if (m->has_last && (sum || !is_covered))
		rx_window_moves(ev, pane_ms);
	v.is_uncertain = (m->is_reset && ev->now_ms - m->reset_ms < window_ms) || point.is_uncertain;
	if (is_covered && rx_is_exact(&point))
		return v;
	v.hi = INT64_MAX;
	v.unknown = is_covered ? point.unknown : (uint8_t)RX_NO_COVER;
	v.point = point.point;
	v.quality = point.quality;
	return v;
}

/* Of the full panes, so that it does not fall from look to look. */
struct rx_value fn_rate(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	enum { HOUR_MS = 3600000 };
	struct rx_mem_increase copy;
	const struct rx_mem_increase *m = rx_window_now(ev, call, memory, &copy, rx_increase_account);
	struct rx_value point = rx_eval_point(ev, call->child);
	struct rx_value v = rx_unknown_of(RX_T_REAL, RX_NO_COVER);
	uint8_t at[RX_PANES];
	unsigned n = rx_panes_full(&m->panes, at);
	double sum = 0;
	uint64_t known_ms = 0;

	for (unsigned i = 0; i < n; i++) {
		sum += (double)m->sum[at[i]];
		known_ms += m->panes.known_ms[at[i]];
	}
	if (m->panes.is_started)
		rx_window_moves(ev, m->panes.pane_ms);
	bool is_sure = rx_window_answers(ev, call, &m->panes, 0) && known_ms;
	if (is_sure && rx_is_exact(&point))
		v = rx_real(sum / (double)known_ms * HOUR_MS);
	else
		v.rlo = 0;
	if (is_sure && !rx_is_exact(&point)) {
		v.unknown = point.unknown;
		v.point = point.point;
		v.quality = point.quality;
	}
	v.is_uncertain = (m->is_reset && ev->now_ms - m->reset_ms < rx_window_ms(ev, call)) || point.is_uncertain;
	return v;
}

/* ---- delta_since -------------------------------------------------------------------------- */

/* Growth over a time in which nobody looked: it may be more than max_step. Only where the counter is smaller than
 * before it must have wrapped or been reset, and max_step says which is more likely. */
static int64_t steps_unseen(const struct wy_point *point, int64_t last, int64_t now)
{
	int64_t step;
	int64_t modulus = point->modulus && point->modulus <= INT64_MAX ? (int64_t)point->modulus : 0;
	int64_t most = point->max_step && point->max_step < INT64_MAX ? (int64_t)point->max_step : modulus / 2;

	if (__builtin_sub_overflow(now, last, &step))
		return 0;
	if (step >= 0)
		return step;
	step = modulus ? step + modulus : step;
	if (step >= 0 && step <= most)
		return step;
	return now > 0 ? now : 0;
}

/* Often enough that a crash leaves no growth that would be taken for a reset, and seldom enough for the store. */
static bool is_worth_saving(const struct wy_point *point, const struct rx_mem_since_mark *m)
{
	int64_t most = point->max_step && point->max_step < INT64_MAX ? (int64_t)point->max_step / 2 : INT64_MAX;
	int64_t wrap = point->modulus && point->modulus <= INT64_MAX ? (int64_t)point->modulus / 4 : INT64_MAX;

	return m->unsaved > (most < wrap ? most : wrap);
}

bool rx_since_mark_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_since_mark *m = memory;
	const struct wy_point *point = call->child->point;
	struct rx_value v = rx_eval_point(ev, call->child);
	bool is_reset = false;
	int64_t step = 0;

	if (!rx_is_exact(&v)) {
		m->is_gap = true;
		return false;
	}
	bool is_first = !m->has_last;
	if (!is_first)
		step = m->is_gap ? steps_unseen(point, m->last, v.lo) : steps(point, m->last, v.lo, &is_reset);
	if (__builtin_add_overflow(m->total, step, &m->total))
		m->total = INT64_MAX;
	m->unsaved = step > INT64_MAX - m->unsaved ? INT64_MAX : m->unsaved + step;
	m->has_last = true;
	m->is_gap = false;
	m->last = v.lo;
	if (!is_first && !is_reset && !is_worth_saving(point, m))
		return false;
	m->unsaved = 0;
	return true;
}

bool rx_since_mark_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_since_mark *m = memory;

	(void)call;
	return rx_are_bools_sound(&m->has_last, 3) && m->total >= 0 && m->unsaved >= 0;
}

void rx_since_mark_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_since_mark *m = memory;

	(void)call;
	(void)down_ms;
	m->is_gap = true;
}

bool rx_since_mark_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order)
{
	struct rx_mem_since_mark *m = memory;

	(void)ev;
	(void)call;
	if (order != RX_ORDER_MARK)
		return false;
	m->is_marked = true;
	m->total = m->unsaved = 0;
	return true;
}

/* Before the first mark: at least what was seen. */
struct rx_value fn_delta_since(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_since_mark *m = memory;
	struct rx_value point = rx_eval_point(ev, call->child);
	struct rx_value v = rx_whole(m->total);

	v.is_uncertain = point.is_uncertain;
	if (m->is_marked && rx_is_exact(&point))
		return v;
	v.hi = INT64_MAX;
	v.unknown = rx_is_exact(&point) ? (uint8_t)RX_NOT_SEEN : point.unknown;
	v.point = point.point;
	v.quality = point.quality;
	return v;
}
