/* baselines.h: memories of the functions that smooth, learn what is normal, or compare with it; see memories.h. */
#ifndef RX_BASELINES_H
#define RX_BASELINES_H

#include "crowd.h"
#include "memories.h"
#include "moments.h"
#include "smooth.h"

struct rx_scope;

#define RX_Z_MOST 1000.0 /* a z is never larger: beside a past that never moved nothing can be measured */

/* (x - normal) / spread. The spread is no less than a thousandth of what x is declared to range over, or of the
 * normal value: the last digit of a sensor is no anomaly. `of` is the argument. */
double rx_z(const struct rx_expr *of, double x, double normal, double spread);
double rx_spread_least(const struct rx_expr *of, double normal);
/* Memories that change in steps shorter than this are not saved at each. */
#define RX_STEP_SAVED_MS 60000

/* ---- ewma, ewma_n ------------------------------------------------------------------------- */

struct rx_mem_ewma {
	struct rx_smooth smooth;
	bool is_uncertain;
};

/* Takes the argument x as it is now. True: a sample was taken (sampled arguments only). */
bool rx_smooth_follow(struct rx_eval *ev, const struct rx_expr *x, struct rx_smooth *s, wy_ms tau_ms, bool *is_uncertain);
/* Is there an answer now, as much as the rule of the call asks for? */
bool rx_smooth_answers(struct rx_eval *ev, const struct rx_expr *call, const struct rx_expr *x,
		       const struct rx_smooth *s, wy_ms tau_ms);
bool rx_ewma_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_ewma_is_sound(const struct rx_expr *call, const void *memory);
void rx_ewma_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);

struct rx_mem_ewma_n {
	bool is_started, is_watched, is_uncertain;
	double mean;
};

bool rx_ewma_n_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_ewma_n_is_sound(const struct rx_expr *call, const void *memory);
void rx_ewma_n_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);

/* ---- cusum_z, zstep, m_of_n --------------------------------------------------------------- */

struct rx_mem_cusum {
	struct rx_moments normal; /* of the first N samples */
	double sum;
	int64_t run; /* samples since the sum was zero */
	bool is_ordered; /* an operator had it learn again: it does, whatever stands */
	bool is_watched, is_uncertain;
};

bool rx_cusum_z_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_cusum_z_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order);
bool rx_cusum_z_is_sound(const struct rx_expr *call, const void *memory);
void rx_cusum_z_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);

struct rx_mem_zstep {
	bool is_begun, has_last, has_z, is_uncertain;
	uint32_t head, n;
	int64_t step; /* number of the step that runs */
	double last;  /* at the end of the step before it */
	double z;
	double past[]; /* ring of n */
};

size_t rx_zstep_bytes(const struct rx_expr *call);
bool rx_zstep_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_zstep_is_sound(const struct rx_expr *call, const void *memory);
bool rx_zstep_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order);

struct rx_mem_m_of_n {
	bool is_begun, is_uncertain;
	uint32_t head;
	int64_t step;
	uint8_t was[]; /* ring of n: 0 not known, 1 false, 2 true */
};

size_t rx_m_of_n_bytes(const struct rx_expr *call);
bool rx_m_of_n_check(struct rx_scope *scope, const struct rx_expr *call);
bool rx_m_of_n_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_m_of_n_is_sound(const struct rx_expr *call, const void *memory);

/* ---- zrob, zbase -------------------------------------------------------------------------- */

struct rx_mem_zrob {
	struct rx_panes panes; /* on a clock of their own, which stands still while frozen */
	double median, mad;    /* of the n_means means of full panes, at the last border */
	uint32_t n_means;
	double held;
	double sum[RX_PANES];
	uint32_t n[RX_PANES]; /* samples, where the argument is sampled */
	bool is_still;   /* frozen */
	bool is_ordered; /* an operator had it learn again: it does, whatever stands */
	wy_ms still_ms;  /* since then */
	wy_ms behind_ms; /* how far that clock is behind, without the present stand */
};

bool rx_zrob_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_zrob_is_sound(const struct rx_expr *call, const void *memory);
bool rx_zrob_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order);
void rx_zrob_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);
void rx_zrob_freeze(struct rx_eval *ev, const struct rx_expr *call, void *memory, bool is_frozen);

struct rx_mem_zbase {
	bool is_begun;   /* slot runs, since some time in it */
	bool is_spoiled; /* it is not normal, or not all of it was seen: nothing is learnt from it */
	bool is_known;   /* held, since at_ms */
	bool is_ordered;
	uint32_t slot;
	uint32_t n; /* samples in it */
	wy_ms at_ms, known_ms;
	double held, sum;
	float value[]; /* slots times keep; then a byte per slot for how many, and one for where the next goes */
};

size_t rx_zbase_bytes(const struct rx_expr *call);
bool rx_zbase_check(struct rx_scope *scope, const struct rx_expr *call);
bool rx_zbase_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_zbase_is_sound(const struct rx_expr *call, const void *memory);
void rx_zbase_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);
bool rx_zbase_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order);

/* ---- zlearn, joint ------------------------------------------------------------------------ */

struct rx_mem_zlearn {
	struct rx_smooth smooth;
	bool is_learnt, is_ordered, is_uncertain;
	uint32_t n;
	int64_t turn; /* of tau, in which the last sample was taken */
	double normal, spread;
	double sample[]; /* the first N */
};

size_t rx_zlearn_bytes(const struct rx_expr *call);
bool rx_zlearn_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_zlearn_is_sound(const struct rx_expr *call, const void *memory);
void rx_zlearn_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);
bool rx_zlearn_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order);

struct rx_mem_joint {
	struct rx_smooth smooth[RX_CROWD];
	bool is_uncertain[RX_CROWD];
	bool is_learnt, is_ordered;
	int64_t turn;
	struct rx_crowd crowd;
};

bool rx_joint_update(struct rx_eval *ev, const struct rx_expr *call, void *memory);
bool rx_joint_is_sound(const struct rx_expr *call, const void *memory);
void rx_joint_resume(const struct rx_expr *call, void *memory, wy_ms down_ms);
bool rx_joint_command(struct rx_eval *ev, const struct rx_expr *call, void *memory, enum rx_order order);
/* The parts of each argument, 0 to 1, which sum to 1. Returns how many; 0: no answer, or no distance. */
unsigned rx_joint_shares(struct rx_eval *ev, const struct rx_expr *call, double shares[RX_CROWD]);
bool rx_share_check(struct rx_scope *scope, const struct rx_expr *call);

#endif
