/* failing_store.c: see failing_store.h. */
#include "failing_store.h"

#include "store.h"

static struct {
	unsigned left;
	bool is_after, has_struck;
	enum wy_err err;
} plan = {.err = WY_E_IO};

void failing_store_set_err(enum wy_err err)
{
	plan.err = err;
}

void failing_store_set(unsigned n, bool is_after)
{
	plan.left = n;
	plan.is_after = is_after;
	plan.has_struck = false;
}

bool failing_store_struck(void)
{
	return plan.has_struck;
}

static bool strikes(void)
{
	if (!plan.left || --plan.left)
		return false;
	plan.has_struck = true;
	return true;
}

#define WRAP(name, params, args)                                                                    \
	enum wy_err __real_##name params;                                                            \
	enum wy_err __wrap_##name params;                                                            \
	enum wy_err __wrap_##name params                                                             \
	{                                                                                            \
		return strikes() ? plan.err : __real_##name args;                                     \
	}

WRAP(store_begin, (struct store *store), (store))
WRAP(store_next_seq, (struct store *store, uint64_t *ret_seq), (store, ret_seq))
WRAP(store_next_number, (struct store *store, uint32_t day, uint32_t *ret_number), (store, day, ret_number))
WRAP(store_put_clock, (struct store *store, const struct store_clock *clock), (store, clock))
WRAP(store_put_ticket, (struct store *store, const struct ticket *ticket, const char *body, size_t len),
     (store, ticket, body, len))
WRAP(store_put_cell, (struct store *store, const char *key, const void *bytes, size_t len),
     (store, key, bytes, len))
WRAP(store_put_learned, (struct store *store, const char *device, uint64_t origin, const char *facts),
     (store, device, origin, facts))
WRAP(store_put_event, (struct store *store, const struct store_event *event), (store, event))

enum wy_err __real_store_commit(struct store *store);
enum wy_err __wrap_store_commit(struct store *store);
enum wy_err __wrap_store_commit(struct store *store)
{
	if (!strikes())
		return __real_store_commit(store);
	if (plan.is_after)
		(void)!__real_store_commit(store);
	else
		store_abort(store);
	return plan.err;
}
