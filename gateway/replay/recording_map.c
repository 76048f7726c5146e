/* recording_map.c: see recording_map.h. */
#include "recording_map.h"

#include <stdlib.h>

#include "arena.h"

static size_t values_of(const struct record_names *names)
{
	size_t n = 0;

	for (uint32_t a = 0; a < names->sizes.n_assets; a++) {
		const struct record_class *cls = &names->classes[names->assets[a].cls];
		for (uint32_t i = 0; i < cls->n_points; i++)
			n += cls->points[i].n_values;
	}
	return n;
}

static bool has_same_values(const struct record_point *past, const struct wy_point *point)
{
	if (past->n_values != point->n_values)
		return false;
	for (size_t i = 0; i < point->n_values; i++)
		if (strcmp(past->values[i], point->values[i]) != 0)
			return false;
	return true;
}

static void map_values(struct wy_arena *arena, const struct record_point *past, const struct wy_point *point,
		       struct recording_point *out)
{
	int32_t *values = wy_arena_array(arena, past->n_values, sizeof(*values));

	if (!values)
		return;
	for (uint32_t i = 0; i < past->n_values; i++) {
		values[i] = -1;
		for (size_t k = 0; k < point->n_values; k++)
			if (strcmp(past->values[i], point->values[k]) == 0)
				values[i] = (int32_t)k;
	}
	out->change = RECORDING_RENAMED;
	out->values = values;
	out->n_values = past->n_values;
}

static void map_point(struct wy_arena *arena, const struct record_point *past, const struct wy_point *point,
		      struct recording_point *out)
{
	const struct wy_unit *unit = past->unit[0] ? wy_unit_find(past->unit, strlen(past->unit)) : NULL;

	if (past->type != point->type || (past->unit[0] && !unit) || !wy_unit_is_alike(unit, point->unit))
		return;
	out->change = RECORDING_SAME;
	if (point->type == WY_TYPE_ENUM && !has_same_values(past, point))
		map_values(arena, past, point, out);
	if (unit == point->unit)
		return;
	out->change = RECORDING_SCALED;
	out->ratio = wy_unit_ratio(unit, point->unit);
}

static void map_asset(struct recording_map *map, struct wy_arena *arena, const struct names *ours, uint32_t a)
{
	const struct record_asset *asset = &map->names->assets[a];
	const struct record_class *cls = &map->names->classes[asset->cls];
	struct recording_point *slots = &map->slots[map->names->sizes.first_slot[a]];

	map->assets[a] = names_asset(ours, asset->id, strlen(asset->id));
	map->n_assets_gone += map->assets[a] == NAMES_NONE;
	for (uint32_t i = 0; i < cls->n_points; i++) {
		slots[i].change = RECORDING_GONE;
		if (map->assets[a] == NAMES_NONE)
			continue;
		slots[i].point = names_point(ours, map->assets[a], cls->points[i].name, strlen(cls->points[i].name));
		if (slots[i].point != NAMES_NONE)
			map_point(arena, &cls->points[i], names_model(ours, map->assets[a], slots[i].point), &slots[i]);
		map->n_points_gone += slots[i].change == RECORDING_GONE;
	}
}

static uint32_t find_rule(const struct rule_set *set, const char *id)
{
	for (uint32_t i = 0; i < rule_count(set); i++)
		if (strcmp(rule_info_at(set, i)->id, id) == 0)
			return i;
	return NAMES_NONE;
}

enum wy_err recording_map_init(struct recording_map *map, const struct record_names *names,
			       const struct rule_world *world, const struct rule_set *set, const struct names *ours)
{
	const struct record_sizes *sizes = &names->sizes;
	size_t size = 4096 + sizes->n_assets * sizeof(*map->assets) + sizes->n_rules * sizeof(*map->rules) +
		      sizes->n_slots * sizeof(*map->slots) + values_of(names) * sizeof(int32_t) +
		      (size_t)sizes->n_slots * 16;
	struct wy_arena arena;

	memset(map, 0, sizeof(*map));
	map->names = names;
	map->memory = malloc(size);
	if (!map->memory)
		return WY_E_NOMEM;
	wy_arena_init(&arena, map->memory, size);
	map->assets = wy_arena_array(&arena, sizes->n_assets, sizeof(*map->assets));
	map->rules = wy_arena_array(&arena, sizes->n_rules, sizeof(*map->rules));
	map->slots = wy_arena_array(&arena, sizes->n_slots, sizeof(*map->slots));
	if (!map->assets || !map->rules || !map->slots) {
		recording_map_release(map);
		return WY_E_NOMEM;
	}
	for (uint32_t a = 0; a < sizes->n_assets; a++)
		map_asset(map, &arena, ours, a);
	for (uint32_t i = 0; i < sizes->n_rules; i++)
		map->rules[i] = find_rule(set, names->rules[i]);
	/* Devices have no names among the rules; as many of them over the same assets are taken for the same. */
	map->has_devices = sizes->n_devices == world->n_devices && !map->n_assets_gone &&
			   sizes->n_assets == world->n_assets;
	return WY_OK;
}

void recording_map_release(struct recording_map *map)
{
	free(map->memory);
	memset(map, 0, sizeof(*map));
}

bool recording_convert(const struct recording_map *map, uint32_t asset, const struct wy_sample *sample,
		       uint32_t *ret_asset, struct wy_sample *ret)
{
	const struct recording_point *it = &map->slots[map->names->sizes.first_slot[asset] + sample->point];

	if (it->change == RECORDING_GONE)
		return false;
	*ret_asset = map->assets[asset];
	*ret = *sample;
	ret->point = it->point;
	if (it->change == RECORDING_SCALED && !sample->is_whole)
		ret->real = sample->real * it->ratio;
	if (it->change != RECORDING_RENAMED || !sample->is_whole)
		return true;
	bool is_known = sample->whole >= 0 && sample->whole < (int64_t)it->n_values;
	ret->whole = is_known ? it->values[sample->whole] : -1;
	return true;
}
