/* life.c: what the building lives with: weather, the supply, the contractors' visits. */
#include <math.h>
#include <stdlib.h>

#include "year.h"

enum { PURPOSE_WEATHER = 100, PURPOSE_RAIN, PURPOSE_SUPPLY, PURPOSE_VISIT };

static const double pi = 3.14159265358979323846;

/* A city on the Yangtze: 4 degrees in January, 29 in July, fronts of some days, 7 degrees between day and night. */
double outdoor_celsius(const struct year *year, ms_t at)
{
	double day = (double)at / (double)DAY;
	double hour = (double)(at % DAY) / (double)HOUR;
	double seasonal = 16.5 - 12.5 * cos(2 * pi * (day - 15) / 365);
	double daily = 3.5 * sin(2 * pi * (hour - 9) / 24);
	double front = 0;
	ms_t whole = at / DAY;

	/* Fronts: a random value every four days, joined by straight lines. */
	ms_t knot = whole / 4;
	double share = (day - (double)(knot * 4)) / 4;
	struct rng before = rng_for(year->seed, PURPOSE_WEATHER, 0, (uint64_t)knot);
	struct rng after = rng_for(year->seed, PURPOSE_WEATHER, 0, (uint64_t)knot + 1);
	front = (1 - share) * rng_normal(&before, 0, 4) + share * rng_normal(&after, 0, 4);
	return seasonal + daily + front;
}

bool is_weekend(ms_t at)
{
	return (at / DAY + 3) % 7 >= 5; /* the year begins on a Thursday */
}

double rain_mm(const struct year *year, ms_t at)
{
	struct rng day = rng_for(year->seed, PURPOSE_RAIN, 0, (uint64_t)(at / DAY));
	double season = 0.22 + 0.12 * sin(2 * pi * ((double)at / (double)DAY - 90) / 365);

	if (!rng_hits(&day, season))
		return 0;
	double begin = rng_between(&day, 0, 20);
	double length = rng_between(&day, 1, 10);
	double hour = (double)(at % DAY) / (double)HOUR;
	return hour >= begin && hour < begin + length ? rng_wait(&day, 4) : 0;
}

bool is_supply_on(const struct year *year, ms_t at)
{
	for (size_t i = 0; i < year->n_outages; i++)
		if (at >= year->outages[i].from && at < year->outages[i].to)
			return false;
	return true;
}

static int by_begin(const void *a, const void *b)
{
	const struct span *x = a;
	const struct span *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* In a year of 365 days: ten dips of 0.3 to 3 s and two outages of 8 to 40 min. */
void plan_outages(struct year *year)
{
	struct rng rng = rng_for(year->seed, PURPOSE_SUPPLY, 0, 0);
	double share = year->days / 365.0;
	size_t dips = (size_t)(10 * share + 0.5);
	size_t outages = (size_t)(2 * share + 0.5);

	year->outages = calloc(dips + outages + 1, sizeof(*year->outages));
	if (!year->outages)
		abort();
	for (size_t i = 0; i < dips + outages; i++) {
		ms_t from = (ms_t)rng_between(&rng, (double)DAY, (double)((ms_t)year->days * DAY));
		double seconds = i < dips ? rng_between(&rng, 0.3, 3) : rng_between(&rng, 8 * 60, 40 * 60);
		year->outages[year->n_outages++] = (struct span){from, from + (ms_t)(seconds * 1000)};
	}
	qsort(year->outages, year->n_outages, sizeof(*year->outages), by_begin);
}

/* Lifts: every two weeks (the law's half-monthly service), on a working day, 30 to 70 min. */
bool visit_on(const struct year *year, size_t asset, ms_t day, struct span *ret_visit)
{
	struct rng rng = rng_for(year->seed, PURPOSE_VISIT, asset, (uint64_t)(day / DAY / 14));
	ms_t in_period = (day / DAY) % 14;

	/* At most 15 days from one to the next. */
	if (in_period != (ms_t)(asset % 7) + (ms_t)rng_below(&rng, 2))
		return false;
	ret_visit->from = day + (ms_t)rng_between(&rng, 9.2 * (double)HOUR, 15.5 * (double)HOUR);
	ret_visit->to = ret_visit->from + (ms_t)rng_between(&rng, 30.0 * (double)MINUTE, 70.0 * (double)MINUTE);
	return true;
}
