/* modbus_doubt.h: requests on a serial line whose answer may still come. Pure.
 *
 * A serial answer carries nothing but unit, function, length and data. So after a request went
 * unanswered, any later answer of the same unit, function and length could be its own. Such a
 * request stays listed until its answer was seen or its time is over, and modbus_exchange.c sends nothing of
 * the same shape meanwhile. */
#ifndef SENSOR_MODBUS_DOUBT_H
#define SENSOR_MODBUS_DOUBT_H

#include "modbus_frame.h"

/* Bytes nobody waited for. What does not fit is read and counted all the same. */
struct modbus_strays {
	size_t n;
	uint8_t bytes[512];
};

struct modbus_shape {
	uint8_t unit, function;
	uint16_t bytes;
};

struct modbus_doubt {
	struct modbus_shape shape;
	wy_ms sent_ms, until_ms;
};

struct modbus_doubts {
	struct modbus_doubt item[WY_MODBUS_DOUBTS_MAX];
	size_t n;
	wy_ms blind_until_ms; /* the list overflowed: everything is doubtful until then */
};

struct modbus_shape modbus_shape_of(const struct modbus_request *request);

void modbus_doubts_add(struct modbus_doubts *doubts, struct modbus_shape shape, wy_ms sent_ms,
		       wy_ms until_ms);
/* May an answer of this shape belong to an older request? */
bool modbus_doubts_has(const struct modbus_doubts *doubts, struct modbus_shape shape, wy_ms now_ms);
/* The same for exceptions, which have no length: any listed request of this unit and function. */
bool modbus_doubts_has_function(const struct modbus_doubts *doubts, uint8_t unit, uint8_t function,
				wy_ms now_ms);
/* Look for whole frames (CRC and all) among stray bytes; each takes one listed request away.
 * Returns how late the latest of them was, in ms after its request; 0: none found. */
wy_ms modbus_doubts_resolve(struct modbus_doubts *doubts, const struct modbus_strays *strays,
			    wy_ms now_ms);

#endif
