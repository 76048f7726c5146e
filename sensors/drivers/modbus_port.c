/* modbus_port.c: see modbus_port.h.
 *
 * A connection is made here and not by libmodbus, which select()s on any descriptor, aborts at 1024 and waits. A serial
 * line it opens and sets up; after that its descriptor is ours. */
#include "modbus_port.h"

#include <errno.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

enum { LOOK_AGAIN_MS = 100, KEEPALIVE_IDLE_S = 15, KEEPALIVE_STEP_S = 5, KEEPALIVE_TRIES = 3 };

bool modbus_port_is_serial(const struct modbus_port *port)
{
	return port->conf->kind == SENSOR_WIRE_RTU;
}

wy_ms modbus_port_line_ms(const struct modbus_port *port, size_t characters)
{
	const struct sensor_wire_conf *conf = port->conf;
	wy_ms bits = 1 + conf->data_bits + (conf->parity != 'N') + conf->stop_bits;

	if (!modbus_port_is_serial(port) || conf->baud <= 0)
		return 0;
	return ((wy_ms)characters * bits * 1000 + conf->baud - 1) / conf->baud;
}

/* ---- Life --------------------------------------------------------- */

enum wy_err modbus_port_init(struct modbus_port *port, const struct sensor_wire_conf *conf, struct modbus_tls_conf *tls,
			     int epoll_fd, void *tag)
{
	*port = (struct modbus_port){.conf = conf, .tls = tls, .epoll_fd = epoll_fd, .tag = tag, .fd = -1};
	if (!modbus_port_is_serial(port)) {
		host_init(&port->host, conf->host, conf->port, SOCK_STREAM);
		return WY_OK;
	}
	port->serial = modbus_new_rtu(conf->tty, conf->baud, conf->parity, conf->data_bits, conf->stop_bits);
	if (port->serial)
		return WY_OK;
	return errno == ENOMEM ? WY_E_NOMEM : WY_E_INVALID;
}

void modbus_port_release(struct modbus_port *port)
{
	modbus_port_close(port);
	if (port->serial)
		modbus_free(port->serial);
	port->serial = NULL;
	if (port->host.name)
		host_release(&port->host);
}

const char *modbus_port_why(const struct modbus_port *port)
{
	if (!port->session)
		return port->why;
	const char *why = modbus_tls_why(port->session);
	return why[0] ? why : NULL;
}

void modbus_port_close(struct modbus_port *port)
{
	port->why = modbus_port_why(port);
	modbus_tls_close(port->session);
	port->session = NULL;
	if (port->fd >= 0 && port->serial) {
		/* What an adapter does not take would be waited for, half a minute long. */
		(void)tcflush(port->fd, TCOFLUSH);
		modbus_close(port->serial);
	} else if (port->fd >= 0) {
		close(port->fd);
	}
	port->fd = -1;
	port->state = MODBUS_PORT_CLOSED;
	port->n_in = 0;
	port->has_ended = false;
}

static enum wy_err fail(struct modbus_port *port, enum wy_err err)
{
	modbus_port_close(port);
	if (port->host.name)
		host_forget(&port->host);
	return err;
}

static enum wy_err watch(struct modbus_port *port, int operation, bool wants_write)
{
	if (operation == EPOLL_CTL_MOD && wants_write == port->wants_write)
		return WY_OK;
	port->wants_write = wants_write;
	struct epoll_event event = {.events = wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = port->tag};

	return epoll_ctl(port->epoll_fd, operation, port->fd, &event) ? WY_E_LINK : WY_OK;
}

/* ---- Opening ------------------------------------------------------ */

static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_STEP_S},
		{IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TRIES},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				 sizeof(options[i].value));
}

static enum wy_err begin_connect(struct modbus_port *port, wy_ms now_ms)
{
	const struct sockaddr *address = (const struct sockaddr *)&port->host.address;

	port->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (port->fd < 0)
		return WY_E_LINK;
	set_options(port->fd);
	if (connect(port->fd, address, port->host.len) && errno != EINPROGRESS)
		return WY_E_LINK;
	port->state = MODBUS_PORT_CONNECTING;
	port->until_ms = now_ms + port->conf->connect_ms;
	return watch(port, EPOLL_CTL_ADD, true);
}

/* Without asking the kernel whether it is ready: a connect that is not done says so. */
static enum wy_err end_connect(struct modbus_port *port, wy_ms now_ms)
{
	const struct sockaddr *address = (const struct sockaddr *)&port->host.address;

	if (connect(port->fd, address, port->host.len) && errno != EISCONN) {
		if (errno != EALREADY && errno != EINPROGRESS)
			return WY_E_LINK;
		return now_ms < port->until_ms ? WY_OK : WY_E_TIMEOUT;
	}
	port->state = port->tls ? MODBUS_PORT_SECURING : MODBUS_PORT_OPEN;
	enum wy_err err = port->tls ? modbus_tls_open(port->tls, port->conf->tls_name, port->fd, &port->session) : WY_OK;
	return err ? err : watch(port, EPOLL_CTL_MOD, false);
}

static enum wy_err shake_hands(struct modbus_port *port, wy_ms now_ms)
{
	enum wy_err err = modbus_tls_step(port->session);

	if (err == WY_E_BUSY) {
		if (now_ms >= port->until_ms)
			return WY_E_TIMEOUT;
		return watch(port, EPOLL_CTL_MOD, modbus_tls_wants_write(port->session));
	}
	if (err)
		return err;
	port->state = MODBUS_PORT_OPEN;
	return watch(port, EPOLL_CTL_MOD, false);
}

/* Name servers that say nothing are given up after a minute by libc. Whoever waits is told as soon as a host that says nothing
 * would be; what they say later is there for the next try. */
static enum wy_err look_on(struct modbus_port *port, wy_ms now_ms)
{
	if (now_ms < port->until_ms)
		return WY_OK;
	port->why = "no name server has said where it is";
	return WY_E_TIMEOUT;
}

static enum wy_err open_tcp(struct modbus_port *port, wy_ms now_ms)
{
	enum wy_err err = WY_OK;

	if (port->state == MODBUS_PORT_CLOSED) {
		port->why = NULL;
		port->state = MODBUS_PORT_LOOKING;
		port->until_ms = now_ms + port->conf->connect_ms;
	}
	if (port->state == MODBUS_PORT_LOOKING) {
		err = host_find(&port->host);
		if (err == WY_E_BUSY)
			return look_on(port, now_ms);
		if (!err)
			err = begin_connect(port, now_ms);
	}
	if (!err && port->state == MODBUS_PORT_CONNECTING)
		err = end_connect(port, now_ms);
	if (!err && port->state == MODBUS_PORT_SECURING)
		err = shake_hands(port, now_ms);
	return err;
}

/* The lock keeps a second process (a hand-made poll beside the service) off the line. */
static enum wy_err open_rtu(struct modbus_port *port)
{
	if (modbus_connect(port->serial))
		return WY_E_LINK;
	port->fd = modbus_get_socket(port->serial);
	if (flock(port->fd, LOCK_EX | LOCK_NB))
		return WY_E_BUSY;
	port->state = MODBUS_PORT_OPEN;
	return watch(port, EPOLL_CTL_ADD, false);
}

enum wy_err modbus_port_open(struct modbus_port *port, wy_ms now_ms)
{
	if (port->state == MODBUS_PORT_OPEN)
		return WY_OK;
	if (port->conf->tls_ca && !port->tls) {
		port->why = "the files of this wire cannot be used; see weiyu check";
		return WY_E_AUTH;
	}
	enum wy_err err = modbus_port_is_serial(port) ? open_rtu(port) : open_tcp(port, now_ms);
	return err ? fail(port, err) : WY_OK;
}

wy_ms modbus_port_due(const struct modbus_port *port, wy_ms now_ms)
{
	bool looks_again = port->state == MODBUS_PORT_LOOKING && now_ms + LOOK_AGAIN_MS < port->until_ms;

	return looks_again ? now_ms + LOOK_AGAIN_MS : port->until_ms;
}

/* ---- Bytes -------------------------------------------------------- */

void modbus_port_receive(struct modbus_port *port)
{
	while (!port->has_ended && port->n_in < sizeof(port->in)) {
		size_t room = sizeof(port->in) - port->n_in;
		ssize_t n = port->session ? modbus_tls_recv(port->session, port->in + port->n_in, room)
					  : read(port->fd, port->in + port->n_in, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		/* 0 is how a line with VMIN 0 says: nothing there. */
		if (n == 0 && modbus_port_is_serial(port))
			return;
		port->has_ended = n <= 0;
		port->n_in += n > 0 ? (size_t)n : 0;
		if (n < (ssize_t)room && !port->session)
			return;
	}
}

void modbus_port_take(struct modbus_port *port, size_t n)
{
	port->n_in -= n;
	memmove(port->in, port->in + n, port->n_in);
}

enum wy_err modbus_port_send(struct modbus_port *port, const uint8_t *bytes, size_t n)
{
	ssize_t sent = port->session		     ? modbus_tls_send(port->session, bytes, n)
		       : modbus_port_is_serial(port) ? write(port->fd, bytes, n)
						     : send(port->fd, bytes, n, MSG_NOSIGNAL);

	return sent == (ssize_t)n ? WY_OK : WY_E_LINK;
}
