/* trial_proof.c: see trial_proof.h.
 *
 * Slack of a rule under jitter: a change is seen one poll later, or one earlier than where it was seen, so by up to
 * one period of the slowest point the rule reads and the jitter on top; where it reads none (silence, other rules),
 * of the slowest feed of the test. A hold or a clear adds nothing: both its ends move by that. Twice this, because a
 * raise may follow from another rule's. What moves in larger steps, such as the panes of a long window or noise at a
 * limit, has its own `slack` in the test. */
#include "trial_proof.h"

#include <stdlib.h>

#include "trial_judge.h"

enum { SEEDS = 3 };

static wy_ms slowest_feed(const struct trial_test *test)
{
	wy_ms poll_ms = 1000;

	for (size_t i = 0; i < test->n_feeds; i++)
		poll_ms = test->feeds[i].feed.poll_ms > poll_ms ? test->feeds[i].feed.poll_ms : poll_ms;
	return poll_ms;
}

static wy_ms poll_of(const struct trial_test *test, uint32_t asset, uint32_t point)
{
	for (size_t i = 0; i < test->n_feeds; i++)
		if (test->feeds[i].asset == asset && test->feeds[i].point == point)
			return test->feeds[i].feed.poll_ms;
	return 0;
}

/* [rules of the set]; NULL without memory. */
static wy_ms *slack_of(const struct trial_test *test, double jitter)
{
	size_t n = rule_count(test->set);
	wy_ms *slack_ms = calloc(n + 1, sizeof(*slack_ms));

	for (uint32_t i = 0; slack_ms && i < rule_instance_count(test->set); i++) {
		const struct rule_instance_info *info = rule_instance_at(test->set, i);
		for (size_t k = 0; k < info->n_points; k++) {
			wy_ms poll_ms = poll_of(test, info->asset, info->points[k]);
			if (poll_ms > slack_ms[info->rule])
				slack_ms[info->rule] = poll_ms;
		}
	}
	for (size_t i = 0; slack_ms && i < n; i++) {
		wy_ms poll_ms = slack_ms[i] ? slack_ms[i] : slowest_feed(test);
		slack_ms[i] = test->has_slack ? test->slack_ms : 2 * (wy_ms)((double)poll_ms * (1 + jitter)) + 1;
	}
	return slack_ms;
}

static enum wy_err play(const struct trial_test *test, const struct trial_mode *mode, const char *what,
			const struct trial_found *plain, const wy_ms *slack_ms, struct wy_buf *words)
{
	struct trial_found found;
	char memory[8192];
	struct wy_buf moved;

	wy_buf_init(&moved, memory, sizeof(memory));
	enum wy_err err = trial_run(test, mode, &found);
	bool is_same = trial_is_same(test, plain, &found, slack_ms, &moved);
	if (err || !is_same || found.n_problems > plain->n_problems) {
		wy_buf_addf(words, "  differs %s", what);
		if (!mode->restarts)
			wy_buf_addf(words, " (seed %llu)", (unsigned long long)mode->seed);
		wy_buf_addf(words, "%s%s:\n%s", err ? ": " : "", err ? wy_err_text(err) : "", memory);
		for (size_t i = 0; i < found.n_problems; i++)
			wy_buf_addf(words, "  %s\n", found.problems[i].text ? found.problems[i].text : "");
	}
	trial_found_release(&found);
	return err;
}

static enum wy_err prove_jitter(const struct trial_test *test, double jitter, const struct trial_found *plain,
				struct wy_buf *words)
{
	wy_ms *slack_ms = slack_of(test, jitter);
	struct trial_mode mode = {.jitter = jitter};
	struct trial_test loose = *test;
	enum wy_err err = slack_ms ? WY_OK : WY_E_NOMEM;

	/* Looks at states are of exact instants. */
	loose.n_states = 0;
	for (mode.seed = 1; !err && mode.seed <= SEEDS; mode.seed++)
		err = play(&loose, &mode, "when polls come late", plain, slack_ms, words);
	free(slack_ms);
	return err;
}

enum wy_err trial_prove(const struct trial_test *test, const struct trial_proof *proof,
			const struct trial_found *plain, struct wy_buf *words)
{
	struct trial_mode permuted = {.permutes = true};
	static const struct trial_mode restarted = {.restarts = true};
	enum wy_err err = WY_OK;

	if (proof->restarts)
		err = play(test, &restarted, "with a restart after every turn", plain, NULL, words);
	for (permuted.seed = 1; proof->permutes && !err && permuted.seed <= SEEDS; permuted.seed++)
		err = play(test, &permuted, "with samples in another order", plain, NULL, words);
	if (proof->jitter > 0 && !err)
		err = prove_jitter(test, proof->jitter, plain, words);
	return err;
}
