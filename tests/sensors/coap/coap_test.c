/* coap_test.c: the CoAP driver against devices that do as they are told (fake_device.h).
 *
 * The field's time is the real one plus a skew, so that minutes pass at once where a test wants
 * them to; libcoap's retransmission lives in real time. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "coap_field.h"
#include "fake_device.h"

#define DEVICES 2
#define TIMEOUT_MS 200
#define PATIENCE_MS 20000
#define KEPT 512

struct kept {
	struct sensor_report report;
	struct wy_sample sample[8];
};

struct world {
	struct fake_device fake[DEVICES];
	struct sensor_profile_point points[DEVICES][3];
	struct sensor_profile profile[DEVICES];
	struct sensor_wire_conf wire[DEVICES];
	struct sensor_device_conf device[DEVICES];
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct coap_field *field;
	wy_ms skew_ms;
	size_t n_kept;
	struct kept kept[KEPT];
};

static void keep(void *arg, const struct sensor_report *report)
{
	struct world *world = arg;
	struct kept *kept = &world->kept[world->n_kept % KEPT];

	assert_true(report->n <= report->n_max && report->n <= 8);
	kept->report = *report;
	if (report->n > 0)
		memcpy(kept->sample, report->sample, report->n * sizeof(kept->sample[0]));
	world->n_kept++;
	assert_true(world->n_kept <= KEPT);
}

static wy_ms real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (wy_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Let the field and the devices work for one turn; never longer than 20 ms. */
static wy_ms turn(struct world *world)
{
	struct pollfd wait = {.fd = coap_field_fd(world->field), .events = POLLIN};
	wy_ms next_ms = coap_field_step(world->field, real_ms() + world->skew_ms);

	poll(&wait, 1, 5);
	for (size_t i = 0; i < DEVICES; i++)
		fake_serve(&world->fake[i]);
	return next_ms;
}

/* Work until `is_true`, which must come to hold. */
#define until(world, is_true)                                                      \
	do {                                                                       \
		wy_ms until_ms = real_ms() + PATIENCE_MS;                          \
		while (!(is_true)) {                                               \
			if (real_ms() > until_ms)                                  \
				fail_msg("waited in vain for " #is_true);          \
			turn(world);                                               \
		}                                                                  \
	} while (0)

static void pass(struct world *world, wy_ms span_ms)
{
	wy_ms end_ms = real_ms() + span_ms;

	while (real_ms() < end_ms)
		turn(world);
}

/* The latest sample of a point of a device, or NULL. */
static const struct wy_sample *latest(const struct world *world, uint32_t device, uint32_t point)
{
	for (size_t i = world->n_kept; i-- > 0;) {
		const struct kept *kept = &world->kept[i];
		if (kept->report.device != device)
			continue;
		for (size_t k = 0; k < kept->report.n; k++)
			if (kept->sample[k].point == point)
				return &kept->sample[k];
	}
	return NULL;
}

static bool has_value(const struct world *world, uint32_t device, uint32_t point, int64_t whole)
{
	const struct wy_sample *sample = latest(world, device, point);

	return sample && sample->quality == WY_Q_GOOD && sample->whole == whole;
}

static bool has_why(const struct world *world, uint32_t device, uint32_t point, enum wy_why why)
{
	const struct wy_sample *sample = latest(world, device, point);

	return sample && sample->quality == WY_Q_BAD && sample->why == why;
}

static size_t count(const struct world *world, uint32_t device, enum wy_err err)
{
	size_t n = 0;

	for (size_t i = 0; i < world->n_kept; i++)
		n += world->kept[i].report.device == device && world->kept[i].report.err == err;
	return n;
}

static const struct sensor_report *latest_report(const struct world *world, uint32_t device)
{
	for (size_t i = world->n_kept; i-- > 0;)
		if (world->kept[i].report.device == device)
			return &world->kept[i].report;
	return NULL;
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->memory = calloc(1, 2 << 20);
	assert_non_null(world->memory);
	wy_arena_init(&world->arena, world->memory, 2 << 20);
	wy_diags_init(&world->diags, &world->arena);
	for (size_t i = 0; i < DEVICES; i++) {
		fake_open(&world->fake[i]);
		world->points[i][0] = (struct sensor_profile_point){
			.name = "leak", .type = WY_TYPE_BOOL, .poll = SENSOR_FAST, .scale = 1,
			.path = "/3200/0/5500"};
		world->profile[i] = (struct sensor_profile){.id = "leak",
							    .transport = SENSOR_COAP,
							    .points = world->points[i],
							    .n_points = 1,
							    .timeout_ms = TIMEOUT_MS,
							    .class_ms = {300, 600, 60000, 3600000}};
		world->wire[i] = (struct sensor_wire_conf){.id = "w",
							   .kind = SENSOR_WIRE_COAP,
							   .host = "127.0.0.1",
							   .port = world->fake[i].port};
		world->device[i] = (struct sensor_device_conf){
			.id = "d", .wire = (uint32_t)i, .profile = &world->profile[i]};
		world->fake[i].resource[0] =
			(struct fake_resource){.path = "3200/0/5500", .format = 0, .payload = "1"};
	}
	*state = world;
	return 0;
}

static void begin(struct world *world, size_t n)
{
	static const uint32_t mine[] = {0, 1};

	assert_int_equal(coap_field_new(world->wire, world->device, mine, n, &world->arena, 42, keep,
					world, &world->diags, &world->field),
			 WY_OK);
	assert_true(coap_field_fd(world->field) >= 0);
}

static int tear_down(void **state)
{
	struct world *world = *state;

	coap_field_free(world->field);
	for (size_t i = 0; i < DEVICES; i++)
		fake_close(&world->fake[i]);
	free(world->memory);
	free(world);
	return 0;
}

static void observe(struct world *world, uint32_t device, enum sensor_poll_class poll)
{
	world->points[device][0].is_observed = true;
	world->points[device][0].poll = poll;
	world->fake[device].resource[0].is_observable = true;
	world->fake[device].resource[0].max_age_s = 100;
}

/* ---- Polling ----------------------------------------------------------------------------------------- */

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
	assert_int_equal(resource->last_accept, 0);
}

static void points_on_one_path_share_one_request(void **state)
{
	struct world *world = *state;
	struct fake_resource *resource = &world->fake[0].resource[0];

	world->points[0][0].path = "/all";
	world->points[0][0].senml_name = "3200/0/5500";
	world->points[0][1] = (struct sensor_profile_point){
		.name = "battery", .type = WY_TYPE_INT, .poll = SENSOR_SLOW, .scale = 1,
		.path = "/all", .senml_name = "3411/0/1"};
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

/* ---- Blocks ------------------------------------------------------------------------------------------ */

static char *long_pack(size_t len)
{
	static const char tail[] = "{\"n\":\"3200/0/5500\",\"vb\":true}]";
	char *text = malloc(len + 1);

	assert_non_null(text);
	memset(text, ' ', len);
	text[0] = '[';
	memcpy(text + len - sizeof(tail) + 1, tail, sizeof(tail));
	return text;
}

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

/* ---- Observing ---------------------------------------------------------------------------------------- */

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

/* ---- Failing ------------------------------------------------------------------------------------------- */

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
	assert_true(real_ms() - began_ms < 300 + 3 * TIMEOUT_MS + 1500);
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
	assert_true(real_ms() - began_ms < 300 + 3000 + 1500);
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
	until(world, (world->skew_ms += 50, count(world, 0, WY_E_TIMEOUT) == 1));
	wy_ms first_ms = latest_report(world, 0)->at_ms;
	unsigned asked = world->fake[0].n_datagrams;
	until(world, (world->skew_ms += 50, count(world, 0, WY_E_TIMEOUT) == 2));
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

/* ---- Configuration ---------------------------------------------------------------------------------------- */

static enum wy_err try_new(struct world *world)
{
	static const uint32_t mine[] = {0};
	struct coap_field *field = NULL;
	enum wy_err err = coap_field_new(world->wire, world->device, mine, 1, &world->arena, 1, keep,
					 world, &world->diags, &field);

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

#define each(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(a_point_is_polled_once_per_period),
		each(points_on_one_path_share_one_request),
		each(a_refused_path_is_bad_and_the_device_is_heard),
		each(payloads_not_understood_are_bad),
		each(a_body_of_many_blocks_is_put_together),
		each(blocks_of_two_states_are_never_joined),
		each(an_endless_body_is_cut_at_the_ceiling),
		each(notifications_are_reported_at_once_and_spare_the_poll),
		each(an_observed_point_is_asked_when_no_notification_came),
		each(an_old_notification_is_acknowledged_and_ignored),
		cmocka_unit_test(order_wraps_at_24_bits_and_ends_after_128_seconds),
		each(a_server_that_forgot_us_is_registered_with_again),
		each(a_notification_nobody_asked_for_is_reset),
		each(an_error_notification_ends_the_observation),
		each(a_server_without_observe_is_polled),
		each(a_notification_of_many_blocks_makes_us_fetch_the_whole),
		each(a_silent_device_is_known_in_time_and_delays_no_other),
		each(a_silent_dtls_device_is_known_in_time_and_delays_no_other),
		each(failures_are_reported_at_most_once_per_period),
		each(a_closed_port_is_a_broken_link),
		each(a_reset_is_a_protocol_error),
		each(an_observation_is_made_anew_after_a_silence),
		each(datagrams_of_noise_are_survived),
		each(a_name_is_looked_up_and_each_of_its_addresses_tried),
		each(asking_brings_an_answer_without_spread),
		each(a_step_says_when_it_wants_to_be_called_again),
		each(unusable_devices_are_refused_with_words),
		each(a_small_arena_is_refused_at_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
