/* cmd_reload.c: the running gateway loads its files again. It decides; here its answer becomes words, and an exit code that a service
 * manager understands. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "list.h"

static void print_names(const char *kind, const char *what, const json_t *names)
{
	size_t index;
	const json_t *name;

	if (!json_array_size(names))
		return;
	printf("  %s %s:", kind, what);
	json_array_foreach(names, index, name)
		printf(" %s", json_string_value(name));
	printf("\n");
}

static void print_changes(json_t *changes)
{
	static const char *const whats[] = {"added", "removed", "changed"};
	const char *kind;
	json_t *one;

	json_object_foreach(changes, kind, one)
		for (size_t i = 0; i < sizeof(whats) / sizeof(*whats); i++)
			print_names(kind, whats[i], json_object_get(one, whats[i]));
}

static int say_done(const json_t *answer)
{
	printf("%s\n", cli_text(answer, "done"));
	print_changes(json_object_get(answer, "changes"));
	if (cli_text(answer, "field"))
		printf("  connections to devices: %s\n  session with the broker: %s\n", cli_text(answer, "field"),
		       cli_text(answer, "uplink") ? cli_text(answer, "uplink") : "-");
	return CLI_FINE;
}

static int say_refused(const json_t *answer)
{
	const json_t *errors = json_object_get(answer, "errors"), *line;
	const char *error = cli_text(answer, "error");
	size_t index;

	json_array_foreach(errors, index, line)
		fprintf(stderr, "%s\n", json_string_value(line));
	fprintf(stderr, "weiyu reload: refused, the set in force goes on: %s\n", error ? error : "nothing that can be read");
	return CLI_FOUND;
}

int cmd_reload(int argc, char **argv)
{
	static const char *const known[] = {"--socket", "--json", NULL};
	struct cli_options options;
	char number[32];

	if (!cli_parse(argc, argv, known, &options))
		return CLI_USAGE;
	if (options.n_words) {
		fprintf(stderr, "weiyu reload: takes no file but -c GATEWAY.yaml; the gateway knows which it was started with\n");
		return CLI_USAGE;
	}
	json_t *request = json_pack("{s:s, s:s}", "order", "reload", "by", cli_user(number));
	char *question = request ? json_dumps(request, JSON_COMPACT) : NULL;
	char *text = question ? cli_ask_patiently(&options, question) : NULL;
	json_t *answer = text ? json_loads(text, 0, NULL) : NULL;
	int code = CLI_FOUND;

	if (text && options.is_json) {
		printf("%s", text);
		code = json_is_true(json_object_get(answer, "ok")) ? CLI_FINE : CLI_FOUND;
	} else if (text) {
		code = cli_text(answer, "done") ? say_done(answer) : say_refused(answer);
	}
	json_decref(answer);
	json_decref(request);
	free(question);
	free(text);
	return code;
}
