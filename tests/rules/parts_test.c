/* parts_test.c: the small parts of the engine against slow and plain models of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "calendar.h"
#include "heap.h"
#include "panes.h"
#include "value.h"

static uint32_t roll(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

/* ---- Heap --------------------------------------------------------------------------------- */

static void the_heap_gives_the_earliest_and_of_equals_the_smallest(void **state)
{
	enum { IDS = 37 };
	unsigned char memory[4096];
	wy_ms due_ms[IDS];
	struct wy_arena arena;
	struct rx_heap heap;
	uint32_t seed = 5;

	(void)state;
	wy_arena_init(&arena, memory, sizeof(memory));
	assert_int_equal(rx_heap_init(&heap, &arena, IDS), WY_OK);
	assert_true(rx_heap_due(&heap) == WY_MS_NEVER);
	for (unsigned i = 0; i < IDS; i++)
		due_ms[i] = WY_MS_NEVER;
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t id = roll(&seed, IDS);
		due_ms[id] = roll(&seed, 6) ? (wy_ms)roll(&seed, 50) : WY_MS_NEVER;
		rx_heap_set(&heap, id, due_ms[id]);
		uint32_t first = 0;
		for (uint32_t k = 1; k < IDS; k++)
			first = due_ms[k] < due_ms[first] ? k : first;
		assert_int_equal(rx_heap_due(&heap), due_ms[first]);
		assert_int_equal(rx_heap_first(&heap), first);
	}
}

static void a_heap_without_memory_says_so(void **state)
{
	unsigned char memory[64];
	struct wy_arena arena;
	struct rx_heap heap;

	(void)state;
	wy_arena_init(&arena, memory, sizeof(memory));
	assert_int_equal(rx_heap_init(&heap, &arena, 1000), WY_E_NOMEM);
	assert_int_equal(rx_heap_init(&heap, &arena, 0), WY_OK);
	assert_true(rx_heap_due(&heap) == WY_MS_NEVER);
}

/* ---- Panes -------------------------------------------------------------------------------- */

enum { SPAN = 4000, WINDOW = 640, PANE = 10 };

/* Known time in the full panes before `now`, counted ms by ms. */
static wy_ms known_before(const bool *is_known, wy_ms now_ms)
{
	wy_ms border_ms = now_ms / PANE * PANE;
	wy_ms n = 0;

	for (wy_ms t = border_ms - WINDOW; t < border_ms; t++)
		n += t >= 0 && is_known[t];
	return n;
}

static void panes_count_known_time_as_ms_by_ms_does(void **state)
{
	static bool is_known[SPAN + 300];
	static const int64_t none;
	uint32_t seed = 9;

	(void)state;
	assert_int_equal(rx_pane_ms(WINDOW), PANE);
	for (unsigned round = 0; round < 60; round++) {
		struct rx_panes panes = {0};
		int64_t values[RX_PANES] = {0};
		wy_ms cover_next_ms = 0;
		bool was_covered = false;
		memset(is_known, 0, sizeof(is_known));
		for (wy_ms at_ms = 0; at_ms < SPAN;) {
			rx_panes_to(&panes, PANE, at_ms, values, sizeof(*values), &none);
			panes.is_known = roll(&seed, 3) != 0;
			wy_ms next_ms = at_ms + 1 + roll(&seed, roll(&seed, 8) ? 40 : 300);
			for (wy_ms t = at_ms; t < next_ms && panes.is_known; t++)
				is_known[t] = true;
			was_covered = rx_panes_is_covered(&panes, WINDOW, at_ms, RX_MIN_COVER);
			cover_next_ms = rx_panes_cover_next(&panes, PANE, at_ms);
			for (wy_ms t = at_ms; t < next_ms && t < SPAN; t++) {
				bool is_covered = known_before(is_known, t) >= WINDOW * 3 / 4;
				assert_int_equal(rx_panes_is_covered(&panes, WINDOW, t, RX_MIN_COVER), is_covered);
				/* Never moves without having said when. */
				if (t < cover_next_ms)
					assert_int_equal(is_covered, was_covered);
				else
					cover_next_ms = rx_panes_cover_next(&panes, PANE, t);
				was_covered = is_covered;
			}
			at_ms = next_ms;
		}
	}
}

static void live_panes_are_the_window_and_the_running_one(void **state)
{
	static const int64_t none;
	struct rx_panes panes = {0};
	int64_t values[RX_PANES] = {0};
	uint8_t live[RX_PANES];

	(void)state;
	assert_int_equal(rx_panes_live(&panes, PANE, 5, live), 0);
	rx_panes_to(&panes, PANE, 5, values, sizeof(*values), &none);
	values[rx_panes_slot(&panes)] = 7;
	for (wy_ms now_ms = 5; now_ms < 2000; now_ms++) {
		unsigned n = rx_panes_live(&panes, PANE, now_ms, live);
		int64_t sum = 0;
		for (unsigned i = 0; i < n; i++)
			sum += values[live[i]];
		assert_int_equal(sum, now_ms < 650 ? 7 : 0);
	}
	rx_panes_to(&panes, PANE, 100000, values, sizeof(*values), &none);
	for (unsigned i = 0; i < RX_PANES; i++)
		assert_int_equal(values[i], 0);
	assert_int_equal(rx_panes_next(PANE, -1), 0);
	assert_int_equal(rx_panes_next(PANE, 0), 10);
}

/* ---- Values ------------------------------------------------------------------------------- */

static struct rx_value some_interval(uint32_t *seed, bool is_whole, double *ret_inside)
{
	struct rx_value v = rx_unknown_of(is_whole ? RX_T_INT : RX_T_REAL, RX_NOT_SEEN);
	int lo = (int)roll(seed, 21) - 10;
	int hi = lo + (int)roll(seed, 3) * (int)roll(seed, 6);
	bool has_lo = roll(seed, 5) != 0;
	bool has_hi = roll(seed, 5) != 0;

	v.lo = has_lo ? lo : v.lo;
	v.hi = has_hi ? hi : v.hi;
	v.rlo = has_lo ? lo : v.rlo;
	v.rhi = has_hi ? hi : v.rhi;
	*ret_inside = lo + (int)roll(seed, (uint32_t)(hi - lo + 1));
	return v;
}

static bool holds(const struct rx_value *v, double x)
{
	struct rx_value real = rx_as_real(*v);

	return x >= real.rlo - 1e-9 && x <= real.rhi + 1e-9;
}

static bool compares(enum rx_cmp cmp, double a, double b)
{
	switch (cmp) {
	case RX_EQ:
		return a == b;
	case RX_NE:
		return a != b;
	case RX_LT:
		return a < b;
	case RX_LE:
		return a <= b;
	case RX_GT:
		return a > b;
	case RX_GE:
		return a >= b;
	}
	return false;
}

static void whatever_the_true_values_are_the_result_holds_theirs(void **state)
{
	uint32_t seed = 3;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		bool is_whole = roll(&seed, 2);
		double x;
		double y;
		struct rx_value a = some_interval(&seed, is_whole, &x);
		struct rx_value b = some_interval(&seed, is_whole, &y);
		struct rx_value sum = rx_add(a, b);
		struct rx_value difference = rx_sub(a, b);
		struct rx_value product = rx_mul(a, b);
		struct rx_value quotient = rx_div(a, b);
		struct rx_value size = rx_abs(a);
		struct rx_value least = rx_least(a, b);
		struct rx_value greatest = rx_greatest(a, b);
		struct rx_value either = rx_hull(a, b);
		assert_true(holds(&sum, x + y));
		assert_true(holds(&difference, x - y));
		assert_true(holds(&product, x * y));
		assert_true(y == 0 || holds(&quotient, x / y));
		assert_true(holds(&size, fabs(x)));
		assert_true(holds(&least, x < y ? x : y));
		assert_true(holds(&greatest, x > y ? x : y));
		assert_true(holds(&either, x) && holds(&either, y));
		for (unsigned cmp = RX_EQ; cmp <= RX_GE; cmp++) {
			wy_ms next_ms = WY_MS_NEVER;
			enum rule_truth truth = rx_compare((enum rx_cmp)cmp, &a, &b, 0, &next_ms);
			assert_true(truth == RULE_UNKNOWN || (truth == RULE_TRUE) == compares((enum rx_cmp)cmp, x, y));
			if (rx_is_exact(&a) && rx_is_exact(&b))
				assert_int_not_equal(truth, RULE_UNKNOWN);
		}
	}
}

static void what_cannot_be_computed_is_unknown(void **state)
{
	struct rx_value big = rx_whole(INT64_MAX - 1);
	struct rx_value two = rx_whole(2);
	struct rx_value huge = rx_real(1e308);
	struct rx_value none = rx_real(0);
	struct rx_value v;

	(void)state;
	v = rx_add(big, two);
	assert_false(rx_is_exact(&v));
	assert_int_equal(v.unknown, RX_TOO_LARGE);
	v = rx_mul(big, two);
	assert_int_equal(v.unknown, RX_TOO_LARGE);
	v = rx_mul(huge, huge);
	assert_int_equal(v.unknown, RX_TOO_LARGE);
	v = rx_div(huge, none);
	assert_int_equal(v.unknown, RX_NO_DIVISOR);
	assert_false(rx_is_exact(&v));
}

static struct rx_value line(double from, double slope, wy_ms now_ms)
{
	struct rx_value v = rx_real(from + slope * (double)now_ms);

	v.slope_lo = v.slope_hi = slope;
	return v;
}

/* Several shapes of a value that moves; the half known ones have no upper end. */
static struct rx_value shape(unsigned form, double slope, wy_ms now_ms)
{
	struct rx_value clock = line(20, slope, now_ms);
	struct rx_value other = line(60, -0.5, now_ms);

	switch (form) {
	case 0:
		return clock;
	case 1:
		return rx_least(clock, rx_real(50));
	case 2:
		return rx_greatest(clock, other);
	case 3:
		return rx_abs(rx_sub(clock, other));
	case 4:
		return rx_least(rx_greatest(clock, rx_real(7)), rx_mul(other, rx_real(-2)));
	case 5:
		clock.rhi = INFINITY;
		return rx_least(clock, rx_real(50));
	default:
		clock.rhi = INFINITY;
		return rx_abs(rx_sub(clock, rx_real(30)));
	}
}

/* A clock against a limit: truth may only change at an instant that was named. */
static void a_comparison_knows_the_millisecond_it_turns(void **state)
{
	static const double limits[] = {0, 1, 7, 7.5, 100.25, 40, -30};
	static const double slopes[] = {1, -1, 0.001, 2.5, -0.3};

	(void)state;
	for (unsigned i = 0; i < 7 * 7 * 5 * 6; i++) {
		struct rx_value limit = rx_real(limits[i % 7]);
		unsigned form = i / 7 % 7;
		double slope = slopes[i / 49 % 5];
		enum rx_cmp cmp = (enum rx_cmp)(i / 245);
		enum rule_truth was = RULE_UNKNOWN;
		wy_ms next_ms = 0;
		unsigned looks = 0;
		for (wy_ms now_ms = 0; now_ms < 500; now_ms++) {
			struct rx_value v = shape(form, slope, now_ms);
			wy_ms named_ms = WY_MS_NEVER;
			enum rule_truth truth = rx_compare(cmp, &v, &limit, now_ms, &named_ms);
			assert_true(now_ms >= next_ms || truth == was);
			looks += now_ms >= next_ms;
			if (now_ms >= next_ms)
				next_ms = named_ms;
			was = truth;
		}
		assert_true(looks < 20);
	}
}

static void truth_is_that_of_kleene(void **state)
{
	static const enum rule_truth both[3][3] = {{RULE_FALSE, RULE_FALSE, RULE_FALSE},
						   {RULE_FALSE, RULE_TRUE, RULE_UNKNOWN},
						   {RULE_FALSE, RULE_UNKNOWN, RULE_UNKNOWN}};
	static const enum rule_truth any[3][3] = {{RULE_FALSE, RULE_TRUE, RULE_UNKNOWN},
						  {RULE_TRUE, RULE_TRUE, RULE_TRUE},
						  {RULE_UNKNOWN, RULE_TRUE, RULE_UNKNOWN}};

	(void)state;
	for (unsigned a = 0; a < 3; a++)
		for (unsigned b = 0; b < 3; b++) {
			assert_int_equal(rx_and((enum rule_truth)a, (enum rule_truth)b), both[a][b]);
			assert_int_equal(rx_or((enum rule_truth)a, (enum rule_truth)b), any[a][b]);
		}
	assert_int_equal(rx_not(RULE_UNKNOWN), RULE_UNKNOWN);
	assert_int_equal(rx_not(RULE_TRUE), RULE_FALSE);
}

/* ---- Calendars ---------------------------------------------------------------------------- */

/* 24 October 2026, a Saturday, 00:00 UTC; summer time ends a day and an hour later. */
static const int64_t autumn_s = 1792800000;
/* 28 March 2026, a Saturday, 00:00 UTC; summer time begins a day and an hour later. */
static const int64_t spring_s = 1774656000;
static const struct wy_zone_change changes[] = {{INT64_MIN, 3600}, {1774746000, 7200}, {1792890000, 3600}};
static const struct wy_zone berlin = {"Europe/Berlin", changes, 3};

static void a_calendar_names_every_border(void **state)
{
	static const struct rx_calendar calendars[] = {
		{"night", {22 * 3600, 6 * 3600, 0x7f, false}}, {"shop", {8 * 3600, 18 * 3600, 0x1f, true}},
		{"gap", {2 * 3600, 3 * 3600, 0x7f, false}},    {"always", {0, 86400, 0x7f, false}},
		{"half", {9000, 12600, 0x60, false}},	     {"sunday", {0, 86400, 0x40, true}},
	};
	static const wy_day holidays[] = {20532, 20752}; /* Mondays after the two changes */
	const int64_t starts[] = {spring_s - 86400, autumn_s - 86400};
	const struct rx_wall wall = {&berlin, holidays, 2};

	(void)state;
	for (unsigned c = 0; c < sizeof(calendars) / sizeof(*calendars); c++)
		for (unsigned s = 0; s < 2; s++) {
			wy_ms named_ms = 0;
			bool was_open = false;
			for (int64_t minute = 0; minute < 5 * 1440; minute++) {
				wy_ms now_ms = (starts[s] + minute * 60) * 1000;
				wy_ms next_ms;
				bool is_open = rx_hours_are_open(&calendars[c].hours, &wall, now_ms, &next_ms);
				assert_true(next_ms > now_ms);
				if (minute && now_ms < named_ms)
					assert_int_equal(is_open, was_open);
				if (minute && now_ms == named_ms && c != 3)
					assert_int_not_equal(is_open, was_open);
				was_open = is_open;
				named_ms = next_ms;
			}
		}
}

static int64_t open_minutes(const struct rx_calendar *calendar, int64_t from_s)
{
	const struct rx_wall wall = {&berlin, NULL, 0};
	int64_t n = 0;
	wy_ms next_ms;

	for (int64_t minute = 0; minute < 24 * 60; minute++)
		n += rx_hours_are_open(&calendar->hours, &wall, (from_s + minute * 60) * 1000, &next_ms);
	return n;
}

static void nights_of_clock_changes_keep_all_their_hours(void **state)
{
	const struct rx_calendar night = {"night", {22 * 3600, 6 * 3600, 0x7f, false}};
	const struct rx_calendar doubled = {"two", {2 * 3600, 3 * 3600, 0x7f, false}};

	(void)state;
	assert_int_equal(open_minutes(&night, autumn_s - 86400 + 12 * 3600), 8 * 60);
	assert_int_equal(open_minutes(&night, autumn_s + 12 * 3600), 9 * 60);
	assert_int_equal(open_minutes(&night, spring_s + 12 * 3600), 7 * 60);
	assert_int_equal(open_minutes(&doubled, autumn_s + 12 * 3600), 2 * 60);
	assert_int_equal(open_minutes(&doubled, spring_s + 12 * 3600), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_heap_gives_the_earliest_and_of_equals_the_smallest),
		cmocka_unit_test(a_heap_without_memory_says_so),
		cmocka_unit_test(panes_count_known_time_as_ms_by_ms_does),
		cmocka_unit_test(live_panes_are_the_window_and_the_running_one),
		cmocka_unit_test(whatever_the_true_values_are_the_result_holds_theirs),
		cmocka_unit_test(what_cannot_be_computed_is_unknown),
		cmocka_unit_test(a_comparison_knows_the_millisecond_it_turns),
		cmocka_unit_test(truth_is_that_of_kleene),
		cmocka_unit_test(a_calendar_names_every_border),
		cmocka_unit_test(nights_of_clock_changes_keep_all_their_hours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
