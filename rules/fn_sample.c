/* fn_sample.c: a value at the instants of an event, or some time after each.
 *
 * Each instant waits for its own delay; several in one turn are one sample. Where the value is unknown when its
 * instant comes there is no sample. The last one stands until the next, over gaps and restarts. */
#include <string.h>

#include "rule_engine.h"

bool rx_sample_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_sample *m = memory;

	double real;

	memcpy(&real, &m->bits, sizeof(real));
	if (!rx_are_bools_sound(&m->has_value, 4) || (call->type == RX_T_REAL && real - real != 0))
		return false;
	for (unsigned i = 0; i < RX_SAMPLES_DUE; i++)
		if (!rx_is_time_sound(m->due_ms[i]))
			return false;
	return m->n_due <= RX_SAMPLES_DUE;
}

static bool take(struct rx_eval *ev, const struct rx_expr *x, struct rx_mem_sample *m)
{
	struct rx_value v = rx_eval(ev, x);

	if (!rx_is_exact(&v))
		return false;
	m->bits = v.lo;
	if (!v.is_whole)
		memcpy(&m->bits, &v.rlo, sizeof(m->bits));
	m->has_value = true;
	m->has_sample = true;
	m->is_uncertain = v.is_uncertain;
	return true;
}

/* The instants whose delay is over leave. */
static bool leave_due(struct rx_mem_sample *m, wy_ms now_ms)
{
	uint8_t n = 0;

	while (n < m->n_due && m->due_ms[n] <= now_ms)
		n++;
	m->n_due = (uint8_t)(m->n_due - n);
	memmove(m->due_ms, m->due_ms + n, m->n_due * sizeof(*m->due_ms));
	return n;
}

bool rx_sample_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_sample *m = memory;
	struct rx_value on = rx_eval(ev, rx_arg(call, 1));
	const struct rx_expr *delay = rx_arg(call, 2);
	wy_ms delay_ms = delay->op == RX_NUMBER && delay->real <= 0 ? 0 : rx_eval_span(ev, delay);
	bool was_watched = m->is_watched;

	m->has_sample = false;
	m->is_watched = rx_is_exact(&on);
	bool is_new = m->is_watched && on.lo > 0;
	if (is_new && delay_ms && m->n_due < RX_SAMPLES_DUE)
		m->due_ms[m->n_due++] = ev->now_ms + delay_ms;
	bool is_due = leave_due(m, ev->now_ms) || (is_new && !delay_ms);
	if (m->n_due)
		rx_look_at(ev, m->due_ms[0]);
	if (is_due && take(ev, call->child, m))
		m->is_uncertain = m->is_uncertain || on.is_uncertain;
	return is_new || is_due || was_watched != m->is_watched;
}

struct rx_value fn_sample(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_sample *m = memory;
	struct rx_value v = rx_unknown_of((enum rx_type)call->type, RX_NOT_SEEN);
	double real;

	(void)ev;
	if (!m->has_value)
		return v;
	memcpy(&real, &m->bits, sizeof(real));
	v = v.is_whole ? rx_whole(m->bits) : rx_real(real);
	v.is_uncertain = m->is_uncertain;
	return v;
}
