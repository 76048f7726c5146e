/* modbus.c: the field: all wires in one epoll set, each stepped when its descriptor is ready or its time has come.
 *
 * What a wire does is in modbus_wire.c. Times to wake up stand in an array beside the wires: a thousand of them are looked
 * through faster than a heap is kept in order. */
#include "modbus.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../wire_budget.h"
#include "modbus_wire.h"

enum {
	EVENTS = 64,
	TRACE_BYTES = 512 * 1024, /* of the exchanges kept for `weiyu sniff`, all wires together */
	TRACE_LEAST = 4,	  /* exchanges of one wire */
	TRACE_MOST = 256,
};

struct modbus_field {
	int epoll_fd;
	struct modbus_codec codec;
	struct modbus_wire *wires;
	wy_ms *due_ms; /* beside wires */
	size_t n_wires;
	struct modbus_tls *tls; /* owned; NULL: no wire needs it */
	wy_ms now_ms;		/* of the latest step */
};

/* ---- Open --------------------------------------------------------- */

static struct schedule_device timing_of(const struct sensor_device_conf *conf, uint32_t device)
{
	const struct sensor_profile *profile = conf->profile;
	struct schedule_device timing = {.device = device,
					 .min_interval_ms = profile->min_interval_ms,
					 .is_safety = profile->is_life_safety};

	for (size_t p = 0; p < profile->n_points; p++)
		if (profile->points[p].encoding != SENSOR_TEXT)
			timing.class_ms[profile->points[p].poll] = profile->class_ms[profile->points[p].poll];
	return timing;
}

static enum wy_err init_device(struct modbus_device *device, const struct sensor_field_parts *parts, uint32_t index)
{
	const struct sensor_device_conf *conf = &parts->devices[index];
	const struct sensor_wire_conf *wire = &parts->wires[conf->wire];

	if (conf->profile->transport != SENSOR_MODBUS)
		return WY_E_INVALID;
	*device = (struct modbus_device){
		.index = index,
		.conf = conf,
		.way = {wire->kind != SENSOR_WIRE_RTU, conf->profile->framing, conf->has_xor_seed, conf->xor_seed},
		.last_end_ms = WY_MS_NONE};
	enum wy_err err = sensor_plan_init(&device->plan, conf->profile, sensor_cost_of(wire, conf->profile),
					   parts->arena);
	return err ? err : modbus_learned_init(&device->learned, &device->plan, conf->learned,
						 (uint32_t)parts->seed + index, parts->now_ms, parts->arena);
}

static enum wy_err init_devices(struct modbus_wire *wire, const struct sensor_field_parts *parts)
{
	struct schedule_device *timing = wy_arena_array(parts->arena, wire->n_devices, sizeof(*timing));
	size_t room = 1, n = 0;

	wire->devices = wy_arena_array(parts->arena, wire->n_devices, sizeof(*wire->devices));
	if (!timing || !wire->devices)
		return WY_E_NOMEM;
	for (size_t i = 0; i < parts->n_mine; i++) {
		const struct sensor_device_conf *conf = &parts->devices[parts->mine[i]];
		if (conf->wire != wire->index)
			continue;
		enum wy_err err = init_device(&wire->devices[n], parts, parts->mine[i]);
		if (err)
			return err;
		timing[n++] = timing_of(conf, parts->mine[i]);
		room = conf->profile->n_points > room ? conf->profile->n_points : room;
	}
	wire->samples = wy_arena_array(parts->arena, room, sizeof(*wire->samples));
	if (!wire->samples)
		return WY_E_NOMEM;
	return schedule_new(timing, n, parts->now_ms, parts->seed + wire->index, parts->arena, &wire->schedule);
}

static enum wy_err init_trace(struct modbus_wire *wire, size_t n_wires, struct wy_arena *arena)
{
	size_t n = TRACE_BYTES / sizeof(struct sensor_frame) / n_wires;

	n = n < TRACE_LEAST ? TRACE_LEAST : n;
	wire->trace.n_most = n < TRACE_MOST ? n : TRACE_MOST;
	wire->trace.frame = wy_arena_array(arena, wire->trace.n_most, sizeof(*wire->trace.frame));
	return wire->trace.frame ? WY_OK : WY_E_NOMEM;
}

static enum wy_err load_tls(struct modbus_field *field, const struct sensor_wire_conf *conf, wy_ms least_wall_ms,
			    struct wy_diags *diags, struct modbus_tls_conf **ret_tls)
{
	enum wy_err err = field->tls ? WY_OK : modbus_tls_new(least_wall_ms, &field->tls);

	return err ? err : modbus_tls_load(field->tls, conf, diags, ret_tls);
}

static enum wy_err init_wire(struct modbus_field *field, struct modbus_wire *wire, size_t n_wires,
			     const struct sensor_field_parts *parts)
{
	const struct sensor_wire_conf *conf = &parts->wires[wire->index];

	wire->codec = &field->codec;
	wire->take = parts->take;
	wire->arg = parts->arg;
	wire->last_end_ms = WY_MS_NONE;
	wire->random = parts->seed ^ wire->index;
	if (conf->kind == SENSOR_WIRE_RTU) {
		wire->serial = wy_arena_alloc(parts->arena, sizeof(*wire->serial));
		if (!wire->serial)
			return WY_E_NOMEM;
		wire->serial->is_strange = true;
	}
	struct modbus_tls_conf *tls = NULL;
	enum wy_err err = conf->tls_ca ? load_tls(field, conf, parts->least_wall_ms, parts->diags, &tls) : WY_OK;
	/* Files that are missing bar their own wire, and no other: it is never asked in plain instead. */
	if (!err || err == WY_E_INVALID)
		err = modbus_port_init(&wire->port, conf, tls, field->epoll_fd, wire);
	if (err == WY_E_INVALID)
		wy_diag_add(parts->diags, WY_DIAG_ERROR, "E812", NULL, 0,
			    "wire '%s': these settings of a serial line are not possible", conf->id);
	if (!err)
		err = init_devices(wire, parts);
	if (!err)
		err = modbus_texts_init(wire, parts->arena);
	return err ? err : init_trace(wire, n_wires, parts->arena);
}

/* Wires with devices of ours, each once; n_devices counted. */
static enum wy_err gather_wires(struct modbus_field *field, const struct sensor_field_parts *parts)
{
	field->wires = wy_arena_array(parts->arena, parts->n_mine, sizeof(*field->wires));
	field->due_ms = wy_arena_array(parts->arena, parts->n_mine, sizeof(*field->due_ms));
	if (!field->wires || !field->due_ms)
		return WY_E_NOMEM;
	for (size_t i = 0; i < parts->n_mine; i++) {
		uint32_t index = parts->devices[parts->mine[i]].wire;
		size_t w = field->n_wires;
		/* Devices of one wire mostly stand together: look from the end. */
		while (w > 0 && field->wires[w - 1].index != index)
			w--;
		if (w == 0) {
			w = ++field->n_wires;
			field->wires[w - 1] = (struct modbus_wire){.index = index, .port.fd = -1};
		}
		field->wires[w - 1].n_devices++;
	}
	return WY_OK;
}

static void close_field(void *arg)
{
	struct modbus_field *field = arg;

	if (!field)
		return;
	for (size_t i = 0; i < field->n_wires; i++)
		modbus_port_release(&field->wires[i].port);
	modbus_tls_free(field->tls);
	modbus_codec_close(&field->codec);
	if (field->epoll_fd >= 0)
		close(field->epoll_fd);
}

static enum wy_err open_field(const struct sensor_field_parts *parts, void **ret_field)
{
	struct modbus_field *field = wy_arena_alloc(parts->arena, sizeof(*field));

	if (!field)
		return WY_E_NOMEM;
	*field = (struct modbus_field){.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .now_ms = parts->now_ms};
	enum wy_err err = modbus_codec_open(&field->codec);
	if (!err && field->epoll_fd < 0)
		err = WY_E_IO;
	if (!err)
		err = gather_wires(field, parts);
	for (size_t i = 0; !err && i < field->n_wires; i++)
		err = init_wire(field, &field->wires[i], field->n_wires, parts);
	if (err) {
		close_field(field);
		return err;
	}
	*ret_field = field;
	return WY_OK;
}

/* ---- Step --------------------------------------------------------- */

static int field_fd(const void *arg)
{
	return ((const struct modbus_field *)arg)->epoll_fd;
}

static void step_wire(struct modbus_field *field, size_t i, wy_ms now_ms, bool is_ready, bool is_broken)
{
	modbus_wire_step(&field->wires[i], now_ms, is_ready, is_broken);
	field->due_ms[i] = field->wires[i].due_ms;
}

/* A handshake computes for milliseconds. One goes on in a step, the others are still ready at the next, and whoever only
 * wants to be read is served in between. */
static bool must_wait(const struct modbus_wire *wire, bool *has_shaken)
{
	if (wire->port.state != MODBUS_PORT_SECURING)
		return false;
	bool waits = *has_shaken;
	*has_shaken = true;
	return waits;
}

static void step_ready(struct modbus_field *field, wy_ms now_ms)
{
	struct epoll_event events[EVENTS];
	bool has_shaken = false;
	int n;

	do {
		n = epoll_wait(field->epoll_fd, events, EVENTS, 0);
		for (int e = 0; e < n; e++) {
			struct modbus_wire *wire = events[e].data.ptr;
			if (!must_wait(wire, &has_shaken))
				step_wire(field, (size_t)(wire - field->wires), now_ms, true,
					  (events[e].events & (EPOLLHUP | EPOLLERR)) != 0);
		}
	} while (n == EVENTS && !has_shaken);
}

static wy_ms step(void *arg, wy_ms now_ms)
{
	struct modbus_field *field = arg;
	wy_ms next_ms = WY_MS_NEVER;

	field->now_ms = now_ms;
	step_ready(field, now_ms);
	for (size_t i = 0; i < field->n_wires; i++) {
		if (field->due_ms[i] <= now_ms)
			step_wire(field, i, now_ms, false, false);
		next_ms = modbus_at_most(next_ms, field->due_ms[i]);
	}
	return next_ms;
}

/* ---- Questions ---------------------------------------------------- */

static enum wy_err ask(void *arg, uint32_t device)
{
	struct modbus_field *field = arg;

	for (size_t i = 0; i < field->n_wires; i++) {
		struct modbus_wire *wire = &field->wires[i];
		for (size_t slot = 0; slot < wire->n_devices; slot++) {
			if (wire->devices[slot].index != device)
				continue;
			wire->devices[slot].is_asked = true;
			schedule_ask(wire->schedule, slot, field->now_ms);
			field->due_ms[i] = WY_MS_NONE;
			return WY_OK;
		}
	}
	return WY_E_NOTFOUND;
}

static size_t frames(const void *arg, uint32_t index, struct sensor_frame *ret_frames, size_t most)
{
	const struct modbus_field *field = arg;
	size_t n = 0;

	for (size_t i = 0; i < field->n_wires; i++) {
		const struct modbus_trace *trace = &field->wires[i].trace;
		if (field->wires[i].index != index)
			continue;
		size_t kept = trace->n < trace->n_most ? trace->n : trace->n_most;
		for (size_t k = kept < most ? kept : most; k > 0; k--)
			ret_frames[n++] = trace->frame[(trace->n - k) % trace->n_most];
	}
	return n;
}

/* Only who rests between polls may wait for long. */
static bool is_lost(const struct modbus_wire *wire, wy_ms since_ms)
{
	return wire->state != MODBUS_IDLE && wire->due_ms > since_ms + WY_WIRE_WAIT_MAX_MS;
}

static uint32_t late(const void *arg, wy_ms since_ms)
{
	const struct modbus_field *field = arg;

	for (size_t i = 0; i < field->n_wires; i++)
		if (field->due_ms[i] < since_ms || is_lost(&field->wires[i], since_ms))
			return field->wires[i].index;
	return SENSOR_NO_WIRE;
}

const struct sensor_driver sensor_driver_modbus = {
	.name = "modbus",
	.open = open_field,
	.fd = field_fd,
	.step = step,
	.ask = ask,
	.close = close_field,
	.frames = frames,
	.late = late,
};
