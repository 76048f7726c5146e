/* replay_tasks.h: what else can be asked of the past, each in a file of its own. All return an exit code. */
#ifndef REPLAY_TASKS_H
#define REPLAY_TASKS_H

#include "replay_session.h"

/* --sweep "package.param=70..95 step 5": what it comes to for each value. */
int replay_sweep(const struct replay_options *options, struct replay_data *data);
/* Tickets of two rule sets on the same data. */
int replay_diff(const struct replay_options *options, struct replay_data *data, const char *old, const char *new);
/* How a raise came about: `ticket` is RULE/ASSET or RULE/ASSET@TIME. */
int replay_why(const struct replay_options *options, struct replay_data *data, const char *ticket);

#endif
