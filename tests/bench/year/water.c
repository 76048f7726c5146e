/* water.c: a day of the water side: leak cables and points, risers, tanks, pumps, sumps, pipes. */
#include <math.h>

#include "points.h"

enum { PURPOSE_WATER = 400, PURPOSE_SPLASH };

struct point_day {
	struct year *year;
	size_t asset;
	ms_t from;
	struct rng rng;
};

static void put(struct point_day *d, enum point_id point, ms_t at, double value)
{
	tell(d->year, d->asset, point, at, value);
}

static double how_far(const struct point_day *d, enum trouble_id id, ms_t at)
{
	return grown(d->year, id, d->asset, at);
}

static bool is_there(const struct point_day *d, enum trouble_id id, ms_t at)
{
	return trouble_at(d->year, id, d->asset, at) != NULL;
}

/* What a point says while a trouble is there: from its begin to its end, whenever within the day these are. */
static void follow(struct point_day *d, enum trouble_id id, enum point_id point, double there, double otherwise)
{
	const struct trouble *begins = trouble_begins(d->year, id, d->asset, d->from, d->from + DAY);
	const struct trouble *now = trouble_at(d->year, id, d->asset, d->from);

	put(d, point, d->from, now ? there : otherwise);
	if (now && now->end < d->from + DAY)
		put(d, point, now->end, otherwise);
	if (!begins)
		return;
	put(d, point, begins->begin, there);
	if (begins->end < d->from + DAY)
		put(d, point, begins->end, otherwise);
}

/* ---- Leaks -------------------------------------------------------------------------------- */

/* The cleaners splash: a sensor on the floor is wet for 2 to 60 s, most of them shortly. About 15 a year in all. */
static void splash(struct point_day *d)
{
	struct rng rng = rng_for(d->year->seed, PURPOSE_SPLASH, d->asset, (uint64_t)(d->from / DAY));

	if (!rng_hits(&rng, 15.0 / 365 / LEAK_POINTS) || is_there(d, TROUBLE_SHAFT_LEAK, d->from + 10 * HOUR))
		return;
	ms_t at = d->from + (ms_t)rng_between(&rng, 8.0 * (double)HOUR, 17.0 * (double)HOUR);
	put(d, P_LEAK_POINT_WET, at, 1);
	put(d, P_LEAK_POINT_WET, at + (ms_t)(2000 * pow(30, rng_unit(&rng))), 0);
}

static void leak_point_day(struct point_day *d)
{
	double age = (double)((d->asset * 61) % 300) + (double)(d->from / DAY); /* a battery lasts about 900 days */
	double battery = 100 - age / 9 - 70 * how_far(d, TROUBLE_SENSOR_BATTERY, d->from);

	follow(d, TROUBLE_SHAFT_LEAK, P_LEAK_POINT_WET, 1, 0);
	put(d, P_LEAK_POINT_BATTERY, d->from + HOUR, battery > 3 ? battery : 3);
	splash(d);
}

static void leak_cable_day(struct point_day *d)
{
	follow(d, TROUBLE_CABLE_LEAK, P_LEAK_CABLE_LOCATION, 7 + (double)(d->asset * 13 % 80), 0);
	follow(d, TROUBLE_CABLE_LEAK, P_LEAK_CABLE_WET, 1, 0);
	follow(d, TROUBLE_CABLE_BREAK, P_LEAK_CABLE_BROKEN, 1, 0);
	put(d, P_LEAK_CABLE_DIRTY, d->from, how_far(d, TROUBLE_DIRTY_CABLE, d->from) > 0.95);
	for (ms_t at = d->from; at < d->from + DAY; at += 30 * MINUTE) {
		double damp = 6 + 0.1 * rain_mm(d->year, at) + (double)(d->asset % 5);
		double leak = is_there(d, TROUBLE_CABLE_LEAK, at) ? 160 : 0;
		put(d, P_LEAK_CABLE_CURRENT, at + MINUTE, rng_normal(&d->rng, damp, 0.8) + 95 * how_far(d, TROUBLE_DIRTY_CABLE, at) + leak);
	}
}

/* ---- Supply ------------------------------------------------------------------------------- */

/* Share of the day's greatest draw. At night single toilets are flushed, and for minutes nothing flows at all. */
static double draw_share(ms_t at)
{
	static const double share[24] = {0.16, 0.08, 0.05, 0.04, 0.05, 0.18, 0.6, 1.0, 0.8, 0.5, 0.45, 0.6,
					 0.65, 0.45, 0.4, 0.42, 0.5, 0.75, 0.95, 1.0, 0.9, 0.75, 0.55, 0.3};
	double weekend = is_weekend(at) ? 1.1 : 1.0;

	return weekend * share[at % DAY / HOUR];
}

static double usual_flow(struct point_day *d, ms_t at)
{
	return rng_hits(&d->rng, 0.25 + draw_share(at)) ? 3.2 * draw_share(at) * rng_unit(&d->rng) : 0;
}

static void main_day(struct point_day *d)
{
	double set = 0.30; /* MPa behind the pumps and the reducing valve */

	for (ms_t at = d->from; at < d->from + DAY; at += 2 * MINUTE) {
		bool is_burst = is_there(d, TROUBLE_BURST, at);
		double flow = usual_flow(d, at);
		double pressure = set - 0.012 * flow + 0.16 * how_far(d, TROUBLE_PRESSURE_HIGH, at) -
				  0.20 * how_far(d, TROUBLE_PRESSURE_LOW, at);
		put(d, P_MAIN_FLOW, at, is_burst ? 14 : flow);
		put(d, P_MAIN_PRESSURE, at, is_burst ? 0.06 : rng_normal(&d->rng, pressure, 0.004));
	}
	const struct trouble *burst = trouble_begins(d->year, TROUBLE_BURST, d->asset, d->from, d->from + DAY);
	if (!burst)
		return;
	/* A pipe empties within half a minute. */
	for (unsigned i = 1; i <= 10; i++) {
		put(d, P_MAIN_PRESSURE, burst->begin + i * 3 * SECOND, set - 0.024 * i);
		put(d, P_MAIN_FLOW, burst->begin + i * 3 * SECOND, 2 + 1.2 * i);
	}
}

/* A meter of one riser; behind a hidden leak it never stands still. */
static void meter_day(struct point_day *d)
{
	for (ms_t at = d->from; at < d->from + DAY; at += 2 * MINUTE) {
		double lost = how_far(d, TROUBLE_HIDDEN_LEAK, at);
		put(d, P_METER_FLOW, at, usual_flow(d, at) + (lost > 0 ? 0.08 * (0.3 + lost) : 0));
	}
}

static void tank_day(struct point_day *d)
{
	for (ms_t at = d->from; at < d->from + DAY; at += 2 * MINUTE) {
		/* Filled whenever it is below 80 %, drawn down by the day's use. */
		double hour = (double)(at % DAY) / (double)HOUR;
		double level = 84 + 7 * sin(hour * 1.9 + (double)d->asset) - 4 * draw_share(at);
		level -= 84 * how_far(d, TROUBLE_TANK_LOW, at);
		if (is_there(d, TROUBLE_TANK_OVER, at))
			level = 92 + 40 * how_far(d, TROUBLE_TANK_OVER, at);
		level = level < 1 ? 1 : level > 100 ? 100 : level;
		put(d, P_TANK_LEVEL, at, rng_normal(&d->rng, level, 0.15));
		put(d, P_TANK_OUTFLOW, at, 6 * draw_share(at) + 0.2);
	}
}

/* Pumps take turns through the day, four to six starts an hour when water is drawn; a leaking check valve or a lost air
 * cushion makes them start ever more often. */
static void pump_day(struct point_day *d)
{
	const struct trouble *fault = trouble_begins(d->year, TROUBLE_PUMP_FAULT, d->asset, d->from, d->from + DAY);
	ms_t at = d->from + (ms_t)rng_between(&d->rng, 1e3, 600e3);

	put(d, P_PUMP_AUTO, d->from, 1);
	put(d, P_PUMP_STANDBY_RUN, d->from, 0);
	follow(d, TROUBLE_PUMP_FAULT, P_PUMP_FAULT, 1, 0);
	if (d->from == 0)
		put(d, P_PUMP_STARTS, 0, 500);
	for (ms_t look = d->from; look < d->from + DAY; look += 5 * MINUTE)
		put(d, P_PUMP_PRESSURE, look, rng_normal(&d->rng, 0.42 - 0.35 * how_far(d, TROUBLE_PUMP_FAULT, look), 0.004));
	while (at < d->from + DAY - 40 * MINUTE) {
		double per_hour = 1 + 4 * draw_share(at) + 16 * how_far(d, TROUBLE_PUMP_CYCLES, at);
		ms_t length = (ms_t)rng_between(&d->rng, 60e3, 0.5 * (double)HOUR / per_hour + 61e3);
		if (!is_there(d, TROUBLE_PUMP_FAULT, at) && !(fault && at < fault->begin && at + length > fault->begin)) {
			put(d, P_PUMP_RUN, at, 1);
			put(d, P_PUMP_STARTS, at, d->year->assets[d->asset].last[P_PUMP_STARTS - P_PUMP_RUN] + 1);
			put(d, P_PUMP_RUN, at + length, 0);
		}
		at += length + (ms_t)rng_wait(&d->rng, 0.5 * (double)HOUR / per_hour) + 20 * SECOND;
	}
}

/* Seepage fills it, the pump empties it from 60 to 20 %: within minutes. */
static void sump_day(struct point_day *d)
{
	double level = 25 + (double)(d->asset % 4) * 5;
	bool is_pumping = false;

	for (ms_t at = d->from; at < d->from + DAY; at += MINUTE) {
		double failed = how_far(d, TROUBLE_SUMP_HIGH, at);
		double in = 0.05 + 0.08 * rain_mm(d->year, at);
		if (failed > 0) {
			level = 60 + 38 * (failed > 1 ? 1 : failed);
			is_pumping = true; /* it runs and lifts nothing */
		} else {
			is_pumping = level > 60 || (is_pumping && level > 20);
			level += in - (is_pumping ? 9 : 0);
		}
		level = level < 5 ? 5 : level > 100 ? 100 : level;
		put(d, P_SUMP_LEVEL, at, level);
		put(d, P_SUMP_PUMP_RUN, at, is_pumping);
		put(d, P_SUMP_HIGH, at, level > 92);
		put(d, P_SUMP_RAIN, at, rain_mm(d->year, at) > 0.2);
	}
}

static void pipe_day(struct point_day *d)
{
	for (ms_t at = d->from; at < d->from + DAY; at += 10 * MINUTE) {
		double out = outdoor_celsius(d->year, at);
		double sheltered = 9 + 0.5 * out + (double)(d->asset % 7);
		double frost = how_far(d, TROUBLE_FROST, at); /* a window left open, a heater off */
		sheltered -= (sheltered + 3) * (frost > 1 ? 1 : frost);
		put(d, P_PIPE_TEMP, at, rng_normal(&d->rng, sheltered, 0.15));
	}
}

void water_day(struct year *year, size_t asset, ms_t from)
{
	static void (*const days[CLASS_COUNT])(struct point_day *) = {
		[CLASS_LEAK_CABLE] = leak_cable_day, [CLASS_LEAK_POINT] = leak_point_day, [CLASS_MAIN] = main_day, [CLASS_METER] = meter_day,
		[CLASS_TANK] = tank_day,	     [CLASS_PUMP] = pump_day,		  [CLASS_SUMP] = sump_day,
		[CLASS_PIPE] = pipe_day,
	};
	struct point_day day = {year, asset, from, rng_for(year->seed, PURPOSE_WATER, asset, (uint64_t)(from / DAY))};

	days[year->assets[asset].class](&day);
}
