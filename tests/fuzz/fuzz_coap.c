/* fuzz_coap.c: any bytes as a CoAP device's datagrams, through a socket and libcoap into the driver: reports within their
 * profile, no crash, no leak, no wait. An act is raw bytes, or an answer whose head fits the last request. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ACTS_MOST = 16, STEPS_MOST = 4, STEP_MS = 2500, DATAGRAM_MOST = 1300 };
enum act { RAW, ANSWER, SEPARATE, NOTIFY, RESET, LATER, ACTS };

static const struct sensor_profile_point points[] = {
	{.name = "a", .type = WY_TYPE_REAL, .path = "/3303/0/5700", .scale = 1, .poll = SENSOR_FAST},
	{.name = "b", .type = WY_TYPE_BOOL, .path = "/3200/0/5500", .scale = 1, .poll = SENSOR_FAST, .is_observed = true},
	{.name = "c", .type = WY_TYPE_INT, .path = "/pack", .senml_name = "x", .scale = 1, .poll = SENSOR_MEDIUM},
	{.name = "d", .type = WY_TYPE_COUNTER, .path = "/pack", .senml_name = "y", .scale = 1, .poll = SENSOR_MEDIUM},
};

static int device = -1;
static uint16_t port;
static struct sockaddr_in peer;

static void begin(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	device = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (device < 0 || bind(device, (struct sockaddr *)&at, len) ||
	    getsockname(device, (struct sockaddr *)&at, &len))
		abort();
	port = ntohs(at.sin_port);
}

static void set_up(struct guest *guest)
{
	guest->profile = (struct sensor_profile){.id = "t",
						 .transport = SENSOR_COAP,
						 .points = points,
						 .n_points = sizeof(points) / sizeof(*points),
						 .timeout_ms = 2000,
						 .class_ms = {1000, 10000, 60000, 3600000}};
	guest->wire = (struct sensor_wire_conf){
		.id = "w", .kind = SENSOR_WIRE_COAP, .host = "127.0.0.1", .port = port, .connect_ms = 2000};
	guest->device = (struct sensor_device_conf){.id = "d"};
}

/* The latest request; what came before it is let go. Less than 4 bytes: none. */
static size_t next_request(struct guest *guest, uint8_t *request, size_t most)
{
	size_t len = 0;

	for (unsigned i = 0; i < STEPS_MOST && !len; i++) {
		socklen_t size = sizeof(peer);
		for (ssize_t n; (n = recvfrom(device, request, most, 0, (struct sockaddr *)&peer, &size)) > 0;)
			len = (size_t)n;
		if (!len)
			guest_wait(guest, STEP_MS);
	}
	return len;
}

static void say(const uint8_t *bytes, size_t n)
{
	if (peer.sin_port)
		(void)!sendto(device, bytes, n, 0, (struct sockaddr *)&peer, sizeof(peer));
}

/* Type, code, message and token as the act wants them; options and payload from the food. */
static void say_fitting(const uint8_t *request, size_t len, struct food *food, enum act act)
{
	static const uint8_t types[] = {[ANSWER] = 2, [SEPARATE] = 0, [NOTIFY] = 1};
	static uint16_t number;
	uint8_t datagram[DATAGRAM_MOST];
	size_t token = request[0] & 15;
	const uint8_t *bytes;

	if (len < 4 + token)
		return;
	uint8_t code = food_byte(food);
	size_t n = food_bytes(food, &bytes);
	memcpy(datagram, request, 4 + token);
	datagram[0] = (uint8_t)(0x40u | (unsigned)types[act] << 4 | token);
	datagram[1] = code < 200 ? 0x45 : code; /* most often 2.05 */
	if (act != ANSWER) {
		number++;
		datagram[2] = (uint8_t)(number >> 8);
		datagram[3] = (uint8_t)number;
	}
	memcpy(datagram + 4 + token, bytes, n);
	say(datagram, 4 + token + n);
}

static void play(struct guest *guest, struct food *food, const uint8_t *request, size_t len)
{
	enum act act = (enum act)(food_byte(food) % ACTS);
	const uint8_t *bytes;
	size_t n;

	if (act == RAW) {
		n = food_bytes(food, &bytes);
		say(bytes, n);
	} else if (act == RESET && len >= 4) {
		const uint8_t reset[] = {0x70, 0, request[2], request[3]};
		say(reset, sizeof(reset));
	} else if (act == LATER) {
		guest_wait(guest, 64 * (wy_ms)food_byte(food));
	} else {
		say_fitting(request, len, food, act);
	}
	guest_step(guest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct guest guest;
	struct food food = {data, size};
	uint8_t request[DATAGRAM_MOST] = {0};

	if (device < 0)
		begin();
	memset(&guest, 0, sizeof(guest));
	set_up(&guest);
	guest_open(&guest, &sensor_driver_coap);
	for (unsigned i = 0; i < ACTS_MOST && food.n; i++) {
		size_t len = next_request(&guest, request, sizeof(request));
		play(&guest, &food, request, len);
	}
	guest_close(&guest);
	while (recv(device, request, sizeof(request), 0) > 0)
		;
	return 0;
}
