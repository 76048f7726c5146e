/* modbus_poll.c: one poll of one device: which block is asked next, and what its answer makes of the samples.
 *
 * Which reads there are plan.h knows, which of them the device gives modbus_learned.h. A block whose answer could be
 * taken for an older one is read in another shape, or its points are SUSPECT where there is none. Exceptions 10 and 11
 * come from a gateway whose device is silent: the device has not answered then. */
#include <string.h>

#include "../decode.h"
#include "modbus_wire.h"

enum { GATEWAY_PATH = 10, GATEWAY_TARGET = 11 };

static const uint8_t function_of[] = {
	[SENSOR_COIL] = 1, [SENSOR_DISCRETE] = 2, [SENSOR_HOLDING] = 3, [SENSOR_INPUT] = 4};

void modbus_poll_begin(struct modbus_wire *wire, const struct schedule_turn *turn, wy_ms now_ms)
{
	struct modbus_poll *poll = &wire->poll;
	struct modbus_device *device = &wire->devices[turn->slot];

	*poll = (struct modbus_poll){.turn = *turn,
				     .device = device,
				     .profile = device->conf->profile,
				     .is_reused = wire->port.state == MODBUS_PORT_OPEN,
				     .first_ms = WY_MS_NONE};
	poll->report = (struct sensor_report){.device = device->index, .sample = wire->samples};
	poll->report.n_max = (uint32_t)device->conf->profile->n_points;
	poll->reads = sensor_plan_reads(&device->plan, turn->class_mask,
					modbus_learned_bounds(&device->learned, now_ms));
	modbus_work_begin(&poll->work, &device->learned, poll->reads,
			  schedule_failures(wire->schedule, turn->slot), now_ms);
}

struct modbus_request modbus_poll_request(const struct modbus_poll *poll)
{
	const struct sensor_block *block = &poll->part[poll->at_part];

	return (struct modbus_request){poll->device->conf->unit_id, function_of[block->area], block->address,
				       block->count};
}

/* ---- Samples ------------------------------------------------------ */

static void list_bad(struct modbus_poll *poll, enum wy_why why, wy_ms now_ms)
{
	struct sensor_report *report = &poll->report;

	report->n = poll->block_sample;
	for (uint16_t i = poll->task.block.first; i < poll->task.block.end; i++)
		sensor_decode_bad(poll->reads->point[i], why, now_ms, &report->sample[report->n++]);
}

/* By the first part of a block. */
static bool is_listed(const struct modbus_poll *poll, uint32_t point, uint32_t n_listed)
{
	for (uint32_t i = poll->block_sample; i < n_listed; i++)
		if (poll->report.sample[i].point == point)
			return true;
	return false;
}

static void list_data(struct modbus_poll *poll, const struct modbus_answer *answer, wy_ms now_ms)
{
	const struct sensor_block *part = &poll->part[poll->at_part];
	struct sensor_report *report = &poll->report;
	uint16_t words[MODBUS_WORDS_MAX];
	struct sensor_window window = {part->area, part->address, part->count, words, answer->data};
	uint32_t n_listed = report->n;

	modbus_answer_words(answer, words);
	for (uint16_t i = part->first; i < part->end; i++) {
		uint32_t point = poll->reads->point[i];
		struct sensor_extent extent = sensor_plan_extent(&poll->device->plan, point);
		if (sensor_window_holds(&window, &extent) && !is_listed(poll, point, n_listed))
			sensor_decode(poll->profile, point, &window, now_ms, &report->sample[report->n++]);
	}
	poll->is_any_answered = true;
}

/* ---- Blocks ------------------------------------------------------- */

static void take_task(struct modbus_poll *poll)
{
	poll->part[0] = poll->task.block;
	poll->n_parts = 1;
	poll->at_part = 0;
	poll->is_other_shape = false;
}

/* The block has come to its end this way; its points are listed, or come again in smaller blocks. */
static void done(struct modbus_poll *poll, enum modbus_outcome outcome, uint8_t exception, enum wy_why why, wy_ms now_ms)
{
	if (!modbus_work_done(&poll->work, outcome, exception, why, now_ms))
		poll->report.n = poll->block_sample;
	poll->n_parts = 0;
}

bool modbus_poll_next(struct modbus_wire *wire, wy_ms now_ms)
{
	struct modbus_poll *poll = &wire->poll;

	if (poll->n_parts)
		return true;
	while (modbus_work_next(&poll->work, now_ms, &poll->task)) {
		poll->block_sample = poll->report.n;
		if (poll->task.is_asked) {
			take_task(poll);
			return true;
		}
		if (poll->task.exception)
			poll->report.exception = poll->task.exception;
		list_bad(poll, poll->task.why, now_ms);
	}
	return modbus_texts_next(wire);
}

bool modbus_poll_doubted(struct modbus_wire *wire, wy_ms now_ms)
{
	struct modbus_poll *poll = &wire->poll;

	if (poll->is_text) {
		poll->n_parts = 0; /* for another day */
		return false;
	}
	if (!poll->is_other_shape) {
		poll->is_other_shape = true;
		poll->n_parts = sensor_plan_other_shape(&poll->device->plan,
							modbus_learned_bounds(&poll->device->learned, now_ms),
							poll->reads, &poll->task.block, poll->part);
		poll->at_part = 0;
		if (poll->n_parts)
			return true;
	}
	list_bad(poll, WY_WHY_SUSPECT, now_ms);
	done(poll, MODBUS_DOUBTED, 0, WY_WHY_NONE, now_ms);
	return false;
}

/* ---- What came ---------------------------------------------------- */

static enum wy_why why_of(enum wy_err err)
{
	if (err == WY_E_TIMEOUT)
		return WY_WHY_TIMEOUT;
	return err == WY_E_PROTOCOL ? WY_WHY_MISMATCH : WY_WHY_LINK;
}

/* A device that gave other blocks in this very poll is not silent, only this block is missing. */
static bool take_failure(struct modbus_poll *poll, enum wy_err err, wy_ms now_ms, enum wy_err *ret_err)
{
	bool is_here = (poll->is_any_answered || poll->is_any_refused) && err != WY_E_LINK;

	list_bad(poll, why_of(err), now_ms);
	done(poll, is_here ? MODBUS_SILENT : MODBUS_FAILED, 0, why_of(err), now_ms);
	*ret_err = err;
	return is_here;
}

static bool take_exception(struct modbus_wire *wire, uint8_t exception, wy_ms now_ms, enum wy_err *ret_err)
{
	struct modbus_poll *poll = &wire->poll;
	struct modbus_request request = modbus_poll_request(poll);
	bool is_doubted = poll->is_other_shape ||
			  (wire->serial && modbus_doubts_has_function(&wire->serial->doubts, request.unit,
								      request.function, now_ms));

	poll->report.exception = exception;
	if (exception == GATEWAY_PATH || exception == GATEWAY_TARGET)
		return take_failure(poll, WY_E_TIMEOUT, now_ms, ret_err);
	/* It may answer the lost request, or refuse only what is read to get another shape. */
	if (is_doubted) {
		list_bad(poll, WY_WHY_SUSPECT, now_ms);
		done(poll, MODBUS_DOUBTED, 0, WY_WHY_NONE, now_ms);
		return true;
	}
	poll->is_any_refused = true;
	list_bad(poll, WY_WHY_EXCEPTION, now_ms);
	done(poll, MODBUS_EXCEPTION, exception, WY_WHY_EXCEPTION, now_ms);
	return true;
}

bool modbus_poll_take(struct modbus_wire *wire, enum wy_err err, const struct modbus_answer *answer, wy_ms now_ms,
		      enum wy_err *ret_err)
{
	struct modbus_poll *poll = &wire->poll;

	if (poll->is_text) {
		*ret_err = poll->report.n ? modbus_poll_outcome(poll) : err;
		return modbus_texts_take(wire, err, answer);
	}
	if (err)
		return take_failure(poll, err, now_ms, ret_err);
	if (answer->exception)
		return take_exception(wire, answer->exception, now_ms, ret_err);
	list_data(poll, answer, now_ms);
	if (++poll->at_part == poll->n_parts)
		done(poll, MODBUS_GIVEN, 0, WY_WHY_NONE, now_ms);
	return true;
}

/* ---- The end ------------------------------------------------------ */

enum wy_err modbus_poll_outcome(const struct modbus_poll *poll)
{
	if (poll->is_any_answered || !poll->report.n)
		return WY_OK;
	return poll->is_any_refused ? WY_E_EXCEPTION : WY_E_TIMEOUT;
}

void modbus_poll_end(struct modbus_wire *wire, enum wy_err err, wy_ms now_ms)
{
	struct modbus_poll *poll = &wire->poll;
	struct modbus_device *device = poll->device;
	struct sensor_report *report = &poll->report;
	char text[WY_LEARNED_BYTES_MAX];

	if (device->learned.is_changed) {
		modbus_learned_text(&device->learned, text);
		report->learned = text;
	}
	report->err = err;
	report->words = err ? modbus_port_why(&wire->port) : NULL;
	report->at_ms = now_ms;
	report->took_ms = poll->first_ms == WY_MS_NONE ? 0 : now_ms - poll->first_ms;
	report->n_requests = device->n_requests;
	report->n_garbled = device->n_garbled;
	device->is_asked = false;
	/* A device that refuses a block is there; one that does not answer is not. */
	schedule_done(wire->schedule, &poll->turn, err == WY_OK || err == WY_E_EXCEPTION, report->took_ms, now_ms);
	wire->take(wire->arg, report);
}
