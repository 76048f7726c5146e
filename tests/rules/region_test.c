/* region_test.c: what the checker says of conditions over one variable, against trying every value: random conditions on
 * small domains. It must refuse none that is sound, and let none pass that oscillates or never returns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "case_play.h"

enum { TRIES = 1000, LEAVES = 3 };

/* ---- Random conditions --------------------------------------------------------------------- */

static uint32_t seed;

static unsigned dice(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 12) % n;
}

/* A variable of the case: how it is written, and the values it can have. */
struct domain {
	const char *name;
	const char *unit;      /* behind a number */
	double low, high, step; /* of constants and values; constants stand at whole and half numbers */
	double below, above;    /* values reach so much further, where nothing is declared */
	bool is_enum;
};

static const struct domain domains[] = {
	{"n", "", 0, 9, 1, 0, 0, false},
	{"p", " bar", 0, 6, 0.125, 0, 0, false},
	{"m", "", 0, 3, 1, 0, 0, true},
	{"avg(p, 10min)", " bar", 0, 6, 0.125, 0, 0, false},
	{"count(rise(a), 1h)", "", 0, 20, 1, 0, 30, false},
	{"frac(a, 1h)", " %", 0, 100, 0.5, 0, 0, false},
	{"zlearn(p, learn=10, tau=1min)", "", -20, 20, 0.25, 30, 30, false},
	{"squeeze", " mbar", 0, 6000, 125, 0, 0, false}, /* a signal in another unit */
};

static const char *const words[] = {"RED", "GREEN", "BLUE", "GREY"};

enum leaf_kind { COMPARE, RANGE, SET };

struct leaf {
	enum leaf_kind kind;
	unsigned cmp;
	bool is_not;
	double a, b;
};

struct cond {
	struct leaf leaf[LEAVES];
	unsigned n;
	bool is_or;
};

static const char *const compares[] = {"<", "<=", ">", ">=", "==", "!="};

static double constant(const struct domain *d)
{
	double span = d->high - d->low;
	unsigned halves = (unsigned)(2 * span) + 1;

	if (d->is_enum)
		return dice(4);
	if (span > 1000)
		return d->low + 500 * dice((unsigned)(span / 500) + 1);
	return d->low + 0.5 * dice(halves);
}

static struct cond make(const struct domain *d)
{
	struct cond c = {.n = 1 + dice(LEAVES), .is_or = dice(2)};

	for (unsigned i = 0; i < c.n; i++) {
		struct leaf *leaf = &c.leaf[i];
		leaf->is_not = dice(4) == 0;
		leaf->kind = (enum leaf_kind)dice(3);
		leaf->cmp = d->is_enum ? 4 + dice(2) : dice(4);
		leaf->a = constant(d);
		leaf->b = constant(d);
		if (d->is_enum && leaf->kind == RANGE)
			leaf->kind = SET;
		if (!d->is_enum && leaf->kind == SET)
			leaf->kind = RANGE;
		if (leaf->kind == RANGE && leaf->b < leaf->a) {
			double swapped = leaf->a;
			leaf->a = leaf->b;
			leaf->b = swapped;
		}
	}
	return c;
}

static bool is_true(const struct leaf *leaf, double x)
{
	bool truth;

	if (leaf->kind == RANGE)
		truth = x >= leaf->a && x <= leaf->b;
	else if (leaf->kind == SET)
		truth = x == leaf->a || x == leaf->b;
	else
		truth = leaf->cmp == 0 ? x < leaf->a : leaf->cmp == 1 ? x <= leaf->a : leaf->cmp == 2 ? x > leaf->a
			: leaf->cmp == 3 ? x >= leaf->a : leaf->cmp == 4 ? x == leaf->a : x != leaf->a;
	return truth != leaf->is_not;
}

static bool holds(const struct cond *c, double x)
{
	for (unsigned i = 0; i < c->n; i++)
		if (is_true(&c->leaf[i], x) == c->is_or)
			return c->is_or;
	return !c->is_or;
}

static void add_constant(struct wy_buf *buf, const struct domain *d, double value)
{
	if (d->is_enum) {
		wy_buf_add(buf, words[(size_t)value]);
		return;
	}
	wy_buf_real(buf, value, 3);
	wy_buf_add(buf, d->unit);
}

static void add_leaf(struct wy_buf *buf, const struct domain *d, const struct leaf *leaf)
{
	const char *open = leaf->kind == RANGE ? " in [" : leaf->kind == SET ? " in {" : " ";

	wy_buf_addf(buf, "%s%s%s", leaf->is_not ? "not " : "", d->name, open);
	if (leaf->kind == COMPARE)
		wy_buf_addf(buf, "%s ", compares[leaf->cmp]);
	add_constant(buf, d, leaf->a);
	if (leaf->kind == COMPARE)
		return;
	wy_buf_add(buf, ", ");
	add_constant(buf, d, leaf->b);
	wy_buf_add(buf, leaf->kind == RANGE ? "]" : "}");
}

static void add_cond(struct wy_buf *buf, const struct domain *d, const struct cond *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		wy_buf_add(buf, i ? (c->is_or ? " or " : " and ") : "");
		add_leaf(buf, d, &c->leaf[i]);
	}
}

/* ---- The checker and the truth ------------------------------------------------------------- */

struct truth {
	unsigned when, clear, both, all;
};

static struct truth try_all(const struct domain *d, const struct cond *when, const struct cond *clear)
{
	struct truth t = {0};

	for (double x = d->low - d->below; x <= d->high + d->above; x += d->step) {
		bool is_when = holds(when, x), is_clear = holds(clear, x);
		t.when += is_when;
		t.clear += is_clear;
		t.both += is_when && is_clear;
		t.all++;
	}
	return t;
}

/* A leaf that is the same for ever by itself is a mistake too. */
static bool has_idle_leaf(const struct domain *d, const struct cond *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		unsigned n = 0, all = 0;
		for (double x = d->low - d->below; x <= d->high + d->above; x += d->step, all++)
			n += is_true(&c->leaf[i], x);
		if (n == 0 || n == all)
			return true;
	}
	return false;
}

static const char head[] =
	"class:\n"
	"  a: {type: bool, poll: 1s}\n"
	"  n: {type: int, range: [0, 9]}\n"
	"  p: {type: real, unit: bar, range: [0, 6], poll: 1s}\n"
	"  m: {type: enum, values: [RED, GREEN, BLUE, GREY]}\n"
	"file:\n"
	"  weiyu: rules/1\n"
	"  package: t\n"
	"  signals: [{name: squeeze, of: thing, unit: mbar, expr: p}]\n"
	"  rules:\n"
	"    - {id: t.r, scope: thing, fault: T-01, tier: S3";

static bool is_said(const struct case_world *w, const char *code)
{
	for (size_t i = 0; i < w->diags.n; i++)
		if (strcmp(w->diags.item[i].code, code) == 0)
			return true;
	return false;
}

static void judge(const struct domain *d, const struct cond *when, const struct cond *clear, const char *text)
{
	struct case_world w;
	struct truth t = try_all(d, when, clear);
	bool is_idle = has_idle_leaf(d, when) || has_idle_leaf(d, clear);
	bool is_same = !t.when || t.when == t.all || !t.clear || t.clear == t.all;
	bool is_wrong = is_idle || is_same || t.both > 0;
	bool is_open = case_open(&w, NULL, text);

	if (is_open && is_wrong && t.both > 0)
		fail_msg("passes, though both are true at %u of %u values: %s", t.both, t.all, text);
	if (!is_open && !is_wrong)
		fail_msg("refused with %s, though sound: %s", w.diags.n ? w.diags.item[0].code : "?", text);
	if (!is_open && !is_idle && !is_same) {
		const char *code = t.both == t.clear ? "E503" : "E502";
		if (!is_said(&w, code))
			fail_msg("%s is not said: %s", code, text);
	}
	case_close(&w);
}

static void conditions_on_one_variable_are_judged_as_by_trying_all_values(void **state)
{
	(void)state;
	seed = 20;
	for (unsigned i = 0; i < TRIES; i++) {
		const struct domain *d = &domains[dice(sizeof(domains) / sizeof(*domains))];
		struct cond when = make(d), clear = make(d);
		char text[3000];
		struct wy_buf buf;
		wy_buf_init(&buf, text, sizeof(text));
		wy_buf_addf(&buf, "%s, when: '", head);
		add_cond(&buf, d, &when);
		wy_buf_add(&buf, "', clear: '");
		add_cond(&buf, d, &clear);
		/* What holds back a raise changes nothing of what may be written. */
		wy_buf_add(&buf, dice(3) ? "'}\n" : "', hold: {at_least: 5min, within: 10min}}\n");
		assert_false(buf.is_cut);
		judge(d, &when, &clear, text);
	}
}

/* ---- What is not one variable -------------------------------------------------------------- */

/* Sound, each for another reason. */
static const char *const sound[] = {
	/* parts of a sampled quantile that differ in what only the question knows */
	"when: 'quantile(p, 0.9, 1h) > 3 bar', clear: 'quantile(p, 0.1, 1h) > 3.5 bar'",
	/* two windows are two variables */
	"when: 'max(p, 1h) > 3 bar', clear: 'max(p, 10min) < 4 bar'",
	/* no whole number lies between */
	"when: 'n > 7.5', clear: 'n < 7.5'",
	"when: 'n >= 7.5', clear: 'n <= 7.5'",
	"when: 'n == 3 or n == 5', clear: 'n == 4 or n > 5'",
	/* one limit in two units */
	"when: 'p > 3 bar', clear: 'p <= 3000 mbar'",
	"when: 'squeeze > 3 bar', clear: 'squeeze <= 3000 mbar'",
	/* levels that raise alike and return apart */
	"levels: [{tier: S3, when: p > 3 bar, clear: p < 1 bar}, {tier: S2, when: p > 3 bar, clear: p < 2 bar}], meta: {}",
	/* counted for each key */
	"by: n, when: 'count(rise(a), 1h) > 3', clear: 'count(rise(a), 1h) < 2'",
	/* an event may happen again while the way back is open */
	"event: rise(p > 3 bar), clear: 'p < 3 bar or p > 5 bar'",
	"pattern: {steps: [{see: rise(a)}, {absent: fall(a), for: 10s}]}, clear: 'not a'",
};

static void what_only_looks_wrong_passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sound) / sizeof(*sound); i++) {
		char text[2000];
		struct wy_buf buf;
		struct case_world w;
		wy_buf_init(&buf, text, sizeof(text));
		/* `levels` have tiers of their own. */
		wy_buf_addn(&buf, head, strlen(head) - (strncmp(sound[i], "levels", 6) == 0 ? strlen(", tier: S3") : 0));
		wy_buf_addf(&buf, ", %s}\n", sound[i]);
		if (!case_open(&w, NULL, text))
			fail_msg("%s %s: %s", w.diags.item[0].code, w.diags.item[0].text, sound[i]);
		case_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_on_one_variable_are_judged_as_by_trying_all_values),
		cmocka_unit_test(what_only_looks_wrong_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
