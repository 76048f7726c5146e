/* coap_certificate_test.c: devices with certificates: who is believed, and who is not. The devices are libcoap's server,
 * in this process. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "coap_field.h"
#include "mbaps_keys.h"

#define PATIENCE_MS 30000
#define DEVICES 2

static char folder[64];

struct device {
	coap_context_t *context;
	uint16_t port;
	char certificate[128], key[128], ca[128];
	/* what became of it */
	size_t n_good, n_bad;
	enum wy_err err;
};

struct world {
	struct device device[DEVICES];
	struct sensor_profile_point point;
	struct sensor_profile profile;
	struct sensor_wire_conf wire[DEVICES];
	struct sensor_device_conf conf[DEVICES];
	char own_certificate[DEVICES][128], own_key[DEVICES][128], ca[DEVICES][128];
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct coap_field *field;
};

static wy_ms real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (wy_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void keep(void *arg, const struct sensor_report *report)
{
	struct device *device = &((struct world *)arg)->device[report->device];

	device->err = report->err;
	device->n_good += report->err == WY_OK && report->n == 1 && report->sample[0].quality == WY_Q_GOOD;
	device->n_bad += report->err != WY_OK;
}

static void turn(struct world *world)
{
	struct pollfd wait = {.fd = coap_field_fd(world->field), .events = POLLIN};

	coap_field_step(world->field, real_ms());
	for (size_t i = 0; i < DEVICES; i++)
		if (world->device[i].context)
			coap_io_process(world->device[i].context, COAP_IO_NO_WAIT);
	poll(&wait, 1, 2);
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

/* ---- Devices --------------------------------------------------------------------------------- */

static void on_get(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
		   const coap_string_t *query, coap_pdu_t *response)
{
	(void)resource;
	(void)session;
	(void)request;
	(void)query;
	coap_pdu_set_code(response, COAP_RESPONSE_CODE(205));
	coap_add_data(response, 1, (const uint8_t *)"1");
}

static uint16_t free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	return ntohs(at.sin_port);
}

/* A device with this certificate, which believes whoever `ca` of the table has signed. */
static void start(struct world *world, size_t i, const char *name, const char *ca)
{
	struct device *device = &world->device[i];
	coap_dtls_pki_t pki = {
		.version = COAP_DTLS_PKI_SETUP_VERSION,
		.verify_peer_cert = 1,
		.check_common_ca = 1,
		.cert_chain_validation = 1,
		.cert_chain_verify_depth = 2,
		.allow_no_crl = 1,
		.pki_key = {.key_type = COAP_PKI_KEY_PEM,
			    .key.pem = {device->ca, device->certificate, device->key}},
	};
	coap_resource_t *resource = coap_resource_init(coap_make_str_const("wet"), 0);
	coap_address_t at;

	snprintf(device->certificate, sizeof(device->certificate), "%s/%s.crt", folder, name);
	snprintf(device->key, sizeof(device->key), "%s/%s.key", folder, name);
	snprintf(device->ca, sizeof(device->ca), "%s/%s.crt", folder, ca);
	coap_address_init(&at);
	device->port = free_port();
	at.addr.sin = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(device->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	at.size = sizeof(at.addr.sin);
	device->context = coap_new_context(NULL);
	assert_non_null(device->context);
	assert_int_equal(coap_context_set_pki(device->context, &pki), 1);
	assert_non_null(coap_new_endpoint(device->context, &at, COAP_PROTO_DTLS));
	coap_register_handler(resource, COAP_REQUEST_GET, on_get);
	coap_add_resource(device->context, resource);
}

/* We, towards device i: with this certificate, believing who `ca` has signed if it carries `name`. */
static void trust(struct world *world, size_t i, const char *own, const char *ca, const char *name)
{
	snprintf(world->own_certificate[i], sizeof(world->own_certificate[i]), "%s/%s.crt", folder, own);
	snprintf(world->own_key[i], sizeof(world->own_key[i]), "%s/%s.key", folder, own);
	snprintf(world->ca[i], sizeof(world->ca[i]), "%s/%s.crt", folder, ca);
	world->wire[i] = (struct sensor_wire_conf){
		.id = "w", .kind = SENSOR_WIRE_COAP, .host = "127.0.0.1", .port = world->device[i].port};
	world->conf[i] = (struct sensor_device_conf){.id = "d",
						     .wire = (uint32_t)i,
						     .profile = &world->profile,
						     .dtls_ca = world->ca[i],
						     .dtls_certificate = world->own_certificate[i],
						     .dtls_key = world->own_key[i],
						     .dtls_name = name};
}

static void begin(struct world *world, size_t n)
{
	static const uint32_t mine[] = {0, 1};

	assert_int_equal(coap_field_new(world->wire, world->conf, mine, n, &world->arena, 42, keep, world, &world->diags,
					&world->field), WY_OK);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->memory = calloc(1, 2 << 20);
	assert_non_null(world->memory);
	wy_arena_init(&world->arena, world->memory, 2 << 20);
	wy_diags_init(&world->diags, &world->arena);
	world->point = (struct sensor_profile_point){
		.name = "wet", .type = WY_TYPE_BOOL, .poll = SENSOR_FAST, .scale = 1, .path = "/wet"};
	world->profile = (struct sensor_profile){.id = "wet", .transport = SENSOR_COAP, .points = &world->point,
						 .n_points = 1, .timeout_ms = 500, .class_ms = {200, 600, 60000, 3600000}};
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	coap_field_free(world->field);
	for (size_t i = 0; i < DEVICES; i++)
		coap_free_context(world->device[i].context);
	free(world->memory);
	free(world);
	return 0;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void a_device_with_chain_and_name_is_read(void **state)
{
	static const char *const names[] = {"localhost", "127.0.0.1"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct world *world = *state;
		start(world, 0, "server", "ca");
		trust(world, 0, "monitor", "ca", names[i]);
		begin(world, 1);
		until(world, world->device[0].n_good >= 2);
		assert_int_equal(world->device[0].n_bad, 0);
		tear_down(state);
		set_up(state);
	}
}

static void whoever_is_not_who_we_mean_is_refused(void **state)
{
	static const struct {
		const char *server, *name;
	} rows[] = {
		{"server-other", "localhost"},	  /* another name */
		{"server-other", "127.0.0.1"},	  /* another address */
		{"server", "pit.example"},
		{"server", "192.0.2.7"},
		{"server-stranger", "localhost"}, /* another authority */
		{"server-expired", "localhost"},
		{"server-early", "localhost"},
		{"server-use", "localhost"}, /* a certificate for clients */
		{"stranger-ca", "localhost"}, /* signed by itself */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world *world = *state;
		start(world, 0, rows[i].server, "ca");
		trust(world, 0, "monitor", "ca", rows[i].name);
		begin(world, 1);
		until(world, world->device[0].n_bad >= 1 || world->device[0].n_good > 0);
		if (world->device[0].n_good > 0 || world->device[0].err != WY_E_AUTH)
			fail_msg("%s as %s: %s", rows[i].server, rows[i].name, wy_err_text(world->device[0].err));
		tear_down(state);
		set_up(state);
	}
}

static void a_device_that_does_not_know_us_is_an_error_of_keys(void **state)
{
	struct world *world = *state;

	start(world, 0, "server", "ca");
	trust(world, 0, "client-stranger", "ca", "localhost");
	begin(world, 1);
	until(world, world->device[0].n_bad >= 1);
	assert_int_equal(world->device[0].n_good, 0);
	assert_int_equal(world->device[0].err, WY_E_AUTH);
}

/* What one device's authority signs is worth nothing to another device. */
static void authorities_of_two_devices_stay_apart(void **state)
{
	struct world *world = *state;

	start(world, 0, "server-stranger", "stranger-ca");
	trust(world, 0, "client-stranger", "stranger-ca", "localhost");
	start(world, 1, "server-stranger", "ca");
	trust(world, 1, "monitor", "ca", "localhost");
	begin(world, 2);
	until(world, world->device[0].n_good >= 3 && world->device[1].n_bad >= 1);
	until(world, world->device[1].n_bad >= 3); /* again, long after the other's authority was read */
	assert_int_equal(world->device[1].n_good, 0);
	assert_int_equal(world->device[0].n_bad, 0);
}

static void files_that_are_not_there_are_an_error_of_keys(void **state)
{
	struct world *world = *state;

	start(world, 0, "server", "ca");
	trust(world, 0, "nobody", "ca", "localhost");
	begin(world, 1);
	until(world, world->device[0].n_bad >= 1);
	assert_int_equal(world->device[0].err, WY_E_AUTH);
}

/* Without its certificates nobody is believed: an empty list is no reason to believe everybody. */
static void an_authority_that_is_not_there_makes_nobody_believed(void **state)
{
	struct world *world = *state;

	start(world, 0, "server", "ca");
	trust(world, 0, "monitor", "gone", "localhost");
	begin(world, 1);
	until(world, world->device[0].n_bad >= 1);
	assert_int_equal(world->device[0].n_good, 0);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int make_files(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/weiyu-coap-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	mbaps_keys_make(folder);
	return 0;
}

static int remove_files(void **state)
{
	char *words[] = {"rm", "-rf", folder, NULL};
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		execvp(words[0], words);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

#define each(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(a_device_with_chain_and_name_is_read),
		each(whoever_is_not_who_we_mean_is_refused),
		each(a_device_that_does_not_know_us_is_an_error_of_keys),
		each(authorities_of_two_devices_stay_apart),
		each(files_that_are_not_there_are_an_error_of_keys),
		each(an_authority_that_is_not_there_makes_nobody_believed),
	};

	coap_startup();
	coap_dtls_set_log_level(LOG_EMERG);
	coap_set_log_level(LOG_EMERG);
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
