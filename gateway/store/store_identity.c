/* store_identity.c: whose store it is, and of which epoch: written once, read at each opening. */
#include "store_sql.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static enum wy_err new_epoch(uint64_t *ret_epoch)
{
	uint64_t epoch = 0;

	while (epoch == 0) {
		if (getrandom(&epoch, sizeof(epoch), 0) != (ssize_t)sizeof(epoch) && errno != EINTR)
			return WY_E_IO;
	}
	*ret_epoch = epoch;
	return WY_OK;
}

static enum wy_err write_identity(struct store *store, bool is_new)
{
	int64_t version = 0;
	enum wy_err err = store_ask(store, "PRAGMA user_version", &version);

	if (!err)
		err = store_put_number(store, "schema", version);
	if (!err && is_new)
		err = store_put_number(store, "epoch", (int64_t)store->epoch);
	if (!err && is_new)
		err = store_put_text(store, "gateway", store->gateway);
	if (!err && is_new)
		err = store_put_text(store, "epoch_reason", store->epoch_reason);
	if (!err && is_new)
		err = store_put_number(store, "losses", store->losses);
	return err ? err : store_seal_identity(store);
}

static enum wy_err keep_identity(struct store *store, bool is_new)
{
	enum wy_err err = is_new ? new_epoch(&store->epoch) : WY_OK;

	if (!err)
		err = store_begin(store);
	if (err)
		return err;
	err = write_identity(store, is_new);
	if (!err)
		return store_commit(store);
	store_abort(store);
	return err;
}

/* A name that was not damaged is refused; one that was is no name. */
static enum wy_err check_gateway(struct store *store, const char *gateway, struct store_place place)
{
	char owner[STORE_KEY_SIZE];
	enum wy_err err = store_get_text(store, "gateway", owner, sizeof(owner));

	if (err)
		return err == WY_E_NOTFOUND ? store_error(store, SQLITE_CORRUPT) : err;
	err = store_check_identity(store, owner, (int64_t)store->epoch);
	if (err && err != WY_E_NOTFOUND)
		return err;
	if (strcmp(owner, gateway) != 0) {
		store_say(place, "E707", "it belongs to another gateway; each gateway needs a directory of its own", owner);
		return WY_E_INVALID;
	}
	return err; /* NOTFOUND: no seal yet */
}

void store_set_reason(struct store *store, const char *reason)
{
	struct wy_buf buf;

	wy_buf_init(&buf, store->epoch_reason, sizeof(store->epoch_reason));
	wy_buf_add(&buf, reason);
}

static enum wy_err load_reason(struct store *store)
{
	int64_t losses = 0;
	enum wy_err err = store_get_text(store, "epoch_reason", store->epoch_reason, sizeof(store->epoch_reason));

	if (err == WY_E_NOTFOUND) {
		store_set_reason(store, "new"); /* an epoch of an earlier version */
		err = WY_OK;
	}
	if (!err)
		err = store_get_number(store, "losses", &losses);
	if (err && err != WY_E_NOTFOUND)
		return err;
	store->losses = losses > 0 && losses < UINT32_MAX ? (uint32_t)losses : 0;
	return WY_OK;
}

static bool is_schema_noted(struct store *store)
{
	int64_t version = 0, noted = 0;

	return store_ask(store, "PRAGMA user_version", &version) == WY_OK &&
	       store_get_number(store, "schema", &noted) == WY_OK && noted == version;
}

/* Of a store that is new: it has never given a number. */
static enum wy_err begin_epoch(struct store *store)
{
	uint64_t seq = 0;
	enum wy_err err = store_last_seq(store, &seq);

	if (err || seq > 0)
		return err ? err : store_error(store, SQLITE_CORRUPT);
	store->opening.kind = STORE_MADE_NEW;
	return keep_identity(store, true);
}

/* Identity is written once; afterwards opening changes nothing in the file. */
static enum wy_err load_identity(struct store *store, const char *gateway, struct store_place place)
{
	int64_t epoch = 0, turn = 0;
	enum wy_err err = store_get_number(store, "epoch", &epoch);

	if (err == WY_E_NOTFOUND && gateway)
		return begin_epoch(store);
	if (err)
		return err;
	store->epoch = (uint64_t)epoch;
	err = gateway ? check_gateway(store, gateway, place) : WY_OK;
	if (err && err != WY_E_NOTFOUND)
		return err;
	if (gateway && (err || !is_schema_noted(store)))
		err = keep_identity(store, false);
	if (!err)
		err = store_get_number(store, "turn", &turn);
	if (err && err != WY_E_NOTFOUND)
		return err;
	store->turn = (uint64_t)turn;
	return load_reason(store);
}

void store_set_gateway(struct store *store, const char *gateway, const char *reason)
{
	struct wy_buf buf;

	wy_buf_init(&buf, store->gateway, sizeof(store->gateway));
	wy_buf_add(&buf, gateway);
	store_set_reason(store, reason);
}

enum wy_err store_identify(struct store *store, const char *gateway, struct wy_diags *diags)
{
	return load_identity(store, gateway, (struct store_place){diags, store->dir});
}

const char *store_epoch_reason(const struct store *store)
{
	return store->epoch_reason;
}

uint32_t store_losses(const struct store *store)
{
	return store->losses;
}
