/* cmd_version.c: this program and what it was built with: the first thing a report needs. */
#include <stdio.h>

#include "cli.h"

int cmd_version(int argc, char **argv)
{
	(void)argv;

	if (argc > 1) {
		fprintf(stderr, "weiyu version: takes no arguments\n");
		return CLI_USAGE;
	}
	printf("weiyu %s\nbuilt with %s\n", WY_VERSION, WY_LIBRARIES);
	return CLI_FINE;
}
