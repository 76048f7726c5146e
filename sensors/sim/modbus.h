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
/* The same on a serial line, with the checksum of the unit that is asked. A function code whose length
 * is unknown is a frame only when the line has been idle since (is_idle) and the checksum agrees. */
int sim_frame_rtu(const struct sim_building *building, const struct sim_wire *wire,
		  const uint8_t *bytes, size_t len, bool is_idle, struct sim_request *ret_request);

/* Whether the function code is not one of those that only read: somebody tries to write (or worse). */
bool sim_modbus_is_write(const struct sim_request *request);
/* What a reading request asks for. False: it is not one of those, or of the wrong length. */
bool sim_request_range(const struct sim_request *request, enum sensor_area *ret_area,
		       uint32_t *ret_first, uint32_t *ret_count);

/* An answer to this request without a PDU yet. */
void sim_reply_start(const struct sim_request *request, struct sim_reply *reply);
/* Fill reply, in the framing of the device's profile. A write attempt is exception 1. */
void sim_modbus_answer(struct sim_device *device, const struct sim_request *request,
		       struct sim_reply *reply);
/* An answer somebody else was meant to have, for the same line. */
struct sim_reply sim_reply_stray(enum sim_kind kind, const struct sim_reply *reply);

/* reply as bytes on the wire, at most reply->keep of the frame; returns their number. */
size_t sim_frame_build(enum sim_kind kind, const struct sim_reply *reply,
		       uint8_t bytes[SIM_FRAME_MAX]);
uint16_t sim_crc(const uint8_t *bytes, size_t len);
/* The other checksum: every byte put to the seed by exclusive or. */
uint16_t sim_xor(uint16_t seed, const uint8_t *bytes, size_t len);

#endif
