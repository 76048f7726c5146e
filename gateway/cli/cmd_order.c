/* cmd_order.c: what an operator says to the running gateway: ack, reset, close, shelve ... The gateway decides and keeps
 * it; here words become a question and its answer becomes words. */
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Options with a value, by their key in the question; NULL: for cli_ask(). */
static const struct {
	const char *option, *key;
} values[] = {
	{"--until", "until"}, {"--for", "for"}, {"--reason", "reason"}, {"--by", "by"}, {"--socket", NULL}, {"-c", NULL},
};

static int find_value(const char *option)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (strcmp(values[i].option, option) == 0)
			return (int)i;
	return -1;
}

/* One option with its value, if it has one. False: said what is wrong. */
static bool take_option(int argc, char **argv, int *at, struct cli_options *options, json_t *request)
{
	const char *option = argv[*at];
	int value = find_value(option);

	if (value >= 0 && *at + 1 >= argc) {
		fprintf(stderr, "weiyu %s: '%s' needs a value\n", argv[0], option);
		return false;
	}
	if (value >= 0 && values[value].key)
		return json_object_set_new(request, values[value].key, json_string(argv[++*at])) == 0;
	if (strcmp(option, "-c") == 0)
		options->config = argv[++*at];
	else if (strcmp(option, "--socket") == 0)
		options->socket = argv[++*at];
	else if (strcmp(option, "--json") == 0)
		options->is_json = true;
	else if (strcmp(option, "--once") == 0)
		return json_object_set_new(request, "once", json_true()) == 0;
	else {
		fprintf(stderr, "weiyu %s: unknown option '%s'\n", argv[0], option);
		return false;
	}
	return true;
}

/* One word is a ticket; two are a rule and an asset, of a mark the asset and the mark. */
static bool take_words(const char *order, char **words, int n, json_t *request)
{
	bool is_mark = strcmp(order, "mark") == 0;

	if (n == 1 && !is_mark)
		return json_object_set_new(request, "ticket", json_string(words[0])) == 0;
	if (n == 2)
		return json_object_set_new(request, is_mark ? "asset" : "rule", json_string(words[0])) == 0 &&
		       json_object_set_new(request, is_mark ? "mark" : "asset", json_string(words[1])) == 0;
	fprintf(stderr, "weiyu %s: wanted: %s; try 'weiyu %s --help'\n", order,
		is_mark ? "ASSET NAME" : "TICKET, or RULE ASSET", order);
	return false;
}

const char *cli_user(char number[32])
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *user = getpwuid(getuid());

	snprintf(number, 32, "uid %lu", (unsigned long)getuid());
	if (name && *name)
		return name;
	return user ? user->pw_name : number;
}

/* As long as nobody else is named. */
static void name_user(json_t *request)
{
	char number[32];

	if (!json_object_get(request, "by"))
		(void)json_object_set_new(request, "by", json_string(cli_user(number)));
}

static bool read_arguments(int argc, char **argv, struct cli_options *options, json_t *request)
{
	char *words[2];
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1]) {
			if (!take_option(argc, argv, &i, options, request))
				return false;
		} else if (n++ < 2) {
			words[n - 1] = argv[i];
		}
	}
	name_user(request);
	return json_object_set_new(request, "order", json_string(argv[0])) == 0 && take_words(argv[0], words, n, request);
}

static int say(const char *order, const char *text, bool is_json)
{
	json_t *answer = json_loads(text, 0, NULL);
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *done = json_string_value(json_object_get(answer, "done"));
	int code = done ? CLI_FINE : CLI_FOUND;

	if (is_json)
		printf("%s", text);
	else if (done)
		printf("%s\n", done);
	else
		fprintf(stderr, "weiyu %s: refused: %s\n", order, error ? error : "nothing that can be read");
	json_decref(answer);
	return code;
}

int cmd_order(int argc, char **argv)
{
	const char *from_environment = getenv("WEIYU_CONFIG");
	struct cli_options options = {.config = from_environment ? from_environment : CLI_DEFAULT_CONFIG};
	json_t *request = json_object();
	int code = CLI_USAGE;

	if (request && read_arguments(argc, argv, &options, request)) {
		char *question = json_dumps(request, JSON_COMPACT);
		char *answer = question ? cli_ask(&options, question) : NULL;
		code = answer ? say(argv[0], answer, options.is_json) : CLI_FOUND;
		free(question);
		free(answer);
	}
	json_decref(request);
	return code;
}
