/* teller_parts.h: what the parts of the teller share. Private to teller.c, recurrence.c, shelf.c and escalate.c. */
#ifndef RX_TELLER_PARTS_H
#define RX_TELLER_PARTS_H

#include "teller.h"

struct rx_telling {
	const struct rx_subject *s;
	struct rx_teller *teller;
	const struct rx_rule *rule;
	wy_ms now_ms;
	struct rx_teller_out *out;
};

struct rule_event *rx_say(struct rx_telling *t, enum rule_event_kind kind);
/* Look again at at_ms at the latest. */
void rx_wake(struct rx_telling *t, wy_ms at_ms);
/* At least this severe from now on. */
void rx_force_tier(struct rx_teller *teller, uint8_t tier);

/* recurrence.c: how often it came. A raise that is told, or would be but for chatter. */
void rx_note_raise(struct rx_telling *t);
/* One that a group speaks for: a fault all the same, though not one to chatter about. */
void rx_note_absorbed(struct rx_telling *t);
/* Ends chatter after its quiet time. */
void rx_watch_chatter(struct rx_telling *t);

/* shelf.c */
void rx_watch_shelf(struct rx_telling *t, bool is_kept);
void rx_tell_shelf(struct rx_telling *t);
enum wy_err rx_shelve(struct rx_telling *t, const struct rule_order *order);
enum wy_err rx_unshelve(struct rx_telling *t);

/* escalate.c: steps of the ladder that are due. True: the tier may have changed by it. */
bool rx_escalate(struct rx_telling *t);
/* Steps already told in the ladder of one tier count as told in that of another. */
void rx_change_ladder(struct rx_telling *t, uint8_t from_tier, uint8_t to_tier);

#endif
