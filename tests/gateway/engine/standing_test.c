/* standing_test.c: what goes with a ticket beside its condition, and what people say to it: groups, problems, chatter,
 * ladders, shelves, orders, planned windows; through restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "room.h"

#define RULES "weiyu: rules/1\npackage: room\nrules:\n"
#define WET "  - {id: room.wet, scope: room, fault: WTR-01, tier: S3, when: a, clear: not a, reraise: 1min"
#define FULL "  - {id: room.full, scope: room, fault: WTR-02, tier: S3, when: b, clear: not b"
#define BURST(absorb)                                                                                \
	"correlate:\n  - {id: room.burst, fault: WTR-03, tier: S3, members: [room.wet, room.full], same: [building], " \
	"within: 10min, absorb: " absorb ", gather: 5s}\n"

#define LADDER                                                                                       \
	", escalate: [{after: 10min, unless: acked, to: dept_head}, {after: 20min, unless: on_site, to: manager, tier: S2}]}\n"

static struct world_events events;

/* Away for so long: nothing was watched, and the clock went on. */
static void be_down_s(int seconds)
{
	world_crash(&world);
	world.now.mono_ms += (wy_ms)seconds * 1000;
	world.now.wall_ms += (wy_ms)seconds * 1000;
	assert_int_equal(world_start(&world), WY_OK);
}

static struct ticket ticket_of(const char *fault)
{
	struct ticket ticket;

	assert_int_equal(world_ticket(&world, fault, &ticket), WY_OK);
	return ticket;
}

/* A member of the last event of a fault. */
static const char *last(const char *fault, const char *path)
{
	const char *text = "(no event)";
	char code[16];

	snprintf(code, sizeof(code), "\"%s\"", fault);
	world_events(&world, &events);
	for (size_t i = 0; i < events.n; i++)
		if (strcmp(world_member(&events.event[i], "fault_code"), code) == 0)
			text = world_member(&events.event[i], path);
	world_events_free(&events);
	return text;
}

static unsigned count(const char *fault, const char *type)
{
	unsigned n = 0;
	char code[16];

	snprintf(code, sizeof(code), "\"%s\"", fault);
	world_events(&world, &events);
	for (size_t i = 0; i < events.n; i++)
		n += strcmp(world_member(&events.event[i], "fault_code"), code) == 0 &&
		     strcmp(events.event[i].type, type) == 0;
	world_events_free(&events);
	return n;
}

static void expect_part(const char *fault, const char *path, const char *part)
{
	const char *text = last(fault, path);

	if (!strstr(text, part))
		print_error("%s %s: %s\n", fault, path, text);
	assert_non_null(strstr(text, part));
}

static char said[600];

static enum wy_err order(const char *word, const char *ticket, const char *rule, int minutes, const char *why)
{
	struct engine_order given = {.word = word, .ticket = ticket, .rule = rule, .asset = "A-1", .by = "wang", .why = why,
				     .until_wall_ms = world.now.wall_ms + (wy_ms)minutes * 60000};
	struct wy_buf words;

	wy_buf_init(&words, said, sizeof(said));
	enum wy_err err = engine_take_order(world.engine, &given, &words);
	bool has_events;
	assert_int_equal(engine_flush(world.engine, &has_events), WY_OK);
	return err;
}

/* ---- Groups and problems ------------------------------------------------------------------------- */

static void a_group_has_a_ticket_that_names_its_members_and_they_name_it(void **state)
{
	char wet[TICKET_KEY_SIZE], burst[TICKET_KEY_SIZE];
	(void)state;

	room_start(RULES WET "}\n" FULL "}\n" BURST("false"));
	world.a = true;
	room_run_s(10);
	world.b = true;
	room_run_s(3);
	assert_string_equal(world_story(&world), "opened opened opened");
	memcpy(wet, ticket_of("WTR-01").key, sizeof(wet));
	memcpy(burst, ticket_of("WTR-03").key, sizeof(burst));
	assert_string_equal(last("WTR-03", "member_count"), "2");
	/* A crash loses nothing of what still has to be told. */
	room_restart(NULL);
	room_run_s(130);
	expect_part("WTR-01", "group", burst);
	expect_part("WTR-02", "group", burst);
	assert_string_equal(last("WTR-01", "reason"), "\"grouped\"");
	expect_part("WTR-03", "members", wet);
	assert_string_equal(last("WTR-03", "asset.id"), "\"A-1\"");
	world.a = false;
	room_run_s(70);
	assert_string_equal(last("WTR-03", "reason"), "\"members\"");
	assert_string_equal(last("WTR-03", "member_count"), "1");
	room_restart(NULL);
	world.b = false;
	room_run_s(10);
	assert_int_equal(count("WTR-03", "cleared"), 1);
	assert_int_equal(count("WTR-03", "opened"), 1);
	world_check(&world);
	world_remove(&world);
}

static void a_group_that_absorbs_is_the_only_ticket(void **state)
{
	(void)state;

	room_start(RULES WET "}\n" FULL "}\n" BURST("true"));
	world.a = true;
	room_run_s(2);
	world.b = true;
	room_run_s(30);
	assert_string_equal(world_story(&world), "opened");
	expect_part("WTR-03", "members", "\"rule\":\"room.wet\"");
	expect_part("WTR-03", "members", "\"ticket_key\":null");
	room_restart(NULL);
	room_run_s(5);
	world.a = world.b = false;
	room_run_s(10);
	assert_string_equal(last("WTR-03", "event"), "\"cleared\"");
	world_check(&world);
	world_remove(&world);
}

static void a_problem_names_the_tickets_before_it(void **state)
{
	char first[TICKET_KEY_SIZE];
	(void)state;

	room_start(RULES WET ", recur: {count: 2, within: 30d, then: {tier: S2, kind: problem, fault: WTR-04}}}\n");
	world.a = true;
	room_run_s(5);
	memcpy(first, ticket_of("WTR-01").key, sizeof(first));
	world.a = false;
	room_run_s(4000);
	world.a = true;
	room_run_s(5);
	expect_part("WTR-04", "earlier", first);
	expect_part("WTR-04", "earlier", ticket_of("WTR-01").key);
	room_restart(NULL);
	room_run_s(5);
	assert_int_equal(order("close", NULL, "room.wet.problem", 0, "pipe replaced"), WY_OK);
	assert_string_equal(last("WTR-04", "event"), "\"closed\"");
	world_check(&world);
	world_remove(&world);
}

/* What the platform hears, in short: each event with why and how many members and steps it names. */
static void tell_story(char *out, size_t size, bool is_restarting)
{
	struct wy_buf buf;

	room_start(RULES WET LADDER FULL ", inhibited_by: [room.wet]}\n" BURST("false"));
	for (int s = 0; s < 800; s++) {
		world.a = s >= 20 && s < 700;
		world.b = s >= 5 && s < 710;
		room_run_s(1);
		if (!is_restarting || s % 7)
			continue;
		world_stop(&world);
		assert_int_equal(world_start(&world), WY_OK);
	}
	wy_buf_init(&buf, out, size);
	world_events(&world, &events);
	for (size_t i = 0; i < events.n; i++)
		wy_buf_addf(&buf, "%s %s %s %s %s %s\n", world_member(&events.event[i], "dedup_key"), events.event[i].type,
			    world_member(&events.event[i], "reason"), world_member(&events.event[i], "member_count"),
			    world_member(&events.event[i], "escalation.step"),
			    world_member(&events.event[i], "depends_on.rule"));
	world_events_free(&events);
	world_check(&world);
	world_remove(&world);
}

static void restarts_change_nothing_of_what_is_told(void **state)
{
	static char plain[8000], restarted[8000];
	(void)state;

	tell_story(plain, sizeof(plain), false);
	tell_story(restarted, sizeof(restarted), true);
	assert_non_null(strstr(plain, "\"escalate\""));
	assert_non_null(strstr(plain, "\"grouped\""));
	assert_non_null(strstr(plain, "\"room.wet\""));
	assert_string_equal(restarted, plain);
}

/* ---- Ladders -------------------------------------------------------------------------------------- */

static void a_ladder_goes_up_and_is_told_with_the_tier_it_brings(void **state)
{
	(void)state;

	room_start(RULES WET LADDER);
	world.a = true;
	room_run_s(605);
	assert_string_equal(world_story(&world), "opened updated");
	assert_string_equal(last("WTR-01", "reason"), "\"escalate\"");
	assert_string_equal(last("WTR-01", "escalation.to"), "\"dept_head\"");
	assert_string_equal(last("WTR-01", "tier"), "\"S3\"");
	room_run_s(600);
	assert_string_equal(last("WTR-01", "escalation.step"), "2");
	assert_string_equal(last("WTR-01", "tier"), "\"S2\"");
	expect_part("WTR-01", "escalation.history", "dept_head");
	assert_int_equal(count("WTR-01", "updated"), 2);
	world.a = false;
	room_run_s(10);
	room_end("opened updated updated cleared");
}

static void work_stops_the_ladder(void **state)
{
	(void)state;

	room_start(RULES WET LADDER);
	world.a = true;
	room_run_s(60);
	assert_int_equal(world_work(&world, ticket_of("WTR-01").key, TICKET_NODE_ACKED, 1), WY_OK);
	room_run_s(900);
	assert_int_equal(world_work(&world, ticket_of("WTR-01").key, TICKET_NODE_ON_SITE, 2), WY_OK);
	room_restart(NULL);
	room_run_s(3600);
	room_end("opened");
}

static void a_step_that_came_due_while_down_is_told_once(void **state)
{
	(void)state;

	room_start(RULES WET LADDER);
	world.a = true;
	room_run_s(60);
	be_down_s(700);
	room_run_s(5);
	assert_string_equal(last("WTR-01", "escalation.to"), "\"dept_head\"");
	room_restart(NULL);
	room_run_s(30);
	be_down_s(30);
	room_run_s(5);
	room_end("opened updated");
}

/* ---- Chatter, dependence, windows ------------------------------------------------------------------- */

static void what_chatters_says_so_and_then_that_it_is_steady(void **state)
{
	(void)state;

	room_start(RULES WET ", chatter: {max: 3, per: 10min, quiet: 20min}}\n");
	for (int i = 0; i < 6; i++) {
		world.a = true;
		room_run_s(3);
		world.a = false;
		room_run_s(3);
	}
	assert_string_equal(last("WTR-01", "chatter"), "true");
	assert_string_equal(last("WTR-01", "reason"), "\"chatter\"");
	assert_int_equal(count("WTR-01", "opened"), 3);
	room_restart(NULL);
	room_run_s(1300);
	assert_string_equal(last("WTR-01", "event"), "\"cleared\"");
	assert_string_equal(last("WTR-01", "chatter"), "false");
	world_check(&world);
	world_remove(&world);
}

static void news_that_can_wait_are_told_together_and_survive_a_crash(void **state)
{
	(void)state;

	room_start(RULES WET "}\n" FULL ", inhibited_by: [room.wet]}\n");
	world.b = true;
	room_run_s(5);
	world.a = true;
	room_run_s(5);
	assert_string_equal(world_story(&world), "opened opened");
	room_restart(NULL);
	room_run_s(20);
	assert_int_equal(count("WTR-02", "updated"), 0);
	room_run_s(60);
	assert_string_equal(last("WTR-02", "reason"), "\"depends\"");
	expect_part("WTR-02", "depends_on", "\"rule\":\"room.wet\"");
	expect_part("WTR-02", "depends_on", ticket_of("WTR-01").key);
	/* It comes free and depends again within the minute: one word, of how it is then. */
	for (int i = 0; i < 4; i++) {
		world.a = !world.a;
		room_run_s(6);
	}
	room_run_s(60);
	assert_int_equal(count("WTR-02", "updated"), 2);
	expect_part("WTR-02", "depends_on", "room.wet");
	world.b = false;
	room_run_s(5);
	assert_string_equal(last("WTR-02", "depends_on"), "null");
	world_check(&world);
	world_remove(&world);
}

static void a_planned_window_holds_tickets_back_or_marks_them(void **state)
{
	(void)state;

	world_make(&world, BUILDING);
	world_write(&world, "rules.yaml", RULES WET "}\n" FULL ", maintenance: annotate}\n");
	world_write(&world, "site.yaml",
		    "weiyu: site/1\nsite: {id: one, name_zh: 一号楼, name_en: Building one, profile: legacy}\n"
		    "zone: Asia/Shanghai\nwires:\n  - {id: w1, kind: tcp, host: 127.0.0.1, port: 1502}\n"
		    "devices:\n  - {id: box-1, wire: w1, profile: box, unit: 3}\n"
		    "assets:\n  - {id: A-1, class: room, name_zh: 一号房, name_en: Room one, device: box-1, place: {building: A}}\n"
		    "maintenance:\n  - {id: m1, from: \"2026-11-22 11:00\", to: \"2026-11-22 12:30\", assets: [A-1], reason: test}\n");
	assert_int_equal(world_start(&world), WY_OK);
	world.a = world.b = true;
	room_run_s(60);
	assert_string_equal(world_story(&world), "opened");
	assert_string_equal(last("WTR-02", "maintenance"), "true");
	room_restart(NULL);
	room_run_s(1800);
	assert_int_equal(count("WTR-01", "opened"), 1);
	assert_string_equal(last("WTR-01", "maintenance"), "false");
	world_check(&world);
	world_remove(&world);
}

/* ---- Orders ---------------------------------------------------------------------------------------- */

static void a_shelf_is_in_the_ticket_and_opens_no_other_until_it_ends(void **state)
{
	(void)state;

	room_start(RULES WET ", shelve: {max: 1h}}\n");
	world.a = true;
	room_run_s(5);
	assert_int_equal(order("shelve", ticket_of("WTR-01").no, NULL, 30, "waits for a part"), WY_OK);
	assert_non_null(strstr(said, "until 2026-11-22T12:30:07"));
	assert_string_equal(last("WTR-01", "reason"), "\"shelved\"");
	assert_string_equal(last("WTR-01", "shelved_until"), "\"2026-11-22T12:30:07.000+08:00\"");
	expect_part("WTR-01", "orders", "\"by\":\"wang\",\"reason\":\"waits for a part\"");
	world.a = false;
	room_run_s(5);
	room_restart(NULL);
	world.a = true;
	room_run_s(600);
	assert_string_equal(world_story(&world), "opened updated cleared");
	room_run_s(1300);
	assert_int_equal(count("WTR-01", "opened"), 2);
	assert_string_equal(last("WTR-01", "shelved_until"), "null");
	world_check(&world);
	world_remove(&world);
}

static void seen(void *arg, const struct engine_shelf *shelf)
{
	int *n = arg;

	++*n;
	assert_string_equal(shelf->rule, "room.wet");
	assert_string_equal(shelf->asset, "A-1");
	assert_string_equal(shelf->by, "wang");
	assert_string_equal(shelf->why, "noisy");
	assert_int_equal(shelf->until_wall_ms, world.now.wall_ms + 30 * 60000 - 5000);
	assert_false(shelf->is_raised);
}

static void shelves_are_known_after_a_restart_with_who_and_why(void **state)
{
	int n = 0;
	(void)state;

	room_start(RULES WET "}\n" FULL ", shelve: {max: 0s}}\n");
	assert_int_equal(order("shelve", NULL, "room.wet", 30, "noisy"), WY_OK);
	room_restart(NULL);
	room_run_s(5);
	assert_int_equal(engine_each_shelf(world.engine, seen, &n), WY_OK);
	assert_int_equal(n, 1);
	assert_int_equal(order("unshelve", NULL, "room.wet", 0, ""), WY_OK);
	assert_int_equal(order("unshelve", NULL, "room.wet", 0, ""), WY_E_STATE);
	n = 0;
	assert_int_equal(engine_each_shelf(world.engine, seen, &n), WY_OK);
	assert_int_equal(n, 0);
	room_end("");
}

static void what_is_refused_says_why(void **state)
{
	static const struct {
		const char *word, *ticket, *rule, *why;
		int minutes;
		enum wy_err err;
		const char *said;
	} rows[] = {
		{"shelve", NULL, "room.full", "x", 30, WY_E_STATE, "this rule is never shelved"},
		{"shelve", NULL, "room.wet", "x", -1, WY_E_INVALID, "its end has to be ahead"},
		{"shelve", NULL, "room.wet", "", 30, WY_E_INVALID, "wanted: a reason"},
		{"close", NULL, "room.wet", "", 0, WY_E_INVALID, "wanted: a reason"},
		{"close", NULL, "room.wet", "x", 0, WY_E_STATE, "it is not raised"},
		{"ack", NULL, "room.none", "", 0, WY_E_NOTFOUND, "there is no rule 'room.none'"},
		{"ack", "tk_none", NULL, "", 0, WY_E_NOTFOUND, "there is no ticket tk_none"},
		{"learn", NULL, "room.wet", "", 0, WY_E_STATE, "no baseline"},
		{"accept", NULL, "room.wet", "", 0, WY_E_STATE, "no baseline"},
		{"reset", NULL, "room.full", "", 0, WY_E_STATE, "its condition still stands"},
		{"silence", NULL, "room.wet", "", 0, WY_E_INVALID, "an order of these"},
	};
	(void)state;

	room_start(RULES WET "}\n" FULL ", shelve: {max: 0s}}\n");
	world.b = true;
	room_run_s(3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(order(rows[i].word, rows[i].ticket, rows[i].rule, rows[i].minutes, rows[i].why), rows[i].err);
		assert_non_null(strstr(said, rows[i].said));
	}
	room_end("opened");
}

static void closed_by_hand_it_ends_once_and_rests(void **state)
{
	(void)state;

	room_start(RULES WET "}\n");
	world.a = true;
	room_run_s(5);
	assert_int_equal(order("close", ticket_of("WTR-01").key, NULL, 0, "test of the cable"), WY_OK);
	assert_string_equal(last("WTR-01", "event"), "\"closed\"");
	assert_string_equal(last("WTR-01", "reason"), "\"close\"");
	assert_string_equal(last("WTR-01", "node"), "\"submitted\"");
	expect_part("WTR-01", "orders", "test of the cable");
	room_run_s(40);
	assert_string_equal(world_story(&world), "opened closed");
	room_run_s(40);
	room_end("opened closed opened");
}

static void an_ack_stops_the_ladder_and_a_reset_ends_what_waits_for_it(void **state)
{
	(void)state;

	room_start(RULES FULL LADDER "  - {id: room.latch, scope: room, fault: WTR-01, tier: S2, when: a, latch: reset}\n");
	world.a = world.b = true;
	room_run_s(3);
	assert_int_equal(order("ack", NULL, "room.full", 0, ""), WY_OK);
	assert_string_equal(last("WTR-02", "reason"), "\"order\"");
	expect_part("WTR-02", "orders", "\"order\":\"ack\",\"by\":\"wang\",\"reason\":null");
	room_restart(NULL);
	room_run_s(700);
	assert_string_equal(last("WTR-02", "escalation"), "null");
	assert_int_equal(order("reset", ticket_of("WTR-01").key, NULL, 0, ""), WY_E_STATE);
	world.a = false;
	room_run_s(3);
	assert_string_equal(last("WTR-01", "alarm_state"), "\"latched\"");
	assert_int_equal(order("reset", ticket_of("WTR-01").key, NULL, 0, ""), WY_OK);
	assert_string_equal(last("WTR-01", "event"), "\"cleared\"");
	world_check(&world);
	world_remove(&world);
}

static void a_mark_that_nothing_counts_from_is_refused(void **state)
{
	struct engine_order mark = {.word = "mark", .asset = "A-1", .mark = "overhaul", .by = "wang", .why = ""};
	struct wy_buf words;
	(void)state;

	room_start(RULES WET "}\n");
	wy_buf_init(&words, said, sizeof(said));
	assert_int_equal(engine_take_order(world.engine, &mark, &words), WY_E_NOTFOUND);
	assert_non_null(strstr(said, "no rule of A-1 counts from a mark 'overhaul'"));
	room_end("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_has_a_ticket_that_names_its_members_and_they_name_it),
		cmocka_unit_test(a_group_that_absorbs_is_the_only_ticket),
		cmocka_unit_test(a_problem_names_the_tickets_before_it),
		cmocka_unit_test(restarts_change_nothing_of_what_is_told),
		cmocka_unit_test(a_ladder_goes_up_and_is_told_with_the_tier_it_brings),
		cmocka_unit_test(work_stops_the_ladder),
		cmocka_unit_test(a_step_that_came_due_while_down_is_told_once),
		cmocka_unit_test(what_chatters_says_so_and_then_that_it_is_steady),
		cmocka_unit_test(news_that_can_wait_are_told_together_and_survive_a_crash),
		cmocka_unit_test(a_planned_window_holds_tickets_back_or_marks_them),
		cmocka_unit_test(a_shelf_is_in_the_ticket_and_opens_no_other_until_it_ends),
		cmocka_unit_test(shelves_are_known_after_a_restart_with_who_and_why),
		cmocka_unit_test(what_is_refused_says_why),
		cmocka_unit_test(closed_by_hand_it_ends_once_and_rests),
		cmocka_unit_test(an_ack_stops_the_ladder_and_a_reset_ends_what_waits_for_it),
		cmocka_unit_test(a_mark_that_nothing_counts_from_is_refused),
	};

	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
