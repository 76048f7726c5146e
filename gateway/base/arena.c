/* arena.c: see arena.h. */
#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

void wy_arena_init(struct wy_arena *arena, void *memory, size_t size)
{
	arena->base = memory;
	arena->size = size;
	arena->used = 0;
	arena->touched = size;
}

void wy_arena_init_zeroed(struct wy_arena *arena, void *memory, size_t size)
{
	wy_arena_init(arena, memory, size);
	arena->touched = 0;
}

void *wy_arena_alloc(struct wy_arena *arena, size_t size)
{
	size_t align = alignof(max_align_t);
	size_t gap = (align - ((uintptr_t)arena->base + arena->used) % align) % align;

	if (gap > arena->size - arena->used || size > arena->size - arena->used - gap)
		return NULL;
	size_t at = arena->used + gap;
	unsigned char *out = arena->base + at;
	/* A caller may have given memory back by setting `used`: it is zero only beyond where anybody has been. */
	if (at < arena->touched)
		memset(out, 0, size < arena->touched - at ? size : arena->touched - at);
	arena->used = at + size;
	if (arena->touched < arena->used)
		arena->touched = arena->used;
	return out;
}

void *wy_arena_array(struct wy_arena *arena, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size)
		return NULL;
	return wy_arena_alloc(arena, n * size);
}

char *wy_arena_text(struct wy_arena *arena, const char *text, size_t len)
{
	char *out = wy_arena_alloc(arena, len + 1);

	if (out && len)
		memcpy(out, text, len);
	return out;
}
