/* poller.c: see poller.h. One mutex guards the fields between a step and a question about frames; the thread holds it
 * while it steps, which is never long. */
#define _GNU_SOURCE /* pthread_mutex_clocklock, pthread_setname_np */
#include "poller.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "drivers.h"
#include "queue.h"
#include "vitals.h"

enum { STACK_BYTES = 256 * 1024, RING_LEAST = 64 * 1024, RING_MOST = 8 * 1024 * 1024, WAIT_MOST_MS = WATCH_BEAT_MS, FRAMES_WAIT_S = 1, JOIN_WAIT_NS = 10000000 };

#define LATE_MS (2 * WATCH_BEAT_MS) /* a wire that was due so long before a round, and still is behind it, was passed over */

struct served {
	const struct sensor_driver *driver;
	void *field;
	wy_ms due_ms;
};

struct poller {
	const struct config *config;
	const struct clock *clock;
	struct served *served; /* one for each driver with devices */
	size_t n_served;
	struct pollfd *fds; /* those of the fields, then wake_fd */
	struct vitals vitals;
	struct queue queue;
	int wake_fd;
	pthread_t thread;
	bool is_running;
	struct watch *watch; /* NULL: nobody watches */
	wy_ms watched_ms;
	pthread_mutex_t lock;	      /* guards the fields while the thread runs */
};

/* ---- The thread ----------------------------------------------------------------------------------- */

static void take_report(void *arg, const struct sensor_report *report)
{
	struct poller *poller = arg;
	struct sensor_report *copy = queue_reserve(&poller->queue, report);

	if (!copy)
		return; /* stopping */
	vitals_pass(&poller->vitals, copy);
	queue_commit(&poller->queue);
}

/* After a round that began at began_ms: who was due long before it and still is, was passed over. */
static void watch_wires(struct poller *poller, wy_ms began_ms)
{
	uint32_t late = SENSOR_NO_WIRE;

	if (!poller->watch || began_ms - poller->watched_ms < WATCH_BEAT_MS / 2)
		return;
	poller->watched_ms = began_ms;
	for (size_t i = 0; i < poller->n_served && late == SENSOR_NO_WIRE; i++)
		if (poller->served[i].driver->late)
			late = poller->served[i].driver->late(poller->served[i].field, began_ms - LATE_MS);
	if (late == SENSOR_NO_WIRE)
		watch_beat(poller->watch, WATCH_WIRE);
	else
		watch_blame(poller->watch, WATCH_WIRE, poller->config->wires[late].id);
}

/* Returns how long nothing has to be done, in ms. */
static int step_all(struct poller *poller)
{
	wy_ms next_ms = WY_MS_NEVER;
	wy_ms began_ms = clock_mono(poller->clock);

	pthread_mutex_lock(&poller->lock);
	for (size_t i = 0; i < poller->n_served; i++) {
		struct served *served = &poller->served[i];
		wy_ms now_ms = clock_mono(poller->clock);
		if (now_ms >= served->due_ms || poller->fds[i].revents)
			served->due_ms = served->driver->step(served->field, now_ms);
		next_ms = served->due_ms < next_ms ? served->due_ms : next_ms;
	}
	watch_wires(poller, began_ms);
	pthread_mutex_unlock(&poller->lock);
	queue_tell(&poller->queue);
	watch_beat(poller->watch, WATCH_FIELD);
	wy_ms left_ms = next_ms == WY_MS_NEVER ? WAIT_MOST_MS : next_ms - clock_mono(poller->clock);
	if (left_ms < 0)
		return 0;
	return left_ms < WAIT_MOST_MS ? (int)left_ms : WAIT_MOST_MS;
}

static void *run_field(void *arg)
{
	struct poller *poller = arg;
	nfds_t n = (nfds_t)poller->n_served + 1;

	while (!poller->fds[poller->n_served].revents) {
		int wait_ms = step_all(poller);
		if (poll(poller->fds, n, wait_ms) < 0)
			for (nfds_t i = 0; i < n; i++)
				poller->fds[i].revents = 0;
	}
	return NULL;
}

/* ---- Life ----------------------------------------------------------------------------------------- */

/* The devices one driver serves. ret_mine may be NULL: only count. */
static size_t devices_of(const struct config *config, const struct sensor_driver *driver, uint32_t *ret_mine)
{
	size_t n = 0;

	for (uint32_t d = 0; d < config->n_devices; d++) {
		if (sensor_driver_find(config->devices[d].profile->transport) != driver)
			continue;
		if (ret_mine)
			ret_mine[n] = d;
		n++;
	}
	return n;
}

static enum wy_err open_field(struct poller *poller, const struct sensor_driver *driver, uint64_t seed,
			      struct wy_arena *arena, struct wy_diags *diags)
{
	const struct config *config = poller->config;
	size_t n = devices_of(config, driver, NULL);
	uint32_t *mine = wy_arena_array(arena, n, sizeof(*mine));
	struct served *served = &poller->served[poller->n_served];

	if (!n)
		return WY_OK;
	if (!mine)
		return WY_E_NOMEM;
	(void)devices_of(config, driver, mine);
	const struct sensor_field_parts parts = {.wires = config->wires,
						 .devices = config->devices,
						 .mine = mine,
						 .n_mine = n,
						 .arena = arena,
						 .seed = seed,
						 .take = take_report,
						 .arg = poller,
						 .diags = diags,
						 .now_ms = clock_mono(poller->clock),
						 .least_wall_ms = poller->clock->least_wall_ms};
	*served = (struct served){.driver = driver};
	enum wy_err err = driver->open(&parts, &served->field);
	if (err)
		return err;
	poller->fds[poller->n_served] = (struct pollfd){.fd = driver->fd(served->field), .events = POLLIN};
	poller->n_served++;
	return WY_OK;
}

/* Room for one report of every device. */
static size_t ring_size(const struct config *config, size_t *ret_most_samples)
{
	size_t all = 0;

	*ret_most_samples = 1;
	for (size_t d = 0; d < config->n_devices; d++) {
		size_t n = config->devices[d].profile->n_points;
		*ret_most_samples = n > *ret_most_samples ? n : *ret_most_samples;
		all += queue_bytes(n);
	}
	if (all < RING_LEAST)
		return RING_LEAST;
	return all < RING_MOST ? all : RING_MOST;
}

static enum wy_err open_all(struct poller *poller, uint64_t seed, struct wy_arena *arena, struct wy_diags *diags)
{
	size_t most_samples;
	size_t size = ring_size(poller->config, &most_samples);
	enum wy_err err = queue_open(&poller->queue, size, most_samples, arena);

	if (!err)
		err = vitals_new(&poller->vitals, poller->config, arena);
	poller->served = wy_arena_array(arena, SENSOR_TRANSPORTS, sizeof(*poller->served));
	poller->fds = wy_arena_array(arena, SENSOR_TRANSPORTS + 1, sizeof(*poller->fds));
	poller->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!err && (!poller->served || !poller->fds))
		err = WY_E_NOMEM;
	if (!err && poller->wake_fd < 0)
		err = WY_E_IO;
	for (size_t i = 0; !err && i < SENSOR_TRANSPORTS; i++)
		err = open_field(poller, sensor_driver_find((enum sensor_transport)i), seed + i, arena, diags);
	if (!err)
		poller->fds[poller->n_served] = (struct pollfd){.fd = poller->wake_fd, .events = POLLIN};
	return err;
}

enum wy_err poller_new(const struct config *config, const struct clock *clock, uint64_t seed, struct wy_arena *arena,
		       struct wy_diags *diags, struct poller **ret_poller)
{
	struct poller *poller = wy_arena_alloc(arena, sizeof(*poller));

	if (!poller)
		return WY_E_NOMEM;
	*poller = (struct poller){.config = config, .clock = clock, .wake_fd = -1};
	pthread_mutex_init(&poller->lock, NULL);
	enum wy_err err = open_all(poller, seed, arena, diags);
	if (err) {
		poller_free(poller);
		return err;
	}
	*ret_poller = poller;
	return WY_OK;
}

void poller_watch(struct poller *poller, struct watch *watch)
{
	poller->watch = watch;
}

enum wy_err poller_start(struct poller *poller)
{
	pthread_attr_t attr;

	if (poller->is_running)
		return WY_OK;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	eventfd_t woken;
	(void)eventfd_read(poller->wake_fd, &woken);
	poller->fds[poller->n_served].revents = 0;
	queue_reopen(&poller->queue);
	watch_beat(poller->watch, WATCH_FIELD);
	watch_beat(poller->watch, WATCH_WIRE);
	poller->watched_ms = clock_mono(poller->clock);
	poller->is_running = pthread_create(&poller->thread, &attr, run_field, poller) == 0;
	pthread_attr_destroy(&attr);
	if (poller->is_running)
		(void)pthread_setname_np(poller->thread, "weiyu-field");
	return poller->is_running ? WY_OK : WY_E_NOMEM;
}

/* True: it has ended. */
static bool join_soon(struct poller *poller)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += JOIN_WAIT_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return pthread_clockjoin_np(poller->thread, NULL, CLOCK_MONOTONIC, &until) == 0;
}

static void end_running(struct poller *poller)
{
	poller->is_running = false;
	watch_rest(poller->watch, WATCH_FIELD);
	watch_rest(poller->watch, WATCH_WIRE);
	watch_blame(poller->watch, WATCH_WIRE, NULL);
}

void poller_pause(struct poller *poller, sensor_take take, void *arg)
{
	if (!poller->is_running)
		return;
	(void)eventfd_write(poller->wake_fd, 1);
	do
		poller_take(poller, take, arg); /* it may be waiting for room */
	while (!join_soon(poller));
	poller_take(poller, take, arg);
	end_running(poller);
}

void poller_stop(struct poller *poller)
{
	if (!poller->is_running)
		return;
	queue_end(&poller->queue); /* it may be waiting for room */
	(void)eventfd_write(poller->wake_fd, 1);
	pthread_join(poller->thread, NULL);
	end_running(poller);
}

void poller_free(struct poller *poller)
{
	if (!poller)
		return;
	poller_stop(poller);
	for (size_t i = 0; i < poller->n_served; i++)
		poller->served[i].driver->close(poller->served[i].field);
	queue_close(&poller->queue);
	if (poller->wake_fd >= 0)
		close(poller->wake_fd);
	pthread_mutex_destroy(&poller->lock);
}

/* ---- What the loop asks --------------------------------------------------------------------------- */

int poller_fd(const struct poller *poller)
{
	return poller->queue.event_fd;
}

void poller_take(struct poller *poller, sensor_take take, void *arg)
{
	const struct sensor_report *report;
	size_t left = poller->queue.size;

	while (left && (report = queue_peek(&poller->queue)) != NULL) {
		size_t size = queue_bytes(report->n);
		take(arg, report);
		queue_drop(&poller->queue);
		left -= size < left ? size : left;
	}
}

size_t poller_frames(struct poller *poller, uint32_t wire, struct sensor_frame *ret_frames, size_t most)
{
	struct timespec until;
	size_t n = 0;

	clock_gettime(CLOCK_MONOTONIC, &until); /* the other one may step back in the meantime, by years */
	until.tv_sec += FRAMES_WAIT_S;
	/* The thread may hold it while it waits for us to make room: then there is no answer just now. */
	if (pthread_mutex_clocklock(&poller->lock, CLOCK_MONOTONIC, &until))
		return 0;
	for (size_t i = 0; i < poller->n_served && !n; i++)
		if (poller->served[i].driver->frames)
			n = poller->served[i].driver->frames(poller->served[i].field, wire, ret_frames, most);
	pthread_mutex_unlock(&poller->lock);
	return n;
}
