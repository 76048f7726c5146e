/* status_test.c: what the gateway says of itself: what it does not know is null, and lists are whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "fake_uplink.h"
#include "log.h"
#include "run.h"
#include "world.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"

static const char rules[] =
	"weiyu: rules/1\npackage: room\nrules:\n"
	"  - {id: room.wet, scope: room, fault: WTR-01, tier: S3, when: a, clear: not a}\n";

static struct world world;
static struct delivery *delivery;
static struct run_view view;

static int start(void **state)
{
	char text[64];
	struct wy_buf words;
	(void)state;

	fake_uplink_reset();
	world_make(&world, BUILDING);
	world_write(&world, "rules.yaml", rules);
	assert_int_equal(world_start(&world), WY_OK);
	struct delivery_parts parts = {.config = world.config, .store = world.store, .clock = &world.clock,
				       .boot = "b", .arena = &world.arena};
	assert_int_equal(delivery_new(&parts, &delivery), WY_OK);
	wy_buf_init(&words, text, sizeof(text));
	assert_int_equal(delivery_open(delivery, &words), WY_OK);
	view = (struct run_view){world.config, world.rules, world.store, world.engine, delivery, &world.clock,
				 world.now.mono_ms, NULL, 0, world.now.wall_ms};
	return 0;
}

static int stop(void **state)
{
	(void)state;
	delivery_close(delivery);
	world_remove(&world);
	return 0;
}

static json_t *ask(const char *question)
{
	char *text = run_answer(&view, question);

	assert_non_null(text);
	json_t *answer = json_loads(text, 0, NULL);
	assert_non_null(answer);
	free(text);
	return answer;
}

static const json_t *member(const json_t *root, const char *part, const char *name)
{
	const json_t *found = json_object_get(part ? json_object_get(root, part) : root, name);

	if (!found)
		fail_msg("no %s.%s", part ? part : "", name);
	return found;
}

static const json_t *device(const json_t *root, const char *name)
{
	return json_object_get(json_array_get(json_object_get(root, "devices"), 0), name);
}

static void what_is_not_known_is_null(void **state)
{
	json_t *root = ask("{\"ask\":\"status\"}");
	(void)state;

	assert_true(json_is_null(member(root, "uplink", "mqtt")));
	assert_true(json_is_null(member(root, "uplink", "last_receipt_s")));
	assert_true(json_is_null(member(root, "outbox", "oldest_s")));
	assert_true(json_is_null(member(root, "outbox", "unconfirmed_s")));
	assert_string_equal(json_string_value(device(root, "state")), "waiting");
	assert_true(json_is_null(device(root, "last_ok_s")));
	assert_true(json_is_null(device(root, "took_ms")));
	assert_true(json_is_null(device(root, "why")));
	json_decref(root);
}

static void a_device_is_shown_as_it_is(void **state)
{
	struct sensor_report refused = {.err = WY_E_EXCEPTION, .exception = 2, .took_ms = 5};
	json_t *root;
	(void)state;

	assert_true(world_run(&world, 3000));
	root = ask("{\"ask\":\"status\"}");
	assert_string_equal(json_string_value(device(root, "state")), "ok");
	assert_int_equal(json_integer_value(device(root, "took_ms")), 20);
	json_decref(root);
	world.is_wired = false;
	assert_true(world_run(&world, 3000));
	root = ask("{\"ask\":\"status\"}");
	assert_string_equal(json_string_value(device(root, "state")), "silent");
	assert_int_equal(json_integer_value(device(root, "failures")), 3);
	assert_int_equal(json_integer_value(device(root, "took_ms")), 20);
	json_decref(root);
	refused.at_ms = world.now.mono_ms;
	engine_report(world.engine, &refused);
	root = ask("{\"ask\":\"status\"}");
	assert_string_equal(json_string_value(device(root, "state")), "refusing");
	assert_true(json_is_string(device(root, "why")));
	json_decref(root);
}

static void a_wire_sums_up_its_devices(void **state)
{
	struct sensor_report garbled = {.err = WY_E_PROTOCOL, .took_ms = 5, .n_requests = 70, .n_garbled = 6};
	json_t *root = ask("{\"ask\":\"status\"}");
	const json_t *wire = json_array_get(json_object_get(root, "wires"), 0);
	(void)state;

	assert_string_equal(json_string_value(json_object_get(wire, "id")), "w1");
	assert_string_equal(json_string_value(json_object_get(wire, "kind")), "tcp");
	assert_string_equal(json_string_value(json_object_get(wire, "place")), "127.0.0.1:1502");
	assert_int_equal(json_integer_value(json_object_get(wire, "devices")), 1);
	assert_int_equal(json_integer_value(json_object_get(wire, "silent")), 0);
	assert_true(json_is_null(json_object_get(wire, "slowest_ms")));
	json_decref(root);
	assert_true(world_run(&world, 3000));
	garbled.at_ms = world.now.mono_ms;
	engine_report(world.engine, &garbled);
	engine_report(world.engine, &garbled);
	root = ask("{\"ask\":\"status\"}");
	wire = json_array_get(json_object_get(root, "wires"), 0);
	assert_int_equal(json_integer_value(json_object_get(wire, "silent")), 1);
	assert_int_equal(json_integer_value(json_object_get(wire, "slowest_ms")), 20);
	assert_int_equal(json_integer_value(json_object_get(wire, "requests")), 70);
	assert_int_equal(json_integer_value(json_object_get(wire, "garbled")), 6);
	json_decref(root);
}

static void an_uplink_that_is_down_says_why_in_any_bytes(void **state)
{
	json_t *root;
	(void)state;

	assert_int_equal(fake_uplink_connect(20), WY_OK);
	fake_uplink()->handler.down(fake_uplink()->handler.arg, UPLINK_CAUSE_TLS, "name \xff\xfe of a stranger", 5);
	root = ask("{\"ask\":\"status\"}");
	assert_string_equal(json_string_value(member(root, "uplink", "why_down")), "name ?? of a stranger");
	assert_string_equal(json_string_value(member(root, "uplink", "mqtt")), "5");
	json_decref(root);
}

static void tickets_are_whole_documents_newest_first(void **state)
{
	json_t *list = ask("{\"ask\":\"tickets\"}");
	(void)state;

	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	for (int i = 0; i < 3; i++) {
		world.a = true;
		assert_true(world_run(&world, 2000));
		world.a = false;
		assert_true(world_run(&world, 2000));
	}
	world.a = true;
	assert_true(world_run(&world, 2000));
	list = ask("{\"ask\":\"tickets\"}");
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	list = ask("{\"ask\":\"tickets\",\"all\":true}");
	assert_int_equal(json_array_size(list), 4);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "episode")), 4);
	json_decref(list);
	list = ask("{\"ask\":\"tickets\",\"all\":true,\"limit\":2}");
	assert_int_equal(json_array_size(list), 2);
	json_decref(list);
}

static char asked[9000];

static void expect_order(const char *members, bool is_taken, const char *words)
{
	snprintf(asked, sizeof(asked), "{%s}", members);
	json_t *answer = ask(asked);
	const char *said = json_string_value(json_object_get(answer, is_taken ? "done" : "error"));

	if (!said || !strstr(said, words))
		fail_msg("%s: %s", members, said ? said : "(nothing)");
	assert_int_equal(json_is_true(json_object_get(answer, "ok")), is_taken);
	json_decref(answer);
}

static void an_order_is_taken_or_refused_with_words(void **state)
{
	static char members[8500];
	(void)state;

	expect_order("\"order\":\"shelve\",\"rule\":\"room.wet\",\"asset\":\"A-1\",\"by\":\"wang\",\"reason\":\"x\","
		     "\"until\":\"2026-11-22 18:00\"", true, "until 2026-11-22T18:00:00.000+08:00");
	json_t *list = ask("{\"ask\":\"shelves\"}");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "by")), "wang");
	json_decref(list);
	expect_order("\"order\":\"unshelve\",\"rule\":\"room.wet\",\"asset\":\"A-1\",\"by\":\"wang\"", true, "unshelve");
	expect_order("\"order\":\"unshelve\",\"rule\":\"room.wet\",\"asset\":\"A-1\"", false, "who says it");
	expect_order("\"order\":\"shelve\",\"rule\":\"room.wet\",\"asset\":\"A-1\",\"by\":\"w\",\"reason\":\"x\"", false, "an end");
	expect_order("\"order\":\"shelve\",\"rule\":\"room.wet\",\"asset\":\"A-1\",\"by\":\"w\",\"reason\":\"x\",\"for\":\"1h\","
		     "\"until\":\"2026-11-22 18:00\"", false, "an end");
	expect_order("\"order\":\"ack\",\"by\":\"w\"", false, "a ticket, or a rule and an asset");
	expect_order("\"order\":\"ack\",\"ticket\":7,\"by\":\"w\"", false, "ticket: not a text");
	snprintf(members, sizeof(members), "\"order\":\"ack\",\"ticket\":\"t\",\"by\":\"%08000d\"", 0);
	expect_order(members, false, "by: not a text of less than 65 bytes");
}

static void odd_questions_get_an_error(void **state)
{
	static const char *const questions[] = {"", "x", "[]", "null", "{}", "{\"ask\":3}", "{\"ask\":\"stop\"}",
						"{\"ask\":\"status\",\"ask\":\"status\"}"};
	(void)state;

	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
		json_t *answer = ask(questions[i]);
		assert_true(json_is_string(json_object_get(answer, "error")));
		json_decref(answer);
	}
}

static void a_rule_is_explained_with_its_present_values(void **state)
{
	(void)state;
	json_t *answer = ask("{\"ask\":\"explain\",\"rule\":\"room.wet\",\"asset\":\"A-1\"}");
	const json_t *lines = member(answer, NULL, "lines");
	const char *head = json_string_value(json_object_get(json_array_get(lines, 0), "text"));
	bool is_worth = false;

	assert_non_null(head);
	assert_memory_equal(head, "room.wet on A-1 (room)", 22);
	for (size_t i = 0; i < json_array_size(lines); i++)
		is_worth |= strstr(json_string_value(json_object_get(json_array_get(lines, i), "text")), "a  [condition]  = ") != NULL;
	assert_true(is_worth);
	json_decref(answer);
}

static void what_cannot_be_explained_is_an_error(void **state)
{
	static const char *const questions[] = {
		"{\"ask\":\"explain\"}",
		"{\"ask\":\"explain\",\"rule\":\"room.wet\"}",
		"{\"ask\":\"explain\",\"rule\":3,\"asset\":[]}",
		"{\"ask\":\"explain\",\"rule\":\"room.dry\",\"asset\":\"A-1\"}",
		"{\"ask\":\"explain\",\"rule\":\"room.wet\",\"asset\":\"nowhere\"}",
		"{\"ask\":\"explane\"}",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
		json_t *answer = ask(questions[i]);
		assert_true(json_is_string(member(answer, NULL, "error")));
		json_decref(answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_not_known_is_null, start, stop),
		cmocka_unit_test_setup_teardown(a_device_is_shown_as_it_is, start, stop),
		cmocka_unit_test_setup_teardown(a_wire_sums_up_its_devices, start, stop),
		cmocka_unit_test_setup_teardown(an_uplink_that_is_down_says_why_in_any_bytes, start, stop),
		cmocka_unit_test_setup_teardown(tickets_are_whole_documents_newest_first, start, stop),
		cmocka_unit_test_setup_teardown(an_order_is_taken_or_refused_with_words, start, stop),
		cmocka_unit_test_setup_teardown(odd_questions_get_an_error, start, stop),
		cmocka_unit_test_setup_teardown(a_rule_is_explained_with_its_present_values, start, stop),
		cmocka_unit_test_setup_teardown(what_cannot_be_explained_is_an_error, start, stop),
	};

	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
