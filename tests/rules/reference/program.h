/* program.h: random rule files and random readings for them, the same for the same seed. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "rule.h"

enum { PROGRAM_INPUTS = 6 };

/* One asset with the points a b (bool), p q (real), c (counter), n (int). */
const struct rule_world *program_world(void);
/* A rule file with one to three rules. */
void program_write(uint32_t seed, struct wy_buf *buf);

/* The same, with baselines and predictions: what learns. */
void program_write_learning(uint32_t seed, struct wy_buf *buf);

struct program_input {
	uint32_t point;
	bool is_bad;
	double value;
};

struct wy_sample program_sample(const struct program_input *input, wy_ms now_ms);

struct program_turn {
	wy_ms wait_ms; /* since the turn before; whole tenths of a second */
	bool is_heard;
	size_t n;
	struct program_input input[PROGRAM_INPUTS];
};

struct program_play {
	uint64_t state;
	double counter, real[2];
};
struct program_play program_play(uint32_t seed);
void program_turn(struct program_play *play, struct program_turn *ret_turn);

#endif
