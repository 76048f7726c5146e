/* fn_event.c: edges, and what is counted and timed by them.
 *
 * Through unknown: true, unknown, true is no edge; false, unknown, true is one, marked uncertain,
 * since the instant is only known to lie in the gap. A first known value is no edge.
 * The value of an event is the number of its instants in this turn; nothing known while its input is
 * unknown. */
#include <string.h>

#include "rule_engine.h"
#include "window.h"

struct rx_value rx_instants(int64_t n, bool is_gap, bool is_uncertain)
{
	struct rx_value v = is_gap ? rx_unknown_of(RX_T_EVENT, RX_NOT_SEEN) : rx_whole(n);

	v.is_uncertain = is_uncertain;
	return v;
}

/* ---- rise, fall --------------------------------------------------------------------------- */

static bool edge_update(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_edge *m, enum rule_truth to)
{
	struct rx_value v = rx_eval(ev, call->child);
	struct rx_mem_edge before = *m;

	m->fired = 0;
	m->is_uncertain = false;
	if (v.truth == RULE_UNKNOWN) {
		m->is_gap = true;
		return !before.is_gap;
	}
	if (before.last && before.last != 1 + v.truth && v.truth == to) {
		m->fired = 1;
		m->is_uncertain = before.is_gap || v.is_uncertain;
	}
	m->last = (uint8_t)(1 + v.truth);
	m->is_gap = false;
	return m->last != before.last || before.is_gap;
}

bool rx_edge_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_edge *m = memory;

	(void)call;
	return m->last <= 1 + RULE_TRUE && rx_are_bools_sound(&m->is_gap, 2);
}

static struct rx_value edge_query(const struct rx_mem_edge *m)
{
	return rx_instants(m->fired, m->is_gap || !m->last, m->is_uncertain);
}

struct rx_value fn_rise(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)ev;
	(void)call;
	return edge_query(memory);
}

bool rx_rise_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	return edge_update(ev, call, memory, RULE_TRUE);
}

struct rx_value fn_fall(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)ev;
	(void)call;
	return edge_query(memory);
}

bool rx_fall_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	return edge_update(ev, call, memory, RULE_FALSE);
}

/* ---- change, prev ------ ------------------------------------------------------------------ */

/* The bits of a point's value, for equality. False while unknown. */
static bool bits_of(struct rx_eval *ev, const struct rx_expr *point, int64_t *ret_bits, bool *ret_uncertain)
{
	struct rx_value v = rx_eval_point(ev, point);

	*ret_uncertain = v.is_uncertain;
	if (point->type == RX_T_BOOL) {
		*ret_bits = v.truth;
		return v.truth != RULE_UNKNOWN;
	}
	if (!rx_is_exact(&v))
		return false;
	*ret_bits = v.lo;
	if (!v.is_whole)
		memcpy(ret_bits, &v.rlo, sizeof(*ret_bits));
	return true;
}

static struct rx_value value_of(const struct rx_expr *point, int64_t bits)
{
	double real;

	if (point->type == RX_T_BOOL)
		return rx_truth((enum rule_truth)bits);
	if (point->type != RX_T_REAL)
		return rx_whole(bits);
	memcpy(&real, &bits, sizeof(real));
	return rx_real(real);
}

bool rx_change_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_change *m = memory;

	(void)call;
	return rx_are_bools_sound(&m->has_last, 3);
}

struct rx_value fn_change(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_change *m = memory;

	(void)ev;
	(void)call;
	return rx_instants(m->fired, m->is_gap || !m->has_last, m->is_uncertain);
}

bool rx_change_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_change *m = memory;
	bool was_gap = m->is_gap;
	bool is_uncertain;
	int64_t bits;

	m->fired = 0;
	if (!bits_of(ev, call->child, &bits, &is_uncertain)) {
		m->is_gap = true;
		return !was_gap;
	}
	bool is_changed = m->has_last && m->last != bits;
	bool is_first = !m->has_last;
	m->fired = is_changed;
	m->is_uncertain = was_gap || is_uncertain;
	m->has_last = true;
	m->last = bits;
	m->is_gap = false;
	return is_changed || is_first || was_gap;
}

struct rx_value fn_prev(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_prev *m = memory;

	(void)ev;
	if (!m->has_before)
		return rx_unknown_of((enum rx_type)call->type, RX_NOT_SEEN);
	return value_of(call->child, m->before);
}

bool rx_prev_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_prev *m = memory;
	bool is_uncertain;
	int64_t bits;

	if (!bits_of(ev, call->child, &bits, &is_uncertain))
		return false;
	if (m->has_current && m->current != bits) {
		m->has_before = true;
		m->before = m->current;
	}
	m->has_current = true;
	m->current = bits;
	return false;
}

bool rx_prev_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_prev *m = memory;

	(void)call;
	return rx_are_bools_sound(&m->has_current, 2) && rx_is_time_sound(m->upto_ms);
}

void rx_prev_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_prev *m = memory;

	(void)call;
	if (m->has_current)
		m->upto_ms = ev->now_ms;
}

void rx_prev_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_prev *m = memory;

	if (down_ms - m->upto_ms > call->child->point->stale_ms)
		memset(m, 0, sizeof(*m));
}

/* ---- since -------------------------------------------------------------------------------- */

bool rx_since_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_since *m = memory;

	(void)call;
	return rx_are_bools_sound(&m->is_seen, 6) && rx_is_time_sound(m->last_ms) && rx_is_time_sound(m->known_from_ms);
}

/* Watch knownness: "never seen" counts only from when the argument was last unknown. */
static bool since_known(struct rx_eval *ev, struct rx_mem_since *m, bool is_known)
{
	bool is_changed = is_known != m->is_known;

	if (is_known && !m->is_known)
		m->known_from_ms = ev->now_ms;
	m->is_known = is_known;
	return is_changed;
}

static bool since_event(struct rx_eval *ev, struct rx_mem_since *m, const struct rx_value *v)
{
	bool is_changed = since_known(ev, m, rx_is_exact(v));

	if (!m->is_known || v->lo <= 0)
		return is_changed;
	m->is_seen = true;
	m->last_ms = ev->now_ms;
	m->is_uncertain = v->is_uncertain;
	return true;
}

static bool since_condition(struct rx_eval *ev, struct rx_mem_since *m, const struct rx_value *v)
{
	bool is_changed = since_known(ev, m, v->truth != RULE_UNKNOWN);
	bool is_true = v->truth == RULE_TRUE;

	if (!m->is_known || (m->has_state && m->is_true == is_true))
		return is_changed;
	m->is_from_start = is_true && !m->has_state;
	m->is_uncertain = v->is_uncertain;
	m->is_seen = is_true;
	m->last_ms = is_true ? ev->now_ms : 0;
	m->is_true = is_true;
	m->has_state = true;
	return true;
}

bool rx_since_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_value v = rx_eval(ev, call->child);

	if (call->child->type == RX_T_EVENT)
		return since_event(ev, memory, &v);
	return since_condition(ev, memory, &v);
}

/* Never seen: strictly more than the time observed, so the lower end is that plus one ms. While the
 * argument is unknown it may be happening now: the lower end is zero. */
static struct rx_value since_seen(struct rx_eval *ev, const struct rx_mem_since *m)
{
	struct rx_value v = rx_real((double)(ev->now_ms - m->last_ms));

	v.slope_lo = v.slope_hi = 1;
	v.is_uncertain = m->is_uncertain;
	if (!m->is_known) {
		v.rlo = v.slope_lo = 0;
		v.unknown = RX_NOT_SEEN;
	} else if (m->is_from_start) {
		v.rhi = rx_unknown_of(RX_T_REAL, RX_NOT_SEEN).rhi;
		v.unknown = RX_NOT_SEEN;
	}
	return v;
}

struct rx_value fn_since(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_since *m = memory;
	struct rx_value v = rx_unknown_of(RX_T_REAL, RX_NOT_SEEN);

	v.rlo = 0;
	if (call->child->type != RX_T_EVENT) {
		if (!m->is_known)
			return v;
		return m->is_true ? since_seen(ev, m) : rx_real(0);
	}
	if (m->is_seen)
		return since_seen(ev, m);
	if (!m->is_known)
		return v;
	v.rlo = (double)(ev->now_ms - m->known_from_ms + 1);
	v.slope_lo = v.slope_hi = 1;
	return v;
}

/* ---- count -------------------------------------------------------------------------------- */

bool rx_count_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_count *m = memory;

	(void)call;
	for (unsigned i = 0; i < RX_RING_MOST; i++)
		if (!rx_is_time_sound(m->at_ms[i]))
			return false;
	return rx_panes_are_sound(&m->panes) && rx_are_bools_sound(&m->is_uncertain, 1) && m->head < RX_RING_MOST && m->n <= RX_RING_MOST;
}

bool rx_count_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	static const int64_t none;
	struct rx_mem_count *m = memory;
	struct rx_value v = rx_eval(ev, call->child);
	bool is_known = rx_is_exact(&v);
	wy_ms pane_ms = rx_pane_ms(rx_eval_span(ev, call->child->next));

	rx_panes_to(&m->panes, pane_ms, ev->now_ms, m->sum, sizeof(*m->sum), &none);
	bool is_turned = m->panes.is_known != is_known;
	m->panes.is_known = is_known;
	if (!is_known || v.lo <= 0)
		return is_turned;
	m->is_uncertain = v.is_uncertain;
	unsigned slot = rx_panes_slot(&m->panes);
	m->sum[slot] = __builtin_add_overflow(m->sum[slot], v.lo, &m->sum[slot]) ? INT64_MAX : m->sum[slot];
	for (int64_t i = 0; i < v.lo && i < (int64_t)RX_RING_MOST; i++) {
		m->at_ms[m->head] = ev->now_ms;
		m->head = (uint8_t)((m->head + 1) % RX_RING_MOST);
		m->n = (uint8_t)(m->n < RX_RING_MOST ? m->n + 1 : m->n);
	}
	return true;
}

/* How many of the last instants are younger than the window, and when the oldest of them leaves. */
static int64_t count_ring(struct rx_eval *ev, const struct rx_mem_count *m, wy_ms window_ms)
{
	int64_t n = 0;
	wy_ms leaves_ms = WY_MS_NEVER;

	for (unsigned i = 0; i < m->n; i++) {
		wy_ms at_ms = m->at_ms[i];
		if (at_ms <= ev->now_ms - window_ms)
			continue;
		n++;
		leaves_ms = at_ms + window_ms < leaves_ms ? at_ms + window_ms : leaves_ms;
	}
	rx_look_at(ev, leaves_ms);
	return n;
}

static struct rx_value count_panes(struct rx_eval *ev, const struct rx_mem_count *m, wy_ms window_ms)
{
	uint8_t live[RX_PANES];
	wy_ms pane_ms = rx_pane_ms(window_ms);
	unsigned n = rx_panes_live(&m->panes, pane_ms, ev->now_ms, live);
	int64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		if (__builtin_add_overflow(sum, m->sum[live[i]], &sum))
			return rx_unknown_of(RX_T_INT, RX_TOO_LARGE);
	rx_window_moves(ev, pane_ms);
	return rx_whole(sum > (int64_t)RX_RING_MOST ? sum : (int64_t)RX_RING_MOST);
}

/* Exact while fewer instants than the ring holds lie in the window; from then on by panes. */
struct rx_value fn_count(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_count *m = memory;
	wy_ms window_ms = rx_eval_span(ev, call->child->next);
	int64_t n = count_ring(ev, m, window_ms);
	struct rx_value v = n < (int64_t)RX_RING_MOST ? rx_whole(n) : count_panes(ev, m, window_ms);

	v.is_uncertain = m->is_uncertain && v.lo > 0;
	/* Coverage can be reached and lost by time alone. */
	rx_look_at(ev, rx_panes_cover_next(&m->panes, rx_pane_ms(window_ms), ev->now_ms));
	if (rx_panes_is_covered(&m->panes, window_ms, ev->now_ms, call->min_cover))
		return v;
	/* Seen so many; there may have been more. */
	v.hi = INT64_MAX;
	v.unknown = RX_NO_COVER;
	return v;
}
