/* vitals.c: see vitals.h. */
#include "vitals.h"

enum wy_err vitals_new(struct vitals *vitals, const struct config *config, struct wy_arena *arena)
{
	*vitals = (struct vitals){.config = config};
	vitals->of = wy_arena_array(arena, config->n_devices, sizeof(struct vital *));
	vitals->watched = wy_arena_array(arena, config->n_devices, sizeof(*vitals->watched));
	if (!vitals->of || !vitals->watched)
		return WY_E_NOMEM;
	for (uint32_t d = 0; d < config->n_devices; d++) {
		enum wy_err err = vital_new(config->devices[d].profile, arena, &vitals->of[d]);
		if (err)
			return err;
		if (config->devices[d].has_alive)
			vitals->watched[vitals->n_watched++] = d;
	}
	return WY_OK;
}

static const struct wy_sample *sample_of(const struct sensor_report *report, uint32_t point)
{
	for (uint32_t i = 0; i < report->n; i++)
		if (report->sample[i].point == point)
			return &report->sample[i];
	return NULL;
}

/* A device that cannot be heard itself says nothing of others. */
static void tell_others(struct vitals *vitals, const struct sensor_report *report)
{
	for (size_t i = 0; i < vitals->n_watched; i++) {
		uint32_t d = vitals->watched[i];
		const struct sensor_device_conf *conf = &vitals->config->devices[d];
		if (conf->alive_device != report->device)
			continue;
		const struct wy_sample *sample = sample_of(report, conf->alive_point);
		if (!sample && report->err == WY_OK)
			continue; /* not asked this time */
		bool is_known = sample && wy_quality_is_usable(sample->quality);
		vital_set_alive(vitals->of[d], is_known, is_known && sample->whole != 0);
	}
}

void vitals_pass(struct vitals *vitals, struct sensor_report *report)
{
	struct vital *vital = vitals->of[report->device];

	vital_pass(vital, report);
	struct vital_signs signs = vital_signs(vital);
	report->has_changes = true;
	report->n_changes = signs.n_changes;
	report->has_identity = signs.has_identity;
	report->identity = signs.identity;
	tell_others(vitals, report);
}
