/* match_test.c: the match of a pattern on its own: its limits to the millisecond, and bytes that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "match.h"

enum { WITHIN = 1000, AWAY = 500, TOLERATE = 300 };

/* see, see within WITHIN, absent for AWAY */
static struct rx_stage stages[3] = {{.is_absent = false}, {.is_absent = false}, {.is_absent = true}};
static const wy_ms limits[3] = {0, WITHIN, AWAY};
static const struct rx_variant variant = {.steps = stages, .n_steps = 3};
static const struct rx_instance instance = {.variant = &variant, .step_ms = limits, .tolerate_ms = TOLERATE};

static struct rx_match_out step(struct rx_match *match, wy_ms now_ms, uint8_t happened, uint8_t unknown)
{
	struct rx_match_in in = {.now_ms = now_ms, .happened = happened, .unknown = unknown};
	struct rx_match_out out;

	rx_match_step(match, &instance, RX_FREEZE, &in, &out);
	return out;
}

static void the_end_of_a_limit_is_in_time(void **state)
{
	struct rx_match match = {0};

	(void)state;
	assert_int_equal(step(&match, 100, 1, 0).due_ms, 100 + WITHIN + 1);
	step(&match, 100 + WITHIN, 2, 0);
	assert_int_equal(match.step, 2);
	struct rx_match_out out = step(&match, 100 + WITHIN + AWAY - 1, 0, 0);
	assert_false(out.is_met);
	assert_int_equal(out.due_ms, 100 + WITHIN + AWAY);
	out = step(&match, 100 + WITHIN + AWAY, 0, 0);
	assert_true(out.is_met);
	assert_int_equal(out.onset_ms, 100);
	assert_int_equal(match.step, 0);
}

static void a_millisecond_more_is_too_late(void **state)
{
	struct rx_match match = {0};

	(void)state;
	step(&match, 100, 1, 0);
	step(&match, 100 + WITHIN + 1, 2, 0);
	assert_int_equal(match.step, 0);
}

static void unknown_stops_the_clock_and_then_ends_the_match(void **state)
{
	struct rx_match match = {0};

	(void)state;
	step(&match, 100, 1, 0);
	step(&match, 200, 2, 0);
	assert_int_equal(step(&match, 300, 0, 4).due_ms, 300 + TOLERATE);
	assert_int_equal(step(&match, 400, 0, 0).due_ms, 400 + AWAY - 100);
	step(&match, 500, 0, 4);
	step(&match, 500 + TOLERATE - 1, 0, 4);
	assert_int_equal(match.step, 2);
	step(&match, 500 + TOLERATE, 0, 4);
	assert_int_equal(match.step, 0);
}

static void at_rest_no_clock_goes(void **state)
{
	struct rx_match match = {0};

	(void)state;
	step(&match, 100, 1, 0);
	step(&match, 200, 2, 0);
	assert_true(rx_match_rest(&match, &variant, 300));
	assert_false(rx_match_rest(&match, &variant, 5000));
	assert_true(rx_match_wake(&match, 9000));
	assert_int_equal(step(&match, 9000, 0, 0).due_ms, 9000 + AWAY - 100);
}

static void bytes_that_are_no_match_are_refused(void **state)
{
	struct rx_match match = {.step = 2, .is_running = true};
	unsigned char *at = (unsigned char *)&match;

	(void)state;
	assert_true(rx_match_is_sound(&match, &variant));
	match.step = 3;
	assert_false(rx_match_is_sound(&match, &variant));
	match.step = 2;
	at[offsetof(struct rx_match, is_running)] = 7;
	assert_false(rx_match_is_sound(&match, &variant));
	at[offsetof(struct rx_match, is_running)] = 1;
	at[offsetof(struct rx_match, is_uncertain)] = 255;
	assert_false(rx_match_is_sound(&match, &variant));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_of_a_limit_is_in_time),
		cmocka_unit_test(a_millisecond_more_is_too_late),
		cmocka_unit_test(unknown_stops_the_clock_and_then_ends_the_match),
		cmocka_unit_test(at_rest_no_clock_goes),
		cmocka_unit_test(bytes_that_are_no_match_are_refused),
	};

	return cmocka_run_group_tests_name("rules_match", tests, NULL, NULL);
}
