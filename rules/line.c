/* line.c: see line.h.
 *
 * Everything is taken relative to the first point, so that a long time since some zero and a large constant in y
 * cost no digits, and y that never moves gives exactly no slope. */
#include "line.h"

#include <math.h>

/* Differences below this part of y are the rounding of whoever made the points. */
#define ROUNDING 1e-12

struct sums {
	double weight;
	double t, y; /* weighted means, relative to the first point */
	double tt, ty, yy;
	double most; /* largest |y| */
};

static void add_means(struct sums *s, const struct rx_dot *dots, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		s->weight += dots[i].weight;
		s->t += dots[i].weight * (dots[i].t - dots[0].t);
		s->y += dots[i].weight * (dots[i].y - dots[0].y);
		s->most = fabs(dots[i].y) > s->most ? fabs(dots[i].y) : s->most;
	}
	s->t /= s->weight;
	s->y /= s->weight;
}

static void add_products(struct sums *s, const struct rx_dot *dots, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double t = dots[i].t - dots[0].t - s->t;
		double y = dots[i].y - dots[0].y - s->y;
		s->tt += dots[i].weight * t * t;
		s->ty += dots[i].weight * t * y;
		s->yy += dots[i].weight * y * y;
	}
}

bool rx_line_fit(const struct rx_dot *dots, size_t n, struct rx_line *ret_line)
{
	struct sums s = {0};

	if (n < 3)
		return false;
	add_means(&s, dots, n);
	add_products(&s, dots, n);
	if (s.tt <= 0)
		return false;
	*ret_line = (struct rx_line){.t = dots[0].t + s.t, .y = dots[0].y + s.y};
	if (s.yy <= s.weight * (ROUNDING * s.most) * (ROUNDING * s.most))
		return true;
	double left = s.yy - s.ty * s.ty / s.tt;
	ret_line->slope = s.ty / s.tt;
	/* Only the ratio of the weights matters here: twice as much known everywhere is not twice as sure. */
	ret_line->error = left > 0 ? sqrt(left / (double)(n - 2) / s.tt) : 0;
	return true;
}

bool rx_line_is_sloped(const struct rx_line *line, double times)
{
	return fabs(line->slope) > times * line->error;
}

double rx_line_at(const struct rx_line *line, double t)
{
	return line->y + line->slope * (t - line->t);
}
