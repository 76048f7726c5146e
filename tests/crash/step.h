/* step.h: a process that dies at a step it was told: SIGKILL, as if from outside, so nothing is flushed, closed or said.
 *
 * WEIYU_STEP=name:n in the environment: at the n-th time this step is come by. Without it, or with n 0, never.
 * WEIYU_STEPS=file: each step that was come by for the first time is written there, a name a line: what a rig can hit. */
#ifndef CRASH_STEP_H
#define CRASH_STEP_H

void step(const char *name);

#endif
