/* feed.h: what one point shows over the time of a test, from one line of text.
 *
 *   "@0s 60 degC ~> @40min 100 degC noise 0.5 dK seed 7"
 *   "@0s true @10s false gap 40s..70s"
 *   "@0s 0 +1 every 10s @5min +3 every 10s"
 *   "@0s false @20s true @25s false repeat 1min until 2h @2h true"
 *
 *   @T VALUE         from T on. Without "@T" a first value stands from the start.
 *   @T +N            one step of N from what was reached; @T +N every D: another step each D
 *   V ~> @T W        a straight line from V to W
 *   repeat D [until T]   the last D of what stands before, again and again
 *   noise A [seed N] a bell of deviation A on every poll (noise.h)
 *   gap A..B         no polls between A and B; those at A and B happen. "A.." has no end
 *   bad A..B         polls from A until before B are answered, but not with a value
 *   doubt A..B       values of uncertain quality
 *   poll D           asked every D instead of the period of the class
 *
 * The value is held and given again at each poll. Pure. */
#ifndef FEED_H
#define FEED_H

#include "arena.h"
#include "diag.h"
#include "model.h"
#include "moment.h"
#include "reading.h"

/* A whole number for bool, int, enum, counter; a real one in the unit of the point else. */
union feed_value {
	int64_t whole;
	double real;
};

struct feed_step {
	wy_ms at_ms;              /* from the start of its group */
	bool is_relative;         /* value is added to what was reached */
	bool is_ramp;             /* a line to the next step's value */
	wy_ms every_ms;           /* relative: again each so long; 0: once */
	union feed_value value;
};

/* Steps that stand once, or repeat. */
struct feed_group {
	wy_ms start_ms;
	wy_ms period_ms;          /* 0: once */
	const struct feed_step *steps;
	size_t n_steps;
	union feed_value first;   /* what was reached when it began */
	bool is_absolute;         /* some step says a value of its own */
	union feed_value gain;    /* relative: reached minus begun, in one period */
	union feed_value last;    /* absolute: value at the end of a period */
};

enum feed_span_kind { FEED_GAP, FEED_BAD, FEED_DOUBT };

struct feed_span {
	enum feed_span_kind kind;
	wy_ms from_ms, to_ms;
};

struct feed {
	const struct wy_point *point; /* NULL: the asset itself, alive or silent */
	const struct feed_group *groups;
	size_t n_groups;
	const struct feed_span *spans;
	size_t n_spans;
	wy_ms poll_ms;
	bool has_poll; /* its text says how often */
	double noise; /* deviation in the unit of the point; 0: none */
	uint64_t seed;
	wy_ms last_ms; /* the last instant its text names */
};

/* Read the text of node. point NULL: the values are alive and silent. False after a message, or when the arena is
 * full. */
bool feed_read(const struct wy_node *node, const struct wy_point *point, const struct moment_base *base,
	       struct wy_arena *arena, struct wy_diags *diags, struct feed *ret_feed);

/* The sample of a poll at ms; poll is its number, for the noise. False: no poll then. */
bool feed_sample(const struct feed *feed, wy_ms ms, uint64_t poll, struct wy_sample *ret_sample);
/* The value at ms, without noise and spans. */
union feed_value feed_value_at(const struct feed *feed, wy_ms ms);
/* A span of this kind stands at ms (a gap: strictly inside). */
bool feed_is_in(const struct feed *feed, enum feed_span_kind kind, wy_ms ms);

#endif
