/* plan.c: see plan.h.
 *
 * Extents are ordered by area, first and end. In an optimal split every read then holds neighbours of this order: of
 * two reads that overlap, either the one lies within the other and can join it for nothing, or the points of the first
 * that come after the start of the second can move there for nothing. So it is enough to look for the best split of a
 * row into pieces: best[i + k] is the least of best[i] and the cost of the piece (i, i + k), for all pieces that are
 * allowed. Making a piece longer never makes it allowed again, which keeps this far from quadratic.
 *
 * Apart from the row are extents that touch a register cleared by reading, and those that were refused: each is a read
 * of its own. */
#include "plan.h"

#include <string.h>

struct sensor_plan_item {
	uint16_t first, count;
	uint8_t area;
	uint8_t classes; /* masks in which it is read */
	uint16_t group;	 /* of those that touch registers cleared by reading, from 1; 0: touches none */
};

/* One computation. */
struct planning {
	const struct sensor_plan *plan;
	const struct sensor_bounds *bounds;
	struct sensor_plan_slot *slot;
	uint16_t n_row, n_refused;
	uint16_t row[WY_POINTS_PER_DEVICE];
	uint16_t refused[WY_POINTS_PER_DEVICE]; /* of all classes */
	uint64_t best[WY_POINTS_PER_DEVICE + 1];
	uint16_t from[WY_POINTS_PER_DEVICE + 1];
};

static const struct sensor_bounds no_bounds;

/* ---- Extents ------------------------------------------------------------------------------------ */

struct sensor_extent sensor_plan_extent(const struct sensor_plan *plan, uint32_t point)
{
	const struct sensor_plan_item *item = &plan->item[point];

	return (struct sensor_extent){(enum sensor_area)item->area, item->first,
				      (uint32_t)item->first + item->count};
}

static bool overlaps(const struct sensor_extent *a, const struct sensor_extent *b)
{
	return a->area == b->area && a->first < b->end && b->first < a->end;
}

static bool contains(const struct sensor_extent *outer, const struct sensor_extent *inner)
{
	return outer->area == inner->area && outer->first <= inner->first && inner->end <= outer->end;
}

uint32_t sensor_area_bytes(enum sensor_area area, uint32_t count)
{
	return sensor_area_is_bits(area) ? (count + 7) / 8 : 2 * count;
}

/* The registers whose reading clears this point. */
static struct sensor_extent own_registers(const struct sensor_profile_point *point)
{
	return (struct sensor_extent){point->area, point->address,
				      (uint32_t)point->address + sensor_point_width(point)};
}

static bool touches_cleared(const struct sensor_plan *plan, const struct sensor_extent *extent)
{
	for (uint16_t i = 0; i < plan->n_cleared; i++) {
		struct sensor_extent own = own_registers(&plan->profile->points[plan->cleared[i]]);
		if (overlaps(&own, extent))
			return true;
	}
	return false;
}

/* ---- Life --------------------------------------------------------------------------------------- */

static bool comes_before(const struct sensor_plan *plan, uint32_t a, uint32_t b)
{
	struct sensor_extent x = sensor_plan_extent(plan, a);
	struct sensor_extent y = sensor_plan_extent(plan, b);

	if (x.area != y.area)
		return x.area < y.area;
	if (x.first != y.first)
		return x.first < y.first;
	return x.end != y.end ? x.end < y.end : a < b;
}

/* Insertion: at most WY_POINTS_PER_DEVICE, once per load, and usually sorted already. */
static void put_in_order(struct sensor_plan *plan, uint16_t point)
{
	uint16_t i = plan->n_order++;

	for (; i > 0 && comes_before(plan, point, plan->order[i - 1]); i--)
		plan->order[i] = plan->order[i - 1];
	plan->order[i] = point;
}

/* Those of a group are read together, so each of them is read whenever one is due. */
static void share_classes(struct sensor_plan *plan, uint16_t group)
{
	uint8_t classes = 0;

	for (uint16_t i = 0; i < plan->n_order; i++)
		if (plan->item[plan->order[i]].group == group)
			classes |= plan->item[plan->order[i]].classes;
	for (uint16_t i = 0; i < plan->n_order; i++)
		if (plan->item[plan->order[i]].group == group)
			plan->item[plan->order[i]].classes = classes;
}

static void group_cleared(struct sensor_plan *plan)
{
	struct sensor_extent span = {0};
	uint16_t group = 0;

	for (uint16_t i = 0; i < plan->n_order; i++) {
		struct sensor_extent extent = sensor_plan_extent(plan, plan->order[i]);
		if (!touches_cleared(plan, &extent))
			continue;
		if (!group || !overlaps(&span, &extent)) {
			group++;
			span = extent;
		}
		span.end = extent.end > span.end ? extent.end : span.end;
		plan->item[plan->order[i]].group = group;
	}
	for (; group; group--)
		share_classes(plan, group);
}

static void take_point(struct sensor_plan *plan, uint16_t i)
{
	const struct sensor_profile_point *point = &plan->profile->points[i];
	struct sensor_extent extent = sensor_point_extent(plan->profile, i);

	plan->item[i] = (struct sensor_plan_item){.first = (uint16_t)extent.first,
						  .count = (uint16_t)(extent.end - extent.first),
						  .area = (uint8_t)extent.area,
						  .classes = (uint8_t)(1u << point->poll)};
	if (point->is_clear_on_read)
		plan->cleared[plan->n_cleared++] = i;
	if (!sensor_point_is_text(point))
		put_in_order(plan, i);
}

enum wy_err sensor_plan_init(struct sensor_plan *plan, const struct sensor_profile *profile,
			     struct sensor_cost cost, struct wy_arena *arena)
{
	size_t n = profile->n_points;

	if (n > WY_POINTS_PER_DEVICE)
		return WY_E_LIMIT;
	*plan = (struct sensor_plan){.profile = profile, .cost = cost};
	plan->item = wy_arena_array(arena, n, sizeof(*plan->item));
	plan->order = wy_arena_array(arena, n, sizeof(*plan->order));
	plan->cleared = wy_arena_array(arena, n, sizeof(*plan->cleared));
	if (!plan->item || !plan->order || !plan->cleared)
		return WY_E_NOMEM;
	for (size_t s = 0; s < SENSOR_PLAN_SLOTS; s++) {
		plan->slot[s].block = wy_arena_array(arena, n, sizeof(*plan->slot[s].block));
		plan->slot[s].point = wy_arena_array(arena, n, sizeof(*plan->slot[s].point));
		if (!plan->slot[s].block || !plan->slot[s].point)
			return WY_E_NOMEM;
	}
	for (uint16_t i = 0; i < n; i++)
		take_point(plan, i);
	group_cleared(plan);
	return WY_OK;
}

/* ---- What one read may be ----------------------------------------------------------------------- */

static uint32_t most_of(const struct sensor_plan *plan, const struct sensor_bounds *bounds, enum sensor_area area)
{
	bool is_bits = sensor_area_is_bits(area);
	uint32_t most = is_bits ? plan->profile->max_bits : plan->profile->max_registers;
	uint32_t learned = is_bits ? bounds->max_bits : bounds->max_registers;

	return learned && learned < most ? learned : most;
}

static bool is_refused(const struct sensor_bounds *bounds, uint32_t point)
{
	return bounds->refused && bounds->refused[point / 8] & (1u << point % 8);
}

static bool contains_closed(const struct sensor_bounds *bounds, const struct sensor_extent *span)
{
	for (size_t i = 0; i < bounds->n_closed; i++)
		if (contains(span, &bounds->closed[i]))
			return true;
	return false;
}

static bool contains_refused(const struct planning *planning, const struct sensor_extent *span)
{
	for (uint16_t i = 0; i < planning->n_refused; i++) {
		struct sensor_extent extent = sensor_plan_extent(planning->plan, planning->refused[i]);
		if (contains(span, &extent))
			return true;
	}
	return false;
}

static bool is_allowed(const struct planning *planning, const struct sensor_extent *span)
{
	return span->end - span->first <= most_of(planning->plan, planning->bounds, span->area) &&
	       !touches_cleared(planning->plan, span) && !contains_closed(planning->bounds, span) &&
	       !contains_refused(planning, span);
}

/* ---- The row ------------------------------------------------------------------------------------ */

static uint64_t cost_of(const struct sensor_plan *plan, const struct sensor_extent *span)
{
	return plan->cost.request_us +
	       (uint64_t)plan->cost.byte_us * sensor_area_bytes(span->area, span->end - span->first);
}

/* Every piece that begins with row[i]. A single extent is always allowed, and so are others within it. */
static void try_pieces(struct planning *planning, uint16_t i)
{
	const struct sensor_plan *plan = planning->plan;
	uint32_t gap = planning->bounds->is_gapless ? 0 : plan->profile->max_gap;
	struct sensor_extent span = sensor_plan_extent(plan, planning->row[i]);
	bool is_one = true;

	for (uint16_t end = i; end < planning->n_row; end++) {
		struct sensor_extent next = sensor_plan_extent(plan, planning->row[end]);
		if (next.area != span.area || next.first > span.end + gap)
			return;
		if (next.end > span.end) {
			span.end = next.end;
			is_one = next.first == span.first;
		}
		if (!is_one && !is_allowed(planning, &span))
			return;
		uint64_t cost = planning->best[i] + cost_of(plan, &span);
		if (cost <= planning->best[end + 1]) { /* at a tie the first reads are filled */
			planning->best[end + 1] = cost;
			planning->from[end + 1] = i;
		}
	}
}

struct sensor_block sensor_plan_span(const struct sensor_plan *plan, const struct sensor_reads *reads, uint16_t first,
				     uint16_t end)
{
	struct sensor_extent span = sensor_plan_extent(plan, reads->point[first]);
	bool is_clear = false;

	for (uint16_t i = first; i < end; i++) {
		struct sensor_extent next = sensor_plan_extent(plan, reads->point[i]);
		span.first = next.first < span.first ? next.first : span.first;
		span.end = next.end > span.end ? next.end : span.end;
		is_clear = is_clear || plan->item[reads->point[i]].group;
	}
	return (struct sensor_block){span.area, (uint16_t)span.first, (uint16_t)(span.end - span.first),
				     first,	end,			  is_clear};
}

/* The points from `first` on are one block. */
static void close_block(struct planning *planning, uint16_t first)
{
	struct sensor_reads *reads = &planning->slot->reads;

	planning->slot->block[reads->n_blocks++] = sensor_plan_span(planning->plan, reads, first, reads->n_points);
}

/* from[] tells the pieces backwards. */
static void list_pieces(struct planning *planning)
{
	struct sensor_reads *reads = &planning->slot->reads;
	uint16_t ends[WY_POINTS_PER_DEVICE];
	uint16_t n = 0;

	for (uint16_t end = planning->n_row; end > 0; end = planning->from[end])
		ends[n++] = end;
	for (uint16_t i = 0; n > 0; i = ends[n]) {
		uint16_t first = reads->n_points;
		n--;
		for (uint16_t k = i; k < ends[n]; k++)
			planning->slot->point[reads->n_points++] = planning->row[k];
		close_block(planning, first);
	}
}

/* ---- Apart from the row ------------------------------------------------------------------------- */

static bool belongs(const struct sensor_plan *plan, uint16_t a, uint16_t b)
{
	const struct sensor_plan_item *x = &plan->item[a];
	const struct sensor_plan_item *y = &plan->item[b];

	if (x->group || y->group)
		return x->group == y->group;
	return x->area == y->area && x->first == y->first && x->count == y->count;
}

static bool is_listed(const struct sensor_reads *reads, uint16_t from, uint16_t point)
{
	for (uint16_t i = from; i < reads->n_points; i++)
		if (reads->point[i] == point)
			return true;
	return false;
}

/* Asked points of a group, or refused ones with the same extent: one read each. */
static void list_apart(struct planning *planning, unsigned class_mask)
{
	const struct sensor_plan *plan = planning->plan;
	struct sensor_reads *reads = &planning->slot->reads;
	uint16_t from = reads->n_points;

	for (uint16_t i = 0; i < plan->n_order; i++) {
		uint16_t point = plan->order[i];
		uint16_t first = reads->n_points;
		if (!(plan->item[point].classes & class_mask) ||
		    (!plan->item[point].group && !is_refused(planning->bounds, point)) ||
		    is_listed(reads, from, point))
			continue;
		for (uint16_t k = i; k < plan->n_order; k++) {
			uint16_t other = plan->order[k];
			if (plan->item[other].classes & class_mask && belongs(plan, point, other) &&
			    (plan->item[other].group || is_refused(planning->bounds, other)))
				planning->slot->point[reads->n_points++] = other;
		}
		close_block(planning, first);
	}
}

/* ---- Reads -------------------------------------------------------------------------------------- */

static void compute(struct sensor_plan *plan, const struct sensor_bounds *bounds, struct sensor_plan_slot *slot)
{
	struct planning planning = {.plan = plan, .bounds = bounds, .slot = slot};

	slot->reads = (struct sensor_reads){.block = slot->block, .point = slot->point};
	for (uint16_t i = 0; i < plan->n_order; i++) {
		uint16_t point = plan->order[i];
		if (is_refused(bounds, point))
			planning.refused[planning.n_refused++] = point;
		else if (plan->item[point].classes & slot->class_mask && !plan->item[point].group)
			planning.row[planning.n_row++] = point;
	}
	memset(planning.best, 0xFF, sizeof(planning.best));
	planning.best[0] = 0;
	for (uint16_t i = 0; i < planning.n_row; i++)
		try_pieces(&planning, i);
	list_pieces(&planning);
	list_apart(&planning, slot->class_mask);
}

const struct sensor_reads *sensor_plan_reads(struct sensor_plan *plan, unsigned class_mask,
					     const struct sensor_bounds *bounds)
{
	struct sensor_plan_slot *oldest = &plan->slot[0];

	if (!bounds)
		bounds = &no_bounds;
	plan->clock++;
	for (size_t s = 0; s < SENSOR_PLAN_SLOTS; s++) {
		struct sensor_plan_slot *slot = &plan->slot[s];
		if (slot->class_mask == class_mask && slot->revision == bounds->revision && slot->used) {
			slot->used = plan->clock;
			return &slot->reads;
		}
		/* What is of an older revision will not be asked for again. */
		if (slot->used && slot->revision != bounds->revision)
			slot->used = 0;
		if (slot->used < oldest->used)
			oldest = slot;
	}
	oldest->class_mask = class_mask;
	oldest->revision = bounds->revision;
	oldest->used = plan->clock;
	compute(plan, bounds, oldest);
	return &oldest->reads;
}

struct sensor_block sensor_plan_alone(const struct sensor_plan *plan, uint32_t point)
{
	struct sensor_extent extent = sensor_plan_extent(plan, point);

	return (struct sensor_block){extent.area,
				     (uint16_t)extent.first,
				     (uint16_t)(extent.end - extent.first),
				     0,
				     0,
				     touches_cleared(plan, &extent)};
}

/* ---- Other shapes ------------------------------------------------------------------------------- */

/* Widest extent among the points of a block. */
static uint32_t widest(const struct sensor_plan *plan, const struct sensor_reads *reads,
		       const struct sensor_block *block)
{
	uint32_t most = 0;

	for (uint16_t i = block->first; i < block->end; i++) {
		uint32_t count = plan->item[reads->point[i]].count;
		most = count > most ? count : most;
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

static uint32_t longer(const struct sensor_block *block)
{
	if (!sensor_area_is_bits(block->area))
		return block->count + 1u;
	return (block->count + 7u) / 8 * 8 + 1;
}

/* Nothing in it that must not be read in passing. */
static bool may_grow(const struct sensor_plan *plan, const struct sensor_bounds *bounds,
		     const struct sensor_extent *span)
{
	if (!plan->profile->max_gap || bounds->is_gapless || span->end > 65536 ||
	    span->end - span->first > most_of(plan, bounds, span->area) || contains_closed(bounds, span) ||
	    touches_cleared(plan, span))
		return false;
	for (uint16_t i = 0; i < plan->n_order; i++) {
		struct sensor_extent extent = sensor_plan_extent(plan, plan->order[i]);
		if (is_refused(bounds, plan->order[i]) && contains(span, &extent))
			return false;
	}
	return true;
}

size_t sensor_plan_other_shape(const struct sensor_plan *plan, const struct sensor_bounds *bounds,
			       const struct sensor_reads *reads, const struct sensor_block *block,
			       struct sensor_block ret_parts[2])
{
	uint16_t less = shorter(block);
	struct sensor_extent grown = {block->area, block->address, (uint32_t)block->address + longer(block)};

	ret_parts[0] = ret_parts[1] = *block;
	if (block->is_clear_on_read)
		return 0;
	/* An extent no wider than the part lies in the first part or, if it reaches beyond, in the
	 * second: registers overlap in all but one, and two parts of bits meet. */
	if (less > 0 && widest(plan, reads, block) <= less) {
		ret_parts[0].count = ret_parts[1].count = less;
		ret_parts[1].address = (uint16_t)(block->address + block->count - less);
		return 2;
	}
	if (may_grow(plan, bounds ? bounds : &no_bounds, &grown)) {
		ret_parts[0].count = (uint16_t)(grown.end - grown.first);
		return 1;
	}
	return 0;
}

/* ---- Figures ------------------------------------------------------------------------------------ */

static void add_request(const struct sensor_plan *plan, const struct sensor_extent *span,
			struct sensor_traffic *traffic)
{
	traffic->requests++;
	traffic->data_bytes += sensor_area_bytes(span->area, span->end - span->first);
	traffic->us += cost_of(plan, span);
}

struct sensor_traffic sensor_plan_traffic(const struct sensor_plan *plan, const struct sensor_reads *reads)
{
	struct sensor_traffic traffic = {0};

	for (uint16_t i = 0; i < reads->n_blocks; i++) {
		const struct sensor_block *block = &reads->block[i];
		struct sensor_extent span = {block->area, block->address, (uint32_t)block->address + block->count};
		add_request(plan, &span, &traffic);
	}
	return traffic;
}

struct sensor_traffic sensor_plan_traffic_singly(const struct sensor_plan *plan, const struct sensor_reads *reads)
{
	struct sensor_traffic traffic = {0};

	for (uint16_t i = 0; i < reads->n_points; i++) {
		struct sensor_extent extent = sensor_plan_extent(plan, reads->point[i]);
		add_request(plan, &extent, &traffic);
	}
	return traffic;
}
