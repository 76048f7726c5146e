/* vital.c: see vital.h. Every sample is first held against the last good one of its point; then what became of the device
 * is said of all its samples. A sample that is BAD already keeps its own reason, which is nearer to the cause. */
#include "vital.h"

#include <string.h>

#include "decode.h"
#include "judge.h"

#define NO_POINT UINT32_MAX

enum { FAILURES_AWAY = 2 };

struct watched {
	int64_t good; /* the last good value: a whole one, or the bits of a real */
	int64_t held; /* a counter's leap that waits for the next value to agree */
	bool has_good, is_held;
	bool is_fast; /* leaps are its way */
};

struct vital {
	const struct sensor_profile *profile;
	struct watched *watched; /* [profile->n_points] */
	uint32_t identity, liveness; /* indices, or NO_POINT */
	struct vital_signs signs;
	uint32_t n_failures; /* in a row */
	wy_ms moved_ms;      /* when the sign of life moved last, or was first waited for; WY_MS_NONE: not yet */
	wy_ms grace_end_ms;
	bool is_frozen, is_gone;
	bool has_rebooted; /* seen in the present report */
};

static uint32_t index_of(const struct sensor_profile *profile, const char *name)
{
	const struct sensor_profile_point *point = name ? sensor_profile_find(profile, name) : NULL;

	return point ? (uint32_t)(point - profile->points) : NO_POINT;
}

enum wy_err vital_new(const struct sensor_profile *profile, struct wy_arena *arena, struct vital **ret_vital)
{
	struct vital *vital = wy_arena_alloc(arena, sizeof(*vital));

	if (!vital)
		return WY_E_NOMEM;
	vital->watched = wy_arena_array(arena, profile->n_points, sizeof(*vital->watched));
	if (!vital->watched)
		return WY_E_NOMEM;
	vital->profile = profile;
	vital->identity = index_of(profile, profile->identity);
	vital->liveness = index_of(profile, profile->liveness);
	vital->moved_ms = WY_MS_NONE;
	vital->grace_end_ms = WY_MS_NONE;
	*ret_vital = vital;
	return WY_OK;
}

void vital_set_alive(struct vital *vital, bool is_known, bool is_alive)
{
	vital->is_gone = is_known && !is_alive;
}

struct vital_signs vital_signs(const struct vital *vital)
{
	return vital->signs;
}

/* ---- Counters ----------------------------------------------------------------------------------- */

struct span {
	int64_t range; /* after so many it begins again; 0: not known */
	int64_t low;   /* what its lowest register counts; 0: it has only that one */
};

static struct span span_of_words(const struct sensor_profile_point *point)
{
	unsigned bits = 16u * sensor_point_width(point) - point->bit_shift;
	struct span span = {0, 0};

	if (point->encoding == SENSOR_DEC_PAIR)
		return (struct span){100000000, 10000};
	if (bits < 63)
		span.range = (int64_t)1 << bits;
	if (point->bit_mask)
		span.range = (int64_t)point->bit_mask + 1;
	if (point->bit_shift < 16 && bits > 16)
		span.low = (int64_t)1 << (16 - point->bit_shift);
	return span;
}

/* In the unit of the point: a counter of tens begins again ten times as late. */
static struct span span_of(const struct sensor_profile *profile, const struct sensor_profile_point *point)
{
	struct span span = {0, 0};
	int64_t scale = (int64_t)point->scale;

	if (profile->transport != SENSOR_MODBUS || scale < 1)
		return span;
	span = span_of_words(point);
	if (__builtin_mul_overflow(span.range, scale, &span.range))
		span.range = 0;
	if (__builtin_mul_overflow(span.low, scale, &span.low))
		span.low = 0;
	return span;
}

/* How far it is from one value to the next; negative: it went back. */
static int64_t step_of(const struct span *span, int64_t from, int64_t to)
{
	int64_t step = (int64_t)((uint64_t)to - (uint64_t)from);

	if (span->range && step < 0)
		step += span->range;
	return span->range && step > span->range / 2 ? step - span->range : step;
}

static bool is_leap(const struct span *span, int64_t from, int64_t to)
{
	return step_of(span, from, to) > span->low / 2 && from / span->low != to / span->low;
}

/* Whether the value of a wide counter may be one that was read while it carried. */
static bool is_doubtful(const struct span *span, const struct watched *watched, int64_t value)
{
	if (!span->low || (watched->is_held && step_of(span, watched->held, value) >= 0))
		return false;
	return step_of(span, watched->good, value) < 0 || (is_leap(span, watched->good, value) && !watched->is_fast);
}

static void watch_counter(struct vital *vital, struct watched *watched, struct wy_sample *sample)
{
	struct span span = span_of(vital->profile, &vital->profile->points[sample->point]);
	int64_t value = sample->whole;

	/* An offset only moves the edges at which a leap is looked for. */
	if (!watched->has_good)
		return;
	bool is_doubted = is_doubtful(&span, watched, value);
	watched->is_held = is_doubted;
	watched->held = value;
	if (is_doubted) {
		sensor_judge_bad(WY_WHY_MISMATCH, sample);
		return;
	}
	watched->is_fast = span.low && is_leap(&span, watched->good, value);
	vital->has_rebooted = vital->has_rebooted || step_of(&span, watched->good, value) < 0;
}

/* ---- One sample --------------------------------------------------------------------------------- */

static int64_t bits_of(const struct wy_sample *sample)
{
	int64_t bits = sample->whole;

	if (!sample->is_whole)
		memcpy(&bits, &sample->real, sizeof(bits));
	return bits;
}

static void note_identity(struct vital *vital, const struct wy_sample *sample)
{
	struct vital_signs *signs = &vital->signs;

	vital->has_rebooted = vital->has_rebooted || (signs->has_identity && signs->identity != sample->whole);
	signs->has_identity = true;
	signs->identity = sample->whole;
}

/* is_moved: it is another value than the last. */
static void note_life(struct vital *vital, wy_ms now_ms, bool is_moved)
{
	if (vital->moved_ms == WY_MS_NONE)
		vital->moved_ms = now_ms;
	if (is_moved)
		vital->moved_ms = now_ms;
	vital->is_frozen = !is_moved &&
			   (vital->is_frozen || now_ms - vital->moved_ms >= vital->profile->liveness_ms);
}

static void watch(struct vital *vital, struct wy_sample *sample, wy_ms now_ms)
{
	const struct sensor_profile_point *point = &vital->profile->points[sample->point];
	struct watched *watched = &vital->watched[sample->point];
	bool is_moved = false;

	if (sample->quality == WY_Q_GOOD && point->type == WY_TYPE_COUNTER)
		watch_counter(vital, watched, sample);
	if (wy_quality_is_usable(sample->quality))
		is_moved = watched->has_good && watched->good != bits_of(sample);
	if (sample->quality == WY_Q_GOOD) {
		vital->signs.n_changes += is_moved;
		watched->good = bits_of(sample);
		watched->has_good = true;
		if (sample->point == vital->identity)
			note_identity(vital, sample);
	}
	if (sample->point == vital->liveness && (wy_quality_is_usable(sample->quality) || !point->is_optional))
		note_life(vital, now_ms, is_moved);
}

/* ---- The device --------------------------------------------------------------------------------- */

static void spoil(struct sensor_report *report, enum wy_why why, uint32_t except)
{
	for (uint32_t i = 0; i < report->n; i++)
		if (report->sample[i].point != except && wy_quality_is_usable(report->sample[i].quality))
			sensor_judge_bad(why, &report->sample[i]);
}

static void doubt(struct sensor_report *report)
{
	for (uint32_t i = 0; i < report->n; i++) {
		struct wy_sample *sample = &report->sample[i];
		if (sample->quality != WY_Q_GOOD)
			continue;
		sample->quality = WY_Q_UNCERTAIN;
		sample->why = WY_WHY_RETURNED;
	}
}

static bool is_in_grace(const struct vital *vital, wy_ms now_ms)
{
	return vital->grace_end_ms != WY_MS_NONE && now_ms < vital->grace_end_ms;
}

/* What the counters said before is no measure for what they say now. */
static void begin_grace(struct vital *vital, wy_ms now_ms)
{
	if (vital->profile->grace_ms == 0 || is_in_grace(vital, now_ms))
		return;
	vital->grace_end_ms = now_ms + vital->profile->grace_ms;
	for (size_t i = 0; i < vital->profile->n_points; i++)
		vital->watched[i].has_good = vital->watched[i].is_held = false;
}

/* A frozen device that was away is still frozen; of another one nothing is known yet. */
static void come_back(struct vital *vital, wy_ms now_ms)
{
	vital->moved_ms = WY_MS_NONE;
	begin_grace(vital, now_ms);
}

/* A poll may be lost in the middle: what its first blocks gave is a report's like any other. */
static bool has_values(const struct sensor_report *report)
{
	for (uint32_t i = 0; i < report->n; i++)
		if (wy_quality_is_usable(report->sample[i].quality))
			return true;
	return report->err == WY_OK;
}

void vital_pass(struct vital *vital, struct sensor_report *report)
{
	wy_ms now_ms = report->at_ms;

	vital->signs.n_requests = report->n_requests;
	vital->signs.n_garbled = report->n_garbled;
	if (vital->is_gone) {
		spoil(report, WY_WHY_GONE, NO_POINT);
		report->err = WY_E_TIMEOUT;
	}
	if (!has_values(report)) {
		/* One that refuses is there, and says nothing to be believed or not. */
		vital->n_failures += report->err != WY_E_EXCEPTION && vital->n_failures < FAILURES_AWAY;
		return;
	}
	if (vital->n_failures >= FAILURES_AWAY)
		come_back(vital, now_ms);
	vital->n_failures = 0;
	vital->has_rebooted = false;
	for (uint32_t i = 0; i < report->n; i++)
		watch(vital, &report->sample[i], now_ms);
	if (vital->has_rebooted)
		begin_grace(vital, now_ms);
	if (vital->is_frozen)
		spoil(report, WY_WHY_FROZEN, vital->liveness);
	if (!is_in_grace(vital, now_ms))
		return;
	if (vital->profile->is_life_safety)
		doubt(report);
	else
		spoil(report, WY_WHY_RETURNED, NO_POINT);
}
