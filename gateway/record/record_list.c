/* record_list.c: which files of a recording a directory holds. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "record_disk.h"
#include "wy_limits.h"

enum { NUMBER_DIGITS = 8 };

/* "00000017-20261122T040000Z.wyrec" */
static bool read_number(const char *name, uint32_t *ret)
{
	size_t len = strlen(name), tail = strlen(RECORD_FILE_SUFFIX);
	uint32_t number = 0;

	if (len <= NUMBER_DIGITS + tail || name[NUMBER_DIGITS] != '-' ||
	    strcmp(name + len - tail, RECORD_FILE_SUFFIX) != 0)
		return false;
	for (unsigned i = 0; i < NUMBER_DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		number = number * 10 + (uint32_t)(name[i] - '0');
	}
	*ret = number;
	return true;
}

static int by_number(const void *left, const void *right)
{
	const struct record_file_name *a = left, *b = right;
	return (a->number > b->number) - (a->number < b->number);
}

static bool add(struct record_file_list *list, size_t *room, const char *directory, const char *name, uint32_t number)
{
	size_t size = strlen(directory) + strlen(name) + 2;
	struct stat info;
	struct wy_buf buf;

	if (list->n == *room) {
		size_t more = *room ? 2 * *room : 64;
		void *grown = realloc(list->item, more * sizeof(*list->item));
		if (!grown)
			return false;
		list->item = grown;
		*room = more;
	}
	char *path = malloc(size);
	if (!path)
		return false;
	wy_buf_init(&buf, path, size);
	wy_buf_addf(&buf, "%s/%s", directory, name);
	if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
		free(path);
		return true;
	}
	list->item[list->n++] = (struct record_file_name){path, number, (uint64_t)info.st_size, info.st_mtime};
	return true;
}

enum wy_err record_list_files(const char *directory, struct record_file_list *ret)
{
	struct record_file_list list = {0};
	DIR *dir = opendir(directory);
	size_t room = 0;
	bool is_fine = true;
	uint32_t number;

	if (!dir)
		return WY_E_IO;
	for (struct dirent *entry = readdir(dir); entry && is_fine && list.n < 2 * WY_RECORD_FILES_MAX; entry = readdir(dir))
		if (read_number(entry->d_name, &number))
			is_fine = add(&list, &room, directory, entry->d_name, number);
	(void)closedir(dir);
	if (!is_fine) {
		record_list_release(&list);
		return WY_E_NOMEM;
	}
	if (list.n)
		qsort(list.item, list.n, sizeof(*list.item), by_number);
	*ret = list;
	return WY_OK;
}

void record_list_release(struct record_file_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->item[i].path);
	free(list->item);
	memset(list, 0, sizeof(*list));
}
