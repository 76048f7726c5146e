/* own_test.c: the gateway as a patient of its own rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "world.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"

static struct wy_sample samples[OWN_POINTS];
static struct wy_now now;

static void look(struct own *own, bool is_up, uint64_t queued, uint64_t opened)
{
	const struct own_in in = {.is_up = is_up, .has_queue = true, .queued = queued};

	now.mono_ms += OWN_PERIOD_MS;
	now.wall_ms += OWN_PERIOD_MS;
	own_look(own, &in, opened, now, samples);
}

static void tickets_count_for_ten_minutes(void **state)
{
	struct own own = {.has_looked = false};
	(void)state;

	look(&own, true, 0, 3);
	assert_int_equal(samples[OWN_TICKETS_10MIN].whole, 3);
	look(&own, true, 0, 8);
	assert_int_equal(samples[OWN_TICKETS_10MIN].whole, 8);
	for (unsigned i = 0; i < OWN_LOOKS - 2; i++)
		look(&own, true, 0, 8);
	assert_int_equal(samples[OWN_TICKETS_10MIN].whole, 8);
	look(&own, true, 0, 8);
	assert_int_equal(samples[OWN_TICKETS_10MIN].whole, 5);
	look(&own, true, 0, 9);
	assert_int_equal(samples[OWN_TICKETS_10MIN].whole, 1);
}

static void a_queue_is_full_at_its_ceiling_and_unknown_where_nobody_can_say(void **state)
{
	const struct own_in deaf = {.is_up = false};
	struct own own = {.has_looked = false};
	(void)state;

	look(&own, false, OWN_QUEUE_FULL / 2, 0);
	assert_true(samples[OWN_OUTBOX_FILL].real == 50.0);
	assert_int_equal(samples[OWN_OUTBOX_EMPTY].whole, 0);
	look(&own, false, 3 * OWN_QUEUE_FULL, 0);
	assert_true(samples[OWN_OUTBOX_FILL].real == 100.0);
	look(&own, true, 0, 0);
	assert_int_equal(samples[OWN_OUTBOX_EMPTY].whole, 1);
	own_look(&own, &deaf, 0, now, samples);
	assert_int_equal(samples[OWN_OUTBOX_FILL].quality, WY_Q_BAD);
	assert_int_equal(samples[OWN_OUTBOX_EMPTY].quality, WY_Q_BAD);
}

static void a_clock_that_was_set_is_off_from_where_it_was_right(void **state)
{
	struct own own = {.has_looked = false};
	(void)state;

	now.clock = WY_CLOCK_UNSYNCED;
	look(&own, true, 0, 0);
	assert_int_equal(samples[OWN_CLOCK_OFFSET].quality, WY_Q_BAD); /* never known to be right */
	now.clock = WY_CLOCK_SYNCED;
	look(&own, true, 0, 0);
	assert_int_equal(samples[OWN_NTP_OK].whole, 1);
	assert_true(samples[OWN_CLOCK_OFFSET].real == 0.0);
	now.clock = WY_CLOCK_STEPPED;
	now.wall_ms += 3600000;
	look(&own, true, 0, 0);
	assert_int_equal(samples[OWN_NTP_OK].whole, 0);
	assert_true(samples[OWN_CLOCK_OFFSET].real == 3600.0);
	assert_int_equal(samples[OWN_CLOCK_JUMPS].whole, 1);
	now.wall_ms -= 59000; /* small enough to be no jump */
	look(&own, true, 0, 0);
	assert_int_equal(samples[OWN_CLOCK_JUMPS].whole, 1);
	now.clock = WY_CLOCK_SYNCED;
	look(&own, true, 0, 0);
	assert_true(samples[OWN_CLOCK_OFFSET].real == 0.0);
}

static void what_the_store_lost_at_the_start_is_seen_to_come(void **state)
{
	struct own_in in = {.is_up = true, .new_epochs = 1, .dropped = 500, .store_fill = 250, .unconfirmed_ms = 61500};
	struct own own = {.has_looked = false};
	(void)state;

	own_look(&own, &in, 0, now, samples);
	assert_int_equal(samples[OWN_STORE_LOSSES].whole, 0);
	assert_int_equal(samples[OWN_STORE_OK].whole, 1);
	assert_true(samples[OWN_STORE_FILL].real == 100.0);
	assert_true(samples[OWN_UNCONFIRMED].real == 61.5);
	own_look(&own, &in, 0, now, samples);
	assert_int_equal(samples[OWN_STORE_LOSSES].whole, 1); /* what was dropped in earlier lives was said then */
	in.dropped = 503;
	in.is_in_memory = true;
	own_look(&own, &in, 0, now, samples);
	assert_int_equal(samples[OWN_STORE_LOSSES].whole, 4);
	assert_int_equal(samples[OWN_STORE_OK].whole, 0);
}

static const char classes[] =
	"weiyu: classes/1\nclasses:\n  room:\n    name_zh: 房间\n    name_en: Room\n    points:\n"
	"      a: {type: bool, poll: 1s, stale_after: 10s}\n"
	"  gateway:\n    name_zh: 监测网关\n    name_en: Gateway\n    points:\n"
	"      uplink_ok: {type: bool, poll: 10s, stale_after: 60s, is_optional: true}\n"
	"      outbox_fill: {type: real, unit: \"%\", range: [0, 100], poll: 10s, stale_after: 60s, is_optional: true}\n"
	"      tickets_10min: {type: int, range: [0, 100000], poll: 10s, stale_after: 60s, is_optional: true}\n"
	"      clock_jumps: {type: counter, modulus: 4294967296, max_step: 1000, poll: 10s, stale_after: 60s, is_optional: true}\n";
static const char site[] =
	"weiyu: site/1\nsite: {id: one, name_zh: 一号楼, name_en: Building one, profile: legacy}\nzone: Asia/Shanghai\n"
	"wires:\n  - {id: w1, kind: tcp, host: 127.0.0.1, port: 1502}\n"
	"devices:\n  - {id: box-1, wire: w1, profile: box, unit: 3}\n"
	"assets:\n  - {id: R-1, class: room, name_zh: 一号房, name_en: Room one, device: box-1, place: {building: A}}\n"
	"  - {id: A-1, class: gateway, name_zh: 网关, name_en: Gateway, place: {building: A}}\n";
static const char rules[] =
	"weiyu: rules/1\npackage: own\nrules:\n"
	"  - {id: own.uplink, scope: gateway, fault: WTR-01, tier: S3, when: not uplink_ok or outbox_fill > 50%, hold: 15s, "
	"clear: uplink_ok and outbox_fill < 1%}\n"
	"  - {id: own.flood, scope: gateway, fault: WTR-02, tier: S3, when: tickets_10min > 0, clear: tickets_10min == 0}\n";

static void pass(struct world *world, struct own_in in, int looks)
{
	bool has_events;

	for (int i = 0; i < looks; i++) {
		assert_true(world_run(world, OWN_PERIOD_MS));
		engine_look_at_own(world->engine, &in);
		assert_int_equal(engine_flush(world->engine, &has_events), WY_OK);
	}
}

static void its_rules_open_and_clear_tickets(void **state)
{
	struct world world;
	(void)state;

	world_make(&world, BUILDING);
	world_write(&world, "classes.yaml", classes);
	world_write(&world, "site.yaml", site);
	world_write(&world, "rules.yaml", rules);
	assert_int_equal(world_start(&world), WY_OK);
	assert_true(engine_has_own(world.engine));
	pass(&world, (struct own_in){.is_up = true, .has_queue = true}, 3);
	assert_string_equal(world_story(&world), "");
	pass(&world, (struct own_in){.has_queue = true}, 3);
	/* The first is a ticket too many for the second. */
	assert_string_equal(world_story(&world), "opened opened");
	pass(&world, (struct own_in){.is_up = true, .has_queue = true}, 2);
	assert_string_equal(world_story(&world), "opened opened cleared");
	pass(&world, (struct own_in){.is_up = true, .has_queue = true}, (int)OWN_LOOKS + 2);
	assert_string_equal(world_story(&world), "opened opened cleared cleared");
	world_check(&world);
	world_remove(&world);
}

static void a_building_without_one_has_none(void **state)
{
	struct world world;
	(void)state;

	world_make(&world, BUILDING);
	world_write(&world, "rules.yaml", "weiyu: rules/1\npackage: room\nrules:\n"
					  "  - {id: room.wet, scope: room, fault: WTR-01, tier: S3, when: a, clear: not a}\n");
	assert_int_equal(world_start(&world), WY_OK);
	assert_false(engine_has_own(world.engine));
	world_remove(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tickets_count_for_ten_minutes),
		cmocka_unit_test(a_queue_is_full_at_its_ceiling_and_unknown_where_nobody_can_say),
		cmocka_unit_test(a_clock_that_was_set_is_off_from_where_it_was_right),
		cmocka_unit_test(what_the_store_lost_at_the_start_is_seen_to_come),
		cmocka_unit_test(its_rules_open_and_clear_tickets),
		cmocka_unit_test(a_building_without_one_has_none),
	};

	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
