/* yaml_tree.h: a file or a text into a tree of wy_node (base/node.h). The only user of libyaml.
 *
 * A strict subset: maps, lists, plain, quoted and block scalars. Anchors, aliases, tags, merge keys,
 * several documents, duplicate keys and trees beyond limits.h are errors with their place. */
#ifndef YAML_TREE_H
#define YAML_TREE_H

#include "diag.h"

/* Load a file. The tree and the text live in the arena. WY_E_IO: cannot be read; WY_E_INVALID: not in the
 * subset; both are said in diags. `name` is what messages call it (usually the path). */
WY_MUST_CHECK enum wy_err yaml_load_file(const char *path, struct wy_arena *arena, struct wy_diags *diags,
					 const struct wy_node **ret_root);
/* The same from memory; text is copied. */
WY_MUST_CHECK enum wy_err yaml_load_text(const char *name, const char *text, size_t len,
					 struct wy_arena *arena, struct wy_diags *diags,
					 const struct wy_node **ret_root);

#endif
