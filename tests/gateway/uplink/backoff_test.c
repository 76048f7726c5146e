/* The waits between attempts: bounds, spread, and what starts them over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "backoff.h"

enum { FIRST_MS = 30000, MOST_MS = 300000 }; /* the defaults: docs/configuration.md */

static int by_size(const void *left, const void *right)
{
	const wy_ms *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static void bound_doubles_up_to_the_most(void **state)
{
	static const wy_ms bounds[] = {1000,  2000,   4000,   8000,   16000, 32000,
				       64000, 128000, 256000, 300000, 300000};
	struct uplink_backoff b;

	(void)state;
	uplink_backoff_init(&b, 1000, 300000, 1);
	for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
		assert_int_equal(uplink_backoff_bound(&b), bounds[i]);
		uplink_backoff_next(&b);
	}
}

static void wait_is_never_beyond_its_bound(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		struct uplink_backoff b;

		uplink_backoff_init(&b, 1000, 300000, seed);
		for (int i = 0; i < 12; i++) {
			wy_ms bound = uplink_backoff_bound(&b);
			wy_ms wait = uplink_backoff_next(&b);

			assert_true(wait >= 0);
			assert_true(wait <= bound);
		}
	}
}

/* Kolmogorov-Smirnov against uniform, over gateways with neighbouring seeds. 1.63 / sqrt(n) is the
 * limit at 1 %; the draws are fixed, so the test passes or fails the same way every time. */
static double distance_from_uniform(unsigned nth, wy_ms bound)
{
	enum { N = 1000 };
	wy_ms waits[N];
	double worst = 0;

	for (uint64_t seed = 0; seed < N; seed++) {
		struct uplink_backoff b;

		uplink_backoff_init(&b, FIRST_MS, MOST_MS, seed);
		for (unsigned i = 0; i < nth; i++)
			uplink_backoff_next(&b);
		assert_int_equal(uplink_backoff_bound(&b), bound);
		waits[seed] = uplink_backoff_next(&b);
	}
	qsort(waits, N, sizeof *waits, by_size);
	for (int i = 0; i < N; i++) {
		double uniform = (double)(waits[i] + 1) / (double)(bound + 1);
		double below = uniform - (double)i / N, above = (double)(i + 1) / N - uniform;

		worst = below > worst ? below : worst;
		worst = above > worst ? above : worst;
	}
	return worst;
}

static void waits_of_a_thousand_gateways_are_uniform_at_each_bound(void **state)
{
	static const wy_ms bounds[] = {30000, 60000, 120000, 240000, 300000, 300000};

	(void)state;
	for (unsigned i = 0; i < sizeof bounds / sizeof *bounds; i++) {
		double worst = distance_from_uniform(i, bounds[i]);

		print_message("bound %lld ms: D = %.4f, limit %.4f\n", (long long)bounds[i], worst, 1.63 / 31.62);
		assert_true(worst < 1.63 / 31.62);
		assert_true(worst > 0.0);
	}
}

/* ---- A thousand gateways ---- */

enum { FLEET = 1000, WINDOW_MS = 5000 };

static void sort(wy_ms *at)
{
	qsort(at, FLEET, sizeof *at, by_size);
}

/* The most in any WINDOW_MS. */
static int peak_of(const wy_ms *at)
{
	int peak = 0, first = 0;

	for (int i = 0; i < FLEET; i++) {
		while (at[i] - at[first] >= WINDOW_MS)
			first++;
		peak = i - first + 1 > peak ? i - first + 1 : peak;
	}
	return peak;
}

/* All lost their broker at 0, after a session that stood; it is back after down_ms. When each is connected again, since
 * then. */
static void come_back(wy_ms down_ms, wy_ms *at)
{
	for (uint64_t seed = 0; seed < FLEET; seed++) {
		struct uplink_backoff b;
		wy_ms now = 0;

		uplink_backoff_init(&b, FIRST_MS, MOST_MS, seed * 7919 + (uint64_t)down_ms);
		uplink_backoff_ended(&b, UPLINK_STABLE_MS);
		do
			now += uplink_backoff_next(&b);
		while (now < down_ms);
		at[seed] = now - down_ms;
	}
	sort(at);
}

/* The rate to compare with is that of an even spread over the first bound: how fast a fleet may come back. */
static void a_thousand_gateways_do_not_knock_together(void **state)
{
	static const wy_ms downs_ms[] = {0, 1000, 5000, 15000, 30000, 60000, 300000, 3600000};
	const double even = (double)FLEET * WINDOW_MS / FIRST_MS;
	wy_ms at[FLEET];

	(void)state;
	for (size_t i = 0; i < sizeof downs_ms / sizeof *downs_ms; i++) {
		come_back(downs_ms[i], at);
		int peak = peak_of(at);

		print_message("broker away %lld s: peak %.1f connects/s, %.2f of an even spread over %d s; half are back after "
			      "%.0f s, all after %.0f s\n", (long long)downs_ms[i] / 1000, peak * 1000.0 / WINDOW_MS,
			      peak / even, FIRST_MS / 1000, (double)at[FLEET / 2] / 1000, (double)at[FLEET - 1] / 1000);
		assert_true(peak <= 1.5 * even);
		assert_true(at[FLEET - 1] <= MOST_MS);
	}
}

/* A broker that takes each and drops it: nobody comes down to short waits. Knocks per second in the end. */
static void a_broker_that_drops_everybody_at_once_is_left_alone(void **state)
{
	unsigned knocks = 0;

	(void)state;
	for (uint64_t seed = 0; seed < FLEET; seed++) {
		struct uplink_backoff b;
		wy_ms now = 0;

		uplink_backoff_init(&b, FIRST_MS, MOST_MS, seed);
		while (now < 2 * 3600000) {
			now += uplink_backoff_next(&b) + 50;
			uplink_backoff_ended(&b, 50); /* it stood for 50 ms */
			knocks += now >= 3600000 && now < 2 * 3600000;
		}
	}
	print_message("%.2f knocks/s of %d gateways\n", knocks / 3600.0, FLEET);
	assert_in_range(knocks, 3600 * 6, 3600 * 7 + 1800); /* one in 150 s each: 6.7 */
}

static void the_estate_is_switched_on_at_once_and_spreads_too(void **state)
{
	wy_ms at[FLEET];

	(void)state;
	for (uint64_t seed = 0; seed < FLEET; seed++) {
		struct uplink_backoff b;

		uplink_backoff_init(&b, FIRST_MS, MOST_MS, seed);
		at[seed] = uplink_backoff_spread(&b, FIRST_MS);
		assert_int_equal(uplink_backoff_bound(&b), FIRST_MS); /* it was no wait after a failure */
	}
	sort(at);
	assert_true(peak_of(at) <= 1.5 * FLEET * WINDOW_MS / FIRST_MS);
}

static void both_ends_are_reached(void **state)
{
	struct uplink_backoff b;
	int seen[4] = {0};

	(void)state;
	uplink_backoff_init(&b, 3, 3, 7);
	for (int i = 0; i < 200; i++)
		seen[uplink_backoff_next(&b)]++;
	for (int i = 0; i < 4; i++)
		assert_true(seen[i] > 0);
}

static void only_a_stable_session_starts_the_waits_over(void **state)
{
	struct uplink_backoff b;

	(void)state;
	uplink_backoff_init(&b, 1000, 300000, 1);
	for (int i = 0; i < 5; i++)
		uplink_backoff_next(&b);
	uplink_backoff_ended(&b, UPLINK_STABLE_MS - 1);
	assert_int_equal(uplink_backoff_bound(&b), 32000);
	uplink_backoff_ended(&b, UPLINK_STABLE_MS);
	assert_int_equal(uplink_backoff_bound(&b), 1000);
}

static void huge_bounds_do_not_overflow(void **state)
{
	struct uplink_backoff b;

	(void)state;
	uplink_backoff_init(&b, INT64_MAX / 3, INT64_MAX - 1, 1);
	for (int i = 0; i < 100; i++)
		assert_true(uplink_backoff_next(&b) >= 0);
	assert_true(uplink_backoff_bound(&b) == INT64_MAX - 1);
}

static void a_year_of_attempts_stays_at_the_most(void **state)
{
	struct uplink_backoff b;

	(void)state;
	uplink_backoff_init(&b, 1, 300000, 1);
	for (int i = 0; i < 200000; i++)
		uplink_backoff_next(&b);
	assert_int_equal(uplink_backoff_bound(&b), 300000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bound_doubles_up_to_the_most),
		cmocka_unit_test(wait_is_never_beyond_its_bound),
		cmocka_unit_test(waits_of_a_thousand_gateways_are_uniform_at_each_bound),
		cmocka_unit_test(a_thousand_gateways_do_not_knock_together),
		cmocka_unit_test(a_broker_that_drops_everybody_at_once_is_left_alone),
		cmocka_unit_test(the_estate_is_switched_on_at_once_and_spreads_too),
		cmocka_unit_test(both_ends_are_reached),
		cmocka_unit_test(only_a_stable_session_starts_the_waits_over),
		cmocka_unit_test(huge_bounds_do_not_overflow),
		cmocka_unit_test(a_year_of_attempts_stays_at_the_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
