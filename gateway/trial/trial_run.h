/* trial_run.h: a test, played once. */
#ifndef TRIAL_RUN_H
#define TRIAL_RUN_H

#include "trial.h"

struct trial_cover;

/* How a play differs from the plain one, in which nothing of this is set. */
struct trial_mode {
	bool restarts;       /* a new engine from the saved state after every turn */
	bool permutes;       /* samples of one instant in another order */
	double jitter;       /* polls come later by up to this share of their period */
	uint64_t seed;       /* of the order and the jitter */
	struct trial_cover *cover; /* what was taken is noted here; NULL: nobody asks */
	/* Stop at an instant and say what an instance sees; NULL: play to the end. */
	struct wy_buf *look;
	wy_ms look_ms;
	uint32_t look_rule, look_asset;
};

/* A look at a state, a command or an invariant that was not as expected. */
struct trial_problem {
	const struct wy_node *node; /* where it is expected; NULL: everywhere */
	char *text; /* owned */
};

struct trial_found {
	struct trial_event *events; /* owned; in their order */
	size_t n, room;
	struct trial_problem *problems; /* owned */
	size_t n_problems;
	bool is_cut; /* more than WY_TRIAL_EVENTS_MAX */
	uint64_t n_turns;
};

WY_MUST_CHECK enum wy_err trial_run(const struct trial_test *test, const struct trial_mode *mode,
				    struct trial_found *ret_found);
void trial_found_release(struct trial_found *found);
/* Keeps the first ones; without memory nothing. */
void trial_problem_add(struct trial_found *found, const struct wy_node *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What holds for every sequence of events: nothing before an open, exactly one end, one open ticket
 * of an instance at a time. */
void trial_check_order(const struct trial_test *test, struct trial_found *found);

#endif
