/* value.c: interval arithmetic and Kleene logic; see value.h. Whole numbers stay whole: a sum that
 * does not fit is unknown, never wrapped. Only the four basic operations are used, so the same
 * inputs give the same bits everywhere. */
#include "value.h"

#include <math.h>

enum { RECHECK_MS = 1000 }; /* for values whose change has no closed form */

struct rx_value rx_truth(enum rule_truth truth)
{
	return (struct rx_value){.truth = (uint8_t)truth};
}

struct rx_value rx_whole(int64_t value)
{
	return (struct rx_value){.is_whole = true, .lo = value, .hi = value};
}

struct rx_value rx_real(double value)
{
	return (struct rx_value){.rlo = value, .rhi = value};
}

struct rx_value rx_unknown_of(enum rx_type type, enum rx_unknown why)
{
	struct rx_value v = {.truth = RULE_UNKNOWN, .unknown = (uint8_t)why, .lo = INT64_MIN, .hi = INT64_MAX,
			     .rlo = -INFINITY, .rhi = INFINITY};

	v.is_whole = type == RX_T_INT || type == RX_T_ENUM || type == RX_T_COUNTER || type == RX_T_EVENT;
	return v;
}

bool rx_is_exact(const struct rx_value *v)
{
	return v->is_whole ? v->lo == v->hi : v->rlo == v->rhi;
}

double rx_number(const struct rx_value *v)
{
	return v->is_whole ? (double)v->lo : v->rlo;
}

struct rx_value rx_as_real(struct rx_value v)
{
	if (!v.is_whole)
		return v;
	v.is_whole = false;
	v.rlo = v.lo == INT64_MIN ? -INFINITY : (double)v.lo;
	v.rhi = v.hi == INT64_MAX ? INFINITY : (double)v.hi;
	return v;
}

/* The earlier of two bends; 0 is none. */
static double sooner(double a, double b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/* Doubt and reasons of the operands, for the result. */
static void inherit(struct rx_value *v, const struct rx_value *a, const struct rx_value *b)
{
	const struct rx_value *from = a->unknown ? a : b;

	v->is_uncertain = a->is_uncertain || b->is_uncertain;
	v->is_moving = v->is_moving || a->is_moving || b->is_moving;
	v->bend_ms = sooner(v->bend_ms, sooner(a->bend_ms, b->bend_ms));
	if (!v->unknown) {
		v->unknown = from->unknown;
		v->quality = from->quality;
		v->point = from->point;
	}
}

/* Keep an interval in order: not a number means nothing is known; a known result beyond all
 * doubles is an overflow. */
static void settle(struct rx_value *v, bool was_exact)
{
	bool is_broken = isnan(v->rlo) || isnan(v->rhi) || (was_exact && !(isfinite(v->rlo) && isfinite(v->rhi)));

	if (!is_broken)
		return;
	v->rlo = -INFINITY;
	v->rhi = INFINITY;
	if (was_exact)
		v->unknown = RX_TOO_LARGE;
}

static bool add_whole(int64_t a, int64_t b, int64_t open, int64_t *ret_sum)
{
	if (a == open || b == open) {
		*ret_sum = open;
		return true;
	}
	return !__builtin_add_overflow(a, b, ret_sum);
}

struct rx_value rx_add(struct rx_value a, struct rx_value b)
{
	struct rx_value v = {0};

	if (a.is_whole && b.is_whole) {
		v.is_whole = true;
		if (!add_whole(a.lo, b.lo, INT64_MIN, &v.lo) || !add_whole(a.hi, b.hi, INT64_MAX, &v.hi))
			v = rx_unknown_of(RX_T_INT, RX_TOO_LARGE);
		inherit(&v, &a, &b);
		return v;
	}
	a = rx_as_real(a);
	b = rx_as_real(b);
	v.rlo = a.rlo + b.rlo;
	v.rhi = a.rhi + b.rhi;
	v.slope_lo = a.slope_lo + b.slope_lo;
	v.slope_hi = a.slope_hi + b.slope_hi;
	settle(&v, rx_is_exact(&a) && rx_is_exact(&b));
	inherit(&v, &a, &b);
	return v;
}

struct rx_value rx_neg(struct rx_value a)
{
	struct rx_value v = a;

	if (a.is_whole) {
		v.lo = a.hi == INT64_MAX ? INT64_MIN : -a.hi;
		v.hi = a.lo == INT64_MIN ? INT64_MAX : -a.lo;
		return v;
	}
	v.rlo = -a.rhi;
	v.rhi = -a.rlo;
	v.slope_lo = -a.slope_hi;
	v.slope_hi = -a.slope_lo;
	return v;
}

struct rx_value rx_sub(struct rx_value a, struct rx_value b)
{
	return rx_add(a, rx_neg(b));
}

/* Smallest and largest of the four products or quotients of the ends. 0 times "no end" is 0 here:
 * the end stands for some finite number. */
static void span_of(struct rx_value *v, const double ends[4])
{
	v->rlo = INFINITY;
	v->rhi = -INFINITY;
	for (unsigned i = 0; i < 4; i++) {
		double end = isnan(ends[i]) ? 0 : ends[i];
		v->rlo = end < v->rlo ? end : v->rlo;
		v->rhi = end > v->rhi ? end : v->rhi;
	}
}

static bool is_still(const struct rx_value *v)
{
	return v->slope_lo == 0 && v->slope_hi == 0;
}

/* Slopes times a known factor; a negative one swaps the ends. */
static void scale_slopes(struct rx_value *v, const struct rx_value *from, double factor)
{
	v->slope_lo = (factor < 0 ? from->slope_hi : from->slope_lo) * factor;
	v->slope_hi = (factor < 0 ? from->slope_lo : from->slope_hi) * factor;
}

static void set_slope(struct rx_value *v, const struct rx_value *a, const struct rx_value *b, bool is_mul)
{
	if (is_still(a) && is_still(b))
		return;
	if (is_still(b) && rx_is_exact(b))
		scale_slopes(v, a, is_mul ? b->rlo : 1 / b->rlo);
	else if (is_mul && is_still(a) && rx_is_exact(a))
		scale_slopes(v, b, a->rlo);
	else
		v->is_moving = true;
}

struct rx_value rx_mul(struct rx_value a, struct rx_value b)
{
	struct rx_value v = {0};

	if (a.is_whole && b.is_whole && rx_is_exact(&a) && rx_is_exact(&b)) {
		v.is_whole = true;
		if (__builtin_mul_overflow(a.lo, b.lo, &v.lo))
			v = rx_unknown_of(RX_T_INT, RX_TOO_LARGE);
		else
			v.hi = v.lo;
		inherit(&v, &a, &b);
		return v;
	}
	a = rx_as_real(a);
	b = rx_as_real(b);
	double ends[4] = {a.rlo * b.rlo, a.rlo * b.rhi, a.rhi * b.rlo, a.rhi * b.rhi};
	span_of(&v, ends);
	set_slope(&v, &a, &b, true);
	settle(&v, rx_is_exact(&a) && rx_is_exact(&b));
	inherit(&v, &a, &b);
	return v;
}

struct rx_value rx_div(struct rx_value a, struct rx_value b)
{
	struct rx_value v = {0};

	a = rx_as_real(a);
	b = rx_as_real(b);
	if (b.rlo <= 0 && b.rhi >= 0) {
		bool is_zero = rx_is_exact(&b);
		v = rx_unknown_of(RX_T_REAL, is_zero ? RX_NO_DIVISOR : RX_KNOWN);
		v.is_moving = !is_still(&a) || !is_still(&b);
		inherit(&v, &a, &b);
		return v;
	}
	double ends[4] = {a.rlo / b.rlo, a.rlo / b.rhi, a.rhi / b.rlo, a.rhi / b.rhi};
	span_of(&v, ends);
	set_slope(&v, &a, &b, false);
	settle(&v, rx_is_exact(&a) && rx_is_exact(&b));
	inherit(&v, &a, &b);
	return v;
}

/* The smaller of two ends as time goes on: its slope now, and when the other becomes the smaller one. */
static double least_end(double a, double slope_a, double b, double slope_b, double *ret_slope, double *bend_ms)
{
	bool is_a = a < b || (a == b && slope_a < slope_b);
	double gap = is_a ? b - a : a - b;
	double closing = is_a ? slope_a - slope_b : slope_b - slope_a;

	*ret_slope = is_a ? slope_a : slope_b;
	if (isfinite(gap) && gap > 0 && closing > 0)
		*bend_ms = sooner(*bend_ms, gap / closing);
	return is_a ? a : b;
}

struct rx_value rx_least(struct rx_value a, struct rx_value b)
{
	struct rx_value v = {0};

	if (a.is_whole && b.is_whole) {
		v.is_whole = true;
		v.lo = a.lo < b.lo ? a.lo : b.lo;
		v.hi = a.hi < b.hi ? a.hi : b.hi;
	} else {
		a = rx_as_real(a);
		b = rx_as_real(b);
		v.rlo = least_end(a.rlo, a.slope_lo, b.rlo, b.slope_lo, &v.slope_lo, &v.bend_ms);
		v.rhi = least_end(a.rhi, a.slope_hi, b.rhi, b.slope_hi, &v.slope_hi, &v.bend_ms);
	}
	inherit(&v, &a, &b);
	return v;
}

struct rx_value rx_greatest(struct rx_value a, struct rx_value b)
{
	return rx_neg(rx_least(rx_neg(a), rx_neg(b)));
}

struct rx_value rx_abs(struct rx_value a)
{
	struct rx_value v = rx_greatest(a, rx_neg(a));

	/* a below and above zero: the larger of lo and -hi is too low a lower end. */
	if (a.is_whole && a.lo < 0 && a.hi > 0)
		v.lo = 0;
	if (!a.is_whole && a.rlo < 0 && a.rhi > 0) {
		v.rlo = v.slope_lo = 0;
		v.bend_ms = sooner(v.bend_ms, sooner(a.slope_lo > 0 ? -a.rlo / a.slope_lo : 0,
						     a.slope_hi < 0 ? -a.rhi / a.slope_hi : 0));
	}
	return v;
}

struct rx_value rx_hull(struct rx_value a, struct rx_value b)
{
	struct rx_value v = {0};

	if (a.is_whole && b.is_whole) {
		v.is_whole = true;
		v.lo = a.lo < b.lo ? a.lo : b.lo;
		v.hi = a.hi > b.hi ? a.hi : b.hi;
	} else {
		a = rx_as_real(a);
		b = rx_as_real(b);
		v.rlo = a.rlo < b.rlo ? a.rlo : b.rlo;
		v.rhi = a.rhi > b.rhi ? a.rhi : b.rhi;
		v.is_moving = !is_still(&a) || !is_still(&b);
	}
	v.truth = a.truth == b.truth ? a.truth : RULE_UNKNOWN;
	inherit(&v, &a, &b);
	return v;
}

/* ---- Comparison --------------------------------------------------------------------------- */

static enum rule_truth less(const struct rx_value *a, const struct rx_value *b)
{
	if (a->is_whole && b->is_whole) {
		if (a->hi < b->lo)
			return RULE_TRUE;
		return a->lo >= b->hi && a->lo != INT64_MIN ? RULE_FALSE : RULE_UNKNOWN;
	}
	if (a->rhi < b->rlo)
		return RULE_TRUE;
	/* A lower end of plus infinity is "never", and above everything; minus infinity is no end. */
	return a->rlo >= b->rhi && a->rlo > -INFINITY ? RULE_FALSE : RULE_UNKNOWN;
}

static enum rule_truth equal(const struct rx_value *a, const struct rx_value *b)
{
	bool is_apart = a->is_whole && b->is_whole ? a->hi < b->lo || b->hi < a->lo
						   : a->rhi < b->rlo || b->rhi < a->rlo;

	if (is_apart)
		return RULE_FALSE;
	return rx_is_exact(a) && rx_is_exact(b) ? RULE_TRUE : RULE_UNKNOWN;
}

/* When a gap that shrinks by `speed` per ms is closed: then, and 1 ms later, truth may change. */
static void meet(double gap, double speed, wy_ms now_ms, wy_ms *next_ms)
{
	if (!isfinite(gap) || speed == 0)
		return;
	double wait = ceil(gap / speed);
	if (gap / speed < 0 || wait > 1e15)
		return;
	wy_ms at_ms = now_ms + (wait < 1 ? 1 : (wy_ms)wait);
	*next_ms = at_ms < *next_ms ? at_ms : *next_ms;
}

static void look_ahead(const struct rx_value *a, const struct rx_value *b, wy_ms now_ms, wy_ms *next_ms)
{
	double bend_ms = sooner(a->bend_ms, b->bend_ms);

	if ((a->is_moving || b->is_moving) && now_ms + RECHECK_MS < *next_ms)
		*next_ms = now_ms + RECHECK_MS;
	if (bend_ms > 0)
		meet(bend_ms, 1, now_ms, next_ms);
	meet(b->rlo - a->rhi, a->slope_hi - b->slope_lo, now_ms, next_ms);
	meet(b->rhi - a->rlo, a->slope_lo - b->slope_hi, now_ms, next_ms);
}

enum rule_truth rx_compare(enum rx_cmp cmp, const struct rx_value *a, const struct rx_value *b,
			   wy_ms now_ms, wy_ms *next_ms)
{
	struct rx_value x = *a;
	struct rx_value y = *b;

	if (!(x.is_whole && y.is_whole)) {
		x = rx_as_real(x);
		y = rx_as_real(y);
		look_ahead(&x, &y, now_ms, next_ms);
	}
	switch (cmp) {
	case RX_EQ:
		return equal(&x, &y);
	case RX_NE:
		return rx_not(equal(&x, &y));
	case RX_LT:
		return less(&x, &y);
	case RX_GE:
		return rx_not(less(&x, &y));
	case RX_GT:
		return less(&y, &x);
	case RX_LE:
		return rx_not(less(&y, &x));
	}
	return RULE_UNKNOWN;
}

enum rule_truth rx_not(enum rule_truth a)
{
	static const enum rule_truth table[] = {
		[RULE_FALSE] = RULE_TRUE, [RULE_TRUE] = RULE_FALSE, [RULE_UNKNOWN] = RULE_UNKNOWN};

	return table[a];
}

enum rule_truth rx_and(enum rule_truth a, enum rule_truth b)
{
	if (a == RULE_FALSE || b == RULE_FALSE)
		return RULE_FALSE;
	return a == RULE_TRUE && b == RULE_TRUE ? RULE_TRUE : RULE_UNKNOWN;
}

enum rule_truth rx_or(enum rule_truth a, enum rule_truth b)
{
	return rx_not(rx_and(rx_not(a), rx_not(b)));
}
