/* ask.c: questions to a loaded configuration. */
#include "config.h"

#include <string.h>

const struct config_binding *config_bindings(const struct config *config, uint32_t device,
					     uint32_t point, size_t *ret_n)
{
	const uint32_t *first = &config->first[config->device_first[device] + point];

	*ret_n = first[1] - first[0];
	return &config->bindings[first[0]];
}

static void convert_enum(const struct config_binding *binding, struct wy_sample *out)
{
	int64_t from = out->whole;
	int16_t to = -1;

	if (from >= 0 && (uint64_t)from < binding->n_enum_map)
		to = binding->enum_map[from];
	out->whole = to;
	if (to >= 0 || !wy_quality_is_usable(out->quality))
		return;
	out->quality = WY_Q_BAD;
	out->why = WY_WHY_RANGE;
}

struct wy_sample config_convert(const struct config_binding *binding,
				const struct wy_sample *sample)
{
	struct wy_sample out = *sample;

	out.point = binding->class_point;
	if (!wy_quality_is_usable(sample->quality))
		return out;
	switch ((enum wy_type)binding->to) {
	case WY_TYPE_BOOL:
		if (binding->is_inverted)
			out.whole = !sample->whole;
		break;
	case WY_TYPE_REAL:
		out.real =
			(sample->is_whole ? (double)sample->whole : sample->real) * binding->factor;
		out.is_whole = false;
		break;
	case WY_TYPE_ENUM:
		convert_enum(binding, &out);
		break;
	case WY_TYPE_INT:
	case WY_TYPE_COUNTER:
		break;
	}
	return out;
}

size_t config_find_device(const struct config *config, const char *id)
{
	for (size_t i = 0; i < config->n_devices; i++)
		if (strcmp(config->devices[i].id, id) == 0)
			return i;
	return SIZE_MAX;
}

size_t config_find_asset(const struct config *config, const char *id)
{
	for (size_t i = 0; i < config->n_assets; i++)
		if (strcmp(config->assets[i].id, id) == 0)
			return i;
	return SIZE_MAX;
}

size_t config_find_fault(const struct config *config, const char *code)
{
	for (size_t i = 0; i < config->n_faults; i++)
		if (strcmp(config->fault_codes[i], code) == 0)
			return i;
	return SIZE_MAX;
}

const struct config_vendor *config_find_vendor(const struct config *config, const char *role,
					       bool is_backup)
{
	for (size_t i = 0; i < config->n_vendors; i++) {
		const struct config_vendor *vendor = &config->vendors[i];
		if (vendor->is_backup == is_backup && strcmp(vendor->role, role) == 0)
			return vendor;
	}
	return NULL;
}

struct rule_world config_world(const struct config *config)
{
	struct rule_world world = {
		.classes = config->classes,
		.n_classes = config->n_classes,
		.assets = config->assets,
		.n_assets = config->n_assets,
		.n_devices = config->n_devices,
		.overrides = config->overrides,
		.n_overrides = config->n_overrides,
		.zone = config->site.zone.n_changes ? &config->site.zone : NULL,
		.holidays = config->site.holidays,
		.n_holidays = config->site.n_holidays,
		.faults = config->fault_codes,
		.n_faults = config->n_faults,
		.windows = config->site.windows,
		.n_windows = config->site.n_windows,
		.escalation = config->escalation,
	};
	return world;
}
