/* replay_names.c: two open tables, at most half full: assets by id, and points by class and name. */
#include "replay_names.h"

#include <stdlib.h>
#include <string.h>

#include "number.h"

struct place {
	uint32_t owner; /* points: class + 1; assets: 1; 0: free */
	uint32_t index;
};

struct index {
	struct place *places;
	size_t n; /* a power of two */
};

struct names {
	const struct rule_world *world;
	struct index assets, points;
};

static bool index_init(struct index *index, size_t n_entries)
{
	index->n = 4;
	while (index->n < 2 * n_entries)
		index->n *= 2;
	index->places = calloc(index->n, sizeof(*index->places));
	return index->places != NULL;
}

static size_t hash(uint32_t owner, const char *name, size_t len)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ owner;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
	return (size_t)(h ^ h >> 32);
}

static bool is_text(const char *text, const char *name, size_t len)
{
	return strncmp(text, name, len) == 0 && !text[len];
}

static const char *name_at(const struct names *names, const struct place *place, bool is_point)
{
	if (is_point)
		return names->world->classes[place->owner - 1].points[place->index].name;
	return names->world->assets[place->index].id;
}

/* Where a name stands, or would. */
static struct place *find(const struct names *names, bool is_point, uint32_t owner, const char *name, size_t len)
{
	const struct index *index = is_point ? &names->points : &names->assets;
	size_t at = hash(owner, name, len) & (index->n - 1);

	while (index->places[at].owner) {
		struct place *place = &index->places[at];
		if (place->owner == owner && is_text(name_at(names, place, is_point), name, len))
			return place;
		at = (at + 1) & (index->n - 1);
	}
	return &index->places[at];
}

static void add(struct names *names, bool is_point, uint32_t owner, uint32_t i, const char *name)
{
	*find(names, is_point, owner, name, strlen(name)) = (struct place){owner, i};
}

struct names *names_new(const struct rule_world *world)
{
	struct names *names = calloc(1, sizeof(*names));
	size_t n_points = 0;

	for (size_t i = 0; i < world->n_classes; i++)
		n_points += world->classes[i].n_points;
	if (!names || !index_init(&names->assets, world->n_assets) || !index_init(&names->points, n_points)) {
		names_free(names);
		return NULL;
	}
	names->world = world;
	for (uint32_t i = 0; i < world->n_assets; i++)
		add(names, false, 1, i, world->assets[i].id);
	for (uint32_t c = 0; c < world->n_classes; c++)
		for (uint32_t i = 0; i < world->classes[c].n_points; i++)
			add(names, true, c + 1, i, world->classes[c].points[i].name);
	return names;
}

void names_free(struct names *names)
{
	if (names) {
		free(names->assets.places);
		free(names->points.places);
	}
	free(names);
}

uint32_t names_asset(const struct names *names, const char *id, size_t len)
{
	const struct place *place = find(names, false, 1, id, len);

	return place->owner ? place->index : NAMES_NONE;
}

uint32_t names_point(const struct names *names, uint32_t asset, const char *name, size_t len)
{
	const struct place *place = find(names, true, names->world->assets[asset].class_index + 1, name, len);

	return place->owner ? place->index : NAMES_NONE;
}

const struct wy_point *names_model(const struct names *names, uint32_t asset, uint32_t point)
{
	return &names->world->classes[names->world->assets[asset].class_index].points[point];
}

/* ---- Did you mean ------------------------------------------------------------------------------ */

static const char *asset_id(const void *arg, size_t i)
{
	return ((const struct rule_world *)arg)->assets[i].id;
}

static const char *point_name(const void *arg, size_t i)
{
	return ((const struct wy_class *)arg)->points[i].name;
}

static const char *near_of(const char *name, size_t len, size_t n, const char *(*name_of)(const void *arg, size_t i),
			   const void *arg)
{
	char text[65];

	if (len >= sizeof(text))
		return NULL;
	memcpy(text, name, len);
	text[len] = '\0';
	return wy_nearest(text, n, name_of, arg);
}

const char *names_near_asset(const struct names *names, const char *id, size_t len)
{
	return near_of(id, len, names->world->n_assets, asset_id, names->world);
}

const char *names_near_point(const struct names *names, uint32_t asset, const char *name, size_t len)
{
	const struct wy_class *cls = &names->world->classes[names->world->assets[asset].class_index];

	return near_of(name, len, cls->n_points, point_name, cls);
}
