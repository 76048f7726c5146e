/* exact_test.c: what a gateway's rules told while it lived, its recording tells again, byte for byte: through
 * stops, crashes, commands, stalls, clock steps, and files that begin in the middle of things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "live_log.h"
#include "log.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"
#define RULES                                                                                          \
	"weiyu: rules/1\npackage: room\n"                                                              \
	"rules:\n"                                                                                     \
	"  - {id: room.wet, scope: room, fault: WTR-01, tier: S3, when: a, hold: 3s, clear: not a, "   \
	"clear_hold: 4s, unverified_after: 15s, reraise: 1min}\n"                                      \
	"  - {id: room.latch, scope: room, fault: WTR-01, tier: S3, when: b, hold: 2s, latch: reset}\n" \
	"  - {id: room.high, scope: room, fault: WTR-02, tier: S3, when: 'max(level, 1min) > 3 m', "   \
	"clear: 'max(level, 1min) < 2 m', clear_hold: 5s}\n"                                           \
	"  - {id: room.often, scope: room, fault: WTR-02, tier: S3, when: 'count(rise(a), 2min) >= 3', " \
	"clear: 'count(rise(a), 2min) < 1', inhibited_by: [room.wet]}\n"                               \
	"  - {id: room.quiet, scope: room, fault: WTR-02, tier: S3, when: silence() > 8s, "            \
	"clear: silence() < 2s, clear_hold: 3s}\n"

static struct world world;
static char live[LIVE_LOG_BYTES], again[LIVE_LOG_BYTES];
static char dir[] = "/tmp/weiyu-record-XXXXXX";

static void begin(uint64_t max_bytes)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	world_make(&world, BUILDING);
	world.record_dir = dir;
	world.record_bytes = max_bytes;
	world_write(&world, "rules.yaml", RULES);
	assert_int_equal(world_start(&world), WY_OK);
	live_log_begin(&world, live);
}

static uint32_t roll(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 16) % n;
}

static void down(bool is_stop, wy_ms span_ms)
{
	if (is_stop)
		world_stop(&world);
	else
		world_crash(&world);
	world.now.mono_ms += span_ms;
	world.now.wall_ms += span_ms;
	assert_int_equal(world_start(&world), WY_OK);
}

/* The desk's word on whatever ticket is open. */
static void work(uint32_t *seed, uint32_t *rev)
{
	static const enum ticket_node nodes[] = {TICKET_NODE_ACKED, TICKET_NODE_RESOLVED, TICKET_NODE_CLOSED};
	struct ticket ticket;

	if (world_ticket(&world, roll(seed, 2) ? "WTR-01" : "WTR-02", &ticket) == WY_OK)
		(void)!world_work(&world, ticket.key, nodes[roll(seed, 3)], ++*rev);
}

static void live_through(uint32_t seed, unsigned steps, bool may_stop)
{
	uint32_t rev = 0;

	for (unsigned i = 0; i < steps; i++) {
		switch (roll(&seed, 12)) {
		case 0:
			world.is_wired = !world.is_wired || roll(&seed, 2);
			break;
		case 1:
			world.b = !world.b;
			break;
		case 2:
			world.is_level_known = roll(&seed, 4) != 0;
			break;
		case 3:
			work(&seed, &rev);
			break;
		case 4: /* the clock on the wall is set */
			world.now.wall_ms += roll(&seed, 4) ? 0 : (wy_ms)roll(&seed, 8000) - 3000;
			break;
		case 5: /* nobody looked for a while */
			world.now.mono_ms += roll(&seed, 3) ? 0 : 25000;
			break;
		case 6:
			if (may_stop && roll(&seed, 3) == 0)
				down(true, roll(&seed, 20000));
			break;
		default:
			world.a = roll(&seed, 2);
			world.level_mm = (int)roll(&seed, 5000);
			break;
		}
		assert_true(world_run(&world, 300 + roll(&seed, 9000)));
	}
}

static void compare(uint32_t seed)
{
	world_stop(&world);
	/* The set that plays is compiled anew, as on another machine. */
	world.record_dir = NULL;
	live_log_end();
	assert_int_equal(world_start(&world), WY_OK);
	assert_int_equal(replay_log(&world, dir, again), 0);
	if (strcmp(live, again) != 0)
		fail_msg("seed %u\n--- live\n%s--- replayed\n%s", seed, live, again);
	assert_true(strstr(live, " open ") != NULL);
	remove_recording(dir);
	world_remove(&world);
}

static void lives_without_a_stop(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 6; seed++) {
		begin(64u << 20);
		live_through(seed, 120, false);
		compare(seed);
	}
}

static void lives_with_stops(void **state)
{
	(void)state;
	for (uint32_t seed = 101; seed <= 106; seed++) {
		begin(64u << 20);
		live_through(seed, 120, true);
		compare(seed);
	}
}

/* What was not saved is gone, for the recording as for the gateway: it begins again with what the store had. */
static void lives_with_crashes(void **state)
{
	(void)state;
	for (uint32_t seed = 201; seed <= 206; seed++) {
		begin(64u << 20);
		live_through(seed, 40, false);
		down(false, 7000);
		live_through(seed + 1000, 40, true);
		down(false, 90000);
		live_through(seed + 2000, 40, true);
		compare(seed);
	}
}

/* A day is a file: the second one is played without the first. */
static void a_later_file_plays_alone(void **state)
{
	struct record_file_list list;
	(void)state;

	begin(64u << 20);
	live_through(7, 30, false);
	world.a = true;
	world.level_mm = 4000;
	assert_true(world_run(&world, 30000));
	/* The next turn finds the file a day old. */
	world.now.mono_ms += 24 * 3600000;
	world.now.wall_ms += 24 * 3600000;
	assert_true(world_run(&world, 120000));
	assert_int_equal(record_list_files(dir, &list), WY_OK);
	assert_int_equal(list.n, 2);
	live_log_begin(&world, live);
	live_through(8, 60, false);
	world_stop(&world);
	assert_int_equal(remove(list.item[0].path), 0);
	record_list_release(&list);
	world.record_dir = NULL;
	live_log_end();
	assert_int_equal(world_start(&world), WY_OK);
	assert_int_equal(replay_log(&world, dir, again), 0);
	/* The second file began a little before the log did. */
	size_t len = strlen(again), wanted = strlen(live);
	assert_true(len >= wanted && wanted > 500);
	assert_string_equal(again + len - wanted, live);
	remove_recording(dir);
	world_remove(&world);
}

static void twice_is_the_same(void **state)
{
	(void)state;
	begin(64u << 20);
	live_through(9, 100, true);
	world_stop(&world);
	world.record_dir = NULL;
	assert_int_equal(world_start(&world), WY_OK);
	assert_int_equal(replay_log(&world, dir, again), 0);
	assert_int_equal(replay_log(&world, dir, live), 0);
	assert_string_equal(again, live);
	remove_recording(dir);
	world_remove(&world);
}

/* The disk is nobody's reason to stop watching. */
static void without_a_directory_the_gateway_works(void **state)
{
	unsigned n_paused = 0;
	(void)state;

	world_make(&world, BUILDING);
	world.record_dir = "/proc/no/such/place";
	world.record_bytes = 64u << 20;
	world_write(&world, "rules.yaml", RULES);
	assert_int_equal(world_start(&world), WY_OK);
	live_log_begin(&world, live);
	for (unsigned i = 0; i < 20; i++) {
		world.a = !world.a;
		assert_true(world_run(&world, 31000));
		n_paused += record_state(world.record).is_paused;
	}
	live_log_end();
	assert_true(strstr(live, " open ") != NULL);
	/* Each new try takes a block to fail. */
	assert_in_range(n_paused, 10, 20);
	assert_int_equal(record_state(world.record).bytes, 0);
	world_remove(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lives_without_a_stop), cmocka_unit_test(lives_with_stops),
		cmocka_unit_test(lives_with_crashes),   cmocka_unit_test(a_later_file_plays_alone),
		cmocka_unit_test(twice_is_the_same),
		cmocka_unit_test(without_a_directory_the_gateway_works),
	};

	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
