/* reference.c: see reference.h. Operators, events, and what needs no window. */
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Values -------------------------------------------------------------------------------- */

bool ref_is_known(const struct ref_value *v)
{
	return v->lo == v->hi;
}

struct ref_value ref_between(double lo, double hi)
{
	return (struct ref_value){.truth = RULE_UNKNOWN, .lo = lo, .hi = hi};
}

struct ref_value ref_number(double value)
{
	return value - value == 0 ? ref_between(value, value) : ref_between(-INFINITY, INFINITY);
}

static struct ref_value truth(int is_true)
{
	return (struct ref_value){.truth = (uint8_t)is_true};
}

static struct ref_value unknown(void)
{
	return ref_between(-INFINITY, INFINITY);
}

/* ---- Nodes --------------------------------------------------------------------------------- */

size_t ref_node(const struct reference *ref, const struct rx_expr *e)
{
	for (size_t i = 0; i < ref->n_nodes; i++)
		if (ref->node[i] == e)
			return i;
	abort();
}

/* Children first. */
static bool add_nodes(struct reference *ref, const struct rx_expr *e)
{
	for (const struct rx_expr *c = e->child; c; c = c->next)
		if (!add_nodes(ref, c))
			return false;
	if (ref->n_nodes == REF_NODES_MAX)
		return false;
	ref->node[ref->n_nodes++] = e;
	return true;
}

bool ref_open(struct reference *ref, const struct rule_set *set, wy_ms start_ms)
{
	memset(ref, 0, sizeof(*ref));
	ref->set = set;
	ref->start_ms = start_ms;
	for (size_t i = 0; i < set->n_rules; i++)
		if (!add_nodes(ref, set->rules[i].variants[0].levels[0].when.root))
			return false;
	ref->value = calloc(ref->n_nodes * REF_INSTANTS_MAX, sizeof(*ref->value));
	return ref->value != NULL;
}

void ref_close(struct reference *ref)
{
	free(ref->value);
}

void ref_instant(struct reference *ref, wy_ms at_ms)
{
	size_t i = ref->n++;

	if (ref->n > REF_INSTANTS_MAX)
		abort();
	ref->at_ms[i] = at_ms;
	for (size_t p = 0; p < REF_POINTS; p++)
		ref->slot[i][p] = i ? ref->slot[i - 1][p] : (struct ref_slot){.at_ms = WY_MS_NONE};
	ref->heard_ms[i] = i ? ref->heard_ms[i - 1] : WY_MS_NONE;
}

void ref_put(struct reference *ref, uint32_t point, bool is_usable, double value)
{
	ref->slot[ref->n - 1][point] = (struct ref_slot){is_usable, value, ref->at_ms[ref->n - 1]};
}

void ref_hear(struct reference *ref)
{
	ref->heard_ms[ref->n - 1] = ref->at_ms[ref->n - 1];
}

const struct ref_value *ref_value_of(const struct reference *ref, size_t node)
{
	return ref_at(ref, node, ref->n - 1);
}

/* ---- Numbers ------------------------------------------------------------------------------- */

/* What is known of a result that came out as this: nothing, if it is no number, or if known numbers overflowed. */
static struct ref_value result(double lo, double hi, bool was_known)
{
	bool is_broken = lo != lo || hi != hi || (was_known && (lo - lo != 0 || hi - hi != 0));

	return is_broken ? unknown() : ref_between(lo, hi);
}

static double finite_or_zero(double x)
{
	return x != x ? 0 : x;
}

static struct ref_value of_ends(const double ends[4], bool was_known)
{
	double lo = INFINITY;
	double hi = -INFINITY;

	for (unsigned i = 0; i < 4; i++) {
		lo = finite_or_zero(ends[i]) < lo ? finite_or_zero(ends[i]) : lo;
		hi = finite_or_zero(ends[i]) > hi ? finite_or_zero(ends[i]) : hi;
	}
	return result(lo, hi, was_known);
}

static struct ref_value add(struct ref_value a, struct ref_value b)
{
	return result(a.lo + b.lo, a.hi + b.hi, ref_is_known(&a) && ref_is_known(&b));
}

static struct ref_value negative(struct ref_value a)
{
	return ref_between(-a.hi, -a.lo);
}

static struct ref_value multiply(struct ref_value a, struct ref_value b)
{
	double ends[4] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};

	return of_ends(ends, ref_is_known(&a) && ref_is_known(&b));
}

static struct ref_value divide(struct ref_value a, struct ref_value b)
{
	double ends[4] = {a.lo / b.lo, a.lo / b.hi, a.hi / b.lo, a.hi / b.hi};

	if (b.lo <= 0 && b.hi >= 0)
		return unknown();
	return of_ends(ends, ref_is_known(&a) && ref_is_known(&b));
}

static struct ref_value least(struct ref_value a, struct ref_value b)
{
	return ref_between(a.lo < b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi);
}

static struct ref_value absolute(struct ref_value a)
{
	struct ref_value v = negative(least(negative(a), a));

	if (a.lo < 0 && a.hi > 0)
		v.lo = 0;
	return v;
}

static int less(const struct ref_value *a, const struct ref_value *b)
{
	if (a->hi < b->lo)
		return RULE_TRUE;
	return a->lo >= b->hi && a->lo > -INFINITY ? RULE_FALSE : RULE_UNKNOWN;
}

static int not_(int t)
{
	return t == RULE_UNKNOWN ? t : t == RULE_TRUE ? RULE_FALSE : RULE_TRUE;
}

static int equal(const struct ref_value *a, const struct ref_value *b)
{
	if (a->hi < b->lo || b->hi < a->lo)
		return RULE_FALSE;
	return ref_is_known(a) && ref_is_known(b) ? RULE_TRUE : RULE_UNKNOWN;
}

static int compare(uint8_t cmp, const struct ref_value *a, const struct ref_value *b)
{
	switch ((enum rx_cmp)cmp) {
	case RX_EQ:
		return equal(a, b);
	case RX_NE:
		return not_(equal(a, b));
	case RX_LT:
		return less(a, b);
	case RX_GE:
		return not_(less(a, b));
	case RX_GT:
		return less(b, a);
	case RX_LE:
		return not_(less(b, a));
	}
	abort();
}

/* ---- Points and time ----------------------------------------------------------------------- */

static bool is_fresh(const struct reference *ref, const struct rx_expr *e, size_t i)
{
	const struct ref_slot *slot = &ref->slot[i][e->index];

	return slot->is_usable && ref->at_ms[i] - slot->at_ms < e->point->stale_ms;
}

static struct ref_value point_at(const struct reference *ref, const struct rx_expr *e, size_t i)
{
	const struct ref_slot *slot = &ref->slot[i][e->index];

	if (!is_fresh(ref, e, i))
		return unknown();
	return e->type == RX_T_BOOL ? truth(slot->value != 0) : ref_between(slot->value, slot->value);
}

static struct ref_value elapsed(const struct reference *ref, wy_ms since_ms, wy_ms grace_ms)
{
	wy_ms now_ms = ref->at_ms[ref->n - 1];
	wy_ms from_ms = ref->start_ms + grace_ms;

	if (since_ms != WY_MS_NONE)
		return ref_number((double)(now_ms - since_ms));
	return ref_between(now_ms > from_ms ? (double)(now_ms - from_ms) : 0, INFINITY);
}

static struct ref_value age(const struct reference *ref, const struct rx_expr *point)
{
	for (size_t i = ref->n; i-- > 0;)
		if (ref->slot[i][point->index].is_usable)
			return elapsed(ref, ref->slot[i][point->index].at_ms, 0);
	return elapsed(ref, WY_MS_NONE, 2 * point->point->poll_ms + 30000);
}

static struct ref_value silence(const struct reference *ref)
{
	return elapsed(ref, ref->heard_ms[ref->n - 1], 2000);
}

/* ---- Events -------------------------------------------------------------------------------- */

/* The newest instant before i at which a condition was known; false: none. */
static bool known_before(const struct reference *ref, size_t node, size_t i, size_t *ret_j)
{
	for (size_t j = i; j-- > 0;)
		if (ref_at(ref, node, j)->truth != RULE_UNKNOWN) {
			*ret_j = j;
			return true;
		}
	return false;
}

static struct ref_value edge(const struct reference *ref, const struct rx_expr *call, int to)
{
	size_t b = ref_node(ref, call->child);
	size_t now = ref->n - 1;
	int is = ref_at(ref, b, now)->truth;
	size_t before;

	if (is == RULE_UNKNOWN)
		return unknown();
	bool fires = is == to && known_before(ref, b, now, &before) && ref_at(ref, b, before)->truth != is;
	return ref_number(fires);
}

static double bits(const struct rx_expr *point, const struct ref_value *v)
{
	return point->type == RX_T_BOOL ? (double)v->truth : v->lo;
}

static bool has_value(const struct rx_expr *e, const struct ref_value *v)
{
	return e->type == RX_T_BOOL ? v->truth != RULE_UNKNOWN : ref_is_known(v);
}

/* The newest value of a point before instant i that was known. */
static bool value_before(const struct reference *ref, const struct rx_expr *point, size_t i, size_t *ret_j)
{
	size_t node = ref_node(ref, point);

	for (size_t j = i; j-- > 0;)
		if (has_value(point, ref_at(ref, node, j))) {
			*ret_j = j;
			return true;
		}
	return false;
}

static struct ref_value change(const struct reference *ref, const struct rx_expr *call)
{
	size_t node = ref_node(ref, call->child);
	size_t now = ref->n - 1;
	size_t j;

	if (!has_value(call->child, ref_at(ref, node, now)))
		return unknown();
	return ref_number(value_before(ref, call->child, now, &j) &&
			  bits(call->child, ref_at(ref, node, j)) != bits(call->child, ref_at(ref, node, now)));
}

static struct ref_value prev(const struct reference *ref, const struct rx_expr *call)
{
	size_t node = ref_node(ref, call->child);
	size_t last, j;

	if (!value_before(ref, call->child, ref->n, &last))
		return unknown();
	for (j = last; value_before(ref, call->child, j, &j);)
		if (bits(call->child, ref_at(ref, node, j)) != bits(call->child, ref_at(ref, node, last))) {
			struct ref_value v = *ref_at(ref, node, j);
			v.is_sampled = false;
			return v;
		}
	return unknown();
}

double ref_steps(const struct wy_point *point, double last, double now)
{
	double step = now - last;

	if (step < 0)
		step += (double)point->modulus;
	if (step >= 0 && step <= (double)point->max_step)
		return step;
	return now >= 0 && now <= (double)point->max_step ? now : 0;
}

static struct ref_value pulse(const struct reference *ref, const struct rx_expr *call)
{
	size_t node = ref_node(ref, call->child);
	size_t now = ref->n - 1;
	size_t j;

	if (!ref_is_known(ref_at(ref, node, now)))
		return unknown();
	if (!value_before(ref, call->child, now, &j))
		return ref_number(0);
	return ref_number(ref_steps(call->child->point, ref_at(ref, node, j)->lo, ref_at(ref, node, now)->lo));
}

/* The first instant of the present stretch in which an event was watched. */
static size_t watched_from(const struct reference *ref, size_t node)
{
	size_t i = ref->n - 1;

	while (i > 0 && ref_is_known(ref_at(ref, node, i - 1)))
		i--;
	return i;
}

static struct ref_value since_event(const struct reference *ref, const struct rx_expr *e)
{
	size_t node = ref_node(ref, e);
	wy_ms now_ms = ref->at_ms[ref->n - 1];
	bool is_known = ref_is_known(ref_at(ref, node, ref->n - 1));

	for (size_t i = ref->n; i-- > 0;)
		if (ref_is_known(ref_at(ref, node, i)) && ref_at(ref, node, i)->lo > 0) {
			double span = (double)(now_ms - ref->at_ms[i]);
			return ref_between(is_known ? span : 0, span);
		}
	return ref_between(is_known ? (double)(now_ms - ref->at_ms[watched_from(ref, node)] + 1) : 0, INFINITY);
}

static struct ref_value since_condition(const struct reference *ref, const struct rx_expr *b)
{
	size_t node = ref_node(ref, b);
	size_t i = ref->n - 1;
	bool is_from_start = true;

	if (ref_at(ref, node, i)->truth == RULE_UNKNOWN)
		return ref_between(0, INFINITY);
	if (ref_at(ref, node, i)->truth == RULE_FALSE)
		return ref_number(0);
	/* Back to where it turned true: over what was unknown, if it was true before that too. */
	size_t began = i;
	for (size_t j = i; j-- > 0;) {
		if (ref_at(ref, node, j)->truth == RULE_FALSE) {
			is_from_start = false;
			break;
		}
		began = ref_at(ref, node, j)->truth == RULE_TRUE ? j : began;
	}
	double span = (double)(ref->at_ms[i] - ref->at_ms[began]);
	return ref_between(span, is_from_start ? INFINITY : span);
}

/* A value at the instants of an event, or `delay` after each of the last eight that wait. */
static struct ref_value sample(const struct reference *ref, const struct rx_expr *call)
{
	const struct rx_expr *on = rx_arg(call, 1);
	double delay_ms = rx_arg(call, 2)->real;
	size_t x = ref_node(ref, call->child);
	size_t event = ref_node(ref, on);
	size_t now = ref->n - 1;
	bool is_due = false;

	for (size_t i = now + 1; i-- > 0 && (double)(ref->at_ms[now] - ref->at_ms[i]) <= delay_ms;) {
		bool fires = ref_is_known(ref_at(ref, event, i)) && ref_at(ref, event, i)->lo > 0;
		is_due = is_due || (fires && (double)(ref->at_ms[now] - ref->at_ms[i]) == delay_ms);
	}
	if (is_due && ref_is_known(ref_at(ref, x, now))) {
		struct ref_value v = *ref_at(ref, x, now);
		v.is_sampled = true;
		return v;
	}
	struct ref_value v = now ? *ref_at(ref, ref_node(ref, call), now - 1) : unknown();
	v.is_sampled = false;
	return v;
}

/* ---- The tree ------------------------------------------------------------------------------ */

typedef struct ref_value (*plain_fn)(const struct reference *ref, const struct rx_expr *call, const struct ref_value *a,
				     const struct ref_value *b, const struct ref_value *c);

static struct ref_value say_known(const struct reference *ref, const struct rx_expr *call, const struct ref_value *a,
				 const struct ref_value *b, const struct ref_value *c)
{
	(void)ref, (void)b, (void)c;
	return truth(has_value(call->child, a));
}

static struct ref_value say_pick(const struct reference *ref, const struct rx_expr *call, const struct ref_value *a,
				const struct ref_value *b, const struct ref_value *c)
{
	(void)ref, (void)call;
	if (a->truth != RULE_UNKNOWN)
		return a->truth == RULE_TRUE ? *b : *c;
	return ref_between(b->lo < c->lo ? b->lo : c->lo, b->hi > c->hi ? b->hi : c->hi);
}

static bool call_plain(const struct reference *ref, const struct rx_expr *e, const struct ref_value *a, const struct ref_value *b,
		       const struct ref_value *c, struct ref_value *ret)
{
	const char *name = e->fn->name;

	if (strcmp(name, "known") == 0)
		*ret = say_known(ref, e, a, b, c);
	else if (strcmp(name, "pick") == 0)
		*ret = say_pick(ref, e, a, b, c);
	else if (strcmp(name, "abs") == 0)
		*ret = absolute(*a);
	else if (strcmp(name, "least") == 0)
		*ret = least(*a, *b);
	else if (strcmp(name, "greatest") == 0)
		*ret = negative(least(negative(*a), negative(*b)));
	else if (strcmp(name, "age") == 0)
		*ret = age(ref, e->child);
	else if (strcmp(name, "silence") == 0)
		*ret = silence(ref);
	else
		return false;
	return true;
}

static bool call_event(const struct reference *ref, const struct rx_expr *e, struct ref_value *ret)
{
	const char *name = e->fn->name;

	if (strcmp(name, "rise") == 0)
		*ret = edge(ref, e, RULE_TRUE);
	else if (strcmp(name, "fall") == 0)
		*ret = edge(ref, e, RULE_FALSE);
	else if (strcmp(name, "change") == 0)
		*ret = change(ref, e);
	else if (strcmp(name, "prev") == 0)
		*ret = prev(ref, e);
	else if (strcmp(name, "pulse") == 0)
		*ret = pulse(ref, e);
	else if (strcmp(name, "since") == 0)
		*ret = e->child->type == RX_T_EVENT ? since_event(ref, e->child) : since_condition(ref, e->child);
	else if (strcmp(name, "sample") == 0)
		*ret = sample(ref, e);
	else
		return false;
	return true;
}

static struct ref_value call(const struct reference *ref, const struct rx_expr *e)
{
	static const struct ref_value none;
	const struct ref_value *arg[3] = {&none, &none, &none};
	const struct rx_expr *c = e->child;
	struct ref_value v;

	for (unsigned i = 0; i < 3 && c; i++, c = c->next)
		arg[i] = ref_value_of(ref, ref_node(ref, c));
	if (call_plain(ref, e, arg[0], arg[1], arg[2], &v) || call_event(ref, e, &v) || ref_window(ref, e, &v))
		return v;
	abort();
}

/* All of a list of conditions, or any of it. */
static int join(const struct reference *ref, const struct rx_expr *e)
{
	int settles = e->op == RX_AND ? RULE_FALSE : RULE_TRUE;
	int out = not_(settles);

	for (const struct rx_expr *c = e->child; c; c = c->next) {
		int t = ref_value_of(ref, ref_node(ref, c))->truth;
		if (t == settles)
			return settles;
		out = t == RULE_UNKNOWN ? RULE_UNKNOWN : out;
	}
	return out;
}

static struct ref_value compute(const struct reference *ref, const struct rx_expr *e)
{
	const struct rx_expr *second = e->child ? e->child->next : NULL;
	const struct ref_value *a = e->child ? ref_value_of(ref, ref_node(ref, e->child)) : NULL;
	const struct ref_value *b = second ? ref_value_of(ref, ref_node(ref, second)) : NULL;

	switch ((enum rx_op)e->op) {
	case RX_TRUTH:
		return truth(e->truth);
	case RX_NUMBER:
		return ref_number(e->type == RX_T_INT ? (double)e->whole : e->real);
	case RX_WORD:
		return ref_number((double)e->index);
	case RX_POINT:
		return point_at(ref, e, ref->n - 1);
	case RX_CALL:
		return call(ref, e);
	case RX_NOT:
		return truth(not_(a->truth));
	case RX_AND:
	case RX_OR:
		return truth(join(ref, e));
	case RX_COMPARE:
		if (e->child->type != RX_T_BOOL)
			return truth(compare(e->cmp, a, b));
		if (a->truth == RULE_UNKNOWN || b->truth == RULE_UNKNOWN)
			return truth(RULE_UNKNOWN);
		return truth((a->truth == b->truth) == (e->cmp == RX_EQ));
	case RX_ADD:
		return add(*a, *b);
	case RX_SUB:
		return add(*a, negative(*b));
	case RX_MUL:
		return multiply(*a, *b);
	case RX_DIV:
		return divide(*a, *b);
	case RX_NEG:
		return negative(*a);
	default:
		abort();
	}
}

/* A number is sampled where a part of it is. */
static bool is_sampled_now(const struct reference *ref, const struct rx_expr *e)
{
	for (const struct rx_expr *c = e->child; c; c = c->next)
		if (ref_value_of(ref, ref_node(ref, c))->is_sampled)
			return true;
	return false;
}

void ref_settle(struct reference *ref)
{
	for (size_t i = 0; i < ref->n_nodes; i++) {
		const struct rx_expr *e = ref->node[i];
		struct ref_value v = compute(ref, e);
		bool is_sample = e->op == RX_CALL && strcmp(e->fn->name, "sample") == 0;
		if (!is_sample)
			v.is_sampled = e->sampling && is_sampled_now(ref, e);
		ref->value[i * REF_INSTANTS_MAX + ref->n - 1] = v;
	}
}
