/* run.h: the gateway as a process: builds the parts, joins them, runs them, stops them. */
#ifndef RUN_H
#define RUN_H

#include "config.h"
#include "delivery.h"
#include "engine.h"
#include "poller.h"

/* Exit codes of `weiyu run`, for the service manager and docs/operations.md. */
enum run_exit {
	RUN_STOPPED = 0,  /* asked to */
	RUN_CONFIG = 1,   /* the files are wrong: starting again will not help */
	RUN_USAGE = 2,
	RUN_SETUP = 3,    /* store or socket cannot be opened */
	RUN_BROKEN = 4,   /* a turn could not be kept: start again */
	RUN_HUNG = 5,     /* a part did not move any more: start again */
};

/* Runs until SIGTERM or SIGINT. */
enum run_exit run_gateway(const char *gateway_yaml);

/* status.c, orders.c: the control socket. */
struct run_view {
	const struct config *config;
	const struct rule_set *rules;
	struct store *store;
	struct engine *engine;
	const struct delivery *delivery;
	struct clock *clock;
	wy_ms started_ms; /* mono */
	struct poller *poller; /* NULL: no field */
	wy_ms memory_since_ms; /* mono; since when the store keeps everything in memory, while it does */
	wy_ms loaded_wall_ms;  /* when the files of the set in force were read; 0: not known */
};
/* Answers one request of the control socket: text from malloc(), NULL without memory. An order makes a turn: the caller
 * flushes before the answer goes out. */
char *run_answer(const struct run_view *view, const char *request);

#endif
