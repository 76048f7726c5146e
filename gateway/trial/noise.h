/* noise.h: chance that is the same everywhere. No state: the k-th draw of a seed is a function of both, so a gap in
 * the polls or another order of them changes no other value.
 *
 * noise_bits()    SplitMix64 of seed and k: one step of an add and two multiply-xor-shifts.
 * noise_share()   the upper 53 bits as a number in [0, 1).
 * noise_bell()    the sum of twelve shares minus six: mean 0, deviation 1, never beyond 6. Only additions, so the
 *                 bits are the same on any machine, which those of logarithm and sine are not. */
#ifndef NOISE_H
#define NOISE_H

#include <stdint.h>

static inline uint64_t noise_bits(uint64_t seed, uint64_t k)
{
	uint64_t z = seed * UINT64_C(0xD1342543DE82EF95) + (k + 1) * UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static inline double noise_share(uint64_t seed, uint64_t k)
{
	return (double)(noise_bits(seed, k) >> 11) * (1.0 / 9007199254740992.0);
}

static inline double noise_bell(uint64_t seed, uint64_t k)
{
	double sum = 0;

	for (uint64_t i = 0; i < 12; i++)
		sum += noise_share(seed, k * 12 + i);
	return sum - 6;
}

#endif
