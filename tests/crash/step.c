/* step.c: see step.h. Steps are taken in the loop thread of the gateway, or the worker's of the desk: one thread each. */
#include "step.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS_MAX = 64 };

static struct {
	bool is_read;
	const char *name;
	size_t name_len;
	unsigned long n;
	const char *seen[STEPS_MAX]; /* literals of the callers */
	size_t n_seen;
} plan;

static void read_plan(void)
{
	const char *text = getenv("WEIYU_STEP");
	const char *colon = text ? strchr(text, ':') : NULL;

	plan.is_read = true;
	if (!colon)
		return;
	plan.name = text;
	plan.name_len = (size_t)(colon - text);
	plan.n = strtoul(colon + 1, NULL, 10);
}

static void note(const char *name)
{
	const char *path = getenv("WEIYU_STEPS");

	for (size_t i = 0; i < plan.n_seen; i++)
		if (plan.seen[i] == name)
			return;
	if (!path || plan.n_seen == STEPS_MAX)
		return;
	plan.seen[plan.n_seen++] = name;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	(void)dprintf(fd, "%s\n", name); /* one write: others of the street note theirs in the same file */
	close(fd);
}

void step(const char *name)
{
	if (!plan.is_read)
		read_plan();
	note(name);
	if (!plan.name || strlen(name) != plan.name_len || strncmp(name, plan.name, plan.name_len) != 0)
		return;
	if (plan.n > 0 && --plan.n == 0)
		kill(getpid(), SIGKILL);
}
