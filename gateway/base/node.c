/* node.c: look-ups in a tree and the way from a byte of a scalar back to its file. */
#include "node.h"

#include <string.h>

const struct wy_node *wy_node_get(const struct wy_node *map, const char *key)
{
	if (!map || map->kind != WY_NODE_MAP)
		return NULL;
	for (const struct wy_node *m = map->child; m; m = m->next)
		if (wy_node_is(m->key, key))
			return m;
	return NULL;
}

bool wy_node_is(const struct wy_node *scalar, const char *text)
{
	return scalar && scalar->kind == WY_NODE_SCALAR && strcmp(scalar->text, text) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct wy_place place_of(const struct wy_source *source, size_t offset)
{
	struct wy_place place = {1, 1};

	for (size_t i = 0; i < offset && i < source->len; i++) {
		if (source->text[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if (((unsigned char)source->text[i] & 0xC0) != 0x80) {
			place.column++;
		}
	}
	return place;
}

/* Offset in the file of the n-th non-blank byte at or after the scalar's content, or of its end. */
static size_t follow(const struct wy_node *node, size_t at)
{
	const struct wy_source *source = node->source;
	size_t wanted = 0;
	size_t offset = node->offset;

	for (size_t i = 0; i < at && i < node->len; i++)
		wanted += !is_blank(node->text[i]);
	for (; offset < source->len; offset++) {
		if (is_blank(source->text[offset]))
			continue;
		if (wanted == 0)
			break;
		wanted--;
	}
	return offset;
}

struct wy_place wy_node_place(const struct wy_node *node, size_t at)
{
	struct wy_place own = {node->line, node->column};

	if (node->kind != WY_NODE_SCALAR || !node->source || at == 0)
		return own;
	if (node->is_verbatim)
		return place_of(node->source, node->offset + at);
	if (node->offset && node->source->text[node->offset - 1] == '"')
		return own;
	return place_of(node->source, follow(node, at));
}

const char *wy_node_kind_text(const struct wy_node *node)
{
	if (!node)
		return "nothing";
	switch (node->kind) {
	case WY_NODE_SEQ:
		return "a list";
	case WY_NODE_MAP:
		return "a map";
	case WY_NODE_SCALAR:
		break;
	}
	return "text";
}
