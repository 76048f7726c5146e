/* truth.c: see truth.h. A line that cannot be made for want of memory is left out; the file's own
 * errors show at the end, when main looks at it. */
#include "truth.h"

#include <stdlib.h>
#include <string.h>

#include "loop.h"

void sim_truth_say(struct sim_truth *truth, const char *event, json_t *members)
{
	json_t *line = json_pack("{s:I, s:I, s:s}", "t_ms", (json_int_t)sim_wall_ms(), "mono_ms",
				 (json_int_t)sim_now_ms(), "event", event);
	char *text = NULL;

	if (line && (!members || json_object_update(line, members) == 0))
		text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(15));
	if (text) {
		fprintf(truth->file, "%s\n", text);
		fflush(truth->file);
		if (truth->line)
			truth->line(truth->arg, text, strlen(text));
	}
	free(text);
	json_decref(line);
	json_decref(members);
}

static json_t *value_json(const struct sensor_profile_point *point, const struct sim_value *value)
{
	char text[128];
	struct wy_buf buf;

	if (sim_is_text(point))
		return json_string(value->text);
	if (value->form == SIM_ABSENT)
		return json_null();
	if (value->form == SIM_VALUE && point->type == WY_TYPE_BOOL)
		return json_boolean(value->whole);
	if (value->form == SIM_VALUE && point->type == WY_TYPE_REAL)
		return json_real(value->real);
	if (value->form == SIM_VALUE && point->type != WY_TYPE_ENUM)
		return json_integer(value->whole);
	wy_buf_init(&buf, text, sizeof(text));
	sim_value_print(point, value, &buf);
	return json_string(text);
}

void sim_truth_start(struct sim_truth *truth, const struct sim_building *building)
{
	json_t *values = json_object();

	for (size_t i = 0; i < building->n_devices; i++) {
		const struct sim_device *device = &building->devices[i];
		json_t *points = json_object();

		for (size_t p = 0; p < device->profile->n_points; p++)
			json_object_set_new(
				points, device->profile->points[p].name,
				value_json(&device->profile->points[p], &device->values[p]));
		json_object_set_new(values, device->id, points);
	}
	sim_truth_say(truth, "start", json_pack("{s:o}", "values", values));
}

static json_t *quirk_members(const struct sim_device *device, const struct sim_change *change)
{
	const struct sim_arming *arming = &change->arming;
	const struct sim_quirk *quirk = sim_quirk_at(arming->quirk);
	json_t *members = json_pack("{s:s, s:s, s:I, s:I, s:b, s:I, s:s*}", "device", device->id, "quirk",
				    quirk->name, "arg", (json_int_t)arming->arg, "count",
				    (json_int_t)arming->count, "on", (int)arming->is_on, "for_ms",
				    (json_int_t)arming->for_ms, "note", change->note);

	if (members && quirk->arg == SIM_ARG_POINT && arming->arg >= 0)
		json_object_set_new(members, "point",
				    json_string(device->profile->points[arming->arg].name));
	return members;
}

static json_t *members_of(const struct sim_device *device, const struct sim_change *change)
{
	const struct sensor_profile_point *point = &device->profile->points[change->point];

	if (change->event == SIM_EVENT_SET)
		return json_pack("{s:s, s:s, s:o, s:s*}", "device", device->id, "point",
				 point->name, "value",
				 value_json(point, &device->values[change->point]), "note",
				 change->note);
	if (change->event == SIM_EVENT_QUIRK)
		return quirk_members(device, change);
	return json_pack("{s:s, s:s*}", "device", device->id, "note", change->note);
}

void sim_truth_change(struct sim_truth *truth, const struct sim_building *building,
		      const struct sim_change *change)
{
	static const char *const names[] = {
		[SIM_EVENT_SET] = "set",
		[SIM_EVENT_PLUG] = "plug",
		[SIM_EVENT_UNPLUG] = "unplug",
		[SIM_EVENT_QUIRK] = "quirk",
	};

	sim_truth_say(truth, names[change->event],
		      members_of(&building->devices[change->device], change));
}

void sim_truth_write_attempt(struct sim_truth *truth, const char *device, json_t *members)
{
	json_t *named = json_pack("{s:s*}", "device", device);

	truth->writes++;
	if (named && members)
		json_object_update(named, members);
	json_decref(members);
	sim_truth_say(truth, "write_attempt", named);
}
