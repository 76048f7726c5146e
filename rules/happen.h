/* happen.h: what the events of an instant mean to a rule of kind EVENT or PATTERN. */
#ifndef RX_HAPPEN_H
#define RX_HAPPEN_H

#include "rule_engine.h"

struct rx_seen {
	bool is_met; /* the event, or the last step of the pattern; then the three below are set */
	bool is_uncertain;
	enum rule_truth truth; /* an event: of its `if` */
	wy_ms onset_ms;
	wy_ms due_ms; /* look again then at the latest */
};

/* The events of an instant are seen once: asked again at the same instant nothing is met. A match moves on. For levels
 * there is nothing to see. */
struct rx_seen rx_happen(struct rule_engine *engine, uint32_t instance, struct rx_eval *ev);

#endif
