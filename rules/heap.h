/* heap.h: a binary heap of due times with one place per id, so a timer moves without a search. */
#ifndef RX_HEAP_H
#define RX_HEAP_H

#include <stddef.h>

#include "arena.h"
#include "clocktypes.h"
#include "err.h"

struct rx_heap_entry {
	wy_ms due_ms;
	uint32_t id;
};

struct rx_heap {
	wy_ms *due_ms;  /* per id */
	struct rx_heap_entry *entries; /* heap order; those that are due at all */
	uint32_t *place; /* per id: among the entries */
	size_t n;
};

/* Ids are 0..n-1; at first none is due: WY_MS_NEVER. */
WY_MUST_CHECK enum wy_err rx_heap_init(struct rx_heap *heap, struct wy_arena *arena, size_t n);
void rx_heap_set(struct rx_heap *heap, uint32_t id, wy_ms due_ms);
wy_ms rx_heap_due(const struct rx_heap *heap); /* of the earliest; WY_MS_NEVER: none is due */
uint32_t rx_heap_first(const struct rx_heap *heap); /* its id; only where one is due */

#endif
