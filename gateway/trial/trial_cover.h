/* trial_cover.h: what the tests never made the rules do: a rule that never raised, a move of its states that never
 * happened, a condition that was never true, or never false, when it mattered.
 *
 * Observed from outside, after every turn. Tests of several files that use the same rule (by id) add up. */
#ifndef TRIAL_COVER_H
#define TRIAL_COVER_H

#include <stdio.h>

#include "trial.h"

struct trial_cover;

struct trial_cover *trial_cover_new(void); /* NULL without memory */
void trial_cover_free(struct trial_cover *cover);
/* A play of this test begins. WY_E_NOMEM: what follows is not noted. */
WY_MUST_CHECK enum wy_err trial_cover_begin(struct trial_cover *cover, const struct trial_test *test);
/* After a turn. */
void trial_cover_note(struct trial_cover *cover, const struct rule_engine *engine);
/* A line per thing that never happened, and the counts. */
void trial_cover_print(const struct trial_cover *cover, FILE *out);

#endif
