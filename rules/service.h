/* service.h: is an asset out of service? A class may say so of itself: `out_of_service_when`. Then its points are
 * unknown to rules (but those with `in_service_only: false`), and what stands stands still.
 *
 * It is kept like any stateful call, as the first memory of the class, so it survives a restart. Where the condition
 * is unknown the last answer stands, for WY_RULE_OUT_UNKNOWN_MS at most: a device that died under inspection
 * must not be forgotten. */
#ifndef RX_SERVICE_H
#define RX_SERVICE_H

#include "context.h"

struct rx_mem_service {
	bool is_out;
	bool is_doubtful; /* out, and unknown since doubtful_ms */
	wy_ms doubtful_ms;
};

/* Check the condition of a class, if it has one; before its rules, so that its memory comes first. */
void rx_read_service(struct rx_load *load, uint32_t cls);
bool rx_is_out_of_service(const struct rule_engine *engine, uint32_t asset);

#endif
