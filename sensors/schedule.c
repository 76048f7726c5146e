/* schedule.c: see schedule.h. The jitter is an xorshift generator of its own: the same seed gives
 * the same schedule, so a test can replay it.
 *
 * Each slot keeps the time from which it is due; it changes only when its poll ends or somebody asks for it. Until the
 * earliest of these times schedule_next() answers from memory. When something is due it looks at every slot once: a
 * poll takes thousands of times longer. */
#include "schedule.h"

#include <string.h>

#define SOON_MS 1000

struct slot {
	struct schedule_device conf;
	wy_ms due_ms[SCHEDULE_CLASSES];
	wy_ms first_ms; /* not before */
	wy_ms next_ms;  /* from when on it is due: of all this */
	wy_ms retry_ms; /* not before, after a failure */
	wy_ms end_ms;   /* of the last poll; WY_MS_NONE: none yet */
	wy_ms asked_ms; /* somebody asks since; WY_MS_NEVER: nobody */
	unsigned failures;
	wy_ms silent_ms; /* the first of them */
	wy_ms probe_ms;  /* what failures take of late */
	wy_ms wait_ms;   /* after it */
};

struct schedule {
	size_t n;
	uint64_t random;
	struct slot *slot; /* in the arena */
	wy_ms wake_ms;     /* nothing is due before */
	unsigned safety_row;
	size_t n_silent;
	wy_ms silent_cost_ms; /* one probe of each of them */
	wy_ms probe_free_ms;  /* no probe before, while others are due */
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

static bool is_silent(const struct slot *slot)
{
	return slot->failures > 1;
}

/* ---- When --------------------------------------------------------------------------------------- */

static wy_ms due_of(const struct slot *slot)
{
	wy_ms due_ms = WY_MS_NEVER;

	for (unsigned c = 0; c < SCHEDULE_CLASSES; c++)
		if (slot->due_ms[c] < due_ms)
			due_ms = slot->due_ms[c];
	if (due_ms < slot->first_ms)
		due_ms = slot->first_ms;
	if (slot->failures && due_ms < slot->retry_ms)
		due_ms = slot->retry_ms;
	if (slot->asked_ms < due_ms)
		due_ms = slot->asked_ms;
	if (slot->end_ms != WY_MS_NONE && due_ms < slot->end_ms + slot->conf.min_interval_ms)
		due_ms = slot->end_ms + slot->conf.min_interval_ms;
	return due_ms;
}

static void renew(struct schedule *schedule, struct slot *slot)
{
	slot->next_ms = due_of(slot);
	schedule->wake_ms = WY_MS_NONE;
}

/* The class with the longest period that is shorter than this one's and fits into it a whole number of times; c: none.
 */
static unsigned next_faster(const struct slot *slot, unsigned c)
{
	const wy_ms *period_ms = slot->conf.class_ms;
	unsigned best = c;

	for (unsigned k = 0; k < SCHEDULE_CLASSES; k++)
		if (period_ms[k] && period_ms[k] < period_ms[c] && period_ms[c] % period_ms[k] == 0 &&
		    (best == c || period_ms[k] > period_ms[best]))
			best = k;
	return best;
}

/* Of a class and of all the faster ones on whose beats its own fall. */
static wy_ms sum_of(const struct slot *slot, const wy_ms shift_ms[SCHEDULE_CLASSES], unsigned c)
{
	wy_ms sum_ms = shift_ms[c];

	for (unsigned k = next_faster(slot, c); k != c; c = k, k = next_faster(slot, c))
		sum_ms += shift_ms[k];
	return sum_ms;
}

/* Wires that begin together keep in step: what they ask in one go costs one waking up, not one each. */
static wy_ms on_grid(wy_ms offset_ms)
{
	return offset_ms / SCHEDULE_GRID_MS * SCHEDULE_GRID_MS;
}

/* Every class is read once at the start, spread over the fastest period and no more than a second, so that a gateway
 * knows its building soon. After that the beats are spread over the whole period. A beat of a slow class is one of the
 * faster ones too, so that they share their reads, but another one for each device: otherwise the slow points of a
 * hundred devices would be due in the same second. */
static void start(struct schedule *schedule, struct slot *slot, wy_ms now_ms)
{
	wy_ms spread_ms = slot->conf.class_ms[fastest(slot)];
	wy_ms shift_ms[SCHEDULE_CLASSES] = {0};

	for (unsigned c = 0; c < SCHEDULE_CLASSES; c++) {
		wy_ms faster_ms = slot->conf.class_ms[next_faster(slot, c)];
		if (faster_ms)
			shift_ms[c] = below(schedule, slot->conf.class_ms[c] / faster_ms) * faster_ms;
	}
	shift_ms[fastest(slot)] = on_grid(below(schedule, spread_ms - SOON_MS));
	slot->first_ms = now_ms + on_grid(below(schedule, spread_ms < SOON_MS ? spread_ms : SOON_MS));
	for (unsigned c = 0; c < SCHEDULE_CLASSES; c++)
		slot->due_ms[c] = slot->conf.class_ms[c] ? slot->first_ms - sum_of(slot, shift_ms, c)
							 : WY_MS_NEVER;
	renew(schedule, slot);
}

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
	schedule->probe_free_ms = WY_MS_NONE;
	for (size_t i = 0; i < n; i++) {
		struct slot *slot = &schedule->slot[i];
		*slot = (struct slot){.conf = devices[i], .end_ms = WY_MS_NONE, .asked_ms = WY_MS_NEVER};
		start(schedule, slot, now_ms);
	}
	*ret = schedule;
	return WY_OK;
}

/* ---- Who ---------------------------------------------------------------------------------------- */

/* How overdue a slot is: late_ms / period_ms. */
struct claim {
	const struct slot *slot; /* NULL: nobody */
	wy_ms late_ms, period_ms;
};

static bool is_more(const struct claim *a, const struct claim *b)
{
	return !b->slot || a->late_ms * b->period_ms > b->late_ms * a->period_ms;
}

static struct claim claim_of(const struct slot *slot, wy_ms now_ms)
{
	struct claim claim = {slot, now_ms - slot->next_ms, slot->conf.class_ms[fastest(slot)]};

	if (is_silent(slot) && claim.period_ms < slot->wait_ms)
		claim.period_ms = slot->wait_ms;
	for (unsigned c = 0; !slot->failures && c < SCHEDULE_CLASSES; c++) {
		wy_ms due_ms = slot->due_ms[c] > slot->first_ms ? slot->due_ms[c] : slot->first_ms;
		struct claim other = {slot, now_ms - due_ms, slot->conf.class_ms[c]};
		if (due_ms <= now_ms && is_more(&other, &claim))
			claim = other;
	}
	return claim;
}

enum rank { RANK_ASKED, RANK_SAFETY, RANK_OTHER, RANK_PROBE, RANKS };

/* A probe that is held back for a whole minute is one no longer. */
static enum rank rank_of(const struct schedule *schedule, const struct slot *slot, wy_ms now_ms)
{
	if (slot->asked_ms <= now_ms)
		return RANK_ASKED;
	if (is_silent(slot) && now_ms < schedule->probe_free_ms &&
	    now_ms - slot->end_ms < SCHEDULE_BACKOFF_MOST_MS)
		return RANK_PROBE;
	return slot->conf.is_safety && !is_silent(slot) ? RANK_SAFETY : RANK_OTHER;
}

static const struct slot *choose(const struct schedule *schedule, const struct claim best[RANKS])
{
	const struct claim *other = &best[RANK_OTHER];
	bool has_waited = other->slot && other->late_ms > other->period_ms;

	if (best[RANK_ASKED].slot)
		return best[RANK_ASKED].slot;
	if (best[RANK_SAFETY].slot && !(has_waited && schedule->safety_row >= SCHEDULE_SAFETY_ROW))
		return best[RANK_SAFETY].slot;
	return other->slot ? other->slot : best[RANK_PROBE].slot;
}

static void fill_turn(const struct schedule *schedule, const struct slot *slot, wy_ms now_ms,
		      struct schedule_turn *ret_turn)
{
	bool is_asked = slot->asked_ms <= now_ms;

	*ret_turn = (struct schedule_turn){.slot = (size_t)(slot - schedule->slot),
					   .device = slot->conf.device,
					   .is_probe = slot->failures > 0,
					   .due_ms = slot->next_ms};
	for (unsigned c = 0; c < SCHEDULE_CLASSES; c++)
		if (slot->conf.class_ms[c] && (is_asked || (!slot->failures && slot->due_ms[c] <= now_ms)))
			ret_turn->class_mask |= 1u << c;
	if (slot->failures && !is_asked)
		ret_turn->class_mask = 1u << fastest(slot);
}

bool schedule_next(struct schedule *schedule, wy_ms now_ms, struct schedule_turn *ret_turn, wy_ms *ret_at_ms)
{
	struct claim best[RANKS] = {{0}};
	wy_ms wake_ms = WY_MS_NEVER;

	*ret_at_ms = schedule->wake_ms;
	if (now_ms < schedule->wake_ms)
		return false;
	for (size_t i = 0; i < schedule->n; i++) {
		const struct slot *slot = &schedule->slot[i];
		if (slot->next_ms < wake_ms)
			wake_ms = slot->next_ms;
		if (slot->next_ms > now_ms)
			continue;
		enum rank rank = rank_of(schedule, slot, now_ms);
		struct claim claim = claim_of(slot, now_ms);
		if (is_more(&claim, &best[rank]))
			best[rank] = claim;
	}
	schedule->wake_ms = wake_ms;
	*ret_at_ms = wake_ms;
	const struct slot *chosen = choose(schedule, best);
	if (chosen)
		fill_turn(schedule, chosen, now_ms, ret_turn);
	return chosen != NULL;
}

/* ---- Afterwards --------------------------------------------------------------------------------- */

/* The next beat of a class after now; beats that have passed are skipped. */
static wy_ms next_beat(const struct slot *slot, unsigned c, wy_ms now_ms)
{
	wy_ms period_ms = slot->conf.class_ms[c];

	if (slot->due_ms[c] > now_ms)
		return slot->due_ms[c];
	return slot->due_ms[c] + ((now_ms - slot->due_ms[c]) / period_ms + 1) * period_ms;
}

static void forget_silence(struct schedule *schedule, struct slot *slot)
{
	if (!is_silent(slot))
		return;
	schedule->n_silent--;
	schedule->silent_cost_ms -= slot->probe_ms;
}

static void answered(struct schedule *schedule, struct slot *slot, const struct schedule_turn *turn, wy_ms now_ms)
{
	bool was_away = is_silent(slot);

	forget_silence(schedule, slot);
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
	wy_ms beat_ms = next_beat(slot, fastest(slot), now_ms);
	wy_ms soon_ms = now_ms + SCHEDULE_BACKOFF_FIRST_MS -
			below(schedule, SCHEDULE_BACKOFF_FIRST_MS / 4 + 1);

	return beat_ms < soon_ms ? beat_ms : soon_ms;
}

static bool is_early(const struct slot *slot, wy_ms now_ms)
{
	return now_ms - slot->silent_ms < SCHEDULE_EARLY_MS;
}

static wy_ms longest_wait(const struct schedule *schedule, const struct slot *slot, wy_ms now_ms)
{
	/* Jitter takes an eighth off a wait, on average. */
	wy_ms most_ms = schedule->silent_cost_ms * 100 / SCHEDULE_PROBE_PERCENT * 8 / 7;

	if (is_early(slot, now_ms) || schedule->n_silent == schedule->n || most_ms < SCHEDULE_BACKOFF_EARLY_MS)
		return SCHEDULE_BACKOFF_EARLY_MS;
	return most_ms < SCHEDULE_BACKOFF_MOST_MS ? most_ms : SCHEDULE_BACKOFF_MOST_MS;
}

static wy_ms back_off(const struct schedule *schedule, const struct slot *slot, wy_ms now_ms)
{
	wy_ms most_ms = longest_wait(schedule, slot, now_ms);
	wy_ms wait_ms = SCHEDULE_BACKOFF_FIRST_MS;

	for (unsigned i = 2; i < slot->failures && wait_ms < most_ms; i++)
		wait_ms *= 2;
	return wait_ms < most_ms ? wait_ms : most_ms;
}

static void failed(struct schedule *schedule, struct slot *slot, wy_ms took_ms, wy_ms now_ms)
{
	forget_silence(schedule, slot);
	/* A probe that waits for longer than the others, now and then, makes a wait no longer than its part. */
	slot->probe_ms = slot->failures++ < 2 ? took_ms : (3 * slot->probe_ms + took_ms) / 4;
	if (slot->failures == 1) {
		slot->silent_ms = now_ms;
		slot->retry_ms = first_retry(schedule, slot, now_ms);
		return;
	}
	schedule->n_silent++;
	schedule->silent_cost_ms += slot->probe_ms;
	slot->wait_ms = back_off(schedule, slot, now_ms);
	slot->retry_ms = now_ms + slot->wait_ms - below(schedule, slot->wait_ms / 4 + 1);
	schedule->probe_free_ms =
		now_ms + took_ms * (100 - SCHEDULE_PROBE_PERCENT) / SCHEDULE_PROBE_PERCENT;
}

void schedule_done(struct schedule *schedule, const struct schedule_turn *turn, bool has_answered, wy_ms took_ms,
		   wy_ms now_ms)
{
	struct slot *slot = &schedule->slot[turn->slot];

	schedule->safety_row = slot->conf.is_safety ? schedule->safety_row + 1 : 0;
	slot->end_ms = now_ms;
	slot->asked_ms = WY_MS_NEVER;
	if (has_answered)
		answered(schedule, slot, turn, now_ms);
	else
		failed(schedule, slot, took_ms, now_ms);
	renew(schedule, slot);
}

void schedule_ask(struct schedule *schedule, size_t slot, wy_ms now_ms)
{
	schedule->slot[slot].asked_ms = now_ms;
	renew(schedule, &schedule->slot[slot]);
}

unsigned schedule_failures(const struct schedule *schedule, size_t slot)
{
	return schedule->slot[slot].failures;
}

size_t schedule_silent(const struct schedule *schedule)
{
	return schedule->n_silent;
}
