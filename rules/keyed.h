/* keyed.h: rules with `by`: an instance for each value of a point at the instant of an event.
 *
 * Instances are made at load: max_keys of them and one more, the last, for all other values. Each has its own machine
 * and its own memories of calls that take events; such a call sees an event only in the instance whose key the
 * point has at that instant. A key takes a place when its value is first seen with an event. Where all are taken
 * the one unused for longest makes room, if it is calm and no window of the rule can still hold its events; else
 * the event goes to the last instance, and so does one whose key is unknown. */
#ifndef RX_KEYED_H
#define RX_KEYED_H

#include "context.h"

#define RX_NO_SLOT UINT32_MAX

struct rx_key {
	bool is_taken;
	int64_t value;
	wy_ms last_ms; /* its last event */
};

struct rx_rule_keys;

/* `by` and `max_keys`, before the conditions of a rule. */
void rx_read_by(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields);
/* After them: do they depend on the key? Lists the events. */
void rx_check_keyed(struct rx_scope *scope, struct rx_variant *variant);
/* Does it take an event? */
bool rx_takes_event(const struct rx_expr *call);

/* After the events of an asset are known and before keyed memories are brought up to date: whose they are. */
void rx_find_keys(struct rule_engine *engine, uint32_t asset);
/* The slot of a rule on an asset that sees the events of now; RX_NO_SLOT: none. */
uint32_t rx_slot_of_now(const struct rule_engine *engine, uint32_t asset, uint32_t rule);
/* A place nobody has taken: nothing can be true of it. */
bool rx_is_empty_place(const struct rule_engine *engine, const struct rx_instance *it);

#endif
