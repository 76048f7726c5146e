/* memory_disk.h: inside the store only: a disk for SQLite on which everything stays in memory. Under it may lie the files
 * that are on the real disk: they are read and never written, like a sheet of glass over a drawing. So a store goes on
 * where the disk left it without a row being copied, and what it costs is the pages that change.
 *
 * A disk serves one connection, opened under its name with PRAGMA locking_mode = EXCLUSIVE (there is no shared memory and no
 * lock here). Files are looked up by what their name ends in: the database, -wal, -journal. */
#ifndef STORE_MEMORY_DISK_H
#define STORE_MEMORY_DISK_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#define MEMORY_PAGE 4096u /* the store's page size, and the grain of this disk */

struct memory_disk;

/* path: of the database. has_base: the files of that name lie below; else it begins empty. most_bytes: beyond
 * them nothing new is taken, as on a disk that is full; the log that is there still goes into the database. WY_E_IO: a file that is there cannot be opened. */
WY_MUST_CHECK enum wy_err memory_disk_new(const char *path, bool has_base, size_t most_bytes, struct memory_disk **ret);
/* Reads all of the database below, if it is no larger, so that a disk that dies later is not missed. Where that fails it stays to
 * be read when it is needed. Not counted among the bytes. */
void memory_disk_copy_base(struct memory_disk *disk, size_t most_bytes);
void memory_disk_free(struct memory_disk *disk); /* after the connection is closed; NULL is fine */

const char *memory_disk_name(const struct memory_disk *disk); /* the VFS to open with */
size_t memory_disk_bytes(const struct memory_disk *disk);
void memory_disk_set_most(struct memory_disk *disk, size_t most_bytes);
/* Page of the database, from 0, whose content nobody will read: it is let go, and reads as below. */
void memory_disk_forget(struct memory_disk *disk, size_t page);

/* The database as it stands here, once the connection has emptied its write-ahead log. */
size_t memory_disk_pages(const struct memory_disk *disk);
bool memory_disk_is_changed(const struct memory_disk *disk, size_t page); /* from 0; else it is that of the real disk */
/* WY_E_IO: it had to be read from the real disk, which failed. */
WY_MUST_CHECK enum wy_err memory_disk_read(const struct memory_disk *disk, size_t page, unsigned char out[MEMORY_PAGE]);

#endif
