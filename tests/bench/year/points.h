/* points.h: numbers of the points of each class, counted from 0 within the class. */
#ifndef YEAR_POINTS_H
#define YEAR_POINTS_H

#include "year.h"

/* All points in one row; a point's number within its class is its distance from the class's first. */
enum point_id {
#define POINT(class, name, text, resolution) P_##class##_##name,
#include "points.def"
#undef POINT
	P_COUNT
};

struct point_row {
	enum class_id class;
	const char *name;
	double resolution;
};

extern const struct point_row point_rows[P_COUNT];

/* say() of a point by its place in the list of all. */
void tell(struct year *year, size_t asset, enum point_id point, ms_t at, double value);

#endif
