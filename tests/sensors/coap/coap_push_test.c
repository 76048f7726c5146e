/* coap_push_test.c: sensors that push: what is taken, from whom, and what strangers get.
 *
 * The sensors are libcoap's client, each with a port of its own as far as it matters; strangers are plain sockets. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "coap_field.h"

#define DEVICES 2
#define KEPT 256
#define PATIENCE_MS 30000

struct kept {
	struct sensor_report report;
	struct wy_sample sample[4];
};

struct world {
	uint16_t port;
	struct sensor_profile_point points[3];
	struct sensor_profile profile;
	struct sensor_wire_conf wire;
	struct sensor_device_conf device[DEVICES];
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct coap_field *field;
	wy_ms skew_ms;
	struct kept kept[KEPT];
	size_t n_kept;
	/* the sensors */
	coap_context_t *context;
	coap_session_t *session;
	int codes[KEPT];
	size_t n_codes;
};

static wy_ms real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (wy_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void keep(void *arg, const struct sensor_report *report)
{
	struct world *world = arg;
	struct kept *kept = &world->kept[world->n_kept];

	assert_true(world->n_kept < KEPT && report->n <= 4);
	kept->report = *report;
	if (report->n > 0)
		memcpy(kept->sample, report->sample, report->n * sizeof(kept->sample[0]));
	world->n_kept++;
}

static void turn(struct world *world)
{
	struct pollfd wait = {.fd = coap_field_fd(world->field), .events = POLLIN};

	coap_field_step(world->field, real_ms() + world->skew_ms);
	if (world->context)
		coap_io_process(world->context, COAP_IO_NO_WAIT);
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

static void pass(struct world *world, wy_ms span_ms)
{
	wy_ms end_ms = real_ms() + span_ms;

	while (real_ms() < end_ms)
		turn(world);
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

/* ---- The sensor ------------------------------------------------------------------------------ */

static coap_response_t on_answer(coap_session_t *session, const coap_pdu_t *sent, const coap_pdu_t *received,
				 const coap_mid_t mid)
{
	struct world *world = coap_get_app_data(coap_session_get_context(session));
	coap_pdu_code_t code = coap_pdu_get_code(received);

	(void)sent;
	(void)mid;
	assert_true(world->n_codes < KEPT);
	world->codes[world->n_codes++] = (int)((code >> 5) * 100 + (code & 31));
	return COAP_RESPONSE_OK;
}

static coap_address_t loopback(uint16_t port)
{
	coap_address_t at;

	coap_address_init(&at);
	at.addr.sin = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	at.size = sizeof(at.addr.sin);
	return at;
}

/* A sensor wakes: from this port, 0 any, to this one. */
static void wake(struct world *world, const char *identity, const char *key, uint16_t from, uint16_t to)
{
	coap_dtls_cpsk_t psk = {
		.version = COAP_DTLS_CPSK_SETUP_VERSION,
		.psk_info.identity = {strlen(identity), (const uint8_t *)identity},
		.psk_info.key = {strlen(key), (const uint8_t *)key},
	};
	coap_address_t own = loopback(from), peer = loopback(to);

	world->context = coap_new_context(NULL);
	assert_non_null(world->context);
	coap_set_app_data(world->context, world);
	coap_register_response_handler(world->context, on_answer);
	world->session = coap_new_client_session_psk2(world->context, from ? &own : NULL, &peer, COAP_PROTO_DTLS, &psk);
	assert_non_null(world->session);
	coap_session_set_max_retransmit(world->session, 8);
}

/* It loses its power, or falls asleep with a word of farewell. */
static void sleep_now(struct world *world, bool is_cut)
{
	if (!world->context)
		return;
	if (is_cut)
		coap_debug_set_packet_loss("100%");
	coap_session_release(world->session);
	coap_free_context(world->context);
	coap_debug_set_packet_loss("0%");
	world->context = NULL;
	world->session = NULL;
}

struct request {
	coap_pdu_code_t method;
	const char *path;
	int format; /* -1: none */
	const char *payload;
	size_t len; /* 0: strlen */
	int mid;    /* 0: the next */
	uint32_t block1;
	bool is_proxied;
};

static void push_request(struct world *world, const struct request *request)
{
	uint16_t mid = request->mid ? (uint16_t)request->mid : coap_new_message_id(world->session);
	coap_pdu_t *pdu = coap_pdu_init(request->mid ? COAP_MESSAGE_NON : COAP_MESSAGE_CON, request->method, mid, 1024);
	char path[64];
	uint8_t bytes[4];

	assert_non_null(pdu);
	coap_add_token(pdu, 2, (const uint8_t *)"ab");
	snprintf(path, sizeof(path), "%s", request->path);
	for (char *at = path, *next; at; at = next) {
		next = strchr(at, '/');
		if (next)
			*next++ = '\0';
		coap_add_option(pdu, COAP_OPTION_URI_PATH, strlen(at), (const uint8_t *)at);
	}
	if (request->format >= 0)
		coap_add_option(pdu, COAP_OPTION_CONTENT_FORMAT,
				coap_encode_var_safe(bytes, sizeof(bytes), (unsigned)request->format), bytes);
	if (request->block1)
		coap_add_option(pdu, COAP_OPTION_BLOCK1, coap_encode_var_safe(bytes, sizeof(bytes), request->block1), bytes);
	if (request->is_proxied)
		coap_add_option(pdu, COAP_OPTION_PROXY_URI, 15, (const uint8_t *)"coap://10.0.0.1");
	if (request->payload)
		coap_add_data(pdu, request->len ? request->len : strlen(request->payload), (const uint8_t *)request->payload);
	assert_int_not_equal(coap_send(world->session, pdu), COAP_INVALID_MID);
}

static int answer_to(struct world *world, const struct request *request)
{
	size_t before = world->n_codes;

	push_request(world, request);
	until(world, world->n_codes > before);
	return world->codes[before];
}

#define WET "[{\"bn\":\"/3200/0/\",\"n\":\"5500\",\"vb\":true}]"
#define DRY "[{\"bn\":\"/3200/0/\",\"n\":\"5500\",\"vb\":false}]"

static int push(struct world *world, const char *payload)
{
	struct request request = {COAP_REQUEST_CODE_POST, "3200/0", 110, payload, 0, 0, 0, false};

	return answer_to(world, &request);
}

/* ---- The gateway ----------------------------------------------------------------------------- */

static int set_up(void **state)
{
	static const char *const names[] = {"pit-1", "pit-2"};
	static const char *const keys[] = {"0123456789abcdef", "fedcba9876543210"};
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->memory = calloc(1, 2 << 20);
	assert_non_null(world->memory);
	wy_arena_init(&world->arena, world->memory, 2 << 20);
	wy_diags_init(&world->diags, &world->arena);
	world->points[0] = (struct sensor_profile_point){
		.name = "wet", .type = WY_TYPE_BOOL, .scale = 1, .path = "/3200/0", .senml_name = "3200/0/5500"};
	world->points[1] = (struct sensor_profile_point){
		.name = "battery", .type = WY_TYPE_INT, .scale = 1, .path = "/3200/0", .senml_name = "3411/0/1"};
	world->points[2] = (struct sensor_profile_point){
		.name = "level", .type = WY_TYPE_REAL, .scale = 1, .path = "/3435/0/2"};
	world->profile = (struct sensor_profile){.id = "pit", .transport = SENSOR_COAP, .points = world->points,
						 .n_points = 3, .timeout_ms = 200, .class_ms = {300, 600, 60000, 3600000}};
	world->port = free_port();
	world->wire = (struct sensor_wire_conf){
		.id = "push", .kind = SENSOR_WIRE_COAP, .host = "127.0.0.1", .port = world->port, .is_listening = true};
	for (size_t i = 0; i < DEVICES; i++)
		world->device[i] = (struct sensor_device_conf){.id = names[i], .profile = &world->profile,
							       .psk_identity = names[i], .psk_key = (const uint8_t *)keys[i],
							       .psk_key_len = 16, .max_silence_ms = 600000};
	*state = world;
	return 0;
}

static void begin(struct world *world)
{
	static const uint32_t mine[] = {0, 1};

	assert_int_equal(coap_field_new(&world->wire, world->device, mine, DEVICES, &world->arena, 42, keep, world,
					&world->diags, &world->field), WY_OK);
	turn(world);
}

static int tear_down(void **state)
{
	struct world *world = *state;

	sleep_now(world, false);
	coap_field_free(world->field);
	free(world->memory);
	free(world);
	return 0;
}

static const struct kept *latest(const struct world *world)
{
	return &world->kept[world->n_kept - 1];
}

/* ---- What is taken --------------------------------------------------------------------------- */

static void a_push_becomes_values_of_its_device(void **state)
{
	struct world *world = *state;
	static const char cbor[] = "\x82\xA3\x21\x67" "/3200/0" "\x00\x65" "/5500" "\x04\xF5\xA3\x21\x60\x00\x68" "3411/0/1" "\x02\x18\x3E";
	struct request put = {COAP_REQUEST_CODE_PUT, "3435/0/2", 0, "41.5", 0, 0, 0, false};

	begin(world);
	wake(world, "pit-2", "fedcba9876543210", 0, world->port);
	assert_int_equal(push(world, WET), 204);
	assert_int_equal(world->n_kept, 1);
	assert_int_equal(latest(world)->report.device, 1);
	assert_int_equal(latest(world)->report.err, WY_OK);
	assert_int_equal(latest(world)->report.n, 1); /* of what it did not tell, nothing is said */
	assert_int_equal(latest(world)->sample[0].point, 0);
	assert_int_equal(latest(world)->sample[0].quality, WY_Q_GOOD);
	assert_int_equal(latest(world)->sample[0].whole, 1);
	assert_int_equal(answer_to(world, &put), 204);
	assert_int_equal(latest(world)->sample[0].point, 2);
	assert_true(latest(world)->sample[0].real == 41.5);
	struct request post = {COAP_REQUEST_CODE_POST, "3200/0", 112, cbor, sizeof(cbor) - 1, 0, 0, false};
	assert_int_equal(answer_to(world, &post), 204);
	assert_int_equal(latest(world)->report.n, 2);
	assert_int_equal(latest(world)->sample[1].whole, 62);
	sleep_now(world, false);
	wake(world, "pit-1", "0123456789abcdef", 0, world->port);
	assert_int_equal(push(world, DRY), 204);
	assert_int_equal(latest(world)->report.device, 0);
	assert_int_equal(latest(world)->sample[0].whole, 0);
}

static void nothing_but_values_of_the_profile_is_answered_with_success(void **state)
{
	static const struct {
		struct request request;
		int code;
		size_t n_reports;
	} rows[] = {
		{{COAP_REQUEST_CODE_GET, "3200/0", -1, NULL, 0, 0, 0, false}, 405, 0},
		{{COAP_REQUEST_CODE_GET, ".well-known/core", -1, NULL, 0, 0, 0, false}, 405, 0},
		{{COAP_REQUEST_CODE_POST, ".well-known/core", 110, WET, 0, 0, 0, false}, 404, 0},
		{{COAP_REQUEST_CODE_DELETE, "3200/0", -1, NULL, 0, 0, 0, false}, 405, 0},
		{{COAP_REQUEST_CODE_DELETE, "nothing", -1, NULL, 0, 0, 0, false}, 405, 0},
		{{COAP_REQUEST_CODE_FETCH, "3200/0", 110, WET, 0, 0, 0, false}, 405, 0},
		{{COAP_REQUEST_CODE_POST, "3200/1", 110, WET, 0, 0, 0, false}, 404, 0},
		{{COAP_REQUEST_CODE_POST, "3200/0/5500", 110, WET, 0, 0, 0, false}, 404, 0},
		{{COAP_REQUEST_CODE_POST, "3200/0", 110, WET, 0, 0, 8 | 2, false}, 413, 0},
		{{COAP_REQUEST_CODE_POST, "3200/0", 110, WET, 0, 0, 16 | 2, false}, 413, 0},
		{{COAP_REQUEST_CODE_POST, "3200/0", 110, WET, 0, 0, 0, true}, 505, 0},
		{{COAP_REQUEST_CODE_POST, "3200/0", 110, "[{\"n\":\"other\",\"v\":1}]", 0, 0, 0, false}, 400, 0},
		{{COAP_REQUEST_CODE_POST, "3200/0", 110, "[{\"n\":\"3200/0/5500\",\"vb\":tr", 0, 0, 0, false}, 400, 1},
		{{COAP_REQUEST_CODE_POST, "3200/0", 50, "{}", 0, 0, 0, false}, 415, 1},
		{{COAP_REQUEST_CODE_POST, "3200/0", 0, "1", 0, 0, 0, false}, 415, 1}, /* of which of its points? */
		{{COAP_REQUEST_CODE_POST, "3435/0/2", 0, NULL, 0, 0, 0, false}, 400, 1},
	};
	struct world *world = *state;

	begin(world);
	wake(world, "pit-1", "0123456789abcdef", 0, world->port);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t before = world->n_kept;
		int code = answer_to(world, &rows[i].request);
		if (code != rows[i].code || world->n_kept != before + rows[i].n_reports)
			fail_msg("row %zu: %d, %zu reports", i, code, world->n_kept - before);
		for (size_t k = before; k < world->n_kept; k++)
			assert_int_equal(world->kept[k].sample[0].why, WY_WHY_PAYLOAD);
	}
	assert_int_equal(push(world, WET), 204);
}

static void a_push_repeated_is_reported_once(void **state)
{
	struct world *world = *state;
	struct request request = {COAP_REQUEST_CODE_POST, "3200/0", 110, WET, 0, 77, 0, false};

	begin(world);
	wake(world, "pit-1", "0123456789abcdef", 0, world->port);
	assert_int_equal(answer_to(world, &request), 204);
	assert_int_equal(answer_to(world, &request), 204);
	assert_int_equal(answer_to(world, &request), 204);
	assert_int_equal(world->n_kept, 1);
	/* The same number for something else is no repetition: better twice than never. */
	request.payload = DRY;
	assert_int_equal(answer_to(world, &request), 204);
	assert_int_equal(world->n_kept, 2);
	assert_int_equal(latest(world)->sample[0].whole, 0);
	/* Neither is it after a new beginning. */
	sleep_now(world, false);
	wake(world, "pit-1", "0123456789abcdef", 0, world->port);
	assert_int_equal(answer_to(world, &request), 204);
	assert_int_equal(world->n_kept, 3);
}

static void a_sensor_gone_mad_is_told_to_stop(void **state)
{
	struct world *world = *state;
	size_t n_stopped = 0;

	begin(world);
	wake(world, "pit-1", "0123456789abcdef", 0, world->port);
	for (size_t i = 0; i < 100; i++)
		n_stopped += push(world, WET) == 429;
	assert_true(n_stopped >= 20);
	assert_true(world->n_kept <= 80 && world->n_kept >= 40);
	world->skew_ms += 20000;
	assert_int_equal(push(world, WET), 204);
}

static void silence_is_reported_and_ends_with_a_push(void **state)
{
	struct world *world = *state;

	begin(world);
	wake(world, "pit-1", "0123456789abcdef", 0, world->port);
	world->skew_ms += 500000;
	assert_int_equal(push(world, WET), 204);
	pass(world, 50);
	assert_int_equal(world->n_kept, 1);
	world->skew_ms += 150000; /* the other has not been heard since we began */
	until(world, world->n_kept == 2);
	assert_int_equal(latest(world)->report.err, WY_E_TIMEOUT);
	assert_int_equal(latest(world)->report.device, 1);
	pass(world, 50);
	assert_int_equal(world->n_kept, 2);
	world->skew_ms += 61000; /* two make a silent device */
	until(world, world->n_kept == 3);
	assert_int_equal(latest(world)->report.device, 1);
	sleep_now(world, false);
	wake(world, "pit-2", "fedcba9876543210", 0, world->port);
	assert_int_equal(push(world, WET), 204);
	assert_int_equal(latest(world)->report.err, WY_OK);
	size_t before = world->n_kept;
	world->skew_ms += 400000; /* pit-1 is 600 s silent by now, pit-2 is not */
	until(world, world->n_kept == before + 1);
	assert_int_equal(latest(world)->report.device, 0);
	pass(world, 50);
	assert_int_equal(world->n_kept, before + 1);
}

static void a_port_that_is_taken_is_a_report_and_tried_again(void **state)
{
	struct world *world = *state;
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(world->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	begin(world);
	until(world, world->n_kept == 2);
	assert_int_equal(world->kept[0].report.err, WY_E_LINK);
	assert_int_equal(world->kept[1].report.err, WY_E_LINK);
	close(fd);
	world->skew_ms += 11000;
	turn(world);
	wake(world, "pit-1", "0123456789abcdef", 0, world->port);
	assert_int_equal(push(world, WET), 204);
}

static void a_pushing_device_cannot_be_asked(void **state)
{
	struct world *world = *state;

	begin(world);
	assert_int_equal(coap_field_ask(world->field, 0), WY_E_UNSUPPORTED);
}

/* ---- Waking and forgetting ------------------------------------------------------------------- */

static void a_sensor_that_lost_its_memory_is_let_in_from_the_same_port(void **state)
{
	struct world *world = *state;
	uint16_t own = free_port();

	begin(world);
	for (int i = 0; i < 4; i++) {
		wy_ms began_ms = real_ms();
		wake(world, "pit-1", "0123456789abcdef", own, world->port);
		assert_int_equal(push(world, i % 2 ? DRY : WET), 204);
		assert_int_equal(world->n_kept, i + 1);
		assert_int_equal(latest(world)->sample[0].whole, i % 2 ? 0 : 1);
		assert_true(real_ms() - began_ms < 20000);
		sleep_now(world, true);
	}
}

static void a_forged_hello_throws_nobody_out(void **state)
{
	struct world *world = *state;
	struct coap_gate *gate;
	uint8_t hello[100] = {22, 254, 253, [12] = 87, [13] = 1};

	begin(world);
	wake(world, "pit-1", "0123456789abcdef", 0, world->port);
	assert_int_equal(push(world, WET), 204);
	/* From the sensor's own address: over its own socket, past its DTLS. */
	gate = &world->field->listeners[0].gate;
	struct sockaddr_storage at = {0};
	socklen_t len = 0;
	for (size_t i = 0; i < gate->n_peers; i++)
		if (gate->peers[i].len) {
			at = gate->peers[i].at;
			len = gate->peers[i].len;
		}
	assert_true(len > 0);
	struct sockaddr_in there = {
		.sin_family = AF_INET, .sin_port = htons(world->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = -1;
	for (int candidate = 3; candidate < 256 && fd < 0; candidate++) {
		struct sockaddr_storage own = {0};
		socklen_t own_len = sizeof(own);
		if (getsockname(candidate, (struct sockaddr *)&own, &own_len) == 0 && own_len == len &&
		    memcmp(&own, &at, len) == 0)
			fd = candidate;
	}
	assert_true(fd >= 0);
	for (int i = 0; i < 20; i++)
		assert_true(sendto(fd, hello, sizeof(hello), 0, (struct sockaddr *)&there, sizeof(there)) > 0);
	pass(world, 100);
	assert_int_equal(push(world, DRY), 204);
	assert_int_equal(world->n_kept, 2);
}

static void a_sensor_has_two_associations_at_most(void **state)
{
	struct world *world = *state;
	size_t n = 0;

	begin(world);
	for (int i = 0; i < 6; i++) {
		wake(world, "pit-1", "0123456789abcdef", 0, world->port);
		assert_int_equal(push(world, WET), 204);
		sleep_now(world, true);
	}
	for (size_t i = 0; i < world->field->listeners[0].n_callers; i++)
		n += world->field->listeners[0].callers[i].device != NULL;
	assert_int_equal(n, WY_COAP_CALLS_OF_DEVICE);
	assert_int_equal(world->n_kept, 6);
}

/* ---- Strangers ------------------------------------------------------------------------------- */

static void who_has_no_key_of_ours_is_refused(void **state)
{
	static const char *const rows[][2] = {
		{"pit-1", "fedcba9876543210"}, {"pit-3", "0123456789abcdef"}, {"", "0123456789abcdef"}};
	struct world *world = *state;

	begin(world);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wake(world, rows[i][0], rows[i][1], 0, world->port);
		push_request(world, &(struct request){COAP_REQUEST_CODE_POST, "3200/0", 110, WET, 0, 0, 0, false});
		pass(world, 1500); /* DTLS passes over in silence what was not made with its key */
		sleep_now(world, true);
	}
	assert_int_equal(world->n_kept, 0);
	assert_int_equal(world->n_codes, 0);
	wake(world, "pit-1", "0123456789abcdef", 0, world->port);
	assert_int_equal(push(world, WET), 204);
}

struct traffic {
	size_t in, out; /* bytes, as the gateway sees them */
};

static int stranger(uint16_t port)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void count_out(int fd, struct traffic *traffic)
{
	uint8_t bytes[4096];
	ssize_t len;

	while ((len = recv(fd, bytes, sizeof(bytes), 0)) >= 0)
		traffic->out += (size_t)len;
}

static struct traffic shout(struct world *world, const void *bytes, size_t len, int times)
{
	int fd = stranger(world->port);
	struct traffic traffic = {0};

	for (int i = 0; i < times; i++) {
		assert_int_equal(send(fd, bytes, len, 0), (ssize_t)len);
		traffic.in += len;
		turn(world);
		count_out(fd, &traffic);
	}
	pass(world, 50);
	count_out(fd, &traffic);
	close(fd);
	return traffic;
}

/* The first datagram of a real sensor. */
static size_t catch_hello(struct world *world, uint8_t *hello, size_t size)
{
	uint16_t port = free_port();
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	ssize_t len;

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	wake(world, "pit-1", "0123456789abcdef", 0, port);
	len = recv(fd, hello, size, 0);
	assert_true(len > 60);
	sleep_now(world, true);
	close(fd);
	return (size_t)len;
}

static void strangers_get_at_most_three_bytes_for_one(void **state)
{
	static const char get_core[] = "\x40\x01\x12\x34\xBB.well-known\x04" "core";
	static const char garbage[] = "\x16\xFE\xFD\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x01\xFF\xFF\xFF\xFF";
	uint8_t bytes[1500];
	struct world *world = *state;
	struct traffic traffic;
	size_t len;

	begin(world);
	len = catch_hello(world, bytes, sizeof(bytes));
	traffic = shout(world, get_core, sizeof(get_core) - 1, 20);
	assert_int_equal(traffic.out, 0);
	traffic = shout(world, "", 0, 5);
	assert_int_equal(traffic.out, 0);
	traffic = shout(world, garbage, sizeof(garbage) - 1, 20);
	print_message("malformed hello: %zu bytes in, %zu out\n", traffic.in, traffic.out);
	assert_true(traffic.out <= 3 * traffic.in);
	traffic = shout(world, bytes, len, 50);
	print_message("hello repeated: %zu bytes in, %zu out\n", traffic.in, traffic.out);
	assert_true(traffic.out > 0 && traffic.out <= traffic.in); /* a hello gets a cookie, which is smaller */
	for (size_t cut = 14; cut < len; cut += 7) {
		traffic = shout(world, bytes, cut, 2);
		assert_true(traffic.out <= 3 * traffic.in);
	}
	for (size_t i = 13; i < len; i += 5) {
		bytes[i] ^= 0x55;
		traffic = shout(world, bytes, len, 2);
		bytes[i] ^= 0x55;
		assert_true(traffic.out <= 3 * traffic.in);
	}
	assert_int_equal(world->n_kept, 0);
	wake(world, "pit-1", "0123456789abcdef", 0, world->port);
	assert_int_equal(push(world, WET), 204);
}

/* Its address is proven by the cookie, its key is not: what is sent to it again and again stays within the bound. */
static void a_handshake_left_half_way_gets_no_more(void **state)
{
	struct world *world = *state;
	uint16_t port = free_port();
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_storage client;
	socklen_t client_len = sizeof(client);
	int near = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), far;
	struct traffic traffic = {0};
	uint8_t bytes[2048];
	int n_in = 0;
	ssize_t len;

	begin(world);
	assert_int_equal(bind(near, (struct sockaddr *)&at, sizeof(at)), 0);
	far = stranger(world->port);
	wake(world, "pit-1", "0123456789abcdef", 0, port);
	wy_ms end_ms = real_ms() + 9000;
	while (real_ms() < end_ms) {
		turn(world);
		client_len = sizeof(client);
		len = recvfrom(near, bytes, sizeof(bytes), 0, (struct sockaddr *)&client, &client_len);
		if (len > 0 && n_in < 2) { /* the hello, and the hello with the cookie; then it is gone */
			n_in++;
			traffic.in += (size_t)len;
			assert_int_equal(send(far, bytes, (size_t)len, 0), len);
		}
		while ((len = recv(far, bytes, sizeof(bytes), 0)) > 0) {
			traffic.out += (size_t)len;
			(void)!sendto(near, bytes, (size_t)len, 0, (struct sockaddr *)&client, sizeof(struct sockaddr_in));
		}
	}
	assert_int_equal(n_in, 2);
	print_message("half a handshake: %zu bytes in, %zu out\n", traffic.in, traffic.out);
	assert_true(traffic.out > 0 && traffic.out <= 3 * traffic.in);
	close(near);
	close(far);
}

static void a_flood_of_strangers_keeps_no_sensor_out(void **state)
{
	struct world *world = *state;
	uint8_t hello[1500];
	size_t len;

	begin(world);
	len = catch_hello(world, hello, sizeof(hello));
	for (int i = 0; i < 3 * (int)WY_COAP_STRANGERS_MAX; i++) {
		int fd = stranger(world->port);
		assert_int_equal(send(fd, hello, len, 0), (ssize_t)len);
		turn(world);
		close(fd);
	}
	wake(world, "pit-1", "0123456789abcdef", 0, world->port);
	assert_int_equal(push(world, WET), 204);
	assert_int_equal(world->n_kept, 1);
}

#define each(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(a_push_becomes_values_of_its_device),
		each(nothing_but_values_of_the_profile_is_answered_with_success),
		each(a_push_repeated_is_reported_once),
		each(a_sensor_gone_mad_is_told_to_stop),
		each(silence_is_reported_and_ends_with_a_push),
		each(a_port_that_is_taken_is_a_report_and_tried_again),
		each(a_pushing_device_cannot_be_asked),
		each(a_sensor_that_lost_its_memory_is_let_in_from_the_same_port),
		each(a_forged_hello_throws_nobody_out),
		each(a_sensor_has_two_associations_at_most),
		each(who_has_no_key_of_ours_is_refused),
		each(strangers_get_at_most_three_bytes_for_one),
		each(a_handshake_left_half_way_gets_no_more),
		each(a_flood_of_strangers_keeps_no_sensor_out),
	};

	coap_startup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
