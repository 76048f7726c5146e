/* cmd_run.c: the gateway itself. */
#include <stdio.h>

#include "cli.h"
#include "run.h"

int cmd_run(int argc, char **argv)
{
	static const char *const known[] = {NULL};
	struct cli_options options;

	if (!cli_parse(argc, argv, known, &options))
		return CLI_USAGE;
	if (options.n_words) {
		fprintf(stderr, "weiyu run: takes no file but -c GATEWAY.yaml\n");
		return CLI_USAGE;
	}
	return (int)run_gateway(options.config);
}
