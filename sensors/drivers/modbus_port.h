/* modbus_port.h: the connection under a Modbus wire: a TCP socket, one with TLS, or a serial line. Bytes in and out, and
 * nothing of what they mean. Never waits.
 *
 * Its descriptor is watched by the epoll set of the field, with the port's `tag` as data, from the moment there is one
 * until it is closed. */
#ifndef SENSOR_MODBUS_PORT_H
#define SENSOR_MODBUS_PORT_H

#include "../sensor.h"
#include "host.h"
#include "modbus_tls.h"

#define MODBUS_PORT_BYTES 272u /* kept: a frame and more; the rest waits in the kernel */

enum modbus_port_state {
	MODBUS_PORT_CLOSED,
	MODBUS_PORT_LOOKING, /* for the host */
	MODBUS_PORT_CONNECTING,
	MODBUS_PORT_SECURING, /* TLS shakes hands */
	MODBUS_PORT_OPEN,
};

struct modbus_port {
	const struct sensor_wire_conf *conf; /* borrowed */
	int epoll_fd;			     /* borrowed */
	void *tag;
	enum modbus_port_state state;
	int fd; /* owned; -1: none */
	struct host host;
	struct _modbus *serial; /* owned; a modbus_t that holds the line open */
	struct modbus_tls_conf *tls; /* borrowed; NULL: plain */
	struct modbus_tls_session *session; /* owned; NULL: none */
	const char *why; /* the last session ended, in words; static, NULL: no words */
	bool wants_write;		    /* as the epoll set has it */
	wy_ms until_ms;		/* of a host being looked up, of a connection being made */
	bool has_ended;		/* the other side closed, or it broke */
	size_t n_in;
	uint8_t in[MODBUS_PORT_BYTES]; /* came, and not taken yet */
};

/* tls: the files of this wire; NULL: a plain one, or files that cannot be used, and then it never opens. WY_E_INVALID:
 * libmodbus refuses the settings of the line; WY_E_NOMEM. */
WY_MUST_CHECK enum wy_err modbus_port_init(struct modbus_port *port, const struct sensor_wire_conf *conf,
					   struct modbus_tls_conf *tls, int epoll_fd, void *tag);
void modbus_port_release(struct modbus_port *port);

/* Open, or go on opening. WY_OK: port->state is OPEN, or says what is waited for (call again when the descriptor is ready,
 * and at modbus_port_due()). WY_E_LINK, WY_E_TIMEOUT, WY_E_BUSY (another process holds the line), WY_E_AUTH (TLS): closed
 * again. */
WY_MUST_CHECK enum wy_err modbus_port_open(struct modbus_port *port, wy_ms now_ms);
wy_ms modbus_port_due(const struct modbus_port *port, wy_ms now_ms);
/* Idempotent. */
void modbus_port_close(struct modbus_port *port);

/* Why it could not be opened, or has ended; static, NULL: there is no more to say than the code. */
const char *modbus_port_why(const struct modbus_port *port);

/* Take what has come into `in`; has_ended tells of an end behind it. */
void modbus_port_receive(struct modbus_port *port);
/* The first n bytes of `in` have been dealt with. */
void modbus_port_take(struct modbus_port *port, size_t n);
/* All of it or WY_E_LINK: a request is shorter than any buffer that is not stuck. */
WY_MUST_CHECK enum wy_err modbus_port_send(struct modbus_port *port, const uint8_t *bytes, size_t n);

bool modbus_port_is_serial(const struct modbus_port *port);
/* Milliseconds so many characters take on the serial line, rounded up; 0 on TCP. */
wy_ms modbus_port_line_ms(const struct modbus_port *port, size_t characters);

#endif
