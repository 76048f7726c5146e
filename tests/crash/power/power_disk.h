/* power_disk.h: from a log (power_log.h) every disk that a power cut could have left, at every moment of it.
 *
 * What is allowed: a file holds all that was written before its last completed sync. Of what was written since, each
 * call may be there, missing, or torn at a border of 512 bytes, in any combination; a file may have grown without its new
 * bytes (zeros, or what lay there before). A name made, removed or renamed since the last sync of the directory may be in
 * either state. Few calls: all combinations. Many: all, none, each alone, each missing, every prefix and suffix, each
 * call torn after all before it and with all others there, and a random sample. */
#ifndef POWER_DISK_H
#define POWER_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "power_log.h"

struct power_disk {
	struct power_image {
		const char *name;
		unsigned char *bytes;
		size_t size;
	} file[POWER_NAMES];
	int n;
	uint64_t hash; /* of names and contents */
};

struct power_plan {
	uint64_t seed;
	unsigned n_random;       /* random combinations, and as many random sets of sectors, of each cut */
	bool is_every_call;      /* cuts after each call; else only where the most is unsafe: what the others leave is among it */
	bool is_every_border;    /* each call torn at each border; else at one drawn */
};

/* marks: POWER_MARKs before the cut. The disk is valid during the visit. */
typedef void power_visit(void *arg, const struct power_disk *disk, size_t marks);
/* Returns the number of cuts. The same disk may come more than once. */
size_t power_disks(const struct power_log *log, const struct power_plan *plan, power_visit *visit, void *arg);
/* Into an empty directory; and with rubbish in place of the WAL index, if asked. */
void power_disk_write(const struct power_disk *disk, const char *dir, bool has_stale_index);

#endif
