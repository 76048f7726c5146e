/* fn_predict.c: when a number will reach a limit, and where it will be: a straight line through the means of the panes
 * of a window, taken seriously only where its slope is well above its own error.
 *
 * The line moves at the borders of panes, x with its samples: so looks in between change nothing. */
#include <math.h>

#include "rule_engine.h"
#include "window.h"

enum { ETA_LIMIT = 1, ETA_OVER, ETA_TMIN, ETA_SIDE };
enum { FORECAST_AHEAD = 1, FORECAST_OVER, FORECAST_TMIN };
enum side { EITHER, HIGH, LOW };

/* Unknown because something it needs is; a length of time is never below zero. */
static struct rx_value lacking(const struct rx_value *of, double least)
{
	struct rx_value v = rx_unknown_of(RX_T_REAL, (enum rx_unknown)of->unknown);

	v.point = of->point;
	v.quality = of->quality;
	v.rlo = least;
	return v;
}

static bool is_beyond(enum side side, double x, double limit)
{
	return x == limit || (side == HIGH && x > limit) || (side == LOW && x < limit);
}

/* On the other side of the limit than the window began. Which of the two is the bad one only `side` could tell. */
static bool has_crossed(double x, double limit, const struct rx_line *line, double begin_t)
{
	double begin = rx_line_at(line, begin_t);

	return (begin < limit && x > limit) || (begin > limit && x < limit);
}

/* "Never" is a time longer than any. */
static struct rx_value time_to(double gap, const struct rx_line *line, double times)
{
	bool is_coming = rx_line_is_sloped(line, times) && gap * line->slope > 0;

	return rx_real(is_coming ? gap / line->slope : INFINITY);
}

struct rx_value fn_eta(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct rx_value x = rx_as_real(rx_eval(ev, call->child));
	struct rx_value limit = rx_as_real(rx_eval(ev, rx_arg(call, ETA_LIMIT)));
	enum side side = (enum side)rx_arg(call, ETA_SIDE)->index;
	struct rx_value why = {.unknown = RX_NO_COVER};
	struct rx_dot dots[RX_PANES];
	struct rx_line line;
	struct rx_value v;
	size_t n;

	bool is_covered = rx_mean_dots(ev, call, memory, dots, &n) && rx_line_fit(dots, n, &line);
	if (!rx_is_exact(&x) || !rx_is_exact(&limit))
		return lacking(rx_is_exact(&x) ? &limit : &x, 0);
	if (is_covered && side == EITHER && has_crossed(x.rlo, limit.rlo, &line, dots[0].t))
		why.unknown = RX_NO_SIDE;
	if (is_beyond(side, x.rlo, limit.rlo))
		v = rx_real(0);
	else if (is_covered && why.unknown != RX_NO_SIDE)
		v = time_to(limit.rlo - x.rlo, &line, rx_eval_constant(ev, rx_arg(call, ETA_TMIN)));
	else
		v = lacking(&why, 0);
	v.is_uncertain = x.is_uncertain || limit.is_uncertain;
	return v;
}

struct rx_value fn_forecast(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	struct rx_value x = rx_as_real(rx_eval(ev, call->child));
	double ahead_ms = (double)rx_eval_span(ev, rx_arg(call, FORECAST_AHEAD));
	struct rx_dot dots[RX_PANES];
	struct rx_line line;
	size_t n;

	bool is_covered = rx_mean_dots(ev, call, memory, dots, &n) && rx_line_fit(dots, n, &line);
	if (!rx_is_exact(&x))
		return lacking(&x, -INFINITY);
	if (!is_covered || !rx_line_is_sloped(&line, rx_eval_constant(ev, rx_arg(call, FORECAST_TMIN))))
		return rx_unknown_of(RX_T_REAL, is_covered ? RX_NO_TREND : RX_NO_COVER);
	struct rx_value v = rx_real(x.rlo + line.slope * ahead_ms);
	v.is_uncertain = x.is_uncertain;
	return v;
}
