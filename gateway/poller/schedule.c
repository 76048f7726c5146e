/* schedule.c: see schedule.h. The jitter is an xorshift generator of its own: the same seed gives
 * the same schedule, so a test can replay it. */
#include "schedule.h"

#include <string.h>

struct slot {
	struct schedule_device conf;
	wy_ms due_ms[SCHEDULE_CLASSES];
	wy_ms retry_ms; /* not before, after a failure */
	unsigned failures;
	wy_ms silent_ms; /* the first of them */
};

struct schedule {
	size_t n;
	uint64_t random;
	struct slot *slot; /* in the arena */
};

static uint64_t next_random(struct schedule *schedule)
{
	uint64_t x = schedule->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	schedule->random = x;
	return x;
}

static wy_ms below(struct schedule *schedule, wy_ms bound_ms)
{
	return bound_ms > 0 ? (wy_ms)(next_random(schedule) % (uint64_t)bound_ms) : 0;
}

static unsigned fastest(const struct slot *slot)
{
	unsigned best = 0;

	for (unsigned c = 1; c < SCHEDULE_CLASSES; c++)
		if (slot->conf.class_ms[c] &&
		    (!slot->conf.class_ms[best] || slot->conf.class_ms[c] < slot->conf.class_ms[best]))
			best = c;
	return best;
}

/* Every class is read once at the start, spread over the fastest period and no more than a second, so
 * that a gateway knows its building soon. */
enum wy_err schedule_new(const struct schedule_device *devices, size_t n, wy_ms now_ms, uint64_t seed,
			 struct wy_arena *arena, struct schedule **ret)
{
	struct schedule *schedule = wy_arena_alloc(arena, sizeof(*schedule));

	if (!schedule)
		return WY_E_NOMEM;
	schedule->slot = wy_arena_array(arena, n, sizeof(*schedule->slot));
	if (!schedule->slot)
		return WY_E_NOMEM;
	schedule->n = n;
	schedule->random = seed | 1;
	for (size_t i = 0; i < n; i++) {
		struct slot *slot = &schedule->slot[i];
		slot->conf = devices[i];
		wy_ms spread_ms = slot->conf.class_ms[fastest(slot)];
		wy_ms first_ms = now_ms + below(schedule, spread_ms < 1000 ? spread_ms : 1000);
		for (unsigned c = 0; c < SCHEDULE_CLASSES; c++)
			slot->due_ms[c] = slot->conf.class_ms[c] ? first_ms : WY_MS_NEVER;
	}
	*ret = schedule;
	return WY_OK;
}

static wy_ms due_of(const struct slot *slot)
{
	wy_ms due_ms = WY_MS_NEVER;

	for (unsigned c = 0; c < SCHEDULE_CLASSES; c++)
		if (slot->due_ms[c] < due_ms)
			due_ms = slot->due_ms[c];
	if (slot->failures && due_ms < slot->retry_ms)
		due_ms = slot->retry_ms;
	return due_ms;
}

bool schedule_next(const struct schedule *schedule, wy_ms now_ms, struct schedule_turn *ret_turn,
		   wy_ms *ret_at_ms)
{
	const struct slot *best = NULL;
	wy_ms best_ms = WY_MS_NEVER;

	for (size_t i = 0; i < schedule->n; i++) {
		wy_ms due_ms = due_of(&schedule->slot[i]);
		if (due_ms < best_ms) {
			best_ms = due_ms;
			best = &schedule->slot[i];
		}
	}
	*ret_at_ms = best_ms;
	if (!best || best_ms > now_ms)
		return false;
	ret_turn->slot = (size_t)(best - schedule->slot);
	ret_turn->device = best->conf.device;
	ret_turn->is_probe = best->failures > 0;
	ret_turn->class_mask = 0;
	if (best->failures)
		ret_turn->class_mask = 1u << fastest(best);
	for (unsigned c = 0; !best->failures && c < SCHEDULE_CLASSES; c++)
		if (best->due_ms[c] <= now_ms)
			ret_turn->class_mask |= 1u << c;
	return true;
}

/* The next beat of a class after now; beats that have passed are skipped. */
static wy_ms next_beat(const struct slot *slot, unsigned c, wy_ms now_ms)
{
	wy_ms period_ms = slot->conf.class_ms[c];
	wy_ms missed = now_ms > slot->due_ms[c] ? (now_ms - slot->due_ms[c]) / period_ms : 0;

	return slot->due_ms[c] + (missed + 1) * period_ms;
}

static void answered(struct slot *slot, const struct schedule_turn *turn, wy_ms now_ms)
{
	bool was_away = slot->failures > 1;

	slot->failures = 0;
	for (unsigned c = 0; c < SCHEDULE_CLASSES; c++) {
		if (!slot->conf.class_ms[c])
			continue;
		if (turn->class_mask & (1u << c))
			slot->due_ms[c] = next_beat(slot, c, now_ms);
		else if (was_away)
			slot->due_ms[c] = now_ms;
	}
}

/* A first failure is one lost answer until the next poll says otherwise, so that poll comes no later
 * than it would have come anyway. */
static wy_ms first_retry(struct schedule *schedule, const struct slot *slot, wy_ms now_ms)
{
	unsigned c = fastest(slot);
	wy_ms beat_ms = slot->due_ms[c] > now_ms ? slot->due_ms[c] : next_beat(slot, c, now_ms);
	wy_ms soon_ms = now_ms + SCHEDULE_BACKOFF_FIRST_MS -
			below(schedule, SCHEDULE_BACKOFF_FIRST_MS / 4 + 1);

	return beat_ms < soon_ms ? beat_ms : soon_ms;
}

static wy_ms back_off(const struct slot *slot, wy_ms now_ms)
{
	bool is_early = now_ms - slot->silent_ms < SCHEDULE_EARLY_MS;
	wy_ms most_ms = is_early ? SCHEDULE_BACKOFF_EARLY_MS : SCHEDULE_BACKOFF_MOST_MS;
	wy_ms wait_ms = SCHEDULE_BACKOFF_FIRST_MS;

	for (unsigned i = 2; i < slot->failures && wait_ms < most_ms; i++)
		wait_ms *= 2;
	return wait_ms < most_ms ? wait_ms : most_ms;
}

void schedule_done(struct schedule *schedule, const struct schedule_turn *turn, bool has_answered,
		   wy_ms now_ms)
{
	struct slot *slot = &schedule->slot[turn->slot];

	if (has_answered) {
		answered(slot, turn, now_ms);
		return;
	}
	slot->failures++;
	if (slot->failures == 1) {
		slot->silent_ms = now_ms;
		slot->retry_ms = first_retry(schedule, slot, now_ms);
		return;
	}
	wy_ms wait_ms = back_off(slot, now_ms);
	slot->retry_ms = now_ms + wait_ms - below(schedule, wait_ms / 4 + 1);
}

unsigned schedule_failures(const struct schedule *schedule, size_t slot)
{
	return schedule->slot[slot].failures;
}
