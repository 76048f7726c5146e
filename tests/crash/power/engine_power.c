/* engine_power.c: a whole engine's story with tickets opened, raised, cleared, receipts, a park, a clean stop and a kill,
 * and the power cut at every moment of it (power_rig.h). From each state that may be found the story goes on to its end:
 * the platform then has each ticket opened once and ended once, whatever it had heard before the cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "power_rig.h"
#include "world.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"

enum { STORY_S = 40, HEARD = 64, COMMITS = 1024, LISTEN_S = 7, STOP_S = 16, KILL_S = 27, DARK_MS = 700 /* between the cut and the next start */ };

static const char rules[] =
	"weiyu: rules/1\npackage: room\nrules:\n"
	"  - {id: room.wet, scope: room, fault: WTR-01, tier: S2, when: a, hold: 3s, clear: not a, clear_hold: 4s}\n"
	"  - id: room.full\n    scope: room\n    fault: WTR-02\n"
	"    levels:\n      - {tier: S3, when: level > 1 m}\n      - {tier: S1, when: level > 2 m}\n"
	"    latch: ack\n";

/* All that reached the platform, by seq: what it has it keeps, and one number is one event. */
struct platform {
	char type[HEARD][32], key[HEARD][TICKET_KEY_SIZE];
	char rev[HEARD][16];
	uint64_t last;
};

static struct platform platform;
static struct {
	int second;
	wy_ms mono_ms, wall_ms;
	uint64_t heard;
} at_commit[COMMITS + 1];

static void hear(const struct world_event *event)
{
	uint64_t seq = event->seq;

	assert_true(seq < HEARD);
	if (seq <= platform.last) {
		assert_string_equal(platform.type[seq], event->type);
		assert_string_equal(platform.key[seq], event->key);
		assert_string_equal(platform.rev[seq], world_member(event, "rev"));
		return;
	}
	assert_int_equal(seq, platform.last + 1);
	snprintf(platform.type[seq], sizeof(platform.type[0]), "%s", event->type);
	snprintf(platform.key[seq], sizeof(platform.key[0]), "%s", event->key);
	snprintf(platform.rev[seq], sizeof(platform.rev[0]), "%s", world_member(event, "rev"));
	platform.last = seq;
}

static void listen_to(struct world *world)
{
	struct world_events events;

	world_events(world, &events);
	for (size_t i = 0; i < events.n; i++)
		hear(&events.event[i]);
	world_events_free(&events);
}

static void confirm(struct world *world)
{
	uint64_t through = platform.last;
	size_t n = 0;

	if (through < 2)
		return;
	assert_int_equal(store_begin(world->store), WY_OK);
	assert_int_equal(store_park(world->store, through, "unreadable", world->now.wall_ms), WY_OK);
	assert_int_equal(store_receipt_through(world->store, false, through - 1, world->now.wall_ms, &n), WY_OK);
	assert_int_equal(store_receipt_through(world->store, true, through - 1, world->now.wall_ms, &n), WY_OK);
	assert_int_equal(store_prune_events(world->store, 2, world->now.wall_ms, &n), WY_OK);
	assert_int_equal(store_commit(world->store), WY_OK);
	assert_int_equal(store_tidy(world->store), WY_OK);
}

static void happen(struct world *world, int at_s)
{
	world->a = at_s >= 4 && at_s < 18;
	world->level_mm = at_s < 6 ? 0 : (at_s < 9 ? 1500 : (at_s < 20 ? 2500 : 100));
}

/* Where the story was when the last commits were made, and what had been heard by then. */
static void note_commits(const struct world *world, int second)
{
	static size_t noted;

	for (; noted < power_rig_commits(); ++noted) {
		at_commit[noted + 1].second = second;
		at_commit[noted + 1].mono_ms = world->now.mono_ms;
		at_commit[noted + 1].wall_ms = world->now.wall_ms;
		at_commit[noted + 1].heard = platform.last;
	}
}

static void play(struct world *world, int at_s)
{
	static uint32_t work_rev;
	struct ticket ticket;

	happen(world, at_s);
	assert_true(world_run(world, 1000));
	if (at_s >= 25 && world_ticket(world, "WTR-02", &ticket) == WY_OK && ticket.work_rev == 0)
		assert_int_equal(world_work(world, ticket.key, TICKET_NODE_ACKED, ++work_rev), WY_OK);
	note_commits(world, at_s);
	listen_to(world);
	if (at_s % LISTEN_S == 0)
		confirm(world);
	note_commits(world, at_s);
}

static bool is_end(uint64_t seq)
{
	return strcmp(platform.type[seq], "cleared") == 0 || strcmp(platform.type[seq], "closed") == 0;
}

static void expect_each_once(void)
{
	char keys[HEARD][TICKET_KEY_SIZE];
	int revs[HEARD] = {0}, ends[HEARD] = {0}, n = 0;

	for (uint64_t seq = 1; seq <= platform.last; seq++) {
		int k = 0;
		char rev[16];
		while (k < n && strcmp(keys[k], platform.key[seq]) != 0)
			k++;
		if (k == n)
			memcpy(keys[n++], platform.key[seq], TICKET_KEY_SIZE);
		assert_int_equal(ends[k], 0);
		assert_true((revs[k] == 0) == (strcmp(platform.type[seq], "opened") == 0));
		snprintf(rev, sizeof(rev), "%d", ++revs[k]);
		assert_string_equal(platform.rev[seq], rev);
		ends[k] += is_end(seq);
	}
	assert_int_equal(n, 2);
	assert_int_equal(ends[0] + ends[1], 2);
}

static void bring_store(const char *from, const char *to)
{
	char command[400];

	snprintf(command, sizeof(command), "cp %s/weiyu.db* %s/", from, to);
	assert_int_equal(system(command), 0);
}

static void the_story_goes_on(size_t commits, const char *dir)
{
	static struct platform kept;
	struct world world;

	kept = platform;
	platform.last = at_commit[commits].heard;
	world_make(&world, BUILDING);
	world_write(&world, "rules.yaml", rules);
	bring_store(dir, world.dir);
	if (commits > 0) {
		world.now.mono_ms = at_commit[commits].mono_ms + DARK_MS;
		world.now.wall_ms = at_commit[commits].wall_ms + DARK_MS;
	}
	assert_int_equal(world_start(&world), WY_OK);
	for (int s = at_commit[commits].second; s < STORY_S; s++)
		play(&world, s);
	assert_int_equal(store_verify(world.store, NULL), WY_OK);
	expect_each_once();
	world_remove(&world);
	platform = kept;
}

static void a_day_in_the_room(void **state)
{
	struct world world;
	(void)state;

	world_make(&world, BUILDING);
	world_write(&world, "rules.yaml", rules);
	power_rig_record(world.dir, "gw-test-01");
	assert_int_equal(world_start(&world), WY_OK);
	for (int s = 0; s < STORY_S; s++) {
		play(&world, s);
		if (s == STOP_S)
			world_stop(&world);
		else if (s == KILL_S)
			world_crash(&world);
		else
			continue;
		assert_int_equal(world_start(&world), WY_OK);
		note_commits(&world, s + 1);
	}
	world_stop(&world);
	note_commits(&world, STORY_S);
	expect_each_once();
	power_rig_judge("an engine", the_story_goes_on);
	world_remove(&world);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_day_in_the_room)};

	log_setup(LOG_ERROR, NULL);
	power_rig_init(argc, argv);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return power_rig_result() || failed;
}
