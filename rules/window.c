/* window.c: see window.h. */
#include "window.h"

#include <math.h>

enum { WHOLE_MAX_BITS = 62 };

static int64_t whole_of(double real, int64_t open)
{
	const double most = (double)((int64_t)1 << WHOLE_MAX_BITS);

	return real > -most && real < most ? (int64_t)real : open;
}

struct rx_value rx_as_type(struct rx_value v, enum rx_type type)
{
	if (type != RX_T_INT)
		return v;
	v.is_whole = true;
	v.lo = whole_of(v.rlo, INT64_MIN);
	v.hi = whole_of(v.rhi, INT64_MAX);
	return v;
}

/* Windows are not saved at each change. The time between the last saving and the end is not known time. */
void rx_panes_resume(const struct rx_expr *call, void *memory, wy_ms down_ms)
{
	struct rx_panes *panes = memory;

	(void)call;
	if (panes->upto_ms < down_ms)
		panes->is_known = false;
}

bool rx_panes_only_is_sound(const struct rx_expr *call, const void *memory)
{
	(void)call;
	return rx_panes_are_sound(memory);
}
