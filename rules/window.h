/* window.h: what windows have in common. */
#ifndef RX_WINDOW_H
#define RX_WINDOW_H

#include "functions.h"
#include "line.h"

/* The argument that says how long the window of a call is; NULL: it has none. */
const struct rx_expr *rx_window_arg(const struct rx_expr *call);
wy_ms rx_window_ms(struct rx_eval *ev, const struct rx_expr *call);

/* Compensated: small terms are not lost beside large ones. Zero is a sum of nothing. */
struct rx_sum {
	double sum, rest;
};
void rx_sum_add(struct rx_sum *total, double term);
double rx_sum_of(const struct rx_sum *total);

/* A real number as a whole one where the type asks for it; an end that does not fit is open. */
struct rx_value rx_as_type(struct rx_value v, enum rx_type type);
/* A result; too large a one is unknown. */
struct rx_value rx_finite(double value);
/* The next border of panes lowers ev->next_ms. */
void rx_window_moves(struct rx_eval *ev, wy_ms pane_ms);
/* Enough of the window was known, and, of samples, enough of them are there. Names in ev->next_ms when that may change. */
bool rx_window_answers(struct rx_eval *ev, const struct rx_expr *call, const struct rx_panes *panes, uint64_t n_samples);
/* The memory of a level brought to now, if its panes have moved on: in `copy`, which holds as many bytes. */
typedef void (*rx_account_fn)(struct rx_eval *ev, const struct rx_expr *call, void *memory);
const void *rx_window_now(struct rx_eval *ev, const struct rx_expr *call, const void *memory, void *copy, rx_account_fn account);

/* The full panes of a mean (avg, and all that is .like it) as dots: t in ms from the last border, the mean, and how much
 * it weighs. False: not enough is known for an answer. */
bool rx_mean_dots(struct rx_eval *ev, const struct rx_expr *call, const void *memory, struct rx_dot dots[RX_PANES],
		  size_t *ret_n);

#endif
