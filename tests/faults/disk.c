/* disk.c: a disk that takes no more, for a program that knows nothing of it. A library for LD_PRELOAD.
 *
 * WY_DISK_DIR names a directory, WY_DISK_FAULT a small file outside of it that says what is wrong with everything below
 * the directory at present; it is read before each call, so a test heals the disk by emptying the file. Its words:
 *
 *   ENOSPC, EDQUOT  nothing may grow: what is written over bytes that are there goes on, as on a real full disk
 *   EROFS           nothing may change; files can be opened for reading
 *   EIO             writes, syncs and new sizes fail; reads go on
 *
 * Further words change that: `sync` only fsync and fdatasync fail, `write` only writes, `grow` only what makes a file
 * longer or new, `read` reads fail as well. `half` lets the first half of a failing write through.
 *
 * Only calls that SQLite and the gateway make are looked at. Descriptors are known by /proc/self/fd. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

enum call { CALL_READ = 1, CALL_WRITE = 2, CALL_SYNC = 4, CALL_RESIZE = 8, CALL_CHANGE = 16 };

struct fault {
	int error;      /* 0: the disk is well */
	unsigned calls; /* which fail */
	bool grow_only, is_half;
};

static const struct {
	const char *word;
	int error;
	unsigned calls;
	bool grow_only;
} kinds[] = {
	{"ENOSPC", ENOSPC, CALL_WRITE | CALL_RESIZE | CALL_CHANGE, true},
	{"EDQUOT", EDQUOT, CALL_WRITE | CALL_RESIZE | CALL_CHANGE, true},
	{"EROFS", EROFS, CALL_WRITE | CALL_RESIZE | CALL_CHANGE, false},
	{"EIO", EIO, CALL_WRITE | CALL_SYNC | CALL_RESIZE | CALL_CHANGE, false},
};

static struct fault read_words(char *text)
{
	struct fault fault = {0};
	char *rest = NULL;

	for (char *word = strtok_r(text, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
			if (strcmp(word, kinds[i].word) == 0)
				fault = (struct fault){kinds[i].error, kinds[i].calls, kinds[i].grow_only, false};
		if (strcmp(word, "sync") == 0)
			fault.calls = CALL_SYNC;
		if (strcmp(word, "write") == 0)
			fault.calls = CALL_WRITE;
		if (strcmp(word, "grow") == 0)
			fault.grow_only = true;
		if (strcmp(word, "read") == 0)
			fault.calls |= CALL_READ;
		if (strcmp(word, "half") == 0)
			fault.is_half = true;
	}
	return fault;
}

/* By system calls of its own: the ones below are what it watches. */
static struct fault fault_now(void)
{
	const char *path = getenv("WY_DISK_FAULT");
	char text[100];
	int kept = errno;
	struct fault fault = {0};
	long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		long n = syscall(SYS_read, fd, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		syscall(SYS_close, fd);
		fault = read_words(text);
	}
	errno = kept;
	return fault;
}

static bool is_below(const char *path)
{
	const char *dir = getenv("WY_DISK_DIR");
	size_t len = dir ? strlen(dir) : 0;

	return len > 0 && strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool is_ours(int fd)
{
	char link[40], path[PATH_MAX];
	int kept = errno;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	errno = kept;
	if (n <= 0)
		return false;
	path[n] = '\0';
	return is_below(path);
}

/* Whether a call on fd fails; sets errno. end: how far the file must reach for it, -1: that does not matter. */
static bool fails(int fd, enum call call, off_t end, struct fault *ret_fault)
{
	struct fault fault = fault_now();
	struct stat now;

	if (!fault.error || !(fault.calls & call) || !is_ours(fd))
		return false;
	if (fault.grow_only && end >= 0 && fstat(fd, &now) == 0 && end <= now.st_size)
		return false;
	*ret_fault = fault;
	errno = fault.error;
	return true;
}

static bool path_fails(const char *path)
{
	struct fault fault = fault_now();

	if (!fault.error || !(fault.calls & CALL_CHANGE) || !is_below(path))
		return false;
	errno = fault.error;
	return true;
}

/* ---- Bytes -------------------------------------------------------------------------------------- */

static ssize_t write_at(int fd, const void *bytes, size_t n, off_t at)
{
	struct fault fault;

	if (!fails(fd, CALL_WRITE, at + (off_t)n, &fault))
		return syscall(SYS_pwrite64, fd, bytes, n, at);
	if (fault.is_half && n > 1)
		(void)!syscall(SYS_pwrite64, fd, bytes, n / 2, at);
	errno = fault.error;
	return -1;
}

PUBLIC ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return write_at(fd, bytes, n, at);
}

PUBLIC ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	return write_at(fd, bytes, n, at);
}

PUBLIC ssize_t write(int fd, const void *bytes, size_t n)
{
	struct fault fault;
	int kept = errno;
	off_t at = lseek(fd, 0, SEEK_CUR);

	errno = kept;
	if (at >= 0 && fails(fd, CALL_WRITE, at + (off_t)n, &fault))
		return -1;
	return syscall(SYS_write, fd, bytes, n);
}

static ssize_t read_at(int fd, void *out, size_t n, off_t at)
{
	struct fault fault;

	return fails(fd, CALL_READ, -1, &fault) ? -1 : syscall(SYS_pread64, fd, out, n, at);
}

PUBLIC ssize_t pread(int fd, void *out, size_t n, off_t at)
{
	return read_at(fd, out, n, at);
}

PUBLIC ssize_t pread64(int fd, void *out, size_t n, off64_t at)
{
	return read_at(fd, out, n, at);
}

PUBLIC int fsync(int fd)
{
	struct fault fault;

	return fails(fd, CALL_SYNC, -1, &fault) ? -1 : (int)syscall(SYS_fsync, fd);
}

PUBLIC int fdatasync(int fd)
{
	struct fault fault;

	return fails(fd, CALL_SYNC, -1, &fault) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

PUBLIC int ftruncate(int fd, off_t size)
{
	struct fault fault;

	return fails(fd, CALL_RESIZE, size, &fault) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

PUBLIC int ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

PUBLIC int fallocate(int fd, int mode, off_t at, off_t n)
{
	struct fault fault;

	return fails(fd, CALL_RESIZE, at + n, &fault) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, n);
}

/* ---- Names -------------------------------------------------------------------------------------- */

static bool open_fails(const char *path, int flags)
{
	struct fault fault = fault_now();
	bool is_new = (flags & O_CREAT) && access(path, F_OK) != 0;
	bool is_written = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);

	if (!fault.error || !(fault.calls & CALL_CHANGE) || !is_below(path))
		return false;
	if (!is_new && (fault.error != EROFS || !is_written))
		return false;
	errno = fault.error;
	return true;
}

#define OPEN(name)                                                                                  \
	PUBLIC int name(const char *path, int flags, ...)                                            \
	{                                                                                            \
		va_list args;                                                                        \
		va_start(args, flags);                                                               \
		mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;              \
		va_end(args);                                                                        \
		int kept = errno;                                                                    \
		if (open_fails(path, flags))                                                         \
			return -1;                                                                   \
		errno = kept;                                                                        \
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);                        \
	}
OPEN(open)
OPEN(open64)

PUBLIC int openat(int dir, const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	int kept = errno;
	bool is_whole = *path == '/' || dir == AT_FDCWD;
	if (is_whole ? open_fails(path, flags) : ((flags & O_CREAT) && is_ours(dir) && path_fails(getenv("WY_DISK_DIR"))))
		return -1;
	errno = kept;
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

PUBLIC int mkdir(const char *path, mode_t mode)
{
	if (access(path, F_OK) != 0 && path_fails(path))
		return -1;
	return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

PUBLIC int rename(const char *from, const char *to)
{
	if (path_fails(to))
		return -1;
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* A full disk lets files go. */
PUBLIC int unlink(const char *path)
{
	if (!fault_now().grow_only && path_fails(path))
		return -1;
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}
