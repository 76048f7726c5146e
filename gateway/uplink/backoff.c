/* backoff.c: full jitter. Nothing here needs to be secret;
 * it only has to differ between gateways, which the seed takes care of. */
#include "backoff.h"

#include "draw.h"

void uplink_backoff_init(struct uplink_backoff *backoff, wy_ms first_ms, wy_ms most_ms,
			 uint64_t seed)
{
	*backoff = (struct uplink_backoff){
		.first_ms = first_ms,
		.most_ms = most_ms < first_ms ? first_ms : most_ms,
		.random = seed,
	};
}

wy_ms uplink_backoff_bound(const struct uplink_backoff *backoff)
{
	wy_ms bound_ms = backoff->first_ms;

	for (unsigned i = 0; i < backoff->doublings && bound_ms < backoff->most_ms; i++)
		bound_ms = bound_ms > backoff->most_ms / 2 ? backoff->most_ms : bound_ms * 2;
	return bound_ms;
}

wy_ms uplink_backoff_next(struct uplink_backoff *backoff)
{
	wy_ms bound_ms = uplink_backoff_bound(backoff);

	if (bound_ms < backoff->most_ms)
		backoff->doublings++;
	return uplink_backoff_spread(backoff, bound_ms);
}

wy_ms uplink_backoff_spread(struct uplink_backoff *backoff, wy_ms most_ms)
{
	return (wy_ms)(wy_draw(&backoff->random) % ((uint64_t)most_ms + 1));
}

void uplink_backoff_ended(struct uplink_backoff *backoff, wy_ms stood_ms)
{
	if (stood_ms >= UPLINK_STABLE_MS)
		backoff->doublings = 0;
}
