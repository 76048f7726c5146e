/* plan.h: which points go into which read: the cheapest set of requests for what is asked. Pure.
 *
 * A request costs a fixed part (its frame, gaps, the device's turnaround, a round trip) and a part for each byte of
 * data. sensor_plan_reads() finds the split of the asked points whose sum is least, within these bounds:
 *
 *  - one area, at most max_registers or max_bits of the profile, or fewer where the device was found to give fewer;
 *  - no hole wider than max_gap, and none that was found to be refused (sensor_bounds);
 *  - a value, and a value with the registers that choose its unit and scale, never in two requests;
 *  - a register that is cleared by reading (is_clear_on_read) is read for its own points only, exactly as wide as
 *    they are. Points that share such a register are read and listed together, whatever their classes: a second
 *    read would find it cleared;
 *  - points of a text are for people and in no poll.
 *
 * An extent that alone is wider than the limits is asked for alone all the same.
 *
 * Memory   all of it comes from the arena at init: 12 bytes a point, and SENSOR_PLAN_SLOTS times 18 bytes a point.
 * Threads  one plan, one thread. */
#ifndef SENSOR_PLAN_H
#define SENSOR_PLAN_H

#include "decode.h"

#define SENSOR_PLAN_SLOTS 4u /* class masks whose reads are kept; the one not used for longest goes */

/* What a request takes of a wire's time; sensor_cost_of() of wire_budget.h knows it of a wire. */
struct sensor_cost {
	uint32_t request_us; /* everything but the data */
	uint32_t byte_us;    /* each byte of data */
};

/* What narrows the reads of one device beyond its profile. All zero: nothing is known. */
struct sensor_bounds {
	uint32_t revision;	     /* another number whenever anything below has changed */
	uint16_t max_registers, max_bits; /* 0: the profile's */
	bool is_gapless;		  /* no hole at all is read over */
	/* Ranges that no read of more than one extent may contain whole: somewhere in each is an address the device
	 * refuses. */
	const struct sensor_extent *closed;
	size_t n_closed;
	/* Bit i % 8 of byte i / 8: point i was refused. It is asked alone, and no other read contains it. NULL: none. */
	const uint8_t *refused;
};

struct sensor_block {
	enum sensor_area area;
	uint16_t address, count;
	uint16_t first, end;	/* reads->point[first..end): the points it is read for */
	bool is_clear_on_read; /* asked once and never again in another shape, never split */
};

/* The reads of one class mask. */
struct sensor_reads {
	const struct sensor_block *block;
	const uint16_t *point; /* exactly the points to list, each once, those of a block together */
	uint16_t n_blocks, n_points;
};

struct sensor_plan {
	const struct sensor_profile *profile;
	struct sensor_cost cost;
	struct sensor_plan_item *item; /* by point; all arrays are in the arena */
	uint16_t *order;	       /* points by area and address, without texts */
	uint16_t *cleared;	       /* points that are cleared by reading */
	uint16_t n_order, n_cleared;
	uint32_t clock; /* for the slot not used for longest */
	struct sensor_plan_slot {
		unsigned class_mask; /* 0: free */
		uint32_t revision, used;
		struct sensor_block *block; /* room for as many as there are points, as point[] */
		uint16_t *point;
		struct sensor_reads reads;
	} slot[SENSOR_PLAN_SLOTS];
};

/* profile is borrowed for the life of the plan. WY_E_NOMEM: the arena is full. */
WY_MUST_CHECK enum wy_err sensor_plan_init(struct sensor_plan *plan, const struct sensor_profile *profile,
					   struct sensor_cost cost, struct wy_arena *arena);

/* The reads of the points whose class bit (1u << class) is in class_mask. bounds may be NULL. Borrowed until the next
 * call for this plan. Looked up; computed only for a mask or revision that was not asked for lately. */
const struct sensor_reads *sensor_plan_reads(struct sensor_plan *plan, unsigned class_mask,
					     const struct sensor_bounds *bounds);

/* One extent alone, whatever its class: a text, an identity. block.first and end are 0. */
struct sensor_block sensor_plan_alone(const struct sensor_plan *plan, uint32_t point);

/* The same points in requests whose answers have another length than that of the block, so that neither can be taken
 * for the other: two overlapping shorter reads, or one longer read where holes may be read. The parts keep first and
 * end of the block; a part holds those of its points that sensor_window_holds() says. Returns how many parts there
 * are; 0: there is no other shape (always so for is_clear_on_read). */
size_t sensor_plan_other_shape(const struct sensor_plan *plan, const struct sensor_bounds *bounds,
			       const struct sensor_reads *reads, const struct sensor_block *block,
			       struct sensor_block ret_parts[2]);

/* What point reads->point[i] needs in one request; without looking up names. */
struct sensor_extent sensor_plan_extent(const struct sensor_plan *plan, uint32_t point);

/* The smallest block for the points reads->point[first..end), which must be of one area. */
struct sensor_block sensor_plan_span(const struct sensor_plan *plan, const struct sensor_reads *reads, uint16_t first,
				     uint16_t end);

/* ---- Figures ------------------------------------------------------------------------------------ */

struct sensor_traffic {
	uint32_t requests;
	uint32_t data_bytes; /* registers and packed bits of the answers, without frames */
	uint64_t us;	     /* by the plan's cost */
};

struct sensor_traffic sensor_plan_traffic(const struct sensor_plan *plan, const struct sensor_reads *reads);
/* The same points as a reader would ask that makes one request for each. */
struct sensor_traffic sensor_plan_traffic_singly(const struct sensor_plan *plan, const struct sensor_reads *reads);

/* Data bytes of an answer to so many registers or bits. */
uint32_t sensor_area_bytes(enum sensor_area area, uint32_t count);

/* Whether the class of the point is in the mask. What is read and listed is what sensor_plan_reads() says: no texts,
 * and all that shares a register cleared by reading. */
static inline bool sensor_plan_is_asked(const struct sensor_profile *profile, uint32_t point,
					unsigned class_mask)
{
	return (class_mask & (1u << profile->points[point].poll)) != 0;
}

#endif
