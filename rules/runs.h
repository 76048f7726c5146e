/* runs.h: what means and deviations over a window have in common.
 *
 * Of a level every value weighs as long as it stood: a run of one value is taken once, when it ends or its pane does, so
 * that a look in between adds nothing of its own. Samples are taken one each, at once. */
#ifndef RX_RUNS_H
#define RX_RUNS_H

#include "functions.h"
#include "memories.h"

/* x with this weight (ms of a level, 1 of a sample) joins the pane, in which all that came weighs `before`. */
typedef void (*rx_weigh_fn)(struct rx_mem_runs *m, unsigned slot, double x, double weight, double before);

bool rx_runs_update(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_runs *m, rx_weigh_fn weigh);
void rx_runs_account(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_runs *m, rx_weigh_fn weigh);
void rx_runs_resume(const struct rx_expr *call, struct rx_mem_runs *m, wy_ms down_ms, rx_weigh_fn weigh);
/* The panes an answer is made of: full ones of a level, else those that live. */
unsigned rx_runs_panes(struct rx_eval *ev, const struct rx_expr *call, const struct rx_mem_runs *m, uint8_t at[RX_PANES]);
/* What a pane weighs: ms known of a level, else samples. */
uint32_t rx_runs_weight(const struct rx_expr *call, const struct rx_mem_runs *m, unsigned slot);

#endif
