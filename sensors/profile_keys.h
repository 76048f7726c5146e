/* profile_keys.h: between profile.c (reads keys) and profile_lint.c (judges them together). Not for
 * others. */
#ifndef SENSOR_PROFILE_KEYS_H
#define SENSOR_PROFILE_KEYS_H

#include "sensor.h"

/* Everything is judged where it was written: the nodes give the places. */
struct profile_draft {
	struct sensor_profile *profile;
	struct sensor_profile_point *points; /* the same points, writable */
	int64_t address_base;
	struct wy_diags *diags;
	struct wy_arena *arena;
};

/* Keys that do not fit the type, encoding, area or transport of their point. */
enum wy_err profile_lint_keys(const struct profile_draft *draft,
			      const struct sensor_profile_point *point);
/* Takes the base off `address` and says what is ambiguous or out of reach. */
enum wy_err profile_lint_address(const struct profile_draft *draft,
				 struct sensor_profile_point *point, int64_t address);
/* What only shows when all points are known: unit registers, extents beyond one read. */
enum wy_err profile_lint_whole(const struct profile_draft *draft);

#endif
