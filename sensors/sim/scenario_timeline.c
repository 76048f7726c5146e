/* scenario_timeline.c: initial values, and the timeline as steps in time order. */
#include <string.h>

#include "fields.h"
#include "number.h"
#include "scenario_reading.h"

/* ---- Names --------------------------------------------------------------------------------------
 */

static const char *device_id(const void *arg, size_t i)
{
	return ((const struct sim_building *)arg)->devices[i].id;
}

size_t sim_reading_device(struct sim_reading *reading, const struct wy_node *where, const char *id)
{
	const struct sim_building *building = &reading->scenario->building;
	size_t device = sim_building_find_device(building, id);

	if (device == SIZE_MAX) {
		const char *near = wy_nearest(id, building->n_devices, device_id, building);
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E201", where, 0, "no device '%s'%s%s%s",
			    id, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	return device;
}

static const char *point_name(const void *arg, size_t i)
{
	return ((const struct sim_device *)arg)->profile->points[i].name;
}

static size_t find_point(struct sim_reading *reading, const struct wy_node *where,
			 const struct sim_device *device, const char *name)
{
	size_t point = sim_device_find_point(device, name);

	if (point == SIZE_MAX) {
		const char *near = wy_nearest(name, device->profile->n_points, point_name, device);
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E201", where, 0,
			    "device '%s' has no point '%s'%s%s%s", device->id, name,
			    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	return point;
}

/* ---- Values -------------------------------------------------------------------------------------
 */

/* The value a node holds for a point, proven to fit by encoding it once. */
static enum wy_err read_value(struct sim_reading *reading, const struct wy_node *node,
			      const struct sim_device *device, size_t point,
			      struct sim_value *ret_value)
{
	const struct sensor_profile_point *p = &device->profile->points[point];
	const char *expected = "a value";
	struct sim_value value;

	if (node->kind != WY_NODE_SCALAR || sim_value_parse(p, node->text, &value, &expected)) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E105", node, 0,
			    "'%s' is '%s'; expected %s, none or raw:NUMBER", p->name, node->text,
			    expected);
		return WY_E_INVALID;
	}
	enum wy_err err = sim_device_accepts(device, point, &value);
	if (err) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E106", node, 0,
			    err == WY_E_UNSUPPORTED ? "'%s': the profile has no sentinel for '%s'"
						    : "'%s' cannot hold '%s'",
			    p->name, node->text);
		return err;
	}
	*ret_value = value;
	return WY_OK;
}

static enum wy_err expect_map(struct sim_reading *reading, const struct wy_node *node,
			      const char *of)
{
	if (node->kind == WY_NODE_MAP)
		return WY_OK;
	wy_diag_add(reading->diags, WY_DIAG_ERROR, "E105", node, 0,
		    "expected a map of %s, found %s", of, wy_node_kind_text(node));
	return WY_E_INVALID;
}

static enum wy_err read_device_points(struct sim_reading *reading, const struct wy_node *map)
{
	struct sim_building *building = &reading->scenario->building;
	size_t device = sim_reading_device(reading, map->key, map->key->text);
	enum wy_err err = expect_map(reading, map, "point: value");

	if (device == SIZE_MAX || err)
		return WY_E_INVALID;
	for (const struct wy_node *m = map->child; m; m = m->next) {
		const struct sim_device *d = &building->devices[device];
		size_t point = find_point(reading, m->key, d, m->key->text);
		struct sim_value value;

		if (point == SIZE_MAX || read_value(reading, m, d, point, &value) ||
		    sim_building_set(building, (uint32_t)device, (uint32_t)point, &value, NULL))
			err = WY_E_INVALID;
	}
	return err;
}

enum wy_err sim_read_points(struct sim_reading *reading, const struct wy_node *map)
{
	enum wy_err err = expect_map(reading, map, "devices");

	if (err)
		return err;
	for (const struct wy_node *m = map->child; m; m = m->next)
		if (read_device_points(reading, m))
			err = WY_E_INVALID;
	return err;
}

/* ---- Steps --------------------------------------------------------------------------------------
 */

static enum wy_err point_arg(const struct sim_device *device, const char *text, int64_t *ret_arg)
{
	size_t point = sim_device_find_point(device, text);

	if (point == SIZE_MAX && strcmp(text, "all") != 0)
		return WY_E_INVALID;
	*ret_arg = point == SIZE_MAX ? SIM_ALL_POINTS : (int64_t)point;
	return WY_OK;
}

enum wy_err sim_quirk_arg(const struct sim_device *device, enum sim_quirk_id quirk, const char *text,
			  int64_t *ret_arg, const char **ret_expected)
{
	static const char *const expected[] = {
		[SIM_ARG_NONE] = "nothing",
		[SIM_ARG_MS] = "a duration such as 700ms",
		[SIM_ARG_NUMBER] = "a number",
		[SIM_ARG_POINT] = "a point of the device, or all",
	};
	const struct sim_quirk *row = sim_quirk_at(quirk);
	size_t len = strlen(text);
	int64_t arg = 0;

	*ret_expected = expected[row->arg];
	if (row->arg == SIM_ARG_POINT)
		return point_arg(device, text, ret_arg);
	enum wy_err err = wy_parse_int(text, len, &arg);
	if (err && row->arg == SIM_ARG_MS)
		err = wy_parse_duration(text, len, &arg);
	if (row->arg == SIM_ARG_NONE || err || arg < row->least || arg > row->most)
		return WY_E_INVALID;
	*ret_arg = arg;
	return WY_OK;
}

struct moment {
	wy_ms at_ms;
	const struct wy_node *set;
	const char *unplug, *plug, *note;
	bool is_stop;
	const struct wy_node *quirks[SIM_QUIRK_COUNT];
};

enum { MOMENT_FIXED = 6, MOMENT_ROWS = MOMENT_FIXED + SIM_QUIRK_COUNT };

static const struct wy_field moment_rows[MOMENT_ROWS] = {
	{"at", WY_FIELD_DURATION, offsetof(struct moment, at_ms), true, 0, 0, NULL,
	 "time from start"},
	{"set", WY_FIELD_NODE, offsetof(struct moment, set), false, 0, 0, NULL,
	 "DEVICE.POINT: value"},
	{"unplug", WY_FIELD_TEXT, offsetof(struct moment, unplug), false, 0, 0, NULL, "a device"},
	{"plug", WY_FIELD_TEXT, offsetof(struct moment, plug), false, 0, 0, NULL, "a device"},
	{"note", WY_FIELD_TEXT, offsetof(struct moment, note), false, 0, 0, NULL, "for people"},
	{"stop", WY_FIELD_BOOL, offsetof(struct moment, is_stop), false, 0, 0, NULL, "true: end"},
#define SIM_QUIRK(row, ...)                                                                        \
	{.key = #row,                                                                              \
	 .kind = WY_FIELD_NODE,                                                                    \
	 .offset = offsetof(struct moment, quirks) + SIM_QUIRK_##row * sizeof(void *),             \
	 .help = "a misbehaviour"},
#define SIM_STATE SIM_QUIRK
#include "quirks.def"
#undef SIM_STATE
#undef SIM_QUIRK
};

/* Room for one more; the arena keeps what was outgrown. */
static enum wy_err grow_steps(struct sim_reading *reading, const struct wy_node *where)
{
	struct sim_scenario *scenario = reading->scenario;
	size_t n = reading->n_steps_room ? 2 * reading->n_steps_room : 64;
	struct sim_step *steps = wy_arena_array(reading->arena, n, sizeof(*steps));

	if (!steps)
		return sim_reading_full(reading, where);
	if (scenario->n_steps)
		memcpy(steps, scenario->steps, scenario->n_steps * sizeof(*steps));
	scenario->steps = steps;
	reading->n_steps_room = n;
	return WY_OK;
}

/* Keeps the steps sorted; entries are mostly in order already. */
static enum wy_err add_step(struct sim_reading *reading, const struct wy_node *where,
			    const struct sim_step *step)
{
	struct sim_scenario *scenario = reading->scenario;
	size_t at = scenario->n_steps;

	if (at == reading->n_steps_room && grow_steps(reading, where))
		return WY_E_NOMEM;
	if (at == SIM_STEPS_MAX) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E106", where, 0,
			    "the timeline has more than %u steps", SIM_STEPS_MAX);
		return WY_E_LIMIT;
	}
	for (; at > 0 && scenario->steps[at - 1].at_ms > step->at_ms; at--)
		scenario->steps[at] = scenario->steps[at - 1];
	scenario->steps[at] = *step;
	scenario->n_steps++;
	return WY_OK;
}

static enum wy_err add_set(struct sim_reading *reading, const struct wy_node *map,
			   struct sim_step step)
{
	const struct sim_building *building = &reading->scenario->building;
	enum wy_err err = expect_map(reading, map, "DEVICE.POINT: value");

	if (err)
		return err;
	step.act = SIM_ACT_SET;
	for (const struct wy_node *m = map->child; m; m = m->next) {
		if (sim_building_find(building, m->key->text, &step.device, &step.point)) {
			wy_diag_add(reading->diags, WY_DIAG_ERROR, "E201", m->key, 0,
				    "no point '%s'; expected DEVICE.POINT", m->key->text);
			err = WY_E_INVALID;
			continue;
		}
		if (read_value(reading, m, &building->devices[step.device], step.point,
			       &step.value) ||
		    add_step(reading, m, &step))
			err = WY_E_INVALID;
		step.note = NULL; /* once is enough */
	}
	return err;
}

static enum wy_err add_plug(struct sim_reading *reading, const struct wy_node *where,
			    enum sim_act act, struct sim_step step)
{
	size_t device = sim_reading_device(reading, where, where->text);

	if (device == SIZE_MAX)
		return WY_E_INVALID;
	step.act = act;
	step.device = (uint32_t)device;
	return add_step(reading, where, &step);
}

struct quirk_entry {
	const char *device, *arg;
	int64_t count;
	wy_ms for_ms;
	bool is_on;
};

static enum wy_err read_quirk(struct sim_reading *reading, const struct wy_node *map,
			      enum sim_quirk_id id, struct quirk_entry *entry)
{
	const struct sim_quirk *quirk = sim_quirk_at(id);
	const struct wy_node *on = wy_node_get(map, "on");
	bool is_off = on && wy_node_is(on, "false");
	const struct wy_field rows[] = {
		{"device", WY_FIELD_TEXT, offsetof(struct quirk_entry, device), true, 0, 0, NULL,
		 "which device misbehaves"},
		{"for", WY_FIELD_DURATION, offsetof(struct quirk_entry, for_ms), false, 1, 86400000,
		 NULL, "how long"},
		{"on", WY_FIELD_BOOL, offsetof(struct quirk_entry, is_on), false, 0, 0, NULL,
		 "true: until it is switched off"},
		{"count", WY_FIELD_INT, offsetof(struct quirk_entry, count), false, 0, 1e6, NULL,
		 "how many answers; default 1"},
		{quirk->arg_key, WY_FIELD_TEXT, offsetof(struct quirk_entry, arg), !is_off, 0, 0, NULL,
		 quirk->help},
	};

	return wy_fields_read(map, rows, quirk->arg_key ? 5 : 4, entry, reading->diags);
}

/* For so many answers, for a while, or until it is switched off: one of them. */
static enum wy_err read_lasting(struct sim_reading *reading, const struct wy_node *map,
				const struct quirk_entry *entry, struct sim_arming *arming)
{
	const struct wy_node *on = wy_node_get(map, "on"), *count = wy_node_get(map, "count");
	bool is_state = sim_quirk_at(arming->quirk)->is_state;

	if (count && is_state) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E103", count->key, 0,
			    "'%s' is not spent by answers; say for: DURATION, or on: true and later "
			    "on: false",
			    sim_quirk_at(arming->quirk)->name);
		return WY_E_INVALID;
	}
	if (count && (on || entry->for_ms)) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E103", count->key, 0,
			    "'count' does not go with 'for' or 'on'");
		return WY_E_INVALID;
	}
	arming->for_ms = entry->for_ms;
	arming->is_on = on ? entry->is_on : is_state || entry->for_ms > 0;
	arming->count = arming->is_on || on ? 0 : (uint32_t)entry->count;
	return WY_OK;
}

static enum wy_err refuse_arg(struct sim_reading *reading, const struct wy_node *where,
			      const struct sim_quirk *quirk, const char *expected, const char *text)
{
	if (quirk->arg == SIM_ARG_MS || quirk->arg == SIM_ARG_NUMBER)
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E105", where, 0,
			    quirk->arg == SIM_ARG_MS ? "expected %s, %lld to %lld ms, found '%s'"
						     : "expected %s from %lld to %lld, found '%s'",
			    expected, (long long)quirk->least, (long long)quirk->most, text);
	else
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E105", where, 0,
			    "'%s' expects %s, found '%s'", quirk->name, expected, text);
	return WY_E_INVALID;
}

static enum wy_err refuse_wire(struct sim_reading *reading, const struct wy_node *where,
			       const struct sim_quirk *quirk, const struct sim_device *device)
{
	wy_diag_add(reading->diags, WY_DIAG_ERROR, "E202", where, 0,
		    "'%s' is not possible %s device '%s'", quirk->name,
		    quirk->arg == SIM_ARG_POINT ? "with the points or on the wire of" : "on the wire of",
		    device->id);
	return WY_E_INVALID;
}

static enum wy_err add_quirk(struct sim_reading *reading, const struct wy_node *map,
			     enum sim_quirk_id id, struct sim_step step)
{
	const struct sim_quirk *quirk = sim_quirk_at(id);
	struct quirk_entry entry = {.count = 1};
	enum wy_err err = read_quirk(reading, map, id, &entry);
	const char *expected;

	step.arming.quirk = id;
	if (!err)
		err = read_lasting(reading, map, &entry, &step.arming);
	if (err)
		return err;
	size_t index = sim_reading_device(reading, wy_node_get(map, "device"), entry.device);
	if (index == SIZE_MAX)
		return WY_E_INVALID;
	const struct sim_device *device = &reading->scenario->building.devices[index];
	if (entry.arg && sim_quirk_arg(device, id, entry.arg, &step.arming.arg, &expected))
		return refuse_arg(reading, wy_node_get(map, quirk->arg_key), quirk, expected, entry.arg);
	bool is_off = !step.arming.is_on && step.arming.count == 0;
	if (!is_off && !sim_quirk_suits(device, id, step.arming.arg))
		return refuse_wire(reading, map->key, quirk, device);
	step.act = SIM_ACT_QUIRK;
	step.device = (uint32_t)index;
	return add_step(reading, map, &step);
}

/* "delay=700ms": cut at the equals sign. */
static enum wy_err read_one_with(struct sim_reading *reading, const struct wy_node *node,
				 uint32_t index)
{
	const struct sim_device *device = &reading->scenario->building.devices[index];
	struct sim_step step = {.act = SIM_ACT_QUIRK, .device = index, .arming.is_on = true};
	const char *equals = strchr(node->text, '='), *expected;
	size_t n_name = equals ? (size_t)(equals - node->text) : strlen(node->text);
	const char *name = wy_arena_text(reading->arena, node->text, n_name);

	if (!name)
		return sim_reading_full(reading, node);
	size_t id = sim_quirk_find(name);
	if (id == SIM_QUIRK_COUNT) {
		const char *near = sim_quirk_nearest(name);
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E201", node, 0, "no misbehaviour '%s'%s%s%s",
			    name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return WY_E_INVALID;
	}
	const struct sim_quirk *quirk = sim_quirk_at(id);
	step.arming.quirk = (enum sim_quirk_id)id;
	if ((equals || quirk->arg != SIM_ARG_NONE) &&
	    sim_quirk_arg(device, step.arming.quirk, equals ? equals + 1 : "", &step.arming.arg,
			  &expected))
		return refuse_arg(reading, node, quirk, expected, equals ? equals + 1 : "");
	if (!sim_quirk_suits(device, step.arming.quirk, step.arming.arg))
		return refuse_wire(reading, node, quirk, device);
	return add_step(reading, node, &step);
}

enum wy_err sim_read_with(struct sim_reading *reading, const struct wy_node *list, uint32_t device)
{
	enum wy_err err = WY_OK;

	if (list->kind != WY_NODE_SEQ) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E105", list, 0,
			    "expected a list of misbehaviours, found %s", wy_node_kind_text(list));
		return WY_E_INVALID;
	}
	for (const struct wy_node *m = list->child; m; m = m->next)
		if (read_one_with(reading, m, device))
			err = WY_E_INVALID;
	return err;
}

static enum wy_err read_moment(struct sim_reading *reading, const struct wy_node *map)
{
	struct moment moment = {0};
	struct sim_step step = {0};
	size_t n_before = reading->scenario->n_steps;
	enum wy_err err = wy_fields_read(map, moment_rows, MOMENT_ROWS, &moment, reading->diags);

	if (err)
		return err;
	step.at_ms = moment.at_ms;
	step.note = moment.note;
	if (moment.set)
		err = add_set(reading, moment.set, step);
	if (moment.unplug && add_plug(reading, wy_node_get(map, "unplug"), SIM_ACT_UNPLUG, step))
		err = WY_E_INVALID;
	if (moment.plug && add_plug(reading, wy_node_get(map, "plug"), SIM_ACT_PLUG, step))
		err = WY_E_INVALID;
	for (size_t id = 0; id < SIM_QUIRK_COUNT; id++)
		if (moment.quirks[id] &&
		    add_quirk(reading, moment.quirks[id], (enum sim_quirk_id)id, step))
			err = WY_E_INVALID;
	if (moment.note && !err && reading->scenario->n_steps == n_before)
		err = add_step(reading, map, &step);
	step.act = SIM_ACT_STOP;
	if (moment.is_stop && add_step(reading, map, &step))
		err = WY_E_INVALID;
	return err;
}

enum wy_err sim_read_timeline(struct sim_reading *reading, const struct wy_node *list)
{
	enum wy_err err = WY_OK;

	if (list->kind != WY_NODE_SEQ) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E105", list, 0,
			    "expected a list of things that happen, found %s",
			    wy_node_kind_text(list));
		return WY_E_INVALID;
	}
	for (const struct wy_node *m = list->child; m; m = m->next)
		if (read_moment(reading, m))
			err = WY_E_INVALID;
	return err;
}
