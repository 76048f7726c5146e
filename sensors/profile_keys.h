/* profile_keys.h: between profile.c and profile_point.c (read keys) and profile_lint*.c (judge them together). Not for
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

/* An error with these words at this place: always WY_E_INVALID. */
enum wy_err profile_mistake(const struct profile_draft *draft, const struct wy_node *where, const char *code,
			    const char *text);
/* E107 where the map lacks the key. */
enum wy_err profile_require(const struct profile_draft *draft, const struct wy_node *map, const char *key);
/* E804 at `where`: no point has this name, and perhaps which was meant. */
enum wy_err profile_unknown_point(const struct profile_draft *draft, const struct wy_node *where, const char *name);

/* One entry of `points`. */
enum wy_err profile_read_point(const struct profile_draft *draft, const struct wy_node *node,
			       struct sensor_profile_point *point);

/* Keys that do not fit the type, encoding, area or transport of their point. */
enum wy_err profile_lint_keys(const struct profile_draft *draft,
			      const struct sensor_profile_point *point);
/* Takes the base off `address` and says what is ambiguous or out of reach. */
enum wy_err profile_lint_address(const struct profile_draft *draft,
				 struct sensor_profile_point *point, int64_t address);
/* What only shows when all points are known: points that name others, extents beyond one read, registers that reading
 * clears. */
enum wy_err profile_lint_whole(const struct profile_draft *draft);

#endif
