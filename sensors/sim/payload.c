/* payload.c: see payload.h. SenML states a unit only where the number is sent unscaled, because a
 * stated unit is a statement about the number itself. */
#include "payload.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Our names of units against those of the SenML registry. */
static const struct {
	const char *ours, *senml;
} units[] = {
	{"degC", "Cel"}, {"%", "%"},	 {"m", "m"},	 {"mm", "mm"},	   {"s", "s"},
	{"A", "A"},	 {"mA", "mA"},	 {"V", "V"},	 {"mV", "mV"},	   {"Pa", "Pa"},
	{"kPa", "kPa"},	 {"Hz", "Hz"},	 {"W", "W"},	 {"kg", "kg"},	   {"m3", "m3"},
	{"L", "l"},	 {"ohm", "Ohm"}, {"m/s", "m/s"}, {"m/s2", "m/s2"},
};

static const char *senml_unit(const struct sensor_profile_point *point)
{
	bool is_unscaled = (point->scale == 1 || point->scale == 0) && point->offset == 0;

	if (!point->unit || !is_unscaled)
		return NULL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].ours, point->unit->name) == 0)
			return units[i].senml;
	return NULL;
}

static struct sim_raw raw_of(const struct sim_device *device, uint32_t point)
{
	struct sim_raw raw = {0};

	/* Values are proven when they are set. */
	(void)!sim_raw_of(&device->profile->points[point], sim_device_shown(device, point), 1, &raw);
	return raw;
}

static json_t *number_json(const struct sim_raw *raw)
{
	return raw->is_real ? json_real(raw->real) : json_integer(raw->whole);
}

static char *text_payload(const struct sim_device *device, uint32_t point)
{
	struct sim_raw raw = raw_of(device, point);
	json_t *number = number_json(&raw);
	char *text = json_dumps(number, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

	json_decref(number);
	return text;
}

static json_t *record_of(const struct sim_device *device, uint32_t point)
{
	const struct sensor_profile_point *p = &device->profile->points[point];
	struct sim_raw raw = raw_of(device, point);
	const char *name = p->senml_name ? p->senml_name : p->path + 1;
	const char *slash = strrchr(name, '/');
	size_t n_base = slash ? (size_t)(slash - name) + 1 : 0;
	json_t *record = json_object();

	if (n_base)
		json_object_set_new(record, "bn", json_stringn(name, n_base));
	json_object_set_new(record, "n", json_string(name + n_base));
	if (p->type == WY_TYPE_BOOL) {
		json_object_set_new(record, "vb", json_boolean(raw.whole));
		return record;
	}
	if (senml_unit(p))
		json_object_set_new(record, "u", json_string(senml_unit(p)));
	json_object_set_new(record, "v", number_json(&raw));
	return record;
}

char *sim_payload(const struct sim_device *device, const uint32_t *points, size_t n_points,
		  unsigned format)
{
	if (format == SIM_FORMAT_TEXT)
		return n_points == 1 ? text_payload(device, points[0]) : NULL;
	json_t *pack = json_array();
	for (size_t i = 0; i < n_points; i++)
		json_array_append_new(pack, record_of(device, points[i]));
	char *text = json_dumps(pack, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(pack);
	return text;
}
