/* coap_many_test.c: five hundred sensors in one process, all observed, none lost.
 *
 *   coap_many_test [SENSORS [ROUNDS [IDLE_S [psk]]]]
 *
 * The sensors are one libcoap server in a process of its own with a port for each; what one tells names it and the round:
 * a value that arrives at the wrong device, or from a round gone by, is seen. Prints time, memory and CPU of our side;
 * tests/bench/coap.sh runs it in a release build with more rounds. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "coap_field.h"

#define SENSORS_MOST 2000
#define PATIENCE_MS 120000
#define EACH 10000 /* a value is sensor * EACH + round */

static int n_sensors = 500, n_rounds = 3, idle_s = 1;
static bool is_secure;
static const char key[] = "0123456789abcdef";

/* ---- The sensors ----------------------------------------------------------------------------- */

static uint16_t ports[SENSORS_MOST];
static int told_round;

static int sensor_of(const coap_session_t *session)
{
	uint16_t port = coap_address_get_port(coap_session_get_addr_local(session));

	for (int i = 0; i < n_sensors; i++)
		if (ports[i] == port)
			return i;
	return -1;
}

static void on_get(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
		   const coap_string_t *query, coap_pdu_t *response)
{
	char text[16];
	uint8_t age[4];
	int len = snprintf(text, sizeof(text), "%d", sensor_of(session) * EACH + told_round);

	(void)resource;
	(void)request;
	(void)query;
	coap_pdu_set_code(response, COAP_RESPONSE_CODE(205));
	coap_add_option(response, COAP_OPTION_MAXAGE, coap_encode_var_safe(age, sizeof(age), 600), age);
	coap_add_data(response, (size_t)len, (const uint8_t *)text);
}

static void add_sensors(coap_context_t *context)
{
	for (int i = 0; i < n_sensors; i++) {
		coap_address_t at;
		struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof(own);
		int fd = socket(AF_INET, SOCK_DGRAM, 0);
		if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0 ||
		    getsockname(fd, (struct sockaddr *)&own, &len) != 0)
			_exit(3);
		close(fd);
		coap_address_init(&at);
		at.addr.sin = own;
		at.size = sizeof(own);
		ports[i] = ntohs(own.sin_port);
		if (!coap_new_endpoint(context, &at, is_secure ? COAP_PROTO_DTLS : COAP_PROTO_UDP))
			i--; /* somebody else took it */
	}
}

/* Ports go out, rounds come in; ends with the pipe. */
static void be_sensors(int out, int in)
{
	coap_context_t *context = coap_new_context(NULL);
	coap_resource_t *resource = coap_resource_init(coap_make_str_const("level"), COAP_RESOURCE_FLAGS_NOTIFY_CON);
	coap_dtls_spsk_t psk = {.version = COAP_DTLS_SPSK_SETUP_VERSION,
				.psk_info.key = {sizeof(key) - 1, (const uint8_t *)key}};

	coap_register_handler(resource, COAP_REQUEST_GET, on_get);
	coap_resource_set_get_observable(resource, 1);
	coap_add_resource(context, resource);
	if (is_secure)
		coap_context_set_psk2(context, &psk);
	coap_context_set_max_handshake_sessions(context, SENSORS_MOST);
	add_sensors(context);
	if (write(out, ports, sizeof(ports)) != (ssize_t)sizeof(ports))
		_exit(4);
	for (;;) {
		struct pollfd fds[2] = {{.fd = in, .events = POLLIN}, {.fd = coap_context_get_coap_fd(context), .events = POLLIN}};
		coap_tick_t now;
		unsigned wait_ms;
		coap_ticks(&now);
		wait_ms = coap_io_prepare_epoll(context, now);
		poll(fds, 2, wait_ms && wait_ms < 1000 ? (int)wait_ms : 1000);
		if (fds[0].revents) {
			if (read(in, &told_round, sizeof(told_round)) != (ssize_t)sizeof(told_round))
				_exit(0);
			coap_resource_notify_observers(resource, NULL);
		}
		coap_io_process(context, COAP_IO_NO_WAIT);
	}
}

/* ---- We -------------------------------------------------------------------------------------- */

struct seen {
	int64_t round; /* -1: nothing yet */
	size_t n_reports;
};

static struct seen seen[SENSORS_MOST];
static size_t n_at_round, n_errors;
static int64_t expected_round;

static wy_ms real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (wy_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void keep(void *arg, const struct sensor_report *report)
{
	struct seen *sensor = &seen[report->device];
	int64_t value;

	(void)arg;
	if (report->err != WY_OK) {
		n_errors++;
		return;
	}
	assert_int_equal(report->n, 1);
	assert_int_equal(report->sample[0].quality, WY_Q_GOOD);
	value = report->sample[0].whole;
	assert_int_equal(value / EACH, report->device);
	assert_true(value % EACH >= sensor->round); /* never back */
	sensor->n_reports++;
	n_at_round += sensor->round < expected_round && value % EACH == expected_round;
	sensor->round = value % EACH;
}

static void turn(struct coap_field *field)
{
	struct pollfd wait = {.fd = coap_field_fd(field), .events = POLLIN};
	wy_ms now_ms = real_ms();
	wy_ms next_ms = coap_field_step(field, now_ms);
	wy_ms wait_ms = next_ms > now_ms + 100 ? 100 : next_ms - now_ms;

	poll(&wait, 1, wait_ms > 0 ? (int)wait_ms : 0);
}

static void wait_for_round(struct coap_field *field, int64_t n)
{
	wy_ms until_ms = real_ms() + PATIENCE_MS;

	while (n_at_round < (size_t)n_sensors) {
		if (real_ms() > until_ms)
			fail_msg("round %lld: %zu of %d", (long long)n, n_at_round, n_sensors);
		turn(field);
	}
}

static long resident_kb(void)
{
	long pages = 0, size;
	FILE *file = fopen("/proc/self/statm", "r");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld %ld", &size, &pages), 2);
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static long cpu_ms(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

struct site {
	struct sensor_profile_point point;
	struct sensor_profile profile;
	struct sensor_wire_conf wires[SENSORS_MOST];
	struct sensor_device_conf devices[SENSORS_MOST];
	uint32_t mine[SENSORS_MOST];
};

static void describe(struct site *site)
{
	site->point = (struct sensor_profile_point){
		.name = "level", .type = WY_TYPE_INT, .poll = SENSOR_DAILY, .scale = 1, .path = "/level", .is_observed = true};
	site->profile = (struct sensor_profile){.id = "level", .transport = SENSOR_COAP, .points = &site->point, .n_points = 1,
						.timeout_ms = 10000, .class_ms = {1000, 10000, 60000, 3600000}};
	for (int i = 0; i < n_sensors; i++) {
		site->mine[i] = (uint32_t)i;
		site->wires[i] = (struct sensor_wire_conf){
			.id = "w", .kind = SENSOR_WIRE_COAP, .host = "127.0.0.1", .port = ports[i]};
		site->devices[i] = (struct sensor_device_conf){.id = "d", .wire = (uint32_t)i, .profile = &site->profile};
		if (is_secure) {
			site->devices[i].psk_identity = "gateway";
			site->devices[i].psk_key = (const uint8_t *)key;
			site->devices[i].psk_key_len = sizeof(key) - 1;
		}
	}
}

static void idle(struct coap_field *field, wy_ms span_ms)
{
	wy_ms end_ms = real_ms() + span_ms;

	while (real_ms() < end_ms)
		turn(field);
}

static void run(struct coap_field *field, int out)
{
	wy_ms began_ms = real_ms();

	wait_for_round(field, 0);
	print_message("%d sensors%s observed after %lld ms\n", n_sensors, is_secure ? ", DTLS-PSK," : "",
		      (long long)(real_ms() - began_ms));
	wy_ms sum_ms = 0, most_ms = 0;
	long cpu = cpu_ms();
	for (int round = 1; round <= n_rounds; round++) {
		n_at_round = 0;
		expected_round = round;
		began_ms = real_ms();
		assert_int_equal(write(out, &round, sizeof(round)), (ssize_t)sizeof(round));
		wait_for_round(field, round);
		wy_ms took_ms = real_ms() - began_ms;
		sum_ms += took_ms;
		most_ms = took_ms > most_ms ? took_ms : most_ms;
	}
	print_message("a change of all of them seen after %lld ms on average, %lld at most; CPU %.3f ms a notification\n",
		      (long long)(sum_ms / n_rounds), (long long)most_ms,
		      (double)(cpu_ms() - cpu) / ((double)n_rounds * n_sensors));
	cpu = cpu_ms();
	idle(field, (wy_ms)idle_s * 1000);
	print_message("idle: %.2f %% of a core\n", (double)(cpu_ms() - cpu) / (idle_s * 10.0));
}

static void all_are_observed_and_none_is_lost(void **state)
{
	struct site *site = calloc(1, sizeof(*site));
	size_t bytes = (size_t)4 << 20;
	void *memory = calloc(1, bytes);
	struct wy_arena arena;
	struct wy_diags diags;
	struct coap_field *field = NULL;
	int ports_pipe[2], rounds_pipe[2];
	struct rlimit files;

	(void)state;
	assert_true(site && memory);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	assert_int_equal(pipe(ports_pipe) | pipe(rounds_pipe), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(rounds_pipe[1]);
		be_sensors(ports_pipe[1], rounds_pipe[0]);
	}
	close(ports_pipe[1]);
	close(rounds_pipe[0]);
	for (size_t got = 0; got < sizeof(ports);) {
		ssize_t n = read(ports_pipe[0], (char *)ports + got, sizeof(ports) - got);
		assert_true(n > 0);
		got += (size_t)n;
	}
	for (int i = 0; i < n_sensors; i++)
		seen[i].round = -1;
	describe(site);
	wy_arena_init(&arena, memory, bytes);
	wy_diags_init(&diags, &arena);
	long before_kb = resident_kb();
	assert_int_equal(coap_field_new(site->wires, site->devices, site->mine, (size_t)n_sensors, &arena, 42, keep, NULL,
					&diags, &field), WY_OK);
	run(field, rounds_pipe[1]);
	print_message("memory: %.1f kB a sensor\n", (double)(resident_kb() - before_kb) / n_sensors);
	assert_int_equal(n_errors, 0);
	for (int i = 0; i < n_sensors; i++) /* a notification each, and nothing polled */
		assert_true(seen[i].n_reports >= (size_t)n_rounds + 1);
	coap_field_free(field);
	close(rounds_pipe[1]);
	close(ports_pipe[0]);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	free(memory);
	free(site);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_are_observed_and_none_is_lost)};

	n_sensors = argc > 1 ? (int)strtol(argv[1], NULL, 10) : n_sensors;
	n_rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : n_rounds;
	idle_s = argc > 3 ? (int)strtol(argv[3], NULL, 10) : idle_s;
	is_secure = argc > 4;
	if (n_sensors < 1 || n_sensors > SENSORS_MOST || n_rounds < 1 || n_rounds >= EACH || idle_s < 1) {
		fprintf(stderr, "usage: coap_many_test [SENSORS [ROUNDS [IDLE_S [psk]]]]\n");
		return 2;
	}
	coap_startup();
	coap_set_log_level(LOG_EMERG);
	coap_dtls_set_log_level(LOG_EMERG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
