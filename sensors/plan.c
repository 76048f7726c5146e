/* plan.c: neighbouring points into common reads. See plan.h.
 *
 * Points are sorted by the first address of their extent, which is the point and its unit register
 * together. One pass then joins extents as long as the hole and the whole read stay small
 * enough; an extent that does not fit opens the next read, even if that reads a register twice. */
#include "plan.h"

static bool comes_before(const struct sensor_profile *profile, uint32_t a, uint32_t b)
{
	struct sensor_extent x = sensor_point_extent(profile, a);
	struct sensor_extent y = sensor_point_extent(profile, b);

	if (x.area != y.area)
		return x.area < y.area;
	if (x.first != y.first)
		return x.first < y.first;
	return x.end != y.end ? x.end < y.end : a < b;
}

/* Insertion: at most WY_POINTS_PER_DEVICE, once per load, and usually sorted already. */
void sensor_plan_order(const struct sensor_profile *profile, uint32_t *order)
{
	for (uint32_t i = 0; i < profile->n_points; i++) {
		uint32_t j = i;
		for (; j > 0 && comes_before(profile, i, order[j - 1]); j--)
			order[j] = order[j - 1];
		order[j] = i;
	}
}

static bool joins(const struct sensor_profile *profile, const struct sensor_extent *block,
		  const struct sensor_extent *next)
{
	uint32_t most =
		sensor_area_is_bits(block->area) ? profile->max_bits : profile->max_registers;
	uint32_t end = next->end > block->end ? next->end : block->end;

	return next->area == block->area && next->first <= block->end + profile->max_gap &&
	       end - block->first <= most;
}

bool sensor_plan_next(const struct sensor_profile *profile, const uint32_t *order,
		      unsigned class_mask, uint32_t *cursor, struct sensor_block *ret_block)
{
	uint32_t n = (uint32_t)profile->n_points;
	uint32_t i = *cursor;

	while (i < n && !sensor_plan_is_asked(profile, order[i], class_mask))
		i++;
	*cursor = n;
	if (i == n)
		return false;
	struct sensor_extent block = sensor_point_extent(profile, order[i]);
	uint32_t first = i;
	uint32_t end = i + 1;
	for (i = end; i < n; i++) {
		if (!sensor_plan_is_asked(profile, order[i], class_mask))
			continue;
		struct sensor_extent next = sensor_point_extent(profile, order[i]);
		if (!joins(profile, &block, &next))
			break;
		if (next.end > block.end)
			block.end = next.end;
		end = i + 1;
	}
	*cursor = end;
	*ret_block = (struct sensor_block){block.area, (uint16_t)block.first,
					   (uint16_t)(block.end - block.first), first, end};
	return true;
}

/* ---- Other shapes ------------------------------------------------------------------------------- */

/* Widest extent among the asked points of a block. */
static uint32_t widest(const struct sensor_profile *profile, const uint32_t *order,
		       unsigned class_mask, const struct sensor_block *block)
{
	uint32_t most = 0;

	for (uint32_t i = block->first; i < block->end; i++) {
		if (!sensor_plan_is_asked(profile, order[i], class_mask))
			continue;
		struct sensor_extent extent = sensor_point_extent(profile, order[i]);
		if (extent.end - extent.first > most)
			most = extent.end - extent.first;
	}
	return most;
}

/* The longest read that is shorter on the wire; 0: none. Bits travel eight to a byte. */
static uint16_t shorter(const struct sensor_block *block)
{
	if (!sensor_area_is_bits(block->area))
		return (uint16_t)(block->count - 1);
	return (uint16_t)((block->count - 1) / 8 * 8);
}

static uint16_t longer(const struct sensor_block *block)
{
	if (!sensor_area_is_bits(block->area))
		return (uint16_t)(block->count + 1);
	return (uint16_t)((block->count + 7) / 8 * 8 + 1);
}

size_t sensor_plan_other_shape(const struct sensor_profile *profile, const uint32_t *order,
			       unsigned class_mask, const struct sensor_block *block,
			       struct sensor_block ret_parts[2])
{
	uint32_t most =
		sensor_area_is_bits(block->area) ? profile->max_bits : profile->max_registers;
	uint16_t less = shorter(block);
	uint16_t more = longer(block);

	ret_parts[0] = ret_parts[1] = *block;
	/* An extent no wider than the part lies in the first part or, if it reaches beyond, in the
	 * second: registers overlap in all but one, and two parts of bits meet. */
	if (less > 0 && widest(profile, order, class_mask, block) <= less) {
		ret_parts[0].count = ret_parts[1].count = less;
		ret_parts[1].address = (uint16_t)(block->address + block->count - less);
		return 2;
	}
	if (profile->max_gap > 0 && more <= most && (uint32_t)block->address + more <= 65536) {
		ret_parts[0].count = more;
		return 1;
	}
	return 0;
}
