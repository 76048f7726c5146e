/* outbox_model_test.c: random events against a reference that knows only what a row is: queued or
 * gone, sent or not, at the platform or not. The model plays store, client, broker and platform, and the death of the
 * process: then the window is gone, and the store's rows and the platform stay.
 *
 * Held at every step: no row leaves before the platform has it; no row is given while it flies; S1
 * goes first among what is due; the window is never exceeded; no receipt frees what this process never sent. At the
 * end, with a healthy line, everything has come, and soon: nobody starves.
 *
 * WY_SEED draws other events, WY_STEPS more of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "outbox.h"

#define EPOCH 42u
#define ROWS 1000u
#define LIFE_STEPS 12000u /* of one building */
#define STEPS 1200000u

struct row {
	bool is_queued, is_s1, was_sent, is_flying, is_at_platform, is_refused_for_good;
	bool was_sent_by_this; /* process */
};

static struct row rows[ROWS + 1]; /* by seq */
static uint64_t n_rows;
static struct outbox box;
static wy_ms now_ms;
static bool is_up;
static uint64_t noise;
static struct {
	uint64_t steps, deaths, sends, receipts, foreign, ahead, parked;
} seen;

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
	rows[seq].was_sent_by_this = true;
	seen.sends++;
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

/* kill -9: a new window over the same rows. What flew may still arrive. */
static void die(void)
{
	for (uint64_t seq = 1; seq <= n_rows; seq++) {
		if (rows[seq].is_flying && draw(2))
			rows[seq].is_at_platform = true;
		rows[seq].is_flying = false;
		rows[seq].was_sent_by_this = false;
	}
	is_up = false;
	outbox_init(&box, EPOCH, (wy_ms)(draw(3) ? 0 : 1000));
	seen.deaths++;
}

static void drop_row(uint64_t seq)
{
	/* Nothing unsent ever leaves, whatever a receipt says; one may name a row that left before. */
	assert_true(rows[seq].was_sent_by_this || !rows[seq].is_queued);
	if (rows[seq].is_queued)
		assert_true(rows[seq].is_at_platform || rows[seq].is_refused_for_good);
	seen.parked += rows[seq].is_queued && rows[seq].is_refused_for_good;
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

/* Some rows the platform has, from one drawn on, in any order, and some of them twice. */
static void name_some(uint64_t from, struct outbox_receipt *receipt, uint64_t also[WY_OUTBOX_WINDOW])
{
	size_t most = draw(4) ? 4 : WY_OUTBOX_WINDOW;

	for (uint64_t seq = from; seq > 0 && seq <= n_rows && receipt->n_also < most; seq++) {
		if (!rows[seq].is_at_platform)
			continue;
		also[receipt->n_also++] = seq;
		if (draw(8) == 0 && receipt->n_also < most)
			also[receipt->n_also++] = seq;
	}
}

static bool will_park(uint64_t seq)
{
	return seq && rows[seq].was_sent_by_this && rows[seq].is_queued && draw(20) == 0;
}

static void receive(bool is_honest_only)
{
	struct outbox_rejection rejected[2];
	uint64_t also[WY_OUTBOX_WINDOW];
	struct outbox_receipt receipt = {EPOCH, contiguous(), also, 0, rejected, 0};
	struct outbox_verdict verdict;
	uint64_t picked = n_rows ? draw(n_rows) + 1 : 0;

	name_some(picked, &receipt, also);
	if (!is_honest_only && will_park(picked)) {
		rows[picked].is_refused_for_good = true;
		rejected[receipt.n_rejected++] = (struct outbox_rejection){picked, "poison"};
		if (draw(2))
			rejected[receipt.n_rejected++] = (struct outbox_rejection){picked, "poison"};
	}
	if (!is_honest_only && draw(6) == 0)
		receipt.through = receipt.through ? draw(receipt.through) : 0; /* an old one, late */
	if (!is_honest_only && draw(10) == 0)
		receipt.epoch += draw(3) + 1; /* of a store long gone */
	outbox_receipt(&box, &receipt, &verdict);
	assert_true(verdict.is_foreign == (receipt.epoch != EPOCH));
	assert_true(verdict.n_also <= WY_OUTBOX_WINDOW && verdict.n_rejected <= WY_OUTBOX_WINDOW);
	seen.receipts++;
	seen.foreign += verdict.is_foreign;
	seen.ahead += verdict.is_ahead;
	if (!verdict.is_foreign && draw(3) == 0)
		outbox_heard(&box, now_ms);
	if (!is_honest_only && draw(50) == 0 && !verdict.is_foreign)
		outbox_rewind(&box); /* the store could not keep the verdict */
	else
		apply(&receipt, &verdict);
}

/* Numbers the platform cannot know: of a clone, of a broken platform. Nothing leaves by them but what is there. */
static void receive_nonsense(void)
{
	uint64_t also[3] = {n_rows + 5, UINT64_MAX, 0};
	struct outbox_rejection rejected[2] = {{n_rows + 9, "never heard of"}, {0, "none"}};
	struct outbox_receipt receipt = {EPOCH, draw(2) ? contiguous() : 0, also, 3, rejected, 2};
	struct outbox_verdict verdict;

	outbox_receipt(&box, &receipt, &verdict);
	assert_int_equal(verdict.n_also, 0);
	assert_int_equal(verdict.n_rejected, 0);
	apply(&receipt, &verdict);
}

static void step(void)
{
	static const wy_ms spans[] = {1, 100, 5000, 60000, 900000};

	seen.steps++;
	if (draw(400) == 0)
		die();
	switch (draw(13)) {
	case 0:
		commit_row();
		break;
	case 12:
		if (draw(10) == 0)
			receive_nonsense();
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
	/* So many turns are enough for each row to be sent twice, and for its longest wait. */
	for (unsigned round = 0; round < 4 * ROWS && contiguous() < n_rows; round++) {
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
	for (unsigned i = 0; i < LIFE_STEPS; i++)
		step();
	drain();
	for (uint64_t seq = 1; seq <= n_rows; seq++) {
		if (!rows[seq].is_at_platform && !rows[seq].is_refused_for_good)
			fail_msg("seed %llu: row %llu is lost", (unsigned long long)seed,
				 (unsigned long long)seq);
		if (rows[seq].is_queued)
			fail_msg("seed %llu: row %llu never leaves", (unsigned long long)seed, (unsigned long long)seq);
	}
	assert_true(n_rows > ROWS / 2);
}

static void nothing_is_lost_dropped_early_or_given_twice_over_random_events(void **state)
{
	const char *seed_text = getenv("WY_SEED"), *steps_text = getenv("WY_STEPS");
	uint64_t seed = seed_text ? strtoull(seed_text, NULL, 0) : 20261122;
	uint64_t steps = steps_text ? strtoull(steps_text, NULL, 0) : STEPS;
	(void)state;

	print_message("seed %llu\n", (unsigned long long)seed);
	while (seen.steps < steps)
		run(seed++);
	print_message("%llu steps: %llu deaths, %llu sends, %llu receipts, %llu of another epoch, %llu ahead, %llu parked\n",
		      (unsigned long long)seen.steps, (unsigned long long)seen.deaths, (unsigned long long)seen.sends,
		      (unsigned long long)seen.receipts, (unsigned long long)seen.foreign, (unsigned long long)seen.ahead,
		      (unsigned long long)seen.parked);
	assert_true(seen.deaths > 1000 && seen.foreign > 1000 && seen.ahead > 100 && seen.parked > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_dropped_early_or_given_twice_over_random_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
