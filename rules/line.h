/* line.h: the straight line that fits weighted points best, and how sure its slope is. */
#ifndef RX_LINE_H
#define RX_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct rx_dot {
	double t, y;
	double weight; /* above 0 */
};

struct rx_line {
	double t, y;     /* the line goes through their weighted means */
	double slope;    /* of y per t */
	double error;    /* its standard error; 0: the points lie on the line */
};

/* Needs three points at least two of which differ in t: fewer leave no error to judge by; then false. */
bool rx_line_fit(const struct rx_dot *dots, size_t n, struct rx_line *ret_line);
/* Is the slope more than `times` its standard error away from zero? */
bool rx_line_is_sloped(const struct rx_line *line, double times);
double rx_line_at(const struct rx_line *line, double t);

#endif
