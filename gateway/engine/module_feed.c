/* module_feed.c: what is counted while a device is read becomes points of the asset that stands for the device: one of
 * class `field_device` whose `device` it is. A class file may have these points otherwise or leave some out: a point of
 * another type is not fed, and neither is one the site file binds by hand.
 *
 * Fed in the turn of the report, at most once in MODULE_PERIOD_MS: a rule over hours needs no ten samples a second. */
#include "engine_internal.h"

#include <string.h>

#define MODULE_CLASS "field_device"
#define MODULE_PERIOD_MS ((wy_ms)1000)

enum module_point { MODULE_REQUESTS, MODULE_GARBLED, MODULE_CHANGES, MODULE_IDENTITY, MODULE_POINTS };

static const struct {
	const char *name;
	enum wy_type type;
} rows[MODULE_POINTS] = {
	[MODULE_REQUESTS] = {"requests", WY_TYPE_COUNTER},
	[MODULE_GARBLED] = {"garbled", WY_TYPE_COUNTER},
	[MODULE_CHANGES] = {"changes", WY_TYPE_COUNTER},
	[MODULE_IDENTITY] = {"identity", WY_TYPE_INT},
};

struct engine_module {
	uint32_t asset;
	uint32_t next;                 /* of the same device, NONE: none */
	uint32_t point[MODULE_POINTS]; /* of its class, NONE: not fed */
};
#define NONE UINT32_MAX

struct engine_modules {
	struct engine_module *module;
	uint32_t n;
	uint32_t *first; /* [n_devices] */
	wy_ms *fed_ms;   /* [n_devices] mono, WY_MS_NONE: never */
};

/* ---- At the start --------------------------------------------------------------------------------- */

static bool is_module(const struct config *config, const struct wy_asset *asset)
{
	return asset->n_devices > 0 && strcmp(config->classes[asset->class_index].id, MODULE_CLASS) == 0;
}

static bool is_bound(const struct config *config, uint32_t asset, uint32_t point)
{
	for (size_t i = 0; i < config->n_bindings; i++)
		if (config->bindings[i].asset == asset && config->bindings[i].class_point == point)
			return true;
	return false;
}

static uint32_t find_point(const struct config *config, uint32_t asset, enum module_point row)
{
	const struct wy_class *class = &config->classes[config->assets[asset].class_index];

	for (uint32_t p = 0; p < class->n_points; p++)
		if (strcmp(class->points[p].name, rows[row].name) == 0)
			return class->points[p].type == rows[row].type && !is_bound(config, asset, p) ? p : NONE;
	return NONE;
}

static void add_module(struct engine_modules *modules, const struct config *config, uint32_t asset)
{
	struct engine_module *module = &modules->module[modules->n];
	uint32_t device = config->assets[asset].devices[0]; /* its `device`; others are bound point by point */

	module->asset = asset;
	module->next = modules->first[device];
	for (int k = 0; k < MODULE_POINTS; k++)
		module->point[k] = find_point(config, asset, (enum module_point)k);
	modules->first[device] = modules->n++;
}

enum wy_err module_feed_new(struct engine *engine)
{
	const struct config *config = engine->parts.config;
	struct wy_arena *arena = engine->parts.arena;
	struct engine_modules *modules = wy_arena_alloc(arena, sizeof(*modules));
	size_t n = 0;

	for (size_t i = 0; i < config->n_assets; i++)
		n += is_module(config, &config->assets[i]);
	if (!modules)
		return WY_E_NOMEM;
	modules->module = wy_arena_array(arena, n, sizeof(*modules->module));
	modules->first = wy_arena_array(arena, config->n_devices, sizeof(*modules->first));
	modules->fed_ms = wy_arena_array(arena, config->n_devices, sizeof(*modules->fed_ms));
	if (!modules->module || !modules->first || !modules->fed_ms)
		return WY_E_NOMEM;
	for (size_t d = 0; d < config->n_devices; d++) {
		modules->first[d] = NONE;
		modules->fed_ms[d] = WY_MS_NONE;
	}
	for (uint32_t i = 0; i < config->n_assets; i++)
		if (is_module(config, &config->assets[i]))
			add_module(modules, config, i);
	engine->modules = modules;
	return WY_OK;
}

/* ---- In a turn ------------------------------------------------------------------------------------ */

/* A serial number may be longer than the point: what counts is that it is another one. */
static int64_t fold(int64_t identity)
{
	return (int64_t)(uint32_t)((uint64_t)identity ^ (uint64_t)identity >> 32);
}

void module_feed(struct engine *engine, const struct sensor_report *report)
{
	const struct {
		bool is_known;
		int64_t value;
	} seen[MODULE_POINTS] = {
		[MODULE_REQUESTS] = {true, report->n_requests},
		[MODULE_GARBLED] = {true, report->n_garbled},
		[MODULE_CHANGES] = {report->has_changes, report->n_changes},
		[MODULE_IDENTITY] = {report->has_identity, fold(report->identity)},
	};
	struct engine_modules *modules = engine->modules;
	wy_ms *fed_ms = &modules->fed_ms[report->device];

	if (modules->first[report->device] == NONE ||
	    (*fed_ms != WY_MS_NONE && report->at_ms - *fed_ms < MODULE_PERIOD_MS))
		return;
	*fed_ms = report->at_ms;
	for (uint32_t m = modules->first[report->device]; m != NONE; m = modules->module[m].next)
		for (int k = 0; k < MODULE_POINTS; k++) {
			struct wy_sample sample = {.point = modules->module[m].point[k], .at_ms = report->at_ms,
						   .quality = WY_Q_GOOD, .is_whole = true, .whole = seen[k].value};
			if (seen[k].is_known && sample.point != NONE)
				engine_put(engine, modules->module[m].asset, &sample);
		}
}
