/* nth.c: see nth.h. */
#include "nth.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "arena.h"

#define EXPORT __attribute__((visibility("default")))

enum { FDS = 1024 };

static enum nth_kind kind_now;
static unsigned left;
static bool has_struck;
static bool is_store[FDS];
static sqlite3_mem_methods real_mem;

const char *nth_text(enum nth_kind kind)
{
	static const char *const texts[NTH_KINDS] = {"read", "write", "full", "sync", "open", "truncate", "unlink",
						     "SQLite's memory", "jansson's memory", "our memory", "arena"};

	return texts[kind];
}

void nth_set(enum nth_kind kind, unsigned n)
{
	kind_now = kind;
	left = n;
	if (n)
		has_struck = false;
}

bool nth_struck(void)
{
	return has_struck;
}

static bool strikes(enum nth_kind kind)
{
	if (kind != kind_now || left == 0 || --left > 0)
		return false;
	has_struck = true;
	return true;
}

/* ---- Files ------------------------------------------------------------------------------------------- */

EXPORT int open(const char *path, int flags, ...);
EXPORT int open64(const char *path, int flags, ...);
EXPORT ssize_t pread64(int fd, void *bytes, size_t len, off_t at);
EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at);
EXPORT int ftruncate64(int fd, off_t size);
EXPORT int fdatasync(int fd);
EXPORT int fsync(int fd);
EXPORT int unlink(const char *path);

static bool is_of_store(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strncmp(slash ? slash + 1 : path, "weiyu.", 6) == 0;
}

static bool is_our(int fd)
{
	return fd >= 0 && fd < FDS && is_store[fd];
}

static int fail(int error)
{
	errno = error;
	return -1;
}

static int open_it(const char *path, int flags, va_list more)
{
	unsigned mode = flags & O_CREAT ? va_arg(more, unsigned) : 0;

	if (is_of_store(path) && strikes(NTH_OPEN))
		return fail(EIO);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (fd >= 0 && fd < FDS)
		is_store[fd] = is_of_store(path);
	return fd;
}

int open(const char *path, int flags, ...)
{
	va_list more;

	va_start(more, flags);
	int fd = open_it(path, flags, more);
	va_end(more);
	return fd;
}

int open64(const char *path, int flags, ...)
{
	va_list more;

	va_start(more, flags);
	int fd = open_it(path, flags, more);
	va_end(more);
	return fd;
}

ssize_t pread64(int fd, void *bytes, size_t len, off_t at)
{
	return is_our(fd) && strikes(NTH_READ) ? fail(EIO) : syscall(SYS_pread64, fd, bytes, len, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	if (is_our(fd) && strikes(NTH_FULL))
		return fail(ENOSPC);
	if (is_our(fd) && strikes(NTH_WRITE)) {
		(void)syscall(SYS_pwrite64, fd, bytes, len / 2, at);
		return fail(EIO);
	}
	return syscall(SYS_pwrite64, fd, bytes, len, at);
}

int ftruncate64(int fd, off_t size)
{
	return is_our(fd) && strikes(NTH_TRUNCATE) ? fail(EIO) : (int)syscall(SYS_ftruncate, fd, size);
}

int fdatasync(int fd)
{
	return is_our(fd) && strikes(NTH_SYNC) ? fail(EIO) : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	return is_our(fd) && strikes(NTH_SYNC) ? fail(EIO) : (int)syscall(SYS_fsync, fd);
}

int unlink(const char *path)
{
	return is_of_store(path) && strikes(NTH_UNLINK) ? fail(EIO) : (int)syscall(SYS_unlink, path);
}

/* ---- Memory ------------------------------------------------------------------------------------------- */

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n);
void *__real_wy_arena_alloc(struct wy_arena *arena, size_t n);
void *__wrap_wy_arena_alloc(struct wy_arena *arena, size_t n);
void *__real_wy_arena_array(struct wy_arena *arena, size_t n, size_t size);
void *__wrap_wy_arena_array(struct wy_arena *arena, size_t n, size_t size);

void *__wrap_malloc(size_t n)
{
	return strikes(NTH_OUR_MEMORY) ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return strikes(NTH_OUR_MEMORY) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t n)
{
	return strikes(NTH_OUR_MEMORY) ? NULL : __real_realloc(old, n);
}

void *__wrap_wy_arena_alloc(struct wy_arena *arena, size_t n)
{
	return strikes(NTH_ARENA) ? NULL : __real_wy_arena_alloc(arena, n);
}

void *__wrap_wy_arena_array(struct wy_arena *arena, size_t n, size_t size)
{
	return strikes(NTH_ARENA) ? NULL : __real_wy_arena_array(arena, n, size);
}

static void *sqlite_malloc(int n)
{
	return strikes(NTH_SQLITE_MEMORY) ? NULL : real_mem.xMalloc(n);
}

static void *sqlite_realloc(void *old, int n)
{
	return strikes(NTH_SQLITE_MEMORY) ? NULL : real_mem.xRealloc(old, n);
}

static void *json_malloc(size_t n)
{
	return strikes(NTH_JSON_MEMORY) ? NULL : __real_malloc(n);
}

void nth_install(void)
{
	sqlite3_mem_methods mem;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_mem);
	mem = real_mem;
	mem.xMalloc = sqlite_malloc;
	mem.xRealloc = sqlite_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &mem);
	json_set_alloc_funcs(json_malloc, free);
}
