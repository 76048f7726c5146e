/* live_log.h: what a world's rules tell while it lives, and what its recording tells, as ticket logs. */
#ifndef LIVE_LOG_H
#define LIVE_LOG_H

#include "world.h"

#define LIVE_LOG_BYTES (1u << 20)

/* From now on events of all engines go into this text. */
void live_log_begin(const struct world *world, char *text);
void live_log_end(void);
/* The recording in `dir` through the rules of `world`, into text; how many warnings it took. */
size_t replay_log(struct world *world, const char *dir, char *text);
void remove_recording(const char *dir);

#endif
