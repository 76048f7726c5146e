/* trial_report.c: see trial_report.h. */
#include "trial_report.h"

#include <stdlib.h>
#include <string.h>

bool trial_report_add(struct trial_report *report, const char *file, const char *name, const char *words)
{
	struct trial_line *larger = realloc(report->lines, (report->n + 1) * sizeof(*larger));

	if (!larger)
		return false;
	report->lines = larger;
	struct trial_line *line = &larger[report->n];
	*line = (struct trial_line){strdup(file), strdup(name), words ? strdup(words) : NULL};
	if (!line->file || !line->name || (words && !line->words)) {
		free(line->file);
		free(line->name);
		free(line->words);
		return false;
	}
	report->n++;
	report->n_failed += words != NULL;
	return true;
}

void trial_report_people(const struct trial_report *report, FILE *out)
{
	for (size_t i = 0; i < report->n; i++)
		if (report->lines[i].words)
			fprintf(out, "FAILED %s: %s\n%s\n", report->lines[i].file, report->lines[i].name,
				report->lines[i].words);
	fprintf(out, "%zu passed, %zu failed\n", report->n - report->n_failed, report->n_failed);
}

/* A '#' in a description would begin a directive. */
static void print_escaped(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '#' || *text == '\\')
			fputc('\\', out);
		fputc(*text == '\n' ? ' ' : *text, out);
	}
}

static void print_comment(const char *text, FILE *out)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		fprintf(out, "# %.*s\n", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

void trial_report_tap(const struct trial_report *report, FILE *out)
{
	fprintf(out, "TAP version 13\n1..%zu\n", report->n);
	for (size_t i = 0; i < report->n; i++) {
		const struct trial_line *line = &report->lines[i];
		fprintf(out, "%s %zu - ", line->words ? "not ok" : "ok", i + 1);
		print_escaped(line->file, out);
		fputs(": ", out);
		print_escaped(line->name, out);
		fputc('\n', out);
		if (line->words)
			print_comment(line->words, out);
	}
}

static void print_xml(const char *text, FILE *out)
{
	static const struct {
		char c;
		const char *entity;
	} entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\n', "&#10;"}};

	for (; *text; text++) {
		const char *entity = NULL;
		for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++)
			entity = *text == entities[i].c ? entities[i].entity : entity;
		if (entity)
			fputs(entity, out);
		else if ((unsigned char)*text >= ' ' || *text == '\t')
			fputc(*text, out);
	}
}

bool trial_report_junit(const struct trial_report *report, const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		return false;
	fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"weiyu test\" tests=\"%zu\" failures=\"%zu\">\n",
		report->n, report->n_failed);
	for (size_t i = 0; i < report->n; i++) {
		const struct trial_line *line = &report->lines[i];
		fputs("  <testcase classname=\"", out);
		print_xml(line->file, out);
		fputs("\" name=\"", out);
		print_xml(line->name, out);
		if (!line->words) {
			fputs("\"/>\n", out);
			continue;
		}
		fputs("\"><failure message=\"", out);
		print_xml(line->words, out);
		fputs("\"/></testcase>\n", out);
	}
	fputs("</testsuite>\n", out);
	return fclose(out) == 0;
}

void trial_report_release(struct trial_report *report)
{
	for (size_t i = 0; i < report->n; i++) {
		free(report->lines[i].file);
		free(report->lines[i].name);
		free(report->lines[i].words);
	}
	free(report->lines);
	*report = (struct trial_report){0};
}
