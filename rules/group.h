/* group.h: rules made of others, while the engine runs: groups of `correlate`, problems of `recur`. */
#ifndef RX_GROUP_H
#define RX_GROUP_H

#include "teller.h"

struct rx_group { /* the store keeps it behind the machine of its instance */
	bool is_begun;  /* enough members raised close enough; until the last of them is gone */
	wy_ms from_ms;  /* members since then are in it */
	uint64_t first; /* hash of the id of the asset that raised first */
};

/* May a member count: it raised, or would have but for the group itself. */
bool rx_group_has(const struct rx_teller *teller, const struct rx_machine *machine, const struct rx_group *group);
/* Looks at its members. True: it changed. */
bool rx_group_look(const struct rule_engine *engine, uint32_t instance, wy_ms now_ms, struct rx_group *group);
/* What groups an instance belongs to, as they stand. */
void rx_group_bonds(const struct rule_engine *engine, struct rx_subject *subject);

#endif
