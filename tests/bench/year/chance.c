/* chance.c: streams of random numbers: splitmix64, one stream for each purpose. */
#include <math.h>

#include "year.h"

static uint64_t next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct rng rng_for(uint64_t seed, uint64_t purpose, uint64_t which, uint64_t when)
{
	struct rng rng = {seed};

	rng.state = next(&rng) ^ purpose * 0xd6e8feb86659fd93u;
	rng.state = next(&rng) ^ which * 0xa0761d6478bd642fu;
	rng.state = next(&rng) ^ when * 0xe7037ed1a0b428dbu;
	return rng;
}

double rng_unit(struct rng *rng)
{
	return (double)(next(rng) >> 11) * 0x1p-53;
}

double rng_between(struct rng *rng, double lo, double hi)
{
	return lo + (hi - lo) * rng_unit(rng);
}

double rng_normal(struct rng *rng, double mean, double sd)
{
	double sum = 0;

	/* The sum of twelve: near enough to a bell, and without its endless tails. */
	for (unsigned i = 0; i < 12; i++)
		sum += rng_unit(rng);
	return mean + sd * (sum - 6);
}

double rng_wait(struct rng *rng, double mean)
{
	return -mean * log(1 - rng_unit(rng));
}

bool rng_hits(struct rng *rng, double chance)
{
	return rng_unit(rng) < chance;
}

ms_t rng_arrival(struct rng *rng, ms_t at, const double per_hour[24])
{
	/* Within an hour the rate is one; where the wait goes beyond it, the next hour begins anew. */
	for (;;) {
		double rate = per_hour[at % DAY / HOUR];
		ms_t wait = rate > 0 ? (ms_t)rng_wait(rng, (double)HOUR / rate) : HOUR;
		ms_t left = HOUR - at % HOUR;
		if (wait < left)
			return at + wait;
		at += left;
	}
}

unsigned rng_below(struct rng *rng, unsigned n)
{
	return (unsigned)(rng_unit(rng) * n);
}
