/* fn_truth.c: a condition over a window: how often it turned, how long it held, which share of the time. One memory
 * for the three. Time true is that of the full panes; turns count at once. */
#include "rule_engine.h"
#include "window.h"

static void pass(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_truth *m)
{
	struct rx_step step;

	while (rx_panes_step(&m->panes, rx_pane_ms(rx_window_ms(ev, call)), ev->now_ms, &step)) {
		if (step.is_new)
			m->true_ms[step.slot] = m->flips[step.slot] = 0;
		else if (m->panes.is_known && m->last == 1 + RULE_TRUE)
			m->true_ms[step.slot] += (uint32_t)(step.to_ms - step.from_ms);
	}
}

bool rx_truth_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_truth *m = memory;

	(void)call;
	return rx_panes_are_sound(&m->panes) && rx_are_bools_sound(&m->is_uncertain, 1) && m->last <= 1 + RULE_TRUE;
}

void rx_truth_account(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_truth *m = memory;

	if (m->panes.is_started)
		pass(ev, call, m);
}

bool rx_truth_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_truth *m = memory;
	struct rx_value b = rx_eval(ev, call->child);
	bool was_known = m->panes.is_known;

	pass(ev, call, m);
	m->panes.is_known = b.truth != RULE_UNKNOWN;
	if (!m->panes.is_known)
		return false;
	bool is_flip = m->last && m->last != 1 + b.truth;
	if (is_flip) {
		m->flips[rx_panes_slot(&m->panes)]++;
		m->is_uncertain = !was_known || b.is_uncertain;
	}
	m->last = (uint8_t)(1 + b.truth);
	return is_flip;
}

struct rx_value fn_flips(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_truth *m = memory;
	wy_ms pane_ms = rx_pane_ms(rx_window_ms(ev, call));
	uint8_t live[RX_PANES];
	unsigned n = rx_panes_live(&m->panes, pane_ms, ev->now_ms, live);
	int64_t flips = 0;

	for (unsigned i = 0; i < n; i++)
		flips += m->flips[live[i]];
	if (flips)
		rx_window_moves(ev, pane_ms);
	struct rx_value v = rx_whole(flips);
	v.is_uncertain = m->is_uncertain && flips > 0;
	if (rx_window_answers(ev, call, &m->panes, 0))
		return v;
	v.hi = INT64_MAX;
	v.unknown = RX_NO_COVER;
	return v;
}

struct time_true {
	uint64_t true_ms, known_ms;
	bool is_sure;
};

static struct time_true time_true(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct rx_mem_truth copy;
	const struct rx_mem_truth *m = rx_window_now(ev, call, memory, &copy, rx_truth_account);
	struct time_true t = {0, 0, false};
	uint8_t at[RX_PANES];
	unsigned n = rx_panes_full(&m->panes, at);

	for (unsigned i = 0; i < n; i++) {
		t.true_ms += m->true_ms[at[i]];
		t.known_ms += m->panes.known_ms[at[i]];
	}
	if (t.known_ms || m->panes.is_known)
		rx_window_moves(ev, rx_pane_ms(rx_window_ms(ev, call)));
	t.is_sure = rx_window_answers(ev, call, &m->panes, 0);
	return t;
}

struct rx_value fn_held(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct time_true t = time_true(ev, call, memory);
	struct rx_value v = rx_unknown_of(RX_T_REAL, RX_NO_COVER);

	if (t.is_sure)
		return rx_real((double)t.true_ms);
	v.rlo = (double)t.true_ms;
	return v;
}

struct rx_value fn_frac(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct time_true t = time_true(ev, call, memory);
	struct rx_value v = rx_unknown_of(RX_T_REAL, RX_NO_COVER);

	if (t.is_sure && t.known_ms)
		return rx_real(100 * (double)t.true_ms / (double)t.known_ms);
	v.rlo = 0;
	v.rhi = 100;
	return v;
}
