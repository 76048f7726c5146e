/* loop_test.c: descriptors, timers in the logical clock's time, lanes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "loop.h"

struct bench {
	struct clock clock;
	struct loop *loop;
	struct loop_timer *timer;
	char order[8];
	size_t n;
	wy_ms fired_ms;
};

static void bench_open(struct bench *b)
{
	struct clock_past past = {0};

	memset(b, 0, sizeof(*b));
	clock_set(&b->clock, &past, "test");
	assert_int_equal(loop_new(&b->clock, &b->loop), WY_OK);
}

static void fire(void *arg)
{
	struct bench *b = arg;

	b->fired_ms = clock_mono(&b->clock);
	loop_stop(b->loop);
}

static void note_early(void *arg)
{
	struct bench *b = arg;
	b->n++;
}

static void fires_a_timer_not_before_its_logical_instant(void **state)
{
	struct bench b;
	(void)state;

	bench_open(&b);
	assert_int_equal(loop_add_timer(b.loop, LOOP_FIELD, fire, &b, &b.timer), WY_OK);
	wy_ms due_ms = clock_mono(&b.clock) + 30;
	loop_timer_set(b.timer, clock_mono(&b.clock) + 5);
	loop_timer_set(b.timer, due_ms); /* moved: only the last counts */
	assert_int_equal(loop_run(b.loop), WY_OK);
	assert_true(b.fired_ms >= due_ms);
	loop_free(b.loop);
}

static void a_far_instant_does_not_come_round_to_the_past(void **state)
{
	static const wy_ms far_ms[] = {WY_MS_NEVER, WY_MS_NEVER - 1, WY_MS_NEVER / 1000, WY_MS_NEVER / 2000};
	struct bench b;
	struct loop_timer *soon;
	(void)state;

	for (size_t i = 0; i < sizeof(far_ms) / sizeof(*far_ms); i++) {
		bench_open(&b);
		assert_int_equal(loop_add_timer(b.loop, LOOP_FIELD, note_early, &b, &b.timer), WY_OK);
		assert_int_equal(loop_add_timer(b.loop, LOOP_PEOPLE, fire, &b, &soon), WY_OK);
		loop_timer_set(b.timer, far_ms[i]);
		loop_timer_set(soon, WY_MS_NONE); /* and the far past is now */
		assert_int_equal(loop_run(b.loop), WY_OK);
		assert_int_equal(b.n, 0);
		loop_free(b.loop);
	}
}

static void note_field(void *arg)
{
	struct bench *b = arg;
	b->order[b->n++] = 'f';
	loop_stop(b->loop);
}

static void note_people(void *arg)
{
	struct bench *b = arg;
	b->order[b->n++] = 'p';
	loop_stop(b->loop);
}

static void serves_the_field_before_people(void **state)
{
	struct bench b;
	int people[2], field[2];
	(void)state;

	bench_open(&b);
	assert_int_equal(pipe(people) | pipe(field), 0);
	assert_int_equal(loop_add_fd(b.loop, people[0], LOOP_PEOPLE, note_people, &b), WY_OK);
	assert_int_equal(loop_add_fd(b.loop, field[0], LOOP_FIELD, note_field, &b), WY_OK);
	assert_int_equal(write(people[1], "x", 1) + write(field[1], "x", 1), 2);
	assert_int_equal(loop_run(b.loop), WY_OK);
	assert_int_equal(b.order[0], 'f');
	loop_free(b.loop);
	for (int i = 0; i < 2; i++) {
		close(people[i]);
		close(field[i]);
	}
}

static void note_busy(void *arg)
{
	struct bench *b = arg;

	/* Never read empty: there is always more. */
	if (clock_mono(&b->clock) > b->fired_ms)
		loop_stop(b->loop);
}

static void note_turn(void *arg)
{
	struct bench *b = arg;

	b->order[b->n++] = 'p';
	loop_timer_set(b->timer, clock_mono(&b->clock));
	if (b->n == 2)
		loop_stop(b->loop);
}

static void a_lane_that_is_never_done_leaves_turns_to_the_others(void **state)
{
	struct bench b;
	int busy[2];
	(void)state;

	bench_open(&b);
	assert_int_equal(pipe(busy), 0);
	assert_int_equal(write(busy[1], "x", 1), 1);
	assert_int_equal(loop_add_fd(b.loop, busy[0], LOOP_FIELD, note_busy, &b), WY_OK);
	assert_int_equal(loop_add_timer(b.loop, LOOP_PEOPLE, note_turn, &b, &b.timer), WY_OK);
	b.fired_ms = clock_mono(&b.clock) + 60000; /* patience */
	loop_timer_set(b.timer, clock_mono(&b.clock));
	assert_int_equal(loop_run(b.loop), WY_OK);
	assert_string_equal(b.order, "pp");
	loop_free(b.loop);
	close(busy[0]);
	close(busy[1]);
}

static void lets_go_of_a_removed_descriptor(void **state)
{
	struct bench b;
	int gone[2];
	(void)state;

	bench_open(&b);
	assert_int_equal(pipe(gone), 0);
	assert_int_equal(loop_add_fd(b.loop, gone[0], LOOP_FIELD, note_people, &b), WY_OK);
	assert_int_equal(loop_add_timer(b.loop, LOOP_PEOPLE, fire, &b, &b.timer), WY_OK);
	assert_int_equal(write(gone[1], "x", 1), 1);
	loop_remove_fd(b.loop, gone[0]);
	loop_timer_set(b.timer, clock_mono(&b.clock) + 10);
	assert_int_equal(loop_run(b.loop), WY_OK);
	assert_int_equal(b.n, 0);
	loop_free(b.loop);
	close(gone[0]);
	close(gone[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_a_timer_not_before_its_logical_instant),
		cmocka_unit_test(a_far_instant_does_not_come_round_to_the_past),
		cmocka_unit_test(serves_the_field_before_people),
		cmocka_unit_test(a_lane_that_is_never_done_leaves_turns_to_the_others),
		cmocka_unit_test(lets_go_of_a_removed_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
