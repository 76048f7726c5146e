/* clock_test.c: the logical clock goes on where the last run left it, whatever the wall clock did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "clock.h"

#define SLACK_MS 5000 /* the test itself takes time */

static struct clock_past past_of(const char *boot, wy_ms offset_ms, wy_ms mono_ms, wy_ms wall_ms)
{
	struct clock_past past = {.offset_ms = offset_ms, .mono_ms = mono_ms, .wall_ms = wall_ms};

	strncpy(past.boot_id, boot, sizeof(past.boot_id) - 1);
	return past;
}

static void starts_at_the_wall_clock_without_a_past(void **state)
{
	struct clock clock;
	struct clock_past past = {0};
	(void)state;

	clock_set(&clock, &past, "boot-a");
	assert_in_range(clock_mono(&clock), clock_wall() - SLACK_MS, clock_wall() + SLACK_MS);
}

static void keeps_its_offset_within_a_boot_even_if_the_wall_clock_stepped(void **state)
{
	struct clock clock;
	/* The wall clock of the past is ten hours off: it must not matter. */
	struct clock_past past = past_of("boot-a", 777000, clock_boot() + 777000 - 100, clock_wall() + 36000000);
	(void)state;

	clock_set(&clock, &past, "boot-a");
	assert_int_equal(clock.offset_ms, 777000);
}

static void goes_on_by_the_wall_clock_across_a_reboot(void **state)
{
	struct clock clock;
	struct clock_past past = past_of("boot-a", 0, 5000000, clock_wall() - 60000);
	(void)state;

	clock_set(&clock, &past, "boot-b");
	assert_in_range(clock_mono(&clock), 5060000, 5060000 + SLACK_MS);
}

static void never_steps_back_when_the_wall_clock_did(void **state)
{
	struct clock clock;
	struct clock_past past = past_of("boot-a", 0, 5000000, clock_wall() + 86400000);
	(void)state;

	clock_set(&clock, &past, "boot-b");
	assert_in_range(clock_mono(&clock), 5000000, 5000000 + SLACK_MS);
}

static void does_not_believe_a_jump_of_decades(void **state)
{
	struct clock clock;
	struct clock_past past = past_of("boot-a", 0, 5000000, 1000);
	(void)state;

	clock_set(&clock, &past, "boot-b");
	assert_in_range(clock_mono(&clock), 5000000, 5000000 + SLACK_MS);
}

static void does_not_go_behind_the_last_known_instant_within_a_boot(void **state)
{
	struct clock clock;
	struct clock_past past = past_of("boot-a", 0, clock_boot() + 99000, clock_wall());
	(void)state;

	clock_set(&clock, &past, "boot-a");
	assert_true(clock_mono(&clock) >= past.mono_ms);
}

static void notices_a_step_of_the_wall_clock(void **state)
{
	struct clock clock;
	struct clock_past past = {0};
	(void)state;

	clock_set(&clock, &past, "boot-a");
	assert_int_not_equal(clock_now(&clock).clock, WY_CLOCK_STEPPED);
	clock.gap_ms -= 3600000; /* as if the wall clock had jumped an hour ahead since */
	assert_int_equal(clock_now(&clock).clock, WY_CLOCK_STEPPED);
	assert_in_range(clock.step_ms, 3600000 - SLACK_MS, 3600000 + SLACK_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_at_the_wall_clock_without_a_past),
		cmocka_unit_test(keeps_its_offset_within_a_boot_even_if_the_wall_clock_stepped),
		cmocka_unit_test(goes_on_by_the_wall_clock_across_a_reboot),
		cmocka_unit_test(never_steps_back_when_the_wall_clock_did),
		cmocka_unit_test(does_not_believe_a_jump_of_decades),
		cmocka_unit_test(does_not_go_behind_the_last_known_instant_within_a_boot),
		cmocka_unit_test(notices_a_step_of_the_wall_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
