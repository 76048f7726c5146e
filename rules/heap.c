/* heap.c: see heap.h. Ties go to the smaller id, so the order never depends on history. */
#include "heap.h"

#define OUTSIDE UINT32_MAX

enum wy_err rx_heap_init(struct rx_heap *heap, struct wy_arena *arena, size_t n)
{
	heap->n = 0;
	heap->due_ms = wy_arena_array(arena, n, sizeof(*heap->due_ms));
	heap->entries = wy_arena_array(arena, n, sizeof(*heap->entries));
	heap->place = wy_arena_array(arena, n, sizeof(*heap->place));
	if (!heap->due_ms || !heap->entries || !heap->place)
		return WY_E_NOMEM;
	for (size_t i = 0; i < n; i++) {
		heap->due_ms[i] = WY_MS_NEVER;
		heap->place[i] = OUTSIDE;
	}
	return WY_OK;
}

static int is_before(const struct rx_heap_entry *a, const struct rx_heap_entry *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->id < b->id;
}

static void put(struct rx_heap *heap, size_t at, struct rx_heap_entry entry)
{
	heap->entries[at] = entry;
	heap->place[entry.id] = (uint32_t)at;
}

/* The entry goes to `at` or further up or down, wherever it belongs. */
static void settle(struct rx_heap *heap, size_t at, struct rx_heap_entry entry)
{
	const struct rx_heap_entry *entries = heap->entries;

	while (at && is_before(&entry, &entries[(at - 1) / 2])) {
		put(heap, at, entries[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t least = 2 * at + 1;
		if (least + 1 < heap->n && is_before(&entries[least + 1], &entries[least]))
			least++;
		if (least >= heap->n || !is_before(&entries[least], &entry))
			break;
		put(heap, at, entries[least]);
		at = least;
	}
	put(heap, at, entry);
}

void rx_heap_set(struct rx_heap *heap, uint32_t id, wy_ms due_ms)
{
	size_t at = heap->place[id];

	if (heap->due_ms[id] == due_ms)
		return;
	heap->due_ms[id] = due_ms;
	if (due_ms != WY_MS_NEVER) {
		at = at == OUTSIDE ? heap->n++ : at;
		settle(heap, at, (struct rx_heap_entry){due_ms, id});
		return;
	}
	heap->place[id] = OUTSIDE;
	heap->n--;
	if (at != heap->n)
		settle(heap, at, heap->entries[heap->n]);
}

wy_ms rx_heap_due(const struct rx_heap *heap)
{
	return heap->n ? heap->entries[0].due_ms : WY_MS_NEVER;
}

uint32_t rx_heap_first(const struct rx_heap *heap)
{
	return heap->entries[0].id;
}
