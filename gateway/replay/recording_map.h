/* recording_map.h: what a recording's numbers mean in the world it is played in. */
#ifndef RECORDING_MAP_H
#define RECORDING_MAP_H

#include "record_names.h"
#include "replay_names.h"

enum recording_change { RECORDING_SAME, RECORDING_SCALED, RECORDING_RENAMED, RECORDING_GONE };

struct recording_point {
	enum recording_change change;
	uint32_t point; /* of the class here */
	double ratio;   /* SCALED */
	const int32_t *values; /* RENAMED: by the recorded index; -1: none */
	uint32_t n_values;
};

struct recording_map {
	const struct record_names *names; /* borrowed */
	uint32_t *assets; /* [recorded]: ours, or NAMES_NONE */
	uint32_t *rules;  /* [recorded]: ours, or NAMES_NONE */
	struct recording_point *slots; /* [recorded slot] */
	bool has_devices; /* their numbers are ours */
	size_t n_assets_gone, n_points_gone;
	void *memory; /* owned */
};

WY_MUST_CHECK enum wy_err recording_map_init(struct recording_map *map, const struct record_names *names,
					     const struct rule_world *world, const struct rule_set *set,
					     const struct names *ours);
void recording_map_release(struct recording_map *map);
/* False: it is left out. */
bool recording_convert(const struct recording_map *map, uint32_t asset, const struct wy_sample *sample,
		       uint32_t *ret_asset, struct wy_sample *ret_sample);

#endif
