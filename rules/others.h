/* others.h: rules that look beyond their own asset, at run time.
 *
 * One turn is one picture: all inputs are in, then each asset that changed gives its part to the tallies of its class,
 * then memories and rules look. Whoever reads an asset, or asks a tally whose answer changed, looks again in the same
 * instant. Tallies follow from points and machines alone, so nothing of them is saved. */
#ifndef RX_OTHERS_H
#define RX_OTHERS_H

#include "rule_engine.h"

/* Memory of a new engine. False: no room. */
bool rx_others_begin(struct rule_engine *engine, struct wy_arena *arena);
/* Before the assets of an instant are brought up: their parts, and all who read them are marked as well. */
void rx_others_gather(struct rule_engine *engine);
/* After a restart, from what was put back. */
void rx_others_resume(struct rule_engine *engine);
/* A machine moved: tallies of alarm(). */
void rx_others_moved(struct rule_engine *engine, uint32_t instance);

#endif
