/* quota_test.c: the engine over a store that is too small: what had to make room is told again when there is room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "room.h"

#define META "meta: {cause: pipe, consequence: damage, response: close}"
#define PLAIN                                                                                              \
	"weiyu: rules/1\npackage: room\nrules:\n"                                                          \
	"  - {id: room.wet, scope: room, fault: WTR-01, tier: S3, when: a, hold: 1s, clear: not a, clear_hold: 1s}\n" \
	"  - {id: room.pool, scope: room, fault: WTR-02, tier: S1, when: b, hold: 1s, clear: not b, clear_hold: 1s, " META "}\n"

static void an_opening_that_had_no_room_is_told_when_there_is_some(void **state)
{
	struct store_outbox_stats stats;
	struct world_events events;
	(void)state;

	room_start(PLAIN);
	store_set_quota(world.store, 1000); /* not one event */
	world.a = true;
	room_run_s(5);
	assert_int_equal(store_outbox_stats(world.store, &stats), WY_OK);
	assert_int_equal(stats.lost, 1);
	assert_int_equal(stats.queued, 0);
	room_run_s(30);
	assert_string_equal(world_story(&world), "");
	room_restart(NULL);
	room_run_s(15);
	assert_string_equal(world_story(&world), "opened");
	world_events(&world, &events);
	assert_int_equal(events.event[0].seq, 2);
	assert_string_equal(world_member(&events.event[0], "reason"), "\"retold\"");
	assert_string_equal(world_member(&events.event[0], "rev"), "1");
	assert_string_equal(world_member(&events.event[0], "is_open"), "true");
	world_events_free(&events);
	room_run_s(60);
	assert_string_equal(world_story(&world), "opened");
	world.a = false;
	room_run_s(5);
	assert_string_equal(world_story(&world), "opened cleared");
	world_remove(&world);
}

static void what_came_and_went_untold_is_left_to_the_record(void **state)
{
	uint64_t first = 0;
	(void)state;

	room_start(PLAIN);
	store_set_quota(world.store, 1000);
	world.a = true;
	room_run_s(5);
	world.a = false;
	room_run_s(5);
	room_restart(NULL);
	room_run_s(30);
	assert_string_equal(world_story(&world), "");
	assert_int_equal(store_first_gap(world.store, &first), WY_OK);
	assert_int_equal(first, 1);
	world_remove(&world);
}

static void life_safety_has_room_where_nothing_else_has(void **state)
{
	(void)state;

	room_start(PLAIN);
	store_set_quota(world.store, 1000);
	world.a = world.b = true;
	room_run_s(5);
	assert_string_equal(world_story(&world), "opened");
	world.b = false;
	room_run_s(5);
	assert_string_equal(world_story(&world), "opened cleared");
	world_remove(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_opening_that_had_no_room_is_told_when_there_is_some),
		cmocka_unit_test(what_came_and_went_untold_is_left_to_the_record),
		cmocka_unit_test(life_safety_has_room_where_nothing_else_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
