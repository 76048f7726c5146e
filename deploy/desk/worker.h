/* worker.h: the one thread that owns the database: takes batches, commits, then sends receipts.
 *
 * A batch is what is waiting, at most WY_DESK_BATCH_MAX; a message alone is committed at once. When
 * the database is away the same batch is tried again, with back-off, for as long as it takes; no
 * receipt leaves meanwhile, so the gateways keep what they have. */
#ifndef DESK_WORKER_H
#define DESK_WORKER_H

#include "link.h"
#include "queue.h"
#include "show.h"

struct worker_options {
	const char *db_spec;
	const char *client_id;
	struct queue *queue;
	struct link *link;
	struct show show;
	wy_ms hole_age_ms; /* a hole that stands so long is asked for */
};

struct worker;

/* Starts the thread. All that options point to outlives the worker. */
WY_MUST_CHECK enum wy_err worker_start(const struct worker_options *options,
				       struct worker **ret_worker);
/* After queue_stop: commits and receipts what is in the queue if the database answers, and ends. */
void worker_finish(struct worker *worker);

#endif
