/* steps_desk.c: where the desk can be made to die between a message and its receipt. As steps_gateway.c. */
#include "link.h"
#include "step.h"
#include "store.h"

enum wy_err __real_store_take(struct store *store, struct event *event, wy_ms now_ms, enum store_fate *ret_fate);
enum wy_err __wrap_store_take(struct store *store, struct event *event, wy_ms now_ms, enum store_fate *ret_fate);
enum wy_err __wrap_store_take(struct store *store, struct event *event, wy_ms now_ms, enum store_fate *ret_fate)
{
	step("desk_take");
	enum wy_err err = __real_store_take(store, event, now_ms, ret_fate);
	step("desk_taken");
	return err;
}

enum wy_err __real_store_commit(struct store *store);
enum wy_err __wrap_store_commit(struct store *store);
enum wy_err __wrap_store_commit(struct store *store)
{
	step("desk_commit");
	enum wy_err err = __real_store_commit(store);
	step("desk_committed");
	return err;
}

enum wy_err __real_link_publish(struct link *link, const char *topic, const char *payload, uint32_t expiry_s,
				link_done_fn *done, void *arg);
enum wy_err __wrap_link_publish(struct link *link, const char *topic, const char *payload, uint32_t expiry_s,
				link_done_fn *done, void *arg);
enum wy_err __wrap_link_publish(struct link *link, const char *topic, const char *payload, uint32_t expiry_s,
				link_done_fn *done, void *arg)
{
	step("desk_receipt");
	enum wy_err err = __real_link_publish(link, topic, payload, expiry_s, done, arg);
	step("desk_receipted");
	return err;
}
