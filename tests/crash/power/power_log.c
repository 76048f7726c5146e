/* power_log.c: see power_log.h. The functions of the C library that change files are defined here in their place: the
 * program's own definition goes before the library's, for SQLite too. Each does the same by a plain system call. */
#include "power_log.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { FDS = 1024, NOT_OURS = -1, THE_DIRECTORY = -2 };

static struct power_log the_log;
static char the_dir[256];
static int file_of_fd[FDS];           /* NOT_OURS, THE_DIRECTORY, or a file */
static int file_of_name[POWER_NAMES]; /* NOT_OURS: none */
static int is_on;

static void give_up(const char *what)
{
	fprintf(stderr, "power_log: %s\n", what);
	abort();
}

struct power_log *power_log(void)
{
	return &the_log;
}

static struct power_op *add(enum power_kind kind)
{
	if (the_log.n == the_log.room) {
		the_log.room = the_log.room ? 2 * the_log.room : 1024;
		the_log.op = realloc(the_log.op, the_log.room * sizeof(*the_log.op));
		if (!the_log.op)
			give_up("out of memory");
	}
	struct power_op *op = &the_log.op[the_log.n++];
	*op = (struct power_op){.kind = kind, .name = NOT_OURS, .to = NOT_OURS, .file = NOT_OURS};
	return op;
}

static void add_write(int file, const void *bytes, size_t len, size_t at)
{
	struct power_op *op = add(POWER_WRITE);

	op->file = file;
	op->at = at;
	op->len = len;
	op->bytes = malloc(len ? len : 1);
	if (!op->bytes)
		give_up("out of memory");
	memcpy(op->bytes, bytes, len);
}

/* The number of a name in the directory; NOT_OURS: elsewhere, or nothing a cut could harm. */
static int find_name(const char *path)
{
	size_t len = strlen(the_dir);
	int i;

	if (!is_on || strncmp(path, the_dir, len) != 0 || path[len] != '/')
		return NOT_OURS;
	const char *name = path + len + 1;
	size_t tail = strlen(name);
	if (strchr(name, '/') || (tail > 4 && strcmp(name + tail - 4, "-shm") == 0) ||
	    (tail > 5 && strcmp(name + tail - 5, ".lock") == 0))
		return NOT_OURS;
	for (i = 0; i < the_log.n_names; i++)
		if (strcmp(the_log.name[i], name) == 0)
			return i;
	if (i == POWER_NAMES || tail >= POWER_NAME)
		give_up("too many names, or one that is too long");
	memcpy(the_log.name[i], name, tail + 1);
	file_of_name[i] = NOT_OURS;
	return the_log.n_names++;
}

static int new_file(int name)
{
	struct power_op *op = add(POWER_LINK);

	if (the_log.n_files == POWER_FILES)
		give_up("too many files");
	op->name = name;
	op->file = the_log.n_files++;
	file_of_name[name] = op->file;
	return op->file;
}

static void note_open(const char *path, int fd, int flags)
{
	int name = find_name(path);

	if (fd < 0 || fd >= FDS)
		return;
	file_of_fd[fd] = NOT_OURS;
	if (is_on && strcmp(path, the_dir) == 0)
		file_of_fd[fd] = THE_DIRECTORY;
	if (name == NOT_OURS)
		return;
	int file = file_of_name[name];
	if (file == NOT_OURS)
		file = new_file(name);
	if (flags & O_TRUNC) {
		struct power_op *op = add(POWER_TRUNCATE);
		op->file = file;
	}
	file_of_fd[fd] = file;
}

static int our_file(int fd)
{
	return is_on && fd >= 0 && fd < FDS ? file_of_fd[fd] : NOT_OURS;
}

/* ---- In place of the C library's ------------------------------------------------------------------ */

EXPORT int open(const char *path, int flags, ...);
EXPORT int open64(const char *path, int flags, ...);
EXPORT int close(int fd);
EXPORT ssize_t write(int fd, const void *bytes, size_t len);
EXPORT ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at);
EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at);
EXPORT int ftruncate(int fd, off_t size);
EXPORT int ftruncate64(int fd, off_t size);
EXPORT int fsync(int fd);
EXPORT int fdatasync(int fd);
EXPORT int unlink(const char *path);
EXPORT int rename(const char *from, const char *to);

static int open_plainly(const char *path, int flags, va_list more)
{
	unsigned mode = flags & O_CREAT ? va_arg(more, unsigned) : 0;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);

	note_open(path, fd, flags);
	return fd;
}

int open(const char *path, int flags, ...)
{
	va_list more;

	va_start(more, flags);
	int fd = open_plainly(path, flags, more);
	va_end(more);
	return fd;
}

int open64(const char *path, int flags, ...)
{
	va_list more;

	va_start(more, flags);
	int fd = open_plainly(path, flags, more);
	va_end(more);
	return fd;
}

int close(int fd)
{
	if (fd >= 0 && fd < FDS)
		file_of_fd[fd] = NOT_OURS;
	return (int)syscall(SYS_close, fd);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	int file = our_file(fd);
	off_t at = file >= 0 ? lseek(fd, 0, SEEK_CUR) : 0;
	ssize_t n = syscall(SYS_write, fd, bytes, len);

	if (file >= 0 && n > 0)
		add_write(file, bytes, (size_t)n, (size_t)at);
	return n;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	int file = our_file(fd);
	ssize_t n = syscall(SYS_pwrite64, fd, bytes, len, at);

	if (file >= 0 && n > 0)
		add_write(file, bytes, (size_t)n, (size_t)at);
	return n;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return pwrite64(fd, bytes, len, at);
}

int ftruncate64(int fd, off_t size)
{
	int file = our_file(fd), rc = (int)syscall(SYS_ftruncate, fd, size);

	if (file >= 0 && rc == 0) {
		struct power_op *op = add(POWER_TRUNCATE);
		op->file = file;
		op->at = (size_t)size;
	}
	return rc;
}

int ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

static int sync_it(int fd, long number)
{
	int file = our_file(fd), rc = (int)syscall(number, fd);

	if (rc == 0 && file >= 0)
		add(POWER_SYNC)->file = file;
	else if (rc == 0 && file == THE_DIRECTORY)
		(void)add(POWER_SYNC_DIR);
	return rc;
}

int fsync(int fd)
{
	return sync_it(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return sync_it(fd, SYS_fdatasync);
}

int unlink(const char *path)
{
	int name = find_name(path), rc = (int)syscall(SYS_unlink, path);

	if (name != NOT_OURS && rc == 0 && file_of_name[name] != NOT_OURS) {
		add(POWER_UNLINK)->name = name;
		file_of_name[name] = NOT_OURS;
	}
	return rc;
}

int rename(const char *from, const char *to)
{
	int old = find_name(from), now = find_name(to), rc = (int)syscall(SYS_rename, from, to);

	if (rc == 0 && old != NOT_OURS && now != NOT_OURS) {
		struct power_op *op = add(POWER_RENAME);
		op->name = old;
		op->to = now;
		op->file = file_of_name[old];
		file_of_name[now] = file_of_name[old];
		file_of_name[old] = NOT_OURS;
	}
	return rc;
}

/* ---- Recording -------------------------------------------------------------------------------------- */

/* What is there already, as if it had just been written and made safe. */
static void take_file(const char *entry)
{
	char path[sizeof(the_dir) + POWER_NAME];
	struct stat about;

	snprintf(path, sizeof(path), "%s/%s", the_dir, entry);
	int name = find_name(path);
	if (name == NOT_OURS || stat(path, &about) != 0 || !S_ISREG(about.st_mode))
		return;
	size_t size = (size_t)about.st_size;
	unsigned char *bytes = malloc(size ? size : 1);
	FILE *stream = fopen(path, "r");
	if (!bytes || !stream || fread(bytes, 1, size, stream) != size)
		give_up("a file cannot be read");
	fclose(stream);
	int file = new_file(name);
	add_write(file, bytes, size, 0);
	add(POWER_SYNC)->file = file;
	free(bytes);
}

void power_log_start(const char *dir)
{
	power_log_free();
	snprintf(the_dir, sizeof(the_dir), "%s", dir);
	for (int fd = 0; fd < FDS; fd++)
		file_of_fd[fd] = NOT_OURS;
	is_on = 1;
	DIR *entries = opendir(dir);
	if (!entries)
		give_up("no such directory");
	for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries))
		if (entry->d_name[0] != '.')
			take_file(entry->d_name);
	closedir(entries);
	(void)add(POWER_SYNC_DIR);
}

void power_log_stop(void)
{
	is_on = 0;
}

void power_log_mark(void)
{
	if (is_on)
		(void)add(POWER_MARK);
}

void power_log_free(void)
{
	for (size_t i = 0; i < the_log.n; i++)
		free(the_log.op[i].bytes);
	free(the_log.op);
	memset(&the_log, 0, sizeof(the_log));
	is_on = 0;
}
