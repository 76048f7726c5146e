/* modbus.c: polls. See modbus.h, and README.md ("Transactions") for why this is more than calling
 * libmodbus.
 *
 * One invariant: an answer is believed only if no other request could have caused it.
 *
 *  TCP     every request has its own transaction number, and after anything odd the connection
 *          is closed, so what was under way dies with it.
 *  Serial  there are no numbers. After a failed exchange the line is listened out, at least as
 *          long as the slowest answer ever seen; and while the lost answer may still come, its
 *          points are read in requests of another shape, or are SUSPECT where there is no other
 *          shape (modbus_doubt.h, plan.h).
 *
 * Exceptions 1 to 3 are a fault of the configuration: the block is left alone for a minute. 10 and
 * 11 come from a gateway whose device is silent. The rest passes. */
#include "driver.h"
#include "modbus.h"

#include <string.h>

#include "../budget.h"
#include "modbus_doubt.h"
#include "modbus_link.h"
#include "modbus_refused.h"

enum {
	MARGIN_MS = 100,    /* over the slowest answer ever seen */
	DOUBT_TIMEOUTS = 6, /* an answer later than so many timeouts is taken for lost */
	QUIET_MS = 50,
	GAP_CHARACTERS = 4,   /* serial frames are apart by 3.5 characters */
	FRAME_CHARACTERS = 5, /* of an answer, beside its data: unit, function, length, CRC */
	REQUEST_CHARACTERS = 8,
	GATEWAY_PATH = 10,
	GATEWAY_TARGET = 11,
};

struct device {
	uint32_t index; /* among the devices of the site */
	const struct sensor_device_conf *conf;
	struct sensor_plan plan;
	struct modbus_refused refused;
};

struct modbus_wire {
	struct modbus_link link;
	bool is_serial;
	struct device *devices;
	size_t n_devices;
	wy_ms last_end_ms;     /* of the last exchange */
	wy_ms slowest_ms;      /* answer ever seen on this wire */
	wy_ms listen_until_ms; /* serial: the line is not to be trusted before it was silent up to
				  here */
	struct modbus_doubts doubts;
	struct modbus_shape last_shape;
	wy_ms last_timeout_ms;
	struct modbus_strays strays; /* scratch */
};

/* One poll under way. */
struct poll {
	struct modbus_wire *wire;
	struct device *device;
	const struct sensor_profile *profile;
	const struct sensor_reads *reads;
	struct sensor_report *report;
	bool is_any_answered; /* with data */
	bool is_any_refused;
	wy_ms first_ms;	       /* first request; WY_MS_NONE: none yet */
	uint32_t block_sample; /* report->n before the present block */
};

/* ---- Life --------------------------------------------------------- */

static enum wy_err init_device(struct device *device, const struct sensor_wire_conf *wire,
			       const struct sensor_device_conf *devices, uint32_t index,
			       struct wy_arena *arena)
{
	const struct sensor_profile *profile = devices[index].profile;
	struct sensor_cost cost = sensor_cost_of(wire, profile);

	if (profile->transport != SENSOR_MODBUS)
		return WY_E_INVALID;
	device->index = index;
	device->conf = &devices[index];
	return sensor_plan_init(&device->plan, profile, cost, arena);
}

enum wy_err modbus_wire_new(const struct sensor_wire_conf *conf,
			    const struct sensor_device_conf *devices, const uint32_t *mine,
			    size_t n_mine, struct wy_arena *arena, sensor_clock clock,
			    void *clock_arg, struct modbus_wire **ret)
{
	struct modbus_wire *wire = wy_arena_alloc(arena, sizeof(*wire));

	if (!wire)
		return WY_E_NOMEM;
	wire->is_serial = conf->kind == SENSOR_WIRE_RTU;
	wire->last_end_ms = WY_MS_NONE;
	wire->n_devices = n_mine;
	wire->devices = wy_arena_array(arena, n_mine, sizeof(*wire->devices));
	if (!wire->devices)
		return WY_E_NOMEM;
	for (size_t i = 0; i < n_mine; i++) {
		enum wy_err err = init_device(&wire->devices[i], conf, devices, mine[i], arena);
		if (err)
			return err;
	}
	enum wy_err err = modbus_link_init(&wire->link, conf, clock, clock_arg);
	if (err)
		return err;
	*ret = wire;
	return WY_OK;
}

static struct device *find_device(const struct modbus_wire *wire, uint32_t index)
{
	for (size_t i = 0; i < wire->n_devices; i++)
		if (wire->devices[i].index == index)
			return &wire->devices[i];
	return NULL;
}

size_t modbus_wire_report_room(const struct modbus_wire *wire, uint32_t device)
{
	const struct device *found = find_device(wire, device);

	return found ? found->conf->profile->n_points : 0;
}

void modbus_wire_close(struct modbus_wire *wire)
{
	if (wire)
		modbus_link_close(&wire->link);
}

void modbus_wire_interrupt(struct modbus_wire *wire)
{
	modbus_link_wake(&wire->link);
}

void modbus_wire_free(struct modbus_wire *wire)
{
	if (wire)
		modbus_link_release(&wire->link);
}

/* ---- A trustworthy line ------------------------------------------- */

static wy_ms at_least(wy_ms a, wy_ms b)
{
	return a > b ? a : b;
}

static wy_ms at_most(wy_ms a, wy_ms b)
{
	return a < b ? a : b;
}

static wy_ms answer_timeout(const struct device *device)
{
	return device->conf->timeout_ms ? device->conf->timeout_ms
					: device->conf->profile->timeout_ms;
}

/* The last request stays a suspect, and the line has to be listened out. */
static void lose_trust(struct modbus_wire *wire, wy_ms sent_ms)
{
	wy_ms now = modbus_link_now(&wire->link);
	wy_ms silence = at_least(wire->last_timeout_ms, wire->slowest_ms + MARGIN_MS);
	wy_ms life = at_least(DOUBT_TIMEOUTS * wire->last_timeout_ms,
			      2 * (wire->slowest_ms + MARGIN_MS));

	modbus_doubts_add(&wire->doubts, wire->last_shape, sent_ms, sent_ms + life);
	wire->listen_until_ms = now + at_most(silence, WY_MODBUS_LISTEN_MS);
}

/* Late answers that came in take their requests off the list, and say how slow this wire can be.
 * false: there was none among the strays. */
static bool take_strays(struct modbus_wire *wire)
{
	wy_ms now = modbus_link_now(&wire->link);
	wy_ms late = modbus_doubts_resolve(&wire->doubts, &wire->strays, now);

	wire->slowest_ms = at_most(at_least(wire->slowest_ms, late), WY_MODBUS_LISTEN_MS);
	return late > 0;
}

static enum wy_err listen_out(struct modbus_wire *wire)
{
	wy_ms most =
		at_least(modbus_link_now(&wire->link), wire->listen_until_ms) + WY_MODBUS_LISTEN_MS;

	wire->strays.n = 0;
	enum wy_err err = modbus_link_listen(&wire->link, wire->listen_until_ms, QUIET_MS, most,
					     &wire->strays);
	(void)take_strays(wire);
	return err;
}

/* Serial, before each request: bytes that came on their own since the last answer. If no lost
 * answer explains them they are an echo of the last one (a repeater, a second slave of that
 * number), so it is not safe either. */
static enum wy_err clear_line(struct modbus_wire *wire)
{
	wire->strays.n = 0;
	enum wy_err err = modbus_link_discard(&wire->link, &wire->strays);
	if (err || !wire->strays.n || take_strays(wire))
		return err;
	lose_trust(wire, modbus_link_now(&wire->link));
	return listen_out(wire);
}

/* A connection on which nothing is under way. */
static enum wy_err make_ready(struct modbus_wire *wire)
{
	if (!wire->is_serial && wire->link.is_open && !modbus_link_is_clean(&wire->link))
		modbus_link_close(&wire->link);
	enum wy_err err = modbus_link_open(&wire->link);
	if (err || !wire->is_serial)
		return err;
	return wire->listen_until_ms > modbus_link_now(&wire->link) ? listen_out(wire) : WY_OK;
}

/* ---- One request -------------------------------------------------- */

static const uint8_t function_of[] = {
	[SENSOR_COIL] = 1, [SENSOR_DISCRETE] = 2, [SENSOR_HOLDING] = 3, [SENSOR_INPUT] = 4};

static struct modbus_request request_for(const struct poll *poll, const struct sensor_block *block)
{
	return (struct modbus_request){poll->device->conf->unit_id, function_of[block->area],
				       block->address, block->count};
}

/* min_interval, and on a serial line the pause that separates frames. */
static enum wy_err keep_apart(const struct poll *poll)
{
	const struct modbus_wire *wire = poll->wire;
	wy_ms gap = modbus_link_line_ms(&wire->link, GAP_CHARACTERS);

	if (wire->last_end_ms == WY_MS_NONE)
		return modbus_link_sleep(&wire->link, 0);
	return modbus_link_sleep(&wire->link,
				 wire->last_end_ms + at_least(gap, poll->profile->min_interval_ms));
}

/* After it nothing of this exchange is under way that a later one could mistake. */
static void conclude(struct modbus_wire *wire, enum wy_err err, wy_ms sent_ms)
{
	wire->last_end_ms = modbus_link_now(&wire->link);
	if (!err) {
		wire->slowest_ms = at_least(wire->slowest_ms, wire->last_end_ms - sent_ms);
		return;
	}
	if (wire->is_serial)
		lose_trust(wire, sent_ms);
	if (!wire->is_serial || err == WY_E_LINK)
		modbus_link_close(&wire->link);
}

static enum wy_err exchange(struct poll *poll, const struct modbus_request *request,
			    struct modbus_answer *ret_answer)
{
	struct modbus_wire *wire = poll->wire;
	wy_ms sent = modbus_link_now(&wire->link);
	size_t characters =
		(size_t)modbus_request_bytes(request) + FRAME_CHARACTERS + REQUEST_CHARACTERS;

	if (poll->first_ms == WY_MS_NONE)
		poll->first_ms = sent;
	wire->last_shape = modbus_shape_of(request);
	wire->last_timeout_ms =
		answer_timeout(poll->device) + modbus_link_line_ms(&wire->link, characters);
	enum wy_err err =
		modbus_link_exchange(&wire->link, request, wire->last_timeout_ms, ret_answer);
	conclude(wire, err, sent);
	return err;
}

/* The one place that sends. WY_E_BUSY: not sent, because a lost answer would fit this request. */
static enum wy_err ask(struct poll *poll, const struct sensor_block *block,
		       struct modbus_answer *ret_answer)
{
	struct modbus_wire *wire = poll->wire;
	struct modbus_request request = request_for(poll, block);

	enum wy_err err = keep_apart(poll);
	if (!err && wire->is_serial)
		err = clear_line(wire);
	if (err)
		return err;
	if (modbus_doubts_has(&wire->doubts, modbus_shape_of(&request),
			      modbus_link_now(&wire->link)))
		return WY_E_BUSY;
	return exchange(poll, &request, ret_answer);
}

/* ---- Samples ------------------------------------------------------ */

static void list_bad(struct poll *poll, const struct sensor_block *block, enum wy_why why)
{
	struct sensor_report *report = poll->report;
	wy_ms now = modbus_link_now(&poll->wire->link);

	report->n = poll->block_sample;
	for (uint32_t i = block->first; i < block->end; i++)
		sensor_decode_bad(poll->reads->point[i], why, now, &report->sample[report->n++]);
}

/* By the first part of a block. */
static bool is_listed(const struct poll *poll, uint32_t point, uint32_t n_listed)
{
	for (uint32_t i = poll->block_sample; i < n_listed; i++)
		if (poll->report->sample[i].point == point)
			return true;
	return false;
}

static void list_data(struct poll *poll, const struct sensor_block *block,
		      const struct modbus_answer *answer)
{
	struct sensor_report *report = poll->report;
	uint16_t words[126];
	struct sensor_window window = {block->area, block->address, block->count, words,
				       answer->data};
	wy_ms now = modbus_link_now(&poll->wire->link);
	uint32_t n_listed = report->n;

	for (size_t i = 0; i + 1 < answer->bytes; i += 2)
		words[i / 2] = (uint16_t)(answer->data[i] << 8 | answer->data[i + 1]);
	for (uint32_t i = block->first; i < block->end; i++) {
		uint32_t point = poll->reads->point[i];
		struct sensor_extent extent = sensor_plan_extent(&poll->device->plan, point);
		if (!sensor_window_holds(&window, &extent) || is_listed(poll, point, n_listed))
			continue;
		sensor_decode(poll->profile, point, &window, now, &report->sample[report->n++]);
	}
	poll->is_any_answered = true;
}

/* ---- One block ---------------------------------------------------- */

static enum wy_why why_of(enum wy_err err)
{
	if (err == WY_E_TIMEOUT)
		return WY_WHY_TIMEOUT;
	return err == WY_E_PROTOCOL ? WY_WHY_MISMATCH : WY_WHY_LINK;
}

static enum wy_err take_exception(struct poll *poll, const struct sensor_block *block,
				  bool is_other_shape, uint8_t exception)
{
	struct modbus_wire *wire = poll->wire;
	struct modbus_request request = request_for(poll, block);
	wy_ms now = modbus_link_now(&wire->link);
	bool is_doubted = is_other_shape || modbus_doubts_has_function(&wire->doubts, request.unit,
								       request.function, now);

	poll->report->exception = exception;
	if (exception == GATEWAY_PATH || exception == GATEWAY_TARGET) {
		list_bad(poll, block, WY_WHY_TIMEOUT);
		return WY_E_TIMEOUT;
	}
	/* It may answer the lost request, or refuse only what is read to get another shape. */
	if (is_doubted) {
		list_bad(poll, block, WY_WHY_SUSPECT);
		return WY_OK;
	}
	poll->is_any_refused = true;
	if (exception <= 3)
		modbus_refused_add(&poll->device->refused, block, exception, now);
	list_bad(poll, block, WY_WHY_EXCEPTION);
	return WY_OK;
}

/* Read the block in these parts, which hold all its points between them. */
static enum wy_err read_parts(struct poll *poll, const struct sensor_block *block,
			      const struct sensor_block *parts, size_t n_parts)
{
	struct modbus_answer answer;

	for (size_t i = 0; i < n_parts; i++) {
		enum wy_err err = ask(poll, &parts[i], &answer);
		if (err) {
			list_bad(poll, block, why_of(err));
			return err;
		}
		if (answer.exception)
			return take_exception(poll, block, parts != block, answer.exception);
		list_data(poll, &parts[i], &answer);
	}
	modbus_refused_forget(&poll->device->refused, block);
	return WY_OK;
}

static enum wy_err read_block(struct poll *poll, const struct sensor_block *block)
{
	struct sensor_block parts[2];

	poll->block_sample = poll->report->n;
	enum wy_err err = read_parts(poll, block, block, 1);
	if (err != WY_E_BUSY)
		return err;
	size_t n = sensor_plan_other_shape(&poll->device->plan, NULL, poll->reads, block, parts);
	if (n > 0)
		err = read_parts(poll, block, parts, n);
	if (err != WY_E_BUSY)
		return err;
	list_bad(poll, block, WY_WHY_SUSPECT);
	return WY_OK;
}

/* ---- The poll ----------------------------------------------------- */

/* Known not to be given and not due for another try: listed without asking. */
static bool skip_refused(struct poll *poll, const struct sensor_block *block)
{
	const struct modbus_refusal *known = modbus_refused_at(&poll->device->refused, block,
							       modbus_link_now(&poll->wire->link));

	if (!known)
		return false;
	poll->block_sample = poll->report->n;
	if (known->exception)
		poll->report->exception = known->exception;
	list_bad(poll, block, known->why);
	return true;
}

/* If no block is due one is asked all the same: is the device still there? */
static bool is_all_refused(struct poll *poll)
{
	wy_ms now = modbus_link_now(&poll->wire->link);

	for (uint16_t i = 0; i < poll->reads->n_blocks; i++)
		if (!modbus_refused_at(&poll->device->refused, &poll->reads->block[i], now))
			return false;
	return true;
}

/* A device that gave other blocks in this very poll is not silent, only this block is missing. */
static enum wy_err forgive(struct poll *poll, const struct sensor_block *block, enum wy_err err)
{
	if (err != WY_E_TIMEOUT && err != WY_E_PROTOCOL)
		return err;
	modbus_refused_miss(&poll->device->refused, block, why_of(err),
			    modbus_link_now(&poll->wire->link));
	return poll->is_any_answered ? WY_OK : WY_E_EXCEPTION;
}

static enum wy_err read_blocks(struct poll *poll)
{
	bool must_ask = is_all_refused(poll);

	for (uint16_t i = 0; i < poll->reads->n_blocks; i++) {
		const struct sensor_block *block = &poll->reads->block[i];
		if (!must_ask && skip_refused(poll, block))
			continue;
		must_ask = false;
		bool was_here = poll->is_any_answered || poll->is_any_refused;
		enum wy_err err = read_block(poll, block);
		if (err)
			return was_here ? forgive(poll, block, err) : err;
	}
	if (poll->is_any_answered || !poll->report->n)
		return WY_OK;
	return poll->is_any_refused ? WY_E_EXCEPTION : WY_E_TIMEOUT;
}

enum wy_err modbus_wire_poll(struct modbus_wire *wire, uint32_t device, unsigned class_mask,
			     struct sensor_report *report)
{
	struct poll poll = {.wire = wire,
			    .device = find_device(wire, device),
			    .report = report,
			    .first_ms = WY_MS_NONE};
	enum wy_err err = WY_OK;

	report->device = device;
	report->n = 0;
	report->exception = 0;
	if (!poll.device)
		err = WY_E_NOTFOUND;
	else if (report->n_max < poll.device->conf->profile->n_points)
		err = WY_E_LIMIT;
	if (!err) {
		poll.profile = poll.device->conf->profile;
		poll.reads = sensor_plan_reads(&poll.device->plan, class_mask, NULL);
		err = make_ready(wire);
		if (!err)
			err = read_blocks(&poll);
	}
	if (err == WY_E_LINK || err == WY_E_STATE)
		modbus_link_close(&wire->link);
	report->err = err;
	report->at_ms = modbus_link_now(&wire->link);
	report->took_ms = poll.first_ms == WY_MS_NONE ? 0 : report->at_ms - poll.first_ms;
	return err;
}

/* What the registry knows of it. */
const struct sensor_driver sensor_driver_modbus = {.name = "modbus"};
