/* fuzz_modbus_tcp.c: any bytes as a Modbus/TCP device's answers, through a socket into the driver: reports within their
 * profile, no crash, no leak, no wait. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "modbus_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int listener = -1, connection = -1;
static uint16_t port;

static void begin(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	signal(SIGPIPE, SIG_IGN); /* a device may write to a driver that has hung up */
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, len) || listen(listener, 8) ||
	    getsockname(listener, (struct sockaddr *)&at, &len))
		abort();
	port = ntohs(at.sin_port);
}

/* Reset, so that no port stays behind in TIME_WAIT. */
static void hang_up(void)
{
	struct linger linger = {1, 0};

	if (connection < 0)
		return;
	setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(connection);
	connection = -1;
}

/* The newest connection is the one that counts. */
static int device_fd(void)
{
	for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
		hang_up();
		connection = fd;
	}
	return connection;
}

static void settle(void)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct feed_wire wire = {SENSOR_WIRE_TCP, device_fd, settle, hang_up};
	static struct guest guest;

	if (listener < 0)
		begin();
	memset(&guest, 0, sizeof(guest));
	guest.wire.host = "127.0.0.1";
	guest.wire.port = port;
	modbus_feed(&guest, &wire, data, size);
	(void)device_fd();
	hang_up();
	return 0;
}
