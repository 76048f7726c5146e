/* reference.h: the language once more, as plainly as can be: a walk over the tree at every instant, and every window
 * computed anew from all that ever happened. Slow and obvious; what the engine says must agree with it bit for bit.
 *
 * It shares the parser and the checker with the engine and nothing else: no memory, no panes kept, no timers, no
 * arithmetic. Time is a grid: all inputs fall on whole tenths of a second, and so do all limits, so that nothing can turn
 * but there, one millisecond later, or one before (an event never seen is longer ago than the time observed). */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "program.h"
#include "rule_engine.h"

enum { REF_POINTS = PROGRAM_INPUTS, REF_NODES_MAX = 400, REF_INSTANTS_MAX = 4800, REF_STEP_MS = 100 };

struct ref_value {
	uint8_t truth;   /* of conditions */
	bool is_sampled; /* a sample was taken at this instant */
	double lo, hi;   /* of numbers; for an event the number of its instants; infinite: no end */
};

struct ref_slot { /* a point as it stands at an instant */
	bool is_usable;
	double value;
	wy_ms at_ms;
};

struct reference {
	const struct rule_set *set;
	wy_ms start_ms;
	wy_ms at_ms[REF_INSTANTS_MAX];
	size_t n;
	struct ref_slot slot[REF_INSTANTS_MAX][REF_POINTS];
	wy_ms heard_ms[REF_INSTANTS_MAX]; /* WY_MS_NONE: never */
	const struct rx_expr *node[REF_NODES_MAX];
	size_t n_nodes;
	struct ref_value *value; /* [node][instant] */
};

/* All nodes of all conditions of the set. False: too many. */
bool ref_open(struct reference *ref, const struct rule_set *set, wy_ms start_ms);
void ref_close(struct reference *ref);
/* The next instant: as the last one, then ref_put() and ref_hear() change it, then ref_settle(). */
void ref_instant(struct reference *ref, wy_ms at_ms);
void ref_put(struct reference *ref, uint32_t point, bool is_usable, double value);
void ref_hear(struct reference *ref);
/* Works out every node at the newest instant. */
void ref_settle(struct reference *ref);
/* At the newest instant. */
const struct ref_value *ref_value_of(const struct reference *ref, size_t node);

/* ---- Within -------------------------------------------------------------------------------- */

static inline const struct ref_value *ref_at(const struct reference *ref, size_t node, size_t instant)
{
	return &ref->value[node * REF_INSTANTS_MAX + instant];
}
size_t ref_node(const struct reference *ref, const struct rx_expr *e);
bool ref_is_known(const struct ref_value *v);
struct ref_value ref_number(double value);
struct ref_value ref_between(double lo, double hi);

/* Growth of a counter from one value to the next; a reset starts at zero. */
double ref_steps(const struct wy_point *point, double last, double now);

/* reference_windows.c: a call with a window, worked out at the newest instant. False: it is none. */
bool ref_window(const struct reference *ref, const struct rx_expr *call, struct ref_value *ret_value);

#endif
