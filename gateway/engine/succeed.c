/* succeed.c: what an engine takes over from the one before it in the same process, beside what the store has: the present memory of
 * the rules, the last samples and changes of every point, what is known of devices, what the gateway knows of itself. Assets, points
 * and devices are the same where they are called the same. */
#include "engine_internal.h"

#include <string.h>

#define NONE UINT32_MAX

struct passing {
	struct engine *engine;
	const struct engine *before;
	uint32_t *device_before; /* of each device now, RULE_NO_DEVICE: it is new */
	uint32_t *asset_before;  /* likewise, NONE */
	bool *is_fed_anew;
};

/* Most stand where they stood. */
static uint32_t find(const char *id, uint32_t guess, size_t n, const char *(*name)(const struct config *, uint32_t),
		     const struct config *in)
{
	if (guess < n && strcmp(name(in, guess), id) == 0)
		return guess;
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(name(in, i), id) == 0)
			return i;
	return NONE;
}

static const char *device_name(const struct config *config, uint32_t device)
{
	return config->devices[device].id;
}

static const char *asset_name(const struct config *config, uint32_t asset)
{
	return config->assets[asset].id;
}

/* ---- What feeds an asset ------------------------------------------------------------------------- */

static bool is_binding_old(const struct passing *p, const struct config_binding *binding)
{
	const struct config *was = p->before->parts.config;
	const struct config *is = p->engine->parts.config;
	uint32_t device = p->device_before[binding->device];
	const struct wy_class *class = &is->classes[is->assets[binding->asset].class_index];
	size_t n = 0;

	if (device == RULE_NO_DEVICE || binding->device_point >= was->devices[device].profile->n_points)
		return false;
	const struct config_binding *bindings = config_bindings(was, device, binding->device_point, &n);
	for (size_t i = 0; i < n; i++) {
		const struct wy_asset *asset = &was->assets[bindings[i].asset];
		const struct wy_point *point = &was->classes[asset->class_index].points[bindings[i].class_point];
		if (bindings[i].asset == p->asset_before[binding->asset] &&
		    strcmp(point->name, class->points[binding->class_point].name) == 0)
			return true;
	}
	return false;
}

static void find_fed_anew(struct passing *p)
{
	const struct config *is = p->engine->parts.config;

	for (size_t a = 0; a < is->n_assets; a++) {
		const struct wy_asset *asset = &is->assets[a];
		p->is_fed_anew[a] = p->asset_before[a] == NONE;
		for (size_t i = 0; i < asset->n_devices; i++)
			p->is_fed_anew[a] = p->is_fed_anew[a] || p->device_before[asset->devices[i]] == RULE_NO_DEVICE;
	}
	for (size_t i = 0; i < is->n_bindings; i++)
		if (!is_binding_old(p, &is->bindings[i]))
			p->is_fed_anew[is->bindings[i].asset] = true;
}

/* ---- Passing on ---------------------------------------------------------------------------------- */

static void pass_history(const struct passing *p, uint32_t asset)
{
	const struct config *was = p->before->parts.config;
	const struct config *is = p->engine->parts.config;
	uint32_t old = p->asset_before[asset];

	if (old == NONE)
		return;
	const struct wy_class *class = &is->classes[is->assets[asset].class_index];
	const struct wy_class *old_class = &was->classes[was->assets[old].class_index];
	for (uint32_t i = 0; i < class->n_points; i++)
		for (uint32_t k = 0; k < old_class->n_points; k++)
			if (class->points[i].type == old_class->points[k].type &&
			    strcmp(class->points[i].name, old_class->points[k].name) == 0)
				history_take(p->engine->history, asset, i, p->before->history, old, k);
}

static void pass_all(const struct passing *p)
{
	struct engine *engine = p->engine;
	const struct engine *before = p->before;

	for (uint32_t d = 0; d < engine->parts.config->n_devices; d++)
		if (p->device_before[d] != RULE_NO_DEVICE)
			engine->devices[d] = before->devices[p->device_before[d]];
	for (uint32_t a = 0; a < engine->parts.config->n_assets; a++)
		pass_history(p, a);
	engine->counts = before->counts;
	engine->own = before->own;
	engine->noted_ms = before->noted_ms;
	engine->tidied_ms = before->tidied_ms;
}

enum wy_err engine_succeed(struct engine *engine)
{
	struct engine *before = engine->parts.before;
	const struct config *was = before->parts.config;
	const struct config *is = engine->parts.config;
	struct wy_arena *arena = engine->parts.arena;
	struct passing p = {.engine = engine, .before = before};

	p.device_before = wy_arena_array(arena, is->n_devices, sizeof(*p.device_before));
	p.asset_before = wy_arena_array(arena, is->n_assets, sizeof(*p.asset_before));
	p.is_fed_anew = wy_arena_array(arena, is->n_assets, sizeof(*p.is_fed_anew));
	if (!p.device_before || !p.asset_before || !p.is_fed_anew)
		return WY_E_NOMEM;
	for (uint32_t d = 0; d < is->n_devices; d++)
		p.device_before[d] = find(is->devices[d].id, d, was->n_devices, device_name, was);
	for (uint32_t a = 0; a < is->n_assets; a++)
		p.asset_before[a] = find(is->assets[a].id, a, was->n_assets, asset_name, was);
	find_fed_anew(&p);
	pass_all(&p);
	const struct rule_heritage heritage = {p.device_before, p.is_fed_anew};
	engine->down_ms = engine->now.mono_ms;
	rule_succeed(engine->rules, before->rules, &heritage, engine->now);
	return WY_OK;
}
