/* The waits between attempts: bounds, spread, and what starts them over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backoff.h"

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
static void waits_of_a_thousand_gateways_are_uniform(void **state)
{
	enum { N = 1000, BOUND = 4000 };
	static int at_or_below[BOUND + 1];
	double worst = 0;
	int n = 0;

	(void)state;
	for (uint64_t seed = 0; seed < N; seed++) {
		struct uplink_backoff b;

		uplink_backoff_init(&b, 1000, 300000, seed);
		uplink_backoff_next(&b);
		uplink_backoff_next(&b);
		at_or_below[uplink_backoff_next(&b)]++;
	}
	for (int i = 0; i <= BOUND; i++) {
		double gap;

		n += at_or_below[i];
		gap = (double)n / N - (double)(i + 1) / (BOUND + 1);
		gap = gap < 0 ? -gap : gap;
		worst = gap > worst ? gap : worst;
	}
	assert_int_equal(n, N);
	assert_true(worst < 1.63 / 31.62);
	assert_true(worst > 0.0);
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
		cmocka_unit_test(waits_of_a_thousand_gateways_are_uniform),
		cmocka_unit_test(both_ends_are_reached),
		cmocka_unit_test(only_a_stable_session_starts_the_waits_over),
		cmocka_unit_test(huge_bounds_do_not_overflow),
		cmocka_unit_test(a_year_of_attempts_stays_at_the_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
