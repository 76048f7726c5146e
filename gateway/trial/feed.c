/* feed.c: the value of a feed at an instant. Nothing is laid out in advance: a cycle of a minute may go on for a
 * year. Whole numbers stay whole, so a counter is exact however long it runs. */
#include "feed.h"

#include "noise.h"

static bool is_real(const struct feed *feed)
{
	return feed->point && feed->point->type == WY_TYPE_REAL;
}

static union feed_value times(const struct feed *feed, union feed_value value, int64_t n)
{
	if (is_real(feed))
		value.real *= (double)n;
	else
		value.whole *= n;
	return value;
}

static union feed_value plus(const struct feed *feed, union feed_value a, union feed_value b)
{
	if (is_real(feed))
		a.real += b.real;
	else
		a.whole += b.whole;
	return a;
}

/* On the line from a to b; whole numbers go to the nearest. */
static union feed_value between(const struct feed *feed, union feed_value a, union feed_value b, wy_ms at_ms,
				wy_ms span_ms)
{
	double share = (double)at_ms / (double)span_ms;
	union feed_value value;

	if (is_real(feed)) {
		value.real = a.real + (b.real - a.real) * share;
		return value;
	}
	double exact = (double)a.whole + (double)(b.whole - a.whole) * share;
	value.whole = (int64_t)(exact < 0 ? exact - 0.5 : exact + 0.5);
	return value;
}

/* How many steps of a relative step have been taken `since` its instant. */
static int64_t steps_taken(const struct feed_step *step, wy_ms since_ms)
{
	return step->every_ms ? 1 + since_ms / step->every_ms : 1;
}

/* The value `at_ms` into one pass through a group that begins with `value`. */
static union feed_value pass(const struct feed *feed, const struct feed_group *group, union feed_value value,
			     wy_ms at_ms)
{
	for (size_t i = 0; i < group->n_steps && group->steps[i].at_ms <= at_ms; i++) {
		const struct feed_step *step = &group->steps[i];
		const struct feed_step *next = i + 1 < group->n_steps ? step + 1 : NULL;
		bool is_here = !next || next->at_ms > at_ms;
		/* A step at the very end of the one before belongs to the next. */
		wy_ms until_ms = is_here ? at_ms : next->at_ms - 1;
		if (step->is_relative)
			value = plus(feed, value, times(feed, step->value, steps_taken(step, until_ms - step->at_ms)));
		else
			value = step->value;
		if (step->is_ramp && is_here && next)
			return between(feed, value, next->value, at_ms - step->at_ms, next->at_ms - step->at_ms);
	}
	return value;
}

static union feed_value group_value(const struct feed *feed, const struct feed_group *group, wy_ms at_ms)
{
	int64_t n = group->period_ms ? at_ms / group->period_ms : 0;
	union feed_value begun = group->first;

	if (n && group->is_absolute)
		begun = group->last;
	else if (n)
		begun = plus(feed, begun, times(feed, group->gain, n));
	return pass(feed, group, begun, at_ms - n * group->period_ms);
}

union feed_value feed_value_at(const struct feed *feed, wy_ms ms)
{
	size_t low = 0, high = feed->n_groups;
	union feed_value value = {.whole = 0};

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (feed->groups[middle].start_ms <= ms)
			low = middle;
		else
			high = middle;
	}
	return feed->n_groups ? group_value(feed, &feed->groups[low], ms - feed->groups[low].start_ms) : value;
}

bool feed_is_in(const struct feed *feed, enum feed_span_kind kind, wy_ms ms)
{
	for (size_t i = 0; i < feed->n_spans; i++) {
		const struct feed_span *span = &feed->spans[i];
		bool has_begun = kind == FEED_GAP ? ms > span->from_ms : ms >= span->from_ms;
		if (span->kind == kind && has_begun && ms < span->to_ms)
			return true;
	}
	return false;
}

static union feed_value with_noise(const struct feed *feed, union feed_value value, uint64_t poll)
{
	double noise = feed->noise * noise_bell(feed->seed, poll);

	if (is_real(feed))
		value.real += noise;
	else
		value.whole += (int64_t)(noise < 0 ? noise - 0.5 : noise + 0.5);
	return value;
}

bool feed_sample(const struct feed *feed, wy_ms ms, uint64_t poll, struct wy_sample *ret_sample)
{
	struct wy_sample sample = {.quality = WY_Q_GOOD, .is_whole = !is_real(feed)};

	if (feed_is_in(feed, FEED_GAP, ms) || (feed->n_groups && ms < feed->groups[0].start_ms))
		return false;
	union feed_value value = feed_value_at(feed, ms);
	if (feed->noise > 0)
		value = with_noise(feed, value, poll);
	if (feed->point && feed->point->type == WY_TYPE_COUNTER && feed->point->modulus)
		value.whole = (int64_t)((uint64_t)value.whole % feed->point->modulus);
	if (sample.is_whole)
		sample.whole = value.whole;
	else
		sample.real = value.real;
	if (feed_is_in(feed, FEED_DOUBT, ms)) {
		sample.quality = WY_Q_UNCERTAIN;
		sample.why = WY_WHY_SOURCE;
	}
	if (feed_is_in(feed, FEED_BAD, ms)) {
		sample.quality = WY_Q_BAD;
		sample.why = WY_WHY_EXCEPTION;
	}
	*ret_sample = sample;
	return true;
}
