/* moments.c: see moments.h. Sums of squares would lose everything where the spread is small beside the mean. */
#include "moments.h"

#include <math.h>

void rx_moments_add(struct rx_moments *m, double x)
{
	double from_before = x - m->mean;

	m->n += 1;
	m->mean += from_before / m->n;
	m->m2 += from_before * (x - m->mean);
}

double rx_moments_sd(const struct rx_moments *m)
{
	return m->n < 2 ? 0 : sqrt(m->m2 / (m->n - 1));
}
