/* trial_report.h: what a run of tests says: to people, as TAP, as JUnit XML. */
#ifndef TRIAL_REPORT_H
#define TRIAL_REPORT_H

#include <stdio.h>

#include "trial.h"

/* One test that was run. Texts are owned by the report. */
struct trial_line {
	char *file, *name, *words; /* words: NULL where it passed */
};

struct trial_report {
	struct trial_line *lines;
	size_t n, n_failed;
};

/* Copies all texts. False without memory. */
bool trial_report_add(struct trial_report *report, const char *file, const char *name, const char *words);
void trial_report_people(const struct trial_report *report, FILE *out); /* what failed, and the counts */
void trial_report_tap(const struct trial_report *report, FILE *out);    /* TAP version 13 */
bool trial_report_junit(const struct trial_report *report, const char *path);
void trial_report_release(struct trial_report *report);

#endif
