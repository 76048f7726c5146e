/* reference_windows.c: windows, each computed anew from the whole history.
 *
 * A window of w is the 64 full panes of w/64 before the running one, and the running one; panes stand at whole
 * multiples of their length. Level: a value counts as long as it stood. Sampled: at its instants. */
#include <math.h>
#include <string.h>

#include "reference.h"
#include "window.h"

struct view {
	const struct reference *ref;
	const struct rx_expr *call;
	const struct rx_expr *arg;
	size_t node;    /* of the argument */
	wy_ms window_ms, pane_ms;
	wy_ms now_ms, from_ms; /* from_ms: where the oldest pane begins */
	wy_ms border_ms;       /* where the running pane begins */
};

static struct view look(const struct reference *ref, const struct rx_expr *call)
{
	struct view v = {.ref = ref, .call = call, .arg = call->child, .node = ref_node(ref, call->child)};

	v.window_ms = (wy_ms)rx_window_arg(call)->real;
	v.pane_ms = (v.window_ms + 63) / 64;
	v.now_ms = ref->at_ms[ref->n - 1];
	v.border_ms = v.now_ms / v.pane_ms * v.pane_ms;
	v.from_ms = v.border_ms - 64 * v.pane_ms;
	return v;
}

/* ---- What is known of the argument --------------------------------------------------------- */

static const struct ref_value *value(const struct view *v, size_t i)
{
	return ref_at(v->ref, v->node, i);
}

/* Is the argument known from instant i on? Of what is sampled: is its event watched? */
static bool is_known(const struct view *v, size_t i)
{
	if (v->arg->type == RX_T_BOOL)
		return value(v, i)->truth != RULE_UNKNOWN;
	if (!v->arg->sampling)
		return ref_is_known(value(v, i)) && isfinite(value(v, i)->lo);
	return ref_is_known(ref_at(v->ref, ref_node(v->ref, rx_arg(v->arg->sampling, 1)), i));
}

static bool has_sample(const struct view *v, size_t i)
{
	return value(v, i)->is_sampled && ref_is_known(value(v, i)) && isfinite(value(v, i)->lo);
}

/* The newest instant at or before a time, or the first. */
static size_t first_of(const struct view *v, wy_ms at_ms)
{
	size_t low = 0;
	size_t high = v->ref->n;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;
		if (v->ref->at_ms[middle] <= at_ms)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* How much of [from, to) an instant's value stood. */
static wy_ms overlap(const struct view *v, size_t i, wy_ms from_ms, wy_ms to_ms)
{
	wy_ms begin_ms = v->ref->at_ms[i];
	wy_ms end_ms = i + 1 < v->ref->n ? v->ref->at_ms[i + 1] : v->now_ms;

	begin_ms = begin_ms > from_ms ? begin_ms : from_ms;
	end_ms = end_ms < to_ms ? end_ms : to_ms;
	return end_ms > begin_ms ? end_ms - begin_ms : 0;
}

static wy_ms known_ms(const struct view *v, wy_ms from_ms, wy_ms to_ms)
{
	wy_ms sum_ms = 0;

	for (size_t i = first_of(v, from_ms); i < v->ref->n && v->ref->at_ms[i] < to_ms; i++)
		if (is_known(v, i))
			sum_ms += overlap(v, i, from_ms, to_ms);
	return sum_ms;
}

static bool is_covered(const struct view *v)
{
	return (double)known_ms(v, v->from_ms, v->border_ms) >= v->call->min_cover * (double)v->window_ms;
}

static size_t samples_in(const struct view *v, wy_ms from_ms, wy_ms to_ms)
{
	size_t n = 0;

	for (size_t i = first_of(v, from_ms); i < v->ref->n; i++)
		n += has_sample(v, i) && v->ref->at_ms[i] >= from_ms && v->ref->at_ms[i] < to_ms;
	return n;
}

static bool answers(const struct view *v, size_t n_samples)
{
	return is_covered(v) && (!v->arg->sampling || n_samples >= v->call->min_samples);
}

/* ---- Smallest and largest ------------------------------------------------------------------ */

static double best(const struct view *v, double sign)
{
	double out = -INFINITY;

	for (size_t i = first_of(v, v->from_ms); i < v->ref->n; i++) {
		bool is_last = i + 1 == v->ref->n;
		bool counts = v->arg->sampling ? has_sample(v, i) && v->ref->at_ms[i] >= v->from_ms
					       : is_known(v, i) && (is_last || overlap(v, i, v->from_ms, v->now_ms) > 0);
		if (counts && sign * value(v, i)->lo > out)
			out = sign * value(v, i)->lo;
	}
	return out;
}

static bool is_sure(const struct view *v)
{
	return answers(v, samples_in(v, v->from_ms, WY_MS_NEVER));
}

static struct ref_value extreme(const struct view *v, double sign)
{
	double out = best(v, sign);

	if (!isinf(out) && is_sure(v))
		return ref_number(sign * out);
	return sign > 0 ? ref_between(out, INFINITY) : ref_between(-INFINITY, -out);
}

static struct ref_value way(const struct view *v, double sign)
{
	const struct ref_value *now = value(v, v->ref->n - 1);
	double from = best(v, sign);

	if (!ref_is_known(now))
		return ref_between(0, INFINITY);
	double out = from - sign * now->lo;
	if (!isinf(from) && is_sure(v))
		return ref_number(out);
	return ref_between(out > 0 ? out : 0, INFINITY);
}

static struct ref_value spread(const struct view *v)
{
	double high = best(v, 1);
	double low = -best(v, -1);

	if (!(high >= low))
		return ref_between(0, INFINITY);
	return is_sure(v) ? ref_number(high - low) : ref_between(high - low, INFINITY);
}

/* ---- Means --------------------------------------------------------------------------------- */

struct sum {
	double sum, rest;
};

static void add(struct sum *s, double term)
{
	double sum = s->sum + term;

	s->rest += fabs(s->sum) >= fabs(term) ? (s->sum - sum) + term : (term - sum) + s->sum;
	s->sum = sum;
}

/* Each stretch of one value within [from, to), oldest first; the samples there, each of weight 1. */
static size_t runs(const struct view *v, wy_ms from_ms, wy_ms to_ms, double *values, double *weights)
{
	size_t n = 0;
	bool goes_on = false;

	for (size_t i = first_of(v, from_ms); i < v->ref->n && v->ref->at_ms[i] < to_ms; i++) {
		double span = v->arg->sampling ? has_sample(v, i) && v->ref->at_ms[i] >= from_ms : (double)overlap(v, i, from_ms, to_ms);
		if (span == 0)
			continue;
		bool is_same = goes_on && values[n - 1] == value(v, i)->lo;
		goes_on = !v->arg->sampling && is_known(v, i);
		if (is_same && goes_on)
			weights[n - 1] += span;
		else if (goes_on || v->arg->sampling) {
			values[n] = value(v, i)->lo;
			weights[n++] = span;
		}
	}
	return n;
}

static double values[REF_INSTANTS_MAX], weights[REF_INSTANTS_MAX];

static struct sum sum_of_pane(const struct view *v, wy_ms from_ms, double *ret_weight)
{
	size_t n = runs(v, from_ms, from_ms + v->pane_ms, values, weights);
	struct sum s = {0, 0};

	*ret_weight = 0;
	for (size_t i = 0; i < n; i++) {
		add(&s, v->arg->sampling ? values[i] : values[i] * weights[i]);
		*ret_weight += weights[i];
	}
	return s;
}

/* Of a level the full panes, of samples the running one too. */
static struct sum total(const struct view *v, double *ret_weight)
{
	wy_ms end_ms = v->arg->sampling ? v->border_ms + 1 : v->border_ms;
	struct sum out = {0, 0};

	*ret_weight = 0;
	for (wy_ms at_ms = v->from_ms; at_ms < end_ms; at_ms += v->pane_ms) {
		double weight;
		struct sum s = sum_of_pane(v, at_ms, &weight);
		add(&out, s.sum);
		add(&out, s.rest);
		*ret_weight += weight;
	}
	return out;
}

static struct ref_value avg(const struct view *v)
{
	double weight;
	struct sum s = total(v, &weight);

	if (weight == 0 || !answers(v, (size_t)weight))
		return ref_between(-INFINITY, INFINITY);
	return ref_number((s.sum + s.rest) / weight);
}

static struct ref_value sum_(const struct view *v)
{
	double weight;
	struct sum s = total(v, &weight);
	bool is_empty = weight == 0 && v->call->min_samples <= 1 && is_covered(v);

	if (!answers(v, (size_t)weight) && !is_empty)
		return ref_between(-INFINITY, INFINITY);
	return ref_number(s.sum + s.rest);
}

/* ---- Dots: the means of the full panes ------------------------------------------------------ */

struct dot {
	double t, y, weight;
};

static size_t dots_of(const struct view *v, struct dot *dots, double *ret_weight)
{
	size_t n = 0;

	*ret_weight = 0;
	for (int i = 0; i < 64; i++) {
		double weight;
		struct sum s = sum_of_pane(v, v->from_ms + i * v->pane_ms, &weight);
		if (weight == 0)
			continue;
		*ret_weight += weight;
		dots[n++] = (struct dot){((double)i + 0.5 - 64) * (double)v->pane_ms, (s.sum + s.rest) / weight, weight};
	}
	return n;
}

/* Least squares about the means, everything from the first dot. */
static struct ref_value slope(const struct view *v)
{
	struct dot dots[64];
	double all;
	size_t n = dots_of(v, dots, &all);
	double w = 0, t = 0, y = 0, tt = 0, ty = 0, yy = 0, most = 0;

	if (!answers(v, (size_t)all) || n < 3)
		return ref_between(-INFINITY, INFINITY);
	for (size_t i = 0; i < n; i++) {
		w += dots[i].weight;
		t += dots[i].weight * (dots[i].t - dots[0].t);
		y += dots[i].weight * (dots[i].y - dots[0].y);
		most = fabs(dots[i].y) > most ? fabs(dots[i].y) : most;
	}
	t /= w;
	y /= w;
	for (size_t i = 0; i < n; i++) {
		double dt = dots[i].t - dots[0].t - t;
		double dy = dots[i].y - dots[0].y - y;
		tt += dots[i].weight * dt * dt;
		ty += dots[i].weight * dt * dy;
		yy += dots[i].weight * dy * dy;
	}
	if (tt <= 0)
		return ref_between(-INFINITY, INFINITY);
	bool is_flat = yy <= w * (1e-12 * most) * (1e-12 * most);
	return ref_number((is_flat ? 0 : ty / tt) * 3600000);
}

static struct ref_value rank_of_level(const struct view *v, double p)
{
	struct dot dots[64];
	double all, below = 0;
	size_t n = dots_of(v, dots, &all);

	if (!answers(v, (size_t)all) || n == 0)
		return ref_between(-INFINITY, INFINITY);
	/* The smallest value that has at least the share p of the weight at or below it. */
	for (size_t taken = 0; taken < n; taken++) {
		size_t least = 0;
		for (size_t i = 1; i < n; i++)
			if (dots[i].weight > 0 && (dots[least].weight == 0 || dots[i].y < dots[least].y))
				least = i;
		below += dots[least].weight;
		if (below >= p * all - 1e-9)
			return ref_number(dots[least].y);
		dots[least].weight = 0;
	}
	return ref_between(-INFINITY, INFINITY);
}

static struct ref_value rank_of_samples(const struct view *v, double p)
{
	size_t n = 0;

	/* The newest 256 only; exact at both edges of the window. */
	for (size_t i = v->ref->n, seen = 0; i-- > 0 && seen < 256;)
		if (has_sample(v, i)) {
			seen++;
			if (v->ref->at_ms[i] > v->now_ms - v->window_ms)
				values[n++] = value(v, i)->lo;
		}
	if (n == 0 || !answers(v, n))
		return ref_between(-INFINITY, INFINITY);
	for (size_t i = 0; i < n; i++) {
		size_t below = 0, equal = 0;
		for (size_t j = 0; j < n; j++) {
			below += values[j] < values[i];
			equal += values[j] == values[i];
		}
		double rank = p * (double)n - 1e-9;
		bool is_it = (double)(below + equal) >= rank && ((double)below < rank || below == 0);
		if (is_it)
			return ref_number(values[i]);
	}
	return ref_between(-INFINITY, INFINITY);
}

static struct ref_value rank(const struct view *v, double p)
{
	return v->arg->sampling ? rank_of_samples(v, p) : rank_of_level(v, p);
}

/* ---- Deviation ----------------------------------------------------------------------------- */

struct moments {
	double weight, mean, m2;
};

static void weigh(struct moments *m, double x, double weight)
{
	double away = x - m->mean;

	m->mean += away * (weight / (m->weight + weight));
	m->m2 += weight * away * (x - m->mean);
	m->weight += weight;
}

static void join(struct moments *a, const struct moments *b)
{
	double away = b->mean - a->mean;
	double share = b->weight / (a->weight + b->weight);

	a->m2 += b->m2 + away * away * a->weight * share;
	a->mean += away * share;
	a->weight += b->weight;
}

static struct ref_value sd(const struct view *v)
{
	wy_ms end_ms = v->arg->sampling ? v->border_ms + 1 : v->border_ms;
	struct moments all = {0, 0, 0};

	for (wy_ms at_ms = v->from_ms; at_ms < end_ms; at_ms += v->pane_ms) {
		struct moments pane = {0, 0, 0};
		size_t n = runs(v, at_ms, at_ms + v->pane_ms, values, weights);
		for (size_t i = 0; i < n; i++)
			weigh(&pane, values[i], weights[i]);
		if (pane.weight > 0)
			join(&all, &pane);
	}
	if (all.weight == 0 || !answers(v, (size_t)all.weight))
		return ref_between(0, INFINITY);
	return ref_number(sqrt((all.m2 > 0 ? all.m2 : 0) / all.weight));
}

/* ---- Differences, truths, counts ----------------------------------------------------------- */

static struct ref_value delta(const struct view *v)
{
	const struct ref_value *now = value(v, v->ref->n - 1);
	double edge = NAN;

	for (size_t i = 0; i < v->ref->n && v->ref->at_ms[i] <= v->from_ms; i++) {
		if (v->arg->sampling ? has_sample(v, i) : is_known(v, i))
			edge = value(v, i)->lo;
		else if (!v->arg->sampling)
			edge = NAN;
	}
	if (isnan(edge))
		return ref_between(-INFINITY, INFINITY);
	bool is_exact = ref_is_known(now);
	double lo = now->lo - edge, hi = now->hi - edge;
	return is_exact ? ref_number(lo) : ref_between(lo, hi);
}

static struct ref_value flips(const struct view *v)
{
	uint8_t last = RULE_UNKNOWN;
	double n = 0;

	for (size_t i = 0; i < v->ref->n; i++) {
		uint8_t is = value(v, i)->truth;
		if (is == RULE_UNKNOWN)
			continue;
		n += last != RULE_UNKNOWN && last != is && v->ref->at_ms[i] >= v->from_ms;
		last = is;
	}
	return ref_between(n, is_covered(v) ? n : INFINITY);
}

static double true_ms(const struct view *v)
{
	wy_ms sum_ms = 0;

	for (size_t i = first_of(v, v->from_ms); i < v->ref->n; i++)
		if (value(v, i)->truth == RULE_TRUE)
			sum_ms += overlap(v, i, v->from_ms, v->border_ms);
	return (double)sum_ms;
}

static struct ref_value held(const struct view *v)
{
	return ref_between(true_ms(v), is_covered(v) ? true_ms(v) : INFINITY);
}

static struct ref_value frac(const struct view *v)
{
	double known = (double)known_ms(v, v->from_ms, v->border_ms);

	if (!is_covered(v) || known == 0)
		return ref_between(0, 100);
	return ref_number(100 * true_ms(v) / known);
}

static struct ref_value count(const struct view *v)
{
	double exact = 0, by_panes = 0;

	for (size_t i = 0; i < v->ref->n; i++) {
		if (!is_known(v, i))
			continue;
		exact += v->ref->at_ms[i] > v->now_ms - v->window_ms ? value(v, i)->lo : 0;
		by_panes += v->ref->at_ms[i] >= v->from_ms ? value(v, i)->lo : 0;
	}
	/* Small counts are exact; more than a ring holds goes by panes. */
	double n = exact < 64 ? exact : by_panes > 64 ? by_panes : 64;
	return ref_between(n, is_covered(v) ? n : INFINITY);
}

/* Steps of a counter from its first value on. A step over more than the window cannot be placed: all begins anew. */
struct growth {
	double in_window, in_full; /* with the running pane, and without */
	wy_ms begin_ms;            /* accounted for since then; WY_MS_NONE: not yet */
};

static struct growth growth(const struct view *v)
{
	struct growth g = {0, 0, WY_MS_NONE};
	bool has_last = false;
	size_t last = 0;

	for (size_t i = 0; i < v->ref->n; i++) {
		if (!is_known(v, i))
			continue;
		wy_ms at_ms = v->ref->at_ms[i];
		/* The last value stood until the instant after it. */
		if (has_last && at_ms - v->ref->at_ms[last + 1] > v->window_ms)
			g = (struct growth){0, 0, WY_MS_NONE}, has_last = false;
		if (has_last) {
			double step = ref_steps(v->arg->point, value(v, last)->lo, value(v, i)->lo);
			g.in_window += at_ms >= v->from_ms ? step : 0;
			g.in_full += at_ms >= v->from_ms && at_ms < v->border_ms ? step : 0;
		} else {
			g.begin_ms = at_ms;
		}
		has_last = true;
		last = i;
	}
	return g;
}

static wy_ms accounted_ms(const struct view *v, const struct growth *g)
{
	wy_ms begin_ms = g->begin_ms > v->from_ms ? g->begin_ms : v->from_ms;

	return g->begin_ms != WY_MS_NONE && v->border_ms > begin_ms ? v->border_ms - begin_ms : 0;
}

static bool is_accounted(const struct view *v, const struct growth *g)
{
	return (double)accounted_ms(v, g) >= v->call->min_cover * (double)v->window_ms;
}

static struct ref_value increase(const struct view *v)
{
	struct growth g = growth(v);
	bool is_exact = ref_is_known(value(v, v->ref->n - 1)) && is_accounted(v, &g);

	return ref_between(g.in_window, is_exact ? g.in_window : INFINITY);
}

static struct ref_value rate(const struct view *v)
{
	struct growth g = growth(v);
	double ms = (double)accounted_ms(v, &g);

	if (ms == 0 || !is_accounted(v, &g) || !ref_is_known(value(v, v->ref->n - 1)))
		return ref_between(0, INFINITY);
	return ref_number(g.in_full / ms * 3600000);
}

/* ---- The table ----------------------------------------------------------------------------- */

static struct ref_value max_(const struct view *v)
{
	return extreme(v, 1);
}

static struct ref_value min_(const struct view *v)
{
	return extreme(v, -1);
}

static struct ref_value drop(const struct view *v)
{
	return way(v, 1);
}

static struct ref_value gain(const struct view *v)
{
	return way(v, -1);
}

static struct ref_value median(const struct view *v)
{
	return rank(v, 0.5);
}

static struct ref_value quantile(const struct view *v)
{
	return rank(v, rx_arg(v->call, 1)->real);
}

bool ref_window(const struct reference *ref, const struct rx_expr *call, struct ref_value *ret_value)
{
	static const struct {
		const char *name;
		struct ref_value (*of)(const struct view *v);
	} rows[] = {
		{"max", max_},	 {"min", min_},	    {"spread", spread}, {"drop", drop},	    {"gain", gain},
		{"avg", avg},	 {"sum", sum_},	    {"slope", slope},	{"median", median}, {"quantile", quantile},
		{"sd", sd},	 {"delta", delta},  {"flips", flips},	{"held", held},	    {"frac", frac},
		{"count", count}, {"increase", increase}, {"rate", rate},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(rows[i].name, call->fn->name) != 0)
			continue;
		struct view v = look(ref, call);
		*ret_value = rows[i].of(&v);
		return true;
	}
	return false;
}
