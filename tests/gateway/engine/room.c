/* room.c: see room.h. */
#include "room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct world world;

void room_start(const char *rules)
{
	world_make(&world, BUILDING);
	world_write(&world, "rules.yaml", rules);
	assert_int_equal(world_start(&world), WY_OK);
	assert_true(world_run(&world, 2000));
}

void room_run_s(int seconds)
{
	assert_true(world_run(&world, (wy_ms)seconds * 1000));
}

void room_restart(const char *rules)
{
	world_crash(&world);
	if (rules)
		world_write(&world, "rules.yaml", rules);
	assert_int_equal(world_start(&world), WY_OK);
}

void room_reload(const char *rules)
{
	if (rules)
		world_write(&world, "rules.yaml", rules);
	assert_int_equal(world_reload(&world, 0), WY_OK);
}

void room_end(const char *story)
{
	assert_string_equal(world_story(&world), story);
	world_check(&world);
	world_remove(&world);
}
