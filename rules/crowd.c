/* crowd.c: see crowd.h. */
#include "crowd.h"

#include <math.h>

#define SHRINK_LEAST 0.1

enum { SWEEPS_MAX = 30 }; /* of Jacobi; eight rows need six or seven */

void rx_crowd_add(struct rx_crowd *c, unsigned k, const double *x)
{
	double from_before[RX_CROWD];

	c->n += 1;
	for (unsigned i = 0; i < k; i++) {
		from_before[i] = x[i] - c->mean[i];
		c->mean[i] += from_before[i] / c->n;
	}
	for (unsigned i = 0; i < k; i++)
		for (unsigned j = 0; j < k; j++)
			c->matrix[i][j] += from_before[i] * from_before[j] * ((c->n - 1) / c->n);
}

/* Co-moments become correlations of the floored numbers. */
static void correlate(struct rx_crowd *c, unsigned k, const double *floor)
{
	for (unsigned i = 0; i < k; i++) {
		double sd = sqrt(c->matrix[i][i] / (c->n - 1));
		c->scale[i] = sd > floor[i] ? sd : floor[i];
	}
	for (unsigned i = 0; i < k; i++)
		for (unsigned j = 0; j < k; j++)
			c->matrix[i][j] = i == j ? 1 : c->matrix[i][j] / (c->n - 1) / c->scale[i] / c->scale[j];
}

/* How much of the correlations is likely chance: 0 nothing, 1 all. */
static double chance_of(const struct rx_crowd *c, unsigned k)
{
	double p = k;
	double square = 0; /* trace of the matrix squared */

	for (unsigned i = 0; i < k; i++)
		for (unsigned j = 0; j < k; j++)
			square += c->matrix[i][j] * c->matrix[i][j];
	double above = (1 - 2 / p) * square + p * p;
	double below = (c->n + 1 - 2 / p) * (square - p);
	double chance = below > 0 && above < below ? above / below : 1;
	return chance > SHRINK_LEAST ? chance : SHRINK_LEAST;
}

static void shrink(struct rx_crowd *c, unsigned k)
{
	double kept = 1 - chance_of(c, k);

	for (unsigned i = 0; i < k; i++)
		for (unsigned j = 0; j < k; j++)
			c->matrix[i][j] *= i == j ? 1 : kept;
}

/* One rotation that makes a[p][q] zero; v collects all rotations. */
static void rotate(double a[RX_CROWD][RX_CROWD], double v[RX_CROWD][RX_CROWD], unsigned k, unsigned p, unsigned q)
{
	if (a[p][q] == 0)
		return;
	double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
	double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
	double cosine = 1 / sqrt(t * t + 1);
	double sine = t * cosine;

	for (unsigned i = 0; i < k; i++) {
		double ip = a[i][p];
		double iq = a[i][q];
		a[i][p] = cosine * ip - sine * iq;
		a[i][q] = sine * ip + cosine * iq;
	}
	for (unsigned i = 0; i < k; i++) {
		double pi = a[p][i];
		double qi = a[q][i];
		a[p][i] = cosine * pi - sine * qi;
		a[q][i] = sine * pi + cosine * qi;
		double vp = v[i][p];
		double vq = v[i][q];
		v[i][p] = cosine * vp - sine * vq;
		v[i][q] = sine * vp + cosine * vq;
	}
	a[p][q] = a[q][p] = 0;
}

/* Jacobi: a turns diagonal, its columns of v are what it is made of. */
static void diagonalise(double a[RX_CROWD][RX_CROWD], double v[RX_CROWD][RX_CROWD], unsigned k)
{
	for (unsigned i = 0; i < k; i++)
		for (unsigned j = 0; j < k; j++)
			v[i][j] = i == j;
	for (unsigned sweep = 0; sweep < SWEEPS_MAX; sweep++)
		for (unsigned p = 0; p + 1 < k; p++)
			for (unsigned q = p + 1; q < k; q++)
				rotate(a, v, k, p, q);
}

/* The symmetric inverse square root. Shrinking has left no root below SHRINK_LEAST but for rounding. */
static void invert_root(struct rx_crowd *c, unsigned k)
{
	double v[RX_CROWD][RX_CROWD];
	double root[RX_CROWD];

	diagonalise(c->matrix, v, k);
	for (unsigned i = 0; i < k; i++) {
		double size = c->matrix[i][i];
		root[i] = 1 / sqrt(size > SHRINK_LEAST / 2 ? size : SHRINK_LEAST / 2);
	}
	for (unsigned i = 0; i < k; i++)
		for (unsigned j = 0; j <= i; j++) {
			double sum = 0;
			for (unsigned m = 0; m < k; m++)
				sum += v[i][m] * root[m] * v[j][m];
			c->matrix[i][j] = c->matrix[j][i] = sum;
		}
}

void rx_crowd_learn(struct rx_crowd *c, unsigned k, const double *floor)
{
	correlate(c, k, floor);
	shrink(c, k);
	invert_root(c, k);
}

double rx_crowd_distance(const struct rx_crowd *c, unsigned k, const double *x, double *shares)
{
	double z[RX_CROWD];
	double part[RX_CROWD];
	double square = 0;

	for (unsigned i = 0; i < k; i++)
		z[i] = (x[i] - c->mean[i]) / c->scale[i];
	for (unsigned i = 0; i < k; i++) {
		double w = 0;
		for (unsigned j = 0; j < k; j++)
			w += c->matrix[i][j] * z[j];
		part[i] = w * w;
		square += part[i];
	}
	for (unsigned i = 0; i < k && shares; i++)
		shares[i] = square > 0 ? part[i] / square : 0;
	return sqrt(square);
}
