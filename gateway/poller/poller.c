/* poller.c: see poller.h. One mutex guards all queues: reports are few (thousands a second at most)
 * and handing one over is a pointer. */
#include "poller.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "drivers/modbus.h"
#include "schedule.h"

#define STACK_BYTES (256u * 1024u)

struct wire {
	struct poller *poller;
	struct modbus_wire *modbus;
	struct schedule *schedule;
	pthread_t thread;
	bool is_running;
	pthread_cond_t wake; /* a slot is free, or stop */
	/* A ring: slots [head, tail) hold reports for the loop. */
	struct sensor_report slot[POLLER_SLOTS];
	unsigned head, tail;
};

struct poller {
	const struct clock *clock;
	struct wire *wires;
	size_t n_wires;
	int event_fd;
	pthread_mutex_t lock; /* guards head, tail, is_stopping */
	bool is_stopping;
};

static wy_ms read_clock(void *arg)
{
	return clock_mono(arg);
}

/* Waits under the lock, at most until `until_ms`, which is soon enough not to matter on a step:
 * the condition runs on the monotonic clock. */
static void wait_until(struct wire *wire, wy_ms until_ms)
{
	wy_ms left_ms = until_ms == WY_MS_NEVER ? 60000 : until_ms - clock_mono(wire->poller->clock);
	struct timespec at;

	if (left_ms <= 0)
		return;
	left_ms = left_ms < 60000 ? left_ms : 60000;
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += left_ms / 1000;
	at.tv_nsec += (left_ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	(void)pthread_cond_timedwait(&wire->wake, &wire->poller->lock, &at);
}

/* The next poll to make, or false to end. Waits for its time and for a free slot. */
static bool next_turn(struct wire *wire, struct schedule_turn *ret_turn)
{
	struct poller *poller = wire->poller;
	bool has_turn = false;

	pthread_mutex_lock(&poller->lock);
	while (!poller->is_stopping && !has_turn) {
		wy_ms at_ms = WY_MS_NEVER;
		bool is_full = wire->tail - wire->head == POLLER_SLOTS;
		has_turn = !is_full && schedule_next(wire->schedule, clock_mono(poller->clock), ret_turn,
						     &at_ms);
		if (!has_turn)
			wait_until(wire, is_full ? WY_MS_NEVER : at_ms);
	}
	pthread_mutex_unlock(&poller->lock);
	return has_turn;
}

static void hand_over(struct wire *wire)
{
	uint64_t one = 1;

	pthread_mutex_lock(&wire->poller->lock);
	wire->tail++;
	pthread_mutex_unlock(&wire->poller->lock);
	/* Fails only when 2^64-2 reports wait. */
	(void)!write(wire->poller->event_fd, &one, sizeof(one));
}

static void *run_wire(void *arg)
{
	struct wire *wire = arg;
	struct schedule_turn turn;

	while (next_turn(wire, &turn)) {
		struct sensor_report *report = &wire->slot[wire->tail % POLLER_SLOTS];
		report->n = 0;
		enum wy_err err = modbus_wire_poll(wire->modbus, turn.device, turn.class_mask, report);
		if (err == WY_E_STATE)
			break;
		/* A device that refuses a block is there; one that does not answer is not. */
		bool has_answered = err == WY_OK || err == WY_E_EXCEPTION;
		schedule_done(wire->schedule, &turn, has_answered, report->took_ms,
			      clock_mono(wire->poller->clock));
		hand_over(wire);
	}
	modbus_wire_close(wire->modbus);
	return NULL;
}

/* ret_mine may be NULL: only count. */
static size_t devices_of(const struct config *config, uint32_t wire, uint32_t *ret_mine)
{
	size_t n = 0;

	for (uint32_t d = 0; d < config->n_devices; d++) {
		if (config->devices[d].wire != wire)
			continue;
		if (ret_mine)
			ret_mine[n] = d;
		n++;
	}
	return n;
}

static struct schedule_device timing_of(const struct config *config, uint32_t device)
{
	const struct sensor_profile *profile = config->devices[device].profile;
	struct schedule_device timing = {.device = device, .is_safety = profile->is_life_safety};

	for (size_t p = 0; p < profile->n_points; p++)
		timing.class_ms[profile->points[p].poll] = profile->class_ms[profile->points[p].poll];
	return timing;
}

static enum wy_err make_wire(struct poller *poller, const struct config *config, uint32_t index,
			     uint64_t seed, struct wy_arena *arena, struct wire *wire)
{
	size_t n = devices_of(config, index, NULL);
	uint32_t *mine = wy_arena_array(arena, n, sizeof(*mine));
	struct schedule_device *timing = wy_arena_array(arena, n, sizeof(*timing));
	size_t room = 1;

	if (!mine || !timing)
		return WY_E_NOMEM;
	(void)devices_of(config, index, mine);
	for (size_t i = 0; i < n; i++)
		timing[i] = timing_of(config, mine[i]);
	wire->poller = poller;
	enum wy_err err = modbus_wire_new(&config->wires[index], config->devices, mine, n, arena,
					  read_clock, (void *)(uintptr_t)poller->clock, &wire->modbus);
	if (!err)
		err = schedule_new(timing, n, clock_mono(poller->clock), seed + index, arena,
				   &wire->schedule);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		size_t needed = modbus_wire_report_room(wire->modbus, mine[i]);
		room = needed > room ? needed : room;
	}
	for (unsigned s = 0; s < POLLER_SLOTS; s++) {
		wire->slot[s].n_max = (uint32_t)room;
		wire->slot[s].sample = wy_arena_array(arena, room, sizeof(struct wy_sample));
		if (!wire->slot[s].sample)
			return WY_E_NOMEM;
	}
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&wire->wake, &attr);
	pthread_condattr_destroy(&attr);
	return WY_OK;
}

enum wy_err poller_new(const struct config *config, const struct clock *clock, uint64_t seed,
		       struct wy_arena *arena, struct poller **ret_poller)
{
	struct poller *poller = wy_arena_alloc(arena, sizeof(*poller));
	enum wy_err err = WY_OK;

	if (!poller)
		return WY_E_NOMEM;
	poller->clock = clock;
	poller->wires = wy_arena_array(arena, config->n_wires, sizeof(*poller->wires));
	poller->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&poller->lock, NULL);
	if (!poller->wires)
		err = WY_E_NOMEM;
	else if (poller->event_fd < 0)
		err = WY_E_IO;
	for (uint32_t w = 0; !err && w < config->n_wires; w++) {
		if (config->wires[w].kind == SENSOR_WIRE_COAP)
			continue;
		err = make_wire(poller, config, w, seed, arena, &poller->wires[poller->n_wires]);
		if (poller->wires[poller->n_wires].modbus)
			poller->n_wires++;
	}
	if (err) {
		poller_free(poller);
		return err;
	}
	*ret_poller = poller;
	return WY_OK;
}

enum wy_err poller_start(struct poller *poller)
{
	pthread_attr_t attr;
	enum wy_err err = WY_OK;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (size_t w = 0; !err && w < poller->n_wires; w++) {
		struct wire *wire = &poller->wires[w];
		if (pthread_create(&wire->thread, &attr, run_wire, wire) != 0)
			err = WY_E_NOMEM;
		else
			wire->is_running = true;
	}
	pthread_attr_destroy(&attr);
	if (err)
		poller_stop(poller);
	return err;
}

int poller_fd(const struct poller *poller)
{
	return poller->event_fd;
}

static bool peek(struct poller *poller, struct wire *wire, struct sensor_report **ret_report)
{
	pthread_mutex_lock(&poller->lock);
	bool has_one = wire->head != wire->tail;
	pthread_mutex_unlock(&poller->lock);
	*ret_report = &wire->slot[wire->head % POLLER_SLOTS];
	return has_one;
}

void poller_take(struct poller *poller, poller_report report, void *arg)
{
	uint64_t count;

	(void)!read(poller->event_fd, &count, sizeof(count));
	for (size_t w = 0; w < poller->n_wires; w++) {
		struct wire *wire = &poller->wires[w];
		struct sensor_report *next;
		/* At most what the ring holds: a busy wire does not keep the others waiting. */
		for (unsigned i = 0; i < POLLER_SLOTS && peek(poller, wire, &next); i++) {
			report(arg, next);
			pthread_mutex_lock(&poller->lock);
			wire->head++;
			pthread_cond_signal(&wire->wake);
			pthread_mutex_unlock(&poller->lock);
		}
	}
}

void poller_stop(struct poller *poller)
{
	pthread_mutex_lock(&poller->lock);
	poller->is_stopping = true;
	for (size_t w = 0; w < poller->n_wires; w++)
		pthread_cond_signal(&poller->wires[w].wake);
	pthread_mutex_unlock(&poller->lock);
	for (size_t w = 0; w < poller->n_wires; w++)
		modbus_wire_interrupt(poller->wires[w].modbus);
	for (size_t w = 0; w < poller->n_wires; w++) {
		if (poller->wires[w].is_running)
			pthread_join(poller->wires[w].thread, NULL);
		poller->wires[w].is_running = false;
	}
}

void poller_free(struct poller *poller)
{
	if (!poller)
		return;
	poller_stop(poller);
	for (size_t w = 0; w < poller->n_wires; w++) {
		modbus_wire_free(poller->wires[w].modbus);
		pthread_cond_destroy(&poller->wires[w].wake);
	}
	pthread_mutex_destroy(&poller->lock);
	if (poller->event_fd >= 0)
		close(poller->event_fd);
}
