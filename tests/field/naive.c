/* naive.c: see naive.h. One exchange at a time on each wire, its devices in turn, each at the period of its class F. */
#define _GNU_SOURCE
#include "naive.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "frames.h"

enum { POINTS_MOST = 512, RETRY_MS = 100 };

struct device {
	uint32_t index;
	wy_ms due_ms;
};

struct wire {
	struct naive *field;
	const struct sensor_wire_conf *conf;
	struct device *devices;
	size_t n_devices;
	int fd; /* -1: not open */
	wy_ms retry_ms;
	uint16_t transaction;
	/* The poll under way */
	struct device *device; /* NULL: none */
	size_t first, end;     /* points of the block under way */
	uint8_t function, bytes;
	wy_ms began_ms, deadline_ms;
	struct wy_sample samples[POINTS_MOST];
	uint32_t n_samples;
	uint8_t in[512];
	size_t n_in;
};

struct naive {
	struct sensor_field_parts parts;
	int epoll_fd;
	struct wire *wires;
	size_t n_wires;
	wy_ms now_ms;
};

static const uint8_t function_of[] = {
	[SENSOR_COIL] = 1, [SENSOR_DISCRETE] = 2, [SENSOR_HOLDING] = 3, [SENSOR_INPUT] = 4};

static const struct sensor_profile *profile_of(const struct wire *wire)
{
	return wire->field->parts.devices[wire->device->index].profile;
}

static uint16_t width(const struct sensor_profile_point *point)
{
	return point->encoding == SENSOR_U32 ? 2 : 1;
}

/* ---- The wire ----------------------------------------------------- */

static void shut(struct wire *wire)
{
	if (wire->fd >= 0)
		close(wire->fd);
	wire->fd = -1;
	wire->n_in = 0;
	wire->retry_ms = wire->field->now_ms + RETRY_MS;
}

static void open_wire(struct wire *wire)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(wire->conf->port)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = wire};
	int one = 1;

	if (wire->conf->kind == SENSOR_WIRE_RTU) {
		wire->fd = open(wire->conf->tty, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	} else {
		inet_pton(AF_INET, wire->conf->host, &at.sin_addr);
		wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		(void)connect(wire->fd, (struct sockaddr *)&at, sizeof(at));
	}
	if (wire->fd < 0 || epoll_ctl(wire->field->epoll_fd, EPOLL_CTL_ADD, wire->fd, &event))
		abort();
}

static void end_poll(struct wire *wire, enum wy_err err)
{
	const struct sensor_field_parts *parts = &wire->field->parts;
	struct sensor_report report = {.device = wire->device->index,
				       .err = err,
				       .at_ms = wire->field->now_ms,
				       .took_ms = wire->field->now_ms - wire->began_ms,
				       .n = wire->n_samples,
				       .n_max = POINTS_MOST,
				       .sample = wire->samples};

	wire->device = NULL;
	parts->take(parts->arg, &report);
}

/* ---- One block ---------------------------------------------------- */

/* Points that follow each other in the profile and on the device. */
static void find_block(struct wire *wire, size_t first)
{
	const struct sensor_profile *profile = profile_of(wire);
	const struct sensor_profile_point *p = profile->points;
	size_t end = first + 1;

	while (end < profile->n_points && p[end].area == p[first].area &&
	       p[end].address == p[end - 1].address + width(&p[end - 1]))
		end++;
	wire->first = first;
	wire->end = end;
}

static void ask(struct wire *wire, size_t first)
{
	const struct sensor_profile_point *p = profile_of(wire)->points;
	uint8_t unit = wire->field->parts.devices[wire->device->index].unit_id;
	uint8_t adu[14] = {0};
	bool is_tcp = wire->conf->kind == SENSOR_WIRE_TCP;

	find_block(wire, first);
	uint16_t count = (uint16_t)(p[wire->end - 1].address + width(&p[wire->end - 1]) - p[first].address);
	wire->function = function_of[p[first].area];
	wire->bytes = (uint8_t)(wire->function <= 2 ? (count + 7) / 8 : 2 * count);
	const uint8_t pdu[] = {unit,
			       wire->function,
			       (uint8_t)(p[first].address >> 8),
			       (uint8_t)p[first].address,
			       (uint8_t)(count >> 8),
			       (uint8_t)count};
	wire->transaction++;
	adu[0] = (uint8_t)(wire->transaction >> 8);
	adu[1] = (uint8_t)wire->transaction;
	adu[5] = 6;
	memcpy(adu + (is_tcp ? 6 : 0), pdu, sizeof(pdu));
	size_t n = is_tcp ? 12 : frame_seal(adu, sizeof(pdu));
	(void)!write(wire->fd, adu, n);
	wire->deadline_ms = wire->field->now_ms + profile_of(wire)->timeout_ms;
}

static void take_block(struct wire *wire, const uint8_t *data)
{
	const struct sensor_profile_point *p = profile_of(wire)->points;

	for (size_t i = wire->first; i < wire->end; i++) {
		size_t at = (size_t)(p[i].address - p[wire->first].address);
		int64_t value = 0;
		if (wire->function <= 2)
			value = data[at / 8] >> at % 8 & 1;
		for (size_t b = 0; wire->function > 2 && b < 2u * width(&p[i]); b++)
			value = value << 8 | data[2 * at + b];
		wire->samples[wire->n_samples++] = (struct wy_sample){.point = (uint32_t)i,
								      .quality = WY_Q_GOOD,
								      .is_whole = true,
								      .whole = value,
								      .at_ms = wire->field->now_ms};
	}
	if (wire->end < profile_of(wire)->n_points)
		ask(wire, wire->end);
	else
		end_poll(wire, WY_OK);
}

/* The next whole frame that could be the answer; others are thrown away. */
static void take_bytes(struct wire *wire)
{
	enum frame_kind kind = wire->conf->kind == SENSOR_WIRE_TCP ? FRAME_TCP : FRAME_RTU;
	int n;

	while (wire->device && wire->n_in && (n = frame_answer(kind, wire->in, wire->n_in)) != 0) {
		uint8_t frame[FRAME_MOST] = {0};
		size_t len = (size_t)(n < 0 ? -n : n);
		const uint8_t *pdu = frame + frame_head(kind);
		memcpy(frame, wire->in, len < sizeof(frame) ? len : sizeof(frame));
		wire->n_in -= len;
		memmove(wire->in, wire->in + len, wire->n_in);
		bool is_ours = n > 0 && pdu[0] == wire->field->parts.devices[wire->device->index].unit_id;
		if (is_ours && pdu[1] == wire->function && pdu[2] == wire->bytes)
			take_block(wire, pdu + 3);
	}
}

/* ---- The field ---------------------------------------------------- */

static void read_wire(struct wire *wire)
{
	if (wire->n_in == sizeof(wire->in))
		wire->n_in = 0;
	ssize_t n = read(wire->fd, wire->in + wire->n_in, sizeof(wire->in) - wire->n_in);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		shut(wire);
		if (wire->device)
			end_poll(wire, WY_E_LINK);
		return;
	}
	wire->n_in += (size_t)n;
	take_bytes(wire);
}

/* Whoever waits longest. */
static void begin_poll(struct wire *wire)
{
	wy_ms now = wire->field->now_ms;
	struct device *first = &wire->devices[0];

	for (size_t i = 1; i < wire->n_devices; i++)
		if (wire->devices[i].due_ms < first->due_ms)
			first = &wire->devices[i];
	if (first->due_ms > now)
		return;
	wire->device = first;
	first->due_ms += profile_of(wire)->class_ms[SENSOR_FAST];
	if (first->due_ms < now)
		first->due_ms = now;
	wire->n_samples = 0;
	wire->began_ms = now;
	ask(wire, 0);
}

/* What is to be done now; returns when there is more. */
static wy_ms advance(struct wire *wire)
{
	wy_ms now = wire->field->now_ms;
	wy_ms next = WY_MS_NEVER;

	if (wire->device && wire->deadline_ms <= now)
		end_poll(wire, WY_E_TIMEOUT);
	if (wire->fd < 0 && wire->retry_ms <= now)
		open_wire(wire);
	if (wire->fd < 0)
		return wire->retry_ms;
	if (!wire->device)
		begin_poll(wire);
	if (wire->device)
		return wire->deadline_ms;
	for (size_t i = 0; i < wire->n_devices; i++)
		next = wire->devices[i].due_ms < next ? wire->devices[i].due_ms : next;
	return next;
}

static wy_ms naive_step(void *arg, wy_ms now_ms)
{
	struct naive *field = arg;
	struct epoll_event events[64];
	wy_ms next = WY_MS_NEVER;

	field->now_ms = now_ms;
	int n = epoll_wait(field->epoll_fd, events, 64, 0);
	for (int i = 0; i < n; i++)
		read_wire(events[i].data.ptr);
	for (size_t w = 0; w < field->n_wires; w++) {
		wy_ms at = advance(&field->wires[w]);
		next = at < next ? at : next;
	}
	return next;
}

static int naive_fd(const void *arg)
{
	const struct naive *field = arg;

	return field->epoll_fd;
}

static void naive_close(void *arg)
{
	struct naive *field = arg;

	for (size_t w = 0; w < field->n_wires; w++)
		if (field->wires[w].fd >= 0)
			close(field->wires[w].fd);
	close(field->epoll_fd);
}

static enum wy_err naive_open(const struct sensor_field_parts *parts, void **ret_field)
{
	struct naive *field = wy_arena_alloc(parts->arena, sizeof(*field));
	size_t n_wires = 0;

	for (size_t i = 0; i < parts->n_mine; i++)
		if (parts->devices[parts->mine[i]].wire >= n_wires)
			n_wires = parts->devices[parts->mine[i]].wire + 1u;
	*field = (struct naive){.parts = *parts, .n_wires = n_wires, .epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	field->wires = wy_arena_array(parts->arena, n_wires, sizeof(*field->wires));
	for (size_t w = 0; w < n_wires; w++) {
		field->wires[w] = (struct wire){.field = field, .conf = &parts->wires[w], .fd = -1};
		field->wires[w].devices = wy_arena_array(parts->arena, parts->n_mine, sizeof(struct device));
	}
	for (size_t i = 0; i < parts->n_mine; i++) {
		struct wire *wire = &field->wires[parts->devices[parts->mine[i]].wire];
		wire->devices[wire->n_devices++] = (struct device){.index = parts->mine[i]};
	}
	*ret_field = field;
	return WY_OK;
}

const struct sensor_driver naive_driver = {
	.name = "naive", .open = naive_open, .fd = naive_fd, .step = naive_step, .close = naive_close};
