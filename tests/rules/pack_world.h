/* pack_world.h: the shipped classes and faults as a world to compile against, with two assets of each
 * class and, for every parameter of a file, overrides with its bounds, so that binding is tried too. */
#ifndef PACK_WORLD_H
#define PACK_WORLD_H

#include "rule.h"

struct pack_world {
	struct wy_arena arena;
	void *memory;
	struct rule_world world;
	const struct wy_node *beside; /* a package that is always there, whose rules others name; NULL: none */
};

/* Ends the program where the shipped files cannot be read. */
void pack_world_open(struct pack_world *world);
void pack_world_close(struct pack_world *world);
/* Reads text as a rule file and compiles it. WY_E_INVALID: mistakes, in diags. */
enum wy_err pack_world_compile(const struct pack_world *world, const char *text, size_t len, struct wy_arena *arena,
			       struct wy_diags *diags);

/* All shipped packages at once, as they are. */
enum wy_err pack_world_compile_shipped(const struct pack_world *world, struct wy_arena *arena, struct wy_diags *diags,
				       struct rule_set **ret_set);
/* One of them as a tree, for `beside`; lives as long as the world. */
const struct wy_node *pack_world_read(struct pack_world *world, const char *name);

#endif
