/* engine_test.c: readings in, tickets and events out, on a clock that stands still until told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "room.h"

#define RULES "weiyu: rules/1\npackage: room\nrules:\n"
#define META "meta: {cause: pipe, consequence: damage, response: close}"
#define WET                                                                                        \
	"  - {id: room.wet, scope: room, fault: WTR-01, tier: S2, when: a, hold: 3s, clear: not a, "   \
	"clear_hold: 4s, unverified_after: 30s, reraise: 1min, "                                      \
	"summary: {zh: \"{asset.name}漏水{level:.1f}\", en: \"{asset.name} wet {level:.1f}\"}}\n"
#define LATCHING(latch)                                                                            \
	"  - {id: room.latch, scope: room, fault: WTR-01, tier: S2, when: a, latch: " latch "}\n"
#define ALSO                                                                                       \
	"  - {id: room.also, scope: room, fault: WTR-01, tier: S1, when: b, clear: not b, " META "}\n"

static struct world_events events;

static struct ticket open_ticket(void)
{
	struct ticket ticket;

	assert_int_equal(world_ticket(&world, "WTR-01", &ticket), WY_OK);
	return ticket;
}

/* A member of the last event. */
static const char *last(const char *path)
{
	world_events(&world, &events);
	assert_true(events.n > 0);
	const char *text = world_member(&events.event[events.n - 1], path);
	world_events_free(&events);
	return text;
}

static void raise_hold_clear_is_one_opened_and_one_cleared(void **state)
{
	(void)state;

	room_start(RULES WET);
	world.level_mm = 1200;
	world.a = true;
	room_run_s(2);
	assert_string_equal(world_story(&world), "");
	room_run_s(3);
	assert_string_equal(world_story(&world), "opened");
	assert_string_equal(last("summary"), "\"一号房漏水1.2 m\"");
	assert_string_equal(last("first_seen"), "\"2026-11-22T12:00:03.000+08:00\"");
	assert_string_equal(last("opened_at"), "\"2026-11-22T12:00:06.000+08:00\"");
	assert_string_equal(last("deadline_ack"), "\"2026-11-22T12:30:06.000+08:00\"");
	assert_string_equal(last("deadline_resolve"), "\"2026-11-23T12:00:06.000+08:00\"");
	assert_string_equal(last("evidence.level"), "0");
	world.a = false;
	world.level_mm = 0;
	room_run_s(10);
	assert_string_equal(last("condition"), "\"cleared\"");
	assert_string_equal(last("duration_ms"), "9000");
	assert_string_equal(last("deadline_ack"), "\"2026-11-22T12:30:06.000+08:00\"");
	assert_string_equal(last("resident_notice.text_zh"), "null");
	room_end("opened cleared");
}

static void what_is_over_keeps_the_words_it_stood_with(void **state)
{
	(void)state;

	room_start(RULES WET);
	world.level_mm = 1200;
	world.a = true;
	room_run_s(5);
	world.a = false;
	world.level_mm = 0;
	room_run_s(10);
	assert_string_equal(last("summary"), "\"已恢复：一号房漏水1.2 m\"");
	assert_string_equal(last("summary_en"), "\"Over: Room one wet 1.2 m\"");
	assert_non_null(strstr(last("evidence.clauses"), "not a"));
	room_end("opened cleared");
}

static void a_sensor_lost_and_found_is_told_and_clears_nothing(void **state)
{
	(void)state;

	room_start(RULES WET);
	world.a = true;
	room_run_s(5);
	world.is_wired = false;
	room_run_s(60);
	assert_string_equal(last("condition"), "\"unknown\"");
	assert_string_equal(last("summary_en"), "\"Sensor lost: Room one wet 0.0 m\"");
	world.is_wired = true;
	room_run_s(3);
	assert_string_equal(last("condition"), "\"active\"");
	world.a = false;
	room_run_s(10);
	room_end("opened updated updated cleared");
}

static void two_rules_of_one_fault_share_the_ticket(void **state)
{
	(void)state;

	room_start(RULES WET ALSO);
	world.a = true;
	room_run_s(5);
	assert_string_equal(last("tier_now"), "\"S2\"");
	world.b = true;
	room_run_s(2);
	assert_string_equal(world_story(&world), "opened updated");
	assert_string_equal(last("tier"), "\"S1\"");
	assert_string_equal(last("deadline_ack"), "\"2026-11-22T12:10:08.000+08:00\"");
	world.b = false;
	room_run_s(5);
	/* The milder rule still stands: it is no longer as severe, but not over. */
	assert_int_equal(open_ticket().tier_now, 2);
	assert_int_equal(open_ticket().tier, 1);
	world.a = false;
	room_run_s(10);
	room_end("opened updated cleared");
}

static void a_milder_rule_of_the_same_fault_changes_no_tier(void **state)
{
	(void)state;

	room_start(RULES WET ALSO);
	world.b = true;
	room_run_s(2);
	world.a = true;
	room_run_s(6);
	assert_int_equal(open_ticket().tier_now, 1);
	assert_string_equal(world_story(&world), "opened");
	world.b = false;
	room_run_s(3);
	assert_int_equal(open_ticket().tier_now, 2);
	room_restart(NULL);
	world.a = false;
	room_run_s(10);
	room_end("opened cleared");
}

static void a_latched_rule_beside_one_that_stands_waits_for_it(void **state)
{
	struct ticket ticket;
	(void)state;

	room_start(RULES LATCHING("ack") ALSO);
	world.a = world.b = true;
	room_run_s(3);
	world.a = false;
	room_run_s(5);
	assert_int_equal(open_ticket().condition, TICKET_ACTIVE);
	world.b = false;
	room_run_s(3);
	/* Only the latched one is left, and the ticket says so. */
	ticket = open_ticket();
	assert_int_equal(ticket.condition, TICKET_LATCHED);
	assert_string_equal(last("alarm_state"), "\"latched\"");
	assert_int_equal(world_work(&world, ticket.key, TICKET_NODE_ACKED, 1), WY_OK);
	room_run_s(2);
	assert_string_equal(last("event"), "\"cleared\"");
	world_check(&world);
	world_remove(&world);
}

static void people_who_start_work_have_taken_notice_of_a_latched_one(void **state)
{
	struct ticket ticket;
	(void)state;

	room_start(RULES LATCHING("ack"));
	world.a = true;
	room_run_s(3);
	world.a = false;
	room_run_s(3);
	ticket = open_ticket();
	assert_int_equal(ticket.condition, TICKET_LATCHED);
	assert_int_equal(world_work(&world, ticket.key, TICKET_NODE_IN_PROGRESS, 1), WY_OK);
	room_run_s(2);
	room_end("opened updated cleared");
}

static void a_latched_condition_that_is_back_reopens_the_same_episode(void **state)
{
	(void)state;

	room_start(RULES LATCHING("reset"));
	world.a = true;
	room_run_s(3);
	world.a = false;
	room_run_s(3);
	room_restart(NULL);
	world.a = true;
	room_run_s(3);
	assert_string_equal(last("event"), "\"reopened\"");
	assert_string_equal(last("episode"), "1");
	room_end("opened updated reopened");
}

static void closed_by_the_platform_it_rests_and_then_opens_a_new_episode(void **state)
{
	struct ticket ticket;
	(void)state;

	room_start(RULES WET);
	world.a = true;
	room_run_s(5);
	ticket = open_ticket();
	assert_int_equal(world_work(&world, ticket.key, TICKET_NODE_CLOSED, 7), WY_OK);
	assert_string_equal(last("event"), "\"closed\"");
	room_run_s(50);
	assert_string_equal(world_story(&world), "opened closed");
	room_run_s(20);
	assert_string_equal(last("episode"), "2");
	assert_non_null(strstr(last("repeat_of"), ticket.key));
	room_end("opened closed opened");
}

static void work_on_an_old_episode_leaves_the_present_one_alone(void **state)
{
	struct ticket old;
	char body[65536];
	size_t len;
	(void)state;

	room_start(RULES WET);
	world.level_mm = 3000;
	world.a = true;
	room_run_s(5);
	old = open_ticket();
	world.a = false;
	room_run_s(10);
	world.level_mm = 9000;
	world.a = true;
	room_run_s(5);
	assert_int_equal(world_work(&world, old.key, TICKET_NODE_CLOSED, 3), WY_OK);
	assert_true(open_ticket().is_open);
	/* Its document keeps its own evidence. */
	assert_int_equal(store_ticket_body(world.store, old.key, body, sizeof(body), &len), WY_OK);
	assert_non_null(strstr(body, "\"summary\":\"已恢复：一号房漏水3.0 m\""));
	assert_non_null(strstr(body, "\"node\":\"closed\""));
	assert_non_null(strstr(body, "\"event\":\"cleared\""));
	room_end("opened cleared opened");
}

static void late_and_unknown_work_has_no_effect(void **state)
{
	struct ticket ticket;
	(void)state;

	room_start(RULES WET);
	world.a = true;
	room_run_s(5);
	ticket = open_ticket();
	assert_int_equal(world_work(&world, ticket.key, TICKET_NODE_ACKED, 5), WY_OK);
	assert_int_equal(world_work(&world, ticket.key, TICKET_NODE_CLOSED, 5), WY_E_STATE);
	assert_int_equal(world_work(&world, "tk_none", TICKET_NODE_CLOSED, 6), WY_E_NOTFOUND);
	assert_int_equal(open_ticket().node, TICKET_NODE_ACKED);
	room_end("opened");
}

static void a_renamed_rule_takes_over_the_open_ticket(void **state)
{
	(void)state;

	room_start(RULES WET);
	world.a = true;
	room_run_s(5);
	room_restart(RULES "  - {id: room.other, scope: room, fault: WTR-01, tier: S2, when: a, clear: not a, clear_hold: 2s}\n");
	room_run_s(5);
	assert_string_equal(world_story(&world), "opened");
	world.a = false;
	room_run_s(5);
	room_end("opened cleared");
}

static void a_ticket_whose_rule_is_gone_is_closed_once(void **state)
{
	(void)state;

	room_start(RULES WET);
	world.a = true;
	room_run_s(5);
	room_restart(RULES "  - {id: room.other, scope: room, fault: WTR-02, tier: S3, when: b, clear: not b}\n");
	room_run_s(2);
	room_restart(NULL);
	room_run_s(2);
	room_end("opened closed");
}

static void a_ticket_whose_asset_is_gone_is_closed_once(void **state)
{
	char command[300];
	(void)state;

	room_start(RULES WET);
	world.a = true;
	room_run_s(5);
	world_crash(&world);
	snprintf(command, sizeof(command), "%s/site.yaml", world.dir);
	assert_int_equal(remove(command), 0);
	char other[300];
	snprintf(other, sizeof(other), "%s/other_site.yaml", world.dir);
	assert_int_equal(rename(other, command), 0);
	assert_int_equal(world_start(&world), WY_OK);
	assert_string_equal(world_story(&world), "opened closed");
	assert_string_equal(last("asset.id"), "\"A-1\"");
	assert_string_equal(last("is_open"), "false");
	assert_int_equal(engine_counts(world.engine).open, 0);
	room_run_s(5); /* the other asset, on the same device, has its own */
	room_end("opened closed opened");
}

static void a_rule_that_carries_another_fault_now_opens_that(void **state)
{
	(void)state;

	room_start(RULES WET);
	world.a = true;
	room_run_s(5);
	room_restart(RULES "  - {id: room.wet, scope: room, fault: WTR-02, tier: S2, when: a, hold: 3s, clear: not a, clear_hold: 4s}\n");
	assert_string_equal(last("fault_code"), "\"WTR-02\"");
	room_run_s(5);
	assert_string_equal(world_story(&world), "opened closed opened");
	world.a = false;
	room_run_s(10);
	room_end("opened closed opened cleared");
}

static void a_crash_long_after_the_last_event_is_not_a_lost_sensor(void **state)
{
	(void)state;

	room_start(RULES "  - {id: room.wet, scope: room, fault: WTR-01, tier: S3, when: a, clear: not a, unverified_after: 10min}\n");
	world.a = true;
	room_run_s(3600);
	room_restart(NULL);
	room_run_s(5);
	room_end("opened");
}

static void a_machine_that_slept_calls_no_device_silent(void **state)
{
	static const char silent[] =
		RULES "  - {id: room.mute, scope: room, fault: WTR-01, tier: S3, when: silence() > 60s, clear: silence() < 30s}\n";
	(void)state;

	room_start(silent);
	room_run_s(10);
	world.now.mono_ms += 600000;
	world.now.wall_ms += 600000;
	room_run_s(30);
	assert_string_equal(world_story(&world), "");
	world.is_wired = false; /* and one that is silent is still found */
	room_run_s(70);
	room_end("opened");
}

static void what_cannot_be_ticketed_is_refused_at_the_start(void **state)
{
	static char site[200000];
	size_t n;
	(void)state;

	room_start(RULES WET);
	world_crash(&world);
	n = (size_t)snprintf(site, sizeof(site),
			     "weiyu: site/1\nsite: {id: one, name_zh: 一, name_en: One, profile: legacy}\n"
			     "zone: Asia/Shanghai\nwires:\n  - {id: w1, kind: tcp, host: 127.0.0.1, port: 1502}\n"
			     "devices:\n  - {id: box-1, wire: w1, profile: box, unit: 3}\nassets:\n"
			     "  - id: A-1\n    class: room\n    name_zh: 一\n    name_en: One\n"
			     "    place: {building: A}\n    device: box-1\n    affected: {units: [");
	for (int i = 0; i < 3000; i++)
		n += (size_t)snprintf(site + n, sizeof(site) - n, "%sunit-%05d", i ? ", " : "", i);
	snprintf(site + n, sizeof(site) - n, "]}\n");
	world_write(&world, "site.yaml", site);
	assert_int_equal(world_start(&world), WY_E_LIMIT);
	world_remove(&world);
}

static void steady_polling_writes_nothing(void **state)
{
	(void)state;

	room_start(RULES WET);
	room_run_s(600);
	assert_int_equal(engine_counts(world.engine).commits, 0);
	world.a = true;
	room_run_s(5);
	uint64_t commits = engine_counts(world.engine).commits;
	room_run_s(3600);
	assert_true(engine_counts(world.engine).commits - commits <= 13);
	world_remove(&world);
}

static void a_due_timer_needs_no_reading(void **state)
{
	(void)state;

	room_start(RULES WET);
	world.a = true;
	assert_true(world_run(&world, 1500));
	/* No reading comes any more; the hold ends by itself. */
	wy_ms due_ms = engine_due(world.engine);
	assert_true(due_ms <= world.now.mono_ms + 3000);
	world.now.wall_ms += due_ms - world.now.mono_ms;
	world.now.mono_ms = due_ms;
	engine_tick(world.engine);
	bool has_events;
	assert_int_equal(engine_flush(world.engine, &has_events), WY_OK);
	assert_true(has_events);
	room_end("opened");
}

static void memory_of_rules_that_are_gone_is_dropped(void **state)
{
	struct store_clock clock;
	(void)state;

	room_start(RULES WET);
	world.a = true;
	room_run_s(5);
	room_restart(RULES "  - {id: room.other, scope: room, fault: WTR-02, tier: S3, when: b, clear: not b}\n");
	world_stop(&world);
	assert_int_equal(world_start(&world), WY_OK);
	/* Twice over the rename the old memory does not come back. */
	room_restart(RULES WET);
	assert_int_equal(store_clock(world.store, &clock), WY_OK);
	assert_false(rule_is_raised(engine_rules(world.engine), 0));
	world_remove(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raise_hold_clear_is_one_opened_and_one_cleared),
		cmocka_unit_test(what_is_over_keeps_the_words_it_stood_with),
		cmocka_unit_test(a_sensor_lost_and_found_is_told_and_clears_nothing),
		cmocka_unit_test(two_rules_of_one_fault_share_the_ticket),
		cmocka_unit_test(a_milder_rule_of_the_same_fault_changes_no_tier),
		cmocka_unit_test(a_latched_rule_beside_one_that_stands_waits_for_it),
		cmocka_unit_test(people_who_start_work_have_taken_notice_of_a_latched_one),
		cmocka_unit_test(a_latched_condition_that_is_back_reopens_the_same_episode),
		cmocka_unit_test(closed_by_the_platform_it_rests_and_then_opens_a_new_episode),
		cmocka_unit_test(work_on_an_old_episode_leaves_the_present_one_alone),
		cmocka_unit_test(late_and_unknown_work_has_no_effect),
		cmocka_unit_test(a_renamed_rule_takes_over_the_open_ticket),
		cmocka_unit_test(a_ticket_whose_rule_is_gone_is_closed_once),
		cmocka_unit_test(a_ticket_whose_asset_is_gone_is_closed_once),
		cmocka_unit_test(a_rule_that_carries_another_fault_now_opens_that),
		cmocka_unit_test(a_crash_long_after_the_last_event_is_not_a_lost_sensor),
		cmocka_unit_test(a_machine_that_slept_calls_no_device_silent),
		cmocka_unit_test(what_cannot_be_ticketed_is_refused_at_the_start),
		cmocka_unit_test(steady_polling_writes_nothing),
		cmocka_unit_test(a_due_timer_needs_no_reading),
		cmocka_unit_test(memory_of_rules_that_are_gone_is_dropped),
	};

	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
