/* fuzz_modbus_rtu.c: any bytes on a serial line, through a pty into the driver: reports within their profile, no crash,
 * no leak, no wait. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "modbus_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int master = -1, hold = -1; /* hold: the slave side, so that the line does not hang up between two inputs */
static char tty[64];

static void begin(void)
{
	struct termios settings;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, tty, sizeof(tty)))
		abort();
	hold = open(tty, O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (hold < 0 || tcgetattr(hold, &settings))
		abort();
	cfmakeraw(&settings);
	tcsetattr(hold, TCSANOW, &settings);
}

static int device_fd(void)
{
	return master;
}

/* A pty hands bytes over in a thread of the kernel, and poll() waits for that. */
static void settle(void)
{
	struct pollfd wait = {hold, POLLIN, 0};

	poll(&wait, 1, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct feed_wire wire = {SENSOR_WIRE_RTU, device_fd, settle, NULL};
	static struct guest guest;

	if (master < 0)
		begin();
	memset(&guest, 0, sizeof(guest));
	guest.wire.tty = tty;
	modbus_feed(&guest, &wire, data, size);
	tcflush(hold, TCIOFLUSH);
	return 0;
}
