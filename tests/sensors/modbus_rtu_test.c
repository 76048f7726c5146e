/* The serial wire: no transaction numbers, so every late answer could be taken for another. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <modbus/modbus.h> /* the library's own, for the saboteur */

#include "bench.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

enum { TIMEOUT_MS = 250, DOUBT_MS = 6 * TIMEOUT_MS + 500 };

static const double lateness[] = {0.7, 1.0, 1.2, 1.6, 2.0, 2.4, 3.5, 5.0};

/* ---- Late answers ------------------------------------------------- */

/* Poll without pause until well after the late answer; the slave answers other requests meanwhile.
 */
static void poll_through(struct bench *b)
{
	int64_t end = fake_now_ms(NULL) + 8 * TIMEOUT_MS;

	while (fake_now_ms(NULL) < end)
		(void)bench_poll(b);
}

static const struct shape {
	bool is_bits;
	unsigned n, max_gap, max_count;
} shapes[] = {
	{false, 10, 0, 0}, /* read as two times nine while in doubt */
	{false, 1, 0, 0},  /* no other shape: not read while in doubt */
	{false, 1, 4, 0},  /* two registers while in doubt */
	{false, 1, 4, 1},  /* the same, which this slave refuses */
	{true, 8, 0, 0},   {true, 16, 0, 0},
};

struct trial {
	const struct shape *shape;
	double lateness;
	pthread_t thread;
	unsigned wrong, right;
};

static void *try_one(void *arg)
{
	struct trial *trial = arg;
	const struct shape *shape = trial->shape;
	struct fake_step steps[] = {{FAKE_ANSWER, 0},
				    {FAKE_LATE, (unsigned)(trial->lateness * TIMEOUT_MS)}};
	struct bench *b = bench_new(true, shape->is_bits, shape->n, TIMEOUT_MS, steps, 2);

	b->profile.max_gap = (uint16_t)shape->max_gap;
	b->profile.min_interval_ms = 1; /* the trials share two processors */
	b->slave.max_count = shape->max_count;
	b->slave.latest_ms = (unsigned)(5.5 * TIMEOUT_MS);
	poll_through(b);
	trial->wrong = b->wrong;
	trial->right = b->right;
	bench_free(b);
	return NULL;
}

/* All latenesses of a shape at once: each waits most of its time. */
static void late_reply_is_never_taken_for_the_next_request(void **state)
{
	(void)state;
	for (size_t s = 0; s < COUNT(shapes); s++) {
		struct trial trials[COUNT(lateness)];
		for (size_t i = 0; i < COUNT(lateness); i++) {
			trials[i] = (struct trial){.shape = &shapes[s], .lateness = lateness[i]};
			assert_int_equal(
				pthread_create(&trials[i].thread, NULL, try_one, &trials[i]), 0);
		}
		for (size_t i = 0; i < COUNT(lateness); i++)
			pthread_join(trials[i].thread, NULL);
		for (size_t i = 0; i < COUNT(lateness); i++)
			if (trials[i].wrong || trials[i].right < 2 * shapes[s].n)
				fail_msg("shape %zu, %.1f timeouts late: %u wrong, %u right", s,
					 lateness[i], trials[i].wrong, trials[i].right);
	}
}

/* Plain libmodbus in the same place, with and without its flush: it must be fooled, or this file
 * sees nothing. */
static void plain_libmodbus_is_fooled_by_the_same_slave(void **state)
{
	(void)state;
	for (int with_flush = 0; with_flush < 2; with_flush++) {
		static const struct fake_step steps[] = {{FAKE_ANSWER, 0},
							 {FAKE_LATE, TIMEOUT_MS * 13 / 10},
							 {FAKE_LATE, TIMEOUT_MS * 5 / 2}};
		struct fake_slave slave = {0};
		unsigned wrong = 0;

		assert_int_equal(fake_start_pty(&slave, BENCH_UNIT, steps, COUNT(steps)), 0);
		modbus_t *modbus = modbus_new_rtu(slave.tty, 115200, 'N', 8, 1);
		assert_non_null(modbus);
		modbus_set_slave(modbus, BENCH_UNIT);
		modbus_set_response_timeout(modbus, 0, TIMEOUT_MS * 1000);
		assert_int_equal(modbus_connect(modbus), 0);
		for (unsigned k = 1; k <= 12; k++) {
			uint16_t word;
			if (with_flush)
				modbus_flush(modbus);
			if (modbus_read_registers(modbus, 0, 1, &word) == 1)
				wrong += word != fake_value(0, k);
		}
		assert_true(wrong > 0);
		modbus_close(modbus);
		modbus_free(modbus);
		fake_stop(&slave);
	}
}

/* Asked for it again while its lost answer may still come, another shape of the last block must not stand in for a text. */
static void a_text_in_doubt_is_left_out_and_spoils_no_value(void **state)
{
	static const struct fake_step steps[] = {{FAKE_ANSWER, 0}, {FAKE_SILENT, 0}};
	struct bench *b = bench_new(true, false, 5, TIMEOUT_MS, steps, 2);
	(void)state;

	b->points[4] = (struct sensor_profile_point){.name = "version",
						     .area = SENSOR_HOLDING,
						     .encoding = SENSOR_TEXT,
						     .address = 1000,
						     .n_text = 10};
	for (int k = 0; k < 2; k++) {
		assert_int_equal(bench_poll(b), WY_OK);
		assert_int_equal(b->report.n, 4);
		assert_int_equal(b->report.n_texts, 0);
		assert_int_equal(b->unusable, 0);
	}
	assert_int_equal(atomic_load(&b->slave.requests), 3);
	b->skew_ms = DOUBT_MS;
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(b->report.n_texts, 1);
	assert_int_equal(b->wrong, 0);
	bench_free(b);
}

/* A gateway that was stopped between request and answer, or another program on the line: their answer is not ours. */
static void the_answer_to_another_life_is_not_taken(void **state)
{
	static const struct fake_step steps[] = {{FAKE_LATE, TIMEOUT_MS / 2}, {FAKE_LATE, TIMEOUT_MS * 4 / 5}};
	struct bench *b = bench_new(true, false, 10, TIMEOUT_MS, steps, 2);
	(void)state;

	assert_int_equal(bench_open(b), WY_OK);
	assert_int_equal(sensor_driver_modbus.ask(b->field, 0), WY_OK);
	int64_t begun = fake_now_ms(NULL);
	while (!atomic_load(&b->slave.requests) && fake_now_ms(NULL) - begun < 20000)
		(void)sensor_driver_modbus.step(b->field, fake_now_ms(NULL));
	assert_int_equal(b->n_reports, 0);
	bench_close(b);
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(b->wrong, 0);
	assert_int_equal(b->right, 10);
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(b->wrong, 0);
	bench_free(b);
}

static void one_slow_answer_does_not_blind_the_next_polls(void **state)
{
	static const struct fake_step steps[] = {{FAKE_ANSWER, 0}, {FAKE_LATE, TIMEOUT_MS * 3 / 2}};
	struct bench *b = bench_new(true, false, 10, TIMEOUT_MS, steps, 2);

	(void)state;
	b->slave.latest_ms = (unsigned)(5.5 * TIMEOUT_MS);
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(bench_poll(b), WY_E_TIMEOUT);
	assert_int_equal(b->samples[0].why, WY_WHY_TIMEOUT);
	assert_int_equal(bench_poll(b), WY_OK); /* after the silence, at once */
	assert_int_equal(b->report.n, 10);
	assert_int_equal(b->samples[9].quality, WY_Q_GOOD);
	assert_int_equal(b->wrong, 0);
	bench_free(b);
}

static void without_another_shape_the_point_is_suspect_until_the_answer_cannot_come(void **state)
{
	static const struct fake_step steps[] = {{FAKE_ANSWER, 0}, {FAKE_SILENT, 0}};
	struct bench *b = bench_new(true, false, 1, TIMEOUT_MS, steps, 2);
	unsigned asked;

	(void)state;
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(bench_poll(b), WY_E_TIMEOUT);
	asked = atomic_load(&b->slave.requests);
	assert_int_equal(bench_poll(b), WY_E_TIMEOUT);
	assert_int_equal(b->samples[0].quality, WY_Q_BAD);
	assert_int_equal(b->samples[0].why, WY_WHY_SUSPECT);
	assert_int_equal(atomic_load(&b->slave.requests), asked); /* nothing was sent */
	usleep(DOUBT_MS * 1000);
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(b->wrong, 0);
	bench_free(b);
}

/* ---- Odd answers -------------------------------------------------- */

static void each_odd_answer_is_refused_and_the_line_recovers(void **state)
{
	static const struct {
		const char *what;
		struct fake_step step;
		enum wy_err expected;
	} rows[] = {
		{"wrong unit", {FAKE_WRONG_UNIT, 0}, WY_E_PROTOCOL},
		{"wrong function", {FAKE_WRONG_FUNCTION, 0}, WY_E_PROTOCOL},
		{"a register less", {FAKE_SHORT, 0}, WY_E_PROTOCOL},
		{"bad CRC", {FAKE_BAD_CRC, 0}, WY_E_PROTOCOL},
		{"garbage", {FAKE_GARBAGE, 0}, WY_E_PROTOCOL},
		{"silence", {FAKE_SILENT, 0}, WY_E_TIMEOUT},
		{"half an answer", {FAKE_TRUNCATED, 0}, WY_E_TIMEOUT},
		{"dripping", {FAKE_DRIP, 40}, WY_E_TIMEOUT},
		{"gateway target", {FAKE_EXCEPTION, 11}, WY_E_TIMEOUT},
		{"busy", {FAKE_EXCEPTION, 6}, WY_E_EXCEPTION},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fake_step steps[] = {{FAKE_ANSWER, 0}, rows[i].step};
		struct bench *b = bench_new(true, false, 10, TIMEOUT_MS, steps, 2);

		assert_int_equal(bench_poll(b), WY_OK);
		enum wy_err err = bench_poll(b);
		if (err != rows[i].expected)
			fail_msg("%s: %s", rows[i].what, wy_err_text(err));
		int64_t end = fake_now_ms(NULL) + 20000;
		while (bench_poll(b) != WY_OK || b->samples[0].quality != WY_Q_GOOD)
			assert_true(fake_now_ms(NULL) < end);
		assert_int_equal(b->wrong, 0);
		bench_free(b);
	}
}

static void an_adapter_that_hears_itself_is_seen_through(void **state)
{
	static const unsigned sizes[] = {1, 10};
	(void)state;

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct bench *b = bench_new(true, false, sizes[i], 1000, NULL, 0);
		b->slave.echoes = true;
		b->conf.has_echo = true;
		for (int k = 0; k < 5; k++)
			assert_int_equal(bench_poll(b), WY_OK);
		assert_int_equal(b->wrong, 0);
		assert_int_equal(b->right, 5 * sizes[i]);
		bench_free(b);
	}
}

static void an_adapter_that_hears_itself_unannounced_gives_no_values(void **state)
{
	struct bench *b = bench_new(true, false, 10, TIMEOUT_MS, NULL, 0);
	(void)state;

	b->slave.echoes = true;
	assert_int_equal(bench_poll(b), WY_E_PROTOCOL);
	assert_int_equal(b->right + b->wrong, 0);
	bench_free(b);
}

static void an_echoed_answer_is_noticed(void **state)
{
	static const struct fake_step steps[] = {{FAKE_TWICE, 0}, {FAKE_TWICE, 0}};
	struct bench *b = bench_new(true, false, 10, TIMEOUT_MS, steps, 2);

	(void)state;
	b->profile.min_interval_ms = 20;
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(atomic_load(&b->slave.requests), 1);
	(void)bench_poll(b); /* finds the echo, and from here on trusts no answer of that shape for
				a while */
	assert_int_not_equal(atomic_load(&b->slave.requests), 1);
	int64_t end = fake_now_ms(NULL) + 20000;
	while (bench_poll(b) != WY_OK || b->samples[0].quality != WY_Q_GOOD)
		assert_true(fake_now_ms(NULL) < end);
	assert_int_equal(b->wrong, 0);
	bench_free(b);
}

enum { LINES = 4, REQUESTS = 500, SOAK_TIMEOUT_MS = 40 };

struct soak {
	uint32_t seed;
	pthread_t thread;
	unsigned wrong, right, writes;
};

static void *soak_one(void *arg)
{
	static const enum fake_act acts[] = {FAKE_LATE,	  FAKE_LATE,	  FAKE_LATE,
					     FAKE_SILENT, FAKE_TRUNCATED, FAKE_WRONG_UNIT,
					     FAKE_SHORT,  FAKE_BAD_CRC,	  FAKE_GARBAGE};
	struct soak *soak = arg;
	struct fake_step steps[REQUESTS] = {0};

	for (unsigned i = 0; i < REQUESTS; i++) {
		soak->seed = soak->seed * 1664525u + 1013904223u;
		if ((soak->seed >> 8) % 100 >= 2)
			continue;
		steps[i].act = acts[(soak->seed >> 16) % COUNT(acts)];
		steps[i].ms = SOAK_TIMEOUT_MS / 2 + (soak->seed >> 20) % (SOAK_TIMEOUT_MS * 9 / 2);
	}
	struct bench *b = bench_new(true, false, 10, SOAK_TIMEOUT_MS, steps, REQUESTS);
	b->slave.latest_ms = (unsigned)(5.5 * SOAK_TIMEOUT_MS);
	while (atomic_load(&b->slave.requests) < REQUESTS)
		(void)bench_poll(b);
	soak->wrong = b->wrong;
	soak->right = b->right;
	soak->writes = atomic_load(&b->slave.writes);
	bench_free(b);
	return NULL;
}

/* Seeded mixtures on several lines; whatever the machine's speed, no accepted value may be another
 * request's. */
static void no_wrong_value_in_a_long_mixture(void **state)
{
	struct soak soaks[LINES];
	unsigned right = 0;

	(void)state;
	for (uint32_t i = 0; i < LINES; i++) {
		soaks[i] = (struct soak){.seed = 11 + i};
		assert_int_equal(pthread_create(&soaks[i].thread, NULL, soak_one, &soaks[i]), 0);
	}
	for (size_t i = 0; i < LINES; i++)
		pthread_join(soaks[i].thread, NULL);
	for (size_t i = 0; i < LINES; i++) {
		assert_int_equal(soaks[i].wrong, 0);
		assert_int_equal(soaks[i].writes, 0);
		right += soaks[i].right;
	}
	assert_true(right > LINES * REQUESTS * 5);
}

/* ---- The line ----------------------------------------------------- */

static void a_second_owner_is_kept_off_the_line(void **state)
{
	struct bench *b = bench_new(true, false, 4, 1000, NULL, 0);
	struct bench *other = bench_new(true, false, 4, 1000, NULL, 0);

	(void)state;
	assert_int_equal(bench_poll(b), WY_OK);
	other->conf.tty = b->slave.tty;
	assert_int_equal(bench_poll(other), WY_E_BUSY);
	bench_close(b);
	other->device.unit_id = BENCH_UNIT;
	(void)bench_poll(other);
	assert_int_equal(other->report.err, WY_OK);
	bench_free(other);
	bench_free(b);
}

struct flood {
	int fd;
	atomic_bool is_over;
	pthread_t thread;
};

static void *babble(void *arg)
{
	struct flood *flood = arg;
	struct pollfd room = {flood->fd, POLLOUT, 0};
	uint8_t bytes[512];

	memset(bytes, 0x55, sizeof(bytes));
	while (!atomic_load(&flood->is_over))
		if (poll(&room, 1, 10) > 0 && write(flood->fd, bytes, sizeof(bytes)) < 0)
			usleep(1000);
	return NULL;
}

/* Faster than any line, so that reading it away never comes to an end. */
static void a_babbling_adapter_holds_up_no_poll(void **state)
{
	struct bench *b = bench_new(true, false, 4, TIMEOUT_MS, NULL, 0);
	struct flood flood = {.fd = b->slave.fd};

	(void)state;
	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(fcntl(flood.fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(pthread_create(&flood.thread, NULL, babble, &flood), 0);
	usleep(20000);
	for (int i = 0; i < 3; i++) {
		int64_t began = fake_now_ms(NULL);
		(void)bench_poll(b); /* it may find a gap, where the other thread had to wait */
		assert_true(fake_now_ms(NULL) - began < WY_MODBUS_LISTEN_MS + 20000);
	}
	atomic_store(&flood.is_over, true);
	pthread_join(flood.thread, NULL);
	int64_t end = fake_now_ms(NULL) + 20000;
	while (bench_poll(b) != WY_OK || b->samples[0].quality != WY_Q_GOOD)
		assert_true(fake_now_ms(NULL) < end);
	assert_int_equal(b->wrong, 0);
	bench_free(b);
}

static void a_missing_adapter_is_no_connection(void **state)
{
	struct bench *b = bench_new(true, false, 4, 1000, NULL, 0);

	(void)state;
	b->conf.tty = "/dev/there-is-no-such-line";
	assert_int_equal(bench_poll(b), WY_E_LINK);
	bench_free(b);
}

static void an_adapter_pulled_out_is_noticed(void **state)
{
	struct bench *b = bench_new(true, false, 4, 60000, NULL, 0);

	(void)state;
	assert_int_equal(bench_poll(b), WY_OK);
	fake_stop(&b->slave);
	assert_int_equal(bench_poll(b), WY_E_LINK); /* long before the timeout */
	bench_close(b);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_reply_is_never_taken_for_the_next_request),
		cmocka_unit_test(plain_libmodbus_is_fooled_by_the_same_slave),
		cmocka_unit_test(a_text_in_doubt_is_left_out_and_spoils_no_value),
		cmocka_unit_test(the_answer_to_another_life_is_not_taken),
		cmocka_unit_test(one_slow_answer_does_not_blind_the_next_polls),
		cmocka_unit_test(
			without_another_shape_the_point_is_suspect_until_the_answer_cannot_come),
		cmocka_unit_test(each_odd_answer_is_refused_and_the_line_recovers),
		cmocka_unit_test(an_adapter_that_hears_itself_is_seen_through),
		cmocka_unit_test(an_adapter_that_hears_itself_unannounced_gives_no_values),
		cmocka_unit_test(an_echoed_answer_is_noticed),
		cmocka_unit_test(no_wrong_value_in_a_long_mixture),
		cmocka_unit_test(a_second_owner_is_kept_off_the_line),
		cmocka_unit_test(a_babbling_adapter_holds_up_no_poll),
		cmocka_unit_test(a_missing_adapter_is_no_connection),
		cmocka_unit_test(an_adapter_pulled_out_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
