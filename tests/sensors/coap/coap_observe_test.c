/* Observation: notifications, their order, and servers that forget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coap_world.h"

/* ---- Observing
 * ---------------------------------------------------------------------------------------- */

static void notifications_are_reported_at_once_and_spare_the_poll(void **state)
{
	struct world *world = *state;
	struct fake_device *fake = &world->fake[0];
	struct fake_resource *resource = &fake->resource[0];

	observe(world, 0, SENSOR_SLOW);
	begin(world, 1);
	world->skew_ms = 0;
	until(world, (world->skew_ms += 100, has_value(world, 0, 0, 1)));
	assert_int_equal(resource->n_registrations, 1);
	resource->payload = "0";
	fake_notify(fake, resource, ++fake->number, 0);
	until(world, has_value(world, 0, 0, 0));
	until(world, fake->n_acks == 1);
	resource->payload = "1";
	fake_notify(fake, resource, ++fake->number, 1);
	until(world, has_value(world, 0, 0, 1));
	assert_int_equal(resource->n_gets, 1);
	assert_int_equal(world->n_kept, 3);
	coap_field_free(world->field);
	world->field = NULL;
	fake_serve(fake);
	assert_int_equal(resource->n_cancels, 1);
}

static void an_observed_point_is_asked_when_no_notification_came(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];

	observe(world, 0, SENSOR_FAST);
	begin(world, 1);
	until(world, resource->n_gets >= 4);
	assert_int_equal(resource->n_registrations, 1);
	assert_true(count(world, 0, WY_OK) >= 3);
}

static void an_old_notification_is_acknowledged_and_ignored(void **state)
{
	struct world *world = *state;
	struct fake_device *fake = &world->fake[0];
	struct fake_resource *resource = &fake->resource[0];

	observe(world, 0, SENSOR_DAILY);
	begin(world, 1);
	until(world, (world->skew_ms += 100, has_value(world, 0, 0, 1)));
	uint32_t first = fake->number;
	fake_notify(fake, resource, first + 5, 0);
	until(world, world->n_kept == 2);
	resource->payload = "0";
	fake_notify(fake, resource, first + 4, 0);
	fake_notify(fake, resource, first + 5, 0);
	until(world, fake->n_acks == 3);
	assert_int_equal(world->n_kept, 2);
	assert_true(has_value(world, 0, 0, 1));
	fake_notify(fake, resource, first + 6, 0);
	until(world, has_value(world, 0, 0, 0));
	assert_int_equal(fake->n_resets, 0);
}

static void an_answer_that_a_notification_overtook_is_not_believed(void **state)
{
	struct world *world = *state;
	struct fake_device *fake = &world->fake[0];
	struct fake_resource *resource = &fake->resource[0];

	observe(world, 0, SENSOR_FAST);
	begin(world, 1);
	until(world, world->n_kept > 0);
	fake->is_holding = true;
	until(world, fake->held_len > 0);
	size_t before = world->n_kept;
	resource->payload = "0";
	fake_notify(fake, resource, ++fake->number, 1);
	until(world, has_value(world, 0, 0, 0));
	resource->payload = "1"; /* what was true when the request arrived */
	fake_release(fake);
	resource->payload = "0";
	until(world, world->n_kept > before + 2); /* the next polls */
	for (size_t i = before; i < world->n_kept; i++)
		if (world->kept[i].report.n > 0)
			assert_int_equal(world->kept[i].sample[0].whole, 0);
	assert_int_equal(count(world, 0, WY_E_TIMEOUT), 0);
}

static void order_wraps_at_24_bits_and_ends_after_128_seconds(void **state)
{
	(void)state;
	assert_true(coap_answer_is_newer(1, 0, 2, 0));
	assert_false(coap_answer_is_newer(2, 0, 1, 0));
	assert_false(coap_answer_is_newer(2, 0, 2, 0));
	assert_true(coap_answer_is_newer(0xFFFFFF, 0, 0, 0));
	assert_false(coap_answer_is_newer(0, 0, 0xFFFFFF, 0));
	assert_true(coap_answer_is_newer(0, 0, (1 << 23) - 1, 0));
	assert_false(coap_answer_is_newer(0, 0, 1 << 23, 0));
	assert_false(coap_answer_is_newer(5, 1000, 1, 129000));
	assert_true(coap_answer_is_newer(5, 1000, 1, 129001));
}

static void a_server_that_forgot_us_is_registered_with_again(void **state)
{
	struct world *world = *state;
	struct fake_device *fake = &world->fake[0];
	struct fake_resource *resource = &fake->resource[0];

	observe(world, 0, SENSOR_DAILY);
	begin(world, 1);
	until(world, (world->skew_ms += 100, resource->is_watched));
	until(world, world->n_kept == 1);
	fake_restart(fake);
	pass(world, 50);
	assert_false(resource->is_watched);
	world->skew_ms += 90 * 1000; /* within Max-Age: nothing to worry about */
	pass(world, 50);
	assert_false(resource->is_watched);
	world->skew_ms += 40 * 1000; /* past Max-Age, margin and jitter */
	until(world, resource->is_watched);
	assert_int_equal(resource->n_registrations, 2);
	until(world, world->n_kept == 2);
	resource->payload = "0";
	fake_notify(fake, resource, ++fake->number, 0); /* its numbers began anew */
	until(world, has_value(world, 0, 0, 0));
}

static void a_notification_nobody_asked_for_is_reset(void **state)
{
	struct world *world = *state;
	struct fake_device *fake = &world->fake[0];
	struct fake_resource *resource = &fake->resource[0];

	observe(world, 0, SENSOR_DAILY);
	begin(world, 1);
	until(world, (world->skew_ms += 100, world->n_kept == 1));
	resource->token[0] ^= 1;
	resource->payload = "0";
	fake_notify(fake, resource, ++fake->number, 0);
	until(world, fake->n_resets == 1);
	assert_int_equal(world->n_kept, 1);
}

static void an_error_notification_ends_the_observation(void **state)
{
	struct world *world = *state;
	struct fake_device *fake = &world->fake[0];
	struct fake_resource *resource = &fake->resource[0];

	observe(world, 0, SENSOR_FAST);
	begin(world, 1);
	until(world, resource->is_watched && world->n_kept > 0);
	resource->code = 0x84;
	fake_notify(fake, resource, 0, 0);
	until(world, has_why(world, 0, 0, WY_WHY_EXCEPTION));
	resource->code = 0;
	until(world, resource->is_watched);
	until(world, has_value(world, 0, 0, 1));
	assert_int_equal(resource->n_registrations, 2);
}

static void a_server_without_observe_is_polled(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];

	observe(world, 0, SENSOR_FAST);
	resource->is_observable = false;
	begin(world, 1);
	until(world, count(world, 0, WY_OK) >= 3);
	assert_false(resource->is_watched);
}

static void a_notification_of_many_blocks_makes_us_fetch_the_whole(void **state)
{
	struct world *world = *state;
	struct fake_device *fake = &world->fake[0];
	struct fake_resource *resource = &fake->resource[0];
	char *pack = long_pack(300);

	observe(world, 0, SENSOR_DAILY);
	begin(world, 1);
	until(world, (world->skew_ms += 100, world->n_kept == 1));
	resource->format = 110;
	resource->payload = pack;
	resource->szx_plus1 = 3;
	fake_notify(fake, resource, ++fake->number, 0);
	until(world, world->n_kept == 2);
	assert_true(has_value(world, 0, 0, 1));
	assert_true(resource->n_gets > 4);
	resource->payload = "[]";
	resource->szx_plus1 = 0;
	free(pack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(notifications_are_reported_at_once_and_spare_the_poll),
		each(an_observed_point_is_asked_when_no_notification_came),
		each(an_old_notification_is_acknowledged_and_ignored),
		each(an_answer_that_a_notification_overtook_is_not_believed),
		cmocka_unit_test(order_wraps_at_24_bits_and_ends_after_128_seconds),
		each(a_server_that_forgot_us_is_registered_with_again),
		each(a_notification_nobody_asked_for_is_reset),
		each(an_error_notification_ends_the_observation),
		each(a_server_without_observe_is_polled),
		each(a_notification_of_many_blocks_makes_us_fetch_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
