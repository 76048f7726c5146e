/* pack_world.h: the shipped classes and faults as a world to compile against, with two assets of each
 * class and, for every parameter of a file, overrides with its bounds, so that binding is tried too. */
#ifndef PACK_WORLD_H
#define PACK_WORLD_H

#include "rule.h"

struct pack_world {
	struct wy_arena arena;
	void *memory;
	struct rule_world world;
};

/* Ends the program where the shipped files cannot be read. */
void pack_world_open(struct pack_world *world);
void pack_world_close(struct pack_world *world);
/* Reads text as a rule file and compiles it. WY_E_INVALID: mistakes, in diags. */
enum wy_err pack_world_compile(const struct pack_world *world, const char *text, size_t len, struct wy_arena *arena,
			       struct wy_diags *diags);

#endif
