/* replay_options.c: the options of `weiyu replay` and `weiyu explain`, a row each. */
#include "replay_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { FLAG, TEXT, LIST, HOLD };
enum user { REPLAY = 1, EXPLAIN = 2, BOTH = 3 };

static const struct option {
	const char *name;
	enum kind kind;
	enum user users;
	size_t offset;
} rows[] = {
#define AT(member) offsetof(struct replay_options, member)
	{"-c", TEXT, BOTH, AT(config)},	      {"--classes", LIST, BOTH, AT(classes)}, {"--faults", LIST, BOTH, AT(faults)},
	{"--rules", LIST, BOTH, AT(rules)},   {"--site", TEXT, BOTH, AT(site)},	      {"--tiers", TEXT, BOTH, AT(tiers)},
	{"--log", TEXT, REPLAY, AT(log)},     {"--from", TEXT, REPLAY, AT(from)},     {"--to", TEXT, REPLAY, AT(to)},
	{"--sweep", TEXT, REPLAY, AT(sweep)}, {"--csv", LIST, REPLAY, AT(words)},     {"--stats", FLAG, REPLAY, AT(is_stats)},
	{"--json", FLAG, BOTH, AT(is_json)},  {"--lax", FLAG, REPLAY, AT(is_lax)},    {"--hold", HOLD, REPLAY, AT(is_held)},
	{"--socket", TEXT, EXPLAIN, AT(socket)},
#undef AT
};

static bool is_for(const struct option *row, const char *command)
{
	return row->users & (strcmp(command, "explain") == 0 ? EXPLAIN : REPLAY);
}

/* Names of other commands are no proposal. */
static const char *row_name(const void *command, size_t i)
{
	return is_for(&rows[i], command) ? rows[i].name : NULL;
}

/* "--hold" and "--hold=15min" have their value after a '='; the others may, or in the next word. */
static const struct option *find_row(const char *command, const char *word, const char **ret_value)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t len = strlen(rows[i].name);
		if (strncmp(word, rows[i].name, len) != 0 || (word[len] && word[len] != '=') || !is_for(&rows[i], command))
			continue;
		*ret_value = word[len] ? word + len + 1 : NULL;
		return &rows[i];
	}
	return NULL;
}

static bool add(const char *command, struct replay_list *list, const char *item)
{
	if (list->n == REPLAY_FILES_MAX) {
		fprintf(stderr, "weiyu %s: more than %u files of one kind\n", command, REPLAY_FILES_MAX);
		return false;
	}
	list->item[list->n++] = item;
	return true;
}

static bool take_hold(struct replay_options *options, const char *value)
{
	options->is_held = true;
	options->hold_ms = WY_MS_NEVER;
	if (!value)
		return true;
	if (wy_parse_duration(value, strlen(value), &options->hold_ms) == WY_OK && options->hold_ms > 0)
		return true;
	fprintf(stderr, "weiyu replay: --hold=%s: expected a length of time such as 15min\n", value);
	return false;
}

static bool take(struct replay_options *options, int argc, char **argv, int *at)
{
	const char *value = NULL;
	const struct option *row = find_row(argv[0], argv[*at], &value);
	char *member = row ? (char *)options + row->offset : NULL;

	if (!row) {
		const char *near = wy_nearest(argv[*at], sizeof(rows) / sizeof(*rows), row_name, argv[0]);
		fprintf(stderr, "weiyu %s: unknown option '%s'%s%s%s\n", argv[0], argv[*at],
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return false;
	}
	if (row->kind == HOLD)
		return take_hold(options, value);
	if (row->kind == FLAG) {
		if (value)
			fprintf(stderr, "weiyu %s: '%s' takes no value\n", argv[0], row->name);
		memcpy(member, &(bool){true}, sizeof(bool));
		return !value;
	}
	if (!value && *at + 1 < argc)
		value = argv[++*at];
	if (!value) {
		fprintf(stderr, "weiyu %s: '%s' needs a value\n", argv[0], row->name);
		return false;
	}
	if (row->kind == LIST)
		return add(argv[0], (struct replay_list *)(void *)member, value);
	memcpy(member, &value, sizeof(value));
	return true;
}

struct replay_options *replay_options_read(int argc, char **argv)
{
	struct replay_options *options = calloc(1, sizeof(*options));

	if (!options)
		return NULL;
	options->command = argv[0];
	for (int i = 1; i < argc; i++) {
		bool is_fine = argv[i][0] == '-' && argv[i][1] ? take(options, argc, argv, &i)
							       : add(argv[0], &options->words, argv[i]);
		if (!is_fine) {
			free(options);
			return NULL;
		}
	}
	options->is_config_given = options->config != NULL;
	if (!options->config)
		options->config = getenv("WEIYU_CONFIG");
	if (!options->config)
		options->config = CLI_DEFAULT_CONFIG;
	return options;
}
