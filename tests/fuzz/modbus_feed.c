/* modbus_feed.c: the fuzzer's bytes are a list of acts. An act is one byte that says what the device does, and often a
 * length and bytes for it: raw bytes as they are, or an answer that fits the last request in its outside, so that the
 * inside is reached too. A feed ends with its bytes, or after ACTS_MOST. */
#define _GNU_SOURCE
#include "modbus_feed.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"

enum { ACTS_MOST = 24, STEPS_MOST = 6, TIMEOUT_MS = 500, ANSWER_MOST = 300 };

enum act { RAW, FITTING, EXCEPTION, RIGHT, SILENCE, HANG_UP, LATER, ACTS };

static const struct sensor_profile_point points[GUEST_POINTS] = {
	{.name = "a", .type = WY_TYPE_INT, .area = SENSOR_HOLDING, .encoding = SENSOR_U16, .address = 0, .scale = 1},
	{.name = "b", .type = WY_TYPE_INT, .area = SENSOR_HOLDING, .encoding = SENSOR_U32, .address = 1, .scale = 1},
	{.name = "c", .type = WY_TYPE_REAL, .area = SENSOR_HOLDING, .encoding = SENSOR_F32, .address = 3, .scale = 1},
	{.name = "d", .type = WY_TYPE_INT, .area = SENSOR_HOLDING, .encoding = SENSOR_U64, .address = 5, .scale = 1},
	{.name = "e", .type = WY_TYPE_INT, .area = SENSOR_HOLDING, .encoding = SENSOR_U16, .address = 400, .scale = 1},
	{.name = "f", .type = WY_TYPE_INT, .area = SENSOR_INPUT, .encoding = SENSOR_I16, .address = 0, .scale = 1},
	{.name = "g", .type = WY_TYPE_INT, .area = SENSOR_INPUT, .encoding = SENSOR_DEC_PAIR, .address = 1, .scale = 1},
	{.name = "h", .type = WY_TYPE_INT, .area = SENSOR_INPUT, .encoding = SENSOR_I32, .address = 3, .scale = 1},
	{.name = "i", .type = WY_TYPE_BOOL, .area = SENSOR_COIL, .encoding = SENSOR_BIT, .address = 0, .scale = 1},
	{.name = "j", .type = WY_TYPE_BOOL, .area = SENSOR_COIL, .encoding = SENSOR_BIT, .address = 9, .scale = 1},
	{.name = "k", .type = WY_TYPE_BOOL, .area = SENSOR_DISCRETE, .encoding = SENSOR_BIT, .address = 3, .scale = 1},
	{.name = "l", .type = WY_TYPE_BOOL, .area = SENSOR_DISCRETE, .encoding = SENSOR_BIT, .address = 70, .scale = 1},
};

static void set_up(struct guest *guest, enum sensor_wire_kind kind)
{
	guest->profile = (struct sensor_profile){.id = "t",
						 .transport = SENSOR_MODBUS,
						 .points = points,
						 .n_points = 12,
						 .max_registers = 125,
						 .max_bits = 2000,
						 .max_gap = 4,
						 .timeout_ms = TIMEOUT_MS,
						 .class_ms = {1000, 10000, 60000, 3600000}};
	guest->wire.id = "w";
	guest->wire.kind = kind;
	guest->wire.baud = 115200;
	guest->wire.parity = 'N';
	guest->wire.data_bits = 8;
	guest->wire.stop_bits = 1;
	guest->wire.connect_ms = 2000;
	guest->device.id = "d";
	guest->device.unit_id = 5;
}

/* The latest request, waiting in made time until the driver makes one. 0: it makes none. */
static size_t next_request(struct guest *guest, const struct feed_wire *wire, uint8_t *request, size_t most)
{
	for (unsigned i = 0; i < STEPS_MOST; i++) {
		int fd = wire->device_fd();
		struct pollfd wait = {fd, POLLIN, 0};
		if (fd >= 0 && poll(&wait, 1, 0) == 1) {
			ssize_t n = read(fd, request, most);
			return n > 0 ? (size_t)n : 0;
		}
		guest_wait(guest, 2 * TIMEOUT_MS);
	}
	return 0;
}

static void say(const struct feed_wire *wire, const uint8_t *bytes, size_t n)
{
	int fd = wire->device_fd();

	if (fd < 0 || !n)
		return;
	(void)!write(fd, bytes, n);
	wire->settle();
}

/* Head of the request, a body, and what closes the frame. */
static void say_answer(const struct feed_wire *wire, const uint8_t *request, const uint8_t *body, size_t n)
{
	uint8_t frame[ANSWER_MOST + 8];
	size_t head = wire->kind == SENSOR_WIRE_TCP ? 6 : 0;

	memcpy(frame, request, head);
	if (head) {
		frame[4] = (uint8_t)(n >> 8);
		frame[5] = (uint8_t)n;
	}
	memcpy(frame + head, body, n);
	say(wire, frame, head ? head + n : frame_seal(frame, n));
}

/* Unit, function and byte count as asked for; data from the food, zeros behind it. */
static void say_fitting(const struct feed_wire *wire, const uint8_t *request, struct food *food, bool is_right)
{
	uint8_t body[ANSWER_MOST] = {0};
	const uint8_t *pdu = request + (wire->kind == SENSOR_WIRE_TCP ? 6 : 0);
	const uint8_t *bytes;
	size_t n = food_bytes(food, &bytes);
	size_t count = (size_t)(pdu[4] << 8 | pdu[5]);
	size_t wanted = pdu[1] <= 2 ? (count + 7) / 8 : 2 * count;

	n = n < 250 ? n : 250;
	wanted = wanted < 250 ? wanted : 250;
	body[0] = pdu[0];
	body[1] = pdu[1];
	body[2] = (uint8_t)(is_right ? wanted : n);
	memcpy(body + 3, bytes, n);
	say_answer(wire, request, body, 3 + (is_right ? wanted : n));
}

static void play(struct guest *guest, const struct feed_wire *wire, struct food *food, const uint8_t *request)
{
	const uint8_t *pdu = request + (wire->kind == SENSOR_WIRE_TCP ? 6 : 0);
	const uint8_t *bytes;
	size_t n;

	switch (food_byte(food) % ACTS) {
	case RAW:
		n = food_bytes(food, &bytes);
		say(wire, bytes, n);
		break;
	case FITTING: say_fitting(wire, request, food, false); break;
	case RIGHT: say_fitting(wire, request, food, true); break;
	case EXCEPTION: {
		const uint8_t body[] = {pdu[0], (uint8_t)(pdu[1] | 0x80), food_byte(food)};
		say_answer(wire, request, body, sizeof(body));
		break;
	}
	case HANG_UP:
		if (wire->hang_up)
			wire->hang_up();
		break;
	case LATER: guest_wait(guest, 16 * (wy_ms)food_byte(food)); return;
	default: guest_wait(guest, 2 * TIMEOUT_MS);
	}
	guest_step(guest);
}

void modbus_feed(struct guest *guest, const struct feed_wire *wire, const uint8_t *data, size_t size)
{
	struct food food = {data, size};
	uint8_t request[64] = {0};

	set_up(guest, wire->kind);
	guest_open(guest, &sensor_driver_modbus);
	for (unsigned i = 0; i < ACTS_MOST && food.n; i++) {
		(void)next_request(guest, wire, request, sizeof(request));
		play(guest, wire, &food, request);
	}
	guest_wait(guest, 2 * TIMEOUT_MS);
	guest_close(guest);
}
