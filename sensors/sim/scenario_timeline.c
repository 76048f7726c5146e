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
	uint16_t scratch[SIM_WORDS_MAX] = {0};
	struct sim_value value;
	struct sim_raw raw;

	if (node->kind != WY_NODE_SCALAR || sim_value_parse(p, node->text, &value, &expected)) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E105", node, 0,
			    "'%s' is '%s'; expected %s, none or raw:NUMBER", p->name, node->text,
			    expected);
		return WY_E_INVALID;
	}
	double ratio = sim_device_ratio(device, p);
	enum wy_err err = device->kind == SIM_COAP ? sim_raw_of(p, &value, ratio, &raw)
						   : sim_encode(p, &value, ratio, scratch);
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

enum wy_err sim_quirk_arg(enum sim_quirk_id quirk, const char *text, int64_t *ret_arg)
{
	size_t len = strlen(text);
	int64_t arg = 0;
	enum wy_err err = wy_parse_int(text, len, &arg);

	if (err && sim_quirk_at(quirk)->arg == SIM_ARG_MS)
		err = wy_parse_duration(text, len, &arg);
	if (!err && (arg < sim_quirk_at(quirk)->least || arg > sim_quirk_at(quirk)->most))
		err = WY_E_INVALID;
	if (!err)
		*ret_arg = arg;
	return err ? WY_E_INVALID : WY_OK;
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
#include "quirks.def"
#undef SIM_QUIRK
};

/* Keeps the steps sorted; entries are mostly in order already. */
static enum wy_err add_step(struct sim_reading *reading, const struct wy_node *where,
			    const struct sim_step *step)
{
	struct sim_scenario *scenario = reading->scenario;
	size_t at = scenario->n_steps;

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
};

static enum wy_err read_quirk(struct sim_reading *reading, const struct wy_node *map,
			      enum sim_quirk_id id, struct quirk_entry *entry)
{
	const struct sim_quirk *quirk = sim_quirk_at(id);
	const struct wy_field rows[] = {
		{"device", WY_FIELD_TEXT, offsetof(struct quirk_entry, device), true, 0, 0, NULL,
		 "which device misbehaves"},
		{"count", WY_FIELD_INT, offsetof(struct quirk_entry, count), false, 0, 1e6, NULL,
		 "how many answers; default 1"},
		{quirk->arg_key, WY_FIELD_TEXT, offsetof(struct quirk_entry, arg), true, 0, 0, NULL,
		 quirk->help},
	};

	return wy_fields_read(map, rows, quirk->arg_key ? 3 : 2, entry, reading->diags);
}

static enum wy_err add_quirk(struct sim_reading *reading, const struct wy_node *map,
			     enum sim_quirk_id id, struct sim_step step)
{
	const struct sim_quirk *quirk = sim_quirk_at(id);
	struct quirk_entry entry = {.count = 1};
	enum wy_err err = read_quirk(reading, map, id, &entry);

	if (err)
		return err;
	size_t device = sim_reading_device(reading, wy_node_get(map, "device"), entry.device);
	if (device == SIZE_MAX)
		return WY_E_INVALID;
	if (entry.arg && sim_quirk_arg(id, entry.arg, &step.arg)) {
		wy_diag_add(
			reading->diags, WY_DIAG_ERROR, "E105", wy_node_get(map, quirk->arg_key), 0,
			quirk->arg == SIM_ARG_MS
				? "expected a duration such as 700ms, %lld to %lld ms, found '%s'"
				: "expected a number from %lld to %lld, found '%s'",
			(long long)quirk->least, (long long)quirk->most, entry.arg);
		return WY_E_INVALID;
	}
	if (!sim_quirk_suits(&reading->scenario->building.devices[device], id, step.arg)) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E202", map->key, 0,
			    "'%s' is not possible on the wire of device '%s'", quirk->name,
			    entry.device);
		return WY_E_INVALID;
	}
	step.act = SIM_ACT_QUIRK;
	step.device = (uint32_t)device;
	step.quirk = id;
	step.count = (uint32_t)entry.count;
	return add_step(reading, map, &step);
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
	reading->scenario->steps =
		wy_arena_array(reading->arena, SIM_STEPS_MAX, sizeof(*reading->scenario->steps));
	if (!reading->scenario->steps)
		return sim_reading_full(reading, list);
	for (const struct wy_node *m = list->child; m; m = m->next)
		if (read_moment(reading, m))
			err = WY_E_INVALID;
	return err;
}
