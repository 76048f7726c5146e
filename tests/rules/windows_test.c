/* windows_test.c: windows against a plain model that keeps all history, tick by tick, and counts anew at each question.
 * Samples, gaps, empty turns and restarts come at random; the seeds are fixed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "case_play.h"

enum {
	ENGINE_BYTES = 2 << 20, STORE_BYTES = 1 << 20, TICK_MS = 100, PANE = 10 /* ticks */, WINDOW = 640, TICKS = 6000,
	BASE_MS = 64000000, LEAVES = 21, SEEDS = 12,
};

static const char text[] =
	"case: windows\n"
	"class: {p: {type: real, unit: bar, stale: 1h}, a: {type: bool, stale: 1h},"
	" c: {type: counter, modulus: 65536, max_step: 500, stale: 1h}}\n"
	"file:\n"
	"  weiyu: rules/1\n"
	"  package: t\n"
	"  signals: [{name: s, of: thing, expr: \"sample(p, on=change(a))\"}]\n"
	"  rules:\n"
	"    - {id: t.r, scope: thing, fault: T-01, tier: S3, clear_hold: 5s, when: \"avg(p, 64s) > 5 bar or sd(p, 64s) > 5 bar or"
	" max(p, 64s) > 5 bar or min(p, 64s) > 5 bar or spread(p, 64s) > 5 bar or drop(p, 64s) > 5 bar or gain(p, 64s) > 5 bar or"
	" median(p, 64s) > 5 bar or quantile(p, 0.9, 64s) > 5 bar or delta(p, 64s) > 5 bar or held(a, 64s) > 5ms or"
	" frac(a, 64s) > 5 % or flips(a, 64s) > 5 or count(rise(a), 64s) > 5 or increase(c, 64s) > 5 or avg(s, 64s) > 5 bar or"
	" sum(s, 64s) > 5 bar or sd(s, 64s) > 5 bar or median(s, 64s) > 5 bar or max(s, 64s) > 5 bar or rate(c, 64s) > 5 per_h\"}\n"
	"play: |\n"
	"  0s\n";

/* ---- The model ---------------------------------------------------------------------------- */

static double p[TICKS]; /* in force from the tick on */
static bool p_known[TICKS];
static bool a[TICKS], a_known[TICKS];
static bool flips[TICKS], rises[TICKS];
static bool sampled[TICKS]; /* p is taken by a change of a */
static int64_t grown[TICKS];
static int now; /* tick */

static int border(void)
{
	return now / PANE * PANE;
}

static int first(void)
{
	return border() > WINDOW ? border() - WINDOW : 0;
}

static bool is_covered(const bool *known)
{
	int n = 0;

	for (int i = first(); i < border(); i++)
		n += known[i];
	return n * 4 >= WINDOW * 3;
}

/* NAN: no answer. */
static double moment(const double *x, const bool *counts, int from, int to, int which)
{
	double n = 0;
	double sum = 0;
	double square = 0;

	for (int i = from; i < to; i++) {
		n += counts[i];
		sum += counts[i] ? x[i] : 0;
	}
	for (int i = from; i < to; i++)
		square += counts[i] ? (x[i] - sum / n) * (x[i] - sum / n) : 0;
	if (which == 0)
		return sum;
	return n == 0 ? (double)NAN : which == 1 ? sum / n : sqrt(square / n);
}

static double extreme(const double *x, const bool *counts, double sign)
{
	double best = -INFINITY;

	for (int i = first(); i <= now; i++)
		best = counts[i] && sign * x[i] > best ? sign * x[i] : best;
	return isinf(best) ? (double)NAN : sign * best;
}

struct weighed {
	double value, weight;
};

static double rank(struct weighed *w, int n, double share)
{
	double all = 0;
	double below = 0;

	for (int i = 0; i < n; i++) {
		all += w[i].weight;
		for (int j = i; j > 0 && w[j - 1].value > w[j].value; j--) {
			struct weighed moved = w[j];
			w[j] = w[j - 1];
			w[j - 1] = moved;
		}
	}
	for (int i = 0; i < n; i++) {
		below += w[i].weight;
		if (below >= share * all - 1e-9)
			return w[i].value;
	}
	return (double)NAN;
}

static double rank_of_panes(double share)
{
	struct weighed w[WINDOW / PANE + 1];
	int n = 0;

	for (int from = first(); from < border(); from += PANE) {
		w[n].value = moment(p, p_known, from, from + PANE, 1);
		w[n].weight = 0;
		for (int i = from; i < from + PANE; i++)
			w[n].weight += p_known[i];
		n += w[n].weight > 0;
	}
	return rank(w, n, share);
}

static double rank_of_samples(void)
{
	struct weighed w[WINDOW + 1];
	int n = 0;

	for (int i = now - WINDOW + 1 < 0 ? 0 : now - WINDOW + 1; i <= now; i++)
		if (sampled[i])
			w[n++] = (struct weighed){p[i], 1};
	return rank(w, n, 0.5);
}

static double total(const bool *x, int from, int to)
{
	double n = 0;

	for (int i = from < 0 ? 0 : from; i < to; i++)
		n += x[i];
	return n;
}

static double growth(int to)
{
	int64_t n = 0;

	for (int i = first(); i < to; i++)
		n += grown[i];
	return (double)n;
}

static double model(int leaf)
{
	const bool *known = leaf < 10 ? p_known : a_known;
	double none = (double)NAN;
	bool has_samples = total(sampled, first(), now + 1) > 0;
	double truths = 0;

	if (leaf != 9 && leaf != 14 && leaf != 20 && !is_covered(known))
		return none;
	if (leaf >= 15 && leaf != 16 && leaf != 20 && !has_samples)
		return none;
	for (int i = first(); i < border(); i++)
		truths += a_known[i] && a[i];
	switch (leaf) {
	case 0: return moment(p, p_known, first(), border(), 1);
	case 1: return moment(p, p_known, first(), border(), 2);
	case 2: return extreme(p, p_known, 1);
	case 3: return extreme(p, p_known, -1);
	case 4: return extreme(p, p_known, 1) - extreme(p, p_known, -1);
	case 5: return p_known[now] ? extreme(p, p_known, 1) - p[now] : none;
	case 6: return p_known[now] ? p[now] - extreme(p, p_known, -1) : none;
	case 7: return rank_of_panes(0.5);
	case 8: return rank_of_panes(0.9);
	case 9: return p_known[now] && border() >= WINDOW && p_known[first()] ? p[now] - p[first()] : none;
	case 10: return truths * TICK_MS;
	case 11: return 100 * truths / total(a_known, first(), border());
	case 12: return total(flips, first(), now + 1);
	case 13: return total(rises, now - WINDOW + 1, now + 1);
	case 14: return border() * 4 >= WINDOW * 3 ? growth(now + 1) : none;
	case 15: return moment(p, sampled, first(), now + 1, 1);
	case 16: return moment(p, sampled, first(), now + 1, 0);
	case 17: return moment(p, sampled, first(), now + 1, 2);
	case 18: return rank_of_samples();
	case 19: return extreme(p, sampled, 1);
	default: return border() * 4 >= WINDOW * 3 ? growth(border()) / (border() - first()) * 36000 : none;
	}
}

/* ---- The engine --------------------------------------------------------------------------- */

struct life {
	struct case_world w;
	struct rule_engine *engine;
	void *memory;
	unsigned char *store;
	uint32_t seed;
	int64_t counter;
	bool last_a, has_a;
};

static uint32_t roll(struct life *l, uint32_t n)
{
	l->seed = l->seed * 1664525u + 1013904223u;
	return (l->seed >> 8) % n;
}

static struct wy_now at_tick(int tick)
{
	wy_ms ms = BASE_MS + (wy_ms)tick * TICK_MS;

	return (struct wy_now){ms, ms, WY_CLOCK_SYNCED};
}

static void new_engine(struct life *l)
{
	struct wy_arena arena;

	wy_arena_init(&arena, l->memory, ENGINE_BYTES);
	assert_int_equal(rule_engine_new(l->w.set, &arena, at_tick(now), &l->engine), WY_OK);
}

static void restart(struct life *l)
{
	struct rule_cell cell;
	size_t place = 0;
	size_t used = 0;
	struct { char key[120]; size_t from, len; } kept[100];
	size_t n = 0;

	while (rule_next_dirty(l->engine, true, &place, &cell)) {
		snprintf(kept[n].key, sizeof(kept[n].key), "%s", cell.key);
		kept[n].from = used;
		kept[n++].len = cell.len;
		assert_true(n < 100 && used + cell.len <= STORE_BYTES);
		memcpy(l->store + used, cell.bytes, cell.len);
		used += cell.len;
	}
	new_engine(l);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(rule_restore(l->engine, kept[i].key, l->store + kept[i].from, kept[i].len), WY_OK);
	rule_resume(l->engine, at_tick(now).mono_ms, at_tick(now));
}

static void put(struct life *l, uint32_t point, double real, int64_t whole, bool is_bad)
{
	struct wy_sample sample = {.point = point, .is_whole = point != 0, .real = real,
				   .at_ms = at_tick(now).mono_ms, .quality = is_bad ? WY_Q_BAD : WY_Q_GOOD};

	if (point)
		sample.whole = whole;
	rule_put(l->engine, 0, point, &sample);
}

/* What happens at this tick, to both. */
static void happen(struct life *l)
{
	p[now] = now ? p[now - 1] : 0;
	p_known[now] = now && p_known[now - 1];
	a[now] = now && a[now - 1];
	a_known[now] = now && a_known[now - 1];
	flips[now] = rises[now] = sampled[now] = false;
	grown[now] = 0;
	if (!now || !roll(l, 25)) {
		p_known[now] = !now || roll(l, 20);
		p[now] = p_known[now] ? (double)roll(l, 2000) / 7 : p[now];
		put(l, 0, p[now], 0, !p_known[now]);
	}
	if (!now || !roll(l, 40)) {
		a_known[now] = !now || roll(l, 25);
		a[now] = a_known[now] ? roll(l, 2) : a[now];
		put(l, 1, 0, a[now], !a_known[now]);
		flips[now] = a_known[now] && l->has_a && l->last_a != a[now];
		rises[now] = flips[now] && a[now];
		l->last_a = a_known[now] ? a[now] : l->last_a;
		l->has_a = l->has_a || a_known[now];
	}
	sampled[now] = flips[now] && p_known[now];
	if (!now || !roll(l, 30)) {
		grown[now] = now ? roll(l, 400) : 0;
		l->counter += grown[now];
		put(l, 2, 0, l->counter % 65536, false);
	}
}

static void due_turns(struct life *l)
{
	const struct rule_event *events;

	while (rule_next_due(l->engine) < at_tick(now).mono_ms) {
		wy_ms ms = rule_next_due(l->engine);
		rule_turn_begin(l->engine, (struct wy_now){ms, ms, WY_CLOCK_SYNCED});
		rule_turn_end(l->engine, &events);
	}
}

static void compare(struct life *l, uint32_t seed)
{
	struct rule_clause clauses[LEAVES];

	assert_int_equal(rule_clauses(l->engine, 0, 0, false, clauses, LEAVES), LEAVES);
	for (int i = 0; i < LEAVES; i++) {
		double wanted = model(i);
		double found = clauses[i].has_value ? clauses[i].value : (double)NAN;
		double slack = 1e-7 * (1 + fabs(wanted));
		if (isnan(wanted) ? !isnan(found) : !(fabs(found - wanted) <= slack))
			fail_msg("seed %u, tick %d: %.*s: %.9f, by the model %.9f", seed, now, (int)clauses[i].text_len,
				 clauses[i].text, found, wanted);
	}
}

static void windows_are_what_all_history_says(void **state)
{
	struct life l = {.memory = malloc(ENGINE_BYTES), .store = malloc(STORE_BYTES)};
	const struct rule_event *events;

	(void)state;
	assert_true(case_open(&l.w, NULL, text));
	for (uint32_t seed = 1; seed <= SEEDS; seed++) {
		l.seed = seed;
		l.counter = 65000;
		l.has_a = false;
		now = 0;
		new_engine(&l);
		for (; now < TICKS; now++) {
			bool is_punctual = seed % 2;
			if (is_punctual)
				due_turns(&l);
			rule_turn_begin(l.engine, at_tick(now));
			happen(&l);
			rule_turn_end(l.engine, &events);
			if (!roll(&l, 100))
				restart(&l);
			if (!roll(&l, 9))
				compare(&l, seed);
		}
	}
	case_close(&l.w);
	free(l.memory);
	free(l.store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(windows_are_what_all_history_says)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
