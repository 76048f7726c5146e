/* order.h: statistics by rank, which a few wild values do not move. */
#ifndef RX_ORDER_H
#define RX_ORDER_H

#include <stddef.h>

/* Of n values: the middle one (of an even number the mean of the middle two), and the same of their distances
 * from it. */
struct rx_robust {
	double median;
	double mad;
};

/* In what is to a MAD as 1 is to the deviation of a normal distribution. */
#define RX_MAD_TO_SD 1.4826

/* Ascending; never more than n log n steps, and no memory. */
void rx_sort(double *values, size_t n);
/* n > 0. The values are lost. */
struct rx_robust rx_robust_of(double *values, size_t n);

#endif
