/* demo_files.c: see demo_files.h. */
#define _GNU_SOURCE
#include "demo_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const names[] = {"gateway.yaml", "site.yaml", "scenario.yaml"};

enum { NAMES = sizeof(names) / sizeof(*names) };

static const char *const substitutes[][2] = {
	{"@SOURCE@", WY_SOURCE_DIR}, {"@LIFT_PORT@", "1502"}, {"@DOOR_PORT@", "1503"},
	{"@FIRE_PORT@", "1504"},     {"@COAP_PORT@", "5684"}, {"@MQTT_PORT@", "8883"},
};

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(0, chmod(path, 0600));
}

static void substitute(const char *dir, const char *name)
{
	static char text[65536], out[65536];
	char path[300];

	snprintf(path, sizeof(path), WY_SOURCE_DIR "/deploy/demo/%s.in", name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	size_t n = 0;
	for (const char *at = text; *at;) {
		const char *by = NULL;
		size_t len = 1;
		for (size_t i = 0; i < sizeof(substitutes) / sizeof(*substitutes); i++)
			if (strncmp(at, substitutes[i][0], strlen(substitutes[i][0])) == 0) {
				by = substitutes[i][1];
				len = strlen(substitutes[i][0]);
			}
		if (strncmp(at, "@RUN@", 5) == 0) {
			by = dir;
			len = 5;
		}
		assert_true(n + 400 < sizeof(out));
		if (by)
			n += (size_t)snprintf(out + n, 400, "%s", by);
		else
			out[n++] = *at;
		at += len;
	}
	out[n] = '\0';
	put_file(dir, name, out);
}

void demo_files_make(struct demo_files *files)
{
	snprintf(files->dir, sizeof(files->dir), "/tmp/weiyu-demo-XXXXXX");
	assert_non_null(mkdtemp(files->dir));
	for (size_t i = 0; i < NAMES; i++)
		substitute(files->dir, names[i]);
	put_file(files->dir, "leak-7f.psk", "0123456789abcdef0123456789abcdef\n");
	snprintf(files->gateway, sizeof(files->gateway), "%s/gateway.yaml", files->dir);
}

void demo_files_remove(const struct demo_files *files)
{
	static const char *const made[] = {"gateway.yaml", "site.yaml", "scenario.yaml",
					   "leak-7f.psk"};

	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		char path[300];
		snprintf(path, sizeof(path), "%s/%s", files->dir, made[i]);
		unlink(path);
	}
	rmdir(files->dir);
}
