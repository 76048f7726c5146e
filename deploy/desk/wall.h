/* wall.h: the desk's only clocks: wall time for stamps, monotonic time for waiting. */
#ifndef DESK_WALL_H
#define DESK_WALL_H

#include "clocktypes.h"

wy_ms wall_now_ms(void);
wy_ms mono_now_ms(void);

#endif
