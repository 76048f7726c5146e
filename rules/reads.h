/* reads.h: what a memory or a rule reads of its asset, so that it is looked at again only where something of that
 * changed.
 *
 * A set of points, and one of memories, is a word: number i is bit i modulo so many. Where a class has more, two share a
 * bit, and are looked at with each other: needless, but nothing is missed. */
#ifndef RX_READS_H
#define RX_READS_H

#include "context.h"

enum { RX_READS_POINTS = 60, RX_READS_MEMORIES = 64 };
#define RX_READS_ANEW ((uint64_t)1 << 60)  /* all read this: it is marked when anything may have changed */
#define RX_READS_LOOKS ((uint64_t)1 << 61) /* each look of the asset matters */
#define RX_READS_HEARD ((uint64_t)1 << 63) /* that its devices answer */
#define RX_CHANGED_ALL UINT64_MAX

static inline uint64_t rx_point_bit(size_t point)
{
	return (uint64_t)1 << point % RX_READS_POINTS;
}

static inline uint64_t rx_memory_bit(size_t memory)
{
	return (uint64_t)1 << memory % RX_READS_MEMORIES;
}

/* What all memories, variants and instances read. Last of all when a set is bound. */
void rx_bind_reads(struct rx_load *load);

#endif
