/* hours.h: times of the week as rule packages and the tiers file write them:
 * {days: mon-fri, from: "08:30", to: "17:30", except: holidays}. */
#ifndef WY_HOURS_H
#define WY_HOURS_H

#include "diag.h"
#include "model.h"

/* WY_E_INVALID: said in diags. */
WY_MUST_CHECK enum wy_err wy_hours_read(const struct wy_node *node, struct wy_hours *ret_hours,
					struct wy_diags *diags);

#endif
