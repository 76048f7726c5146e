/* answer.c: see answer.h. What happens to a device that is asked, in this order: its own life goes on,
 * it may find that it is asked too often, it reads its registers, the misbehaviours of answers have
 * their turn, and what reading clears is cleared. */
#include "answer.h"

#include "view.h"

enum { BUSY = 6, TARGET_SILENT = 0x0B };

/* ---- Its own life ----------------------------------------------------------------------------- */

/* The value after this one: bool the other one, enum the next, numbers one step, from the end of their
 * registers or range back to the start. */
static void move_on(struct sim_building *building, uint32_t device, uint32_t index, int64_t by,
		    const char *note)
{
	const struct sim_device *d = &building->devices[device];
	const struct sensor_profile_point *point = &d->profile->points[index];
	struct sim_value value = d->values[index];
	uint64_t size = sim_field_size(point);

	if (value.form != SIM_VALUE)
		value = sim_value_default(point);
	if (point->type == WY_TYPE_REAL)
		value.real += (double)by * (point->scale != 0 ? point->scale : 1);
	else if (point->type == WY_TYPE_BOOL)
		value.whole = !value.whole;
	else if (point->type == WY_TYPE_ENUM)
		value.whole = (value.whole + 1) % (int64_t)point->n_values;
	else if (size && point->scale == 1 && point->offset == 0)
		value.whole = (value.whole + by) % (int64_t)size;
	else
		value.whole += by;
	if (sim_building_set(building, device, index, &value, note)) {
		value = sim_value_default(point);
		(void)!sim_building_set(building, device, index, &value, note);
	}
}

static void beat(struct sim_building *building, uint32_t device, wy_ms now_ms)
{
	struct sim_device *d = &building->devices[device];
	size_t point = d->profile->liveness ? sim_device_find_point(d, d->profile->liveness) : SIZE_MAX;

	if (point == SIZE_MAX || now_ms - d->beat_ms < SIM_BEAT_MS)
		return;
	d->beat_ms = now_ms;
	move_on(building, device, (uint32_t)point, 1, "heartbeat");
}

/* Numbers go one step up and down again, so that they stay where they are. */
static void chatter(struct sim_building *building, uint32_t device)
{
	struct sim_device *d = &building->devices[device];
	int64_t by = d->turns % 2 ? -1 : 1;

	for (uint32_t i = 0; i < d->profile->n_points; i++)
		if (sim_device_concerns(d, SIM_QUIRK_chatter, i) && !sim_is_text(&d->profile->points[i]))
			move_on(building, device, i, by, "chatter");
}

static void count_on(struct sim_building *building, uint32_t device, int64_t by)
{
	const struct sim_device *d = &building->devices[device];

	for (uint32_t i = 0; i < d->profile->n_points; i++)
		if (d->profile->points[i].type == WY_TYPE_COUNTER)
			move_on(building, device, i, by, "counted");
}

static void reset_counters(struct sim_building *building, uint32_t device)
{
	const struct sim_device *d = &building->devices[device];
	struct sim_value nothing = {.form = SIM_VALUE};

	for (uint32_t i = 0; i < d->profile->n_points; i++)
		if (d->profile->points[i].type == WY_TYPE_COUNTER)
			(void)!sim_building_set(building, device, i, &nothing, "the counter was reset");
}

static void live(struct sim_building *building, uint32_t device, wy_ms now_ms)
{
	struct sim_device *d = &building->devices[device];
	int64_t arg;

	d->turns++;
	beat(building, device, now_ms);
	if (sim_device_is(d, SIM_QUIRK_chatter))
		chatter(building, device);
	if (sim_device_is(d, SIM_QUIRK_counter_step))
		count_on(building, device, d->armed[SIM_QUIRK_counter_step].arg);
	if (sim_quirk_take(d->armed, SIM_QUIRK_counter_reset, &arg))
		reset_counters(building, device);
}

/* ---- Asked too often -------------------------------------------------------------------------- */

static bool is_above(const struct sim_device *device, enum sim_quirk_id state)
{
	return sim_device_is(device, state) && (int64_t)device->n_asked > device->armed[state].arg;
}

static void exception(struct sim_reply *reply, uint8_t function, uint8_t code)
{
	reply->pdu[0] = function | 0x80u;
	reply->pdu[1] = code;
	reply->pdu_len = reply->n_head = 2;
}

static void crash(struct sim_building *building, uint32_t device, struct sim_reply *reply)
{
	struct sim_arming hung = {.quirk = SIM_QUIRK_hung, .is_on = true, .for_ms = SIM_CRASH_MS};

	(void)!sim_building_arm(building, device, &hung, "it was asked too often");
	reply->is_dropped = true;
	if (building->devices[device].kind == SIM_TCP)
		reply->is_closing = reply->is_resetting = true;
}

/* True: there is no answer from the registers. */
static bool is_too_much(struct sim_building *building, uint32_t device, uint8_t function, wy_ms now_ms,
			struct sim_reply *reply)
{
	struct sim_device *d = &building->devices[device];
	bool is_soon = d->n_asked && now_ms - d->asked_ms < d->armed[SIM_QUIRK_too_fast].arg;

	if (now_ms - d->second_ms >= 1000 || d->n_asked == 0) {
		d->second_ms = now_ms;
		d->n_asked = 0;
	}
	d->n_asked++;
	d->asked_ms = now_ms;
	if (is_above(d, SIM_QUIRK_crash_above))
		crash(building, device, reply);
	else if (is_above(d, SIM_QUIRK_refuse_above))
		exception(reply, function, BUSY);
	else if (is_soon && sim_device_is(d, SIM_QUIRK_too_fast))
		exception(reply, function, TARGET_SILENT);
	else
		return false;
	return true;
}

/* Half of the answers up to the median, nine in ten up to twice, ninety-nine in a hundred up to four
 * times, the rest up to eight times: a curve with a tail, as serial devices have it. */
static wy_ms latency(struct sim_device *device, wy_ms median_ms)
{
	static const struct {
		uint32_t percent;
		wy_ms halves_least, halves_most;
	} curve[] = {{50, 1, 2}, {90, 2, 4}, {99, 4, 8}, {100, 8, 16}};
	size_t row = 0;

	device->dice ^= device->dice << 13;
	device->dice ^= device->dice >> 17;
	device->dice ^= device->dice << 5;
	while (device->dice % 100 >= curve[row].percent)
		row++;
	wy_ms span = (curve[row].halves_most - curve[row].halves_least) * median_ms / 2;
	return curve[row].halves_least * median_ms / 2 +
	       (wy_ms)(device->dice / 100 % (uint32_t)(span + 1));
}

/* ---- The answer ------------------------------------------------------------------------------- */

static bool has_values(const struct sim_reply *reply)
{
	return reply->pdu_len > reply->n_head;
}

/* Whether the answer arrives or not: the device cannot know. */
static void clear_what_was_read(struct sim_building *building, uint32_t device,
				const struct sim_request *request)
{
	const struct sim_device *d = &building->devices[device];
	enum sensor_area area;
	uint32_t first, count;

	if (!sim_request_range(request, &area, &first, &count))
		return;
	for (uint32_t i = 0; i < d->profile->n_points; i++) {
		const struct sensor_profile_point *point = &d->profile->points[i];
		struct sim_value rest = sim_value_default(point);

		if ((point->is_clear_on_read || sim_device_concerns(d, SIM_QUIRK_clear_on_read, i)) &&
		    sim_device_covers(d, area, first, count, point) && !sim_is_text(point) &&
		    (d->values[i].form != SIM_VALUE || d->values[i].whole != rest.whole))
			(void)!sim_building_set(building, device, i, &rest, "cleared by reading");
	}
}

/* States that show in the answer whatever it says. */
static void colour(struct sim_device *device, struct sim_reply *reply)
{
	reply->has_xor = device->has_xor;
	reply->xor_seed = device->xor_seed;
	if (sim_device_is(device, SIM_QUIRK_latency))
		reply->delay_ms += latency(device, device->armed[SIM_QUIRK_latency].arg);
	if (sim_device_is(device, SIM_QUIRK_twin))
		reply->twin = (enum sim_twin)(device->turns % 4);
	reply->is_noise = sim_device_is(device, SIM_QUIRK_wrong_baud);
}

bool sim_answer(struct sim_building *building, uint32_t device, const struct sim_request *request,
		wy_ms now_ms, struct sim_reply *reply)
{
	struct sim_device *d = &building->devices[device];

	building->n_asked[request->pdu[0]]++;
	if (sim_modbus_is_write(request)) {
		sim_modbus_answer(d, request, reply);
		reply->is_dropped = sim_device_is(d, SIM_QUIRK_hung);
		colour(d, reply);
		return true;
	}
	sim_reply_start(request, reply);
	if (sim_device_is(d, SIM_QUIRK_hung)) {
		reply->is_dropped = true;
		return false;
	}
	live(building, device, now_ms);
	bool is_refused = is_too_much(building, device, request->pdu[0], now_ms, reply);
	if (!is_refused)
		sim_modbus_answer(d, request, reply);
	bool has_read = has_values(reply);
	if (!has_read && sim_device_is(d, SIM_QUIRK_silent_errors))
		reply->is_dropped = true;
	colour(d, reply);
	sim_quirk_spoil(d->armed, reply);
	if (has_read)
		clear_what_was_read(building, device, request);
	return false;
}
