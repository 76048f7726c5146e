/* record_turns.h: turns of a rule engine as bytes, and back: what one block holds.
 *
 * A poll that brings nothing new is the common case, and costs six bytes before packing: what came after what last
 * time is expected to come again, and only what differs is written. Writer and reader keep the same expectations,
 * which begin anew with each block, so that a lost block takes nothing else with it. */
#ifndef RECORD_TURNS_H
#define RECORD_TURNS_H

#include "reading.h"
#include "record_bytes.h"
#include "rule.h"

/* How many of what there are: what a number may be. */
struct record_sizes {
	uint32_t n_assets, n_slots, n_devices, n_rules;
	const uint32_t *first_slot; /* [n_assets + 1] */
};

struct record_slot {
	uint64_t bits; /* of the last usable value */
	uint8_t quality, why;
	bool is_whole, is_known;
};

/* What both sides remember within a block. Arrays are the caller's. */
struct record_memory {
	struct record_slot *slots; /* [n_slots] */
	uint32_t *next;            /* [n_slots + n_devices + 1]: what came after it last; the last is the turn's begin */
	uint32_t at;               /* where we are in that chain */
	struct wy_now now;
	wy_ms at_ms; /* of the samples that follow */
};
bool record_memory_init(struct record_memory *memory, const struct record_sizes *sizes); /* false: no memory */
void record_memory_release(struct record_memory *memory);
/* A new block. */
void record_memory_begin(struct record_memory *memory, const struct record_sizes *sizes, wy_ms first_ms);

/* An instance is named by rule, asset, and its place among those with both the same. */
struct record_order {
	uint32_t rule, asset, nth;
	struct rule_order order;
};

/* ---- Writing ----------------------------------------------------------------------------------- */

struct record_writer {
	const struct record_sizes *sizes; /* borrowed */
	struct record_memory memory;
	struct record_out out;
	uint32_t same; /* samples as expected, not written yet */
};
void record_write_turn(struct record_writer *writer, struct wy_now now);
void record_write_heard(struct record_writer *writer, uint32_t device, wy_ms at_ms);
void record_write_sample(struct record_writer *writer, uint32_t asset, const struct wy_sample *sample);
void record_write_order(struct record_writer *writer, const struct record_order *order);
void record_write_mark(struct record_writer *writer, uint32_t asset, const char *name);
/* The time since down_ms was not watched: before the turn it belongs to. */
void record_write_resume(struct record_writer *writer, wy_ms down_ms, struct wy_now now);
/* What is still held back. */
void record_write_end(struct record_writer *writer);

/* ---- Reading ----------------------------------------------------------------------------------- */

/* Called in the order of writing; each turn ends with the next turn's begin or on_end. */
struct record_sink {
	void (*turn)(void *arg, struct wy_now now);
	void (*heard)(void *arg, uint32_t device, wy_ms at_ms);
	void (*sample)(void *arg, uint32_t asset, const struct wy_sample *sample);
	void (*order)(void *arg, const struct record_order *order);
	void (*mark)(void *arg, uint32_t asset, const char *name);
	void (*resume)(void *arg, wy_ms down_ms, struct wy_now now);
	void *arg;
};
/* WY_E_CORRUPT: the bytes mean nothing from somewhere on; what came before was given. */
WY_MUST_CHECK enum wy_err record_read_turns(const unsigned char *bytes, size_t len, wy_ms first_ms,
					    const struct record_sizes *sizes, struct record_memory *memory,
					    const struct record_sink *sink);

#endif
