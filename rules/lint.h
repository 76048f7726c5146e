/* lint.h: what is legal and yet cannot be meant. */
#ifndef RX_LINT_H
#define RX_LINT_H

#include "context.h"

/* A rule of which everything could be read: every class of its scope, with the defaults of the parameters. */
void rx_lint_rule(struct rx_load *load, const struct rx_rule *rule);
/* What depends on parameters, with those of one asset: values and the overrides they come from (NULL:
 * default), by use number. Mistakes are said at the override, each of one rule once: said[override] is 1 +
 * the rule that was named last. */
void rx_lint_values(struct rx_load *load, const struct rx_rule *rule, const struct rx_variant *variant,
		    const struct rx_const *values, const struct wy_override *const *from,
		    uint32_t *said);

#endif
