/* fuzz_rules.c: any bytes as a rule file, against the shipped classes. libFuzzer looks for a crash, a
 * hang or a report of a sanitizer; a verdict without a message is a fault as well. */
#include <stdlib.h>

#include "pack_world.h"

enum { ARENA_BYTES = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pack_world world;
	static struct wy_diags diags;
	static void *memory;
	struct wy_arena arena;

	if (!memory) {
		pack_world_open(&world);
		memory = malloc(ARENA_BYTES);
	}
	wy_arena_init(&arena, memory, ARENA_BYTES);
	wy_diags_init(&diags, &arena);
	enum wy_err err = pack_world_compile(&world, (const char *)data, size, &arena, &diags);
	if (err && !diags.errors)
		abort();
	return 0;
}
