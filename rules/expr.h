/* expr.h: the tree of one expression. parse.c makes it, check.c gives it types, units and
 * addresses, eval.c walks it. Lives in the arena of the set; read-only after the check.
 *
 * All numbers of time are in milliseconds inside the engine, so that time-dependent values and
 * limits meet in one unit. */
#ifndef RX_EXPR_H
#define RX_EXPR_H

#include "model.h"
#include "node.h"
#include "rule.h"

enum rx_op {
	RX_TRUTH,  /* true, false */
	RX_NUMBER, /* literal */
	RX_WORD,   /* enum literal; index = its place in point->values */
	RX_PARAM,  /* index = place in the class's list of used parameters */
	RX_POINT,  /* index = point of the class */
	RX_NAMED,  /* a bare name as argument: calendar or rule; index = which */
	RX_CALL,   /* fn; index = memory of the class if the function remembers, or the tally it asks */
	RX_NOT, RX_AND, RX_OR,
	RX_COMPARE, RX_IN_SET, RX_IN_RANGE,
	RX_ADD, RX_SUB, RX_MUL, RX_DIV, RX_NEG,
	RX_SCALE,  /* child times `real`: a change of unit */
};

enum rx_cmp { RX_EQ, RX_NE, RX_LT, RX_LE, RX_GT, RX_GE };

enum rx_type {
	RX_T_NONE, /* wrong, and already reported */
	RX_T_BOOL, RX_T_EVENT, RX_T_ENUM, RX_T_INT, RX_T_REAL, RX_T_COUNTER, RX_T_NAME,
};

struct rx_function;
struct rx_calendar;

struct rx_expr {
	uint8_t op;   /* enum rx_op */
	uint8_t cmp;  /* enum rx_cmp */
	uint8_t type; /* enum rx_type, after the check */
	bool is_signal; /* stands for a signal: what is inside is written elsewhere */
	uint8_t n_many;           /* CALL: arguments that stand in the row of many, such as x1..x8 */
	uint16_t min_samples;     /* CALL: of the rule; what its windows need before they answer */
	double min_cover;
	uint32_t at, end;         /* byte range in the text */
	struct rx_expr *child, *next;
	const char *package; /* PARAM, after the check: whose */
	const char *name; /* POINT, PARAM, CALL, WORD, NAMED; not NUL-terminated before the check */
	size_t name_len;
	const char *arg_name; /* name= before this argument, else NULL */
	size_t arg_name_len;
	bool truth;
	bool is_whole;
	bool is_default; /* an argument that was left out */
	int64_t whole;
	double real;
	const struct wy_unit *unit;
	const struct wy_point *point; /* ENUM: whose values; POINT: itself */
	const struct rx_function *fn;
	const struct rx_calendar *calendar;
	const struct rx_expr *sampling; /* a number that is sampled: the sample() whose instants it has; else NULL */
	uint32_t index;
	uint32_t far; /* POINT over a relation: 1 + its place in the class's list of them; index is of the related class */
	uint64_t hash; /* of the meaning; equal for equal calls */
};

/* A condition as a file has it. */
struct rx_cond {
	const char *text; /* own copy */
	struct rx_expr *root; /* NULL: none given */
	const struct wy_node *node; /* only while loading */
};

#endif
