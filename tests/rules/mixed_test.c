/* mixed_test.c: everything that holds back or joins tickets at once: random keys on rules of each kind, groups, problems,
 * planned windows, out of service, orders, restarts. The order of events is held by case_play.c; here: turns and restarts
 * change nothing, what is urgent and stands is told, and when all is over and people did their part every ticket ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "case_play.h"

enum { TURNS = 150, TEXT = 1 << 17, OUT = 1 << 19, SEEDS = 8, SEEDS_LONG = 400, ASSETS = 3 };

static const char world[] =
	"assets: {A1: {bank: x}, A2: {bank: x}, A3: {bank: y}}\n"
	"maintenance: [{assets: [A1, A2], from: 60, to: 110}, {assets: [A3], from: 100, to: 130, mode: oos}]\n"
	"out_of_service_when: m == FIRE\n"
	"class:\n"
	"  a: {type: bool, poll: 1s, stale: 5s}\n"
	"  b: {type: bool, poll: 1s, stale: 5s}\n"
	"  d: {type: bool, poll: 1s, stale: 5s}\n"
	"  n: {type: int, range: [0, 9], poll: 1s, stale: 5s}\n"
	"  m: {type: enum, values: [NORMAL, FIRE], poll: 1s, stale: 5s}\n"
	"file:\n  weiyu: rules/1\n  package: t\n  rules:\n";

static uint32_t roll(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 16) % n;
}

/* Each of the keys or not. */
static void add_keys(struct wy_buf *buf, uint32_t *seed, bool is_level)
{
	static const char *const any[] = {
		", recur: {count: 2, within: 30s, then: {tier: S1}}", ", maintenance: annotate", ", in_service_only: false",
		", escalate: [{after: 4s, unless: acked, to: x}, {after: 9s, to: y, tier: S1}]", ", shelve: {max: 20s}",
		", active: not alarm(t.par)", ", unverified_after: 4s"};
	static const char *const level[] = {", hold: 2s", ", reraise: 7s", ", tolerate: 3s", ", on_unknown: raise",
					    ", on_unknown: reset"};

	wy_buf_add(buf, roll(seed, 2) ? ", chatter: none" : ", chatter: {max: 3, per: 10s, quiet: 15s}");
	for (size_t i = 0; i < sizeof(any) / sizeof(*any); i++)
		if (!roll(seed, 3))
			wy_buf_add(buf, any[i]);
	for (size_t i = 0; i < 3 && is_level; i++)
		if (!roll(seed, 2))
			wy_buf_add(buf, level[i]);
	if (is_level && !roll(seed, 3))
		wy_buf_add(buf, level[3 + roll(seed, 2)]);
	wy_buf_add(buf, "}\n");
}

static void add_rules(struct wy_buf *buf, uint32_t *seed)
{
	static const char *const rules[] = {
		"kid, fault: T-02, tier: S2, meta: {}, when: a, clear: not a, inhibited_by: [t.par], settle: 3s",
		"ev, fault: T-03, tier: S3, event: rise(a), latch: reset",
		"evc, fault: T-04, tier: S2, meta: {}, event: rise(b), clear: not b, inhibited_by: [{rule: t.par, same: [bank]}]",
		"pat, fault: T-05, tier: S3, pattern: {steps: [{see: rise(a)}, {absent: rise(b), for: 3s}]}, clear: not a",
		"key, fault: T-06, tier: S3, by: n, max_keys: 2, event: rise(a), clear: not a, clear_hold: 2s",
		"latch, fault: T-07, tier: S3, when: b, clear: not b, latch: ack",
	};

	wy_buf_add(buf, "    - {id: t.must, scope: thing, fault: T-10, tier: S1, meta: {}, when: d, clear: not d, hold: 2s, reraise: 7s, shelve: {max: 20s}, chatter: {max: 3, per: 10s, quiet: 15s}}\n"
			"    - {id: t.par, scope: thing, fault: T-01, tier: S2, meta: {}, when: a and b, clear: not b, clear_hold: 1s, reraise: 5s, chatter: {max: 3, per: 10s, quiet: 15s}}\n"
			"    - {id: t.many, scope: thing, fault: T-11, tier: S3, when: b, clear: not b, recur: {count: 2, within: 40s,"
			" then: {tier: S2, kind: problem, fault: T-12}}, chatter: {max: 4, per: 5s, quiet: 6s}}\n");
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		wy_buf_addf(buf, "    - {scope: thing, id: t.%s", rules[i]);
		add_keys(buf, seed, strstr(rules[i], "when: ") != NULL);
	}
	wy_buf_addf(buf, "  correlate:\n    - {id: t.g, fault: T-08, tier: S%u, members: [t.kid, t.ev, t.many], same: [bank], within: 8s, absorb: %s, gather: 3s, meta: {}, chatter: {max: 3, per: 10s, quiet: 15s}}\n",
		    1 + roll(seed, 3), roll(seed, 4) ? "true" : "false");
	wy_buf_addf(buf, "    - {id: t.h, fault: T-09, tier: S3, members: [t.latch], same: [bank], within: 8s, absorb: true, gather: %us, chatter: none}\n",
		    roll(seed, 6));
}

static const char *const all_rules[] = {"must", "par", "kid", "ev", "evc", "pat", "latch", "many", "many.problem", "g", "h"};

static void add_order(struct wy_buf *buf, uint32_t *seed)
{
	static const char *const words[] = {"ack", "close", "reset", "shelve", "unshelve", "assign", "on_site"};
	const char *word = words[roll(seed, 7)];
	const char *rule = all_rules[roll(seed, 11)];
	bool is_group = strlen(rule) == 1;

	wy_buf_addf(buf, " %s ", word);
	if (!is_group)
		wy_buf_addf(buf, "A%u.", 1 + roll(seed, ASSETS));
	wy_buf_addf(buf, "t.%s", rule);
	if (strcmp(word, "shelve") == 0)
		wy_buf_addf(buf, " %us%s", 1 + roll(seed, 25), roll(seed, 2) ? "" : " once");
	wy_buf_add(buf, "\n");
}

static void add_turn(struct wy_buf *buf, uint32_t *seed, wy_ms *at_ms)
{
	static const char *const bools[] = {"true", "false", "true", "false", "bad", "true~"};

	*at_ms += 100 * (1 + roll(seed, 25)) + (roll(seed, 15) ? 0 : 8000);
	wy_buf_addf(buf, "  %lldms", (long long)*at_ms);
	if (!roll(seed, 6)) {
		add_order(buf, seed);
		return;
	}
	for (unsigned i = 1; i <= ASSETS; i++) {
		if (roll(seed, 3))
			wy_buf_addf(buf, " A%u.a=%s", i, bools[roll(seed, 6)]);
		if (roll(seed, 3))
			wy_buf_addf(buf, " A%u.b=%s", i, bools[roll(seed, 6)]);
		if (!roll(seed, 4))
			wy_buf_addf(buf, " A%u.d=%s", i, bools[roll(seed, 6)]);
		if (!roll(seed, 3))
			wy_buf_addf(buf, " A%u.n=%u", i, roll(seed, 5));
		if (!roll(seed, 5))
			wy_buf_addf(buf, " A%u.m=%s", i, roll(seed, 4) ? "NORMAL" : "FIRE");
	}
	wy_buf_add(buf, "\n");
}

static void add_gap(struct wy_buf *buf, uint32_t *seed, wy_ms *at_ms)
{
	*at_ms += 100;
	wy_ms up_ms = *at_ms + 100 * (1 + roll(seed, roll(seed, 4) ? 30 : 300));
	wy_buf_addf(buf, "  %lldms %s %lldms\n", (long long)*at_ms, roll(seed, 3) ? "crash" : "stop", (long long)up_ms);
	*at_ms = up_ms;
}

static void poll_all(struct wy_buf *buf, wy_ms from_ms, wy_ms to_ms, const char *value)
{
	wy_buf_addf(buf, "  %lldms..%lldms every 2s", (long long)from_ms, (long long)to_ms);
	for (unsigned i = 1; i <= ASSETS; i++)
		wy_buf_addf(buf, " A%u.a=%s A%u.b=%s A%u.d=%s A%u.n=1 A%u.m=NORMAL", i, value, i, value, i, value, i, i);
	wy_buf_add(buf, "\n");
}

/* What stands is looked at; then all is over, and each rule's people come by. */
static void add_end(struct wy_buf *buf, wy_ms at_ms)
{
	at_ms += 60000;
	poll_all(buf, at_ms, at_ms + 60000, "true");
	for (unsigned i = 1; i <= ASSETS; i++)
		wy_buf_addf(buf, "  %lldms show A%u.t.must\n", (long long)at_ms + 59000 + i, i);
	poll_all(buf, at_ms + 62000, at_ms + 200000, "false");
	/* Problems chatter as rules do that say nothing of it: half an hour. */
	poll_all(buf, at_ms + 3600000, at_ms + 3640000, "false");
	for (unsigned i = 1; i <= ASSETS; i++)
		for (size_t k = 0; k < 9; k++) {
			wy_buf_addf(buf, "  %lldms ack A%u.t.%s\n", (long long)at_ms + 3620000 + i, i, all_rules[k]);
			wy_buf_addf(buf, "  %lldms reset A%u.t.%s\n", (long long)at_ms + 3621000 + i, i, all_rules[k]);
		}
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

static void check_end(const char *out, const char *text)
{
	size_t raised = count(out, " raised ");
	size_t ended = count(out, " resolved ") + count(out, " close ") - count(out, " refused close ");

	if (raised != ended || count(out, " active t.must") != ASSETS)
		fprintf(stderr, "%s\n%s\n", text, out);
	assert_int_equal(raised, ended);
	assert_int_equal(count(out, " active t.must"), ASSETS);
}

static void make(struct wy_buf *buf, uint32_t seed, bool has_gaps)
{
	wy_ms at_ms = 0;

	wy_buf_add(buf, world);
	add_rules(buf, &seed);
	wy_buf_add(buf, "play: |\n");
	for (int i = 0; i < TURNS; i++) {
		if (has_gaps && !roll(&seed, 15))
			add_gap(buf, &seed, &at_ms);
		add_turn(buf, &seed, &at_ms);
	}
	add_end(buf, at_ms);
	assert_false(buf->is_cut);
}

static void play(const char *text, enum case_mode mode, char *out)
{
	struct case_world w;
	struct wy_buf buf;

	if (!case_open(&w, NULL, text))
		fprintf(stderr, "%s\n%s\n", text, w.diags.n ? w.diags.item[0].text : "");
	assert_non_null(w.set);
	wy_buf_init(&buf, out, OUT);
	case_play(&w, mode, &buf);
	assert_false(buf.is_cut);
	case_close(&w);
}

/* Says where they part: cmocka cuts long texts. */
static void check_same(const char *text, const char *one, const char *other)
{
	size_t at = 0;
	size_t line = 0;

	while (one[at] && one[at] == other[at]) {
		line = one[at] == '\n' ? at + 1 : line;
		at++;
	}
	if (one[at] != other[at])
		fprintf(stderr, "%s\n...%.600s\n--- is not\n%.600s\n", text, one + (line > 300 ? line - 300 : 0), other + line);
	assert_int_equal(one[at], other[at]);
}

static uint32_t seeds(void)
{
	return getenv("WY_LONG") ? SEEDS_LONG : SEEDS;
}

static void every_ticket_ends_and_none_is_missed_over_restarts(void **state)
{
	char *text = malloc(TEXT), *out = malloc(OUT);
	struct wy_buf buf;

	(void)state;
	for (uint32_t i = 1; i <= 3 * seeds(); i++) {
		wy_buf_init(&buf, text, TEXT);
		make(&buf, i * 104729, true);
		play(text, CASE_PUNCTUAL, out);
		check_end(out, text);
	}
	free(text);
	free(out);
}

static void turns_and_looks_change_nothing(void **state)
{
	char *text = malloc(TEXT), *out[3] = {malloc(OUT), malloc(OUT), malloc(OUT)};
	struct wy_buf buf;

	(void)state;
	for (uint32_t i = 1; i <= seeds(); i++) {
		wy_buf_init(&buf, text, TEXT);
		make(&buf, i * 7919, false);
		for (unsigned mode = CASE_PUNCTUAL; mode <= CASE_RESTART; mode++)
			play(text, (enum case_mode)mode, out[mode]);
		check_same(text, out[CASE_PUNCTUAL], out[CASE_LATE]);
		check_same(text, out[CASE_PUNCTUAL], out[CASE_RESTART]);
		check_end(out[0], text);
	}
	for (unsigned i = 0; i < 3; i++)
		free(out[i]);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_ticket_ends_and_none_is_missed_over_restarts),
		cmocka_unit_test(turns_and_looks_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
