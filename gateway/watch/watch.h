/* watch.h: does every part of the process still come to its turn? A table of parts, each with a deadline.
 *
 * A part says that it moves with watch_beat(), as often as it likes and within WATCH_BEAT_MS even where it has nothing to do. The
 * watcher looks at all of them, and adds to the age of each what has passed since it last looked, but never more than WATCH_LOOK_MOST_MS:
 * while the process was stopped, or the machine asleep, the watcher did not look either, and nobody is to blame.
 *
 * Pure but for the beats, which are atomic. Threads: watch_beat(), watch_rest() and watch_blame() from any; the rest from one. */
#ifndef WATCH_H
#define WATCH_H

#include <stdatomic.h>
#include <stdbool.h>

#include "clocktypes.h"

#define WATCH_BEAT_MS ((wy_ms)1000) /* a part that is well beats so often */
#define WATCH_LOOK_MS ((wy_ms)500)  /* the watcher looks so often */
#define WATCH_LOOK_MOST_MS (2 * WATCH_LOOK_MS)
/* A worn SD card keeps an fsync for ten seconds and more, and a turn may take several; a wire and the field may wait for the loop.
 * Somebody who waits in a lift is not helped by a restart that only asks the same slow disk again. Below twice the WatchdogSec=30
 * of deploy/weiyu.service, by which a hung part must have been found. */
#define WATCH_DEADLINE_MS ((wy_ms)40 * 1000)
#define WATCH_DEADLINE_LEAST_MS ((wy_ms)3 * 1000)
/* The recorder may hang with its disk, which need not be that of the store: it is told, and never a reason to end. */
#define WATCH_RECORD_MS ((wy_ms)300 * 1000)

enum watch_part { WATCH_LOOP, WATCH_FIELD, WATCH_WIRE, WATCH_RECORD, WATCH_PARTS };

struct watch_state {
	_Atomic unsigned beats;
	_Atomic bool is_resting; /* has nothing to do, and need not beat */
	_Atomic(const char *) blamed; /* what of it does not move; static, or as long-lived as the watch. NULL: itself */
	unsigned seen; /* the watcher's from here on */
	wy_ms age_ms;
	bool is_late;
};

struct watch {
	struct watch_state state[WATCH_PARTS];
	wy_ms deadline_ms; /* of the parts the process ends for */
	wy_ms looked_ms;
	bool has_looked;
};

/* watchdog_ms: within twice of which a hung part must have been found, 0: nobody asks. Nothing is watched before its first beat. */
void watch_init(struct watch *watch, wy_ms watchdog_ms);

/* NULL is fine in these three: nobody watches. */
void watch_beat(struct watch *watch, enum watch_part part);
/* Nothing to do until the next beat. */
void watch_rest(struct watch *watch, enum watch_part part);
/* What of the part does not move: said if it goes on; the part is not to beat meanwhile. NULL: nothing in particular. */
void watch_blame(struct watch *watch, enum watch_part part, const char *what);

struct watch_verdict {
	bool is_hung;	       /* the process must end, for `part` */
	bool is_news;	       /* `part` turned late, or came back: `is_late` says which */
	bool is_late;
	enum watch_part part;  /* of several the first of the table: a loop that stands holds up the others */
	const char *what;      /* as blamed; NULL: the part itself */
	wy_ms age_ms;	       /* since its last beat */
};
/* now_ms: of any steady clock, always the same. */
struct watch_verdict watch_look(struct watch *watch, wy_ms now_ms);
const char *watch_name(enum watch_part part);

#endif
