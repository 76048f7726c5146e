/* Texts are read when somebody asks, after the values, and spoil nothing when they do not come. What they say is tested
 * with the decoder, and through `weiyu poll`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench.h"
#include "stepping.h"

enum { TIMEOUT_MS = 600, VALUES = 4 };

/* Four values, then two texts. */
static struct bench *with_texts(bool is_serial, const struct fake_step *steps, size_t n_steps)
{
	struct bench *b = bench_new(is_serial, false, VALUES, TIMEOUT_MS, steps, n_steps);

	for (unsigned i = 0; i < 2; i++)
		b->points[VALUES + i] = (struct sensor_profile_point){.name = i ? "place" : "maker",
								      .area = SENSOR_HOLDING,
								      .encoding = SENSOR_TEXT,
								      .n_text = (uint8_t)(8 + 4 * i),
								      .address = (uint16_t)(100 + 20 * i)};
	b->profile.n_points = VALUES + 2;
	return b;
}

static void who_asks_gets_texts_after_values(void **state)
{
	(void)state;

	for (int is_serial = 0; is_serial < 2; is_serial++) {
		struct bench *b = with_texts(is_serial, NULL, 0);
		assert_int_equal(bench_poll(b), WY_OK);
		assert_int_equal(b->report.n, VALUES);
		assert_int_equal(b->report.n_texts, 2);
		assert_int_equal(b->report.texts[0].point, VALUES);
		assert_int_equal(b->report.texts[1].point, VALUES + 1);
		assert_int_equal(atomic_load(&b->slave.requests), 3);
		assert_int_equal(b->wrong, 0);
		assert_int_equal(b->right, VALUES);
		bench_free(b);
	}
}

static void a_poll_nobody_asked_for_reads_none(void **state)
{
	struct bench *b = with_texts(false, NULL, 0);
	(void)state;

	assert_int_equal(bench_open(b), WY_OK);
	assert_true(stepping_until_moved(&sensor_driver_modbus, b->field, &b->n_reports, 0, 60000));
	assert_int_equal(b->report.err, WY_OK);
	assert_int_equal(b->report.n, VALUES);
	assert_int_equal(b->report.n_texts, 0);
	assert_int_equal(atomic_load(&b->slave.requests), 1);
	bench_free(b);
}

static void a_text_that_does_not_come_is_no_failure(void **state)
{
	static const struct {
		struct fake_step step; /* of the first text */
		unsigned n_texts, n_requests;
	} rows[] = {
		{{FAKE_EXCEPTION, 2}, 1, 3},
		{{FAKE_EXCEPTION, 11}, 1, 3},
		{{FAKE_SILENT, 0}, 0, 2},
		{{FAKE_WRONG_UNIT, 0}, 0, 2},
		{{FAKE_CLOSE, 0}, 2, 4}, /* a connection that ends between two reads is made anew */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fake_step steps[] = {{FAKE_ANSWER, 0}, rows[i].step};
		struct bench *b = with_texts(false, steps, 2);
		assert_int_equal(bench_poll(b), WY_OK);
		if (b->report.n_texts != rows[i].n_texts || atomic_load(&b->slave.requests) != rows[i].n_requests)
			fail_msg("row %zu: %u texts, %u requests", i, b->report.n_texts, atomic_load(&b->slave.requests));
		assert_int_equal(b->right, VALUES);
		assert_int_equal(bench_poll(b), WY_OK);
		assert_int_equal(b->report.n_texts, 2);
		assert_int_equal(b->wrong, 0);
		bench_free(b);
	}
}

static void a_late_text_is_taken_for_nothing_else(void **state)
{
	/* In the midst of the time for which the line is listened out: at its end it could come into the next exchange. */
	struct fake_step steps[] = {{FAKE_ANSWER, 0}, {FAKE_LATE, TIMEOUT_MS * 3 / 2}};
	struct bench *b = with_texts(true, steps, 2);
	(void)state;

	assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(b->report.n_texts, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(bench_poll(b), WY_OK);
	assert_int_equal(b->wrong, 0);
	assert_int_equal(b->right, 4 * VALUES);
	bench_free(b);
}

static void a_device_that_does_not_answer_is_not_asked_for_texts(void **state)
{
	struct fake_step steps[] = {{FAKE_SILENT, 0}};
	struct bench *b = with_texts(false, steps, 1);
	(void)state;

	assert_int_equal(bench_poll(b), WY_E_TIMEOUT);
	assert_int_equal(b->report.n_texts, 0);
	assert_int_equal(atomic_load(&b->slave.requests), 1);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_asks_gets_texts_after_values),
		cmocka_unit_test(a_poll_nobody_asked_for_reads_none),
		cmocka_unit_test(a_text_that_does_not_come_is_no_failure),
		cmocka_unit_test(a_late_text_is_taken_for_nothing_else),
		cmocka_unit_test(a_device_that_does_not_answer_is_not_asked_for_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
