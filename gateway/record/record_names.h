/* record_names.h: the first block of a file: what its numbers mean, and how the file begins. */
#ifndef RECORD_NAMES_H
#define RECORD_NAMES_H

#include "record_bytes.h"
#include "record_turns.h"
#include "rule.h"

enum record_begin {
	RECORD_GOES_ON,     /* the file before ends right here */
	RECORD_STARTS,      /* the gateway started; what was before its stop is unknown from down_ms to now */
	RECORD_AFTER_LOSS,  /* turns before this file were not recorded */
};

struct record_point {
	const char *name, *unit; /* "": none */
	enum wy_type type;
	const char *const *values;
	uint32_t n_values;
};

struct record_class {
	const char *id;
	const struct record_point *points;
	uint32_t n_points;
};

struct record_asset {
	const char *id;
	uint32_t cls;
};

struct record_names {
	const char *version; /* of the program that wrote it */
	uint64_t set_hash;
	enum record_begin begin;
	wy_ms down_ms;
	struct wy_now now;
	const struct record_class *classes;
	uint32_t n_classes;
	const struct record_asset *assets;
	const char *const *rules;
	struct record_sizes sizes;
	void *memory; /* owned: everything above */
};

/* The numbers are those of world and set. */
void record_write_names(struct record_out *out, const struct rule_world *world, const struct rule_set *set,
			enum record_begin begin, wy_ms down_ms, struct wy_now now);
/* WY_E_CORRUPT, WY_E_NOMEM. */
WY_MUST_CHECK enum wy_err record_read_names(const unsigned char *bytes, size_t len, struct record_names *ret_names);
void record_names_release(struct record_names *names);
/* Slots of a world: first_slot has n_assets + 1 places. */
void record_sizes_of(const struct rule_world *world, const struct rule_set *set, uint32_t *first_slot,
		     struct record_sizes *ret_sizes);

#endif
