/* shelf.c: an operator puts a rule of one asset aside for a while. No new ticket meanwhile; what is raised already goes
 * on being told. A shelf ends at its time, at the latest after shelve.max, or with the next return. */
#include "teller_parts.h"

enum { ENDING_MS = 600000 }; /* so long before its forced end a shelf says so */

static void end_shelf(struct rx_telling *t)
{
	t->teller->is_shelved = false;
	t->teller->owed |= RX_OWES_UNSHELVED;
	t->out->is_changed = true;
}

void rx_watch_shelf(struct rx_telling *t, bool is_kept)
{
	struct rx_teller *teller = t->teller;

	if (!teller->is_shelved)
		return;
	/* The rule may allow less now than when it was shelved, or nothing. */
	if (teller->shelved_until_ms > t->now_ms + t->rule->shelve_max_ms)
		teller->shelved_until_ms = t->now_ms + t->rule->shelve_max_ms;
	if (is_kept != teller->is_shelf_used && is_kept) {
		teller->is_shelf_used = true;
		t->out->is_changed = true;
	}
	if (t->now_ms >= teller->shelved_until_ms || (teller->is_one_shot && teller->is_shelf_used && !is_kept)) {
		end_shelf(t);
		return;
	}
	rx_wake(t, teller->is_shelf_ending ? teller->shelved_until_ms : teller->shelved_until_ms - ENDING_MS);
}

void rx_tell_shelf(struct rx_telling *t)
{
	struct rx_teller *teller = t->teller;

	if (teller->owed & RX_OWES_UNSHELVED) {
		teller->owed &= (uint8_t)~RX_OWES_UNSHELVED;
		rx_say(t, RULE_UNSHELVED);
	}
	if (!teller->is_shelved || teller->is_shelf_ending || t->now_ms < teller->shelved_until_ms - ENDING_MS)
		return;
	teller->is_shelf_ending = true;
	rx_say(t, RULE_SHELF_ENDING)->until_ms = teller->shelved_until_ms;
	rx_wake(t, teller->shelved_until_ms);
}

enum wy_err rx_shelve(struct rx_telling *t, const struct rule_order *order)
{
	struct rx_teller *teller = t->teller;
	wy_ms most_ms = t->now_ms + t->rule->shelve_max_ms;

	if (!t->rule->shelve_max_ms)
		return WY_E_STATE;
	if (order->until_ms <= t->now_ms)
		return WY_E_INVALID;
	teller->is_shelved = true;
	teller->is_one_shot = order->is_one_shot;
	teller->is_shelf_used = rx_machine_is_kept(t->s->machine);
	teller->shelved_until_ms = order->until_ms < most_ms ? order->until_ms : most_ms;
	teller->is_shelf_ending = teller->shelved_until_ms - t->now_ms <= ENDING_MS;
	rx_say(t, RULE_SHELVED)->until_ms = teller->shelved_until_ms;
	return WY_OK;
}

enum wy_err rx_unshelve(struct rx_telling *t)
{
	if (!t->teller->is_shelved)
		return WY_E_STATE;
	end_shelf(t);
	rx_tell_shelf(t);
	return WY_OK;
}
