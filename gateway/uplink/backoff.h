/* backoff.h: how long to wait before the next attempt to connect. Pure: same seed, same waits.
 *
 * Full jitter: uniform from 0 to a bound that doubles with every attempt. A thousand gateways that
 * lost the same broker at the same moment come back spread out over the first bound, not in step. */
#ifndef UPLINK_BACKOFF_H
#define UPLINK_BACKOFF_H

#include <stdint.h>

#include "clocktypes.h"

#define UPLINK_STABLE_MS 60000 /* a session that stood so long proves the way is clear */

struct uplink_backoff {
	wy_ms first_ms, most_ms;
	unsigned doublings;
	uint64_t random;
};

/* first_ms > 0; most_ms < first_ms is taken as first_ms. */
void uplink_backoff_init(struct uplink_backoff *backoff, wy_ms first_ms, wy_ms most_ms,
			 uint64_t seed);
/* The bound of the next wait: min(most, first * 2^n). */
wy_ms uplink_backoff_bound(const struct uplink_backoff *backoff);
/* The next wait, 0 .. bound; doubles the bound. */
wy_ms uplink_backoff_next(struct uplink_backoff *backoff);
/* An instant within 0 .. most_ms, that does not count as a wait. */
wy_ms uplink_backoff_spread(struct uplink_backoff *backoff, wy_ms most_ms);
/* A session ended that stood for stood_ms: only a stable one starts the waits over. A broker that
 * accepts and drops at once is waited for longer and longer. */
void uplink_backoff_ended(struct uplink_backoff *backoff, wy_ms stood_ms);

#endif
