/* functions.h: the table of functions.def and the memory each function keeps.
 *
 * Memories are plain bytes: zero is the initial state, they are copied out and in by cells.c, and a
 * function validates what it reads back (rx_memory_is_sound). */
#ifndef RX_FUNCTIONS_H
#define RX_FUNCTIONS_H

#include "eval.h"
#include "panes.h"

enum rx_arg {
	RX_ARG_NONE,
	RX_ARG_ANY, RX_ARG_BOOL, RX_ARG_EVENT, RX_ARG_BOOL_OR_EVENT,
	RX_ARG_POINT,       /* a point as it stands, any type */
	RX_ARG_VALUE_POINT, /* a point with a number: int or real */
	RX_ARG_COUNTER,     /* a counter point */
	RX_ARG_NUMBER,
	RX_ARG_LIKE,        /* a number with the unit of the argument before */
	RX_ARG_SPAN,        /* a constant length of time */
	RX_ARG_CALENDAR, RX_ARG_RULE,
};

enum rx_result { RX_RESULT_BOOL, RX_RESULT_EVENT, RX_RESULT_INT, RX_RESULT_TIME, RX_RESULT_FIRST, RX_RESULT_SECOND };

struct rx_function {
	const char *name;
	const char *arg_names; /* blank separated */
	enum rx_arg arg[3];
	enum rx_result result;
	bool is_later; /* of the language, not in this version */
	const char *help;
	/* The value now. memory is NULL for functions that keep none. */
	struct rx_value (*query)(struct rx_eval *ev, const struct rx_expr *call, const void *memory);
	/* Once per turn of the asset, after its inputs. True: what must survive a crash changed. */
	bool (*update)(struct rx_eval *ev, const struct rx_expr *call, void *memory);
	size_t memory_bytes;
};

struct rx_mem_edge { /* rise, fall */
	uint8_t last; /* 1 + enum rule_truth; 0: never known */
	bool is_gap;  /* unknown now */
	bool is_uncertain;
	uint8_t fired; /* instants in this turn */
};

struct rx_mem_change {
	bool has_last, is_gap, is_uncertain;
	uint8_t fired;
	int64_t last; /* the bits of the value */
};

struct rx_mem_pulse {
	bool has_last, is_gap, is_uncertain;
	int64_t last;
	int64_t fired;
};

struct rx_mem_prev {
	bool has_current, has_before;
	int64_t current, before; /* the bits of the values */
	wy_ms upto_ms; /* when it was last saved: it stood like this until then */
};

struct rx_mem_since {
	bool is_seen;  /* last_ms is valid */
	bool is_known; /* the argument is known now; known_from_ms is valid */
	bool is_true;  /* condition: true when last known */
	bool is_from_start; /* condition: true already when first known */
	bool is_uncertain;
	bool has_state;
	wy_ms last_ms;
	wy_ms known_from_ms;
};

#define RX_RING_MOST 64u

struct rx_mem_count {
	struct rx_panes panes; /* coverage */
	int64_t sum[RX_PANES]; /* by panes: where compared with more than a ring holds */
	wy_ms at_ms[RX_RING_MOST];
	uint8_t head, n; /* ring: next place, filled places */
	bool is_uncertain;
};

struct rx_mem_increase {
	struct rx_panes panes;
	int64_t sum[RX_PANES];
	bool has_last;
	bool is_reset; /* reset_ms is valid */
	int64_t last;
	wy_ms last_ms; /* known until then */
	wy_ms reset_ms;
};

struct rx_mem_extreme { /* min, max */
	struct rx_panes panes;
	double held; /* the value since the last sample, while panes.is_known */
	double best[RX_PANES];
};

/* fn_<name>() of every row, and fn_<name>_update() of those that remember. */
#define FUNCTION(name, arg_names, args, result, help) \
	struct rx_value fn_##name(struct rx_eval *ev, const struct rx_expr *call, const void *memory);
#define REMEMBERS(name, arg_names, args, result, memory_name, help)                               \
	struct rx_value fn_##name(struct rx_eval *ev, const struct rx_expr *call, const void *memory); \
	bool fn_##name##_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
#define LATER(name)
#include "functions.def"
#undef FUNCTION
#undef REMEMBERS
#undef LATER

void rx_extreme_account(struct rx_eval *ev, const struct rx_expr *call, struct rx_mem_extreme *m);

size_t rx_function_count(void);
const struct rx_function *rx_function_at(size_t i);
const struct rx_function *rx_function_find(const char *name, size_t len);
/* Before a memory is saved: bring to the present what is otherwise brought up when needed. */
void rx_memory_account(struct rx_eval *ev, const struct rx_expr *call, void *memory);
/* After a restart that lost the time from down_ms on. Memories that are not saved at each change may be older:
 * what happened between their saving and down_ms is not known either. */
void rx_memory_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);
/* Is this plausible memory of the function: indices in range? */
bool rx_memory_is_sound(const struct rx_function *fn, const void *memory);

#endif
