/* fake_clocks.h: the machine's clocks as a test wants them. Linked with --wrap=clock_gettime and --wrap=adjtimex, so
 * that gateway/loop/clock.c runs as it is, over a boottime and a wall clock of ours. */
#ifndef FAKE_CLOCKS_H
#define FAKE_CLOCKS_H

#include <stdbool.h>

#include "clocktypes.h"

struct fake_clocks {
	wy_ms boot_ms, wall_ms;
	bool is_synchronised; /* what the kernel says of the wall clock */
};

/* Those that are read from now on. Borrowed; NULL: the machine's own. */
void fake_clocks_use(const struct fake_clocks *clocks);

#endif
