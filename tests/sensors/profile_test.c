/* Profiles: what is shipped reads without a word, and every mistake is named where it stands. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sensor.h"
#include "yaml_tree.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

enum { ARENA_BYTES = 4 * 1024 * 1024 };

struct world {
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
};

static struct world *world_new(size_t size)
{
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	w->memory = malloc(ARENA_BYTES);
	assert_non_null(w->memory);
	wy_arena_init(&w->arena, w->memory, size);
	wy_diags_init(&w->diags, &w->arena);
	return w;
}

static void world_free(struct world *w)
{
	free(w->memory);
	free(w);
}

/* Lines 1 to 10 of every case; points start in line 11. */
static const char head[] = "weiyu: profile/1\n"
			   "id: t\n"
			   "transport: modbus\n"
			   "vendor: v\n"
			   "model: m\n"
			   "title_zh: 中\n"
			   "title_en: e\n"
			   "source: s\n"
			   "address_base: 0\n"
			   "points:\n";

static const struct mistake {
	const char *points; /* appended to head, or a whole file if it starts with "weiyu" */
	unsigned line, column;
	const char *code;
	const char *text; /* part of the message */
} mistakes[] = {
	{"  a: {area: holding, address: 40001, type: int, encoding: u16, poll: F}\n", 11, 31,
	 "E801", "address_base: 40001"},
	{"  a: {area: input, address: 30010, type: int, encoding: u16, poll: F}\n", 11, 29, "E801",
	 "0x753a"},
	{"  a: {area: discrete, address: 10005, type: bool, poll: F}\n", 11, 32, "E801",
	 "number 5"},
	{"  a: {area: holding, address: 65535, type: int, encoding: u32, poll: F}\n", 11, 31,
	 "E802", "outside 0..65535"},
	{"  a: {area: holding, address: 400001, type: int, encoding: u16, poll: F}\n", 11, 31,
	 "E802", "outside 0..65535"},
	{"  a: {area: holding, address: 0, type: bool, encoding: bit, bit: 0, scale: 2, poll: F}\n",
	 11, 69, "E803", "'scale' goes with types int, real and counter"},
	{"  a: {area: coil, address: 0, type: int, encoding: u16, poll: F}\n", 11, 52, "E803",
	 "single bits"},
	{"  a: {area: input, address: 0, type: bool, encoding: f32, poll: F}\n", 11, 54, "E803",
	 "type bool needs encoding"},
	{"  a: {area: input, address: 0, type: counter, encoding: i16, poll: F}\n", 11, 57, "E803",
	 "never goes below zero"},
	{"  a: {area: input, address: 0, type: int, encoding: u16, scale: 0.1, poll: F}\n", 11, 65,
	 "E803", "whole scale"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, scale: 0, poll: F}\n", 11, 66,
	 "E803", "scale 0"},
	{"  a: {area: input, address: 0, type: int, encoding: u16, shift: 8, mask: 0x1FF, poll: "
	 "F}\n",
	 11, 74, "E803", "wider"},
	{"  a: {area: input, address: 0, type: bool, encoding: bit, poll: F}\n", 11, 6, "E107",
	 "bit: 0..15"},
	{"  a: {area: input, address: 0, type: int, poll: F}\n", 11, 6, "E107", "'encoding'"},
	{"  a: {area: input, type: int, encoding: u16, poll: F}\n", 11, 6, "E107", "'address'"},
	{"  a: {address: 0, type: int, encoding: u16, poll: F}\n", 11, 6, "E107", "'area'"},
	{"  a: {area: input, address: 0, type: int, encoding: u16}\n", 11, 6, "E107", "'poll'"},
	{"  a: {area: input, address: 0, type: enum, encoding: u16, poll: F}\n", 11, 6, "E107",
	 "values"},
	{"  a: {area: input, address: 0, type: enum, encoding: u16, values: {A: 1, B: 1}, poll: "
	 "F}\n",
	 11, 77, "E807", "name already"},
	{"  a: {area: input, address: 0, type: enum, encoding: u16, values: {low: 1}, poll: F}\n",
	 11, 68, "E105", "upper-case"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, unit: mtr, poll: F}\n", 11, 65,
	 "E805", "no unit 'mtr'"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, range: [5, 5], poll: F}\n", 11,
	 66, "E106", "below"},
	{"  a: {area: holding, address: 0, type: int, encoding: u16, write: true, poll: F}\n", 11,
	 60, "E806", "Weiyu only reads"},
	{"  a: {area: holding, address: 0, type: int, encoding: u16, function: 6, poll: F}\n", 11,
	 60, "E806", "Weiyu only reads"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, unit_by: nit, units: [m, ft], "
	 "poll: F}\n"
	 "  unit: {area: input, address: 1, type: int, encoding: u16, poll: F}\n",
	 11, 68, "E804", "did you mean 'unit'"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, unit_by: u, units: [m, ft], "
	 "poll: F}\n"
	 "  u: {area: holding, address: 1, type: int, encoding: u16, poll: F}\n",
	 11, 68, "E804", "same area"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, unit_by: u, units: [m, bar], "
	 "poll: F}\n"
	 "  u: {area: input, address: 1, type: int, encoding: u16, poll: F}\n",
	 11, 82, "E805", "something else"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, unit_by: u, poll: F}\n"
	 "  u: {area: input, address: 1, type: int, encoding: u16, poll: F}\n",
	 11, 6, "E804", "belong together"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, unit_by: u, units: [m], poll: "
	 "F}\n"
	 "  u: {area: input, address: 900, type: int, encoding: u16, poll: F}\n",
	 11, 6, "E804", "needs 901 registers"},
	{"  a: {area: input, address: 0, type: int, encoding: u16, poll: F, path: /x}\n", 11, 67,
	 "E803", "CoAP profiles"},
	{"  a: {area: input, address: 0, type: int, encodign: u16, poll: F}\n", 11, 43, "E103",
	 "did you mean 'encoding'"},
	{"  a: {area: inputs, address: 0, type: int, encoding: u16, poll: F}\n", 11, 13, "E105",
	 "did you mean 'input'"},
	{"  a: {area: input, address: 0, type: text, poll: D}\n", 11, 6, "E107", "'registers'"},
	{"  a: {area: input, address: 0, type: text, registers: 33}\n", 11, 55, "E106", "1 to 32"},
	{"  a: {area: coil, address: 0, type: text, registers: 4}\n", 11, 37, "E803", "input and holding"},
	{"  a: {area: input, address: 0, type: text, encoding: u16, registers: 4}\n", 11, 59, "E803", "type text"},
	{"  a: {area: input, address: 0, type: int, encoding: text, poll: F}\n", 11, 53, "E803",
	 "type int needs encoding"},
	{"  a: {area: input, address: 0, type: text, registers: 4, scale: 2}\n", 11, 58, "E803",
	 "point 'a' is a text"},
	{"  a: {area: input, address: 65530, type: text, registers: 8}\n", 11, 29, "E802", "8 register(s)"},
	{"  a: {area: input, address: 0, type: int, encoding: u16, registers: 4, poll: F}\n", 11, 58, "E803",
	 "'registers' goes with type text"},
	{"  a: {area: input, address: 0, type: bool, encoding: dec_pair, poll: F}\n", 11, 54, "E803",
	 "type bool needs encoding"},
	{"  a: {area: input, address: 0, type: counter, encoding: dec_pair, mask: 0xFF, poll: F}\n", 11, 67, "E803",
	 "'mask' goes with"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, scale_by: u, poll: F}\n"
	 "  u: {area: input, address: 1, type: int, encoding: u16, poll: F}\n",
	 11, 6, "E804", "scale_by and scales"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, scale_by: u, scales: [1, 0], poll: F}\n"
	 "  u: {area: input, address: 1, type: int, encoding: u16, poll: F}\n",
	 11, 84, "E803", "factor 0"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, scale_by: u, scales: [1], poll: F}\n"
	 "  u: {area: holding, address: 1, type: int, encoding: u16, poll: F}\n",
	 11, 69, "E804", "same area"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, scale_by: t, scales: [1], poll: F}\n"
	 "  t: {area: input, address: 1, type: text, registers: 2}\n",
	 11, 69, "E804", "whole number"},
	{"  a: {area: input, address: 0, type: int, encoding: u16, clear_on_read: true, poll: F}\n"
	 "  b: {area: input, address: 0, type: bool, encoding: bit, bit: 3, poll: F}\n",
	 11, 73, "E808", "reading 'b' would clear 'a' unseen"},
	{"  a: {area: input, address: 5, type: int, encoding: u16, clear_on_read: true, poll: F}\n"
	 "  b: {area: input, address: 4, type: real, encoding: u16, unit_by: u, units: [m, ft], poll: F}\n"
	 "  u: {area: input, address: 6, type: int, encoding: u16, poll: F}\n",
	 11, 73, "E808", "reading 'b'"},
	{"  a: {area: input, address: 0, type: real, encoding: u16, scale_by: u, scales: [1], clear_on_read: true, poll: "
	 "F}\n"
	 "  u: {area: input, address: 1, type: int, encoding: u16, poll: F}\n",
	 11, 100, "E808", "read alone"},
	{"  a: {area: input, address: 0, type: int, encoding: u16, optional: yes, poll: F}\n", 11, 68, "E105",
	 "true or false"},
	{"  a: {area: coil, address: 0, type: bool, poll: F}\nframing: nice_len16\n", 11, 13, "E803", "nice_len16"},
	{"  a: {area: coil, address: 0, type: bool, poll: F}\nserial: {bauds: []}\n", 12, 17, "E105", "[9600, 38400]"},
	{"  a: {area: coil, address: 0, type: bool, poll: F}\nserial: {bauds: [96]}\n", 12, 18, "E106",
	 "1200 to 921600"},
	{"  a: {area: coil, address: 0, type: bool, poll: F}\nserial: {format: 8NI}\n", 12, 18, "E105",
	 "did you mean '8N1'"},
	{"  a: {area: coil, address: 0, type: bool, poll: F}\nidentity: b\n", 12, 11, "E804", "no point 'b'"},
	{"  a: {area: coil, address: 0, type: bool, poll: F}\nidentity: a\n", 12, 11, "E804", "whole number"},
	{"  a: {area: coil, address: 0, type: bool, poll: F}\nliveness: {point: b, within: 10s}\n", 12, 19, "E804",
	 "no point 'b'"},
	{"  a: {area: coil, address: 0, type: bool, poll: M}\nliveness: {point: a, within: 15s}\n", 12, 30, "E106",
	 "every 10000ms"},
	{"  a: {area: coil, address: 0, type: bool, poll: M}\nliveness: {point: a}\n", 12, 11, "E107", "'within'"},
	{"  a: {area: input, address: 0, type: text, registers: 2}\nliveness: {point: a, within: 9h}\n", 12, 19,
	 "E804", "no text"},
	{"  a: {area: coil, address: 0, type: bool, poll: F}\nlimits: {pause: 11s}\n", 12, 17, "E106", "10s"},
	{"weiyu: profile/1\nid: t\ntransport: coap\nvendor: v\nmodel: m\ntitle_zh: z\ntitle_en: "
	 "e\nsource: s\n"
	 "limits: {one_client: true}\npoints: {a: {path: /3200/0, type: bool, poll: F}}\n",
	 9, 10, "E803", "goes with Modbus profiles"},
	{"weiyu: profile/1\nid: t\ntransport: coap\nvendor: v\nmodel: m\ntitle_zh: z\ntitle_en: "
	 "e\nsource: s\n"
	 "points: {a: {path: /3200/0, type: text, poll: F}}\n",
	 9, 35, "E803", "input and holding registers"},
	{"weiyu: site/1\n", 1, 1, "E109", "profile/1"},
	{"weiyu: profile/1\nid: t\ntransport: modbus\nvendor: v\nmodel: m\ntitle_zh: z\ntitle_en: "
	 "e\nsource: s\n"
	 "points: {a: {area: coil, address: 0, type: bool, poll: F}}\n",
	 1, 1, "E107", "'address_base'"},
	{"weiyu: profile/1\nid: t\ntransport: modbus\nvendor: v\nmodel: m\ntitle_zh: z\ntitle_en: "
	 "e\nsource: s\n"
	 "address_base: 40001\npoints: {a: {area: input, address: 30001, type: int, encoding: u16, "
	 "poll: F}}\n",
	 10, 20, "E801", "address_base 0"},
	{"weiyu: profile/1\nid: t\ntransport: modbus\nvendor: v\nmodel: m\ntitle_zh: z\ntitle_en: "
	 "e\nsource: s\n"
	 "address_base: 40001\npoints: {a: {area: holding, address: 40000, type: int, encoding: "
	 "u16, poll: F}}\n",
	 10, 38, "E802", "outside"},
	{"weiyu: profile/1\nid: t\ntransport: modbus\nvendor: v\nmodel: m\ntitle_zh: z\ntitle_en: "
	 "e\nsource: s\n"
	 "address_base: 5\npoints: {a: {area: coil, address: 9, type: bool, poll: F}}\n",
	 9, 15, "E801", "expected 0, 1"},
	{"weiyu: profile/1\nid: t\ntransport: modbus\nvendor: v\nmodel: m\ntitle_zh: z\ntitle_en: "
	 "e\nsource: s\n"
	 "address_base: 0\nlimits: {max_registers: 126}\npoints: {a: {area: coil, address: 9, "
	 "type: bool, poll: F}}\n",
	 10, 25, "E106", "1 to 125"},
	{"weiyu: profile/1\nid: t\ntransport: coap\nvendor: v\nmodel: m\ntitle_zh: z\ntitle_en: "
	 "e\nsource: s\n"
	 "points: {a: {path: 3200/0, type: bool, poll: F}}\n",
	 9, 20, "E105", "/3200/0/5500"},
};

static enum wy_err read_text(struct world *w, const char *points, struct sensor_profile **ret)
{
	const struct wy_node *root = NULL;
	char text[4096];
	bool is_whole_file = strncmp(points, "weiyu", 5) == 0;

	snprintf(text, sizeof(text), "%s%s", is_whole_file ? "" : head, points);
	assert_int_equal(yaml_load_text("t.yaml", text, strlen(text), &w->arena, &w->diags, &root),
			 WY_OK);
	return sensor_profile_read(root, &w->arena, &w->diags, ret);
}

static void mistakes_are_named_where_they_stand(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		const struct mistake *m = &mistakes[i];
		struct world *w = world_new(ARENA_BYTES);
		struct sensor_profile *profile = NULL;

		assert_int_equal(read_text(w, m->points, &profile), WY_E_INVALID);
		assert_null(profile);
		assert_true(w->diags.n >= 1);
		const struct wy_diag *d = &w->diags.item[0];
		if (strcmp(d->code, m->code) != 0 || d->place.line != m->line ||
		    d->place.column != m->column || !strstr(d->text, m->text) || w->diags.n != 1) {
			print_error("%s expected %u:%u %s '%s', got %u:%u %s '%s' (%zu messages)\n",
				    m->points, m->line, m->column, m->code, m->text, d->place.line,
				    d->place.column, d->code, d->text, w->diags.n);
			wrong++;
		}
		world_free(w);
	}
	assert_int_equal(wrong, 0);
}

static void all_mistakes_of_a_file_are_reported(void **state)
{
	struct world *w = world_new(ARENA_BYTES);
	struct sensor_profile *profile = NULL;

	(void)state;
	assert_int_equal(
		read_text(
			w,
			"  a: {area: input, address: 0, type: int, poll: F}\n"
			"  b: {area: input, address: 0, type: int, encoding: u17, poll: F}\n"
			"  c: {area: holding, address: 40009, type: int, encoding: u16, poll: F}\n",
			&profile),
		WY_E_INVALID);
	assert_int_equal(w->diags.n, 3);
	world_free(w);
}

static void hexadecimal_is_always_a_wire_address(void **state)
{
	struct world *w = world_new(ARENA_BYTES);
	struct sensor_profile *profile = NULL;

	(void)state;
	assert_int_equal(read_text(w,
				   "  a: {area: holding, address: 0x9C41, type: int, encoding: "
				   "u16, poll: F}\n",
				   &profile),
			 WY_OK);
	assert_int_equal(profile->points[0].address, 40001);
	world_free(w);
}

static void defaults_are_the_cautious_ones(void **state)
{
	struct world *w = world_new(ARENA_BYTES);
	struct sensor_profile *profile = NULL;

	(void)state;
	assert_int_equal(
		read_text(w, "  a: {area: discrete, address: 3, type: bool, poll: M}\n", &profile),
		WY_OK);
	assert_int_equal(profile->max_gap, 0);
	assert_int_equal(profile->max_registers, 125);
	assert_int_equal(profile->timeout_ms, 1000);
	assert_int_equal(profile->class_ms[SENSOR_MEDIUM], 10000);
	assert_int_equal(profile->points[0].encoding, SENSOR_BIT);
	assert_ptr_equal(sensor_profile_find(profile, "a"), &profile->points[0]);
	assert_null(sensor_profile_find(profile, "b"));
	assert_int_equal(profile->framing, SENSOR_FRAMING_STANDARD);
	assert_int_equal(profile->grace_ms, 0);
	assert_int_equal(profile->pause_ms, 0);
	assert_false(profile->is_life_safety || profile->is_closed_after_poll || profile->has_one_client);
	assert_int_equal(profile->n_bauds, 0);
	assert_null(profile->format);
	assert_null(profile->liveness);
	assert_null(profile->identity);
	world_free(w);
}

static void what_a_profile_says_of_its_device_is_read(void **state)
{
	struct world *w = world_new(ARENA_BYTES);
	struct sensor_profile *p = NULL;

	(void)state;
	assert_int_equal(
		read_text(w,
			  "  beat: {area: input, address: 0, type: counter, encoding: u16, poll: F}\n"
			  "  runs: {area: input, address: 1, type: counter, encoding: dec_pair, poll: S, optional: true}\n"
			  "  flow: {area: input, address: 3, type: real, encoding: u16, scale_by: step, scales: [1, 0.1], "
			  "poll: M}\n"
			  "  step: {area: input, address: 4, type: int, encoding: u16, poll: M}\n"
			  "  news: {area: input, address: 9, type: int, encoding: u16, clear_on_read: true, poll: F}\n"
			  "  old: {area: input, address: 9, type: bool, encoding: bit, bit: 2, clear_on_read: true, poll: "
			  "M}\n"
			  "  name: {area: input, address: 20, type: text, encoding: text, registers: 16, charset: gb18030}\n"
			  "framing: nice_len16\n"
			  "serial: {bauds: [9600, 38400], format: 8E1}\n"
			  "life_safety: true\n"
			  "identity: step\n"
			  "liveness: {point: beat, within: 10s}\n"
			  "limits: {pause: 250ms, close_after_poll: true, one_client: true, grace: 30s}\n",
			  &p),
		WY_OK);
	assert_int_equal(p->framing, SENSOR_FRAMING_NICE_LEN16);
	assert_int_equal(p->n_bauds, 2);
	assert_int_equal(p->bauds[1], 38400);
	assert_string_equal(p->format, "8E1");
	assert_true(p->is_life_safety && p->is_closed_after_poll && p->has_one_client);
	assert_string_equal(p->identity, "step");
	assert_string_equal(p->liveness, "beat");
	assert_int_equal(p->liveness_ms, 10000);
	assert_int_equal(p->pause_ms, 250);
	assert_int_equal(p->grace_ms, 30000);
	assert_int_equal(p->points[1].encoding, SENSOR_DEC_PAIR);
	assert_true(p->points[1].is_optional && !p->points[0].is_optional);
	assert_string_equal(p->points[2].scale_by, "step");
	assert_int_equal(p->points[2].n_scale_choices, 2);
	assert_true(p->points[2].scale_choices[1] == 0.1);
	assert_true(p->points[4].is_clear_on_read);
	assert_true(p->points[5].is_clear_on_read); /* of the same register: read together */
	assert_true(sensor_point_is_text(&p->points[6]));
	assert_int_equal(p->points[6].n_text, 16);
	assert_int_equal(p->points[6].charset, SENSOR_GB18030);
	assert_int_equal(p->points[6].poll, SENSOR_DAILY);
	world_free(w);
}

/* A profile that does not fit the arena says so and nothing else happens, at whatever byte it ends.
 */
static void memory_running_out_is_an_error(void **state)
{
	static const char points[] = "  a: {area: input, address: 0, type: real, encoding: u16, "
				     "unit_by: u, units: [m, ft], "
				     "sentinels: [1, 2], poll: F}\n"
				     "  u: {area: input, address: 1, type: enum, encoding: u16, "
				     "values: {M: 0, F: 1}, poll: F}\n"
				     "  s: {area: input, address: 2, type: real, encoding: u16, scale_by: u, "
				     "scales: [1, 2], poll: F}\n"
				     "serial: {bauds: [9600, 19200]}\n";
	unsigned failures = 0;
	enum wy_err err = WY_E_NOMEM;

	(void)state;
	for (size_t room = 0; err; room += 16) {
		struct world *w = world_new(ARENA_BYTES);
		struct sensor_profile *profile = NULL;
		const struct wy_node *root = NULL;
		char text[4096];
		snprintf(text, sizeof(text), "%s%s", head, points);
		assert_int_equal(
			yaml_load_text("t", text, strlen(text), &w->arena, &w->diags, &root),
			WY_OK);
		w->arena.size = w->arena.used + room;
		err = sensor_profile_read(root, &w->arena, &w->diags, &profile);
		assert_true(err == WY_OK || err == WY_E_NOMEM);
		failures += err != WY_OK;
		world_free(w);
	}
	assert_true(failures > 5);
}

static void too_many_points_are_refused(void **state)
{
	struct world *w = world_new(ARENA_BYTES);
	const struct wy_node *root = NULL;
	struct sensor_profile *profile = NULL;
	char *text = malloc(200000);

	(void)state;
	assert_non_null(text);
	int len = snprintf(text, 200000, "%s", head);
	for (unsigned i = 0; i <= WY_POINTS_PER_DEVICE; i++)
		len += snprintf(text + len, 200000 - (size_t)len,
				"  p%u: {area: coil, address: %u, type: bool, poll: F}\n", i, i);
	assert_int_equal(yaml_load_text("t", text, (size_t)len, &w->arena, &w->diags, &root),
			 WY_OK);
	assert_int_equal(sensor_profile_read(root, &w->arena, &w->diags, &profile), WY_E_INVALID);
	assert_string_equal(w->diags.item[0].code, "E807");
	free(text);
	world_free(w);
}

/* ---- What is shipped ----------------------------------------------------------------------------
 */

static void shipped_profiles_read_without_a_word(void **state)
{
	DIR *dir = opendir(WY_SOURCE_DIR "/sensors/profiles");
	unsigned n = 0;

	(void)state;
	assert_non_null(dir);
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		char path[1024];
		const char *dot = strrchr(e->d_name, '.');
		if (!dot || strcmp(dot, ".yaml") != 0)
			continue;
		struct world *w = world_new(ARENA_BYTES);
		struct sensor_profile *profile = NULL;
		const struct wy_node *root = NULL;
		snprintf(path, sizeof(path), "%s/sensors/profiles/%s", WY_SOURCE_DIR, e->d_name);
		enum wy_err err = yaml_load_file(path, &w->arena, &w->diags, &root);
		if (!err)
			err = sensor_profile_read(root, &w->arena, &w->diags, &profile);
		if (err || w->diags.n)
			fail_msg("%s: %s at line %u", e->d_name, w->diags.item[0].text,
				 w->diags.item[0].place.line);
		assert_int_equal(strncmp(profile->id, e->d_name, (size_t)(dot - e->d_name)), 0);
		world_free(w);
		n++;
	}
	closedir(dir);
	assert_true(n >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_named_where_they_stand),
		cmocka_unit_test(all_mistakes_of_a_file_are_reported),
		cmocka_unit_test(hexadecimal_is_always_a_wire_address),
		cmocka_unit_test(defaults_are_the_cautious_ones),
		cmocka_unit_test(what_a_profile_says_of_its_device_is_read),
		cmocka_unit_test(memory_running_out_is_an_error),
		cmocka_unit_test(too_many_points_are_refused),
		cmocka_unit_test(shipped_profiles_read_without_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
