/* trial_judge.h: what was found against what was expected, in words. */
#ifndef TRIAL_JUDGE_H
#define TRIAL_JUDGE_H

#include "trial_run.h"

struct trial_verdict {
	bool is_passed;
	struct wy_buf *words; /* borrowed: what is wrong, in lines; nothing where all is well */
	/* Where the first difference lies, for a look at the values there. */
	bool has_place;
	wy_ms at_ms;
	uint32_t rule, asset;
};

/* Judge one play of a test. verdict->words is set by the caller. */
void trial_judge(const struct trial_test *test, const struct trial_found *found, struct trial_verdict *verdict);

/* The same sequence, each event at most slack_ms away from where it was; with a slack, the order between
 * different instances does not matter. Else a difference in words. */
bool trial_is_same(const struct trial_test *test, const struct trial_found *a, const struct trial_found *b,
		   const wy_ms *slack_ms, struct wy_buf *words);

#endif
