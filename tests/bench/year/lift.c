/* lift.c: a day of a lift: trips as people need them, and what wear and troubles do to each of them.
 *
 * Rated speed 1.75 m/s, 18 floors, 1000 kg. Everything a trip changes is said at the moment it changes. */
#include <math.h>

#include "points.h"

enum { PURPOSE_LIFT = 300, PURPOSE_SLOW_POINTS, PURPOSE_FAULTS };

struct lift {
	struct year *year;
	size_t asset;
	struct rng rng;
	ms_t free_at; /* standing with the door closed since then */
	unsigned floor;
};

static void lift_say(struct lift *l, enum point_id point, ms_t at, double value)
{
	tell(l->year, l->asset, point, at, value);
}

static double said(const struct lift *l, enum point_id point)
{
	const struct asset *asset = &l->year->assets[l->asset];

	return asset->last[point - P_LIFT_RUNNING];
}

static void add(struct lift *l, enum point_id counter, ms_t at, double n)
{
	if (n > 0)
		lift_say(l, counter, at, said(l, counter) + n);
}

static double how_far(const struct lift *l, enum trouble_id id, ms_t at)
{
	return grown(l->year, id, l->asset, at);
}

/* ---- A trip ------------------------------------------------------------------------------- */

/* Door times in seconds: each door has its own, worn by up to double at the complaint. */
static double door_seconds(struct lift *l, double base, double worn, ms_t at)
{
	double own = base * (0.95 + 0.1 * (double)(l->asset * 37 % 11) / 10);
	double wear = 1 + worn * how_far(l, TROUBLE_DOOR_WEAR, at);

	return own * wear * rng_normal(&l->rng, 1, 0.04);
}

/* Somebody holds the door now and then; a worn door meets resistance; with rubbish in the sill it does not close. */
static ms_t close_door(struct lift *l, ms_t at)
{
	double chance = 0.03 + 0.10 * how_far(l, TROUBLE_DOOR_WEAR, at);
	unsigned tries = 0;

	while (tries < 3 && rng_hits(&l->rng, chance)) {
		add(l, P_LIFT_DOOR_REOPEN, at + 2500, 1);
		at += (ms_t)rng_between(&l->rng, 4000, 7000);
		tries++;
	}
	while (trouble_at(l->year, TROUBLE_SILL, l->asset, at)) {
		add(l, P_LIFT_DOOR_REOPEN, at + 2500, 1);
		at += (ms_t)rng_between(&l->rng, 5000, 12000);
	}
	double seconds = door_seconds(l, 3.2, 1.0, at);
	at += (ms_t)(seconds * 1000);
	lift_say(l, P_LIFT_DOOR_CLOSE_TIME, at, seconds);
	lift_say(l, P_LIFT_DOOR_CLOSED, at, 1);
	lift_say(l, P_LIFT_DOOR_LOCK, at + 200, 1);
	add(l, P_LIFT_DOOR_CYCLES, at, 1);
	return at + 200;
}

static ms_t open_door(struct lift *l, ms_t at)
{
	double seconds = door_seconds(l, 2.4, 0.6, at);

	lift_say(l, P_LIFT_DOOR_LOCK, at, 0);
	lift_say(l, P_LIFT_DOOR_CLOSED, at + 300, 0);
	lift_say(l, P_LIFT_DOOR_OPEN_TIME, at + (ms_t)(seconds * 1000), seconds);
	return at + (ms_t)(seconds * 1000);
}

/* The lock circuit opens while the car moves: an emergency stop, a controller that tries again after some seconds. */
static ms_t lose_lock(struct lift *l, ms_t at)
{
	ms_t back = at + (ms_t)rng_between(&l->rng, 3000, 15000);

	lift_say(l, P_LIFT_DOOR_LOCK, at, 0);
	lift_say(l, P_LIFT_RUNNING, at + 100, 0);
	lift_say(l, P_LIFT_BRAKE_FB, at + 200, 0);
	lift_say(l, P_LIFT_FAULT, at + 200, 1);
	lift_say(l, P_LIFT_FAULT_RAW, at + 200, 42);
	lift_say(l, P_LIFT_DOOR_LOCK, at + 900, 1);
	lift_say(l, P_LIFT_FAULT, back, 0);
	lift_say(l, P_LIFT_FAULT_RAW, back, 0);
	lift_say(l, P_LIFT_RUNNING, back + 500, 1);
	lift_say(l, P_LIFT_BRAKE_FB, back + 650, 1);
	return back + 500 - at;
}

static ms_t travel(struct lift *l, ms_t at, unsigned floors, double load)
{
	double seconds = 4 + 3.0 * floors / 1.75;
	ms_t extra = 0;

	seconds *= 1 + 0.6 * how_far(l, TROUBLE_SLOW_RUN, at);
	seconds *= rng_normal(&l->rng, 1, 0.01);
	lift_say(l, P_LIFT_RUNNING, at, 1);
	lift_say(l, P_LIFT_BRAKE_FB, at + 150, 1);
	lift_say(l, P_LIFT_IN_ZONE, at + 900, 0);
	lift_say(l, P_LIFT_MOTOR_CURRENT, at + 2000,
		 (9 + fabs(load - 45) * 0.16) * (1 + 0.7 * how_far(l, TROUBLE_DRIVE_LOAD, at)) * rng_normal(&l->rng, 1, 0.03));
	if (rng_hits(&l->rng, 0.06 * how_far(l, TROUBLE_LOCK, at)))
		extra = lose_lock(l, at + (ms_t)(seconds * 500));
	at += (ms_t)(seconds * 1000) + extra;
	lift_say(l, P_LIFT_VIBRATION, at,
		 (0.060 + 0.004 * (double)(l->asset % 5)) * (1 + 1.2 * how_far(l, TROUBLE_GUIDE_SHOE, at)) *
			 rng_normal(&l->rng, 1, 0.07));
	lift_say(l, P_LIFT_IN_ZONE, at - 700, 1);
	lift_say(l, P_LIFT_RUNNING, at, 0);
	lift_say(l, P_LIFT_BRAKE_FB, at + 200 + (ms_t)(2500 * how_far(l, TROUBLE_BRAKE, at)), 0);
	lift_say(l, P_LIFT_LEVEL_ERROR, at + 300,
		 rng_normal(&l->rng, 1 + 28 * how_far(l, TROUBLE_LEVELLING, at), 2.2));
	add(l, P_LIFT_RUN_COUNT, at, 1);
	if (rng_hits(&l->rng, 0.01 + 0.30 * how_far(l, TROUBLE_RELEVEL, at) + 0.1 * how_far(l, TROUBLE_LEVELLING, at)))
		add(l, P_LIFT_RELEVELS, at + 6000, 1);
	return at;
}

/* From a call until the door has closed behind it and the car waits again. */
static void trip(struct lift *l, ms_t at)
{
	unsigned wanted = 1 + rng_below(&l->rng, 18);
	unsigned floors = wanted > l->floor ? wanted - l->floor : l->floor - wanted;
	bool is_with_people = rng_hits(&l->rng, 0.7);
	double load = is_with_people ? rng_between(&l->rng, 6, 45) : 0;
	double offset = 22 * how_far(l, TROUBLE_LOAD_CELL, at);

	/* The door opens for those who wait, they step in, it closes behind them. */
	at = open_door(l, at) + (ms_t)rng_between(&l->rng, 2000, 6000);
	lift_say(l, P_LIFT_OCCUPIED, at, is_with_people);
	lift_say(l, P_LIFT_LOAD, at, load + offset);
	at = close_door(l, at + 500);
	if (floors)
		at = travel(l, at + 600, floors, load);
	l->floor = wanted;
	at = open_door(l, at + 400);
	at += (ms_t)rng_between(&l->rng, 4000, 12000);
	lift_say(l, P_LIFT_OCCUPIED, at, 0);
	lift_say(l, P_LIFT_LOAD, at, offset);
	l->free_at = close_door(l, at + 1500);
}

/* The motor runs, the brake is open for as long. */
static void run_between(struct lift *l, ms_t from, ms_t to)
{
	lift_say(l, P_LIFT_RUNNING, from, 1);
	lift_say(l, P_LIFT_BRAKE_FB, from + 150, 1);
	lift_say(l, P_LIFT_RUNNING, to, 0);
	lift_say(l, P_LIFT_BRAKE_FB, to + 200, 0);
}

/* ---- Troubles that stop it ---------------------------------------------------------------- */

/* The car stops between floors; with people inside somebody rings after a while. Rescue, a test run, service. */
static void stand(struct lift *l, const struct trouble *trouble, bool is_with_people)
{
	ms_t at = trouble->begin;

	lift_say(l, P_LIFT_OCCUPIED, at - 20000, is_with_people);
	lift_say(l, P_LIFT_LOAD, at - 20000, is_with_people ? 14 : 0);
	run_between(l, at - 8000, at);
	lift_say(l, P_LIFT_IN_ZONE, at - 7000, 0);
	lift_say(l, P_LIFT_FAULT, at + 500, 1);
	lift_say(l, P_LIFT_FAULT_RAW, at + 500, is_with_people ? 53 : 41);
	if (is_with_people && rng_hits(&l->rng, 0.6)) {
		lift_say(l, P_LIFT_ALARM_BUTTON, at + (trouble->complaint - at) / 2, 1);
		lift_say(l, P_LIFT_ALARM_BUTTON, at + (trouble->complaint - at) / 2 + 4000, 0);
	}
	at = trouble->end;
	run_between(l, at - 30000, at - 21000);
	lift_say(l, P_LIFT_IN_ZONE, at - 22000, 1);
	at = open_door(l, at - 20000);
	lift_say(l, P_LIFT_OCCUPIED, at + 9000, 0);
	lift_say(l, P_LIFT_LOAD, at + 9000, 0);
	lift_say(l, P_LIFT_FAULT, trouble->end, 0);
	lift_say(l, P_LIFT_FAULT_RAW, trouble->end, 0);
	l->free_at = close_door(l, trouble->end + 60000);
}

/* The safety chain opens for some seconds and closes again: the car stands wherever it is, and goes on. */
static void blink_chain(struct lift *l, ms_t from, ms_t to)
{
	ms_t at = from;

	for (;;) {
		double now = how_far(l, TROUBLE_SAFETY_CHAIN, at);
		at += (ms_t)rng_wait(&l->rng, (now > 0.05 ? 5.0 / now : 6.0) * (double)HOUR);
		if (at >= to)
			return;
		if (now <= 0.05)
			continue;
		ms_t back = at + (ms_t)rng_between(&l->rng, 4000, 40000);
		lift_say(l, P_LIFT_FAULT_RAW, at, 41);
		lift_say(l, P_LIFT_FAULT_RAW, back, 0);
		at = back;
	}
}

static void visit_day(struct lift *l, const struct span *visit)
{
	lift_say(l, P_LIFT_INSPECTION, visit->from, 1);
	lift_say(l, P_LIFT_DOOR_CLOSED, visit->from + 60 * SECOND, 0);
	lift_say(l, P_LIFT_OCCUPIED, visit->from + 70 * SECOND, 1);
	for (ms_t at = visit->from + 5 * MINUTE; at + 2 * MINUTE < visit->to; at += (ms_t)rng_between(&l->rng, 90e3, 400e3)) {
		run_between(l, at, at + 15000);
		lift_say(l, P_LIFT_IN_ZONE, at + 2000, 0);
		lift_say(l, P_LIFT_FAULT_RAW, at + 16000, rng_hits(&l->rng, 0.1) ? 41 : 0);
	}
	lift_say(l, P_LIFT_FAULT_RAW, visit->to - 40 * SECOND, 0);
	lift_say(l, P_LIFT_IN_ZONE, visit->to - 30 * SECOND, 1);
	lift_say(l, P_LIFT_OCCUPIED, visit->to - 20 * SECOND, 0);
	lift_say(l, P_LIFT_DOOR_CLOSED, visit->to - 10 * SECOND, 1);
	lift_say(l, P_LIFT_INSPECTION, visit->to, 0);
}

/* ---- The day ------------------------------------------------------------------------------ */

/* Calls an hour: out in the morning, home in the evening, lunch; slower and later at the weekend. */
static void calls_per_hour(const struct lift *l, ms_t day, double per_hour[24])
{
	static const double working[24] = {1.2, 0.6, 0.4, 0.3, 0.4, 1.5, 5, 13, 11, 6, 5, 7, 8, 6, 5, 5, 7, 11, 13, 11, 8, 6, 4, 2};
	static const double weekend[24] = {1.8, 1.0, 0.5, 0.3, 0.3, 0.8, 2, 4, 7, 9, 9, 8, 8, 7, 7, 7, 8, 9, 10, 9, 8, 6, 4, 3};
	double own = 0.8 + 0.4 * (double)(l->asset * 53 % 13) / 12;

	for (unsigned hour = 0; hour < 24; hour++)
		per_hour[hour] = own * (is_weekend(day) ? weekend : working)[hour];
}

/* The next standstill between floors that begins in [from, to). */
static const struct trouble *next_stand(const struct lift *l, ms_t from, ms_t to)
{
	const struct trouble *with_people = trouble_begins(l->year, TROUBLE_ENTRAPMENT, l->asset, from, to);

	return with_people ? with_people : trouble_begins(l->year, TROUBLE_STOPPED, l->asset, from, to);
}

static bool can_serve(const struct lift *l, ms_t at, const struct span *visit)
{
	if (trouble_at(l->year, TROUBLE_SILENT_STOP, l->asset, at) || !is_supply_on(l->year, at))
		return false;
	return !visit || at + 3 * MINUTE <= visit->from || at >= visit->to;
}

static void people(struct lift *l, ms_t from, ms_t to, const struct span *visit)
{
	ms_t seen = from - 5 * MINUTE; /* standstills that begin before this were dealt with */
	ms_t at = l->free_at;
	double per_hour[24];

	calls_per_hour(l, from, per_hour);
	for (;;) {
		at = rng_arrival(&l->rng, at, per_hour);
		at = at > l->free_at ? at : l->free_at + 500;
		ms_t until = at + 3 * MINUTE < to ? at + 3 * MINUTE : to;
		const struct trouble *trouble = next_stand(l, seen, until);
		if (trouble) {
			stand(l, trouble, trouble->id == TROUBLE_ENTRAPMENT);
			seen = trouble->begin + 1;
			at = l->free_at;
		} else if (at >= to) {
			return;
		} else if (can_serve(l, at, visit)) {
			trip(l, at);
			seen = until;
			at = l->free_at;
		}
	}
}

/* Temperatures, counters of disturbances, the pit: once in five minutes. */
static void slow_points(struct lift *l, ms_t from)
{
	struct rng rng = rng_for(l->year->seed, PURPOSE_SLOW_POINTS, l->asset, (uint64_t)(from / DAY));
	double per_hour[24];

	calls_per_hour(l, from, per_hour);
	for (ms_t at = from; at < from + DAY; at += 5 * MINUTE) {
		double out = outdoor_celsius(l->year, at);
		double room = 12 + 0.55 * out + 6 + 16 * how_far(l, TROUBLE_ROOM_HOT, at) + rng_normal(&rng, 0, 0.2);
		double busy = per_hour[at % DAY / HOUR];
		lift_say(l, P_LIFT_ROOM_TEMP, at, room);
		lift_say(l, P_LIFT_HEATSINK, at, room + 6 + 0.9 * busy + 45 * how_far(l, TROUBLE_DRIVE_HOT, at) + rng_normal(&rng, 0, 0.5));
		lift_say(l, P_LIFT_BUS_VOLTAGE, at, rng_normal(&rng, 545, 6));
		add(l, P_LIFT_ENCODER_ERR, at, rng_hits(&rng, 0.002) + floor(rng_wait(&rng, 5 * how_far(l, TROUBLE_ENCODER, at) + 1e-9)));
		add(l, P_LIFT_COMM_ERR, at, rng_hits(&rng, 0.01) + floor(rng_wait(&rng, 6 * how_far(l, TROUBLE_BUTTON_BUS, at) + 1e-9)));
		lift_say(l, P_LIFT_PIT_WATER, at, trouble_at(l->year, TROUBLE_PIT_WATER, l->asset, at) != NULL);
	}
}

static void supply(struct lift *l, ms_t from)
{
	for (size_t i = 0; i < l->year->n_outages; i++) {
		const struct span *span = &l->year->outages[i];
		if (span->from < from || span->from >= from + DAY)
			continue;
		lift_say(l, P_LIFT_MAINS_OK, span->from, 0);
		lift_say(l, P_LIFT_MAINS_OK, span->to, 1);
	}
}

static void first_words(struct lift *l)
{
	static const enum point_id zero[] = {P_LIFT_RUNNING, P_LIFT_FAULT, P_LIFT_FAULT_RAW, P_LIFT_ALARM_BUTTON, P_LIFT_OCCUPIED,
					     P_LIFT_INSPECTION, P_LIFT_PIT_WATER, P_LIFT_OVERLOAD, P_LIFT_BRAKE_FB, P_LIFT_LOAD, P_LIFT_ENCODER_ERR,
					     P_LIFT_COMM_ERR};
	static const enum point_id one[] = {P_LIFT_IN_ZONE, P_LIFT_DOOR_CLOSED, P_LIFT_DOOR_LOCK, P_LIFT_MAINS_OK};
	static const enum point_id count[] = {P_LIFT_DOOR_CYCLES, P_LIFT_DOOR_REOPEN, P_LIFT_RUN_COUNT, P_LIFT_RELEVELS};

	for (size_t i = 0; i < sizeof(zero) / sizeof(*zero); i++)
		lift_say(l, zero[i], 0, 0);
	for (size_t i = 0; i < sizeof(one) / sizeof(*one); i++)
		lift_say(l, one[i], 0, 1);
	for (size_t i = 0; i < sizeof(count) / sizeof(*count); i++)
		lift_say(l, count[i], 0, 1000 + (double)l->asset * 137);
}

void lift_day(struct year *year, size_t asset, ms_t from)
{
	struct lift l = {.year = year, .asset = asset, .floor = 1};
	struct span visit;
	bool is_visited = visit_on(year, asset, from, &visit);

	l.rng = rng_for(year->seed, PURPOSE_LIFT, asset, (uint64_t)(from / DAY));
	if (from == 0)
		first_words(&l);
	l.free_at = from + 5 * MINUTE; /* the last trip of the day before is over */
	supply(&l, from);
	slow_points(&l, from);
	blink_chain(&l, from, from + DAY - 10 * MINUTE);
	if (is_visited)
		visit_day(&l, &visit);
	people(&l, from, from + DAY - 5 * MINUTE, is_visited ? &visit : NULL);
}
