/* exponent.c: see exponent.h.
 *
 * x = k ln 2 + r with |r| <= ln 2 / 2. ln 2 is taken in two parts, the first short enough that k times it is
 * exact. e^r is its series up to r^13 / 13!; what is left out is below 5e-18. The C library's exp() may not
 * be used: its last bit differs from machine to machine, and saved state is compared bit for bit. */
#include "exponent.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { TERMS = 13, BIAS = 1023, FRACTION_BITS = 52, SMALLEST = -1022 };

static double power_of_two(int k)
{
	uint64_t bits = (uint64_t)(k + BIAS) << FRACTION_BITS;
	double power;

	memcpy(&power, &bits, sizeof(power));
	return power;
}

/* Horner over 1/i!. */
static double series(double r)
{
	static const double part[TERMS + 1] = {
		1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880,
		1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
	double sum = part[TERMS];

	for (int i = TERMS - 1; i >= 0; i--)
		sum = part[i] + r * sum;
	return sum;
}

double rx_exp(double x)
{
	const double per_ln2 = 0x1.71547652b82fep+0;
	const double ln2_high = 0x1.62e42fee00000p-1;
	const double ln2_low = 0x1.a39ef35793c76p-33;

	if (isnan(x))
		return x;
	if (x > 709)
		return INFINITY;
	if (x < -745)
		return 0;
	int k = (int)(x * per_ln2 + (x < 0 ? -0.5 : 0.5));
	double y = series((x - k * ln2_high) - k * ln2_low);
	/* Below the normal doubles in two steps: the second one rounds. */
	if (k < SMALLEST)
		return y * power_of_two(k - SMALLEST) * power_of_two(SMALLEST);
	return y * power_of_two(k);
}
