/* early_will.c: the gateway, but the broker is asked to tell of its death after $WEIYU_WILL_S seconds and not after the product's
 * time, so that a trial need not wait for it. Linked into bin/weiyu-early_will with --wrap on the call between delivery and
 * uplink; the product knows nothing of it. */
#include <stdlib.h>

#include "uplink.h"

enum wy_err __real_uplink_open(const struct uplink_conf *conf, const struct uplink_handler *handler, uint64_t seed,
			       struct wy_buf *words, struct uplink **ret_uplink);
enum wy_err __wrap_uplink_open(const struct uplink_conf *conf, const struct uplink_handler *handler, uint64_t seed,
			       struct wy_buf *words, struct uplink **ret_uplink);

enum wy_err __wrap_uplink_open(const struct uplink_conf *conf, const struct uplink_handler *handler, uint64_t seed,
			       struct wy_buf *words, struct uplink **ret_uplink)
{
	const char *will_s = getenv("WEIYU_WILL_S");
	struct uplink_conf ours = *conf;

	if (will_s)
		ours.will_delay_s = (uint32_t)strtoul(will_s, NULL, 10);
	return __real_uplink_open(&ours, handler, seed, words, ret_uplink);
}
