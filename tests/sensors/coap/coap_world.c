/* coap_world.c: see coap_world.h. */
#include "coap_world.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

void keep(void *arg, const struct sensor_report *report)
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

wy_ms real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (wy_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

wy_ms turn(struct world *world)
{
	struct pollfd wait = {.fd = coap_field_fd(world->field), .events = POLLIN};
	wy_ms next_ms = coap_field_step(world->field, real_ms() + world->skew_ms);

	poll(&wait, 1, 5);
	for (size_t i = 0; i < DEVICES; i++)
		fake_serve(&world->fake[i]);
	return next_ms;
}

void pass(struct world *world, wy_ms span_ms)
{
	wy_ms end_ms = real_ms() + span_ms;

	while (real_ms() < end_ms)
		turn(world);
}

const struct wy_sample *latest(const struct world *world, uint32_t device, uint32_t point)
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

bool has_value(const struct world *world, uint32_t device, uint32_t point, int64_t whole)
{
	const struct wy_sample *sample = latest(world, device, point);

	return sample && sample->quality == WY_Q_GOOD && sample->whole == whole;
}

bool has_why(const struct world *world, uint32_t device, uint32_t point, enum wy_why why)
{
	const struct wy_sample *sample = latest(world, device, point);

	return sample && sample->quality == WY_Q_BAD && sample->why == why;
}

size_t count(const struct world *world, uint32_t device, enum wy_err err)
{
	size_t n = 0;

	for (size_t i = 0; i < world->n_kept; i++)
		n += world->kept[i].report.device == device && world->kept[i].report.err == err;
	return n;
}

const struct sensor_report *latest_report(const struct world *world, uint32_t device)
{
	for (size_t i = world->n_kept; i-- > 0;)
		if (world->kept[i].report.device == device)
			return &world->kept[i].report;
	return NULL;
}

int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->memory = calloc(1, 2 << 20);
	assert_non_null(world->memory);
	wy_arena_init(&world->arena, world->memory, 2 << 20);
	wy_diags_init(&world->diags, &world->arena);
	for (size_t i = 0; i < DEVICES; i++) {
		fake_open(&world->fake[i]);
		world->points[i][0] = (struct sensor_profile_point){.name = "leak",
								    .type = WY_TYPE_BOOL,
								    .poll = SENSOR_FAST,
								    .scale = 1,
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

void begin(struct world *world, size_t n)
{
	static const uint32_t mine[] = {0, 1};

	assert_int_equal(coap_field_new(world->wire, world->device, mine, n, &world->arena, 42,
					keep, world, &world->diags, &world->field),
			 WY_OK);
	assert_true(coap_field_fd(world->field) >= 0);
}

int tear_down(void **state)
{
	struct world *world = *state;

	coap_field_free(world->field);
	for (size_t i = 0; i < DEVICES; i++)
		fake_close(&world->fake[i]);
	free(world->memory);
	free(world);
	return 0;
}

void observe(struct world *world, uint32_t device, enum sensor_poll_class poll)
{
	world->points[device][0].is_observed = true;
	world->points[device][0].poll = poll;
	world->fake[device].resource[0].is_observable = true;
	world->fake[device].resource[0].max_age_s = 100;
}

char *long_pack(size_t len)
{
	static const char tail[] = "{\"n\":\"3200/0/5500\",\"vb\":true}]";
	char *text = malloc(len + 1);

	assert_non_null(text);
	memset(text, ' ', len);
	text[0] = '[';
	memcpy(text + len - sizeof(tail) + 1, tail, sizeof(tail));
	return text;
}
