/* What the simulator encodes, the drivers decode: for every point of every shipped profile, and for a
 * made-up profile with every encoding, order and shape of field. The two sides share no code. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "building.h"
#include "decode.h"
#include "payload.h"
#include "senml.h"
#include "view.h"
#include "yaml_tree.h"

#define ROUNDS 200

struct bench {
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	uint64_t seed;
};

static uint32_t random_of(struct bench *bench)
{
	bench->seed = bench->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(bench->seed >> 33);
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->memory = malloc(WY_LOAD_ARENA_BYTES);
	assert_non_null(bench->memory);
	wy_arena_init(&bench->arena, bench->memory, WY_LOAD_ARENA_BYTES);
	wy_diags_init(&bench->diags, &bench->arena);
	bench->seed = 2026;
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	free(bench->memory);
	free(bench);
	return 0;
}

static const struct sensor_profile *read_profile(struct bench *bench, const struct wy_node *root)
{
	struct sensor_profile *profile;

	if (sensor_profile_read(root, &bench->arena, &bench->diags, &profile)) {
		for (size_t i = 0; i < bench->diags.n; i++)
			print_error("%s\n", bench->diags.item[i].text);
		fail();
	}
	return profile;
}

static struct sim_device device_of(struct bench *bench, const struct sensor_profile *profile)
{
	struct sim_device device = {.id = "d", .profile = profile,
				    .kind = profile->transport == SENSOR_COAP ? SIM_COAP : SIM_TCP};
	uint32_t point;

	assert_int_equal(sim_device_lay_out(&device, &bench->arena, &point), WY_OK);
	return device;
}

/* The sample the drivers make of what the device answers. */
static struct wy_sample read_back(struct sim_device *device, uint32_t point)
{
	struct sensor_extent extent = sensor_point_extent(device->profile, point);
	uint16_t words[256];
	uint8_t bits[32] = {0};
	struct wy_sample sample;
	uint16_t count = (uint16_t)(extent.end - extent.first);

	assert_true(count <= 256);
	assert_true(sim_device_read(device, extent.area, extent.first, count, words));
	for (unsigned i = 0; i < count; i++)
		if (words[i])
			bits[i / 8] |= (uint8_t)(1u << i % 8);
	struct sensor_window window = {extent.area, (uint16_t)extent.first, count, words, bits};
	sensor_decode(device->profile, point, &window, 0, &sample);
	return sample;
}

/* The same through SenML and through plain text; both must agree on the value. */
static struct wy_sample read_payload(const struct sim_device *device, uint32_t point, unsigned format)
{
	const struct sensor_profile_point *p = &device->profile->points[point];
	struct senml_pack *pack = calloc(1, sizeof(*pack));
	const struct senml_record *record;
	struct wy_sample sample;
	char *text = sim_payload(device, &point, 1, format);

	assert_non_null(pack);
	assert_non_null(text);
	if (format == SIM_FORMAT_TEXT) {
		assert_int_equal(senml_read_text(text, strlen(text), pack), WY_OK);
		record = &pack->record[0];
	} else {
		assert_int_equal(senml_read_json(text, strlen(text), pack), WY_OK);
		assert_int_equal(senml_find(pack, p->senml_name ? p->senml_name : p->path + 1, &record), WY_OK);
	}
	senml_sample(record, p, point, 0, &sample);
	free(text);
	free(pack);
	return sample;
}

/* How far the device's own steps may carry a value away. */
static double step_of(struct sim_device *device, const struct sensor_profile_point *point, double value)
{
	double ratio = sim_device_ratio(device, point);

	if (device->kind == SIM_COAP || point->encoding == SENSOR_F32)
		return fabs(value) * 1e-6 + 1e-9;
	return fabs(point->scale / ratio) * 0.5 + fabs(value) * 1e-9 + 1e-9;
}

static struct sim_value random_value(struct bench *bench, const struct sensor_profile_point *point)
{
	struct sim_value value = {.form = SIM_VALUE};
	double part = (double)random_of(bench) / 2147483648.0;

	switch (point->type) {
	case WY_TYPE_BOOL:
		value.whole = random_of(bench) & 1;
		break;
	case WY_TYPE_ENUM:
		value.whole = random_of(bench) % (uint32_t)point->n_values;
		break;
	case WY_TYPE_REAL:
		value.real = point->has_range ? point->lo + part * (point->hi - point->lo)
					      : point->offset + part * 1000 * fabs(point->scale);
		break;
	case WY_TYPE_INT:
	case WY_TYPE_COUNTER:
		value.whole = point->has_range ? (int64_t)(point->lo + part * (point->hi - point->lo))
					       : (int64_t)(part * 60000);
		break;
	}
	return value;
}

static bool is_sentinel(const struct sim_device *device, uint32_t point)
{
	const struct sensor_profile_point *p = &device->profile->points[point];
	struct sim_raw raw;

	if (sim_raw_of(p, &device->values[point], sim_device_ratio(device, p), &raw))
		return false;
	for (size_t i = 0; i < p->n_sentinels; i++)
		if (raw.whole == p->sentinels[i])
			return true;
	return false;
}

static void expect_good(struct sim_device *device, uint32_t point, const struct wy_sample *sample)
{
	const struct sensor_profile_point *p = &device->profile->points[point];
	const struct sim_value *value = &device->values[point];

	if (sample->quality != WY_Q_GOOD)
		fail_msg("%s.%s is %s (%s)", device->profile->id, p->name, wy_quality_text(sample->quality),
			 wy_why_text(sample->why));
	if (p->type != WY_TYPE_REAL) {
		assert_int_equal(sample->whole, value->whole);
		return;
	}
	if (fabs(sample->real - value->real) > step_of(device, p, value->real))
		fail_msg("%s.%s: set %.9g, read %.9g", device->profile->id, p->name, value->real, sample->real);
}

/* Points of one register must keep their values while others change: all are read after each set. */
static void expect_all(struct sim_device *device)
{
	for (uint32_t i = 0; i < device->profile->n_points; i++) {
		struct wy_sample sample;

		if (is_sentinel(device, i))
			continue;
		sample = device->kind == SIM_COAP ? read_payload(device, i, SIM_FORMAT_SENML)
						  : read_back(device, i);
		expect_good(device, i, &sample);
		if (device->kind == SIM_COAP) {
			sample = read_payload(device, i, SIM_FORMAT_TEXT);
			expect_good(device, i, &sample);
		}
	}
}

static void round_trip(struct bench *bench, const struct sensor_profile *profile)
{
	struct sim_device device = device_of(bench, profile);
	struct sim_building building = {.devices = &device, .n_devices = 1};
	unsigned n_set = 0;

	expect_all(&device);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t point = random_of(bench) % (uint32_t)profile->n_points;
		struct sim_value value = random_value(bench, &profile->points[point]);

		if (sim_building_set(&building, 0, point, &value, NULL) == WY_OK)
			n_set++;
		expect_all(&device);
	}
	/* Most random values must fit, or this test proves nothing. */
	assert_true(n_set > ROUNDS / 2);
}

static void what_is_set_is_what_the_drivers_read_on_every_shipped_profile(void **state)
{
	struct bench *bench = *state;
	DIR *dir = opendir(WY_SOURCE_DIR "/sensors/profiles");
	unsigned n = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		const struct wy_node *root;
		char path[4096];

		if (!strstr(entry->d_name, ".yaml"))
			continue;
		(void)snprintf(path, sizeof(path), "%s/sensors/profiles/%s", WY_SOURCE_DIR, entry->d_name);
		assert_int_equal(yaml_load_file(path, &bench->arena, &bench->diags, &root), WY_OK);
		round_trip(bench, read_profile(bench, root));
		n++;
	}
	closedir(dir);
	assert_true(n >= 5);
}

static const char head[] = "weiyu: profile/1\nid: made-up\ntransport: modbus\nvendor: v\nmodel: m\n"
			   "title_zh: t\ntitle_en: t\nsource: s\naddress_base: 0\n"
			   "limits: {max_registers: 125, max_bits: 2000, max_gap: 8, min_interval: 20ms, timeout: 1s}\n"
			   "classes: {F: 1s, M: 10s, S: 60s, D: 1h}\npoints:\n";

static const struct sensor_profile *profile_of(struct bench *bench, const char *points)
{
	const struct wy_node *root;
	char text[16384];
	int len = snprintf(text, sizeof(text), "%s%s", head, points);

	assert_true(len > 0 && (size_t)len < sizeof(text));
	assert_int_equal(yaml_load_text("made-up", text, (size_t)len, &bench->arena, &bench->diags, &root), WY_OK);
	return read_profile(bench, root);
}

static void every_encoding_and_order_comes_back(void **state)
{
	static const char *const orders[] = {"ABCD", "CDAB", "BADC", "DCBA"};
	static const struct {
		const char *encoding, *rest;
	} shapes[] = {
		{"u16", "type: int"},
		{"i16", "type: real, scale: 0.5, offset: -40, range: [-90, 90]"},
		{"u32", "type: counter"},
		{"i32", "type: int, range: [-2000000000, 2000000000]"},
		{"u32", "type: real, scale: 0.001, range: [0, 4000000]"},
		{"f32", "type: real, range: [-1000, 1000]"},
		{"f32", "type: real, scale: 0.01, offset: 3"},
		{"u64", "type: counter"},
		{"dec_pair", "type: counter"},
		{"dec_pair", "type: real, scale: 0.1, range: [0, 9999999]"},
	};
	char points[8192] = "";
	unsigned address = 0;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		for (size_t o = 0; o < 4; o++) {
			size_t used = strlen(points);
			(void)snprintf(points + used, sizeof(points) - used,
				       "  p%zu_%zu: {area: holding, address: %u, encoding: %s, order: %s, %s, poll: F}\n",
				       i, o, address, shapes[i].encoding, orders[o], shapes[i].rest);
			address += 4;
		}
	}
	for (int i = 0; i < 10; i++)
		round_trip(*state, profile_of(*state, points));
}

static const char shared_word[] =
	"  low:   {area: input, address: 4, type: bool, encoding: bit, bit: 0, poll: F}\n"
	"  high:  {area: input, address: 4, type: bool, encoding: bit, bit: 15, inverted: true, poll: F}\n"
	"  mode:  {area: input, address: 4, type: enum, encoding: u16, shift: 4, mask: 0xF,"
	" values: {NORMAL: 1, INSPECTION: 8}, poll: F}\n"
	"  level: {area: input, address: 4, type: real, encoding: u16, shift: 8, mask: 0x3F, scale: 0.5, poll: F}\n";

static void points_of_one_word_do_not_disturb_each_other(void **state)
{
	round_trip(*state, profile_of(*state, shared_word));
}

static void bytes_stand_on_the_wire_where_the_order_says(void **state)
{
	static const struct {
		const char *order;
		uint16_t words[2];
	} rows[] = {{"ABCD", {0x0A0B, 0x0C0D}},
		    {"CDAB", {0x0C0D, 0x0A0B}},
		    {"BADC", {0x0B0A, 0x0D0C}},
		    {"DCBA", {0x0D0C, 0x0B0A}}};

	for (size_t i = 0; i < 4; i++) {
		struct sim_value value = {.form = SIM_VALUE, .whole = 0x0A0B0C0D};
		uint16_t words[SIM_WORDS_MAX] = {0};
		char points[200];

		(void)snprintf(points, sizeof(points),
			       "  x: {area: input, address: 0, type: counter, encoding: u32, order: %s, poll: F}\n",
			       rows[i].order);
		const struct sensor_profile *profile = profile_of(*state, points);
		assert_int_equal(sim_encode(&profile->points[0], &value, 1, words), WY_OK);
		assert_int_equal(words[0], rows[i].words[0]);
		assert_int_equal(words[1], rows[i].words[1]);
	}
}

static void none_is_the_sentinel_and_hides_the_whole_word_until_it_goes(void **state)
{
	struct bench *bench = *state;
	const struct sensor_profile *profile =
		profile_of(bench, "  level: {area: input, address: 0, type: real, encoding: u16, scale: 0.1,"
				  " range: [0, 100], sentinels: [0xFFFF], poll: F}\n"
				  "  kind: {area: input, address: 1, type: int, encoding: u16, mask: 0xFF,"
				  " sentinels: [0xFFFF], poll: F}\n"
				  "  flag: {area: input, address: 1, type: bool, encoding: bit, bit: 9, poll: F}\n");
	struct sim_device device = device_of(bench, profile);
	struct sim_building building = {.devices = &device, .n_devices = 1};
	struct sim_value none = {.form = SIM_ABSENT}, seven = {.form = SIM_VALUE, .whole = 7};
	uint16_t word;

	for (uint32_t point = 0; point < 2; point++) {
		assert_int_equal(sim_building_set(&building, 0, point, &none, NULL), WY_OK);
		assert_int_equal(read_back(&device, point).quality, WY_Q_BAD);
		assert_int_equal(read_back(&device, point).why, WY_WHY_SENTINEL);
	}
	assert_int_equal(sim_building_set(&building, 0, 1, &seven, NULL), WY_OK);
	assert_true(sim_device_read(&device, SENSOR_INPUT, 1, 1, &word));
	assert_int_equal(word, 7); /* bit 9 is false again */
	assert_int_equal(sim_building_set(&building, 0, 2, &none, NULL), WY_E_UNSUPPORTED);
}

static void what_does_not_fit_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		const char *point;
		double real;
		int64_t whole;
	} rows[] = {
		{"type: int, encoding: u16", 0, 65536},
		{"type: int, encoding: u16", 0, -1},
		{"type: int, encoding: i16", 0, 32768},
		{"type: int, encoding: i16", 0, -32769},
		{"type: int, encoding: u16, shift: 4, mask: 0xF", 0, 16},
		{"type: counter, encoding: u32", 0, INT64_C(4294967296)},
		{"type: real, encoding: u16, scale: 0.1", 6553.6, 0},
		{"type: real, encoding: f32", 1e39, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint16_t words[SIM_WORDS_MAX] = {0x1234, 0x5678, 0, 0};
		struct sim_value value = {.form = SIM_VALUE, .whole = rows[i].whole};
		char points[200];

		(void)snprintf(points, sizeof(points), "  x: {area: input, address: 0, %s, poll: F}\n", rows[i].point);
		const struct sensor_profile *profile = profile_of(*state, points);
		if (profile->points[0].type == WY_TYPE_REAL)
			value.real = rows[i].real;
		assert_int_equal(sim_encode(&profile->points[0], &value, 1, words), WY_E_LIMIT);
		assert_int_equal(words[0], 0x1234);
		assert_int_equal(words[1], 0x5678);
	}
}

static void a_unit_register_restates_the_lengths_beside_it(void **state)
{
	struct bench *bench = *state;
	const struct sensor_profile *profile =
		profile_of(bench, "  far: {area: input, address: 0, type: real, encoding: u16, unit: m, unit_by: unit,"
				  " units: [dm, ft], poll: F}\n"
				  "  unit: {area: input, address: 1, type: enum, encoding: u16,"
				  " values: {METRES: 0, FEET: 1}, poll: F}\n");
	struct sim_device device = device_of(bench, profile);
	struct sim_building building = {.devices = &device, .n_devices = 1};
	struct sim_value far = {.form = SIM_VALUE, .real = 30.5}, feet = {.form = SIM_VALUE, .whole = 1};
	uint16_t word;

	assert_int_equal(sim_building_set(&building, 0, 0, &far, NULL), WY_OK);
	assert_true(sim_device_read(&device, SENSOR_INPUT, 0, 1, &word));
	assert_int_equal(word, 305);
	assert_int_equal(sim_building_set(&building, 0, 1, &feet, NULL), WY_OK);
	assert_true(sim_device_read(&device, SENSOR_INPUT, 0, 1, &word));
	assert_int_equal(word, 100);
}

static void texts_of_values_are_read_back_the_same(void **state)
{
	const struct sensor_profile *profile = profile_of(*state, shared_word);
	static const struct {
		unsigned point;
		const char *text;
		bool is_fine;
	} rows[] = {{0, "true", true},	 {0, "false", true},	  {0, "yes", false},	{2, "INSPECTION", true},
		    {2, "8", false},	 {3, "12.5", true},	  {3, "0.1", true},	{3, "x", false},
		    {0, "none", true},	 {3, "raw:31", true},	  {3, "raw:", false},	{2, "", false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct sensor_profile_point *point = &profile->points[rows[i].point];
		const char *expected = NULL;
		struct sim_value value;
		char text[64];
		struct wy_buf buf;

		assert_int_equal(sim_value_parse(point, rows[i].text, &value, &expected) == WY_OK, rows[i].is_fine);
		assert_int_equal(expected != NULL, !rows[i].is_fine);
		if (!rows[i].is_fine)
			continue;
		wy_buf_init(&buf, text, sizeof(text));
		sim_value_print(point, &value, &buf);
		assert_string_equal(text, rows[i].text);
	}
}

/* One word, seen four ways: a number, whether it is more than a hum, a named state and whether it is the first. */
static const char views[] =
	"  moves: {area: input, address: 0, type: bool, encoding: u16, shift: 4, poll: F}\n"
	"  speed: {area: input, address: 0, type: real, encoding: u16, scale: 0.001, unit: m/s, poll: F}\n"
	"  mode: {area: input, address: 1, type: enum, encoding: u16, shift: 4, mask: 0xF, values: {REPAIR: 0, NORMAL: 7}, poll: F}\n"
	"  repair: {area: input, address: 1, type: bool, encoding: u16, shift: 4, mask: 0xF, inverted: true, poll: F}\n"
	"  lamp: {area: input, address: 1, type: bool, encoding: bit, bit: 0, poll: F}\n";

static void set_text(struct sim_building *building, const char *name, const char *text)
{
	struct sim_device *device = &building->devices[0];
	size_t point = sim_device_find_point(device, name);
	struct sim_value value;
	const char *expected = "";

	assert_true(point != SIZE_MAX);
	assert_int_equal(sim_value_parse(&device->profile->points[point], text, &value, &expected), WY_OK);
	assert_int_equal(sim_building_set(building, 0, (uint32_t)point, &value, NULL), WY_OK);
}

static bool is_set(const struct sim_device *device, const char *name)
{
	return device->values[sim_device_find_point(device, name)].whole != 0;
}

static void points_that_read_the_same_bits_follow_each_other(void **state)
{
	struct bench *bench = *state;
	struct sim_device device = device_of(bench, profile_of(bench, views));
	struct sim_building building = {.devices = &device, .n_devices = 1};

	assert_true(is_set(&device, "repair")); /* the first that was declared has its default: REPAIR */
	set_text(&building, "speed", "1.75");
	assert_true(is_set(&device, "moves"));
	set_text(&building, "moves", "true"); /* it does already: the speed stays */
	assert_true(fabs(device.values[sim_device_find_point(&device, "speed")].real - 1.75) < 1e-9);
	set_text(&building, "moves", "false");
	assert_true(device.values[sim_device_find_point(&device, "speed")].real < 0.016);
	set_text(&building, "lamp", "true");
	assert_true(is_set(&device, "repair"));
	set_text(&building, "mode", "NORMAL");
	assert_false(is_set(&device, "repair"));
	assert_true(is_set(&device, "lamp"));
	expect_all(&device);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROW(what_is_set_is_what_the_drivers_read_on_every_shipped_profile),
		ROW(every_encoding_and_order_comes_back),
		ROW(points_of_one_word_do_not_disturb_each_other),
		ROW(points_that_read_the_same_bits_follow_each_other),
		ROW(bytes_stand_on_the_wire_where_the_order_says),
		ROW(none_is_the_sentinel_and_hides_the_whole_word_until_it_goes),
		ROW(what_does_not_fit_is_refused_and_changes_nothing),
		ROW(a_unit_register_restates_the_lengths_beside_it),
		ROW(texts_of_values_are_read_back_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
