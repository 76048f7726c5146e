/* reload_test.c: other files in mid-life: what did not change goes on as if nothing had been, to the millisecond; what is new begins
 * now; what is gone ends its tickets; and where the next engine cannot be made the one there goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "room.h"

#define RULES "weiyu: rules/1\npackage: room\nrules:\n"
#define WET                                                                                        \
	"  - {id: room.wet, scope: room, fault: WTR-01, tier: S2, when: a, hold: 3s, clear: not a, "   \
	"clear_hold: 4s, unverified_after: 30s}\n"
#define POOL(limit)                                                                                \
	"  - {id: room.pool, scope: room, fault: WTR-02, tier: S3, when: \"level > " limit "\", clear: \"level < " limit "\"}\n"
#define SILENT                                                                                     \
	"  - {id: room.silent, scope: room, fault: WTR-03, tier: S3, when: silence() > 20s, hold: 5s, clear: silence() < 5s}\n"
#define MANY                                                                                       \
	"  - {id: room.mean, scope: room, fault: WTR-04, tier: S3, when: \"avg(level, 30s) > 1 m or ewma(level, 20s) > 1.5 m\", "       \
	"clear: \"avg(level, 30s) < 0.8 m and ewma(level, 20s) < 1 m\"}\n"                               \
	"  - {id: room.often, scope: room, fault: WTR-02, tier: S2, when: \"count(rise(b), 1min) >= 3 or held(b, 40s) > 25s\", "        \
	"clear: \"count(rise(b), 1min) < 2 and held(b, 40s) < 10s\"}\n"                                  \
	"  - {id: room.wild, scope: room, fault: WTR-04, tier: S4, when: \"spread(level, 20s) > 2 m\", clear: \"spread(level, 20s) < 1 m\", hold: 4s}\n"

enum { STEPS = 150, MEMBERS = 8 };

static struct world_events events;

static const char *last(const char *path)
{
	world_events(&world, &events);
	assert_true(events.n > 0);
	const char *text = world_member(&events.event[events.n - 1], path);
	world_events_free(&events);
	return text;
}

static void a_hold_and_a_return_go_on(void **state)
{
	(void)state;

	room_start(RULES WET);
	world.a = true;
	room_run_s(2);
	room_reload(RULES WET POOL("5 m"));
	room_run_s(1);
	assert_string_equal(world_story(&world), "");
	room_reload(RULES WET);
	room_run_s(1);
	assert_string_equal(last("first_seen"), "\"2026-11-22T12:00:03.000+08:00\"");
	assert_string_equal(last("opened_at"), "\"2026-11-22T12:00:06.000+08:00\"");
	world.a = false;
	room_run_s(3);
	room_reload(NULL);
	room_run_s(4);
	assert_string_equal(last("duration_ms"), "8000");
	room_end("opened cleared");
}

/* What a story tells, without what names the store. */
static void note(char (*out)[8192], size_t *n)
{
	static const char *const members[MEMBERS] = {"fault_code", "condition", "rev", "tier", "opened_at", "first_seen", "evidence", "summary"};

	world_events(&world, &events);
	*n = events.n;
	for (size_t i = 0; i < events.n; i++) {
		size_t len = (size_t)snprintf(out[i], sizeof(out[i]), "%s", events.event[i].type);
		for (size_t k = 0; k < MEMBERS; k++)
			len += (size_t)snprintf(out[i] + len, sizeof(out[i]) - len, " %s", world_member(&events.event[i], members[k]));
		assert_true(len < sizeof(out[i]));
	}
	world_events_free(&events);
}

/* Small and the same everywhere. */
static unsigned draw(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

static void play(unsigned seed, bool is_reloading, char (*out)[8192], size_t *n)
{
	room_start(RULES WET POOL("1 m") SILENT MANY);
	for (int i = 0; i < STEPS; i++) {
		world.a = draw(&seed) % 8 ? world.a : !world.a;
		world.b = draw(&seed) % 6 ? world.b : !world.b;
		world.level_mm = draw(&seed) % 5 ? world.level_mm : (int)(draw(&seed) % 2500);
		world.is_level_known = draw(&seed) % 10 != 0;
		world.is_wired = draw(&seed) % 40 ? world.is_wired : !world.is_wired;
		if (is_reloading)
			room_reload(NULL);
		assert_true(world_run(&world, 200 + (wy_ms)(draw(&seed) % 2500)));
	}
	note(out, n);
	world_check(&world);
	world_remove(&world);
}

static void reloading_the_same_files_again_and_again_changes_no_word_of_the_story(void **state)
{
	static char plain[WORLD_EVENTS][8192], reloaded[WORLD_EVENTS][8192];
	size_t n_plain, n_reloaded;
	(void)state;

	for (unsigned seed = 1; seed <= 2; seed++) {
		play(seed, false, plain, &n_plain);
		play(seed, true, reloaded, &n_reloaded);
		assert_true(n_plain > 4);
		assert_int_equal(n_reloaded, n_plain);
		for (size_t i = 0; i < n_plain; i++)
			assert_string_equal(reloaded[i], plain[i]);
	}
}

static void another_threshold_decides_at_once(void **state)
{
	(void)state;

	room_start(RULES POOL("2 m"));
	world.level_mm = 1500;
	room_run_s(3);
	assert_string_equal(world_story(&world), "");
	room_reload(RULES POOL("1 m"));
	room_run_s(1);
	assert_string_equal(world_story(&world), "opened");
	room_reload(RULES POOL("2 m"));
	room_run_s(1);
	room_end("opened cleared");
}

static void the_ticket_of_a_rule_that_is_gone_is_closed_and_no_other(void **state)
{
	(void)state;

	room_start(RULES WET POOL("1 m"));
	world.a = true;
	world.level_mm = 1500;
	room_run_s(5);
	assert_string_equal(world_story(&world), "opened opened");
	room_reload(RULES WET);
	assert_string_equal(world_story(&world), "opened opened closed");
	assert_string_equal(last("fault_code"), "\"WTR-02\"");
	world.a = false;
	room_run_s(6);
	room_end("opened opened closed cleared");
}

#define SITE                                                                                       \
	"weiyu: site/1\nsite: {id: one, name_zh: 一号楼, name_en: Building one, profile: legacy}\nzone: Asia/Shanghai\n" \
	"wires:\n  - {id: w1, kind: tcp, host: 127.0.0.1, port: 1502}\n"                            \
	"devices:\n  - {id: box-1, wire: w1, profile: box, unit: 3}\n  - {id: box-2, wire: w1, profile: box, unit: 4}\n"    \
	"vendors:\n  - {id: v1, role: lift, name: 维保, arrive: 30min}\n"                            \
	"assets:\n  - {id: A-1, class: room, name_zh: 一号房, name_en: Room one, place: {building: A}, device: box-1}\n"  \
	"  - {id: A-2, class: room, name_zh: 二号房, name_en: Room two, place: {building: A}, device: box-2}\n"

static void silence_goes_on_for_who_was_silent_and_begins_for_who_is_new(void **state)
{
	(void)state;

	room_start(RULES SILENT);
	room_run_s(120);
	world.is_wired = false;
	room_run_s(15);
	world_write(&world, "site.yaml", SITE);
	room_reload(NULL);
	room_run_s(9);
	assert_string_equal(world_story(&world), ""); /* 24 s of silence, and 4 s of the hold */
	room_run_s(2);
	assert_string_equal(world_story(&world), "opened");
	assert_string_equal(last("asset.id"), "\"A-1\"");
	room_run_s(10);
	assert_string_equal(world_story(&world), "opened"); /* 21 s for the new one: its hold goes */
	room_run_s(7);
	assert_string_equal(world_story(&world), "opened opened");
	assert_string_equal(last("asset.id"), "\"A-2\"");
	room_end("opened opened");
}

static void what_is_known_of_devices_and_shelves_stays(void **state)
{
	char said[400];
	struct wy_buf words;
	struct engine_order shelve = {.word = "shelve", .rule = "room.wet", .asset = "A-1", .by = "li", .why = "painting"};
	(void)state;

	room_start(RULES WET);
	wy_buf_init(&words, said, sizeof(said));
	shelve.until_wall_ms = world.now.wall_ms + 600000;
	assert_int_equal(engine_take_order(world.engine, &shelve, &words), WY_OK);
	uint64_t exchanges = engine_device_at(world.engine, 0)->exchanges;
	uint64_t turns = engine_counts(world.engine).turns;
	room_reload(RULES WET POOL("5 m"));
	assert_true(engine_device_at(world.engine, 0)->has_answered);
	assert_int_equal(engine_device_at(world.engine, 0)->exchanges, exchanges);
	assert_int_equal(engine_counts(world.engine).turns, turns);
	world.a = true;
	room_run_s(60);
	room_end("");
}

static void without_memory_for_the_next_the_one_there_goes_on(void **state)
{
	unsigned n_failed = 0;
	(void)state;

	room_start(RULES WET POOL("1 m"));
	world.level_mm = 1500;
	room_run_s(3);
	world.a = true;
	world_write(&world, "rules.yaml", RULES WET); /* the ticket of the other would end */
	while (world_reload(&world, 1000 + n_failed * 4001) == WY_E_NOMEM) {
		assert_string_equal(world_story(&world), n_failed < 1000 ? "opened" : "too many");
		n_failed++;
	}
	assert_true(n_failed > 10);
	assert_string_equal(world_story(&world), "opened closed");
	room_run_s(5);
	world.a = false;
	room_run_s(6);
	room_end("opened closed opened cleared");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hold_and_a_return_go_on),
		cmocka_unit_test(reloading_the_same_files_again_and_again_changes_no_word_of_the_story),
		cmocka_unit_test(another_threshold_decides_at_once),
		cmocka_unit_test(the_ticket_of_a_rule_that_is_gone_is_closed_and_no_other),
		cmocka_unit_test(silence_goes_on_for_who_was_silent_and_begins_for_who_is_new),
		cmocka_unit_test(what_is_known_of_devices_and_shelves_stays),
		cmocka_unit_test(without_memory_for_the_next_the_one_there_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
