/* ladder.h: an escalation ladder as a rule and the tiers file write it:
 * [{after: 30min, unless: acked, to: dept_head, tier: S2, clock: working}]. */
#ifndef WY_LADDER_H
#define WY_LADDER_H

#include "diag.h"
#include "model.h"

/* Texts are copied to the arena. WY_E_INVALID: said in diags. WY_E_NOMEM: the arena is full. */
WY_MUST_CHECK enum wy_err wy_ladder_read(const struct wy_node *node, struct wy_arena *arena,
					 struct wy_ladder *ret_ladder, struct wy_diags *diags);

#endif
