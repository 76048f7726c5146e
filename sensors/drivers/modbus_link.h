/* modbus_link.h: the connection under a wire, and one exchange over it. Not for others than
 * modbus.c.
 *
 * The only user of libmodbus. Every wait ends at a deadline or when the wake descriptor is
 * readable. */
#ifndef SENSOR_MODBUS_LINK_H
#define SENSOR_MODBUS_LINK_H

#include "../sensor.h"

struct modbus_link {
	const struct sensor_wire_conf *conf; /* borrowed */
	struct _modbus *modbus;		     /* owned; a modbus_t */
	sensor_clock clock;
	void *clock_arg;
	int wake_fd; /* owned; readable for ever after an interrupt */
	bool is_open;
	uint16_t transaction; /* TCP: of the last request */
};

struct modbus_request {
	uint8_t unit, function;
	uint16_t address, count;
};

struct modbus_answer {
	uint8_t exception; /* 0: data */
	uint8_t bytes;
	uint8_t data[252]; /* as on the wire */
};

/* Bytes nobody waited for. What does not fit is read and counted all the same. */
struct modbus_strays {
	size_t n;
	uint8_t bytes[512];
};

WY_MUST_CHECK enum wy_err modbus_link_init(struct modbus_link *link,
					   const struct sensor_wire_conf *conf, sensor_clock clock,
					   void *clock_arg);
void modbus_link_release(struct modbus_link *link);

/* WY_E_LINK, WY_E_LIMIT (descriptor too high), WY_E_BUSY (line taken), WY_E_STATE (interrupted). */
WY_MUST_CHECK enum wy_err modbus_link_open(struct modbus_link *link);
void modbus_link_close(struct modbus_link *link);

/* From any thread: every wait ends with WY_E_STATE from now on. */
void modbus_link_wake(struct modbus_link *link);

wy_ms modbus_link_now(const struct modbus_link *link);
/* Wait for an instant. WY_E_STATE: interrupted. */
WY_MUST_CHECK enum wy_err modbus_link_sleep(const struct modbus_link *link, wy_ms until_ms);

/* TCP: nothing has come since the last answer and the peer is still there. */
bool modbus_link_is_clean(const struct modbus_link *link);
/* RTU: read away what has come, adding it to strays. WY_E_LINK: the line is gone; WY_E_PROTOCOL: it
 * does not end. */
WY_MUST_CHECK enum wy_err modbus_link_discard(const struct modbus_link *link,
					      struct modbus_strays *strays);
/* RTU: listen and discard until until_ms and then on until nothing came for quiet_ms, but not
 * beyond most_ms. WY_E_PROTOCOL: still babbling then; WY_E_STATE; WY_E_LINK. */
WY_MUST_CHECK enum wy_err modbus_link_listen(const struct modbus_link *link, wy_ms until_ms,
					     wy_ms quiet_ms, wy_ms most_ms,
					     struct modbus_strays *strays);

/* Data bytes an answer to this request carries. */
uint16_t modbus_request_bytes(const struct modbus_request *request);
/* Milliseconds this many characters take on the serial line, rounded up; 0 on TCP. */
wy_ms modbus_link_line_ms(const struct modbus_link *link, size_t characters);

/* Send and wait. WY_OK: an answer that fits the request in all its fields, or an exception to it.
 * WY_E_TIMEOUT, WY_E_PROTOCOL, WY_E_LINK, WY_E_STATE: the link must not be used further before it
 * was closed (TCP) or listened out (RTU). */
WY_MUST_CHECK enum wy_err modbus_link_exchange(struct modbus_link *link,
					       const struct modbus_request *request,
					       wy_ms timeout_ms, struct modbus_answer *ret_answer);

#endif
