/* node.h: a parsed YAML file as a tree, with the place of everything.
 *
 * gateway/config builds trees (it owns libyaml); rules/ and sensors/ only read them. Every scalar
 * is text: `no`, `012` and `12:30` have no meaning before a schema gives them one. Trees live in
 * an arena and borrow the text of their file, both of which outlive them. */
#ifndef WY_NODE_H
#define WY_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wy_node_kind { WY_NODE_SCALAR, WY_NODE_SEQ, WY_NODE_MAP };

struct wy_source {
	const char *name; /* as messages show it */
	const char *text; /* the whole file, NUL-terminated */
	size_t len;
};

struct wy_node {
	enum wy_node_kind kind;
	bool is_verbatim; /* plain or single-quoted on one line: byte i of text stands at offset + i */
	const struct wy_source *source;
	uint32_t line;   /* 1-based, of the first character of the content */
	uint32_t column; /* 1-based, counted in characters, not bytes */
	uint32_t offset; /* byte offset of the content in source->text */
	const char *text; /* scalar: its value, NUL-terminated; "" otherwise */
	size_t len;
	const struct wy_node *key;   /* in a map: the key this node is the value of; else NULL */
	const struct wy_node *child; /* first member of a sequence or map */
	const struct wy_node *next;  /* next member */
	size_t n;                    /* members */
};

struct wy_place {
	uint32_t line;
	uint32_t column;
};

/* The member of a map with this key, or NULL; NULL map gives NULL. */
const struct wy_node *wy_node_get(const struct wy_node *map, const char *key);
bool wy_node_is(const struct wy_node *scalar, const char *text);
/* Where byte `at` of a scalar's value stands in its file. Folded and literal blocks are followed
 * by counting what is not blank; in double quotes with escapes the place is that of the scalar. */
struct wy_place wy_node_place(const struct wy_node *node, size_t at);
/* "a map", "a list", "text": for messages. */
const char *wy_node_kind_text(const struct wy_node *node);

#endif
