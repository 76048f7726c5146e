/* building.c: see building.h. */
#include "building.h"

#include <stdio.h>
#include <string.h>

/* ---- Registers ---------------------------------------------------------------------------------
 */

static uint32_t gap_of(const struct sensor_profile *profile, enum sensor_area area)
{
	bool is_bits = area == SENSOR_COIL || area == SENSOR_DISCRETE;

	return profile->max_gap * (is_bits ? 16u : 1u);
}

static bool is_before(const struct sim_span *a, const struct sim_span *b)
{
	return a->area != b->area ? a->area < b->area : a->first < b->first;
}

/* A span for each point, sorted; n is at most WY_POINTS_PER_DEVICE, so insertion will do. */
static void spans_of_points(const struct sensor_profile *profile, struct sim_span *spans)
{
	for (size_t i = 0; i < profile->n_points; i++) {
		const struct sensor_profile_point *point = &profile->points[i];
		struct sim_span span = {point->area, point->address,
					(uint32_t)point->address + sim_words(point), NULL, NULL, NULL};
		size_t at = i;

		for (; at > 0 && is_before(&span, &spans[at - 1]); at--)
			spans[at] = spans[at - 1];
		spans[at] = span;
	}
}

static size_t join_spans(const struct sensor_profile *profile, struct sim_span *spans)
{
	size_t n = 0;

	for (size_t i = 0; i < profile->n_points; i++) {
		struct sim_span *last = n ? &spans[n - 1] : NULL;
		const struct sim_span *next = &spans[i];

		if (last && last->area == next->area &&
		    next->first <= last->end + gap_of(profile, last->area)) {
			last->end = next->end > last->end ? next->end : last->end;
			continue;
		}
		spans[n++] = *next;
	}
	return n;
}

static struct sim_span *span_of(const struct sim_device *device, enum sensor_area area,
				uint32_t first, uint32_t count)
{
	for (size_t i = 0; i < device->n_spans; i++) {
		struct sim_span *span = &device->spans[i];
		if (span->area == area && first >= span->first && first + count <= span->end)
			return span;
	}
	return NULL;
}

/* What a point says that chooses for another: which of n. False: none of them. */
static bool choose(const struct sim_device *device, const char *name, size_t n, size_t *ret_index)
{
	size_t by = sim_device_find_point(device, name);
	struct sim_raw choice;

	if (by == SIZE_MAX || sim_raw_of(&device->profile->points[by], &device->values[by], 1, &choice) ||
	    choice.whole < 0 || (uint64_t)choice.whole >= n)
		return false;
	*ret_index = (size_t)choice.whole;
	return true;
}

double sim_device_ratio(const struct sim_device *device, const struct sensor_profile_point *point)
{
	double ratio = 1;
	size_t i;

	if (point->unit_by && point->unit && choose(device, point->unit_by, point->n_unit_choices, &i) &&
	    point->unit_choices[i])
		ratio = wy_unit_ratio(point->unit, point->unit_choices[i]);
	if (point->scale_by && choose(device, point->scale_by, point->n_scale_choices, &i))
		ratio /= point->scale_choices[i];
	return ratio;
}

enum wy_err sim_device_accepts(const struct sim_device *device, size_t index,
			       const struct sim_value *value)
{
	const struct sensor_profile_point *point = &device->profile->points[index];
	double ratio = sim_device_ratio(device, point);
	uint16_t scratch[SIM_WORDS_MAX] = {0};
	struct sim_raw raw;

	return device->kind == SIM_COAP ? sim_raw_of(point, value, ratio, &raw)
					: sim_encode(point, value, ratio, scratch);
}

/* Check and store. CoAP devices have no registers: their payloads are made from the value. */
static enum wy_err store(struct sim_device *device, uint32_t index, const struct sim_value *value)
{
	const struct sensor_profile_point *point = &device->profile->points[index];
	double ratio = sim_device_ratio(device, point);
	uint16_t old[SIM_WORDS_MAX];
	struct sim_raw raw;

	if (device->kind == SIM_COAP)
		return sim_raw_of(point, value, ratio, &raw);
	struct sim_span *span = span_of(device, point->area, point->address, sim_words(point));
	size_t at = point->address - span->first, n_bytes = sim_words(point) * sizeof(uint16_t);
	memcpy(old, span->words + at, n_bytes);
	enum wy_err err = sim_encode(point, value, ratio, span->words + at);
	if (!err && memcmp(old, span->words + at, n_bytes) != 0)
		memcpy(span->before + at, old, n_bytes);
	return err;
}

/* ---- Texts ------------------------------------------------------------------------------------- */

/* Room for a text of so many registers as UTF-8: two bytes of a register are at most four here. */
static size_t text_room(const struct sensor_profile_point *point)
{
	return (size_t)4 * point->n_text + 1;
}

/* Put a value into values or shown; a text is copied to room, half of which belongs to each. */
static void keep(struct sim_device *device, uint32_t point, struct sim_value *values,
		 struct sim_value value)
{
	const struct sensor_profile_point *p = &device->profile->points[point];

	if (sim_is_text(p)) {
		char *room = device->texts[point] + (values == device->shown ? text_room(p) : 0);
		if (room != value.text)
			(void)snprintf(room, text_room(p), "%s", value.text);
		value.text = room;
	}
	values[point] = value;
}

static enum wy_err make_room_for_texts(struct sim_device *device, struct wy_arena *arena)
{
	const struct sensor_profile *profile = device->profile;

	device->texts = wy_arena_array(arena, profile->n_points, sizeof(*device->texts));
	if (!device->texts)
		return WY_E_NOMEM;
	for (size_t i = 0; i < profile->n_points; i++) {
		if (!sim_is_text(&profile->points[i]))
			continue;
		device->texts[i] = wy_arena_alloc(arena, 2 * text_room(&profile->points[i]));
		if (!device->texts[i])
			return WY_E_NOMEM;
	}
	return WY_OK;
}

/* ---- Views -------------------------------------------------------------------------------------
 *
 * Several points may read the same bits (moving, and how fast). The registers are the truth: whoever is set, the
 * others say what the registers say then. */

static bool is_view_of(const struct sim_device *device, uint32_t view, uint32_t point)
{
	const struct sensor_profile_point *points = device->profile->points;

	return device->kind != SIM_COAP && view != point && sim_shares_bits(&points[view], &points[point]);
}

static bool is_view(const struct sim_device *device, uint32_t index)
{
	for (uint32_t i = 0; i < index; i++)
		if (is_view_of(device, index, i))
			return true;
	return false;
}

/* The value of a point as its registers say. */
static enum wy_err look(struct sim_device *device, uint32_t index)
{
	const struct sensor_profile_point *point = &device->profile->points[index];
	const struct sim_span *span = span_of(device, point->area, point->address, sim_words(point));

	return sim_value_of_words(point, span->words + (point->address - span->first), sim_device_ratio(device, point),
				  &device->values[index]);
}

/* A flag made of several bits that says already what it should: the bits stay, and with them what others read there. */
static bool says_already(struct sim_device *device, uint32_t index, const struct sim_value *value)
{
	struct sim_value now = device->values[index];

	return device->profile->points[index].type == WY_TYPE_BOOL && device->kind != SIM_COAP &&
	       value->form == SIM_VALUE && now.form == SIM_VALUE && now.whole == value->whole &&
	       device->profile->points[index].encoding != SENSOR_BIT;
}

enum wy_err sim_device_lay_out(struct sim_device *device, struct wy_arena *arena,
			       uint32_t *ret_point)
{
	const struct sensor_profile *profile = device->profile;

	device->values = wy_arena_array(arena, profile->n_points, sizeof(*device->values));
	device->shown = wy_arena_array(arena, profile->n_points, sizeof(*device->shown));
	device->is_held = wy_arena_array(arena, profile->n_points, sizeof(*device->is_held));
	device->spans = wy_arena_array(arena, profile->n_points, sizeof(*device->spans));
	if (!device->values || !device->shown || !device->is_held || !device->spans ||
	    make_room_for_texts(device, arena))
		return WY_E_NOMEM;
	device->dice = 0x2545F491u;
	if (device->kind != SIM_COAP) {
		spans_of_points(profile, device->spans);
		device->n_spans = join_spans(profile, device->spans);
	}
	for (size_t i = 0; i < device->n_spans; i++) {
		struct sim_span *span = &device->spans[i];
		size_t n = span->end - span->first;
		span->words = wy_arena_array(arena, n, sizeof(uint16_t));
		span->before = wy_arena_array(arena, n, sizeof(uint16_t));
		span->frozen = wy_arena_array(arena, n, sizeof(uint16_t));
		if (!span->words || !span->before || !span->frozen)
			return WY_E_NOMEM;
	}
	/* All defaults first: the unit of one point may hang on the value of another. */
	for (uint32_t i = 0; i < profile->n_points; i++)
		keep(device, i, device->values, sim_value_default(&profile->points[i]));
	for (uint32_t i = 0; i < profile->n_points; i++) {
		enum wy_err err = is_view(device, i) ? look(device, i) : store(device, i, &device->values[i]);
		if (err) {
			*ret_point = i;
			return err;
		}
	}
	return WY_OK;
}

/* ---- Names
 * --------------------------------------------------------------------------------------- */

size_t sim_device_find_point(const struct sim_device *device, const char *name)
{
	for (size_t i = 0; i < device->profile->n_points; i++)
		if (strcmp(device->profile->points[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

static size_t find_device(const struct sim_building *building, const char *id, size_t len)
{
	for (size_t i = 0; i < building->n_devices; i++) {
		const char *known = building->devices[i].id;
		if (strlen(known) == len && memcmp(known, id, len) == 0)
			return i;
	}
	return SIZE_MAX;
}

size_t sim_building_find_device(const struct sim_building *building, const char *id)
{
	return find_device(building, id, strlen(id));
}

struct sim_device *sim_wire_unit(const struct sim_building *building, const struct sim_wire *wire,
				 uint8_t unit)
{
	uint32_t index = wire->by_unit ? wire->by_unit[unit] : 0;

	return index ? &building->devices[index - 1] : NULL;
}

enum wy_err sim_building_find(const struct sim_building *building, const char *name,
			      uint32_t *ret_device, uint32_t *ret_point)
{
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		size_t device = find_device(building, name, (size_t)(dot - name));
		if (device == SIZE_MAX)
			continue;
		size_t point = sim_device_find_point(&building->devices[device], dot + 1);
		if (point == SIZE_MAX)
			continue;
		*ret_device = (uint32_t)device;
		*ret_point = (uint32_t)point;
		return WY_OK;
	}
	return WY_E_NOTFOUND;
}

/* ---- Changes
 * ------------------------------------------------------------------------------------- */

static void tell(struct sim_building *building, const struct sim_change *change)
{
	if (building->changed)
		building->changed(building->arg, change);
}

static bool is_named(const char *name, const char *by)
{
	return name && strcmp(name, by) == 0;
}

/* A register that chooses a unit or a factor changed: the lengths beside it are now in feet. One that does not
 * fit in the new unit keeps its old registers, as an overflowing device would show nonsense too. */
static void restate_units(struct sim_device *device, const char *by)
{
	for (uint32_t i = 0; i < device->profile->n_points; i++) {
		const struct sensor_profile_point *point = &device->profile->points[i];
		if (is_named(point->unit_by, by) || is_named(point->scale_by, by))
			(void)!store(device, i, &device->values[i]);
	}
}

static bool overlaps(const struct sensor_profile_point *a, const struct sensor_profile_point *b)
{
	return a->area == b->area && a->address < b->address + sim_words(b) &&
	       b->address < a->address + sim_words(a);
}

/* A sentinel covers whole registers, and with them other points. When one comes or goes, the
 * registers are cleared and all that share them are written again, sentinels last, because they
 * hide the rest. */
static void restate_shared(struct sim_device *device, const struct sensor_profile_point *point)
{
	struct sim_span *span = span_of(device, point->area, point->address, sim_words(point));

	memset(span->words + (point->address - span->first), 0,
	       sim_words(point) * sizeof(uint16_t));
	for (int is_absent = 0; is_absent <= 1; is_absent++) {
		for (uint32_t i = 0; i < device->profile->n_points; i++) {
			bool is_turn = (device->values[i].form == SIM_ABSENT) == (is_absent == 1);
			if (is_turn && overlaps(&device->profile->points[i], point))
				(void)!store(device, i, &device->values[i]);
		}
	}
}

/* ---- Values that are held back ------------------------------------------------------------------ */

static bool is_raised(const struct sensor_profile_point *point, const struct sim_value *value)
{
	struct sim_value rest = sim_value_default(point);

	return value->form == SIM_VALUE && point->type != WY_TYPE_REAL && !sim_is_text(point) &&
	       value->whole != rest.whole;
}

static void hold(struct sim_device *device, uint32_t point, const struct sim_value *value)
{
	if (device->is_held[point])
		return;
	keep(device, point, device->shown, *value);
	device->is_held[point] = true;
}

/* Registers of a frozen device are held whole, as they stand; payloads are made from values. */
static bool is_stuck(const struct sim_device *device, uint32_t point)
{
	return sim_device_concerns(device, SIM_QUIRK_stuck, point) ||
	       (device->kind == SIM_COAP && sim_device_is(device, SIM_QUIRK_frozen));
}

/* A value changes: an alarm that goes away stays to be seen if it is latched. */
static void latch(struct sim_device *device, uint32_t point, const struct sim_value *before,
		  const struct sim_value *now)
{
	const struct sensor_profile_point *p = &device->profile->points[point];

	if (!sim_device_concerns(device, SIM_QUIRK_latched, point))
		return;
	if (is_raised(p, before) && !is_raised(p, now))
		hold(device, point, before);
	else if (is_raised(p, now))
		device->is_held[point] = is_stuck(device, point);
}

const struct sim_value *sim_device_shown(const struct sim_device *device, size_t point)
{
	return device->is_held[point] ? &device->shown[point] : &device->values[point];
}

static void follow(struct sim_building *building, uint32_t device, uint32_t point)
{
	struct sim_device *d = &building->devices[device];

	for (uint32_t i = 0; i < d->profile->n_points; i++) {
		struct sim_value before = d->values[i];

		if (!is_view_of(d, i, point) || before.form == SIM_ABSENT || look(d, i) != WY_OK)
			continue;
		latch(d, i, &before, &d->values[i]);
		if (before.form != d->values[i].form || before.whole != d->values[i].whole)
			tell(building, &(struct sim_change){.event = SIM_EVENT_SET, .device = device, .point = i});
	}
}

enum wy_err sim_building_set(struct sim_building *building, uint32_t device, uint32_t point,
			     const struct sim_value *value, const char *note)
{
	struct sim_device *d = &building->devices[device];
	struct sim_change change = {
		.event = SIM_EVENT_SET, .device = device, .point = point, .note = note};
	enum wy_err err = says_already(d, point, value) ? WY_OK : store(d, point, value);

	if (err)
		return err;
	bool is_hiding = d->values[point].form == SIM_ABSENT || value->form == SIM_ABSENT;
	latch(d, point, &d->values[point], value);
	keep(d, point, d->values, *value);
	if (is_hiding && d->kind != SIM_COAP)
		restate_shared(d, &d->profile->points[point]);
	restate_units(d, d->profile->points[point].name);
	tell(building, &change);
	if (value->form != SIM_ABSENT)
		follow(building, device, point);
	return WY_OK;
}

void sim_building_plug(struct sim_building *building, uint32_t device, bool is_plugged,
		       const char *note)
{
	struct sim_change change = {.event = is_plugged ? SIM_EVENT_PLUG : SIM_EVENT_UNPLUG,
				    .device = device,
				    .note = note};

	building->devices[device].is_unplugged = !is_plugged;
	tell(building, &change);
}

/* ---- Misbehaviours ---------------------------------------------------------------------------- */

/* The points `all` stands for. */
static bool is_meant_by_all(const struct sensor_profile_point *point, enum sim_quirk_id state)
{
	switch (state) {
	case SIM_QUIRK_lacks:
		return point->is_optional;
	case SIM_QUIRK_latched:
		return point->is_latched;
	case SIM_QUIRK_clear_on_read:
		return point->is_clear_on_read;
	case SIM_QUIRK_chatter:
		return point->type == WY_TYPE_BOOL;
	default:
		return true;
	}
}

bool sim_device_is(const struct sim_device *device, enum sim_quirk_id state)
{
	return device->armed[state].is_on;
}

bool sim_device_concerns(const struct sim_device *device, enum sim_quirk_id state, size_t point)
{
	const struct sim_armed *armed = &device->armed[state];

	if (!armed->is_on)
		return false;
	return armed->arg == SIM_ALL_POINTS ? is_meant_by_all(&device->profile->points[point], state)
					    : armed->arg == (int64_t)point;
}

bool sim_wire_is(const struct sim_building *building, const struct sim_wire *wire,
		 enum sim_quirk_id state, int64_t *ret_arg)
{
	for (size_t i = 0; i < wire->n_devices && building->n_on[state]; i++) {
		const struct sim_armed *armed = &building->devices[wire->devices[i]].armed[state];

		if (!armed->is_on)
			continue;
		if (ret_arg)
			*ret_arg = armed->arg;
		return true;
	}
	return false;
}

static bool suits_a_point(const struct sim_device *device, enum sim_quirk_id quirk, int64_t arg)
{
	if (arg != SIM_ALL_POINTS)
		return arg >= 0 && (uint64_t)arg < device->profile->n_points;
	for (size_t i = 0; i < device->profile->n_points; i++)
		if (is_meant_by_all(&device->profile->points[i], quirk))
			return true;
	return false;
}

bool sim_quirk_suits(const struct sim_device *device, enum sim_quirk_id quirk, int64_t arg)
{
	static const unsigned transports[] = {[SIM_TCP] = SIM_TRANSPORT_TCP,
					      [SIM_RTU] = SIM_TRANSPORT_RTU,
					      [SIM_COAP] = SIM_TRANSPORT_COAP};

	if (!(sim_quirk_at(quirk)->transports & transports[device->kind]))
		return false;
	if (quirk == SIM_QUIRK_exception)
		return device->kind == SIM_COAP ? arg >= 400 : arg <= 255;
	return sim_quirk_at(quirk)->arg != SIM_ARG_POINT || suits_a_point(device, quirk, arg);
}

/* A misbehaviour that holds values was switched: what is held from now on is held as it is now. */
static void hold_or_release(struct sim_device *device, const struct sim_arming *arming)
{
	bool is_freezing = arming->quirk == SIM_QUIRK_frozen && arming->is_on;

	for (uint32_t i = 0; i < device->profile->n_points; i++) {
		if (is_stuck(device, i))
			hold(device, i, &device->values[i]);
		else if (!sim_device_concerns(device, SIM_QUIRK_latched, i))
			device->is_held[i] = false;
	}
	for (size_t i = 0; i < device->n_spans && is_freezing; i++) {
		struct sim_span *span = &device->spans[i];
		memcpy(span->frozen, span->words, (span->end - span->first) * sizeof(uint16_t));
	}
}

/* A clock is known by the years it can show. Without a battery it starts at the first of them. */
static void lose_clocks(struct sim_building *building, uint32_t device)
{
	const struct sensor_profile *profile = building->devices[device].profile;

	for (uint32_t i = 0; i < profile->n_points; i++) {
		const struct sensor_profile_point *point = &profile->points[i];
		struct sim_value first = sim_value_default(point);

		if (point->has_range && point->lo >= 1970 && point->lo <= 2100)
			(void)!sim_building_set(building, device, i, &first, "the clock lost its time");
	}
}

enum wy_err sim_building_arm(struct sim_building *building, uint32_t device,
			     const struct sim_arming *arming, const char *note)
{
	struct sim_device *d = &building->devices[device];
	struct sim_change change = {SIM_EVENT_QUIRK, device, 0, *arming, note};
	bool is_off = !arming->is_on && arming->count == 0;

	if (!is_off && !sim_quirk_suits(d, arming->quirk, arming->arg))
		return WY_E_UNSUPPORTED;
	if (sim_quirk_at(arming->quirk)->is_state && arming->count)
		return WY_E_UNSUPPORTED;
	building->n_on[arming->quirk] += (uint32_t)arming->is_on;
	building->n_on[arming->quirk] -= (uint32_t)d->armed[arming->quirk].is_on;
	d->armed[arming->quirk] = (struct sim_armed){.arg = arming->arg,
						     .left = arming->is_on ? 0 : arming->count,
						     .is_on = arming->is_on};
	tell(building, &change);
	if (arming->quirk == SIM_QUIRK_frozen || arming->quirk == SIM_QUIRK_stuck ||
	    arming->quirk == SIM_QUIRK_latched)
		hold_or_release(d, arming);
	if (arming->quirk == SIM_QUIRK_reboot && arming->is_on)
		lose_clocks(building, device);
	return WY_OK;
}
