/* poller_test.c: the thread, its ring and the stop, against wires that are dead or refuse. What a live device says is tested
 * with the drivers; here nothing answers, and nobody waits for anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "poller.h"
#include "world.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"

enum { ARENA_BYTES = 8 * 1024 * 1024, ANSWER_MS = 3000, PATIENCE_MS = 60000 };

struct bench {
	struct world files;
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct config *config;
	struct clock clock;
	struct poller *poller;
	int deaf_fd; /* takes connections and never says a word */
	unsigned n[2];
	enum wy_err err[2];
};

static struct bench b;

static uint16_t listen_deaf(int *ret_fd)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	*ret_fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*ret_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(*ret_fd, 8), 0);
	assert_int_equal(getsockname(*ret_fd, (struct sockaddr *)&address, &len), 0);
	return ntohs(address.sin_port);
}

static void note(void *arg, const struct sensor_report *report)
{
	(void)arg;
	assert_true(report->device < 2);
	b.n[report->device]++;
	b.err[report->device] = report->err;
}

static int start(void **state)
{
	struct clock_past past = {0};
	char site[1000], path[200];
	uint16_t port;
	(void)state;

	memset(&b, 0, sizeof(b));
	world_make(&b.files, BUILDING);
	world_write(&b.files, "rules.yaml", "weiyu: rules/1\npackage: room\nrules: []\n");
	port = listen_deaf(&b.deaf_fd);
	snprintf(site, sizeof(site),
		 "weiyu: site/1\nsite: {id: one, name_zh: 一, name_en: One, profile: legacy}\nzone: Asia/Shanghai\n"
		 "wires:\n  - {id: deaf, kind: tcp, host: 127.0.0.1, port: %u}\n"
		 "  - {id: shut, kind: tcp, host: 127.0.0.1, port: 1}\n"
		 "devices:\n  - {id: d0, wire: deaf, profile: box, unit: 1, timeout: 3s}\n"
		 "  - {id: d1, wire: shut, profile: box, unit: 1}\n"
		 "assets:\n  - {id: A-1, class: room, name_zh: 一, name_en: One, place: {building: A}, device: d0}\n",
		 port);
	world_write(&b.files, "site.yaml", site);
	b.memory = malloc(ARENA_BYTES);
	assert_non_null(b.memory);
	wy_arena_init(&b.arena, b.memory, ARENA_BYTES);
	wy_diags_init(&b.diags, &b.arena);
	snprintf(path, sizeof(path), "%s/gateway.yaml", b.files.dir);
	assert_int_equal(config_load(path, &b.arena, &b.diags, &b.config), WY_OK);
	clock_set(&b.clock, &past, "test");
	assert_int_equal(poller_new(b.config, &b.clock, 7, &b.arena, &b.diags, &b.poller), WY_OK);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	poller_free(b.poller);
	close(b.deaf_fd);
	free(b.memory);
	world_remove(&b.files);
	return 0;
}

/* Until device d1 has reported n times. */
static void take_until(unsigned n)
{
	wy_ms end_ms = clock_boot() + PATIENCE_MS;

	while (b.n[1] < n && clock_boot() < end_ms) {
		struct pollfd fd = {.fd = poller_fd(b.poller), .events = POLLIN};
		(void)poll(&fd, 1, 1000);
		poller_take(b.poller, note, NULL);
	}
	assert_true(b.n[1] >= n);
}

static void a_deaf_wire_delays_no_other(void **state)
{
	wy_ms begun_ms = clock_boot();
	(void)state;

	assert_int_equal(poller_start(b.poller), WY_OK);
	take_until(1);
	assert_int_equal(b.err[1], WY_E_LINK);
	if (clock_boot() - begun_ms < ANSWER_MS)
		assert_int_equal(b.n[0], 0);
	take_until(3);
	wy_ms end_ms = clock_boot() + PATIENCE_MS;
	while (!b.n[0] && clock_boot() < end_ms) {
		usleep(20000);
		poller_take(b.poller, note, NULL);
	}
	assert_int_equal(b.err[0], WY_E_TIMEOUT);
}

static void it_stops_in_the_middle_of_an_answer_that_never_comes(void **state)
{
	(void)state;

	assert_int_equal(poller_start(b.poller), WY_OK);
	take_until(1); /* the other one is waiting for its answer, or about to */
	wy_ms begun_ms = clock_boot();
	poller_stop(b.poller);
	assert_true(clock_boot() - begun_ms < ANSWER_MS + 10000);
	poller_stop(b.poller); /* twice does no harm */
}

static void reports_nobody_takes_wait(void **state)
{
	wy_ms end_ms = clock_boot() + 400;
	(void)state;

	assert_int_equal(poller_start(b.poller), WY_OK);
	while (clock_boot() < end_ms)
		usleep(10000);
	take_until(2);
}

static void one_that_was_never_started_is_freed(void **state)
{
	(void)state;
	assert_true(poller_fd(b.poller) >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_deaf_wire_delays_no_other, start, stop),
		cmocka_unit_test_setup_teardown(it_stops_in_the_middle_of_an_answer_that_never_comes, start, stop),
		cmocka_unit_test_setup_teardown(reports_nobody_takes_wait, start, stop),
		cmocka_unit_test_setup_teardown(one_that_was_never_started_is_freed, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
