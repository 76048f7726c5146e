/* idle_uplink.c: in place of gateway/uplink, what an uplink has to do for itself: here nothing. Nothing to wait for, nothing to
 * count, no clock to judge by. What is opened, published and closed is the test's own affair (fake_uplink.c, the models). */
#include "uplink.h"

int uplink_fd(const struct uplink *uplink)
{
	(void)uplink;
	return -1;
}

wy_ms uplink_dispatch(struct uplink *uplink, wy_ms now_ms)
{
	(void)uplink;
	(void)now_ms;
	return WY_MS_NEVER;
}

wy_ms uplink_due(const struct uplink *uplink)
{
	(void)uplink;
	return WY_MS_NEVER;
}

void uplink_judge_from(wy_ms least_wall_ms)
{
	(void)least_wall_ms;
}

struct uplink_counts uplink_counts(const struct uplink *uplink)
{
	(void)uplink;
	return (struct uplink_counts){0};
}
