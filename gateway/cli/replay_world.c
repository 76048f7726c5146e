/* replay_world.c: the files a replay plays with: those of a gateway, or classes, rules and a site by themselves. */
#include <stdio.h>
#include <string.h>

#include "replay_options.h"
#include "yaml_tree.h"

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

/* ---- Parts ------------------------------------------------------------------------------------- */

static void add_quoted(struct wy_buf *buf, const char *text)
{
	wy_buf_add(buf, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			wy_buf_add(buf, "\\");
		wy_buf_addn(buf, text, 1);
	}
	wy_buf_add(buf, "\"");
}

static void add_list(struct wy_buf *buf, const char *key, const struct replay_list *list)
{
	if (!list->n)
		return;
	wy_buf_addf(buf, "%s: [", key);
	for (size_t i = 0; i < list->n; i++) {
		wy_buf_add(buf, i ? ", " : "");
		add_quoted(buf, list->item[i]);
	}
	wy_buf_add(buf, "]\n");
}

/* The files of the command line as if a file named them: so they are read by the same readers. */
static enum wy_err list_files(struct replay_world *w, const struct replay_options *options,
			      const struct replay_list *rules, const struct wy_node **ret_root)
{
	enum { TEXT_BYTES = 256 * 1024 };
	char *text = wy_arena_alloc(&w->load->arena, TEXT_BYTES);
	struct wy_buf buf;

	if (!text)
		return WY_E_NOMEM;
	wy_buf_init(&buf, text, TEXT_BYTES);
	wy_buf_add(&buf, "weiyu: replay/1\n");
	add_list(&buf, "classes", &options->classes);
	add_list(&buf, "faults", &options->faults);
	add_list(&buf, "rules", rules);
	if (options->tiers) {
		wy_buf_add(&buf, "tiers: ");
		add_quoted(&buf, options->tiers);
		wy_buf_add(&buf, "\n");
	}
	if (buf.is_cut)
		return WY_E_LIMIT;
	return yaml_load_text("(command line)", text, buf.len, &w->load->arena, &w->load->diags, ret_root);
}

static enum wy_err load_parts(struct replay_world *w, const struct replay_options *options,
			      const struct replay_list *rules, struct config **ret)
{
	const struct wy_node *root, *site = NULL;
	enum wy_err err = list_files(w, options, rules, &root);

	if (!err && options->site)
		err = yaml_load_file(options->site, &w->load->arena, &w->load->diags, &site);
	if (err)
		return err;
	struct config_parts parts = {
		.classes = wy_node_get(root, "classes"),
		.faults = wy_node_get(root, "faults"),
		.rules = wy_node_get(root, "rules"),
		.tiers = wy_node_get(root, "tiers"),
		.zone = wy_node_get(site, "zone"),
		.holidays = wy_node_get(site, "holidays"),
		.assets = wy_node_get(site, "assets"),
		.params = wy_node_get(site, "params"),
		.maintenance = wy_node_get(site, "maintenance"),
	};
	return config_load_parts(&parts, &w->load->arena, &w->load->diags, ret);
}

static const char *package_of(const struct wy_node *root)
{
	const struct wy_node *package = wy_node_get(root, "package");

	return package && package->kind == WY_NODE_SCALAR ? package->text : "";
}

static bool has_package(const struct config *config, const char *package)
{
	for (size_t i = 0; i < config->n_rule_files; i++)
		if (strcmp(package_of(config->rule_files[i]), package) == 0)
			return true;
	return false;
}

/* Other rules in the place of those of the same packages; the rest stays, as sites and rules speak of it. */
static enum wy_err replace_rules(struct replay_world *w, const struct replay_list *rules, struct config *config)
{
	static const struct replay_options nothing;
	struct config *other;
	enum wy_err err = load_parts(w, &nothing, rules, &other);

	if (err)
		return err;
	const struct wy_node **files = wy_arena_array(&w->load->arena, config->n_rule_files + other->n_rule_files,
						      sizeof(const struct wy_node *));
	size_t n = 0;
	if (!files)
		return WY_E_NOMEM;
	for (size_t i = 0; i < config->n_rule_files; i++)
		if (!has_package(other, package_of(config->rule_files[i])))
			files[n++] = config->rule_files[i];
	for (size_t i = 0; i < other->n_rule_files; i++)
		files[n++] = other->rule_files[i];
	config->rule_files = files;
	config->n_rule_files = n;
	return WY_OK;
}

/* ---- All --------------------------------------------------------------------------------------- */

static enum wy_err load(struct replay_world *w, const struct replay_options *options, const struct replay_list *rules)
{
	struct config *config = NULL;
	enum wy_err err;

	if (options->classes.n)
		err = load_parts(w, options, &options->rules, &config);
	else
		err = config_load(options->config, &w->load->arena, &w->load->diags, &config);
	if (!err && !options->classes.n && options->rules.n)
		err = replace_rules(w, &options->rules, config);
	if (!err && rules)
		err = replace_rules(w, rules, config);
	w->config = config;
	return err;
}

/* Warnings are the affair of `weiyu check`. */
static void say(const struct replay_options *options, const struct cli_load *load, enum wy_err err)
{
	if (load->diags.errors)
		cli_say(&load->diags);
	else if (err)
		fprintf(stderr, "weiyu %s: %s\n", options->command, wy_err_text(err));
}

/* Parameters that win over those of the site. */
static enum wy_err set_params(struct replay_world *w, const char *params)
{
	const struct wy_node *root;
	struct config *config;
	enum wy_err err = yaml_load_text("(command line)", params, strlen(params), &w->load->arena, &w->load->diags, &root);

	if (!err)
		err = config_vary(w->config, root, NULL, &w->load->arena, &w->load->diags, &config);
	if (!err)
		w->config = config;
	return err;
}

bool replay_world_open(struct replay_world *w, const struct replay_options *options, const struct replay_list *rules,
		       const char *params, bool lone_devices)
{
	memset(w, 0, sizeof(*w));
	w->load = cli_load_new();
	if (!w->load) {
		fprintf(stderr, "weiyu %s: out of memory\n", options->command);
		return false;
	}
	enum wy_err err = load(w, options, rules);
	if (!err && params)
		err = set_params(w, params);
	if (!err) {
		w->world = config_world(w->config);
		err = lone_devices && !add_lone_devices(w) ? WY_E_NOMEM : WY_OK;
	}
	if (!err)
		err = rule_compile(&w->world, w->config->rule_files, w->config->n_rule_files, &w->load->arena,
				   &w->load->diags, &w->set);
	if (!err && !w->load->diags.errors) {
		/* From here on messages are about the data. */
		wy_diags_init(&w->load->diags, &w->load->arena);
		return true;
	}
	say(options, w->load, err);
	replay_world_close(w);
	return false;
}

void replay_world_close(struct replay_world *w)
{
	cli_load_free(w->load);
	w->load = NULL;
}
