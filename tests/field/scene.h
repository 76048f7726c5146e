/* scene.h: one epoll, its descriptors and a heap of what is due: the ground on which proxies, devices and drivers stand
 * in a test, all in one thread.
 *
 * Time     With a speed of 0 the machine's own. With a speed above 0 it is made: it stands still while anything moves,
 *          and leaps to what is due next once nothing does. Nobody who works here reads a clock, so seconds of waiting
 *          cost nothing, and a slow machine makes a test longer, not different. The kernel may still carry bytes when
 *          nothing seems to move, so a leap of n ms is made only after n / speed ms of real silence, and never more than
 *          SCENE_LEAP_MS at once. A pty hands bytes over in a thread of the kernel; poll() on it waits for that, so all
 *          ptys are polled before a leap (scene_hasten).
 * Threads  one. */
#ifndef FIELD_SCENE_H
#define FIELD_SCENE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "clocktypes.h"

enum { SCENE_LEAP_MS = 10 };

/* A descriptor and who is told when it is ready. Embedded in its owner; closed by it, after scene_forget(). */
struct scene_end {
	int fd;
	void (*ready)(struct scene_end *end);
};

/* Something to do at an instant. Embedded in its owner; once done or called off it may be set again. */
struct scene_due {
	wy_ms at_ms;
	uint64_t order; /* of two due together the one set first goes first */
	size_t place;   /* in the heap, from 1; 0: not set */
	void (*act)(struct scene_due *due);
};

struct scene {
	int epoll_fd;
	unsigned speed;
	wy_ms now_ms; /* mono */
	struct scene_due **heap;
	size_t n, room;
	uint64_t order;
	uint64_t turns_here; /* since time last moved */
	struct pollfd *ttys;
	size_t n_ttys;
};

/* Aborts where the machine gives no descriptor or memory, as everything here does. */
void scene_open(struct scene *scene, unsigned speed);
void scene_close(struct scene *scene);

void scene_watch(struct scene *scene, struct scene_end *end);
void scene_forget(struct scene *scene, struct scene_end *end);
/* A side of a pty whose bytes must not be under way when time goes on; and no longer. */
void scene_hasten(struct scene *scene, int fd);
void scene_leave(struct scene *scene, int fd);
/* Set, or set anew. */
void scene_set(struct scene *scene, struct scene_due *due, wy_ms at_ms);
void scene_call_off(struct scene *scene, struct scene_due *due);

/* One thing happens, or time goes on a little, not beyond until_ms. */
void scene_turn(struct scene *scene, wy_ms until_ms);
/* Turns until an instant. */
void scene_play(struct scene *scene, wy_ms until_ms);

#endif
