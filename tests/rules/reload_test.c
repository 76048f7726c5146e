/* reload_test.c: what stood under the rules of before, under new ones or with part of its memory lost: nothing stays
 * untold, unreleased or put aside for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "case_play.h"

#define WORLD                                                                                          \
	"class:\n"                                                                                     \
	"  a: {type: bool, poll: 1s, stale: 1h}\n"                                                     \
	"  n: {type: int, range: [0, 9], poll: 1s, stale: 1h}\n"                                       \
	"assets: {A1: {bank: x}, A2: {bank: x}}\n"                                                     \
	"file:\n  weiyu: rules/1\n  package: t\n  rules:\n"
#define RULE "    - {id: t.r, scope: thing, fault: T-01, "

enum { ENGINE_BYTES = 1 << 20, START_MS = 1000000, A = 0, N = 1, EVENTS_MAX = 16 };

struct life {
	struct case_world w;
	struct rule_engine *engine;
	void *memory;
	enum rule_event_kind kinds[EVENTS_MAX]; /* of the last turn */
	uint32_t instances[EVENTS_MAX];
	size_t n;
};

static struct wy_now at(wy_ms mono_ms)
{
	return (struct wy_now){mono_ms, mono_ms, WY_CLOCK_SYNCED};
}

static void begin(struct life *l, const char *text, wy_ms at_ms)
{
	struct wy_arena arena;

	memset(l, 0, sizeof(*l));
	assert_true(case_open(&l->w, NULL, text));
	l->memory = malloc(ENGINE_BYTES);
	wy_arena_init(&arena, l->memory, ENGINE_BYTES);
	assert_int_equal(rule_engine_new(l->w.set, &arena, at(at_ms), &l->engine), WY_OK);
}

static void end(struct life *l)
{
	case_close(&l->w);
	free(l->memory);
}

static void take_events(struct life *l)
{
	const struct rule_event *events;

	l->n = rule_turn_end(l->engine, &events);
	assert_true(l->n <= EVENTS_MAX);
	for (size_t i = 0; i < l->n; i++) {
		l->kinds[i] = events[i].kind;
		l->instances[i] = events[i].instance;
	}
}

static void put(struct life *l, wy_ms at_ms, uint32_t asset, uint32_t point, int64_t value)
{
	struct wy_sample sample = {.point = point, .quality = WY_Q_GOOD, .is_whole = true, .at_ms = at_ms, .whole = value};

	rule_put(l->engine, asset, point, &sample);
}

/* Both assets have the same value. */
static void turn(struct life *l, wy_ms at_ms, int64_t value)
{
	rule_turn_begin(l->engine, at(at_ms));
	put(l, at_ms, 0, A, value);
	put(l, at_ms, 1, A, value);
	take_events(l);
}

static void look(struct life *l, wy_ms at_ms)
{
	rule_turn_begin(l->engine, at(at_ms));
	take_events(l);
}

static enum wy_err order(struct life *l, wy_ms at_ms, uint32_t instance, struct rule_order order)
{
	rule_turn_begin(l->engine, at(at_ms));
	enum wy_err err = rule_command(l->engine, instance, &order);
	take_events(l);
	return err;
}

/* What the old one saved, but cells whose key begins with `lost`, to a new one. */
static void pass_on(struct life *old, struct life *new, const char *lost, wy_ms at_ms)
{
	struct rule_cell cell;
	size_t place = 0;

	while (rule_next_dirty(old->engine, false, &place, &cell)) {
		if (*lost && strncmp(cell.key, lost, strlen(lost)) == 0)
			continue;
		enum wy_err err = rule_restore(new->engine, cell.key, cell.bytes, cell.len);
		assert_true(err == WY_OK || err == WY_E_NOTFOUND);
	}
	rule_resume(new->engine, at_ms, at(at_ms));
	end(old);
}

static bool told(const struct life *l, enum rule_event_kind kind, uint32_t instance)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->kinds[i] == kind && l->instances[i] == instance)
			return true;
	return false;
}

static void what_a_group_took_is_told_when_the_group_is_gone(void **state)
{
	static const char rule[] = WORLD RULE "tier: S3, when: a, clear: not a}\n";
	struct life old, new;

	(void)state;
	begin(&old, WORLD RULE "tier: S3, when: a, clear: not a}\n  correlate:\n    - {id: t.g, fault: T-02, tier: S3,"
	      " members: [t.r], same: [bank], within: 1min, absorb: true}\n", START_MS);
	turn(&old, START_MS, 1);
	assert_int_equal(old.n, 1);
	assert_true(told(&old, RULE_RAISED, 2));
	begin(&new, rule, START_MS + 1000);
	pass_on(&old, &new, "", START_MS + 1000);
	turn(&new, START_MS + 2000, 1);
	assert_true(rule_is_raised(new.engine, 0) && rule_is_raised(new.engine, 1));
	turn(&new, START_MS + 3000, 0);
	assert_true(told(&new, RULE_RESOLVED, 0) && told(&new, RULE_RESOLVED, 1));
	end(&new);
}

static void a_shelf_ends_with_a_rule_that_forbids_it(void **state)
{
	struct rule_order shelve = {.command = RULE_SHELVE, .until_ms = START_MS + 86400000};
	struct life old, new;

	(void)state;
	begin(&old, WORLD RULE "tier: S3, when: a, clear: not a}\n", START_MS);
	assert_int_equal(order(&old, START_MS, 0, shelve), WY_OK);
	begin(&new, WORLD RULE "tier: S3, when: a, clear: not a, shelve: {max: 0s}}\n", START_MS + 1000);
	pass_on(&old, &new, "", START_MS + 1000);
	turn(&new, START_MS + 1000, 1);
	assert_true(told(&new, RULE_UNSHELVED, 0) && told(&new, RULE_RAISED, 0) && told(&new, RULE_RAISED, 1));
	end(&new);
	/* A shorter one allows so much from now. */
	begin(&old, WORLD RULE "tier: S3, when: a, clear: not a}\n", START_MS);
	assert_int_equal(order(&old, START_MS, 0, shelve), WY_OK);
	begin(&new, WORLD RULE "tier: S3, when: a, clear: not a, shelve: {max: 1h}}\n", START_MS + 1000);
	pass_on(&old, &new, "", START_MS + 1000);
	turn(&new, START_MS + 1000, 1);
	assert_false(rule_is_raised(new.engine, 0));
	turn(&new, START_MS + 3602000, 1);
	assert_true(rule_is_raised(new.engine, 0));
	end(&new);
}

static void what_is_latched_returns_by_itself_where_the_latch_is_gone(void **state)
{
	struct life old, new;

	(void)state;
	begin(&old, WORLD RULE "tier: S3, when: a, clear: not a, latch: reset}\n", START_MS);
	turn(&old, START_MS, 1);
	turn(&old, START_MS + 1000, 0);
	assert_true(told(&old, RULE_LATCHED, 0));
	begin(&new, WORLD RULE "tier: S3, when: a, clear: not a}\n", START_MS + 2000);
	pass_on(&old, &new, "", START_MS + 2000);
	assert_true(rule_is_raised(new.engine, 0));
	turn(&new, START_MS + 3000, 0);
	assert_true(told(&new, RULE_RESOLVED, 0));
	end(&new);
}

static void an_event_rule_that_lost_what_it_told_tells_the_next_event(void **state)
{
	static const char rule[] = WORLD RULE "tier: S3, event: rise(a), latch: reset}\n";
	struct life old, new;

	(void)state;
	begin(&old, rule, START_MS);
	turn(&old, START_MS, 0);
	turn(&old, START_MS + 1000, 1);
	assert_true(told(&old, RULE_LATCHED, 0));
	begin(&new, rule, START_MS + 2000);
	pass_on(&old, &new, "t/", START_MS + 2000);
	turn(&new, START_MS + 3000, 0);
	turn(&new, START_MS + 4000, 1);
	assert_true(told(&new, RULE_RAISED, 0));
	end(&new);
}

static void a_close_holds_back_no_longer_than_the_rule_says_now(void **state)
{
	struct rule_order close = {.command = RULE_CLOSE};
	struct life old, new;

	(void)state;
	begin(&old, WORLD RULE "tier: S3, when: a, clear: not a, reraise: 30d}\n", START_MS);
	turn(&old, START_MS, 1);
	assert_int_equal(order(&old, START_MS + 1000, 0, close), WY_OK);
	begin(&new, WORLD RULE "tier: S3, when: a, clear: not a, reraise: 1min}\n", START_MS + 2000);
	pass_on(&old, &new, "", START_MS + 2000);
	look(&new, START_MS + 3000);
	assert_false(rule_is_raised(new.engine, 0));
	look(&new, START_MS + 63000);
	assert_true(rule_is_raised(new.engine, 0));
	end(&new);
}

/* A place whose key was lost is not empty while its ticket is open. */
static void no_key_inherits_the_ticket_of_another(void **state)
{
	static const char rule[] = WORLD RULE "tier: S3, by: n, max_keys: 2, event: rise(a), latch: reset}\n";
	struct life old, new;

	(void)state;
	begin(&old, rule, START_MS);
	turn(&old, START_MS, 0);
	rule_turn_begin(old.engine, at(START_MS + 1000));
	put(&old, START_MS + 1000, 0, N, 7);
	put(&old, START_MS + 1000, 0, A, 1);
	take_events(&old);
	assert_true(told(&old, RULE_RAISED, 0));
	begin(&new, rule, START_MS + 2000);
	pass_on(&old, &new, "r/", START_MS + 2000);
	turn(&new, START_MS + 3000, 0);
	rule_turn_begin(new.engine, at(START_MS + 4000));
	put(&new, START_MS + 4000, 0, N, 3);
	put(&new, START_MS + 4000, 0, A, 1);
	take_events(&new);
	assert_false(rule_key_of(new.engine, 0).is_taken);
	assert_true(told(&new, RULE_RAISED, 1));
	assert_int_equal(rule_key_of(new.engine, 1).value, 3);
	end(&new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_group_took_is_told_when_the_group_is_gone),
		cmocka_unit_test(a_shelf_ends_with_a_rule_that_forbids_it),
		cmocka_unit_test(what_is_latched_returns_by_itself_where_the_latch_is_gone),
		cmocka_unit_test(an_event_rule_that_lost_what_it_told_tells_the_next_event),
		cmocka_unit_test(a_close_holds_back_no_longer_than_the_rule_says_now),
		cmocka_unit_test(no_key_inherits_the_ticket_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
