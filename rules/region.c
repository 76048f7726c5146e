/* region.c: conditions that speak of one variable only, such as `p > 8 bar` with `p < 7 bar`.
 *
 * Such a condition changes its truth only at the constants it compares with. So it is enough to try
 * those, a value between each two of them and one beyond each end, as far as the declared range has
 * them: what holds there holds everywhere. Conditions of several variables are left alone. */

#include <math.h>

#include "eval.h"
#include "lint_parts.h"
#include "order.h"

#define BEYOND 1e300 /* no end */

enum { CONSTANTS_MAX = 64, TRIALS_MAX = 4 * CONSTANTS_MAX + 2 };

struct region {
	struct rx_lens *lens;
	const struct rx_expr *variable; /* NULL: none met yet */
	double constants[CONSTANTS_MAX];
	size_t n;
	bool is_foreign; /* something else than one variable and constants */
};

static const struct rx_expr *inner(const struct rx_expr *e)
{
	return e->op == RX_SCALE ? e->child : e;
}

static void meet_variable(struct region *r, const struct rx_expr *e)
{
	const struct rx_expr *own = inner(e);

	/* In one unit throughout, so that no rounding moves a limit; a whole number in another unit has gaps. */
	r->is_foreign = r->is_foreign || (own->op != RX_POINT && own->op != RX_CALL) || (own != e && own->type == RX_T_INT) ||
			(r->variable && r->variable->hash != e->hash);
	if (!r->variable)
		r->variable = e;
}

static void meet_constant(struct region *r, double constant)
{
	r->is_foreign = r->is_foreign || r->n == CONSTANTS_MAX;
	if (!r->is_foreign)
		r->constants[r->n++] = constant;
}

static bool is_logic(const struct rx_expr *e)
{
	return e->op == RX_AND || e->op == RX_OR || e->op == RX_NOT;
}

/* Collects the variable and its constants, in the unit they meet in. */
static void meet(struct region *r, const struct rx_expr *e)
{
	double constant;

	if (is_logic(e)) {
		for (const struct rx_expr *c = e->child; c && !r->is_foreign; c = c->next)
			meet(r, c);
		return;
	}
	if (e->op != RX_COMPARE && e->op != RX_IN_SET && e->op != RX_IN_RANGE) {
		meet_variable(r, e);
		meet_constant(r, 0);
		return;
	}
	bool is_turned = e->op == RX_COMPARE && rx_lens_number(r->lens, e->child, &constant);
	const struct rx_expr *variable = is_turned ? e->child->next : e->child;
	meet_variable(r, variable);
	for (const struct rx_expr *c = e->child; c && !r->is_foreign; c = c->next) {
		if (c == variable)
			continue;
		r->is_foreign = !rx_lens_number(r->lens, c, &constant);
		if (!r->is_foreign)
			meet_constant(r, constant);
	}
}

static double worth(struct region *r, const struct rx_expr *e, double x)
{
	double number;

	return rx_lens_number(r->lens, e, &number) ? number : x;
}

/* Truth where the variable is x. Only for trees meet() has taken. */
static bool is_true_at(struct region *r, const struct rx_expr *e, double x)
{
	const struct rx_expr *a = e->child;

	if (e->op == RX_NOT)
		return !is_true_at(r, a, x);
	if (e->op == RX_AND || e->op == RX_OR) {
		for (const struct rx_expr *c = a; c; c = c->next)
			if (is_true_at(r, c, x) == (e->op == RX_OR))
				return e->op == RX_OR;
		return e->op == RX_AND;
	}
	if (e->op == RX_COMPARE)
		return rx_holds((enum rx_cmp)e->cmp, worth(r, a, x), worth(r, a->next, x));
	if (e->op == RX_IN_RANGE)
		return worth(r, a, x) >= worth(r, a->next, x) && worth(r, a, x) <= worth(r, a->next->next, x);
	if (e->op != RX_IN_SET)
		return x > 0.5; /* the variable itself, a bool */
	for (const struct rx_expr *c = a->next; c; c = c->next)
		if (worth(r, a, x) == worth(r, c, x))
			return true;
	return false;
}

/* The values a variable can have at all, by what is declared. */
static void bounds_of(const struct region *r, double *ret_low, double *ret_high)
{
	const struct rx_expr *e = r->variable;
	struct rx_eval ev = {.set = r->lens->load->set, .cls = &r->lens->load->set->classes[r->lens->variant->cls],
			     .next_ms = WY_MS_NEVER};

	*ret_low = -BEYOND;
	*ret_high = BEYOND;
	if (e->type == RX_T_BOOL || e->type == RX_T_ENUM) {
		*ret_low = 0;
		*ret_high = e->type == RX_T_BOOL ? 1 : (double)e->point->n_values - 1;
		return;
	}
	struct rx_value v = rx_as_real(rx_eval(&ev, e));
	*ret_low = v.rlo > *ret_low ? v.rlo : *ret_low;
	*ret_high = v.rhi < *ret_high ? v.rhi : *ret_high;
}

static bool is_whole(const struct rx_expr *e)
{
	return e->type == RX_T_BOOL || e->type == RX_T_ENUM || e->type == RX_T_INT;
}

/* Around a limit of whole numbers, which need not be one itself; else the limit and a value up to the next. */
static size_t trials_at(const struct region *r, size_t i, double *out)
{
	double c = r->constants[i];
	double below = floor(c);

	if (!is_whole(r->variable)) {
		out[0] = c;
		out[1] = i + 1 < r->n ? c + (r->constants[i + 1] - c) / 2 : c + 1;
		return 2;
	}
	for (size_t k = 0; k < 4; k++)
		out[k] = below - 1 + (double)k;
	return 4;
}

static size_t trials_of(struct region *r, double *out)
{
	double low;
	double high;
	double all[TRIALS_MAX];
	size_t n = 0;
	size_t kept = 0;

	bounds_of(r, &low, &high);
	rx_sort(r->constants, r->n);
	for (size_t i = 0; i < r->n; i++)
		n += trials_at(r, i, all + n);
	double first = r->constants[0];
	double last = r->constants[r->n - 1];
	all[n++] = low > -BEYOND ? low : first - 1 - (first < 0 ? -first : first);
	all[n++] = high < BEYOND ? high : last + 1 + (last < 0 ? -last : last);
	for (size_t i = 0; i < n; i++)
		if (all[i] >= low && all[i] <= high)
			out[kept++] = all[i];
	return kept;
}

struct counts {
	unsigned when, clear, both, all;
};

static bool count_truths(struct rx_lens *lens, const struct rx_expr *when, const struct rx_expr *clear,
			 struct counts *ret_counts)
{
	struct region r = {.lens = lens};
	double trials[TRIALS_MAX];

	*ret_counts = (struct counts){0};
	lens->blame = NULL;
	meet(&r, when);
	if (clear)
		meet(&r, clear);
	if (r.is_foreign || !r.variable || !r.n)
		return false;
	size_t n = trials_of(&r, trials);
	for (size_t i = 0; i < n; i++) {
		bool is_when = is_true_at(&r, when, trials[i]);
		bool is_clear = clear && is_true_at(&r, clear, trials[i]);
		ret_counts->when += is_when;
		ret_counts->clear += is_clear;
		ret_counts->both += is_when && is_clear;
	}
	ret_counts->all = (unsigned)n;
	return n > 0;
}

static void check_way_back(struct rx_lens *lens, const struct rx_level *level)
{
	struct counts counts;

	if (!count_truths(lens, level->when.root, level->clear.root, &counts) || !counts.both)
		return;
	if (counts.both == counts.clear)
		rx_lens_say(lens, WY_DIAG_ERROR, "E503", level->clear.node, 0,
			    "'clear' is true only while 'when' (%s) is true as well: this rule never returns; turn it round",
			    level->when.text);
	else
		rx_lens_say(lens, WY_DIAG_ERROR, "E502", level->clear.node, 0,
			    "'clear' and 'when' (%s) can be true together; move the limit of 'clear' out of 'when'",
			    level->when.text);
}

/* Whether there is one, the other tests have said; here it is about single comparisons that are
 * possible each and impossible together. */
static void check_truth(struct rx_lens *lens, const struct rx_cond *cond)
{
	struct counts counts;

	if (!is_logic(cond->root) || !count_truths(lens, cond->root, NULL, &counts))
		return;
	if (!counts.when)
		rx_lens_say(lens, WY_DIAG_ERROR, "E508", cond->node, 0,
			    "this is never true: its parts exclude each other");
	else if (counts.when == counts.all)
		rx_lens_say(lens, WY_DIAG_ERROR, "E508", cond->node, 0,
			    "this is always true: its parts cover every value");
}

void rx_lint_region(struct rx_lens *lens, const struct rx_level *level)
{
	size_t errors = lens->load->diags->errors;

	check_truth(lens, &level->when);
	if (level->clear.root)
		check_truth(lens, &level->clear);
	if (level->clear.root && lens->load->diags->errors == errors)
		check_way_back(lens, level);
}
