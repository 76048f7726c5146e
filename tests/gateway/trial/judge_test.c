/* judge_test.c: what was found against what was expected, and what no sequence of events may do. The events are made
 * up here, because the engine does not make wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trial_judge.h"

enum { ARENA_BYTES = 32 << 20 };

struct fixture {
	void *memory;
	struct wy_arena arena;
	struct wy_diags *diags;
	struct trial_file *file;
	struct trial_test test; /* without expectations; a test sets its own */
	struct wy_buf words;
	char text[8192];
};

static int open_file(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->memory = malloc(ARENA_BYTES);
	f->diags = malloc(sizeof(*f->diags));
	wy_arena_init(&f->arena, f->memory, ARENA_BYTES);
	wy_diags_init(f->diags, &f->arena);
	wy_buf_init(&f->words, f->text, sizeof(f->text));
	*state = f;
	if (trial_open(WY_SOURCE_DIR "/rules/packs/tests/water.test.yaml", &f->arena, f->diags, &f->file))
		return 1;
	f->test = (struct trial_test){.name = "t", .world = f->file->world, .set = f->file->set, .has_tickets = true,
				      .until_ms = 60000};
	return 0;
}

static int close_file(void **state)
{
	struct fixture *f = *state;

	free(f->diags);
	free(f->memory);
	free(f);
	return 0;
}

static struct trial_event event(const struct fixture *f, uint32_t instance, enum rule_event_kind kind, wy_ms at_ms)
{
	const struct rule_instance_info *info = rule_instance_at(f->test.set, instance);

	return (struct trial_event){.at_ms = at_ms, .to_ms = at_ms, .kind = kind, .rule = info->rule, .asset = info->asset,
				    .tier = 2, .onset_ms = at_ms - 10, .instance = instance, .other_rule = TRIAL_ANY,
				    .other_asset = TRIAL_ANY, .step = -1, .until_ms = WY_MS_NONE};
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
		n++;
	return n;
}

static bool judge(struct fixture *f, struct trial_event *expected, size_t n_expected, struct trial_event *found,
		  size_t n_found, struct trial_verdict *verdict)
{
	struct trial_found all = {.events = found, .n = n_found};

	f->test.tickets = expected;
	f->test.n_tickets = n_expected;
	*verdict = (struct trial_verdict){.words = &f->words};
	trial_judge(&f->test, &all, verdict);
	return verdict->is_passed;
}

static void one_surplus_event_is_one_line_wherever_it_stands(void **state)
{
	struct fixture *f = *state;
	struct trial_verdict verdict;
	struct trial_event expected[6], found[7];

	for (size_t surplus = 0; surplus < 7; surplus++) {
		size_t n = 0;
		for (size_t i = 0; i < 7; i++) {
			bool is_surplus = i == surplus;
			found[i] = event(f, is_surplus, i % 2 ? RULE_RESOLVED : RULE_RAISED, (wy_ms)i * 1000 + 1000);
			if (!is_surplus)
				expected[n++] = found[i];
		}
		wy_buf_init(&f->words, f->text, sizeof(f->text));
		assert_false(judge(f, expected, 6, found, 7, &verdict));
		assert_int_equal(count(f->text, "+ found"), 1);
		assert_int_equal(count(f->text, "- expected"), 0);
		assert_true(verdict.has_place && verdict.at_ms == (wy_ms)surplus * 1000 + 1000);
		/* And the other way round. */
		wy_buf_init(&f->words, f->text, sizeof(f->text));
		assert_false(judge(f, found, 7, expected, 6, &verdict));
		assert_int_equal(count(f->text, "+ found"), 0);
		assert_int_equal(count(f->text, "- expected"), 1);
	}
	assert_true(judge(f, found, 7, found, 7, &verdict));
}

static void the_order_of_events_matters(void **state)
{
	struct fixture *f = *state;
	struct trial_verdict verdict;
	struct trial_event two[2] = {event(f, 0, RULE_RAISED, 1000), event(f, 1, RULE_RAISED, 1000)};
	struct trial_event turned[2] = {two[1], two[0]};

	assert_true(judge(f, two, 2, two, 2, &verdict));
	assert_false(judge(f, two, 2, turned, 2, &verdict));
}

static void only_the_rules_it_is_about_are_compared(void **state)
{
	struct fixture *f = *state;
	struct trial_verdict verdict;
	struct trial_event found[2] = {event(f, 0, RULE_RAISED, 1000), event(f, 0, RULE_RAISED, 2000)};
	uint32_t about = found[0].rule;

	found[1].rule = about + 1;
	f->test.about = &about;
	f->test.n_about = 1;
	assert_true(judge(f, found, 1, found, 2, &verdict));
	about++;
	assert_false(judge(f, found, 1, found, 2, &verdict));
}

static size_t problems_of(struct fixture *f, const struct trial_event *events, size_t n)
{
	struct trial_found found = {0};
	size_t n_problems;

	found.events = calloc(n, sizeof(*events));
	found.n = n;
	memcpy(found.events, events, n * sizeof(*events));
	trial_check_order(&f->test, &found);
	n_problems = found.n_problems;
	trial_found_release(&found);
	return n_problems;
}

static void an_order_that_cannot_be_is_found(void **state)
{
	struct fixture *f = *state;
	const struct {
		enum rule_event_kind kinds[4];
		size_t n, problems;
	} rows[] = {
		{{RULE_RAISED, RULE_UNVERIFIED, RULE_VERIFIED, RULE_RESOLVED}, 4, 0},
		{{RULE_RAISED, RULE_LATCHED, RULE_CLOSED, RULE_RAISED}, 4, 0},
		{{RULE_SHELVED, RULE_RAISED, RULE_UNSHELVED, RULE_RESOLVED}, 4, 0},
		{{RULE_RAISED, RULE_RAISED}, 2, 1},
		{{RULE_RESOLVED}, 1, 1},
		{{RULE_TIER, RULE_RAISED}, 2, 1},
		{{RULE_RAISED, RULE_RESOLVED, RULE_RESOLVED}, 3, 1},
		{{RULE_RAISED, RULE_RESOLVED, RULE_UNVERIFIED}, 3, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct trial_event events[4];
		for (size_t k = 0; k < rows[i].n; k++)
			events[k] = event(f, 0, rows[i].kinds[k], 1000 * (wy_ms)k + 1000);
		assert_int_equal(problems_of(f, events, rows[i].n), rows[i].problems);
	}
}

static void a_tier_changes_in_no_other_event(void **state)
{
	struct fixture *f = *state;
	struct trial_event events[2] = {event(f, 0, RULE_RAISED, 1000), event(f, 0, RULE_UNVERIFIED, 2000)};

	assert_int_equal(problems_of(f, events, 2), 0);
	events[1].tier = 1;
	assert_int_equal(problems_of(f, events, 2), 1);
	events[1].kind = RULE_TIER;
	assert_int_equal(problems_of(f, events, 2), 0);
}

static void events_do_not_tell_of_the_past(void **state)
{
	struct fixture *f = *state;
	struct trial_event events[2] = {event(f, 0, RULE_RAISED, 2000), event(f, 1, RULE_RAISED, 1000)};

	assert_int_equal(problems_of(f, events, 2), 1);
}

static void plays_are_the_same_within_their_slack(void **state)
{
	struct fixture *f = *state;
	wy_ms *slack_ms = calloc(rule_count(f->test.set), sizeof(*slack_ms));
	struct trial_event before[2] = {event(f, 0, RULE_RAISED, 1000), event(f, 1, RULE_RAISED, 1000)};
	struct trial_event after[2] = {before[1], before[0]};
	struct trial_found a = {.events = before, .n = 2}, b = {.events = after, .n = 2};

	assert_true(trial_is_same(&f->test, &a, &a, NULL, &f->words));
	assert_false(trial_is_same(&f->test, &a, &b, NULL, &f->words));
	assert_true(trial_is_same(&f->test, &a, &b, slack_ms, &f->words)); /* no order between instances */
	after[1].at_ms = 1500;
	assert_false(trial_is_same(&f->test, &a, &b, slack_ms, &f->words));
	slack_ms[before[0].rule] = 500;
	assert_true(trial_is_same(&f->test, &a, &b, slack_ms, &f->words));
	b.n = 1;
	assert_false(trial_is_same(&f->test, &a, &b, slack_ms, &f->words));
	free(slack_ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_surplus_event_is_one_line_wherever_it_stands, open_file, close_file),
		cmocka_unit_test_setup_teardown(the_order_of_events_matters, open_file, close_file),
		cmocka_unit_test_setup_teardown(only_the_rules_it_is_about_are_compared, open_file, close_file),
		cmocka_unit_test_setup_teardown(an_order_that_cannot_be_is_found, open_file, close_file),
		cmocka_unit_test_setup_teardown(a_tier_changes_in_no_other_event, open_file, close_file),
		cmocka_unit_test_setup_teardown(events_do_not_tell_of_the_past, open_file, close_file),
		cmocka_unit_test_setup_teardown(plays_are_the_same_within_their_slack, open_file, close_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
