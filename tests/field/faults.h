/* faults.h: what happens to an answer on its way: drawn from a seed, decided here, done by line.h. Pure: the same seed
 * and the same answers give the same troubles.
 *
 * Each answer is disturbed with probability `rate`, by one of the kinds in `mask`, all alike. In the other mode
 * (byte_rate) each byte for itself is lost, doubled or changed: noise, for serial lines. */
#ifndef FIELD_FAULTS_H
#define FIELD_FAULTS_H

#include "clocktypes.h"
#include "frames.h"

enum fault {
	FAULT_NONE,
#define FAULT(name, wires, text) FAULT_##name,
#include "faults.def"
#undef FAULT
	FAULT_noise, /* of byte_rate */
	FAULT_KINDS
};

enum { FAULT_ANSWER_MOST = 1300, FAULT_KEPT = 16, FAULT_BYTES = 2 * FAULT_ANSWER_MOST + 32 };

struct fault_conf {
	uint64_t seed;
	double rate, byte_rate; /* 0 .. 1 */
	uint32_t mask;		/* 1u << FAULT_...; 0: every kind this wire knows */
	wy_ms timeout_ms;	/* of whoever waits for the answers */
	char wire;		/* 'T' 'S' 'U' */
	enum frame_kind frames;
};

struct faults {
	struct fault_conf conf;
	uint64_t random;
	enum fault kinds[FAULT_KINDS]; /* those to draw from */
	unsigned n_kinds;
	struct {
		size_t n;
		uint8_t bytes[FAULT_ANSWER_MOST];
	} kept[FAULT_KEPT]; /* older answers, a ring */
	unsigned n_kept;
	uint64_t n_answers, n_disturbed, by_kind[FAULT_KINDS];
};

enum fault_end { FAULT_GO_ON, FAULT_END_FIN, FAULT_END_RESET, FAULT_END_HALF_OPEN, FAULT_END_BLACK_HOLE };

/* What becomes of one answer. */
struct fault_act {
	enum fault fault;
	wy_ms wait_ms; /* before its first byte */
	wy_ms gap_ms;  /* between its bytes; 0: all at once */
	bool is_held;  /* sent behind the next answer */
	enum fault_end end;
	size_t n; /* 0: nothing is sent */
	uint8_t bytes[FAULT_BYTES];
};

void faults_init(struct faults *faults, const struct fault_conf *conf);
/* What is longer than FAULT_ANSWER_MOST is cut. */
void faults_choose(struct faults *faults, const uint8_t *answer, size_t n, struct fault_act *ret_act);

/* "delay,drop" into a mask; 0: an unknown name is among them. "all" is every kind. */
uint32_t faults_mask(const char *names);
const char *fault_name(enum fault fault);
const char *fault_text(enum fault fault);

/* splitmix64 */
uint64_t chance_next(uint64_t *random);
uint64_t chance_below(uint64_t *random, uint64_t bound);
bool chance_hits(uint64_t *random, double rate);

#endif
