/* nth_sweep.c: a story under the n-th failure of every kind, for the n that there are. */
#include "nth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* How many there are of a kind, nearly: by doubling, then halving. */
static unsigned count(nth_play *play, enum nth_kind kind)
{
	unsigned low = 0, high = 64;

	while (play(kind, high)) {
		low = high;
		high *= 4;
	}
	while (high - low > 1 + low / 8) {
		unsigned middle = low + (high - low) / 2;
		if (play(kind, middle))
			low = middle;
		else
			high = middle;
	}
	return low;
}

void nth_sweep(nth_play *play, unsigned sample, unsigned *more)
{
	bool is_all = getenv("WY_LONG") != NULL;

	for (enum nth_kind kind = 0; kind < NTH_KINDS; kind++) {
		unsigned tried = 0, n = 1, stride = is_all ? 1 : 1 + count(play, kind) / sample;

		*more = 0;
		for (; play(kind, n); n += stride)
			tried++;
		print_message("%s: %u places up to %u, %u starts more than without\n", nth_text(kind), tried, n, *more);
		assert_true(tried > 0);
	}
}
