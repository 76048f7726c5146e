/* clock_story_test.c: the same story twice, once under a clock that is right and once under one that is set by anything
 * from a second to a hundred years at every turn. The tickets must be the same.
 *
 * Only the machine's clocks are made up (fake_clocks.h): gateway/loop/clock.c is the real one. Random stories come from
 * a seed; WY_CLOCK_ROUNDS makes more of them than the short form has, WY_SEED others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "draw.h"
#include "fake_clocks.h"
#include "log.h"
#include "world.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"
#define BEGIN_MS INT64_C(1795320000000) /* 2026-11-22 12:00 in Shanghai */
#define SECOND INT64_C(1000)
#define DAY (86400 * SECOND)
#define YEAR (365 * DAY)
#define WET                                                                                                            \
	"  - {id: room.wet, scope: room, fault: WTR-01, tier: S2, when: a, hold: 3s, clear: not a, clear_hold: 4s, "         \
	"unverified_after: 30s"
#define ALSO                                                                                                           \
	"  - {id: room.also, scope: room, fault: WTR-01, tier: S1, when: b, clear: not b, escalate: none, chatter: none, " \
	"meta: {cause: pipe, consequence: damage, response: close}}\n"
#define LATCH "  - {id: room.latch, scope: room, fault: WTR-02, tier: S3, when: b, hold: 2s, clear: not b, escalate: none, chatter: none, latch: ack}\n"
#define OFTEN "  - {id: room.often, scope: room, fault: WTR-03, tier: S3, when: \"count(rise(a), 1min) >= 3\", clear: \"count(rise(a), 1min) < 2\", escalate: none}\n"
#define HEAD "weiyu: rules/1\npackage: room\nrules:\n"

/* With a ladder and a shelf, which are timed; and without, for stories in which nobody knows how long the machine was off. */
static const char timed_rules[] = HEAD WET ", shelve: {max: 1h}, escalate: [{after: 20s, to: dept_head, tier: S1}]}\n" ALSO LATCH OFTEN;
static const char plain_rules[] = HEAD WET ", escalate: none, chatter: none}\n" ALSO LATCH;

/* One of the two: a building and the machine it runs on. */
struct stage {
	struct world world;
	struct fake_clocks os;
	char boot[40];
	bool is_frozen; /* its wall clock stands still */
	uint64_t told;  /* events looked at */
	char *story;
	size_t size, len;
};

static struct stage right, wrong;
static uint64_t random_state;

static uint64_t draw(uint64_t n)
{
	return wy_draw(&random_state) % n;
}

static struct stage *stage_of(struct world *world)
{
	return world == &right.world ? &right : &wrong;
}

/* As gateway/run does it. */
static void set_clock(struct world *world)
{
	struct stage *stage = stage_of(world);
	struct clock_past past = {0};
	struct store_clock kept;

	fake_clocks_use(&stage->os);
	if (store_clock(world->store, &kept) == WY_OK) {
		memcpy(past.boot_id, kept.boot, sizeof(past.boot_id));
		past.offset_ms = kept.mono_ms - kept.boottime_ms;
		past.mono_ms = kept.mono_ms;
		past.wall_ms = kept.wall_ms;
	}
	clock_set(&world->clock, &past, stage->boot);
	world->clock.least_wall_ms = world->clock.certain_wall_ms = 0; /* the story plays before this program was made */
	clock_bound(&world->clock, BEGIN_MS - YEAR, kept.sure_wall_ms);
	world->now = clock_now(&world->clock);
}

static void start(struct stage *stage)
{
	assert_int_equal(world_start(&stage->world), WY_OK);
}

static void open_stage(struct stage *stage, const char *rules)
{
	memset(stage, 0, sizeof(*stage));
	stage->os = (struct fake_clocks){5000, BEGIN_MS, true};
	snprintf(stage->boot, sizeof(stage->boot), "boot-0");
	stage->size = 1 << 20;
	stage->story = calloc(1, stage->size);
	assert_non_null(stage->story);
	world_make(&stage->world, BUILDING);
	stage->world.set_clock = set_clock;
	stage->world.boot = stage->boot;
	world_write(&stage->world, "rules.yaml", rules);
	start(stage);
}

static void close_stage(struct stage *stage)
{
	fake_clocks_use(NULL);
	world_remove(&stage->world);
	free(stage->story);
}

static void go_on(struct stage *stage, wy_ms ms)
{
	stage->os.boot_ms += ms;
	stage->os.wall_ms += stage->is_frozen ? 0 : ms;
	stage->world.now = clock_now(&stage->world.clock);
}

/* A second: the timers that are due in it, then the poll. */
static void live_second(struct stage *stage)
{
	wy_ms end_ms = stage->world.now.mono_ms + SECOND;
	bool has_events;

	fake_clocks_use(&stage->os);
	for (unsigned turns = 0;; turns++) {
		assert_true(turns < 1000);
		wy_ms due_ms = engine_due(stage->world.engine);
		if (due_ms >= end_ms)
			break;
		go_on(stage, due_ms > stage->world.now.mono_ms ? due_ms - stage->world.now.mono_ms : 0);
		engine_tick(stage->world.engine);
		assert_int_equal(engine_flush(stage->world.engine, &has_events), WY_OK);
	}
	go_on(stage, end_ms - stage->world.now.mono_ms);
	assert_true(world_poll(&stage->world));
}

/* ---- What the platform hears --------------------------------------------------------------------- */

static void add_event(struct stage *stage, uint64_t seq, bool with_time)
{
	static const char *const timed[] = {"clock.mono_ms", "duration_ms", "repeat_count_30d"};
	static const char *const plain[] = {"event", "dedup_key", "episode", "tier", "tier_now", "condition", "alarm_state",
					    "reason"};
	struct store_event row;
	struct world_event event = {0};

	assert_int_equal(store_load_event(stage->world.store, seq, &row), WY_OK);
	event.payload = strndup(row.payload, row.len);
	assert_non_null(event.payload);
	/* How long the machine was off, and so whether a sensor counts as lost since, no wrong clock can tell. */
	bool is_told = strcmp(world_member(&event, "reason"), "\"clock\"") != 0 &&
		       (with_time || strcmp(world_member(&event, "event"), "\"updated\"") != 0);
	if (is_told) {
		for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
			stage->len += (size_t)snprintf(stage->story + stage->len, stage->size - stage->len, "%s ",
						       world_member(&event, plain[i]));
		for (size_t i = 0; with_time && i < sizeof(timed) / sizeof(*timed); i++)
			stage->len += (size_t)snprintf(stage->story + stage->len, stage->size - stage->len, "%s ",
						       world_member(&event, timed[i]));
		/* Within 30 days of the one before? A clock that was wrong at a start cannot tell. */
		bool is_repeat = with_time && strcmp(world_member(&event, "repeat_of"), "null") != 0;
		stage->len += (size_t)snprintf(stage->story + stage->len, stage->size - stage->len, "%s\n",
					       is_repeat ? "again" : "");
	}
	assert_true(stage->len < stage->size - 4096);
	free(event.payload);
}

static void hear(struct stage *stage, bool with_time)
{
	uint64_t last;

	assert_int_equal(store_last_seq(stage->world.store, &last), WY_OK);
	while (stage->told < last)
		add_event(stage, ++stage->told, with_time);
}

static void compare(bool with_time, const char *doing)
{
	hear(&right, with_time);
	hear(&wrong, with_time);
	if (strcmp(right.story, wrong.story) != 0) {
		print_message("%s: the right clock's story:\n%s\nthe wrong clock's:\n%s\n", doing, right.story, wrong.story);
		fail();
	}
	right.len = wrong.len = 0;
	right.story[0] = wrong.story[0] = '\0';
}

/* ---- What goes wrong with clocks ------------------------------------------------------------------ */

static const wy_ms steps[] = {SECOND, 2 * SECOND, 60 * SECOND, 3600 * SECOND, DAY, 30 * DAY, YEAR, 10 * YEAR};
static const wy_ms places[] = {
	0,                          /* 1970 */
	INT64_C(2147483647000),     /* 2038-01-19 */
	INT64_C(4070908800000),     /* 2099 */
	INT64_C(1483228800000),     /* the last leap second so far */
	INT64_C(-1000),             /* a second before all */
};

static void upset(struct stage *stage, wy_ms true_wall_ms)
{
	switch (draw(8)) {
	case 0:
	case 1:
	case 2:
		stage->os.wall_ms += steps[draw(sizeof(steps) / sizeof(*steps))] * (draw(2) ? 1 : -1);
		break;
	case 3:
		stage->os.wall_ms = places[draw(sizeof(places) / sizeof(*places))];
		break;
	case 4:
		stage->os.wall_ms -= SECOND; /* 23:59:59 twice */
		break;
	case 5:
		stage->is_frozen = !stage->is_frozen;
		break;
	case 6:
		stage->os.wall_ms = true_wall_ms; /* the time server answers */
		stage->os.is_synchronised = true;
		return;
	default:
		break;
	}
	stage->os.is_synchronised = draw(4) == 0; /* kernels err too */
}

static void give(struct stage *stage, const char *word, const char *rule, wy_ms span_ms)
{
	char text[600];
	struct wy_buf words;
	bool has_events;
	fake_clocks_use(&stage->os);
	struct engine_order given = {.word = word, .rule = rule, .asset = "A-1", .by = "wang", .why = "because",
				     .until_wall_ms = clock_now(&stage->world.clock).wall_ms + span_ms};

	wy_buf_init(&words, text, sizeof(text));
	(void)!engine_take_order(stage->world.engine, &given, &words); /* refused in both, or in none */
	assert_int_equal(engine_flush(stage->world.engine, &has_events), WY_OK);
}

static void give_both(const char *word, const char *rule, wy_ms span_ms)
{
	give(&right, word, rule, span_ms);
	give(&wrong, word, rule, span_ms);
}

/* What the building does next: the same on both stages. */
static void happen(bool is_timed)
{
	struct world *a = &right.world, *b = &wrong.world;

	switch (draw(is_timed ? 14 : 10)) {
	case 0:
	case 1:
	case 2:
	case 3:
		a->a = b->a = !a->a;
		break;
	case 4:
	case 5:
	case 6:
		a->b = b->b = !a->b;
		break;
	case 7:
		a->is_wired = b->is_wired = !a->is_wired;
		break;
	case 8:
	case 9:
		give_both("ack", "room.latch", 0);
		break;
	case 10:
	case 11:
		give_both("shelve", "room.wet", (wy_ms)(1 + draw(60)) * SECOND);
		break;
	case 12:
		give_both("unshelve", "room.wet", 0);
		break;
	default:
		give_both("close", "room.wet", 0);
		break;
	}
}

static void restart(struct stage *stage, bool is_orderly)
{
	fake_clocks_use(&stage->os);
	if (is_orderly)
		world_stop(&stage->world);
	else
		world_crash(&stage->world);
	start(stage);
}

static void live(unsigned seconds, unsigned steps_per_hundred)
{
	for (unsigned i = 0; i < seconds; i++) {
		if (draw(100) < steps_per_hundred)
			upset(&wrong, right.os.wall_ms);
		live_second(&right);
		live_second(&wrong);
	}
}

/* Off for a while: boottime begins anew; what the wall clock did meanwhile is the wrong machine's own affair. */
static void reboot(wy_ms off_ms)
{
	static unsigned n_boots;
	struct stage *const stages[] = {&right, &wrong};
	bool is_orderly = draw(2);
	wy_ms true_wall_ms = right.os.wall_ms + off_ms;

	n_boots++;
	for (size_t i = 0; i < 2; i++) {
		fake_clocks_use(&stages[i]->os);
		if (is_orderly)
			world_stop(&stages[i]->world);
		else
			world_crash(&stages[i]->world);
		snprintf(stages[i]->boot, sizeof(stages[i]->boot), "boot-%u", n_boots);
		stages[i]->os.boot_ms = 3000 + (wy_ms)draw(4000);
		stages[i]->is_frozen = false;
	}
	right.os.wall_ms = true_wall_ms;
	wrong.os.is_synchronised = false;
	upset(&wrong, true_wall_ms);
	start(&right);
	start(&wrong);
}

static unsigned rounds_of(unsigned usual)
{
	const char *text = getenv("WY_CLOCK_ROUNDS");

	return text ? (unsigned)strtoul(text, NULL, 10) : usual;
}

static void begin(const char *rules)
{
	const char *seed = getenv("WY_SEED");

	random_state = seed ? strtoull(seed, NULL, 0) : 20261122;
	print_message("seed %llu\n", (unsigned long long)random_state);
	open_stage(&right, rules);
	open_stage(&wrong, rules);
}

static void end(void)
{
	close_stage(&right);
	close_stage(&wrong);
}

/* ---- Tests ------------------------------------------------------------------------------------------ */

static void a_clock_set_at_every_turn_changes_no_ticket(void **state)
{
	unsigned rounds = rounds_of(160);
	(void)state;

	begin(timed_rules);
	for (unsigned i = 0; i < rounds; i++) {
		happen(true);
		live(1 + (unsigned)draw(12), 60);
		if (draw(25) == 0) {
			bool is_orderly = draw(2);
			restart(&right, is_orderly);
			restart(&wrong, is_orderly);
		}
		compare(true, "steps");
	}
	print_message("%u rounds, %llu events\n", rounds, (unsigned long long)right.told);
	assert_true(right.told > rounds / 4);
	end();
}

static void a_machine_that_was_off_with_a_wrong_clock_changes_no_ticket(void **state)
{
	static const wy_ms offs[] = {2 * SECOND, 600 * SECOND, 5 * 3600 * SECOND, 3 * DAY};
	unsigned rounds = rounds_of(160) / 4;
	(void)state;

	begin(plain_rules);
	for (unsigned i = 0; i < rounds; i++) {
		happen(false);
		live(1 + (unsigned)draw(12), 30);
		if (draw(5) == 0)
			reboot(offs[draw(sizeof(offs) / sizeof(*offs))]);
		live(15, 30); /* what a hold had begun with may be forgotten with the time off, or not: it comes all the same */
		compare(false, "reboots");
	}
	assert_true(right.told > rounds / 4);
	end();
}

/* The exact sizes, each both ways, at each moment of one fault's life. */
static void each_step_at_each_moment_of_a_fault_changes_no_ticket(void **state)
{
	(void)state;

	begin(timed_rules);
	for (size_t i = 0; i < 2 * sizeof(steps) / sizeof(*steps); i++) {
		wy_ms step_ms = steps[i / 2] * (i % 2 ? -1 : 1);
		for (unsigned moment = 0; moment < 16; moment += 5) {
			for (unsigned second = 0; second < 16; second++) {
				right.world.a = wrong.world.a = second >= 1 && second < 9;
				wrong.os.wall_ms += second == moment ? step_ms : 0;
				live_second(&right);
				live_second(&wrong);
			}
			assert_true(right.told < 1000000);
			compare(true, "one step");
			wrong.os.wall_ms = right.os.wall_ms;
		}
	}
	end();
}

static const char *last(struct stage *stage, const char *path)
{
	struct world_events events;

	world_events(&stage->world, &events);
	assert_true(events.n > 0);
	const char *text = world_member(&events.event[events.n - 1], path);
	world_events_free(&events);
	return text;
}

/* Boot in 1970, a fault, half an hour later a time server: what the engineer reads is right from then on. */
static void deadlines_of_1970_are_told_anew_when_the_time_is_known(void **state)
{
	(void)state;

	begin(plain_rules);
	world_crash(&wrong.world);
	wrong.os = (struct fake_clocks){5000, 20 * SECOND, false};
	snprintf(wrong.boot, sizeof(wrong.boot), "boot-1970");
	start(&wrong);
	for (unsigned i = 0; i < 10; i++)
		live_second(&wrong);
	wrong.world.a = true;
	for (unsigned i = 0; i < 5; i++)
		live_second(&wrong);
	assert_string_equal(last(&wrong, "clock.state"), "\"unsynced\"");
	assert_string_equal(last(&wrong, "deadline_ack"), "\"1970-01-01T08:30:34.000+08:00\"");
	for (unsigned i = 0; i < 1800; i++)
		live_second(&wrong);
	wrong.os.wall_ms += BEGIN_MS;
	wrong.os.is_synchronised = true;
	for (unsigned i = 0; i < 5; i++)
		live_second(&wrong);
	/* Just set: no longer provably wrong. */
	assert_string_equal(last(&wrong, "reason"), "\"clock\"");
	assert_string_equal(last(&wrong, "clock.state"), "\"stepped\"");
	assert_string_equal(last(&wrong, "deadline_ack"), "\"2026-11-22T12:30:34.000+08:00\"");
	assert_string_equal(last(&wrong, "deadline_resolve"), "\"2026-11-23T12:00:34.000+08:00\"");
	assert_string_equal(last(&wrong, "opened_at"), "\"2026-11-22T12:00:34.000+08:00\"");
	for (unsigned i = 0; i < 120; i++)
		live_second(&wrong);
	assert_string_equal(world_story(&wrong.world), "opened updated"); /* sure by now: the same time, not told again */
	wrong.world.a = false;
	for (unsigned i = 0; i < 6; i++)
		live_second(&wrong);
	assert_string_equal(last(&wrong, "opened_at"), "\"2026-11-22T12:00:34.000+08:00\"");
	assert_string_equal(last(&wrong, "duration_ms"), "1934000");
	assert_string_equal(world_story(&wrong.world), "opened updated cleared");
	end();
}

/* The other way round: opened by a clock that was right, it keeps its times whatever happens to the clock. */
static void deadlines_of_a_right_clock_stay(void **state)
{
	(void)state;

	begin(HEAD WET ", escalate: none}\n" ALSO);
	wrong.world.a = true;
	for (unsigned i = 0; i < 5; i++)
		live_second(&wrong);
	assert_string_equal(last(&wrong, "deadline_ack"), "\"2026-11-22T12:30:04.000+08:00\"");
	wrong.os.wall_ms -= 10 * YEAR;
	for (unsigned i = 0; i < 70; i++)
		live_second(&wrong);
	wrong.world.b = true; /* a rise: ten minutes from now, and "now" is 2016 */
	live_second(&wrong);
	assert_string_equal(last(&wrong, "tier"), "\"S1\"");
	assert_string_equal(last(&wrong, "deadline_ack"), "\"2026-11-22T12:11:16.000+08:00\"");
	assert_string_equal(last(&wrong, "opened_at"), "\"2026-11-22T12:00:04.000+08:00\"");
	assert_string_equal(last(&wrong, "clock.state"), "\"unsynced\"");
	assert_string_equal(world_story(&wrong.world), "opened updated");
	end();
}

/* A wrong clock that was never worse than doubtful: told when it is known to be right, and only if it was off. */
static void a_clock_that_was_a_little_off_is_told_once_it_is_right(void **state)
{
	(void)state;

	begin(plain_rules);
	wrong.os.is_synchronised = false;
	wrong.os.wall_ms -= 90 * SECOND;
	wrong.world.a = true;
	for (unsigned i = 0; i < 70; i++)
		live_second(&wrong);
	assert_string_equal(last(&wrong, "opened_at"), "\"2026-11-22T11:58:34.000+08:00\"");
	restart(&wrong, true);
	for (unsigned i = 0; i < 5; i++)
		live_second(&wrong);
	assert_string_equal(world_story(&wrong.world), "opened");
	wrong.os.wall_ms += 90 * SECOND;
	wrong.os.is_synchronised = true;
	for (unsigned i = 0; i < 70; i++)
		live_second(&wrong);
	assert_string_equal(last(&wrong, "opened_at"), "\"2026-11-22T12:00:04.000+08:00\"");
	assert_string_equal(world_story(&wrong.world), "opened updated");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_step_at_each_moment_of_a_fault_changes_no_ticket),
		cmocka_unit_test(a_clock_set_at_every_turn_changes_no_ticket),
		cmocka_unit_test(a_machine_that_was_off_with_a_wrong_clock_changes_no_ticket),
		cmocka_unit_test(deadlines_of_1970_are_told_anew_when_the_time_is_known),
		cmocka_unit_test(deadlines_of_a_right_clock_stay),
		cmocka_unit_test(a_clock_that_was_a_little_off_is_told_once_it_is_right),
	};

	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
