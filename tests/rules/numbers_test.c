/* numbers_test.c: the numeric cores of rules/ against slow, plain or exact models of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crowd.h"
#include "exponent.h"
#include "line.h"
#include "moments.h"
#include "order.h"
#include "panes.h"
#include "smooth.h"

static uint32_t roll(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

/* Sum of twelve: near enough to a normal distribution. */
static double noise(uint32_t *seed)
{
	double sum = -6;

	for (unsigned i = 0; i < 12; i++)
		sum += (double)roll(seed, 1000001) / 1e6;
	return sum;
}

static void assert_near(double found, double wanted, double most)
{
	if (!(fabs(found - wanted) <= most))
		fail_msg("found %.17g, wanted %.17g within %g", found, wanted, most);
}

/* ---- exp ---------------------------------------------------------------------------------- */

static double distance_in_ulp(double a, double b)
{
	double ulp = nextafter(fabs(b), INFINITY) - fabs(b);

	return fabs(a - b) / ulp;
}

static void exp_is_within_two_units_of_the_c_library(void **state)
{
	uint32_t seed = 3;
	double worst = 0;

	(void)state;
	for (unsigned i = 0; i < 400000; i++) {
		double size = (double)roll(&seed, 1000000) / 1e6;
		double x = i % 2 ? -708 * size : 709 * size;
		x = i % 4 == 2 ? size * 1e-3 : x;
		x = i % 4 == 3 ? -size * size * 30 : x;
		double off = distance_in_ulp(rx_exp(x), exp(x));
		worst = off > worst ? off : worst;
	}
	print_message("worst error of rx_exp: %.2f units in the last place\n", worst);
	assert_true(worst <= 2);
}

static void exp_has_firm_ends(void **state)
{
	(void)state;
	assert_true(rx_exp(0) == 1);
	assert_true(rx_exp(-0.0) == 1);
	assert_true(isinf(rx_exp(709.5)));
	assert_true(isinf(rx_exp(INFINITY)));
	assert_true(rx_exp(-INFINITY) == 0);
	assert_true(rx_exp(-746) == 0);
	assert_true(isnan(rx_exp(NAN)));
	/* Below the normal doubles: still close, and never larger than the step before. */
	for (double x = -708; x > -745; x -= 0.25) {
		assert_near(rx_exp(x), exp(x), 1e-322 + 1e-15 * exp(x));
		assert_true(rx_exp(x) <= rx_exp(x + 0.25));
	}
}

/* ---- Order -------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void sort_is_as_the_c_library_sorts(void **state)
{
	uint32_t seed = 11;
	double own[130];
	double theirs[130];

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		size_t n = roll(&seed, 130);
		uint32_t range = 1 + roll(&seed, 200);
		for (size_t i = 0; i < n; i++)
			own[i] = theirs[i] = (double)roll(&seed, range) - 50;
		rx_sort(own, n);
		qsort(theirs, n, sizeof(*theirs), by_size);
		assert_memory_equal(own, theirs, n * sizeof(*own));
	}
}

static void median_and_mad_ignore_a_wild_value(void **state)
{
	double odd[] = {3, 1, 2, 1e9, 2.5};
	double even[] = {4, 1, 3, 2};
	double one[] = {7};
	struct rx_robust r = rx_robust_of(odd, 5);

	(void)state;
	assert_near(r.median, 2.5, 0);
	assert_near(r.mad, 0.5, 0);
	r = rx_robust_of(even, 4);
	assert_near(r.median, 2.5, 0);
	assert_near(r.mad, 1, 0);
	r = rx_robust_of(one, 1);
	assert_near(r.median, 7, 0);
	assert_near(r.mad, 0, 0);
}

/* ---- Moments ------------------------------------------------------------------------------ */

static void moments_keep_a_small_spread_beside_a_large_mean(void **state)
{
	struct rx_moments m = {0};

	(void)state;
	assert_true(rx_moments_sd(&m) == 0);
	rx_moments_add(&m, 1e9);
	assert_true(rx_moments_sd(&m) == 0);
	rx_moments_add(&m, 1e9 + 1);
	rx_moments_add(&m, 1e9 + 2);
	assert_near(m.mean, 1e9 + 1, 0);
	assert_near(rx_moments_sd(&m), 1, 1e-12);
}

/* ---- Line --------------------------------------------------------------------------------- */

static void a_line_is_found_with_its_error(void **state)
{
	/* y = 2 t + 1 with +1, -2, +1 on top: by hand s = 2, SSE = 6, se = sqrt(6 / 1 / 2). */
	struct rx_dot dots[] = {{0, 2, 1}, {1, 1, 1}, {2, 6, 1}};
	struct rx_line line;

	(void)state;
	assert_true(rx_line_fit(dots, 3, &line));
	assert_near(line.slope, 2, 1e-15);
	assert_near(line.error, sqrt(3), 1e-15);
	assert_near(rx_line_at(&line, 1), 3, 1e-15);
	assert_true(rx_line_is_sloped(&line, 1.1));
	assert_false(rx_line_is_sloped(&line, 1.2));
	assert_false(rx_line_fit(dots, 2, &line));
	dots[1].t = dots[2].t = 0;
	assert_false(rx_line_fit(dots, 3, &line));
}

static void a_line_weighs_its_points(void **state)
{
	struct rx_dot dots[] = {{0, 0, 1}, {1, 1, 1}, {2, 2, 1}, {3, 30, 1e-12}};
	struct rx_line line;

	(void)state;
	assert_true(rx_line_fit(dots, 4, &line));
	assert_near(line.slope, 1, 1e-9);
}

static void a_constant_has_no_slope_whatever_its_rounding(void **state)
{
	struct rx_dot dots[64];
	struct rx_line line;
	uint32_t seed = 2;

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		dots[i] = (struct rx_dot){1e12 + 1e6 * i, 0.1 * 3 + 1e-17 * roll(&seed, 3), 1};
	assert_true(rx_line_fit(dots, 64, &line));
	assert_true(line.slope == 0);
	assert_false(rx_line_is_sloped(&line, 3));
}

/* Of 2000 flat and noisy windows about 0.4 % may seem to slope at three errors (t with 62 degrees of freedom). */
static void noise_seldom_looks_like_a_slope(void **state)
{
	struct rx_dot dots[64];
	struct rx_line line;
	uint32_t seed = 77;
	unsigned sloped = 0;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		for (unsigned i = 0; i < 64; i++)
			dots[i] = (struct rx_dot){i, 20 + noise(&seed), 1};
		assert_true(rx_line_fit(dots, 64, &line));
		sloped += rx_line_is_sloped(&line, 3);
	}
	assert_true(sloped < 30);
}

/* ---- Smoothing ---------------------------------------------------------------------------- */

static void smoothing_is_the_weighted_mean_of_known_time(void **state)
{
	enum { TAU_MS = 100000, STEP_MS = 700, STEPS = 400 };
	static double value[STEPS]; /* NaN: unknown */
	uint32_t seed = 4;
	struct rx_smooth s = {0};

	(void)state;
	for (unsigned i = 0; i < STEPS; i++) {
		value[i] = i > 0 && roll(&seed, 5) == 0 ? NAN : (double)roll(&seed, 100);
		if (isnan(value[i]))
			rx_smooth_lose(&s, i * STEP_MS, TAU_MS);
		else
			rx_smooth_hold(&s, value[i], i * STEP_MS, TAU_MS);
	}
	double sum = 0;
	double weight = 0;
	rx_smooth_lose(&s, STEPS * STEP_MS, TAU_MS);
	rx_smooth_hold(&s, 0, STEPS * STEP_MS, TAU_MS);
	for (unsigned i = 0; i < STEPS; i++) {
		double begin = exp(-(double)((STEPS - i) * STEP_MS) / TAU_MS);
		double end = exp(-(double)((STEPS - i - 1) * STEP_MS) / TAU_MS);
		weight += isnan(value[i]) ? 0 : end - begin;
		sum += isnan(value[i]) ? 0 : (end - begin) * value[i];
	}
	assert_near(s.told_weight, weight, 1e-12);
	assert_near(s.told, sum / weight, 1e-10);
}

/* Polled ten times as often, and looked at whenever somebody likes: the same bits. */
static void smoothing_depends_on_no_poll_rate(void **state)
{
	enum { TAU_MS = 64000, END_MS = 900000 };
	struct rx_smooth rare = {0};
	struct rx_smooth often = {0};
	uint32_t seed = 17;
	double x = 0;

	(void)state;
	for (wy_ms t = 0; t < END_MS; t += 100) {
		bool is_change = t % 5000 == 0;
		x = is_change ? (double)roll(&seed, 1000) / 7 : x;
		if (is_change || t % 1000 == 0)
			rx_smooth_hold(&rare, x, t, TAU_MS);
		if (is_change || roll(&seed, 3) == 0)
			rx_smooth_hold(&often, x, t, TAU_MS);
		if (t % 1000 == 0) {
			rx_smooth_hold(&often, x, t, TAU_MS);
			assert_true(rare.told == often.told && rare.told_weight == often.told_weight);
		}
	}
	assert_int_equal(rx_smooth_next(1500, TAU_MS), 2000);
	assert_int_equal(rx_smooth_turns(127999, TAU_MS), 2);
	assert_int_equal(rx_smooth_turns(128000, TAU_MS), 3);
}

static void smoothing_names_the_ms_at_which_it_knows_too_little(void **state)
{
	enum { TAU_MS = 64000 };
	struct rx_smooth s = {0};
	wy_ms next_ms = WY_MS_NEVER;

	(void)state;
	rx_smooth_hold(&s, 5, 0, TAU_MS);
	for (wy_ms t = 0; t < 100000; t += 1000) {
		rx_smooth_hold(&s, 5, t, TAU_MS);
		/* 64 s ln 4 = 88.72 s */
		assert_int_equal(rx_smooth_is_covered(&s, 0.75, t, TAU_MS, &next_ms), t >= 89000);
	}
	rx_smooth_hold(&s, 5, 500000, TAU_MS);
	rx_smooth_lose(&s, 600000, TAU_MS);
	assert_true(next_ms == WY_MS_NEVER);
	assert_true(rx_smooth_is_covered(&s, 0.75, 600000, TAU_MS, &next_ms));
	wy_ms end_ms = next_ms;
	for (wy_ms t = 600000; t < 625000; t++) {
		next_ms = WY_MS_NEVER;
		assert_int_equal(rx_smooth_is_covered(&s, 0.75, t, TAU_MS, &next_ms), t < end_ms);
		assert_true(next_ms == (t < end_ms ? end_ms : WY_MS_NEVER));
	}
	next_ms = WY_MS_NEVER;
	assert_true(rx_smooth_is_covered(&s, 0, 1500000, TAU_MS, &next_ms));
	assert_true(next_ms < WY_MS_NEVER);
}

static void strikes_are_smoothed_one_by_one(void **state)
{
	struct rx_smooth s = {0};

	(void)state;
	rx_smooth_strike(&s, 10, 5000, 1000);
	assert_near(s.told, 10, 0);
	rx_smooth_strike(&s, 20, 6000, 1000);
	assert_near(s.told, 20 - 10 * exp(-1), 1e-14);
	rx_smooth_strike(&s, 30, 6000, 1000);
	assert_near(s.told, 20 - 10 * exp(-1), 1e-14);
}

/* ---- Crowd -------------------------------------------------------------------------------- */

static double sum_of(const double *shares, unsigned k)
{
	double sum = 0;

	for (unsigned i = 0; i < k; i++) {
		assert_true(shares[i] >= 0);
		sum += shares[i];
	}
	return sum;
}

static void one_number_is_a_plain_z(void **state)
{
	struct rx_crowd c = {0};
	const double floor[] = {1e-9};
	double x;
	double share;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		x = 1 + i;
		rx_crowd_add(&c, 1, &x);
	}
	rx_crowd_learn(&c, 1, floor);
	x = 5;
	assert_near(rx_crowd_distance(&c, 1, &x, &share), 3, 1e-14);
	assert_near(share, 1, 1e-14);
	x = 2;
	assert_near(rx_crowd_distance(&c, 1, &x, &share), 0, 0);
	assert_near(share, 0, 0);
}

/* Two that always went together: one alone is much further from normal than both together. */
static void a_broken_habit_counts_more_than_a_common_move(void **state)
{
	struct rx_crowd c = {0};
	const double floor[] = {1e-9, 1e-9};
	double shares[2];
	uint32_t seed = 5;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		double load = noise(&seed);
		double x[] = {20 + load, 50 + 3 * load + 0.1 * noise(&seed)};
		rx_crowd_add(&c, 2, x);
	}
	rx_crowd_learn(&c, 2, floor);
	const double together[] = {22, 56};
	const double apart[] = {22, 50};
	double near = rx_crowd_distance(&c, 2, together, shares);
	double far = rx_crowd_distance(&c, 2, apart, shares);
	assert_true(near < 2.5);
	assert_true(far > 3.5);
	assert_true(shares[0] > 0.6 && shares[0] > shares[1]);
	assert_near(sum_of(shares, 2), 1, 1e-12);
}

/* Against the definition: W' W is the inverse of the shrunk matrix, so |W z|^2 = z' R^-1 z. */
static void the_distance_is_that_of_the_inverse(void **state)
{
	enum { K = 8 };
	uint32_t seed = 21;
	double shares[K];

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		struct rx_crowd c = {0};
		struct rx_crowd shrunk;
		double floor[K];
		double x[K];
		double a[K][K + 1];
		double z[K];
		for (unsigned n = 0; n < 40; n++) {
			double common = noise(&seed);
			for (unsigned i = 0; i < K; i++)
				x[i] = 10 * i + common * (i % 3) + noise(&seed);
			rx_crowd_add(&c, K, x);
		}
		for (unsigned i = 0; i < K; i++)
			floor[i] = 1e-6;
		shrunk = c;
		rx_crowd_learn(&c, K, floor);
		/* The learnt root times itself is the inverse: check that the inverse of it has ones on its diagonal
		 * and correlations off it that are those of the samples times one factor. */
		for (unsigned i = 0; i < K; i++)
			for (unsigned j = 0; j < K; j++) {
				a[i][j] = 0;
				for (unsigned m = 0; m < K; m++)
					a[i][j] += c.matrix[i][m] * c.matrix[m][j];
			}
		for (unsigned i = 0; i < K; i++) {
			x[i] = c.mean[i] + noise(&seed) * 3;
			z[i] = (x[i] - c.mean[i]) / c.scale[i];
		}
		double square = 0;
		for (unsigned i = 0; i < K; i++)
			for (unsigned j = 0; j < K; j++)
				square += z[i] * a[i][j] * z[j];
		assert_near(rx_crowd_distance(&c, K, x, shares), sqrt(square), 1e-9);
		assert_near(sum_of(shares, K), 1, 1e-12);
		/* a times the shrunk correlations is the identity, for one shrinkage between a tenth and all. */
		double sd0 = sqrt(shrunk.matrix[0][0] / (shrunk.n - 1));
		assert_near(c.scale[0], sd0, 1e-12);
		double r[K][K];
		for (unsigned i = 0; i < K; i++)
			for (unsigned j = 0; j < K; j++)
				r[i][j] = shrunk.matrix[i][j] / sqrt(shrunk.matrix[i][i] * shrunk.matrix[j][j]);
		/* Row 0 of a * (d I + kept (r - I)) = e0 gives kept from its second entry. */
		double off = 0;
		for (unsigned m = 0; m < K; m++)
			off += m == 1 ? 0 : a[0][m] * r[m][1];
		double kept = -a[0][1] / off;
		assert_true(kept >= 0 && kept <= 0.9 + 1e-9);
		for (unsigned i = 0; i < K; i++)
			for (unsigned j = 0; j < K; j++) {
				double sum = 0;
				for (unsigned m = 0; m < K; m++)
					sum += a[i][m] * (m == j ? 1 : kept * r[m][j]);
				assert_near(sum, i == j, 1e-8);
			}
	}
}

static void twins_and_constants_do_no_harm(void **state)
{
	struct rx_crowd c = {0};
	const double floor[] = {0.1, 0.1, 0.1, 0.1};
	double shares[4];
	uint32_t seed = 9;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		double v = noise(&seed);
		double x[] = {v, v, 2 * v + 5, 7};
		rx_crowd_add(&c, 4, x);
	}
	rx_crowd_learn(&c, 4, floor);
	for (unsigned i = 0; i < 1000; i++) {
		double v = noise(&seed);
		double x[] = {v, v, 2 * v + 5, 7};
		double d = rx_crowd_distance(&c, 4, x, shares);
		assert_true(isfinite(d) && d < 4);
	}
	/* A hair of the constant is no alarm; ten floors are, and the constant is to blame. */
	const double hair[] = {0, 0, 5, 7.01};
	const double far[] = {0, 0, 5, 8};
	assert_true(rx_crowd_distance(&c, 4, hair, shares) < 1);
	assert_near(rx_crowd_distance(&c, 4, far, shares), 10, 0.5);
	assert_true(shares[3] > 0.95);
}

/* Few samples: most of what looks like correlation is chance, and is taken back. */
static void few_samples_are_shrunk_more(void **state)
{
	const double floor[] = {1e-9, 1e-9};
	double off[2];

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		struct rx_crowd c = {0};
		uint32_t seed = 31;
		unsigned n = round ? 1000 : 12;
		for (unsigned i = 0; i < n; i++) {
			double v = noise(&seed);
			double x[] = {v, 0.7 * v + 0.7 * noise(&seed)};
			rx_crowd_add(&c, 2, x);
		}
		rx_crowd_learn(&c, 2, floor);
		off[round] = fabs(c.matrix[0][1]);
	}
	assert_true(off[0] < off[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exp_is_within_two_units_of_the_c_library),
		cmocka_unit_test(exp_has_firm_ends),
		cmocka_unit_test(sort_is_as_the_c_library_sorts),
		cmocka_unit_test(median_and_mad_ignore_a_wild_value),
		cmocka_unit_test(moments_keep_a_small_spread_beside_a_large_mean),
		cmocka_unit_test(a_line_is_found_with_its_error),
		cmocka_unit_test(a_line_weighs_its_points),
		cmocka_unit_test(a_constant_has_no_slope_whatever_its_rounding),
		cmocka_unit_test(noise_seldom_looks_like_a_slope),
		cmocka_unit_test(smoothing_is_the_weighted_mean_of_known_time),
		cmocka_unit_test(smoothing_depends_on_no_poll_rate),
		cmocka_unit_test(smoothing_names_the_ms_at_which_it_knows_too_little),
		cmocka_unit_test(strikes_are_smoothed_one_by_one),
		cmocka_unit_test(one_number_is_a_plain_z),
		cmocka_unit_test(a_broken_habit_counts_more_than_a_common_move),
		cmocka_unit_test(the_distance_is_that_of_the_inverse),
		cmocka_unit_test(twins_and_constants_do_no_harm),
		cmocka_unit_test(few_samples_are_shrunk_more),
	};

	return cmocka_run_group_tests_name("rules_numbers", tests, NULL, NULL);
}
