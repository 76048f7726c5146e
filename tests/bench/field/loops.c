/* loops.c: field_loops bare|ours PORT SECONDS: ten holding registers over one connection, as often as it goes.
 *          field_loops many PORT N SECONDS: bare libmodbus, N connections, each read once a second.
 *
 * `bare` is the shortest program libmodbus allows; `ours` is the driver's field with all it does, asked again after each
 * report. One line of JSON: polls and seconds of the processor. */
#define _GNU_SOURCE
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../../../sensors/drivers/modbus.h"

enum { REGISTERS = 10, MEMORY_BYTES = 1 << 20 };

static double now_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void tell(const char *what, size_t polls, double seconds)
{
	printf("{\"what\": \"%s\", \"polls\": %zu, \"per_second\": %.0f, \"cpu_s_per_1000\": %.6f}\n", what, polls,
	       (double)polls / seconds, now_s(CLOCK_PROCESS_CPUTIME_ID) * 1000 / (double)polls);
}

/* ---- Bare libmodbus ------------------------------------------------------------------------------- */

static modbus_t *connect_to(const char *host, int port)
{
	modbus_t *modbus = modbus_new_tcp(host, port);

	if (!modbus || modbus_set_slave(modbus, 1) || modbus_connect(modbus)) {
		perror("field_loops: connect");
		exit(1);
	}
	return modbus;
}

static void read_once(modbus_t *modbus)
{
	uint16_t words[REGISTERS];

	if (modbus_read_registers(modbus, 0, REGISTERS, words) != REGISTERS) {
		perror("field_loops: read");
		exit(1);
	}
}

static void run_bare(int port, double seconds)
{
	modbus_t *modbus = connect_to("127.0.0.1", port);
	double begun = now_s(CLOCK_MONOTONIC), end = begun + seconds;
	size_t polls = 0;

	for (; now_s(CLOCK_MONOTONIC) < end; polls++)
		read_once(modbus);
	tell("bare", polls, now_s(CLOCK_MONOTONIC) - begun);
	modbus_free(modbus);
}

static void run_many(int port, int n, int seconds)
{
	modbus_t **modbus = calloc((size_t)n, sizeof(*modbus));
	struct timespec next;
	size_t polls = 0;

	if (!modbus)
		exit(1);
	for (int i = 0; i < n; i++) {
		char host[32];
		snprintf(host, sizeof(host), "127.0.%d.%d", 1 + i / 250, 1 + i % 250);
		modbus[i] = connect_to(host, port);
	}
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (int s = 0; s < seconds; s++) {
		for (int i = 0; i < n; i++, polls++)
			read_once(modbus[i]);
		next.tv_sec++;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	tell("many", polls, seconds);
}

/* ---- The driver ----------------------------------------------------------------------------------- */

static size_t reports, wrong;

static void take(void *arg, const struct sensor_report *report)
{
	(void)arg;
	reports++;
	wrong += report->err != WY_OK || report->n != REGISTERS;
}

static wy_ms now_ms(void)
{
	return (wy_ms)(now_s(CLOCK_BOOTTIME) * 1000);
}

static void run_ours(int port, double seconds)
{
	static struct sensor_profile_point points[REGISTERS];
	static _Alignas(16) unsigned char memory[MEMORY_BYTES];
	static const uint32_t mine[] = {0};
	static char names[REGISTERS][8];
	struct sensor_profile profile = {.id = "p", .points = points, .n_points = REGISTERS, .max_registers = 125,
					 .max_bits = 2000, .timeout_ms = 1000, .class_ms = {3600000}};
	struct sensor_wire_conf wire = {.id = "w", .kind = SENSOR_WIRE_TCP, .host = "127.0.0.1",
					.port = (uint16_t)port, .connect_ms = 3000};
	struct sensor_device_conf device = {.id = "d", .profile = &profile, .unit_id = 1};
	struct wy_arena arena;
	void *field;

	for (unsigned i = 0; i < REGISTERS; i++) {
		snprintf(names[i], sizeof(names[i]), "p%u", i);
		points[i] = (struct sensor_profile_point){.name = names[i], .type = WY_TYPE_INT, .area = SENSOR_HOLDING,
							  .encoding = SENSOR_U16, .address = (uint16_t)i, .scale = 1};
	}
	wy_arena_init(&arena, memory, sizeof(memory));
	const struct sensor_field_parts parts = {.wires = &wire, .devices = &device, .mine = mine, .n_mine = 1,
						 .arena = &arena, .take = take, .now_ms = now_ms()};
	if (sensor_driver_modbus.open(&parts, &field))
		exit(1);
	double begun = now_s(CLOCK_MONOTONIC), end = begun + seconds;
	while (now_s(CLOCK_MONOTONIC) < end) {
		size_t before = reports;
		struct epoll_event event;
		if (sensor_driver_modbus.ask(field, 0))
			exit(1);
		while (reports == before) {
			(void)sensor_driver_modbus.step(field, now_ms());
			/* As the field thread does: wait on the field's descriptor. */
			if (reports == before)
				(void)epoll_wait(sensor_driver_modbus.fd(field), &event, 1, 1000);
		}
	}
	tell("ours", reports, now_s(CLOCK_MONOTONIC) - begun);
	if (wrong)
		fprintf(stderr, "field_loops: %zu of %zu polls failed\n", wrong, reports);
	sensor_driver_modbus.close(field);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "bare") == 0)
		run_bare(atoi(argv[2]), atof(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "ours") == 0)
		run_ours(atoi(argv[2]), atof(argv[3]));
	else if (argc == 5 && strcmp(argv[1], "many") == 0)
		run_many(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
	else
		return 2;
	return 0;
}
