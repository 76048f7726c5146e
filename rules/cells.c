/* cells.c: state out of an engine and back in.
 *
 * Kinds of cells, by the first letter of the key:
 *   r/<rule>/<asset>   the machine of an instance, and the match of a pattern
 *   t/<rule>/<asset>   what was told of it
 *   f/<hash>/<asset>   the memory of a stateful call; the hash names its meaning
 *   p/<hash>/<asset>   the newest samples of an asset and when its devices were heard; the hash names
 *                      the points of its class. Given only with `all`: polling must not write
 * Bytes: struct header, then the struct as it is in memory. They are for the same machine; a changed
 * layout has another size or version and is refused, never read as something else. */
#include <stddef.h>
#include <string.h>

#include "others.h"

enum { CELL_VERSION = 1 };

struct header {
	uint32_t magic;
	uint16_t version;
	uint16_t kind; /* 'r', 't', 'f', 'p' */
	uint32_t bytes; /* that follow */
	uint32_t check; /* hash of them */
};

static const uint32_t cell_magic = 0x57595243; /* WYRC */

static struct rule_cell pack(struct rule_engine *engine, const char *key, const void *bytes, size_t len)
{
	uint64_t hash = rx_hash(RX_HASH_START, bytes, len);
	struct header header = {cell_magic, CELL_VERSION, (uint16_t)key[0], (uint32_t)len, (uint32_t)(hash ^ hash >> 32)};

	memcpy(engine->scratch, &header, sizeof(header));
	memmove(engine->scratch + sizeof(header), bytes, len);
	return (struct rule_cell){key, engine->scratch, sizeof(header) + len};
}

static bool unpack(const char *key, const void *bytes, size_t len, size_t wanted, const void **ret_body)
{
	struct header header;

	if (len != sizeof(header) + wanted)
		return false;
	memcpy(&header, bytes, sizeof(header));
	*ret_body = (const char *)bytes + sizeof(header);
	uint64_t hash = rx_hash(RX_HASH_START, *ret_body, wanted);
	return header.magic == cell_magic && header.version == CELL_VERSION && header.kind == (uint16_t)key[0] &&
	       header.bytes == wanted && header.check == (uint32_t)(hash ^ hash >> 32);
}

/* ---- Points of an asset ------------------------------------------------------------------- */

/* start_ms, held_ms, heard_ms of each device, then the slots. */
static size_t point_bytes(const struct rule_engine *engine, size_t asset)
{
	const struct wy_asset *model = &engine->set->world->assets[asset];
	size_t n_points = engine->set->classes[model->class_index].model->n_points;

	return sizeof(wy_ms) * (2 + model->n_devices) + n_points * sizeof(struct rx_slot);
}

static struct rule_cell pack_points(struct rule_engine *engine, size_t asset)
{
	const struct wy_asset *model = &engine->set->world->assets[asset];
	unsigned char *at = engine->scratch + sizeof(struct header);
	size_t len = point_bytes(engine, asset);

	memcpy(at, &engine->start_ms[asset], sizeof(wy_ms));
	at += sizeof(wy_ms);
	memcpy(at, &engine->held_ms[asset], sizeof(wy_ms));
	at += sizeof(wy_ms);
	for (size_t i = 0; i < model->n_devices; i++, at += sizeof(wy_ms))
		memcpy(at, &engine->heard_ms[model->devices[i]], sizeof(wy_ms));
	memcpy(at, &engine->slots[engine->set->assets[asset].slot_base],
	       len - sizeof(wy_ms) * (2 + model->n_devices));
	return pack(engine, engine->set->assets[asset].point_key, engine->scratch + sizeof(struct header), len);
}

/* Instants that can be reckoned with, or those that stand for none. */
static bool are_times_sound(const wy_ms *at_ms, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!rx_is_time_sound(at_ms[i]) && at_ms[i] != WY_MS_NEVER && at_ms[i] != WY_MS_NONE)
			return false;
	return true;
}

static enum wy_err restore_points(struct rule_engine *engine, size_t asset, const void *bytes, size_t len)
{
	const struct wy_asset *model = &engine->set->world->assets[asset];
	const void *body;
	size_t wanted = point_bytes(engine, asset);

	if (!unpack("p", bytes, len, wanted, &body))
		return WY_E_CORRUPT;
	const unsigned char *at = body;
	memcpy(&engine->start_ms[asset], at, sizeof(wy_ms));
	at += sizeof(wy_ms);
	memcpy(&engine->held_ms[asset], at, sizeof(wy_ms));
	at += sizeof(wy_ms);
	for (size_t i = 0; i < model->n_devices; i++, at += sizeof(wy_ms)) {
		wy_ms heard_ms;
		memcpy(&heard_ms, at, sizeof(heard_ms));
		if (heard_ms > engine->heard_ms[model->devices[i]])
			engine->heard_ms[model->devices[i]] = heard_ms;
	}
	memcpy(&engine->slots[engine->set->assets[asset].slot_base], at,
	       wanted - sizeof(wy_ms) * (2 + model->n_devices));
	return WY_OK;
}

/* ---- Out ---------------------------------------------------------------------------------- */

static bool is_blank(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++)
		if (at[i])
			return false;
	return true;
}

/* The asset whose memories include the n-th of all. */
static size_t asset_of_memory(const struct rule_set *set, size_t n)
{
	size_t low = 0;
	size_t high = set->world->n_assets;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;
		if (set->assets[middle].memory_base <= n)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static bool pack_memory(struct rule_engine *engine, size_t n, bool all, struct rule_cell *ret_cell)
{
	const struct rule_set *set = engine->set;
	size_t asset = asset_of_memory(set, n);
	const struct rx_class *cls = &set->classes[set->world->assets[asset].class_index];
	size_t index = n - set->assets[asset].memory_base;
	const struct rx_memory *memory = &cls->memories[index];
	void *bytes = rx_memory_at(engine, (uint32_t)asset, memory);
	size_t len = memory->bytes;
	struct rx_eval ev = rx_engine_eval(engine, (uint32_t)asset, engine->clock_ms);

	ev.is_out = ev.is_out && !memory->is_raw;
	ev.slot = memory->slot;
	rx_memory_account(&ev, memory->call, bytes);
	if (all && is_blank(bytes, len))
		return false;
	*ret_cell = pack(engine, set->assets[asset].memory_keys[index], bytes, len);
	return true;
}

/* The machine, and behind it the match of a pattern and the key of a keyed rule, or the state of a group. */
static size_t instance_bytes(const struct rx_instance *it)
{
	return sizeof(struct rx_machine) + (it->group != RX_NO_INSTANCE ? sizeof(struct rx_group) : 0) +
	       (it->variant->n_steps > 1 ? sizeof(struct rx_match) : 0) + (it->variant->by ? sizeof(struct rx_key) : 0);
}

static struct rule_cell pack_instance(struct rule_engine *engine, size_t i)
{
	const struct rx_instance *it = &engine->set->instances[i];
	unsigned char *at = engine->scratch + sizeof(struct header);

	memcpy(at, &engine->machines[i], sizeof(struct rx_machine));
	if (it->variant->n_steps > 1)
		memcpy(at + sizeof(struct rx_machine), &engine->matches[it->match], sizeof(struct rx_match));
	if (it->variant->by)
		memcpy(at + instance_bytes(it) - sizeof(struct rx_key), &engine->keys[it->key_index], sizeof(struct rx_key));
	if (it->group != RX_NO_INSTANCE)
		memcpy(at + sizeof(struct rx_machine), &engine->groups[it->group], sizeof(struct rx_group));
	return pack(engine, it->key, at, instance_bytes(it));
}

static bool is_blank_instance(const struct rule_engine *engine, size_t i)
{
	const struct rx_instance *it = &engine->set->instances[i];

	return is_blank(&engine->machines[i], sizeof(struct rx_machine)) &&
	       (!it->variant->by || !engine->keys[it->key_index].is_taken) &&
	       (it->group == RX_NO_INSTANCE || is_blank(&engine->groups[it->group], sizeof(struct rx_group))) &&
	       (it->variant->n_steps < 2 || is_blank(&engine->matches[it->match], sizeof(struct rx_match)));
}

/* The key of what was told is that of the machine but for its letter. */
static const char *teller_key(struct rule_engine *engine, size_t instance)
{
	struct wy_buf buf;

	wy_buf_init(&buf, engine->key, sizeof(engine->key));
	wy_buf_add(&buf, "t");
	wy_buf_add(&buf, engine->set->instances[instance].key + 1);
	return engine->key;
}

/* The used instants of both rings follow it. */
static bool pack_teller(struct rule_engine *engine, size_t instance, bool all, struct rule_cell *ret_cell)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	const struct rx_teller *teller = &engine->tellers[instance];
	const wy_ms *ring = &engine->rings[it->ring_base];
	unsigned char *at = engine->scratch + sizeof(struct header);
	size_t raises = teller->n_raises * sizeof(wy_ms);
	size_t repeats = teller->n_repeats * sizeof(wy_ms);

	memcpy(at, teller, sizeof(*teller));
	memcpy(at + sizeof(*teller), ring, raises);
	memcpy(at + sizeof(*teller) + raises, ring + engine->set->rules[it->info.rule].chatter.max, repeats);
	*ret_cell = pack(engine, teller_key(engine, instance), at, sizeof(*teller) + raises + repeats);
	return !(all && is_blank(teller, sizeof(*teller)));
}

static bool pack_cell(struct rule_engine *engine, size_t i, bool all, struct rule_cell *ret_cell)
{
	const struct rule_set *set = engine->set;

	if (i >= engine->n_cells) {
		*ret_cell = pack_points(engine, i - engine->n_cells);
		return true;
	}
	if (i >= rx_first_memory_cell(set))
		return pack_memory(engine, i - rx_first_memory_cell(set), all, ret_cell);
	if (i >= set->n_instances)
		return pack_teller(engine, i - set->n_instances, all, ret_cell);
	*ret_cell = pack_instance(engine, i);
	return !(all && is_blank_instance(engine, i));
}

bool rule_next_dirty(struct rule_engine *engine, bool all, size_t *at, struct rule_cell *ret_cell)
{
	size_t n_all = engine->n_cells + (all ? engine->set->world->n_assets : 0);

	while (*at < n_all) {
		size_t i = all ? *at : rx_next_marked(engine->cell_dirty, engine->n_cells, *at);
		*at = i + 1;
		if (i >= n_all)
			return false;
		if (pack_cell(engine, i, all, ret_cell))
			return true;
	}
	return false;
}

void rule_saved(struct rule_engine *engine)
{
	memset(engine->cell_dirty, 0, (engine->n_cells / 64 + 1) * sizeof(uint64_t));
}

/* ---- In ----------------------------------------------------------------------------------- */

static enum wy_err restore_instance(struct rule_engine *engine, size_t i, const void *bytes, size_t len)
{
	const struct rx_instance *it = &engine->set->instances[i];
	struct rx_machine machine;
	struct rx_match match;
	const void *body;

	if (!unpack("r", bytes, len, instance_bytes(it), &body))
		return WY_E_CORRUPT;
	memcpy(&machine, body, sizeof(machine));
	if (!rx_machine_adopt(&machine, &engine->set->rules[it->info.rule]))
		return WY_E_CORRUPT;
	if (it->variant->n_steps > 1) {
		memcpy(&match, (const char *)body + sizeof(machine), sizeof(match));
		if (!rx_match_is_sound(&match, it->variant))
			return WY_E_CORRUPT;
		engine->matches[it->match] = match;
	}
	if (it->variant->by) {
		const unsigned char *at = (const unsigned char *)body + instance_bytes(it) - sizeof(struct rx_key);
		if (at[offsetof(struct rx_key, is_taken)] > 1)
			return WY_E_CORRUPT;
		memcpy(&engine->keys[it->key_index], at, sizeof(struct rx_key));
	}
	if (it->group != RX_NO_INSTANCE) {
		const unsigned char *at = (const unsigned char *)body + sizeof(machine);
		if (at[offsetof(struct rx_group, is_begun)] > 1)
			return WY_E_CORRUPT;
		memcpy(&engine->groups[it->group], at, sizeof(struct rx_group));
	}
	engine->machines[i] = machine;
	return WY_OK;
}

/* The newest of `n` saved instants, as many as the ring has room for. */
static uint8_t take_ring(wy_ms *ring, size_t room, const unsigned char *from, size_t n)
{
	size_t kept = n < room ? n : room;

	memcpy(ring, from + (n - kept) * sizeof(wy_ms), kept * sizeof(wy_ms));
	return (uint8_t)kept;
}

static enum wy_err restore_teller(struct rule_engine *engine, size_t i, const void *bytes, size_t len)
{
	const struct rx_instance *it = &engine->set->instances[i];
	const struct rx_rule *rule = &engine->set->rules[it->info.rule];
	struct rx_teller teller;
	const void *body;

	if (len < sizeof(struct header) + sizeof(teller) || !unpack("t", bytes, len, len - sizeof(struct header), &body))
		return WY_E_CORRUPT;
	for (size_t b = 0; b < offsetof(struct rx_teller, owed); b++)
		if (((const unsigned char *)body)[b] > 1)
			return WY_E_CORRUPT; /* they are all yes or no */
	memcpy(&teller, body, sizeof(teller));
	if (!are_times_sound(&teller.ready_ms, (sizeof(teller) - offsetof(struct rx_teller, ready_ms)) / sizeof(wy_ms)))
		return WY_E_CORRUPT;
	size_t n = (size_t)teller.n_raises + teller.n_repeats;
	if (len != sizeof(struct header) + sizeof(teller) + n * sizeof(wy_ms) || !rx_teller_adopt(&teller, rule))
		return WY_E_CORRUPT;
	const unsigned char *at = (const unsigned char *)body + sizeof(teller);
	wy_ms *ring = &engine->rings[it->ring_base];
	size_t n_raises = teller.n_raises;
	teller.n_raises = take_ring(ring, rule->chatter.max, at, n_raises);
	teller.n_repeats = take_ring(ring + rule->chatter.max, rule->recur.count, at + n_raises * sizeof(wy_ms),
				     teller.n_repeats);
	engine->tellers[i] = teller;
	return WY_OK;
}

static enum wy_err restore_memory(struct rule_engine *engine, size_t asset, const char *key, const void *bytes, size_t len)
{
	const struct rule_set *set = engine->set;
	const struct rx_class *cls = &set->classes[set->world->assets[asset].class_index];
	const void *body;

	for (size_t i = 0; i < cls->n_memories; i++) {
		if (strcmp(set->assets[asset].memory_keys[i], key) != 0)
			continue;
		size_t wanted = cls->memories[i].bytes;
		/* Aligned copy first: it may be looked into. */
		if (!unpack("f", bytes, len, wanted, &body))
			return WY_E_CORRUPT;
		memcpy(engine->scratch, body, wanted);
		if (!rx_memory_is_sound(cls->memories[i].call, engine->scratch))
			return WY_E_CORRUPT;
		memcpy(rx_memory_at(engine, (uint32_t)asset, &cls->memories[i]), engine->scratch, wanted);
		return WY_OK;
	}
	return WY_E_NOTFOUND;
}

/* Ids of assets may not hold a '/', so the last one parts the key. */
static bool find_asset(const struct rule_engine *engine, const char *key, size_t *ret_asset)
{
	const char *id = key;

	for (const char *slash = strchr(key, '/'); slash; slash = strchr(slash + 1, '/'))
		id = slash + 1;
	uint32_t found = engine->asset_places[rx_asset_place(engine, id)];
	*ret_asset = found - 1;
	return found != 0;
}

static enum wy_err restore_either(struct rule_engine *engine, uint32_t instance, const char *key, const void *bytes, size_t len)
{
	engine->is_restored = true;
	return key[0] == 't' ? restore_teller(engine, instance, bytes, len) : restore_instance(engine, instance, bytes, len);
}

enum wy_err rule_restore(struct rule_engine *engine, const char *key, const void *bytes, size_t len)
{
	const struct rule_set *set = engine->set;
	size_t asset;

	if (!find_asset(engine, key, &asset))
		return WY_E_NOTFOUND;
	const struct rx_asset *it = &set->assets[asset];
	if (strcmp(key, it->point_key) == 0)
		return restore_points(engine, asset, bytes, len);
	if (strncmp(key, "f/", 2) == 0)
		return restore_memory(engine, asset, key, bytes, len);
	for (size_t i = 0; i < it->n_instances; i++) {
		uint32_t instance = it->instances[i];
		if (strcmp(set->instances[instance].key + 1, key + 1) != 0)
			continue;
		return restore_either(engine, instance, key, bytes, len);
	}
	for (uint32_t i = 0; i < set->n_instances && set->n_groups; i++)
		if (set->instances[i].group != RX_NO_INSTANCE && strcmp(set->instances[i].key + 1, key + 1) == 0)
			return restore_either(engine, i, key, bytes, len);
	return WY_E_NOTFOUND;
}

/* What was told stays told until a clear is seen, though the rule lost the level it was told for, or the memory
 * of its machine. */
static void reconcile(struct rule_engine *engine)
{
	for (size_t i = 0; i < engine->set->n_instances; i++) {
		const struct rx_teller *teller = &engine->tellers[i];
		struct rx_machine *machine = &engine->machines[i];
		if (teller->is_raised && !teller->is_chattering && !rx_machine_is_kept(machine))
			rx_machine_stand(machine, teller->onset_ms);
	}
	engine->is_restored = false;
}

static void resume_memories(struct rule_engine *engine, uint32_t asset, wy_ms down_ms)
{
	const struct rx_class *cls = &engine->set->classes[engine->set->world->assets[asset].class_index];

	for (size_t i = 0; i < cls->n_memories; i++)
		rx_memory_resume(cls->memories[i].call, rx_memory_at(engine, asset, &cls->memories[i]), down_ms);
}

/* Without a gap the engine goes on as if nothing had been: samples keep their age. With one, every
 * input is unknown from down_ms until its next sample, and "never since start" counts anew. */
void rule_resume(struct rule_engine *engine, wy_ms down_ms, struct wy_now now)
{
	const struct rule_set *set = engine->set;

	engine->now = now;
	engine->wall_offset_ms = now.wall_ms - now.mono_ms;
	engine->clock_ms = down_ms < now.mono_ms ? down_ms : now.mono_ms;
	if (engine->is_restored)
		reconcile(engine);
	rx_mark_groups(engine);
	for (size_t i = 0; i < set->world->n_assets; i++)
		rx_touch(engine, (uint32_t)i, RX_CHANGED_ALL);
	if (down_ms >= now.mono_ms) {
		rx_freeze_all(engine);
		rx_others_resume(engine);
		return;
	}
	for (size_t i = 0; i < set->world->n_assets; i++) {
		engine->start_ms[i] = now.mono_ms;
		engine->held_ms[i] = WY_MS_NONE;
		resume_memories(engine, (uint32_t)i, engine->clock_ms);
	}
	for (size_t i = 0; i < set->n_slots; i++) {
		struct rx_slot *slot = &engine->slots[i];
		if (wy_quality_is_usable(slot->quality)) {
			slot->quality = WY_Q_STALE;
			slot->why = WY_WHY_STALE;
		}
		slot->usable_ms = WY_MS_NONE;
	}
	for (size_t i = 0; i < set->world->n_devices; i++)
		engine->heard_ms[i] = WY_MS_NONE;
	rx_freeze_all(engine);
	rx_others_resume(engine);
}

/* ---- From one engine to another ------------------------------------------------------------ */

void rule_succeed(struct rule_engine *engine, struct rule_engine *before, const struct rule_heritage *heritage, struct wy_now now)
{
	const struct rule_world *world = engine->set->world;
	struct rule_cell cell;
	size_t at = 0;

	/* What there is no place for any more is left behind. */
	while (rule_next_dirty(before, true, &at, &cell))
		(void)!rule_restore(engine, cell.key, cell.bytes, cell.len);
	for (size_t d = 0; d < world->n_devices; d++)
		engine->heard_ms[d] = heritage->device_before[d] == RULE_NO_DEVICE ? now.mono_ms
										   : before->heard_ms[heritage->device_before[d]];
	for (size_t a = 0; a < world->n_assets; a++)
		if (heritage->is_fed_anew[a])
			engine->start_ms[a] = now.mono_ms;
	rule_resume(engine, now.mono_ms, now);
}
