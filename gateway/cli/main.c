/* main.c: `weiyu COMMAND ...`: finds the command in commands.def and runs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "cli.h"

static const struct {
	const char *name;
	const char *arguments;
	const char *what;
	int (*run)(int argc, char **argv);
} commands[] = {
#define COMMAND(name, arguments, what) {#name, arguments, what, cmd_##name},
#define ORDER(name, arguments, what) {#name, arguments, what, cmd_order},
#include "commands.def"
#undef ORDER
#undef COMMAND
};

enum { N_COMMANDS = sizeof(commands) / sizeof(*commands) };

static void print_help(FILE *out)
{
	fprintf(out, "Weiyu (未雨): tickets before complaints. Reads lifts, leaks, doors and fire panels;\n"
		     "never writes to them.\n\nusage: weiyu COMMAND ...\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  weiyu %s %s\n        %s\n", commands[i].name, commands[i].arguments,
			commands[i].what);
	fprintf(out, "\nGATEWAY.yaml is %s unless -c or WEIYU_CONFIG says otherwise.\n"
		     "exit: 0 fine, 1 mistakes found or no answer, 2 wrong usage\n", CLI_DEFAULT_CONFIG);
}

static bool asks_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static const char *command_name(const void *arg, size_t i)
{
	(void)arg;
	return commands[i].name;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || asks_help(argv[1])) {
		print_help(stdout);
		return CLI_FINE;
	}
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		if (argc == 2 || !asks_help(argv[2]))
			return commands[i].run(argc - 1, argv + 1);
		printf("usage: weiyu %s %s\n%s\n", commands[i].name, commands[i].arguments, commands[i].what);
		return CLI_FINE;
	}
	const char *near = wy_nearest(argv[1], N_COMMANDS, command_name, NULL);
	fprintf(stderr, "weiyu: no command '%s'%s%s%s\n", argv[1], near ? "; did you mean '" : "",
		near ? near : "", near ? "'?" : "; try 'weiyu help'");
	return CLI_USAGE;
}

/* ---- What commands share ---------------------------------------------------------------------- */

static bool is_known(const char *const *known, const char *option)
{
	for (size_t i = 0; known[i]; i++)
		if (strcmp(known[i], option) == 0)
			return true;
	return false;
}

/* Takes one option with its value, if it has one. False: wrong. */
static bool take_option(int argc, char **argv, int *at, const char *const *known,
			struct cli_options *options)
{
	const char *option = argv[*at];
	bool has_value = strcmp(option, "-c") == 0 || strcmp(option, "--socket") == 0;

	if (strcmp(option, "-c") != 0 && !is_known(known, option)) {
		fprintf(stderr, "weiyu %s: unknown option '%s'\n", argv[0], option);
		return false;
	}
	if (has_value && *at + 1 >= argc) {
		fprintf(stderr, "weiyu %s: '%s' needs a path\n", argv[0], option);
		return false;
	}
	if (strcmp(option, "-c") == 0) {
		options->config = argv[++*at];
		options->is_config_given = true;
	} else if (strcmp(option, "--socket") == 0) {
		options->socket = argv[++*at];
	} else if (strcmp(option, "--json") == 0) {
		options->is_json = true;
	} else if (strcmp(option, "--all") == 0) {
		options->is_all = true;
	}
	return true;
}

bool cli_parse(int argc, char **argv, const char *const *known, struct cli_options *ret_options)
{
	const char *from_environment = getenv("WEIYU_CONFIG");
	struct cli_options options = {
		.config = from_environment ? from_environment : CLI_DEFAULT_CONFIG,
		.is_config_given = from_environment != NULL,
		.words = argv,
	};

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1]) {
			if (!take_option(argc, argv, &i, known, &options))
				return false;
		} else {
			/* Words move to the front; argv[0] has been read by now. */
			options.words[options.n_words++] = argv[i];
		}
	}
	*ret_options = options;
	return true;
}

struct cli_load *cli_load_new(void)
{
	struct cli_load *load = calloc(1, sizeof(*load));

	if (!load)
		return NULL;
	load->memory = malloc(WY_LOAD_ARENA_BYTES);
	if (!load->memory) {
		free(load);
		return NULL;
	}
	wy_arena_init(&load->arena, load->memory, WY_LOAD_ARENA_BYTES);
	wy_diags_init(&load->diags, &load->arena);
	return load;
}

void cli_load_free(struct cli_load *load)
{
	if (load)
		free(load->memory);
	free(load);
}

void cli_say(const struct wy_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		char text[2048];
		struct wy_buf buf;
		wy_buf_init(&buf, text, sizeof(text));
		wy_diag_print(&diags->item[i], &buf);
		fprintf(stderr, "%s\n", text);
	}
	size_t kept = diags->n;
	if (diags->errors + diags->warnings > kept)
		fprintf(stderr, "... and %zu more\n", diags->errors + diags->warnings - kept);
}

/* The socket named, or that of the gateway file. */
static bool find_socket(const struct cli_options *options, char *out, size_t size)
{
	const char *path = options->socket;
	struct cli_load *load = NULL;
	struct config *config = NULL;

	if (!path) {
		load = cli_load_new();
		if (load && config_load(options->config, &load->arena, &load->diags, &config) == WY_OK)
			path = config->socket;
		else if (load)
			cli_say(&load->diags);
	}
	bool is_found = path && strlen(path) < size;
	if (is_found)
		memcpy(out, path, strlen(path) + 1);
	cli_load_free(load);
	return is_found;
}

static char *ask_for(const struct cli_options *options, const char *request, wy_ms patience_ms)
{
	char path[512];
	char *answer = NULL;

	if (!find_socket(options, path, sizeof(path))) {
		fprintf(stderr, "weiyu: which gateway? name its file with -c or its socket with --socket\n");
		return NULL;
	}
	enum wy_err err = ctl_ask(path, request, patience_ms, &answer);
	if (err == WY_OK)
		return answer;
	fprintf(stderr, "weiyu: no answer at %s: %s%s\n", path, wy_err_text(err),
		err == WY_E_NOTFOUND || err == WY_E_LINK ? "; is the gateway running?" : "");
	return NULL;
}

char *cli_ask(const struct cli_options *options, const char *request)
{
	return ask_for(options, request, 5000);
}

char *cli_ask_patiently(const struct cli_options *options, const char *request)
{
	return ask_for(options, request, 60000);
}
