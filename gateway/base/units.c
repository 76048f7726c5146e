/* units.c: look-ups in units.def. */
#include "units.h"

#include <string.h>

#include "number.h"

static const struct wy_unit table[WY_UNIT_COUNT] = {
#define WY_UNIT(id, name, factor, absolute, ...) \
	[WY_UNIT_##id] = {name, factor, absolute, {__VA_ARGS__}},
#include "units.def"
#undef WY_UNIT
};

const struct wy_unit *wy_unit_at(size_t id)
{
	return id < WY_UNIT_COUNT ? &table[id] : NULL;
}

const struct wy_unit *wy_unit_find(const char *name, size_t len)
{
	for (size_t i = 0; i < WY_UNIT_COUNT; i++)
		if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
			return &table[i];
	return NULL;
}

static const char *name_at(const void *arg, size_t i)
{
	(void)arg;
	return table[i].name;
}

const char *wy_unit_nearest(const char *name)
{
	return wy_nearest(name, WY_UNIT_COUNT, name_at, NULL);
}

bool wy_unit_is_alike(const struct wy_unit *a, const struct wy_unit *b)
{
	static const int8_t bare[WY_DIMENSIONS];

	return memcmp(a ? a->dim : bare, b ? b->dim : bare, sizeof(bare)) == 0;
}

double wy_unit_ratio(const struct wy_unit *from, const struct wy_unit *to)
{
	double from_factor = from ? from->factor : 1;
	double to_factor = to ? to->factor : 1;

	return from_factor == to_factor ? 1 : from_factor / to_factor;
}
