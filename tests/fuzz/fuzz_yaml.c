/* fuzz_yaml.c: any bytes as a YAML file: a tree within its ceilings whose texts stand where it says, or messages. */
#include <stdlib.h>
#include <string.h>

#include "wy_limits.h"
#include "yaml_tree.h"

enum { ARENA_BYTES = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct wy_node *node, unsigned depth)
{
	size_t n = 1;
	size_t members = 0;

	if (depth > WY_NODE_DEPTH_MAX + 1 || node->line == 0 || node->column == 0 || node->offset > node->source->len)
		abort();
	if (strlen(node->text) > node->len)
		abort();
	if (node->is_verbatim && memcmp(node->source->text + node->offset, node->text, node->len) != 0)
		abort();
	struct wy_place place = wy_node_place(node, node->len);
	if (place.line < node->line)
		abort();
	for (const struct wy_node *m = node->child; m; m = m->next, members++)
		n += walk(m, depth + 1);
	if (members != node->n)
		abort();
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wy_diags diags;
	static void *memory;
	struct wy_arena arena;
	const struct wy_node *root = NULL;

	memory = memory ? memory : malloc(ARENA_BYTES);
	wy_arena_init(&arena, memory, ARENA_BYTES);
	wy_diags_init(&diags, &arena);
	enum wy_err err = yaml_load_text("fuzz.yaml", (const char *)data, size, &arena, &diags, &root);
	if (err && !diags.errors)
		abort();
	if (!err && root && walk(root, 0) > WY_NODES_MAX + 1)
		abort();
	return 0;
}
