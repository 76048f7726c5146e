/* power_rig.h: a story of the store is recorded, then the power is cut at every moment of it, in every way.
 *
 * Each store_commit() that said WY_OK (the linker's --wrap stands before it) is noted with a digest of all that the store
 * holds. On each disk that a cut may leave the store is opened as the program opens it: it must open without a word, pass
 * the integrity check, and hold exactly what it held after the last commit that was reported, or after the one that was
 * under way. Checkpoints come after CHECKPOINT_PAGES pages instead of a thousand, so that a short story has many. */
#ifndef POWER_RIG_H
#define POWER_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "power_disk.h"

struct power_tally {
	size_t commits, calls, cuts;
	size_t disks;
	size_t distinct; /* those not seen before */
	size_t opened;   /* the short form opens a share of them */
	size_t refused, damaged, lost, half; /* lost: less than was reported; half: what the store never held */
	char words[200]; /* of the first that was wrong */
};

void power_rig_init(int argc, char **argv); /* [--seed N] [--random N] [--long] [--must-lose] */
bool power_rig_is_long(void);
/* From here to power_rig_judge() what happens in dir is the story. */
void power_rig_record(const char *dir, const char *gateway);
size_t power_rig_commits(void); /* so far */
/* Called once for some disk of each number of commits that stand, with a directory that holds it; NULL: never. */
typedef void power_rig_go_on(size_t commits, const char *dir);
void power_rig_judge(const char *title, power_rig_go_on *go_on);
/* What the program returns: 0 when nothing was wrong; with --must-lose when something was lost. */
int power_rig_result(void);

#endif
