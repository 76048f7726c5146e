/* modbus_link.c: see modbus_link.h.
 *
 * What libmodbus does here: serial settings, CRC, request frames of RTU, cutting answers out of the
 * stream, with recovery NONE and one total timeout (byte timeout off, so a dripping answer ends
 * with the response timeout). What it does not do, and why:
 *
 *  - connect TCP: it select()s on any descriptor and aborts at 1024, and cannot be interrupted;
 *  - frame TCP requests: its raw send always writes transaction id 0, and its modbus_read_* hide
 *    the answer, so the unit id could not be checked. Twelve bytes are written here, with a
 *    number of our own;
 *  - judge answers: transaction, protocol, length, unit, function and byte count are compared. */
#define _GNU_SOURCE
#include "modbus_link.h"

#include <errno.h>
#include <modbus/modbus.h> /* in full: our own header is called modbus.h too */
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MBAP_BYTES = 7,
	RTU_HEAD_BYTES = 1, /* unit */
	CRC_BYTES = 2,
	CHUNKS_MAX = 256, /* 64 KiB */
	KEEPALIVE_IDLE_S = 15,
	KEEPALIVE_STEP_S = 5,
	KEEPALIVE_TRIES = 3,
};

static bool is_tcp(const struct modbus_link *link)
{
	return link->conf->kind == SENSOR_WIRE_TCP;
}

wy_ms modbus_link_now(const struct modbus_link *link)
{
	return link->clock(link->clock_arg);
}

/* ---- Waiting ------------------------------------------------------ */

/* Wait for events on fd (-1: only for time). WY_E_TIMEOUT at until_ms, WY_E_STATE when interrupted,
 * WY_E_LINK when fd has broken. */
static enum wy_err wait_for(const struct modbus_link *link, int fd, short events, wy_ms until_ms)
{
	struct pollfd fds[2] = {{link->wake_fd, POLLIN, 0}, {fd, events, 0}};

	for (;;) {
		wy_ms left = until_ms - modbus_link_now(link);
		int timeout = left <= 0 ? 0 : left > 60000 ? 60000 : (int)left;
		int n = poll(fds, 2, timeout);
		if (n < 0 && errno != EINTR)
			return WY_E_LINK;
		if (n > 0 && fds[0].revents)
			return WY_E_STATE;
		if (n > 0 && (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL)))
			return WY_E_LINK;
		if (n > 0 && fds[1].revents)
			return WY_OK;
		if (n == 0 && left <= 0)
			return WY_E_TIMEOUT;
	}
}

enum wy_err modbus_link_sleep(const struct modbus_link *link, wy_ms until_ms)
{
	enum wy_err err = wait_for(link, -1, 0, until_ms);

	return err == WY_E_TIMEOUT ? WY_OK : err;
}

wy_ms modbus_link_line_ms(const struct modbus_link *link, size_t characters)
{
	wy_ms bits =
		1 + link->conf->data_bits + (link->conf->parity != 'N') + link->conf->stop_bits;

	if (is_tcp(link) || link->conf->baud <= 0)
		return 0;
	return ((wy_ms)characters * bits * 1000 + link->conf->baud - 1) / link->conf->baud;
}

/* ---- Life --------------------------------------------------------- */

enum wy_err modbus_link_init(struct modbus_link *link, const struct sensor_wire_conf *conf,
			     sensor_clock clock, void *clock_arg)
{
	*link = (struct modbus_link){
		.conf = conf, .clock = clock, .clock_arg = clock_arg, .wake_fd = -1};
	if (conf->kind == SENSOR_WIRE_TCP)
		link->modbus = modbus_new_tcp("127.0.0.1", conf->port); /* never used to connect */
	else
		link->modbus = modbus_new_rtu(conf->tty, conf->baud, conf->parity, conf->data_bits,
					      conf->stop_bits);
	if (!link->modbus)
		return errno == ENOMEM ? WY_E_NOMEM : WY_E_INVALID;
	link->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (link->wake_fd < 0) {
		modbus_link_release(link);
		return WY_E_IO;
	}
	if (modbus_set_error_recovery(link->modbus, MODBUS_ERROR_RECOVERY_NONE) ||
	    modbus_set_byte_timeout(link->modbus, 0, 0)) {
		modbus_link_release(link);
		return WY_E_INVALID;
	}
	return WY_OK;
}

void modbus_link_release(struct modbus_link *link)
{
	modbus_link_close(link);
	if (link->modbus)
		modbus_free(link->modbus);
	if (link->wake_fd >= 0)
		close(link->wake_fd);
	link->modbus = NULL;
	link->wake_fd = -1;
}

void modbus_link_wake(struct modbus_link *link)
{
	/* Fails only when the counter is full, and then it is readable already. */
	(void)!eventfd_write(link->wake_fd, 1);
}

void modbus_link_close(struct modbus_link *link)
{
	if (link->is_open)
		modbus_close(link->modbus);
	link->is_open = false;
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

	/* Comfort, not correctness: a stack without one of them still answers polls. */
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				 sizeof(options[i].value));
}

static enum wy_err connect_fd(const struct modbus_link *link, int fd,
			      const struct addrinfo *address, wy_ms until_ms)
{
	int failure = 0;
	socklen_t len = sizeof(failure);

	set_options(fd);
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return WY_OK;
	if (errno != EINPROGRESS)
		return WY_E_LINK;
	enum wy_err err = wait_for(link, fd, POLLOUT, until_ms);
	if (err)
		return err == WY_E_STATE ? err : WY_E_LINK;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) || failure)
		return WY_E_LINK;
	return WY_OK;
}

static enum wy_err open_address(struct modbus_link *link, const struct addrinfo *address,
				wy_ms until_ms)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return WY_E_LINK;
	enum wy_err err =
		fd > WY_FD_MODBUS_MAX ? WY_E_LIMIT : connect_fd(link, fd, address, until_ms);
	if (err) {
		close(fd);
		return err;
	}
	modbus_set_socket(link->modbus, fd);
	link->is_open = true;
	return WY_OK;
}

/* A numeric address never asks a name server; a name may block as long as the resolver does. */
static enum wy_err open_tcp(struct modbus_link *link)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *found = NULL;
	enum wy_err err = WY_E_LINK;
	char port[8];

	snprintf(port, sizeof(port), "%u", (unsigned)link->conf->port);
	if (getaddrinfo(link->conf->host, port, &hints, &found)) {
		hints.ai_flags = 0;
		if (getaddrinfo(link->conf->host, port, &hints, &found))
			return WY_E_LINK;
	}
	wy_ms until_ms = modbus_link_now(link) + link->conf->connect_ms;
	for (const struct addrinfo *a = found; a && err == WY_E_LINK; a = a->ai_next)
		err = open_address(link, a, until_ms);
	freeaddrinfo(found);
	return err;
}

/* The lock keeps a second process (a hand-made poll beside the service) off the line. */
static enum wy_err open_rtu(struct modbus_link *link)
{
	if (modbus_connect(link->modbus))
		return WY_E_LINK;
	link->is_open = true;
	int fd = modbus_get_socket(link->modbus);
	if (fd <= WY_FD_MODBUS_MAX && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return WY_OK;
	modbus_link_close(link);
	return fd > WY_FD_MODBUS_MAX ? WY_E_LIMIT : WY_E_BUSY;
}

enum wy_err modbus_link_open(struct modbus_link *link)
{
	if (link->is_open)
		return WY_OK;
	return is_tcp(link) ? open_tcp(link) : open_rtu(link);
}

/* ---- Bytes nobody asked for --------------------------------------- */

/* Bytes waiting: more than 0, none: -1, the peer has closed: 0. */
static ssize_t peek(const struct modbus_link *link)
{
	char byte;

	return recv(modbus_get_socket(link->modbus), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

bool modbus_link_is_clean(const struct modbus_link *link)
{
	return peek(link) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

enum wy_err modbus_link_discard(const struct modbus_link *link, struct modbus_strays *strays)
{
	uint8_t chunk[256];

	/* More at once than a line can have kept: an adapter that makes up bytes must not hold us
	 * here. */
	for (int i = 0; i < CHUNKS_MAX; i++) {
		ssize_t n = read(modbus_get_socket(link->modbus), chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return WY_OK;
		if (n <= 0) /* 0 is how a line with VMIN 0 says: nothing there */
			return n == 0 ? WY_OK : WY_E_LINK;
		for (ssize_t k = 0; k < n && strays->n < sizeof(strays->bytes); k++)
			strays->bytes[strays->n++] = chunk[k];
	}
	return WY_E_PROTOCOL;
}

enum wy_err modbus_link_listen(const struct modbus_link *link, wy_ms until_ms, wy_ms quiet_ms,
			       wy_ms most_ms, struct modbus_strays *strays)
{
	for (;;) {
		enum wy_err err = wait_for(link, modbus_get_socket(link->modbus), POLLIN, until_ms);
		if (err)
			return err == WY_E_TIMEOUT ? WY_OK : err;
		err = modbus_link_discard(link, strays);
		if (err)
			return err;
		wy_ms now = modbus_link_now(link);
		if (now >= most_ms)
			return WY_E_PROTOCOL;
		if (until_ms < now + quiet_ms)
			until_ms = now + quiet_ms;
	}
}

/* ---- One exchange ------------------------------------------------- */

uint16_t modbus_request_bytes(const struct modbus_request *request)
{
	bool is_bits = request->function <= MODBUS_FC_READ_DISCRETE_INPUTS;

	return (uint16_t)(is_bits ? (request->count + 7) / 8 : request->count * 2);
}

static void put16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static uint16_t get16(const uint8_t *from)
{
	return (uint16_t)(from[0] << 8 | from[1]);
}

static enum wy_err send_request(struct modbus_link *link, const struct modbus_request *request)
{
	uint8_t adu[12] = {0};
	uint8_t *pdu = adu + 6;

	pdu[0] = request->unit;
	pdu[1] = request->function;
	put16(pdu + 2, request->address);
	put16(pdu + 4, request->count);
	if (!is_tcp(link))
		return modbus_send_raw_request(link->modbus, pdu, 6) == 6 + CRC_BYTES ? WY_OK
										      : WY_E_LINK;
	put16(adu, ++link->transaction);
	put16(adu + 4, 6);
	ssize_t n = send(modbus_get_socket(link->modbus), adu, sizeof(adu), MSG_NOSIGNAL);
	return n == (ssize_t)sizeof(adu) ? WY_OK : WY_E_LINK;
}

static enum wy_err err_of_errno(int number)
{
	if (number == ETIMEDOUT)
		return WY_E_TIMEOUT;
	return number >= MODBUS_ENOBASE ? WY_E_PROTOCOL : WY_E_LINK;
}

/* The part before the function code: whose answer it is, and to which request. A peer that closes
 * behind its answer has answered; one that says more than the answer has not understood. */
static bool does_head_fit(const struct modbus_link *link, const struct modbus_request *request,
			  const uint8_t *adu, size_t len)
{
	if (!is_tcp(link))
		return adu[0] == request->unit;
	return get16(adu) == link->transaction && get16(adu + 2) == 0 &&
	       get16(adu + 4) == len - 6 && adu[6] == request->unit && peek(link) <= 0;
}

static enum wy_err judge(const struct modbus_link *link, const struct modbus_request *request,
			 const uint8_t *adu, size_t len, struct modbus_answer *ret_answer)
{
	size_t head = is_tcp(link) ? MBAP_BYTES : RTU_HEAD_BYTES;
	size_t tail = is_tcp(link) ? 0 : CRC_BYTES;
	const uint8_t *pdu = adu + head;

	if (len < head + 2 + tail || !does_head_fit(link, request, adu, len))
		return WY_E_PROTOCOL;
	size_t pdu_len = len - head - tail;
	if (pdu[0] == (request->function | 0x80) && pdu_len == 2 && pdu[1] != 0) {
		ret_answer->exception = pdu[1];
		ret_answer->bytes = 0;
		return WY_OK;
	}
	if (pdu[0] != request->function || pdu[1] != modbus_request_bytes(request) ||
	    pdu_len != 2u + pdu[1])
		return WY_E_PROTOCOL;
	ret_answer->exception = 0;
	ret_answer->bytes = pdu[1];
	memcpy(ret_answer->data, pdu + 2, pdu[1]);
	return WY_OK;
}

enum wy_err modbus_link_exchange(struct modbus_link *link, const struct modbus_request *request,
				 wy_ms timeout_ms, struct modbus_answer *ret_answer)
{
	uint8_t adu[MODBUS_MAX_ADU_LENGTH];

	modbus_set_slave(link->modbus, request->unit);
	enum wy_err err = send_request(link, request);
	if (err)
		return err;
	wy_ms until_ms = modbus_link_now(link) + timeout_ms;
	err = wait_for(link, modbus_get_socket(link->modbus), POLLIN, until_ms);
	if (err)
		return err;
	wy_ms left = until_ms - modbus_link_now(link);
	if (left < 1)
		left = 1;
	modbus_set_response_timeout(link->modbus, (uint32_t)(left / 1000),
				    (uint32_t)(left % 1000 * 1000));
	int n = modbus_receive_confirmation(link->modbus, adu);
	if (n < 0)
		return err_of_errno(errno);
	return judge(link, request, adu, (size_t)n, ret_answer);
}
