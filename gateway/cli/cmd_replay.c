/* cmd_replay.c: readings of the past through the rules. Exit 0 fine, 1 mistakes, 2 usage. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay_tasks.h"

/* The log goes to stdout, unless something else is asked for there. */
static bool open_log(const struct replay_options *options, FILE **ret_log)
{
	*ret_log = options->is_stats || options->is_json ? NULL : stdout;
	if (!options->log)
		return true;
	*ret_log = fopen(options->log, "we");
	if (!*ret_log)
		fprintf(stderr, "weiyu replay: %s: cannot be written: %s\n", options->log, strerror(errno));
	return *ret_log != NULL;
}

static bool close_log(const struct replay_options *options, FILE *log)
{
	bool is_fine = !log || (fflush(log) == 0 && !ferror(log));

	if (!is_fine)
		fprintf(stderr, "weiyu replay: %s: cannot be written: %s\n", options->log ? options->log : "stdout",
			strerror(errno));
	if (log && log != stdout)
		(void)fclose(log);
	return is_fine;
}

static int run(const struct replay_options *options, struct replay_data *data)
{
	struct replay_world world;
	struct replay_session session = {.options = options, .world = &world, .data = data, .what = "replay"};

	if (!replay_world_open(&world, options, NULL, NULL, !data->is_recording))
		return CLI_FOUND;
	bool is_fine = open_log(options, &session.log);
	if (is_fine) {
		is_fine = replay_session_run(&session);
		if (is_fine && options->is_json)
			replay_show_json(&session);
		else if (is_fine && options->is_stats)
			replay_show_stats(&session);
		if (is_fine)
			replay_session_release(&session);
		is_fine = close_log(options, session.log) && is_fine;
	}
	replay_world_close(&world);
	return is_fine ? CLI_FINE : CLI_FOUND;
}

/* The word of a task and its own words go from the front; the rest is data. */
static void drop_words(struct replay_list *words, size_t n)
{
	words->n -= n;
	memmove(words->item, words->item + n, words->n * sizeof(*words->item));
}

static int usage(const char *text)
{
	fprintf(stderr, "usage: weiyu replay %s [OPTION...] [DATA...]\n", text);
	return CLI_USAGE;
}

static int run_task(struct replay_options *options)
{
	const char *word = options->words.n ? options->words.item[0] : "";
	const char *first = options->words.n > 1 ? options->words.item[1] : NULL;
	const char *second = options->words.n > 2 ? options->words.item[2] : NULL;
	bool is_diff = strcmp(word, "diff") == 0, is_why = strcmp(word, "why") == 0;
	struct replay_data data;
	int code;

	if (is_diff && !second)
		return usage("diff OLD NEW");
	if (is_why && (!first || !strchr(first, '/')))
		return usage("why RULE/ASSET[@TIME]");
	drop_words(&options->words, is_diff ? 3 : is_why ? 2 : 0);
	if (!replay_data_find(options, &data))
		return CLI_FOUND;
	if (is_diff)
		code = replay_diff(options, &data, first, second);
	else if (is_why)
		code = replay_why(options, &data, first);
	else
		code = options->sweep ? replay_sweep(options, &data) : run(options, &data);
	replay_data_release(&data);
	return code;
}

int cmd_replay(int argc, char **argv)
{
	struct replay_options *options = replay_options_read(argc, argv);
	int code = options ? run_task(options) : CLI_USAGE;

	free(options);
	return code;
}
