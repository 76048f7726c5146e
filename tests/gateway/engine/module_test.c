/* module_test.c: what is counted of a device reaches the rules of its module, through the pack as it is shipped; and what a
 * driver learned of it is there again in the next life. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing_store.h"
#include "log.h"
#include "world.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"
#define PACKS WY_SOURCE_DIR "/rules/packs"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static const char gateway[] =
	"weiyu: gateway/1\ngateway: gw-test-01\nstate: state\nsite: site.yaml\n"
	"classes: [" PACKS "/classes.yaml]\nfaults: [" PACKS "/faults/system.yaml]\n"
	"tiers: " PACKS "/tiers.yaml\nprofiles: [profile.yaml]\nrules: [" PACKS "/system.yaml]\n"
	"uplink: {host: broker.example, ca: pki/ca.crt, certificate: pki/gw.crt, key: pki/gw.key}\n";
static const char site[] =
	"weiyu: site/1\nsite: {id: one, name_zh: 一号楼, name_en: Building one, profile: legacy}\nzone: Asia/Shanghai\n"
	"wires:\n  - {id: w1, kind: tcp, host: 127.0.0.1, port: %d}\n"
	"devices:\n  - {id: box-1, wire: w1, profile: box, unit: 3}\n  - {id: box-2, wire: w1, profile: box, unit: 4}\n"
	"vendors:\n  - {id: v1, role: iot, name: 维保, arrive: 30min}\n"
	"assets:\n"
	"  - {id: A-1, class: field_device, name_zh: 模块, name_en: Module, device: box-1, place: {building: A},\n"
	"     labels: {moves: daily}}\n"
	"  - {id: A-2, class: field_device, name_zh: 模块二, name_en: Module two, device: box-2, place: {building: A}}\n";

/* A device as its counters show it. */
struct module {
	struct world world;
	uint32_t n_requests, n_garbled, n_changes;
	bool has_identity;
	int64_t identity;
	const char *learned;
};

static void write_site(struct module *m, int port)
{
	char text[2000];

	snprintf(text, sizeof(text), site, port);
	world_write(&m->world, "site.yaml", text);
}

static int begin(void **state)
{
	struct module *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	world_make(&m->world, BUILDING);
	world_write(&m->world, "gateway.yaml", gateway);
	write_site(m, 1502);
	failing_store_set(0, false);
	assert_int_equal(world_start(&m->world), WY_OK);
	*state = m;
	return 0;
}

static int end(void **state)
{
	struct module *m = *state;

	world_remove(&m->world);
	free(m);
	return 0;
}

static struct sensor_report report_of(const struct module *m, uint32_t device)
{
	return (struct sensor_report){
		.device = device,
		.at_ms = m->world.now.mono_ms,
		.took_ms = 20,
		.n_requests = m->n_requests,
		.n_garbled = m->n_garbled,
		.has_changes = true,
		.n_changes = m->n_changes,
		.has_identity = m->has_identity,
		.identity = m->identity,
		.learned = device == 0 ? m->learned : NULL,
	};
}

/* Both devices answer; timers that were due meanwhile run first. */
static bool answer(struct module *m, wy_ms after_ms)
{
	struct world *world = &m->world;
	struct sensor_report first, second;
	bool has_events;

	world->now.mono_ms += after_ms;
	world->now.wall_ms += after_ms;
	engine_tick(world->engine);
	first = report_of(m, 0);
	second = (struct sensor_report){.device = 1, .at_ms = world->now.mono_ms};
	engine_report(world->engine, &first);
	engine_report(world->engine, &second);
	return engine_flush(world->engine, &has_events) == WY_OK && !engine_is_broken(world->engine);
}

/* One answer each 5 s: `garbled` of a thousand are. */
static void pass(struct module *m, wy_ms span_ms, unsigned garbled)
{
	for (wy_ms at = 0; at < span_ms; at += 5 * SECOND) {
		m->n_requests++;
		m->n_garbled = (uint32_t)((uint64_t)m->n_requests * garbled / 1000);
		m->n_changes++;
		assert_true(answer(m, 5 * SECOND));
	}
}

static const char *ticket_of(struct module *m, const char *fault)
{
	struct ticket ticket;

	return world_ticket(&m->world, fault, &ticket) == WY_OK ? "open" : "none";
}

/* ---- Counters and rules -------------------------------------------------------------------------- */

static void many_garbled_answers_are_a_doubled_address(void **state)
{
	struct module *m = *state;

	pass(m, 2 * HOUR, 80);
	assert_string_equal(ticket_of(m, "SYS-04"), "open");
	assert_string_equal(ticket_of(m, "SYS-03"), "none");
	assert_string_equal(ticket_of(m, "SYS-01"), "none");
}

static void a_few_garbled_answers_are_none(void **state)
{
	struct module *m = *state;

	pass(m, 3 * HOUR, 40);
	assert_string_equal(world_story(&m->world), "");
}

static void two_devices_that_answer_in_turn_are_a_doubled_address(void **state)
{
	struct module *m = *state;

	m->has_identity = true;
	for (int i = 0; i < 4; i++) {
		m->identity = i % 2 ? 4711 : INT64_C(0x100000000) + 4711; /* alike in their low half */
		pass(m, 5 * MINUTE, 0);
	}
	assert_string_equal(ticket_of(m, "SYS-04"), "open");
}

static void a_module_that_was_replaced_is_none(void **state)
{
	struct module *m = *state;

	m->has_identity = true;
	m->identity = 4711;
	pass(m, 30 * MINUTE, 0);
	m->identity = 4712;
	pass(m, 2 * HOUR, 0);
	assert_string_equal(world_story(&m->world), "");
}

static void values_that_stand_for_a_day_are_frozen(void **state)
{
	struct module *m = *state;

	for (wy_ms at = 0; at < (wy_ms)25 * HOUR; at += 30 * SECOND) {
		m->n_requests++;
		assert_true(answer(m, 30 * SECOND));
	}
	assert_string_equal(ticket_of(m, "SYS-03"), "open");
	/* The other module has no label that says that it should move. */
	assert_string_equal(world_story(&m->world), "opened");
}

static void values_that_moved_once_today_are_not(void **state)
{
	struct module *m = *state;

	for (wy_ms at = 0; at < (wy_ms)30 * HOUR; at += 30 * SECOND) {
		m->n_requests++;
		m->n_changes += at == (wy_ms)15 * HOUR;
		assert_true(answer(m, 30 * SECOND));
	}
	assert_string_equal(world_story(&m->world), "");
}

static void a_module_in_order_writes_nothing(void **state)
{
	struct module *m = *state;

	m->has_identity = true;
	pass(m, 10 * MINUTE, 1);
	failing_store_set(1, false); /* a write would be an error */
	pass(m, 20 * MINUTE, 1);
	assert_false(failing_store_struck());
}

/* ---- How often ----------------------------------------------------------------------------------- */

static unsigned n_put;

void __real_rule_put(struct rule_engine *engine, uint32_t asset, uint32_t point, const struct wy_sample *sample);
void __wrap_rule_put(struct rule_engine *engine, uint32_t asset, uint32_t point, const struct wy_sample *sample);
void __wrap_rule_put(struct rule_engine *engine, uint32_t asset, uint32_t point, const struct wy_sample *sample)
{
	n_put += asset == 0;
	__real_rule_put(engine, asset, point, sample);
}

static void a_device_read_often_is_counted_once_a_second(void **state)
{
	struct module *m = *state;

	n_put = 0;
	for (int i = 0; i < 100; i++) {
		m->n_requests++;
		assert_true(answer(m, 100));
	}
	assert_int_equal(n_put, 10 * 3); /* requests, garbled, changes */
	m->has_identity = true;
	assert_true(answer(m, SECOND));
	assert_int_equal(n_put, 10 * 3 + 4);
}

static void what_nobody_counts_is_not_known(void **state)
{
	struct module *m = *state;
	struct sensor_report report;

	n_put = 0;
	m->world.now.mono_ms += SECOND;
	report = report_of(m, 0);
	report.has_changes = false;
	engine_report(m->world.engine, &report);
	assert_int_equal(n_put, 2);
}

/* ---- What was learned ---------------------------------------------------------------------------- */

static const char *known(const struct module *m, uint32_t device)
{
	const char *learned = m->world.config->devices[device].learned;

	return learned ? learned : "(nothing)";
}

static void restart(struct module *m)
{
	world_stop(&m->world);
	assert_int_equal(world_start(&m->world), WY_OK);
}

static void what_was_learned_is_there_after_a_crash(void **state)
{
	struct module *m = *state;

	m->learned = "slowest=40ms";
	assert_true(answer(m, SECOND));
	m->learned = "slowest=40ms refused=input:7-9";
	assert_true(answer(m, SECOND));
	m->learned = NULL;
	world_crash(&m->world);
	assert_int_equal(world_start(&m->world), WY_OK);
	assert_string_equal(known(m, 0), "slowest=40ms refused=input:7-9");
	assert_string_equal(known(m, 1), "(nothing)");
	restart(m);
	assert_string_equal(known(m, 0), "slowest=40ms refused=input:7-9");
}

static void what_is_learned_again_is_not_written_again(void **state)
{
	struct module *m = *state;

	m->learned = "slowest=40ms";
	assert_true(answer(m, SECOND));
	restart(m);
	/* Behind the engine's back: were it written again, it would be there again. */
	assert_int_equal(store_begin(m->world.store), WY_OK);
	assert_int_equal(store_drop_learned(m->world.store, "box-1"), WY_OK);
	assert_int_equal(store_commit(m->world.store), WY_OK);
	for (int i = 0; i < 20; i++)
		assert_true(answer(m, SECOND));
	restart(m);
	assert_string_equal(known(m, 0), "(nothing)");
}

static void what_is_about_another_place_or_map_is_forgotten(void **state)
{
	struct module *m = *state;

	m->learned = "slowest=40ms";
	assert_true(answer(m, SECOND));
	world_stop(&m->world);
	write_site(m, 1503);
	assert_int_equal(world_start(&m->world), WY_OK);
	assert_string_equal(known(m, 0), "(nothing)");
	world_stop(&m->world);
	write_site(m, 1502);
	assert_int_equal(world_start(&m->world), WY_OK);
	assert_string_equal(known(m, 0), "(nothing)"); /* gone from the store too */
}

static void a_store_that_cannot_keep_it_ends_the_engine_and_nothing_is_half_known(void **state)
{
	struct module *m = *state;

	m->learned = "slowest=40ms";
	assert_true(answer(m, SECOND));
	m->learned = "slowest=90ms";
	for (unsigned n = 1; n <= 3; n++) { /* begin, put, commit */
		failing_store_set(n, false);
		assert_false(answer(m, SECOND));
		assert_true(failing_store_struck());
		failing_store_set(0, false);
		world_crash(&m->world);
		assert_int_equal(world_start(&m->world), WY_OK);
		assert_string_equal(known(m, 0), "slowest=40ms");
	}
	assert_true(answer(m, SECOND));
	restart(m);
	assert_string_equal(known(m, 0), "slowest=90ms");
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(many_garbled_answers_are_a_doubled_address),
		T(a_few_garbled_answers_are_none),
		T(two_devices_that_answer_in_turn_are_a_doubled_address),
		T(a_module_that_was_replaced_is_none),
		T(values_that_stand_for_a_day_are_frozen),
		T(values_that_moved_once_today_are_not),
		T(a_module_in_order_writes_nothing),
		T(a_device_read_often_is_counted_once_a_second),
		T(what_nobody_counts_is_not_known),
		T(what_was_learned_is_there_after_a_crash),
		T(what_is_learned_again_is_not_written_again),
		T(what_is_about_another_place_or_map_is_forgotten),
		T(a_store_that_cannot_keep_it_ends_the_engine_and_nothing_is_half_known),
	};

	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
