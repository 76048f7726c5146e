/* Devices that are silent, gone, hostile, or back again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coap_world.h"

/* ---- Failing
 * ------------------------------------------------------------------------------------------- */

static void a_silent_device_is_known_in_time_and_delays_no_other(void **state)
{
	struct world *world = *state;

	begin(world, 2);
	until(world, has_value(world, 0, 0, 1) && has_value(world, 1, 0, 1));
	world->fake[0].is_silent = true;
	size_t before = count(world, 1, WY_OK);
	wy_ms began_ms = real_ms();
	until(world, count(world, 0, WY_E_TIMEOUT) == 1);
	/* One period until it is asked, three timeouts, and leave for a busy machine. */
	assert_true(real_ms() - began_ms < 300 + 3 * TIMEOUT_MS + BUSY_MS);
	assert_true(real_ms() - began_ms >= 2 * TIMEOUT_MS);
	assert_int_equal(latest_report(world, 0)->n, 0);
	until(world, count(world, 1, WY_OK) >= before + 5);
	assert_int_equal(count(world, 1, WY_E_TIMEOUT), 0);
	world->fake[0].is_silent = false;
	size_t heard = count(world, 0, WY_OK);
	until(world, count(world, 0, WY_OK) > heard);
}

static void a_silent_dtls_device_is_known_in_time_and_delays_no_other(void **state)
{
	struct world *world = *state;

	world->device[0].psk_identity = "leak-7f";
	world->device[0].psk_key = (const uint8_t *)"sesame";
	world->device[0].psk_key_len = 6;
	world->fake[0].is_silent = true;
	begin(world, 2);
	wy_ms began_ms = real_ms();
	until(world, count(world, 0, WY_E_TIMEOUT) == 1);
	assert_true(real_ms() - began_ms < 300 + 3000 + BUSY_MS);
	assert_true(world->fake[0].n_datagrams >= 2); /* the hello was repeated */
	assert_true(count(world, 1, WY_OK) >= 5);
	assert_int_equal(count(world, 0, WY_OK), 0);
}

static void failures_are_reported_at_most_once_per_period(void **state)
{
	struct world *world = *state;

	world->points[0][0].poll = SENSOR_SLOW;
	world->fake[0].is_silent = true;
	begin(world, 1);
	until(world, (world->skew_ms += 500, count(world, 0, WY_E_TIMEOUT) == 1));
	wy_ms first_ms = latest_report(world, 0)->at_ms;
	unsigned asked = world->fake[0].n_datagrams;
	until(world, (world->skew_ms += 500, count(world, 0, WY_E_TIMEOUT) == 2));
	assert_true(latest_report(world, 0)->at_ms - first_ms >= 60000);
	assert_true(world->fake[0].n_datagrams > asked + 1); /* it went on trying meanwhile */
}

static void a_closed_port_is_a_broken_link(void **state)
{
	struct world *world = *state;

	fake_close(&world->fake[0]);
	begin(world, 1);
	until(world, count(world, 0, WY_E_LINK) == 1);
	assert_int_equal(count(world, 0, WY_OK), 0);
}

static void a_reset_is_a_protocol_error(void **state)
{
	struct world *world = *state;

	world->fake[0].is_resetting = true;
	begin(world, 1);
	until(world, count(world, 0, WY_E_PROTOCOL) >= 1);
	world->fake[0].is_resetting = false;
	until(world, has_value(world, 0, 0, 1));
}

static void an_observation_is_made_anew_after_a_silence(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];

	observe(world, 0, SENSOR_FAST);
	begin(world, 1);
	until(world, resource->is_watched);
	world->fake[0].is_silent = true;
	until(world, count(world, 0, WY_E_TIMEOUT) == 1);
	fake_restart(&world->fake[0]);
	world->fake[0].is_silent = false;
	until(world, resource->is_watched);
	assert_int_equal(resource->n_registrations, 2);
}

static void datagrams_of_noise_are_survived(void **state)
{
	struct world *world = *state;
	uint8_t noise[64];
	uint32_t x = 12345;

	observe(world, 0, SENSOR_FAST);
	begin(world, 1);
	until(world, has_value(world, 0, 0, 1));
	for (int i = 0; i < 2000; i++) {
		for (size_t k = 0; k < sizeof(noise); k++)
			noise[k] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
		if (i % 2 == 0) {
			noise[0] = (uint8_t)(0x48 | (noise[0] & 0x30)); /* version 1, our token */
			noise[1] = 0x45;
			memcpy(noise + 4, world->fake[0].resource[0].token, 8);
		}
		fake_send(&world->fake[0], noise, (size_t)(i % 64) + 1);
		if (i % 20 == 0)
			turn(world);
		world->n_kept = 0;
	}
	until(world, has_value(world, 0, 0, 1));
}

static void a_name_is_looked_up_and_each_of_its_addresses_tried(void **state)
{
	struct world *world = *state;

	world->wire[0].host = "localhost"; /* often ::1 first, where nobody listens */
	/* A label above 63 characters fails without a name server being asked. */
	world->wire[1].host = "no-such-host-no-such-host-no-such-host-no-such-host-no-such-host-x";
	begin(world, 2);
	until(world, count(world, 1, WY_E_LINK) >= 1);
	until(world, has_value(world, 0, 0, 1));
	assert_int_equal(count(world, 1, WY_OK), 0);
}

/* Away for most of a minute, at twenty times the speed of time. */
static void a_device_that_was_away_for_a_minute_is_seen_in_ten_seconds(void **state)
{
	struct world *world = *state;

	world->device[0].timeout_ms = 2000;
	begin(world, 1);
	until(world, has_value(world, 0, 0, 1));
	world->fake[0].is_silent = true;
	until(world, (world->skew_ms += 100, count(world, 0, WY_E_TIMEOUT) == 1));
	wy_ms end_ms = world->field->now_ms + 50000;
	until(world, (world->skew_ms += 100, world->field->now_ms >= end_ms));
	world->fake[0].is_silent = false;
	size_t heard = count(world, 0, WY_OK);
	until(world, (world->skew_ms += 100, count(world, 0, WY_OK) > heard));
	assert_true(world->field->now_ms - end_ms <= 10000);
}

static void after_hours_of_silence_a_device_is_asked_about_once_a_minute(void **state)
{
	struct world *world = *state;

	world->fake[0].is_silent = true;
	begin(world, 1);
	until(world, (world->skew_ms += 1000, count(world, 0, WY_E_TIMEOUT) == 1));
	world->skew_ms += 4 * 3600 * 1000;
	until(world, (world->skew_ms += 1000, count(world, 0, WY_E_TIMEOUT) == 3));
	unsigned asked = world->fake[0].n_datagrams;
	wy_ms end_ms = world->field->now_ms + 600000;
	until(world, (world->skew_ms += 1000, world->field->now_ms >= end_ms));
	assert_in_range(world->fake[0].n_datagrams - asked, 8, 22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(a_silent_device_is_known_in_time_and_delays_no_other),
		each(a_silent_dtls_device_is_known_in_time_and_delays_no_other),
		each(failures_are_reported_at_most_once_per_period),
		each(a_device_that_was_away_for_a_minute_is_seen_in_ten_seconds),
		each(after_hours_of_silence_a_device_is_asked_about_once_a_minute),
		each(a_closed_port_is_a_broken_link),
		each(a_reset_is_a_protocol_error),
		each(an_observation_is_made_anew_after_a_silence),
		each(datagrams_of_noise_are_survived),
		each(a_name_is_looked_up_and_each_of_its_addresses_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
