/* reading.h: one value of one point: what every driver makes and every rule eats.
 *
 * "No value" is a quality, never a number: where wy_quality_is_usable() is false the value field
 * must not be looked at. */
#ifndef WY_READING_H
#define WY_READING_H

#include <stdbool.h>
#include <stdint.h>

#include "clocktypes.h"

enum wy_quality {
	WY_Q_NEVER,     /* no sample since start */
	WY_Q_GOOD,      /* fresh, in range */
	WY_Q_UNCERTAIN, /* usable, but the source doubts it */
	WY_Q_BAD,       /* read, and not to be believed; see why */
	WY_Q_STALE,     /* the last good value is too old */
};

enum wy_why {
#define WY_WHY(name, text) WY_WHY_##name,
#include "reading.def"
#undef WY_WHY
	WY_WHY_COUNT
};

/* bool, int, enum (index into the point's values) and counter are whole; real is real. */
struct wy_sample {
	uint32_t point;  /* index into the points of its profile (drivers) or its class (rules) */
	uint8_t quality; /* enum wy_quality */
	uint8_t why;     /* enum wy_why */
	bool is_whole;
	uint8_t n_raw; /* raw words kept in raw[]; 0 where there are none */
	union {
		int64_t whole;
		double real; /* in the unit of the point's declaration */
	};
	wy_ms at_ms; /* mono: when the answer was complete */
	uint16_t raw[4];
};

static inline bool wy_quality_is_usable(uint8_t quality)
{
	return quality == WY_Q_GOOD || quality == WY_Q_UNCERTAIN;
}

/* "good", "uncertain", "bad", "stale", "never". */
const char *wy_quality_text(uint8_t quality);
const char *wy_why_text(uint8_t why);

#endif
