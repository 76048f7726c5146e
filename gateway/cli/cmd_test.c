/* cmd_test.c: test files of rules. Needs no gateway: a test file names all it wants. Exit 0 all passed, 1 something
 * failed, 2 wrong usage or a file that cannot be used. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "trial_cover.h"
#include "trial_judge.h"
#include "trial_proof.h"
#include "trial_report.h"

enum { WORDS_BYTES = 64 * 1024 };

struct test_options {
	bool lists, shows, is_tap, covers;
	struct trial_proof proof;
	const char *junit, *filter;
	char **files;
	int n_files;
};

struct test_run {
	const struct test_options *options;
	struct trial_report report;
	struct trial_cover *cover; /* NULL: not asked for */
	char *words_memory; /* [WORDS_BYTES] */
	bool is_unusable;   /* some file could not be read */
	bool is_terminal;
};

/* ---- Options ------------------------------------------------------------------------------- */

enum option { OPT_LIST, OPT_TICKETS, OPT_TAP, OPT_JUNIT, OPT_FILTER, OPT_RESTART, OPT_PERMUTE, OPT_JITTER, OPT_COVERAGE };

static const struct {
	const char *name;
	enum option option;
	bool has_value;
} option_rows[] = {
	{"--list", OPT_LIST, false},   {"--tickets", OPT_TICKETS, false}, {"--tap", OPT_TAP, false},
	{"--junit", OPT_JUNIT, true}, {"--filter", OPT_FILTER, true},
	{"--restart-everywhere", OPT_RESTART, false}, {"--permute", OPT_PERMUTE, false},
	{"--jitter", OPT_JITTER, true}, {"--coverage", OPT_COVERAGE, false},
};

enum { OPTION_ROWS = sizeof(option_rows) / sizeof(*option_rows) };

static const char *option_name(const void *arg, size_t i)
{
	(void)arg;
	return option_rows[i].name;
}

/* "20%", "12.5%" */
static bool take_share(const char *text, double *ret_share)
{
	size_t len = strlen(text);
	double percent;

	if (!len || text[len - 1] != '%' || wy_parse_real(text, len - 1, &percent) || percent <= 0 || percent > 90) {
		fprintf(stderr, "weiyu test: --jitter is a share of the poll period such as 20%%, at most 90%%; found '%s'\n",
			text);
		return false;
	}
	*ret_share = percent / 100;
	return true;
}

static bool take_option(struct test_options *options, enum option option, const char *value)
{
	switch (option) {
	case OPT_LIST:
		options->lists = true;
		break;
	case OPT_TICKETS:
		options->shows = true;
		break;
	case OPT_TAP:
		options->is_tap = true;
		break;
	case OPT_JUNIT:
		options->junit = value;
		break;
	case OPT_FILTER:
		options->filter = value;
		break;
	case OPT_RESTART:
		options->proof.restarts = true;
		break;
	case OPT_PERMUTE:
		options->proof.permutes = true;
		break;
	case OPT_JITTER:
		return take_share(value, &options->proof.jitter);
	case OPT_COVERAGE:
		options->covers = true;
		break;
	}
	return true;
}

static bool parse_option(int argc, char **argv, int *at, struct test_options *options)
{
	size_t i = 0;

	while (i < OPTION_ROWS && strcmp(option_rows[i].name, argv[*at]) != 0)
		i++;
	if (i == OPTION_ROWS) {
		const char *near = wy_nearest(argv[*at], OPTION_ROWS, option_name, NULL);
		fprintf(stderr, "weiyu test: unknown option '%s'%s%s%s\n", argv[*at], near ? "; did you mean '" : "",
			near ? near : "", near ? "'?" : "");
		return false;
	}
	if (option_rows[i].has_value && *at + 1 >= argc) {
		fprintf(stderr, "weiyu test: '%s' needs a value\n", argv[*at]);
		return false;
	}
	return take_option(options, option_rows[i].option, option_rows[i].has_value ? argv[++*at] : NULL);
}

static bool parse_options(int argc, char **argv, struct test_options *options)
{
	*options = (struct test_options){.files = argv};
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			options->files[options->n_files++] = argv[i]; /* words move to the front */
		else if (!parse_option(argc, argv, &i, options))
			return false;
	}
	if (!options->n_files)
		fprintf(stderr, "weiyu test: name at least one test file\n");
	return options->n_files > 0;
}

/* ---- One test ------------------------------------------------------------------------------ */

static void show_tickets(const struct trial_test *test, const struct trial_found *found)
{
	printf("%s\n", test->name);
	for (size_t i = 0; i < found->n; i++) {
		char text[600];
		struct wy_buf buf;
		wy_buf_init(&buf, text, sizeof(text));
		trial_print_event(test, &found->events[i], &buf);
		printf("      - %s\n", text);
	}
}

/* A second play, up to the first difference: what did the rule see there? */
static void look(const struct trial_test *test, struct trial_verdict *verdict)
{
	struct trial_mode mode = {.look = verdict->words, .look_ms = verdict->at_ms, .look_rule = verdict->rule,
				  .look_asset = verdict->asset};
	struct trial_found found;

	if (!verdict->has_place || verdict->asset == TRIAL_ANY || verdict->at_ms > test->until_ms)
		return;
	if (trial_run(test, &mode, &found))
		wy_buf_add(verdict->words, "  (no memory for a look at the values)\n");
	trial_found_release(&found);
}

static void add_line(struct test_run *run, const struct trial_file *file, const struct trial_test *test,
		     const struct wy_buf *words)
{
	if (!trial_report_add(&run->report, file->path, test->name, words->len ? words->text : NULL))
		run->is_unusable = true;
}

static void run_test(struct test_run *run, const struct trial_file *file, const struct trial_test *test)
{
	const struct trial_mode plain = {.cover = run->cover};
	struct wy_buf words;
	struct trial_found found;
	struct trial_verdict verdict = {.words = &words};

	wy_buf_init(&words, run->words_memory, WORDS_BYTES);
	enum wy_err err = trial_run(test, &plain, &found);
	trial_judge(test, &found, &verdict);
	if (!err && !verdict.is_passed)
		look(test, &verdict);
	else if (!err)
		err = trial_prove(test, &run->options->proof, &found, &words);
	if (err)
		wy_buf_addf(&words, "  cannot be played to its end: %s\n", wy_err_text(err));
	if (!err && run->options->shows)
		show_tickets(test, &found);
	add_line(run, file, test, &words);
	trial_found_release(&found);
}

/* ---- Files --------------------------------------------------------------------------------- */

static void progress(const struct test_run *run, const struct trial_file *file, size_t i)
{
	if (run->is_terminal)
		fprintf(stderr, "\r\033[K%s %zu/%zu", file->path, i + 1, file->n_tests);
}

static void end_progress(const struct test_run *run)
{
	if (run->is_terminal)
		fputs("\r\033[K", stderr);
}

static void run_file(struct test_run *run, const char *path)
{
	struct cli_load *load = cli_load_new();
	struct trial_file *file = NULL;

	if (!load) {
		fprintf(stderr, "weiyu test: out of memory\n");
		run->is_unusable = true;
		return;
	}
	enum wy_err err = trial_open(path, &load->arena, &load->diags, &file);
	cli_say(&load->diags);
	run->is_unusable = run->is_unusable || err;
	for (size_t i = 0; !err && i < file->n_tests; i++) {
		const struct trial_test *test = &file->tests[i];
		if (run->options->filter && !strstr(test->name, run->options->filter))
			continue;
		if (run->options->lists) {
			printf("%s: %s\n", path, test->name);
			continue;
		}
		progress(run, file, i);
		run_test(run, file, test);
	}
	end_progress(run);
	cli_load_free(load);
}

static enum cli_exit report(struct test_run *run)
{
	const struct test_options *options = run->options;

	if (options->lists)
		return run->is_unusable ? CLI_USAGE : CLI_FINE;
	if (options->junit && !trial_report_junit(&run->report, options->junit)) {
		fprintf(stderr, "weiyu test: '%s' cannot be written\n", options->junit);
		run->is_unusable = true;
	}
	if (options->is_tap)
		trial_report_tap(&run->report, stdout);
	else
		trial_report_people(&run->report, stdout);
	if (run->cover)
		trial_cover_print(run->cover, options->is_tap ? stderr : stdout);
	if (!run->report.n && !run->is_unusable) {
		fprintf(stderr, "weiyu test: no test%s%s%s\n", options->filter ? " has '" : "",
			options->filter ? options->filter : "", options->filter ? "' in its name" : "");
		return CLI_USAGE;
	}
	if (run->is_unusable)
		return CLI_USAGE;
	return run->report.n_failed ? CLI_FOUND : CLI_FINE;
}

int cmd_test(int argc, char **argv)
{
	struct test_options options;
	struct test_run run = {.options = &options, .is_terminal = isatty(STDERR_FILENO)};

	if (!parse_options(argc, argv, &options))
		return CLI_USAGE;
	run.words_memory = malloc(WORDS_BYTES);
	run.cover = options.covers ? trial_cover_new() : NULL;
	if (!run.words_memory || (options.covers && !run.cover)) {
		fprintf(stderr, "weiyu test: out of memory\n");
		free(run.words_memory);
		return CLI_USAGE;
	}
	for (int i = 0; i < options.n_files; i++)
		run_file(&run, options.files[i]);
	enum cli_exit exit_code = report(&run);
	trial_report_release(&run.report);
	trial_cover_free(run.cover);
	free(run.words_memory);
	return exit_code;
}
