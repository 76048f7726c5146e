/* baselines_test.c: what the gateway relies on of baselines beyond events: who is to blame, what is written, and what
 * damaged memories are refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "case_play.h"
#include "rule_engine.h"

#define POINTS                                                                             \
	"class:\n"                                                                         \
	"  p: {type: real, unit: bar, range: [0, 25], poll: 1s, stale: 1h}\n"              \
	"  q: {type: real, unit: bar, range: [0, 25], poll: 1s, stale: 1h}\n"              \
	"  a: {type: bool, poll: 1s, stale: 1h}\n"                                         \
	"file:\n  weiyu: rules/1\n  package: t\n  rules:\n"

struct bench {
	struct case_world w;
	struct rule_engine *engine;
	void *memory;
};

enum { ENGINE_BYTES = 1 << 20, P = 0, Q = 1 };

static void start(struct bench *t, const char *text)
{
	struct wy_arena arena;

	memset(t, 0, sizeof(*t));
	assert_true(case_open(&t->w, NULL, text));
	t->memory = malloc(ENGINE_BYTES);
	wy_arena_init(&arena, t->memory, ENGINE_BYTES);
	assert_int_equal(rule_engine_new(t->w.set, &arena, (struct wy_now){1000, 1000, WY_CLOCK_SYNCED}, &t->engine), WY_OK);
}

static void stop(struct bench *t)
{
	case_close(&t->w);
	free(t->memory);
}

static void turn(struct bench *t, wy_ms at_ms, double p, double q)
{
	struct wy_sample sample = {.point = P, .quality = WY_Q_GOOD, .at_ms = at_ms, .real = p};
	const struct rule_event *events;

	rule_turn_begin(t->engine, (struct wy_now){at_ms, at_ms, WY_CLOCK_SYNCED});
	rule_put(t->engine, 0, P, &sample);
	sample.point = Q;
	sample.real = q;
	rule_put(t->engine, 0, Q, &sample);
	(void)rule_turn_end(t->engine, &events);
}

static size_t take_dirty(struct bench *t)
{
	struct rule_cell cell;
	size_t at = 0;
	size_t n = 0;

	while (rule_next_dirty(t->engine, false, &at, &cell))
		n++;
	rule_saved(t->engine);
	return n;
}

static void the_proof_names_who_is_to_blame(void **state)
{
	struct bench t;
	struct rule_clause c[4];

	(void)state;
	start(&t, POINTS "    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: 'joint(p, abs(q), learn=20, tau=2s) > 6', "
			 "clear: 'joint(p, abs(q), learn=20, tau=2s) < 3'}\n");
	for (wy_ms s = 2; s < 120; s++)
		turn(&t, s * 1000, 4 + (double)(s % 7) / 10, 5 + (double)(s % 5) / 10);
	assert_int_equal(rule_clauses(t.engine, 0, 0, false, c, 4), 1);
	assert_true(c[0].has_value && c[0].value < 3);
	for (wy_ms s = 120; s < 140; s++)
		turn(&t, s * 1000, 4.3, 9);
	assert_int_equal(rule_clauses(t.engine, 0, 0, false, c, 4), 1);
	assert_int_equal(c[0].truth, RULE_TRUE);
	assert_int_equal(c[0].n_shares, 2);
	assert_string_equal(c[0].shares[0].name, "q");
	assert_string_equal(c[0].shares[1].name, "p");
	assert_true(c[0].shares[0].share > 0.9);
	assert_true(fabs(c[0].shares[0].share + c[0].shares[1].share - 1) < 1e-12);
	stop(&t);
}

static void never_is_a_word_and_no_number(void **state)
{
	struct bench t;
	struct rule_clause c[4];

	(void)state;
	start(&t, POINTS "    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: 'eta(p, limit=9 bar, over=64s) < 1h', "
			 "clear: 'eta(p, limit=9 bar, over=64s) > 2h'}\n");
	for (wy_ms s = 2; s < 100; s++)
		turn(&t, s * 1000, 4, 4);
	assert_int_equal(rule_clauses(t.engine, 0, 0, false, c, 4), 1);
	assert_int_equal(c[0].truth, RULE_FALSE);
	assert_false(c[0].has_value);
	assert_string_equal(c[0].word, "never");
	assert_int_equal(rule_clauses(t.engine, 0, 0, true, c, 4), 1);
	assert_int_equal(c[0].truth, RULE_TRUE);
	stop(&t);
}

/* Learning is written as it grows, and what is learnt once; polls that teach nothing write nothing. */
static void polls_write_nothing_once_all_is_learnt(void **state)
{
	struct bench t;
	size_t written = 0;

	(void)state;
	start(&t, POINTS "    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: 'zlearn(p, learn=10, tau=2min) > 9 or "
			 "ewma(q, 1h) > 20 bar or zrob(p, 1h) > 99 or eta(q, limit=20 bar, over=1h) < 1min', clear_hold: 5s}\n"
			 "    - {id: t.b, scope: thing, fault: T-01, tier: S3, when: 'zbase(p, season=day, slot=15min, keep=3) > 9', clear_hold: 5s}\n");
	take_dirty(&t);
	for (wy_ms s = 2; s < 7200; s++) {
		turn(&t, s * 1000, 4 + (double)(s % 3) / 10, 5 + (double)(s % 5) / 10);
		written += take_dirty(&t);
	}
	/* Ten samples, and seven quarters of an hour that are over (of the first one all but a second was seen). */
	assert_int_equal(written, 10 + 7);
	stop(&t);
}

static const struct rx_memory *memory_of(struct bench *t, const char *function)
{
	const struct rx_class *cls = &t->w.set->classes[0];

	for (size_t i = 0; i < cls->n_memories; i++)
		if (strcmp(cls->memories[i].call->fn->name, function) == 0)
			return &cls->memories[i];
	fail_msg("no memory of %s", function);
	return NULL;
}


static void places_beyond_the_end_are_refused(void **state)
{
	struct bench t;

	(void)state;
	start(&t, POINTS "    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: 'zbase(p, slot=1h, keep=3) > 9 or "
			 "zstep(p, step=1min, n=5) > 9 or zlearn(p, learn=10, tau=10s) > 9 or m_of_n(p > 20 bar, 2, 3, step=1min)', clear_hold: 5s}\n");
	const struct rx_memory *at = memory_of(&t, "zstep");
	struct rx_mem_zstep *step = rx_memory_at(t.engine, 0, at);
	step->head = 5;
	assert_false(rx_memory_is_sound(at->call, step));
	at = memory_of(&t, "zlearn");
	struct rx_mem_zlearn *learn = rx_memory_at(t.engine, 0, at);
	learn->n = 10;
	assert_false(rx_memory_is_sound(at->call, learn));
	learn->n = 9;
	learn->smooth.weight = NAN;
	assert_false(rx_memory_is_sound(at->call, learn));
	at = memory_of(&t, "zbase");
	struct rx_mem_zbase *base = rx_memory_at(t.engine, 0, at);
	base->slot = 168;
	assert_false(rx_memory_is_sound(at->call, base));
	base->slot = 167;
	assert_true(rx_memory_is_sound(at->call, base));
	((unsigned char *)base)[at->bytes - 1] = 3;
	assert_false(rx_memory_is_sound(at->call, base));
	at = memory_of(&t, "m_of_n");
	struct rx_mem_m_of_n *of = rx_memory_at(t.engine, 0, at);
	of->head = 3;
	assert_false(rx_memory_is_sound(at->call, of));
	stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_proof_names_who_is_to_blame),
		cmocka_unit_test(never_is_a_word_and_no_number),
		cmocka_unit_test(polls_write_nothing_once_all_is_learnt),
		cmocka_unit_test(places_beyond_the_end_are_refused),
	};

	return cmocka_run_group_tests_name("rules_baselines", tests, NULL, NULL);
}
