/* outbox.c: the window of outbox.h. Slots are few, so everything is found by looking at all of
 * them. */
#include "outbox.h"

#include <string.h>

#define LANE_SLOTS (WY_OUTBOX_WINDOW - OUTBOX_RESERVE)

_Static_assert(WY_OUTBOX_WINDOW >= 2 * OUTBOX_RESERVE, "each lane keeps slots of its own");

void outbox_init(struct outbox *outbox, uint64_t epoch, wy_ms receipt_wait_ms)
{
	memset(outbox, 0, sizeof(*outbox));
	outbox->epoch = epoch;
	outbox->receipt_wait_ms = receipt_wait_ms > 0 ? receipt_wait_ms : OUTBOX_RECEIPT_WAIT_MS;
}

static struct outbox_slot *find(struct outbox *outbox, uint64_t seq)
{
	for (size_t i = 0; i < WY_OUTBOX_WINDOW; i++) {
		struct outbox_slot *slot = &outbox->slot[i];

		if (slot->phase != OUTBOX_FREE && slot->seq == seq)
			return slot;
	}
	return NULL;
}

static struct outbox_slot *find_free(struct outbox *outbox)
{
	for (size_t i = 0; i < WY_OUTBOX_WINDOW; i++) {
		if (outbox->slot[i].phase == OUTBOX_FREE)
			return &outbox->slot[i];
	}
	return NULL;
}

static size_t count_lane(const struct outbox *outbox, enum outbox_lane lane)
{
	size_t n = 0;

	for (size_t i = 0; i < WY_OUTBOX_WINDOW; i++) {
		const struct outbox_slot *slot = &outbox->slot[i];

		n += slot->phase != OUTBOX_FREE && slot->lane == lane;
	}
	return n;
}

size_t outbox_used(const struct outbox *outbox)
{
	return count_lane(outbox, OUTBOX_LANE_S1) + count_lane(outbox, OUTBOX_LANE_REST);
}

/* first * 2^times, never above OUTBOX_WAIT_MOST_MS (nor below first). */
static wy_ms back_off(wy_ms first_ms, uint32_t times)
{
	wy_ms wait_ms = first_ms;

	for (uint32_t i = 0; i < times && wait_ms < OUTBOX_WAIT_MOST_MS; i++)
		wait_ms *= 2;
	if (wait_ms > OUTBOX_WAIT_MOST_MS && first_ms < OUTBOX_WAIT_MOST_MS)
		wait_ms = OUTBOX_WAIT_MOST_MS;
	return wait_ms;
}

void outbox_up(struct outbox *outbox)
{
	outbox->is_up = true;
}

void outbox_lost(struct outbox *outbox, wy_ms now_ms)
{
	outbox->is_up = false;
	for (size_t i = 0; i < WY_OUTBOX_WINDOW; i++) {
		struct outbox_slot *slot = &outbox->slot[i];

		if (slot->phase == OUTBOX_FLYING) {
			slot->phase = OUTBOX_READY;
			slot->due_ms = now_ms;
		} else if (slot->phase == OUTBOX_DONE) {
			slot->phase = OUTBOX_FREE;
		}
	}
}

size_t outbox_want(const struct outbox *outbox, enum outbox_lane lane, uint64_t *ret_after_seq)
{
	size_t used = count_lane(outbox, lane);
	size_t of_lane = used < LANE_SLOTS ? LANE_SLOTS - used : 0;
	size_t of_all = WY_OUTBOX_WINDOW - outbox_used(outbox);

	*ret_after_seq = outbox->cursor[lane];
	return of_lane < of_all ? of_lane : of_all;
}

enum wy_err outbox_offer(struct outbox *outbox, enum outbox_lane lane, uint64_t seq, wy_ms now_ms)
{
	struct outbox_slot *slot = find(outbox, seq);
	uint64_t after;

	if (slot) {
		if (slot->phase == OUTBOX_DONE)
			slot->phase = OUTBOX_FLYING; /* its receipt was not kept: the store has it
							as queued */
		if (seq > outbox->cursor[lane])
			outbox->cursor[lane] = seq; /* after a rewind it is met again */
		return WY_OK;
	}
	slot = find_free(outbox);
	if (!slot || outbox_want(outbox, lane, &after) == 0)
		return WY_E_FULL;
	memset(slot, 0, sizeof(*slot));
	slot->seq = seq;
	slot->lane = (uint8_t)lane;
	slot->phase = OUTBOX_READY;
	slot->due_ms = now_ms;
	if (seq > outbox->cursor[lane])
		outbox->cursor[lane] = seq;
	return WY_OK;
}

void outbox_rewind(struct outbox *outbox)
{
	for (unsigned lane = 0; lane < OUTBOX_LANES; lane++)
		outbox->cursor[lane] = 0;
}

static bool goes_before(const struct outbox_slot *a, const struct outbox_slot *b)
{
	return a->lane != b->lane ? a->lane < b->lane : a->seq < b->seq;
}

static bool is_due(const struct outbox_slot *slot, wy_ms now_ms)
{
	return (slot->phase == OUTBOX_READY || slot->phase == OUTBOX_ACKED) &&
	       slot->due_ms <= now_ms;
}

bool outbox_next(struct outbox *outbox, wy_ms now_ms, uint64_t *ret_seq, uint32_t *ret_sends)
{
	struct outbox_slot *best = NULL;

	if (!outbox->is_up)
		return false;
	for (size_t i = 0; i < WY_OUTBOX_WINDOW; i++) {
		struct outbox_slot *slot = &outbox->slot[i];

		if (is_due(slot, now_ms) && (!best || goes_before(slot, best)))
			best = slot;
	}
	if (!best)
		return false;
	if (best->phase == OUTBOX_ACKED)
		best->silences++;
	if (best->sends == 0)
		best->first_ms = now_ms;
	best->sends++;
	best->phase = OUTBOX_FLYING;
	*ret_seq = best->seq;
	*ret_sends = best->sends;
	return true;
}

/* The broker takes again what it refused: the others need not wait out what the refusals added up to. */
static void hurry_refused(struct outbox *outbox, wy_ms now_ms)
{
	for (size_t i = 0; i < WY_OUTBOX_WINDOW; i++) {
		struct outbox_slot *slot = &outbox->slot[i];

		if (slot->phase != OUTBOX_READY || slot->refusals == 0)
			continue;
		slot->refusals = 0;
		slot->due_ms = now_ms;
	}
}

enum wy_err outbox_sent(struct outbox *outbox, uint64_t seq, enum outbox_result result,
			wy_ms now_ms)
{
	struct outbox_slot *slot = find(outbox, seq);

	if (slot && slot->phase == OUTBOX_DONE) {
		slot->phase = OUTBOX_FREE;
		return WY_OK;
	}
	if (!slot || slot->phase != OUTBOX_FLYING)
		return WY_E_NOTFOUND;
	if (result == OUTBOX_TAKEN) {
		if (slot->refusals > 0)
			hurry_refused(outbox, now_ms);
		slot->phase = OUTBOX_ACKED;
		slot->refusals = 0;
		slot->due_ms = now_ms + back_off(outbox->receipt_wait_ms, slot->silences);
	} else {
		slot->phase = OUTBOX_READY;
		slot->due_ms = now_ms + back_off(OUTBOX_REFUSED_WAIT_MS, slot->refusals);
		slot->refusals++;
	}
	return WY_OK;
}

enum outbox_result outbox_result_of(unsigned mqtt_reason)
{
	return mqtt_reason == 0x10 || mqtt_reason >= 0x80 ? OUTBOX_REFUSED : OUTBOX_TAKEN;
}

/* Highest seq of a lane a receipt may cover: what was offered, short of the first row never sent.
 */
static uint64_t sent_through(const struct outbox *outbox, unsigned lane)
{
	uint64_t through = outbox->cursor[lane];

	for (size_t i = 0; i < WY_OUTBOX_WINDOW; i++) {
		const struct outbox_slot *slot = &outbox->slot[i];

		if (slot->phase != OUTBOX_FREE && slot->lane == lane && slot->sends == 0 &&
		    slot->seq <= through)
			through = slot->seq - 1;
	}
	return through;
}

static void finish(struct outbox_slot *slot)
{
	bool is_with_client = slot->phase == OUTBOX_FLYING || slot->phase == OUTBOX_DONE;

	slot->phase = is_with_client ? OUTBOX_DONE : OUTBOX_FREE;
}

static bool finish_sent(struct outbox *outbox, uint64_t seq)
{
	struct outbox_slot *slot = find(outbox, seq);

	if (!slot || slot->sends == 0 || slot->phase == OUTBOX_DONE)
		return false;
	finish(slot);
	return true;
}

static void take_lists(struct outbox *outbox, const struct outbox_receipt *receipt,
		       struct outbox_verdict *verdict)
{
	for (size_t i = 0; i < receipt->n_rejected; i++) {
		if (finish_sent(outbox, receipt->rejected[i].seq))
			verdict->rejected[verdict->n_rejected++] = i;
	}
	for (size_t i = 0; i < receipt->n_also; i++) {
		if (finish_sent(outbox, receipt->also[i]))
			verdict->also[verdict->n_also++] = receipt->also[i];
	}
}

void outbox_receipt(struct outbox *outbox, const struct outbox_receipt *receipt,
		    struct outbox_verdict *ret_verdict)
{
	struct outbox_verdict verdict;
	uint64_t highest = 0;

	memset(&verdict, 0, sizeof(verdict));
	if (receipt->epoch != outbox->epoch) {
		verdict.is_foreign = true;
		*ret_verdict = verdict;
		return;
	}
	for (unsigned lane = 0; lane < OUTBOX_LANES; lane++) {
		uint64_t sent = sent_through(outbox, lane);

		highest = sent > highest ? sent : highest;
		verdict.through[lane] = receipt->through < sent ? receipt->through : sent;
	}
	verdict.is_ahead = receipt->through > highest;
	take_lists(outbox, receipt, &verdict);
	for (size_t i = 0; i < WY_OUTBOX_WINDOW; i++) {
		struct outbox_slot *slot = &outbox->slot[i];

		if (slot->phase != OUTBOX_FREE && slot->seq <= verdict.through[slot->lane])
			finish(slot);
	}
	*ret_verdict = verdict;
}

void outbox_heard(struct outbox *outbox, wy_ms now_ms)
{
	wy_ms latest_ms = now_ms + outbox->receipt_wait_ms;

	for (size_t i = 0; i < WY_OUTBOX_WINDOW; i++) {
		struct outbox_slot *slot = &outbox->slot[i];

		if (slot->phase != OUTBOX_ACKED || slot->due_ms <= latest_ms)
			continue;
		slot->due_ms = latest_ms;
		slot->silences = 0;
	}
}

wy_ms outbox_due(const struct outbox *outbox)
{
	wy_ms due_ms = WY_MS_NEVER;

	if (!outbox->is_up)
		return due_ms;
	for (size_t i = 0; i < WY_OUTBOX_WINDOW; i++) {
		const struct outbox_slot *slot = &outbox->slot[i];
		bool is_waiting = slot->phase == OUTBOX_READY || slot->phase == OUTBOX_ACKED;

		if (is_waiting && slot->due_ms < due_ms)
			due_ms = slot->due_ms;
	}
	return due_ms;
}

wy_ms outbox_unconfirmed_ms(const struct outbox *outbox, wy_ms now_ms)
{
	wy_ms first_ms = now_ms;

	for (size_t i = 0; i < WY_OUTBOX_WINDOW; i++) {
		const struct outbox_slot *slot = &outbox->slot[i];

		bool is_open = slot->phase != OUTBOX_FREE && slot->phase != OUTBOX_DONE;

		if (is_open && slot->sends > 0 && slot->first_ms < first_ms)
			first_ms = slot->first_ms;
	}
	return now_ms - first_ms;
}
