/* demo_files.h: the demo's files as deploy/demo.sh makes them, in a directory of their own. */
#ifndef DEMO_FILES_H
#define DEMO_FILES_H

#include "config.h"

struct demo_files {
	char dir[64];
	char gateway[128];
};

/* Fails the test where it cannot. */
void demo_files_make(struct demo_files *files);
void demo_files_remove(const struct demo_files *files);

#endif
