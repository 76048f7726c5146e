/* value.h: what an expression is worth at one instant.
 *
 * A number is a closed interval lo..hi. Known: lo == hi. Unknown: without ends. Half known: one end,
 * as "since() of an event never seen is more than the time observed". So partial knowledge goes
 * through arithmetic and comparisons without special cases: `a > b` is true once lo(a) > hi(b).
 * Truth has three values (Kleene). */
#ifndef RX_VALUE_H
#define RX_VALUE_H

#include "expr.h"

enum rx_unknown { RX_KNOWN, RX_NO_POINT, RX_NO_DIVISOR, RX_TOO_LARGE, RX_NO_COVER, RX_NOT_SEEN, RX_OUT_OF_SERVICE,
	RX_LEARNING, RX_NO_TREND, RX_NO_RELATION, RX_FEW_PEERS, RX_OTHERS_UNKNOWN, RX_NO_SIDE };

struct rx_value {
	bool is_whole;     /* int, enum, counter, number of instants; else real */
	bool is_uncertain; /* some input is UNCERTAIN */
	bool is_moving;    /* changes with time in a way that is not made of straight lines */
	uint8_t truth;     /* enum rule_truth, for conditions */
	uint8_t unknown;   /* enum rx_unknown: why not known */
	uint8_t quality;   /* RX_NO_POINT: of the point */
	uint16_t point;    /* RX_NO_POINT: which of the class; behind them those over relations */
	int64_t lo, hi;    /* whole; INT64_MIN and INT64_MAX: no end */
	double rlo, rhi;   /* real; infinity: no end */
	double slope_lo, slope_hi; /* real: of each end per ms of time; of no account where there is no end */
	double bend_ms;    /* the slopes hold for so long; 0: until an input comes */
};

struct rx_value rx_truth(enum rule_truth truth);
struct rx_value rx_whole(int64_t value);
struct rx_value rx_real(double value);
/* Nothing known, as a value of this type. */
struct rx_value rx_unknown_of(enum rx_type type, enum rx_unknown why);
bool rx_is_exact(const struct rx_value *v);
/* Middle of an exact value as a double. */
double rx_number(const struct rx_value *v);
struct rx_value rx_as_real(struct rx_value v);

struct rx_value rx_add(struct rx_value a, struct rx_value b);
struct rx_value rx_sub(struct rx_value a, struct rx_value b);
struct rx_value rx_mul(struct rx_value a, struct rx_value b);
struct rx_value rx_div(struct rx_value a, struct rx_value b);
struct rx_value rx_neg(struct rx_value a);
struct rx_value rx_abs(struct rx_value a);
/* The smaller or the larger of two. */
struct rx_value rx_least(struct rx_value a, struct rx_value b);
struct rx_value rx_greatest(struct rx_value a, struct rx_value b);
/* Either of two: what is known if it is not known which. */
struct rx_value rx_hull(struct rx_value a, struct rx_value b);

/* Of two known numbers. */
static inline bool rx_holds(enum rx_cmp cmp, double a, double b)
{
	switch (cmp) {
	case RX_EQ:
		return a == b;
	case RX_NE:
		return a != b;
	case RX_LT:
		return a < b;
	case RX_GE:
		return a >= b;
	case RX_GT:
		return a > b;
	case RX_LE:
		return a <= b;
	}
	return false;
}

/* Truth of a cmp b, and in *next_ms (only ever lowered) when it may change by time alone. */
enum rule_truth rx_compare(enum rx_cmp cmp, const struct rx_value *a, const struct rx_value *b,
			   wy_ms now_ms, wy_ms *next_ms);
enum rule_truth rx_not(enum rule_truth a);
enum rule_truth rx_and(enum rule_truth a, enum rule_truth b);
enum rule_truth rx_or(enum rule_truth a, enum rule_truth b);

#endif
