/* year.h: a simulated year of one building: what its sensors would have said, and what was really wrong.
 *
 * The generator knows buildings, not rules: how traffic, seasons, wear and people behave, and by when a resident
 * notices (the lead times of the fault catalogue). It knows no threshold of any rule. Same seed, same bytes.
 *
 * Output  rows of samples (CSV: time,asset,point,value), only where a value changes; `gap` for a value: from then on
 *         the asset does not answer. A truth file (CSV): what was wrong, where, from when, when a resident would have complained.
 * Time    milliseconds since the first midnight of the year, local; the zone has no summer time.
 */
#ifndef YEAR_H
#define YEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef int64_t ms_t;

#define SECOND ((ms_t)1000)
#define MINUTE ((ms_t)60000)
#define HOUR ((ms_t)3600000)
#define DAY ((ms_t)86400000)
#define NEVER INT64_MAX

enum {
	LIFTS = 12,
	LEAK_CABLES = 40,
	LEAK_POINTS = 90,
	RISERS = 12,
	MAINS = 6,
	METERS = 12,
	TANKS = 4,
	PUMPS = 8,
	SUMPS = 10,
	PIPES = 30, /* with all above: 200 places where water is watched */
	DOORS = 40,
	BUILDINGS = 4,
	POINTS_MAX = 40, /* of one asset */
};

/* ---- Chance ------------------------------------------------------------------------------- */

struct rng {
	uint64_t state;
};

/* A stream of its own for each purpose: adding one thing to the building does not change all others. */
struct rng rng_for(uint64_t seed, uint64_t purpose, uint64_t which, uint64_t when);
double rng_unit(struct rng *rng); /* [0, 1) */
double rng_between(struct rng *rng, double lo, double hi);
double rng_normal(struct rng *rng, double mean, double sd);
double rng_wait(struct rng *rng, double mean); /* exponential */
bool rng_hits(struct rng *rng, double chance);
/* The next of events that come per_hour[hour of the day] times in an hour. */
ms_t rng_arrival(struct rng *rng, ms_t at, const double per_hour[24]);
unsigned rng_below(struct rng *rng, unsigned n);

/* ---- What the sensors say ----------------------------------------------------------------- */

struct year;

enum class_id {
#define CLASS(id, name) CLASS_##id,
#include "classes.def"
#undef CLASS
	CLASS_COUNT
};

struct asset {
	enum class_id class;
	char id[24];
	char space[20];
	unsigned building, floor, riser, bank; /* counted from 1; 0: none */
	double last[POINTS_MAX];
	bool has_last[POINTS_MAX];
};

/* The value of a point from `at` on. Rounded to the point's resolution; a repeated value makes no row. */
void say(struct year *year, size_t asset, unsigned point, ms_t at, double value);
/* The asset's device answers nothing from `at` until `until`: what is said meanwhile is lost but for the last of it. */
void lose(struct year *year, size_t asset, ms_t at, ms_t until);

/* ---- What is wrong ------------------------------------------------------------------------ */

enum trouble_id {
#define TROUBLE(id, ...) TROUBLE_##id,
#include "troubles.def"
#undef TROUBLE
	TROUBLE_COUNT
};

struct trouble {
	enum trouble_id id;
	size_t asset;
	ms_t begin;     /* the first thing that differs */
	ms_t complaint; /* a resident would have picked up the phone; NEVER: none can notice */
	ms_t end;       /* repaired */
};

/* How far a trouble has grown at an instant: 0 before it begins, 1 when a resident notices (or, where none can, in the
 * middle of its time), up to 1.5 until it is repaired, 0 then. The sum over all of that kind on the asset. */
double grown(const struct year *year, enum trouble_id id, size_t asset, ms_t at);
/* The trouble of that kind that is there at an instant, or NULL. */
const struct trouble *trouble_at(const struct year *year, enum trouble_id id, size_t asset, ms_t at);
/* The first that begins in [from, to), or NULL. */
const struct trouble *trouble_begins(const struct year *year, enum trouble_id id, size_t asset, ms_t from, ms_t to);

/* ---- The building and its life ------------------------------------------------------------ */

struct span {
	ms_t from, to;
};

struct year {
	uint64_t seed;
	unsigned days;
	struct asset *assets;
	size_t n_assets;
	size_t first[CLASS_COUNT], count[CLASS_COUNT];
	struct trouble *troubles; /* by asset, then begin */
	size_t n_troubles;
	size_t *first_trouble; /* per asset; one more at the end */
	struct span *outages;  /* of the supply, ascending; most are dips of a second */
	size_t n_outages;
	struct rows *rows;
};

double outdoor_celsius(const struct year *year, ms_t at);
bool is_weekend(ms_t at);
/* Millimetres of rain in the hour of `at`. */
double rain_mm(const struct year *year, ms_t at);
/* The supply of the whole building. */
bool is_supply_on(const struct year *year, ms_t at);
void plan_outages(struct year *year);
/* The contractor's visit to the asset on the day that begins at `day`; false: none. */
bool visit_on(const struct year *year, size_t asset, ms_t day, struct span *ret_visit);

/* Somebody moves house through this door on the day that begins at `day`, or NEVER. Three of four tell the estate. */
ms_t move_on(const struct year *year, size_t asset, ms_t day, bool *ret_announced);

/* One day of one asset. */
void lift_day(struct year *year, size_t asset, ms_t from);
void water_day(struct year *year, size_t asset, ms_t from);
void door_day(struct year *year, size_t asset, ms_t from);
void fire_day(struct year *year, size_t asset, ms_t from);

/* ---- Files -------------------------------------------------------------------------------- */

/* Draws the year's troubles. */
void plan_year(struct year *year);
void make_building(struct year *year);
/* site.yaml: assets with their labels, and the maintenance windows the estate has registered. */
void write_site(const struct year *year, FILE *out);
void write_truth(const struct year *year, FILE *out);

const char *class_name(enum class_id class);
const char *trouble_name(enum trouble_id id);
const char *point_name(enum class_id class, unsigned point);

/* Rows of the future wait in a heap of days; a day is sorted and written when all of it has been said. */
struct rows *rows_new(FILE *out, size_t n_assets);
void rows_add(struct rows *rows, ms_t at, uint32_t asset, uint32_t point, double value);
/* Writes what lies before `until`. */
void rows_flush(struct rows *rows, const struct year *year, ms_t until);
size_t rows_free(struct rows *rows); /* how many were written */

#endif
