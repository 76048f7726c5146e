/* arena.h: a bump allocator over memory the caller owns. One release frees the lot.
 * Not thread-safe. Nothing here touches the heap. */
#ifndef WY_ARENA_H
#define WY_ARENA_H

#include <stddef.h>

struct wy_arena {
	unsigned char *base; /* borrowed */
	size_t size;
	size_t used;
	size_t touched; /* bytes from here on are zero already */
};

void wy_arena_init(struct wy_arena *arena, void *memory, size_t size);
/* The same over memory that is all zero, fresh from the system: what is never written to is never made resident. */
void wy_arena_init_zeroed(struct wy_arena *arena, void *memory, size_t size);

/* Zeroed memory aligned for any object, or NULL when the arena is full. */
void *wy_arena_alloc(struct wy_arena *arena, size_t size);
/* The same for n things of one size; NULL also on overflow. n = 0 gives a valid pointer. */
void *wy_arena_array(struct wy_arena *arena, size_t n, size_t size);
/* A NUL-terminated copy, or NULL. */
char *wy_arena_text(struct wy_arena *arena, const char *text, size_t len);

#endif
