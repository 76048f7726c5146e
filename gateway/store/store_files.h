/* store_files.h: inside the store only: the files beside the database, and what they say to the next start.
 *
 *   weiyu.lock             held while a process has the store. Its text is the mark: how the last process left it
 *   weiyu.db.new           a store that is being made of a damaged one, or comes from memory; whole where no weiyu.db is beside it
 *   weiyu.db.damaged-N     (-wal) a store that was replaced, as it was found; the newest WY_STORE_QUARANTINE_MAX stay */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#define STORE_PATH_SIZE 4096u
#define STORE_BOOT_TEXT_SIZE 64u

enum store_mark {
	STORE_MARK_NONE, /* new, of an earlier version, or damaged itself */
	STORE_MARK_RUNNING,
	STORE_MARK_STOPPED,
	STORE_MARK_DAMAGED,  /* damage was seen: the next start replaces it */
	STORE_MARK_RENEW,    /* somebody ordered a new epoch: likewise */
	STORE_MARK_REPLACING,       /* a start is at it */
	STORE_MARK_REPLACING_AGAIN, /* after one that did not come to its end */
	STORE_MARK_COUNT
};

struct store_past {
	enum store_mark mark;
	bool is_same_boot; /* the machine has not been restarted since it was written */
};
/* What the last process wrote. */
struct store_past store_read_mark(int lock_fd);
/* On the disk afterwards. WY_E_IO, WY_E_FULL. */
WY_MUST_CHECK enum wy_err store_write_mark(int lock_fd, enum store_mark mark);

/* An errno as WY_E_FULL or WY_E_IO (store_sql.c). */
enum wy_err store_error_of(int error);
/* out: dir/name + tail, in STORE_PATH_SIZE bytes. False: too long. */
bool store_join(char *out, const char *dir, const char *name, const char *tail);

/* What a database has beside it; the first is its own. */
#define STORE_TAILS 4u
extern const char *const store_tails[STORE_TAILS];
/* What dir/name has beside it goes, as far as it can be removed. */
void store_drop_tails(const char *dir, const char *name);

/* A replacement that was cut off: finished where the new store was whole, else taken back. */
WY_MUST_CHECK enum wy_err store_finish_swap(const char *dir);
/* The database goes to quarantine, or away where it need not be kept, and dir/weiyu.db.new takes its place. ret_file: its name
 * there, of STORE_PATH_SIZE; "": not kept. Can be cut off at any place. */
WY_MUST_CHECK enum wy_err store_swap(const char *dir, bool is_kept, char *ret_file);
/* The highest number in the directory; 0: none. */
unsigned store_quarantine_last(const char *dir);

/* Is its write-ahead log cut short in the middle: do transactions that were kept stand behind bytes that are not those that
 * were written? SQLite would take the log for ended there, and numbers would be given a second time. */
bool store_wal_is_damaged(const char *path, bool is_same_boot);

#endif
