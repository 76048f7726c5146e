/* escalate.c: whom to tell of a ticket that does not move.
 *
 * A rule has a ladder of its own, or that of the tier its ticket has. Each step is told once, or is needless when its
 * time comes; which, stands in the state, so a restart repeats none and makes up for those that came due meanwhile.
 * Where a step makes the ticket more urgent the ladder of that tier goes on, and whom the first has told the second
 * does not tell again. */
#include <string.h>

#include "teller_parts.h"

static const struct wy_ladder *ladder_of(const struct rx_telling *t, uint8_t tier)
{
	if (t->rule->has_ladder)
		return &t->rule->ladder;
	return &t->s->set->world->escalation.of_tier[tier - 1];
}

static bool is_same(const struct wy_step *a, const struct wy_step *b)
{
	return a->unless == b->unless && strcmp(a->to, b->to) == 0;
}

void rx_change_ladder(struct rx_telling *t, uint8_t from_tier, uint8_t to_tier)
{
	const struct wy_ladder *from = ladder_of(t, from_tier);
	const struct wy_ladder *to = ladder_of(t, to_tier);
	uint8_t steps = 0;

	if (from == to)
		return;
	for (size_t i = 0; i < to->n; i++)
		for (size_t k = 0; k < from->n; k++)
			if ((t->teller->steps & 1u << k) && is_same(&from->steps[k], &to->steps[i]))
				steps |= (uint8_t)(1u << i);
	t->teller->steps = steps;
}

/* Being on the site is also taking notice, and having it. */
static bool is_needless(const struct rx_teller *teller, const struct wy_step *step)
{
	switch ((enum wy_unless)step->unless) {
	case WY_UNLESS_ACKED:
		return teller->is_acked || teller->is_on_site;
	case WY_UNLESS_ASSIGNED:
		return teller->is_assigned || teller->is_on_site;
	case WY_UNLESS_ON_SITE:
		return teller->is_on_site;
	case WY_UNLESS_RESOLVED:
		break;
	}
	return false;
}

static wy_ms due_of(const struct rx_telling *t, const struct wy_step *step)
{
	wy_ms offset_ms = t->s->wall_offset_ms;
	wy_ms elapsed_ms = t->teller->raised_ms + step->after_ms;

	/* Working hours are never faster than the clock. */
	if (!step->is_working || elapsed_ms > t->now_ms)
		return elapsed_ms;
	wy_ms wall_ms = rx_hours_after(t->rule->working ? t->rule->working : t->s->set->world->escalation.working,
				       &t->s->set->wall, t->teller->raised_ms + offset_ms, step->after_ms);
	return wall_ms == WY_MS_NEVER ? WY_MS_NEVER : wall_ms - offset_ms;
}

static void take_step(struct rx_telling *t, const struct wy_step *step, uint8_t index)
{
	if (step->tier)
		rx_force_tier(t->teller, step->tier);
	struct rule_event *event = rx_say(t, RULE_ESCALATED);
	event->step = index;
	event->to = step->to;
}

bool rx_escalate(struct rx_telling *t)
{
	const struct wy_ladder *ladder = ladder_of(t, t->teller->tier);
	bool is_any = false;

	for (uint8_t i = 0; i < ladder->n; i++) {
		const struct wy_step *step = &ladder->steps[i];
		if ((t->teller->steps & 1u << i) || is_needless(t->teller, step))
			continue;
		wy_ms due_ms = due_of(t, step);
		if (due_ms > t->now_ms) {
			rx_wake(t, due_ms);
			continue;
		}
		t->teller->steps |= (uint8_t)(1u << i);
		t->out->is_changed = is_any = true;
		take_step(t, step, i);
	}
	return is_any;
}
