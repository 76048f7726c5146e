/* history.c: see history.h. */
#include "history.h"

struct ring {
	uint32_t n; /* ever added */
	struct wy_sample sample[WY_EVIDENCE_SAMPLES];
};

struct history {
	size_t *first;     /* of an asset: index of its point 0 */
	struct ring *ring; /* one per asset point */
};

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
	history->ring = wy_arena_array(arena, n, sizeof(*history->ring));
	if (!history->ring)
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
	struct ring *ring = &history->ring[history->first[asset] + sample->point];
	/* The first and the newest of a run are kept: when it began, and that it still held. */
	bool repeats = ring->n >= 2 &&
		       is_same(&ring->sample[(ring->n - 1) % WY_EVIDENCE_SAMPLES], sample) &&
		       is_same(&ring->sample[(ring->n - 2) % WY_EVIDENCE_SAMPLES], sample);

	if (repeats)
		ring->n--;
	ring->sample[ring->n % WY_EVIDENCE_SAMPLES] = *sample;
	ring->n++;
}

size_t history_of(const struct history *history, uint32_t asset, uint32_t point, struct wy_sample *out,
		  size_t max)
{
	const struct ring *ring = &history->ring[history->first[asset] + point];
	uint32_t n = ring->n < WY_EVIDENCE_SAMPLES ? ring->n : WY_EVIDENCE_SAMPLES;

	if (n > max)
		n = (uint32_t)max;
	for (uint32_t i = 0; i < n; i++)
		out[i] = ring->sample[(ring->n - n + i) % WY_EVIDENCE_SAMPLES];
	return n;
}
