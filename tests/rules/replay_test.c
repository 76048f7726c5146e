/* replay_test.c: random programs: any readings give the same events however the turns fall and however
 * often the engine is restarted; a look that nothing asked for never changes an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "case_play.h"
#include "number.h"

#define POINTS                                                                                         \
	"class:\n"                                                                                     \
	"  a: {type: bool, poll: 1s, stale: 5s}\n"                                                     \
	"  b: {type: bool, poll: 1s, stale: 5s}\n"                                                     \
	"  p: {type: real, unit: bar, range: [0, 25], poll: 1s, stale: 5s}\n"                          \
	"  c: {type: counter, modulus: 256, max_step: 20, poll: 1s, stale: 5s}\n"                      \
	"  m: {type: enum, values: [NORMAL, FIRE], poll: 1s, stale: 5s}\n"
#define HEAD "file:\n  weiyu: rules/1\n  package: t\n  params: {h: {type: s, default: 2s, min: 1s, max: 1h}}\n"

static uint32_t roll(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 16) % n;
}

static void add_turn(struct wy_buf *buf, uint32_t *seed, wy_ms *at_ms)
{
	static const char *const bools[] = {"true", "false", "true", "false", "bad", "true~"};

	*at_ms += 100 * (1 + roll(seed, 25)) + (roll(seed, 12) ? 0 : 9000);
	wy_buf_addf(buf, "  %lldms", (long long)*at_ms);
	switch (roll(seed, 10)) {
	case 0:
		wy_buf_add(buf, " heard\n");
		return;
	case 1:
		if (roll(seed, 3))
			wy_buf_addf(buf, " %s t.%s\n", roll(seed, 2) ? "ack" : "close", roll(seed, 2) ? "latch" : "hold");
		else
			wy_buf_addf(buf, " %s t.%s%s\n", roll(seed, 2) ? "shelve" : "close", roll(seed, 2) ? "fast" : "group",
				    roll(seed, 2) ? " 8s" : " 30s once");
		return;
	case 2: /* only a look */
		wy_buf_add(buf, "\n");
		return;
	default:
		break;
	}
	if (roll(seed, 3))
		wy_buf_addf(buf, " a=%s", bools[roll(seed, 6)]);
	if (roll(seed, 3))
		wy_buf_addf(buf, " b=%s", bools[roll(seed, 6)]);
	if (roll(seed, 3))
		wy_buf_addf(buf, " p=%u", roll(seed, 28));
	if (roll(seed, 3))
		wy_buf_addf(buf, " c=%u", roll(seed, 256));
	if (roll(seed, 3))
		wy_buf_addf(buf, " m=%s", roll(seed, 2) ? "FIRE" : "NORMAL");
	wy_buf_add(buf, "\n");
}

static const char random_rules[] = "assets: {A1: {bank: x}}\n" POINTS HEAD
	"  rules:\n"
	"    - {id: t.hold, scope: thing, fault: T-01, tier: S3, when: a and not b, hold: 3s, clear: not a, clear_hold: 2s, reraise: 5s}\n"
	"    - {id: t.latch, scope: thing, fault: T-02, tier: S3, when: a or b, hold: 1s, latch: ack, unverified_after: 8s}\n"
	"    - {id: t.raise, scope: thing, fault: T-03, tier: S3, when: b, hold: 4s, clear: not b, on_unknown: raise}\n"
	"    - {id: t.levels, scope: thing, fault: T-04, clear_hold: 1s, levels: [{tier: S3, when: p > 10 bar, clear: p < 8 bar},"
	" {tier: S2, when: p > 20 bar, clear: p < 15 bar, hold: 2s}], meta: {}}\n"
	"    - {id: t.quiet, scope: thing, fault: T-05, tier: S3, when: silence() > 6s, clear: silence() < 2s, clear_hold: 1s}\n"
	"    - {id: t.child, scope: thing, fault: T-06, tier: S3, when: m == FIRE, clear: m == NORMAL, clear_hold: 1s, inhibited_by: [t.hold], settle: 3s}\n"
	"    - {id: t.since, scope: thing, fault: T-07, tier: S3, when: 'since(rise(a)) < 4s and since(b) > 1s', clear: 'since(fall(b)) > 2s'}\n"
	"    - {id: t.count, scope: thing, fault: T-08, tier: S3, when: 'count(change(m), 30s) >= 3', clear: 'count(change(m), 30s) == 0'}\n"
	"    - {id: t.window, scope: thing, fault: T-09, tier: S3, when: 'min(p, 20s) > 3 bar or max(p, 20s) < 12 bar', clear: 'increase(c, 30s) > 200'}\n"
	"    - {id: t.pulse, scope: thing, fault: T-10, tier: S3, when: 'count(pulse(c), 20s) > 5 and prev(p) > p', clear: 'age(p) > 6s', active: not alarm(t.hold)}\n"
	"    - {id: t.late, scope: thing, fault: T-11, tier: S3, when: 'least(since(a), 5s) - since(b) > 3s and abs(p - max(p, 40s)) < 4 bar', clear: 'greatest(since(rise(b)), 2 * age(p)) > 7s'}\n"
	"    - {id: t.many, scope: thing, fault: T-12, tier: S3, when: 'count(pulse(c), 40s) > 90', clear: 'count(pulse(c), 40s) < 40', latch: ack, on_unknown: reset}\n"
	"    - {id: t.deep, scope: thing, fault: T-13, tier: S3, when: 'count(rise(min(p, 30s) > 4 bar), 1min) > 1', clear: 'since(fall(max(p, 30s) > 4 bar)) > 5s', clear_hold: 3s, on_unknown: clear, inhibited_by: [t.child], settle: 0s}\n"
	"    - {id: t.fast, scope: thing, fault: T-14, tier: S3, when: a, clear: not a, chatter: {max: 3, per: 10s, quiet: 15s}, reraise: 3s,"
	" recur: {count: 3, within: 1min, then: {tier: S2, kind: problem, fault: T-15}},"
	" escalate: [{after: 3s, unless: acked, to: x}, {after: 9s, to: y, tier: S2}]}\n"
	"  correlate:\n"
	"    - {id: t.group, fault: T-16, tier: S3, members: [t.hold, t.raise, t.fast, t.levels], same: [bank], within: 10s,"
	" absorb: true, gather: 4s, chatter: none}\n"
	"play: |\n";

/* Killed, or stopped in order, and back after a while. */
static void add_gap(struct wy_buf *buf, uint32_t *seed, wy_ms *at_ms)
{
	wy_ms up_ms;

	*at_ms += 100 * (1 + roll(seed, 25));
	up_ms = *at_ms + 100 * (1 + roll(seed, roll(seed, 4) ? 30 : 900));
	wy_buf_addf(buf, "  %lldms %s %lldms\n", (long long)*at_ms, roll(seed, 3) ? "crash" : "stop", (long long)up_ms);
	*at_ms = up_ms;
}

static void check_pairs(const char *events, const char *rule)
{
	char raised[40];
	char resolved[40];
	char closed[40];
	struct wy_buf buf;
	int open = 0;

	wy_buf_init(&buf, raised, sizeof(raised));
	wy_buf_addf(&buf, " raised %s ", rule);
	wy_buf_init(&buf, resolved, sizeof(resolved));
	wy_buf_addf(&buf, " resolved %s ", rule);
	wy_buf_init(&buf, closed, sizeof(closed));
	wy_buf_addf(&buf, " close %s ", rule);
	for (const char *at = events; *at;) {
		size_t len = strcspn(at, "\n");
		char line[200] = {0};
		memcpy(line, at, len < sizeof(line) ? len : sizeof(line) - 1);
		open += strstr(line, raised) != NULL;
		open -= strstr(line, resolved) != NULL || (strstr(line, closed) && !strstr(line, "refused"));
		assert_true(open == 0 || open == 1);
		at += len + (at[len] == '\n');
	}
}

/* A dozen programs; four hundred with WY_LONG=1 in the environment, run by hand: it takes minutes. */
static void any_readings_give_the_same_events_however_turns_fall(void **state)
{
	enum { TURNS = 250, TEXT = 1 << 16, OUT = 1 << 17, SEEDS = 12, SEEDS_LONG = 400 };
	const uint32_t seeds = getenv("WY_LONG") ? SEEDS_LONG : SEEDS;
	static const char *const rules[] = {"t.hold", "t.latch", "t.raise", "t.levels", "t.quiet", "t.child",
					    "t.since", "t.count", "t.window", "t.pulse", "t.late", "t.many", "t.deep", "t.fast",
					    "t.fast.problem", "t.group"};
	size_t seen = 0;
	char *text = malloc(TEXT);
	char *out[3] = {malloc(OUT), malloc(OUT), malloc(OUT)};

	(void)state;
	for (uint32_t first = 1; first <= seeds; first++) {
		uint32_t seed = first * 7919;
		wy_ms at_ms = 0;
		struct wy_buf buf;
		struct case_world w;
		wy_buf_init(&buf, text, TEXT);
		wy_buf_add(&buf, random_rules);
		for (int i = 0; i < TURNS; i++)
			add_turn(&buf, &seed, &at_ms);
		assert_false(buf.is_cut);
		assert_true(case_open(&w, NULL, text));
		for (unsigned mode = CASE_PUNCTUAL; mode <= CASE_RESTART; mode++) {
			wy_buf_init(&buf, out[mode], OUT);
			case_play(&w, (enum case_mode)mode, &buf);
			assert_false(buf.is_cut);
		}
		assert_string_equal(out[CASE_PUNCTUAL], out[CASE_LATE]);
		assert_string_equal(out[CASE_PUNCTUAL], out[CASE_RESTART]);
		for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
			check_pairs(out[0], rules[i]);
		seen += strlen(out[0]);
		case_close(&w);
	}
	assert_true(seen > 10000);
	free(text);
	for (unsigned i = 0; i < 3; i++)
		free(out[i]);
}

/* Time out of order would be a timer that fired twice, or one of before the gap. */
static void check_order(const char *events)
{
	wy_ms last_ms = 0;

	for (const char *at = events; *at;) {
		size_t len = strcspn(at, "\n");
		size_t word = strcspn(at, " ");
		wy_ms at_ms;
		assert_int_equal(wy_parse_duration(at, word, &at_ms), WY_OK);
		assert_true(at_ms >= last_ms);
		last_ms = at_ms;
		at += len + (at[len] == '\n');
	}
}

static void every_raise_has_one_end_however_often_the_engine_dies(void **state)
{
	enum { TURNS = 250, TEXT = 1 << 16, OUT = 1 << 17, SEEDS = 60 };
	static const char *const rules[] = {"t.hold", "t.raise", "t.levels", "t.quiet", "t.child", "t.since", "t.count",
					    "t.window", "t.pulse", "t.late", "t.many", "t.deep", "t.latch"};
	char *text = malloc(TEXT);
	char *out = malloc(OUT);

	(void)state;
	for (uint32_t first = 1; first <= SEEDS; first++) {
		uint32_t seed = first * 104729;
		wy_ms at_ms = 0;
		struct wy_buf buf;
		struct case_world w;
		wy_buf_init(&buf, text, TEXT);
		wy_buf_add(&buf, random_rules);
		for (int i = 0; i < TURNS; i++) {
			if (roll(&seed, 20) == 0)
				add_gap(&buf, &seed, &at_ms);
			add_turn(&buf, &seed, &at_ms);
		}
		assert_true(case_open(&w, NULL, text));
		wy_buf_init(&buf, out, OUT);
		case_play(&w, CASE_PUNCTUAL, &buf);
		assert_false(buf.is_cut);
		for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
			check_pairs(out, rules[i]);
		check_order(out);
		case_close(&w);
	}
	free(text);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_raise_has_one_end_however_often_the_engine_dies),
		cmocka_unit_test(any_readings_give_the_same_events_however_turns_fall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
