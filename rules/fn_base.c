/* fn_base.c: how far from its usual value a number is: zrob against its last w, zbase against the same hour of the
 * weeks before.
 *
 * What is usual is not learnt while a rule that uses it stands on the asset: a long fault would teach itself to be
 * normal. The clock of zrob's window stands still meanwhile; of zbase a slot in which a rule stood is left out. */
#include <math.h>
#include <string.h>

#include "calls.h"
#include "kinds.h"
#include "order.h"
#include "rule_engine.h"
#include "series.h"

/* ---- z ------------------------------------------------------------------------------------ */

/* What the declaration allows the argument to be. */
static double width_of(const struct rx_expr *e)
{
	if (e->op == RX_SCALE)
		return fabs(e->real) * width_of(e->child);
	if (e->op == RX_CALL && e->child && (e->fn->result == RX_RESULT_FIRST || e->fn->result == RX_RESULT_MEAN))
		return width_of(e->child);
	return e->op == RX_POINT && e->point && e->point->has_range ? e->point->hi - e->point->lo : 0;
}

double rx_spread_least(const struct rx_expr *of, double normal)
{
	double part = width_of(of) / 1000;
	double own = fabs(normal) / 1000;

	return part > own ? part : own;
}

double rx_z(const struct rx_expr *of, double x, double normal, double spread)
{
	double least = rx_spread_least(of, normal);
	double off = x - normal;

	if (off == 0)
		return 0;
	double z = off / (spread > least ? spread : least);
	return z > RX_Z_MOST ? RX_Z_MOST : z < -RX_Z_MOST ? -RX_Z_MOST : z;
}

static struct rx_value z_of(const struct rx_expr *call, const struct rx_value *x, struct rx_robust usual)
{
	struct rx_value v = rx_real(rx_z(call->child, x->rlo, usual.median, RX_MAD_TO_SD * usual.mad));

	v.is_uncertain = x->is_uncertain;
	return v;
}

/* Unknown because the argument is. */
static struct rx_value like(const struct rx_value *x)
{
	struct rx_value v = rx_unknown_of(RX_T_REAL, (enum rx_unknown)x->unknown);

	v.point = x->point;
	v.quality = x->quality;
	return v;
}

/* ---- zrob --------------------------------------------------------------------------------- */

enum { ZROB_PANES_LEAST = 8, PANE_SAVED_MS = 600000 };

static wy_ms own_now(const struct rx_mem_zrob *m, wy_ms now_ms)
{
	return (m->is_still ? m->still_ms : now_ms) - m->behind_ms;
}

static void zrob_to(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_zrob *m)
{
	wy_ms pane_ms = rx_pane_ms(rx_eval_span(ev, rx_arg(call, 1)));
	struct rx_step step;
	wy_ms from_ms = m->panes.upto_ms;

	while (rx_panes_step(&m->panes, pane_ms, own_now(m, ev->now_ms), &step)) {
		if (step.is_new) {
			m->sum[step.slot] = 0;
			m->n[step.slot] = 0;
		} else if (m->panes.is_known) {
			m->sum[step.slot] += m->held * (double)(step.to_ms - from_ms);
		}
		from_ms = step.to_ms;
	}
}

/* Means of the full panes of which half is known, or that have samples. */
static size_t means_of(const struct rx_mem_zrob *m, bool is_sampled, wy_ms pane_ms, double out[RX_PANES])
{
	uint8_t full[RX_PANES];
	unsigned n = rx_panes_full(&m->panes, full);
	size_t kept = 0;

	for (unsigned i = 0; i < n; i++) {
		wy_ms known_ms = (wy_ms)m->panes.known_ms[full[i]];
		if (is_sampled && m->n[full[i]])
			out[kept++] = m->sum[full[i]] / m->n[full[i]];
		else if (!is_sampled && 2 * known_ms >= pane_ms)
			out[kept++] = m->sum[full[i]] / (double)known_ms;
	}
	return kept;
}

static bool is_ready(struct rx_eval *ev, const struct rx_expr *call, const struct rx_mem_zrob *m)
{
	return rx_panes_is_covered(&m->panes, rx_eval_span(ev, rx_arg(call, 1)), own_now(m, ev->now_ms), RX_MIN_COVER);
}

/* Only borders change what is usual. */
static void find_usual(const struct rx_expr *call, struct rx_mem_zrob *m, wy_ms pane_ms)
{
	double past[RX_PANES];

	m->n_means = (uint32_t)means_of(m, call->child->sampling, pane_ms, past);
	struct rx_robust usual = m->n_means ? rx_robust_of(past, m->n_means) : (struct rx_robust){0, 0};
	m->median = usual.median;
	m->mad = usual.mad;
}

/* The value held is accounted when it changes, so that looks in between add nothing of their own. */
bool rx_zrob_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_zrob *m = memory;
	struct rx_series now = rx_series_now(ev, call->child);
	wy_ms pane_ms = rx_pane_ms(rx_eval_span(ev, rx_arg(call, 1)));

	if (m->is_still)
		return false;
	bool is_moved = now.is_known != m->panes.is_known || (now.is_known && now.value != m->held) || now.has_sample;
	bool is_border = !m->panes.is_started || m->panes.pane_ms != pane_ms ||
			 rx_panes_next(pane_ms, m->panes.upto_ms) <= own_now(m, ev->now_ms);
	if (is_moved || is_border)
		zrob_to(ev, call, m);
	if (is_border)
		find_usual(call, m, pane_ms);
	m->panes.is_known = now.is_known;
	if (now.has_sample) {
		m->sum[rx_panes_slot(&m->panes)] += now.value;
		m->n[rx_panes_slot(&m->panes)]++;
	}
	m->held = now.is_known && !now.is_sampled ? now.value : 0;
	m->is_ordered = m->is_ordered && !is_ready(ev, call, m);
	rx_look_at(ev, rx_panes_next(pane_ms, own_now(m, ev->now_ms)) + m->behind_ms);
	/* What takes half a day and more to fill is worth saving as it goes. */
	return is_border && pane_ms >= PANE_SAVED_MS;
}

struct rx_value fn_zrob(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_zrob *m = memory;
	wy_ms window_ms = rx_eval_span(ev, rx_arg(call, 1));
	wy_ms own_ms = own_now(m, ev->now_ms);
	struct rx_value x = rx_as_real(rx_eval(ev, call->child));

	if (!m->is_still)
		rx_look_at(ev, rx_panes_next(rx_pane_ms(window_ms), own_ms) + m->behind_ms);
	if (!rx_is_exact(&x))
		return like(&x);
	if (m->n_means < ZROB_PANES_LEAST || !rx_panes_is_covered(&m->panes, window_ms, own_ms, call->min_cover))
		return rx_unknown_of(RX_T_REAL, RX_LEARNING);
	return z_of(call, &x, (struct rx_robust){m->median, m->mad});
}

bool rx_zrob_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_zrob *m = memory;

	(void)call;
	return rx_panes_are_sound(&m->panes) && rx_are_bools_sound(&m->is_still, 2) && m->n_means < RX_PANES && rx_is_time_sound(m->still_ms) && rx_is_time_sound(m->behind_ms);
}

/* From here the window stands still, or goes on where it stood. */
void rx_zrob_freeze(struct rx_eval *ev, const struct rx_expr *call, void *memory, bool is_frozen)
{
	struct rx_mem_zrob *m = memory;

	is_frozen = is_frozen && !m->is_ordered;
	if (is_frozen == m->is_still)
		return;
	if (is_frozen) {
		zrob_to(ev, call, m);
		m->panes.is_known = false;
		m->still_ms = ev->now_ms;
	} else {
		m->behind_ms += ev->now_ms - m->still_ms;
	}
	m->is_still = is_frozen;
	rx_zrob_update(ev, call, m);
}

bool rx_zrob_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order)
{
	struct rx_mem_zrob *m = memory;
	struct rx_value x = rx_as_real(rx_eval(ev, call->child));
	wy_ms pane_ms = rx_pane_ms(rx_eval_span(ev, rx_arg(call, 1)));

	if (order == RX_ORDER_LEARN) {
		memset(m, 0, sizeof(*m));
		m->is_ordered = true;
		return true;
	}
	if (order != RX_ORDER_ACCEPT || !m->n_means || !rx_is_exact(&x))
		return false;
	double shift = x.rlo - m->median;
	for (unsigned i = 0; i < RX_PANES; i++)
		m->sum[i] += shift * (call->child->sampling ? m->n[i] : (double)m->panes.known_ms[i]);
	find_usual(call, m, pane_ms);
	return true;
}

/* What was held between the last border and the end counts as not known. */
void rx_zrob_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_zrob *m = memory;

	(void)call;
	(void)down_ms;
	m->panes.is_known = false;
}

/* ---- zbase -------------------------------------------------------------------------------- */

enum { ZBASE_SEASON = 1, ZBASE_SLOT, ZBASE_KEEP };
enum { QUARTER_MS = 900000, DAY_MS = 86400000, WEEK_DAYS = 7, SEASONS_LEAST = 3 };

static bool is_week(const struct rx_expr *call)
{
	return rx_arg(call, ZBASE_SEASON)->index == 0;
}

static wy_ms slot_ms_of(const struct rx_expr *call)
{
	return (wy_ms)rx_arg(call, ZBASE_SLOT)->real;
}

static uint32_t slots_of(const struct rx_expr *call)
{
	return (uint32_t)((is_week(call) ? WEEK_DAYS : 1) * (DAY_MS / slot_ms_of(call)));
}

static uint32_t keep_of(const struct rx_expr *call)
{
	return (uint32_t)rx_arg(call, ZBASE_KEEP)->whole;
}

bool rx_zbase_check(struct rx_scope *scope, const struct rx_expr *call)
{
	const struct rx_expr *slot = rx_arg(call, ZBASE_SLOT);
	bool is_literal = slot->op == RX_NUMBER && slot->real >= QUARTER_MS && slot->real <= DAY_MS;

	/* Zones are shifted by whole quarters of an hour: shorter slots would not meet their hour again. */
	if (is_literal && (wy_ms)slot->real % QUARTER_MS == 0 && DAY_MS % (wy_ms)slot->real == 0)
		return true;
	rx_error(scope->load, "E106", scope->node, rx_at(scope, slot),
		 "a slot of a season is a day or an equal part of it in whole quarters of an hour, written out, such as 1h");
	return false;
}

size_t rx_zbase_bytes(const struct rx_expr *call)
{
	return sizeof(struct rx_mem_zbase) + slots_of(call) * (keep_of(call) * sizeof(float) + 2);
}

/* Per slot how many values are kept, and behind those where the next one goes. */
static uint8_t *filled_of(const struct rx_expr *call, struct rx_mem_zbase *m)
{
	return (uint8_t *)(m->value + slots_of(call) * keep_of(call));
}

static uint32_t slot_now(const struct rx_eval *ev, const struct rx_expr *call)
{
	int64_t local_s = rx_local_s(&ev->set->wall, ev->wall_ms);
	int64_t day_s = DAY_MS / 1000;
	/* 1970 began on a Thursday. */
	int64_t span_s = is_week(call) ? WEEK_DAYS * day_s : day_s;
	int64_t at_s = (local_s + (is_week(call) ? 3 * day_s : 0)) % span_s;

	return (uint32_t)((at_s < 0 ? at_s + span_s : at_s) / (slot_ms_of(call) / 1000));
}

static void keep_value(const struct rx_expr *call, struct rx_mem_zbase *m, float value)
{
	uint8_t *filled = filled_of(call, m) + m->slot;
	uint8_t *next = filled + slots_of(call);

	m->value[m->slot * keep_of(call) + *next] = value;
	*next = (uint8_t)((*next + 1) % keep_of(call));
	*filled = (uint8_t)(*filled < keep_of(call) ? *filled + 1 : *filled);
	m->is_ordered = m->is_ordered && *filled < SEASONS_LEAST;
}

static void hold_to(struct rx_mem_zbase *m, wy_ms now_ms)
{
	if (m->is_known) {
		m->sum += m->held * (double)(now_ms - m->at_ms);
		m->known_ms += now_ms - m->at_ms;
	}
	m->at_ms = now_ms;
}

/* The slot is over: what it was goes to those before, if it was normal and most of it was seen. */
static bool end_slot(const struct rx_expr *call, struct rx_mem_zbase *m)
{
	bool is_seen = (double)m->known_ms >= RX_MIN_COVER * (double)slot_ms_of(call);
	double weight = call->child->sampling ? m->n : (double)m->known_ms;

	if (m->is_spoiled || !(call->child->sampling ? m->n > 0 : is_seen))
		return false;
	keep_value(call, m, (float)(m->sum / weight));
	return true;
}

static void begin_slot(struct rx_mem_zbase *m, uint32_t slot)
{
	m->is_begun = true;
	m->is_spoiled = false;
	m->slot = slot;
	m->n = 0;
	m->known_ms = 0;
	m->sum = 0;
}

/* Slots are looked at every quarter of an hour of the wall clock, where all their borders lie. */
static void look_each_quarter(struct rx_eval *ev)
{
	wy_ms in_ms = ev->wall_ms % QUARTER_MS;

	rx_look_at(ev, ev->now_ms + QUARTER_MS - (in_ms < 0 ? in_ms + QUARTER_MS : in_ms));
}

bool rx_zbase_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_zbase *m = memory;
	struct rx_series now = rx_series_now(ev, call->child);
	uint32_t slot = slot_now(ev, call);
	bool is_new = !m->is_begun || slot != m->slot;
	bool is_kept = false;

	if (is_new) {
		hold_to(m, ev->now_ms);
		is_kept = m->is_begun && end_slot(call, m);
		begin_slot(m, slot);
	}
	m->is_spoiled = m->is_spoiled || (ev->is_frozen && !m->is_ordered) || ev->is_wall_doubtful;
	look_each_quarter(ev);
	if (now.is_sampled) {
		m->sum += now.has_sample ? now.value : 0;
		m->n += now.has_sample;
		return is_kept;
	}
	if (now.is_known != m->is_known || (now.is_known && now.value != m->held))
		hold_to(m, ev->now_ms);
	m->is_known = now.is_known;
	m->held = now.value;
	return is_kept;
}

/* The values kept for a slot, for a reader that may spoil them. */
static size_t past_of(const struct rx_expr *call, const struct rx_mem_zbase *m, uint32_t slot, double out[WY_RULE_KEEP_MAX])
{
	const uint8_t *filled = (const uint8_t *)(m->value + slots_of(call) * keep_of(call));

	for (uint8_t i = 0; i < filled[slot]; i++)
		out[i] = (double)m->value[slot * keep_of(call) + i];
	return filled[slot];
}

struct rx_value fn_zbase(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct rx_value x = rx_as_real(rx_eval(ev, call->child));
	double past[WY_RULE_KEEP_MAX];

	look_each_quarter(ev);
	if (!rx_is_exact(&x))
		return like(&x);
	size_t n = past_of(call, memory, slot_now(ev, call), past);
	if (n < SEASONS_LEAST)
		return rx_unknown_of(RX_T_REAL, RX_LEARNING);
	struct rx_value v = z_of(call, &x, rx_robust_of(past, n));
	v.is_uncertain = v.is_uncertain || ev->is_wall_doubtful;
	return v;
}

bool rx_zbase_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_zbase *m = memory;
	const uint8_t *filled = (const uint8_t *)(m->value + slots_of(call) * keep_of(call));

	for (uint32_t i = 0; i < slots_of(call); i++)
		if (filled[i] > keep_of(call) || filled[i + slots_of(call)] >= keep_of(call))
			return false;
	return rx_are_bools_sound(&m->is_begun, 4) && m->slot < slots_of(call) && rx_is_time_sound(m->at_ms) && rx_is_time_sound(m->known_ms);
}

void rx_zbase_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_zbase *m = memory;

	(void)call;
	(void)down_ms;
	m->is_known = false;
	m->is_spoiled = true;
}

/* Accepting moves the whole pattern by as much as x is off now; its shape and spread stay. */
bool rx_zbase_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order)
{
	struct rx_mem_zbase *m = memory;
	struct rx_value x = rx_as_real(rx_eval(ev, call->child));
	double past[WY_RULE_KEEP_MAX];

	if (order == RX_ORDER_LEARN) {
		memset(m, 0, rx_zbase_bytes(call));
		m->is_ordered = true;
		return true;
	}
	size_t n = past_of(call, m, slot_now(ev, call), past);
	if (order != RX_ORDER_ACCEPT || n < SEASONS_LEAST || !rx_is_exact(&x))
		return false;
	float shift = (float)(x.rlo - rx_robust_of(past, n).median);
	for (uint32_t i = 0; i < slots_of(call) * keep_of(call); i++)
		m->value[i] += shift;
	return true;
}
