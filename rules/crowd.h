/* crowd.h: how far several numbers together are from what is normal for them (Mahalanobis distance), and which of
 * them is how much to blame.
 *
 * While learning, means and co-moments grow by one sample at a time (Welford). Learnt once: each number is measured
 * in its own deviation, but never in less than its floor, so a number that hardly moves cannot shout. The
 * correlations are shrunk towards none, by as much as so few samples deserve (OAS: Chen, Wiesel, Eldar and Hero,
 * "Shrinkage algorithms for MMSE covariance estimation", 2010) and by a tenth at least, so numbers that go in step,
 * or are the same twice, do no harm. From what remains its inverse square root W is made; then
 *
 *   distance^2 = |W z|^2, and the share of number i is (W z)_i^2 / distance^2
 *
 * which no sign can make negative, which sums to one and gives each number the part that it explains best
 * (Garthwaite and Koch, "Evaluating the contributions of individual variables to a quadratic form", 2016).
 * O(k^2) per sample, O(k^3) once. Zero is the initial state. */
#ifndef RX_CROWD_H
#define RX_CROWD_H

#include <stdbool.h>

#include "wy_limits.h"

#define RX_CROWD WY_RULE_JOINT_MAX

struct rx_crowd {
	double n;
	double mean[RX_CROWD];
	double scale[RX_CROWD];           /* learnt: what z is measured in */
	double matrix[RX_CROWD][RX_CROWD]; /* learning: co-moments; learnt: W. Symmetric, both halves kept */
};

void rx_crowd_add(struct rx_crowd *c, unsigned k, const double *x);
/* Ends the learning; n > 1. floor: the least scale of each number, above 0. */
void rx_crowd_learn(struct rx_crowd *c, unsigned k, const double *floor);
/* Learnt only. shares: k parts that sum to 1 (or are all 0 at distance 0); may be NULL. */
double rx_crowd_distance(const struct rx_crowd *c, unsigned k, const double *x, double *shares);

#endif
