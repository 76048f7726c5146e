/* telling_read.h: the keys of a rule that say how it is told: chatter, recur, repeat, escalate, shelve, maintenance. */
#ifndef RX_TELLING_READ_H
#define RX_TELLING_READ_H

#include "keys.h"

/* After its levels are known. All mistakes are said. */
void rx_read_telling(struct rx_load *load, struct rx_rule *rule, const struct rx_rule_keys *keys);

#endif
