/* series.h: an argument over time, as windows and baselines see it.
 *
 * A number is a level: it holds its value until it changes; or it is sampled: sample() and arithmetic on it have a
 * value only at the instants of their event. Statistics are weighted with time on a level and count samples
 * otherwise, so that results depend neither on the poll rate nor on how often something is reported. */
#ifndef RX_SERIES_H
#define RX_SERIES_H

#include "functions.h"

struct rx_series {
	bool is_sampled;
	bool is_known;   /* level: it has a value now. Sampled: its event is being watched */
	bool has_sample; /* sampled: one is taken at this instant */
	bool is_uncertain;
	double value;    /* of a known level, or of the sample taken */
};

/* The argument now, for an update: inner memories are up to date. */
struct rx_series rx_series_now(struct rx_eval *ev, const struct rx_expr *e);

#endif
