/* queue_test.c: reports through a ring: in order, whole, none lost, and a writer that waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <unistd.h>

#include "queue.h"

enum { MOST = 40, REPORTS = 20000, MEMORY = 64 * 1024 };

static _Alignas(16) unsigned char memory[MEMORY];
static struct queue queue;

static int open_queue(void **state)
{
	struct wy_arena arena;
	(void)state;

	wy_arena_init(&arena, memory, sizeof(memory));
	assert_int_equal(queue_open(&queue, 16 * 1024, MOST, &arena), WY_OK);
	return 0;
}

static int close_queue(void **state)
{
	(void)state;
	queue_close(&queue);
	return 0;
}

static bool is_readable(void)
{
	struct pollfd fd = {queue.event_fd, POLLIN, 0};

	return poll(&fd, 1, 0) == 1;
}

/* What report k is like, so that the reader can tell whether it is whole. */
static uint32_t samples_of(unsigned k)
{
	return (k * 7919u) % (MOST + 1);
}

static bool put(unsigned k)
{
	struct wy_sample sample[MOST];
	char text[WY_LEARNED_BYTES_MAX];
	struct sensor_report report = {.device = k, .n = samples_of(k), .n_max = MOST, .sample = sample};

	for (uint32_t i = 0; i < report.n; i++)
		sample[i] = (struct wy_sample){.point = i, .is_whole = true, .whole = (int64_t)k * 1000 + i};
	if (k % 5 == 0) {
		memset(text, 'a' + (int)(k % 26), sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		report.learned = text;
	}
	struct sensor_report *copy = queue_reserve(&queue, &report);
	if (!copy)
		return false;
	memset(sample, 0xEE, sizeof(sample)); /* the queue has its own */
	memset(text, 0xEE, sizeof(text));
	queue_commit(&queue);
	if (k % 3 == 0) /* not after each: as a step that made several */
		queue_tell(&queue);
	return true;
}

static void check(const struct sensor_report *report, unsigned k)
{
	assert_int_equal(report->device, k);
	assert_int_equal(report->n, samples_of(k));
	for (uint32_t i = 0; i < report->n; i++)
		assert_int_equal(report->sample[i].whole, (int64_t)k * 1000 + i);
	if (k % 5)
		assert_null(report->learned);
	else
		assert_int_equal(strlen(report->learned), WY_LEARNED_BYTES_MAX - 1);
}

static void what_goes_in_comes_out_in_order_and_whole(void **state)
{
	unsigned taken = 0;
	(void)state;

	assert_false(is_readable());
	assert_null(queue_peek(&queue));
	for (unsigned k = 0; k < REPORTS; k++) {
		assert_true(put(k));
		queue_tell(&queue);
		assert_true(is_readable());
		/* Now one behind, now none, so that the ring wraps at every place. */
		while (taken + k % 2 <= k) {
			const struct sensor_report *report = queue_peek(&queue);
			assert_non_null(report);
			check(report, taken++);
			queue_drop(&queue);
		}
	}
	while (taken < REPORTS) {
		check(queue_peek(&queue), taken++);
		queue_drop(&queue);
	}
	assert_null(queue_peek(&queue));
	assert_false(is_readable());
}

static void *write_all(void *unused)
{
	unsigned k = 0;
	(void)unused;

	while (k < REPORTS && put(k))
		k++;
	queue_tell(&queue);
	return (void *)(uintptr_t)k;
}

static void a_writer_waits_for_a_slow_reader_and_loses_nothing(void **state)
{
	pthread_t writer;
	(void)state;

	assert_int_equal(pthread_create(&writer, NULL, write_all, NULL), 0);
	for (unsigned k = 0; k < REPORTS; k++) {
		const struct sensor_report *report;
		struct pollfd fd = {queue.event_fd, POLLIN, 0};
		while (!(report = queue_peek(&queue)))
			assert_true(poll(&fd, 1, 60000) == 1);
		check(report, k);
		if (k % 1000 == 0)
			usleep(1000);
		queue_drop(&queue);
	}
	pthread_join(writer, NULL);
}

static void a_writer_that_waits_is_let_go_at_the_end(void **state)
{
	pthread_t writer;
	void *written;
	(void)state;

	assert_int_equal(pthread_create(&writer, NULL, write_all, NULL), 0);
	usleep(20000); /* nobody reads: most likely it waits by now */
	queue_end(&queue);
	pthread_join(writer, &written);
	assert_true((uintptr_t)written < REPORTS);
	assert_false(put(1));
}

static void a_report_that_can_never_fit_is_refused(void **state)
{
	static struct wy_sample many[2000];
	const struct sensor_report report = {.n = 2000, .n_max = 2000, .sample = many};
	(void)state;

	assert_null(queue_reserve(&queue, &report));
}

static void without_memory_there_is_no_queue(void **state)
{
	struct queue none;
	struct wy_arena arena;
	(void)state;

	wy_arena_init(&arena, memory, 100);
	assert_int_equal(queue_open(&none, 1, MOST, &arena), WY_E_NOMEM);
	queue_close(&none);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, open_queue, close_queue)
	const struct CMUnitTest tests[] = {
		ROW(what_goes_in_comes_out_in_order_and_whole),
		ROW(a_writer_waits_for_a_slow_reader_and_loses_nothing),
		ROW(a_writer_that_waits_is_let_go_at_the_end),
		ROW(a_report_that_can_never_fit_is_refused),
		cmocka_unit_test(without_memory_there_is_no_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
