/* fn_chart.c: control charts: cusum_z over samples, zstep and m_of_n over steps.
 *
 * Steps are multiples of their length on the engine's clock. What stands at the very end of a step is the step; what
 * ends while the engine is down was not seen. */
#include <math.h>
#include <string.h>

#include "calls.h"
#include "kinds.h"
#include "rule_engine.h"
#include "series.h"

/* ---- cusum_z ------------------------------------------------------------------------------ */

enum { CUSUM_LEARN = 1, CUSUM_K, CUSUM_SIDE };

static bool is_learnt(const struct rx_expr *call, const struct rx_mem_cusum *m)
{
	return m->normal.n >= (double)rx_arg(call, CUSUM_LEARN)->whole;
}

static double sign_of(const struct rx_expr *call)
{
	return rx_arg(call, CUSUM_SIDE)->index ? -1 : 1;
}

bool rx_cusum_z_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_cusum *m = memory;
	struct rx_series now = rx_series_now(ev, call->child);

	m->is_watched = now.is_known;
	if (!now.has_sample)
		return false;
	m->is_uncertain = now.is_uncertain;
	if (!is_learnt(call, m)) {
		if (!ev->is_frozen || m->is_ordered)
			rx_moments_add(&m->normal, now.value);
		m->is_ordered = m->is_ordered && !is_learnt(call, m);
		return true;
	}
	double z = rx_z(call->child, now.value, m->normal.mean, rx_moments_sd(&m->normal));
	m->sum += sign_of(call) * z - rx_eval_constant(ev, rx_arg(call, CUSUM_K));
	m->run++;
	if (m->sum <= 0) {
		m->sum = 0;
		m->run = 0;
	}
	return true;
}

struct rx_value fn_cusum_z(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_cusum *m = memory;

	(void)ev;
	if (!m->is_watched || !is_learnt(call, m))
		return rx_unknown_of(RX_T_REAL, m->is_watched ? RX_LEARNING : RX_NOT_SEEN);
	struct rx_value v = rx_real(m->sum);
	v.is_uncertain = m->is_uncertain;
	return v;
}

/* Accepting: since its last zero the sum has grown by the shift less k at each sample, so it tells the shift. */
bool rx_cusum_z_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order)
{
	struct rx_mem_cusum *m = memory;

	if (order == RX_ORDER_LEARN) {
		*m = (struct rx_mem_cusum){.is_ordered = true, .is_watched = m->is_watched};
		return true;
	}
	if (!is_learnt(call, m))
		return false;
	if (order == RX_ORDER_ACCEPT && m->run) {
		double sd = rx_moments_sd(&m->normal);
		double least = rx_spread_least(call->child, m->normal.mean);
		double shift = m->sum / (double)m->run + rx_eval_constant(ev, rx_arg(call, CUSUM_K));
		m->normal.mean += sign_of(call) * shift * (sd > least ? sd : least);
	}
	m->sum = 0;
	m->run = 0;
	return true;
}

bool rx_cusum_z_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_cusum *m = memory;

	(void)call;
	return rx_are_bools_sound(&m->is_ordered, 3) && m->normal.n >= 0 && isfinite(m->normal.mean) && m->normal.m2 >= 0 &&
	       m->sum >= 0 && m->run >= 0 && m->run < INT64_MAX / 4;
}

void rx_cusum_z_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_cusum *m = memory;

	(void)call;
	(void)down_ms;
	m->is_watched = false;
}

/* ---- Steps -------------------------------------------------------------------------------- */

enum { STEP_LEAST_MS = 1000 };

static wy_ms step_of(struct rx_eval *ev, const struct rx_expr *e)
{
	wy_ms step_ms = rx_eval_span(ev, e);

	return step_ms < STEP_LEAST_MS ? STEP_LEAST_MS : step_ms;
}

/* How many steps ended since *step began, which becomes the one that runs. *ret_seen: the last of them ends now. */
static int64_t steps_to(struct rx_eval *ev, wy_ms step_ms, bool *is_begun, int64_t *step, bool *ret_seen)
{
	int64_t now = rx_panes_next(step_ms, ev->now_ms) / step_ms - 1;
	int64_t ended = *is_begun && now > *step ? now - *step : 0;

	*ret_seen = ended && now * step_ms == ev->now_ms;
	*is_begun = true;
	*step = now;
	rx_look_at(ev, (now + 1) * step_ms);
	return ended;
}

/* ---- zstep -------------------------------------------------------------------------------- */

enum { ZSTEP_STEP = 1, ZSTEP_N, ZSTEP_LEAST = 3 };

static uint32_t past_size(const struct rx_expr *call)
{
	return (uint32_t)rx_arg(call, ZSTEP_N)->whole;
}

size_t rx_zstep_bytes(const struct rx_expr *call)
{
	return sizeof(struct rx_mem_zstep) + past_size(call) * sizeof(double);
}

static struct rx_moments past_of(const struct rx_mem_zstep *m)
{
	struct rx_moments past = {0};

	for (uint32_t i = 0; i < m->n; i++)
		rx_moments_add(&past, m->past[i]);
	return past;
}

/* Against what went before, if there is enough of it to have a spread. */
static void judge(const struct rx_expr *call, struct rx_mem_zstep *m)
{
	struct rx_moments past = past_of(m);

	m->has_z = m->has_last && m->n >= ZSTEP_LEAST;
	if (m->has_z)
		m->z = rx_z(call->child, m->last, past.mean, rx_moments_sd(&past));
}

/* A step joins the past when the next one is complete, so that a rule that it raised can keep it out. */
static void remember(const struct rx_expr *call, struct rx_mem_zstep *m)
{
	m->past[m->head] = m->last;
	m->head = (m->head + 1) % past_size(call);
	m->n = m->n < past_size(call) ? m->n + 1 : m->n;
}

bool rx_zstep_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_zstep *m = memory;
	wy_ms step_ms = step_of(ev, rx_arg(call, ZSTEP_STEP));
	bool is_seen;
	int64_t ended = steps_to(ev, step_ms, &m->is_begun, &m->step, &is_seen);

	if (!ended)
		return false;
	if (m->has_last && !ev->is_frozen)
		remember(call, m);
	struct rx_value x = rx_as_real(rx_eval(ev, call->child));
	m->has_last = is_seen && rx_is_exact(&x) && isfinite(x.rlo);
	m->last = m->has_last ? x.rlo : 0;
	m->is_uncertain = x.is_uncertain;
	judge(call, m);
	return step_ms >= RX_STEP_SAVED_MS;
}

struct rx_value fn_zstep(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_zstep *m = memory;

	(void)ev;
	if (!m->has_z || (double)m->n < call->min_cover * past_size(call))
		return rx_unknown_of(RX_T_REAL, m->has_last ? RX_LEARNING : RX_NOT_SEEN);
	struct rx_value v = rx_real(m->z);
	v.is_uncertain = m->is_uncertain;
	return v;
}

bool rx_zstep_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_zstep *m = memory;

	return rx_are_bools_sound(&m->is_begun, 4) && m->head < past_size(call) && m->n <= past_size(call) &&
	       rx_is_time_sound(m->step);
}

bool rx_zstep_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order)
{
	struct rx_mem_zstep *m = memory;

	(void)ev;
	if (order == RX_ORDER_LEARN) {
		m->n = m->head = 0;
	} else if (order == RX_ORDER_ACCEPT && m->has_z) {
		double shift = m->last - past_of(m).mean;
		for (uint32_t i = 0; i < m->n; i++)
			m->past[i] += shift;
	} else {
		return false;
	}
	judge(call, m);
	return true;
}

/* ---- m_of_n ------------------------------------------------------------------------------- */

enum { M_OF = 1, M_N, M_STEP };

static uint32_t steps_of(const struct rx_expr *call)
{
	return (uint32_t)rx_arg(call, M_N)->whole;
}

size_t rx_m_of_n_bytes(const struct rx_expr *call)
{
	return sizeof(struct rx_mem_m_of_n) + steps_of(call);
}

bool rx_m_of_n_check(struct rx_scope *scope, const struct rx_expr *call)
{
	if (rx_arg(call, M_OF)->whole <= rx_arg(call, M_N)->whole)
		return true;
	rx_error(scope->load, "E106", scope->node, rx_at(scope, rx_arg(call, M_OF)),
		 "m_of_n: %u of %u steps can never be", (unsigned)rx_arg(call, M_OF)->whole, (unsigned)rx_arg(call, M_N)->whole);
	return false;
}

static void note(const struct rx_expr *call, struct rx_mem_m_of_n *m, uint8_t was)
{
	m->was[m->head] = was;
	m->head = (m->head + 1) % steps_of(call);
}

bool rx_m_of_n_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_m_of_n *m = memory;
	wy_ms step_ms = step_of(ev, rx_arg(call, M_STEP));
	bool is_seen;
	int64_t ended = steps_to(ev, step_ms, &m->is_begun, &m->step, &is_seen);

	if (!ended)
		return false;
	for (int64_t i = 0; i < ended - is_seen && i < (int64_t)steps_of(call); i++)
		note(call, m, 0);
	if (is_seen) {
		struct rx_value b = rx_eval(ev, call->child);
		note(call, m, b.truth == RULE_UNKNOWN ? 0 : b.truth == RULE_TRUE ? 2 : 1);
		m->is_uncertain = b.is_uncertain;
	}
	return step_ms >= RX_STEP_SAVED_MS;
}

struct rx_value fn_m_of_n(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_m_of_n *m = memory;
	int64_t wanted = rx_arg(call, M_OF)->whole;
	int64_t trues = 0;
	int64_t unknowns = 0;

	(void)ev;
	for (uint32_t i = 0; i < steps_of(call); i++) {
		trues += m->was[i] == 2;
		unknowns += m->was[i] == 0;
	}
	enum rule_truth other = trues + unknowns < wanted ? RULE_FALSE : RULE_UNKNOWN;
	struct rx_value v = rx_truth(trues >= wanted ? RULE_TRUE : other);
	v.is_uncertain = m->is_uncertain;
	v.unknown = v.truth == RULE_UNKNOWN ? RX_NO_COVER : RX_KNOWN;
	return v;
}

bool rx_m_of_n_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_m_of_n *m = memory;

	return rx_are_bools_sound(&m->is_begun, 2) && m->head < steps_of(call) && rx_is_time_sound(m->step);
}
