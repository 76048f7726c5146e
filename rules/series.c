/* series.c: see series.h. */
#include "series.h"

#include <math.h>

#include "rule_engine.h"

struct rx_series rx_series_now(struct rx_eval *ev, const struct rx_expr *e)
{
	struct rx_value v = rx_as_real(rx_eval(ev, e));
	struct rx_series s = {.is_sampled = e->sampling, .is_uncertain = v.is_uncertain};

	/* The "never" of eta() is a value, but none to add up. */
	s.is_known = rx_is_exact(&v) && isfinite(v.rlo);
	s.value = s.is_known ? v.rlo : 0;
	if (!e->sampling)
		return s;
	const struct rx_mem_sample *sample = rx_memory_of(ev, e->sampling);
	s.has_sample = sample->has_sample && s.is_known;
	s.is_known = sample->is_watched;
	return s;
}
