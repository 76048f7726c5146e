/* The TCP wire against a slave that misbehaves in every way we could think of. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <modbus/modbus.h> /* the library's own, for the saboteur */

#include "bench.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

enum { TIMEOUT_MS = 400 };

/* ---- One odd answer, then good ones ------------------------------- */

static void each_odd_answer_costs_one_poll_and_never_lies(void **state)
{
	static const struct {
		const char *what;
		struct fake_step step;
		enum wy_err expected;
		enum wy_why why; /* of the samples of that poll */
	} rows[] = {
		{"wrong transaction", {FAKE_WRONG_TRANSACTION, 0}, WY_E_PROTOCOL, WY_WHY_MISMATCH},
		{"wrong unit", {FAKE_WRONG_UNIT, 0}, WY_E_PROTOCOL, WY_WHY_MISMATCH},
		{"wrong protocol", {FAKE_WRONG_PROTOCOL, 0}, WY_E_PROTOCOL, WY_WHY_MISMATCH},
		{"length that lies", {FAKE_WRONG_LENGTH, 0}, WY_E_PROTOCOL, WY_WHY_MISMATCH},
		{"wrong function", {FAKE_WRONG_FUNCTION, 0}, WY_E_PROTOCOL, WY_WHY_MISMATCH},
		{"a register less", {FAKE_SHORT, 0}, WY_E_PROTOCOL, WY_WHY_MISMATCH},
		{"garbage", {FAKE_GARBAGE, 0}, WY_E_PROTOCOL, WY_WHY_MISMATCH},
		{"silence", {FAKE_SILENT, 0}, WY_E_TIMEOUT, WY_WHY_TIMEOUT},
		{"half an answer", {FAKE_TRUNCATED, 0}, WY_E_TIMEOUT, WY_WHY_TIMEOUT},
		{"late", {FAKE_LATE, TIMEOUT_MS * 3}, WY_E_TIMEOUT, WY_WHY_TIMEOUT},
		{"dripping", {FAKE_DRIP, 100}, WY_E_TIMEOUT, WY_WHY_TIMEOUT},
		{"gateway target", {FAKE_EXCEPTION, 11}, WY_E_TIMEOUT, WY_WHY_TIMEOUT},
		{"gateway path", {FAKE_EXCEPTION, 10}, WY_E_TIMEOUT, WY_WHY_TIMEOUT},
		{"busy", {FAKE_EXCEPTION, 6}, WY_E_EXCEPTION, WY_WHY_EXCEPTION},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fake_step steps[] = {{FAKE_ANSWER, 0}, rows[i].step};
		struct bench *b = bench_new(false, false, 10, TIMEOUT_MS, steps, 2);

		assert_int_equal(bench_poll(b), WY_OK);
		enum wy_err err = bench_poll(b);
		if (err != rows[i].expected || b->report.n != 10 ||
		    b->samples[0].quality != WY_Q_BAD || b->samples[9].why != rows[i].why)
			fail_msg("%s: %s, %u samples, why %s", rows[i].what, wy_err_text(err),
				 b->report.n, wy_why_text(b->samples[9].why));
		for (int k = 0; k < 3; k++)
			if (bench_poll(b) != WY_OK)
				fail_msg("%s: not good again", rows[i].what);
		assert_int_equal(b->wrong, 0);
		assert_int_equal(b->right, 40);
		bench_free(b);
	}
}

/* A server may be tired of a connection at any time, also just when it is asked. */
static void the_end_of_a_connection_that_stood_costs_no_poll(void **state)
{
	static const enum fake_act ends[] = {FAKE_CLOSE, FAKE_RESET};
	(void)state;

	for (size_t i = 0; i < COUNT(ends); i++) {
		struct fake_step steps[] = {{FAKE_ANSWER, 0}, {ends[i], 0}, {FAKE_ANSWER, 0}, {ends[i], 0}, {ends[i], 0}};
		struct bench *b = bench_new(false, false, 10, TIMEOUT_MS, steps, COUNT(steps));

		assert_int_equal(bench_poll(b), WY_OK);
		assert_int_equal(bench_poll(b), WY_OK);
		assert_int_equal(atomic_load(&b->slave.connections), 2);
		/* It is asked anew once, not for ever. */
		assert_int_equal(bench_poll(b), WY_E_LINK);
		assert_int_equal(b->samples[9].why, WY_WHY_LINK);
		assert_int_equal(bench_poll(b), WY_OK);
		assert_int_equal(b->wrong, 0);
		assert_int_equal(b->right, 30);
		bench_free(b);
	}
}

static void an_answer_sent_twice_is_used_once_at_most(void **state)
{
	static const struct fake_step steps[] = {{FAKE_TWICE, 0},
						 {FAKE_TWICE, 0},
						 {FAKE_TWICE_LATE, 1},
						 {FAKE_TWICE_LATE, 5},
						 {FAKE_TWICE_LATE, 10}};
	struct bench *b = bench_new(false, false, 10, TIMEOUT_MS, steps, COUNT(steps));

	(void)state;
	for (int k = 0; k < 20; k++) {
		enum wy_err err = bench_poll(b);
		assert_true(err == WY_OK || err == WY_E_PROTOCOL);
	}
	assert_int_equal(b->wrong, 0);
	assert_true(b->right >= 100);
	bench_free(b);
}

/* ---- Late answers ------------------------------------------------- */

static const double lateness[] = {0.5, 0.7, 0.9, 1.0, 1.1, 1.3, 1.6, 2.0, 2.4, 3.0, 5.0};

static void late_reply_is_never_taken_for_the_next_request(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lateness); i++) {
		struct fake_step steps[] = {{FAKE_ANSWER, 0},
					    {FAKE_LATE, (unsigned)(lateness[i] * TIMEOUT_MS)}};
		struct bench *b = bench_new(false, false, 10, TIMEOUT_MS, steps, 2);

		for (int k = 0; k < 12; k++)
			(void)bench_poll(b);
		assert_int_equal(b->wrong, 0);
		assert_true(b->right >= 110); /* one poll lost */
		bench_free(b);
	}
}

/* The same slave and plain libmodbus: with a wrong unit it must be fooled, or this file sees
 * nothing. */
static void plain_libmodbus_is_fooled_by_the_same_slave(void **state)
{
	static const struct fake_step steps[] = {
		{FAKE_WRONG_UNIT, 0}, {FAKE_WRONG_LENGTH, 0}, {FAKE_WRONG_PROTOCOL, 0}};
	struct fake_slave slave = {0};
	unsigned fooled = 0;

	(void)state;
	assert_int_equal(fake_start_tcp(&slave, BENCH_UNIT, steps, COUNT(steps)), 0);
	modbus_t *modbus = modbus_new_tcp("127.0.0.1", slave.port);
	assert_non_null(modbus);
	modbus_set_slave(modbus, BENCH_UNIT);
	assert_int_equal(modbus_connect(modbus), 0);
	for (size_t i = 0; i < COUNT(steps); i++) {
		uint16_t words[10];
		fooled += modbus_read_registers(modbus, 0, 10, words) == 10;
	}
	assert_true(fooled >= 2);
	modbus_close(modbus);
	modbus_free(modbus);
	fake_stop(&slave);
}

/* Seeded mixture; whatever the machine's speed, no accepted value may be another request's. */
static void no_wrong_value_in_a_long_mixture(void **state)
{
	enum { REQUESTS = 4000, SOAK_TIMEOUT_MS = 40 };
	static const enum fake_act acts[] = {FAKE_LATE,
					     FAKE_SILENT,
					     FAKE_TWICE,
					     FAKE_TWICE_LATE,
					     FAKE_TRUNCATED,
					     FAKE_WRONG_UNIT,
					     FAKE_WRONG_TRANSACTION,
					     FAKE_SHORT,
					     FAKE_GARBAGE,
					     FAKE_CLOSE,
					     FAKE_RESET};
	struct fake_step *steps = calloc(REQUESTS, sizeof(*steps));
	uint32_t seed = 7;

	(void)state;
	assert_non_null(steps);
	for (unsigned i = 0; i < REQUESTS; i++) {
		seed = seed * 1664525u + 1013904223u;
		if ((seed >> 8) % 100 >= 3)
			continue;
		steps[i].act = acts[(seed >> 16) % COUNT(acts)];
		steps[i].ms = SOAK_TIMEOUT_MS / 2 + (seed >> 20) % (SOAK_TIMEOUT_MS * 9 / 2);
	}
	struct bench *b = bench_new(false, false, 10, SOAK_TIMEOUT_MS, steps, REQUESTS);
	for (unsigned i = 0; i < REQUESTS; i++)
		(void)bench_poll(b);
	assert_int_equal(b->wrong, 0);
	assert_true(b->right > REQUESTS * 5);
	assert_int_equal(atomic_load(&b->slave.writes), 0);
	bench_free(b);
	free(steps);
}

/* ---- Time --------------------------------------------------------- */

static void a_dripping_answer_holds_the_wire_no_longer_than_its_timeout(void **state)
{
	static const struct fake_step steps[] = {{FAKE_DRIP, 200}}; /* 29 bytes: 5.8 s */
	struct bench *b = bench_new(false, false, 10, 400, steps, 1);
	int64_t start = fake_now_ms(NULL);

	(void)state;
	assert_int_equal(bench_poll(b), WY_E_TIMEOUT);
	int64_t took = fake_now_ms(NULL) - start;
	assert_true(took >= 390);
	assert_true(took < 2500); /* far from 5.8 s, however slow the machine */
	bench_free(b);
}

static void requests_keep_their_distance(void **state)
{
	struct bench *b = bench_new(false, false, 10, 500, NULL, 0);
	int64_t start = fake_now_ms(NULL);

	(void)state;
	b->profile.min_interval_ms = 50;
	b->profile.max_registers = 2; /* five reads */
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(b->report.n, 10);
	assert_int_equal(atomic_load(&b->slave.requests), 5);
	assert_true(fake_now_ms(NULL) - start >= 4 * 50);
	assert_int_equal(b->wrong, 0);
	bench_free(b);
}

/* Whatever the device does, a step comes back at once: there is nothing to wait for in it. */
static void no_step_waits_for_a_device(void **state)
{
	static const struct fake_step steps[] = {{FAKE_SILENT, 0}};
	struct bench *b = bench_new(false, false, 10, 60000, steps, 1);

	(void)state;
	assert_int_equal(bench_open(b), WY_OK);
	assert_int_equal(sensor_driver_modbus.ask(b->field, 0), WY_OK);
	int64_t begun = fake_now_ms(NULL);
	while (!atomic_load(&b->slave.requests) && fake_now_ms(NULL) - begun < 20000)
		(void)sensor_driver_modbus.step(b->field, fake_now_ms(NULL));
	assert_int_equal(atomic_load(&b->slave.requests), 1);
	begun = fake_now_ms(NULL);
	for (int i = 0; i < 100; i++)
		(void)sensor_driver_modbus.step(b->field, fake_now_ms(NULL));
	assert_true(fake_now_ms(NULL) - begun < 30000); /* a hundred timeouts would be 6000 s */
	assert_int_equal(b->n_reports, 0);
	bench_free(b);
}

/* ---- Exceptions --------------------------------------------------- */

static void a_refused_block_is_left_alone_for_a_minute(void **state)
{
	static const struct fake_step steps[] = {{FAKE_EXCEPTION, 2}};
	struct bench *b = bench_new(false, false, 2, 1000, steps, 1);

	(void)state;
	b->points[1].address = 50; /* two blocks: 0 is refused, 50 is not */
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(b->report.exception, 2);
	assert_int_equal(b->report.n, 2);
	assert_int_equal(bench_sample(b, 0)->why, WY_WHY_EXCEPTION);
	assert_int_equal(bench_sample(b, 1)->quality, WY_Q_GOOD);
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(atomic_load(&b->slave.requests), 3); /* only the good block was asked */
	assert_int_equal(bench_sample(b, 0)->why, WY_WHY_EXCEPTION);
	assert_int_equal(b->report.exception, 2);
	b->skew_ms = 61000;
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(atomic_load(&b->slave.requests), 5);
	assert_int_equal(bench_sample(b, 0)->quality, WY_Q_GOOD);
	assert_int_equal(b->report.exception, 0);
	bench_free(b);
}

/* A read of ten registers of which one is refused: the other nine are there, in that very poll. */
static void a_refused_register_costs_no_other(void **state)
{
	struct bench *b = bench_new(false, false, 10, 1000, NULL, 0);

	(void)state;
	b->slave.refused = 6;
	for (int k = 0; k < 3; k++) {
		assert_int_equal(bench_poll(b), WY_OK);
		assert_int_equal(b->report.n, 10);
		for (uint32_t i = 0; i < 10; i++)
			assert_int_equal(b->samples[i].quality, b->samples[i].point == 6 ? WY_Q_BAD : WY_Q_GOOD);
	}
	unsigned before = atomic_load(&b->slave.requests);
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(atomic_load(&b->slave.requests), before + 2); /* around it, and no longer looking for it */
	assert_int_equal(b->wrong, 0);
	bench_free(b);
}

/* What is found out is handed over as text, and taken up by the next life. */
static void what_was_learned_outlives_the_program(void **state)
{
	struct bench *b = bench_new(false, false, 10, 1000, NULL, 0);
	char text[WY_LEARNED_BYTES_MAX] = "";

	(void)state;
	b->slave.refused = 6;
	assert_int_equal(bench_poll(b), WY_OK);
	assert_string_equal(b->learned, ""); /* once may have been an accident */
	b->skew_ms = 61000;
	assert_int_equal(bench_poll(b), WY_OK);
	assert_string_not_equal(b->learned, "");
	memcpy(text, b->learned, sizeof(text));
	bench_close(b);
	b->device.learned = text;
	unsigned before = atomic_load(&b->slave.requests);
	assert_int_equal(bench_poll(b), WY_OK);
	assert_in_range(atomic_load(&b->slave.requests) - before, 2, 3);
	assert_int_equal(bench_sample(b, 0)->quality, WY_Q_GOOD);
	bench_free(b);
}

/* Many slaves say nothing to registers they do not have. */
static void a_device_silent_about_one_block_is_not_silent(void **state)
{
	enum { POLLS = 5 };
	static const struct fake_step steps[] = {
		{FAKE_ANSWER, 0}, {FAKE_SILENT, 0}, {FAKE_ANSWER, 0},
		{FAKE_SILENT, 0}, {FAKE_ANSWER, 0}, {FAKE_SILENT, 0},
		{FAKE_ANSWER, 0}, {FAKE_ANSWER, 0}, {FAKE_SILENT, 0}};
	struct bench *b = bench_new(false, false, 2, TIMEOUT_MS, steps, COUNT(steps));

	(void)state;
	b->points[1].address = 50; /* is never answered */
	for (unsigned i = 0; i < POLLS; i++) {
		assert_int_equal(bench_poll(b), WY_OK);
		assert_int_equal(b->report.n, 2);
		assert_int_equal(bench_sample(b, 0)->quality, WY_Q_GOOD);
		assert_int_equal(bench_sample(b, 1)->why, WY_WHY_TIMEOUT);
	}
	assert_int_equal(atomic_load(&b->slave.requests), 8); /* left alone after three times */
	assert_int_equal(bench_poll(b), WY_E_TIMEOUT);	      /* and so is missed when it dies */
	assert_int_equal(b->wrong, 0);
	bench_free(b);
}

static void a_device_that_refuses_everything_is_still_asked(void **state)
{
	static const struct fake_step steps[] = {
		{FAKE_EXCEPTION, 1}, {FAKE_EXCEPTION, 1}, {FAKE_SILENT, 0}};
	struct bench *b = bench_new(false, false, 4, TIMEOUT_MS, steps, 3);

	(void)state;
	assert_int_equal(bench_poll(b), WY_E_EXCEPTION);
	assert_int_equal(bench_poll(b), WY_E_EXCEPTION);
	assert_int_equal(atomic_load(&b->slave.requests), 2);
	assert_int_equal(bench_poll(b), WY_E_TIMEOUT); /* and so is missed when it dies */
	bench_free(b);
}

/* ---- The connection ----------------------------------------------- */

static void nobody_listening_is_no_connection(void **state)
{
	struct bench *b = bench_new(false, false, 4, TIMEOUT_MS, NULL, 0);

	(void)state;
	b->conf.port = 1;
	assert_int_equal(bench_poll(b), WY_E_LINK);
	assert_int_equal(b->report.n, 0);
	bench_close(b);
	b->conf.port = b->slave.port;
	assert_int_equal(bench_poll(b), WY_OK);
	bench_close(b);
	b->conf.host = "localhost"; /* a name works too */
	assert_int_equal(bench_poll(b), WY_OK);
	bench_free(b);
}

/* The linker puts this in the place of libc's: a look-up that goes on as long as the test wants. */
static bool is_name_server_dead;

int __real_gai_error(struct gaicb *request);
int __wrap_gai_error(struct gaicb *request);

int __wrap_gai_error(struct gaicb *request)
{
	return is_name_server_dead ? EAI_INPROGRESS : __real_gai_error(request);
}

static void a_name_nobody_answers_for_is_told_in_time_and_found_later(void **state)
{
	struct bench *b = bench_new(false, false, 4, TIMEOUT_MS, NULL, 0);
	(void)state;

	b->conf.host = "localhost";
	b->conf.connect_ms = 300;
	is_name_server_dead = true;
	int64_t begun = fake_now_ms(NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bench_poll(b), WY_E_TIMEOUT);
		assert_non_null(b->report.words);
	}
	assert_in_range(fake_now_ms(NULL) - begun, 600, 30000);
	is_name_server_dead = false;
	b->conf.connect_ms = 10000;
	assert_int_equal(bench_poll(b), WY_OK);
	assert_null(b->report.words);
	bench_free(b);
}

static void a_closed_idle_connection_costs_no_poll(void **state)
{
	struct bench *b = bench_new(false, false, 4, 1000, NULL, 0);

	(void)state;
	assert_int_equal(bench_poll(b), WY_OK);
	struct bench *other = bench_new(false, false, 4, 1000, NULL, 0);
	other->conf.port =
		b->slave.port; /* the slave takes one client: this one throws the first out */
	assert_int_equal(bench_poll(other), WY_OK);
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(atomic_load(&b->slave.connections), 3);
	bench_free(other);
	bench_free(b);
}

/* Some servers end their connection behind every answer, and one may end between two reads of a poll at any time. */
static void a_connection_that_ends_between_two_blocks_costs_none(void **state)
{
	static const struct fake_step steps[] = {{FAKE_ANSWER, 0}, {FAKE_CLOSE, 0}, {FAKE_ANSWER, 0},
						 {FAKE_CLOSE, 0},  {FAKE_ANSWER, 0}, {FAKE_CLOSE, 0},
						 {FAKE_CLOSE, 0}};
	struct bench *b = bench_new(false, false, 3, TIMEOUT_MS, steps, COUNT(steps));
	(void)state;

	b->profile.max_registers = 1;
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(b->right, 3);
	/* Asked anew once for each answer, not for ever. */
	assert_int_equal(bench_poll(b), WY_E_LINK);
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(b->wrong, 0);
	bench_free(b);
}

/* Who answered a part is not offline because nobody lets us in again afterwards, when nothing is left to ask. */
static void a_poll_whose_last_block_is_lost_makes_no_connection_for_it(void **state)
{
	static const struct fake_step steps[] = {{FAKE_ANSWER, 0}, {FAKE_SILENT, 0}};
	struct bench *b = bench_new(false, false, 2, TIMEOUT_MS, steps, COUNT(steps));
	(void)state;

	b->points[1].address = 50;
	assert_int_equal(bench_poll(b), WY_OK);
	usleep(300000); /* for the slave to take what came */
	assert_int_equal(atomic_load(&b->slave.connections), 1);
	assert_int_equal(bench_sample(b, 1)->why, WY_WHY_TIMEOUT);
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(bench_sample(b, 1)->quality, WY_Q_GOOD);
	bench_free(b);
}

/* One request answered, and from then on nobody gets in. */
static unsigned turn_away(int listen_fd, bool *has_answered)
{
	uint8_t frame[12] = {0};
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return 0;
	if (!*has_answered && recv(fd, frame, sizeof(frame), MSG_WAITALL) == (ssize_t)sizeof(frame)) {
		const uint8_t answer[] = {frame[0], frame[1], 0, 0, 0, 5, frame[6], frame[7], 2, 0, 7};
		*has_answered = send(fd, answer, sizeof(answer), MSG_NOSIGNAL) == (ssize_t)sizeof(answer);
	}
	close(fd);
	return 1;
}

static void a_server_that_turns_us_away_is_not_run_down_during_a_pause(void **state)
{
	struct bench *b = bench_new(false, false, 2, TIMEOUT_MS, NULL, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	bool has_answered = false;
	unsigned connections = 0;
	(void)state;

	int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listen_fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listen_fd, 8), 0);
	assert_int_equal(getsockname(listen_fd, (struct sockaddr *)&address, &len), 0);
	b->conf.port = ntohs(address.sin_port);
	b->profile.max_registers = 1;
	b->profile.min_interval_ms = 500;
	assert_int_equal(bench_open(b), WY_OK);
	assert_int_equal(sensor_driver_modbus.ask(b->field, 0), WY_OK);
	int64_t begun = fake_now_ms(NULL);
	while (!b->n_reports && fake_now_ms(NULL) - begun < 20000) {
		(void)sensor_driver_modbus.step(b->field, fake_now_ms(NULL));
		connections += turn_away(listen_fd, &has_answered);
	}
	assert_true(has_answered);
	assert_int_equal(b->n_reports, 1);
	assert_int_equal(bench_sample(b, 0)->whole, 7);
	assert_in_range(connections, 2, 4);
	close(listen_fd);
	bench_free(b);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 2048; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* libmodbus aborts the process on such a descriptor; so it must never see it, and devices above it are read all the same. */
static void descriptors_above_1023_are_read_and_never_reach_libmodbus(void **state)
{
	struct rlimit limit;
	int held[1100];
	int n = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 1200)
		skip();
	limit.rlim_cur = 1200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	struct bench *tcp = bench_new(false, false, 4, 1000, NULL, 0);
	struct bench *rtu = bench_new(true, false, 4, 1000, NULL, 0);
	struct bench *late = bench_new(false, false, 4, 1000, NULL, 0);
	assert_int_equal(bench_open(tcp), WY_OK);
	assert_int_equal(bench_open(rtu), WY_OK);
	do {
		held[n] = dup(tcp->slave.wake[0]);
	} while (held[n++] < WY_FD_MODBUS_MAX);
	assert_int_equal(bench_poll(tcp), WY_OK);
	assert_int_equal(bench_poll(rtu), WY_OK);
	int before = open_fds();
	assert_int_equal(bench_open(late), WY_E_LIMIT); /* nothing low is left for the codec */
	assert_int_equal(open_fds(), before);
	while (n > 0)
		close(held[--n]);
	assert_int_equal(bench_poll(late), WY_OK);
	bench_free(late);
	bench_free(rtu);
	bench_free(tcp);
}

static void a_device_of_somebody_else_is_not_served(void **state)
{
	struct bench *b = bench_new(false, false, 4, 1000, NULL, 0);

	(void)state;
	assert_int_equal(bench_open(b), WY_OK);
	assert_int_equal(sensor_driver_modbus.ask(b->field, 9), WY_E_NOTFOUND);
	assert_int_equal(sensor_driver_modbus.frames(b->field, 9, NULL, 0), 0);
	bench_close(b);
	sensor_driver_modbus.close(NULL);
	bench_free(b);
}

static void memory_running_out_while_opening_is_an_error(void **state)
{
	static const uint32_t mine[] = {0};
	struct bench *b = bench_new(false, false, 4, 1000, NULL, 0);
	int before = open_fds();
	enum wy_err err = WY_E_NOMEM;
	unsigned failures = 0;

	(void)state;
	for (size_t room = 0; err; room += 64) {
		struct sensor_field_parts parts = {
			.wires = &b->conf, .devices = &b->device, .mine = mine, .n_mine = 1, .arena = &b->arena};
		void *field = NULL;
		wy_arena_init(&b->arena, b->memory, room);
		err = sensor_driver_modbus.open(&parts, &field);
		assert_true(err == WY_OK || err == WY_E_NOMEM);
		failures += err != WY_OK;
		sensor_driver_modbus.close(field);
		assert_int_equal(open_fds(), before);
	}
	assert_true(failures >= 3);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_odd_answer_costs_one_poll_and_never_lies),
		cmocka_unit_test(the_end_of_a_connection_that_stood_costs_no_poll),
		cmocka_unit_test(an_answer_sent_twice_is_used_once_at_most),
		cmocka_unit_test(late_reply_is_never_taken_for_the_next_request),
		cmocka_unit_test(plain_libmodbus_is_fooled_by_the_same_slave),
		cmocka_unit_test(no_wrong_value_in_a_long_mixture),
		cmocka_unit_test(a_dripping_answer_holds_the_wire_no_longer_than_its_timeout),
		cmocka_unit_test(requests_keep_their_distance),
		cmocka_unit_test(no_step_waits_for_a_device),
		cmocka_unit_test(a_refused_block_is_left_alone_for_a_minute),
		cmocka_unit_test(a_refused_register_costs_no_other),
		cmocka_unit_test(what_was_learned_outlives_the_program),
		cmocka_unit_test(a_device_silent_about_one_block_is_not_silent),
		cmocka_unit_test(a_device_that_refuses_everything_is_still_asked),
		cmocka_unit_test(nobody_listening_is_no_connection),
		cmocka_unit_test(a_name_nobody_answers_for_is_told_in_time_and_found_later),
		cmocka_unit_test(a_closed_idle_connection_costs_no_poll),
		cmocka_unit_test(a_connection_that_ends_between_two_blocks_costs_none),
		cmocka_unit_test(a_poll_whose_last_block_is_lost_makes_no_connection_for_it),
		cmocka_unit_test(a_server_that_turns_us_away_is_not_run_down_during_a_pause),
		cmocka_unit_test(descriptors_above_1023_are_read_and_never_reach_libmodbus),
		cmocka_unit_test(a_device_of_somebody_else_is_not_served),
		cmocka_unit_test(memory_running_out_while_opening_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
