/* The bounded queue: order, its ceiling, and stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "wy_limits.h"
#include "queue.h"

static enum wy_err put(struct queue *queue, unsigned i)
{
	char text[16];
	int len = snprintf(text, sizeof text, "%u", i);

	return queue_put(queue, "t", text, (size_t)len, &(struct event_hint){.id = ""}, 1);
}

static void keeps_order_and_refuses_beyond_its_ceiling(void **state)
{
	struct queue *queue = queue_new();
	struct queue_message message;
	char expected[16];

	(void)state;
	for (unsigned i = 0; i < WY_DESK_QUEUE_MAX; i++)
		assert_int_equal(put(queue, i), WY_OK);
	assert_int_equal(put(queue, 999), WY_E_FULL);
	for (unsigned i = 0; i < WY_DESK_QUEUE_MAX; i++) {
		assert_int_equal(queue_take(queue, &message, 1, 1), 1);
		snprintf(expected, sizeof expected, "%u", i);
		assert_string_equal(message.payload, expected);
		queue_message_release(&message);
	}
	assert_int_equal(queue_take(queue, &message, 1, 1), 0);
	queue_free(queue);
}

static void after_stop_it_gives_what_it_has_and_takes_nothing(void **state)
{
	struct queue *queue = queue_new();
	struct queue_message message;

	(void)state;
	assert_int_equal(put(queue, 1), WY_OK);
	assert_int_equal(put(queue, 2), WY_OK);
	queue_stop(queue);
	assert_int_equal(put(queue, 3), WY_E_STATE);
	assert_int_equal(queue_take(queue, &message, 1, 60000), 1);
	queue_message_release(&message);
	queue_free(queue); /* frees the second: the leak checker watches */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_and_refuses_beyond_its_ceiling),
		cmocka_unit_test(after_stop_it_gives_what_it_has_and_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
