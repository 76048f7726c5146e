/* units.h: the closed table of units (units.def) with dimensions and factors.
 * A point without a unit has unit NULL: a bare number, which never equals a ratio in %. */
#ifndef WY_UNITS_H
#define WY_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WY_DIMENSIONS 10

struct wy_unit {
	const char *name;
	double factor; /* value in base unit = value * factor */
	bool is_absolute; /* degC */
	int8_t dim[WY_DIMENSIONS]; /* length mass time current temperature pressure voltage
				      resistance volume ratio */
};

enum wy_unit_id {
#define WY_UNIT(id, ...) WY_UNIT_##id,
#include "units.def"
#undef WY_UNIT
	WY_UNIT_COUNT
};

const struct wy_unit *wy_unit_at(size_t id); /* 0 .. WY_UNIT_COUNT-1 */
const struct wy_unit *wy_unit_find(const char *name, size_t len); /* NULL: no such unit */
const char *wy_unit_nearest(const char *name); /* for messages; NULL: none near */
/* Equal dimensions; NULL stands for a bare number. Absolute and difference temperatures count as equal. */
bool wy_unit_is_alike(const struct wy_unit *a, const struct wy_unit *b);
/* Multiply a value in `from` by this to have it in `to`; both must be alike. */
double wy_unit_ratio(const struct wy_unit *from, const struct wy_unit *to);

#endif
