/* learned.c: what drivers learned of devices, from one life of the process to the next.
 *
 * It is kept when it changes and never else. It holds for one device behind one map: each text carries the hash of the
 * profile's file and of the place the device is asked at, and is forgotten when either is another. */
#include "engine_internal.h"

#include <string.h>

#include "log.h"

#define HASH_START UINT64_C(14695981039346656037)

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * UINT64_C(1099511628211);
	return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return text ? hash_bytes(hash, text, strlen(text) + 1) : hash;
}

/* What the facts are about. */
static uint64_t origin_of(const struct config *config, uint32_t device)
{
	const struct sensor_device_conf *conf = &config->devices[device];
	const struct sensor_wire_conf *wire = &config->wires[conf->wire];
	const struct wy_source *source = conf->profile->node ? conf->profile->node->source : NULL;
	uint64_t hash = source ? hash_bytes(HASH_START, source->text, source->len) : HASH_START;

	hash = hash_text(hash, wire->host);
	hash = hash_text(hash, wire->tty);
	hash = hash_bytes(hash, &wire->port, sizeof(wire->port));
	return hash_bytes(hash, &conf->unit_id, sizeof(conf->unit_id));
}

/* ---- Back from the store -------------------------------------------------------------------------- */

struct recall {
	struct config *config;
	struct wy_arena *arena;
	bool is_full;
	size_t n_old;          /* rows that mean nothing any more */
	const char *old[64];   /* the first of them, in the arena; more are dropped at the next start */
};

static const char *keep_text(struct recall *recall, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = wy_arena_alloc(recall->arena, size);

	recall->is_full = recall->is_full || !copy;
	return copy ? memcpy(copy, text, size) : NULL;
}

static bool recall_one(void *arg, const char *device, uint64_t origin, const char *facts)
{
	struct recall *recall = arg;
	size_t d = config_find_device(recall->config, device);

	if (d != SIZE_MAX && origin == origin_of(recall->config, (uint32_t)d))
		config_set_learned(recall->config, (uint32_t)d, keep_text(recall, facts));
	else if (recall->n_old < sizeof(recall->old) / sizeof(*recall->old))
		recall->old[recall->n_old++] = keep_text(recall, device);
	return !recall->is_full;
}

static enum wy_err drop_old(struct store *store, const struct recall *recall)
{
	enum wy_err err = store_begin(store);

	for (size_t i = 0; !err && i < recall->n_old; i++)
		err = store_drop_learned(store, recall->old[i]);
	if (!err)
		return store_commit(store);
	store_abort(store);
	return err;
}

enum wy_err engine_recall_learned(struct store *store, struct config *config, struct wy_arena *arena)
{
	struct recall recall = {.config = config, .arena = arena};
	enum wy_err err = store_each_learned(store, recall_one, &recall);

	if (!err && recall.is_full)
		return WY_E_NOMEM;
	return err || !recall.n_old ? err : drop_old(store, &recall);
}

/* ---- In a turn ------------------------------------------------------------------------------------ */

enum wy_err learned_new(struct engine *engine)
{
	const struct config *config = engine->parts.config;

	engine->learned = wy_arena_array(engine->parts.arena, config->n_devices, sizeof(*engine->learned));
	if (!engine->learned)
		return WY_E_NOMEM;
	for (size_t d = 0; d < config->n_devices; d++)
		engine->learned[d] = hash_text(HASH_START, config->devices[d].learned);
	return WY_OK;
}

void learned_keep(struct engine *engine, const struct sensor_report *report)
{
	const struct config *config = engine->parts.config;
	uint64_t hash = hash_text(HASH_START, report->learned);

	if (!report->learned || hash == engine->learned[report->device])
		return;
	enum wy_err err = engine_write(engine);
	if (!err)
		err = store_put_learned(engine->parts.store, config->devices[report->device].id,
					origin_of(config, report->device), report->learned);
	if (err) {
		engine_break(engine, "keeping what was learned of a device", err);
		return;
	}
	engine->learned[report->device] = hash;
	log_line(LOG_INFO, "device_learned", "device=%s facts=\"%s\"", config->devices[report->device].id, report->learned);
}
