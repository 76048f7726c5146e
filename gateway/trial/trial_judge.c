/* trial_judge.c: see trial_judge.h. The difference of two sequences is the usual longest common subsequence, so one
 * surplus ticket is one line and not a list that is wrong from there on. */
#include "trial_judge.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE_MAX = 4 << 20 };

/* ---- Events as text ------------------------------------------------------------------------ */

static void print_instance(const struct trial_test *test, uint32_t rule, uint32_t asset, const char *between,
			   struct wy_buf *buf)
{
	wy_buf_add(buf, rule_info_at(test->set, rule)->id);
	if (asset != TRIAL_ANY)
		wy_buf_addf(buf, "%s%s", between, test->world->assets[asset].id);
}

void trial_print_key(const struct rule_key *key, struct wy_buf *buf)
{
	if (key->is_keyed && key->is_other)
		wy_buf_add(buf, "other");
	else if (key->is_keyed && key->is_taken && key->word)
		wy_buf_add(buf, key->word);
	else if (key->is_keyed && key->is_taken)
		wy_buf_addf(buf, "%lld", (long long)key->value);
}

static void key_of(const struct trial_event *event, struct wy_buf *buf)
{
	if (event->key)
		wy_buf_add(buf, event->key);
	else
		trial_print_key(&event->found_key, buf);
}

static bool has_same_key(const struct trial_event *expected, const struct trial_event *found)
{
	char text[80];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	key_of(found, &buf);
	return !expected->key || strcmp(expected->key, text) == 0;
}

void trial_print_event(const struct trial_test *test, const struct trial_event *event, struct wy_buf *buf)
{
	char key[80];
	struct wy_buf key_buf;
	bool has_onset = event->onset_ms != WY_MS_NONE && event->kind == RULE_RAISED;

	wy_buf_add(buf, "{at: ");
	moment_print(buf, event->at_ms);
	if (event->to_ms != event->at_ms) {
		wy_buf_add(buf, "..");
		moment_print(buf, event->to_ms);
	}
	wy_buf_addf(buf, ", ev: %s, rule: ", rule_event_text(event->kind));
	print_instance(test, event->rule, event->asset, ", asset: ", buf);
	wy_buf_init(&key_buf, key, sizeof(key));
	key_of(event, &key_buf);
	if (key_buf.len)
		wy_buf_addf(buf, ", key: %s", key);
	if (event->tier)
		wy_buf_addf(buf, ", tier: S%u", event->tier);
	if (has_onset) {
		wy_buf_add(buf, ", onset: ");
		moment_print(buf, event->onset_ms);
	}
	if (event->other_rule != TRIAL_ANY) {
		wy_buf_add(buf, ", other: ");
		print_instance(test, event->other_rule, event->other_asset, "/", buf);
	}
	if (event->step >= 0)
		wy_buf_addf(buf, ", step: %lld", (long long)event->step);
	if (event->to)
		wy_buf_addf(buf, ", to: %s", event->to);
	if (event->until_ms != WY_MS_NONE) {
		wy_buf_add(buf, ", until: ");
		moment_print(buf, event->until_ms);
	}
	wy_buf_add(buf, event->is_maintenance ? ", maintenance: true" : "");
	wy_buf_add(buf, event->is_uncertain ? ", uncertain: true}" : "}");
}

/* ---- Sequences ----------------------------------------------------------------------------- */

static bool fits(const struct trial_event *expected, const struct trial_event *found)
{
	return found->kind == expected->kind && found->rule == expected->rule && found->at_ms >= expected->at_ms &&
	       found->at_ms <= expected->to_ms && (expected->asset == TRIAL_ANY || expected->asset == found->asset) &&
	       (!expected->tier || expected->tier == found->tier) && has_same_key(expected, found) &&
	       (expected->onset_ms == WY_MS_NONE || expected->onset_ms == found->onset_ms) &&
	       (expected->other_rule == TRIAL_ANY || expected->other_rule == found->other_rule) &&
	       (expected->other_asset == TRIAL_ANY || expected->other_asset == found->other_asset) &&
	       (expected->until_ms == WY_MS_NONE || expected->until_ms == found->until_ms) &&
	       (expected->step < 0 || expected->step == found->step) &&
	       (!expected->to || (found->to && strcmp(expected->to, found->to) == 0)) &&
	       (!expected->asks_maintenance || expected->is_maintenance == found->is_maintenance) &&
	       (!expected->asks_uncertain || expected->is_uncertain == found->is_uncertain);
}

/* Rows of the found sequence that the list speaks of. */
static size_t choose(const struct trial_test *test, const struct trial_found *found, size_t *chosen)
{
	size_t n = 0;

	for (size_t i = 0; i < found->n; i++) {
		bool is_meant = test->n_about == 0;
		for (size_t k = 0; k < test->n_about; k++)
			is_meant = is_meant || test->about[k] == found->events[i].rule;
		if (is_meant)
			chosen[n++] = i;
	}
	return n;
}

struct difference {
	const struct trial_test *test;
	const struct trial_event *expected, *found;
	const size_t *chosen; /* rows of found */
	size_t n_expected, n_chosen;
	uint16_t *table; /* [n_expected + 1][n_chosen + 1]: longest common part of what is left */
	struct trial_verdict *verdict;
};

static uint16_t *cell(struct difference *d, size_t e, size_t f)
{
	return &d->table[e * (d->n_chosen + 1) + f];
}

static const struct trial_event *found_at(const struct difference *d, size_t f)
{
	return &d->found[d->chosen[f]];
}

static void fill_table(struct difference *d)
{
	for (size_t e = d->n_expected; e-- > 0;)
		for (size_t f = d->n_chosen; f-- > 0;) {
			uint16_t down = *cell(d, e + 1, f), right = *cell(d, e, f + 1);
			if (fits(&d->expected[e], found_at(d, f)))
				*cell(d, e, f) = (uint16_t)(*cell(d, e + 1, f + 1) + 1);
			else
				*cell(d, e, f) = down > right ? down : right;
		}
}

static void say(struct difference *d, const char *sign, const struct trial_event *event)
{
	struct trial_verdict *v = d->verdict;

	wy_buf_addf(v->words, "  %s ", sign);
	trial_print_event(d->test, event, v->words);
	wy_buf_add(v->words, "\n");
	if (v->has_place || sign[0] == ' ')
		return;
	v->has_place = true;
	v->at_ms = event->at_ms;
	v->rule = event->rule;
	v->asset = event->asset;
}

static void say_rows(struct difference *d)
{
	size_t e = 0, f = 0;

	while (e < d->n_expected || f < d->n_chosen) {
		bool is_same = e < d->n_expected && f < d->n_chosen && fits(&d->expected[e], found_at(d, f));
		if (is_same) {
			say(d, " ", found_at(d, f));
			e++;
			f++;
		} else if (f == d->n_chosen || (e < d->n_expected && *cell(d, e + 1, f) >= *cell(d, e, f + 1))) {
			say(d, "- expected", &d->expected[e++]);
		} else {
			say(d, "+ found   ", found_at(d, f++));
		}
	}
}

static bool is_equal(const struct difference *d)
{
	bool is_same = d->n_expected == d->n_chosen;

	for (size_t i = 0; is_same && i < d->n_expected; i++)
		is_same = fits(&d->expected[i], found_at(d, i));
	return is_same;
}

static void judge_tickets(const struct trial_test *test, const struct trial_found *found,
			  struct trial_verdict *verdict)
{
	size_t *chosen = calloc(found->n + 1, sizeof(*chosen));
	struct difference d = {.test = test, .expected = test->tickets, .found = found->events, .chosen = chosen,
			       .n_expected = test->n_tickets, .verdict = verdict};

	if (!chosen) {
		verdict->is_passed = false;
		return;
	}
	d.n_chosen = choose(test, found, chosen);
	if (is_equal(&d)) {
		free(chosen);
		return;
	}
	verdict->is_passed = false;
	wy_buf_addf(verdict->words, "  %zu tickets expected, %zu found:\n", d.n_expected, d.n_chosen);
	bool is_small = (d.n_expected + 1) * (d.n_chosen + 1) < TABLE_MAX && d.n_expected < UINT16_MAX;
	d.table = is_small ? calloc((d.n_expected + 1) * (d.n_chosen + 1), sizeof(*d.table)) : NULL;
	if (d.table) {
		fill_table(&d);
		say_rows(&d);
	}
	free(d.table);
	free(chosen);
}

/* ---- Promises ------------------------------------------------------------------------------ */

static bool keeps(const struct trial_promise *promise, const struct trial_event *event)
{
	bool is_raise = event->kind == RULE_RAISED || (event->kind == RULE_TIER && promise->tier);

	return is_raise && event->rule == promise->rule &&
	       (promise->asset == TRIAL_ANY || promise->asset == event->asset) &&
	       (!promise->tier || promise->tier == event->tier) && event->at_ms >= promise->from_ms &&
	       event->at_ms <= promise->to_ms;
}

static void say_promise(const struct trial_test *test, const struct trial_promise *promise, struct wy_buf *buf)
{
	print_instance(test, promise->rule, promise->asset, " ", buf);
	if (promise->tier)
		wy_buf_addf(buf, " as S%u", promise->tier);
	if (promise->from_ms || promise->to_ms != WY_MS_NEVER) {
		wy_buf_add(buf, " between ");
		moment_print(buf, promise->from_ms);
		wy_buf_add(buf, " and ");
		moment_print(buf, promise->to_ms);
	}
}

static void judge_promise(const struct trial_test *test, const struct trial_found *found,
			  const struct trial_promise *promise, struct trial_verdict *verdict)
{
	const struct trial_event *kept = NULL;

	for (size_t i = 0; i < found->n && !kept; i++)
		kept = keeps(promise, &found->events[i]) ? &found->events[i] : NULL;
	if ((kept != NULL) == promise->is_raise)
		return;
	verdict->is_passed = false;
	wy_buf_add(verdict->words, promise->is_raise ? "  expected to raise: " : "  must not raise: ");
	say_promise(test, promise, verdict->words);
	wy_buf_add(verdict->words, "\n");
	for (size_t i = 0; i < found->n; i++) {
		const struct trial_event *event = &found->events[i];
		if (event->rule != promise->rule || (!promise->is_raise && event != kept))
			continue;
		wy_buf_add(verdict->words, "  + found    ");
		trial_print_event(test, event, verdict->words);
		wy_buf_add(verdict->words, "\n");
	}
	if (verdict->has_place || promise->asset == TRIAL_ANY)
		return;
	verdict->has_place = true;
	verdict->rule = promise->rule;
	verdict->asset = promise->asset;
	verdict->at_ms = kept ? kept->at_ms : (promise->to_ms < test->until_ms ? promise->to_ms : test->until_ms);
}

/* ---- The whole ----------------------------------------------------------------------------- */

static void judge_problems(const struct trial_found *found, struct trial_verdict *verdict)
{
	for (size_t i = 0; i < found->n_problems; i++) {
		const struct trial_problem *problem = &found->problems[i];
		verdict->is_passed = false;
		wy_buf_add(verdict->words, "  ");
		if (problem->node)
			wy_buf_addf(verdict->words, "%s:%u: ", problem->node->source->name, problem->node->line);
		wy_buf_addf(verdict->words, "%s\n", problem->text ? problem->text : "out of memory");
	}
	if (!found->is_cut)
		return;
	verdict->is_passed = false;
	wy_buf_addf(verdict->words, "  more than %u events; stopped there\n", WY_TRIAL_EVENTS_MAX);
}

void trial_judge(const struct trial_test *test, const struct trial_found *found, struct trial_verdict *verdict)
{
	verdict->is_passed = true;
	verdict->has_place = false;
	judge_problems(found, verdict);
	if (test->has_tickets)
		judge_tickets(test, found, verdict);
	for (size_t i = 0; i < test->n_promises; i++)
		judge_promise(test, found, &test->promises[i], verdict);
}

/* ---- Plays against each other --------------------------------------------------------------- */

static bool is_alike(const struct trial_event *a, const struct trial_event *b)
{
	return a->kind == b->kind && a->rule == b->rule && a->asset == b->asset && a->tier == b->tier &&
	       a->instance == b->instance && a->other_rule == b->other_rule && a->other_asset == b->other_asset &&
	       a->step == b->step && (a->to == b->to || (a->to && b->to && strcmp(a->to, b->to) == 0));
}

static bool is_near(const struct trial_event *a, const struct trial_event *b, const wy_ms *slack_ms)
{
	wy_ms most_ms = slack_ms ? slack_ms[a->rule] : 0;
	wy_ms moved_ms = a->at_ms > b->at_ms ? a->at_ms - b->at_ms : b->at_ms - a->at_ms;

	if (!slack_ms && (a->onset_ms != b->onset_ms || a->is_uncertain != b->is_uncertain))
		return false;
	return is_alike(a, b) && moved_ms <= most_ms;
}

static void say_moved(const struct trial_test *test, const struct trial_event *before, const struct trial_event *after,
		      struct wy_buf *words)
{
	if (before) {
		wy_buf_add(words, "  - before   ");
		trial_print_event(test, before, words);
		wy_buf_add(words, "\n");
	}
	if (after) {
		wy_buf_add(words, "  + now      ");
		trial_print_event(test, after, words);
		wy_buf_add(words, "\n");
	}
}

/* The next event of this instance from row `from` on. */
static const struct trial_event *next_of(const struct trial_found *found, uint32_t instance, size_t *from)
{
	while (*from < found->n)
		if (found->events[(*from)++].instance == instance)
			return &found->events[*from - 1];
	return NULL;
}

static bool is_same_instance(const struct trial_test *test, const struct trial_found *a, const struct trial_found *b,
			     uint32_t instance, const wy_ms *slack_ms, struct wy_buf *words)
{
	size_t i = 0, j = 0;

	for (;;) {
		const struct trial_event *x = next_of(a, instance, &i);
		const struct trial_event *y = next_of(b, instance, &j);
		if (!x && !y)
			return true;
		if (x && y && is_near(x, y, slack_ms))
			continue;
		say_moved(test, x, y, words);
		return false;
	}
}

bool trial_is_same(const struct trial_test *test, const struct trial_found *a, const struct trial_found *b,
		   const wy_ms *slack_ms, struct wy_buf *words)
{
	size_t n = a->n > b->n ? a->n : b->n;
	bool is_same = true;

	for (size_t i = 0; !slack_ms && i < n; i++) {
		const struct trial_event *x = i < a->n ? &a->events[i] : NULL;
		const struct trial_event *y = i < b->n ? &b->events[i] : NULL;
		if (x && y && is_near(x, y, NULL))
			continue;
		say_moved(test, x, y, words);
		return false;
	}
	for (uint32_t i = 0; slack_ms && i < rule_instance_count(test->set); i++)
		is_same = is_same_instance(test, a, b, i, slack_ms, words) && is_same;
	return is_same;
}
