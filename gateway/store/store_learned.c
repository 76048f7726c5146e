/* store_learned.c: what drivers learned of devices, one text each. */
#include "store_sql.h"

static enum wy_err put(struct store *store, enum store_statement id, const char *device, uint64_t origin, const char *facts)
{
	struct store_binder binder = store_bind(store, id);

	store_bind_text(&binder, device);
	store_bind_int(&binder, (int64_t)origin);
	store_bind_text(&binder, facts);
	return store_write(&binder);
}

enum wy_err store_put_learned(struct store *store, const char *device, uint64_t origin, const char *facts)
{
	return put(store, STORE_LEARNED_PUT, device, origin, facts);
}

enum wy_err store_keep_learned(struct store *store, const char *device, uint64_t origin, const char *facts)
{
	return put(store, STORE_LEARNED_KEEP, device, origin, facts);
}

enum wy_err store_drop_learned(struct store *store, const char *device)
{
	struct store_binder binder = store_bind(store, STORE_LEARNED_DROP);

	store_bind_text(&binder, device);
	return store_write(&binder);
}

enum wy_err store_each_learned(struct store *store, store_learned_visit *visit, void *arg)
{
	struct store_binder binder = store_bind(store, STORE_LEARNED_EACH);
	bool is_going = true;
	enum wy_err err = store_row(&binder);

	while (err == WY_OK && is_going) {
		const char *device = (const char *)sqlite3_column_text(binder.stmt, 0);
		uint64_t origin = (uint64_t)sqlite3_column_int64(binder.stmt, 1);
		const char *facts = (const char *)sqlite3_column_text(binder.stmt, 2);

		if (!device || !facts) {
			err = WY_E_NOMEM;
			break;
		}
		is_going = visit(arg, device, origin, facts);
		if (is_going)
			err = store_row(&binder);
	}
	store_done(&binder);
	return err == WY_E_NOTFOUND ? WY_OK : err;
}
