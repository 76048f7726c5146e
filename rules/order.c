/* order.c: see order.h. A heap sort, because the C library's qsort() may take heap memory and its order of
 * steps is its own affair. */
#include "order.h"

#include <math.h>

enum { FEW = 16 };

/* The value at `at` goes down to its place among n, the larger of two below always rising. */
static void sink(double *values, size_t at, size_t n)
{
	double moved = values[at];

	for (;;) {
		size_t below = 2 * at + 1;
		if (below >= n)
			break;
		if (below + 1 < n && values[below + 1] > values[below])
			below++;
		if (values[below] <= moved)
			break;
		values[at] = values[below];
		at = below;
	}
	values[at] = moved;
}

/* A few are in order soonest this way. */
static void insert_all(double *values, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double moved = values[i];
		size_t at = i;
		for (; at > 0 && values[at - 1] > moved; at--)
			values[at] = values[at - 1];
		values[at] = moved;
	}
}

void rx_sort(double *values, size_t n)
{
	if (n <= FEW) {
		insert_all(values, n);
		return;
	}
	for (size_t i = n / 2; i-- > 0;)
		sink(values, i, n);
	for (size_t last = n; last-- > 1;) {
		double largest = values[0];
		values[0] = values[last];
		values[last] = largest;
		sink(values, 0, last);
	}
}

static double middle(double *values, size_t n)
{
	rx_sort(values, n);
	if (n % 2)
		return values[n / 2];
	return values[n / 2 - 1] + (values[n / 2] - values[n / 2 - 1]) / 2;
}

struct rx_robust rx_robust_of(double *values, size_t n)
{
	struct rx_robust out = {.median = middle(values, n)};

	for (size_t i = 0; i < n; i++)
		values[i] = fabs(values[i] - out.median);
	out.mad = middle(values, n);
	return out;
}
