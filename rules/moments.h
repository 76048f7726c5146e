/* moments.h: mean and spread of numbers that come one at a time (Welford). Zero is the empty state. */
#ifndef RX_MOMENTS_H
#define RX_MOMENTS_H

struct rx_moments {
	double n;
	double mean;
	double m2; /* sum of squared distances from the mean */
};

void rx_moments_add(struct rx_moments *m, double x);
/* Of a sample: over n - 1. 0 with fewer than two. */
double rx_moments_sd(const struct rx_moments *m);

#endif
