/* cases_test.c: every file of cases/ in three modes: punctual turns, late turns, and a restart after
 * every turn. All must give the events the file expects. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "case_play.h"

enum { CASES_MAX = 1000, OUT_BYTES = 65536 };

static char *names[CASES_MAX];

static void show_diags(const struct case_world *w)
{
	char text[2000];
	struct wy_buf buf;

	for (size_t i = 0; i < w->diags.n; i++) {
		wy_buf_init(&buf, text, sizeof(text));
		wy_diag_print(&w->diags.item[i], &buf);
		print_message("%s\n", text);
	}
}

static void events_are_as_the_file_expects(void **state)
{
	static const char *const modes[] = {"punctual", "late", "restart after every turn"};
	const char *name = *state;
	char path[600];
	struct case_world w;

	snprintf(path, sizeof(path), "%s/tests/rules/cases/%s", WY_SOURCE_DIR, name);
	if (!case_open(&w, path, NULL)) {
		show_diags(&w);
		fail_msg("%s does not compile", name);
	}
	for (unsigned mode = CASE_PUNCTUAL; mode <= CASE_RESTART; mode++) {
		char *text = malloc(OUT_BYTES);
		struct wy_buf out;
		wy_buf_init(&out, text, OUT_BYTES);
		case_play(&w, (enum case_mode)mode, &out);
		if (strcmp(text, case_text(&w, "expect")) != 0)
			fail_msg("%s (%s)\n--- expected\n%s--- found\n%s", name, modes[mode], case_text(&w, "expect"), text);
		free(text);
	}
	case_close(&w);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(void)
{
	static struct CMUnitTest tests[CASES_MAX];
	DIR *dir = opendir(WY_SOURCE_DIR "/tests/rules/cases");
	size_t n = 0;

	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
		const char *dot = strrchr(entry->d_name, '.');
		if (dot && strcmp(dot, ".case") == 0 && n < CASES_MAX)
			names[n++] = strdup(entry->d_name);
	}
	if (!n) {
		fprintf(stderr, "no cases found\n");
		return 1;
	}
	closedir(dir);
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){names[i], events_are_as_the_file_expects, NULL, NULL, names[i]};
	int failed = _cmocka_run_group_tests("rules_cases", tests, n, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	return failed;
}
