/* mbaps_keys_main.c: mbaps_keys FOLDER: the certificates for tests that are no C programs. */
#include <stdio.h>

#include "mbaps_keys.h"

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: mbaps_keys FOLDER\n");
		return 2;
	}
	mbaps_keys_make(argv[1]);
	return 0;
}
