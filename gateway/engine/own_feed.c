/* own_feed.c: the points of own.h into the rules, in a turn of their own. A class file may have them otherwise or leave
 * some out: a point of another type or unit is not fed. */
#include "engine_internal.h"

#include <string.h>

static bool is_own(const struct config *config, const struct wy_asset *asset)
{
	return !asset->n_devices && strcmp(config->classes[asset->class_index].id, OWN_CLASS) == 0;
}

bool engine_has_own(const struct engine *engine)
{
	const struct config *config = engine->parts.config;

	for (size_t i = 0; i < config->n_assets; i++)
		if (is_own(config, &config->assets[i]))
			return true;
	return false;
}

static bool fits(const struct wy_point *point, const struct own_row *row)
{
	bool is_same_unit = !row->unit || (point->unit && strcmp(point->unit->name, row->unit) == 0);

	return strcmp(point->name, row->name) == 0 && point->type == row->type && is_same_unit;
}

static void feed_asset(struct engine *engine, uint32_t asset, const struct wy_sample *samples)
{
	const struct config *config = engine->parts.config;
	const struct wy_class *class = &config->classes[config->assets[asset].class_index];

	for (uint32_t p = 0; p < class->n_points; p++)
		for (size_t k = 0; k < OWN_POINTS; k++) {
			struct wy_sample sample = samples[k];
			if (!fits(&class->points[p], &own_rows[k]))
				continue;
			sample.point = p;
			engine_put(engine, asset, &sample);
		}
}

void engine_look_at_own(struct engine *engine, const struct own_in *in)
{
	const struct config *config = engine->parts.config;
	struct wy_sample samples[OWN_POINTS];

	if (engine->is_broken)
		return;
	engine_begin_turn(engine);
	own_look(&engine->own, in, engine->counts.opened, engine->now, samples);
	for (uint32_t i = 0; i < config->n_assets; i++)
		if (is_own(config, &config->assets[i]))
			feed_asset(engine, i, samples);
	engine_end_turn(engine);
}
