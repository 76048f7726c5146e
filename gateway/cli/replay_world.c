/* replay_world.c: the files a replay plays with: those of a gateway, or classes, rules and a site by themselves. */
#include <stdio.h>
#include <string.h>

#include "replay_options.h"

/* ---- Assets nobody feeds ----------------------------------------------------------------------- */

static bool add_lone_devices(struct replay_world *w)
{
	struct wy_arena *arena = &w->load->arena;
	struct wy_asset *assets = wy_arena_array(arena, w->world.n_assets, sizeof(*assets));
	uint32_t *numbers = wy_arena_array(arena, w->world.n_assets, sizeof(*numbers));

	if (!assets || !numbers)
		return false;
	for (size_t i = 0; i < w->world.n_assets; i++) {
		assets[i] = w->world.assets[i];
		if (assets[i].n_devices || w->world.n_devices == WY_DEVICES_MAX)
			continue;
		numbers[i] = (uint32_t)w->world.n_devices++;
		assets[i].devices = &numbers[i];
		assets[i].n_devices = 1;
	}
	w->world.assets = assets;
	return true;
}

/* ---- Reading ----------------------------------------------------------------------------------- */

static enum wy_err load(struct replay_world *w, const struct replay_options *options)
{
	struct config *config = NULL;
	enum wy_err err = config_load(options->config, &w->load->arena, &w->load->diags, &config);

	w->config = config;
	return err;
}

bool replay_world_open(struct replay_world *w, const struct replay_options *options, const struct replay_list *rules,
		       bool lone_devices)
{
	enum wy_err err;

	memset(w, 0, sizeof(*w));
	w->load = cli_load_new();
	if (!w->load) {
		fprintf(stderr, "weiyu replay: out of memory\n");
		return false;
	}
	(void)rules;
	err = load(w, options);
	if (!err) {
		w->world = config_world(w->config);
		err = lone_devices && !add_lone_devices(w) ? WY_E_NOMEM : WY_OK;
	}
	if (!err)
		err = rule_compile(&w->world, w->config->rule_files, w->config->n_rule_files, &w->load->arena,
				   &w->load->diags, &w->set);
	if (!err && !w->load->diags.errors)
		return true;
	cli_say(&w->load->diags);
	if (!w->load->diags.errors)
		fprintf(stderr, "weiyu replay: %s\n", wy_err_text(err));
	replay_world_close(w);
	return false;
}

void replay_world_close(struct replay_world *w)
{
	cli_load_free(w->load);
	w->load = NULL;
}
