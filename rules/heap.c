/* heap.c: see heap.h. Ties go to the smaller id, so the order never depends on history. */
#include "heap.h"

enum wy_err rx_heap_init(struct rx_heap *heap, struct wy_arena *arena, size_t n)
{
	heap->n = n;
	heap->due_ms = wy_arena_array(arena, n, sizeof(*heap->due_ms));
	heap->ids = wy_arena_array(arena, n, sizeof(*heap->ids));
	heap->place = wy_arena_array(arena, n, sizeof(*heap->place));
	if (!heap->due_ms || !heap->ids || !heap->place)
		return WY_E_NOMEM;
	for (size_t i = 0; i < n; i++) {
		heap->due_ms[i] = WY_MS_NEVER;
		heap->ids[i] = (uint32_t)i;
		heap->place[i] = (uint32_t)i;
	}
	return WY_OK;
}

static int is_before(const struct rx_heap *heap, uint32_t a, uint32_t b)
{
	if (heap->due_ms[a] != heap->due_ms[b])
		return heap->due_ms[a] < heap->due_ms[b];
	return a < b;
}

static void swap(struct rx_heap *heap, size_t a, size_t b)
{
	uint32_t id = heap->ids[a];

	heap->ids[a] = heap->ids[b];
	heap->ids[b] = id;
	heap->place[heap->ids[a]] = (uint32_t)a;
	heap->place[heap->ids[b]] = (uint32_t)b;
}

void rx_heap_set(struct rx_heap *heap, uint32_t id, wy_ms due_ms)
{
	size_t at = heap->place[id];

	if (heap->due_ms[id] == due_ms)
		return;
	heap->due_ms[id] = due_ms;
	while (at && is_before(heap, heap->ids[at], heap->ids[(at - 1) / 2])) {
		swap(heap, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t least = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->n; child++)
			if (is_before(heap, heap->ids[child], heap->ids[least]))
				least = child;
		if (least == at)
			return;
		swap(heap, at, least);
		at = least;
	}
}

wy_ms rx_heap_due(const struct rx_heap *heap)
{
	return heap->n ? heap->due_ms[heap->ids[0]] : WY_MS_NEVER;
}

uint32_t rx_heap_first(const struct rx_heap *heap)
{
	return heap->ids[0];
}
