/* trial_order.c: what holds for every sequence of events, whatever a test expects. */
#include <stdlib.h>

#include "trial_run.h"

/* Events that may come for an instance that is not raised. */
static bool is_free_standing(enum rule_event_kind kind)
{
	return kind == RULE_RAISED || kind == RULE_SHELVED || kind == RULE_SHELF_ENDING || kind == RULE_UNSHELVED ||
	       kind == RULE_CHATTERING || kind == RULE_STEADY || kind == RULE_OUT_OF_SERVICE ||
	       kind == RULE_IN_SERVICE;
}

struct standing {
	bool is_open;
	uint8_t tier;
};

static const char *wrong_with(const struct standing *it, const struct trial_event *event)
{
	if (event->kind == RULE_RAISED && it->is_open)
		return "opens a second time without an end";
	if (!it->is_open && !is_free_standing(event->kind))
		return "has an event without an open ticket";
	if (event->onset_ms > event->at_ms && event->kind == RULE_RAISED)
		return "opens before its onset";
	if (it->is_open && event->tier != it->tier && event->kind != RULE_TIER)
		return "changes its tier in an event that is not 'tier'";
	return NULL;
}

void trial_check_order(const struct trial_test *test, struct trial_found *found)
{
	struct standing *standing = calloc(rule_instance_count(test->set) + 1, sizeof(*standing));
	wy_ms last_ms = 0;

	for (size_t i = 0; standing && i < found->n; i++) {
		const struct trial_event *event = &found->events[i];
		struct standing *it = &standing[event->instance];
		const char *wrong = event->at_ms < last_ms ? "tells of the past" : wrong_with(it, event);
		if (wrong) {
			char text[600];
			struct wy_buf buf;
			wy_buf_init(&buf, text, sizeof(text));
			trial_print_event(test, event, &buf);
			trial_problem_add(found, NULL, "the rules broke their own order: %s %s", text, wrong);
		}
		last_ms = event->at_ms;
		if (event->kind == RULE_RAISED)
			it->is_open = true;
		if (event->kind == RULE_RESOLVED || event->kind == RULE_CLOSED)
			it->is_open = false;
		it->tier = event->tier;
	}
	free(standing);
}
