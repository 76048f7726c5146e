/* trial_proof.h: a test played again in other ways, all of which must come to the same. */
#ifndef TRIAL_PROOF_H
#define TRIAL_PROOF_H

#include "trial_run.h"

struct trial_proof {
	bool restarts; /* a restart after every turn: nothing may change */
	bool permutes; /* samples of one instant in other orders: nothing may change */
	double jitter; /* polls late by up to this share of their period, 0: none. Tickets stay the same and in the
			  order of their instance; each may move by its slack */
};

/* Plays the test again for each way asked, against what the plain play found. Words only where it differs. */
WY_MUST_CHECK enum wy_err trial_prove(const struct trial_test *test, const struct trial_proof *proof,
				      const struct trial_found *plain, struct wy_buf *words);

#endif
