/* memories.h: what the functions that remember keep per call and asset, and what their rows in functions.def name.
 *
 * Every struct here is plain bytes whose zero is the initial state. Windows begin with their panes. */
#ifndef RX_MEMORIES_H
#define RX_MEMORIES_H

#include "eval.h"
#include "panes.h"

/* What an operator says to a memory. */
enum rx_order { RX_ORDER_MARK, RX_ORDER_LEARN, RX_ORDER_ACCEPT, RX_ORDER_RESET };

struct rx_mem_edge { /* rise, fall */
	uint8_t last; /* 1 + enum rule_truth; 0: never known */
	bool is_gap;  /* unknown now */
	bool is_uncertain;
	uint8_t fired; /* instants in this turn */
};

bool rx_rise_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_fall_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_edge_is_sound(const struct rx_expr *call, const void *memory);

struct rx_mem_change {
	bool has_last, is_gap, is_uncertain;
	uint8_t fired;
	int64_t last; /* the bits of the value */
};

bool rx_change_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_change_is_sound(const struct rx_expr *call, const void *memory);

struct rx_mem_pulse {
	bool has_last, is_gap, is_uncertain;
	int64_t last;
	int64_t fired;
};

bool rx_pulse_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_pulse_is_sound(const struct rx_expr *call, const void *memory);

struct rx_mem_prev {
	bool has_current, has_before;
	int64_t current, before; /* the bits of the values */
	wy_ms upto_ms; /* when it was last saved: it stood like this until then */
};

bool rx_prev_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_prev_is_sound(const struct rx_expr *call, const void *memory);
void rx_prev_account(struct rx_eval *ev, const struct rx_expr *call, void *memory);
void rx_prev_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);

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

bool rx_since_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_since_is_sound(const struct rx_expr *call, const void *memory);

#define RX_RING_MOST 64u

struct rx_mem_count {
	struct rx_panes panes; /* coverage */
	int64_t sum[RX_PANES]; /* by panes: where compared with more than a ring holds */
	wy_ms at_ms[RX_RING_MOST];
	uint8_t head, n; /* ring: next place, filled places */
	bool is_uncertain;
};

bool rx_count_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_count_is_sound(const struct rx_expr *call, const void *memory);

#define RX_SAMPLES_DUE 8u /* instants that wait for their delay; of more at once the newest are not sampled */

struct rx_mem_sample {
	int64_t bits;      /* of the last sample */
	bool has_value;    /* there was one */
	bool has_sample;   /* there is one in this turn */
	bool is_watched;   /* the event is known now */
	bool is_uncertain; /* of the last sample */
	uint8_t n_due;
	wy_ms due_ms[RX_SAMPLES_DUE]; /* ascending */
};

bool rx_sample_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_sample_is_sound(const struct rx_expr *call, const void *memory);

struct rx_mem_increase {
	struct rx_panes panes;
	int64_t sum[RX_PANES];
	bool has_last;
	bool is_reset; /* reset_ms is valid */
	bool is_known; /* and has been since last_ms at least */
	int64_t last;
	wy_ms last_ms; /* known until then */
	wy_ms reset_ms;
};

bool rx_increase_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_increase_is_sound(const struct rx_expr *call, const void *memory);
void rx_increase_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);
void rx_increase_account(struct rx_eval *ev, const struct rx_expr *call, void *memory);

struct rx_mem_extreme { /* min, max */
	struct rx_panes panes;
	double held; /* level: the value since the last change, while panes.is_known */
	double best[RX_PANES];
	uint32_t n[RX_PANES]; /* samples; only there where the argument is sampled */
};

size_t rx_extreme_bytes(const struct rx_expr *call);
bool rx_min_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_max_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
void rx_extreme_account(struct rx_eval *ev, const struct rx_expr *call, void *memory);

/* Means and deviations, of panes: see runs.h. avg, sum, slope, sd; median and quantile of a level. */
struct rx_mem_runs {
	struct rx_panes panes;
	double held; /* level: since run_ms, within the running pane */
	wy_ms run_ms;
	union {
		struct { /* compensated: value times ms, or samples */
			double sum[RX_PANES], rest[RX_PANES];
		};
		struct { /* sd. m2: sum of squared distances from the mean, weighted */
			double mean[RX_PANES], m2[RX_PANES];
		};
	};
	uint32_t n[RX_PANES]; /* samples; only there where the argument is sampled */
};

size_t rx_runs_bytes(const struct rx_expr *call);
bool rx_runs_are_sound(const struct rx_expr *call, const void *memory);

bool rx_mean_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
void rx_mean_account(struct rx_eval *ev, const struct rx_expr *call, void *memory);
void rx_mean_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);

struct rx_mem_spread {
	struct rx_panes panes;
	double held; /* level: the present value, while panes.is_known */
	double high[RX_PANES], low[RX_PANES];
	uint32_t n[RX_PANES]; /* samples; only there where the argument is sampled */
};

size_t rx_spread_bytes(const struct rx_expr *call);
bool rx_spread_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
void rx_spread_account(struct rx_eval *ev, const struct rx_expr *call, void *memory);

bool rx_sd_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
void rx_sd_account(struct rx_eval *ev, const struct rx_expr *call, void *memory);
void rx_sd_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);

struct rx_mem_delta {
	struct rx_panes panes;
	bool has_held;
	double held;   /* since held_ms at least */
	wy_ms held_ms;
	double edge[RX_PANES]; /* the value at the beginning of each pane; no number: none */
};

bool rx_delta_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_delta_is_sound(const struct rx_expr *call, const void *memory);
void rx_delta_account(struct rx_eval *ev, const struct rx_expr *call, void *memory);
void rx_delta_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);

struct rx_mem_truth { /* flips, held, frac */
	struct rx_panes panes;
	uint8_t last; /* 1 + enum rule_truth; 0: never known */
	bool is_uncertain;
	uint32_t true_ms[RX_PANES];
	uint32_t flips[RX_PANES];
};

bool rx_truth_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_truth_is_sound(const struct rx_expr *call, const void *memory);
void rx_truth_account(struct rx_eval *ev, const struct rx_expr *call, void *memory);

#define RX_RANKS_MOST 256u

struct rx_mem_ranks { /* median and quantile of samples */
	struct rx_panes panes; /* coverage */
	wy_ms at_ms[RX_RANKS_MOST];
	double value[RX_RANKS_MOST];
	uint8_t order[RX_RANKS_MOST]; /* filled places by value */
	uint16_t head, n;             /* next place, filled places */
};

size_t rx_rank_bytes(const struct rx_expr *call);
bool rx_rank_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_rank_is_sound(const struct rx_expr *call, const void *memory);
void rx_rank_account(struct rx_eval *ev, const struct rx_expr *call, void *memory);
void rx_rank_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);

#define RX_EPISODES_MOST 64u

struct rx_mem_episodes {
	wy_ms at_ms[RX_EPISODES_MOST]; /* ascending; the last n raises */
	uint32_t n;
};

bool rx_episodes_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_episodes_is_sound(const struct rx_expr *call, const void *memory);

struct rx_mem_since_mark { /* delta_since */
	bool has_last, is_marked;
	bool is_gap; /* the counter was not seen, or a restart came between */
	int64_t last, total;
	int64_t unsaved; /* growth since what is in the store */
};

bool rx_since_mark_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_since_mark_is_sound(const struct rx_expr *call, const void *memory);
void rx_since_mark_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);
bool rx_since_mark_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order);

/* The value of an event: the number of its instants in this turn. */
struct rx_value rx_instants(int64_t n, bool is_gap, bool is_uncertain);

/* For all memories that begin with their panes. */
bool rx_panes_only_is_sound(const struct rx_expr *call, const void *memory);
void rx_panes_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);

#endif
