/* The scripts of sensors/sim/devices: one for each shipped profile, and what they play is what a driver reads. */
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

#include "decode.h"
#include "payload.h"
#include "scenario.h"
#include "senml.h"
#include "view.h"

#define PROFILES WY_SOURCE_DIR "/sensors/profiles"
#define SCRIPTS WY_SOURCE_DIR "/sensors/sim/devices"

struct bench {
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct senml_pack *pack;
	struct sim_scenario scenario;
};

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->memory = malloc(WY_LOAD_ARENA_BYTES);
	bench->pack = malloc(sizeof(*bench->pack));
	assert_non_null(bench->memory);
	assert_non_null(bench->pack);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	free(bench->pack);
	free(bench->memory);
	free(bench);
	return 0;
}

static void load(struct bench *bench, const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", SCRIPTS, name);
	wy_arena_init(&bench->arena, bench->memory, WY_LOAD_ARENA_BYTES);
	wy_diags_init(&bench->diags, &bench->arena);
	if (sim_scenario_load(path, &bench->arena, &bench->diags, &bench->scenario))
		fail_msg("%s: %s", path, bench->diags.n ? bench->diags.item[0].text : "?");
}

static struct wy_sample read_registers(struct sim_device *device, uint32_t point)
{
	struct sensor_extent extent = sensor_point_extent(device->profile, point);
	uint16_t count = (uint16_t)(extent.end - extent.first);
	uint16_t words[125];
	uint8_t bits[16] = {0};
	struct wy_sample sample;

	assert_true(count <= 125 && sim_device_read(device, extent.area, extent.first, count, words));
	for (unsigned i = 0; sensor_area_is_bits(extent.area) && i < count; i++)
		if (words[i])
			bits[i / 8] |= (uint8_t)(1u << i % 8);
	struct sensor_window window = {extent.area, (uint16_t)extent.first, count, words, bits};
	sensor_decode(device->profile, point, &window, 0, &sample);
	return sample;
}

static struct wy_sample read_payload(struct bench *bench, const struct sim_device *device, uint32_t point)
{
	char *text = sim_payload(device, &point, 1, SIM_FORMAT_TEXT);
	struct wy_sample sample;

	assert_non_null(text);
	assert_int_equal(senml_read_text(text, strlen(text), bench->pack), WY_OK);
	senml_sample(&bench->pack->record[0], &device->profile->points[point], point, 0, &sample);
	free(text);
	return sample;
}

/* What is set is what is read; "none" is no value. */
static void expect_read(struct bench *bench, struct sim_device *device, uint32_t point)
{
	const struct sim_value *value = &device->values[point];
	const char *name = device->profile->points[point].name;
	struct wy_sample sample = device->kind == SIM_COAP ? read_payload(bench, device, point)
							   : read_registers(device, point);

	if (value->form == SIM_ABSENT) {
		assert_int_equal(sample.why, WY_WHY_SENTINEL);
		return;
	}
	if (sample.quality != WY_Q_GOOD)
		fail_msg("%s.%s is %s", device->profile->id, name, wy_why_text(sample.why));
	if (sample.is_whole ? sample.whole != value->whole : fabs(sample.real - value->real) > 0.051)
		fail_msg("%s.%s is not what was set", device->profile->id, name);
}

static void play(struct bench *bench)
{
	struct sim_building *building = &bench->scenario.building;

	for (size_t i = 0; i < bench->scenario.n_steps; i++) {
		const struct sim_step *step = &bench->scenario.steps[i];

		if (step->act != SIM_ACT_SET)
			continue;
		assert_int_equal(sim_building_set(building, step->device, step->point, &step->value, step->note), WY_OK);
		expect_read(bench, &building->devices[step->device], step->point);
	}
}

static void every_profile_has_a_script_whose_values_a_driver_reads(void **state)
{
	struct bench *bench = *state;
	DIR *directory = opendir(PROFILES);
	unsigned n = 0;

	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		const char *dot = strstr(entry->d_name, ".yaml");
		if (!dot)
			continue;
		load(bench, entry->d_name);
		const struct sim_building *building = &bench->scenario.building;
		assert_int_equal(building->n_devices, 1);
		const char *id = building->devices[0].profile->id;
		if (strlen(id) != (size_t)(dot - entry->d_name) || strncmp(id, entry->d_name, strlen(id)) != 0)
			fail_msg("%s plays profile %s", entry->d_name, id);
		if (bench->scenario.n_steps < 2)
			fail_msg("%s: nothing happens", entry->d_name);
		play(bench);
		n++;
	}
	closedir(directory);
	assert_true(n > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_profile_has_a_script_whose_values_a_driver_reads),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
