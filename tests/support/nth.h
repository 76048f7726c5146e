/* nth.h: the n-th call of a kind fails, once; the ones after it work again. A bad moment, not a bad disk.
 *
 * Calls of the C library that SQLite and the store make are defined here in the library's place (files of the store only:
 * names that begin with "weiyu."); allocations of SQLite and jansson go through hooks; those of our own code by
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=wy_arena_alloc,--wrap=wy_arena_array of the test that links this. */
#ifndef NTH_H
#define NTH_H

#include <stdbool.h>

enum nth_kind {
	NTH_READ,
	NTH_WRITE,  /* EIO, half of it written */
	NTH_FULL,   /* ENOSPC */
	NTH_SYNC,
	NTH_OPEN,
	NTH_TRUNCATE,
	NTH_UNLINK,
	NTH_SQLITE_MEMORY,
	NTH_JSON_MEMORY,
	NTH_OUR_MEMORY,
	NTH_ARENA,
	NTH_KINDS
};

const char *nth_text(enum nth_kind kind);
void nth_install(void); /* before SQLite is used */
/* 0: nothing fails any more. */
void nth_set(enum nth_kind kind, unsigned n);
bool nth_struck(void);

/* Plays a story in which the n-th call of the kind fails; whether there were so many. */
typedef bool nth_play(enum nth_kind kind, unsigned n);
/* For each kind the story for n = 1 and on until none strikes: every n with WY_LONG in the environment, else about `sample` to
 * the end of the kind. Fails where a kind never strikes. *more: starts more than without, counted by the story; said and reset. */
void nth_sweep(nth_play *play, unsigned sample, unsigned *more);

#endif
