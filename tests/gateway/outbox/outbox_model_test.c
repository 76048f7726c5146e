/* outbox_model_test.c: random events against a reference that knows only what a row is: queued or
 * gone, sent or not, at the platform or not. The model plays store, client, broker and platform.
 *
 * Held at every step: no row leaves before the platform has it; no row is given while it flies; S1
 * goes first among what is due; the window is never exceeded. At the end, with a healthy line,
 * everything has come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "outbox.h"

#define EPOCH 42u
#define ROWS 4000u
#define STEPS 150000u

struct row {
	bool is_queued, is_s1, was_sent, is_flying, is_at_platform, is_refused_for_good;
};

static struct row rows[ROWS + 1]; /* by seq */
static uint64_t n_rows;
static struct outbox box;
static wy_ms now_ms;
static bool is_up;
static uint64_t noise;

static uint64_t draw(uint64_t n)
{
	noise ^= noise << 13;
	noise ^= noise >> 7;
	noise ^= noise << 17;
	return noise % n;
}

static void commit_row(void)
{
	if (n_rows == ROWS)
		return;
	n_rows++;
	memset(&rows[n_rows], 0, sizeof(rows[0]));
	rows[n_rows].is_queued = true;
	rows[n_rows].is_s1 = draw(10) == 0;
}

static void fill_window(void)
{
	for (unsigned lane = 0; lane < OUTBOX_LANES; lane++) {
		uint64_t seq;
		size_t room = outbox_want(&box, (enum outbox_lane)lane, &seq);

		for (seq++; room > 0 && seq <= n_rows; seq++) {
			if (!rows[seq].is_queued || rows[seq].is_s1 != (lane == OUTBOX_LANE_S1))
				continue;
			assert_int_equal(outbox_offer(&box, (enum outbox_lane)lane, seq, now_ms),
					 WY_OK);
			room--;
		}
	}
	assert_true(outbox_used(&box) <= WY_OUTBOX_WINDOW);
}

static bool is_s1_due(void)
{
	for (size_t i = 0; i < WY_OUTBOX_WINDOW; i++) {
		const struct outbox_slot *slot = &box.slot[i];

		if (slot->lane == OUTBOX_LANE_S1 &&
		    (slot->phase == OUTBOX_READY || slot->phase == OUTBOX_ACKED) &&
		    slot->due_ms <= now_ms)
			return true;
	}
	return false;
}

static void send_one(void)
{
	bool must_be_s1 = is_s1_due();
	uint64_t seq;
	uint32_t sends;

	if (!outbox_next(&box, now_ms, &seq, &sends))
		return;
	assert_true(is_up);
	assert_true(rows[seq].is_queued);
	assert_false(rows[seq].is_flying);
	assert_true(rows[seq].is_s1 || !must_be_s1);
	rows[seq].is_flying = true;
	rows[seq].was_sent = true;
	if (draw(4) != 0)
		rows[seq].is_at_platform = true; /* it may arrive whatever the broker says */
}

static uint64_t pick_flying(void)
{
	uint64_t start = n_rows ? draw(n_rows) : 0;

	for (uint64_t i = 0; i < n_rows; i++) {
		uint64_t seq = (start + i) % n_rows + 1;

		if (rows[seq].is_flying)
			return seq;
	}
	return 0;
}

static void call_back(void)
{
	uint64_t seq = pick_flying();

	if (seq == 0)
		return;
	rows[seq].is_flying = false;
	(void)!outbox_sent(&box, seq, draw(3) ? OUTBOX_TAKEN : OUTBOX_REFUSED, now_ms);
}

static void set_line(bool up)
{
	is_up = up;
	if (up) {
		outbox_up(&box);
		return;
	}
	outbox_lost(&box, now_ms);
	for (uint64_t seq = 1; seq <= n_rows; seq++)
		rows[seq].is_flying = false;
}

static void drop_row(uint64_t seq)
{
	assert_true(rows[seq].was_sent); /* nothing unsent ever leaves */
	if (rows[seq].is_queued)
		assert_true(rows[seq].is_at_platform || rows[seq].is_refused_for_good);
	rows[seq].is_queued = false;
}

static void apply(const struct outbox_receipt *receipt, const struct outbox_verdict *verdict)
{
	for (size_t i = 0; i < verdict->n_rejected; i++)
		drop_row(receipt->rejected[verdict->rejected[i]].seq);
	for (size_t i = 0; i < verdict->n_also; i++)
		drop_row(verdict->also[i]);
	for (uint64_t seq = 1; seq <= n_rows; seq++) {
		unsigned lane = rows[seq].is_s1 ? OUTBOX_LANE_S1 : OUTBOX_LANE_REST;

		if (rows[seq].is_queued && seq <= verdict->through[lane])
			drop_row(seq);
	}
}

static uint64_t contiguous(void)
{
	uint64_t seq = 0;

	while (seq < n_rows && (rows[seq + 1].is_at_platform || !rows[seq + 1].is_queued))
		seq++;
	return seq;
}

static void receive(bool is_honest_only)
{
	struct outbox_rejection rejected[1];
	uint64_t also[4];
	struct outbox_receipt receipt = {EPOCH, contiguous(), also, 0, rejected, 0};
	struct outbox_verdict verdict;
	uint64_t picked = n_rows ? draw(n_rows) + 1 : 0;

	for (uint64_t seq = picked; seq > 0 && seq <= n_rows && receipt.n_also < 4; seq++) {
		if (rows[seq].is_at_platform)
			also[receipt.n_also++] = seq;
	}
	if (!is_honest_only && picked && rows[picked].was_sent && draw(20) == 0) {
		rows[picked].is_refused_for_good = true;
		rejected[receipt.n_rejected++] = (struct outbox_rejection){picked, "poison"};
	}
	if (!is_honest_only && draw(10) == 0)
		receipt.epoch++; /* of a store long gone */
	outbox_receipt(&box, &receipt, &verdict);
	assert_true(verdict.is_foreign == (receipt.epoch != EPOCH));
	if (!is_honest_only && draw(50) == 0 && !verdict.is_foreign)
		outbox_rewind(&box); /* the store could not keep the verdict */
	else
		apply(&receipt, &verdict);
}

static void step(void)
{
	static const wy_ms spans[] = {1, 100, 5000, 60000, 900000};

	switch (draw(12)) {
	case 0:
		commit_row();
		break;
	case 1:
		set_line(draw(4) != 0);
		break;
	case 2:
		now_ms += (wy_ms)draw((uint64_t)spans[draw(5)]);
		break;
	case 3:
	case 4:
		receive(false);
		break;
	case 5:
	case 6:
	case 7:
		call_back();
		break;
	default:
		fill_window();
		send_one();
	}
}

static void drain(void)
{
	for (unsigned round = 0; round < 20000 && contiguous() < n_rows; round++) {
		set_line(true);
		fill_window();
		send_one();
		call_back();
		receive(true);
		now_ms += 1000;
	}
	receive(true);
}

static void run(uint64_t seed)
{
	memset(rows, 0, sizeof(rows));
	n_rows = 0;
	now_ms = 0;
	is_up = false;
	noise = seed * 0x9E3779B97F4A7C15u + 1;
	outbox_init(&box, EPOCH, 0);
	for (unsigned i = 0; i < STEPS / 5; i++)
		step();
	drain();
	for (uint64_t seq = 1; seq <= n_rows; seq++) {
		if (!rows[seq].is_at_platform && !rows[seq].is_refused_for_good)
			fail_msg("seed %llu: row %llu is lost", (unsigned long long)seed,
				 (unsigned long long)seq);
	}
	assert_true(n_rows > 1000);
}

static void nothing_is_lost_dropped_early_or_given_twice_over_random_events(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++)
		run(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_dropped_early_or_given_twice_over_random_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
