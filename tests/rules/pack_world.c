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

static void add_faults(struct pack_world *w, struct loading *l)
{
	enum { FILES_MAX = 20 };
	const struct wy_node *roots[FILES_MAX];
	size_t n;
	const char *const *paths = loading_directory(l, PACKS "faults", PACKS "faults", &n);

	if (!paths || !n || n > FILES_MAX)
		abort();
	for (size_t i = 0; i < n; i++)
		roots[i] = read(w, l->diags, paths[i]);
	load_faults(l, roots, n);
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
	load_classes(&l, &classes, 1);
	add_faults(w, &l);
	w->world = config_world(&config);
	add_assets(w);
	free(diags);
}

void pack_world_close(struct pack_world *w)
{
	free(w->memory);
	memset(w, 0, sizeof(*w));
}

static void add_override(struct rule_world *world, struct wy_override *overrides, const char *package,
			 const struct wy_node *param, const char *key, const char *asset)
{
	const struct wy_node *value = wy_node_get(param, key);

	if (value)
		overrides[world->n_overrides++] =
			(struct wy_override){.package = package, .name = param->key->text, .asset = asset, .value = value};
}

static size_t count_params(const struct wy_node *root)
{
	const struct wy_node *params = wy_node_get(root, "params");

	return params && params->kind == WY_NODE_MAP ? params->n : 0;
}

/* What a site may set: every parameter of the file to its largest value, for one asset to its smallest. */
static void add_overrides(struct rule_world *world, struct wy_override *overrides, const struct wy_node *root)
{
	const struct wy_node *package = wy_node_get(root, "package");

	if (!count_params(root) || !package || package->kind != WY_NODE_SCALAR)
		return;
	for (const struct wy_node *m = wy_node_get(root, "params")->child; m; m = m->next) {
		add_override(world, overrides, package->text, m, "max", NULL);
		add_override(world, overrides, package->text, m, "min", "asset-1");
	}
}

/* The set keeps the world it was compiled against, so that lives beside it. */
static enum wy_err compile_roots(const struct pack_world *w, const struct wy_node *const *roots, size_t n,
				 struct wy_arena *arena, struct wy_diags *diags, struct rule_set **ret_set)
{
	struct rule_world *world = wy_arena_alloc(arena, sizeof(*world));
	size_t n_params = 0;

	for (size_t i = 0; i < n; i++)
		n_params += count_params(roots[i]);
	struct wy_override *overrides = wy_arena_array(arena, 2 * n_params, sizeof(*overrides));
	if (!world || !overrides)
		return WY_E_NOMEM;
	*world = w->world;
	world->overrides = overrides;
	for (size_t i = 0; i < n; i++)
		add_overrides(world, overrides, roots[i]);
	return rule_compile(world, roots, n, arena, diags, ret_set);
}

enum wy_err pack_world_compile(const struct pack_world *w, const char *text, size_t len, struct wy_arena *arena,
			       struct wy_diags *diags)
{
	const struct wy_node *roots[2] = {NULL, w->beside};
	struct rule_set *set = NULL;
	enum wy_err err = yaml_load_text("text", text, len, arena, diags, &roots[0]);

	return err ? err : compile_roots(w, roots, w->beside ? 2 : 1, arena, diags, &set);
}

const struct wy_node *pack_world_read(struct pack_world *w, const char *name)
{
	struct wy_diags *diags = malloc(sizeof(*diags));
	char path[400];

	wy_diags_init(diags, &w->arena);
	snprintf(path, sizeof(path), PACKS "%s", name);
	const struct wy_node *root = read(w, diags, path);
	free(diags);
	return root;
}

enum wy_err pack_world_compile_shipped(const struct pack_world *w, struct wy_arena *arena, struct wy_diags *diags,
				       struct rule_set **ret_set)
{
	enum { FILES_MAX = 60 };
	const struct wy_node *roots[FILES_MAX];
	struct loading l = {.arena = arena, .diags = diags};
	size_t n_files;
	size_t n = 0;
	const char *const *paths = loading_directory(&l, PACKS, PACKS, &n_files);

	for (size_t i = 0; i < n_files && i < FILES_MAX; i++) {
		const struct wy_node *root = NULL;
		enum wy_err err = yaml_load_file(paths[i], arena, diags, &root);
		if (err)
			return err;
		if (wy_node_is(wy_node_get(root, "weiyu"), "rules/1"))
			roots[n++] = root;
	}
	return compile_roots(w, roots, n, arena, diags, ret_set);
}
