/* modbus_learned.h: what was learned of one device: addresses it refuses, lengths it does not give, blocks about which
 * it says nothing. Pure: no clock, no socket, memory from an arena at init.
 *
 * How it learns
 *   An exception 2 or 3 (address, or length) to a read of several extents says only that something in it is wrong. The
 *   read is halved until either one extent alone is refused, or two halves are given that were refused together:
 *   then the hole between them is closed or, where there is none, so many registers are too many. All in one poll, so
 *   that the points the device does give are in the same report.
 *   Silence about a block, while other blocks are answered, is halved the same way once it has lasted for
 *   WY_MODBUS_MISSES_MAX polls in a row: some devices say nothing to an address they do not have.
 *   Exception 1 refuses a whole area, unless the device gave something of that area before.
 *   Other exceptions pass: nothing is learned, the next poll asks again. 10 and 11 come from a gateway whose device
 *   is silent: the caller tells them as MODBUS_FAILED.
 *   What reading clears is never halved.
 *
 * How it forgets
 *   What is refused is asked again, alone: after a minute and, from the fourth time on, hourly. What was given since
 *   the start and is refused now is asked again after ten seconds, later every minute. Closed holes and lengths are
 *   tried once a day, since a new firmware may have mended them; what proves true is kept without another word.
 *   A profile with another map forgets everything.
 *   So no point is lost for good: it is in every poll, asked or listed as BAD with the reason.
 *
 * One poll
 *   reads = sensor_plan_reads(&plan, mask, modbus_learned_bounds(learned, now));
 *   modbus_work_begin(&work, learned, reads, failures, now);
 *   while (modbus_work_next(&work, now, &task))
 *           if (!task.is_asked) list the points of task.block as BAD, task.why, task.exception
 *           else { ask; if (modbus_work_done(&work, outcome, exception, why, now)) list the points of task.block; }
 *
 * Threads  one device, one thread. Times are mono. */
#ifndef SENSOR_MODBUS_LEARNED_H
#define SENSOR_MODBUS_LEARNED_H

#include "../plan.h"

#define MODBUS_SPLIT_DEPTH 12u /* halvings, one within the other: enough for WY_POINTS_PER_DEVICE */

/* Lengths of registers, or of bits: `given` and fewer were given, `refused` and more were refused. 0: not known. */
struct modbus_lengths {
	uint16_t given, refused;
	bool is_tried; /* the day is over: reads are as long as the profile lets them be */
	wy_ms try_ms;
};

/* Of a point, or of an area. */
struct modbus_refusal {
	wy_ms retry_ms;	   /* not before */
	uint8_t exception; /* 0: silence */
	uint8_t why;	   /* enum wy_why: EXCEPTION, TIMEOUT or MISMATCH */
	uint8_t times;	   /* refused in a row, at most 255; 0: it is not */
	bool was_given;	   /* since the start */
	/* Silence about the block of so many registers or bits that begins with this point, in so many polls in a row. */
	uint8_t misses;
	uint16_t missed_count;
};

/* Refused again and again and never given: worth to be remembered across restarts. */
static inline bool modbus_refusal_is_settled(const struct modbus_refusal *refusal)
{
	return refusal->times >= 2 && !refusal->was_given;
}

struct modbus_learned {
	const struct sensor_plan *plan;
	uint32_t seed, map_hash;
	struct sensor_bounds bounds;
	/* Holes that cannot be read over. The first bounds.n_closed are observed, the others are being tried. */
	struct sensor_extent closed[WY_MODBUS_CLOSED_MAX];
	wy_ms try_ms[WY_MODBUS_CLOSED_MAX];
	size_t n_closed;
	wy_ms gapless_until_ms; /* more were closed than can be kept (bounds.is_gapless) */
	struct modbus_lengths registers, bits;
	struct modbus_refusal area[4];
	struct modbus_refusal *point; /* in the arena; by point */
	uint8_t *refused;	      /* in the arena; bits, as in sensor_bounds */
	wy_ms slowest_ms, slowest_fades_ms;
	bool is_changed; /* modbus_learned_text() would say something new */
};

/* plan is borrowed. text: of an earlier life, NULL or "" for none; junk and what belongs to another map is forgotten.
 * seed: other per device, spreads the daily tries. WY_E_NOMEM: the arena is full. */
WY_MUST_CHECK enum wy_err modbus_learned_init(struct modbus_learned *learned, const struct sensor_plan *plan,
					      const char *text, uint32_t seed, wy_ms now_ms, struct wy_arena *arena);

/* What sensor_plan_reads() is to observe. Before each poll: what is to be tried again is left out. */
const struct sensor_bounds *modbus_learned_bounds(struct modbus_learned *learned, wy_ms now_ms);

/* What is known as one line for people and for modbus_learned_init(), with its NUL; "" where nothing is. What does not
 * fit is left out, and learned again in the next life. is_changed is false afterwards. */
void modbus_learned_text(struct modbus_learned *learned, char ret_text[WY_LEARNED_BYTES_MAX]);

/* An answer came so long after its request, in time or late. */
void modbus_learned_took(struct modbus_learned *learned, wy_ms took_ms, wy_ms now_ms);
/* How long to wait for an answer: what the site or the profile says, or longer (at most four times) where answers were
 * seen to take longer. Forgets slowly. */
wy_ms modbus_learned_timeout(struct modbus_learned *learned, wy_ms configured_ms, wy_ms now_ms);

/* ---- One poll ----------------------------------------------------------------------------------- */

enum modbus_outcome {
	MODBUS_GIVEN,	  /* data */
	MODBUS_EXCEPTION, /* with its code */
	MODBUS_SILENT,	  /* no answer, or none that fits, in a poll in which the device answered before */
	MODBUS_DOUBTED,	  /* not sent, or an answer that may belong to another request: nothing is learned */
	MODBUS_FAILED,	  /* the device or the wire is not there: nothing is learned, the poll is over */
};

struct modbus_task {
	struct sensor_block block;
	bool is_asked;	   /* false: known to be refused and not due; only list it */
	bool is_optional;  /* all its points are: a refusal is no fault of the configuration */
	uint8_t exception; /* not asked: the last one; 0: silence */
	enum wy_why why;   /* not asked: EXCEPTION, TIMEOUT or MISMATCH */
};

/* A read that was refused and is being halved. */
struct modbus_split {
	struct sensor_block block;
	uint16_t middle; /* points [block.first..middle) and [middle..block.end) */
	uint8_t exception; /* 0: silence */
	uint8_t n_done, n_given; /* halves */
};

struct modbus_work {
	struct modbus_learned *learned;
	const struct sensor_reads *reads;
	uint16_t n_taken, turn; /* blocks of the plan handed out; where the round begins */
	bool is_over, must_ask, has_given;
	uint8_t depth;
	uint16_t n_splits;
	struct modbus_split split[MODBUS_SPLIT_DEPTH];
	struct sensor_block asked; /* under way */
};

/* failures: of the device, in a row (0: it answered last time). After a failure another block begins, so that a device
 * that is silent about its first one only is found to be there. If nothing is due to be asked, one block is asked all
 * the same: is the device still there? reads are borrowed until the poll is over. */
void modbus_work_begin(struct modbus_work *work, struct modbus_learned *learned, const struct sensor_reads *reads,
		       unsigned failures, wy_ms now_ms);
/* The next block. false: the poll is over; what was not handed out was not asked, and is not listed. */
bool modbus_work_next(struct modbus_work *work, wy_ms now_ms, struct modbus_task *ret_task);
/* How the block that was asked went. why: of MODBUS_SILENT (TIMEOUT or MISMATCH), else ignored. True: list its points,
 * as data or as BAD. False: they come again in smaller blocks. */
bool modbus_work_done(struct modbus_work *work, enum modbus_outcome outcome, uint8_t exception, enum wy_why why,
		      wy_ms now_ms);

#endif
