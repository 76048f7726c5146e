/* outbox_test.c: one expectation each. Random sequences are in outbox_model_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbox.h"

#define EPOCH 0x1122334455667788u

static struct outbox box;

static int fresh(void **state)
{
	(void)state;
	outbox_init(&box, EPOCH, 0);
	outbox_up(&box);
	return 0;
}

static void offer(enum outbox_lane lane, uint64_t seq)
{
	assert_int_equal(outbox_offer(&box, lane, seq, 0), WY_OK);
}

static uint64_t next_at(wy_ms now_ms)
{
	uint64_t seq = 0;
	uint32_t sends;

	return outbox_next(&box, now_ms, &seq, &sends) ? seq : 0;
}

static void send_all(wy_ms now_ms, enum outbox_result result)
{
	for (uint64_t seq = next_at(now_ms); seq != 0; seq = next_at(now_ms))
		assert_int_equal(outbox_sent(&box, seq, result, now_ms), WY_OK);
}

static struct outbox_verdict receipt_through(uint64_t epoch, uint64_t through)
{
	struct outbox_receipt receipt = {.epoch = epoch, .through = through};
	struct outbox_verdict verdict;

	outbox_receipt(&box, &receipt, &verdict);
	return verdict;
}

static void s1_goes_first_and_then_the_lower_number(void **state)
{
	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	offer(OUTBOX_LANE_REST, 2);
	offer(OUTBOX_LANE_S1, 9);
	offer(OUTBOX_LANE_S1, 7);
	assert_int_equal(next_at(0), 7);
	assert_int_equal(next_at(0), 9);
	assert_int_equal(next_at(0), 1);
	assert_int_equal(next_at(0), 2);
	assert_int_equal(next_at(0), 0);
}

static void a_backlog_leaves_room_for_s1_and_s1_for_the_backlog(void **state)
{
	uint64_t after;

	(void)state;
	for (unsigned lane = 0; lane < OUTBOX_LANES; lane++) {
		uint64_t seq = 1;

		fresh(NULL);
		while (outbox_want(&box, (enum outbox_lane)lane, &after) > 0)
			offer((enum outbox_lane)lane, seq++);
		assert_int_equal(outbox_used(&box), WY_OUTBOX_WINDOW - OUTBOX_RESERVE);
		assert_int_equal(outbox_offer(&box, (enum outbox_lane)lane, 9999, 0), WY_E_FULL);
		assert_int_equal(outbox_want(&box, (enum outbox_lane)(1 - lane), &after),
				 OUTBOX_RESERVE);
		offer((enum outbox_lane)(1 - lane), 10000);
	}
}

static void a_flying_row_is_not_given_again_however_late(void **state)
{
	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	assert_int_equal(next_at(0), 1);
	assert_int_equal(next_at(100 * OUTBOX_WAIT_MOST_MS), 0);
	assert_true(outbox_due(&box) == WY_MS_NEVER);
}

static void a_lost_connection_brings_flying_rows_back_and_nothing_goes_while_down(void **state)
{
	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	assert_int_equal(next_at(0), 1);
	outbox_lost(&box, 5);
	assert_int_equal(next_at(10), 0);
	assert_int_equal(outbox_sent(&box, 1, OUTBOX_TAKEN, 10), WY_E_NOTFOUND);
	outbox_up(&box);
	assert_int_equal(next_at(10), 1);
}

static void reason_codes_that_reach_nobody_are_not_delivery(void **state)
{
	(void)state;
	assert_int_equal(outbox_result_of(0x00), OUTBOX_TAKEN);
	assert_int_equal(outbox_result_of(0x10), OUTBOX_REFUSED);
	for (unsigned code = 0x80; code <= 0xff; code++)
		assert_int_equal(outbox_result_of(code), OUTBOX_REFUSED);
}

static void a_refused_row_comes_back_later_each_time_up_to_a_quarter_of_an_hour(void **state)
{
	wy_ms now_ms = 0, wait_ms = OUTBOX_REFUSED_WAIT_MS;

	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(next_at(now_ms), 1);
		assert_int_equal(outbox_sent(&box, 1, OUTBOX_REFUSED, now_ms), WY_OK);
		assert_int_equal(next_at(now_ms + wait_ms - 1), 0);
		assert_true(outbox_due(&box) == now_ms + wait_ms);
		now_ms += wait_ms;
		wait_ms = wait_ms * 2 < OUTBOX_WAIT_MOST_MS ? wait_ms * 2 : OUTBOX_WAIT_MOST_MS;
	}
	assert_true(wait_ms == OUTBOX_WAIT_MOST_MS);
}

static void without_a_receipt_the_same_row_is_sent_again_with_growing_patience(void **state)
{
	wy_ms now_ms = 0, wait_ms = OUTBOX_RECEIPT_WAIT_MS;

	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(next_at(now_ms), 1);
		assert_int_equal(outbox_sent(&box, 1, OUTBOX_TAKEN, now_ms), WY_OK);
		assert_int_equal(next_at(now_ms + wait_ms - 1), 0);
		now_ms += wait_ms;
		wait_ms = wait_ms * 2 < OUTBOX_WAIT_MOST_MS ? wait_ms * 2 : OUTBOX_WAIT_MOST_MS;
	}
	assert_true(outbox_unconfirmed_ms(&box, now_ms) == now_ms);
}

static void a_receipt_covers_all_that_were_sent_up_to_it(void **state)
{
	struct outbox_verdict verdict;

	(void)state;
	for (uint64_t seq = 1; seq <= 5; seq++)
		offer(OUTBOX_LANE_REST, seq);
	send_all(0, OUTBOX_TAKEN);
	verdict = receipt_through(EPOCH, 3);
	assert_int_equal(verdict.through[OUTBOX_LANE_REST], 3);
	assert_int_equal(verdict.through[OUTBOX_LANE_S1], 0);
	assert_false(verdict.is_ahead);
	assert_int_equal(outbox_used(&box), 2);
}

static void a_receipt_frees_nothing_that_was_never_sent(void **state)
{
	struct outbox_verdict verdict;

	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	offer(OUTBOX_LANE_REST, 2);
	assert_int_equal(next_at(0), 1);
	verdict = receipt_through(EPOCH, 1000);
	assert_int_equal(verdict.through[OUTBOX_LANE_REST], 1);
	assert_true(verdict.is_ahead);
	assert_int_equal(outbox_sent(&box, 1, OUTBOX_TAKEN, 0), WY_OK);
	assert_int_equal(outbox_used(&box), 1);
	assert_int_equal(next_at(0), 2);
}

static void a_receipt_of_another_epoch_is_ignored_and_said(void **state)
{
	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	send_all(0, OUTBOX_TAKEN);
	assert_true(receipt_through(EPOCH + 1, 1).is_foreign);
	assert_int_equal(outbox_used(&box), 1);
}

static void a_receipt_may_come_before_the_puback(void **state)
{
	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	assert_int_equal(next_at(0), 1);
	assert_int_equal(receipt_through(EPOCH, 1).through[OUTBOX_LANE_REST], 1);
	assert_int_equal(outbox_unconfirmed_ms(&box, 50), 0);
	assert_int_equal(outbox_sent(&box, 1, OUTBOX_TAKEN, 1), WY_OK);
	assert_int_equal(outbox_used(&box), 0);
	assert_int_equal(outbox_sent(&box, 1, OUTBOX_TAKEN, 1), WY_E_NOTFOUND);
}

static void rejected_and_overtaking_rows_leave_one_by_one(void **state)
{
	const uint64_t also[] = {9, 9, 77};
	const struct outbox_rejection rejected[] = {{50, "?"}, {2, "no such asset"}, {2, "twice"}};
	struct outbox_receipt receipt = {EPOCH, 0, also, 3, rejected, 3};
	struct outbox_verdict verdict;

	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	offer(OUTBOX_LANE_REST, 2);
	offer(OUTBOX_LANE_S1, 9);
	send_all(0, OUTBOX_TAKEN);
	outbox_receipt(&box, &receipt, &verdict);
	assert_int_equal(verdict.n_also, 1);
	assert_int_equal(verdict.also[0], 9);
	assert_int_equal(verdict.n_rejected, 1);
	assert_int_equal(verdict.rejected[0], 1);
	assert_int_equal(outbox_used(&box), 1);
}

static void a_receipt_that_was_not_kept_counts_as_never_come(void **state)
{
	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	assert_int_equal(next_at(0), 1);
	assert_int_equal(receipt_through(EPOCH, 1).through[OUTBOX_LANE_REST], 1);
	outbox_rewind(&box);
	assert_int_equal(outbox_offer(&box, OUTBOX_LANE_REST, 1, 0), WY_OK);
	assert_int_equal(next_at(0), 0);
	assert_int_equal(outbox_sent(&box, 1, OUTBOX_TAKEN, 0), WY_OK);
	assert_int_equal(next_at(OUTBOX_RECEIPT_WAIT_MS), 1);
}

static void after_a_rewind_rows_are_met_again_but_not_doubled(void **state)
{
	uint64_t after;

	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	offer(OUTBOX_LANE_REST, 2);
	outbox_rewind(&box);
	(void)outbox_want(&box, OUTBOX_LANE_REST, &after);
	assert_int_equal(after, 0);
	assert_int_equal(outbox_offer(&box, OUTBOX_LANE_REST, 1, 0), WY_OK);
	(void)outbox_want(&box, OUTBOX_LANE_REST, &after);
	assert_int_equal(after, 1);
	assert_int_equal(outbox_used(&box), 2);
}

static void a_row_taken_after_a_refusal_lets_the_refused_ones_go_at_once(void **state)
{
	wy_ms now_ms = 0;

	(void)state;
	for (uint64_t seq = 1; seq <= 3; seq++)
		offer(OUTBOX_LANE_REST, seq);
	for (int i = 0; i < 8; i++, now_ms += OUTBOX_WAIT_MOST_MS)
		while (next_at(now_ms))
			for (uint64_t seq = 1; seq <= 3; seq++)
				(void)!outbox_sent(&box, seq, OUTBOX_REFUSED, now_ms);
	assert_int_equal(next_at(now_ms), 1);
	assert_int_equal(next_at(now_ms), 2);
	assert_int_equal(outbox_sent(&box, 2, OUTBOX_REFUSED, now_ms), WY_OK);
	assert_int_equal(outbox_sent(&box, 1, OUTBOX_TAKEN, now_ms), WY_OK);
	assert_int_equal(next_at(now_ms), 2);
	assert_int_equal(next_at(now_ms), 3);
}

static void a_platform_that_is_heard_is_waited_for_no_longer_than_at_first(void **state)
{
	wy_ms now_ms = 0;

	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	for (int i = 0; i < 8; i++, now_ms += OUTBOX_WAIT_MOST_MS) {
		assert_int_equal(next_at(now_ms), 1);
		assert_int_equal(outbox_sent(&box, 1, OUTBOX_TAKEN, now_ms), WY_OK);
	}
	outbox_heard(&box, now_ms - OUTBOX_WAIT_MOST_MS);
	assert_true(outbox_due(&box) == now_ms - OUTBOX_WAIT_MOST_MS + OUTBOX_RECEIPT_WAIT_MS);
}

static void a_full_window_takes_no_row_of_either_lane(void **state)
{
	uint64_t seq = 1, after;

	(void)state;
	for (unsigned lane = 0; lane < OUTBOX_LANES; lane++)
		while (outbox_want(&box, (enum outbox_lane)lane, &after) > 0)
			offer((enum outbox_lane)lane, seq++);
	assert_int_equal(outbox_used(&box), WY_OUTBOX_WINDOW);
	for (unsigned lane = 0; lane < OUTBOX_LANES; lane++)
		assert_int_equal(outbox_offer(&box, (enum outbox_lane)lane, 9999, 0), WY_E_FULL);
	assert_int_equal(outbox_used(&box), WY_OUTBOX_WINDOW);
}

static void a_row_offered_twice_is_in_the_window_once_and_keeps_the_place_after_it(void **state)
{
	uint64_t after;

	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	offer(OUTBOX_LANE_REST, 2);
	offer(OUTBOX_LANE_REST, 1);
	assert_int_equal(outbox_used(&box), 2);
	(void)outbox_want(&box, OUTBOX_LANE_REST, &after);
	assert_int_equal(after, 2);
}

static void a_late_row_does_not_turn_the_lane_back(void **state)
{
	uint64_t after;

	(void)state;
	offer(OUTBOX_LANE_REST, 5);
	offer(OUTBOX_LANE_REST, 3);
	(void)outbox_want(&box, OUTBOX_LANE_REST, &after);
	assert_int_equal(after, 5);
	assert_int_equal(next_at(0), 3);
}

static void a_set_wait_above_the_most_is_kept_and_does_not_grow(void **state)
{
	wy_ms now_ms = 0, wait_ms = 2 * OUTBOX_WAIT_MOST_MS;

	(void)state;
	outbox_init(&box, EPOCH, wait_ms);
	outbox_up(&box);
	offer(OUTBOX_LANE_REST, 1);
	for (int i = 0; i < 3; i++, now_ms += wait_ms) {
		assert_int_equal(next_at(now_ms), 1);
		assert_int_equal(outbox_sent(&box, 1, OUTBOX_TAKEN, now_ms), WY_OK);
		assert_true(outbox_due(&box) == now_ms + wait_ms);
	}
}

static void nothing_is_due_while_the_connection_is_down(void **state)
{
	(void)state;
	offer(OUTBOX_LANE_REST, 1);
	assert_true(outbox_due(&box) == 0);
	outbox_lost(&box, 0);
	assert_true(outbox_due(&box) == WY_MS_NEVER);
	outbox_up(&box);
	assert_true(outbox_due(&box) == 0);
}

static void what_is_due_first_is_waited_for(void **state)
{
	(void)state;
	for (uint64_t seq = 1; seq <= 3; seq++)
		offer(OUTBOX_LANE_REST, seq);
	assert_int_equal(next_at(0), 1);
	assert_int_equal(outbox_sent(&box, 1, OUTBOX_REFUSED, 500), WY_OK);
	assert_int_equal(next_at(0), 2);
	assert_int_equal(outbox_sent(&box, 2, OUTBOX_REFUSED, 100), WY_OK);
	assert_int_equal(next_at(0), 3);
	assert_int_equal(outbox_sent(&box, 3, OUTBOX_REFUSED, 300), WY_OK);
	assert_true(outbox_due(&box) == 100 + OUTBOX_REFUSED_WAIT_MS);
}

static void the_platform_is_silent_since_the_first_row_that_was_sent(void **state)
{
	(void)state;
	for (uint64_t seq = 1; seq <= 3; seq++)
		offer(OUTBOX_LANE_REST, seq);
	assert_true(outbox_unconfirmed_ms(&box, 70) == 0);
	assert_int_equal(next_at(40), 1);
	assert_int_equal(next_at(60), 2);
	assert_true(outbox_unconfirmed_ms(&box, 100) == 60);
	assert_int_equal(outbox_sent(&box, 1, OUTBOX_TAKEN, 100), WY_OK);
	assert_int_equal(receipt_through(EPOCH, 1).through[OUTBOX_LANE_REST], 1);
	assert_true(outbox_unconfirmed_ms(&box, 100) == 40);
}

static void a_row_is_due_from_when_it_was_offered(void **state)
{
	(void)state;
	assert_int_equal(outbox_offer(&box, OUTBOX_LANE_REST, 1, 70), WY_OK);
	assert_true(outbox_due(&box) == 70);
	assert_int_equal(next_at(69), 0);
	assert_int_equal(next_at(70), 1);
}

static void every_row_that_waits_is_hurried_when_the_platform_is_heard(void **state)
{
	wy_ms now_ms = 0;

	(void)state;
	for (uint64_t seq = 1; seq <= 3; seq++)
		offer(OUTBOX_LANE_REST, seq);
	for (int i = 0; i < 8; i++, now_ms += OUTBOX_WAIT_MOST_MS)
		send_all(now_ms, OUTBOX_TAKEN);
	now_ms -= OUTBOX_WAIT_MOST_MS;
	outbox_heard(&box, now_ms);
	for (uint64_t seq = 1; seq <= 3; seq++)
		assert_int_equal(next_at(now_ms + OUTBOX_RECEIPT_WAIT_MS), seq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_row_is_due_from_when_it_was_offered, fresh),
		cmocka_unit_test_setup(every_row_that_waits_is_hurried_when_the_platform_is_heard, fresh),
		cmocka_unit_test_setup(what_is_due_first_is_waited_for, fresh),
		cmocka_unit_test_setup(the_platform_is_silent_since_the_first_row_that_was_sent, fresh),
		cmocka_unit_test_setup(a_full_window_takes_no_row_of_either_lane, fresh),
		cmocka_unit_test_setup(a_row_offered_twice_is_in_the_window_once_and_keeps_the_place_after_it, fresh),
		cmocka_unit_test_setup(a_late_row_does_not_turn_the_lane_back, fresh),
		cmocka_unit_test_setup(a_set_wait_above_the_most_is_kept_and_does_not_grow, fresh),
		cmocka_unit_test_setup(nothing_is_due_while_the_connection_is_down, fresh),
		cmocka_unit_test_setup(a_row_taken_after_a_refusal_lets_the_refused_ones_go_at_once, fresh),
		cmocka_unit_test_setup(a_platform_that_is_heard_is_waited_for_no_longer_than_at_first, fresh),
		cmocka_unit_test_setup(s1_goes_first_and_then_the_lower_number, fresh),
		cmocka_unit_test_setup(a_backlog_leaves_room_for_s1_and_s1_for_the_backlog, fresh),
		cmocka_unit_test_setup(a_flying_row_is_not_given_again_however_late, fresh),
		cmocka_unit_test_setup(
			a_lost_connection_brings_flying_rows_back_and_nothing_goes_while_down,
			fresh),
		cmocka_unit_test_setup(reason_codes_that_reach_nobody_are_not_delivery, fresh),
		cmocka_unit_test_setup(
			a_refused_row_comes_back_later_each_time_up_to_a_quarter_of_an_hour, fresh),
		cmocka_unit_test_setup(
			without_a_receipt_the_same_row_is_sent_again_with_growing_patience, fresh),
		cmocka_unit_test_setup(a_receipt_covers_all_that_were_sent_up_to_it, fresh),
		cmocka_unit_test_setup(a_receipt_frees_nothing_that_was_never_sent, fresh),
		cmocka_unit_test_setup(a_receipt_of_another_epoch_is_ignored_and_said, fresh),
		cmocka_unit_test_setup(a_receipt_may_come_before_the_puback, fresh),
		cmocka_unit_test_setup(rejected_and_overtaking_rows_leave_one_by_one, fresh),
		cmocka_unit_test_setup(a_receipt_that_was_not_kept_counts_as_never_come, fresh),
		cmocka_unit_test_setup(after_a_rewind_rows_are_met_again_but_not_doubled, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
