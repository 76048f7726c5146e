/* engine_test.c: what the gateway relies on beyond events: cells, clauses, due times, clocks that jump. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "case_play.h"

#define POINTS                                                                                         \
	"class:\n"                                                                                     \
	"  a: {type: bool, poll: 1s, stale: 5s}\n"                                                     \
	"  b: {type: bool, poll: 1s, stale: 5s}\n"                                                     \
	"  p: {type: real, unit: bar, range: [0, 25], poll: 1s, stale: 5s}\n"                          \
	"  c: {type: counter, modulus: 256, max_step: 20, poll: 1s, stale: 5s}\n"                      \
	"  m: {type: enum, values: [NORMAL, FIRE], poll: 1s, stale: 5s}\n"
#define HEAD "file:\n  weiyu: rules/1\n  package: t\n  params: {h: {type: s, default: 2s, min: 1s, max: 1h}}\n"

struct bench {
	struct case_world w;
	struct rule_engine *engine;
	void *memory;
	struct rule_event last; /* of the last turn */
};

enum { ENGINE_BYTES = 1 << 20, A = 0, B = 1, P = 2, C = 3, M = 4 };

static void start(struct bench *t, const char *text, wy_ms at_ms)
{
	struct wy_arena arena;

	memset(t, 0, sizeof(*t));
	assert_true(case_open(&t->w, NULL, text));
	t->memory = malloc(ENGINE_BYTES);
	wy_arena_init(&arena, t->memory, ENGINE_BYTES);
	assert_int_equal(rule_engine_new(t->w.set, &arena, (struct wy_now){at_ms, at_ms, WY_CLOCK_SYNCED}, &t->engine), WY_OK);
}

static void stop(struct bench *t)
{
	case_close(&t->w);
	free(t->memory);
}

static void begin(struct bench *t, wy_ms at_ms)
{
	rule_turn_begin(t->engine, (struct wy_now){at_ms, at_ms, WY_CLOCK_SYNCED});
}

static size_t end(struct bench *t)
{
	const struct rule_event *events;
	size_t n = rule_turn_end(t->engine, &events);

	if (n)
		t->last = events[n - 1];
	return n;
}

static void put(struct bench *t, uint32_t point, wy_ms at_ms, double value)
{
	struct wy_sample sample = {.point = point, .quality = WY_Q_GOOD, .is_whole = point != P, .at_ms = at_ms};

	if (sample.is_whole)
		sample.whole = (int64_t)value;
	else
		sample.real = value;
	rule_put(t->engine, 0, point, &sample);
}

static size_t turn(struct bench *t, wy_ms at_ms, uint32_t point, double value)
{
	begin(t, at_ms);
	put(t, point, at_ms, value);
	return end(t);
}

static size_t count_dirty(struct bench *t, bool all)
{
	struct rule_cell cell;
	size_t at = 0;
	size_t n = 0;

	while (rule_next_dirty(t->engine, all, &at, &cell))
		n++;
	return n;
}

/* ---- Cells -------------------------------------------------------------------------------- */

#define WINDOWS                                                                                                  \
	POINTS HEAD                                                                                              \
	"  rules:\n"                                                                                             \
	"    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: 'min(p, 1min) > 3 bar or increase(c, 1h) > 5', clear: not a}\n"

static void steady_polling_writes_nothing(void **state)
{
	struct bench t;

	(void)state;
	start(&t, WINDOWS, 1000);
	for (wy_ms at_ms = 2000; at_ms < 40000; at_ms += 1000) {
		begin(&t, at_ms);
		put(&t, A, at_ms, 1);
		put(&t, P, at_ms, 2 + (double)(at_ms % 3000) / 10000);
		put(&t, C, at_ms, 7);
		assert_int_equal(end(&t), 0);
		assert_int_equal(count_dirty(&t, false), 0);
	}
	assert_true(count_dirty(&t, true) >= 3); /* two windows and the samples */
	stop(&t);
}

static void a_move_is_saved_with_the_windows_it_used(void **state)
{
	struct bench t;

	(void)state;
	start(&t, WINDOWS, 1000);
	turn(&t, 2000, C, 7);
	assert_int_equal(count_dirty(&t, false), 0);
	assert_int_equal(turn(&t, 3000, C, 14), 1);
	assert_int_equal(t.last.kind, RULE_RAISED);
	assert_int_equal(count_dirty(&t, false), 4); /* machine, what was told, two windows */
	rule_saved(t.engine);
	assert_int_equal(count_dirty(&t, false), 0);
	stop(&t);
}

static void damaged_cells_are_refused(void **state)
{
	struct bench t;
	struct rule_cell cell;
	unsigned char copy[8192];
	size_t at = 0;
	size_t n = 0;

	(void)state;
	start(&t, WINDOWS, 1000);
	turn(&t, 2000, C, 7);
	turn(&t, 3000, C, 14);
	while (rule_next_dirty(t.engine, true, &at, &cell)) {
		char key[300];
		assert_true(cell.len <= sizeof(copy));
		memcpy(copy, cell.bytes, cell.len);
		memcpy(key, cell.key, strlen(cell.key) + 1);
		size_t len = cell.len;
		assert_int_equal(rule_restore(t.engine, key, copy, len - 1), WY_E_CORRUPT);
		assert_int_equal(rule_restore(t.engine, key, copy, 0), WY_E_CORRUPT);
		for (size_t i = 0; i < len; i += 7) {
			copy[i] ^= 0x40;
			assert_int_equal(rule_restore(t.engine, key, copy, len), WY_E_CORRUPT);
			copy[i] ^= 0x40;
		}
		assert_int_equal(rule_restore(t.engine, key, copy, len), WY_OK);
		n++;
	}
	assert_int_equal(n, 5);
	assert_int_equal(rule_restore(t.engine, "r/t.other/A1", copy, 10), WY_E_NOTFOUND);
	assert_int_equal(rule_restore(t.engine, "r/t.r/A9", copy, 10), WY_E_NOTFOUND);
	assert_int_equal(rule_restore(t.engine, "f/0000000000000000/A1", copy, 10), WY_E_NOTFOUND);
	assert_int_equal(rule_restore(t.engine, "", copy, 10), WY_E_NOTFOUND);
	stop(&t);
}

static void a_changed_condition_keeps_the_raised_state(void **state)
{
	struct bench old;
	struct bench new;
	struct rule_cell cell;
	size_t at = 0;

	(void)state;
	start(&old, POINTS HEAD "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 2s}\n", 1000);
	start(&new, POINTS HEAD "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S2, when: b, clear: not b, clear_hold: 1s, meta: {}}\n", 10000);
	assert_int_equal(turn(&old, 2000, A, 1), 1);
	while (rule_next_dirty(old.engine, false, &at, &cell))
		assert_int_equal(rule_restore(new.engine, cell.key, cell.bytes, cell.len), WY_OK);
	rule_resume(new.engine, 2000, (struct wy_now){10000, 10000, WY_CLOCK_SYNCED});
	assert_true(rule_is_raised(new.engine, 0));
	begin(&new, 11000);
	put(&new, B, 11000, 1);
	end(&new);
	assert_true(rule_is_raised(new.engine, 0));
	assert_int_equal(new.last.kind == RULE_RAISED && new.last.at_ms > 2000, 0);
	turn(&new, 12000, B, 0);
	assert_int_equal(turn(&new, 13000, B, 0), 1);
	assert_int_equal(new.last.kind, RULE_RESOLVED);
	stop(&old);
	stop(&new);
}

static void an_adopted_instance_ends_by_its_own_clear(void **state)
{
	struct bench t;

	(void)state;
	start(&t, POINTS HEAD "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 2s}\n", 10000);
	rule_adopt(t.engine, 0, 4000);
	rule_resume(t.engine, 9000, (struct wy_now){10000, 10000, WY_CLOCK_SYNCED});
	assert_true(rule_is_raised(t.engine, 0));
	assert_int_equal(turn(&t, 11000, A, 0), 0);
	assert_int_equal(turn(&t, 13000, A, 0), 1);
	assert_int_equal(t.last.kind, RULE_RESOLVED);
	assert_int_equal(t.last.onset_ms, 4000);
	stop(&t);
}

/* ---- Looking in --------------------------------------------------------------------------- */

static void clauses_are_the_proof(void **state)
{
	struct bench t;
	struct rule_clause c[8];

	(void)state;
	start(&t, POINTS HEAD "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: 'a and (p < 200 kPa or not b) and m == FIRE', clear: not a}\n", 1000);
	begin(&t, 2000);
	put(&t, A, 2000, 1);
	put(&t, P, 2000, 1.5);
	put(&t, M, 2000, 1);
	assert_int_equal(end(&t), 1);
	assert_int_equal(rule_clauses(t.engine, 0, 0, false, c, 8), 4);
	assert_memory_equal(c[0].text, "a", c[0].text_len);
	assert_string_equal(c[0].word, "true");
	assert_memory_equal(c[1].text, "p < 200 kPa", c[1].text_len);
	assert_int_equal(c[1].truth, RULE_TRUE);
	assert_true(c[1].has_value && c[1].has_limit && c[1].value == 1.5 && c[1].limit == 2.0);
	assert_string_equal(c[1].unit->name, "bar");
	assert_int_equal(c[2].truth, RULE_UNKNOWN);
	assert_string_equal(c[2].why, "b never");
	assert_string_equal(c[3].word, "FIRE");
	assert_int_equal(rule_clauses(t.engine, 0, 0, false, c, 2), 2);
	assert_int_equal(rule_clauses(t.engine, 0, 0, true, c, 8), 1);
	assert_int_equal(c[0].truth, RULE_FALSE);
	assert_int_equal(rule_clauses(t.engine, 0, 1, false, c, 8), 0);
	stop(&t);
}

static void points_are_judged_on_arrival_and_by_age(void **state)
{
	struct bench t;

	(void)state;
	start(&t, POINTS HEAD "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, clear: not a}\n", 1000);
	assert_int_equal(rule_point_now(t.engine, 0, P).quality, WY_Q_NEVER);
	turn(&t, 2000, P, 3);
	assert_int_equal(rule_point_now(t.engine, 0, P).quality, WY_Q_GOOD);
	turn(&t, 3000, P, 26);
	assert_int_equal(rule_point_now(t.engine, 0, P).quality, WY_Q_BAD);
	assert_int_equal(rule_point_now(t.engine, 0, P).why, WY_WHY_RANGE);
	begin(&t, 4000);
	put(&t, P, 4000, 4);
	put(&t, P, 3500, 5); /* late */
	end(&t);
	assert_true(rule_point_now(t.engine, 0, P).real == 4);
	begin(&t, 9000);
	end(&t);
	assert_int_equal(rule_point_now(t.engine, 0, P).quality, WY_Q_STALE);
	turn(&t, 9500, M, 2);
	assert_int_equal(rule_point_now(t.engine, 0, M).quality, WY_Q_BAD);
	stop(&t);
}

static void due_times_are_exact(void **state)
{
	struct bench t;

	(void)state;
	start(&t, POINTS HEAD "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: silence() > 90s, clear: silence() < 10s}\n", 1000);
	begin(&t, 2000);
	rule_heard(t.engine, 0, 2000);
	end(&t);
	assert_int_equal(rule_next_due(t.engine), 92000); /* there it is 90s, and one ms later more */
	begin(&t, 200000);
	assert_int_equal(end(&t), 1);
	assert_int_equal(t.last.at_ms, 92001);
	assert_int_equal(rule_next_due(t.engine), WY_MS_NEVER);
	stop(&t);
}

static void a_clock_that_is_set_moves_calendars(void **state)
{
	struct bench t;
	const struct rule_event *events;
	wy_ms noon_ms = 12 * 3600000;

	(void)state;
	start(&t, POINTS HEAD "  calendars: {night: {from: '22:00', to: '06:00'}}\n"
	      "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: during(night), clear: not during(night)}\n", noon_ms);
	begin(&t, noon_ms + 1000);
	assert_int_equal(end(&t), 0);
	assert_int_equal(rule_next_due(t.engine), noon_ms + 10 * 3600000);
	rule_turn_begin(t.engine, (struct wy_now){noon_ms + 2000, 23 * 3600000, WY_CLOCK_STEPPED});
	assert_int_equal(rule_turn_end(t.engine, &events), 1);
	assert_int_equal(events[0].at_ms, noon_ms + 2000);
	assert_int_equal(rule_next_due(t.engine), noon_ms + 2000 + 7 * 3600000);
	stop(&t);
}

static size_t turn_at(struct bench *t, wy_ms mono_ms, wy_ms wall_ms, double value)
{
	const struct rule_event *events;

	rule_turn_begin(t->engine, (struct wy_now){mono_ms, wall_ms, WY_CLOCK_STEPPED});
	put(t, A, mono_ms, value);
	size_t n = rule_turn_end(t->engine, &events);
	if (n)
		t->last = events[n - 1];
	return n;
}

static void a_clock_that_is_set_moves_no_hold_and_no_age(void **state)
{
	static const wy_ms steps_ms[] = {5 * 3600000, -5 * 3600000, 86400000, -900};
	struct bench t;

	(void)state;
	for (unsigned i = 0; i < sizeof(steps_ms) / sizeof(*steps_ms); i++) {
		wy_ms wall_ms = 40 * 86400000LL;
		start(&t, POINTS HEAD "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, hold: 4s, clear: not a, clear_hold: 4s}\n", 1000);
		assert_int_equal(turn_at(&t, 2000, wall_ms, 1), 0);
		assert_int_equal(turn_at(&t, 4000, wall_ms + steps_ms[i], 1), 0);
		assert_int_equal(rule_next_due(t.engine), 6000);
		assert_int_equal(turn_at(&t, 5999, wall_ms, 1), 0);
		assert_int_equal(turn_at(&t, 6000, wall_ms + steps_ms[i], 1), 1);
		assert_int_equal(t.last.kind, RULE_RAISED);
		assert_int_equal(t.last.onset_ms, 2000);
		assert_int_equal(turn_at(&t, 8000, wall_ms, 0), 0);
		assert_int_equal(turn_at(&t, 11999, wall_ms + steps_ms[i], 0), 0);
		assert_int_equal(turn_at(&t, 12000, wall_ms, 0), 1);
		assert_int_equal(t.last.kind, RULE_RESOLVED);
		stop(&t);
	}
}

/* More events than one turn may have: the rest comes with the next turns, none lost, each at its instant. */
static void events_beyond_the_ceiling_come_with_the_next_turn(void **state)
{
	enum { DAYS = 100 };
	const wy_ms day_ms = 86400000;
	struct bench t;
	const struct rule_event *events;
	unsigned turns = 0;
	wy_ms seen = 0;

	(void)state;
	start(&t, POINTS HEAD "  calendars: {night: {from: '22:00', to: '06:00'}}\n"
	      "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: during(night), clear: not during(night)}\n"
	      "    - {id: t.s, scope: thing, fault: T-01, tier: S3, when: not during(night), clear: during(night)}\n", day_ms);
	do {
		begin(&t, (DAYS + 1) * day_ms);
		size_t n = rule_turn_end(t.engine, &events);
		assert_true(n > 0);
		for (size_t i = 0; i < n; i++, seen++) {
			/* At 0:00 of the first day one rule, then both at 6:00 and at 22:00. */
			wy_ms move = (seen + 1) / 2;
			wy_ms at_ms = !move ? day_ms : (move + 1) / 2 * day_ms + (move % 2 ? 6 : 22) * 3600000;
			assert_int_equal(events[i].at_ms, at_ms);
			bool is_night = move % 2 == 0;
			assert_int_equal(events[i].kind, (events[i].instance == 0) == is_night ? RULE_RAISED : RULE_RESOLVED);
		}
		turns++;
	} while (rule_next_due(t.engine) <= (DAYS + 1) * day_ms);
	assert_int_equal(seen, 1 + 4 * DAYS);
	assert_true(turns > 2);
	stop(&t);
}

static uint32_t revision_of(const char *text)
{
	struct case_world w;

	assert_true(case_open(&w, NULL, text));
	uint32_t revision = rule_info_at(w.set, 0)->revision;
	case_close(&w);
	return revision;
}

static void a_revision_follows_the_meaning(void **state)
{
	uint32_t first = revision_of(POINTS HEAD "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, hold: $h, clear: not a}\n");

	(void)state;
	assert_int_equal(first, revision_of(POINTS HEAD "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, hold: $h, clear: not a, summary: {en: x}}\n"));
	assert_int_not_equal(first, revision_of(POINTS HEAD "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: b, hold: $h, clear: not a}\n"));
	assert_int_not_equal(first, revision_of(POINTS "file:\n  weiyu: rules/1\n  package: t\n  params: {h: {type: s, default: 3s}}\n"
						"  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, hold: $h, clear: not a}\n"));
}

static void a_set_tells_what_it_holds(void **state)
{
	struct bench t;

	(void)state;
	start(&t, WINDOWS, 1000);
	assert_int_equal(rule_count(t.w.set), 1);
	assert_int_equal(rule_instance_count(t.w.set), 1);
	assert_null(rule_info_at(t.w.set, 1));
	assert_null(rule_instance_at(t.w.set, 1));
	const struct rule_instance_info *info = rule_instance_at(t.w.set, 0);
	assert_int_equal(info->n_points, 3);
	assert_int_equal(info->points[0], A);
	assert_int_equal(info->points[2], C);
	assert_string_equal(rule_info_at(t.w.set, 0)->levels[0].clear_text, "not a");
	assert_string_equal(rule_state_text(rule_state_of(t.engine, 0)), "normal");
	assert_true(rule_set_hash(t.w.set) != 0);
	stop(&t);
}

static void an_engine_in_any_memory_starts_or_says_so(void **state)
{
	struct case_world w;
	enum wy_err err = WY_E_NOMEM;
	unsigned refusals = 0;

	(void)state;
	assert_true(case_open(&w, NULL, WINDOWS));
	for (size_t bytes = 16; err; bytes += 32, refusals++) {
		void *memory = malloc(bytes);
		struct wy_arena arena;
		struct rule_engine *engine = NULL;
		wy_arena_init(&arena, memory, bytes);
		err = rule_engine_new(w.set, &arena, (struct wy_now){0, 0, WY_CLOCK_SYNCED}, &engine);
		assert_true(err == WY_OK || (err == WY_E_NOMEM && !engine));
		free(memory);
	}
	assert_true(refusals > 10);
	case_close(&w);
}

/* The machine slept, and the engine with it: nobody listened, so nobody was silent and no hold went on. */
static void a_pause_of_the_whole_process_counts_as_not_watched(void **state)
{
	struct bench t;

	(void)state;
	start(&t, POINTS HEAD "  rules:\n"
	      "    - {id: t.quiet, scope: thing, fault: T-01, tier: S3, when: silence() > 90s, clear: silence() < 10s}\n"
	      "    - {id: t.hold, scope: thing, fault: T-02, tier: S3, when: a, hold: 60s, clear: not a, tolerate: 1h}\n", 1000);
	begin(&t, 2000);
	rule_heard(t.engine, 0, 2000);
	put(&t, A, 2000, 1);
	end(&t);
	assert_int_equal(turn(&t, 7000, A, 1), 0);
	rule_resume(t.engine, 7000, (struct wy_now){607000, 607000, WY_CLOCK_SYNCED});
	assert_true(rule_next_due(t.engine) <= 607000);
	assert_int_equal(turn(&t, 607000, A, 1), 0);
	for (wy_ms at_ms = 608000; at_ms < 662000; at_ms += 1000)
		assert_int_equal(turn(&t, at_ms, A, 1), 0);
	assert_int_equal(turn(&t, 662000, A, 1), 1);
	assert_int_equal(t.last.instance, 1);
	assert_int_equal(t.last.onset_ms, 2000);
	/* Not heard since it woke: now it is. */
	for (wy_ms at_ms = 663000; at_ms < 700000; at_ms += 1000)
		assert_int_equal(turn(&t, at_ms, A, 1), 0);
	assert_int_equal(turn(&t, 700000, A, 1), 1);
	assert_int_equal(t.last.instance, 0);
	assert_int_equal(t.last.at_ms, 607000 + 2000 + 90000 + 1);
	stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steady_polling_writes_nothing),
		cmocka_unit_test(a_move_is_saved_with_the_windows_it_used),
		cmocka_unit_test(damaged_cells_are_refused),
		cmocka_unit_test(a_changed_condition_keeps_the_raised_state),
		cmocka_unit_test(an_adopted_instance_ends_by_its_own_clear),
		cmocka_unit_test(clauses_are_the_proof),
		cmocka_unit_test(points_are_judged_on_arrival_and_by_age),
		cmocka_unit_test(due_times_are_exact),
		cmocka_unit_test(a_clock_that_is_set_moves_calendars),
		cmocka_unit_test(a_clock_that_is_set_moves_no_hold_and_no_age),
		cmocka_unit_test(events_beyond_the_ceiling_come_with_the_next_turn),
		cmocka_unit_test(a_revision_follows_the_meaning),
		cmocka_unit_test(a_set_tells_what_it_holds),
		cmocka_unit_test(an_engine_in_any_memory_starts_or_says_so),
		cmocka_unit_test(a_pause_of_the_whole_process_counts_as_not_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
