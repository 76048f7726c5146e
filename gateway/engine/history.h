/* history.h: the last changes of every asset point, for the evidence in a ticket.
 *
 * A ring of WY_EVIDENCE_SAMPLES per point; a sample that repeats the value and quality before it only
 * refreshes the newest entry, so the ring reaches back over changes, not over polls. */
#ifndef ENGINE_HISTORY_H
#define ENGINE_HISTORY_H

#include "arena.h"
#include "err.h"
#include "wy_limits.h"
#include "model.h"
#include "reading.h"

struct history;

/* Room for every point of every asset. Borrows classes and assets. */
WY_MUST_CHECK enum wy_err history_new(const struct wy_class *classes, const struct wy_asset *assets,
				      size_t n_assets, struct wy_arena *arena, struct history **ret);
void history_add(struct history *history, uint32_t asset, const struct wy_sample *sample);
/* Oldest first; returns how many, at most max (then the newest). */
size_t history_of(const struct history *history, uint32_t asset, uint32_t point, struct wy_sample *out,
		  size_t max);

/* What another one had of a point, in place of what this one has. */
void history_take(struct history *history, uint32_t asset, uint32_t point, const struct history *before,
		  uint32_t asset_before, uint32_t point_before);

#endif
