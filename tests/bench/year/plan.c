/* plan.c: which troubles the year brings, to which assets, and when a resident would notice. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "points.h"

enum { PURPOSE_PLAN = 200 };

struct kind {
	const char *fault, *also, *name;
	enum class_id class;
	double per_year;
	ms_t lead_lo, lead_hi, mend_lo, mend_hi;
};

static const struct kind kinds[] = {
#define TROUBLE(id, fault, also, class, per_year, lead_lo, lead_hi, mend_lo, mend_hi) \
	[TROUBLE_##id] = {fault, also, #id, CLASS_##class, per_year, lead_lo, lead_hi, mend_lo, mend_hi},
#include "troubles.def"
#undef TROUBLE
};

const char *trouble_name(enum trouble_id id)
{
	return kinds[id].name;
}

/* Evenly over the magnitudes: as many leads of an hour to three as of three to nine. */
static ms_t draw(struct rng *rng, ms_t lo, ms_t hi)
{
	return lo <= 0 ? hi : (ms_t)((double)lo * pow((double)hi / (double)lo, rng_unit(rng)));
}

/* Frost comes with cold nights, heat with hot days, sumps fill when it rains: the first such moment after `at`. */
static ms_t season_of(const struct year *year, enum trouble_id id, ms_t at)
{
	ms_t end = (ms_t)year->days * DAY;

	for (ms_t t = at; t < end; t += HOUR) {
		double celsius = outdoor_celsius(year, t);
		if (id == TROUBLE_FROST ? celsius < 0 : id == TROUBLE_SUMP_HIGH ? rain_mm(year, t) > 2 : celsius > 30)
			return t;
	}
	return NEVER;
}

static bool has_season(enum trouble_id id)
{
	return id == TROUBLE_FROST || id == TROUBLE_SUMP_HIGH || id == TROUBLE_ROOM_HOT || id == TROUBLE_DRIVE_HOT;
}

/* Two of one kind on one asset at a time would be one trouble; nobody has two slow wears of a door at once either. */
static bool is_free(const struct year *year, const struct trouble *it)
{
	for (size_t i = 0; i < year->n_troubles; i++) {
		const struct trouble *other = &year->troubles[i];
		if (other->asset == it->asset && it->begin < other->end + 3 * DAY && other->begin < it->end + 3 * DAY)
			return false;
	}
	return true;
}

/* People notice while they are about: what would be noticed between 23 and 6 h and is slower than an hour waits for
 * the morning. */
static ms_t waking(ms_t at, ms_t lead)
{
	ms_t hour = at % DAY / HOUR;

	if (lead < HOUR || (hour >= 6 && hour < 23))
		return at;
	return hour < 6 ? at - at % DAY + 6 * HOUR + at % HOUR : at - at % DAY + 30 * HOUR + at % HOUR;
}

static void plan_one(struct year *year, enum trouble_id id, struct rng *rng)
{
	const struct kind *kind = &kinds[id];
	ms_t end = (ms_t)year->days * DAY;

	for (unsigned tries = 0; tries < 200; tries++) {
		struct trouble it = {.id = id};
		it.asset = year->first[kind->class] + rng_below(rng, (unsigned)year->count[kind->class]);
		it.begin = (ms_t)rng_between(rng, 30.0 * (double)DAY, (double)end);
		if (has_season(id))
			it.begin = season_of(year, id, it.begin);
		if (it.begin == NEVER)
			continue;
		ms_t lead = draw(rng, kind->lead_lo, kind->lead_hi);
		ms_t mend = draw(rng, kind->mend_lo, kind->mend_hi);
		it.complaint = lead ? waking(it.begin + lead, lead) : NEVER;
		it.end = (lead ? it.complaint : it.begin) + mend;
		if (it.end >= end || !is_free(year, &it))
			continue;
		year->troubles[year->n_troubles++] = it;
		return;
	}
}

static int by_asset(const void *a, const void *b)
{
	const struct trouble *x = a;
	const struct trouble *y = b;

	if (x->asset != y->asset)
		return x->asset < y->asset ? -1 : 1;
	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* The first month is quiet: a new gateway learns what is normal. */
void plan_year(struct year *year)
{
	size_t most = 0;

	for (unsigned id = 0; id < TROUBLE_COUNT; id++)
		most += (size_t)kinds[id].per_year + 1;
	year->troubles = calloc(most, sizeof(*year->troubles));
	year->first_trouble = calloc(year->n_assets + 1, sizeof(*year->first_trouble));
	if (!year->troubles || !year->first_trouble)
		abort();
	for (unsigned id = 0; id < TROUBLE_COUNT; id++) {
		struct rng rng = rng_for(year->seed, PURPOSE_PLAN, id, 0);
		double wanted = kinds[id].per_year * (year->days - 30) / 335;
		for (unsigned i = 0; i < (unsigned)(wanted + 0.5); i++)
			plan_one(year, (enum trouble_id)id, &rng);
	}
	qsort(year->troubles, year->n_troubles, sizeof(*year->troubles), by_asset);
	for (size_t a = 0, i = 0; a <= year->n_assets; a++) {
		while (i < year->n_troubles && year->troubles[i].asset < a)
			i++;
		year->first_trouble[a] = i;
	}
}

const struct trouble *trouble_at(const struct year *year, enum trouble_id id, size_t asset, ms_t at)
{
	for (size_t i = year->first_trouble[asset]; i < year->first_trouble[asset + 1]; i++) {
		const struct trouble *it = &year->troubles[i];
		if (it->id == id && at >= it->begin && at < it->end)
			return it;
	}
	return NULL;
}

const struct trouble *trouble_begins(const struct year *year, enum trouble_id id, size_t asset, ms_t from, ms_t to)
{
	for (size_t i = year->first_trouble[asset]; i < year->first_trouble[asset + 1]; i++) {
		const struct trouble *it = &year->troubles[i];
		if (it->id == id && it->begin >= from && it->begin < to)
			return it;
	}
	return NULL;
}

double grown(const struct year *year, enum trouble_id id, size_t asset, ms_t at)
{
	const struct trouble *it = trouble_at(year, id, asset, at);

	if (!it)
		return 0;
	ms_t full = it->complaint == NEVER ? it->begin + (it->end - it->begin) / 2 : it->complaint;
	double share = (double)(at - it->begin) / (double)(full - it->begin);
	return share > 1.5 ? 1.5 : share;
}

static void write_time(FILE *out, ms_t at)
{
	if (at == NEVER)
		fputs(",", out);
	else
		fprintf(out, "%.3f,", (double)at / 1000);
}

/* Seconds since the year began. An empty complaint: no resident can notice. */
void write_truth(const struct year *year, FILE *out)
{
	fputs("kind,asset,fault,also,begin,complaint,end\n", out);
	for (size_t i = 0; i < year->n_troubles; i++) {
		const struct trouble *it = &year->troubles[i];
		fprintf(out, "%s,%s,%s,%s,", trouble_name(it->id), year->assets[it->asset].id, kinds[it->id].fault,
			kinds[it->id].also);
		write_time(out, it->begin);
		write_time(out, it->complaint);
		fprintf(out, "%.3f\n", (double)it->end / 1000);
	}
	/* An outage stops every lift at once: nobody can know before. Dips no one sees. */
	for (size_t i = 0; i < year->n_outages; i++) {
		const struct span *span = &year->outages[i];
		for (size_t lift = 0; span->to - span->from > MINUTE && lift < year->count[CLASS_LIFT]; lift++)
			fprintf(out, "SUPPLY,%s,ELV-17,ELV-02 ELV-25,%.3f,,%.3f\n",
				year->assets[year->first[CLASS_LIFT] + lift].id, (double)span->from / 1000,
				(double)(span->to + 5 * MINUTE) / 1000);
	}
}
