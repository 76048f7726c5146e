/* record.h: the gateway's memory of what its rules were told: every turn, as it was.
 *
 * A recording is a directory of files that can be played again, on any machine, through these rules or others
 * (`weiyu replay`). Recording never fails the gateway and never holds it up: what goes wrong is logged once, the
 * recording pauses, and is tried again with a new file.
 *
 * Use      record_open(), record_start() when the rules have their memory back, then beside each call of the rule
 *          engine the one here of the same name, before it. All of it with NULL for "not recorded".
 * Threads  the loop thread; the disk has one of its own.
 * Memory   everything at record_open(). */
#ifndef RECORD_H
#define RECORD_H

#include "record_disk.h"
#include "rule.h"

#define RECORD_RETRY_MS ((wy_ms)5 * 60 * 1000) /* after something went wrong */
#define RECORD_FILE_MS ((wy_ms)24 * 3600 * 1000) /* then the next file begins */

struct record;

struct record_conf {
	struct record_disk_conf disk;
	wy_ms block_ms; /* a block is written when it is so old, or full: what a power cut may take */
	const struct rule_world *world; /* borrowed */
	const struct rule_set *set;     /* borrowed */
};

/* before: what was recorded by until now, for another world or set of rules (NULL: nothing). Where both write with the same
 * settings to the same place, record_start() ends its file and goes on with its thread; `before` is then only to be closed. */
WY_MUST_CHECK enum wy_err record_open(const struct record_conf *conf, struct record *before, struct record **ret_record);
/* Writes what is at hand; waits for the disk. */
void record_close(struct record *record);

/* The gateway has started: the rules remember what was until down_ms; the first turn follows. */
void record_start(struct record *record, struct rule_engine *engine, wy_ms down_ms, struct wy_now now);

/* Before a turn, and before rule_resume() in mid-life: may look at the engine, and begin another block or file. */
void record_between(struct record *record, struct rule_engine *engine, struct wy_now now);
void record_resume(struct record *record, wy_ms down_ms, struct wy_now now);
void record_turn(struct record *record, struct wy_now now);
void record_heard(struct record *record, uint32_t device, wy_ms at_ms);
void record_sample(struct record *record, uint32_t asset, const struct wy_sample *sample);
void record_order(struct record *record, uint32_t instance, const struct rule_order *order);

struct record_state {
	uint64_t bytes; /* written by this process */
	bool is_paused;
	int error; /* errno of why; 0: the disk was too slow */
};
struct record_state record_state(struct record *record);

#endif
