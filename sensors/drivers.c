/* drivers.c: see drivers.h. */
#include "drivers.h"

#include <string.h>

#include "driver.h"

const struct sensor_transport_row sensor_transport_rows[SENSOR_TRANSPORTS] = {
#define DRIVER(name, NAME, needs, takes, what) [SENSOR_##NAME] = {#name, needs, takes, what},
#define WIRE(kind, KIND, driver, port, needs, takes, what)
#include "drivers.def"
#undef DRIVER
#undef WIRE
};

const struct sensor_wire_row sensor_wire_rows[SENSOR_WIRE_KINDS] = {
#define DRIVER(name, NAME, needs, takes, what)
#define WIRE(kind, KIND, driver, port, needs, takes, what)                                                             \
	[SENSOR_WIRE_##KIND] = {#kind, SENSOR_##driver, port, needs, takes, what},
#include "drivers.def"
#undef DRIVER
#undef WIRE
};

const char *const sensor_transport_names[SENSOR_TRANSPORTS + 1] = {
#define DRIVER(name, NAME, needs, takes, what) #name,
#define WIRE(kind, KIND, driver, port, needs, takes, what)
#include "drivers.def"
#undef DRIVER
#undef WIRE
};

const char *const sensor_wire_names[SENSOR_WIRE_KINDS + 1] = {
#define DRIVER(name, NAME, needs, takes, what)
#define WIRE(kind, KIND, driver, port, needs, takes, what) #kind,
#include "drivers.def"
#undef DRIVER
#undef WIRE
};

static const struct sensor_driver *const drivers[SENSOR_TRANSPORTS] = {
#define DRIVER(name, NAME, needs, takes, what) [SENSOR_##NAME] = &sensor_driver_##name,
#define WIRE(kind, KIND, driver, port, needs, takes, what)
#include "drivers.def"
#undef DRIVER
#undef WIRE
};

const struct sensor_driver *sensor_driver_find(enum sensor_transport transport)
{
	return drivers[transport];
}

bool sensor_has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");
		if (n == len && memcmp(at, word, len) == 0)
			return true;
		at += n;
	}
	return false;
}

/* ---- Options ---------------------------------------------------------------------------------- */

enum wy_err sensor_options_begin(const struct sensor_options *options, struct wy_arena *arena,
				 struct wy_field_table *ret_table)
{
	*ret_table = (struct wy_field_table){.rows = NULL};
	if (!options)
		return WY_OK;
	void *values = wy_arena_alloc(arena, options->size);
	if (!values)
		return WY_E_NOMEM;
	if (options->defaults)
		memcpy(values, options->defaults, options->size);
	*ret_table = (struct wy_field_table){options->rows, options->n_rows, values};
	return WY_OK;
}

enum wy_err sensor_options_check(const struct sensor_options *options, const struct wy_node *map, const void *values,
				 struct wy_diags *diags)
{
	return options && options->check ? options->check(map, values, diags) : WY_OK;
}

bool sensor_options_has(const struct sensor_options *options, const char *key)
{
	for (size_t i = 0; options && i < options->n_rows; i++)
		if (strcmp(options->rows[i].key, key) == 0)
			return true;
	return false;
}
