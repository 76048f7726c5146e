/* damage_test.c: saved memories of functions with bytes changed and a check sum that fits: each is refused or lived
 * with; nothing is read or written out of its place, nothing overflows, and turns come to an end. The seed is fixed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "case_play.h"
#include "rule_plan.h"

enum { ENGINE_BYTES = 2 << 20, CELLS_MAX = 400, ROUNDS = 1500, BASE_MS = 1000000, HEAD_BYTES = 16, DUE_MOST = 200 };

static const char text[] =
	"case: every function that remembers\n"
	"class: {p: {type: real, unit: bar, range: [0, 25], stale: 20s}, a: {type: bool, stale: 20s},"
	" n: {type: int, range: [0, 100], stale: 20s}, c: {type: counter, modulus: 65536, max_step: 50, stale: 20s}}\n"
	"file:\n"
	"  weiyu: rules/1\n"
	"  package: t\n"
	"  signals:\n"
	"    - {name: s, of: thing, expr: \"sample(p, on=change(a), delay=2s)\"}\n"
	"  rules:\n"
	"    - {id: t.a, scope: thing, fault: T-01, tier: S3, clear_hold: 5s, when: \"min(p, 64s) > 2 bar or max(n, 64s) > 90 or"
	" spread(p, 64s) > 9 bar or drop(p, 64s) > 9 bar or gain(p, 64s) > 9 bar or spread(s, 64s) > 9 bar\"}\n"
	"    - {id: t.b, scope: thing, fault: T-02, tier: S3, clear_hold: 5s, when: \"avg(p, 64s) > 9 bar or avg(s, 64s) > 9 bar or"
	" sum(s, 64s) > 90 bar or sd(p, 64s) > 5 bar or sd(s, 64s) > 5 bar or slope(p, 64s) > 99 bar / 1h\"}\n"
	"    - {id: t.c, scope: thing, fault: T-03, tier: S3, clear_hold: 5s, when: \"median(p, 64s) > 9 bar or median(s, 64s) > 9 bar or"
	" quantile(s, 0.9, 64s) > 9 bar or delta(p, 64s) > 9 bar or delta(s, 64s) > 9 bar or s > 9 bar\"}\n"
	"    - {id: t.d, scope: thing, fault: T-04, tier: S3, clear_hold: 5s, when: \"flips(a, 64s) > 9 or held(a, 64s) > 60s or"
	" frac(a, 64s) > 90 % or count(rise(a), 64s) > 9 or count(pulse(c), 64s) > 900 or since(fall(a)) > 60s or since(a) > 60s\"}\n"
	"    - {id: t.e, scope: thing, fault: T-05, tier: S3, clear_hold: 5s, when: \"increase(c, 64s) > 900 or rate(c, 64s) > 900 per_min or"
	" delta_since(c, m) > 9000 or prev(p) > 20 bar or max(s, 64s) > 20 bar or min(n, 64s) > 90 or episodes(t.a, 64s) > 9\"}\n"
	"play: |\n"
	"  0s\n";

struct cell {
	char key[200];
	unsigned char bytes[8192];
	size_t len;
};

static struct cell cells[CELLS_MAX];

static uint32_t roll(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

static struct wy_now at(wy_ms mono_ms)
{
	return (struct wy_now){mono_ms, mono_ms, WY_CLOCK_SYNCED};
}

static void end_turn(struct rule_engine *engine)
{
	const struct rule_event *events;

	rule_turn_end(engine, &events);
}

/* Samples at random, and the turns that fall due between them. */
static wy_ms live(struct rule_engine *engine, wy_ms now_ms, unsigned turns, uint32_t *seed)
{
	for (unsigned i = 0; i < turns; i++) {
		wy_ms to_ms = now_ms + 1 + roll(seed, roll(seed, 10) ? 3000 : 90000);
		for (unsigned due = 0; due < DUE_MOST && rule_next_due(engine) < to_ms; due++) {
			wy_ms due_ms = rule_next_due(engine);
			rule_turn_begin(engine, at(due_ms > now_ms ? due_ms : now_ms));
			end_turn(engine);
		}
		now_ms = to_ms;
		rule_turn_begin(engine, at(now_ms));
		for (uint32_t point = 0; point < 4; point++) {
			struct wy_sample sample = {.point = point, .is_whole = point != 0, .at_ms = now_ms,
						   .quality = roll(seed, 12) ? WY_Q_GOOD : WY_Q_BAD};
			if (!point)
				sample.real = roll(seed, 25);
			else
				sample.whole = point == 1 ? (int64_t)roll(seed, 2) : point == 2 ? (int64_t)roll(seed, 100)
							  : (now_ms - BASE_MS) / 100 % 65536;
			rule_put(engine, 0, point, &sample);
		}
		if (!roll(seed, 40))
			assert_int_equal(rule_mark(engine, 0, "m"), WY_OK);
		end_turn(engine);
	}
	return now_ms;
}

static size_t save_all(struct rule_engine *engine)
{
	struct rule_cell cell;
	size_t place = 0;
	size_t n = 0;

	while (rule_next_dirty(engine, true, &place, &cell)) {
		assert_true(n < CELLS_MAX && cell.len <= sizeof(cells[n].bytes));
		cells[n] = (struct cell){.len = cell.len};
		snprintf(cells[n].key, sizeof(cells[n].key), "%s", cell.key);
		memcpy(cells[n++].bytes, cell.bytes, cell.len);
	}
	return n;
}

/* What is saved is brought to the present first. */
static void ask_all(struct rule_engine *engine)
{
	struct rule_cell cell;
	size_t place = 0;

	while (rule_next_dirty(engine, true, &place, &cell))
		assert_true(cell.len > HEAD_BYTES);
}

/* Bytes of the body changed, and the sum over them put right. */
static void damage(struct cell *cell, uint32_t *seed)
{
	static const unsigned char worst[] = {0x00, 0xFF, 0x7F, 0x80};
	size_t body = cell->len - HEAD_BYTES;

	for (uint32_t i = 0, n = 1 + roll(seed, 8); i < n; i++) {
		size_t from = roll(seed, (uint32_t)body);
		for (size_t j = from, end = from + 1 + roll(seed, 8); j < end && j < body; j++)
			cell->bytes[HEAD_BYTES + j] = roll(seed, 2) ? worst[roll(seed, 4)] : (unsigned char)roll(seed, 256);
	}
	uint64_t hash = rx_hash(RX_HASH_START, cell->bytes + HEAD_BYTES, body);
	uint32_t check = (uint32_t)(hash ^ hash >> 32);
	memcpy(cell->bytes + HEAD_BYTES - sizeof(check), &check, sizeof(check));
}

static struct rule_engine *new_engine(struct case_world *w, void *memory, wy_ms now_ms)
{
	struct wy_arena arena;
	struct rule_engine *engine;

	wy_arena_init(&arena, memory, ENGINE_BYTES);
	assert_int_equal(rule_engine_new(w->set, &arena, at(now_ms), &engine), WY_OK);
	return engine;
}

static void damaged_memories_are_refused_or_lived_with(void **state)
{
	struct case_world w;
	void *memory = malloc(ENGINE_BYTES);
	uint32_t seed = 7;
	size_t refused = 0;
	size_t taken = 0;

	(void)state;
	assert_true(case_open(&w, NULL, text));
	struct rule_engine *engine = new_engine(&w, memory, BASE_MS);
	wy_ms now_ms = live(engine, BASE_MS, 300, &seed);
	size_t n = save_all(engine);
	for (unsigned round = 0; round < ROUNDS; round++) {
		engine = new_engine(&w, memory, now_ms);
		uint32_t victim = roll(&seed, (uint32_t)n);
		for (size_t i = 0; i < n; i++) {
			static struct cell copy;
			copy = cells[i];
			bool is_hit = cells[i].key[0] == 'f' && (i == victim || !roll(&seed, 4));
			if (is_hit)
				damage(&copy, &seed);
			enum wy_err err = rule_restore(engine, copy.key, copy.bytes, copy.len);
			if (err && !is_hit)
				fail_msg("%s is refused as it was saved", copy.key);
			assert_true(err == WY_OK || (is_hit && err == WY_E_CORRUPT));
			refused += is_hit && err;
			taken += is_hit && !err;
		}
		rule_resume(engine, now_ms, at(now_ms + (roll(&seed, 2) ? 0 : 5000)));
		live(engine, now_ms + 5000, 8, &seed);
		ask_all(engine);
	}
	assert_true(refused > 0 && taken > 0);
	case_close(&w);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_memories_are_refused_or_lived_with)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
