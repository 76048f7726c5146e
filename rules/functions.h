/* functions.h: the table of functions.def: what a function takes, gives, remembers.
 *
 * Memories are plain bytes (memories.h): zero is the initial state, they are copied out and in by cells.c. A
 * function says in its row how many bytes a call needs and whether bytes read back can be its own. */
#ifndef RX_FUNCTIONS_H
#define RX_FUNCTIONS_H

#include "baselines.h"
#include "eval.h"
#include "memories.h"

#define RX_ARGS_MAX 6u /* rows of arguments of one function */
#define RX_MANY_MAX 8u /* arguments that may stand in a row of many */

enum rx_arg {
	RX_ARG_NONE,
	RX_ARG_ANY, RX_ARG_BOOL, RX_ARG_EVENT, RX_ARG_BOOL_OR_EVENT,
	RX_ARG_POINT,    /* a point as it stands, any type */
	RX_ARG_COUNTER,  /* a counter point */
	RX_ARG_NUMBER,
	RX_ARG_SERIES,   /* a number over time: a level, or sampled; see series.h */
	RX_ARG_SAMPLES,  /* a sampled number only */
	RX_ARG_LIKE,     /* a number with the unit of the argument before */
	RX_ARG_WINDOW,   /* a constant length of time: of a window over the first argument */
	RX_ARG_SPAN,     /* a constant length of time */
	RX_ARG_WHOLE,    /* a whole number, literal, within the bounds of the row */
	RX_ARG_CONSTANT, /* a bare number, literal or parameter; a literal within the bounds */
	RX_ARG_CHOICE,   /* one of the words of the row; index = which */
	RX_ARG_MARK, RX_ARG_LABEL, /* a name, kept as it is */
	RX_ARG_CLASS,    /* index = which */
	RX_ARG_CALENDAR, RX_ARG_RULE,
};

enum rx_arg_manner {
	RX_ARG_PLAIN,    /* in its place, or by name */
	RX_ARG_MANY,     /* one to RX_MANY_MAX in its place; first row only */
	RX_ARG_NAMED,    /* by name */
	RX_ARG_OPTIONAL, /* by name, or left out: then `otherwise` */
};

struct rx_arg_row {
	const char *name;
	enum rx_arg kind;
	enum rx_arg_manner manner;
	bool is_asked; /* only the query looks at it: memories are shared over all its values */
	double least, most, otherwise; /* WHOLE, CONSTANT; otherwise of a SPAN in ms, of a CHOICE the index */
	const char *words;             /* CHOICE: blank separated */
};

enum rx_result {
	RX_RESULT_BOOL, RX_RESULT_EVENT, RX_RESULT_INT,
	RX_RESULT_TIME,       /* a length of time in ms */
	RX_RESULT_FIRST,      /* type and unit of the first argument, and within its values */
	RX_RESULT_SECOND,
	RX_RESULT_MEAN,       /* a real number in the unit of the first argument, within its values */
	RX_RESULT_TOTAL,      /* a real number in the unit of the first argument */
	RX_RESULT_DIFFERENCE, /* of two values of the first argument */
	RX_RESULT_DISTANCE,   /* the same, never below zero */
	RX_RESULT_SLOPE,      /* unit of the first argument per hour */
	RX_RESULT_RATE,       /* per hour, never below zero */
	RX_RESULT_SHARE,      /* in %, 0 to 100 */
	RX_RESULT_BARE,       /* a real number without unit */
	RX_RESULT_LIKE_SECOND, /* a real number in the unit of the second argument */
};

struct rx_scope;

struct rx_function {
	const char *name;
	struct rx_arg_row arg[RX_ARGS_MAX]; /* up to the first of kind NONE */
	enum rx_result result;
	bool is_later;       /* of the language, not in this version */
	bool is_growing;     /* its value grows by itself with time */
	bool keeps_instants; /* sampled where its arguments are */
	bool is_baseline;    /* frozen while a rule that uses it stands */
	bool is_of_others;   /* asks other assets: a tally, see others.h; of the first argument's class, if that is one */
	/* What is only looked at again when something it reads changed must say what that is beside its arguments. */
	bool reads_age;      /* when its point was sampled, whatever the value */
	bool reads_heard;    /* when devices answered */
	/* Of one that remembers: a look before the instant it named, at which nothing that it reads changed, leaves it as
	 * it is, or would do nothing that a later look does not. Not said: it is looked at with every sample of its asset. */
	bool is_patient;
	bool is_momentary;   /* what it tells is of one instant: the next look of the asset ends it */
	const char *help;
	/* While loading: do the arguments go together? False: said. May be NULL. */
	bool (*check)(struct rx_scope *scope, const struct rx_expr *call);
	/* The value now. memory is NULL for functions that keep none. */
	struct rx_value (*query)(struct rx_eval *ev, const struct rx_expr *call, const void *memory);

	/* The rest is for functions that remember. */
	/* The function whose memory this one reads too; NULL: its own. like_sampled: another one where the first
	 * argument is sampled. */
	const char *like, *like_sampled;
	size_t memory_bytes; /* of a call; or, where calls differ, bytes() */
	size_t (*bytes)(const struct rx_expr *call);
	/* Once per turn of the asset, after its inputs. True: what must survive a crash changed. */
	bool (*update)(struct rx_eval *ev, const struct rx_expr *call, void *memory);
	/* Are these plausible bytes: indices in range, nothing that can overflow? NULL: any are. */
	bool (*is_sound)(const struct rx_expr *call, const void *memory);
	/* Before it is saved: bring to the present what is otherwise brought up when needed. May be NULL. */
	void (*account)(struct rx_eval *ev, const struct rx_expr *call, void *memory);
	/* After a restart that lost the time from down_ms on. Memories that are not saved at each change may be
	 * older: what happened between their saving and down_ms is not known either. May be NULL. */
	void (*resume)(const struct rx_expr *call, void *memory, wy_ms down_ms);
	/* True: understood, and the memory changed. May be NULL. */
	bool (*command)(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order);
	/* Baselines: from now on a rule that uses it stands on the asset, or none does any more; also after a restart,
	 * when it may know that already. Those that only ask ev->is_frozen in update() need none. */
	void (*freeze)(struct rx_eval *ev, const struct rx_expr *call, void *memory, bool is_frozen);
};

/* fn_<name>() of every row. */
#define FUNCTION(name, args, result, help) \
	struct rx_value fn_##name(struct rx_eval *ev, const struct rx_expr *call, const void *memory);
#define FUNCTION_WITH(name, args, result, help, ...) FUNCTION(name, args, result, help)
#define LATER(name)
#include "functions.def"
#undef FUNCTION
#undef FUNCTION_WITH
#undef LATER

size_t rx_function_count(void);
const struct rx_function *rx_function_at(size_t i);
const struct rx_function *rx_function_find(const char *name, size_t len);
size_t rx_arg_count(const struct rx_function *fn);
/* The argument of row i of a checked call; of a row of many the first. */
const struct rx_expr *rx_arg(const struct rx_expr *call, unsigned i);

static inline bool rx_remembers(const struct rx_function *fn)
{
	return fn->update;
}
size_t rx_memory_bytes(const struct rx_expr *call);
void rx_memory_account(struct rx_eval *ev, const struct rx_expr *call, void *memory);
void rx_memory_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);
bool rx_memory_is_sound(const struct rx_expr *call, const void *memory);

#endif
