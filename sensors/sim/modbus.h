/* modbus.h: the server side of Modbus: frames in, frames out. Pure; no code shared with the
 * drivers. */
#ifndef SIM_MODBUS_H
#define SIM_MODBUS_H

#include "building.h"

#define SIM_NEED_MORE 0	     /* not a whole frame yet */
#define SIM_NOT_A_FRAME (-1) /* cannot become one */

struct sim_request {
	uint16_t transaction; /* TCP */
	uint8_t unit;
	const uint8_t *pdu; /* borrows from the bytes given */
	size_t pdu_len;	    /* > 0 */
};

/* The first frame in bytes: its length, SIM_NEED_MORE or SIM_NOT_A_FRAME. */
int sim_frame_tcp(const uint8_t *bytes, size_t len, struct sim_request *ret_request);
/* The same on a serial line. A function code whose length is unknown is a frame only when the line
 * has been idle since (is_idle) and the checksum agrees. */
int sim_frame_rtu(const uint8_t *bytes, size_t len, bool is_idle, struct sim_request *ret_request);

/* Fill reply->pdu. True: the function code is not one of those that only read, i.e. somebody tried
 * to write (or worse); the answer is exception 1. */
bool sim_modbus_answer(const struct sim_device *device, const struct sim_request *request,
		       struct sim_reply *reply);

/* reply as bytes on the wire, at most reply->keep of the frame; returns their number. */
size_t sim_frame_build(enum sim_kind kind, const struct sim_reply *reply,
		       uint8_t bytes[SIM_FRAME_MAX]);
uint16_t sim_crc(const uint8_t *bytes, size_t len);

#endif
