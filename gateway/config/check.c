/* check.c: one file by itself, as far as it can be judged alone: `weiyu check FILE`. */
#define _POSIX_C_SOURCE 200809L
#include "loading.h"

#include <string.h>
#include <unistd.h>

struct checking {
	struct loading load;
	const struct config_check *how;
	const struct wy_node *root;
};

/* One class or fault file named by the caller. */
static void add_named(struct checking *c, const char *path, const char *kind,
		      const struct wy_node **roots, size_t *n)
{
	const struct wy_node *root = loading_root(&c->load, path);

	if (root && loading_is_kind(&c->load, root, kind))
		roots[(*n)++] = root;
}

/* Class or fault files by their paths; a directory stands for its files. */
static const struct wy_node *const *named_files(struct checking *c, const char *const *paths,
						size_t n, const char *kind, size_t *ret_n)
{
	const struct wy_node **roots = NULL;

	*ret_n = 0;
	if (n == 1 && loading_is_directory(paths[0]))
		paths = loading_directory(&c->load, paths[0], paths[0], &n);
	if (paths)
		roots = loading_array(&c->load, n, sizeof(const struct wy_node *));
	for (size_t i = 0; roots && i < n; i++)
		add_named(c, paths[i], kind, roots, ret_n);
	return roots;
}

/* "classes.yaml" or the directory "classes" beside the file that is checked, or NULL. */
static const char *beside(struct checking *c, const char *file, const char *directory)
{
	const char *path = loading_path(&c->load, c->root, file);

	if (path && access(path, R_OK) == 0)
		return path;
	path = loading_path(&c->load, c->root, directory);
	return path && loading_is_directory(path) ? path : NULL;
}

/* Departments and messages of the catalogue are not the matter here, only its codes and points:
 * what is wrong in there is said when those files are checked themselves. */
static void read_world(struct checking *c)
{
	static const struct config_check nothing = {0};
	const struct config_check *how = c->how ? c->how : &nothing;
	const char *own_classes = how->n_classes ? NULL : beside(c, "classes.yaml", "classes");
	const char *own_faults = how->n_faults ? NULL : beside(c, "faults.yaml", "faults");
	size_t n;

	const struct wy_node *const *files =
		own_classes ? named_files(c, &own_classes, 1, "classes/1", &n)
			    : named_files(c, how->classes, how->n_classes, "classes/1", &n);
	if (files)
		load_classes(&c->load, files, n);
	files = own_faults ? named_files(c, &own_faults, 1, "faults/1", &n)
			   : named_files(c, how->faults, how->n_faults, "faults/1", &n);
	if (files)
		load_faults(&c->load, files, n);
}

static void check_gateway(struct checking *c)
{
	struct config *config = NULL;
	struct rule_set *set = NULL;
	enum wy_err err = config_load(c->root->source->name, c->load.arena, c->load.diags, &config);

	if (!err)
		err = config_compile(config, c->load.arena, c->load.diags, &set);
	if (err == WY_E_NOMEM)
		loading_full(&c->load);
}

static const char *package_of(const struct wy_node *root)
{
	const struct wy_node *package = wy_node_get(root, "package");

	return package && package->kind == WY_NODE_SCALAR ? package->text : "";
}

/* The gateway's rule files, with the named one in the place of its package: parameters the site sets
 * and rules that inhibit belong to all of them. */
static const struct wy_node *const *with_others(struct checking *c, const struct config *config,
						size_t *ret_n)
{
	const struct wy_node **files =
		loading_array(&c->load, config->n_rule_files + 1, sizeof(const struct wy_node *));

	*ret_n = 0;
	if (!files)
		return NULL;
	files[(*ret_n)++] = c->root;
	for (size_t i = 0; i < config->n_rule_files; i++)
		if (strcmp(package_of(config->rule_files[i]), package_of(c->root)) != 0)
			files[(*ret_n)++] = config->rule_files[i];
	return files;
}

/* ---- Packages beside it -------------------------------------------------------------------------
 *
 * A rule file checked without a gateway may speak of rules of another package: lift.mains_lost is then
 * looked for in lift.yaml beside it. */

enum { BESIDE_MAX = 32, PACKAGE_BYTES = 64 };

struct rule_files {
	const struct wy_node *root[BESIDE_MAX];
	size_t n;
};

static bool has_package(const struct rule_files *files, const char *package)
{
	for (size_t i = 0; i < files->n; i++)
		if (strcmp(package_of(files->root[i]), package) == 0)
			return true;
	return false;
}

static void add_package(struct checking *c, const char *package, struct rule_files *files)
{
	char name[PACKAGE_BYTES + 8];
	struct wy_buf buf;

	if (files->n == BESIDE_MAX || has_package(files, package))
		return;
	wy_buf_init(&buf, name, sizeof(name));
	wy_buf_addf(&buf, "%s.yaml", package);
	const char *path = loading_path(&c->load, c->root, name);
	if (!path || access(path, R_OK) != 0)
		return;
	const struct wy_node *root = loading_root(&c->load, path);
	const struct wy_node *kind = wy_node_get(root, "weiyu");
	if (kind && wy_node_is(kind, "rules/1") && strcmp(package_of(root), package) == 0)
		files->root[files->n++] = root;
}

/* Every word before a dot may be a package; where no file is called so, it is none. */
static void add_packages_of(struct checking *c, const char *text, struct rule_files *files)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	char package[PACKAGE_BYTES];

	while (*text) {
		size_t len = strspn(text, letters);
		if (len && len < sizeof(package) && text[len] == '.') {
			memcpy(package, text, len);
			package[len] = '\0';
			add_package(c, package, files);
		}
		text += len + 1 - (text[len] == '\0');
	}
}

static void add_beside(struct checking *c, struct rule_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		add_packages_of(c, files->root[i]->source->text, files);
}

static void check_rules(struct checking *c)
{
	struct config *config = c->load.config;
	struct rule_set *set = NULL;
	struct rule_files near = {.root = {c->root}, .n = 1};
	const struct wy_node *const *files = near.root;

	if (c->how && c->how->gateway) {
		if (config_load(c->how->gateway, c->load.arena, c->load.diags, &config))
			return;
		files = with_others(c, config, &near.n);
	} else {
		read_world(c);
		add_beside(c, &near);
	}
	struct rule_world world = config_world(config);
	if (files && rule_compile(&world, files, near.n, c->load.arena, c->load.diags, &set) == WY_E_NOMEM)
		loading_full(&c->load);
}

static void check_site(struct checking *c)
{
	load_site(&c->load, c->root);
}

static void check_classes(struct checking *c)
{
	load_classes(&c->load, &c->root, 1);
}

static void check_faults(struct checking *c)
{
	load_faults(&c->load, &c->root, 1);
}

static void check_tiers(struct checking *c)
{
	load_tiers(&c->load, c->root);
}

static void check_profile(struct checking *c)
{
	struct sensor_profile *profile = NULL;

	if (sensor_profile_read(c->root, c->load.arena, c->load.diags, &profile) == WY_E_NOMEM)
		loading_full(&c->load);
}

static const struct {
	const char *kind;
	void (*check)(struct checking *c);
} kinds[] = {
	{"gateway/1", check_gateway}, {"site/1", check_site},	{"classes/1", check_classes},
	{"faults/1", check_faults},   {"tiers/1", check_tiers}, {"profile/1", check_profile},
	{"rules/1", check_rules},
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

/* Ours, then those of the caller. */
static const char *kind_at(const void *arg, size_t i)
{
	return i < KINDS ? kinds[i].kind : ((const struct config_check *)arg)->more[i - KINDS].kind;
}

/* What the caller knows how to read. True: it was one of these. */
static bool check_more(struct checking *c, const struct wy_node *first)
{
	for (size_t i = 0; c->how && i < c->how->n_more; i++) {
		const struct config_kind *more = &c->how->more[i];
		if (!wy_node_is(first, more->kind))
			continue;
		if (more->check(c->root->source->name, c->load.arena, c->load.diags) == WY_E_NOMEM)
			loading_full(&c->load);
		return true;
	}
	return false;
}

static void check_root(struct checking *c)
{
	const struct wy_node *first = c->root->kind == WY_NODE_MAP ? c->root->child : NULL;

	if (!first || strcmp(first->key->text, "weiyu") != 0 || first->kind != WY_NODE_SCALAR) {
		wy_diag_add(c->load.diags, WY_DIAG_ERROR, "E110", first ? first->key : c->root, 0,
			    "the first key must say what the file is, such as 'weiyu: site/1'");
		return;
	}
	for (size_t i = 0; i < KINDS; i++) {
		if (wy_node_is(first, kinds[i].kind)) {
			kinds[i].check(c);
			return;
		}
	}
	if (!check_more(c, first))
		loading_unknown(&c->load, first, 0, "kind of file", first->text, KINDS + (c->how ? c->how->n_more : 0), kind_at,
				c->how);
}

enum wy_err config_check_file(const char *path, const struct config_check *how,
			      struct wy_arena *arena, struct wy_diags *diags)
{
	struct checking c = {.load = {.arena = arena, .diags = diags}, .how = how};
	size_t n_errors = diags->errors;

	c.load.config = loading_array(&c.load, 1, sizeof(*c.load.config));
	if (!c.load.config)
		return WY_E_NOMEM;
	c.root = loading_root(&c.load, path);
	if (c.root)
		check_root(&c);
	if (c.load.is_full)
		return WY_E_NOMEM;
	return diags->errors == n_errors ? WY_OK : WY_E_INVALID;
}
