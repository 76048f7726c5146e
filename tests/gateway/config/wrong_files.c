/* wrong_files.c: see wrong_files.h. */
#define _GNU_SOURCE
#include "wrong_files.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HERE WY_SOURCE_DIR "/tests/gateway/config"

enum { ARENA_BYTES = 8 * 1024 * 1024, EXPECTED_MAX = 8, KINDS = 6 };

static const char *const kinds[KINDS] = {"site/1",  "classes/1", "faults/1",
					 "tiers/1", "profile/1", "rules/1"};
static const char *const own_files[KINDS] = {"site",  "classes", "faults",
					     "tiers", "profile", "rules"};

struct expected {
	unsigned line, column;
	char code[8], words[160];
};

static char *read_all(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = calloc(1, 65536);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

static unsigned read_expected(const char *text, struct expected *expected)
{
	unsigned n = 0;

	for (const char *line = text; strncmp(line, "# expect: ", 10) == 0;
	     line = strchr(line, '\n') + 1) {
		struct expected *e = &expected[n++];
		assert_true(n <= EXPECTED_MAX);
		assert_int_equal(4, sscanf(line, "# expect: %u:%u %7s %159[^\n]", &e->line,
					   &e->column, e->code, e->words));
	}
	return n;
}

/* The gateway file to load: the wrong one itself, or one that names it in its kind's place. */
static void write_gateway(const char *path, const char *text, char *gateway, size_t size)
{
	char names[KINDS][400];
	int kind = -1;

	for (int k = 0; k < KINDS; k++) {
		char first[40];
		snprintf(first, sizeof(first), "weiyu: %s", kinds[k]);
		if (strstr(text, first))
			kind = k;
		snprintf(names[k], sizeof(names[k]), HERE "/building/%s.yaml", own_files[k]);
	}
	if (kind < 0) {
		snprintf(gateway, size, "%s", path);
		return;
	}
	snprintf(names[kind], sizeof(names[kind]), "%s", path);
	snprintf(gateway, size, "/tmp/wrong-gateway-%d.yaml", (int)getpid());
	FILE *file = fopen(gateway, "w");
	assert_non_null(file);
	fprintf(file,
		"weiyu: gateway/1\ngateway: gw-test-01\nstate: state\nsite: %s\nclasses: "
		"[%s]\nfaults: [%s]\n"
		"tiers: %s\nprofiles: [%s]\nrules: [%s]\n"
		"uplink: {host: h, ca: a, certificate: b, key: c}\n",
		names[0], names[1], names[2], names[3], names[4], names[5]);
	fclose(file);
}

static bool is_as_expected(const struct wy_diag *diag, const struct expected *e)
{
	return diag->place.line == e->line && diag->place.column == e->column &&
	       strcmp(diag->code, e->code) == 0 && strstr(diag->text, e->words);
}

/* own_file: NULL where the mistake shows in a file the wrong one names. */
static unsigned compare(const char *path, const char *own_file, const struct wy_diags *diags,
			const struct expected *expected, unsigned n)
{
	bool is_met[EXPECTED_MAX] = {false};
	unsigned wrong = 0;

	for (size_t i = 0; i < diags->n; i++) {
		const struct wy_diag *diag = &diags->item[i];
		unsigned k = 0;
		while (k < n && (is_met[k] || !is_as_expected(diag, &expected[k])))
			k++;
		if (k < n && diag->file && (!own_file || strcmp(diag->file, own_file) == 0)) {
			is_met[k] = true;
			continue;
		}
		wrong++;
		fprintf(stderr, "%s: not expected: %s %u:%u %s %s\n", path,
			diag->file ? diag->file : "-", diag->place.line, diag->place.column,
			diag->code, diag->text);
	}
	for (unsigned k = 0; k < n; k++) {
		if (is_met[k])
			continue;
		wrong++;
		fprintf(stderr, "%s: not said: %u:%u %s %s\n", path, expected[k].line,
			expected[k].column, expected[k].code, expected[k].words);
	}
	return wrong;
}

static unsigned run_one(const char *path,
			enum wy_err (*compile)(const struct config *, struct wy_arena *,
					       struct wy_diags *, struct rule_set **))
{
	static struct wy_diags diags;
	struct expected expected[EXPECTED_MAX];
	char gateway[400];
	char *text = read_all(path);
	void *memory = malloc(ARENA_BYTES);
	struct config *config = NULL;
	struct rule_set *set = NULL;
	struct wy_arena arena;

	assert_non_null(memory);
	wy_arena_init(&arena, memory, ARENA_BYTES);
	wy_diags_init(&diags, &arena);
	unsigned n = read_expected(text, expected);
	write_gateway(path, text, gateway, sizeof(gateway));
	enum wy_err err = config_load(gateway, &arena, &diags, &config);
	if (!err && compile)
		err = compile(config, &arena, &diags, &set);
	unsigned wrong =
		compare(path, strcmp(gateway, path) == 0 ? NULL : path, &diags, expected, n);
	if (n == 0 || (err == WY_OK) != (diags.errors == 0)) {
		fprintf(stderr,
			"%s: nothing expected, or the result (%s) does not fit the messages\n",
			path, wy_err_text(err));
		wrong++;
	}
	if (strcmp(gateway, path) != 0)
		unlink(gateway);
	free(memory);
	free(text);
	return wrong;
}

unsigned wrong_files_run(const char *dir,
			 enum wy_err (*compile)(const struct config *config, struct wy_arena *arena,
						struct wy_diags *diags, struct rule_set **ret))
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, NULL, alphasort);
	unsigned run = 0, wrong = 0;

	for (int i = 0; i < n; i++) {
		char path[600];
		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		size_t len = strlen(path);
		if (len > 5 && strcmp(path + len - 5, ".yaml") == 0) {
			wrong += run_one(path, compile);
			run++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_int_equal(0, wrong);
	return run;
}
