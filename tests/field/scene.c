/* scene.c: see scene.h. Events are taken one at a time, so that whoever closes a descriptor need not fear to hear of it
 * again. */
#define _GNU_SOURCE
#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	FIRST_MS = 1000000,
	TURNS_MOST = 50000000, /* in one instant: somebody runs in circles */
};

static wy_ms machine_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (wy_ms)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void scene_open(struct scene *scene, unsigned speed)
{
	*scene = (struct scene){.speed = speed, .now_ms = speed ? FIRST_MS : machine_ms()};
	scene->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (scene->epoll_fd < 0)
		abort();
	/* Waits of a few microseconds shall not be rounded to fifty. */
	(void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

void scene_close(struct scene *scene)
{
	close(scene->epoll_fd);
	free(scene->heap);
	free(scene->ttys);
	*scene = (struct scene){.epoll_fd = -1};
}

/* ---- Descriptors -------------------------------------------------- */

void scene_watch(struct scene *scene, struct scene_end *end)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};

	if (epoll_ctl(scene->epoll_fd, EPOLL_CTL_ADD, end->fd, &event))
		abort();
}

void scene_forget(struct scene *scene, struct scene_end *end)
{
	(void)epoll_ctl(scene->epoll_fd, EPOLL_CTL_DEL, end->fd, NULL);
}

void scene_hasten(struct scene *scene, int fd)
{
	scene->ttys = realloc(scene->ttys, (scene->n_ttys + 1) * sizeof(*scene->ttys));
	if (!scene->ttys)
		abort();
	scene->ttys[scene->n_ttys++] = (struct pollfd){fd, POLLIN, 0};
}

void scene_leave(struct scene *scene, int fd)
{
	for (size_t i = 0; i < scene->n_ttys; i++)
		if (scene->ttys[i].fd == fd)
			scene->ttys[i--] = scene->ttys[--scene->n_ttys];
}

/* ---- The heap: scene->heap[1 .. n], the first due on top ------------ */

static bool is_before(const struct scene_due *a, const struct scene_due *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void put(struct scene *scene, size_t place, struct scene_due *due)
{
	scene->heap[place] = due;
	due->place = place;
}

static void rise(struct scene *scene, size_t at)
{
	struct scene_due *due = scene->heap[at];

	for (; at > 1 && is_before(due, scene->heap[at / 2]); at /= 2)
		put(scene, at, scene->heap[at / 2]);
	put(scene, at, due);
}

static void sink(struct scene *scene, size_t at)
{
	struct scene_due *due = scene->heap[at];

	for (size_t below; (below = 2 * at) <= scene->n; at = below) {
		if (below < scene->n && is_before(scene->heap[below + 1], scene->heap[below]))
			below++;
		if (is_before(due, scene->heap[below]))
			break;
		put(scene, at, scene->heap[below]);
	}
	put(scene, at, due);
}

void scene_call_off(struct scene *scene, struct scene_due *due)
{
	size_t at = due->place;

	if (!at)
		return;
	due->place = 0;
	struct scene_due *last = scene->heap[scene->n--];
	if (last == due)
		return;
	put(scene, at, last);
	rise(scene, at);
	sink(scene, last->place);
}

void scene_set(struct scene *scene, struct scene_due *due, wy_ms at_ms)
{
	scene_call_off(scene, due);
	if (scene->n + 1 >= scene->room) {
		scene->room = scene->room ? 2 * scene->room : 64;
		scene->heap = realloc(scene->heap, scene->room * sizeof(struct scene_due *));
		if (!scene->heap)
			abort();
	}
	due->at_ms = at_ms;
	due->order = scene->order++;
	put(scene, ++scene->n, due);
	rise(scene, scene->n);
}

/* ---- Time --------------------------------------------------------- */

/* The first descriptor that is ready within wait_ns. */
static struct scene_end *ready_end(const struct scene *scene, wy_ms wait_ns)
{
	struct timespec wait = {wait_ns / 1000000000, wait_ns % 1000000000};
	struct epoll_event event;
	int n = epoll_pwait2(scene->epoll_fd, &event, 1, &wait, NULL);

	if (n < 0 && errno != EINTR)
		abort();
	return n == 1 ? event.data.ptr : NULL;
}

static void circle(struct scene *scene)
{
	if (scene->turns_here++ < TURNS_MOST)
		return;
	fprintf(stderr, "scene: time does not go on; something is always due\n");
	abort();
}

/* Nothing is ready and nothing due before next_ms. */
static struct scene_end *let_time_pass(struct scene *scene, wy_ms next_ms)
{
	wy_ms leap = next_ms - scene->now_ms;
	struct scene_end *end;

	if (!scene->speed) {
		end = ready_end(scene, leap < 1000 ? leap * 1000000 : 1000000000);
		scene->now_ms = machine_ms();
		return end;
	}
	if (leap > SCENE_LEAP_MS)
		leap = SCENE_LEAP_MS;
	if (scene->n_ttys)
		(void)poll(scene->ttys, scene->n_ttys, 0);
	end = ready_end(scene, leap * 1000000 / scene->speed);
	if (!end) {
		scene->now_ms += leap;
		scene->turns_here = 0;
	}
	return end;
}

void scene_turn(struct scene *scene, wy_ms until_ms)
{
	struct scene_end *end = ready_end(scene, 0);
	struct scene_due *first = scene->n ? scene->heap[1] : NULL;

	circle(scene);
	if (!scene->speed)
		scene->now_ms = machine_ms();
	if (!end && first && first->at_ms <= scene->now_ms) {
		scene_call_off(scene, first);
		first->act(first);
		return;
	}
	if (!end && scene->now_ms < until_ms)
		end = let_time_pass(scene, first && first->at_ms < until_ms ? first->at_ms : until_ms);
	if (end)
		end->ready(end);
}

void scene_play(struct scene *scene, wy_ms until_ms)
{
	while (scene->now_ms < until_ms)
		scene_turn(scene, until_ms);
}
