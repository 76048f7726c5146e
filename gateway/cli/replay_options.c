/* replay_options.c: the options of `weiyu replay`, a row each. */
#include "replay_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { FLAG, TEXT, LIST, HOLD };

static const struct option {
	const char *name;
	enum kind kind;
	size_t offset;
} rows[] = {
#define AT(member) offsetof(struct replay_options, member)
	{"-c", TEXT, AT(config)},	 {"--classes", LIST, AT(classes)}, {"--faults", LIST, AT(faults)},
	{"--rules", LIST, AT(rules)},	 {"--site", TEXT, AT(site)},	   {"--tiers", TEXT, AT(tiers)},
	{"--log", TEXT, AT(log)},	 {"--from", TEXT, AT(from)},	   {"--to", TEXT, AT(to)},
	{"--sweep", TEXT, AT(sweep)},	 {"--csv", LIST, AT(words)},	   {"--stats", FLAG, AT(is_stats)},
	{"--json", FLAG, AT(is_json)},	 {"--lax", FLAG, AT(is_lax)},	   {"--hold", HOLD, AT(is_held)},
#undef AT
};

static const char *row_name(const void *arg, size_t i)
{
	(void)arg;
	return rows[i].name;
}

/* "--hold" and "--hold=15min" have their value after a '='; the others may, or in the next word. */
static const struct option *find_row(const char *word, const char **ret_value)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t len = strlen(rows[i].name);
		if (strncmp(word, rows[i].name, len) != 0 || (word[len] && word[len] != '='))
			continue;
		*ret_value = word[len] ? word + len + 1 : NULL;
		return &rows[i];
	}
	return NULL;
}

static bool add(struct replay_list *list, const char *item)
{
	if (list->n == REPLAY_FILES_MAX) {
		fprintf(stderr, "weiyu replay: more than %u files of one kind\n", REPLAY_FILES_MAX);
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
	const struct option *row = find_row(argv[*at], &value);
	char *member = row ? (char *)options + row->offset : NULL;

	if (!row) {
		const char *near = wy_nearest(argv[*at], sizeof(rows) / sizeof(*rows), row_name, NULL);
		fprintf(stderr, "weiyu replay: unknown option '%s'%s%s%s\n", argv[*at],
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return false;
	}
	if (row->kind == HOLD)
		return take_hold(options, value);
	if (row->kind == FLAG) {
		if (value)
			fprintf(stderr, "weiyu replay: '%s' takes no value\n", row->name);
		memcpy(member, &(bool){true}, sizeof(bool));
		return !value;
	}
	if (!value && *at + 1 < argc)
		value = argv[++*at];
	if (!value) {
		fprintf(stderr, "weiyu replay: '%s' needs a value\n", row->name);
		return false;
	}
	if (row->kind == LIST)
		return add((struct replay_list *)(void *)member, value);
	memcpy(member, &value, sizeof(value));
	return true;
}

struct replay_options *replay_options_read(int argc, char **argv)
{
	struct replay_options *options = calloc(1, sizeof(*options));

	if (!options)
		return NULL;
	for (int i = 1; i < argc; i++) {
		bool is_fine = argv[i][0] == '-' && argv[i][1] ? take(options, argc, argv, &i)
							       : add(&options->words, argv[i]);
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
