/* loop.h: one thread, descriptors and timers. The only clock reader of the simulator. */
#ifndef SIM_LOOP_H
#define SIM_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "clocktypes.h"
#include "err.h"

/* A descriptor of interest. The struct belongs to the caller and stays where it is while it is
 * added; its function may remove and free it. */
struct sim_source {
	int fd;
	void (*ready)(void *arg, uint32_t events); /* EPOLLIN, EPOLLOUT ... */
	void *arg;
};

/* Owned by the caller, zeroed before first use. Fires once. */
struct sim_timer {
	wy_ms due_ms;
	void (*fire)(void *arg);
	void *arg;
	bool is_set;
	uint64_t turn; /* among timers of one time the one set first fires first */
	struct sim_timer *child, *next, *before; /* before: the sibling before it, or its parent */
};

struct sim_loop {
	int epoll_fd;
	struct sim_timer *first; /* due next: root of a pairing heap, so that thousands of timers cost little */
	uint64_t turns;
	bool is_done;
};

WY_MUST_CHECK enum wy_err sim_loop_open(struct sim_loop *loop);
void sim_loop_close(struct sim_loop *loop);

wy_ms sim_now_ms(void);	 /* boottime */
wy_ms sim_wall_ms(void); /* Unix time */

WY_MUST_CHECK enum wy_err sim_loop_add(struct sim_loop *loop, struct sim_source *source,
				       uint32_t events);
void sim_loop_want(struct sim_loop *loop, struct sim_source *source, uint32_t events);
void sim_loop_remove(struct sim_loop *loop, struct sim_source *source);

void sim_timer_set(struct sim_loop *loop, struct sim_timer *timer, wy_ms due_ms);
void sim_timer_stop(struct sim_loop *loop, struct sim_timer *timer);

/* Until is_done. before_wait is called each time before sleeping. WY_E_IO: epoll failed. */
WY_MUST_CHECK enum wy_err sim_loop_run(struct sim_loop *loop, void (*before_wait)(void *arg),
				       void *arg);

#endif
