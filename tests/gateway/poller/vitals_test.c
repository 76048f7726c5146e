/* vitals_test.c: what one device says of another, and what is counted, on its way from the driver to the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vitals.h"

enum { GATEWAY, PANEL };

static _Alignas(16) unsigned char memory[65536];
static struct wy_arena arena;
static struct sensor_profile_point points[2] = {
	{.name = "node_online", .type = WY_TYPE_BOOL, .area = SENSOR_INPUT, .scale = 1},
	{.name = "value", .type = WY_TYPE_INT, .area = SENSOR_INPUT, .encoding = SENSOR_U16, .scale = 1},
};
static struct sensor_profile profile = {.id = "t", .points = points, .n_points = 2};
static struct sensor_device_conf devices[] = {
	[GATEWAY] = {.id = "gateway", .profile = &profile},
	[PANEL] = {.id = "panel", .profile = &profile, .has_alive = true, .alive_device = GATEWAY, .alive_point = 0},
};
static struct config config = {.devices = devices, .n_devices = 2};
static struct vitals vitals;
static wy_ms now_ms;

static int open_vitals(void **state)
{
	(void)state;
	wy_arena_init(&arena, memory, sizeof(memory));
	assert_int_equal(vitals_new(&vitals, &config, &arena), WY_OK);
	now_ms = 0;
	return 0;
}

static struct wy_sample good(uint32_t point, int64_t value)
{
	return (struct wy_sample){.point = point,
				  .quality = WY_Q_GOOD,
				  .is_whole = true,
				  .whole = value,
				  .at_ms = now_ms,
				  .n_raw = 1,
				  .raw = {(uint16_t)value}};
}

static struct sensor_report pass(uint32_t device, enum wy_err err, struct wy_sample *sample, uint32_t n)
{
	struct sensor_report report = {.device = device, .err = err, .at_ms = now_ms += 1000, .sample = sample, .n = n, .n_max = n};

	vitals_pass(&vitals, &report);
	return report;
}

static void say_online(bool is_online)
{
	struct wy_sample sample = good(0, is_online);

	(void)pass(GATEWAY, WY_OK, &sample, 1);
}

static struct sensor_report hear_panel(int64_t value, struct wy_sample *ret_sample)
{
	*ret_sample = good(1, value);
	return pass(PANEL, WY_OK, ret_sample, 1);
}

static void a_panel_that_its_gateway_calls_gone_has_not_answered(void **state)
{
	struct wy_sample sample;
	(void)state;

	say_online(true);
	assert_int_equal(hear_panel(1, &sample).err, WY_OK);
	assert_int_equal(sample.quality, WY_Q_GOOD);
	say_online(false);
	assert_int_equal(hear_panel(1, &sample).err, WY_E_TIMEOUT);
	assert_int_equal(sample.quality, WY_Q_BAD);
	assert_int_equal(sample.why, WY_WHY_GONE);
	say_online(true);
	assert_int_equal(hear_panel(1, &sample).err, WY_OK);
}

static void a_gateway_that_is_not_heard_says_nothing_of_its_panels(void **state)
{
	struct wy_sample sample;
	(void)state;

	say_online(false);
	(void)pass(GATEWAY, WY_E_TIMEOUT, NULL, 0);
	assert_int_equal(hear_panel(1, &sample).err, WY_OK);
}

static void a_poll_of_other_points_changes_nothing(void **state)
{
	struct wy_sample sample;
	struct wy_sample other;
	(void)state;

	say_online(false);
	other = good(1, 5);
	(void)pass(GATEWAY, WY_OK, &other, 1);
	assert_int_equal(hear_panel(1, &sample).err, WY_E_TIMEOUT);
}

static void changes_are_counted_for_the_rules(void **state)
{
	struct wy_sample sample;
	(void)state;

	uint32_t before = hear_panel(1, &sample).n_changes;
	assert_int_equal(hear_panel(1, &sample).n_changes, before);
	struct sensor_report report = hear_panel(2, &sample);
	assert_true(report.has_changes);
	assert_int_equal(report.n_changes, before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_panel_that_its_gateway_calls_gone_has_not_answered, open_vitals),
		cmocka_unit_test_setup(a_gateway_that_is_not_heard_says_nothing_of_its_panels, open_vitals),
		cmocka_unit_test_setup(a_poll_of_other_points_changes_nothing, open_vitals),
		cmocka_unit_test_setup(changes_are_counted_for_the_rules, open_vitals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
