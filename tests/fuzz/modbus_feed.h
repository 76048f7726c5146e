/* modbus_feed.h: what a Modbus device says, made of the fuzzer's bytes: for TCP and for a serial line. */
#ifndef FUZZ_MODBUS_FEED_H
#define FUZZ_MODBUS_FEED_H

#include "guest.h"

/* How the target reaches its side of the wire. */
struct feed_wire {
	enum sensor_wire_kind kind;
	int (*device_fd)(void);	 /* the device's side now, -1: not connected */
	void (*settle)(void);	 /* after a write: until the driver can read it */
	void (*hang_up)(void);	 /* NULL: this wire cannot */
};

void modbus_feed(struct guest *guest, const struct feed_wire *wire, const uint8_t *data, size_t size);

#endif
