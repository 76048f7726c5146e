/* nth_test.c: the life of two tickets, with two starts, a stop and a kill, in which the n-th read, write, sync, open,
 * truncation, removal or allocation fails once. What ends by it is started again, as the service manager would. Whatever n is,
 * the platform hears the same story.
 *
 * The short form takes a sample of n that goes to the end of each kind; WY_LONG in the environment takes every one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "nth.h"
#include "world.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"

enum { STORY_S = 30, STOP_S = 9, KILL_S = 15, SAMPLE = 8, TRIES = 5, DOWN_MS = 300 };

static const char rules[] =
	"weiyu: rules/1\npackage: room\nrules:\n"
	"  - {id: room.wet, scope: room, fault: WTR-01, tier: S2, when: a, hold: 2s, clear: not a, clear_hold: 2s}\n"
	"  - id: room.full\n    scope: room\n    fault: WTR-02\n"
	"    levels:\n      - {tier: S3, when: level > 1 m}\n      - {tier: S1, when: level > 2 m}\n"
	"    latch: ack\n";

static unsigned ended_early;

static void happen(struct world *world, int at_s)
{
	world->a = at_s >= 2 && at_s < 12;
	world->level_mm = at_s < 4 ? 0 : (at_s < 7 ? 1500 : (at_s < 14 ? 2500 : 100));
}

static void start(struct world *world)
{
	enum wy_err err = WY_E_STATE;

	/* Nothing starts in no time; with none the engine would go on as if nothing had been. */
	world->now.mono_ms += DOWN_MS;
	world->now.wall_ms += DOWN_MS;
	for (int i = 0; i < TRIES && err; i++) {
		err = world_try(world);
		ended_early += err != WY_OK;
	}
	assert_int_equal(err, WY_OK);
}

static void start_again(struct world *world)
{
	ended_early++;
	world_crash(world);
	start(world);
}

static void end(struct world *world, bool is_orderly)
{
	if (is_orderly && engine_save(world->engine) != WY_OK)
		ended_early++;
	world_crash(world);
}

static void play(struct world *world, int at_s)
{
	static uint32_t work_rev;
	struct ticket ticket;

	happen(world, at_s);
	if (!world_run(world, 1000))
		start_again(world);
	/* As the gateway's loop does it, now and then. */
	if (store_mode(world->store) != STORE_ON_DISK && store_try_disk(world->store) != WY_OK)
		ended_early++;
	/* The platform says it until it hears that it was done. */
	if (at_s >= 20 && world_ticket(world, "WTR-02", &ticket) == WY_OK &&
	    (world_work(world, ticket.key, TICKET_NODE_ACKED, ++work_rev) != WY_OK || engine_is_broken(world->engine)))
		start_again(world);
}

static void expect_story(struct world *world)
{
	struct world_events events;
	int n_opened = 0, n_ended = 0;

	world_check(world);
	world_events(world, &events);
	for (size_t i = 0; i < events.n; i++) {
		n_opened += strcmp(events.event[i].type, "opened") == 0;
		n_ended += strcmp(events.event[i].type, "cleared") == 0;
	}
	if (n_opened != 2 || n_ended != 2)
		print_message("story: %s\n", world_story(world));
	assert_int_equal(n_opened, 2);
	assert_int_equal(n_ended, 2);
	world_events_free(&events);
}

/* Returns whether it struck. */
static bool play_with(enum nth_kind kind, unsigned n)
{
	struct world world;

	world_make(&world, BUILDING);
	world_write(&world, "rules.yaml", rules);
	nth_set(kind, n);
	start(&world);
	for (int s = 0; s < STORY_S; s++) {
		play(&world, s);
		if (s != STOP_S && s != KILL_S)
			continue;
		end(&world, s == STOP_S);
		start(&world);
	}
	end(&world, true);
	nth_set(kind, 0);
	start(&world);
	expect_story(&world);
	world_remove(&world);
	return nth_struck();
}

static void the_story_is_the_same_whatever_fails_once(void **state)
{
	(void)state;
	nth_sweep(play_with, SAMPLE, &ended_early);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_story_is_the_same_whatever_fails_once)};

	nth_install();
	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
