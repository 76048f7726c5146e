/* recurrence.c: how often a rule raised: chatter, recurrence, and a trouble that came back.
 *
 * Instants of raises stand in two short rings: the last ones of all for chatter, and those that count as a fault of
 * their own for `recur`. A burst, raises less than chatter.per apart, is one fault however long it lasts. */
#include <string.h>

#include "teller_parts.h"

static void push(wy_ms *ring, uint8_t *n, size_t room, wy_ms at_ms)
{
	if (!room)
		return;
	if (*n == room) {
		memmove(ring, ring + 1, (room - 1) * sizeof(*ring));
		--*n;
	}
	ring[(*n)++] = at_ms;
}

static bool is_full_within(const wy_ms *ring, uint8_t n, size_t room, wy_ms within_ms, wy_ms now_ms)
{
	return room && n == room && ring[0] > now_ms - within_ms;
}

static void note_chatter(struct rx_telling *t)
{
	const struct rx_chatter *chatter = &t->rule->chatter;
	struct rx_teller *teller = t->teller;

	push(t->s->raises, &teller->n_raises, chatter->max, t->now_ms);
	if (teller->is_chattering ||
	    !is_full_within(t->s->raises, teller->n_raises, chatter->max, chatter->per_ms, t->now_ms))
		return;
	teller->is_chattering = true;
	teller->owed |= RX_OWES_CHATTERING;
}

static void note_recurrence(struct rx_telling *t)
{
	const struct rx_recur *recur = &t->rule->recur;
	struct rx_teller *teller = t->teller;

	/* While its problem is open the count stands: it begins anew after that. */
	if (teller->is_recurring)
		return;
	push(t->s->repeats, &teller->n_repeats, recur->count, t->now_ms);
	if (!is_full_within(t->s->repeats, teller->n_repeats, recur->count, recur->within_ms, t->now_ms))
		return;
	if (recur->problem == RX_NO_RULE)
		rx_force_tier(teller, recur->tier);
	else
		teller->is_recurring = true;
}

void rx_note_raise(struct rx_telling *t)
{
	struct rx_teller *teller = t->teller;
	const struct wy_repeat *repeat = &t->s->set->world->escalation.repeat;
	bool is_burst = teller->has_raised && t->now_ms - teller->last_ms < t->rule->chatter.per_ms;
	bool is_back = teller->has_ended && t->now_ms - teller->ended_ms < repeat->within_ms;

	/* Within a burst the trouble is the same one: it keeps what it had. */
	if (!teller->is_raised && !is_burst)
		teller->tiers_up = is_back && !t->rule->is_repeat_free ? repeat->tiers_up : 0;
	note_chatter(t);
	if (!is_burst)
		note_recurrence(t);
	teller->has_raised = true;
	teller->last_ms = t->now_ms;
	t->out->is_changed = true;
}

void rx_note_absorbed(struct rx_telling *t)
{
	struct rx_teller *teller = t->teller;

	if (!teller->has_raised || t->now_ms - teller->last_ms >= t->rule->chatter.per_ms)
		note_recurrence(t);
	teller->has_raised = true;
	teller->last_ms = t->now_ms;
	t->out->is_changed = true;
}

void rx_watch_chatter(struct rx_telling *t)
{
	struct rx_teller *teller = t->teller;

	if (!teller->is_chattering)
		return;
	wy_ms quiet_ms = teller->last_ms + t->rule->chatter.quiet_ms;
	if (quiet_ms > t->now_ms) {
		rx_wake(t, quiet_ms);
		return;
	}
	teller->is_chattering = false;
	/* What began and ended before anybody heard of it is not told. */
	teller->owed ^= teller->owed & RX_OWES_CHATTERING ? RX_OWES_CHATTERING : RX_OWES_STEADY;
	t->out->is_changed = true;
}
