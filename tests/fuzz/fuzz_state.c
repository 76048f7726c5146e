/* fuzz_state.c: saved state that somebody changed and whose checksum fits all the same: it is refused, or the engine
 * goes on with it without a crash, a hang or a resolve without a raise.
 *
 * The input is a list of changes: which cell, where, which bytes. An engine lives for a while, its cells are taken,
 * changed, given a valid checksum, put into a fresh engine, and that one lives on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pack_world.h"
#include "rule_plan.h"

enum { ARENA_BYTES = 16 << 20, CELLS_MAX = 512, CELL_BYTES_MAX = 1 << 16, HEADER_BYTES = 16, TURNS = 120 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct saved {
	char key[400];
	unsigned char *bytes;
	size_t len;
};

static struct pack_world world;
static struct rule_set *set;
static struct saved cells[CELLS_MAX];
static size_t n_cells;
static void *engine_memory;
static wy_ms saved_ms;
static bool was_raised[WY_RULE_INSTANCES_MAX];

/* Everything moves: a little walk of its own for every point. */
static void live(struct rule_engine *engine, wy_ms from_ms, unsigned turns, void (*see)(const struct rule_event *))
{
	for (unsigned t = 0; t < turns; t++) {
		struct wy_now now = {.mono_ms = from_ms + (wy_ms)t * 7000, .wall_ms = 1767196800000 + from_ms + (wy_ms)t * 7000};
		const struct rule_event *events;
		rule_turn_begin(engine, now);
		for (uint32_t a = 0; a < world.world.n_assets; a++) {
			const struct wy_class *class = &world.world.classes[world.world.assets[a].class_index];
			for (uint32_t p = 0; p < class->n_points; p++) {
				unsigned chance = (unsigned)((a * 7919u + p * 104729u + t * 1299709u) >> 3) % 97;
				struct wy_sample sample = {.point = p, .quality = chance == 5 ? WY_Q_BAD : WY_Q_GOOD, .at_ms = now.mono_ms};
				sample.is_whole = class->points[p].type != WY_TYPE_REAL;
				if (sample.is_whole)
					sample.whole = class->points[p].type == WY_TYPE_COUNTER ? (int64_t)t * 3 : chance % 2;
				else
					sample.real = chance;
				rule_put(engine, a, p, &sample);
			}
		}
		for (uint32_t d = 0; d < world.world.n_devices; d++)
			rule_heard(engine, d, now.mono_ms);
		size_t n = rule_turn_end(engine, &events);
		for (size_t i = 0; i < n && see; i++)
			see(&events[i]);
	}
}

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static void save(struct rule_engine *engine)
{
	struct rule_cell cell;
	size_t at = 0;

	while (n_cells < CELLS_MAX && rule_next_dirty(engine, true, &at, &cell)) {
		struct saved *it = &cells[n_cells++];
		snprintf(it->key, sizeof(it->key), "%s", cell.key);
		it->bytes = must(malloc(cell.len));
		it->len = cell.len;
		memcpy(it->bytes, cell.bytes, cell.len);
	}
}

static void prepare(void)
{
	static struct wy_diags diags;
	static char text[1 << 16];
	struct wy_arena arena, set_arena;
	struct rule_engine *engine;
	FILE *file = must(fopen(WY_SOURCE_DIR "/tests/fuzz/state.yaml", "rb"));
	size_t len = fread(text, 1, sizeof(text), file);

	fclose(file);
	pack_world_open(&world);
	wy_arena_init(&set_arena, must(malloc(ARENA_BYTES)), ARENA_BYTES);
	wy_diags_init(&diags, &set_arena);
	const struct wy_node *root;
	if (yaml_load_text("state.yaml", text, len, &set_arena, &diags, &root) ||
	    rule_compile(&world.world, &root, 1, &set_arena, &diags, &set)) {
		for (size_t i = 0; i < diags.n; i++)
			fprintf(stderr, "state.yaml:%u: %s %s\n", diags.item[i].place.line, diags.item[i].code, diags.item[i].text);
		abort();
	}
	engine_memory = must(malloc(ARENA_BYTES));
	wy_arena_init(&arena, engine_memory, ARENA_BYTES);
	if (rule_engine_new(set, &arena, (struct wy_now){.mono_ms = 0, .wall_ms = 1767196800000}, &engine))
		abort();
	live(engine, 1000, TURNS, NULL);
	saved_ms = 1000 + TURNS * 7000;
	save(engine);
}

/* The last four bytes of a cell's header are a hash of what follows. */
static void sign(unsigned char *bytes, size_t len)
{
	uint64_t hash = rx_hash(RX_HASH_START, bytes + HEADER_BYTES, len - HEADER_BYTES);
	uint32_t check = (uint32_t)(hash ^ hash >> 32);

	memcpy(bytes + HEADER_BYTES - sizeof(check), &check, sizeof(check));
}

static void restore(struct rule_engine *engine, const struct saved *cell, const uint8_t *data, size_t size)
{
	static unsigned char bytes[CELL_BYTES_MAX];

	if (cell->len > sizeof(bytes) || cell->len <= HEADER_BYTES)
		return;
	memcpy(bytes, cell->bytes, cell->len);
	/* Changes of the input that concern this cell: cell, cell, place, place, n, then n bytes. */
	for (size_t i = 0; i + 5 <= size;) {
		size_t which = (size_t)(data[i] | data[i + 1] << 8) % n_cells;
		size_t at = (size_t)(data[i + 2] | data[i + 3] << 8) % (cell->len - HEADER_BYTES);
		size_t n = data[i + 4] % 16 + 1;
		for (size_t b = 0; b < n && i + 5 + b < size && which == (size_t)(cell - cells); b++)
			if (at + b < cell->len - HEADER_BYTES)
				bytes[HEADER_BYTES + at + b] = data[i + 5 + b];
		i += 5 + n;
	}
	sign(bytes, cell->len);
	enum wy_err err = rule_restore(engine, cell->key, bytes, cell->len);
	if (err && err != WY_E_CORRUPT)
		abort();
}

static void see(const struct rule_event *event)
{
	if (event->kind == RULE_RAISED) {
		if (was_raised[event->instance])
			abort();
		was_raised[event->instance] = true;
	} else if (event->kind == RULE_RESOLVED || event->kind == RULE_CLOSED) {
		if (!was_raised[event->instance])
			abort();
		was_raised[event->instance] = false;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wy_arena arena;
	struct rule_engine *engine;

	if (!set)
		prepare();
	wy_arena_init(&arena, engine_memory, ARENA_BYTES);
	if (rule_engine_new(set, &arena, (struct wy_now){.mono_ms = saved_ms, .wall_ms = 1767196800000 + saved_ms}, &engine))
		abort();
	for (size_t i = 0; i < n_cells; i++)
		restore(engine, &cells[i], data, size);
	rule_resume(engine, size && data[0] % 2 ? saved_ms : saved_ms - 60000,
		    (struct wy_now){.mono_ms = saved_ms, .wall_ms = 1767196800000 + saved_ms});
	for (size_t i = 0; i < rule_instance_count(set); i++)
		was_raised[i] = rule_is_raised(engine, (uint32_t)i);
	live(engine, saved_ms, 30, see);
	return 0;
}
