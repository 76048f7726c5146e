/* plan.h: which points go into which read. Pure.
 *
 * Points are ordered once by area and address; the reads of a poll are then found one after the
 * other without memory of their own. A read never crosses an area, never exceeds the limits of the
 * profile, never spans a hole wider than max_gap, and never splits a value or a value from its unit
 * register. */
#ifndef SENSOR_PLAN_H
#define SENSOR_PLAN_H

#include "decode.h"

struct sensor_block {
	enum sensor_area area;
	uint16_t address, count;
	uint32_t first,
		end; /* order[first..end): its points, among them some of other poll classes */
};

/* Fill order[0 .. profile->n_points) with the indices of the points in planning order. */
void sensor_plan_order(const struct sensor_profile *profile, uint32_t *order);

/* The next read of the points whose class bit is in class_mask. *cursor starts at 0. false: no
 * more. */
bool sensor_plan_next(const struct sensor_profile *profile, const uint32_t *order,
		      unsigned class_mask, uint32_t *cursor, struct sensor_block *ret_block);

/* The same points in requests whose answers have another length than that of the block, so that
 * neither can be taken for the other: two overlapping shorter reads, or one longer read where the
 * profile lets holes be read (max_gap). Returns how many parts there are; 0: there is no other
 * shape. */
size_t sensor_plan_other_shape(const struct sensor_profile *profile, const uint32_t *order,
			       unsigned class_mask, const struct sensor_block *block,
			       struct sensor_block ret_parts[2]);

/* Whether the point is in the mask, i.e. one of those a block is read for. */
static inline bool sensor_plan_is_asked(const struct sensor_profile *profile, uint32_t point,
					unsigned class_mask)
{
	return (class_mask & (1u << profile->points[point].poll)) != 0;
}

#endif
