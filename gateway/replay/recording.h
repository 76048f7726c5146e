/* recording.h: files the gateway recorded, as turns of a player.
 *
 * With the rules it was recorded with, a recording gives what the gateway told, exactly: each file holds what the
 * rules remembered at its begin. With other rules they begin with nothing remembered, and time that was not watched is
 * unknown to them. Names decide: assets and points that are not there any more are left out, units are converted,
 * values of enums found by name.
 *
 * Damage    a block that is not whole is skipped, and what it held counts as not watched. Half a block at the
 *           end of a file is what a power cut leaves. All of it is said, as warnings. */
#ifndef RECORDING_H
#define RECORDING_H

#include "diag.h"
#include "player.h"
#include "replay_names.h"

struct recording_play {
	const char *const *paths; /* files, in the order of their time; see recording_find() */
	size_t n_paths;
	const struct names *names;
	struct wy_diags *diags;
	wy_ms from_ms, to_ms; /* wall; begins with the last file that begins before from_ms; WY_MS_NONE, WY_MS_NEVER: all */
	void (*on_restart)(void *arg, wy_ms now_ms); /* the engine was made anew and has its memory; may be NULL */
	void (*on_progress)(void *arg, uint64_t bytes); /* may be NULL */
	void *arg;
};

/* E826, E827 in diags: a file that is no recording, or of another version. */
WY_MUST_CHECK enum wy_err recording_play(const struct recording_play *play, struct player *player);
/* The file begins as a recording does. */
bool recording_is(const char *path);

#endif
