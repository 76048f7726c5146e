/* fuzz_parser.c: any bytes as an expression: a tree within its ceilings, or one message with its place. */
#include <stdlib.h>
#include <string.h>

#include "parse.h"

enum { ARENA_BYTES = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct rx_expr *e, size_t len, unsigned depth)
{
	size_t n = 1;

	/* A chain of operators leans to the left: as deep as it has parts. */
	if (e->at > e->end || e->end > len || depth > WY_EXPR_NODES_MAX)
		abort();
	for (const struct rx_expr *c = e->child; c; c = c->next)
		n += walk(c, len, depth + 1);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wy_diags diags;
	static void *memory;
	struct wy_arena arena;
	char *text = malloc(size + 1);
	enum wy_err err = WY_OK;

	memory = memory ? memory : malloc(ARENA_BYTES);
	memcpy(text, data, size);
	text[size] = '\0';
	wy_arena_init(&arena, memory, ARENA_BYTES);
	wy_diags_init(&diags, &arena);
	struct wy_source source = {"fuzz.yaml", text, size};
	struct wy_node node = {.kind = WY_NODE_SCALAR, .is_verbatim = true, .source = &source, .line = 1, .column = 1, .text = text, .len = size};
	struct rx_expr *root = rx_parse(&node, 0, text, size, &arena, &diags, &err);
	if (!root && diags.errors != 1)
		abort();
	if (root && (diags.errors || walk(root, size, 0) > WY_EXPR_NODES_MAX))
		abort();
	free(text);
	return 0;
}
