/* truth.h: the devices on one wire, whose every answer proves which request it answers. Pure but for the time it is told.
 *
 * Register `a` in the answer to the k-th request of a unit holds a hash of wire, unit, function, a and k; a bit is the
 * lowest of it. So a value that is taken for another request, unit, function or address, or is put together from two
 * answers, is seen to be wrong. The last requests of each unit are kept to say whose it was. */
#ifndef FIELD_TRUTH_H
#define FIELD_TRUTH_H

#include "line.h"

enum { TRUTH_ASKS = 64 };

enum truth_mood { TRUTH_ANSWERS, TRUTH_SILENT, TRUTH_GATEWAY /* exception 11, as from a gateway before it */ };

struct truth_ask {
	uint32_t k;
	uint8_t function;
	uint16_t address, count;
	wy_ms at_ms;
};

struct truth_unit {
	uint8_t id;
	enum truth_mood mood;
	uint32_t n_asked;
	struct truth_ask asks[TRUTH_ASKS]; /* a ring */
};

struct truth {
	const struct scene *scene; /* for the time */
	uint32_t number;	   /* of the wire */
	enum frame_kind frames;
	wy_ms takes_ms, spread_ms; /* an answer takes takes_ms and up to spread_ms more */
	uint64_t random;
	struct truth_unit *units; /* others than these are silent */
	size_t n_units;
};

/* For line_conf.answer; arg is the truth. Functions 1 to 4; others get exception 1. */
size_t truth_answer(void *arg, const uint8_t *request, size_t n, uint8_t *answer, wy_ms *ret_wait_ms);

struct truth_unit *truth_unit(const struct truth *truth, uint8_t id);
uint16_t truth_word(uint32_t number, uint8_t unit, uint8_t function, uint16_t address, uint32_t k);

enum truth_verdict {
	TRUTH_RIGHT,   /* what a request of this poll was answered, and the same was not asked again */
	TRUTH_STALE,   /* what an older request was answered */
	TRUTH_CORRUPT, /* what no answer said */
};

/* Judge a value that was accepted from a poll begun at since_ms. n_words 0: a bit. */
enum truth_verdict truth_judge(const struct truth *truth, uint8_t unit, uint8_t function, uint16_t address,
			       unsigned n_words, uint32_t value, wy_ms since_ms);

#endif
