/* coap_peer_test.c: the CoAP driver against libcoap's own server and client programs (Debian's
 * libcoap3-bin), plain and with DTLS and a pre-shared key. Skipped where they are not installed. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "coap.h"

#define SERVER "coap-server-openssl"
#define CLIENT "coap-client-openssl"
#define PATIENCE_MS 40000

struct world {
	pid_t server;
	uint16_t port; /* UDP; DTLS is the next one */
	struct sensor_profile_point points[2];
	struct sensor_profile profile;
	struct sensor_wire_conf wire;
	struct sensor_device_conf device;
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct coap_field *field;
	size_t n_reports, n_samples;
	enum wy_err last_err;
	struct wy_sample last[2];
	bool has_last[2];
};

static void keep(void *arg, const struct sensor_report *report)
{
	struct world *world = arg;

	world->n_reports++;
	world->last_err = report->err;
	for (size_t i = 0; i < report->n; i++) {
		world->n_samples++;
		world->last[report->sample[i].point] = report->sample[i];
		world->has_last[report->sample[i].point] = true;
	}
}

static wy_ms real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (wy_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void turn(struct world *world)
{
	struct pollfd wait = {.fd = coap_field_fd(world->field), .events = POLLIN};

	coap_field_step(world->field, real_ms());
	poll(&wait, 1, 10);
}

#define until(world, is_true)                                                                      \
	do {                                                                                       \
		wy_ms until_ms = real_ms() + PATIENCE_MS;                                          \
		while (!(is_true)) {                                                               \
			if (real_ms() > until_ms)                                                  \
				fail_msg("waited in vain for " #is_true);                          \
			turn(world);                                                               \
		}                                                                                  \
	} while (0)

static bool has_value(const struct world *world, uint32_t point, int64_t whole)
{
	return world->has_last[point] && world->last[point].quality == WY_Q_GOOD &&
	       world->last[point].whole == whole;
}

/* ---- Peers
 * ------------------------------------------------------------------------------------------ */

static pid_t start(char *const words[])
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	int null = open("/dev/null", O_RDWR);
	dup2(null, 1);
	dup2(null, 2);
	execvp(words[0], words);
	_exit(127);
}

static int run(char *const words[])
{
	int status = -1;
	pid_t pid = start(words);

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool is_free(uint16_t port, int kind)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, kind, 0);
	bool is_bound = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;

	close(fd);
	return is_bound;
}

static uint16_t free_pair(void)
{
	for (int i = 0; i < 200; i++) {
		uint16_t port = (uint16_t)(20000 + (getpid() * 7 + i * 37) % 12000);
		if (is_free(port, SOCK_DGRAM) && is_free((uint16_t)(port + 1), SOCK_DGRAM) &&
		    is_free(port, SOCK_STREAM) && is_free((uint16_t)(port + 1), SOCK_STREAM))
			return port;
	}
	fail_msg("no free ports");
	return 0;
}

/* What a device would say at this path. The client decodes %XX in the payload. */
static void put(struct world *world, const char *path, const char *format, const char *payload)
{
	char uri[128];
	char *words[] = {CLIENT,
			 "-B",
			 "3",
			 "-m",
			 "put",
			 "-t",
			 (char *)(uintptr_t)format,
			 "-e",
			 (char *)(uintptr_t)payload,
			 uri,
			 NULL};

	snprintf(uri, sizeof(uri), "coap://127.0.0.1:%u/%s", (unsigned)world->port, path);
	assert_int_equal(run(words), 0);
}

static void start_server(struct world *world, const char *key)
{
	char port[8];
	char *plain[] = {SERVER, "-A", "127.0.0.1", "-p", port, "-d", "10", NULL};
	char *psk[] = {SERVER,
		       "-A",
		       "127.0.0.1",
		       "-p",
		       port,
		       "-d",
		       "10",
		       "-h",
		       "hint",
		       "-k",
		       (char *)(uintptr_t)key,
		       NULL};

	snprintf(port, sizeof(port), "%u", (unsigned)world->port);
	world->server = start(key ? psk : plain);
	for (int i = 0; i < 500 && is_free(world->port, SOCK_DGRAM); i++)
		usleep(10000);
	assert_false(is_free(world->port, SOCK_DGRAM));
}

static void kill_server(struct world *world)
{
	if (world->server <= 0)
		return;
	kill(world->server, SIGKILL);
	waitpid(world->server, NULL, 0);
	world->server = 0;
}

/* ---- Set-up
 * ------------------------------------------------------------------------------------------ */

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->memory = calloc(1, 2 << 20);
	assert_non_null(world->memory);
	wy_arena_init(&world->arena, world->memory, 2 << 20);
	wy_diags_init(&world->diags, &world->arena);
	world->points[0] = (struct sensor_profile_point){.name = "leak",
							 .type = WY_TYPE_BOOL,
							 .poll = SENSOR_FAST,
							 .scale = 1,
							 .path = "/3200/0/5500"};
	world->points[1] = (struct sensor_profile_point){.name = "level",
							 .type = WY_TYPE_INT,
							 .poll = SENSOR_FAST,
							 .scale = 1,
							 .path = "/pack",
							 .senml_name = "3435/0/2"};
	world->profile = (struct sensor_profile){.id = "leak",
						 .transport = SENSOR_COAP,
						 .points = world->points,
						 .n_points = 1,
						 .timeout_ms = 1000,
						 .class_ms = {500, 600, 60000, 3600000}};
	world->port = free_pair();
	world->wire = (struct sensor_wire_conf){
		.id = "w", .kind = SENSOR_WIRE_COAP, .host = "127.0.0.1", .port = world->port};
	world->device = (struct sensor_device_conf){.id = "d", .profile = &world->profile};
	*state = world;
	return 0;
}

static void use_key(struct world *world, const char *identity, const char *key)
{
	world->wire.port = (uint16_t)(world->port + 1);
	world->device.psk_identity = identity;
	world->device.psk_key = (const uint8_t *)key;
	world->device.psk_key_len = strlen(key);
}

static void begin(struct world *world)
{
	static const uint32_t mine[] = {0};

	assert_int_equal(coap_field_new(&world->wire, &world->device, mine, 1, &world->arena, 7,
					keep, world, &world->diags, &world->field),
			 WY_OK);
}

static int tear_down(void **state)
{
	struct world *world = *state;

	coap_field_free(world->field);
	kill_server(world);
	free(world->memory);
	free(world);
	return 0;
}

/* ---- Tests
 * ------------------------------------------------------------------------------------------- */

static void values_agree_with_a_real_server(void **state)
{
	struct world *world = *state;

	start_server(world, NULL);
	put(world, "3200/0/5500", "0", "1");
	put(world, "pack", "110",
	    "[{\"bn\":\"urn:dev:1/\",\"n\":\"3435/0/2\",\"u\":\"%25EL\",\"v\":37}]");
	world->profile.n_points = 2;
	begin(world);
	until(world, has_value(world, 0, 1) && has_value(world, 1, 37));
	put(world, "3200/0/5500", "0", "0");
	until(world, has_value(world, 0, 0));
}

static void a_large_pack_comes_in_blocks(void **state)
{
	struct world *world = *state;
	static char pack[5000];

	memset(pack, ' ', sizeof(pack) - 1);
	pack[0] = '[';
	static const char tail[] = "{\"n\":\"3435/0/2\",\"v\":38}]";
	memcpy(pack + sizeof(pack) - sizeof(tail), tail, sizeof(tail));
	start_server(world, NULL);
	put(world, "pack", "110", pack);
	world->points[0] = world->points[1];
	begin(world);
	until(world, has_value(world, 0, 38));
}

static void notifications_of_a_real_server_arrive(void **state)
{
	struct world *world = *state;

	world->points[0].is_observed = true;
	world->points[0].poll = SENSOR_DAILY; /* whatever comes after the first is a notification */
	start_server(world, NULL);
	put(world, "3200/0/5500", "0", "0");
	begin(world);
	assert_int_equal(coap_field_ask(world->field, 0), WY_OK);
	until(world, has_value(world, 0, 0));
	put(world, "3200/0/5500", "0", "1");
	until(world, has_value(world, 0, 1));
	put(world, "3200/0/5500", "0", "0");
	until(world, has_value(world, 0, 0));
}

static void the_right_key_opens_dtls(void **state)
{
	struct world *world = *state;

	start_server(world, "sesame");
	put(world, "3200/0/5500", "0", "1");
	use_key(world, "leak-7f", "sesame");
	begin(world);
	until(world, has_value(world, 0, 1));
	assert_int_equal(world->last_err, WY_OK);
}

static void a_wrong_key_gives_no_data(void **state)
{
	struct world *world = *state;

	start_server(world, "sesame");
	put(world, "3200/0/5500", "0", "1");
	use_key(world, "leak-7f", "simsim");
	begin(world);
	until(world, world->n_reports >= 2);
	assert_int_equal(world->last_err, WY_E_AUTH);
	assert_int_equal(world->n_samples, 0);
}

static void a_restarted_dtls_server_is_found_again(void **state)
{
	struct world *world = *state;

	start_server(world, "sesame");
	put(world, "3200/0/5500", "0", "1");
	use_key(world, "leak-7f", "sesame");
	begin(world);
	until(world, has_value(world, 0, 1));
	kill_server(world);
	until(world, world->last_err != WY_OK);
	start_server(world, "sesame");
	put(world, "3200/0/5500", "0", "0");
	until(world, has_value(world, 0, 0));
}

static void a_client_that_closed_orderly_is_served_again_at_once(void **state)
{
	struct world *world = *state;

	start_server(world, "sesame");
	put(world, "3200/0/5500", "0", "1");
	use_key(world, "leak-7f", "sesame");
	for (int i = 0; i < 3; i++) {
		begin(world);
		world->has_last[0] = false;
		until(world, has_value(world, 0, 1));
		coap_field_free(world->field);
		world->field = NULL;
	}
	assert_int_equal(world->last_err, WY_OK);
}

#define each(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(values_agree_with_a_real_server),
		each(a_large_pack_comes_in_blocks),
		each(notifications_of_a_real_server_arrive),
		each(the_right_key_opens_dtls),
		each(a_wrong_key_gives_no_data),
		each(a_restarted_dtls_server_is_found_again),
		each(a_client_that_closed_orderly_is_served_again_at_once),
	};
	char *const probe[] = {"sh", "-c", "command -v " SERVER " && command -v " CLIENT, NULL};

	if (run(probe) != 0)
		return 77; /* skipped */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
