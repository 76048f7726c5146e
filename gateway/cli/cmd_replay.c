/* cmd_replay.c: readings of the past through the rules. Exit 0 fine, 1 mistakes, 2 usage. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay_session.h"

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

	if (!replay_world_open(&world, options, &options->rules, !data->is_recording))
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

int cmd_replay(int argc, char **argv)
{
	struct replay_options *options = replay_options_read(argc, argv);
	struct replay_data data;

	if (!options)
		return CLI_USAGE;
	int code = CLI_FOUND;
	if (replay_data_find(options, &data)) {
		code = run(options, &data);
		replay_data_release(&data);
	}
	free(options);
	return code;
}
