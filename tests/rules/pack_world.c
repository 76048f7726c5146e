/* pack_world.c: see pack_world.h. */
#include "pack_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "loading.h"
#include "yaml_tree.h"

#define PACKS WY_SOURCE_DIR "/rules/packs/"

enum { ARENA_BYTES = 8 << 20, ASSETS_PER_CLASS = 2 };

static const struct wy_node *read(struct pack_world *w, struct wy_diags *diags, const char *path)
{
	const struct wy_node *root = NULL;

	if (yaml_load_file(path, &w->arena, diags, &root)) {
		fprintf(stderr, "cannot read %s\n", path);
		abort();
	}
	return root;
}

static void add_assets(struct pack_world *w)
{
	static const struct wy_label labels[] = {{"bank", "A"}, {"floor", "3"}, {"space", "pit"}, {"bus", "b1"}};
	static const uint32_t devices[] = {0};
	size_t n = w->world.n_classes * ASSETS_PER_CLASS;
	struct wy_asset *assets = wy_arena_array(&w->arena, n, sizeof(*assets));

	for (size_t i = 0; i < n; i++) {
		char id[40];
		int len = snprintf(id, sizeof(id), "asset-%zu", i);
		assets[i] = (struct wy_asset){.id = wy_arena_text(&w->arena, id, (size_t)len),
					      .class_index = (uint32_t)(i / ASSETS_PER_CLASS), .labels = labels,
					      .n_labels = i % ASSETS_PER_CLASS ? 4 : 2, .devices = devices, .n_devices = 1};
	}
	w->world.assets = assets;
	w->world.n_assets = n;
	w->world.n_devices = 1;
}

void pack_world_open(struct pack_world *w)
{
	static struct config config;
	struct wy_diags *diags = malloc(sizeof(*diags));
	struct loading l;

	memset(w, 0, sizeof(*w));
	memset(&config, 0, sizeof(config));
	w->memory = malloc(ARENA_BYTES);
	wy_arena_init(&w->arena, w->memory, ARENA_BYTES);
	wy_diags_init(diags, &w->arena);
	l = (struct loading){.arena = &w->arena, .diags = diags, .config = &config};
	const struct wy_node *classes = read(w, diags, PACKS "classes.yaml");
	const struct wy_node *faults = read(w, diags, PACKS "faults.yaml");
	load_classes(&l, &classes, 1);
	load_faults(&l, &faults, 1);
	w->world = config_world(&config);
	add_assets(w);
	free(diags);
}

void pack_world_close(struct pack_world *w)
{
	free(w->memory);
	memset(w, 0, sizeof(*w));
}

enum wy_err pack_world_compile(const struct pack_world *w, const char *text, size_t len, struct wy_arena *arena,
			       struct wy_diags *diags)
{
	const struct wy_node *root = NULL;
	struct rule_set *set = NULL;
	enum wy_err err = yaml_load_text("text", text, len, arena, diags, &root);

	return err ? err : rule_compile(&w->world, &root, 1, arena, diags, &set);
}
