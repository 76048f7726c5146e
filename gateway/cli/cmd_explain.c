/* cmd_explain.c: a rule on an asset, told in full; where the gateway runs, by it, with what everything is worth now. Exit 0
 * fine, 1 no such rule or asset, or files with mistakes, 2 usage. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "replay_options.h"

enum { PATIENCE_MS = 5000, NAMES_MOST = 12 };

/* ---- Names --------------------------------------------------------------------------------- */

static const char *rule_name(const void *arg, size_t i)
{
	return rule_info_at(arg, (uint32_t)i)->id;
}

static const char *asset_name(const void *arg, size_t i)
{
	return ((const struct rule_world *)arg)->assets[i].id;
}

typedef const char *(*name_fn)(const void *arg, size_t i);

/* SIZE_MAX: said. */
static size_t find(const char *what, const char *name, size_t n, name_fn name_of, const void *arg)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name_of(arg, i), name) == 0)
			return i;
	const char *near = wy_nearest(name, n, name_of, arg);
	fprintf(stderr, "weiyu explain: there is no %s '%s'%s%s%s\n", what, name, near ? "; did you mean '" : "", near ? near : "",
		near ? "'?" : "");
	return SIZE_MAX;
}

/* Where a rule is at work, for those who named another asset. */
static void say_where(const struct replay_world *world, uint32_t rule, uint32_t asset)
{
	size_t n = 0;

	fprintf(stderr, "weiyu explain: '%s' is not for '%s'", rule_info_at(world->set, rule)->id, world->world.assets[asset].id);
	for (size_t i = 0; i < rule_instance_count(world->set); i++) {
		const struct rule_instance_info *it = rule_instance_at(world->set, (uint32_t)i);
		bool is_again = i && rule_instance_at(world->set, (uint32_t)i - 1)->rule == rule &&
				rule_instance_at(world->set, (uint32_t)i - 1)->asset == it->asset;
		if (it->rule == rule && !is_again && n++ < NAMES_MOST)
			fprintf(stderr, "%s%s", n == 1 ? "; it is for " : ", ", world->world.assets[it->asset].id);
	}
	fprintf(stderr, "%s\n", n > NAMES_MOST ? " and more" : (n ? "" : "; no asset of this building has it"));
}

/* ---- Lines --------------------------------------------------------------------------------- */

static void add_line(void *arg, unsigned depth, const char *text)
{
	json_t *lines = arg;

	json_array_append_new(lines, json_pack("{s:i, s:s}", "depth", (int)depth, "text", text));
}

static void print_lines(const json_t *lines)
{
	size_t i;
	json_t *line;

	json_array_foreach(lines, i, line)
		printf("%*s%s\n", 2 * (int)json_integer_value(json_object_get(line, "depth")), "",
		       json_string_value(json_object_get(line, "text")));
}

/* What the running gateway says; NULL: nobody answers, or it has other rules. */
static json_t *ask_gateway(const char *socket, const char *rule, const char *asset)
{
	json_t *question = json_pack("{s:s, s:s, s:s}", "ask", "explain", "rule", rule, "asset", asset);
	char *request = question ? json_dumps(question, JSON_COMPACT) : NULL;
	char *answer = NULL;
	json_t *lines = NULL;

	if (request && ctl_ask(socket, request, PATIENCE_MS, &answer) == WY_OK) {
		json_t *document = json_loads(answer, 0, NULL);
		lines = json_incref(json_object_get(document, "lines"));
		json_decref(document);
	}
	free(answer);
	free(request);
	json_decref(question);
	return lines;
}

/* ---- The command --------------------------------------------------------------------------- */

static void show(const struct replay_options *options, const json_t *lines, bool is_live)
{
	if (!options->is_json) {
		print_lines(lines);
		return;
	}
	json_t *document = json_pack("{s:b, s:O}", "is_live", is_live, "lines", lines);
	char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
	printf("%s\n", text ? text : "null");
	free(text);
	json_decref(document);
}

/* Files named on the command line are not what the gateway runs with. */
static const char *socket_of(const struct replay_options *options, const struct replay_world *world)
{
	if (options->classes.n || options->rules.n)
		return NULL;
	return options->socket ? options->socket : world->config->socket;
}

static int explain(const struct replay_options *options, const struct replay_world *world, uint32_t rule, uint32_t asset)
{
	const char *socket = asset == RULE_NO_ASSET ? NULL : socket_of(options, world);
	json_t *lines = socket ? ask_gateway(socket, options->words.item[0], options->words.item[1]) : NULL;
	bool is_live = lines;

	if (socket && !is_live)
		fprintf(stderr, "weiyu explain: no gateway with this rule answers at %s: from the files alone\n", socket);
	if (!is_live)
		lines = json_array();
	if (!is_live && !rule_explain(world->set, rule, asset, NULL, add_line, lines)) {
		say_where(world, rule, asset);
		json_decref(lines);
		return CLI_FOUND;
	}
	show(options, lines, is_live);
	json_decref(lines);
	return CLI_FINE;
}

static int run(const struct replay_options *options)
{
	struct replay_world world;
	size_t asset = RULE_NO_ASSET;
	int code = CLI_FOUND;

	if (!replay_world_open(&world, options, NULL, NULL, false))
		return CLI_FOUND;
	size_t rule = find("rule", options->words.item[0], rule_count(world.set), rule_name, world.set);
	if (rule != SIZE_MAX && options->words.n > 1)
		asset = find("asset", options->words.item[1], world.world.n_assets, asset_name, &world.world);
	if (rule != SIZE_MAX && asset != SIZE_MAX)
		code = explain(options, &world, (uint32_t)rule, (uint32_t)asset);
	replay_world_close(&world);
	return code;
}

int cmd_explain(int argc, char **argv)
{
	struct replay_options *options = replay_options_read(argc, argv);
	int code = CLI_USAGE;

	if (options && (options->words.n < 1 || options->words.n > 2))
		fprintf(stderr, "usage: weiyu explain [OPTION...] RULE [ASSET]\n");
	else if (options)
		code = run(options);
	free(options);
	return code;
}
