/* door.c: a day of a unit door: people come and go, and now and then it stays open. */
#include <math.h>

#include "points.h"

enum { PURPOSE_DOOR = 500, PURPOSE_MOVERS };

struct door {
	struct year *year;
	size_t asset;
	struct rng rng;
	ms_t from;
	ms_t free_at;
};

static void put(struct door *d, enum point_id point, ms_t at, double value)
{
	tell(d->year, d->asset, point, at, value);
}

static bool is_there(const struct door *d, enum trouble_id id, ms_t at)
{
	return trouble_at(d->year, id, d->asset, at) != NULL;
}

/* Unlocked by card, code or button; open for as long as people need; the closer pulls it shut. */
static void passage(struct door *d, ms_t at, ms_t held_ms)
{
	bool is_inside = rng_hits(&d->rng, 0.5);
	double worn = grown(d->year, TROUBLE_CLOSER, d->asset, at);
	double close_s = (4.5 + (double)(d->asset % 4) * 0.4 + 8 * worn) * rng_normal(&d->rng, 1, 0.06);

	if (is_inside && !is_there(d, TROUBLE_REX_STUCK, at)) {
		put(d, P_DOOR_REX, at, 1);
		put(d, P_DOOR_REX, at + 900, 0);
	}
	put(d, P_DOOR_LOCK_CMD, at + 100, 0);
	put(d, P_DOOR_BOND, at + 300, 0);
	put(d, P_DOOR_OPEN, at + 1500, 1);
	at += 1500 + held_ms + (ms_t)(close_s * 1000);
	put(d, P_DOOR_OPEN, at, 0);
	put(d, P_DOOR_CLOSE_TIME, at, close_s);
	put(d, P_DOOR_LOCK_CMD, at + 300, 1);
	if (!is_there(d, TROUBLE_MAGNET, at))
		put(d, P_DOOR_BOND, at + 700, 1);
	put(d, P_DOOR_CYCLES, at, d->year->assets[d->asset].last[P_DOOR_CYCLES - P_DOOR_OPEN] + 1);
	d->free_at = at + 1500;
}

/* Half a minute for a pram, a chat or a delivery; moving house keeps it open for 5 to 40 min, 20 times a year in all. */
static ms_t how_long(struct door *d)
{
	double u = rng_unit(&d->rng);

	return (ms_t)(u < 0.9 ? rng_between(&d->rng, 1e3, 8e3) : u < 0.995 ? rng_between(&d->rng, 8e3, 40e3) : rng_between(&d->rng, 40e3, 100e3));
}

ms_t move_on(const struct year *year, size_t asset, ms_t day, bool *ret_announced)
{
	struct rng rng = rng_for(year->seed, PURPOSE_MOVERS, asset, (uint64_t)(day / DAY));

	if (!rng_hits(&rng, 20.0 / 365 / DOORS))
		return NEVER;
	ms_t at = day + (ms_t)rng_between(&rng, 8.5 * (double)HOUR, 17.0 * (double)HOUR);
	*ret_announced = rng_hits(&rng, 0.75);
	return at;
}

static void passages_per_hour(const struct door *d, double per_hour[24])
{
	static const double share[24] = {0.8, 0.4, 0.3, 0.2, 0.3, 1.0, 4, 9, 8, 5, 5, 6, 6, 5, 5, 6, 7, 9, 9, 8, 6, 5, 3, 1.5};

	for (unsigned hour = 0; hour < 24; hour++)
		per_hour[hour] = share[hour] * (0.7 + 0.05 * (double)(d->asset % 13)) * (is_weekend(d->from) ? 0.85 : 1);
}

static void stay_open(struct door *d, ms_t at, ms_t until)
{
	put(d, P_DOOR_LOCK_CMD, at - 1400, 0);
	put(d, P_DOOR_BOND, at - 1200, 0);
	put(d, P_DOOR_OPEN, at, 1);
	put(d, P_DOOR_OPEN, until, 0);
	put(d, P_DOOR_LOCK_CMD, until + 300, 1);
	put(d, P_DOOR_BOND, until + 700, 1);
	d->free_at = until + 2000;
}

static void people(struct door *d)
{
	ms_t at = d->free_at;
	ms_t end = d->from + DAY - 4 * MINUTE;
	ms_t seen = d->from - 4 * MINUTE;
	bool is_announced;
	ms_t move_at = move_on(d->year, d->asset, d->from, &is_announced);
	double per_hour[24];

	passages_per_hour(d, per_hour);
	for (;;) {
		at = rng_arrival(&d->rng, at, per_hour);
		at = at > d->free_at ? at : d->free_at;
		ms_t until = at + 3 * MINUTE < end ? at + 3 * MINUTE : end;
		const struct trouble *propped = trouble_begins(d->year, TROUBLE_PROPPED, d->asset, seen, until);
		if (propped) {
			stay_open(d, propped->begin, propped->end);
			seen = propped->begin + 1;
		} else if (move_at < until) {
			stay_open(d, at, at + (ms_t)rng_between(&d->rng, 5.0 * (double)MINUTE, 40.0 * (double)MINUTE));
			move_at = NEVER;
		} else if (at >= end) {
			return;
		} else {
			passage(d, at, how_long(d));
			seen = until;
		}
		at = d->free_at;
	}
}

/* From its begin to its end a point says something else. */
static void follow(struct door *d, enum trouble_id id, enum point_id point, double there, double otherwise)
{
	const struct trouble *begins = trouble_begins(d->year, id, d->asset, d->from, d->from + DAY);
	const struct trouble *now = trouble_at(d->year, id, d->asset, d->from);

	if (d->from == 0)
		put(d, point, 0, otherwise);
	if (now && now->end < d->from + DAY)
		put(d, point, now->end, otherwise);
	if (!begins)
		return;
	put(d, point, begins->begin, there);
	if (begins->end < d->from + DAY)
		put(d, point, begins->end, otherwise);
}

/* The mains of a door's supply unit fail alone, or with the building's; the battery then falls from 27 V. */
static void supply(struct door *d)
{
	for (ms_t at = d->from; at < d->from + DAY; at += 10 * MINUTE) {
		double gone = grown(d->year, TROUBLE_DOOR_SUPPLY, d->asset, at);
		put(d, P_DOOR_BATTERY, at, rng_normal(&d->rng, 27.1 - 6.5 * gone, 0.03));
	}
	follow(d, TROUBLE_DOOR_SUPPLY, P_DOOR_MAINS_OK, 0, 1);
	for (size_t i = 0; i < d->year->n_outages; i++) {
		const struct span *span = &d->year->outages[i];
		if (span->from < d->from || span->from >= d->from + DAY || is_there(d, TROUBLE_DOOR_SUPPLY, span->from))
			continue;
		put(d, P_DOOR_MAINS_OK, span->from, 0);
		put(d, P_DOOR_MAINS_OK, span->to, 1);
	}
}

void door_day(struct year *year, size_t asset, ms_t from)
{
	struct door d = {year, asset, rng_for(year->seed, PURPOSE_DOOR, asset, (uint64_t)(from / DAY)), from, from + 4 * MINUTE};
	const struct trouble *open = trouble_at(year, TROUBLE_PROPPED, asset, from);

	if (from == 0) {
		put(&d, P_DOOR_OPEN, 0, 0);
		put(&d, P_DOOR_LOCK_CMD, 0, 1);
		put(&d, P_DOOR_BOND, 0, 1);
		put(&d, P_DOOR_CYCLES, 0, 100);
		put(&d, P_DOOR_FIRE_RELEASE, 0, 0);
	}
	if (open && open->end > d.free_at)
		d.free_at = open->end + 2000;
	follow(&d, TROUBLE_REX_STUCK, P_DOOR_REX, 1, 0);
	follow(&d, TROUBLE_READER, P_DOOR_READER_ONLINE, 0, 1);
	follow(&d, TROUBLE_TAMPER, P_DOOR_TAMPERED, 1, 0);
	supply(&d);
	people(&d);
}
