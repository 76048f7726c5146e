/* fault_vfs.h: the machine's file system and heap as SQLite sees them, with the n-th use failing.
 */
#ifndef FAULT_VFS_H
#define FAULT_VFS_H

#include <stdbool.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_WRITE,
	FAULT_FULL,
	FAULT_SYNC,
	FAULT_READ,
	FAULT_OPEN,
	FAULT_MALLOC,
	FAULT_TRUNCATE,
	FAULT_SHM,	/* the file that connections share */
	FAULT_READONLY, /* writes */
	FAULT_CHANGES,	/* writes, syncs and truncations counted together: the disk only gives */
	FAULT_ALL	/* reads and opens too: the disk is gone */
};

void fault_install(void); /* once, before SQLite is used */
/* The n-th use of this kind fails, and all after it until fault_off(): a bad disk stays bad. */
void fault_on(enum fault_kind kind, unsigned n);
bool fault_off(void); /* did it strike? */
/* Syncs of a handle on which a sync had failed before, since fault_on(): there must be none. */
unsigned fault_syncs_repeated(void);

#endif
