/* answer.h: one request to one device, from what it does to the device to the answer as it will be
 * sent. Pure: the time is an argument. */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include "building.h"
#include "modbus.h"

/* Fill reply; is_dropped: nobody answers. The device may change by being asked: heartbeat, counters,
 * points that reading clears, a crash. True: the function code is not one of those that only read. */
bool sim_answer(struct sim_building *building, uint32_t device, const struct sim_request *request,
		wy_ms now_ms, struct sim_reply *reply);

#endif
