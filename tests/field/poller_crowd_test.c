/* The gateway's own field thread before 200 hosts, 60 of them black holes: what crowd_test.c shows of the driver in made
 * time holds for the thread in real time too. Generous by a whole period, since the machine may begin other things between the two
 * halves; one that waited for the black holes would be late by many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "estate.h"
#include "poller.h"

enum { HOSTS = 200, BLACK_HOLES = 60, PERIOD_MS = 1000, WARM_MS = 4000, WATCH_MS = 9000, SLACK_MS = 1000,
       ROUNDING_MS = 2 };
enum { ARENA_BYTES = 16 << 20 };

struct gateway {
	struct estate estate;
	struct config config;
	struct clock clock;
	struct poller *poller;
	struct scene_end end; /* reports wait */
	wy_ms shift_ms;	      /* from the gateway's time to the scene's */
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
};

static void take(void *arg, const struct sensor_report *report)
{
	struct gateway *gateway = arg;
	struct sensor_report copy = *report;

	copy.at_ms += gateway->shift_ms;
	copy.took_ms += ROUNDING_MS; /* of two clocks in whole milliseconds */
	estate_take(&gateway->estate, &copy);
}

static void take_all(struct scene_end *end)
{
	struct gateway *gateway = (struct gateway *)((char *)end - offsetof(struct gateway, end));

	poller_take(gateway->poller, take, gateway);
}

static void open_gateway(struct gateway *gateway)
{
	struct estate_conf conf = {.kind = LINE_TCP,
				   .n_wires = HOSTS,
				   .n_units = 1,
				   .of_all = ESTATE_TEN,
				   .period_ms = PERIOD_MS,
				   .timeout_ms = 500,
				   .takes_ms = 2,
				   .spread_ms = 2,
				   .seed = 4};
	struct clock_past past = {0};
	struct estate *e = &gateway->estate;

	estate_open(e, &conf);
	gateway->config.wires = e->wires;
	gateway->config.n_wires = HOSTS;
	gateway->config.devices = e->confs;
	gateway->config.n_devices = e->n_devices;
	gateway->memory = malloc(ARENA_BYTES);
	assert_non_null(gateway->memory);
	wy_arena_init(&gateway->arena, gateway->memory, ARENA_BYTES);
	wy_diags_init(&gateway->diags, &gateway->arena);
	clock_set(&gateway->clock, &past, "test");
	gateway->shift_ms = e->scene.now_ms - clock_mono(&gateway->clock);
	assert_int_equal(poller_new(&gateway->config, &gateway->clock, 4, &gateway->arena, &gateway->diags,
				    &gateway->poller),
			 WY_OK);
	gateway->end = (struct scene_end){poller_fd(gateway->poller), take_all};
	scene_watch(&e->scene, &gateway->end);
	assert_int_equal(poller_start(gateway->poller), WY_OK);
}

static void close_gateway(struct gateway *gateway)
{
	poller_stop(gateway->poller);
	scene_forget(&gateway->estate.scene, &gateway->end);
	poller_free(gateway->poller);
	estate_close(&gateway->estate);
	free(gateway->memory);
}

static void make_black_holes(struct estate *e)
{
	for (unsigned w = HOSTS - BLACK_HOLES; w < HOSTS; w++) {
		if (w % 2)
			line_bury(&e->lines[w]);
		else
			e->lines[w].is_dead = true;
	}
}

static void black_holes_do_not_stretch_the_period_of_others(void **state)
{
	static struct gateway gateway;
	struct estate *e = &gateway.estate;
	wy_ms p99[2];

	(void)state;
	open_gateway(&gateway);
	estate_play(e, WARM_MS);
	for (int has_holes = 0; has_holes < 2; has_holes++) {
		if (has_holes)
			make_black_holes(e);
		estate_forget_gaps(e);
		estate_play(e, WATCH_MS);
		p99[has_holes] = estate_gap(e, 0.99, 0, HOSTS - BLACK_HOLES);
		printf("gateway, %d hosts, %d of them black holes: period of the others p50 %lld ms, p99 %lld ms\n", HOSTS,
		       has_holes ? BLACK_HOLES : 0, (long long)estate_gap(e, 0.5, 0, HOSTS - BLACK_HOLES),
		       (long long)p99[has_holes]);
	}
	assert_true(p99[1] <= p99[0] + p99[0] / 10 + SLACK_MS);
	assert_int_equal(e->stale + e->corrupt + estate_writes(e), 0);
	for (size_t d = HOSTS - BLACK_HOLES; d < HOSTS; d++)
		assert_true(e->devices[d].failed_run > 0);
	close_gateway(&gateway);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(black_holes_do_not_stretch_the_period_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
