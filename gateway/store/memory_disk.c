/* memory_disk.c: see memory_disk.h. A file is a row of pages, of which those that were written are held; the others are
 * read from the file below. What was cut off once is never read from below again: it comes back as zeros. */
#include "memory_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 3, NAME_SIZE = 4096 + 16, COPY_STEP = 256 * 1024 };

struct image {
	char path[NAME_SIZE]; /* zeros to the end: SQLite looks beyond the first one */
	sqlite3_file *base;   /* NULL: nothing lies below */
	sqlite3_int64 base_size, size;
	unsigned char *copy; /* of all that lay below at first; NULL: it is read there */
	bool is_there;
	unsigned char **page; /* NULL: as below */
	size_t n_pages;
};

struct memory_disk {
	sqlite3_vfs vfs, *real;
	char name[40];
	struct image image[IMAGES];
	size_t bytes, most_bytes;
};

struct memory_file {
	sqlite3_file base;
	struct memory_disk *disk;
	struct image *image;
};

static const struct {
	const char *suffix;
	int flag;
} kinds[IMAGES] = {{"", SQLITE_OPEN_MAIN_DB}, {"-wal", SQLITE_OPEN_WAL}, {"-journal", SQLITE_OPEN_MAIN_JOURNAL}};

/* ---- Bytes -------------------------------------------------------------------------------------- */

static int read_below(const struct image *image, unsigned char *out, int n, sqlite3_int64 at)
{
	sqlite3_int64 left = image->base_size - at;
	int rc;

	memset(out, 0, (size_t)n);
	if (!image->base || left <= 0)
		return SQLITE_OK;
	if (image->copy) {
		memcpy(out, image->copy + at, (size_t)(left < n ? left : n));
		return SQLITE_OK;
	}
	rc = image->base->pMethods->xRead(image->base, out, left < n ? (int)left : n, at);
	return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : rc;
}

static int read_image(const struct image *image, unsigned char *out, int n, sqlite3_int64 at)
{
	int rc = SQLITE_OK;

	while (n > 0 && rc == SQLITE_OK) {
		size_t page = (size_t)(at / MEMORY_PAGE), from = (size_t)(at % MEMORY_PAGE);
		int part = n < (int)(MEMORY_PAGE - from) ? n : (int)(MEMORY_PAGE - from);
		if (page < image->n_pages && image->page[page])
			memcpy(out, image->page[page] + from, (size_t)part);
		else
			rc = read_below(image, out, part, at);
		out += part;
		at += part;
		n -= part;
	}
	return rc;
}

static int make_room(struct image *image, size_t pages)
{
	size_t room = pages + pages / 2 + 16;
	unsigned char **larger;

	if (pages <= image->n_pages)
		return SQLITE_OK;
	larger = realloc(image->page, room * sizeof(*larger));
	if (!larger)
		return SQLITE_IOERR_NOMEM;
	memset(larger + image->n_pages, 0, (room - image->n_pages) * sizeof(*larger));
	image->page = larger;
	image->n_pages = room;
	return SQLITE_OK;
}

/* The page as memory of ours, with what lies below unless all of it is about to be written. */
static int take_page(struct memory_disk *disk, struct image *image, size_t page, bool is_whole)
{
	int rc = make_room(image, page + 1);
	unsigned char *bytes;

	if (rc != SQLITE_OK || image->page[page])
		return rc;
	bytes = malloc(MEMORY_PAGE);
	if (!bytes)
		return SQLITE_IOERR_NOMEM;
	if (!is_whole)
		rc = read_below(image, bytes, (int)MEMORY_PAGE, (sqlite3_int64)page * MEMORY_PAGE);
	if (rc != SQLITE_OK) {
		free(bytes);
		return rc;
	}
	image->page[page] = bytes;
	disk->bytes += MEMORY_PAGE;
	return SQLITE_OK;
}

static void cut(struct memory_disk *disk, struct image *image, sqlite3_int64 size)
{
	size_t first = (size_t)((size + MEMORY_PAGE - 1) / MEMORY_PAGE), from = (size_t)(size % MEMORY_PAGE);

	for (size_t i = first; i < image->n_pages; i++) {
		disk->bytes -= image->page[i] ? MEMORY_PAGE : 0;
		free(image->page[i]);
		image->page[i] = NULL;
	}
	if (from && first <= image->n_pages && image->page[first - 1])
		memset(image->page[first - 1] + from, 0, MEMORY_PAGE - from);
	if (image->base_size > size)
		image->base_size = size;
	image->size = size;
}

/* ---- Files as SQLite sees them ------------------------------------------------------------------ */

static struct memory_file *ours(sqlite3_file *file)
{
	return (struct memory_file *)(void *)file;
}

static int file_close(sqlite3_file *file)
{
	(void)file; /* what is in it stays */
	return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
	const struct image *image = ours(file)->image;
	int rc = read_image(image, out, n, at);

	return rc == SQLITE_OK && at + n > image->size ? SQLITE_IOERR_SHORT_READ : rc;
}

/* The log is where everything new comes in, mostly over pages it has already; what is in it must always get on into the
 * database. */
static bool is_full(const struct memory_disk *disk, const struct image *image)
{
	return image != &disk->image[0] && disk->bytes + MEMORY_PAGE > disk->most_bytes;
}

static int file_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	struct memory_disk *disk = ours(file)->disk;
	struct image *image = ours(file)->image;
	const unsigned char *bytes = from;

	if (is_full(disk, image))
		return SQLITE_FULL;
	while (n > 0) {
		size_t page = (size_t)(at / MEMORY_PAGE), begin = (size_t)(at % MEMORY_PAGE);
		int part = n < (int)(MEMORY_PAGE - begin) ? n : (int)(MEMORY_PAGE - begin);
		int rc = take_page(disk, image, page, part == (int)MEMORY_PAGE);
		if (rc != SQLITE_OK)
			return rc;
		memcpy(image->page[page] + begin, bytes, (size_t)part);
		bytes += part;
		at += part;
		n -= part;
		if (image->size < at)
			image->size = at;
	}
	return SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	if (size < ours(file)->image->size)
		cut(ours(file)->disk, ours(file)->image, size);
	return SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags)
{
	(void)file;
	(void)flags;
	return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
	*ret_size = ours(file)->image->size;
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
	(void)file;
	(void)level;
	return SQLITE_OK;
}

static int file_reserved(sqlite3_file *file, int *ret_is)
{
	(void)file;
	*ret_is = 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
	(void)file;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *file)
{
	(void)file;
	return (int)MEMORY_PAGE;
}

static int file_traits(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1, /* no shared memory: the connection keeps its index of the log for itself */
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_lock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
};

/* ---- Names -------------------------------------------------------------------------------------- */

static struct image *find_image(sqlite3_vfs *vfs, const char *path)
{
	struct memory_disk *disk = vfs->pAppData;
	size_t len = path ? strlen(path) : 0;

	for (size_t i = IMAGES; path && i-- > 0;) {
		size_t n = strlen(kinds[i].suffix);
		if (len >= n && strcmp(path + len - n, kinds[i].suffix) == 0)
			return &disk->image[i];
	}
	return NULL;
}

static int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *ret_flags)
{
	struct image *image = find_image(vfs, path);

	file->pMethods = NULL;
	if (!image || (!image->is_there && !(flags & SQLITE_OPEN_CREATE)))
		return SQLITE_CANTOPEN;
	image->is_there = true;
	*ours(file) = (struct memory_file){{&methods}, vfs->pAppData, image};
	if (ret_flags)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *path, int is_dir_synced)
{
	struct image *image = find_image(vfs, path);

	(void)is_dir_synced;
	if (!image || !image->is_there)
		return SQLITE_IOERR_DELETE_NOENT;
	cut(vfs->pAppData, image, 0);
	image->is_there = false;
	return SQLITE_OK;
}

static int disk_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret_is)
{
	const struct image *image = find_image(vfs, path);

	(void)flags;
	*ret_is = image && image->is_there && (flags != SQLITE_ACCESS_EXISTS || image->size > 0);
	return SQLITE_OK;
}

/* ---- Life --------------------------------------------------------------------------------------- */

static enum wy_err open_below(struct memory_disk *disk, struct image *image, int flag)
{
	sqlite3_vfs *real = disk->real;
	int is_there = 0, flags = SQLITE_OPEN_READONLY | flag;

	if (real->xAccess(real, image->path, SQLITE_ACCESS_EXISTS, &is_there) != SQLITE_OK)
		return WY_E_IO;
	if (!is_there)
		return WY_OK;
	image->base = calloc(1, (size_t)real->szOsFile);
	if (!image->base)
		return WY_E_NOMEM;
	if (real->xOpen(real, image->path, image->base, flags, &flags) != SQLITE_OK ||
	    image->base->pMethods->xFileSize(image->base, &image->base_size) != SQLITE_OK)
		return WY_E_IO;
	image->size = image->base_size;
	image->is_there = true;
	return WY_OK;
}

enum wy_err memory_disk_new(const char *path, bool has_base, size_t most_bytes, struct memory_disk **ret)
{
	struct memory_disk *disk = calloc(1, sizeof(*disk));
	enum wy_err err = WY_OK;

	if (!disk)
		return WY_E_NOMEM;
	disk->real = sqlite3_vfs_find(NULL);
	disk->vfs = *disk->real;
	disk->most_bytes = most_bytes;
	snprintf(disk->name, sizeof(disk->name), "weiyu-memory-%p", (void *)disk);
	disk->vfs.zName = disk->name;
	disk->vfs.szOsFile = (int)sizeof(struct memory_file);
	disk->vfs.pNext = NULL;
	disk->vfs.pAppData = disk;
	disk->vfs.xOpen = disk_open;
	disk->vfs.xDelete = disk_delete;
	disk->vfs.xAccess = disk_access;
	for (size_t i = 0; !err && i < IMAGES; i++) {
		/* Room for the zeros behind the name. */
		int n = snprintf(disk->image[i].path, NAME_SIZE - 4, "%s%s", path, kinds[i].suffix);
		err = n < 0 || n >= (int)NAME_SIZE - 4 ? WY_E_LIMIT : WY_OK;
		if (!err && has_base)
			err = open_below(disk, &disk->image[i], kinds[i].flag);
	}
	if (!err && sqlite3_vfs_register(&disk->vfs, 0) != SQLITE_OK)
		err = WY_E_NOMEM;
	if (err) {
		memory_disk_free(disk);
		return err;
	}
	*ret = disk;
	return WY_OK;
}

void memory_disk_copy_base(struct memory_disk *disk, size_t most_bytes)
{
	struct image *image = &disk->image[0];
	sqlite3_int64 size = image->base_size;
	int rc = SQLITE_OK;

	if (!image->base || size <= 0 || (size_t)size > most_bytes)
		return;
	unsigned char *copy = malloc((size_t)size);
	for (sqlite3_int64 at = 0; copy && rc == SQLITE_OK && at < size; at += COPY_STEP)
		rc = read_below(image, copy + at, size - at < COPY_STEP ? (int)(size - at) : COPY_STEP, at);
	if (rc == SQLITE_OK) {
		image->copy = copy;
		return;
	}
	free(copy);
}

void memory_disk_free(struct memory_disk *disk)
{
	if (!disk)
		return;
	sqlite3_vfs_unregister(&disk->vfs);
	for (size_t i = 0; i < IMAGES; i++) {
		struct image *image = &disk->image[i];
		cut(disk, image, 0);
		free(image->page);
		free(image->copy);
		if (image->base && image->base->pMethods)
			(void)image->base->pMethods->xClose(image->base);
		free(image->base);
	}
	free(disk);
}

const char *memory_disk_name(const struct memory_disk *disk)
{
	return disk->name;
}

size_t memory_disk_bytes(const struct memory_disk *disk)
{
	return disk->bytes;
}

void memory_disk_set_most(struct memory_disk *disk, size_t most_bytes)
{
	disk->most_bytes = most_bytes;
}

void memory_disk_forget(struct memory_disk *disk, size_t page)
{
	struct image *image = &disk->image[0];

	if (page >= image->n_pages || !image->page[page])
		return;
	free(image->page[page]);
	image->page[page] = NULL;
	disk->bytes -= MEMORY_PAGE;
}

size_t memory_disk_pages(const struct memory_disk *disk)
{
	return (size_t)(disk->image[0].size / MEMORY_PAGE);
}

bool memory_disk_is_changed(const struct memory_disk *disk, size_t page)
{
	const struct image *image = &disk->image[0];
	bool is_held = page < image->n_pages && image->page[page];

	return is_held || (sqlite3_int64)(page + 1) * MEMORY_PAGE > image->base_size;
}

enum wy_err memory_disk_read(const struct memory_disk *disk, size_t page, unsigned char out[MEMORY_PAGE])
{
	int rc = read_image(&disk->image[0], out, (int)MEMORY_PAGE, (sqlite3_int64)page * MEMORY_PAGE);

	return rc == SQLITE_OK ? WY_OK : WY_E_IO;
}
