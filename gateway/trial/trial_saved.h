/* trial_saved.h: the saved state of an engine while it is away: what the store of a gateway would hold. */
#ifndef TRIAL_SAVED_H
#define TRIAL_SAVED_H

#include "rule.h"

struct trial_saved_cell {
	uint64_t hash; /* of the key */
	char *key;     /* owned; the bytes stand behind it in the same memory */
	void *bytes;
	size_t len;
};

struct trial_saved {
	struct trial_saved_cell *cells; /* owned */
	size_t n, room;
};

void trial_saved_clear(struct trial_saved *saved); /* empty, memory kept */
void trial_saved_release(struct trial_saved *saved);
/* Take the changed cells of an engine, or all; a cell taken before is replaced. */
WY_MUST_CHECK enum wy_err trial_saved_take(struct trial_saved *saved, struct rule_engine *engine, bool all);
/* Into a new engine. The key of the first cell that it does not take, or NULL. */
const char *trial_saved_give(const struct trial_saved *saved, struct rule_engine *engine);

#endif
