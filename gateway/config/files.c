/* files.c: lists of files, where a directory stands for all its .yaml files, by name. */
#define _POSIX_C_SOURCE 200809L
#include "loading.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_MAX = 500 };

static int is_yaml(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0 && entry->d_name[0] != '.';
}

bool loading_is_directory(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static const char *join(struct loading *l, const char *prefix, const char *name)
{
	size_t size = strlen(prefix) + strlen(name) + 2;
	char *path = loading_array(l, size, 1);
	struct wy_buf buf;

	if (!path)
		return NULL;
	wy_buf_init(&buf, path, size);
	wy_buf_addf(&buf, "%s/%s", prefix, name);
	return path;
}

const char *const *loading_directory(struct loading *l, const char *path, const char *prefix,
				     size_t *ret_n)
{
	struct dirent **entries = NULL;
	int found = scandir(path, &entries, is_yaml, alphasort);
	size_t n = found > 0 ? (size_t)found : 0;
	const char **names = loading_array(l, n, sizeof(*names));

	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		const char *name = names ? join(l, prefix, entries[i]->d_name) : NULL;
		if (name)
			names[(*ret_n)++] = name;
		free(entries[i]);
	}
	free(entries);
	return names;
}

struct file_list {
	const char *kind;
	const struct wy_node **root;
	size_t n;
	bool has_all;
};

static void add_file(struct loading *l, const struct wy_node *where, struct file_list *list)
{
	const struct wy_node *root = loading_file(l, where, list->kind);

	if (!root)
		list->has_all = false;
	else if (loading_fits(l, where, list->n + 1, FILES_MAX, "files in one list"))
		list->root[list->n++] = root;
}

static void add_directory(struct loading *l, const struct wy_node *where, const char *path,
			  struct file_list *list)
{
	size_t n;
	const char *const *names = loading_directory(l, path, where->text, &n);

	for (size_t i = 0; names && i < n && !l->is_full; i++) {
		struct wy_node file = *where; /* the same place, another name */
		file.text = names[i];
		add_file(l, &file, list);
	}
}

static void add_entry(struct loading *l, const struct wy_node *entry, struct file_list *list)
{
	const char *path = entry->kind == WY_NODE_SCALAR ? loading_path(l, entry, entry->text) : NULL;

	if (entry->kind != WY_NODE_SCALAR)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", entry, 0, "expected a path, found %s",
			    wy_node_kind_text(entry));
	if (!path)
		list->has_all = false;
	else if (loading_is_directory(path))
		add_directory(l, entry, path, list);
	else
		add_file(l, entry, list);
}

const struct wy_node *const *loading_files(struct loading *l, const struct wy_node *entries,
					   const char *kind, size_t *ret_n, bool *ret_all)
{
	size_t n = loading_list(l, entries);
	struct file_list list = {.kind = kind, .has_all = entries && entries->kind == WY_NODE_SEQ};

	*ret_n = 0;
	list.root = loading_array(l, FILES_MAX, sizeof(const struct wy_node *));
	for (const struct wy_node *m = n && list.root ? entries->child : NULL; m; m = m->next)
		add_entry(l, m, &list);
	*ret_n = list.n;
	*ret_all = list.has_all;
	return list.root;
}
