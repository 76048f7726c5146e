/* history.c: see history.h. A ring for each point of an asset, laid out place by place and not ring by ring: most points
 * hardly ever change, and the places they never use are never made resident. */
#include "history.h"

struct history {
	size_t *first;		  /* of an asset: the ring of its point 0 */
	size_t n_rings;
	uint32_t *n;		  /* of a ring: ever added */
	struct wy_sample *sample; /* [WY_EVIDENCE_SAMPLES][n_rings] */
};

static struct wy_sample *at(const struct history *history, size_t ring, uint32_t i)
{
	return &history->sample[i % WY_EVIDENCE_SAMPLES * history->n_rings + ring];
}

enum wy_err history_new(const struct wy_class *classes, const struct wy_asset *assets, size_t n_assets,
			struct wy_arena *arena, struct history **ret)
{
	struct history *history = wy_arena_alloc(arena, sizeof(*history));
	size_t n = 0;

	if (!history)
		return WY_E_NOMEM;
	history->first = wy_arena_array(arena, n_assets, sizeof(*history->first));
	if (!history->first)
		return WY_E_NOMEM;
	for (size_t a = 0; a < n_assets; a++) {
		history->first[a] = n;
		n += classes[assets[a].class_index].n_points;
	}
	history->n_rings = n;
	history->n = wy_arena_array(arena, n, sizeof(*history->n));
	history->sample = wy_arena_array(arena, n, WY_EVIDENCE_SAMPLES * sizeof(*history->sample));
	if (!history->n || !history->sample)
		return WY_E_NOMEM;
	*ret = history;
	return WY_OK;
}

static bool is_same(const struct wy_sample *a, const struct wy_sample *b)
{
	if (a->quality != b->quality || a->why != b->why || a->is_whole != b->is_whole)
		return false;
	if (!wy_quality_is_usable(a->quality))
		return true;
	return a->is_whole ? a->whole == b->whole : a->real == b->real;
}

void history_add(struct history *history, uint32_t asset, const struct wy_sample *sample)
{
	size_t ring = history->first[asset] + sample->point;
	uint32_t *n = &history->n[ring];
	/* The first and the newest of a run are kept: when it began, and that it still held. */
	bool repeats = *n >= 2 && is_same(at(history, ring, *n - 1), sample) && is_same(at(history, ring, *n - 2), sample);

	if (repeats)
		--*n;
	*at(history, ring, *n) = *sample;
	++*n;
}

size_t history_of(const struct history *history, uint32_t asset, uint32_t point, struct wy_sample *out,
		  size_t max)
{
	size_t ring = history->first[asset] + point;
	uint32_t added = history->n[ring];
	uint32_t n = added < WY_EVIDENCE_SAMPLES ? added : WY_EVIDENCE_SAMPLES;

	if (n > max)
		n = (uint32_t)max;
	for (uint32_t i = 0; i < n; i++)
		out[i] = *at(history, ring, added - n + i);
	return n;
}

void history_take(struct history *history, uint32_t asset, uint32_t point, const struct history *before,
		  uint32_t asset_before, uint32_t point_before)
{
	struct wy_sample samples[WY_EVIDENCE_SAMPLES];
	size_t ring = history->first[asset] + point;
	size_t n = history_of(before, asset_before, point_before, samples, WY_EVIDENCE_SAMPLES);

	history->n[ring] = (uint32_t)n;
	for (uint32_t i = 0; i < n; i++) {
		samples[i].point = point;
		*at(history, ring, i) = samples[i];
	}
}
