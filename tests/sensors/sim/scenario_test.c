/* Scenario files: what a right one becomes, and for wrong ones the place and the words of the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "command.h"
#include "scenario.h"

#define PROFILES "profiles: [" WY_SOURCE_DIR "/sensors/profiles]\n"
#define HEAD "weiyu: sim/1\n" PROFILES
#define DEVICES "devices:\n" \
	"  - {id: io, kind: tcp, port: 0, profile: lift-io-addon}\n" \
	"  - {id: cable.b1, kind: rtu, link: bus, baud: 9600, profile: leak-rle-seahawk10k}\n" \
	"  - {id: spot, kind: coap, port: 0, profile: coap-leak-3200}\n"

struct bench {
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct sim_scenario scenario;
	char dir[64];
	char file[96];
};

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->memory = malloc(WY_LOAD_ARENA_BYTES);
	assert_non_null(bench->memory);
	strcpy(bench->dir, "/tmp/sim-scenario-XXXXXX");
	assert_non_null(mkdtemp(bench->dir));
	(void)snprintf(bench->file, sizeof(bench->file), "%s/s.yaml", bench->dir);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	(void)!unlink(bench->file);
	(void)!rmdir(bench->dir);
	free(bench->memory);
	free(bench);
	return 0;
}

static enum wy_err load(struct bench *bench, const char *text, size_t arena_bytes)
{
	FILE *file = fopen(bench->file, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	wy_arena_init(&bench->arena, bench->memory, arena_bytes);
	wy_diags_init(&bench->diags, &bench->arena);
	return sim_scenario_load(bench->file, &bench->arena, &bench->diags, &bench->scenario);
}

static void a_right_scenario_is_read_as_it_stands(void **state)
{
	struct bench *bench = *state;
	const struct sim_step *steps;

	assert_int_equal(load(bench, HEAD DEVICES
			      "points:\n  io: {door_closed: true}\n  cable.b1: {location: 12.5}\n"
			      "timeline:\n"
			      "  - {at: 5s, unplug: spot}\n"
			      "  - {at: 1s, set: {io.running: true, cable.b1.location: 3}, note: late in the file}\n"
			      "  - {at: 1min, stop: true}\n"
			      "  - {at: 6s, delay: {device: cable.b1, by: 700ms, count: 3}}\n"
			      "  - {at: 6s, note: only words}\n", WY_LOAD_ARENA_BYTES), WY_OK);
	assert_int_equal(bench->scenario.building.n_devices, 3);
	assert_int_equal(bench->scenario.building.n_wires, 3);
	assert_int_equal(bench->scenario.n_steps, 6);
	steps = bench->scenario.steps;
	assert_int_equal(steps[0].act, SIM_ACT_SET);
	assert_int_equal(steps[0].at_ms, 1000);
	assert_string_equal(steps[0].note, "late in the file");
	assert_true(steps[1].value.real == 3);
	assert_int_equal(steps[2].act, SIM_ACT_UNPLUG);
	assert_int_equal(steps[3].arming.quirk, SIM_QUIRK_delay);
	assert_int_equal(steps[3].arming.arg, 700);
	assert_int_equal(steps[3].arming.count, 3);
	assert_int_equal(steps[4].act, SIM_ACT_NOTE);
	assert_int_equal(steps[5].act, SIM_ACT_STOP);
}

static void devices_share_a_bus_or_a_port_by_unit(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(load(bench, HEAD "devices:\n"
			      "  - {id: a, kind: tcp, port: 1502, profile: lift-io-addon, unit: 1}\n"
			      "  - {id: b, kind: tcp, port: 1502, profile: lift-io-addon, unit: 2}\n"
			      "  - {id: c, kind: tcp, port: 0, profile: lift-io-addon}\n"
			      "  - {id: d, kind: tcp, port: 0, profile: lift-io-addon}\n"
			      "  - {id: e, kind: rtu, link: bus, profile: lift-io-addon, unit: 1}\n"
			      "  - {id: f, kind: rtu, link: bus, profile: lift-io-addon, unit: 2}\n",
			      WY_LOAD_ARENA_BYTES), WY_OK);
	assert_int_equal(bench->scenario.building.n_wires, 4);
	assert_int_equal(bench->scenario.building.wires[0].n_devices, 2);
	assert_int_equal(bench->scenario.building.wires[3].n_devices, 2);
}

static const struct mistake {
	const char *text;
	unsigned line, column;
	const char *words;
} mistakes[] = {
	{"weiyu: sim/2\n" PROFILES DEVICES, 1, 8, "expected sim/1"},
	{"weiyu: sim/1\n" PROFILES, 1, 1, "'devices' is missing"},
	{HEAD DEVICES "pints: {}\n", 7, 1, "did you mean 'points'"},
	{HEAD "devices: {}\n", 3, 10, "expected a list of devices"},
	{HEAD "devices: []\n", 3, 10, "0 devices"},
	{"weiyu: sim/1\nprofiles: [nowhere.yaml]\n" DEVICES, 0, 0, "nowhere.yaml"},
	{HEAD "devices:\n  - {id: a, kind: udp, port: 1, profile: lift-io-addon}\n", 4, 19, "tcp, rtu, coap"},
	{HEAD "devices:\n  - {id: a, kind: tcp, port: 70000, profile: lift-io-addon}\n", 4, 30, "allowed is 0 to 65535"},
	{HEAD "devices:\n  - {id: a, kind: tcp, profile: lift-io-addon}\n", 4, 5, "'port' is missing"},
	{HEAD "devices:\n  - {id: a, kind: rtu, profile: lift-io-addon}\n", 4, 5, "'link' is missing"},
	{HEAD "devices:\n  - {id: a, kind: tcp, port: 0, baud: 9600, profile: lift-io-addon}\n", 4, 33, "does not belong to kind tcp"},
	{HEAD "devices:\n  - {id: a, kind: tcp, port: 0, profile: lift-io-adon}\n", 4, 42, "did you mean 'lift-io-addon'"},
	{HEAD "devices:\n  - {id: a, kind: tcp, port: 0, profile: coap-leak-3200}\n", 4, 42, "is not for kind tcp"},
	{HEAD DEVICES "  - {id: io, kind: tcp, port: 0, profile: lift-io-addon}\n", 7, 10, "is here twice"},
	{HEAD DEVICES "  - {id: x, kind: rtu, link: bus, baud: 9600, profile: lift-io-addon}\n", 7, 5, "'cable.b1' has this unit id"},
	{HEAD DEVICES "  - {id: x, kind: rtu, link: bus, baud: 19200, unit: 2, profile: lift-io-addon}\n", 7, 41, "another speed"},
	{HEAD DEVICES "  - {id: x, kind: coap, port: 0, profile: coap-leak-3200, psk: {identity: x, key_file: no.psk}}\n", 7, 88, "no.psk"},
	{HEAD DEVICES "points: {ioo: {}}\n", 7, 10, "did you mean 'io'"},
	{HEAD DEVICES "points: {io: {runing: true}}\n", 7, 15, "did you mean 'running'"},
	{HEAD DEVICES "points: {io: {running: yes}}\n", 7, 24, "expected true or false"},
	{HEAD DEVICES "points: {cable.b1: {location: 70000}}\n", 7, 31, "cannot hold '70000'"},
	{HEAD DEVICES "points: {cable.b1: {length_unit: YARDS}}\n", 7, 34, "expected a value of the profile's map"},
	{HEAD DEVICES "points: {cable.b1: {current: none}}\n", 7, 30, "no sentinel"},
	{HEAD DEVICES "timeline: {}\n", 7, 11, "expected a list of things that happen"},
	{HEAD DEVICES "timeline:\n  - {set: {io.running: true}}\n", 8, 5, "'at' is missing"},
	{HEAD DEVICES "timeline:\n  - {at: soon, stop: true}\n", 8, 10, "expected a duration"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, set: {io.runing: true}}\n", 8, 20, "no point 'io.runing'"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, set: {io.running: 7}}\n", 8, 32, "expected true or false"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, unplug: oi}\n", 8, 22, "no device 'oi'"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, drip: {device: io}}\n", 8, 20, "'by' is missing"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, delay: {device: io, by: long}}\n", 8, 38, "expected a duration such as 700ms"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, exception: {device: io, code: 600}}\n", 8, 44, "expected a number from 1 to 599"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, exception: {device: spot, code: 2}}\n", 8, 14, "not possible on the wire"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, exception: {device: io, code: 503}}\n", 8, 14, "not possible on the wire"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, bad_crc: {device: io}}\n", 8, 14, "not possible on the wire"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, dely: {device: io}}\n", 8, 14, "did you mean 'delay'"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, drop: {device: io, count: -1}}\n", 8, 40, "allowed is 0 to"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, frozen: {device: io, count: 2}}\n", 8, 35, "is not spent by answers"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, drop: {device: io, count: 2, for: 1s}}\n", 8, 33, "does not go with"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, stuck: {device: io, point: runing}}\n", 8, 41, "expects a point of the device"},
	{HEAD DEVICES "timeline:\n  - {at: 1s, clear_on_read: {device: io, point: all}}\n", 8, 14, "not possible with the points"},
	{HEAD "devices:\n  - {id: io, kind: tcp, port: 0, profile: lift-io-addon, with: frozen}\n", 4, 64, "expected a list of misbehaviours"},
	{HEAD "devices:\n  - {id: io, kind: tcp, port: 0, profile: lift-io-addon, with: [frozn]}\n", 4, 65, "did you mean 'frozen'"},
	{HEAD "devices:\n  - {id: io, kind: tcp, port: 0, profile: lift-io-addon, with: [frozen=1]}\n", 4, 65, "expects nothing"},
	{HEAD "devices:\n  - {id: io, kind: tcp, port: 0, profile: lift-io-addon, with: [delay]}\n", 4, 65, "expected a duration"},
	{HEAD "devices:\n  - {id: io, kind: tcp, port: 0, profile: lift-io-addon, with: [echo]}\n", 4, 65, "not possible on the wire"},
	{HEAD "devices:\n  - {id: io, kind: tcp, port: 0, profile: lift-io-addon, xor_seed: 1}\n", 4, 58, "does not belong to kind tcp"},
};

static void expect_mistake(struct bench *bench, const struct mistake *mistake)
{
	const struct wy_diag *diag = &bench->diags.item[0];

	if (load(bench, mistake->text, WY_LOAD_ARENA_BYTES) == WY_OK || bench->diags.n == 0)
		fail_msg("not refused: %s", mistake->words);
	if (!strstr(diag->text, mistake->words))
		fail_msg("expected \"%s\", found \"%s\"", mistake->words, diag->text);
	if (mistake->line && (diag->place.line != mistake->line || diag->place.column != mistake->column))
		fail_msg("\"%s\" at %u:%u, expected %u:%u", diag->text, diag->place.line, diag->place.column,
			 mistake->line, mistake->column);
}

static void every_mistake_is_named_at_its_place(void **state)
{
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		expect_mistake(*state, &mistakes[i]);
}

static void several_mistakes_are_all_named(void **state)
{
	struct bench *bench = *state;

	assert_int_not_equal(load(bench, HEAD DEVICES "points: {io: {runing: true, up: 7}}\n"
				  "timeline:\n  - {at: 1s, plug: oi}\n", WY_LOAD_ARENA_BYTES), WY_OK);
	assert_int_equal(bench->diags.errors, 3);
}

/* Memory that runs out anywhere is an error that says so, never a crash. */
static void a_full_arena_is_refused_at_every_size(void **state)
{
	struct bench *bench = *state;
	const char *text = HEAD DEVICES "timeline:\n  - {at: 1s, drop: {device: io}}\n";
	size_t enough = 0;

	for (size_t bytes = 1024; !enough; bytes += bytes / 16) {
		assert_true(bytes < WY_LOAD_ARENA_BYTES);
		if (load(bench, text, bytes) == WY_OK)
			enough = bytes;
	}
	assert_true(enough > 4096);
}

/* ---- Commands of the control socket ------------------------------------------------------------------ */

static void commands_answer_ok_or_say_what_is_wrong(void **state)
{
	static const struct {
		const char *line, *answer;
	} rows[] = {
		{"set io.running true cable.b1.location 12.3", "ok\n"},
		{"get io.running", "ok true\n"},
		{"get cable.b1.location", "ok 12.3\n"},
		{"get cable.b1.length_unit\r", "ok METRES\n"},
		{"set io.running false io.up perhaps", "error io.up cannot be 'perhaps'; expected true or false, none or raw:NUMBER\n"},
		{"get io.running", "ok true\n"}, /* all or nothing */
		{"set io.running", "error usage: set DEV.POINT VALUE [DEV.POINT VALUE ...]\n"},
		{"set io.running true io.up", "error a point without a value\n"},
		{"set io.flying true", "error no point 'io.flying'\n"},
		{"set cable.b1.location 1e9", "error cable.b1.location cannot be '1e9'; expected a number such as 12 or -0.5, none or raw:NUMBER\n"},
		{"set cable.b1.location 99999", "error cable.b1.location cannot hold '99999'\n"},
		{"unplug spot", "ok\n"},
		{"plug spot", "ok\n"},
		{"plug", "error usage: plug DEV\n"},
		{"unplug nobody", "error no device 'nobody'\n"},
		{"delay io 700 2", "ok\n"},
		{"delay io 700ms", "ok\n"},
		{"delay io", "error usage: delay DEV by [COUNT | on | off | for DURATION]\n"},
		{"delay io never", "error not an argument: 'never'; expected a duration such as 700ms\n"},
		{"drop io -1", "error not a count: '-1'\n"},
		{"bad_crc io", "error not possible on the wire of 'io'\n"},
		{"fly io", "error unknown command 'fly'\n"},
		{"", "error an empty line\n"},
		{"stop", "ok\n"},
	};
	struct bench *bench = *state;

	assert_int_equal(load(bench, HEAD DEVICES, WY_LOAD_ARENA_BYTES), WY_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim_command_result result;
		char line[128], answer[4096];
		struct wy_buf out;

		strcpy(line, rows[i].line);
		wy_buf_init(&out, answer, sizeof(answer));
		sim_command(&bench->scenario.building, line, &out, &result);
		assert_string_equal(answer, rows[i].answer);
		assert_int_equal(result.is_stop, strcmp(rows[i].line, "stop") == 0);
	}
	assert_int_equal(bench->scenario.building.devices[0].armed[SIM_QUIRK_delay].left, 1);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROW(a_right_scenario_is_read_as_it_stands),
		ROW(devices_share_a_bus_or_a_port_by_unit),
		ROW(every_mistake_is_named_at_its_place),
		ROW(several_mistakes_are_all_named),
		ROW(a_full_arena_is_refused_at_every_size),
		ROW(commands_answer_ok_or_say_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
