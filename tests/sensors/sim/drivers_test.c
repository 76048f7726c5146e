/* The gateway's own drivers against weiyu-sim: what is set on the control socket is what they report, over
 * TCP, a serial line, CoAP and CoAP over DTLS-PSK, also after a power cut. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "coap.h"
#include "modbus.h"
#include "stepping.h"
#include "yaml_tree.h"

#define DEADLINE_MS 90000 /* only a failing test waits so long; a lost DTLS session may take half of it */
#define KEY "open-sesame-0123"

enum { LIFT, CABLE, SPOT, SAFE, N_DEVICES };

extern char **environ;

struct bench {
	char dir[64];
	pid_t pid;
	int control;
	uint16_t port[N_DEVICES];
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct sensor_wire_conf wires[N_DEVICES];
	struct sensor_device_conf devices[N_DEVICES];
	struct wy_sample last[N_DEVICES][64]; /* what was reported last, by point */
	enum wy_err err[N_DEVICES];
	unsigned n_reports[N_DEVICES];
};

static wy_ms now_ms(void *arg)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (wy_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void write_file(const struct bench *bench, const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", bench->dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* One command, its answer's first line in answer. */
static void ask(struct bench *bench, const char *command, char answer[256])
{
	size_t n = 0;

	assert_int_equal(write(bench->control, command, strlen(command)), (ssize_t)strlen(command));
	assert_int_equal(write(bench->control, "\n", 1), 1);
	while (n == 0 || answer[n - 1] != '\n') {
		assert_true(n < 255);
		assert_int_equal(read(bench->control, answer + n, 1), 1);
		n++;
	}
	answer[n - 1] = '\0';
}

static void do_it(struct bench *bench, const char *command)
{
	char answer[256];

	ask(bench, command, answer);
	assert_string_equal(answer, "ok");
}

static bool has_socket(struct bench *bench)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/c.sock", bench->dir);
	bench->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(bench->control >= 0);
	if (connect(bench->control, (struct sockaddr *)&address, sizeof(address)) == 0)
		return true;
	close(bench->control);
	return false;
}

/* `list` says the ports: "lift plugged tcp 40001 ...". */
static void read_ports(struct bench *bench)
{
	char line[1024];
	int copy = dup(bench->control);
	FILE *answers = fdopen(copy, "r");

	assert_non_null(answers);
	assert_int_equal(write(bench->control, "list\n", 5), 5);
	assert_non_null(fgets(line, sizeof(line), answers));
	for (int i = 0; i < N_DEVICES; i++) {
		unsigned port = 0;
		assert_non_null(fgets(line, sizeof(line), answers));
		(void)sscanf(line, "%*s %*s %*s %u", &port);
		bench->port[i] = (uint16_t)port;
	}
	assert_int_equal(fclose(answers), 0);
}

static void start_sim(struct bench *bench)
{
	char control[128], truth[128], scenario[128];
	char *const argv[] = {WY_SIM_PROGRAM, "--control", control, "--truth", truth, scenario, NULL};
	wy_ms end_ms = now_ms(NULL) + DEADLINE_MS;

	(void)snprintf(control, sizeof(control), "%s/c.sock", bench->dir);
	(void)snprintf(truth, sizeof(truth), "%s/truth.jsonl", bench->dir);
	(void)snprintf(scenario, sizeof(scenario), "%s/s.yaml", bench->dir);
	write_file(bench, "safe.psk", KEY "\n");
	write_file(bench, "s.yaml",
		   "weiyu: sim/1\nprofiles: [" WY_SOURCE_DIR "/sensors/profiles]\ndevices:\n"
		   "  - {id: lift, kind: tcp, port: 0, profile: lift-io-addon, unit: 5}\n"
		   "  - {id: cable, kind: rtu, link: bus, baud: 9600, profile: leak-rle-seahawk10k, unit: 7}\n"
		   "  - {id: spot, kind: coap, port: 0, profile: coap-leak-3200}\n"
		   "  - {id: safe, kind: coap, port: 0, profile: coap-leak-3200,"
		   " psk: {identity: safe, key_file: safe.psk}}\n");
	assert_int_equal(posix_spawn(&bench->pid, argv[0], NULL, NULL, argv, environ), 0);
	while (!has_socket(bench)) {
		assert_true(now_ms(NULL) < end_ms);
		assert_int_equal(waitpid(bench->pid, NULL, WNOHANG), 0);
		(void)usleep(20000);
	}
	read_ports(bench);
}

static struct sensor_profile *profile_of(struct bench *bench, const char *name)
{
	const struct wy_node *root;
	struct sensor_profile *profile;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/sensors/profiles/%s.yaml", WY_SOURCE_DIR, name);
	assert_int_equal(yaml_load_file(path, &bench->arena, &bench->diags, &root), WY_OK);
	assert_int_equal(sensor_profile_read(root, &bench->arena, &bench->diags, &profile), WY_OK);
	return profile;
}

/* The shipped profile in a hurry: what is tested is that the driver comes back, not how long it waits. */
static const struct sensor_profile *quick_coap(struct bench *bench)
{
	struct sensor_profile *profile = profile_of(bench, "coap-leak-3200");

	profile->class_ms[SENSOR_MEDIUM] = 1000;
	profile->timeout_ms = 500;
	return profile;
}

static void describe(struct bench *bench)
{
	static char link[128];

	(void)snprintf(link, sizeof(link), "%s/bus", bench->dir);
	bench->wires[LIFT] = (struct sensor_wire_conf){.id = "lift", .kind = SENSOR_WIRE_TCP, .host = "127.0.0.1",
						       .port = bench->port[LIFT], .connect_ms = 2000};
	bench->wires[CABLE] = (struct sensor_wire_conf){.id = "cable", .kind = SENSOR_WIRE_RTU, .tty = link,
							.baud = 9600, .parity = 'N', .data_bits = 8, .stop_bits = 1};
	for (int i = SPOT; i <= SAFE; i++)
		bench->wires[i] = (struct sensor_wire_conf){.id = i == SPOT ? "spot" : "safe",
							    .kind = SENSOR_WIRE_COAP, .host = "127.0.0.1",
							    .port = bench->port[i]};
	bench->devices[LIFT] = (struct sensor_device_conf){.id = "lift", .wire = LIFT, .unit_id = 5,
							   .profile = profile_of(bench, "lift-io-addon")};
	bench->devices[CABLE] = (struct sensor_device_conf){.id = "cable", .wire = CABLE, .unit_id = 7,
							    .profile = profile_of(bench, "leak-rle-seahawk10k")};
	for (uint32_t i = SPOT; i <= SAFE; i++)
		bench->devices[i] = (struct sensor_device_conf){.id = i == SPOT ? "spot" : "safe", .wire = i,
								.profile = quick_coap(bench)};
	bench->devices[SAFE].psk_identity = "safe";
	bench->devices[SAFE].psk_key = (const uint8_t *)KEY;
	bench->devices[SAFE].psk_key_len = strlen(KEY);
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->memory = malloc(32u << 20);
	assert_non_null(bench->memory);
	wy_arena_init(&bench->arena, bench->memory, 32u << 20);
	wy_diags_init(&bench->diags, &bench->arena);
	strcpy(bench->dir, "/tmp/sim-drivers-XXXXXX");
	assert_non_null(mkdtemp(bench->dir));
	start_sim(bench);
	describe(bench);
	*state = bench;
	return 0;
}

/* No driver may ever have tried to write: the simulator would end with 3. */
static int tear_down(void **state)
{
	static const char *const names[] = {"s.yaml", "safe.psk", "truth.jsonl", "c.sock", "bus"};
	struct bench *bench = *state;
	int status = 0;

	assert_int_equal(kill(bench->pid, SIGTERM), 0);
	assert_int_equal(waitpid(bench->pid, &status, 0), bench->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(bench->control);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];
		(void)snprintf(path, sizeof(path), "%s/%s", bench->dir, names[i]);
		(void)!unlink(path);
	}
	assert_int_equal(rmdir(bench->dir), 0);
	free(bench->memory);
	free(bench);
	return 0;
}

static const struct wy_sample *last(const struct bench *bench, uint32_t device, const char *name)
{
	const struct sensor_profile *profile = bench->devices[device].profile;

	for (size_t i = 0; i < profile->n_points; i++)
		if (strcmp(profile->points[i].name, name) == 0)
			return &bench->last[device][i];
	fail_msg("no point %s", name);
	return NULL;
}

static void keep(void *arg, const struct sensor_report *report)
{
	struct bench *bench = arg;

	bench->err[report->device] = report->err;
	bench->n_reports[report->device]++;
	for (uint32_t i = 0; i < report->n; i++)
		bench->last[report->device][report->sample[i].point] = report->sample[i];
}

/* ---- Modbus --------------------------------------------------------------------------------------- */

static void poll_once(struct bench *bench, void *field, uint32_t device)
{
	assert_int_equal(sensor_driver_modbus.ask(field, device), WY_OK);
	assert_true(stepping_until_moved(&sensor_driver_modbus, field, &bench->n_reports[device], 0, DEADLINE_MS));
}

static void *field_of(struct bench *bench, uint32_t device)
{
	const struct sensor_field_parts parts = {.wires = bench->wires,
						 .devices = bench->devices,
						 .mine = &device,
						 .n_mine = 1,
						 .arena = &bench->arena,
						 .take = keep,
						 .arg = bench,
						 .diags = &bench->diags,
						 .now_ms = stepping_now()};
	void *field;

	assert_int_equal(sensor_driver_modbus.open(&parts, &field), WY_OK);
	return field;
}

/* Until a poll succeeds: what went wrong before may cost the driver a poll or two. */
static void poll_until_fine(struct bench *bench, void *field, uint32_t device)
{
	wy_ms end_ms = now_ms(NULL) + DEADLINE_MS;

	do {
		assert_true(now_ms(NULL) < end_ms);
		poll_once(bench, field, device);
	} while (bench->err[device]);
}

static void the_tcp_driver_reads_what_was_set_and_sees_the_plug(void **state)
{
	struct bench *bench = *state;
	void *field = field_of(bench, LIFT);

	do_it(bench, "set lift.running true lift.fault true lift.mains_ok false");
	poll_until_fine(bench, field, LIFT);
	assert_int_equal(last(bench, LIFT, "running")->quality, WY_Q_GOOD);
	assert_int_equal(last(bench, LIFT, "running")->whole, 1);
	assert_int_equal(last(bench, LIFT, "fault")->whole, 1);
	assert_int_equal(last(bench, LIFT, "mains_ok")->whole, 0);
	do_it(bench, "unplug lift");
	poll_once(bench, field, LIFT);
	assert_int_equal(bench->err[LIFT], WY_E_LINK);
	do_it(bench, "plug lift");
	do_it(bench, "set lift.running false");
	poll_until_fine(bench, field, LIFT);
	assert_int_equal(last(bench, LIFT, "running")->whole, 0);
	sensor_driver_modbus.close(field);
}

static void the_serial_driver_reads_what_was_set_and_sees_the_silence(void **state)
{
	struct bench *bench = *state;
	void *field = field_of(bench, CABLE);

	do_it(bench, "set cable.detected true cable.location 12.3 cable.length_unit FEET cable.current 130");
	poll_until_fine(bench, field, CABLE);
	assert_int_equal(last(bench, CABLE, "detected")->whole, 1);
	assert_int_equal(last(bench, CABLE, "length_unit")->whole, 1);
	assert_true(last(bench, CABLE, "location")->real > 12.1 && last(bench, CABLE, "location")->real < 12.3);
	assert_true(last(bench, CABLE, "current")->real == 130);
	do_it(bench, "unplug cable");
	poll_once(bench, field, CABLE);
	assert_int_equal(bench->err[CABLE], WY_E_TIMEOUT);
	do_it(bench, "plug cable");
	poll_until_fine(bench, field, CABLE);
	sensor_driver_modbus.close(field);
}

/* ---- CoAP ------------------------------------------------------------------------------------------ */

static void step_until(struct bench *bench, struct coap_field *field, uint32_t device, int64_t detected)
{
	wy_ms end_ms = now_ms(NULL) + DEADLINE_MS;
	const struct wy_sample *sample = last(bench, device, "detected");

	while (sample->quality != WY_Q_GOOD || sample->whole != detected) {
		assert_true(now_ms(NULL) < end_ms);
		(void)coap_field_step(field, now_ms(NULL));
		(void)usleep(5000);
	}
}

static void read_coap(struct bench *bench, uint32_t device)
{
	const char *id = bench->devices[device].id;
	struct coap_field *field;
	char command[64];

	assert_int_equal(coap_field_new(bench->wires, bench->devices, &device, 1, &bench->arena, 1, keep, bench,
					&bench->diags, &field), WY_OK);
	step_until(bench, field, device, 0);
	(void)snprintf(command, sizeof(command), "set %s.detected true", id);
	do_it(bench, command);
	step_until(bench, field, device, 1);
	(void)snprintf(command, sizeof(command), "unplug %s", id);
	do_it(bench, command);
	(void)snprintf(command, sizeof(command), "set %s.detected false", id);
	do_it(bench, command);
	(void)snprintf(command, sizeof(command), "plug %s", id);
	do_it(bench, command);
	step_until(bench, field, device, 0);
	coap_field_free(field);
}

static void the_coap_driver_hears_changes_and_survives_a_power_cut(void **state)
{
	read_coap(*state, SPOT);
}

static void the_coap_driver_does_so_over_dtls(void **state)
{
	read_coap(*state, SAFE);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROW(the_tcp_driver_reads_what_was_set_and_sees_the_plug),
		ROW(the_serial_driver_reads_what_was_set_and_sees_the_silence),
		ROW(the_coap_driver_hears_changes_and_survives_a_power_cut),
		ROW(the_coap_driver_does_so_over_dtls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
