/* span_advance against a table and against a model that is too simple to be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "span.h"

#define LAST 40

static const struct {
	int64_t through;
	int64_t seq[8];
	size_t n;
	int64_t through_after, hole_from, hole_to; /* hole 1..0: none */
} ROWS[] = {
	{0, {0}, 0, 0, 1, 0},
	{0, {1}, 1, 1, 1, 0},
	{0, {2}, 1, 0, 1, 1},
	{0, {1, 2, 3}, 3, 3, 1, 0},
	{3, {5, 6, 9}, 3, 3, 4, 4},
	{3, {4, 6, 9}, 3, 4, 5, 5},
	{3, {4, 9}, 2, 4, 5, 8},
	{7, {1, 2, 3, 7}, 4, 7, 1, 0},
	{7, {8, 8, 8, 9}, 4, 9, 1, 0},
	{0, {INT64_MAX}, 1, 0, 1, INT64_MAX - 1},
	{INT64_MAX - 1, {INT64_MAX}, 1, INT64_MAX, 1, 0},
	{INT64_MAX, {INT64_MAX}, 1, INT64_MAX, 1, 0},
};

static void through_and_first_hole_follow_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
		struct span_hole hole;
		int64_t through = span_advance(ROWS[i].through, ROWS[i].seq, ROWS[i].n, &hole);

		assert_true(through == ROWS[i].through_after);
		assert_true(hole.from == ROWS[i].hole_from);
		assert_true(hole.to == ROWS[i].hole_to);
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

/* Numbers come in any order and in groups; after each group the answer is that of counting. */
static void any_order_of_arrival_gives_the_same_as_counting(void **state)
{
	(void)state;
	for (uint32_t round = 1; round <= 2000; round++) {
		bool has[LAST + 2] = {false};
		uint32_t seed = round;
		int64_t through = 0;

		for (unsigned group = 0; group < 12; group++) {
			int64_t seq[LAST];
			size_t n = 0;
			int64_t model = 0, after = 0;
			struct span_hole hole;

			for (unsigned i = 0; i < 6; i++)
				has[1 + next_random(&seed) % LAST] = true;
			for (int64_t at = through + 1; at <= LAST; at++)
				if (has[at])
					seq[n++] = at;
			through = span_advance(through, seq, n, &hole);

			while (has[model + 1])
				model++;
			for (int64_t at = LAST; at > model; at--)
				if (has[at])
					after = at;
			assert_int_equal(through, model);
			assert_int_equal(hole.from <= hole.to, after > 0);
			if (after > 0) {
				assert_int_equal(hole.from, model + 1);
				assert_int_equal(hole.to, after - 1);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(through_and_first_hole_follow_the_table),
		cmocka_unit_test(any_order_of_arrival_gives_the_same_as_counting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
