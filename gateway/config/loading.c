/* loading.c: the words and steps every part of the loader repeats. */
#include "loading.h"

#include <string.h>
#include <unistd.h>

#include "number.h"
#include "yaml_tree.h"

void *loading_array(struct loading *l, size_t n, size_t size)
{
	void *memory = wy_arena_array(l->arena, n, size);

	if (!memory)
		loading_full(l);
	return memory;
}

void loading_full(struct loading *l)
{
	if (!l->is_full)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E601", NULL, 0,
			    "the configuration needs more memory than a load may use (%zu bytes)",
			    l->arena->size);
	l->is_full = true;
}

bool loading_fields(struct loading *l, const struct wy_node *map, const struct wy_field *rows,
		    size_t n_rows, void *out)
{
	return wy_fields_read(map, rows, n_rows, out, l->diags) == WY_OK;
}

bool loading_fields_with(struct loading *l, const struct wy_node *map, const struct sensor_options *own,
			 const struct wy_field_table *common, const void **ret_options)
{
	struct wy_field_table tables[2] = {{NULL, 0, NULL}, *common};

	if (sensor_options_begin(own, l->arena, &tables[0])) {
		loading_full(l);
		return false;
	}
	*ret_options = tables[0].out;
	return wy_fields_read_tables(map, tables, 2, l->diags) == WY_OK &&
	       sensor_options_check(own, map, *ret_options, l->diags) == WY_OK;
}

void loading_suits(struct loading *l, const struct wy_node *map, const struct wy_field_table *common,
		   const struct loading_suit *suit)
{
	for (size_t i = 0; i < common->n_rows; i++) {
		const char *key = common->rows[i].key;
		const struct wy_node *value = wy_node_get(map, key);
		bool is_needed = sensor_has_word(suit->needs, key);
		if (!suit->is_of_some_kind(key) || sensor_options_has(suit->own, key))
			continue;
		if (value && !is_needed && !sensor_has_word(suit->takes, key))
			wy_diag_add(l->diags, WY_DIAG_ERROR, "E103", value->key, 0, "%s %s have no '%s'",
				    suit->kind, suit->things, key);
		if (!value && is_needed)
			wy_diag_add(l->diags, WY_DIAG_ERROR, "E107", map, 0, "key '%s' is missing here: %s %s need it",
				    key, suit->kind, suit->things);
	}
}

static size_t members(struct loading *l, const struct wy_node *node, enum wy_node_kind kind,
		      const char *expected)
{
	if (!node)
		return 0;
	if (node->kind == kind)
		return node->n;
	wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", node, 0, "expected %s, found %s", expected,
		    wy_node_kind_text(node));
	return 0;
}

size_t loading_list(struct loading *l, const struct wy_node *node)
{
	return members(l, node, WY_NODE_SEQ, "a list");
}

size_t loading_map(struct loading *l, const struct wy_node *node)
{
	return members(l, node, WY_NODE_MAP, "a map");
}

const char *const *loading_texts(struct loading *l, const struct wy_node *node, size_t *ret_n)
{
	size_t n = loading_list(l, node);
	const char **texts = loading_array(l, n, sizeof(*texts));

	*ret_n = 0;
	if (!texts || !n)
		return NULL;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		(void)members(l, m, WY_NODE_SCALAR, "text");
		if (m->kind == WY_NODE_SCALAR)
			texts[(*ret_n)++] = m->text;
	}
	return texts;
}

bool loading_text(struct loading *l, const struct wy_node *node)
{
	if (!node || node->kind == WY_NODE_SCALAR)
		return node && node->len;
	wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", node, 0, "expected a file name, found %s",
		    wy_node_kind_text(node));
	return false;
}

bool loading_fits(struct loading *l, const struct wy_node *node, size_t n, size_t most,
		  const char *what)
{
	if (n <= most)
		return true;
	wy_diag_add(l->diags, WY_DIAG_ERROR, "E601", node, 0, "%zu %s; at most %zu are possible", n,
		    what, most);
	return false;
}

void loading_unknown(struct loading *l, const struct wy_node *where, size_t at, const char *what,
		     const char *found, size_t n, const char *(*name_of)(const void *arg, size_t i),
		     const void *arg)
{
	const char *near = wy_nearest(found, n, name_of, arg);

	wy_diag_add(l->diags, WY_DIAG_ERROR, "E301", where, at, "unknown %s '%s'%s%s%s", what,
		    found, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

void loading_duplicate(struct loading *l, const struct wy_node *where, const char *what,
		       const char *id)
{
	wy_diag_add(l->diags, WY_DIAG_ERROR, "E108", where, 0, "%s '%s' is declared twice", what,
		    id);
}

const char *loading_path(struct loading *l, const struct wy_node *where, const char *name)
{
	const char *file = where->source->name;
	const char *slash = strrchr(file, '/');
	size_t dir_len = name[0] == '/' || !slash ? 0 : (size_t)(slash - file) + 1;
	size_t name_len = strlen(name);
	char *path = loading_array(l, dir_len + name_len + 1, 1);

	if (!path)
		return NULL;
	memcpy(path, file, dir_len);
	memcpy(path + dir_len, name, name_len);
	return path;
}

bool loading_is_kind(struct loading *l, const struct wy_node *root, const char *kind)
{
	const struct wy_node *first = root->kind == WY_NODE_MAP ? root->child : NULL;

	if (first && strcmp(first->key->text, "weiyu") == 0 && wy_node_is(first, kind))
		return true;
	if (first && strcmp(first->key->text, "weiyu") == 0 && first->kind == WY_NODE_SCALAR)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E110", first, 0,
			    "this file calls itself '%s'; '%s' is expected here", first->text,
			    kind);
	else
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E110", first ? first->key : root, 0,
			    "the first key must be 'weiyu: %s'", kind);
	return false;
}

/* FNV-1a: the bundle's name, not its protection. */
static uint64_t hash_more(uint64_t hash, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
	return hash;
}

static const struct wy_node *read_tree(struct loading *l, const char *path)
{
	const struct wy_node *root = NULL;
	enum wy_err err = yaml_load_file(path, l->arena, l->diags, &root);

	if (err == WY_E_NOMEM)
		loading_full(l);
	if (err)
		return NULL;
	l->config->hash = hash_more(l->config->hash, root->source->text, root->source->len);
	return root;
}

const struct wy_node *loading_root(struct loading *l, const char *path)
{
	if (access(path, R_OK) == 0)
		return read_tree(l, path);
	wy_diag_add(l->diags, WY_DIAG_ERROR, "E109", NULL, 0, "cannot read '%s'", path);
	return NULL;
}

const struct wy_node *loading_file(struct loading *l, const struct wy_node *where, const char *kind)
{
	const char *path = loading_path(l, where, where->text);

	if (!path)
		return NULL;
	bool is_dir = loading_is_directory(path);
	if (is_dir || access(path, R_OK)) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E109", where, 0, "%s '%s'%s",
			    is_dir ? "a file is expected;" : "cannot read", path,
			    is_dir ? " is a directory" : "");
		return NULL;
	}
	const struct wy_node *root = read_tree(l, path);
	return root && loading_is_kind(l, root, kind) ? root : NULL;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool loading_day(const char *text, wy_day *ret_day)
{
	static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t year, month, day;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' ||
	    wy_parse_int(text, 4, &year) || wy_parse_int(text + 5, 2, &month) ||
	    wy_parse_int(text + 8, 2, &day))
		return false;
	if (year < 1900 || month < 1 || month > 12 || day < 1 ||
	    day > month_days[month - 1] + (month == 2 && is_leap(year)))
		return false;
	int64_t days = 0;
	for (int64_t y = 1970; y < year; y++)
		days += is_leap(y) ? 366 : 365;
	for (int64_t y = year; y < 1970; y++)
		days -= is_leap(y) ? 366 : 365;
	for (int64_t m = 1; m < month; m++)
		days += month_days[m - 1] + (m == 2 && is_leap(year));
	*ret_day = (wy_day)(days + day - 1);
	return true;
}
