/* yaml_tree.c: libyaml's events into a tree of wy_node. See yaml_tree.h.
 *
 * libyaml accepts much that is not in our subset, and does not notice duplicate keys: both are
 * caught here, with their place. The text of a file is copied into the arena once, because every
 * scalar's place is found again in it (wy_node_place). */
#include "yaml_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

struct reading {
	yaml_parser_t parser;
	struct wy_arena *arena;
	struct wy_diags *diags;
	const struct wy_source *source;
	size_t n_nodes;
	unsigned depth;
	uint32_t line, column, at; /* the last place asked for, and its byte */
	bool has_failed;	/* said already */
};

static enum wy_err read_node(struct reading *r, yaml_event_t *event, struct wy_node **ret_node);

/* libyaml counts lines and columns from 0. */
static struct wy_place place_at(yaml_mark_t mark)
{
	struct wy_place place = {(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
	return place;
}

static enum wy_err refuse(struct reading *r, yaml_mark_t mark, const char *words)
{
	if (!r->has_failed)
		wy_diag_at(r->diags, WY_DIAG_ERROR, "E101", r->source, place_at(mark), "%s", words);
	r->has_failed = true;
	return WY_E_INVALID;
}

static yaml_mark_t mark_of_byte(const struct wy_source *source, size_t n)
{
	yaml_mark_t mark = {0};

	for (size_t i = 0; i < n && i < source->len; i++) {
		unsigned char byte = (unsigned char)source->text[i];
		mark.line += byte == '\n';
		mark.column = byte == '\n' ? 0 : mark.column + ((byte & 0xC0) != 0x80);
	}
	return mark;
}

/* libyaml gives only the offset of bytes that are no text. */
static enum wy_err refuse_bytes(struct reading *r)
{
	return refuse(r, mark_of_byte(r->source, r->parser.problem_offset),
		      "not UTF-8 text; save the file as UTF-8 (not GBK, not UTF-16)");
}

/* YAML 1.1 has five ends of a line. Editors and messages know one, with or without a carriage return before it. */
static enum wy_err refuse_strange_lines(struct reading *r)
{
	static const char *const strange[] = {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"};
	const char *text = r->source->text;

	for (size_t i = 0; i < r->source->len; i++) {
		bool is_strange = text[i] == '\r' && text[i + 1] != '\n';
		for (size_t s = 0; s < 3 && !is_strange && (unsigned char)text[i] >= 0xC2; s++)
			is_strange = strncmp(text + i, strange[s], strlen(strange[s])) == 0;
		if (is_strange)
			return refuse(r, mark_of_byte(r->source, i),
				      "a line ends here that is no line to most programs; end lines with a line feed");
	}
	return WY_OK;
}

static enum wy_err next_event(struct reading *r, yaml_event_t *event)
{
	if (yaml_parser_parse(&r->parser, event))
		return WY_OK;
	if (r->parser.error == YAML_READER_ERROR)
		return refuse_bytes(r);
	char text[300];
	struct wy_buf buf;
	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_addf(&buf, "not YAML: %s%s%s", r->parser.context ? r->parser.context : "",
		    r->parser.context ? ", " : "",
		    r->parser.problem ? r->parser.problem : "unknown");
	return refuse(r, r->parser.problem_mark, text);
}

static enum wy_err new_node(struct reading *r, enum wy_node_kind kind, yaml_mark_t mark,
			    struct wy_node **ret_node)
{
	if (++r->n_nodes > WY_NODES_MAX)
		return refuse(r, mark, "the file has too many values");
	struct wy_node *node = wy_arena_alloc(r->arena, sizeof(*node));
	if (!node) {
		(void)refuse(r, mark, "out of memory while reading this file");
		return WY_E_NOMEM;
	}
	node->kind = kind;
	node->source = r->source;
	node->line = place_at(mark).line;
	node->column = place_at(mark).column;
	node->offset = (uint32_t)mark.index;
	node->text = "";
	*ret_node = node;
	return WY_OK;
}

/* libyaml's index counts characters; ours counts bytes. Values come in the order of the file, so
 * the search goes on where the last one ended: a file of a thousand devices, and a line of a
 * thousand values, is read once, not a thousand times. */
static uint32_t byte_offset(struct reading *r, struct wy_place place)
{
	const struct wy_source *source = r->source;

	bool is_behind = place.line < r->line || (place.line == r->line && place.column < r->column);
	if (is_behind || r->line == 0) {
		r->line = 1;
		r->column = 1;
		r->at = 0;
	}
	for (; r->line < place.line && r->at < source->len; r->at++) {
		if (source->text[r->at] != '\n')
			continue;
		r->line++;
		r->column = 1;
	}
	for (; r->column < place.column && r->at < source->len; r->column++) {
		r->at++;
		while (r->at < source->len && ((unsigned char)source->text[r->at] & 0xC0) == 0x80)
			r->at++;
	}
	return r->at;
}

static uint32_t next_line(const struct wy_source *source, uint32_t at)
{
	while (at < source->len && source->text[at] != '\n')
		at++;
	return at < source->len ? at + 1 : at;
}

static enum wy_err read_scalar(struct reading *r, const yaml_event_t *event,
			       struct wy_node **ret_node)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	yaml_scalar_style_t style = event->data.scalar.style;

	if (memchr(value, '\0', len))
		return refuse(r, event->start_mark, "a NUL character inside a value");
	enum wy_err err = new_node(r, WY_NODE_SCALAR, event->start_mark, ret_node);
	if (err)
		return err;
	struct wy_node *node = *ret_node;
	node->text = wy_arena_text(r->arena, value, len);
	node->len = len;
	if (!node->text) {
		(void)refuse(r, event->start_mark, "out of memory while reading this file");
		return WY_E_NOMEM;
	}
	struct wy_place start = place_at(event->start_mark);
	node->offset = byte_offset(r, start);
	if (style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE) {
		node->offset++;
		node->column++;
	} else if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) {
		node->offset = next_line(r->source, node->offset);
	}
	node->is_verbatim = node->offset + len <= r->source->len &&
			    memcmp(r->source->text + node->offset, value, len) == 0;
	return WY_OK;
}

static enum wy_err read_member(struct reading *r, struct wy_node *map, struct wy_node ***tail,
			       yaml_event_t *key_event)
{
	struct wy_node *key;
	struct wy_node *value;
	yaml_event_t event;

	if (key_event->type != YAML_SCALAR_EVENT)
		return refuse(r, key_event->start_mark, "a key must be text");
	enum wy_err err = read_node(r, key_event, &key);
	if (err)
		return err;
	if (strcmp(key->text, "<<") == 0)
		return refuse(r, key_event->start_mark, "merge keys are not supported here");
	const struct wy_node *earlier = wy_node_get(map, key->text);
	if (earlier) {
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E102", key, 0,
			    "key '%s' stands here a second time; the first is in line %u",
			    key->text, earlier->key->line);
		r->has_failed = true;
	}
	err = next_event(r, &event);
	if (err)
		return err;
	err = read_node(r, &event, &value);
	yaml_event_delete(&event);
	if (err)
		return err;
	value->key = key;
	**tail = value;
	*tail = (struct wy_node **)&value->next;
	map->n++;
	return WY_OK;
}

static enum wy_err read_children(struct reading *r, struct wy_node *parent, yaml_event_type_t end)
{
	struct wy_node **tail = (struct wy_node **)&parent->child;

	for (;;) {
		yaml_event_t event;
		enum wy_err err = next_event(r, &event);
		if (err)
			return err;
		if (event.type == end) {
			yaml_event_delete(&event);
			return WY_OK;
		}
		if (parent->kind == WY_NODE_MAP) {
			err = read_member(r, parent, &tail, &event);
		} else {
			struct wy_node *member;
			err = read_node(r, &event, &member);
			if (!err) {
				*tail = member;
				tail = (struct wy_node **)&member->next;
				parent->n++;
			}
		}
		yaml_event_delete(&event);
		if (err)
			return err;
	}
}

static enum wy_err read_node(struct reading *r, yaml_event_t *event, struct wy_node **ret_node)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		if (event->data.scalar.anchor)
			return refuse(r, event->start_mark,
				      "anchors (&name) are not supported here");
		if (event->data.scalar.tag)
			return refuse(r, event->start_mark, "tags (!name) are not supported here");
		return read_scalar(r, event, ret_node);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT: {
		bool is_map = event->type == YAML_MAPPING_START_EVENT;
		if (is_map ? event->data.mapping_start.anchor != NULL
			   : event->data.sequence_start.anchor != NULL)
			return refuse(r, event->start_mark,
				      "anchors (&name) are not supported here");
		if (is_map ? event->data.mapping_start.tag != NULL
			   : event->data.sequence_start.tag != NULL)
			return refuse(r, event->start_mark, "tags (!name) are not supported here");
		if (++r->depth > WY_NODE_DEPTH_MAX)
			return refuse(r, event->start_mark, "nested too deeply");
		enum wy_err err = new_node(r, is_map ? WY_NODE_MAP : WY_NODE_SEQ, event->start_mark,
					   ret_node);
		if (!err)
			err = read_children(r, *ret_node,
					    is_map ? YAML_MAPPING_END_EVENT
						   : YAML_SEQUENCE_END_EVENT);
		r->depth--;
		return err;
	}
	case YAML_ALIAS_EVENT:
		return refuse(r, event->start_mark, "aliases (*name) are not supported here");
	default:
		return refuse(r, event->start_mark, "expected a value");
	}
}

static enum wy_err expect(struct reading *r, yaml_event_type_t type, const char *words)
{
	yaml_event_t event;
	enum wy_err err = next_event(r, &event);

	if (err)
		return err;
	if (event.type != type)
		err = refuse(r, event.start_mark, words);
	yaml_event_delete(&event);
	return err;
}

static enum wy_err read_document(struct reading *r, struct wy_node **ret_root)
{
	yaml_event_t event;
	enum wy_err err = expect(r, YAML_STREAM_START_EVENT, "not YAML");

	if (!err)
		err = expect(r, YAML_DOCUMENT_START_EVENT, "the file is empty");
	if (!err)
		err = next_event(r, &event);
	if (err)
		return err;
	err = read_node(r, &event, ret_root);
	yaml_event_delete(&event);
	if (!err)
		err = expect(r, YAML_DOCUMENT_END_EVENT, "expected the end of the document");
	if (!err)
		err = expect(r, YAML_STREAM_END_EVENT,
			     "one file holds one document; a second begins here");
	return err;
}

/* text is in the arena already, NUL-terminated. */
static enum wy_err parse(const char *name, const char *text, size_t len, struct wy_arena *arena,
			 struct wy_diags *diags, const struct wy_node **ret_root)
{
	struct wy_source *source = wy_arena_alloc(arena, sizeof(*source));
	struct wy_node *root = NULL;

	if (!source)
		return WY_E_NOMEM;
	source->name = wy_arena_text(arena, name, strlen(name));
	source->text = text;
	source->len = len;
	if (!source->name)
		return WY_E_NOMEM;
	struct reading r = {.arena = arena, .diags = diags, .source = source};
	if (refuse_strange_lines(&r))
		return WY_E_INVALID;
	if (!yaml_parser_initialize(&r.parser))
		return WY_E_NOMEM;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	enum wy_err err = read_document(&r, &root);
	yaml_parser_delete(&r.parser);
	if (!err && r.has_failed)
		err = WY_E_INVALID;
	if (!err)
		*ret_root = root;
	return err;
}

enum wy_err yaml_load_text(const char *name, const char *text, size_t len, struct wy_arena *arena,
			   struct wy_diags *diags, const struct wy_node **ret_root)
{
	if (len > WY_FILE_BYTES_MAX) {
		wy_diag_add(diags, WY_DIAG_ERROR, "E601", NULL, 0, "%s: larger than %u bytes", name,
			    WY_FILE_BYTES_MAX);
		return WY_E_LIMIT;
	}
	char *copy = wy_arena_text(arena, text, len);
	if (!copy)
		return WY_E_NOMEM;
	return parse(name, copy, len, arena, diags, ret_root);
}

static enum wy_err read_all(int fd, char *into, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, into + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return WY_E_IO;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return WY_OK;
}

enum wy_err yaml_load_file(const char *path, struct wy_arena *arena, struct wy_diags *diags,
			   const struct wy_node **ret_root)
{
	struct stat st;
	size_t len = 0;
	enum wy_err err = WY_E_IO;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		wy_diag_add(diags, WY_DIAG_ERROR, "E100", NULL, 0, "%s: cannot be read: %s", path,
			    fd < 0 ? strerror(errno) : "not a regular file");
		goto out;
	}
	if (st.st_size > WY_FILE_BYTES_MAX) {
		wy_diag_add(diags, WY_DIAG_ERROR, "E601", NULL, 0, "%s: larger than %u bytes", path,
			    WY_FILE_BYTES_MAX);
		err = WY_E_LIMIT;
		goto out;
	}
	char *text = wy_arena_alloc(arena, (size_t)st.st_size + 1);
	if (!text) {
		err = WY_E_NOMEM;
		goto out;
	}
	err = read_all(fd, text, (size_t)st.st_size, &len);
	/* Windows editors put a byte order mark in front; it means nothing in UTF-8. */
	size_t mark = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
	if (!err)
		err = parse(path, text + mark, len - mark, arena, diags, ret_root);
	else
		wy_diag_add(diags, WY_DIAG_ERROR, "E100", NULL, 0, "%s: cannot be read: %s", path,
			    strerror(errno));
out:
	if (fd >= 0)
		close(fd);
	return err;
}
