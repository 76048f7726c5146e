/* payload.h: values as CoAP payloads: text/plain and SenML-JSON. Pure. */
#ifndef SIM_PAYLOAD_H
#define SIM_PAYLOAD_H

#include "building.h"

#define SIM_FORMAT_TEXT 0u
#define SIM_FORMAT_SENML 110u

/* points: indices of those a resource carries. Text is possible for one point only. Returns a heap
 * string, the caller's to free, or NULL: out of memory, or text for several. */
char *sim_payload(const struct sim_device *device, const uint32_t *points, size_t n_points,
		  unsigned format);

#endif
