/* What is asked and when, what answers mean, bodies of several blocks, and what is refused at load.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coap_world.h"

/* ---- Polling
 * ----------------------------------------------------------------------------------------- */

static void a_point_is_polled_once_per_period(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];

	begin(world, 1);
	until(world, has_value(world, 0, 0, 1));
	assert_int_equal(latest_report(world, 0)->err, WY_OK);
	assert_true(latest_report(world, 0)->took_ms >= 0);
	resource->payload = "0";
	until(world, has_value(world, 0, 0, 0));
	unsigned before = resource->n_gets;
	wy_ms began_ms = real_ms();
	until(world, resource->n_gets >= before + 4);
	assert_true(real_ms() - began_ms >= 3 * 300 - 100);
	assert_int_equal(resource->n_registrations, 0);
	assert_int_equal(resource->last_accept, FAKE_NO_ACCEPT);
}

static void points_on_one_path_share_one_request(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];

	world->points[0][0].path = "/all";
	world->points[0][0].senml_name = "3200/0/5500";
	world->points[0][1] = (struct sensor_profile_point){.name = "battery",
							    .type = WY_TYPE_INT,
							    .poll = SENSOR_SLOW,
							    .scale = 1,
							    .path = "/all",
							    .senml_name = "3411/0/1"};
	world->profile[0].n_points = 2;
	resource->path = "all";
	resource->format = 110;
	resource->payload = "[{\"bn\":\"urn:x/\",\"n\":\"3200/0/5500\",\"vb\":true},"
			    "{\"n\":\"3411/0/1\",\"v\":62}]";
	begin(world, 1);
	until(world, has_value(world, 0, 1, 62));
	assert_true(has_value(world, 0, 0, 1));
	assert_int_equal(world->n_kept, 1);
	assert_int_equal(resource->n_gets, 1);
	assert_int_equal(resource->last_accept, 110);
}

static void a_device_is_asked_for_the_format_of_its_profile(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];

	world->profile[0].accept = SENSOR_ACCEPT_SENML_CBOR;
	resource->only_accept = 112;
	resource->format = 112;
	resource->payload = "\x81\xA2\x21\x6C/3200/0/5500\x04\xF5";
	begin(world, 1);
	until(world, has_value(world, 0, 0, 1));
	assert_int_equal(resource->last_accept, 112);
	assert_int_equal(world->n_kept, 1);
}

static void who_cannot_answer_as_asked_answers_as_it_can(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];

	world->profile[0].accept = SENSOR_ACCEPT_SENML_JSON;
	resource->only_accept = 60;
	begin(world, 1);
	until(world, has_value(world, 0, 0, 1));
	assert_int_equal(resource->last_accept, FAKE_NO_ACCEPT);
	assert_int_equal(resource->n_gets, 2);
	assert_int_equal(world->n_kept, 1); /* nobody heard of the refusal */
	unsigned before = resource->n_gets;
	until(world, resource->n_gets == before + 2);
	assert_int_equal(resource->last_accept, FAKE_NO_ACCEPT);
}

static void an_object_instance_is_read_whole(void **state)
{
	static const char tlv[] = "\xE1\x15\x7C\x01\xE4\x15\x7D\x00\x00\x00\x07";
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];

	world->profile[0].accept = SENSOR_ACCEPT_LWM2M_TLV;
	world->points[0][0].path = "/3200/0";
	world->points[0][0].senml_name = "3200/0/5500";
	world->points[0][1] = (struct sensor_profile_point){.name = "count",
							    .type = WY_TYPE_COUNTER,
							    .poll = SENSOR_FAST,
							    .scale = 1,
							    .path = "/3200/0",
							    .senml_name = "5501"};
	world->profile[0].n_points = 2;
	resource->path = "3200/0";
	resource->format = 11542;
	resource->payload = tlv;
	resource->len = sizeof(tlv) - 1;
	begin(world, 1);
	until(world, has_value(world, 0, 1, 7));
	assert_true(has_value(world, 0, 0, 1));
	assert_int_equal(resource->last_accept, 11542);
}

static void blocks_without_etag_are_read_twice(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];
	char *pack = long_pack(300);

	world->points[0][0].poll = SENSOR_MEDIUM;
	resource->format = 110;
	resource->payload = pack;
	resource->szx_plus1 = 3;
	resource->has_no_etag = true;
	begin(world, 1);
	until(world, has_value(world, 0, 0, 1));
	assert_int_equal(resource->n_gets, 2 * 5);
	until(world, world->n_kept == 2); /* as it was known: once is enough */
	assert_int_equal(resource->n_gets, 3 * 5);
	resource->payload = "[]";
	resource->szx_plus1 = 0;
	free(pack);
}

static void blocks_without_etag_that_never_agree_are_no_value(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];
	char *pack = long_pack(300);
	unsigned n = 0;

	resource->format = 110;
	resource->payload = pack;
	resource->szx_plus1 = 3;
	resource->has_no_etag = true;
	begin(world, 1);
	/* Blanks and tabs where nothing else stands: another body each time. */
	until(world, (n++, pack[1 + n % 200] = n / 200 % 2 ? ' ' : '\t', has_why(world, 0, 0, WY_WHY_MISMATCH)));
	for (size_t i = 0; i < world->n_kept; i++)
		assert_int_equal(world->kept[i].sample[0].quality, WY_Q_BAD);
	resource->payload = "[]";
	resource->szx_plus1 = 0;
	free(pack);
}

static void an_optional_resource_that_is_lacking_is_asked_for_once_an_hour(void **state)
{
	struct world *world = *state;
	struct fake_resource *lacking = &world->fake[0].resource[1];

	world->points[0][1] = (struct sensor_profile_point){.name = "battery",
							    .type = WY_TYPE_INT,
							    .poll = SENSOR_FAST,
							    .scale = 1,
							    .path = "/3411/0/1",
							    .is_optional = true};
	world->profile[0].n_points = 2;
	*lacking = (struct fake_resource){.path = "3411/0/1", .code = 0x84};
	begin(world, 1);
	until(world, has_why(world, 0, 1, WY_WHY_EXCEPTION));
	assert_int_equal(latest_report(world, 0)->exception, 0);
	until(world, world->fake[0].resource[0].n_gets >= 5);
	assert_int_equal(lacking->n_gets, 1);
	lacking->code = 0;
	lacking->payload = "77";
	world->skew_ms += 3600000;
	until(world, has_value(world, 0, 1, 77));
}

static void a_refused_path_is_bad_and_the_device_is_heard(void **state)
{
	struct world *world = *state;

	world->points[0][0].path = "/nothing/here";
	begin(world, 1);
	until(world, has_why(world, 0, 0, WY_WHY_EXCEPTION));
	assert_int_equal(latest_report(world, 0)->err, WY_OK);
	assert_int_equal(latest_report(world, 0)->exception, 0x84);
}

static void payloads_not_understood_are_bad(void **state)
{
	static const struct {
		int format;
		const char *payload;
	} rows[] = {{110, "[{\"n\":\"3200/0/5500\",\"vb\":tr"},
		    {110, "[{\"n\":\"other\",\"vb\":true}]"},
		    {11542, "\xe1\x7d\x01"},
		    {0, "wet"}};
	struct world *world = *state;

	begin(world, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world->fake[0].resource[0].format = 0;
		world->fake[0].resource[0].payload = "1";
		until(world, has_value(world, 0, 0, 1));
		world->fake[0].resource[0].format = rows[i].format;
		world->fake[0].resource[0].payload = rows[i].payload;
		until(world, has_why(world, 0, 0, WY_WHY_PAYLOAD));
		assert_int_equal(latest_report(world, 0)->err, WY_OK);
	}
}

static void asking_brings_an_answer_without_spread(void **state)
{
	struct world *world = *state;

	world->points[0][0].poll = SENSOR_DAILY;
	begin(world, 1);
	assert_int_equal(coap_field_ask(world->field, 1), WY_E_NOTFOUND);
	assert_int_equal(coap_field_ask(world->field, 0), WY_OK);
	until(world, world->n_kept == 1);
	assert_true(has_value(world, 0, 0, 1));
	assert_int_equal(coap_field_ask(world->field, 0), WY_OK);
	until(world, world->n_kept == 2);
}

static void a_step_says_when_it_wants_to_be_called_again(void **state)
{
	struct world *world = *state;

	world->points[0][0].poll = SENSOR_DAILY;
	begin(world, 1);
	assert_int_equal(coap_field_ask(world->field, 0), WY_OK);
	until(world, world->n_kept == 1);
	wy_ms next_ms = turn(world);
	assert_true(next_ms > real_ms() + world->skew_ms);
	assert_true(next_ms < WY_MS_NEVER);
}

/* ---- Blocks
 * ------------------------------------------------------------------------------------------ */

static void a_body_of_many_blocks_is_put_together(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];
	char *pack = long_pack(1000);

	resource->format = 110;
	resource->payload = pack;
	resource->szx_plus1 = 3;      /* 64 bytes */
	resource->size2 = 0xF0000000; /* a lie that must cost nothing */
	begin(world, 1);
	until(world, has_value(world, 0, 0, 1));
	assert_int_equal(resource->n_gets, 16);
	assert_int_equal(world->n_kept, 1);
	free(pack);
	resource->payload = "[]";
	resource->szx_plus1 = 0;
}

/* Else the end of a pack, or of a number, would pass for the whole. */
static void a_last_block_alone_is_no_answer(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];

	resource->payload = "0000000000000000"
			    "1"; /* blocks of 16: the second one is "1" */
	resource->szx_plus1 = 1;
	resource->first_block = 1;
	begin(world, 1);
	until(world, has_why(world, 0, 0, WY_WHY_MISMATCH));
	resource->payload = "0";
	resource->szx_plus1 = 0;
	until(world, has_value(world, 0, 0, 0));
}

static void blocks_of_two_states_are_never_joined(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];
	char *pack = long_pack(200);

	resource->format = 110;
	resource->payload = pack;
	resource->szx_plus1 = 3;
	resource->is_etag_moving = true;
	begin(world, 1);
	until(world, has_why(world, 0, 0, WY_WHY_MISMATCH));
	resource->is_etag_moving = false;
	until(world, has_value(world, 0, 0, 1));
	resource->payload = "[]";
	resource->szx_plus1 = 0;
	free(pack);
}

static void an_endless_body_is_cut_at_the_ceiling(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];
	char *pack = long_pack(WY_COAP_PAYLOAD_MAX + 2048);

	resource->format = 110;
	resource->payload = pack;
	resource->szx_plus1 = 7; /* 1024 bytes */
	begin(world, 1);
	until(world, has_why(world, 0, 0, WY_WHY_PAYLOAD));
	assert_int_equal(latest_report(world, 0)->err, WY_OK);
	assert_true(resource->n_gets <= WY_COAP_PAYLOAD_MAX / 1024 + 1);
	resource->payload = "[]";
	resource->szx_plus1 = 0;
	free(pack);
}

/* ---- Configuration
 * ---------------------------------------------------------------------------------------- */

static enum wy_err try_new(struct world *world)
{
	static const uint32_t mine[] = {0};
	struct coap_field *field = NULL;
	enum wy_err err = coap_field_new(world->wire, world->device, mine, 1, &world->arena, 1,
					 keep, world, &world->diags, &field);

	coap_field_free(field);
	return err;
}

static void unusable_devices_are_refused_with_words(void **state)
{
	struct world *world = *state;

	world->wire[0].kind = SENSOR_WIRE_TCP;
	assert_int_equal(try_new(world), WY_E_INVALID);
	world->wire[0].kind = SENSOR_WIRE_COAP;
	world->points[0][0].path = NULL;
	assert_int_equal(try_new(world), WY_E_INVALID);
	world->points[0][0].path = "/x";
	world->device[0].psk_identity = "only";
	assert_int_equal(try_new(world), WY_E_INVALID);
	assert_int_equal(world->diags.errors, 3);
	world->device[0].psk_identity = NULL;
	assert_int_equal(try_new(world), WY_OK);
}

static void a_small_arena_is_refused_at_every_size(void **state)
{
	struct world *world = *state;
	size_t size = 2 << 20;

	for (size_t room = 0; room < size; room += room < 4096 ? 64 : 32768) {
		wy_arena_init(&world->arena, world->memory, room);
		enum wy_err err = try_new(world);
		if (err == WY_OK)
			return;
		assert_int_equal(err, WY_E_LIMIT);
	}
	fail_msg("2 MB are not enough");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(a_point_is_polled_once_per_period),
		each(points_on_one_path_share_one_request),
		each(a_device_is_asked_for_the_format_of_its_profile),
		each(who_cannot_answer_as_asked_answers_as_it_can),
		each(an_object_instance_is_read_whole),
		each(blocks_without_etag_are_read_twice),
		each(blocks_without_etag_that_never_agree_are_no_value),
		each(an_optional_resource_that_is_lacking_is_asked_for_once_an_hour),
		each(a_refused_path_is_bad_and_the_device_is_heard),
		each(payloads_not_understood_are_bad),
		each(asking_brings_an_answer_without_spread),
		each(a_step_says_when_it_wants_to_be_called_again),
		each(a_body_of_many_blocks_is_put_together),
		each(a_last_block_alone_is_no_answer),
		each(blocks_of_two_states_are_never_joined),
		each(an_endless_body_is_cut_at_the_ceiling),
		each(unusable_devices_are_refused_with_words),
		each(a_small_arena_is_refused_at_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
