/* fn_learn.c: machines that nobody has limits for: zlearn for one number, joint for up to eight together.
 *
 * Both smooth over tau and take one sample of what is smoothed per tau, since closer ones would only repeat each
 * other (where every argument is sampled, one per sample). The first N make what is normal; from then on it stays as
 * it is until an operator says otherwise: "learn again" begins anew, whatever stands; "this is normal" moves the
 * centre to the present and keeps the spread. Nothing is learnt while a rule that uses it stands. */
#include <math.h>
#include <string.h>

#include "calls.h"
#include "kinds.h"
#include "order.h"
#include "rule_engine.h"

enum { LEARN = 1, TAU };

static uint32_t wanted(const struct rx_expr *call)
{
	return (uint32_t)rx_arg(call, LEARN)->whole;
}

static wy_ms tau_of(struct rx_eval *ev, const struct rx_expr *call)
{
	return rx_eval_span(ev, rx_arg(call, TAU));
}

/* One per tau, at the very step that begins it: so a look at another time takes none. */
static bool is_next_turn(const struct rx_eval *ev, wy_ms tau_ms, int64_t *turn)
{
	int64_t now = rx_smooth_turns(ev->now_ms, tau_ms);

	if (now == *turn || now == rx_smooth_turns(ev->now_ms - 1, tau_ms))
		return false;
	*turn = now;
	return true;
}

/* What lasts hours or days is saved as it grows; what is quick only when it is done, and half way. */
static bool is_worth_saving(uint32_t n, uint32_t of, wy_ms tau_ms)
{
	return tau_ms >= RX_STEP_SAVED_MS || n == of || n == of / 2;
}

static struct rx_value missing(bool is_learnt)
{
	return rx_unknown_of(RX_T_REAL, is_learnt ? RX_NO_COVER : RX_LEARNING);
}

/* ---- zlearn ------------------------------------------------------------------------------- */

size_t rx_zlearn_bytes(const struct rx_expr *call)
{
	return sizeof(struct rx_mem_zlearn) + wanted(call) * sizeof(double);
}

/* The samples are spent: they stay behind in no order that matters. */
static void settle_on(const struct rx_expr *call, struct rx_mem_zlearn *m)
{
	struct rx_robust usual = rx_robust_of(m->sample, wanted(call));

	m->normal = usual.median;
	m->spread = RX_MAD_TO_SD * usual.mad;
	m->is_learnt = true;
	m->is_ordered = false;
	memset(m->sample, 0, wanted(call) * sizeof(double));
}

static bool is_known_now(const struct rx_eval *ev, const struct rx_expr *x, const struct rx_smooth *s, wy_ms tau_ms)
{
	wy_ms next_ms = WY_MS_NEVER;

	return x->sampling ? s->is_started && s->is_known
			   : s->is_started && s->is_known && rx_smooth_is_covered(s, RX_MIN_COVER, ev->now_ms, tau_ms, &next_ms);
}

bool rx_zlearn_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_zlearn *m = memory;
	wy_ms tau_ms = tau_of(ev, call);
	bool is_struck = rx_smooth_follow(ev, call->child, &m->smooth, tau_ms, &m->is_uncertain);
	bool is_time = call->child->sampling ? is_struck : is_next_turn(ev, tau_ms, &m->turn);

	if (m->is_learnt || !is_time || !is_known_now(ev, call->child, &m->smooth, tau_ms))
		return false;
	if (ev->is_frozen && !m->is_ordered)
		return false;
	m->sample[m->n++] = m->smooth.told;
	bool is_saved = is_worth_saving(m->n, wanted(call), tau_ms);
	if (m->n == wanted(call))
		settle_on(call, m);
	return is_saved;
}

struct rx_value fn_zlearn(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_zlearn *m = memory;

	if (!m->is_learnt || !rx_smooth_answers(ev, call, call->child, &m->smooth, tau_of(ev, call)))
		return missing(m->is_learnt);
	struct rx_value v = rx_real(rx_z(call->child, m->smooth.told, m->normal, m->spread));
	v.is_uncertain = m->is_uncertain;
	return v;
}

bool rx_zlearn_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_zlearn *m = memory;

	return rx_smooth_is_sound(&m->smooth) && rx_are_bools_sound(&m->is_learnt, 3) && m->n <= wanted(call) && (m->is_learnt || m->n < wanted(call)) &&
	       isfinite(m->normal) && isfinite(m->spread);
}

void rx_zlearn_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_zlearn *m = memory;

	(void)call;
	(void)down_ms;
	m->smooth.is_known = false;
}

bool rx_zlearn_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order)
{
	struct rx_mem_zlearn *m = memory;

	if (order == RX_ORDER_LEARN) {
		m->is_learnt = false;
		m->is_ordered = true;
		m->n = 0;
		return true;
	}
	if (order != RX_ORDER_ACCEPT || !m->is_learnt || !is_known_now(ev, call->child, &m->smooth, tau_of(ev, call)))
		return false;
	m->normal = m->smooth.told;
	return true;
}

/* ---- joint -------------------------------------------------------------------------------- */

_Static_assert(RX_CROWD == RX_MANY_MAX, "joint() takes as many as a call can have");

static bool is_all_sampled(const struct rx_expr *call)
{
	const struct rx_expr *x = call->child;

	for (unsigned i = 0; i < call->n_many; i++, x = x->next)
		if (!x->sampling)
			return false;
	return true;
}

/* All points as they are smoothed now; false: not all are known. */
static bool present(const struct rx_eval *ev, const struct rx_expr *call, const struct rx_mem_joint *m, wy_ms tau_ms,
		    double out[RX_CROWD])
{
	const struct rx_expr *x = call->child;

	for (unsigned i = 0; i < call->n_many; i++, x = x->next) {
		if (!is_known_now(ev, x, &m->smooth[i], tau_ms))
			return false;
		out[i] = m->smooth[i].told;
	}
	return true;
}

static void learn(const struct rx_expr *call, struct rx_mem_joint *m)
{
	const struct rx_expr *x = call->child;
	double floor[RX_CROWD];

	for (unsigned i = 0; i < call->n_many; i++, x = x->next) {
		floor[i] = rx_spread_least(x, m->crowd.mean[i]);
		/* Always at zero, and of no declared range: any move at all counts, as far as a z may. */
		floor[i] = floor[i] > 0 ? floor[i] : 1 / RX_Z_MOST;
	}
	rx_crowd_learn(&m->crowd, call->n_many, floor);
	m->is_learnt = true;
	m->is_ordered = false;
}

bool rx_joint_update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_joint *m = memory;
	const struct rx_expr *x = call->child;
	wy_ms tau_ms = tau_of(ev, call);
	bool is_struck = false;
	double now[RX_CROWD];

	for (unsigned i = 0; i < call->n_many; i++, x = x->next)
		is_struck = rx_smooth_follow(ev, x, &m->smooth[i], tau_ms, &m->is_uncertain[i]) || is_struck;
	bool is_time = is_all_sampled(call) ? is_struck : is_next_turn(ev, tau_ms, &m->turn);
	if (m->is_learnt || !is_time || (ev->is_frozen && !m->is_ordered) || !present(ev, call, m, tau_ms, now))
		return false;
	rx_crowd_add(&m->crowd, call->n_many, now);
	uint32_t n = (uint32_t)m->crowd.n;
	if (n == wanted(call))
		learn(call, m);
	return is_worth_saving(n, wanted(call), tau_ms);
}

struct rx_value fn_joint(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_joint *m = memory;
	const struct rx_expr *x = call->child;
	bool is_uncertain = false;
	double now[RX_CROWD];

	if (!m->is_learnt)
		return missing(false);
	for (unsigned i = 0; i < call->n_many; i++, x = x->next) {
		if (!rx_smooth_answers(ev, call, x, &m->smooth[i], tau_of(ev, call)))
			return missing(true);
		now[i] = m->smooth[i].told;
		is_uncertain = is_uncertain || m->is_uncertain[i];
	}
	struct rx_value v = rx_real(rx_crowd_distance(&m->crowd, call->n_many, now, NULL));
	v.is_uncertain = is_uncertain;
	return v;
}

unsigned rx_joint_shares(struct rx_eval *ev, const struct rx_expr *call, double shares[RX_CROWD])
{
	const struct rx_mem_joint *m = rx_memory_of(ev, call);
	const struct rx_expr *x = call->child;
	double now[RX_CROWD];

	if (!m->is_learnt)
		return 0;
	for (unsigned i = 0; i < call->n_many; i++, x = x->next) {
		if (!rx_smooth_answers(ev, call, x, &m->smooth[i], tau_of(ev, call)))
			return 0;
		now[i] = m->smooth[i].told;
	}
	return rx_crowd_distance(&m->crowd, call->n_many, now, shares) > 0 ? call->n_many : 0;
}

bool rx_joint_is_sound(const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_joint *m = memory;

	for (unsigned i = 0; i < call->n_many; i++)
		if (!rx_smooth_is_sound(&m->smooth[i]))
			return false;
	return rx_are_bools_sound(m->is_uncertain, RX_CROWD + 2) && m->crowd.n >= 0 && m->crowd.n <= wanted(call) && (m->is_learnt || m->crowd.n < wanted(call));
}

void rx_joint_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_mem_joint *m = memory;

	(void)down_ms;
	for (unsigned i = 0; i < call->n_many; i++)
		m->smooth[i].is_known = false;
}

bool rx_joint_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order)
{
	struct rx_mem_joint *m = memory;
	double now[RX_CROWD];

	if (order == RX_ORDER_LEARN) {
		m->is_learnt = false;
		m->is_ordered = true;
		memset(&m->crowd, 0, sizeof(m->crowd));
		return true;
	}
	if (order != RX_ORDER_ACCEPT || !m->is_learnt || !present(ev, call, m, tau_of(ev, call), now))
		return false;
	memcpy(m->crowd.mean, now, call->n_many * sizeof(*now));
	return true;
}

/* ---- share -------------------------------------------------------------------------------- */

static bool is_joint(const struct rx_expr *e)
{
	return e->op == RX_CALL && e->fn->update == rx_joint_update;
}

bool rx_share_check(struct rx_scope *scope, const struct rx_expr *call)
{
	const struct rx_expr *of = rx_arg(call, 1);

	if (is_joint(of) && call->child->whole <= of->n_many)
		return true;
	rx_error(scope->load, "E104", scope->node, rx_at(scope, of),
		 is_joint(of) ? "this joint() has fewer points than that" : "expected joint(...): share(2, joint(a, b, c, ...)) is that of b");
	return false;
}

struct rx_value fn_share(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_expr *of = rx_arg(call, 1);
	struct rx_value v = rx_unknown_of(RX_T_REAL, RX_NOT_SEEN);
	double shares[RX_CROWD];

	(void)memory;
	if (!ev->engine) {
		v.rlo = 0;
		v.rhi = 100;
		return v;
	}
	if (!rx_joint_shares(ev, of, shares))
		return v;
	return rx_real(100 * shares[call->child->whole - 1]);
}
