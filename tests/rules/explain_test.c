/* explain_test.c: what `weiyu explain` tells of a rule: every function and every shipped rule can be told, now too, and
 * telling changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "case_play.h"
#include "explain.h"
#include "pack_world.h"

enum { ENGINE_BYTES = 64 << 20, TEXT_BYTES = 1 << 20 };

static char *text;
static struct wy_buf words;

static void add_line(void *arg, unsigned depth, const char *line)
{
	struct wy_buf *buf = arg;

	assert_true(strlen(line) < RX_LINE_SIZE);
	assert_null(strchr(line, '\n'));
	for (unsigned i = 0; i < depth; i++)
		wy_buf_add(buf, "  ");
	wy_buf_addf(buf, "%s\n", line);
}

static bool tell(const struct rule_set *set, uint32_t rule, uint32_t asset, const struct rule_engine *engine)
{
	wy_buf_init(&words, text, TEXT_BYTES);
	return rule_explain(set, rule, asset, engine, add_line, &words);
}

static void must_say(const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static int open_text(void **state)
{
	(void)state;
	text = malloc(TEXT_BYTES);
	return text == NULL;
}

static int close_text(void **state)
{
	(void)state;
	free(text);
	return 0;
}

/* ---- Functions ----------------------------------------------------------------------------- */

static void every_function_that_remembers_says_how(void **state)
{
	(void)state;
	for (size_t i = 0; i < rx_function_count(); i++) {
		const struct rx_function *fn = rx_function_at(i);
		if (!fn->is_later && rx_remembers(fn) && !rx_store_of(fn))
			fail_msg("%s() has no row in explain_tree.c", fn->name);
		if (!rx_remembers(fn))
			assert_null(rx_store_of(fn));
	}
}

/* ---- One rule, told in full ---------------------------------------------------------------- */

#define FILE_HEAD                                                                                          \
	"class:\n"                                                                                         \
	"  a: {type: bool, poll: 1s, stale: 5s}\n"                                                         \
	"  p: {type: real, unit: bar, range: [0, 25], poll: 1s, stale: 5s}\n"                              \
	"  n: {type: int, range: [0, 255], poll: 1s, stale: 5s}\n"                                         \
	"assets: {A1: {bank: A}, A2: {bank: A}}\n"                                                         \
	"overrides: [{package: t, name: top, value: 9 bar, asset: A2}]\n"                                  \
	"file:\n"                                                                                          \
	"  weiyu: rules/1\n"                                                                               \
	"  package: t\n"                                                                                   \
	"  params: {top: {type: bar, default: 8 bar, min: 1 bar, max: 20 bar}, wait: {type: s, default: 5s}}\n" \
	"  signals: [{name: strain, of: thing, expr: p * 2}]\n"                                            \
	"  rules:\n"

static const char building[] = FILE_HEAD
	"    - {id: t.high, scope: thing, fault: T-01, tier: S3, when: 'max(p, 64min) > $top or strain > 40 bar', hold: $wait, clear: 'max(p, 64min) < 5 bar', inhibited_by: [{rule: t.off, same: [bank]}], recur: {count: 3, within: 30d, then: {tier: S2}}}\n"
	"    - {id: t.off, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, shelve: {max: 2h}}\n"
	"    - {id: t.keys, scope: thing, fault: T-01, tier: S3, by: n, max_keys: 3, when: 'count(rise(a), 1h) > 3', clear_hold: 5s}\n"
	"    - {id: t.run, scope: thing, fault: T-01, tier: S3, pattern: {steps: [{see: rise(a)}, {absent: fall(a), for: 10s}]}, latch: ack}\n"
	"    - {id: t.reader, scope: thing, fault: T-01, tier: S4, when: alarm(t.off), hold: 5s, clear_hold: 5s}\n"
	"    - {id: t.many, scope: thing, fault: T-01, tier: S4, when: 'count_of(thing, p > $top) > 1', hold: 5s, clear_hold: 5s}\n"
	"  correlate:\n"
	"    - {id: t.all, fault: T-01, tier: S2, members: [t.off, t.high], same: [bank], need: 2, within: 1min}\n";

struct bench {
	struct case_world w;
	struct rule_engine *engine;
	void *memory;
};

static void start(struct bench *b)
{
	struct wy_arena arena;

	assert_true(case_open(&b->w, NULL, building));
	b->memory = malloc(ENGINE_BYTES);
	wy_arena_init(&arena, b->memory, ENGINE_BYTES);
	assert_int_equal(rule_engine_new(b->w.set, &arena, (struct wy_now){0, 0, WY_CLOCK_SYNCED}, &b->engine), WY_OK);
}

static void stop(struct bench *b)
{
	case_close(&b->w);
	free(b->memory);
}

static uint32_t rule_of(const struct bench *b, const char *id)
{
	for (uint32_t i = 0; i < rule_count(b->w.set); i++)
		if (strcmp(rule_info_at(b->w.set, i)->id, id) == 0)
			return i;
	fail_msg("no rule %s", id);
	return 0;
}

static void put(struct bench *b, wy_ms at_ms, bool a, double p)
{
	const struct rule_event *events;

	rule_turn_begin(b->engine, (struct wy_now){at_ms, at_ms, WY_CLOCK_SYNCED});
	rule_put(b->engine, 0, 0, &(struct wy_sample){.quality = WY_Q_GOOD, .is_whole = true, .whole = a, .at_ms = at_ms});
	rule_put(b->engine, 0, 1, &(struct wy_sample){.point = 1, .quality = WY_Q_GOOD, .real = p, .at_ms = at_ms});
	(void)rule_turn_end(b->engine, &events);
}

static void a_condition_is_told_with_types_windows_and_origins(void **state)
{
	struct bench b;
	(void)state;

	start(&b);
	assert_true(tell(b.w.set, rule_of(&b, "t.high"), 0, NULL));
	must_say("t.high on A1 (thing): a state, fault T-01");
	must_say("max()  [number in bar; panes: the largest of each pane; 64 panes of 1min, its edge at most a pane late; weighted with time;"
		 " answers from 75 % known; ");
	must_say("$top: 8 bar (the package's own, case:");
	must_say("; may be 1 bar to 20 bar)");
	must_say("[number in bar, of a signal]");
	must_say("hold 5s ($wait: the package's own");
	must_say("p: polled every 1s, stale after 5s, 0 bar to 25 bar");
	must_say("t.off with the same bank: A1, A2");
	must_say("member of t.all, which begins with 2 of them with the same bank within 1min");
	must_say("recur: the 3. raise in 30d has at least S2");
	assert_null(strstr(text, " = ")); /* nothing is known of now */
	assert_true(tell(b.w.set, rule_of(&b, "t.high"), 1, NULL));
	must_say("$top: 9 bar (set by the site for this asset, case:");
	assert_true(tell(b.w.set, rule_of(&b, "t.high"), RULE_NO_ASSET, b.engine));
	must_say("t.high, a rule for class thing");
	must_say("$top: 8 bar");
	assert_null(strstr(text, " = "));
	stop(&b);
}

static void what_hangs_on_a_rule_is_told(void **state)
{
	struct bench b;
	(void)state;

	start(&b);
	assert_true(tell(b.w.set, rule_of(&b, "t.off"), 0, NULL));
	must_say("t.high is held back while this stands");
	must_say("t.reader reads its alarm()");
	must_say("shelve: at most 2h");
	assert_true(tell(b.w.set, rule_of(&b, "t.all"), 1, NULL));
	must_say("made of t.off with the same bank: A1, A2");
	assert_true(tell(b.w.set, rule_of(&b, "t.keys"), 0, NULL));
	must_say("by: n: 3 keys at once");
	must_say("ring: the last 64 instants");
	must_say("for each key");
	assert_true(tell(b.w.set, rule_of(&b, "t.run"), 0, NULL));
	must_say("step 2: absent fall(a), for 10s");
	must_say("latch: ack");
	assert_true(tell(b.w.set, rule_of(&b, "t.reader"), 0, NULL));
	must_say("rule t.off");
	stop(&b);
}

static void a_running_engine_tells_what_everything_is_worth(void **state)
{
	struct bench b;
	(void)state;

	start(&b);
	assert_true(tell(b.w.set, rule_of(&b, "t.off"), 0, b.engine));
	must_say("a  [condition]  = unknown: a never");
	must_say("no ticket is open for it");
	put(&b, 500, false, 1);
	for (wy_ms at_ms = 1000; at_ms <= 10000; at_ms += 1000)
		put(&b, at_ms, true, 21);
	assert_true(tell(b.w.set, rule_of(&b, "t.off"), 0, b.engine));
	must_say("a  [condition]  = true");
	must_say("= active, true since 9s");
	must_say("raised as S3 by level 1, told 9s ago");
	assert_true(tell(b.w.set, rule_of(&b, "t.high"), 0, b.engine));
	must_say("= at least 21 bar");
	must_say("held back: a rule that inhibits it stands");
	must_say("= 1 standing");
	must_say("= good, 0s old");
	assert_true(tell(b.w.set, rule_of(&b, "t.many"), 1, b.engine));
	must_say("count_of() over 2 assets of class 'thing'  [whole number]  = ");
	must_say("$top: 8 bar (the package's own"); /* of all of them, not of A2 alone */
	must_say("p  [number in bar]\n");
	assert_true(tell(b.w.set, rule_of(&b, "t.off"), 1, b.engine));
	must_say("= unknown: a never");
	assert_true(tell(b.w.set, rule_of(&b, "t.run"), 0, b.engine));
	must_say("event");
	must_say("= waits for step");
	stop(&b);
}

/* ---- Everything that is shipped ------------------------------------------------------------ */

static bool has_instance(const struct rule_set *set, uint32_t rule)
{
	for (uint32_t i = 0; i < rule_instance_count(set); i++)
		if (rule_instance_at(set, i)->rule == rule)
			return true;
	return false;
}

static void try_all(const struct rule_set *set, const struct rule_world *world, const struct rule_engine *engine)
{
	for (uint32_t rule = 0; rule < rule_count(set); rule++) {
		size_t n = 0;
		for (uint32_t asset = 0; asset < world->n_assets; asset++)
			n += tell(set, rule, asset, engine);
		assert_int_equal(n > 0, has_instance(set, rule));
		assert_true(tell(set, rule, RULE_NO_ASSET, engine));
		assert_false(words.is_cut);
	}
}

/* Values no driver gives as well: all judged by their quality. */
static void put_all(struct rule_engine *engine, const struct rule_world *world, wy_ms at_ms, unsigned seed)
{
	const struct rule_event *events;

	rule_turn_begin(engine, (struct wy_now){at_ms, at_ms, WY_CLOCK_SYNCED});
	for (uint32_t asset = 0; asset < world->n_assets; asset++) {
		const struct wy_class *cls = &world->classes[world->assets[asset].class_index];
		for (uint32_t p = 0; p < cls->n_points; p++) {
			struct wy_sample sample = {.point = p, .quality = WY_Q_GOOD, .at_ms = at_ms};
			sample.is_whole = cls->points[p].type != WY_TYPE_REAL;
			seed = seed * 1103515245u + 12345u;
			if (sample.is_whole)
				sample.whole = seed >> 16 & 1;
			else
				sample.real = (double)(seed >> 16 & 63);
			rule_put(engine, asset, p, &sample);
		}
	}
	(void)rule_turn_end(engine, &events);
}

static uint64_t hash_cells(struct rule_engine *engine)
{
	struct rule_cell cell;
	uint64_t hash = RX_HASH_START;

	for (size_t at = 0; rule_next_dirty(engine, true, &at, &cell);)
		hash = rx_hash(rx_hash_text(hash, cell.key), cell.bytes, cell.len);
	return hash;
}

static void every_shipped_rule_is_told_and_telling_changes_nothing(void **state)
{
	struct pack_world world;
	struct wy_arena arena;
	static struct wy_diags diags;
	struct rule_set *set = NULL;
	struct rule_engine *engine;
	void *load = malloc(4 * WY_LOAD_ARENA_BYTES);
	void *memory = malloc(ENGINE_BYTES);
	(void)state;

	pack_world_open(&world);
	wy_arena_init(&arena, load, 4 * WY_LOAD_ARENA_BYTES);
	wy_diags_init(&diags, &arena);
	assert_int_equal(pack_world_compile_shipped(&world, &arena, &diags, &set), WY_OK);
	try_all(set, &world.world, NULL);
	wy_arena_init(&arena, memory, ENGINE_BYTES);
	assert_int_equal(rule_engine_new(set, &arena, (struct wy_now){0, 0, WY_CLOCK_SYNCED}, &engine), WY_OK);
	try_all(set, &world.world, engine);
	for (unsigned i = 1; i <= 20; i++)
		put_all(engine, &world.world, 1000 * i, i);
	uint64_t before = hash_cells(engine);
	wy_ms due_ms = rule_next_due(engine);
	try_all(set, &world.world, engine);
	assert_true(before == hash_cells(engine));
	assert_int_equal(due_ms, rule_next_due(engine));
	pack_world_close(&world);
	free(load);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_function_that_remembers_says_how),
		cmocka_unit_test(a_condition_is_told_with_types_windows_and_origins),
		cmocka_unit_test(what_hangs_on_a_rule_is_told),
		cmocka_unit_test(a_running_engine_tells_what_everything_is_worth),
		cmocka_unit_test(every_shipped_rule_is_told_and_telling_changes_nothing),
	};

	return cmocka_run_group_tests(tests, open_text, close_text);
}
