/* crash_test.c: one story, with a failure at every single call that writes, and with a restart after every turn: the
 * platform hears the same as if nothing had been. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "failing_store.h"
#include "log.h"
#include "world.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"

enum { STORY_S = 45 };

static const char rules[] =
	"weiyu: rules/1\npackage: room\nrules:\n"
	"  - {id: room.wet, scope: room, fault: WTR-01, tier: S2, when: a, hold: 3s, clear: not a, clear_hold: 4s}\n"
	"  - id: room.full\n    scope: room\n    fault: WTR-02\n"
	"    levels:\n      - {tier: S3, when: level > 1 m}\n      - {tier: S1, when: level > 2 m}\n"
	"    latch: ack\n";

/* Levels rise and fall, the alarm comes and goes; works happen by hand. */
static void happen(struct world *world, int at_s)
{
	world->a = at_s >= 5 && at_s < 20;
	world->level_mm = at_s < 8 ? 0 : (at_s < 12 ? 1500 : (at_s < 25 ? 2500 : 100));
}

static bool play(struct world *world, int at_s, uint32_t *ack_rev)
{
	struct ticket ticket;

	happen(world, at_s);
	if (!world_run(world, 1000))
		return false;
	if (at_s >= 30 && world_ticket(world, "WTR-02", &ticket) == WY_OK && ticket.work_rev == 0)
		(void)!world_work(world, ticket.key, TICKET_NODE_ACKED, (*ack_rev)++);
	return !engine_is_broken(world->engine);
}

static void expect_story(struct world *world)
{
	struct world_events events;
	int n_opened = 0, n_cleared = 0;
	char keys[2][TICKET_KEY_SIZE] = {"", ""};

	world_check(world);
	world_events(world, &events);
	for (size_t i = 0; i < events.n; i++) {
		n_opened += strcmp(events.event[i].type, "opened") == 0;
		n_cleared += strcmp(events.event[i].type, "cleared") == 0;
		if (strcmp(events.event[i].type, "opened") == 0 && n_opened <= 2)
			snprintf(keys[n_opened - 1], sizeof(keys[0]), "%s", events.event[i].key);
	}
	assert_int_equal(n_opened, 2);
	assert_int_equal(n_cleared, 2);
	assert_string_not_equal(keys[0], keys[1]);
	world_events_free(&events);
}

/* Returns whether the failure struck. */
static bool play_failing(unsigned n, bool is_after)
{
	struct world world;
	uint32_t ack_rev = 1;
	bool has_struck;

	world_make(&world, BUILDING);
	world_write(&world, "rules.yaml", rules);
	assert_int_equal(world_start(&world), WY_OK);
	failing_store_set(n, is_after);
	for (int s = 0; s < STORY_S; s++) {
		if (play(&world, s, &ack_rev))
			continue;
		assert_true(failing_store_struck());
		world_crash(&world);
		assert_int_equal(world_start(&world), WY_OK);
	}
	has_struck = failing_store_struck();
	failing_store_set(0, false);
	expect_story(&world);
	world_remove(&world);
	return has_struck;
}

static void a_failure_at_any_write_loses_and_doubles_nothing(void **state)
{
	unsigned n = 1;
	(void)state;

	while (play_failing(n, false))
		n++;
	assert_true(n > 40);
}

static void a_death_after_any_commit_loses_and_doubles_nothing(void **state)
{
	unsigned n = 1;
	(void)state;

	while (play_failing(n, true))
		n++;
	assert_true(n > 40);
}

static void a_restart_after_every_turn_changes_nothing(void **state)
{
	struct world world;
	uint32_t ack_rev = 1;
	(void)state;

	world_make(&world, BUILDING);
	world_write(&world, "rules.yaml", rules);
	for (int s = 0; s < STORY_S; s++) {
		assert_int_equal(world_start(&world), WY_OK);
		assert_true(play(&world, s, &ack_rev));
		world_stop(&world);
	}
	assert_int_equal(world_start(&world), WY_OK);
	expect_story(&world);
	world_remove(&world);
}

/* What was not watched counts for nothing, so a hold may begin again; nothing else changes. */
static void a_crash_after_any_two_turns_loses_and_doubles_nothing(void **state)
{
	(void)state;

	for (int first = 0; first < STORY_S; first++) {
		struct world world;
		uint32_t ack_rev = 1;
		world_make(&world, BUILDING);
		world_write(&world, "rules.yaml", rules);
		assert_int_equal(world_start(&world), WY_OK);
		for (int s = 0; s < STORY_S; s++) {
			assert_true(play(&world, s, &ack_rev));
			if (s != first && s != first + 6)
				continue;
			world_crash(&world);
			assert_int_equal(world_start(&world), WY_OK);
		}
		expect_story(&world);
		world_remove(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_at_any_write_loses_and_doubles_nothing),
		cmocka_unit_test(a_death_after_any_commit_loses_and_doubles_nothing),
		cmocka_unit_test(a_restart_after_every_turn_changes_nothing),
		cmocka_unit_test(a_crash_after_any_two_turns_loses_and_doubles_nothing),
	};

	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
