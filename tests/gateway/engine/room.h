/* room.h: the building of these tests, one of a process, as a story goes: begun, gone through, ended. Fails the test. */
#ifndef ROOM_H
#define ROOM_H

#include "world.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"

extern struct world world;

/* From an empty store, with these rules; 2 s pass. */
void room_start(const char *rules);
void room_run_s(int seconds);
/* After a crash, with other rules, or NULL: the same. No time passes. */
void room_restart(const char *rules);
/* In mid-life, with other rules, or NULL: the same. */
void room_reload(const char *rules);
/* This is all the platform heard, and in good order; the files go. */
void room_end(const char *story);

#endif
