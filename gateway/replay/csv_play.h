/* csv_play.h: tables of readings into turns of a player.
 *
 * Several files are merged by time, so a year may come month by month or lift by lift. Rows of one instant are one
 * turn. Logical time is Unix time. A row is an answer of its asset: its devices were heard then. */
#ifndef CSV_PLAY_H
#define CSV_PLAY_H

#include "csv_file.h"
#include "player.h"

/* Bytes that have been read; called now and then. */
typedef void csv_progress(void *arg, uint64_t bytes);

struct csv_play {
	const char *const *paths; /* n_paths of them, at most WY_CSV_FILES_MAX */
	size_t n_paths;
	struct csv_reading reading;
	bool is_held;   /* a value stands until the next row of its asset, or a gap ... */
	wy_ms hold_ms;  /* ... but at most so long; WY_MS_NEVER: no limit */
	wy_ms from_ms, to_ms; /* wall: rows outside are not played; WY_MS_NONE, WY_MS_NEVER: all */
	csv_progress *on_progress; /* may be NULL */
	void *arg;
};

/* Plays everything. All mistakes are in reading.diags; WY_E_INVALID: there was one. */
WY_MUST_CHECK enum wy_err csv_play(const struct csv_play *play, struct player *player);

#endif
