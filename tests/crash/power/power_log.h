/* power_log.h: what this process does to the files of one directory, call by call, in order.
 *
 * Stands below SQLite's VFS, at the calls it makes itself (open, pwrite, ftruncate, fdatasync, unlink ...), so that files
 * which the store makes with its own hands are seen as well. The WAL index (-shm) is memory and the lock file carries
 * nothing: both are left out. What was in the directory at the start counts as safely there.
 *
 * One log at a time, one thread. Names of files have at most POWER_NAME - 1 bytes; too many of anything ends the process. */
#ifndef POWER_LOG_H
#define POWER_LOG_H

#include <stddef.h>

enum { POWER_NAME = 64, POWER_NAMES = 24, POWER_FILES = 512 };

enum power_kind {
	POWER_LINK,     /* a name begins to stand for a file */
	POWER_UNLINK,   /* it stands for none */
	POWER_RENAME,   /* `name` becomes `to`, and stands for none itself */
	POWER_WRITE,    /* len bytes at `at` */
	POWER_TRUNCATE, /* the file now ends at `at` */
	POWER_SYNC,     /* all that was written to the file is safe */
	POWER_SYNC_DIR, /* all names are safe */
	POWER_MARK      /* nothing on the disk: the caller's word */
};

struct power_op {
	enum power_kind kind;
	int name, to; /* into power_log.name */
	int file;     /* as an inode: a name that is made anew is another file */
	size_t at, len;
	unsigned char *bytes; /* of WRITE */
};

struct power_log {
	struct power_op *op;
	size_t n, room;
	char name[POWER_NAMES][POWER_NAME];
	int n_names, n_files;
};

struct power_log *power_log(void);
void power_log_start(const char *dir);
void power_log_stop(void);
void power_log_mark(void);
void power_log_free(void); /* what was recorded is gone */

#endif
